-- Send the picture itself instead of the JSON around it.
--
-- Shows: base64.decode, a binary request.body, and leaving out HOWK's own X-Webhook-* headers for a
-- receiver that accepts only what it knows.

local json = require("json")
local base64 = require("base64")

local message = json.decode(payload)
if type(message) ~= "table" or type(message.image) ~= "table" then
  error("the payload has no image")
end

local bytes, problem = base64.decode(message.image.data)
if not bytes then
  error("image.data is not base64: " .. tostring(problem))
end

-- Workers up to 0.4.9 start without this table.
request.headers = request.headers or {}
request.headers["Content-Type"] = message.image.content_type or "application/octet-stream"
request.headers["X-Image-Name"] = message.image.name

config = config or {}
config.opt_out_default_headers = true
request.body = bytes
