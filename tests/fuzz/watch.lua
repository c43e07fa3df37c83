-- Stands around a fuzzed script: before it, nothing of an earlier run may be there; after it, nothing that is not Lua's.
--
-- The text of this file is put before a script's own, which is the payload too. It uses nothing but locals, so that the
-- script cannot change what is checked.
local watched_pcall, watched_error, watched_loadstring, watched_source = pcall, error, loadstring, payload
local watch_before, watch_after
do
  local next, type, getmetatable, getfenv, tostring, find, upper, concat, sort =
    next, type, getmetatable, getfenv, tostring, string.find, string.upper, table.concat, table.sort
  local error, pcall, rawset, setmetatable, random, randomseed, require = error, pcall, rawset, setmetatable, math.random,
    math.randomseed, require
  local _G, string, table, math, headers, metadata, request, config, log =
    _G, string, table, math, headers, metadata, request, config, log
  local MODULES = { "json", "base64", "log", "kv", "http", "crypto" }
  local MARKERS = { "Python", "Traceback", "<class", " object at 0x", "lupa", "<built-in", "<function", "PyObject" }
  local SEED = 20260101

  local function found(what)
    error("FUZZ-FOUND " .. what, 0)
  end

  local function names_of(owner)
    local names = {}
    for key, value in next, owner do
      names[#names + 1] = tostring(key) .. ":" .. type(value)
    end
    sort(names)
    return concat(names, " ")
  end

  watch_before = function(expected)
    local drawn = random()
    randomseed(SEED)
    if drawn == random() then found("the random numbers of the run before") end
    local owners = { _G, string, table, math, headers, metadata, request, config, request.headers }
    for i = 1, #MODULES do owners[#owners + 1] = require(MODULES[i]) end
    local names = {}
    for i = 1, #owners do
      if getmetatable(owners[i]) ~= nil then found("a metatable of the run before") end
      names[i] = names_of(owners[i])
    end
    local all = concat(names, "\n")
    if expected and all ~= expected then found("names of the run before: " .. all) end
    if getmetatable("") ~= false or ("x"):upper() ~= "X" or upper("x") ~= "X" or concat({ 1, 2 }, ",") ~= "1,2" then
      found("a changed library")
    end
    return all
  end

  local function check_text(text)
    if #text > 100000 then return end
    for i = 1, #MARKERS do
      if find(text, MARKERS[i], 1, true) and not find(watched_source, MARKERS[i], 1, true) then
        found("text of another language: " .. text)
      end
    end
  end

  -- What the next run must not find. Where the script locked something, planting fails, and that is as well.
  local function plant()
    randomseed(SEED)
    rawset(_G, "fuzz_canary", true)
    rawset(string, "fuzz_canary", true)
    for i = 1, #MODULES do
      pcall(function() rawset(require(MODULES[i]), "fuzz_canary", true) end)
    end
    pcall(setmetatable, _G, { __index = { fuzz_canary = true } })
    pcall(setmetatable, math, { __index = { fuzz_canary = true } })
  end

  watch_after = function(...)
    local queue, seen, last, first = { _G, { ... } }, {}, 2, 1
    local function look(value)
      local kind = type(value)
      if kind == "string" then
        check_text(value)
      elseif kind == "table" or kind == "function" then
        if not seen[value] and last < 3000 then
          seen[value], last = true, last + 1
          queue[last] = value
        end
      elseif kind ~= "nil" and kind ~= "number" and kind ~= "boolean" then
        found("a value of type " .. kind)
      end
    end
    for level = 1, 4 do
      local ok, env = pcall(getfenv, level)
      if ok then look(env) end
    end
    while first <= last do
      local value = queue[first]
      first = first + 1
      if type(value) == "table" then
        for key, member in next, value do
          look(key)
          look(member)
        end
      else
        local ok, env = pcall(getfenv, value)
        look(env)
      end
      local ok, meta = pcall(getmetatable, value)
      look(meta)
    end
    plant()
  end
end
