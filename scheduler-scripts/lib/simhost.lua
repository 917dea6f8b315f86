---@meta mesh.simhost
--- A node of a simulated world, and what runs on it: what a host does with a schedule, as
-- far as a scheduler can see it.  Time passes in ticks; nothing here draws a number but by
-- world:random, so a seed gives one story.

local util = require "mesh.util"

local same <const> = util.same
local START_MS, HEALTHY_MS, STOP_MS = 1000, 2000, 1000
local BACKOFF_MS, BACKOFF_MAX_MS, LOOP_AFTER = 1000, 60000, 5
--- An exclusive instance ends where nobody renews its lease.
local LEASE_MS = 15000

---@class mesh.sim.Host
---@field name string
---@field up boolean
---@field group integer            who is in one group hears each other
---@field containers table<string, table>
---@field schedule table?          the last one it heard of
local Host = {}
Host.__index = Host

---@param opts table?  zone, tags, images, sandboxes, arch, kernel, version, cpus, memory, address
function Host.new(world, name, index, opts)
  opts = opts or {}
  return setmetatable({
    world = world, name = name, up = true, group = 1, since = world.now, draining = false, unstable = false,
    address = opts.address or ("10.0.%d.%d"):format(index // 250, index % 250 + 1),
    zone = opts.zone or "", tags = opts.tags or {}, images = opts.images, sandboxes = opts.sandboxes,
    arch = opts.arch or "x86_64", kernel = opts.kernel or "6.1.0", version = opts.version,
    cpus = opts.cpus or 4, memory = opts.memory or 8 << 30, load = 0, containers = {},
    learned = {images = {}, sandboxes = {}}, checks = {}, rendered = {}, stuck = {},
  }, Host)
end

function Host:set(c, state, health)
  c.state, c.health, c.since = state, health or "none", self.world.now
  self.world.dirty = true
end

function Host:start(id, role, version, want)
  local c = {id = id, role = role, version = version or "", image = want.image, process = want.process,
    vars = want.vars, node = self.name, restarts = 0, error = ""}
  self.containers[id] = c
  self:set(c, "starting")
  c.at = self.world.now + START_MS + self.world:random(self.world.jitter_ms)
  self.world.starts[role] = (self.world.starts[role] or 0) + 1
  self.world:note("%s: %s starts", self.name, id)
end

function Host:stop(c)
  if c.state == "stopping" then return end
  self:set(c, "stopping")
  c.at = self.world.now + STOP_MS
  self.world:note("%s: %s stops", self.name, c.id)
end

--- Its lease is renewed by the leader of a full side only.
function Host:holds_lease()
  local side = self.world:side_of(self.name)
  return side ~= nil and side.grade == "full"
end

--- At most one in the world: may it start here?
function Host:may_start(id, exclusive)
  if not exclusive then return true end
  if not self:holds_lease() then return false, "no leader with a full side gives it a lease" end
  for _, other in ipairs(self.world.names) do
    local c = other ~= self.name and self.world.hosts[other].containers[id]
    if c and c.state ~= "waiting" then return false, "it may still run on " .. other end
  end
  return true
end

--- What the schedule says is to run here: id -> {role, version, exclusive, instance}.
function Host:wanted()
  local want, s = {}, self.schedule
  local part = s and s.nodes[self.name]
  for role, place in pairs(part and part.roles or {}) do
    local r = s.roles[role] or {}
    for id, instance in pairs(place.instances) do
      want[id] = {role = role, version = place.version or r.version, exclusive = r.on_split == "exclusive",
        instance = instance, at_once = type(r.update) == "table" and r.update.max_unavailable or 1}
    end
  end
  return want
end

local function ready(c) return c.state == "running" and c.health ~= "wait" and c.health ~= "unhealthy" end

--- Changed ones end at most max_unavailable at once; those that do not run anyhow count for nothing.
function Host:roll(want)
  local down = {}
  for id, w in pairs(want) do
    local c = self.containers[id]
    if c and not ready(c) then down[w.role] = (down[w.role] or 0) + 1 end
  end
  for _, id in ipairs(util.keys(want)) do
    local w, c = want[id], self.containers[id]
    local stuck = self.stuck[w.role] -- then what is rendered is not used: all is as it was, with the error
    local changed = c and not stuck and c.state ~= "stopping" and (c.image ~= w.instance.image
      or c.process ~= w.instance.process or not same(c.vars, w.instance.vars))
    if c and (c.unrendered and c.error) ~= stuck then
      c.error, c.unrendered, self.world.dirty = stuck or "", stuck and true, true
    end
    if changed and (not ready(c) or (down[w.role] or 0) < w.at_once) then
      if ready(c) then down[w.role] = (down[w.role] or 0) + 1 end
      self:stop(c)
    elseif c and not changed and not stuck and c.version ~= (w.version or "") then
      c.version, self.world.dirty = w.version or "", true
    end
  end
end

--- What a role is rendered to here is checked when it changes: self.stuck, role -> what the check said.
function Host:render()
  local s = self.schedule
  local part = s and s.nodes[self.name]
  self.stuck = {}
  for role, place in pairs(part and part.roles or {}) do
    local was, is, why = self.rendered[role], s.roles[role], self.checks[role]
    if why and not (was and (was.role == is and was.place == place
        or same(was.role, is) and same(was.place, place))) then
      self.stuck[role] = why
    else
      self.rendered[role] = {role = is, place = place}
    end
  end
end

--- It is to run here, but what it is started from can't be made.
function Host:place(id, w, state, why)
  self.containers[id] = {id = id, role = w.role, version = w.version or "", image = w.instance.image,
    process = w.instance.process, vars = w.instance.vars, node = self.name, restarts = 0, error = why}
  self:set(self.containers[id], state)
end

function Host:apply()
  self:render()
  local want = self:wanted()
  for _, id in ipairs(util.keys(self.containers)) do
    if not want[id] then self:stop(self.containers[id]) end
  end
  self:roll(want)
  for _, id in ipairs(util.keys(want)) do
    local w, c = want[id], self.containers[id]
    local may, why = self:may_start(id, w.exclusive)
    local placed = c and (c.state == "waiting" or c.placed)
    if self.stuck[w.role] then
      if not c then
        self:place(id, w, "failed", self.stuck[w.role])
        self.containers[id].placed, self.containers[id].unrendered = true, true
      end
    elseif (not c or placed) and may then
      self:start(id, w.role, w.version, w.instance)
    elseif not c then
      self:place(id, w, "waiting", why)
    end
  end
end

--- A crash: again after a while, each time a longer one.
function Host:crash(c, why)
  c.restarts = c.restarts + 1
  c.error = why
  self:set(c, c.restarts >= LOOP_AFTER and "crash-loop" or "backoff")
  c.at = self.world.now + math.min(BACKOFF_MAX_MS, BACKOFF_MS << math.min(c.restarts - 1, 10))
  self.world:note("%s: %s %s", self.name, c.id, why)
end

function Host:advance(c)
  local now, fault = self.world.now, self.world.images[c.image]
  if c.state == "stopping" and now >= c.at then
    self.containers[c.id] = nil
    self.world.dirty = true
  elseif (c.state == "starting" or c.state == "backoff" or c.state == "crash-loop") and now >= c.at then
    if fault == "crash" then
      self:crash(c, "exited with code 1")
    else
      c.error = ""
      self:set(c, "running", "wait")
      c.at = now + HEALTHY_MS
      self.world:note("%s: %s runs", self.name, c.id)
    end
  elseif c.state == "running" and c.health == "wait" and now >= c.at then
    self:set(c, "running", fault == "unhealthy" and "unhealthy" or "healthy")
  elseif c.state == "running" and c.health ~= "wait" and (c.health == "unhealthy") ~= (fault == "unhealthy") then
    self:set(c, "running", fault == "unhealthy" and "unhealthy" or "healthy")
  end
end

--- Exclusive ones end here once nobody has renewed their leases for long enough.
function Host:fence()
  if self:holds_lease() then
    self.lease_until = self.world.now + LEASE_MS
  elseif self.world.now >= (self.lease_until or 0) then
    for id, w in pairs(self:wanted()) do
      local c = self.containers[id]
      if w.exclusive and c and c.state ~= "waiting" then
        self.containers[id] = nil
        self.world:note("%s: %s ends: its role lease is over", self.name, id)
        self.world.dirty = true
      end
    end
  end
end

function Host:tick()
  for _, id in ipairs(util.keys(self.containers)) do
    if self.containers[id].state ~= "waiting" then self:advance(self.containers[id]) end
  end
  self:fence()
  self:apply()
end

function Host:kill()
  self.up, self.since, self.containers, self.lease_until = false, self.world.now, {}, nil
end

return Host
