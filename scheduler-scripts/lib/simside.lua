---@meta mesh.simside
--- One side of a simulated world: who leads it, what its leader sees, and its rounds.  The
-- input has the shape of the real one, and both input and output are held against the
-- contract (mesh.check), so a spec can't pass with what a daemon would refuse.

local check = require "mesh.check"
local judge = require "mesh.simjudge"
local rail = require "mesh.simrail"
local util = require "mesh.util"

---@class mesh.sim.Side
---@field group integer
---@field members string[]   nodes that are up, sorted
---@field leader string
---@field grade "full"|"degraded"
---@field parents table[]    schedules in force: one, or several after a heal
local Side = {}
Side.__index = Side

local function copy(value)
  if type(value) ~= "table" then return value end
  local out = {}
  for key, item in pairs(value) do out[key] = copy(item) end
  return out
end

--- Is schedule a what b was made from?
local function is_before(a, b, seen)
  for _, parent in ipairs(b.before) do
    if parent == a then return true end
    if not seen[parent] then
      seen[parent] = true
      if parent.serial > a.serial and is_before(a, parent, seen) then return true end
    end
  end
  return false
end

local function by_stamp(a, b)
  if a.term ~= b.term then return a.term < b.term end
  return a.serial < b.serial
end

--- The newest schedules that these hold: one that another came from is none.
local function newest(list)
  local out, seen = {}, {}
  for _, s in ipairs(list) do
    local old = seen[s]
    seen[s] = true
    for _, other in ipairs(list) do old = old or is_before(s, other, {}) end
    if not old then out[#out + 1] = s end
  end
  table.sort(out, by_stamp)
  return out
end

--- members: of one group, up, sorted.  was: the sides before, whose schedules they know.
function Side.new(world, group, members)
  local held, leader = {}, members[1]
  for _, name in ipairs(members) do
    local s = world.hosts[name].schedule
    if s then held[#held + 1] = s end
  end
  world.term = world.term + 1
  return setmetatable({world = world, group = group, members = members, leader = leader, term = world.term,
    grade = 2 * #members > world:known() and "full" or "degraded", parents = newest(held),
    held = {}, failed = {}, acted = {}, next_ms = world.now}, Side)
end

local function node_state(world, host, group)
  if host.left then return "left" end
  return host.up and host.group == group and world.hosts[host.name] and "alive" or "failed"
end

local function list_of(set)
  return util.keys(set)
end

local function facts(host)
  return {arch = host.arch, cpus = host.cpus, memory = host.memory, kernel = host.kernel,
    images = copy(host.images) or list_of(host.learned.images),
    sandboxes = copy(host.sandboxes) or list_of(host.learned.sandboxes), config_hash = "0000000000000000"}
end

function Side:node(host)
  local world = self.world
  local state = node_state(world, host, self.group)
  local used = host.load * host.cpus / 100
  return {address = host.address, zone = host.zone, tags = copy(host.tags), state = state,
    since = state == "failed" and host.up and world.cut_ms or host.since, reported = state == "alive",
    draining = host.draining, unstable = host.unstable, version = host.version, facts = facts(host),
    free = {cpus = host.cpus - used, memory = host.memory},
    metrics = {cpu_percent = host.load + 0.0, load1 = used, memory_free = host.memory, disk = 100 << 30,
      disk_free = 50 << 30}}
end

local function instance(c)
  return {role = c.role, version = c.version, node = c.node, image = c.image, state = c.state, health = c.health,
    restarts = c.restarts, since = c.since, error = c.error, unrendered = c.unrendered or nil}
end

--- What this side's leader knows of instances: of nodes out of reach what it last saw.
function Side:instances(input)
  local all = {}
  for _, name in ipairs(self.world.names) do
    local host = self.world.hosts[name]
    local here = node_state(self.world, host, self.group) == "alive"
    if here then self.world.seen[self.group][name] = host.containers end
    for id, c in pairs(self.world.seen[self.group][name] or {}) do
      local row = instance(c)
      if not here then row.state, row.health = "lost", "none" end
      all[id] = all[id] or {}
      all[id][#all[id] + 1] = row
    end
  end
  for id, rows in pairs(all) do
    table.sort(rows, function(a, b)
      if (a.state == "running") ~= (b.state == "running") then return a.state == "running" end
      if a.since ~= b.since then return a.since < b.since end
      return a.node < b.node
    end)
    input.running[id] = rows[1]
    if #rows > 1 then input.copies[id] = copy(rows) end
  end
end

--- The answers to what the schedule in force asks.
function Side:metrics()
  local last, out = self.parents[#self.parents], {}
  for name, expr in pairs(last and last.query or {}) do
    local value = self.world.values[name]
    if type(value) == "function" then value = value(self.world) end
    local m = {query = expr, series = {}, nodes = {}, missing = {}, age = 0}
    for _, node in ipairs(self.world.names) do
      local here = node_state(self.world, self.world.hosts[node], self.group) == "alive"
      local own = type(value) == "table" and value[node] or nil
      if not here or value == nil then
        m.missing[#m.missing + 1] = node
      else
        m.nodes[node] = {age = 0, value = own}
        if own then m.series[#m.series + 1] = {labels = {node = node}, value = own} end
      end
    end
    if type(value) == "number" then m.series[1] = {labels = {}, value = value} end
    if #m.series == 1 then m.value = m.series[1].value end
    out[name] = m
  end
  return out
end

local PARENT_KEYS = {"stamp", "at", "grade", "roles", "nodes", "vars", "state", "query", "changes", "replies", "why"}

function Side:input()
  local world = self.world
  local input = {api = 1, now = world.now, self = self.leader, nodes = {}, running = {}, copies = {},
    roles = copy(world.roles), metrics = self:metrics(), parents = {}, actions = {}, vars = copy(world.vars),
    side = {grade = self.grade, visible = #self.members, known = world:known(), lost = {}, term = self.term}}
  for _, name in ipairs(world.names) do
    local node = self:node(world.hosts[name])
    input.nodes[name] = node
    if node.state == "failed" then input.side.lost[#input.side.lost + 1] = name end
  end
  self:instances(input)
  for i, s in ipairs(self.parents) do
    input.parents[i] = {}
    for _, key in ipairs(PARENT_KEYS) do input.parents[i][key] = copy(s[key]) end
  end
  for _, a in ipairs(world.actions) do
    if world.hosts[a.node].group == self.group then input.actions[#input.actions + 1] = copy(a) end
  end
  return input
end

--- The output as a daemon gives it back, with what may be left out filled in.
local function whole(s)
  s.roles, s.nodes, s.vars = s.roles or {}, s.nodes or {}, s.vars or {}
  for _, r in pairs(s.roles) do r.vars = r.vars or {} end
  for _, node in pairs(s.nodes) do
    node.vars, node.roles = node.vars or {}, node.roles or {}
    for _, place in pairs(node.roles) do
      place.vars, place.instances = place.vars or {}, place.instances or {}
      for _, one in pairs(place.instances) do one.vars = one.vars or {} end
    end
  end
  return s
end

--- Nodes that were told no list have whatever is asked of them, from the next round on.
function Side:learn(missing)
  local learned = false
  for _, row in ipairs(missing or {}) do
    for _, name in ipairs(row.node and {row.node} or self.world.names) do
      local host = self.world.hosts[name]
      if row.image and not host.images and not host.learned.images[row.image] then
        host.learned.images[row.image], learned = true, true
      end
      if row.sandbox and not host.sandboxes and not host.learned.sandboxes[row.sandbox] then
        host.learned.sandboxes[row.sandbox], learned = true, true
      end
    end
  end
  return learned
end

local function same_plan(a, b)
  for _, key in ipairs {"roles", "nodes", "vars", "state", "query", "replies", "grade"} do
    if not util.same(a[key], b[key]) then return false end
  end
  return true
end

--- An answer for each action that was there; they are over with that.
function Side:answer(input, replies)
  local world, done = self.world, {}
  for _, a in ipairs(input.actions) do
    world.replies[a.id] = replies and replies[a.id] or "taken; the script gave no answer"
    done[a.id] = true
  end
  local left = {}
  for _, a in ipairs(world.actions) do
    if not done[a.id] then left[#left + 1] = a end
  end
  world.actions = left
end

function Side:issue(result)
  local world, last = self.world, self.parents[1]
  result.grade = self.grade
  if #self.parents == 1 and last.grade == self.grade and same_plan(last, result) then return end
  world.serial = world.serial + 1
  result.term, result.serial, result.before, result.at = self.term, world.serial, self.parents, world.now
  result.stamp = ("%d.%08x.%d"):format(self.term, world.hosts[self.leader].index, world.serial)
  self.parents = {result}
  for role in pairs(result.roles) do world.known_roles[role] = true end
  for _, line in ipairs(type(result.changes) == "table" and result.changes or {}) do
    world:note("%s leads: %s", self.leader, tostring(line))
  end
end

--- Roles that failed by their own error boundary, or by what the host refuses of them.
function Side:note_failed(made, refused)
  local world, was = self.world, self.failed
  self.failed = made.errors or {}
  for role, why in pairs(refused) do self.failed[role] = self.failed[role] or why end
  made.errors = self.failed
  for _, role in ipairs(util.keys(self.failed)) do
    world.known_roles[role] = true
    if was[role] ~= self.failed[role] then
      world:note("%s leads: role %s failed: %s", self.leader, role, self.failed[role])
      world:tell_failed(role, self.failed[role])
    end
  end
end

--- One round of this side's leader.
function Side:round()
  local world = self.world
  for _ = 1, 4 do
    local input = self:input()
    local why = check("Input", input)
    if why then error("mesh.sim: its own input is wrong: " .. why, 0) end
    local seen = copy(input)
    local ok, result = pcall(world.scheduler.schedule, input)
    local made, refused = nil, nil
    if ok then
      made = copy(result)
      why, refused = judge(made, seen)
    else
      why = tostring(result)
    end
    if why then return world:round_failed(self, why) end
    made = whole(made)
    world.errors[self.group] = nil
    self:note_failed(made, refused)
    if not self:learn(made.missing) then
      if world.rails then
        rail.note(self, seen, made.replies)
        if not rail.apply(self, made) then return end
      end
      rail.keep_failed(self, made)
      self:answer(seen, made.replies)
      return self:issue(made)
    end
  end
end

function Side:tick()
  local world = self.world
  if world.dirty or world.now >= self.next_ms then
    self.next_ms = world.now + 5000
    self:round()
  end
  for _, name in ipairs(self.members) do
    if #self.parents == 1 then world.hosts[name].schedule = self.parents[1] end
  end
end

return Side
