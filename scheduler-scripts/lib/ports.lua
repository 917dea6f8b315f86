---@meta mesh.ports
--- Ports: one per instance and variable, from a range, the same one as long as
-- the instance stays on its node.
--
-- A node's own ports can't collide, as one leader alone gives them out.  A port that is to be
-- unique in the mesh (`{range = "10000-20000", scope = "mesh"}`: one that a balancer listens on for
-- it everywhere) could, in a split: each node gives them from a part of the range that is its own,
-- so two sides that never hear of each other never give the same one.

local util = require "mesh.util"

local ports = {}

---@class mesh.PortRange
---@field key string
---@field low integer
---@field high integer
---@field parts? integer  scope = "mesh": into so many parts, one a node

local PARTS <const> = 64

--- {port = "18000-18099"} or {port = 8080} to a list of ranges; an error names
-- the key.
---@param spec table<string, integer|string|table>
---@return mesh.PortRange[]
function ports.parse(spec)
  local out = {}
  for _, key in ipairs(util.keys(spec)) do
    local given, parts = spec[key], nil
    if type(given) == "table" then
      for name in pairs(given) do
        if name ~= "range" and name ~= "scope" and name ~= "parts" then
          error(("%s: unknown key '%s'%s"):format(key, tostring(name),
            util.meant(tostring(name), {"parts", "range", "scope"})), 0)
        end
      end
      if given.scope ~= nil and given.scope ~= "mesh" and given.scope ~= "node" then
        error(("%s: scope: '%s' is none of mesh, node"):format(key, tostring(given.scope)), 0)
      end
      parts = given.scope == "mesh" and (given.parts or PARTS) or nil
      if parts and (math.type(parts) ~= "integer" or parts < 1 or parts > 8192) then
        error(("%s: parts: %s is not an integer 1-8192"):format(key, tostring(parts)), 0)
      end
      given = given.range
    end
    local low, high = tostring(given):match("^(%d+)%-?(%d*)$")
    low = math.tointeger(tonumber(low))
    high = math.tointeger(tonumber(high)) or low
    if not low or low < 1 or high > 65535 or low > high then
      error(("%s: '%s' is not a port or a range like \"18000-18099\""):format(key, tostring(given)), 0)
    end
    if parts and high - low + 1 < parts then
      error(("%s: '%s' has no port for each of %d parts"):format(key, tostring(given), parts), 0)
    end
    out[#out + 1] = {key = key, low = low, high = high, parts = parts}
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

--- The part of a range that belongs to a node: kept in the schedule's state, the lowest free
-- one for a node that has none.
---@param range mesh.PortRange
---@param node string
---@param memory mesh.Memory
---@param now integer
---@return mesh.PortRange
function ports.part(range, node, memory, now)
  local slot = memory:get("nodes", node, "slot")
  if math.type(slot) ~= "integer" or slot < 0 then
    local taken = {}
    for _, other in pairs(memory.all.nodes) do
      local cell = type(other) == "table" and other.slot
      if type(cell) == "table" and cell.value ~= nil then taken[cell.value] = true end
    end
    slot = 0
    while taken[slot] do slot = slot + 1 end
    memory:set(now, slot, "nodes", node, "slot")
  end
  if slot >= range.parts then
    error(("no part of %d-%d is left for node %s: all %d are taken"):format(range.low, range.high, node,
      range.parts), 0)
  end
  local size = (range.high - range.low + 1) // range.parts
  return {key = range.key, low = range.low + slot * size, high = range.low + (slot + 1) * size - 1}
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
  local of = self.owner[node]
  if of == nil then
    of = {}
    self.owner[node] = of
  end
  if old and old >= low and old <= high and (of[old] == nil or of[old] == id) then
    of[old] = id
    return old
  end
  local size = high - low + 1
  local first = ((math.tointeger(tonumber(id:match("%.(%d+)$"))) or 1) - 1) % size
  for i = 0, size - 1 do
    local port = low + (first + i) % size
    if of[port] == nil then
      of[port] = id
      return port
    end
  end
  error(("no free port in %d-%d on node %s for %s"):format(low, high, node, id), 0)
end

return ports
