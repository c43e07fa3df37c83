--- string.dump is not there
verdict(string.dump ~= nil or ("").dump ~= nil, "string.dump")

--- loadstring refuses bytecode
local chunk, problem = loadstring("\27Lua\81\0\1\4\8\4\8\0")
verdict(chunk ~= nil, "a chunk")

--- loadstring refuses bytecode made of numbers
local chunk = loadstring(string.char(27, 76, 117, 97, 0x51, 0, 1, 4, 8, 4, 8, 0) .. string.rep("\0", 100))
verdict(chunk ~= nil, "a chunk")

--- loadstring refuses a bare escape byte
verdict(loadstring("\27") ~= nil or loadstring("\27return 1") ~= nil, "a chunk")

--- bytecode after other bytes is no source either
for _, lead in ipairs({ " ", "\n", "#!x\n", "\239\187\191", "--\n", "\0" }) do
  if loadstring(lead .. "\27Lua\81\0\1\4\8\4\8\0") then return verdict(true, lead) end
end
verdict(false)

--- loadstring reads strings only, no reader function and no table with a trap
local trap = setmetatable({}, { __tostring = function() return "\27Lua" end })
verdict(pcall(loadstring, trap) or pcall(loadstring, function() return "\27Lua" end) or pcall(loadstring), "a reader")

--- loadstring takes no name for its chunk that would pass for the engine's
local chunk = loadstring("error('x')", "=engine")
local _, problem = pcall(chunk)
verdict(string.find(problem, "engine", 1, true), problem)

--- a chunk of loadstring is stopped like any other code => script_timeout
loadstring("while true do pcall(loadstring('while true do end')) end", "=engine")()

--- loadstring nested a hundred deep ends
local source = "return 1"
for _ = 1, 12 do source = string.format("return loadstring(%q)()", source) end
local ok, value = pcall(loadstring(source))
verdict(ok and value ~= 1, value)
