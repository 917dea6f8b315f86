---@meta mesh.scheduler
--- mesh.scheduler {roles...}: a pure function from the input to a schedule.
-- Every role is computed under its own error boundary: a role that fails keeps
-- what it had, its error is told in the result, and the others go on.

local merge = require "mesh.merge"
local ports = require "mesh.ports"
local role = require "mesh.role"
local util = require "mesh.util"
local version = require "mesh.version"

---@class mesh.Round
---@field input table
---@field names string[]               all nodes that have not left, sorted
---@field load table<string, integer>  instances per node so far
---@field at table<string, string>     instance -> node, of the roles so far
local Round = {}
Round.__index = Round

--- Healthy instances of a role that this schedule leaves where they are, as
-- {id, node, address, port, ...}: what a balancer may send requests to.  A node
-- that is silent for the moment is believed: its instances stay listed.
---@param name string
---@return table[]
function Round:healthy(name)
  local list, running = {}, self.input.running or {}
  local part = self.done[name]
  if part == nil then
    error(("healthy: role '%s' is not scheduled before this one%s"):format(name,
      util.suggest(name, util.keys(self.done))), 2)
  end
  for _, id in ipairs(version.sort(util.keys(part.at))) do
    local node_name = part.at[id]
    local node = self.input.nodes[node_name]
    local copy = merge.copy_on(self.input, id, node_name)
    local was = (self.past.places[name] or {})[id]
    local silent = running[id] == nil and node and node.reported == false
      and node.state ~= "failed" and was and was.node == node_name
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

local function value(v, round)
  if type(v) == "function" then return v(round) end
  return v
end

--- Variables of an instance: its address and ports, and what the role adds.
local function variables(round, spec, id, node, was)
  local vars = {}
  if spec.ports then
    vars.address = round.input.nodes[node].address
    local same = was and was.node == node and was.vars or {}
    for _, range in ipairs(spec.ports) do
      vars[range.key] = round.ports:take(node, id, range, math.tointeger(same[range.key]))
    end
  end
  local more = spec.variables
  if type(more) == "function" then more = more(id, node, round) end
  for key, v in pairs(more or {}) do vars[key] = v end
  return vars
end

