-- Enrich an order: adds the totals a receiver would otherwise have to work out.
--
-- Shows: json.decode and json.encode, values of the script_config (order_enrich.json) in `config`,
-- a log line with fields, and what to do when the payload is not JSON.

local json = require("json")

local order, problem = json.decode(payload)
if not order then
  -- An error dead-letters the webhook with this text, so that someone can repair and replay it.
  error("the order is not JSON: " .. tostring(problem))
end

local settings = config or {}
local tax_rate = settings.tax_rate or 0
local net, pieces = 0, 0
for _, item in ipairs(order.items or {}) do
  item.line_total = item.quantity * item.unit_price_cents
  net = net + item.line_total
  pieces = pieces + item.quantity
end

local tax = math.floor(net * tax_rate + 0.5)
order.totals = {
  currency = settings.currency or "EUR",
  net_cents = net,
  tax_cents = tax,
  gross_cents = net + tax,
  pieces = pieces,
}

log.info("order enriched", { order_id = order.id, gross_cents = net + tax })
request.body = json.encode(order)
