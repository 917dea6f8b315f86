--- mesh.sim, mesh.check: a world in memory, and what is held against the contract.

package.path = "scheduler-scripts/spec/?.lua;" .. package.path
local setup = require "setup"
local mesh = setup.mesh
local check = require "mesh.check"
local sim = require "mesh.sim"

local function web(more)
  local spec = {image = "web-v1", sandbox = "web", count = 2, template = false}
  for key, value in pairs(more or {}) do spec[key] = value end
  return mesh.role("web", spec)
end

local function world(more, role)
  local opts = {nodes = 5, seed = 42, scheduler = mesh.scheduler {role or web()}}
  for key, value in pairs(more or {}) do opts[key] = value end
  return sim(opts)
end

describe("mesh.sim", function()
  it("runs what is scheduled, healthy after a while", function()
    local w = world()
    w:advance "2s"
    assert.are.equal(0, w:healthy "web")
    w:advance "10s"
    assert.are.equal(2, w:healthy "web")
    assert.are.equal(2, #w:where "web")
  end)

  it("gives one story for a seed", function()
    local function story(seed)
      local w = world {seed = seed}
      w:advance "5s"
      w:kill(w:where("web")[1])
      w:advance "20s"
      return w:log()
    end
    assert.are.equal(story(1), story(1))
  end)

  it("has a leader and a schedule on each side, and folds after the heal", function()
    local w = world()
    w:advance "10s"
    w:partition({"n1", "n2"}, {"n3", "n4", "n5"})
    w:advance "20s"
    assert.are.equal("n1", w:leader "n2")
    assert.are.equal("n3", w:leader "n5")
    assert.are.equal("degraded", w:schedule("n1").grade)
    assert.are.equal("full", w:schedule("n3").grade)
    assert.is_true(w:running("web", "n3") + w:running("web", "n4") + w:running("web", "n5") >= 1)
    local before = w:started "web"
    w:heal()
    w:advance "10s"
    assert.are.equal(2, w:running "web")
    assert.are.equal(before, w:started "web")
  end)

  it("never runs two of an exclusive one", function()
    local w = world(nil, web {on_split = "exclusive", count = 1})
    w:always(function(x) assert(x:running "web" <= 1) end)
    w:advance "10s"
    local was = w:where("web")[1]
    w:partition({was}, was == "n1" and {"n2", "n3", "n4", "n5"} or {"n1"})
    w:advance "1m"
    assert.are.equal(1, w:running "web")
    assert.are_not.equal(was, w:where("web")[1])
    w:heal()
    w:advance "30s"
    assert.are.equal(1, w:running "web")
  end)

  it("holds what would stop much, as a host does, until someone says so or acts", function()
    local count = 10
    local function counted(more) return web {count = function() return count end, vars = more} end
    local w = world(nil, counted())
    w:advance "15s"
    count = 7 -- three are no harm
    w:advance "15s"
    assert.are.equal(7, w:running "web")
    count = 2
    w:advance "15s"
    assert.are.equal(7, w:running "web")
    assert.are.same({web = "would stop 5 of 7 instances (limit 30%)"}, w:held())
    assert.matches("n1 leads: role web held: would stop 5 of 7 instances", w:log(), 1, true)
    w:force "web"
    w:advance "15s"
    assert.are.equal(2, w:running "web")
    assert.are.same({}, w:held())
    w = world({rails = false}, counted())
    count = 10
    w:advance "15s"
    count = 2
    w:advance "15s"
    assert.are.equal(2, w:running "web")
    -- What an operator asks for is meant.
    w = world()
    w:action("web", "scale", {count = "10"})
    w:advance "15s"
    w:action("web", "scale", {count = "1"})
    w:advance "15s"
    assert.are.equal(1, w:running "web")
    assert.are.same({}, w:held())
    -- So it is of a group: all its roles.
    w = sim {nodes = 5, scheduler = mesh.scheduler {web {count = 10}, groups = {all = {"web"}}}}
    w:advance "15s"
    local id = w:action("all", "remove")
    w:advance "15s"
    assert.are.same({ok = true, text = "web: is taken away", roles = {"web"}}, w:reply(id))
    assert.are.equal(0, w:running "web")
  end)

  it("holds lists of a role's nodes if it is the same one on all", function()
    local function on(a, b)
      return {roles = {web = {on_split = "keep"}}, nodes = {n1 = {roles = {web = {sandbox = "web", vars = a}}},
        n2 = {roles = {web = {sandbox = "web", vars = b}}}}}
    end
    local made = on({x = {1}, y = {1}}, {x = {1, 2}, y = {1}})
    local w = sim {nodes = 2, scheduler = {api = 1, schedule = function() return made end}}
    w:advance "6s"
    made = on({x = {}, y = {1}}, {x = {1}, y = {}})
    w:advance "6s"
    assert.are.same({}, w:held())
    made = on({x = {1}, y = {1}}, {x = {1, 2}, y = {1}})
    w:advance "6s"
    made = on({x = {}, y = {1}}, {x = {}, y = {1}})
    w:advance "6s"
    assert.are.same({web = "would empty the list vars.x (had 2)"}, w:held())
  end)

  it("holds a list that would be emptied; lost nodes and moves hold nothing", function()
    local list = {"a", "b"}
    local w = world(nil, web {count = 10, vars = function() return {list = list} end})
    w:advance "15s"
    list = {}
    w:advance "10s"
    assert.are.same({web = "would empty the list vars.list (had 2)"}, w:held())
    assert.are.same({"a", "b"}, w:schedule().roles.web.vars.list)
    list = {"c"}
    w:advance "10s"
    assert.are.same({}, w:held())
    assert.are.same({"c"}, w:schedule().roles.web.vars.list)
    w:kill "n2"
    w:kill "n3"
    w:kill "n4"
    w:advance "30s"
    assert.are.same({}, w:held())
    assert.are.equal(10, w:running "web")
  end)

  it("restarts what crashes, ever later", function()
    local w = world()
    w:advance "10s"
    w:crash "web.1"
    assert.are.equal(1, w:running "web")
    w:advance "10s"
    assert.are.equal(2, w:running "web")
    w:image("web-v1", "crash")
    w:crash "web.1"
    w:advance "1m"
    local states = {}
    for _, c in ipairs(w:instances "web") do states[c.id] = c.state end
    assert.are.equal("crash-loop", states["web.1"])
  end)

  it("answers what the schedule asks, and actions", function()
    local seen, w
    w = sim {nodes = {"a", "b"}, scheduler = {schedule = function(input)
      seen = input
      local replies = {}
      for _, action in ipairs(input.actions) do replies[action.id] = "done: " .. action.name end
      return {query = {rps = "sum(rps)"}, replies = replies}
    end}}
    w:metric("rps", 12)
    w:advance "10s"
    assert.are.equal(12, seen.metrics.rps.value)
    local id = w:action("web", "scale", {count = "5"}, "b")
    w:advance "7s"
    assert.are.equal("done: scale", w:reply(id))
    assert.are.same({}, seen.actions)
  end)

  it("ends at a broken invariant, with seed and time", function()
    local w = world()
    w:always(function(x) return x:running "web" < 2 end)
    local ok, err = pcall(w.advance, w, "1m")
    assert.is_false(ok)
    assert.matches("invariant broken: it said false %(mesh.sim: seed 42, after %d+s%)", err)
  end)

  it("refuses an output that a daemon would refuse, or keeps the last one", function()
    local bad = {schedule = function() return {nodes = {n9 = {}}} end}
    local ok, err = pcall(function() world({scheduler = bad}):advance "1s" end)
    assert.is_false(ok)
    assert.matches("the round of n1 failed: nodes.n9: no such node", err, 1, true)
    local w = world {scheduler = bad, on_error = "keep"}
    w:advance "3s"
    assert.are.equal("nodes.n9: no such node", w:error "n1")
  end)

  it("refuses options and nodes that it does not know", function()
    assert.has_error(function() world {nods = 3} end)
    local _, err = pcall(function() world():kill "n7" end)
    assert.matches("mesh.sim: no node 'n7'; did you mean 'n", err, 1, true)
    _, err = pcall(function() world():advance "soon" end)
    assert.matches("'soon' is not a duration", err, 1, true)
  end)
end)

describe("mesh.check", function()
  local function says(text, value) assert.are.equal(text, check("Output", value)) end

  it("names what is wrong, with its path", function()
    assert.is_nil(check("Output", {}))
    says("Output: unknown key 'rolse'; did you mean 'roles'?", {rolse = {}})
    says("roles.web: on_split is missing", {roles = {web = {}}})
    says("roles.Web: 'Web' must match [a-z0-9][a-z0-9_.-]{0,62}", {roles = {Web = {}}})
    says("nodes.n1.roles.web.instances.web.1: image is missing",
      {nodes = {n1 = {roles = {web = {instances = {["web.1"] = {process = "web"}}}}}}})
    says("missing[2]: role is missing", {missing = {{role = "a"}, {}}})
    says("roles.web.update.max_unavailable: 0, at least 1",
      {roles = {web = {on_split = "keep", update = {max_unavailable = 0}}}})
    says("state: function is not serialisable", {state = print})
  end)
end)
