---@meta mesh.simworld
--- The world of mesh.sim: its clock, its network, and the words a spec moves it with (those it
-- asks with: mesh.simask).

local Host = require "mesh.simhost"
local Side = require "mesh.simside"
local asks = require "mesh.simask"
local simcheck = require "mesh.simcheck"
local util = require "mesh.util"

local TICK_MS = 1000
local EPOCH_MS = 1700000000000

---@class mesh.sim.World
---@field now integer           wall clock, ms
---@field seed integer
---@field names string[]        of all nodes, sorted
---@field hosts table<string, mesh.sim.Host>
---@field known_roles table<string, boolean>  what was declared, or is or was in a schedule
local World = {EPOCH_MS = EPOCH_MS}

--- Of a world: its words; what is none is an error at the line that has it.
World.of = {__index = function(_, key)
  local f = World[key]
  if f == nil and type(key) == "string" then
    error(("mesh.sim: a world has no '%s'%s"):format(key, util.suggest(key, util.keys(World))), 2)
  end
  return f
end}

local function text_of(ms)
  return ms >= 60000 and ("%dm%ds"):format(ms // 60000, ms % 60000 // 1000) or ("%ds"):format(ms // 1000)
end

--- An error that can be had again.
function World:stop(text)
  error(("%s (mesh.sim: seed %d, after %s)"):format(text, self.seed, text_of(self.now - EPOCH_MS)), 0)
end

--- 0 to n - 1, of the world's own numbers.
function World:random(n)
  self.state = (self.state * 6364136223846793005 + 1442695040888963407) & math.maxinteger
  return n > 0 and (self.state >> 33) % n or 0
end

function World:note(...)
  self.journal[#self.journal + 1] = text_of(self.now - EPOCH_MS) .. " " .. select(1, ...):format(select(2, ...))
end

function World:host(name, level)
  simcheck.node(self, name, false, (level or 1) + 3)
  return self.hosts[name]
end

--- Nodes that belong to the mesh.
function World:known()
  local n = 0
  for _, name in ipairs(self.names) do n = n + (self.hosts[name].left and 0 or 1) end
  return n
end

--- Who hears whom has changed: new sides, new leaders.
function World:divide()
  local groups, order = {}, {}
  for _, name in ipairs(self.names) do
    local host = self.hosts[name]
    if host.up and not host.left then
      if not groups[host.group] then
        groups[host.group] = {}
        order[#order + 1] = host.group
      end
      table.insert(groups[host.group], name)
    end
  end
  table.sort(order)
  self.sides = {}
  for _, group in ipairs(order) do
    self.seen[group] = self.seen[group] or {}
    self.sides[#self.sides + 1] = Side.new(self, group, groups[group])
  end
  self.dirty = true
end

function World:side_of(name)
  for _, side in ipairs(self.sides) do
    for _, member in ipairs(side.members) do
      if member == name then return side end
    end
  end
end

--- A role went wrong, in a round of some side; once is enough.
function World:tell_failed(role, why)
  local list, line = self.sim.failures, ("role %s failed: %s"):format(role, why)
  for _, said in ipairs(list) do
    if said == line then return end
  end
  list[#list + 1] = line
end

--- A round went wrong as a whole: as in a daemon the schedule in force stays; here it is an error too,
-- unless the world was made with on_error = "keep".
function World:round_failed(side, why)
  self.errors[side.group] = why
  self:note("%s leads: round failed: %s", side.leader, why)
  if self.on_error ~= "keep" then self:stop(("the round of %s failed: %s"):format(side.leader, why)) end
end

-- --- what a spec does ---------------------------------------------------------------------

--- Let time pass: "30s".  Invariants are looked at after each second.
function World:advance(time)
  local left = simcheck.duration(time)
  while left > 0 do
    local step = math.min(left, TICK_MS)
    self.now, left = self.now + step, left - step
    for _, name in ipairs(self.names) do
      if self.hosts[name].up then self.hosts[name]:tick() end
    end
    local dirty = self.dirty
    for _, side in ipairs(self.sides) do
      self.dirty = dirty
      side:tick()
    end
    self.dirty = false
    for _, f in ipairs(self.invariants) do
      local ok, why = pcall(f, self)
      if not ok or why == false then self:stop("invariant broken: " .. (ok and "it said false" or tostring(why))) end
    end
  end
end

--- An invariant: called after each second; an error, or false, ends the run.
function World:always(f)
  simcheck.is("always", f, "function")
  self.invariants[#self.invariants + 1] = f
end

--- A host dies with all that runs there.
function World:kill(name)
  self:host(name):kill()
  self:note("%s dies", name)
  self:divide()
end

--- A dead host is there again, with the schedule that it knew.
function World:revive(name)
  local host = self:host(name)
  host.up, host.since = true, self.now
  self:note("%s is back", name)
  self:divide()
end

--- Cut the network: each list hears itself alone; who is in none of them is in a side of the rest.
function World:partition(...)
  local rest = select("#", ...) + 1
  simcheck.sides(self, {...}, rest - 1)
  for _, name in ipairs(self.names) do self.hosts[name].group = rest end
  for i, list in ipairs {...} do
    for _, name in ipairs(list) do self:host(name).group = i end
  end
  for i = 1, rest do -- what is known of the others is what was known before
    local seen = {}
    for key, value in pairs(self.seen[1] or {}) do seen[key] = value end
    self.seen[i] = seen
  end
  self.cut_ms = self.now
  self:note("the network is cut")
  self:divide()
end

--- Everybody hears everybody again.
function World:heal()
  for _, name in ipairs(self.names) do self.hosts[name].group = 1 end
  self:note("the network is whole")
  self:divide()
end

function World:add_node(name, opts)
  simcheck.new_node(name, opts or {})
  if self.hosts[name] then error(("mesh.sim: there is a node '%s' already"):format(name), 2) end
  local index = #self.names + 1
  self.hosts[name] = Host.new(self, name, index, opts)
  self.hosts[name].index = index
  self.names = util.keys(self.hosts)
  self:divide()
end

--- It leaves for good.
function World:leave(name)
  local host = self:host(name)
  host:kill()
  host.left = true
  self:divide()
end

function World:drain(name) self:host(name).draining, self.dirty = true, true end
function World:undrain(name) self:host(name).draining, self.dirty = false, true end
function World:tag(name, key, value)
  simcheck.is("tag: its name", key, "string")
  simcheck.is("tag '" .. key .. "'", value, "string number boolean nil")
  self:host(name).tags[key], self.dirty = value, true
end

--- cpu_percent of a node, 0 to 100.
function World:load(name, percent)
  simcheck.is("load", percent, "percent")
  self:host(name).load, self.dirty = percent, true
end

--- The answer to an entry of `query`: a number, {n1 = number, ...}, or a function of the world; nil: none.
function World:metric(name, value)
  simcheck.is("metric: its name", name, "string")
  simcheck.is("metric '" .. name .. "'", value, "number table function nil")
  self.values[name], self.dirty = value, true
end

--- From now on containers of an image "crash", are "unhealthy", or are "ok".
function World:image(image, how)
  simcheck.is("image: its name", image, "string")
  simcheck.word("image '" .. image .. "'", how, {"crash", "unhealthy", "ok"})
  self.images[image], self.dirty = how ~= "ok" and how or nil, true
end

--- From now on what a node renders for a role fails its check, with this; nil: it passes.
function World:check(name, role, why)
  simcheck.asked(self, role, name)
  self:host(name).checks[role], self.dirty = why and "check: " .. why, true
end

--- An instance crashes once.
function World:crash(id)
  for _, name in ipairs(self.names) do
    local c = self.hosts[name].containers[id]
    if c and c.state == "running" then return self.hosts[name]:crash(c, "exited with code 1") end
  end
  local ids = {}
  for _, c in ipairs(self:instances()) do ids[#ids + 1] = c.id end
  error(("mesh.sim: no instance '%s' runs%s"):format(tostring(id), util.suggest(tostring(id), ids)), 2)
end

--- An operator's wish, given on a node: world:action("web", "scale", {count = "5"}).  Its id.
function World:action(role, name, args, node)
  node = node or self.names[1]
  self:host(node)
  self.action_number = self.action_number + 1
  local id = ("%s.%d"):format(node, self.action_number)
  self.asked[id] = true
  table.insert(self.actions, {id = id, stamp = self.now, node = node, by = "uid 0", role = role, name = name,
    args = args or {}, tries = 0})
  self.dirty = true
  return id
end

asks(World)

return World
