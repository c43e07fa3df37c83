--- a hundred thousand headers are refused => script_invalid_output
for i = 1, 100000 do headers["X-" .. i] = "1" end

--- a hundred thousand extra headers are refused => script_invalid_output
for i = 1, 100000 do request.headers["X-" .. i] = "1" end

--- headers that are no strings are refused => script_invalid_output
headers.X = {}

--- header names that are no strings are refused => script_invalid_output
headers[1] = "x"

--- a header name of ten megabytes is named in few words => script_invalid_output
headers[string.rep("x", 10000000)] = true

--- headers that are a function are refused => script_invalid_output
headers = print

--- headers that are a string are refused => script_invalid_output
headers = "X: 1"

--- a request that is no table is refused => script_invalid_output
request = "x"

--- a body that is a number is refused => script_invalid_output
request.body = 5

--- a body that is a function is refused => script_invalid_output
request.body = function() return "ESCAPED: called" end

--- a config that is no table is refused => script_invalid_output
config = 1

--- an opt-out that is no boolean is refused => script_invalid_output
config = { opt_out_default_headers = "yes" }

--- statuses that are no list are refused => script_invalid_output
request.retry_on_status = 500

--- statuses that are not numbers are refused => script_invalid_output
request.retry_on_status = { "500" }

--- statuses with a hole are refused => script_invalid_output
request.retry_on_status = { [1] = 409, [3] = 425 }

--- statuses by name are refused => script_invalid_output
request.retry_on_status = { status = 409 }

--- a status that is not a number is refused => script_invalid_output
request.retry_on_status = { 0 / 0 }

--- a status without end is refused => script_invalid_output
request.retry_on_status = { 1 / 0 }

--- a status of 1e308 is refused => script_invalid_output
request.retry_on_status = { 1e308 }

--- a status of half is refused => script_invalid_output
request.retry_on_status = { 409.5 }

--- a status below zero is refused => script_invalid_output
request.retry_on_status = { -500 }

--- a million statuses are refused => script_invalid_output
local list = {}
for i = 1, 1000000 do list[i] = 500 end
request.retry_on_status = list

--- statuses with traps are read without them => script_invalid_output
request.retry_on_status = setmetatable({ [2] = 409 }, { __index = function() return 409 end })

--- what the input tables become does not matter
payload, metadata, previous_error, log, require, json = 1, 2, 3, 4, 5, 6
request.body = "contained"
---- then
verdict(type(payload) ~= "string" or type(metadata) ~= "table" or previous_error ~= nil or type(log) ~= "table" or json, "input")

--- globals without a value leave the webhook as it came
local globals = _G
for name in pairs(globals) do if name ~= "request" then globals[name] = nil end end
request.body = "contained"
