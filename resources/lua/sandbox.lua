-- The world a script lives in: built once per Lua state, it hands every run an environment of its own.
--
-- Everything a script must not reach is held in locals of this chunk and gone from the global table before the first
-- script is compiled. A script sees Lua closures and C functions of the standard library, never a host function:
-- what crosses to the host goes through the closures here, which raise Lua errors only.

local host_decode, host_encode, host_base64_encode, host_base64_decode, host_check_chunk, host_call,
  host_restore_limit, host_lift_limit, load_modules = ...

-- The standard library, captured before the global table is emptied.
local assert, error, ipairs, next, pairs, pcall, xpcall = assert, error, ipairs, next, pairs, pcall, xpcall
local rawequal, rawget, rawset, select, type, unpack = rawequal, rawget, rawset, select, type, unpack
local getmetatable, setmetatable, tonumber, tostring = getmetatable, setmetatable, tonumber, tostring
local raw_getfenv, raw_setfenv, raw_loadstring, raw_collectgarbage = getfenv, setfenv, loadstring, collectgarbage
local string, table, math = string, table, math
local sethook, getinfo, traceback = debug.sethook, debug.getinfo, debug.traceback
local clock = os.clock
local byte, concat, dump, find, floor = string.byte, table.concat, string.dump, string.find, math.floor
local c_random = math.random

local HOOK_INSTRUCTIONS = 1000
local MAX_LOG_LINES = 1000
local MAX_LOG_BYTES = 256 * 1024
local MAX_HEADERS = 1000
local MAX_STATUSES = 500
local MAX_EXACT = 2 ^ 53
local MAX_UNPACKED = 7900
local MAX_INDEX = 2 ^ 31
local MAX_MESSAGE_BYTES = 8 * 1024
local MAX_NAME_BYTES = 200
local MAX_TRACED_LEVELS = 500
local SHOWN_LEVELS = 20
local LARGE_PAYLOAD_SHARE = 1 / 16
local NO_MEMORY = "not enough memory"

-- State of the run in progress; there is only ever one per Lua state.
local run_env, run_modules, owned_envs
local deadline, timed_out, timeout_line = math.huge, false, 0
local memory_start_kb, memory_peak_kb, memory_limit_kb, memory_collected_kb = 0, 0, math.huge, 0
local log_count, log_bytes, logs = 0, 0, {}
local seed_a, seed_b
local eager

local globals = _G
for name in pairs(globals) do
  globals[name] = nil
end

----------------------------------------------------------------------------------------------------------- limits

local function used_kb()
  return raw_collectgarbage("count")
end

-- Lua 5.1 never collects because an allocation failed. A script whose live data is small must not die of its own
-- garbage, so a full collection runs once the budget is three quarters used and grew a quarter since the last one.
local function relieve(used)
  local in_use = used - memory_start_kb
  if in_use > memory_limit_kb * 0.75 and in_use > memory_collected_kb * 1.25 then
    raw_collectgarbage("collect")
    memory_collected_kb = used_kb() - memory_start_kb
  end
end

-- The collector works in steps, one per allocation whatever its size: at its usual pace, strings of some megabytes
-- fill the budget before it has gone round once. With a large payload it goes round in one step, which would cost
-- small runs dear.
local function pace_collector(payload_kb, limit_kb)
  local large = payload_kb > limit_kb * LARGE_PAYLOAD_SHARE
  if large ~= eager then
    eager = large
    raw_collectgarbage("setpause", large and 110 or 150)
    raw_collectgarbage("setstepmul", large and 1000000 or 1000)
    raw_collectgarbage("collect") -- the pace counts from the end of a round
  end
end

-- Once the deadline has passed, every further instruction of a script raises: its own pcall cannot outlive it. The
-- functions of this chunk are bounded and go on, since they are what brings the run to its end.
local watch
watch = function()
  if clock() > deadline then
    local place = getinfo(2, "Sl")
    if not timed_out then
      timed_out, timeout_line = true, place.source == "=script" and place.currentline or 0
      sethook(watch, "", 1)
    end
    if place.source ~= "=engine" then
      error("the CPU time limit was reached", 0)
    end
    return
  end
  local used = used_kb()
  if used > memory_peak_kb then
    memory_peak_kb = used
  end
  relieve(used)
end

