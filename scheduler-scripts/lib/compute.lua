---@meta mesh.compute
--- One role in one round: how many, of which version, where, with which variables.
-- What comes out is a part: {role, at, instances, ids, why, missing}; nothing of the round
-- is touched until it is whole, but for ports, room and the role's memory.

local code = require "mesh.code"
local drain = require "mesh.drain"
local nodes = require "mesh.nodes"
local placing = require "mesh.placing"
local plain = require "mesh.plain"
local ports = require "mesh.ports"
local restart = require "mesh.restart"
local role = require "mesh.role"
local rules_of = require "mesh.rules"
local scale = require "mesh.scale"
local update = require "mesh.update"
local util = require "mesh.util"
local version = require "mesh.version"
local why = require "mesh.why"

local to_integer <const> = math.tointeger -- a look-up of a library costs, and this is asked for each port

local numerals <const> = {} -- "1", "2", …: made once, for all roles

local compute = {}

local function value(v, round)
  if type(v) == "function" then return v(round) end
  return v
end

--- Ids of a role, and what they are by: count or keys.  place.every has its own.
local function name_instances(job)
  local spec, round = job.spec, job.round
  local ids = {}
  if spec.keys then
    local keys, items = role.keys(spec, round)
    for i, key in ipairs(keys) do ids[i] = spec.name .. "." .. key end
    job.ids, job.items = ids, items
    return
  end
  local said = round.memory:get("roles", spec.name, "scale")
  local n = spec.count
  if math.type(said) == "integer" then
    n = said
    job.count_says = ("%d by an operator"):format(said)
    if scale.is(spec.count) then round.memory.all.scale[spec.name] = nil end
  elseif scale.is(n) then
    local had = #(round.past.ids[spec.name] or {})
    n, job.count_says = scale.decide(n, spec.name, round, had > 0 and had or nil)
  elseif type(n) == "function" then
    n = n(round)
  end
  n = role.count(spec, n)
  local prefix = spec.name .. "."
  for i = #numerals + 1, n do numerals[i] = tostring(i) end
  for i = 1, n do ids[i] = prefix .. numerals[i] end
  job.ids = ids
end

--- For what new instances wait; nil: nothing.
local function waits_for(round, spec)
  for _, name in ipairs(spec.needs_sorted or {}) do
    local need = spec.needs[name]
    local well, all = round:well(name)
    if need == "all" then need = math.max(1, all) end
    if well < need then
      return ("waits: needs %s, of which %d of %d are healthy"):format(name, well, need)
    end
  end
  return nil
end

