--- mesh.update: a new version, step by step; what stops it, and the way back.

package.path = "scheduler-scripts/spec/?.lua;" .. package.path
local setup = require "setup"
local mesh = setup.mesh

local function role(more, update, name)
  local spec = {image = "web-v1", version = "v1", sandbox = "web", count = 10, update = update}
  for key, value in pairs(more or {}) do spec[key] = value end
  return mesh.role(name or "web", spec)
end

local v2 <const> = {image = "web-v2", version = "v2"}

local function images(result)
  local counts = {}
  for _, node in pairs(result.nodes) do
    for _, on in pairs(node.roles) do
      for id, instance in pairs(on.instances) do
        if id:find("^web%.%d") then counts[instance.image] = (counts[instance.image] or 0) + 1 end
      end
    end
  end
  return counts
end

--- The schedule came true now; what has not changed goes on.
local function settle(input, result, change)
  local before = input.running
  setup.settle(input, result, input.now)
  for id, copy in pairs(input.running) do
    local on = result.nodes[copy.node].roles[copy.role]
    copy.image, copy.version = on.instances[id].image, on.version or result.roles[copy.role].version
    local was = before[id]
    if was and was.node == copy.node and was.image == copy.image then
      input.running[id], was.version = was, copy.version
    end
    if change then change(id, input.running[id]) end
  end
end

local function world(scheduler)
  local input = setup.world(3)
  input.now = 1000000
  settle(input, scheduler.schedule(input))
  input.now = input.now + 60000
  return input
end

local function round(scheduler, input, ms, change)
  input.now = input.now + ms
  local result = scheduler.schedule(input)
  assert.is_nil(result.errors)
  settle(input, result, change)
  return result
end

local function act(input, name, args, role_name)
  input.actions = {{id = "n1." .. input.now, stamp = input.now, node = "n1", role = role_name or "web", name = name,
    args = args}}
end

