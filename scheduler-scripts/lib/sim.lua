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
local simcheck = require "mesh.simcheck"
local util = require "mesh.util"

local function new(sim, opts)
  simcheck.options(opts, 4)
  local nodes = simcheck.nodes(opts.nodes or 3, 4)
  local world = setmetatable({sim = sim, seed = opts.seed or sim.seed or 1, now = World.EPOCH_MS, hosts = {},
    names = {}, sides = {}, journal = {}, invariants = {}, values = {}, images = {}, actions = {}, replies = {},
    starts = {}, errors = {}, seen = {}, forced = {}, rails = opts.rails ~= false, roles = opts.roles or {},
    vars = opts.vars or {}, scheduler = opts.scheduler, on_error = opts.on_error or false, cut_ms = false,
    asked = {}, known_roles = {}, declared_by = false, declares = false,
    jitter_ms = simcheck.duration(opts.jitter or 2000, 4), term = 0, serial = 0, action_number = 0}, World.of)
  world.state = world.seed
  for i, name in ipairs(util.keys(nodes)) do
    world.hosts[name] = Host.new(world, name, i, nodes[name])
    world.hosts[name].index = i
  end
  world.names = util.keys(world.hosts)
  world:divide()
  if sim.announce then print(("mesh.sim: %d nodes, seed %d"):format(#world.names, world.seed)) end
  return world
end

--- failures: of roles, in all worlds since somebody emptied it (mesh.spec).
return setmetatable({seed = nil, announce = false, failures = {}}, {
  __call = function(sim, opts)
    local world = new(sim, opts or {})
    return world
  end,
})
