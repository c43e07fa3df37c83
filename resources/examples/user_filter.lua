-- Drop personal data from a user event before it leaves the house.
--
-- Shows: naming what may pass instead of what may not, so that a field someone adds to the event
-- next year stays inside until it is allowed here.

local json = require("json")

local ALLOWED = { "id", "event", "plan", "country", "created_at", "consents" }

local event = json.decode(payload)
if type(event) ~= "table" then
  error("the event is not a JSON object")
end

local filtered, kept = {}, {}
for _, name in ipairs(ALLOWED) do
  if event[name] ~= nil then
    filtered[name] = event[name]
    kept[name] = true
  end
end

-- The domain alone says whether it is a company; the address would say who it is.
if type(event.email) == "string" then
  filtered.email_domain = string.match(event.email, "@([%w%.%-]+)$")
end

local dropped = {}
for name in pairs(event) do
  if not kept[name] then
    dropped[#dropped + 1] = name
  end
end
table.sort(dropped)
log.debug("fields dropped", { names = table.concat(dropped, " ") })

request.body = json.encode(filtered)
