-- The modules whose work is done outside the host: kv, http and crypto. Here arguments are checked and the call is
-- handed up; nothing here can do what it asks for.

local host_call, settle, outcome_of, check_string, error, next, rawget, type = ...

local function call(module, name, ...)
  local value, problem = host_call(module, name, ...)
  settle()
  return outcome_of(value, problem)
end

-- What a function answers that has nothing to give back: nil, or why it failed.
local function problem_of(_, problem)
  return problem
end

local function check_kind(value, kind, position, name)
  if value ~= nil and type(value) ~= kind then
    error("bad argument #" .. position .. " to '" .. name .. "' (" .. kind .. " expected, got " .. type(value) .. ")", 3)
  end
  return value
end

local function check_headers(headers, position, name)
  if headers == nil then
    return nil
  end
  if type(headers) ~= "table" then
    error("bad argument #" .. position .. " to '" .. name .. "' (table expected, got " .. type(headers) .. ")", 3)
  end
  local checked = {}
  for key, value in next, headers do
    if type(key) ~= "string" or (type(value) ~= "string" and type(value) ~= "number") then
      error("bad argument #" .. position .. " to '" .. name .. "' (headers must be strings)", 3)
    end
    checked[key] = value
  end
  return checked
end

local function check_body(body, name)
  if body == nil then
    return nil
  end
  return check_string(body, 2, name, 4)
end

local function new_kv()
  return {
    get = function(key)
      return call("kv", "get", check_string(key, 1, "get"))
    end,
    set = function(key, value, ttl_seconds)
      key, value = check_string(key, 1, "set"), check_string(value, 2, "set")
      return problem_of(call("kv", "set", key, value, check_kind(ttl_seconds, "number", 3, "set")))
    end,
    del = function(key)
      return problem_of(call("kv", "del", check_string(key, 1, "del")))
    end,
  }
end

local function cache_ttl_of(options, name)
  if check_kind(options, "table", 3, name) == nil then
    return nil
  end
  local cache_ttl = rawget(options, "cache_ttl")
  if cache_ttl ~= nil and type(cache_ttl) ~= "number" then
    error("bad argument #3 to '" .. name .. "' (cache_ttl must be a number, got " .. type(cache_ttl) .. ")", 3)
  end
  return cache_ttl
end

local function sender(name)
  return function(url, body, headers)
    url = check_string(url, 1, name)
    return call("http", name, url, check_body(body, name), check_headers(headers, 3, name))
  end
end

local function new_http()
  return {
    get = function(url, headers, options)
      url = check_string(url, 1, "get")
      return call("http", "get", url, check_headers(headers, 2, "get"), cache_ttl_of(options, "get"))
    end,
    post = sender("post"),
    put = sender("put"),
    delete = sender("delete"),
  }
end

local function new_crypto()
  return {
    decrypt_credential = function(key_name, symmetric_key_b64, encrypted_data_b64)
      return call(
        "crypto", "decrypt_credential", check_string(key_name, 1, "decrypt_credential"),
        check_string(symmetric_key_b64, 2, "decrypt_credential"),
        check_string(encrypted_data_b64, 3, "decrypt_credential")
      )
    end,
  }
end

return new_kv, new_http, new_crypto