-- The host lifts the memory limit while it builds values (a failing allocation there could not unwind safely);
-- this puts it back and settles what was used meanwhile.
local function settle()
  host_restore_limit()
  local used = used_kb()
  if used > memory_peak_kb then
    memory_peak_kb = used
  end
  if used - memory_start_kb > memory_limit_kb then
    raw_collectgarbage("collect")
    if used_kb() - memory_start_kb > memory_limit_kb then
      error(NO_MEMORY, 0)
    end
  end
end

----------------------------------------------------------------------------------------------- functions of scripts

local function check_string(value, position, name, level)
  local kind = type(value)
  if kind == "string" then
    return value
  end
  if kind == "number" then
    return tostring(value)
  end
  error("bad argument #" .. position .. " to '" .. name .. "' (string expected, got "
    .. (value == nil and "no value" or kind) .. ")", level or 3)
end

-- What a module function returns: its value, or nil and why. Running out of memory is never just a return value.
local function outcome_of(value, problem)
  if problem == nil then
    return value
  end
  if problem == NO_MEMORY then
    error(NO_MEMORY, 0)
  end
  return nil, problem
end

local function json_decode(text)
  text = check_string(text, 1, "decode")
  local value, problem = host_decode(text)
  settle()
  return outcome_of(value, problem)
end

local function json_encode(value)
  local text, problem = host_encode(value)
  settle()
  return outcome_of(text, problem)
end

local function base64_encode(data)
  local text, problem = host_base64_encode(check_string(data, 1, "encode"))
  settle()
  return outcome_of(text, problem)
end

local function base64_decode(text)
  local data, problem = host_base64_decode(check_string(text, 1, "decode"))
  settle()
  return outcome_of(data, problem)
end

