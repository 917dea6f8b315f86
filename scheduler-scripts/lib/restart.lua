---@meta mesh.restart
--- `mesh action ROLE restart`: each instance that is there now, one after the other.
-- One is left out of the schedule until its host has ended it, then it is put back where
-- it was, with the ports it had; the next comes when all of the role run well.  By a list,
-- and by no clock: a host whose clock is behind restarts nothing twice.

local merge = require "mesh.merge"
local version = require "mesh.version"

local restart = {}

--- An operator asks for it.
---@param round mesh.Round
---@param spec mesh.Role
---@param stamp integer
---@return integer  instances
function restart.ask(round, spec, stamp)
  local list = version.sort(round.past.ids[spec.name] or {})
  round.memory:set(stamp, {left = list}, "roles", spec.name, "restart")
  return #list
end

local function cell_of(round, name)
  local role = round.memory.all.roles[name]
  local cell = type(role) == "table" and role.restart
  local value = type(cell) == "table" and cell.value
  if type(value) ~= "table" or type(value.left) ~= "table" then return nil end
  return cell, value
end

-- A list without one of its items.
local function without(list, item)
  local out = {}
  for _, one in ipairs(list) do
    if one ~= item then out[#out + 1] = one end
  end
  return out
end

local function is_there(round, away)
  local copy = merge.copy_on(round.input, away.id, away.node)
  local node = round.input.nodes[away.node]
  return copy ~= nil and copy.state ~= "exited" and copy.state ~= "held"
    and node ~= nil and node.state ~= "failed" and node.state ~= "left"
end

local function all_well(round, name)
  local well, all = round:well(name)
  return well == all
end

--- One round of it: job.omit is left out, job.past_at says where it was when it comes back.
---@param round mesh.Round
---@param job table
function restart.step(round, job)
  local name = job.spec.name
  local cell, value = cell_of(round, name)
  if not cell then return end
  local away, left = value.away, value.left
  if type(away) == "table" and type(away.id) == "string" and type(away.node) == "string" then
    if is_there(round, away) then
      job.omit = away.id
      return
    end
    job.past_at = setmetatable({[away.id] = away.node}, {__index = job.past_at})
    job.past = setmetatable({[away.id] = {process = job.spec.process, image = away.image, vars = away.vars or {}}},
      {__index = job.past})
    cell.value = {left = left}
    return
  end
  if #left == 0 then
    round.memory.all.roles[name].restart = nil
    round:journal(name .. ": all have been restarted")
    return
  end
  if not all_well(round, name) then return end
  local id = left[1]
  local was, node = job.past[id], job.past_at[id]
  cell.value = {left = without(left, id)}
  if was and node then
    job.omit = id
    cell.value.away = {id = id, node = node, image = was.image, vars = was.vars}
  end
end

return restart
