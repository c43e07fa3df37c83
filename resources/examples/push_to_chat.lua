-- Turn a push event of a code host into a chat message with blocks.
--
-- Shows: building a new body from parts of the old one, and keeping text from the outside harmless:
-- in chat markup `&`, `<` and `>` have a meaning.

local json = require("json")

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }
local MAX_COMMITS = 5

local function escape(text)
  return (string.gsub(tostring(text or ""), "[&<>]", ESCAPES))
end

local function first_line(text)
  return string.match(text or "", "^[^\r\n]*")
end

local push = json.decode(payload)
if type(push) ~= "table" or type(push.commits) ~= "table" then
  error("the payload is not a push event")
end

local branch = string.gsub(push.ref or "", "^refs/heads/", "")
local repository = push.repository or {}
local pusher = push.pusher or {}

local lines = {}
for index, commit in ipairs(push.commits) do
  if index > MAX_COMMITS then
    lines[#lines + 1] = string.format("_and %d more_", #push.commits - MAX_COMMITS)
    break
  end
  local short = string.sub(commit.id or "", 1, 7)
  lines[#lines + 1] = string.format("<%s|`%s`> %s", commit.url or "", short, escape(first_line(commit.message)))
end

local title = string.format(
  "%s pushed %d commit%s to %s of %s",
  escape(pusher.name), #push.commits, #push.commits == 1 and "" or "s", escape(branch), escape(repository.full_name)
)

request.body = json.encode({
  text = title,
  blocks = {
    { type = "section", text = { type = "mrkdwn", text = "*" .. title .. "*" } },
    { type = "section", text = { type = "mrkdwn", text = table.concat(lines, "\n") } },
  },
})