--- Variables of an instance: its address and ports, and what the role adds.
local function variables(round, spec, job, id, node, was)
  local vars, ranges, more = nil, spec.ports, spec.variables
  if ranges then
    local same = was and job.past_at[id] == node and was.vars or nil
    vars = {address = round.input.nodes[node].address, port = nil} -- as large as most need it
    for i = 1, #ranges do
      local range = ranges[i]
      local within = range.parts and ports.part(range, node, round.memory, round.now) or range
      vars[range.key] = round.ports:take(node, id, within, same and to_integer(same[range.key]))
    end
  end
  vars = vars or {}
  if more then
    if type(more) == "function" then more = more(id, node, round, job.items and job.items[id:sub(#spec.name + 2)]) end
    if more ~= nil and type(more) ~= "table" then
      error(("role '%s': variables: expected a table for %s, got %s"):format(spec.name, id, type(more)), 0)
    end
    for key, v in pairs(more or {}) do vars[key] = v end
    plain.check(vars, ("role '%s': variables of %s"):format(spec.name, id), 8)
  end
  return vars
end

--- Where the author's own function wants them.
local function asked(job, place)
  local at, known = place(job), job.round.input.nodes
  if type(at) ~= "table" then
    error(("role '%s': place: expected a table, instance to node, got %s"):format(job.spec.name, type(at)), 0)
  end
  for id, node in pairs(at) do
    if not known[node] or known[node].state == "left" then
      error(("role '%s': place: %s: no node '%s'%s"):format(job.spec.name, id, tostring(node),
        util.suggest(tostring(node), util.keys(known))), 0)
    end
  end
  return at
end

-- What a role's `vars` came to.
local function check_vars(spec, vars)
  local path = ("role '%s': vars"):format(spec.name)
  if type(vars) ~= "table" then error(("%s: expected a table, got %s"):format(path, type(vars)), 0) end
  plain.check(vars, path, 4)
end

--- At most one in the world: placed at once, but not started before it has ended
-- where it was.
local function note_waits(job, at)
  for _, id in ipairs(job.ids) do
    local was, says = job.past_at[id], job.why[id]
    if was and says and at[id] and at[id] ~= was then
      job.why[id] = ("%s; starts when %s says gone, or when its role lease is over: 15 s"):format(says, was)
    end
  end
end

-- The container that runs once before an update.
local function add_once(job, part)
  local round, once = job.round, job.once
  local ok = nodes.of({round = round, spec = job.spec, missing = {}}, {})(once.image)
  local node = job.past_at[once.id]
  if not node then
    for _, name in ipairs(ok) do
      if node == nil or (round.load[name] or 0) < (round.load[node] or 0) then node = name end
    end
  end
  part.ids[#part.ids + 1] = once.id
  if node == nil then
    part.why[once.id] = "no node: none has the image and the sandbox and takes new work"
    return
  end
  part.at[once.id], part.instances[once.id] = node, {process = once.process, image = once.image, vars = {}}
  part.why[once.id] = node .. ": runs once, before the update"
end

local function instances(job, at, part)
  local round, spec, past, out = job.round, job.spec, job.past, part.instances
  local process, image, image_for, as_it_was = spec.process, job.image, job.image_for, job.as_it_was
  for _, id in ipairs(job.ids) do
    local node = at[id]
    if node and as_it_was[id] then
      out[id] = past[id]
    elseif node then
      out[id] = {process = process, image = image_for and image_for(id) or image,
        vars = variables(round, spec, job, id, node, past[id])}
    end
  end
end

-- What decided about all of a role's instances is said of those it decided.
local function chain(job, at)
  local stops = job.stops
  if stops then
    job.why[stops.id] = why.add(job.why[stops.id] or job.round.past.why[stops.id], stops.says)
  end
  if not job.count_says and not job.image_for then return end
  for _, id in ipairs(job.ids) do
    local said = job.why[id]
    if job.past_at[id] == nil and said and job.count_says then job.why[id] = why.add(job.count_says, said) end
    if job.image_for and at[id] then
      local was = job.past[id]
      if was and job.update_says and job.image_for(id) ~= was.image then
        job.why[id] = why.add(job.why[id] or job.round.past.why[id], job.update_says)
      end
    end
  end
end

--- Compute a role.
---@param round mesh.Round
---@param spec mesh.Role
---@return table part
function compute.role(round, spec)
  if spec.compute then -- it places itself: lithos.lua
    local part = spec.compute(round, spec)
    round.done[spec.name] = part
    return part
  end
  local name = spec.name
  local target = round:target(spec)
  if target.vars then check_vars(spec, target.vars) end
  local job = {
    round = round, spec = spec, image = target.image, past = round.past.instances[name] or {},
    past_at = round.past.at[name] or {}, past_ids = round.past.ids[name] or {},
    why = {}, missing = {}, as_it_was = {}, held = {}, related = {}, memory = round.memory:role(name),
  }
  job.waits = waits_for(round, spec)
  name_instances(job)
  local rules = spec.place
  local u
  if spec.update and spec.update.strategy then
    u = update.record(round, spec, target)
    local ids = job.ids
    if placing.is_every(rules) then ids = version.sort(job.past_ids) end
    update.step(round, spec, job, u, ids)
  end
  restart.step(round, job)
  if job.omit then
    local ids = {}
    for _, id in ipairs(job.ids) do
      if id ~= job.omit then ids[#ids + 1] = id end
    end
    job.ids = ids
  end
  drain.pace(round, job)
  if type(rules) == "table" then rules_of.tell_unknown(job, rules) end
  local at = type(rules) == "function" and asked(job, rules) or placing.run(job, rules)
  drain.note(round, job, at)
  if spec.on_split == "exclusive" then note_waits(job, at) end
  chain(job, at)
  local part = {at = at, instances = {}, why = job.why, missing = job.missing, ids = job.ids, held = job.held}
  instances(job, at, part)
  if job.once then add_once(job, part) end
  -- Now: vars may ask what this role itself has.
  round.done[name] = part
  local base = target
  if u then base, part.codes = code.parts(round, job, u, at) end
  part.role = {
    version = base.version, template = base.template, on_split = spec.on_split,
    update = spec.update and spec.update.part, vars = base.vars or value(spec.vars, round) or {},
  }
  if not base.vars then check_vars(spec, part.role.vars) end
  return part
end

return compute
