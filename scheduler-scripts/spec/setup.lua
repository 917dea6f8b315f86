--- Load the standard library from its sources under plain Lua or busted, and
-- make a world to schedule in.

local here = debug.getinfo(1, "S").source:match("^@(.*)spec/setup%.lua$") or "scheduler-scripts/"

table.insert(package.searchers, 2, function(name)
  local file = name == "mesh" and "mesh" or name:match("^mesh%.([%w_]+)$")
  if not file then return nil end
  if file == "contract" then return loadfile(here .. "schema/contract.lua") end
  return loadfile(here .. "lib/" .. file .. ".lua")
end)

local setup = {here = here, mesh = require "mesh"}

--- A node that lacks nothing.
function setup.node(address, more)
  local node = {
    address = address, state = "alive", reported = true, draining = false, unstable = false, since = 1,
    facts = {images = {"front-v1", "web-v1", "web-v2"}, sandboxes = {"front", "web"}},
  }
  for key, value in pairs(more or {}) do node[key] = value end
  return node
end

--- n nodes n1, n2, ... with nothing scheduled.
function setup.world(n)
  local input = {now = 1, self = "n1", side = {grade = "full"}, nodes = {}, running = {}, copies = {},
    roles = {}, metrics = {}, parents = {}, actions = {}, vars = {}}
  for i = 1, n do input.nodes["n" .. i] = setup.node("10.0.0." .. i) end
  return input
end

--- An error of a role without the place where the role is written, which it must have.
function setup.said(text)
  local place, said = text:match("^(scheduler%-scripts/spec/[%w_]+%.lua:%d+): (.*)$")
  assert(place, text)
  return said
end

--- instance -> node
function setup.where(result)
  local at = {}
  for name, node in pairs(result.nodes) do
    for _, on in pairs(node.roles) do
      for id in pairs(on.instances) do
        assert(at[id] == nil, id .. " is scheduled twice")
        at[id] = name
      end
    end
  end
  return at
end

--- instances of a role per node
function setup.counts(result, role)
  local counts = {}
  for id, node in pairs(setup.where(result)) do
    if id:match("^(.-)%.") == role then counts[node] = (counts[node] or 0) + 1 end
  end
  return counts
end

--- The schedule came true: everything runs and is healthy, and it is the parent.
function setup.settle(input, result, since)
  input.parents, input.running, input.copies = {result}, {}, {}
  for id, node in pairs(setup.where(result)) do
    input.running[id] = {node = node, role = id:match("^(.-)%."), state = "running", health = "healthy",
      restarts = 0, since = since or 1}
  end
end

--- Rounds until nothing moves; the last result.
function setup.rounds(scheduler, input, limit)
  local result
  for _ = 1, limit or 20 do
    result = scheduler.schedule(input)
    setup.settle(input, result)
    if not result.changes then return result end
  end
  error("still moving")
end

return setup
