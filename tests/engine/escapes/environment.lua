--- getfenv at every level shows the run's own globals or nothing
for level = -5, 300 do
  local ok, env = pcall(getfenv, level)
  if ok and env ~= _G then return verdict(true, "level " .. level) end
end
verdict(false)

--- getfenv with odd numbers shows the run's own globals or nothing
for _, level in ipairs({ 0.5, -0.5, 1.5, 1e300, -1e300, 1 / 0, -1 / 0, 0 / 0, 2 ^ 31, 2 ^ 32, 2 ^ 32 - 1, 2 ^ 53, "0", "1", "2", "0x0" }) do
  local ok, env = pcall(getfenv, level)
  if ok and env ~= _G then return verdict(true, tostring(level)) end
end
verdict(false)

--- getfenv of every function shows the run's own globals
local function inspect(library)
  for name, member in pairs(library) do
    if type(member) == "function" then
      local ok, env = pcall(getfenv, member)
      if ok and env ~= _G then error(name) end
    end
  end
end
for _, library in ipairs({ _G, string, table, math, log, require("json"), require("base64"), require("kv"), require("http"), require("crypto") }) do
  local ok, name = pcall(inspect, library)
  if not ok then return verdict(true, name) end
end
verdict(getfenv(string.gmatch("a", "a")) ~= _G or getfenv((pairs({}))) ~= _G, "an iterator")

--- setfenv at every level changes no function but the script's own
local planted = setmetatable({}, { __index = _G })
-- From within pcall, level 2 is the script itself.
for level = 3, 100 do
  if pcall(setfenv, level, planted) then return verdict(true, "level " .. level) end
end
for _, level in ipairs({ 0, -1, -0.5, 0.5, 1e300, 0 / 0, 1 / 0, 2 ^ 32, 2 ^ 32 - 1, "0", "1", "2" }) do
  if pcall(setfenv, level, planted) then return verdict(true, tostring(level)) end
end
verdict(false)

--- setfenv changes no library function
local planted, changed = {}, nil
for _, library in ipairs({ _G, string, table, math, log, require("json"), require("base64"), require("kv"), require("http"), require("crypto") }) do
  local functions = {}
  for name, member in pairs(library) do
    if type(member) == "function" then functions[name] = member end
  end
  for name, member in pairs(functions) do
    if pcall(setfenv, member, planted) then changed = name end
  end
end
verdict(changed, changed)

--- setfenv changes no function that calls the script back
local globals, got = _G, nil
local planted = setmetatable({}, { __index = globals })
local function attempt()
  for level = 1, 20 do
    pcall(setfenv, level, planted)
    local ok, env = pcall(getfenv, level)
    if ok and env ~= globals and env ~= planted then got = level end
  end
end
string.gsub("x", "x", attempt)
table.sort({ 2, 1 }, function() attempt() return false end)
table.foreach({ 1 }, attempt)
pcall(tostring, setmetatable({}, { __tostring = function() attempt() return "" end }))
pcall(print, setmetatable({}, { __tostring = function() attempt() return "" end }))
pcall(log.info, setmetatable({}, { __tostring = function() attempt() return "" end }))
xpcall(error, attempt)
verdict(got, got)

--- an environment seen through tail calls is the run's own
local function tail(level) return getfenv(level) end
for level = 0, 20 do
  local ok, env = pcall(tail, level)
  if ok and env ~= _G then return verdict(true, level) end
end
verdict(false)

--- getfenv and setfenv as callbacks of C functions reach nothing
local got
local function note(ok, value) if ok and type(value) == "table" and value ~= _G then got = value end end
string.gsub("0 1 2 3", "%d", function(digit) note(pcall(getfenv, digit)) end)
pcall(string.gsub, "0 1 2", "%d", getfenv)
pcall(table.sort, { 3, 2, 1 }, getfenv)
note(pcall(xpcall, error, getfenv))
note(pcall(table.foreachi, { 1, 2, 3 }, getfenv))
note(pcall(table.foreach, { [print] = {} }, setfenv))
verdict(got, got)

--- a __tostring, __index and __concat that look around find the run's own globals
local got
local function look() for level = 0, 20 do
  local ok, env = pcall(getfenv, level)
  if ok and env ~= _G then got = level end
end return "" end
local trap = setmetatable({}, { __tostring = look, __index = look, __concat = look, __eq = look, __lt = look, __call = look,
  __newindex = look, __unm = look, __len = look, __add = look })
print(trap)
local _ = trap.x, trap .. "x", trap + 1, -trap
trap.y = 1
trap()
verdict(got, got)

--- setting one's own environment takes nothing along to the next run
setfenv(1, setmetatable({}, { __index = _G }))
planted = 1
getfenv(1).request.body = "contained"
---- then
verdict(planted ~= nil, "a global of the run before")

--- the script's own function, handed out by setfenv, leads nowhere
local main = setfenv(1, _G)
verdict(getfenv(main) ~= _G or type(main) ~= "function", "main")

--- a chunk of loadstring has the run's globals, also from a function with another environment
local f = setfenv(function() return loadstring("return _G, getfenv(1)") end, { loadstring = loadstring })
local a, b = f()()
verdict(a ~= _G or b ~= _G, "loadstring")

--- an output written under another environment does not count
request.body = "contained"
setfenv(1, { payload = payload, request = { body = "ESCAPED: another table's request" }, headers = { X = "1" } })
request.body = "ESCAPED: another table's request"

--- _G can be replaced without reaching another run
_G = { planted = 1 }
_G.planted2 = 1
verdict(false)
---- then
verdict(type(_G) ~= "table" or _G.planted or _G.planted2 or _G ~= getfenv(1), "_G stayed")
