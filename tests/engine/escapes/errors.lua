--- an error object is data, whatever it is
local _, value = pcall(error, { secret = 1 })
verdict(type(value) ~= "table" or value.secret ~= 1, type(value))

--- errors of module functions are strings
for _, call in ipairs({ require("json").decode, require("json").encode, require("base64").decode, require("base64").encode, log.info,
                        require("kv").get, require("kv").set, require("http").get, require("http").post, require("crypto").decrypt_credential,
                        require, loadstring, getfenv, setfenv, collectgarbage, print, math.random, math.randomseed }) do
  for _, argument in ipairs({ {}, print, true, "\255", 0 / 0 }) do
    local ok, problem = pcall(call, argument, argument)
    if not ok and type(problem) ~= "string" then return verdict(true, type(problem)) end
  end
end
verdict(false)

--- a failed operation gives nil and a string
local json, base64 = require("json"), require("base64")
for _, answer in ipairs({ { json.decode("{") }, { json.encode(print) }, { base64.decode("*") }, { json.decode("1e999") } }) do
  if answer[1] ~= nil or type(answer[2]) ~= "string" then return verdict(true, tostring(answer[2])) end
end
verdict(false)

--- an error object that raises when it is shown => script_runtime_error
error(setmetatable({}, { __tostring = function() error("again") end, __index = function() error("index") end }))

--- an error object that loops when it is shown => script_runtime_error
error(setmetatable({}, { __tostring = function() while true do end end, __index = function() while true do end end }))

--- an error object that contains itself => script_runtime_error
local problem = {}
problem.problem = problem
error(problem)

--- an error that is a function => script_runtime_error
error(print)

--- an error without a value => script_runtime_error
error()

--- an error of ten megabytes => script_runtime_error
error(string.rep("x", 10000000))

--- an error object of ten megabytes => script_runtime_error
error({ text = string.rep("x", 5000000) })

--- an error that pretends to be the engine's own => script_runtime_error
error("engine:1: not a word of it", 0)

--- an error that pretends to be the time limit => script_runtime_error
error("the CPU time limit was reached", 0)

--- errors at odd levels => script_runtime_error
for _, level in ipairs({ -1, 0, 50, 1e300, 0 / 0 }) do pcall(error, "x", level) end
error("x", 3)

--- errors in the handler of xpcall
local ok, problem = xpcall(function() error("a") end, function() error("b") end)
verdict(ok, "no error")

--- a handler of xpcall that overflows the stack
local function deep() return 1 + deep() end
verdict(xpcall(deep, deep), "no error")

--- traps on headers do not run while the output is read
local ran
local trap = { __index = function() ran = true return "x" end, __newindex = function() ran = true end, __metatable = "locked",
  __len = function() ran = true return 1e9 end, __pairs = function() ran = true end, __tostring = function() ran = true return "x" end }
setmetatable(headers, trap)
setmetatable(request, trap)
setmetatable(config, trap)
setmetatable(_G, { __index = trap.__index, __metatable = 1 })
rawset(request, "headers", setmetatable({}, trap))
rawset(request, "retry_on_status", setmetatable({ 409 }, trap))
ran = nil
rawset(request, "body", "contained")
---- then
verdict(getmetatable(_G) ~= nil or getmetatable(headers) ~= nil or getmetatable(request) ~= nil, "a metatable stayed")

--- a trap that would loop for ever while the output is read does not run
local function loop() while true do end end
local traps = { __index = loop, __newindex = loop, __tostring = loop, __len = loop, __eq = loop, __lt = loop, __call = loop }
for _, owner in ipairs({ headers, config, metadata, request, request.headers }) do setmetatable(owner, traps) end
rawset(request, "body", "contained")
setmetatable(_G, traps)

--- a table that looks like a string is not one => script_invalid_output
request.body = setmetatable({}, { __tostring = function() return "ESCAPED: a trap became the body" end })

--- deep recursion ends in an error
local function deep(n) return 1 + deep(n + 1) end
verdict(pcall(deep, 1), "no error")

--- recursion through C functions ends in an error
local function through_gsub() return (string.gsub("x", "x", through_gsub)) end
local function through_pcall() return select(2, pcall(through_pcall)) end
local function through_sort() table.sort({ 2, 1 }, through_sort) end
local function through_tostring() return tostring(setmetatable({}, { __tostring = through_tostring })) end
pcall(through_pcall)
verdict(pcall(through_gsub) or pcall(through_sort) or pcall(through_tostring), "no error")

--- a chain of __index that bites its own tail ends in an error
local a, b = {}, {}
setmetatable(a, { __index = b })
setmetatable(b, { __index = a })
verdict(pcall(function() return a.x end), "no error")

--- a trap on _G does not supply the outputs that are missing
headers, config, request.body = nil, nil, "contained"
setmetatable(_G, { __index = function(_, name) return { ["X-Trap"] = "ESCAPED", opt_out_default_headers = 5 } end })
