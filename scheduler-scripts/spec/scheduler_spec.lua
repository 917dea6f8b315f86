--- mesh.role, mesh.scheduler, round:healthy, mesh.ports, mesh.version, and the demo.

package.path = "scheduler-scripts/spec/?.lua;" .. package.path
local setup = require "setup"
local mesh = setup.mesh

local function role(name, more)
  local spec = {image = "web-v1", sandbox = "web"}
  for key, value in pairs(more or {}) do spec[key] = value end
  return mesh.role(name, spec)
end

describe("mesh.role", function()
  local function refuses(text, ...)
    local ok, err = pcall(mesh.role, ...)
    assert.is_false(ok)
    assert.matches(text, err, 1, true)
  end

  it("refuses what it does not know, with a hint", function()
    refuses("role 'web': unknown key 'cuont'; did you mean 'count'?", "web", {image = "i", cuont = 3})
    refuses("role 'web': image: expected the name of an image, got nil", "web", {})
    refuses("role: 'Web!' must match", "Web!", {image = "i"})
    refuses("role 'web': expected a table of settings, got nil", "web", nil)
    refuses("role 'web': ports.port: '80-70' is not a port or a range", "web",
      {image = "i", ports = {port = "80-70"}})
    refuses("role 'web': ports.port: '99999' is not a port", "web", {image = "i", ports = {port = 99999}})
    refuses("role 'web': sandbox: '../x' must match", "web", {image = "i", sandbox = "../x"})
    refuses("role 'web': place: expected", "web", {image = "i", place = 3})
  end)

  it("knows three policies", function()
    for _, policy in ipairs {"replace", "keep", "exclusive"} do
      assert.are.equal(policy, mesh.role("web", {image = "i", on_split = policy}).on_split)
    end
    refuses("on_split: 'maybe' is not a policy; allowed: replace, keep, exclusive", "web",
      {image = "i", on_split = "maybe"})
  end)

  it("may be written as one word and a table", function()
    assert.are.equal(7, (mesh.role "web" {image = "i", count = 7}).count)
    local ok, err = pcall(function() return mesh.role "web" {image = "i", cuont = 7} end)
    assert.is_false(ok)
    assert.matches("unknown key 'cuont'", err, 1, true)
    ok, err = pcall(mesh.scheduler, {mesh.role "web"})
    assert.is_false(ok)
    assert.matches("item 1 is mesh.role \"name\" without its {...}", err, 1, true)
  end)

  it("names the line that called it", function()
    local _, err = pcall(function() local r = mesh.role("web", {image = 1}) return r end)
    assert.matches("scheduler_spec.lua:%d+:", err)
  end)
end)