local function note_move(round, id, was, node)
  if was == nil then
    round.changes[#round.changes + 1] = ("%s: starts on %s"):format(id, node)
  elseif was.node ~= node then
    round.changes[#round.changes + 1] = ("%s: %s -> %s"):format(id, was.node, node)
  end
end

--- At most one in the world: placed at once, but not started before it has ended
-- where it was.
local function note_waits(job, at)
  for _, id in ipairs(job.ids) do
    local was, why = job.past[id], job.why[id]
    if was and why and at[id] and at[id] ~= was.node then
      job.why[id] = ("%s; starts when %s says gone, or when its role lease is over: 15 s")
        :format(why, was.node)
    end
  end
end

--- Compute one role; nothing of the round is touched until it is whole, but
-- for the ports it takes.
local function compute(round, spec)
  if spec.compute then -- it places itself: lithos.lua
    local part = spec.compute(round, spec)
    round.done[spec.name] = part
    return part
  end
  local job = {
    round = round, spec = spec, count = role.count(spec, round),
    past = round.past.places[spec.name] or {}, why = {}, missing = {}, as_it_was = {},
  }
  local at = spec.place(job)
  if spec.on_split == "exclusive" then note_waits(job, at) end
  local part = {at = at, instances = {}, why = job.why, missing = job.missing, ids = job.ids}
  for _, id in ipairs(job.ids) do
    local node, was = at[id], job.past[id]
    if node then
      if job.as_it_was[id] then
        part.instances[id] = {process = was.process, image = was.image, vars = was.vars}
      else
        part.instances[id] = {process = spec.process, image = spec.image,
          vars = variables(round, spec, id, node, was)}
      end
    end
  end
  -- Now: vars may ask what this role itself has.
  round.done[spec.name] = part
  part.role = {
    version = spec.version, template = spec.template, on_split = spec.on_split,
    update = spec.update, vars = value(spec.vars, round) or {},
  }
  if type(part.role.vars) ~= "table" then
    error(("role '%s': vars: expected a table, got %s"):format(spec.name, type(part.role.vars)), 0)
  end
  return part
end

--- What a role had, unchanged; nil when it had nothing.
local function keep(round, name)
  local past = round.past
  if past.roles[name] == nil then return nil end
  local part = {role = past.roles[name], at = {}, instances = {}, why = {}, missing = {}, ids = {}}
  for _, id in ipairs(util.keys(past.places[name] or {})) do
    local was = past.places[name][id]
    if round.present[was.node] then
      part.at[id], part.ids[#part.ids + 1] = was.node, id
      part.instances[id] = {process = was.process, image = was.image, vars = was.vars}
    end
  end
  return part
end

--- The share of a role that a node has in the result; `base` gives what it starts with.
local function share(round, name, base, node)
  local nodes = round.result.nodes
  local on = nodes[node]
  if on == nil then
    on = {roles = {}}
    nodes[node] = on
  end
  local here = on.roles[name]
  if here == nil then
    here = base(node)
    here.instances = {}
    on.roles[name] = here
  end
  return here
end

--- Put a role's part into the result.
local function add(round, name, base, part)
  local result, past = round.result, round.past.places[name] or {}
  result.roles[name] = part.role
  for node in pairs(part.node_vars or {}) do share(round, name, base, node) end
  for _, id in ipairs(part.ids) do
    local node = part.at[id]
    if node then
      share(round, name, base, node).instances[id] = part.instances[id]
      round.load[node] = (round.load[node] or 0) + 1
      note_move(round, id, past[id], node)
    end
    result.why[id] = part.why[id] or round.past.why[id] or (node and "stays on " .. node)
  end
  for _, row in ipairs(part.missing) do result.missing[#result.missing + 1] = row end
end

local function new_round(input, roles)
  local round = setmetatable({
    input = input, names = {}, present = {}, facts = {}, load = {}, done = {}, changes = {},
    past = merge.past(input), ports = ports.new(),
    result = {roles = {}, nodes = {}, why = {}, errors = {}, missing = {}},
  }, Round)
  for _, name in ipairs(util.keys(input.nodes or {})) do
    if input.nodes[name].state ~= "left" then
      round.names[#round.names + 1] = name
      round.present[name] = true
    end
  end
  -- Ports that are in use come first, whatever the order of roles.
  for _, spec in ipairs(roles) do
    for id, was in pairs(spec.ports and round.past.places[spec.name] or {}) do
      for _, range in ipairs(spec.ports) do
        local port = was.vars[range.key]
        if math.type(port) == "integer" then round.ports:reserve(was.node, port, id) end
      end
    end
  end
  return round
end

local function one_role(round, spec)
  local ok, part = pcall(compute, round, spec)
  if ok then
    local vars = part.node_vars or {}
    add(round, spec.name, function(node) return {sandbox = spec.sandbox, vars = vars[node]} end, part)
    return
  end
  -- Text: an error object may be anything, and a reader wants a line.
  local text = type(part) == "string" and part or ("error object is a %s value"):format(type(part))
  round.result.errors[spec.name] = text
  local kept = keep(round, spec.name)
  round.done[spec.name] = kept or {at = {}, instances = {}}
  if kept then
    local parts = round.past.node_parts[spec.name] or {}
    add(round, spec.name, function(node)
      local was = parts[node] or {}
      return {sandbox = was.sandbox or spec.sandbox, vars = was.vars}
    end, kept)
  end
end

local function without_empty(result)
  for _, key in ipairs {"why", "errors", "missing", "changes"} do
    if next(result[key]) == nil then result[key] = nil end
  end
  return result
end

-- All that it takes beside roles: a typo must not be a question that is never asked.
local function check_keys(roles)
  for key in pairs(roles) do
    if math.type(key) ~= "integer" and key ~= "query" then
      error(("mesh.scheduler: unknown key '%s'; known: query, and roles as items"):format(tostring(key)), 3)
    end
  end
end

--- mesh.scheduler
--- `query = {name = "expression"}` beside the roles: input.metrics[name] has the answers.
---@param roles mesh.Role[]|{query: table<string, string>?}
return function(roles)
  local seen = {}
  check_keys(roles)
  for i, spec in ipairs(roles) do
    if type(spec) ~= "table" or spec.name == nil then
      error(("mesh.scheduler: item %d is no role: write mesh.role(name, {...})"):format(i), 2)
    end
    if seen[spec.name] then error(("mesh.scheduler: role '%s' given twice"):format(spec.name), 2) end
    seen[spec.name] = true
  end
  return {
    roles = roles,
    schedule = function(input)
      local round = new_round(input, roles)
      for _, spec in ipairs(roles) do one_role(round, spec) end
      for _, line in ipairs(round.past.folded) do round.changes[#round.changes + 1] = line end
      round.result.changes = round.changes
      round.result.query = roles.query
      round.result.state = input.parents and input.parents[1] and next(round.past.state) ~= nil
        and round.past.state or nil
      return without_empty(round.result)
    end,
  }
end
