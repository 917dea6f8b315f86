---@meta mesh.simrail
--- The host's rails in a simulated world, as daemon/core/rail.c has them: a schedule that would
-- stop, without replacement, more than 30 % and more than 3 of what runs of a role, or empty a
-- list that was full, is held for that role; what was stands until someone says
-- `mesh apply --force`: world:force "web".

local util = require "mesh.util"

local STOP_COUNT <const>, STOP_PERCENT <const> = 3, 30
local ACTED_MS <const> = 60000

local rail = {}

--- role -> set of the instances that a schedule places.
local function placed(s)
  local by = {}
  for _, node in pairs(s and s.nodes or {}) do
    for role, place in pairs(node.roles) do
      by[role] = by[role] or {}
      for id in pairs(place.instances) do by[role][id] = true end
    end
  end
  return by
end

--- role -> set of those that run on nodes in reach.
local function living(side)
  local by = {}
  for _, name in ipairs(side.members) do
    for id, c in pairs(side.world.hosts[name].containers) do
      if c.state == "running" or c.state == "starting" then
        by[c.role] = by[c.role] or {}
        by[c.role][id] = true
      end
    end
  end
  return by
end

--- The first list of these vars that was full and would be empty; how many it had.
local function emptied(was, is)
  for _, key in ipairs(util.keys(was)) do
    local old, new = was[key], is[key]
    if type(old) == "table" and #old > 0 and type(new) == "table" and next(new) == nil then return key, #old end
  end
end

--- The same of the vars that it has on its nodes, on all that have it before and after.
local function emptied_everywhere(last, made, role)
  local key, had
  for name, node in pairs(last.nodes) do
    local old, new = node.roles[role], made.nodes[name] and made.nodes[name].roles[role]
    if old and new then
      local k, n = emptied(old.vars, new.vars)
      if k == nil or key ~= nil and k ~= key then return nil end
      key, had = k, math.max(had or 0, n)
    end
  end
  return key, had
end

local function judge(live, plan, before, last, made, role, alone)
  local running, gone, fresh = 0, 0, 0
  for id in pairs(live[role] or {}) do
    running = running + 1
    local stops = not (plan[role] and plan[role][id])
    -- What the last schedule did not place either is ending already.
    if stops and not (alone and not (before[role] and before[role][id])) then gone = gone + 1 end
  end
  for id in pairs(plan[role] or {}) do
    local known = live[role] and live[role][id] or before[role] and before[role][id]
    if not known then fresh = fresh + 1 end
  end
  local stop = math.max(0, gone - fresh)
  if stop > STOP_COUNT and stop * 100 > running * STOP_PERCENT then
    return ("would stop %d of %d instances (limit %d%%)"):format(stop, running, STOP_PERCENT)
  end
  local old, new = last and last.roles[role], made.roles[role]
  if not old or not new then return nil end
  local key, had = emptied(old.vars, new.vars)
  if not key then key, had = emptied_everywhere(last, made, role) end
  if key then return ("would empty the list vars.%s (had %d)"):format(key, had) end
end

--- A role of `made` as `last` has it.
local function keep(world, made, last, role)
  made.roles[role] = last.roles[role]
  for _, node in pairs(made.nodes) do node.roles[role] = nil end
  for name, node in pairs(last.nodes) do
    local place = node.roles[role]
    if place and world.hosts[name] and not world.hosts[name].left then
      made.nodes[name] = made.nodes[name] or {vars = {}, roles = {}}
      made.nodes[name].roles[role] = place
    end
  end
end

--- Roles that actions named are remembered for a minute: what these stop is meant.
---@param side mesh.sim.Side
---@param seen table    the input
---@param replies table?  a group's says which roles it was about
function rail.note(side, seen, replies)
  local acted = side.acted
  for _, action in ipairs(seen.actions) do
    if action.role then acted[action.role] = seen.now + ACTED_MS end
    local reply = replies and replies[action.id]
    for _, role in ipairs(type(reply) == "table" and reply.roles or {}) do acted[role] = seen.now + ACTED_MS end
  end
end

--- Changes made: held roles are as they were.  False: one is held that has no part to keep, and
-- nothing is issued.
---@param side mesh.sim.Side
---@param made table
---@return boolean
function rail.apply(side, made)
  local world, last, held = side.world, side.parents[#side.parents], {}
  local live, plan, before = living(side), placed(made), placed(last)
  local names, fine = {}, true
  for _, set in ipairs {live, made.roles, last and last.roles or {}} do
    for role in pairs(set) do names[role] = true end
  end
  for _, role in ipairs(util.keys(names)) do
    local failed = made.roles[role] == nil and (made.errors or {})[role] ~= nil
    if not failed and (side.acted[role] or 0) <= world.now and not world.forced[role] then
      held[role] = judge(live, plan, before, last, made, role, #side.parents == 1)
    end
  end
  for role, why in pairs(held) do
    if side.held[role] ~= why then world:note("%s leads: role %s held: %s", side.leader, role, why) end
    if last and last.roles[role] then keep(world, made, last, role) else fine = false end
  end
  side.held, world.forced = held, {}
  return fine
end

--- Roles that failed, and have no part in what was made, keep what they had.
---@param side mesh.sim.Side
---@param made table
function rail.keep_failed(side, made)
  local last = side.parents[#side.parents]
  for role in pairs(made.errors or {}) do
    if last and last.roles[role] and not made.roles[role] then keep(side.world, made, last, role) end
  end
end

return rail
