--- mesh.drain: a node is emptied in turn, each step gated on the health of what has moved.

package.path = "scheduler-scripts/spec/?.lua;" .. package.path
local setup = require "setup"
local mesh = setup.mesh
local sim = require "mesh.sim"

local function web(more)
  local spec = {image = "web-v1", sandbox = "web", count = 12, template = false}
  for key, value in pairs(more or {}) do spec[key] = value end
  return mesh.role("web", spec)
end

--- Nodes n1 to n4 with it, up and well.
local function world(role, more)
  local opts = {nodes = 4, seed = 7, scheduler = mesh.scheduler(type(role[1]) == "table" and role or {role})}
  for key, value in pairs(more or {}) do opts[key] = value end
  local w = sim(opts)
  w:advance "20s"
  return w
end

local function scheduled(w, node)
  local n, on = 0, w:schedule(w.names[#w.names]).nodes[node]
  for _, place in pairs(on and on.roles or {}) do
    for _ in pairs(place.instances) do n = n + 1 end
  end
  return n
end

describe("mesh.drain", function()
  it("one after the other, the next when the last is well", function()
    local w = world(web())
    assert.are.equal(3, w:running("web", "n1"))
    local least, steps, last = 12, {}, 3
    w:always(function()
      least = math.min(least, w:healthy "web")
      local n = scheduled(w, "n1")
      if n ~= last then steps[#steps + 1], last = n, n end
    end)
    w:action(nil, "drain", {node = "n1"}, "n2")
    w:advance "60s"
    assert.are.same({2, 1, 0}, steps)
    assert.are.equal(11, least)
    assert.are.equal(12, w:healthy "web")
    assert.is_nil(w:schedule("n2").state.drain) -- nobody is under way any more
    w:action(nil, "undrain", {node = "n1"}, "n2")
    w:advance "60s"
    assert.is_true(w:running("web", "n1") > 0)
  end)

  it("says in `why`, and in what status lists, for what each waits", function()
    local input = setup.world(3)
    local scheduler = mesh.scheduler {web {count = 6}}
    setup.rounds(scheduler, input)
    input.now, input.nodes.n1.draining = 100000, true
    local result = scheduler.schedule(input)
    assert.are.equal("n2", setup.where(result)["web.1"])
    assert.are.equal("n1: stays for now, the node drains: 1 of web at a time", result.why["web.4"])
    assert.are.same({{role = "web", node = "n1", what = "web.4 to leave it: 1 of web at a time"}}, result.missing)
    setup.settle(input, result, 1)
    input.running["web.1"].health, input.running["web.1"].since = "wait", input.now
    result = scheduler.schedule(input)
    assert.are.equal("n1", setup.where(result)["web.4"])
    assert.are.equal("n1: stays for now, the node drains: waits for web.1 on n2 to be healthy", result.why["web.4"])
    -- It never gets well: after `deadline` the next one goes.
    setup.settle(input, result, 1)
    input.running["web.1"].health, input.running["web.1"].state = "none", "crash-loop"
    input.now = input.now + 599000
    result = scheduler.schedule(input)
    assert.are.equal("n1", setup.where(result)["web.4"])
    local parent, running = result, input.running["web.1"]
    input.parents, input.now = {result}, input.now + 2000
    result = scheduler.schedule(input)
    assert.are.equal("n1", setup.where(parent)["web.4"])
    assert.are_not.equal("n1", setup.where(result)["web.4"])
    assert.matches("web.1: is not healthy 10m after it left a node that drains", table.concat(result.changes, "\n"), 1,
      true)
    -- Or well, for long enough.
    input.parents, input.now = {parent}, input.now - 2000
    running.state, running.health, running.since = "running", "healthy", input.now - 1999
    assert.are.equal("n1", setup.where(scheduler.schedule(input))["web.4"])
    running.since = input.now - 2000
    assert.are_not.equal("n1", setup.where(scheduler.schedule(input))["web.4"])
  end)

  it("waits while others of the role come up, not for what was broken before", function()
    local input = setup.world(3)
    local scheduler = mesh.scheduler {web {count = 6}}
    setup.rounds(scheduler, input)
    input.now, input.nodes.n1.draining = 1000000, true
    local copy = input.running["web.5"]
    copy.health, copy.since = "unhealthy", input.now - 1000
    assert.are.same({n1 = 2, n2 = 2, n3 = 2}, setup.counts(scheduler.schedule(input), "web"))
    copy.since = input.now - 3600000
    assert.are.equal(1, setup.counts(scheduler.schedule(input), "web").n1)
  end)

  it("what does not run well has nothing to lose, and leaves at once", function()
    local input = setup.world(3)
    local scheduler = mesh.scheduler {web {count = 9}}
    setup.rounds(scheduler, input)
    input.now, input.nodes.n1.draining = 1000000, true
    input.running["web.1"].state, input.running["web.4"].health = "backoff", "unhealthy"
    assert.is_nil(setup.counts(scheduler.schedule(input), "web").n1)
  end)

  it("so many at a time as the role says; all at once when an operator says so", function()
    local function left(drain, args, count)
      local input = setup.world(2)
      local scheduler = mesh.scheduler {web {count = count or 8, drain = drain}}
      setup.rounds(scheduler, input)
      input.actions = {{id = "n2.1", stamp = 5, node = "n2", name = "drain", args = args or {node = "n1"}}}
      local result = scheduler.schedule(input)
      assert.are.equal("n1: drains", result.replies["n2.1"])
      return setup.counts(result, "web").n1
    end
    assert.are.equal(3, left())
    assert.are.equal(8, left(nil, nil, 20))
    assert.are.equal(2, left {at_most = 2})
    assert.are.equal(2, left {at_most = "25%"})
    assert.is_nil(left {at_most = "100%"})
    assert.is_nil(left(nil, {node = "n1", now = "true"}))
  end)

  it("one that nobody else can take keeps the others from nothing", function()
    local input = setup.world(3)
    local scheduler = mesh.scheduler {web {count = 6}}
    setup.rounds(scheduler, input)
    input.now, input.nodes.n1.draining = 1000000, true
    input.nodes.n2.state, input.nodes.n3.state = "suspect", "suspect"
    local result = scheduler.schedule(input)
    assert.matches("drains, but no other node can take it", result.why["web.1"], 1, true)
    assert.are.equal("n1", setup.where(result)["web.4"])
    input.parents = {result}
    input.nodes.n2.state = "alive"
    local at = setup.where(scheduler.schedule(input))
    assert.are.equal("n1", at["web.1"])
    assert.are.equal("n2", at["web.4"])
  end)

  it("start-first: there are never fewer than its count", function()
    local w = world(web {drain = {order = "start-first"}})
    local least, most = 12, 12
    w:always(function()
      least, most = math.min(least, w:healthy "web"), math.max(most, w:running "web")
    end)
    w:drain "n1"
    w:advance "90s"
    assert.are.equal(0, w:running("web", "n1"))
    assert.are.equal(12, least)
    assert.are.equal(13, most)
    assert.are.equal(12, w:running "web")
    assert.is_nil(w:schedule("n2").state)
  end)

  it("start-first without room for one more goes on without it", function()
    local w = world(web {count = 4, place = mesh.place.distinct(), drain = {order = "start-first", deadline = "20s"}},
      {nodes = 5})
    w:drain(w:where("web")[1])
    w:advance "10s"
    assert.are.equal(5, #w:where "web") -- the free node has the one more
    w:advance "60s"
    assert.are.equal(4, w:healthy "web")
    w = world(web {count = 1, resources = {cpu = 3}, drain = {order = "start-first", deadline = "20s"}},
      {nodes = {a = {cpus = 4}, b = {cpus = 4}}})
    local was = w:where("web")[1]
    w:drain(was)
    w:advance "60s"
    assert.are.equal(1, w:healthy "web")
    assert.are_not.equal(was, w:where("web")[1])
  end)

  it("what is one on every node goes after the others; what keeps its place stays", function()
    local log = mesh.role("log", {image = "log-v1", place = mesh.place.every(), template = false})
    local db = mesh.role("db", {image = "db-v1", on_split = "keep", template = false, count = 4})
    local w = world {web(), log, db}
    w:always(function() assert(w:running("log", "n1") == 1 or scheduled(w, "n1") == 1) end)
    w:drain "n1"
    w:advance "5s"
    assert.are.equal(1, w:running("log", "n1"))
    w:advance "60s"
    assert.are.equal(0, w:running("log", "n1"))
    assert.are.equal(1, w:running("db", "n1"))
    assert.are.equal(0, w:running("web", "n1"))
  end)

  it("an update meanwhile leaves what is still to go as it is", function()
    local update <const> = {strategy = "smooth", substeps = 2, min_healthy = "2s"}
    local input = setup.world(2)
    local function scheduler(version)
      return mesh.scheduler {web {count = 8, image = "web-" .. version, version = version, update = update}}
    end
    setup.rounds(scheduler "v1", input)
    input.nodes.n1.draining, input.nodes.n1.facts.images = true, {"web-v1"}
    local result = scheduler("v2").schedule(input)
    for _, one in pairs(result.nodes.n1.roles.web.instances) do assert.are.equal("web-v1", one.image) end
    assert.is_nil(result.errors)
  end)

  it("refuses what it does not know", function()
    local function refuses(text, drain)
      local ok, err = pcall(web, {drain = drain})
      assert.is_false(ok)
      assert.matches(text, err, 1, true)
    end
    refuses("role 'web': drain.order: 'start' is none of", {order = "start"})
    refuses("role 'web': drain.at_most: ", {at_most = 0})
    refuses("role 'web': drain.at_mst: unknown key; did you mean 'at_most'?", {at_mst = 1})
    refuses("role 'web': drain.deadline: expected a duration", {deadline = 3})
  end)

  it("is not hurt by a state that is none", function()
    local input = setup.world(2)
    local scheduler = mesh.scheduler {web()}
    setup.rounds(scheduler, input)
    input.nodes.n1.draining = true
    for _, bad in ipairs {3, {web = 3}, {web = {["web.1"] = 7}}, {web = {["+"] = {value = "x", stamp = 1}}},
        {web = {["+"] = 1}}, {web = {["web.9"] = {stamp = 0 / 0}}}} do
      input.parents[1].state = {drain = bad}
      assert.is_nil(scheduler.schedule(input).errors)
    end
  end)
end)