describe("mesh.scheduler", function()
  it("refuses what is no role", function()
    assert.has_error(function() mesh.scheduler {{}} end)
    assert.has_error(function() mesh.scheduler {role "web", role "web"} end)
  end)

  it("passes on what all nodes are asked", function()
    local asked = {load = "node_load1"}
    assert.are.same(asked, mesh.scheduler({role "web", query = asked}).schedule(setup.world(1)).query)
    assert.is_nil(mesh.scheduler {role "web"}.schedule(setup.world(1)).query)
    local ok, err = pcall(mesh.scheduler, {role "web", qurey = asked})
    assert.is_false(ok)
    assert.matches("mesh.scheduler: unknown key 'qurey'; known: query, and roles as items", err, 1, true)
  end)

  it("refuses a count that is none, of this role only", function()
    local cases = {{0 / 0, "nan"}, {-1, "-1"}, {1.5, "1.5"}, {"3", '"3"'}, {math.huge, "inf"},
      {1e300, "1e+300"}}
    for _, case in ipairs(cases) do
      local result = mesh.scheduler {role("web", {count = case[1]})}.schedule(setup.world(1))
      assert.are.equal(("count: %s is not an integer 0-10000"):format(case[2]), setup.said(result.errors.web))
    end
    assert.is_nil(mesh.scheduler {role("web", {count = 2.0})}.schedule(setup.world(1)).errors)
  end)

  it("places exclusive at once and says what its start waits for", function()
    local input, scheduler = setup.world(2), mesh.scheduler {role("web", {on_split = "exclusive"})}
    local result = scheduler.schedule(input)
    assert.are.equal("exclusive", result.roles.web.on_split)
    local was = setup.where(result)["web.1"]
    local other = was == "n1" and "n2" or "n1"
    assert.is_nil(result.why["web.1"]:find("role lease", 1, true))
    setup.settle(input, result)
    input.nodes[was].state = "failed"
    result = scheduler.schedule(input)
    assert.are.same({["web.1"] = other}, setup.where(result))
    assert.matches("starts when " .. was .. " says gone, or when its role lease is over: 15 s",
      result.why["web.1"], 1, true)
  end)

  it("does not take an instance that waits for its role lease for a running copy", function()
    local input, scheduler = setup.world(2), mesh.scheduler {role("web", {on_split = "exclusive"})}
    local result = scheduler.schedule(input)
    local was = setup.where(result)["web.1"]
    local other = was == "n1" and "n2" or "n1"
    setup.settle(input, result)
    -- A second parent, of the other side, placed it elsewhere: there it waits.
    local twin = {roles = result.roles, nodes = {[other] = result.nodes[was]}}
    input.parents = {result, twin}
    local runs = input.running["web.1"]
    input.copies["web.1"] = {runs, {node = other, role = "web", state = "waiting", since = 0}}
    assert.are.same({["web.1"] = was}, setup.where(scheduler.schedule(input)))
  end)

  it("gives every role its own error boundary", function()
    local input = setup.world(2)
    local good, other = role("web", {count = 2}), role("front", {image = "front-v1"})
    setup.rounds(mesh.scheduler {good, other}, input)
    local broken = role("web", {count = 2, vars = function() error("a bad day") end})
    local result = mesh.scheduler {broken, other}.schedule(input)
    assert.matches("a bad day", result.errors.web, 1, true)
    assert.are.same({["web.1"] = "n1", ["web.2"] = "n2", ["front.1"] = "n1"}, setup.where(result))
    assert.are.same(input.parents[1].roles, result.roles)
    assert.are.same(input.parents[1].nodes, result.nodes)
    -- A node that has left takes its part along: the schedule may not name it.
    input.nodes.n2.state = "left"
    assert.are.same({["web.1"] = "n1", ["front.1"] = "n1"},
      setup.where(mesh.scheduler {broken, other}.schedule(input)))
  end)

  it("tells an error object that is no text", function()
    local result = mesh.scheduler {role("web", {vars = function() error({}) end})}.schedule(setup.world(1))
    assert.are.equal("error object is a table value", result.errors.web)
    assert.are.same({}, result.roles)
  end)

  it("keeps what a host would refuse within its role", function()
    local cycle = {}
    cycle.a = cycle
    local wrong = {
      {"vars.x: function is not serialisable", {vars = function() return {x = print} end}},
      {"vars.list[1].x: nan is not a finite number", {vars = {list = {{x = 0 / 0}}}}},
      {"vars.x: -inf is not a finite number", {vars = {x = -math.huge}}},
      {"vars.x: not UTF-8", {vars = {x = "\xff"}}},
      {"vars.x: a key is not UTF-8", {vars = {x = {["\xff"] = 1}}}},
      {"vars.x: a key is a boolean, not a string or 1..n", {vars = {x = {[true] = 1}}}},
      {"vars.x: keys are numbers and strings", {vars = {x = {1, a = 2}}}},
      {"vars.x: a list with holes: 3 is its last key", {vars = {x = {[1] = 1, [3] = 1}}}},
      {"vars.x: key 0: a list has keys 1..n", {vars = {x = {[0] = 1}}}},
      {"vars.a: it is within itself", {vars = cycle}},
      {"vars: 5120 KiB, at most 511 KiB", {vars = function() return {x = {("x"):rep((5 << 20) - 10)}} end}},
      {"variables of web.1: 601 KiB, at most 511 KiB", {variables = function() return {x = ("x"):rep(600 << 10)} end}},
      {"variables of web.1.x: function is not serialisable", {variables = function() return {x = print} end}},
      {"variables: expected a table for web.1, got number", {variables = function() return 7 end}},
      {"place: web.1: no node 'n3'; did you mean 'n1'?", {place = function() return {["web.1"] = "n3"} end}},
      {"place: expected a table, instance to node, got number", {place = function() return 7 end}},
      {"vars.x: a\\xff", {vars = function() error("role 'web': vars.x: a\xff", 0) end}},
    }
    for _, case in ipairs(wrong) do
      local input = setup.world(2)
      local result = mesh.scheduler {role("web", case[2]), role "front"}.schedule(input)
      assert.are.equal(case[1], setup.said(result.errors.web))
      assert.is_string(setup.where(result)["front.1"])
    end
    local deep = {}
    for _ = 1, 28 do deep = {a = deep} end
    local result = mesh.scheduler {
      role("web", {vars = deep}), role("front", {vars = {a = deep}})}.schedule(setup.world(1))
    assert.is_nil(result.errors.web)
    assert.matches("deeper than 32", result.errors.front, 1, true)
    result = mesh.scheduler {role("web", {vars = function() error(("x"):rep(5000)) end})}.schedule(setup.world(1))
    assert.are.equal(1000, #result.errors.web)
  end)

  it("refuses actions that nobody can ask for, and a state that is none", function()
    local f = function() end
    local function refuses(text, more)
      more[1] = role "web"
      local ok, why = pcall(mesh.scheduler, more)
      assert.is_false(ok)
      assert.matches(text, why, 1, true)
    end
    refuses("actions: no role or group 'wbe'; did you mean 'web'?", {actions = {wbe = {x = f}}})
    refuses("actions.web: expected a function by its name, got number", {actions = {web = {x = 5}}})
    refuses("actions.web: expected a function by its name, got function", {actions = {web = f}})
    refuses("state: expected a function of the round, got number", {state = 5})
    mesh.scheduler {role "web", groups = {all = {"web"}}, actions = {all = {x = f}}, state = f}
    local ok, why = pcall(mesh.scheduler {role "web", state = function() return print end}.schedule, setup.world(1))
    assert.is_false(ok)
    assert.are.equal("mesh.scheduler: state: expected a table, got function", why)
  end)

  it("takes over from a script whose state is another thing", function()
    for _, left in ipairs {5, "x", true, {1, 2}, {nodes = {5}, roles = "x", update = 7, scale = {{}}}} do
      local input = setup.world(2)
      local scheduler = mesh.scheduler {role("web", {ports = {port = {range = "100-999", scope = "mesh"}}})}
      setup.settle(input, scheduler.schedule(input))
      input.parents[1].state = left
      input.actions = {{id = "n1.1", stamp = 5, node = "n1", by = "", name = "drain", args = {node = "n2"}, tries = 0}}
      local result = scheduler.schedule(input)
      assert.is_nil(result.errors)
      assert.is_true(result.replies["n1.1"].ok ~= false)
      input.parents[2] = {stamp = "2.00000000.1", grade = "full", roles = {}, nodes = {}, state = left}
      assert.is_nil(scheduler.schedule(input).errors)
    end
  end)

  it("drops a role that is not declared any more", function()
    local input = setup.world(1)
    setup.rounds(mesh.scheduler {role "web", role "front"}, input)
    assert.are.same({["web.1"] = "n1"}, setup.where(mesh.scheduler {role "web"}.schedule(input)))
  end)

  it("is the same for any order of equal inputs", function()
    local scheduler = mesh.scheduler {role("web", {count = 50, ports = {a = "1000-1999", b = "1000-1999"}})}
    local first = scheduler.schedule(setup.world(7))
    for _ = 1, 5 do assert.are.same(first, scheduler.schedule(setup.world(7))) end
  end)
end)

describe("round:healthy", function()
  local function both(input)
    return mesh.scheduler {
      role("web", {count = 12, ports = {port = "18000-18099"}}),
      role("front", {image = "front-v1", vars = function(round)
        return {backends = round:healthy("web")}
      end}),
    }.schedule(input)
  end

  local function ids(result)
    local list = {}
    for i, b in ipairs(result.roles.front.vars.backends) do list[i] = b.id end
    return list
  end

  it("lists healthy instances in natural order, with address and port", function()
    local input = setup.world(2)
    local result = both(input)
    assert.are.same({}, ids(result))
    setup.settle(input, result)
    input.running["web.2"].health = "wait"
    input.running["web.3"].health = "unhealthy"
    input.running["web.4"].state = "backoff"
    result = both(input)
    assert.are.same({"web.1", "web.5", "web.6", "web.7", "web.8", "web.9", "web.10", "web.11", "web.12"},
      ids(result))
    assert.are.same({id = "web.1", node = "n1", address = "10.0.0.1", port = 18000},
      result.roles.front.vars.backends[1])
  end)

  it("drops a failed node's at once, believes a silent one", function()
    local input = setup.world(2)
    setup.settle(input, both(input))
    input.nodes.n2.reported = false
    for id, copy in pairs(input.running) do
      if copy.node == "n2" then input.running[id] = nil end
    end
    assert.are.equal(12, #ids(both(input)))
    input.nodes.n2.state = "failed"
    assert.are.equal(6, #ids(both(input)))
  end)

  it("is an error for a role that comes later", function()
    local result = mesh.scheduler {
      role("front", {vars = function(round) return {b = round:healthy("web")} end}), role "web",
    }.schedule(setup.world(1))
    assert.matches("healthy: role 'web' is not scheduled before this one", result.errors.front, 1, true)
  end)
end)

describe("mesh.ports", function()
  local range = mesh.ports.parse({port = "100-102"})[1]

  it("keeps a port as long as the instance stays", function()
    local ports = mesh.ports.new()
    assert.are.equal(102, ports:take("n1", "web.1", range, 102))
    assert.are.equal(100, ports:take("n1", "web.4", range, nil))
    assert.are.equal(101, ports:take("n1", "web.3", range, 102))
    assert.are.equal(102, ports:take("n2", "web.3", range, nil))
  end)

  it("says when a range is full", function()
    local ports = mesh.ports.new()
    for i = 1, 3 do ports:take("n1", "web." .. i, range) end
    assert.has_error(function() ports:take("n1", "web.4", range) end, "no free port in 100-102 on node n1 for web.4")
  end)

  it("no ports at all: the address alone", function()
    local result = mesh.scheduler {role("web", {ports = {}})}.schedule(setup.world(1))
    assert.are.same({address = "10.0.0.1"}, result.nodes.n1.roles.web.instances["web.1"].vars)
  end)

  it("never gives a port that another role has there", function()
    local input = setup.world(1)
    local a = role("web", {count = 2, ports = {port = "100-103"}})
    local b = role("front", {image = "front-v1", count = 2, ports = {port = "100-103"}})
    setup.rounds(mesh.scheduler {a, b}, input)
    local seen = {}
    for _, order in ipairs {{a, b}, {b, a}} do
      local result = mesh.scheduler(order).schedule(input)
      for _, on in pairs(result.nodes.n1.roles) do
        for id, instance in pairs(on.instances) do
          local port = instance.vars.port
          assert.is_true(seen[port] == nil or seen[port] == id)
          seen[port] = id
        end
      end
    end
  end)
end)

describe("mesh.version", function()
  it("orders naturally", function()
    assert.are.same({"v1", "v1.2", "v1.9", "v1.10", "v2", "v10"},
      mesh.version.sort {"v10", "v1.10", "v2", "v1", "v1.9", "v1.2"})
    assert.are.equal("v1.10", mesh.version.latest {"v1.9", "v1.10", "v1.2"})
    assert.is_nil(mesh.version.latest {})
    assert.is_false(mesh.version.less("a", "a"))
    assert.is_true(mesh.version.less("web", "web.1"))
    assert.is_true(mesh.version.less("1", "01") ~= mesh.version.less("01", "1"))
  end)
end)

describe("the demo's scheduler", function()
  it("loads and schedules", function()
    _G.mesh = mesh
    local scheduler = dofile(setup.here .. "examples/demo/main.lua")
    _G.mesh = nil
    local input = setup.world(3)
    local result = setup.rounds(scheduler, input)
    assert.are.same({n1 = 2, n2 = 1, n3 = 1}, setup.counts(result, "web"))
    assert.are.same({n1 = 1, n2 = 1, n3 = 1}, setup.counts(result, "front"))
    assert.are.equal(4, #result.roles.front.vars.backends)
  end)
end)
