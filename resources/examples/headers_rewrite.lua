-- Rename, add and remove headers; the body goes out as it came in.
--
-- Shows: `headers` holds what came in. Set a name to send another value, set it to "" to remove it.
-- Nothing here looks into the payload, so it works for any content.

-- Header names mean the same in any case, table keys do not.
local function find(name)
  for key, value in pairs(headers) do
    if string.lower(key) == name then
      return key, value
    end
  end
end

local key, tenant = find("x-tenant")
if key then
  headers[key] = ""
  headers["X-Customer"] = tenant
end

-- What our own proxy added says nothing to a receiver.
for _, internal in ipairs({ "x-forwarded-for", "x-internal-trace" }) do
  local name = find(internal)
  if name then
    headers[name] = ""
  end
end

headers["X-Delivered-By"] = "howk"
headers["X-Delivery-Try"] = tostring(metadata.attempt + 1)
