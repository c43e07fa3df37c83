--- a table's __gc never runs, not even in another run
setmetatable({}, { __gc = function() planted = "ran" end })
weak = setmetatable({ {} }, { __mode = "v", __gc = function() planted = "ran" end })
weak = nil
for i = 1, 2000 do local _ = { i } end
collectgarbage()
request.body = planted and "ESCAPED: __gc ran" or "contained"
---- then
for i = 1, 200000 do local _ = { i } end
verdict(planted ~= nil, "__gc of the run before ran")

--- a for loop with a step of nothing is stopped => script_timeout
for _ = 2, 1, 0 do end

--- a for loop to infinity is stopped => script_timeout
for _ = 1, math.huge do end

--- a for loop over what is no number ends at once
local turns = 0
for _ = 0 / 0, 10 do turns = turns + 1 end
for _ = 1, 0 / 0 do turns = turns + 1 end
for _ = 1, 10, 0 / 0 do turns = turns + 1 end
verdict(turns > 0 or pcall(loadstring("for i = {}, 1 do end")), turns)

--- a table takes no nil and no NaN for a key
local t = {}
verdict(pcall(rawset, t, nil, 1) or pcall(rawset, t, 0 / 0, 1) or pcall(function() t[0 / 0] = 1 end) or pcall(function() t[nil] = 1 end)
  or next(t) ~= nil, "a key")

--- next with a key that is not there is an error
verdict(pcall(next, {}, "x") or pcall(next, { 1 }, 2 ^ 53) or pcall(next, { a = 1 }, {}) or pcall(next, nil) or pcall(next, "x"), "no error")

--- growing a table while it is walked ends
local t = { 1 }
local ok = pcall(function()
  local turns = 0
  for key in pairs(t) do
    turns = turns + 1
    if turns > 1000 then break end
    t[turns + 1], t["k" .. turns] = true, key
  end
end)
verdict(false)

--- select at odd places gives an error or what was given
for _, place in ipairs({ 0, -100, 0 / 0, -2 ^ 31, -2 ^ 31 - 1, 2 ^ 32, -1 / 0 }) do
  local results = { pcall(select, place, "a", "b") }
  for i = 2, #results do
    if results[1] and results[i] ~= "a" and results[i] ~= "b" then return verdict(true, tostring(results[i])) end
  end
end
verdict(select("#", select(2 ^ 30, "a")) ~= 0, "select gave something")

--- tonumber in odd bases is an error or a number
for _, base in ipairs({ 0, 1, 37, -1, 2 ^ 31, 0 / 0, 1 / 0 }) do
  local ok, value = pcall(tonumber, "10", base)
  if ok and value ~= nil and type(value) ~= "number" then return verdict(true, type(value)) end
end
verdict(tonumber("1e") or tonumber("") or tonumber({}) or tonumber(string.rep("z", 5), 35), "a number")

--- what C reads as infinity or not a number is only a number
for _, text in ipairs({ "inf", "nan", "infinity", "-nan(0x1)", "0x1p4", "1e99999" }) do
  local value = tonumber(text)
  if value ~= nil and type(value) ~= "number" then return verdict(true, type(value)) end
end
verdict(false)

--- a number in a string is no way around a type check
verdict(pcall(setmetatable, "1", {}) or pcall(rawset, 1, 1, 1) or pcall(ipairs, "1") or pcall(unpack, "1") or pcall(setfenv, "1", {}), "passed")

--- pcall of pcall of nothing is an error and no crash
verdict(pcall(pcall) or not pcall(pcall, error) or pcall(pcall, pcall, error) ~= true or pcall(error), "pcall")

--- a call of what is no function is an error
for _, value in ipairs({ 1, "x", true, {} }) do
  if pcall(value) or pcall(function() return value() end) then return verdict(true, type(value)) end
end
verdict(pcall(nil), "nil")

--- a chain of __call that bites its own tail is an error
local a, b = {}, {}
setmetatable(a, { __call = b })
setmetatable(b, { __call = a })
verdict(pcall(a) or pcall(function() return a(1) end), "called")

--- a chain of __newindex that bites its own tail is an error
local a, b = {}, {}
setmetatable(a, { __newindex = b })
setmetatable(b, { __newindex = a })
verdict(pcall(function() a.x = 1 end), "set")

--- an __index chain of a hundred thousand tables is an error or a value
local t = { x = "deep" }
for _ = 1, 100000 do t = setmetatable({}, { __index = t }) end
local ok, value = pcall(function() return t.x end)
verdict(ok and value ~= "deep", value)

--- a locked metatable is neither shown nor replaced
local t = setmetatable({}, { __metatable = "locked", __index = { secret = 1 } })
verdict(getmetatable(t) ~= "locked" or pcall(setmetatable, t, {}) or pcall(setmetatable, t, nil), "unlocked")

