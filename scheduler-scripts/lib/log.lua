---@meta mesh.log
--- Lines of a round, each with its role: `round.log:info("web", "%d behind", n)`.
-- Bounded, so that a role that says much costs no other its lines.

local log = {}

local LINES_MAX <const> = 50    -- of one role in a round
local BYTES_MAX <const> = 200   -- of a line

---@class mesh.Log
local Log = {}
Log.__index = Log

---@return mesh.Log
function log.new()
  return setmetatable({lines = {}, said = {}}, Log)
end

local function say(self, level, role, text, ...)
  role = tostring(role)
  local said = (self.said[role] or 0) + 1
  self.said[role] = said
  if said > LINES_MAX then
    if said == LINES_MAX + 1 then
      self.lines[#self.lines + 1] = ("%s: warning: more than %d lines"):format(role, LINES_MAX)
    end
    return
  end
  local ok, line = true, tostring(text)
  if select("#", ...) > 0 then ok, line = pcall(string.format, text, ...) end
  if not ok then line = tostring(text) end
  line = line:gsub("[%c]", " ")
  if #line > BYTES_MAX then line = line:sub(1, BYTES_MAX - 3) .. "..." end
  self.lines[#self.lines + 1] = ("%s: %s%s"):format(role, level == "info" and "" or level .. ": ", line)
end

--- A line of a role; like string.format.
---@param role string
---@param text string
function Log:info(role, text, ...) say(self, "info", role, text, ...) end

---@param role string
---@param text string
function Log:warning(role, text, ...) say(self, "warning", role, text, ...) end

--- Let `print` say all of it, once.
---@param sink fun(line: string)
function Log:flush(sink)
  for _, line in ipairs(self.lines) do sink(line) end
  self.lines = {}
end

return log
