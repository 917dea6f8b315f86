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
    assert.are.equal("nodes.n9: no such node (known: n1, n2, n3, n4, n5)", w:error "n1")
  end)

  --- What web's part is made into, and what the host says of it; the other role goes on.
  local AMISS = {
    {"roles.web.on_split: expected one of replace, keep, exclusive, got 'kepe'",
      function(out) out.roles.web.on_split = "kepe" end},
    {"nodes.n1.roles.web.instances.web.1: image is missing",
      function(_, instances) instances["web.1"].image = nil end},
    {"nodes.n1.roles.web.instances.one: an instance of role 'web' is named web.N or web.KEY",
      function(_, instances) instances.one, instances["web.1"] = instances["web.1"], nil end},
    {"nodes.n1.roles.web: sandbox is missing", function(out) out.nodes.n1.roles.web.sandbox = nil end},
    {"nodes.n1.roles.web: role 'web' is not in roles: give it a version and on_split there",
      function(out) out.roles.web = nil end},
    {"nodes.n9: no such node (known: n1, n2)",
      function(out) out.nodes.n9, out.nodes.n1.roles.web = {roles = {web = out.nodes.n1.roles.web}}, nil end},
    {"instance 'web.1' scheduled on n1 and n2",
      function(out) out.nodes.n2.roles.web = out.nodes.n1.roles.web end},
    {"main.lua:3: boom", function(out)
      out.roles.web, out.nodes.n1, out.errors = nil, nil, {web = "main.lua:3: boom"}
    end},
  }

  it("lets a role that the host refuses keep its part, and the others go on", function()
    local bad, mark
    local main = {roles = {"web", "front"}, schedule = function()
      local function place(role)
        return {[role] = {sandbox = role, instances = {[role .. ".1"] = {process = role, image = role .. "-v1"}}}}
      end
      local out = {roles = {web = {on_split = "keep"}, front = {on_split = "keep", vars = {mark = mark}}},
        nodes = {n1 = {roles = place "web"}, n2 = {roles = place "front"}}}
      if bad then bad(out, out.nodes.n1.roles.web.instances) end
      return out
    end}
    for i, row in ipairs(AMISS) do
      local w = sim {nodes = 2, scheduler = main, rails = i % 2 == 0}
      bad = nil
      w:advance "10s"
      assert.are.same({}, w:failed())
      bad, mark = row[2], i
      w:advance "10s"
      assert.are.equal(row[1], w:failed "web")
      assert.are.same({web = row[1]}, w:failed(nil, "n2"))
      assert.is_nil(w:failed "front")
      assert.is_nil(w:error())
      assert.are.equal(i, w:schedule().roles.front.vars.mark)
      assert.are.equal("web-v1", w:schedule().nodes.n1.roles.web.instances["web.1"].image)
      assert.are.equal(1, w:running("web", "n1"))
      assert.are.equal(1, w:started "web")
      assert.matches("n1 leads: role web failed: " .. row[1], w:log(), 1, true)
      bad = nil
      w:advance "10s"
      assert.are.same({}, w:failed())
    end
    -- One that never had a part has none.
    bad, mark = AMISS[1][2], nil
    local w = sim {nodes = 2, scheduler = main}
    w:advance "10s"
    assert.are.equal(0, w:running "web")
    assert.are.equal(1, w:running "front")
    -- What can't leave the sandbox is nobody's alone.
    bad = function(out) out.roles.web.vars = {f = print} end
    local _, err = pcall(w.advance, w, "10s")
    assert.matches("the round of n1 failed: roles.web.vars.f: function is not serialisable", err, 1, true)
  end)

  it("refuses options and nodes that it does not know", function()
    assert.has_error(function() world {nods = 3} end)
    local _, err = pcall(function() world():kill "n7" end)
    assert.matches("mesh.sim: no node 'n7'; did you mean 'n", err, 1, true)
    _, err = pcall(function() world():advance "soon" end)
    assert.matches("'soon' is not a duration", err, 1, true)
  end)

  --- An error at the very line of the (one-line) function, that begins so.
  local function refuses(text, f)
    local ok, err = pcall(f)
    assert.is_false(ok, text)
    local line = debug.getinfo(f, "S").linedefined
    assert.matches(("sim_spec.lua:%d: mesh.sim: %s"):format(line, text), tostring(err), 1, true)
  end

  it("refuses a world that can't be meant", function()
    local main = mesh.scheduler {web()}
    refuses("unknown option 'nods'; did you mean 'nodes'?", function() return (sim {scheduler = main, nods = 3}) end)
    refuses("nodes: 0, expected 1", function() return (sim {scheduler = main, nodes = 0}) end)
    refuses("nodes: there is none", function() return (sim {scheduler = main, nodes = {}}) end)
    refuses("nodes: expected integer table, got string", function() return (sim {scheduler = main, nodes = "3"}) end)
    refuses("nodes: 'a' is there twice", function() return (sim {scheduler = main, nodes = {"a", "a"}}) end)
    refuses("node 'a': unknown key 'zon'; did you mean 'zone'?",
      function() return (sim {scheduler = main, nodes = {a = {zon = "z"}}}) end)
    refuses("node 'a': cpus: expected number, got string",
      function() return (sim {scheduler = main, nodes = {a = {cpus = "4"}}}) end)
    refuses("node 'A': a name must match", function() return (sim {scheduler = main, nodes = {"A"}}) end)
    refuses("on_error: expected \"keep\", got 'kep'; did you mean 'keep'?",
      function() return (sim {scheduler = main, on_error = "kep"}) end)
    refuses("'later' is not a duration", function() return (sim {scheduler = main, jitter = "later"}) end)
    refuses("scheduler: expected what main.lua returns", function() return (sim {scheduler = {}}) end)
  end)

  it("refuses what does nothing", function()
    local w = world()
    refuses("a world has no 'kil'; did you mean 'kill'?", function() w:kil "n1" end)
    refuses("image 'web-v1': expected \"crash\", \"unhealthy\", \"ok\", got 'carsh'; did you mean 'crash'?",
      function() w:image("web-v1", "carsh") end)
    refuses("load: expected 0 to 100, got string", function() w:load("n1", "x") end)
    refuses("load: expected 0 to 100, got 101", function() w:load("n1", 101) end)
    refuses("metric 'rps': expected number table function nil, got string", function() w:metric("rps", "12") end)
    refuses("tag 'disk': expected string number boolean nil, got table", function() w:tag("n1", "disk", {}) end)
    refuses("always: expected function, got boolean", function() w:always(w:running "web" == 0) end)
    refuses("there is a node 'n1' already", function() w:add_node "n1" end)
    refuses("node 'n9': unknown key 'tag'; did you mean 'tags'?", function() w:add_node("n9", {tag = {}}) end)
    refuses("partition: list 1: expected table, got string", function() w:partition "n1" end)
    refuses("partition: cuts nothing", function() w:partition() end)
    refuses("partition: cuts nothing", function() w:partition({"n1", "n2", "n3", "n4", "n5"}, {}) end)
    refuses("partition: node 'n2' is there twice", function() w:partition({"n1", "n2"}, {"n2"}) end)
    refuses("no node 'n7'; did you mean 'n1'?", function() w:partition({"n7"}, {"n2"}) end)
    refuses("no node 'n7'; did you mean 'n1'?", function() w:drain "n7" end)
    w:partition {"n1"} -- the others are the other side
    assert.are.equal("n2", w:leader "n5")
    w:advance "10s"
    refuses("no instance 'web.9' runs; did you mean 'web.", function() w:crash "web.9" end)
  end)

  it("refuses to be asked of what there is not", function()
    local w = world()
    for _, word in ipairs {"running", "healthy", "instances", "where", "started", "force", "failed"} do
      refuses("no role 'wbe'; did you mean 'web'?", function() w[word](w, "wbe") end)
    end
    refuses("no role 'wbe'; did you mean 'web'?", function() w:check("n1", "wbe", "x") end)
    for _, word in ipairs {"running", "healthy", "instances", "failed"} do
      refuses("no node 'nope'", function() w[word](w, "web", "nope") end)
    end
    for _, word in ipairs {"leader", "schedule", "held", "error"} do
      refuses("no node 'nope'", function() w[word](w, "nope") end)
    end
    refuses("no role 'nil'", function() w:started() end)
    refuses("there is no action 'n1.7'", function() w:reply "n1.7" end)
    assert.is_nil(w:reply(w:action("web", "scale", {count = "1"})))
    assert.are.equal(0, w:running "web") -- before the first round: it is declared
    assert.are.equal(0, w:running())
    w:advance "10s"
    w.scheduler = mesh.scheduler {mesh.role("front", {image = "front-v1"})} -- one that was is known
    w:advance "10s"
    assert.are.equal(0, w:running "web")
    assert.are.equal(1, w:running "front")
  end)

  it("knows roles of a scheduler that declares none by its schedules", function()
    local main = {schedule = function() return {roles = {web = {on_split = "keep"}}} end}
    local w = sim {scheduler = main}
    assert.are.equal(0, w:running "wbe") -- nobody knows yet
    w:advance "2s"
    assert.are.equal(0, w:running "web")
    refuses("no role 'wbe'; did you mean 'web'?; a scheduler of your own", function() w:running "wbe" end)
    main.roles = {"late"}
    w = sim {scheduler = main}
    assert.are.equal(0, w:running "late")
    refuses("no role 'wbe'", function() w:running "wbe" end)
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

  it("of an input that somebody wrote asks for nodes, and that all be as it should", function()
    local function of(value) return check("Input", value, true) end
    assert.is_nil(of {nodes = {n1 = {address = "10.0.0.1"}}})
    assert.are.equal("Input: nodes is missing", of {})
    assert.are.equal("nodes: expected a map, got number 5", of {nodes = 5})
    assert.are.equal("nodes.n1: expected a map, got number 5", of {nodes = {n1 = 5}})
    assert.are.equal("Input: api is missing", check("Input", {nodes = {}}))
  end)
end)
