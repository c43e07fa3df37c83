-- Headers that let the receiver's gateway route a payment, by region and amount.
--
-- Shows: conditions on the payload, request.retry_on_status for a receiver that answers 409 while it is
-- busy, and previous_error on a retry.

local json = require("json")

local REGIONS = { DE = "eu", FR = "eu", NL = "eu", US = "us", CA = "us", JP = "apac", AU = "apac" }

local payment = json.decode(payload)
if type(payment) ~= "table" then
  error("the payment is not a JSON object")
end

local limit = (config or {}).review_above_cents or 500000
local amount = tonumber(payment.amount_cents) or 0

request.headers = request.headers or {}
request.headers["X-Region"] = REGIONS[payment.country] or "global"
request.headers["X-Priority"] = amount > limit and "review" or "normal"

-- 409: another payment of the same customer is being booked. 425: too early. Both pass by waiting.
request.retry_on_status = { 409, 425 }

if previous_error then
  request.headers["X-Retry-Because"] = tostring(previous_error.status_code or previous_error.reason)
  log.warn("retrying payment", { id = payment.id, attempt = metadata.attempt })
end
