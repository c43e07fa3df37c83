-- An invoice for the config_id `billing:eu`: the colon is written %3A in the file's name.
--
-- Shows: namespaces. A webhook for `billing:eu` uses this script; one for `billing:eu:42` falls back to
-- a script named `billing`, the part before the first colon.

local json = require("json")

local invoice = json.decode(payload)
if type(invoice) ~= "table" then
  error("the invoice is not a JSON object")
end

if type(invoice.vat_id) == "string" then
  -- gsub returns two values; the brackets keep the first.
  invoice.vat_id = string.upper((string.gsub(invoice.vat_id, "[%s%-]", "")))
end
invoice.reverse_charge = invoice.vat_id ~= nil and invoice.country ~= "DE"

request.body = json.encode(invoice)
