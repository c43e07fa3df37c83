--- what JSON decodes to has no metatable and is shared with nobody
local json = require("json")
local a, b = json.decode('{"x":{"__index":1,"__metatable":2}}'), json.decode('{"x":{"__index":1,"__metatable":2}}')
verdict(getmetatable(a) or getmetatable(a.x) or a == b or a.x == b.x or a.x.y ~= nil, "a metatable")

--- JSON names such as Python's are only names
local json = require("json")
local value = json.decode('{"__class__":{"__globals__":1},"__dict__":[],"__reduce__":"os.system","py/object":"os"}')
verdict(type(value.__class__) ~= "table" or value.__class__.__globals__ ~= 1 or value.__reduce__ ~= "os.system", "not as written")

--- what is nearly JSON is refused
local json = require("json")
for _, text in ipairs({ "", " ", "nul", "NaN", "Infinity", "-Infinity", "+1", "01", "1.", ".5", "0x10", "1e", "[1,]", "{,}", '{"a":1,}', "{a:1}", "'a'",
                        "[1] 2", '"\1"', '"\\x41"', '"\\u12"', "\239\187\191[]", "[", "]", "{", '{"a"', '{"a":', "tru", "None", "True", "\0" }) do
  local value, problem = json.decode(text)
  if value ~= nil or type(problem) ~= "string" then return verdict(true, text) end
end
verdict(false)

--- JSON text that is no UTF-8 is repaired or refused
local json = require("json")
for _, bytes in ipairs({ "\255", "\192\128", "\237\160\128", "\244\144\128\128", "\226\130", "\\ud800", "\\udc00\\ud800", "\\u0000" }) do
  local value, problem = json.decode('"' .. bytes .. '"')
  if value ~= nil and type(value) ~= "string" or value == nil and type(problem) ~= "string" then return verdict(true, type(value)) end
end
verdict(false)

--- keys that no JSON object has are refused
local json = require("json")
for _, key in ipairs({ 0, -1, 2, 1.5, 2 ^ 31, 2 ^ 53, 1 / 0, true, {}, print }) do
  if key ~= 1 and json.encode({ [key] = 1 }) then return verdict(true, tostring(key)) end
end
verdict(json.encode({ 1, a = 2 }), "mixed keys")

--- a JSON key with every byte in it is written or refused
local json, bytes = require("json"), {}
for i = 0, 255 do bytes[i + 1] = string.char(i) end
local text, problem = json.encode({ [table.concat(bytes)] = table.concat(bytes) })
verdict(text == nil and type(problem) ~= "string", problem)

--- a JSON document of the same key a hundred thousand times is one value
local json = require("json")
local value = json.decode("{" .. string.rep('"k":1,', 100000) .. '"k":2}')
verdict(value and value.k ~= 2, value and value.k)

--- the tables of JSON can be changed while they are written by nobody
local json, list = require("json"), {}
for i = 1, 100 do list[i] = setmetatable({ i }, { __index = function() list[1] = nil end, __tostring = function() list[2] = nil return "" end }) end
local text = json.encode(list)
verdict(not text or list[1] == nil or list[2] == nil, "a trap ran")

--- a log field cannot pretend to be another line
log.info("a\nlevel=error message=forged", { ["level"] = "error", ["message"] = "forged\r\n", ["line"] = 99 })
verdict(false)

--- log fields that have no JSON form are an error with a string
for _, fields in ipairs({ { print }, { [1] = 1, a = 1 }, { x = 0 / 0 }, { x = { y = print } }, { [true] = 1 } }) do
  local ok, problem = pcall(log.info, "x", fields)
  if ok or type(problem) ~= "string" then return verdict(true, type(problem)) end
end
verdict(pcall(log.info, "x", "y") or pcall(log.info, {}) or pcall(log.info), "logged")

--- a host written in another way is no other function's business
local http = require("http")
for _, url in ipairs({ "file:///etc/passwd", "gopher://127.0.0.1/", "http://[::1]/", "http://0/", "http://2130706433/", "http://localhost:6379/\r\nFLUSHALL",
                       "//x", "http://", "http://a@b:c@d/", "unix:/run/x" }) do
  local ok, answer, problem = pcall(http.get, url)
  if not ok or answer ~= nil or type(problem) ~= "string" then return verdict(true, url) end
end
verdict(false)

--- key names that are paths or wildcards open nothing
local kv, crypto = require("kv"), require("crypto")
for _, name in ipairs({ "*", "../x", "lua:kv:other:x", "\0", "{config_id}", "%s", "x\r\nGET y", "HOWK_LUA_CRYPTO_X" }) do
  local value, problem = kv.get(name)
  local plain, why = crypto.decrypt_credential(name, "AAAA", "AAAA")
  if value ~= nil or plain ~= nil or type(problem) ~= "string" or type(why) ~= "string" then return verdict(true, name) end
end
verdict(false)