describe("mesh.update", function()
  local smooth <const> = {strategy = "smooth", substeps = 5, min_healthy = "10s", deadline = "5m"}

  it("goes step by step, each when the one before was healthy long enough", function()
    local input = world(mesh.scheduler {role(nil, smooth)})
    local scheduler = mesh.scheduler {role(v2, smooth)}
    local seen = {}
    for i = 1, 5 do
      local result = round(scheduler, input, 1000)
      seen[i] = images(result)["web-v2"]
      assert.are.equal("v1", result.roles.web.version)
      assert.are.same({("web: update to v2, step %d of 5"):format(i)}, result.changes)
      assert.are.same(seen[i], images(round(scheduler, input, 5000))["web-v2"]) -- not long enough
      input.now = input.now + 5000
    end
    assert.are.same({2, 4, 6, 8, 10}, seen)
    local result = round(scheduler, input, 1000)
    assert.are.equal("v2", result.roles.web.version)
    assert.matches("web: update to v2 is done", table.concat(result.changes, "\n"), 1, true)
    assert.is_nil(round(scheduler, input, 1000).changes)
    assert.are.same(input.parents[1].state, round(scheduler, input, 99000).state)
  end)

  it("waits for what is not healthy, and says for what", function()
    local input = world(mesh.scheduler {role(nil, smooth)})
    local scheduler = mesh.scheduler {role(v2, smooth)}
    round(scheduler, input, 1000, function(id, copy) if id == "web.2" then copy.health = "wait" end end)
    for _ = 1, 5 do assert.are.equal(2, images(round(scheduler, input, 20000))["web-v2"]) end
    input.running["web.2"].health = "healthy"
    assert.are.equal(4, images(round(scheduler, input, 20000))["web-v2"])
  end)

  it("stops for a host that can't render or check it, and says why; not on the way back", function()
    local input = world(mesh.scheduler {role(nil, smooth)})
    local scheduler = mesh.scheduler {role(v2, smooth)}
    round(scheduler, input, 1000)
    local copy = input.running["web.2"]
    copy.image, copy.error, copy.unrendered = "web-v1", "check 'web-check' exited 1", true
    local result = scheduler.schedule(input)
    local says <const> = "web.2 on n2: check 'web-check' exited 1"
    assert.are.same({"web: update to v2 stops: " .. says}, result.changes)
    local whys = result.why["web.2"]
    assert.are.equal("the update to v2 stops: " .. says, whys[#whys])
    input.parents = {result}
    input.now = input.now + 60000
    result = scheduler.schedule(input)
    assert.is_nil(result.changes) -- said once
    assert.are.same(whys, result.why["web.2"])
    assert.are.equal(2, images(result)["web-v2"])
    -- It may well run: what it runs is not what it is to have.
    copy.image, copy.state, copy.health = "web-v2", "running", "healthy"
    assert.are.equal(2, images(scheduler.schedule(input))["web-v2"])
    copy.error, copy.unrendered = "", nil
    result = scheduler.schedule(input)
    assert.are.same({"web: update to v2 goes on", "web: update to v2, step 2 of 5"}, result.changes)
    assert.are.equal(4, images(result)["web-v2"])
    -- Whom it has not reached it does not wait for: the new code may be what helps.
    input = world(mesh.scheduler {role(nil, smooth)})
    round(scheduler, input, 1000)
    input.running["web.9"].unrendered = true
    assert.are.equal(4, images(round(scheduler, input, 20000))["web-v2"])
    -- What a lost node said last is of another time.
    input.running["web.2"].unrendered, input.running["web.2"].state = true, "lost"
    input.now = input.now + 20000
    assert.is_nil(scheduler.schedule(input).changes)
    input.running["web.2"].unrendered, input.running["web.2"].state = nil, "running"
    act(input, "revert")
    for _ = 1, 8 do
      result = round(scheduler, input, 20000, function(_, c) c.unrendered = true end)
      input.actions = {}
    end
    assert.are.same({["web-v1"] = 10}, images(result))
  end)

  it("a host that can't render it for as long as `deadline`: it fails with that", function()
    local input = world(mesh.scheduler {role(nil, smooth)})
    local scheduler = mesh.scheduler {role(v2, smooth)}
    round(scheduler, input, 1000)
    local copy = input.running["web.2"]
    copy.image, copy.error, copy.unrendered = "web-v1", "web/x.tmpl:3:1: no such variable", true
    input.now = input.now + 301000
    local result = scheduler.schedule(input)
    assert.matches("no progress for 5m: waits for web.2 on n2: web/x.tmpl:3:1: no such variable",
      table.concat(result.changes, "\n"), 1, true)
    assert.matches("web: back to v1", table.concat(result.changes, "\n"), 1, true)
    assert.is_nil(result.state.update.web.stops)
  end)

  it("all at once without a strategy, and quick", function()
    local input = world(mesh.scheduler {role()})
    assert.are.equal(10, images(mesh.scheduler {role(v2)}.schedule(input))["web-v2"])
    local quick <const> = {strategy = "quick"}
    input = world(mesh.scheduler {role(nil, quick)})
    assert.are.equal(10, images(mesh.scheduler {role(v2, quick)}.schedule(input))["web-v2"])
  end)

  it("canary: a percentage first, then by hand", function()
    local canary <const> = {strategy = "canary", percent = 15, promote = "manual", substeps = 2, min_healthy = "5s"}
    local input = world(mesh.scheduler {role(nil, canary)})
    local scheduler = mesh.scheduler {role(v2, canary)}
    assert.are.equal(2, images(round(scheduler, input, 1000))["web-v2"])
    for _ = 1, 3 do assert.are.equal(2, images(round(scheduler, input, 60000))["web-v2"]) end
    input.now = input.now + 24 * 3600000 -- a day later: still no failure
    assert.are.equal(2, images(round(scheduler, input, 0))["web-v2"])
    act(input, "proceed")
    local result = round(scheduler, input, 1000)
    assert.are.equal("update of web: next step", result.replies[input.actions[1].id])
    input.actions = {}
    assert.are.equal(5, images(result)["web-v2"])
    assert.are.equal(10, images(round(scheduler, input, 6000))["web-v2"])
  end)

  it("goes back by itself when an instance fails, and stays back", function()
    local input = world(mesh.scheduler {role(nil, smooth)})
    local scheduler = mesh.scheduler {role(v2, smooth)}
    round(scheduler, input, 1000, function(id, copy) if id == "web.1" then copy.state = "crash-loop" end end)
    local result = round(scheduler, input, 1000)
    assert.matches("update to v2 failed: web.1 on n1: crash-loop", table.concat(result.changes, "\n"), 1, true)
    for _ = 1, 8 do result = round(scheduler, input, 20000) end
    assert.are.same({["web-v1"] = 10}, images(result))
    assert.are.equal("v1", result.roles.web.version)
    -- It is not tried again by itself; another version is, and this one when someone says so.
    assert.are.same({["web-v1"] = 10}, images(round(scheduler, input, 3600000)))
    act(input, "update", {version = "v2", image = "web-v2"})
    assert.are.equal(2, images(round(scheduler, input, 1000))["web-v2"])
  end)

  it("fails without progress within the deadline; without auto_revert it stops there", function()
    local stuck <const> = {strategy = "smooth", substeps = 2, deadline = "1m", auto_revert = false}
    local input = world(mesh.scheduler {role(nil, stuck)})
    local scheduler = mesh.scheduler {role(v2, stuck)}
    local function sick(id, copy) if id == "web.1" then copy.health = "unhealthy" end end
    round(scheduler, input, 1000, sick)
    round(scheduler, input, 50000, sick)
    local result = round(scheduler, input, 20000, sick)
    assert.matches("no progress for 1m: waits for web.1 on n1 to be healthy", table.concat(result.changes, "\n"), 1,
      true)
    assert.are.same({["web-v1"] = 5, ["web-v2"] = 5}, images(round(scheduler, input, 99000)))
    input.running["web.1"].health = "healthy"
    act(input, "resume")
    assert.are.equal(10, images(round(scheduler, input, 1000))["web-v2"])
  end)

  it("pause, resume, skip, revert", function()
    local input = world(mesh.scheduler {role(nil, smooth)})
    local scheduler = mesh.scheduler {role(v2, smooth)}
    round(scheduler, input, 1000)
    act(input, "pause")
    round(scheduler, input, 1000)
    input.actions = {}
    for _ = 1, 3 do assert.are.equal(2, images(round(scheduler, input, 20000))["web-v2"]) end
    act(input, "resume")
    assert.are.equal(4, images(round(scheduler, input, 20000))["web-v2"])
    act(input, "skip")
    assert.are.equal(10, images(round(scheduler, input, 100))["web-v2"])
    act(input, "revert")
    local result
    for _ = 1, 8 do
      result = round(scheduler, input, 20000)
      input.actions = {}
    end
    assert.are.same({["web-v1"] = 10}, images(result))
    act(input, "skip")
    result = scheduler.schedule(input)
    assert.are.same({ok = false, text = "role 'web' is not being updated"}, result.replies[input.actions[1].id])
  end)

  it("new instances get what was before until it is done", function()
    local input = world(mesh.scheduler {role(nil, smooth)})
    local result = round(mesh.scheduler {role({image = "web-v2", version = "v2", count = 14}, smooth)}, input, 1000)
    assert.are.same({["web-v1"] = 11, ["web-v2"] = 3}, images(result))
  end)

  it("an edit on the way takes the new way from where it is", function()
    local input = world(mesh.scheduler {role(nil, smooth)})
    round(mesh.scheduler {role(v2, smooth)}, input, 1000)
    for _, node in pairs(input.nodes) do node.facts.images = {"web-v1", "web-v2", "web-v3"} end
    local result = round(mesh.scheduler {role({image = "web-v3", version = "v3"}, smooth)}, input, 20000)
    assert.are.same({["web-v1"] = 8, ["web-v3"] = 2}, images(result))
    assert.are.equal("web-v1", result.state.update.web.from.image)
  end)

  it("before and after: one role's update waits for another's", function()
    local after <const> = {strategy = "quick", after = {"db"}, min_healthy = "1s"}
    local quick <const> = {strategy = "quick", min_healthy = "1s"}
    local function both(v) return mesh.scheduler {role(v, after), role({image = v and v.image or "web-v1",
      version = v and v.version or "v1", count = 1}, quick, "db")} end
    local input = world(both())
    local result = round(both(v2), input, 1000)
    assert.are.same({["web-v1"] = 10}, images(result))
    assert.is_not_nil(result.why["web.1"])
    round(both(v2), input, 2000)
    assert.are.same({["web-v2"] = 10}, images(round(both(v2), input, 2000)))
    local ok, err = pcall(mesh.scheduler, {role(nil, {after = {"db"}}), role(nil, {after = {"web"}}, "db")})
    assert.is_false(ok)
    assert.matches("update.after go round in a circle: web -> db -> web", err, 1, true)
    ok, err = pcall(mesh.scheduler, {role(nil, {before = {"dbb"}}), role(nil, quick, "db")})
    assert.is_false(ok)
    assert.matches("update.before: no role 'dbb'; did you mean 'db'?", err, 1, true)
    ok, err = pcall(mesh.scheduler, {role(nil, {before = {"db"}}), role(nil, nil, "db")})
    assert.is_false(ok)
    assert.matches("role 'db' has no `update = {strategy = …}`, so it can't wait", err, 1, true)
    local first, second = role(nil, {before = {"db"}}), role(nil, quick, "db")
    for _ = 1, 2 do mesh.scheduler {first, second} end
    assert.are.same({"web"}, second.update.after)
  end)

  it("run_once: one command, done before anything else", function()
    local once <const> = {strategy = "quick", run_once = "migrate", min_healthy = "1s"}
    local input = world(mesh.scheduler {role(nil, once)})
    local scheduler = mesh.scheduler {role(v2, once)}
    local result = round(scheduler, input, 1000)
    local at = setup.where(result)["web.once.v2"]
    assert.are.same({process = "migrate", image = "web-v2", vars = {}},
      result.nodes[at].roles.web.instances["web.once.v2"])
    assert.are.same({["web-v1"] = 10}, images(result))
    assert.are.same({["web-v1"] = 10}, images(round(scheduler, input, 2000)))
    input.running["web.once.v2"].state = "exited"
    result = round(scheduler, input, 1000)
    assert.is_nil(setup.where(result)["web.once.v2"])
    assert.are.same({["web-v2"] = 10}, images(result))
    for _ = 1, 4 do assert.is_nil(setup.where(round(scheduler, input, 2000))["web.once.v2"]) end
  end)

  it("run_once that fails, or whose node is lost, stops it all", function()
    local once <const> = {strategy = "quick", run_once = "migrate"}
    local scheduler = mesh.scheduler {role(v2, once)}
    local input = world(mesh.scheduler {role(nil, once)})
    round(scheduler, input, 1000)
    input.running["web.once.v2"].state = "failed"
    local result = round(scheduler, input, 1000)
    assert.matches("web.once.v2 on n1 failed", table.concat(result.changes, "\n"), 1, true)
    assert.are.same({["web-v1"] = 10}, images(result))
    input = world(mesh.scheduler {role(nil, once)})
    local at = setup.where(round(scheduler, input, 1000))["web.once.v2"]
    input.nodes[at].state = "failed"
    result = round(scheduler, input, 1000)
    assert.matches("nobody knows whether it ran", table.concat(result.changes, "\n"), 1, true)
  end)

  it("works for one on every node", function()
    local spec = {place = mesh.place.every()}
    local input = world(mesh.scheduler {role(spec, smooth)})
    local scheduler = mesh.scheduler {role({place = mesh.place.every(), image = "web-v2", version = "v2"}, smooth)}
    local function count(result)
      local n = 0
      for _, node in pairs(result.nodes) do
        for _, instance in pairs(node.roles.web.instances) do n = n + (instance.image == "web-v2" and 1 or 0) end
      end
      return n
    end
    local seen = {}
    for i = 1, 4 do seen[i] = count(round(scheduler, input, 20000)) end
    assert.are.same({1, 2, 3, 3}, seen)
  end)

  --- node -> what its place says of the role, beside its instances.
  local function places(result, key)
    local out = {}
    for name, node in pairs(result.nodes) do out[name] = node.roles.web and node.roles.web[key] end
    return out
  end

  it("a version whose image is the same rolls too, seen by the version that hosts tell", function()
    local input = world(mesh.scheduler {role(nil, smooth)})
    local scheduler = mesh.scheduler {role({version = "v1.1"}, smooth)}
    local result = round(scheduler, input, 1000)
    assert.are.equal("v1", result.roles.web.version)
    assert.are.same({n1 = "v1.1", n2 = "v1.1"}, places(result, "version")) -- web.1 and web.2 are there
    -- Nothing is restarted, so that it runs well says nothing: a step takes its time.
    assert.are.same({n1 = "v1.1", n2 = "v1.1"}, places(round(scheduler, input, 5000), "version"))
    input.running["web.2"].version = "v1"
    input.now = input.now + 20000
    result = scheduler.schedule(input)
    assert.are.same({n1 = "v1.1", n2 = "v1.1"}, places(result, "version"))
    input.running["web.2"].version = "v1.1"
    for _ = 1, 5 do result = round(scheduler, input, 20000) end
    assert.are.equal("v1.1", result.roles.web.version)
    assert.are.same({}, places(result, "version"))
    assert.are.same({["web-v1"] = 10}, images(result))
  end)

  it("of a node with another mesh, which may not tell its version, it is said for what is waited", function()
    local input = world(mesh.scheduler {role(nil, smooth)})
    local scheduler = mesh.scheduler {role({version = "v1.1"}, smooth)}
    for name, node in pairs(input.nodes) do node.version = name == "n2" and "0.0.9" or "0.1.0" end
    local function untold(_, copy) if copy.node == "n2" then copy.version = "v1" end end
    round(scheduler, input, 1000, untold)
    local result
    local function says(ms)
      result = round(scheduler, input, ms, untold)
      return table.concat(result.changes or {}, "\n")
    end
    assert.are.equal("", says(20000)) -- it may tell yet
    local line <const> = "web.2 on n2 to be of version v1.1, but n2 has mesh 0.0.9, which may not tell: "
      .. "update mesh there, or `mesh action web proceed`"
    assert.are.equal("web: update to v1.1 stops: " .. line, says(20000))
    assert.matches(line, require "mesh.why".text(result.why["web.2"]), 1, true)
    assert.are.equal("", says(20000))
    act(input, "proceed")
    local replies = round(scheduler, input, 1000, untold).replies
    assert.are.equal("update of web: next step", replies[input.actions[1].id])
    -- Of one that has the same mesh it is not said.
    for _, node in pairs(input.nodes) do node.version = "0.1.0" end
    input = world(mesh.scheduler {role(nil, smooth)})
    round(scheduler, input, 1000, untold)
    assert.are.equal("", says(60000))
  end)

  it("a template rolls by whole nodes, and a way back never gives it to more", function()
    local more <const> = {template = "web-2"}
    local input = world(mesh.scheduler {role(nil, smooth)})
    local scheduler = mesh.scheduler {role(more, smooth)}
    local result = round(scheduler, input, 1000)
    assert.are.equal("web", result.roles.web.template)
    assert.are.same({n1 = "web-2"}, places(result, "template"))
    assert.are.same({n1 = "web-2"}, places(round(scheduler, input, 5000), "template"))
    assert.are.same({n1 = "web-2", n2 = "web-2"}, places(round(scheduler, input, 6000), "template"))
    input.running["web.2"].unrendered, input.running["web.2"].error = true, "web-2/x.tmpl:1:1: no"
    input.now = input.now + 30000
    result = scheduler.schedule(input)
    assert.are.equal("web: update to template web-2 stops: web.2 on n2: web-2/x.tmpl:1:1: no", result.changes[1])
    act(input, "revert")
    local seen = {}
    for i = 1, 4 do
      result = round(scheduler, input, i == 1 and 0 or 20000)
      input.actions = {}
      assert.are.equal("web", result.roles.web.template)
      seen[i] = places(result, "template")
    end
    assert.are.same({{n2 = "web-2"}, {}, {}, {}}, seen)
    assert.are.equal("done", result.state.update.web.phase)
    act(input, "proceed") -- once more, and through
    for _ = 1, 4 do
      result = round(scheduler, input, 20000, function(_, c) c.unrendered = nil end)
      input.actions = {}
    end
    assert.are.equal("web-2", result.roles.web.template)
    assert.are.same({}, places(result, "template"))
  end)

  it("vars are data: at once, unless the author says that they roll", function()
    local function vars(v, update) return mesh.scheduler {role({vars = v}, update)} end
    local input = world(vars({a = 1, b = {x = 1}}, smooth))
    local result = round(vars({a = 2}, smooth), input, 1000)
    assert.are.same({a = 2}, result.roles.web.vars)
    assert.is_nil(result.changes)
    local rolls <const> = {strategy = "smooth", substeps = 3, min_healthy = "10s", vars = "roll"}
    input = world(vars({a = 1, b = {x = 1}, c = "as it was"}, rolls))
    local scheduler = vars({a = 2, c = "as it was"}, rolls)
    result = round(scheduler, input, 1000)
    assert.are.same({c = "as it was"}, result.roles.web.vars)
    local old <const>, new <const> = {a = 1, b = {x = 1}}, {a = 2}
    assert.are.same({n1 = new, n2 = old, n3 = old}, places(result, "vars"))
    assert.are.same({n1 = new, n2 = old, n3 = old}, places(round(scheduler, input, 5000), "vars"))
    assert.are.same({n1 = new, n2 = new, n3 = old}, places(round(scheduler, input, 5000), "vars"))
    act(input, "revert")
    result = round(scheduler, input, 0)
    assert.matches("back to old vars of v1", result.replies[input.actions[1].id], 1, true)
    input.actions = {}
    for _ = 1, 4 do result = round(scheduler, input, 20000) end
    assert.are.same({a = 1, b = {x = 1}, c = "as it was"}, result.roles.web.vars)
    assert.are.same({}, places(result, "vars"))
    -- Another edit is another try; without `roll` it is there at once.
    result = round(vars({a = 3}, rolls), input, 1000)
    assert.are.same({n1 = {a = 3}, n2 = {a = 1, b = {x = 1}, c = "as it was"}, n3 = {a = 1, b = {x = 1},
      c = "as it was"}}, places(result, "vars"))
    result = round(vars({a = 4}, smooth), input, 1000)
    assert.are.same({a = 4}, result.roles.web.vars)
    assert.are.same({}, places(result, "vars"))
  end)

  it("vars that roll may ask for roles that come before, and actions need not ask them", function()
    local rolls <const> = {strategy = "smooth", substeps = 2, min_healthy = "1s", vars = "roll"}
    local asked = 0
    local function both(limit)
      local front = role({count = 1, image = "front-v1"}, {strategy = "quick", after = {"web"}}, "front")
      local db = role({image = "front-v1", count = 1}, nil, "db")
      local function vars(r)
        asked = asked + 1
        return {limit = limit, db = #r:healthy "db" > 0}
      end
      return mesh.scheduler {front, db, role({vars = vars}, rolls)}
    end
    local input = world(both(1))
    round(both(1), input, 1000)
    for _ = 1, 3 do round(both(1), input, 2000) end
    assert.are.equal("done", input.parents[1].state.update.web.phase)
    act(input, "pause")
    local result = round(both(2), input, 1000)
    assert.are.equal("update of web: paused", result.replies[input.actions[1].id])
    assert.are.equal(1, result.nodes.n3.roles.web.vars.limit)
    assert.are.equal(2, result.nodes.n1.roles.web.vars.limit)
    assert.is_true(asked > 0)
  end)

  it("a memory that says nothing of templates starts no update", function()
    local input = world(mesh.scheduler {role(nil, smooth)})
    input.parents[1].state.update.web.to.template = nil
    local result = round(mesh.scheduler {role(nil, smooth)}, input, 1000)
    assert.is_nil(result.changes)
    assert.are.equal("web", result.state.update.web.to.template)
    input.parents[1].state.update.web.to.template = nil
    result = round(mesh.scheduler {role({template = "web-2"}, smooth)}, input, 1000)
    assert.are.equal("web", result.roles.web.template)
  end)

  it("a template may be a function of the version; an operator's version names its own", function()
    local more <const> = {template = function(v) return "web/" .. v end}
    local input = world(mesh.scheduler {role(more, smooth)})
    assert.are.equal("web/v1", input.parents[1].roles.web.template)
    act(input, "update", {version = "v2"})
    assert.are.equal("web/v2", round(mesh.scheduler {role(more, smooth)}, input, 1000).nodes.n1.roles.web.template)
    local named <const> = {template = "web-v1"}
    input = world(mesh.scheduler {role(named, smooth)})
    act(input, "update", {version = "v2"})
    assert.are.equal("web-v2", round(mesh.scheduler {role(named, smooth)}, input, 1000).nodes.n1.roles.web.template)
    assert.has_error(function() role {template = 3} end)
  end)

  it("refuses what it does not know", function()
    local function refuses(text, update)
      local ok, err = pcall(role, nil, update)
      assert.is_false(ok)
      assert.matches(text, err, 1, true)
    end
    refuses("role 'web': update.stratgy: unknown key; did you mean 'strategy'?", {stratgy = "smooth"})
    refuses("update.strategy: 'smoth' is none of smooth, canary, quick; did you mean 'smooth'?", {strategy = "smoth"})
    refuses("update.min_healthy: expected a duration like", {min_healthy = 10})
    refuses("update.percent: expected a percentage", {percent = 120})
    refuses("update: expected a table, got 3", 3)
  end)

  it("is not hurt by a state that is none", function()
    local input = world(mesh.scheduler {role(nil, smooth)})
    local half <const> = {to = {image = "x"}, step = "1", since = 1}
    local function but(key, value)
      local u = {to = {image = "x"}, from = {image = "y"}, step = 1, since = 1, stamp = 1, began = 1, phase = "rolling"}
      u[key] = value
      return {web = u}
    end
    for _, bad in ipairs {{web = 3}, {web = {}}, {web = {to = {}}}, {web = half}, but("from", 5), but("rejected", 5),
        but("from", {image = 5}), but("to", {image = "x", vars = 3}), but("to", {image = "x", version = {}}),
        but("from", {image = "y", template = 1}), but("phase", "rollin")} do
      input.parents[1].state = {update = bad, roles = 7, nodes = "x", scale = {web = false}}
      local result = mesh.scheduler {role(v2, smooth)}.schedule(input)
      assert.is_nil(result.errors)
      assert.are.equal("web: what the schedule remembers of its update is damaged: set aside", result.changes[1])
      assert.are.equal("web-v2", result.state.update.web.to.image)
    end
    input.parents[1].state = {update = but("phase", "rolling")}
    local result = mesh.scheduler {role(v2, smooth)}.schedule(input)
    assert.is_nil(table.concat(result.changes or {}, "\n"):match("damaged"))
  end)

  it("only what hosts read is in the role's part", function()
    local input = setup.world(2)
    local result = mesh.scheduler {role(nil, {strategy = "smooth", max_unavailable = 2})}.schedule(input)
    assert.are.same({max_unavailable = 2}, result.roles.web.update)
    assert.is_nil(mesh.scheduler {role(nil, smooth)}.schedule(input).roles.web.update)
  end)
end)
