--- pcall cannot swallow the deadline => script_timeout
while true do pcall(function() while true do end end) end

--- xpcall cannot swallow the deadline => script_timeout
while true do xpcall(function() while true do end end, function() return 1 end) end

--- a handler of xpcall that loops cannot outlive the deadline => script_timeout
xpcall(function() while true do end end, function() while true do end end)
request.body = "ESCAPED: went on after the deadline"

--- a handler of xpcall that raises cannot outlive the deadline => script_timeout
while true do xpcall(function() while true do end end, function() error("again") end) end

--- pcall nested a hundred deep cannot swallow the deadline => script_timeout
local function nest(n) if n == 0 then while true do end end while true do pcall(nest, n - 1) end end
nest(100)

--- xpcall nested a hundred deep cannot swallow the deadline => script_timeout
local function nest(n)
  local function body() if n == 0 then while true do end end nest(n - 1) end
  while true do xpcall(body, body) end
end
nest(60)

--- what follows a swallowed deadline does not run => script_timeout
pcall(function() while true do end end)
request.body = "ESCAPED: went on after the deadline"

--- a callback of gsub is stopped => script_timeout
string.gsub(string.rep("x", 100000), "x", function() while true do end end)

--- a callback of gsub that swallows the deadline is stopped => script_timeout
while true do pcall(string.gsub, string.rep("x", 1000), "x", function() pcall(function() while true do end end) end) end

--- a comparator is stopped => script_timeout
table.sort({ 3, 2, 1 }, function() while true do end end)

--- a metamethod that shows a value is stopped => script_timeout
print(setmetatable({}, { __tostring = function() while true do end end }))

--- an index metamethod is stopped => script_timeout
local _ = setmetatable({}, { __index = function() while true do end end }).x

--- an iterator without end is stopped => script_timeout
for _ in function() return 1 end do end

--- repeat and goto-like tail calls without end are stopped => script_timeout
local function again() return again() end
again()

--- a loop of string calls is stopped => script_timeout
while true do pcall(string.rep, "x", 1000) end

--- a loop of module calls is stopped => script_timeout
local json = require("json")
while true do pcall(json.decode, "[1,2,3]") end

--- a loop that logs is stopped => script_timeout
while true do log.info("x") end

--- a loop of syntax errors is stopped => script_timeout
while true do loadstring("((((((") end

--- a loop over collectgarbage is stopped => script_timeout
while true do collectgarbage() end

--- a table without end is stopped => script_memory_limit
local t = {}
for i = 1, 1e9 do t[i] = i end

--- tables without end are stopped => script_memory_limit
local t
while true do t = { t } end

--- closures without end are stopped => script_memory_limit
local f
while true do local before = f f = function() return before end end

--- strings without end are stopped => script_memory_limit
local s = "x"
while true do s = s .. s end

--- distinct strings without end are stopped => script_memory_limit
local t, n = {}, 0
while true do n = n + 1 t["k" .. n] = true end

--- string.rep of a gigabyte is stopped => script_memory_limit
return string.rep("x", 1e9)

--- a chain of string.rep is stopped => script_memory_limit
local s = "x"
for _ = 1, 40 do s = string.rep(s, 2) end

--- table.concat of a gigabyte is stopped => script_memory_limit
local t, s = {}, string.rep("x", 1000000)
for i = 1, 1000 do t[i] = s end
return table.concat(t)

--- gsub that multiplies is stopped => script_memory_limit
return string.gsub(string.rep("x", 1000000), "x", string.rep("y", 1000))

--- string.format that multiplies is stopped => script_memory_limit
local s = string.rep("x", 1000000)
while true do s = string.format("%s%s%s", s, s, s) end

--- upper, lower and reverse of much are stopped => script_memory_limit
local t, s = {}, string.rep("x", 1000000)
for i = 1, 100 do t[i] = string.reverse(s .. i) end

--- arguments without end are an error
local function grow(...) return (grow(1, ...)) end
verdict(pcall(grow), "no error")

--- unpack of too much is an error
verdict(pcall(unpack, {}, 1, 1e8) or pcall(unpack, {}, -2 ^ 31, 2 ^ 31 - 1) or pcall(unpack, {}, 1, 2 ^ 31 - 1), "no error")

--- unpack over the range of an int does not write past the stack
for _, range in ipairs({ { -2 ^ 31, 2 ^ 31 - 1 }, { -2 ^ 31, 0 }, { 0, 2 ^ 31 - 1 }, { -1e8, 2 ^ 31 - 1 }, { 0 / 0, 1 }, { 1, 1 / 0 },
                         { "-2147483648", "2147483647" }, { -2 ^ 53, 2 ^ 53 }, { 2 ^ 32, 2 ^ 33 } }) do
  if pcall(unpack, {}, range[1], range[2]) then return verdict(true, range[1]) end
end
verdict(select("#", unpack({ 1, 2, 3 }, 2)) ~= 2 or select("#", unpack({}, 3, 1)) ~= 0, "unpack is wrong")

--- a function with many named parameters before ... is refused => script_syntax_error
local function f(a, b, c, d, ...) return select("#", ...) end

--- loadstring makes no function with many named parameters before ...
local names = {}
for i = 1, 199 do names[i] = "a" .. i end
for _, source in ipairs({ "return function(%s, ...) end", "local t = {} function t:f(%s, ...) return t, 1.5, true, nil, 'x' end" }) do
  if loadstring(source:format(table.concat(names, ","))) then return verdict(true, source) end
end
verdict(not loadstring("return function(a, b, c, ...) return a, ... end"), "three are too many")

