--- string.rep an odd number of times gives nothing, an error or a memory error
for _, times in ipairs({ -1, -2 ^ 31, 0 / 0, -1 / 0, -2 ^ 63 }) do
  local ok, text = pcall(string.rep, "", times)
  if ok and text ~= "" then return verdict(true, #text) end
end
verdict(false)

--- string.sub at odd places stays within the string
local s = "abc"
local ends = { 0, -1, 1, 2 ^ 31 - 1, -2 ^ 31, 2 ^ 31, 2 ^ 32, 2 ^ 53, -2 ^ 53, 2 ^ 63, 1 / 0, -1 / 0, 0 / 0 }
for _, first in ipairs(ends) do
  for _, last in ipairs(ends) do
    local ok, text = pcall(string.sub, s, first, last)
    if ok and not string.find(s, text, 1, true) then return verdict(true, text) end
  end
end
verdict(false)

--- string.byte at odd places gives bytes of the string only
local ends = { 0, -1, 1, 2 ^ 31 - 1, -2 ^ 31, 2 ^ 31, 2 ^ 32, 2 ^ 53, 2 ^ 63, 1 / 0, 0 / 0 }
for _, first in ipairs(ends) do
  for _, last in ipairs(ends) do
    local results = { pcall(string.byte, "\1\1\1", first, last) }
    for i = 2, #results do
      if results[1] and results[i] ~= 1 then return verdict(true, results[i]) end
    end
  end
end
verdict(false)

--- string.find from odd places stays within the string
for _, init in ipairs({ 0, -1, 2 ^ 31 - 1, -2 ^ 31, 2 ^ 31, 2 ^ 32, 2 ^ 53, 1 / 0, -1 / 0, 0 / 0 }) do
  for _, plain in ipairs({ true, false }) do
    local ok, first, last = pcall(string.find, "abc", "c", init, plain)
    if ok and first ~= nil and (first ~= 3 or last ~= 3) then return verdict(true, first) end
  end
end
verdict(false)

--- a frontier pattern does not look past the end of the string
local found = string.find("a", "%f[%z]") or string.find("", "%f[a]") or string.find("a", "%f[^a]", 2)
verdict(pcall(string.find, "a", "%f") or pcall(string.find, "a", "%fa") or found and found > 2, found)

--- a set that is not closed is an error
for _, pattern in ipairs({ "[", "[^", "[a", "[a-", "[%", "[%a", "[]", "[^]", "[]-", "[%]", "[[:alpha:" }) do
  if pcall(string.find, "aaa]", pattern) then return verdict(true, pattern) end
end
verdict(false)

--- back references to what is not captured are an error
for _, pattern in ipairs({ "%1", "(a%1)", "(a)%2", "%9", "(%1)" }) do
  if pcall(string.find, "aaa", pattern) then return verdict(true, pattern) end
end
verdict(pcall(string.gsub, "aaa", "a", "%2"), "gsub")

--- thirty-three captures are an error
verdict(pcall(string.find, string.rep("a", 40), string.rep("(a)", 33)) or pcall(string.gmatch("a", string.rep("()", 33))), "captured")

--- a pattern with zero bytes matches nothing beyond the string
local found = string.find("a\0b", "\0") or 2
verdict(found ~= 2 or string.gsub("a\0b", "%z", "") ~= "ab", found)

--- an empty match is counted once at each place
local _, count = string.gsub(string.rep("a", 1000), "", "")
verdict(count ~= 1001, count)

--- a replacement of the wrong kind is an error
for _, value in ipairs({ { a = {} }, { a = print }, function() return {} end, function() return print end }) do
  if pcall(string.gsub, "a", "a", value) then return verdict(true, type(value)) end
end
verdict(pcall(string.gsub, "a", "a") or pcall(string.gsub, "a", "a", true), "no error")

--- an iterator of gmatch outlives no run
iterator = string.gmatch(string.rep("planted ", 10), "%a+")
iterator()
request.body = "contained"
---- then
verdict(iterator ~= nil, "iterator")

--- the widest formats stay within their buffer
for _, format in ipairs({ "%99.99f", "%99.99e", "%99.99g", "%99d", "%99.99d", "%99x", "%99o", "%99c", "%99s", "%.99s", "%-99.99f", "%+#099.99f" }) do
  for _, value in ipairs({ -1.7976931348623157e308, 1 / 0, 0 / 0, -2 ^ 63, 5e-324, 255 }) do
    local ok, text = pcall(string.format, format, value)
    if ok and #text > 512 then return verdict(true, #text) end
  end
end
verdict(false)

--- formats that write or read memory are an error
for _, format in ipairs({ "%n", "%p", "%a", "%hn", "%ls", "%*d", "%1$s", "%100s", "%.100s", "%-+ #00d", "%s%s" }) do
  if pcall(string.format, format, 1) then return verdict(true, format) end
end
verdict(false)

--- %q of every byte is read back the same
local bytes = {}
for i = 0, 255 do bytes[i + 1] = string.char(i) end
local text = table.concat(bytes)
local back = loadstring("return " .. string.format("%q", text))()
verdict(back ~= text, "not the same bytes")

--- addresses that tostring shows name no object of another language
for _, value in ipairs({ print, {}, string.find, require, require("json").decode, require("kv").get, string.gmatch("", "") }) do
  local text = tostring(value)
  if not string.find(text, "^%a+: ") or string.find(string.lower(text), "python") or string.find(text, "<") then return verdict(true, text) end
end
verdict(false)

--- table.concat at odd places is an error or right
for _, first in ipairs({ -2 ^ 31, 0, 2 ^ 31 - 1, 0 / 0 }) do
  local ok, text = pcall(table.concat, {}, "x", first, first)
  if ok and text ~= "" then return verdict(true, text) end
end
verdict(pcall(table.concat, { {} }) or pcall(table.concat, { print }) or pcall(table.concat, { 1 }, {}), "joined")

--- a sort with an order that contradicts itself is an error or an order
for _, order in ipairs({ function() return true end, function(a, b) return a <= b end, function() return math.random() < 0.5 end }) do
  for size = 1, 50 do
    local list, sum = {}, 0
    for i = 1, size do list[i] = i % 5 end
    pcall(table.sort, list, order)
    for i = 1, size do
      if type(list[i]) ~= "number" and list[i] ~= nil then return verdict(true, type(list[i])) end
    end
  end
end
verdict(false)

--- a sort that empties its list while it sorts harms nobody
local list = {}
for i = 1, 100 do list[i] = i end
pcall(table.sort, list, function(a, b)
  for i = 1, 100 do list[i] = nil end
  return (a or 0) > (b or 0)
end)
verdict(false)

--- table.insert and table.remove with nonsense are errors or do nothing
verdict(pcall(table.insert, {}, 1, 2, 3) or pcall(table.insert, {}) or pcall(table.insert, "x", 1) or pcall(table.remove, "x")
  or table.remove({}) ~= nil or table.remove({}, 2 ^ 31 - 1) ~= nil, "no error")

--- random numbers of nonsense ranges are numbers or errors
for _, range in ipairs({ { 0 }, { -1 }, { 0 / 0 }, { 1 / 0 }, { 1, 1 / 0 }, { -1 / 0, 1 / 0 }, { 2 ^ 53, 2 ^ 54 }, { "1", {} } }) do
  local ok, value = pcall(math.random, range[1], range[2])
  if ok and type(value) ~= "number" then return verdict(true, type(value)) end
end
verdict(false)

--- math with nonsense gives numbers or errors
for name, f in pairs(math) do
  if type(f) == "function" then
    for _, value in ipairs({ 0 / 0, 1 / 0, -1 / 0, 2 ^ 1023, 5e-324, "0x10", "x", {} }) do
      local ok, answer = pcall(f, value, value)
      if ok and answer ~= nil and type(answer) ~= "number" then return verdict(true, name) end
    end
  end
end
verdict(false)
