--- a global does not reach the next run
planted, _G.planted2 = 1, 2
rawset(_G, "planted3", 3)
setfenv(function() planted4 = 4 end, _G)()
loadstring("planted5 = 5")()
verdict(false)
---- then
verdict(planted or planted2 or planted3 or planted4 or planted5, "a global")

--- the same script does not see its own globals of the run before
count = (count or 0) + 1
verdict(count > 1, count)
---- again

--- the same script does not see what its functions kept
local kept = 0
local function count() kept = kept + 1 return kept end
local main = setfenv(1, getfenv(1))
verdict(count() > 1, "an upvalue")
---- again

--- the same script under another environment does not see it the next time
verdict(planted ~= nil, "the environment of the cached chunk")
setfenv(1, { planted = 1 })
---- again

--- input tables are new in each run
headers.planted, metadata.planted, config.planted, request.planted = "1", 1, 1, 1
request.headers.planted = "1"
setmetatable(metadata, { __index = { planted2 = 1 } })
verdict(false)
---- then
verdict(headers.planted or metadata.planted or metadata.planted2 or config.planted or request.planted or request.headers.planted,
  "an input table")

--- the same table is not handed out twice
if last ~= nil then return verdict(true, "last") end
last = { headers, metadata, config, request, string, table, math, log, _G }
verdict(false)
---- again

--- a seed does not reach the next run
math.randomseed(42)
first = math.random()
request.body = "contained"
log.info(string.format("%.17g", first))
---- then
local drawn = math.random()
math.randomseed(42)
verdict(drawn == math.random(), "the sequence went on from a seed of the run before")

--- nonsense seeds harm nobody
for _, seed in ipairs({ 0 / 0, 1 / 0, -1 / 0, 1e308, -5, 0 }) do
  pcall(math.randomseed, seed)
  pcall(math.random, 1, 10)
end
verdict(false)
---- then
local value = math.random()
verdict(value < 0 or value >= 1 or value ~= value, value)

--- weak tables hold nothing of another run
weak = setmetatable({}, { __mode = "kv" })
weak[1], weak[{}] = {}, 1
verdict(false)
---- then
verdict(weak ~= nil, "weak")

--- an error object does not reach the next run => script_runtime_error
error({ planted = true })
---- then
local _, problem = pcall(error)
verdict(problem ~= nil, problem)

--- a run after a deadline starts with a whole budget => script_timeout
while true do end
---- then
for i = 1, 100000 do end
verdict(false)

--- a run after a memory error starts with a whole budget => script_memory_limit
local t = {}
while true do t[#t + 1] = string.rep("x", 1000000) .. #t end
---- then
local s = string.rep("x", 10000000)
verdict(#s ~= 10000000, #s)

--- logs of one run are not those of the next
log.info("planted")
print("planted")
verdict(false)
---- then
verdict(false)

--- locale, collector and hook are as before
collectgarbage("stop")
collectgarbage("setpause", 1000000)
verdict(false)
---- then
verdict(tostring(1.5) ~= "1.5" or string.upper("\195\164") ~= "\195\164", "locale")