--- calls without arguments at every depth of the stack harm nobody
local names = {}
for i = 1, 199 do names[i] = "a" .. i end
local many = loadstring("return function(" .. table.concat(names, ",") .. ") return a199 end")()
local function few(a, b, c, ...) return a end
local function deep(n, ...) if n == 0 then return many(), few() end return (deep(n - 1, 1, ...)) end
for n = 1, 150 do pcall(deep, n) end
verdict(false)

--- string.byte and string.char of too much are an error
verdict(pcall(string.byte, string.rep("x", 1000000), 1, -1) or pcall(string.char, 256) or pcall(string.char, -1), "no error")

--- formats that are out of bounds are an error
verdict(pcall(string.format, "%1000d", 1) or pcall(string.format, "%.1000f", 1) or pcall(string.format, "%y", 1)
  or pcall(string.format, "%d") or pcall(string.format, "%"), "no error")

--- patterns that are out of bounds are an error
verdict(pcall(string.find, "x", string.rep("(", 40)) or pcall(string.find, "x", "%") or pcall(string.find, "x", "[")
  or pcall(string.find, "x", "%b") or pcall(string.gsub, "x", "x", "%9") or pcall(string.find, "x", "(()"), "no error")

--- swallowing the memory limit leaves the limit in place => script_memory_limit
local kept = {}
for i = 1, 100 do
  pcall(function() for j = 1, 1e7 do kept[#kept + 1] = string.rep("x", 100000) .. j end end)
end
error("not enough memory", 0)

--- after a swallowed memory error the run goes on within its limit
local ok = pcall(function() local t = {} for i = 1, 1e9 do t[i] = i end end)
verdict(ok or collectgarbage("count") > 51300, collectgarbage("count"))

--- a JSON document of too many levels is refused
local value, problem = require("json").decode(string.rep("[", 100000))
verdict(value ~= nil or not problem, "decoded")

--- a JSON document of too many objects is stopped => script_memory_limit
return require("json").decode("[" .. string.rep("{},", 2000000) .. "{}]")

--- a JSON document of a very long number is refused
local value, problem = require("json").decode(string.rep("9", 100000))
local other = require("json").decode("1e" .. string.rep("9", 1000))
verdict(value ~= nil or other ~= nil or not problem, "decoded")

--- a JSON string of a million escapes is read
local text = require("json").decode('"' .. string.rep("\\u0041", 1000000) .. '"')
verdict(text ~= string.rep("A", 1000000), "wrong text")

--- a value that contains itself has no JSON form
local value = {}
value.value = value
local text, problem = require("json").encode(value)
verdict(text ~= nil or not string.find(problem, "contains itself"), problem)

--- traps do not run while JSON is written
local ran
local function trap() ran = true return 1 end
local value = setmetatable({ a = 1 }, { __index = trap, __pairs = trap, __len = trap, __tostring = trap, __metatable = trap })
verdict(require("json").encode(value) ~= '{"a":1}' or ran, "a trap ran")

--- base64 of much is stopped => script_memory_limit
local base64, s = require("base64"), string.rep("x", 10000000)
while true do s = base64.encode(s) end

--- base64 of nonsense is refused
local base64 = require("base64")
verdict(base64.decode(string.rep("=", 1000000)) or base64.decode("A") or base64.decode("\0\0\0\0"), "decoded")

--- a flood of log lines is cut and the run goes on
for i = 1, 100000 do log.info("flood", { i = 1 }) end
verdict(false)

--- a flood of long log lines is cut and the run goes on
for i = 1, 100 do print(string.rep("x", 1000000)) end
verdict(false)

--- a flood of large log fields is cut and the run goes on
for i = 1, 20 do log.info("x", { x = string.rep("x", 1000000) }) end
verdict(false)

--- a log line of numbers that no integer holds is only a log line
log.info("x", { a = 1e20, b = 2 ^ 63, c = -2 ^ 63, d = 2 ^ 64, e = 1e300, f = 2 ^ 53 + 1 })
verdict(false)

--- a log line nested five hundred deep is only a log line
local fields = {}
for _ = 1, 500 do fields = { fields } end
log.info("x", fields)
verdict(false)

--- a flood of module calls is cut and the run goes on
local kv, last = require("kv"), nil
for i = 1, 5000 do last = select(2, kv.get("k" .. i)) end
verdict(not string.find(last, "more than 100 module calls"), last)

--- a loop of module calls in pcall is stopped => script_timeout
local http = require("http")
while true do pcall(http.get, "http://127.0.0.1/", { X = "1" }) end

--- module calls with nonsense are refused or fail with a string
local kv, http, crypto = require("kv"), require("http"), require("crypto")
local trap = setmetatable({}, { __index = function() return "x" end, __tostring = function() return "x" end })
for _, value in ipairs({ 0 / 0, 1 / 0, -1, "", "\0", "\255", string.rep("x", 100000), trap, print, true }) do
  for _, call in ipairs({ kv.get, kv.set, kv.del, http.get, http.post, http.put, http.delete, crypto.decrypt_credential }) do
    local ok, answer, problem = pcall(call, value, value, value)
    if ok and answer ~= nil and type(answer) ~= "string" or not ok and type(answer) ~= "string" then
      return verdict(true, type(answer))
    end
  end
  pcall(http.get, "http://127.0.0.1/", { X = value }, { cache_ttl = value })
  pcall(http.get, "http://127.0.0.1/", setmetatable({ X = "1" }, trap), trap)
end
verdict(false)
