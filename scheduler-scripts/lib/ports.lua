---@meta mesh.ports
--- Ports: one per instance and variable, from a range, the same one as long as
-- the instance stays on its node.

local util = require "mesh.util"

local ports = {}

---@class mesh.PortRange
---@field key string
---@field low integer
---@field high integer

--- {port = "18000-18099"} or {port = 8080} to a list of ranges; an error names
-- the key.
---@param spec table<string, integer|string>
---@return mesh.PortRange[]
function ports.parse(spec)
  local out = {}
  for _, key in ipairs(util.keys(spec)) do
    local low, high = tostring(spec[key]):match("^(%d+)%-?(%d*)$")
    low = math.tointeger(tonumber(low))
    high = math.tointeger(tonumber(high)) or low
    if not low or low < 1 or high > 65535 or low > high then
      error(("%s: '%s' is not a port or a range like \"18000-18099\""):format(key, tostring(spec[key])), 0)
    end
    out[#out + 1] = {key = key, low = low, high = high}
  end
  return out
end

---@class mesh.Ports
local Ports = {}
Ports.__index = Ports

--- Who has which port on which node, in one round.
---@return mesh.Ports
function ports.new()
  return setmetatable({owner = {}}, Ports)
end

--- Note a port that is taken; the first to come keeps it.
function Ports:reserve(node, port, id)
  local of = self.owner[node]
  if not of then
    of = {}
    self.owner[node] = of
  end
  if of[port] == nil then of[port] = id end
end

--- A port of the range for the instance: its old one if it is still its own,
-- else the first free one, looked for from where the instance's number points,
-- so neighbours rarely meet and a lost history gives the same ports again.
---@param node string
---@param id string
---@param range mesh.PortRange
---@param old integer|nil
---@return integer
function Ports:take(node, id, range, old)
  local low, high = range.low, range.high
  local of = self.owner[node] or {}
  if old and old >= low and old <= high and (of[old] == nil or of[old] == id) then
    self:reserve(node, old, id)
    return old
  end
  local size = high - low + 1
  local first = ((math.tointeger(tonumber(id:match("%.(%d+)$"))) or 1) - 1) % size
  for i = 0, size - 1 do
    local port = low + (first + i) % size
    if of[port] == nil then
      self:reserve(node, port, id)
      return port
    end
  end
  error(("no free port in %d-%d on node %s for %s"):format(low, high, node, id), 0)
end

return ports
