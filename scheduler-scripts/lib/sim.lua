---@meta mesh.sim
--- mesh.sim {nodes = 5, seed = 42, scheduler = ...}: a world of nodes under a scheduler, in
-- memory and with a clock of its own, for specs and for `mesh sim`.
--
--     local w = mesh.sim {nodes = 5, scheduler = require "main"}
--     w:always(function() assert(w:running "web" <= 6) end)
--     w:advance "30s"
--     w:partition({"n1", "n2"}, {"n3", "n4", "n5"})
--     w:advance "1m"
--     w:heal()
--
-- Each side of a split has its own leader, which runs the scheduler on an input of the real
-- shape; hosts start, stop and lose what runs there as real ones do, and hold what would stop much
-- (mesh.simrail; `rails = false`: they do not).  What is not simulated: rendering, and how long
-- news takes (one tick, a second).

local Host = require "mesh.simhost"
local World = require "mesh.simworld"
local util = require "mesh.util"

local OPTIONS = {"nodes", "seed", "scheduler", "roles", "vars", "jitter", "on_error", "rails"}

local function node_options(nodes)
  local list = {}
  if math.type(nodes) == "integer" then
    for i = 1, nodes do list["n" .. i] = {} end
  else
    for key, value in pairs(nodes) do
      if type(value) == "string" then list[value] = {} else list[key] = value end
    end
  end
  return list
end

local function new(sim, opts)
  for key in pairs(opts) do
    local known = false
    for _, name in ipairs(OPTIONS) do known = known or name == key end
    if not known then
      error(("mesh.sim: unknown option '%s'%s"):format(tostring(key), util.suggest(tostring(key), OPTIONS)), 3)
    end
  end
  if type(opts.scheduler) ~= "table" or type(opts.scheduler.schedule) ~= "function" then
    error("mesh.sim: scheduler: expected what main.lua returns, a table with a function 'schedule', got "
      .. type(opts.scheduler), 3)
  end
  local world = setmetatable({seed = opts.seed or sim.seed or 1, now = World.EPOCH_MS, hosts = {}, names = {},
    sides = {}, journal = {}, invariants = {}, values = {}, images = {}, actions = {}, replies = {}, starts = {},
    errors = {}, seen = {}, forced = {}, rails = opts.rails ~= false, role_errors = {},
    roles = opts.roles or {}, vars = opts.vars or {}, scheduler = opts.scheduler,
    on_error = opts.on_error, jitter_ms = World.duration(opts.jitter or 2000, 3), term = 0, serial = 0,
    action_number = 0}, World)
  world.state = world.seed
  local nodes = node_options(opts.nodes or 3)
  for i, name in ipairs(util.keys(nodes)) do
    world.hosts[name] = Host.new(world, name, i, nodes[name])
    world.hosts[name].index = i
  end
  world.names = util.keys(world.hosts)
  world:divide()
  if sim.announce then print(("mesh.sim: %d nodes, seed %d"):format(#world.names, world.seed)) end
  return world
end

return setmetatable({seed = nil, announce = false}, {
  __call = function(sim, opts)
    local world = new(sim, opts or {})
    return world
  end,
})