--- a comparison with mixed types is an error
verdict(pcall(function() return {} < {} end) or pcall(function() return 1 < "1" end) or pcall(function() return nil < 1 end)
  or pcall(function() return print < print end), "compared")

--- __concat, __lt, __le, __eq and __unm that never return are stopped => script_timeout
local function loop() while true do end end
local traps = { __concat = loop, __lt = loop, __le = loop, __eq = loop, __unm = loop, __call = loop }
local a, b = setmetatable({}, traps), setmetatable({}, traps)
pcall(function() return a .. b end)
pcall(function() return a < b end)
pcall(function() return a == b end)
request.body = "ESCAPED: went on after the deadline"

--- a sort whose order never returns is stopped => script_timeout
table.sort({ 3, 2, 1 }, function() while true do end end)

--- a replacement that never returns is stopped => script_timeout
string.gsub("x", "x", function() while true do end end)

--- a __tostring that never returns is stopped => script_timeout
tostring(setmetatable({}, { __tostring = function() while true do end end }))

--- an environment that never answers is stopped => script_timeout
setfenv(function() return x end, setmetatable({}, { __index = function() while true do end end }))()

--- table.foreach that never returns is stopped => script_timeout
table.foreach({ 1 }, function() while true do end end)

--- loadstring in loadstring without end is stopped => script_timeout
local function again() return loadstring("return ...")(again) end
while true do again() end

--- a script of a thousand local variables is refused
local names = {}
for i = 1, 1000 do names[i] = "v" .. i end
verdict(loadstring("local " .. table.concat(names, ",")), "compiled")

--- a function over a hundred outer variables is refused
local lines = {}
for i = 1, 100 do lines[i] = "local v" .. i .. " = 1" end
local used = {}
for i = 1, 100 do used[i] = "v" .. i end
verdict(loadstring(table.concat(lines, "\n") .. "\nreturn function() return " .. table.concat(used, "+") .. " end"), "compiled")

--- source nested a hundred thousand deep is refused
for _, pair in ipairs({ { "(", ")" }, { "{", "}" }, { "not ", "" }, { "- ", "" }, { "#", "" }, { "f(", ")" }, { "function() return ", " end" },
                        { "1 .. ", "" }, { "2 ^ ", "" } }) do
  if loadstring("return " .. string.rep(pair[1], 100000) .. "1" .. string.rep(pair[2], 100000)) then return verdict(true, pair[1]) end
end
verdict(false)

--- blocks nested a hundred thousand deep are refused
for _, opening in ipairs({ "do ", "while true do ", "if x then ", "for i = 1, 2 do ", "repeat ", "x = function() " }) do
  if loadstring(string.rep(opening, 100000)) then return verdict(true, opening) end
end
verdict(false)

--- a chain of ten thousand elseif compiles or is refused
local chunk, problem = loadstring("if x then" .. string.rep(" elseif x then", 10000) .. " end")
verdict(chunk == nil and type(problem) ~= "string", problem)

--- a constructor of three hundred thousand values compiles or is refused
local values = {}
for i = 1, 300000 do values[i] = i end
local chunk, problem = loadstring("return {" .. table.concat(values, ",") .. "}")
verdict(chunk == nil and type(problem) ~= "string" or chunk and #chunk() ~= 300000, problem)

--- a call with a thousand arguments is refused or right
local values = {}
for i = 1, 1000 do values[i] = tostring(i) end
local chunk = loadstring("return select('#', " .. table.concat(values, ",") .. ")")
verdict(chunk and chunk() ~= 1000, "counted wrong")

--- unfinished source of every kind is refused
for _, source in ipairs({ "'", '"', "[[", "[==[", "--[[", "--[==[", "x = ", "(", "{", "function", "goto x", "::x::", "x = 0x", "x = 1e", "'\\300'",
                          "'\\", "\0", "x\0y", "\255", "break", "return return", "local function", "for", "a.b.c", "f", "1", "...=1" }) do
  if loadstring(source) then return verdict(true, source) end
end
verdict(false)

--- a zero byte does not end the source unseen
local chunk = loadstring("return 1 --\0\n, 2")
verdict(chunk and select(2, chunk()) ~= 2, "the rest was not read")

--- assigning to loop variables and parameters leaks nothing
for payload = 1, 2 do payload = "planted" end
local function f(headers) headers = "planted" end
f()
verdict(payload == "planted" or headers == "planted", "leaked")

--- arg of an old style vararg function is a table of the call
local function f(...) return arg end
local got = f(1, 2)
verdict(arg ~= nil or got ~= nil and (type(got) ~= "table" or got[1] ~= 1 or got.n ~= 2), "arg")
