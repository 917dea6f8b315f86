---@meta mesh.round
--- A round as roles see it: the input, what was, what this round has decided so far.

local log = require "mesh.log"
local merge = require "mesh.merge"
local nodes = require "mesh.nodes"
local plain = require "mesh.plain"
local ports = require "mesh.ports"
local state = require "mesh.state"
local update = require "mesh.update"
local util = require "mesh.util"
local version = require "mesh.version"

---@class mesh.Round
---@field input table
---@field now integer                  the input's clock, ms
---@field names string[]               all nodes that have not left, sorted
---@field load table<string, integer>  instances per node so far
---@field done table<string, table>    parts of the roles so far
---@field past mesh.Past
---@field memory mesh.Memory
---@field log mesh.Log                 round.log:info("web", "text")
local Round = {}
Round.__index = Round

local type_of <const> = math.type -- a look-up of a library costs, and this is asked for each port

--- Does an instance run well on a node: healthy, or with no check at all?
local function runs_well(copy)
  return copy ~= nil and copy.state == "running" and copy.health ~= "unhealthy" and copy.health ~= "wait"
end

--- Healthy instances of a role that this schedule leaves where they are, as
-- {id, node, address, port, ...}: what a balancer may send requests to.  A node
-- that is silent for the moment is believed: its instances stay listed.  Of a role that
-- failed in this round: what it keeps.
---@param name string
---@return table[]
function Round:healthy(name)
  local list, running = {}, self.input.running or {}
  local part = self.done[name]
  if part == nil then
    error(("healthy: role '%s' is not scheduled before this one%s"):format(name,
      util.suggest(name, util.keys(self.done))), 2)
  end
  local past_at = self.past.at[name] or {}
  for _, id in ipairs(version.sort(util.keys(part.at))) do
    local node_name = part.at[id]
    local node = self.input.nodes[node_name]
    local copy = merge.copy_on(self.input, id, node_name)
    local silent = running[id] == nil and node and node.reported == false
      and node.state ~= "failed" and past_at[id] == node_name
    local well = copy and copy.state == "running" and copy.health == "healthy"
      and node and node.state ~= "failed"
    if well or silent then
      local item = {id = id, node = node_name, address = node.address}
      for key, value in pairs(part.instances[id].vars) do item[key] = value end
      list[#list + 1] = item
    end
  end
  return list
end

--- How many instances of a role run well now, and how many it had in the last schedule.
---@param name string
---@return integer, integer
function Round:well(name)
  local n, all = 0, self.past.ids[name] or {}
  for _, id in ipairs(all) do
    local node = self.past.at[name][id]
    local there = self.input.nodes[node]
    if there and there.state ~= "failed" and runs_well(merge.copy_on(self.input, id, node)) then n = n + 1 end
  end
  return n, #all
end

--- The first of some roles that is being updated, or about to; nil: none.
---@param names string[]
---@return string?
function Round:updating(names)
  for _, name in ipairs(names) do
    local spec = self.specs[name]
    local u
    if spec and spec.update and spec.update.strategy then
      -- Its vars, if they roll, may ask for what is not placed yet: then it is as it is remembered.
      local ok, target = pcall(self.target, self, spec)
      u = ok and update.record(self, spec, target) or update.known(self, spec)
    end
    if u and u.phase ~= "done" then return name end
  end
  return nil
end

--- Version, image and template that a role is to have: what an operator said, unless the script
-- has said something else since; or the script's.  And its vars, if they roll.
---@param spec mesh.Role
---@return {version: string?, image: string, template: string?, vars: table?}
function Round:target(spec)
  local said = self.memory:get("roles", spec.name, "version")
  local own = {version = spec.version, image = spec.image}
  if type(own.image) == "function" then own.image = spec.image(spec.version) end
  if type(own.image) ~= "string" then
    error(("role '%s': image: expected the name of an image, got %s"):format(spec.name, type(own.image)), 0)
  end
  local of = own
  if type(said) == "table" and type(said.image) == "string" and said.base == state.canon(own) then of = said end
  local template, vars = of.template or spec.template, nil
  if type(template) == "function" then template = template(of.version) end
  if spec.update and spec.update.vars == "roll" then
    vars = spec.vars or {}
    if type(vars) == "function" then vars = vars(self) or {} end
    if type(vars) ~= "table" then
      error(("role '%s': vars: expected a table, got %s"):format(spec.name, type(vars)), 0)
    end
  end
  return {version = of.version, image = of.image, template = template, vars = vars}
end

--- A line for the journal of the schedule, `changes`.
---@param line string
function Round:journal(line)
  self.changes[#self.changes + 1] = plain.text(tostring(line))
end

local function drained(round)
  for name in pairs(round.memory.all.nodes) do
    local said = round.memory:get("nodes", name, "drain")
    if said == true or said == "now" then round.drained[name] = said end
  end
end

-- Tags that operators gave, beside the node's own.
local function tagged(input, memory)
  local changed
  for _, name in ipairs(util.keys(memory.all.nodes)) do
    local cell, node = memory.all.nodes[name], (input.nodes or {})[name]
    if node and type(cell) == "table" and type(cell.tags) == "table" then
      changed = changed or setmetatable({}, {__index = input.nodes})
      local tags, copy = {}, {}
      for key, value in pairs(node.tags or {}) do tags[key] = value end
      for key in pairs(cell.tags) do tags[key] = memory:get("nodes", name, "tags", key) end
      for key, value in pairs(node) do copy[key] = value end
      copy.tags = tags
      changed[name] = copy
    end
  end
  if not changed then return input end
  local out, all = {}, {}
  for key, value in pairs(input) do out[key] = value end
  for name, node in pairs(input.nodes) do all[name] = rawget(changed, name) or node end
  out.nodes = all
  return out
end

-- What past instances take comes first, whatever the order of roles: ports and room.
local function reserve(round, roles)
  local room, held = false, round.ports
  for _, spec in ipairs(roles) do room = room or spec.resources ~= nil end
  for _, spec in ipairs(roles) do
    local at, past, ranges = round.past.at[spec.name], round.past.instances[spec.name], spec.ports
    if at and (ranges or room and spec.resources) then
      ranges = ranges or {}
      for _, id in ipairs(round.past.ids[spec.name]) do
        local node, vars = at[id], past[id].vars or {}
        for i = 1, #ranges do
          local port = vars[ranges[i].key]
          if type_of(port) == "integer" then held:reserve(node, port, id) end
        end
        if spec.resources and round.input.nodes[node] then nodes.reserve(round, node, spec.resources, 1) end
      end
    end
  end
end

local rounds = {runs_well = runs_well}

--- A round over an input, with all roles' specs.
---@param input table
---@param roles mesh.Role[]
---@return mesh.Round
function rounds.new(input, roles)
  local past = merge.past(input)
  local memory = state.open(past.state)
  local round = setmetatable({
    names = {}, present = {}, load = {}, done = {}, changes = {}, used = {}, drained = {}, specs = {},
    memory = memory, past = past, ports = ports.new(), log = log.new(), now = input.now or 0, replies = {},
    result = {roles = {}, nodes = {}, why = {}, errors = {}, missing = {}},
  }, Round)
  for _, spec in ipairs(roles) do round.specs[spec.name] = spec end
  return round, function() -- once actions are taken
    round.input = tagged(input, memory)
    drained(round)
    for _, name in ipairs(util.keys(round.input.nodes or {})) do
      if round.input.nodes[name].state ~= "left" then
        round.names[#round.names + 1] = name
        round.present[name] = true
      end
    end
    nodes.classify(round)
    reserve(round, roles)
  end
end

return rounds
