--- changing string functions is not seen by the next run
string.upper = function() return "planted" end
string.planted = 1
request.body = string.upper("x") == "planted" and "contained" or "own copy is fixed"
---- then
verdict(string.planted ~= nil or string.upper("x") ~= "X", "string kept a change")

--- changing table functions is not seen by the next run
table.concat = function() return "planted" end
table.planted = 1
verdict(false)
---- then
verdict(table.planted ~= nil or table.concat({ "a", "b" }) ~= "ab", "table kept a change")

--- changing math functions and constants is not seen by the next run
math.pi, math.huge, math.floor = 3, 4, nil
verdict(false)
---- then
verdict(math.pi == 3 or math.huge == 4 or math.floor == nil, "math kept a change")

--- emptying every library is not seen by the next run
for _, library in pairs({ string, table, math, log }) do
  for name in pairs(library) do library[name] = nil end
end
local globals = _G
for name in pairs(globals) do if name ~= "request" then globals[name] = nil end end
request.body = "contained"
---- then
verdict(not (string.upper and table.concat and math.floor and log.info and tostring and _G), "a library is gone")

--- changing the tables of modules is not seen by the next run
local json = require("json")
json.decode = function() return "planted" end
require("base64").encode, require("log").info = nil, nil
log.warn = function() end
verdict(false)
---- then
verdict(require("json").decode("1") ~= 1 or not require("base64").encode or not log.info, "a module kept a change")

--- the methods of strings cannot be changed
string.upper = function() return "planted" end
verdict(("x"):upper() ~= "X", "a method came from the script's table")

--- the metatable of strings is not shown
verdict(getmetatable("") ~= false or getmetatable(payload) ~= false, type(getmetatable("")))

--- the metatable of strings cannot be replaced
local ok = pcall(setmetatable, "", { __index = function() return "planted" end })
verdict(ok or ("x").foo ~= nil, "strings have a new metatable")

--- strings cannot be indexed into their method table
verdict((""):rep(1).__index ~= nil or ("").__metatable ~= nil, ("").__index)

--- rawset and rawget do not accept a string
verdict(pcall(rawset, "", "x", 1) or pcall(rawget, "", "upper"), "raw access to a string")

--- no value of the library has a metatable
local found
for name, value in pairs(_G) do
  if type(value) ~= "string" and getmetatable(value) ~= nil then found = name end
  if type(value) == "table" then
    for inner, member in pairs(value) do
      if type(member) ~= "string" and getmetatable(member) ~= nil then found = name .. "." .. inner end
    end
  end
end
verdict(found, found)

--- a metatable cannot be given to a function
verdict(pcall(setmetatable, print, { __index = {} }) or pcall(setmetatable, 1, {}) or pcall(setmetatable, nil, {}),
  "a shared type got a metatable")

--- newproxy is not there
verdict(newproxy ~= nil, "newproxy")

--- coroutines are not there
verdict(coroutine ~= nil or coroutine_create ~= nil, "coroutine")

--- debug is not there
verdict(debug ~= nil, "debug")

--- io and os are not there
verdict(io ~= nil or os ~= nil, "io or os")

--- package and module are not there
verdict(package ~= nil or module ~= nil, "package or module")

--- the bridge's own table is not there
verdict(python ~= nil or _G.python ~= nil or rawget(_G, "python") ~= nil, "python")

--- load, loadfile and dofile are not there
verdict(load ~= nil or loadfile ~= nil or dofile ~= nil or gcinfo ~= nil, "a loader")

--- require finds no file, no C library and no loaded package
for _, name in ipairs({ "os", "io", "debug", "package", "_G", "string", "lupa", "python", "./x", "/etc/passwd", "json.so",
                        "json\0", "", "..", "__index", "redis", "KV", "kv.get" }) do
  if pcall(require, name) then return verdict(true, name) end
end
verdict(false)

--- require takes no module from a metatable that the script set up
setmetatable(require("log"), { __index = function() return "planted" end })
setmetatable(_G, { __index = function() return function() return "planted" end end })
verdict(pcall(require, "os"), "require looked through a metatable")
---- then
verdict(getmetatable(_G) ~= nil or getmetatable(log) ~= nil, "a metatable stayed")

--- collectgarbage cannot stop or tune the collector
for _, option in ipairs({ "stop", "restart", "step", "setpause", "setstepmul", "collect" }) do
  if collectgarbage(option, 100000) ~= 0 then return verdict(true, option) end
end
verdict(pcall(collectgarbage, "generational") or pcall(collectgarbage, {}) or pcall(collectgarbage, 5), "an option")

--- collectgarbage does not tell what other runs use
verdict(collectgarbage("count") > 1024 or collectgarbage("count") < 0, collectgarbage("count"))

--- everything reachable is a table, a function or plain data, and no name of Python's resolves
local seen, kinds, queue = {}, { userdata = true, thread = true, cdata = true }, { _G }
local PYTHON = { "__globals__", "__class__", "__builtins__", "__dict__", "__call__", "__code__", "__self__", "gi_frame" }
local function look(value)
  if kinds[type(value)] then error("a " .. type(value)) end
  if value ~= nil and not seen[value] and (type(value) == "table" or type(value) == "function") then
    seen[value] = true
    queue[#queue + 1] = value
  end
end
for _, name in ipairs({ "json", "base64", "log", "kv", "http", "crypto" }) do look(require(name)) end
local ok, problem = pcall(function()
  local i = 0
  while i < #queue do
    i = i + 1
    local value = queue[i]
    if type(value) == "table" then
      for key, member in pairs(value) do look(key) look(member) end
      for _, name in ipairs(PYTHON) do
        if rawget(value, name) ~= nil then error(name) end
      end
    else
      local env_ok, env = pcall(getfenv, value)
      if env_ok then look(env) end
      for _, name in ipairs(PYTHON) do
        if pcall(function() return value[name] end) then error(name .. " of a function") end
      end
    end
    look(getmetatable(value))
  end
end)
verdict(not ok or #queue < 90, problem or #queue)

--- every function that is called with every kind of value returns no userdata
local values = { n = 9, nil, true, 1, -1, "x", "", {}, print, _G }
local bad
local function look(...)
  for i = 1, select("#", ...) do
    local kind = type((select(i, ...)))
    if kind == "userdata" or kind == "thread" then bad = kind end
  end
end
local skip = { [string.rep] = true, [pcall] = true, [xpcall] = true, [setfenv] = true, [error] = true, [rawset] = true }
for _, library in ipairs({ _G, string, table, math, require("json"), require("base64"), require("kv"), require("http"), require("crypto"), log }) do
  local functions = {}
  for _, member in pairs(library) do
    if type(member) == "function" and not skip[member] then functions[#functions + 1] = member end
  end
  for _, member in ipairs(functions) do
    for i = 1, values.n do
      look(pcall(member, values[i]))
      look(pcall(member, values[i], values[i]))
      look(pcall(member, {}, values[i], values[i]))
    end
  end
end
request = { body = bad and "ESCAPED: " .. bad or "contained" }