local function append_log(level, message, fields, depth)
  local size = #message + (fields and #fields or 0)
  if log_count >= MAX_LOG_LINES or log_bytes + size > MAX_LOG_BYTES then
    if log_count < MAX_LOG_LINES + 1 then
      log_count = MAX_LOG_LINES + 1
      logs[#logs + 1], logs[#logs + 2], logs[#logs + 3], logs[#logs + 4] =
        "warn", "further log lines of this run were left out", false, 0
    end
    return
  end
  local info = getinfo(depth + 1, "Sl")
  local line = info and info.source == "=script" and info.currentline or 0
  local n = log_count * 4
  logs[n + 1], logs[n + 2], logs[n + 3], logs[n + 4] = level, message, fields or false, line
  log_count = log_count + 1
  log_bytes = log_bytes + size
end

local function logger(level)
  return function(message, fields)
    message = check_string(message, 1, level)
    local encoded
    if fields ~= nil then
      if type(fields) ~= "table" then
        error("bad argument #2 to '" .. level .. "' (table expected, got " .. type(fields) .. ")", 2)
      end
      local text, problem = host_encode(fields)
      settle()
      if problem == NO_MEMORY then
        error(NO_MEMORY, 0)
      elseif problem then
        error("bad argument #2 to '" .. level .. "' (" .. problem .. ")", 2)
      end
      encoded = text
    end
    append_log(level, message, encoded, 2)
  end
end

local log_debug, log_info, log_warn, log_error = logger("debug"), logger("info"), logger("warn"), logger("error")

local function print_to_log(...)
  local parts = {}
  for i = 1, select("#", ...) do
    local text = tostring((select(i, ...)))
    if type(text) ~= "string" then
      error("'tostring' must return a string to 'print'", 2)
    end
    parts[i] = text
  end
  append_log("info", concat(parts, "\t"), nil, 2)
end

local new_kv, new_http, new_crypto =
  load_modules(host_call, settle, outcome_of, check_string, error, next, rawget, type)

local module_makers = {
  json = function() return { decode = json_decode, encode = json_encode } end,
  base64 = function() return { decode = base64_decode, encode = base64_encode } end,
  log = function() return { debug = log_debug, info = log_info, warn = log_warn, error = log_error } end,
  kv = new_kv, http = new_http, crypto = new_crypto,
}
local MODULE_LIST = "base64, crypto, http, json, kv, log"

local function require_module(name)
  name = check_string(name, 1, "require")
  local found = run_modules[name]
  if found == nil then
    local make = module_makers[name]
    if make == nil then
      error("module '" .. name .. "' not found; a script can require " .. MODULE_LIST, 2)
    end
    found = make()
    run_modules[name] = found
  end
  return found
end

-- Environments: a script may look at and change those of its own functions. Functions of the library belong to all
-- runs, so their environment is never shown nor changed.
local function script_getfenv(target)
  if target == nil then
    target = 1
  end
  if type(target) == "number" then
    if target == 0 then
      return run_env
    end
    target = target + 1
  end
  local env = raw_getfenv(target)
  return owned_envs[env] and env or run_env
end

local function script_setfenv(target, env)
  if type(env) ~= "table" then
    error("bad argument #2 to 'setfenv' (table expected, got " .. type(env) .. ")", 2)
  end
  if type(target) == "number" then
    if target == 0 then
      error("'setfenv' cannot change the environment of the whole run", 2)
    end
    target = target + 1
  end
  if not owned_envs[raw_getfenv(target)] then
    error("'setfenv' cannot change the environment of a library function", 2)
  end
  owned_envs[env] = true
  return raw_setfenv(target, env)
end

-- Compiles source; nil and why when it is none, or holds a function that would write past Lua's stack.
local function load_source(text, name)
  if byte(text) == 27 then
    return nil, "script:1: bytecode is not accepted, only Lua source"
  end
  -- Some errors of the parser go to the handler of the nearest xpcall, which is the engine's: pcall has none.
  local _, chunk, problem = pcall(raw_loadstring, text, name)
  if chunk and find(text, "...", 1, true) then
    _, problem = host_check_chunk(dump(chunk))
    host_restore_limit()
    if problem ~= nil then
      return nil, problem == NO_MEMORY and problem or string.sub(name, 2) .. ":" .. problem
    end
  end
  return chunk, problem
end

local function script_loadstring(text)
  local chunk, problem = load_source(check_string(text, 1, "loadstring"), "=(loadstring)")
  if chunk == nil then
    return outcome_of(nil, problem)
  end
  return raw_setfenv(chunk, run_env)
end

-- Lua's own does not notice that the number of elements overflows an int, and writes past its stack.
local function script_unpack(list, first, last)
  if type(list) ~= "table" then
    error("bad argument #1 to 'unpack' (table expected, got " .. (list == nil and "no value" or type(list)) .. ")", 2)
  end
  first, last = tonumber(first or 1), tonumber(last or #list)
  if not (first and last) then
    error("bad argument to 'unpack' (number expected)", 2)
  end
  if not (last - first < MAX_UNPACKED and first > -MAX_INDEX and last < MAX_INDEX) then
    error("too many results to unpack", 2)
  end
  return unpack(list, first, last)
end

local COLLECTOR_OPTIONS = { collect = 0, step = 0, stop = 0, restart = 0, setpause = 0, setstepmul = 0 }

-- The collector serves all runs, so a script may ask but not steer.
local function script_collectgarbage(option)
  if option == nil then
    option = "collect"
  end
  if option == "count" then
    return used_kb() - memory_start_kb
  end
  local answer = COLLECTOR_OPTIONS[option]
  if answer == nil then
    error("bad argument #1 to 'collectgarbage' (invalid option)", 2)
  end
  return answer
end

-- Lua calls a handler from within the hook that raised, where no hook runs: once time is up a script's is not called.
local function script_xpcall(body, handler)
  return xpcall(body, function(problem)
    if timed_out then
      return problem
    end
    return handler(problem)
  end)
end

-- Random numbers of a run's own: two multiplicative generators combined (P. L'Ecuyer, CACM 31(6), 1988), exact in
-- doubles. The C library's generator is shared by the whole process, so a seed set there would reach the next run.
local function script_randomseed(seed)
  seed = floor(tonumber(seed) or error("bad argument #1 to 'randomseed' (number expected)", 2))
  seed_a = seed % 2147483561 + 1
  seed_b = floor(seed / 65536) % 2147483397 + 1
end

local function next_random()
  if seed_a == nil then
    seed_a, seed_b = c_random(1, 2147483562), c_random(1, 2147483398)
  end
  seed_a = 40014 * seed_a % 2147483563
  seed_b = 40692 * seed_b % 2147483399
  return (seed_a - seed_b) % 2147483562 / 2147483562
end

local function script_random(low, high)
  if low == nil then
    return next_random()
  end
  if high == nil then
    low, high = 1, low
  end
  if type(low) ~= "number" or type(high) ~= "number" then
    error("bad argument to 'random' (number expected)", 2)
  end
  low, high = floor(low), floor(high)
  if low > high then
    error("bad argument to 'random' (interval is empty)", 2)
  end
  return floor(next_random() * (high - low + 1)) + low
end

--------------------------------------------------------------------------------------------- a fresh world per run

local s_byte, s_char, s_find, s_format, s_gmatch, s_gsub, s_len, s_lower, s_match, s_rep, s_reverse, s_sub, s_upper =
  string.byte, string.char, string.find, string.format, string.gmatch, string.gsub, string.len, string.lower,
  string.match, string.rep, string.reverse, string.sub, string.upper

local function new_string()
  return {
    byte = s_byte, char = s_char, find = s_find, format = s_format, gmatch = s_gmatch, gsub = s_gsub, len = s_len,
    lower = s_lower, match = s_match, rep = s_rep, reverse = s_reverse, sub = s_sub, upper = s_upper,
  }
end

local t_concat, t_foreach, t_foreachi, t_getn, t_insert, t_maxn, t_remove, t_sort =
  table.concat, table.foreach, table.foreachi, table.getn, table.insert, table.maxn, table.remove, table.sort

local function new_table()
  return {
    concat = t_concat, foreach = t_foreach, foreachi = t_foreachi, getn = t_getn, insert = t_insert, maxn = t_maxn,
    remove = t_remove, sort = t_sort,
  }
end

local m_abs, m_acos, m_asin, m_atan, m_atan2, m_ceil, m_cos, m_cosh, m_deg, m_exp, m_floor, m_fmod, m_frexp, m_ldexp =
  math.abs, math.acos, math.asin, math.atan, math.atan2, math.ceil, math.cos, math.cosh, math.deg, math.exp, math.floor,
  math.fmod, math.frexp, math.ldexp
local m_huge, m_log, m_log10, m_max, m_min, m_modf, m_pi, m_pow, m_rad, m_sin, m_sinh, m_sqrt, m_tan, m_tanh =
  math.huge, math.log, math.log10, math.max, math.min, math.modf, math.pi, math.pow, math.rad, math.sin, math.sinh,
  math.sqrt, math.tan, math.tanh

local function new_math()
  return {
    abs = m_abs, acos = m_acos, asin = m_asin, atan = m_atan, atan2 = m_atan2, ceil = m_ceil, cos = m_cos,
    cosh = m_cosh, deg = m_deg, exp = m_exp, floor = m_floor, fmod = m_fmod, frexp = m_frexp, ldexp = m_ldexp,
    log = m_log, log10 = m_log10, max = m_max, min = m_min, modf = m_modf, pow = m_pow, rad = m_rad, sin = m_sin,
    sinh = m_sinh, sqrt = m_sqrt, tan = m_tan, tanh = m_tanh,
    huge = m_huge, pi = m_pi, random = script_random, randomseed = script_randomseed,
  }
end

-- Strings share one metatable in Lua: its methods live in a table no script can reach, and it shows itself as false.
local string_metatable = getmetatable("")
string_metatable.__index = new_string()
string_metatable.__metatable = false

local function new_environment(payload, headers, metadata)
  local log = module_makers.log()
  run_modules = { log = log }
  local env = {
    assert = assert, error = error, ipairs = ipairs, next = next, pairs = pairs, pcall = pcall, xpcall = script_xpcall,
    rawequal = rawequal, rawget = rawget, rawset = rawset, select = select, type = type, unpack = script_unpack,
    getmetatable = getmetatable, setmetatable = setmetatable, tonumber = tonumber, tostring = tostring,
    collectgarbage = script_collectgarbage, getfenv = script_getfenv, setfenv = script_setfenv,
    loadstring = script_loadstring, print = print_to_log, require = require_module, _VERSION = "Lua 5.1",
    string = new_string(), table = new_table(), math = new_math(), log = log,
    payload = payload, headers = headers, metadata = metadata, request = { headers = {} }, config = false,
    previous_error = nil, _G = false,
  }
  env._G = env
  owned_envs = { [env] = true }
  return env
end

------------------------------------------------------------------------------------------------- compile and run

local chunks = {}

-- Compiles and keeps a script under its key; returns the syntax error when there is one.
local function compile(key, source)
  host_restore_limit()
  local chunk, problem = load_source(source, "=script")
  if chunk == nil then
    return problem
  end
  chunks[key] = chunk
end

local function forget(key)
  chunks[key] = nil
end

-- A value of the wrong type ends the run as invalid output; the field is named as a script writes it.
local INVALID = {}

local function invalid(field, why)
  INVALID.field, INVALID.why = field, why
  error(INVALID, 0)
end

local function cut(text, most)
  return #text > most and s_sub(text, 1, most) .. "..." or text
end

local function kind_of(value)
  local kind = type(value)
  return (kind == "number" or kind == "boolean") and kind .. " " .. tostring(value) or kind
end

-- A number as a header's value: a whole one in full, since an id that is sent with fourteen digits is another id.
local function header_number(value)
  if value == floor(value) and value > -MAX_EXACT and value < MAX_EXACT then
    return s_format("%.0f", value)
  end
  return tostring(value)
end

-- Appends the string pairs of a headers table to `out` and returns the new length. Numbers become strings as they do
-- everywhere in Lua; anything else is refused.
local function collect_headers(source, field, out, n)
  if source == nil then
    return n
  end
  if type(source) ~= "table" then
    invalid(field, "must be a table, not " .. kind_of(source))
  end
  local count = 0
  for name, value in next, source do
    if type(name) ~= "string" then
      invalid(field, "has a header name that is not a string but " .. kind_of(name))
    end
    if type(value) == "number" then
      value = header_number(value)
    elseif type(value) ~= "string" then
      invalid(field .. '["' .. cut(name, MAX_NAME_BYTES) .. '"]', "must be a string, not " .. kind_of(value))
    end
    count = count + 1
    if count > MAX_HEADERS then
      invalid(field, "has more than " .. MAX_HEADERS .. " entries")
    end
    out[n + 1], out[n + 2] = name, value
    n = n + 2
  end
  return n
end

local function collect_statuses(list, out, n)
  if list == nil then
    return n
  end
  if type(list) ~= "table" then
    invalid("request.retry_on_status", "must be a list of integers, not " .. kind_of(list))
  end
  local count = 0
  for key, value in next, list do
    if type(key) ~= "number" or type(value) ~= "number" or value ~= floor(value) then
      invalid("request.retry_on_status", "must be a list of integers")
    end
    count = count + 1
    if count > MAX_STATUSES then
      invalid("request.retry_on_status", "has more than " .. MAX_STATUSES .. " entries")
    end
  end
  for i = 1, count do
    local status = rawget(list, i)
    if status == nil then
      invalid("request.retry_on_status", "must be a list without holes")
    end
    if status < 100 or status > 599 then
      invalid("request.retry_on_status", "has " .. status .. ", which is no HTTP status")
    end
    out[n + i] = status
  end
  return n + count
end

local function opt_out_of(config)
  if type(config) ~= "table" then
    if config == nil then
      return false
    end
    invalid("config", "must be a table, not " .. kind_of(config))
  end
  local flag = rawget(config, "opt_out_default_headers")
  if flag ~= nil and type(flag) ~= "boolean" then
    invalid("config.opt_out_default_headers", "must be true or false, not " .. kind_of(flag))
  end
  return flag or false
end

-- Flat on purpose: values cross to the host one by one, which costs far less than tables would.
-- body, opt_out, number of header values, of extra header values, of statuses, then the values themselves.
local function collect_output(env)
  local request = rawget(env, "request")
  local body, extra, statuses
  if type(request) == "table" then
    body, extra, statuses = rawget(request, "body"), rawget(request, "headers"), rawget(request, "retry_on_status")
  elseif request ~= nil then
    invalid("request", "must be a table, not " .. kind_of(request))
  end
  if body ~= nil and type(body) ~= "string" then
    invalid("request.body", "must be a string, not " .. kind_of(body))
  end
  local out = { body or false, opt_out_of(rawget(env, "config")), 0, 0, 0 }
  local n = collect_headers(rawget(env, "headers"), "headers", out, 5)
  out[3] = n - 5
  local after_extra = collect_headers(extra, "request.headers", out, n)
  out[4] = after_extra - n
  n = collect_statuses(statuses, out, after_extra)
  out[5] = n - after_extra
  return out, n
end

local function describe(problem)
  if type(problem) == "string" then
    return cut(problem, MAX_MESSAGE_BYTES)
  end
  if type(problem) == "table" then
    local text = host_encode(problem)
    host_restore_limit()
    return "error object: " .. (text and cut(text, MAX_MESSAGE_BYTES) or "a table that is not JSON")
  end
  return "error object: " .. tostring(problem)
end

-- Lua's own traceback goes through a deep stack once for each of its frames, which takes long after a recursion
-- without end. There the frames on top tell all there is.
local function trace(level)
  if getinfo(MAX_TRACED_LEVELS, "l") == nil then
    return traceback("", level)
  end
  local lines = {}
  for i = level, level + SHOWN_LEVELS do
    local info = getinfo(i, "Sln")
    local place = info.currentline > 0 and info.short_src .. ":" .. info.currentline or info.short_src
    lines[#lines + 1] = place .. ": in function " .. (info.name and "'" .. info.name .. "'" or "<?>")
  end
  lines[#lines + 1] = "..."
  return concat(lines, "\n")
end

local function on_error(problem)
  if timed_out or rawequal(problem, INVALID) then
    return problem
  end
  return { describe(problem), trace(3) }
end

local function new_body(chunk, env)
  return function()
    chunk()
    return collect_output(env)
  end
end

local function end_run()
  deadline = math.huge
  if timed_out then
    sethook(watch, "", HOOK_INSTRUCTIONS)
  end
  local used = used_kb()
  if used > memory_peak_kb then
    memory_peak_kb = used
  end
  run_env, run_modules, owned_envs = nil, nil, nil
end

-- Runs a compiled script. Returns status, peak KiB, then what the status needs:
--   "ok": the flat output of collect_output
--   "invalid": field, why
--   "timeout": the line that was running, 0 when it is not known
--   "error": message, traceback
local function execute(key, cpu_seconds, limit_kb, payload, webhook_id, config_id, attempt, max_attempts, created_at,
                       config_json, previous_error_json, ...)
  local chunk = chunks[key]
  deadline, timed_out, seed_a, seed_b = math.huge, false, nil, nil
  log_count, log_bytes, logs = 0, 0, {}
  pace_collector(#payload / 1024, limit_kb)
  -- What the host pushed for this call is the run's own, so it is measured from before it.
  memory_start_kb = used_kb() - #payload / 1024
  memory_peak_kb, memory_limit_kb, memory_collected_kb = memory_start_kb, limit_kb, 0
  local headers, pairs_in = {}, ...
  if type(pairs_in) ~= "table" then
    pairs_in = { ... }
  end
  for i = 1, #pairs_in, 2 do
    headers[pairs_in[i]] = pairs_in[i + 1]
  end
  local env = new_environment(payload, headers, {
    webhook_id = webhook_id, config_id = config_id, attempt = attempt, max_attempts = max_attempts,
    created_at = created_at,
  })
  run_env = env
  env.config = config_json and host_decode(config_json) or {}
  env.previous_error = previous_error_json and host_decode(previous_error_json) or nil
  raw_setfenv(chunk, env)
  local body = new_body(chunk, env)
  host_restore_limit()
  deadline = clock() + cpu_seconds
  local ok, out, count = xpcall(body, on_error)
  if not ok then
    -- A run that died of its memory limit leaves none for what is still to do here.
    host_lift_limit()
  end
  end_run()
  raw_setfenv(chunk, {})
  local peak = memory_peak_kb - memory_start_kb
  if timed_out then
    return "timeout", peak, timeout_line
  end
  if ok then
    return "ok", peak, unpack(out, 1, count)
  end
  if rawequal(out, INVALID) then
    return "invalid", peak, INVALID.field, INVALID.why
  end
  if type(out) == "table" then
    return "error", peak, out[1], out[2]
  end
  return "error", peak, tostring(out), ""
end

-- The log lines of the last run: level, message, fields as JSON or false, line or 0, for each.
local function take_logs(first)
  local n = #logs
  if first > n then
    return
  end
  return unpack(logs, first, first + 399 < n and first + 399 or n)
end

local function collect()
  raw_collectgarbage("collect")
  return used_kb()
end

sethook(watch, "", HOOK_INSTRUCTIONS)

return compile, forget, execute, take_logs, collect
