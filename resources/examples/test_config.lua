headers["X-Transformed"] = "by-lua-script"
headers["X-Original-Payload"] = payload
headers["X-Config"] = metadata.config_id
local json = require("json")
local data = json.decode(payload)
data.enriched = true
request.body = json.encode(data)
