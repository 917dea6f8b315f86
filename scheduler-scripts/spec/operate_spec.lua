--- What operators and figures ask for: mesh.scale, actions, groups, needs, drain, why, log.

package.path = "scheduler-scripts/spec/?.lua;" .. package.path
local setup = require "setup"
local mesh = setup.mesh

local function role(name, more)
  local spec = {image = "web-v1", sandbox = "web", version = "v1"}
  for key, value in pairs(more or {}) do spec[key] = value end
  return mesh.role(name, spec)
end

local function total(result, name)
  local n = 0
  for _, c in pairs(setup.counts(result, name or "web")) do n = n + c end
  return n
end

describe("mesh.scale", function()
  local EXPR <const> = "sum(rate(http_requests_total[1m]))"

  local function world(spec, kind)
    local input = setup.world(4)
    input.now = 1000000
    local scheduler = mesh.scheduler {role("web", {count = mesh.scale[kind or "by_rate"](EXPR, spec)})}
    return input, scheduler
  end

  --- A round `ms` later with this figure; the count.
  local function step(input, scheduler, ms, value)
    input.now = input.now + ms
    input.metrics["scale.web"] = value and {query = EXPR, value = value} or nil
    local result = scheduler.schedule(input)
    assert.is_nil(result.errors)
    setup.settle(input, result)
    return total(result), result
  end

  it("asks all nodes by itself", function()
    local input, scheduler = world {per_instance = 100}
    assert.are.same({["scale.web"] = EXPR}, scheduler.schedule(input).query)
    local named = mesh.scheduler {role("web", {count = mesh.scale.by_rate("rps", {per_instance = 100})}),
      query = {rps = EXPR}}
    assert.are.same({rps = EXPR}, named.schedule(input).query)
    input.metrics.rps = {value = 550}
    assert.are.equal(6, total(named.schedule(input)))
  end)

  it("grows as fast as it may, and shrinks when the load has been lower for long enough", function()
    local input, scheduler = world {per_instance = 100, min = 2, max = 20, grow = "4/10s", shrink = "1/60s",
      calm = "30s"}
    assert.are.equal(2, (step(input, scheduler, 0, 150)))
    local seen = {}
    for i, ms in ipairs {1000, 1000, 8000, 10000, 10000} do seen[i] = (step(input, scheduler, ms, 1150)) end
    assert.are.same({6, 6, 6, 10, 12}, seen)
    local n
    for _ = 1, 5 do n = step(input, scheduler, 5000, 200) end
    assert.are.equal(12, n)
    seen = {}
    for i = 1, 5 do seen[i] = (step(input, scheduler, 30000, 200)) end
    assert.are.same({11, 11, 10, 10, 9}, seen)
  end)

  it("does not flap on a load that swings", function()
    local input, scheduler = world {per_instance = 100, min = 1, max = 20, grow = "9/1s", shrink = "9/1s", calm = "2m"}
    local counts = {}
    for i = 1, 240 do
      local n = step(input, scheduler, 5000, 500 + 180 * math.sin(i / 3))
      if i > 30 then counts[n] = true end
    end
    assert.are.same({[7] = true}, counts)
  end)

  it("has a hysteresis around what is there", function()
    local input, scheduler = world {per_instance = 100, hysteresis = 0.2, calm = "0s", grow = "9/1s", shrink = "9/1s"}
    assert.are.equal(4, (step(input, scheduler, 0, 400)))
    for _, value in ipairs {415, 385, 300, 285} do assert.are.equal(4, (step(input, scheduler, 5000, value))) end
    assert.are.equal(3, (step(input, scheduler, 5000, 279)))
    assert.are.equal(4, (step(input, scheduler, 5000, 330)))
  end)

  it("without an answer: holds, grows, or goes to min", function()
    for want, on_missing in pairs {[4] = "hold", [8] = "grow", [1] = "min"} do
      local input, scheduler = world {per_instance = 100, max = 8, on_missing = on_missing, calm = "0s",
        grow = "9/1s", shrink = "9/1s"}
      assert.are.equal(4, (step(input, scheduler, 0, 400)))
      assert.are.equal(want, (step(input, scheduler, 5000, nil)))
      assert.are.equal(want, (step(input, scheduler, 5000, 0 / 0)))
    end
    local input, scheduler = world {per_instance = 100, min = 3}
    assert.are.equal(3, (step(input, scheduler, 0, nil)))
  end)

  it("by a mean, and by a function", function()
    local input, scheduler = world({target = 50, max = 30, grow = "9/1s"}, "by_load")
    assert.are.equal(1, (step(input, scheduler, 0, 10)))
    assert.are.equal(2, (step(input, scheduler, 5000, 90)))
    assert.are.equal(2, (step(input, scheduler, 5000, 53)))
    local count = mesh.scale.by(function(round) return round.input.vars.n end, {max = 5})
    local by = mesh.scheduler {role("web", {count = count})}
    input = setup.world(2)
    input.vars.n = 2.5
    assert.are.equal(3, total(by.schedule(input)))
    input.vars.n = 99
    assert.are.equal(5, total(by.schedule(input)))
  end)

  it("changes nothing that stays as it is", function()
    local input, scheduler = world {per_instance = 100, min = 2}
    step(input, scheduler, 0, 350)
    local _, first = step(input, scheduler, 5000, 350)
    local _, second = step(input, scheduler, 5000, 350)
    assert.are.same(first.state, second.state)
    assert.is_nil(second.changes)
  end)

  it("says why there are so many, and refuses what it does not know", function()
    local input, scheduler = world {per_instance = 100, min = 2}
    local _, result = step(input, scheduler, 0, 350)
    assert.are.equal("4 by mesh.scale: 4 wanted at 350", result.why["web.3"][1])
    local function refuses(text, ...)
      local ok, err = pcall(mesh.scale.by_rate, ...)
      assert.is_false(ok)
      assert.matches(text, err, 1, true)
    end
    refuses("mesh.scale.by_rate: per_instance: is missing", "x", {})
    refuses("mesh.scale.by_rate.on_missing: 'stay' is none of hold, grow, min", "x",
      {per_instance = 1, on_missing = "stay"})
    refuses("mesh.scale.by_rate.grow: expected a rate like", "x", {per_instance = 1, grow = "5"})
    refuses("min 9 is more than max 3", "x", {per_instance = 1, min = 9, max = 3})
    refuses("expected a question in PromQL or a function, got nil", nil, {per_instance = 1})
  end)
end)

describe("actions", function()
  local function send(scheduler, input, ...)
    input.actions = {}
    for i, a in ipairs {...} do
      input.actions[i] = {id = "n2." .. i, stamp = a.stamp or 500 + i, node = a.node or "n2", by = "uid 0",
        role = a.role, name = a.name, args = a.args, tries = 0}
    end
    local result = scheduler.schedule(input)
    assert.is_nil(result.errors)
    setup.settle(input, result)
    input.actions = {}
    return result
  end

  local function refused(reply, text)
    assert.is_false(reply.ok)
    assert.are.equal(text, reply.text)
  end

  it("scale, until the script is to say again", function()
    local input, scheduler = setup.world(3), mesh.scheduler {role("web", {count = 2})}
    local result = send(scheduler, input, {role = "web", name = "scale", args = {count = "5"}})
    assert.are.equal(5, total(result))
    assert.are.equal("web: 5 instances", result.replies["n2.1"])
    assert.matches("web: 5 instances, by ", result.changes[1], 1, true) -- first: all else comes of it
    assert.are.equal("5 by an operator", result.why["web.4"][1])
    assert.are.equal(5, total(scheduler.schedule(input)))
    local function scale(count, stamp)
      return total(send(scheduler, input, {role = "web", name = "scale", args = {count = count}, stamp = stamp}))
    end
    assert.are.equal(2, scale("auto", 900))
    assert.are.equal(2, scale("7", 800)) -- the earlier of two, come late, is nothing
  end)

  it("says what it can't do", function()
    local input, scheduler = setup.world(2), mesh.scheduler {role("web"), role("db", {keys = {"a"}}),
      groups = {all = {"web", "db"}}}
    local replies = send(scheduler, input, {role = "wbe", name = "scale", args = {count = "5"}},
      {role = "web", name = "sacle"}, {role = "web", name = "scale", args = {count = "many"}},
      {role = "web", name = "scale"}, {role = "db", name = "scale", args = {count = "3"}},
      {role = "web", name = "proceed"}, {name = "drain", args = {node = "n9"}}, {name = "explode"},
      {role = "web", name = "update", args = {version = "v2"}}).replies
    refused(replies["n2.1"], "no role 'wbe'; did you mean 'web'?")
    refused(replies["n2.2"], "no action 'sacle'; did you mean 'scale'?")
    refused(replies["n2.3"], "scale: count: expected an integer 0-10000, got 'many'")
    refused(replies["n2.4"], "scale: count: is missing")
    refused(replies["n2.5"], "role 'db' has an instance for each key: it can't be scaled")
    refused(replies["n2.6"], "role 'web' has no `update = {strategy = …}`")
    refused(replies["n2.7"], "no node 'n9'; did you mean 'n1'?")
    refused(replies["n2.8"], "no action 'explode'")
    assert.are.equal("web: to v2, image web-v2", replies["n2.9"])
  end)

  it("update takes the version's image, until the script says another version", function()
    local input, scheduler = setup.world(2), mesh.scheduler {role("web")}
    local result = send(scheduler, input, {role = "web", name = "update", args = {version = "v2"}})
    assert.are.equal("v2", result.roles.web.version)
    assert.are.equal("web-v2", result.nodes.n1.roles.web.instances["web.1"].image)
    for _, node in pairs(input.nodes) do node.facts.images = {"web-v1", "web-v2", "web-v3"} end
    result = mesh.scheduler {role("web", {version = "v3", image = "web-v3"})}.schedule(input)
    assert.are.equal("v3", result.roles.web.version)
    local other = mesh.scheduler {role("web", {image = "website"})}
    refused(send(other, input, {role = "web", name = "update", args = {version = "v9"}}).replies["n2.1"],
      "image 'website' has no version in it to replace: say image=I too")
  end)

  it("add and remove, of a role and of a group", function()
    local spec = {enabled = false}
    local input = setup.world(2)
    local scheduler = mesh.scheduler {role("mysql", spec), role("redis", spec), role("web"),
      groups = {["data-services"] = {"mysql", "caches"}, caches = {"redis"}}}
    assert.are.same({["web.1"] = "n1"}, setup.where(scheduler.schedule(input)))
    local result = send(scheduler, input, {role = "data-services", name = "add"})
    -- What these stop is meant: the rails of a host, which knows no groups, go by that.
    assert.are.same({ok = true, text = "mysql: runs; redis: runs", roles = {"mysql", "redis"}}, result.replies["n2.1"])
    assert.are.equal(1, total(result, "redis"))
    assert.are.same(result.nodes, send(scheduler, input, {role = "data-services", name = "add", stamp = 600}).nodes)
    result = send(scheduler, input, {role = "mysql", name = "remove", stamp = 700})
    assert.are.equal(0, total(result, "mysql"))
    assert.are.equal(1, total(result, "redis"))
  end)

  it("restart: one after the other, back where it was", function()
    local input = setup.world(3)
    for _, place in ipairs {mesh.place.spread(), mesh.place.every()} do
      input.parents, input.running = {}, {}
      local scheduler = mesh.scheduler {role("web", {count = 3, place = place, ports = {port = "100-199"}})}
      local first = setup.rounds(scheduler, input)
      local result = send(scheduler, input, {role = "web", name = "restart"})
      assert.are.equal("web: 3 instances, one after the other", result.replies["n2.1"])
      local ids = mesh.version.sort((function()
        local l = {}
        for id in pairs(setup.where(first)) do l[#l + 1] = id end
        return l
      end)())
      for _, id in ipairs(ids) do
        assert.are.equal(2, total(result))
        assert.is_nil(setup.where(result)[id])
        local at = setup.where(first)[id]
        input.running[id] = {node = at, role = "web", state = "stopping", health = "none", restarts = 0, since = 1}
        result = scheduler.schedule(input)
        assert.are.equal(2, total(result)) -- its host has not ended it yet
        setup.settle(input, result)
        result = scheduler.schedule(input)
        assert.are.same(first.nodes, result.nodes)
        setup.settle(input, result)
        input.running[id].health = "wait"
        assert.are.same(first.nodes, scheduler.schedule(input).nodes)
        input.running[id].health = "healthy"
        result = scheduler.schedule(input)
        setup.settle(input, result)
      end
      assert.are.same(first.nodes, result.nodes)
      assert.is_nil(scheduler.schedule(input).state)
    end
  end)

  it("drain and undrain a node; keep stays, and is listed", function()
    local input = setup.world(2)
    local scheduler = mesh.scheduler {role("db", {on_split = "keep"}), role("web", {count = 2})}
    setup.rounds(scheduler, input)
    local result = send(scheduler, input, {name = "drain", node = "n1"})
    assert.are.equal("n1: drains", result.replies["n2.1"])
    assert.are.same({["db.1"] = "n1", ["web.1"] = "n2", ["web.2"] = "n2"}, setup.where(result))
    assert.are.same({{role = "db", node = "n1", what = "another node for db.1: it drains, and on_split is keep"}},
      result.missing)
    result = send(scheduler, input, {name = "undrain", node = "n1", stamp = 900})
    assert.is_nil(result.missing)
    assert.is_nil(result.state.nodes and result.state.nodes.n1.drain.value or nil)
  end)

  it("tag a node", function()
    local input = setup.world(3)
    local scheduler = mesh.scheduler {role("web", {count = 2, place = mesh.place.constraint {tags = {ssd = true}}})}
    local result = send(scheduler, input, {name = "tag", args = {node = "n3", ssd = "true"}})
    assert.are.equal("n3: ssd=true", result.replies["n2.1"])
    assert.are.same({n3 = 2}, setup.counts(result, "web"))
    assert.is_nil(input.nodes.n3.tags)
    refused(send(scheduler, input, {name = "tag", args = {node = "n3"}}).replies["n2.1"], "tag: say KEY=VALUE")
    result = send(scheduler, input, {name = "tag", args = {node = "n1", ssd = "true"}},
      {name = "tag", args = {node = "n3", ssd = ""}, stamp = 9000})
    assert.are.same({n1 = 2}, setup.counts(result, "web"))
  end)

  it("an author's own", function()
    local input, got = setup.world(1), nil
    local scheduler = mesh.scheduler {role("web"), actions = {web = {
      flush = function(_, args) got = args.what return "flushed " .. args.what end,
      bad = function() error("no such cache", 0) end,
    }}}
    local replies = send(scheduler, input, {role = "web", name = "flush", args = {what = "all"}},
      {role = "web", name = "bad"}).replies
    assert.are.equal("all", got)
    assert.are.equal("flushed all", replies["n2.1"])
    refused(replies["n2.2"], "bad: no such cache")
  end)

  it("garbage harms nobody", function()
    local input, scheduler = setup.world(1), mesh.scheduler {role("web")}
    input.actions = {3, {}, {id = 7, name = "scale", role = "web", args = {count = {}}},
      {id = "x", name = "add", role = {}}}
    local result = scheduler.schedule(input)
    assert.is_nil(result.errors)
    assert.is_false(result.replies["7"].ok)
    assert.is_false(result.replies.x.ok)
  end)
end)

describe("groups", function()
  local function refuses(text, groups)
    local ok, err = pcall(mesh.scheduler, {role("web"), groups = groups})
    assert.is_false(ok)
    assert.matches(text, err, 1, true)
  end

  it("must name roles, and have no circle", function()
    refuses("groups.a[1]: no role or group 'wbe'; did you mean 'web'?", {a = {"wbe"}})
    refuses("has itself in it", {a = {"b"}, b = {"a"}})
    refuses("groups.web: is a role's name", {web = {"web"}})
    refuses("groups.a: expected a list of roles, got string", {a = "web"})
  end)
end)

describe("needs", function()
  local function both(need)
    return mesh.scheduler {role("web", {count = 2, needs = need or {"db"}}), role("db", {count = 2})}
  end

  it("starts nothing before what it needs is healthy; then goes on without", function()
    local input, scheduler = setup.world(2), both()
    local result = scheduler.schedule(input)
    assert.are.equal(0, total(result, "web"))
    assert.are.equal("waits: needs db, of which 0 of 1 are healthy", result.why["web.1"])
    setup.settle(input, result)
    input.running["db.1"].health, input.running["db.2"].health = "wait", "wait"
    assert.are.equal(0, total(scheduler.schedule(input), "web"))
    input.running["db.1"].health = "healthy"
    assert.are.equal(0, total(both {db = "all"}.schedule(input), "web"))
    assert.are.equal(0, total(both {db = 2}.schedule(input), "web"))
    result = scheduler.schedule(input)
    assert.are.equal(2, total(result, "web"))
    setup.settle(input, result)
    for _, id in ipairs {"db.1", "db.2"} do input.running[id].health = "unhealthy" end
    assert.are.equal(2, total(scheduler.schedule(input), "web"))
    input.nodes.n1.state = "failed" -- what ran and lost its node need not wait
    assert.are.equal(2, total(scheduler.schedule(input), "web"))
  end)

  it("names what is no role, and a circle", function()
    local ok, err = pcall(both, {"bd"})
    assert.is_false(ok)
    assert.matches("role 'web': needs: no role 'bd'; did you mean 'db'?", err, 1, true)
    ok, err = pcall(mesh.scheduler, {role("a", {needs = {"b"}}), role("b", {needs = {"a"}})})
    assert.is_false(ok)
    assert.matches("needs go round in a circle: a -> b -> a", err, 1, true)
    ok, err = pcall(role, "a", {needs = {db = "some"}})
    assert.is_false(ok)
    assert.matches("needs.db: expected a number of instances or \"all\"", err, 1, true)
  end)

  it("a role that fails is still there for who asks for it", function()
    local input = setup.world(2)
    local function pair(broken)
      return mesh.scheduler {
        role("web", {count = 2, vars = broken and function() error("a bad day") end or nil}),
        role("front", {needs = {"web"}, vars = function(round) return {n = #round:healthy("web")} end})}
    end
    setup.settle(input, pair().schedule(input))
    setup.settle(input, pair().schedule(input))
    local result = pair(true).schedule(input)
    assert.matches("a bad day", result.errors.web, 1, true)
    assert.is_nil(result.errors.front)
    assert.are.equal(2, result.roles.front.vars.n)
    assert.are.equal(2, total(result, "web"))
  end)
end)

describe("mesh.why and mesh.log", function()
  it("a chain is bounded, and says nothing twice", function()
    local chain
    for i = 1, 30 do
      chain = mesh.why.add(chain, "step " .. i)
      chain = mesh.why.add(chain, "step " .. i)
    end
    assert.are.equal(8, #chain)
    assert.are.equal("step 30", chain[8])
    assert.are.equal("a; then b", mesh.why.text(mesh.why.add("a", "b")))
  end)

  it("lines have their role, and an end", function()
    local log, lines = mesh.log.new(), {}
    log:info("web", "%d behind", 3)
    log:warning("web", "100% of\nit")
    for i = 1, 200 do log:info("db", "line %d", i) end
    log:info("web", ("x"):rep(999))
    log:flush(function(line) lines[#lines + 1] = line end)
    assert.are.equal("web: 3 behind", lines[1])
    assert.are.equal("web: warning: 100% of it", lines[2])
    assert.are.equal(2 + 50 + 1 + 1, #lines)
    assert.are.equal("db: warning: more than 50 lines", lines[53])
    assert.are.equal(205, #lines[54])
  end)
end)

describe("an author's own state", function()
  it("comes back, and does not touch what is the library's", function()
    local input = setup.world(1)
    local scheduler = mesh.scheduler {role("web"), state = function(round)
      return {n = ((round.past.state.n or 0) + 1), roles = "mine"}
    end}
    setup.settle(input, scheduler.schedule(input))
    assert.are.same({n = 1}, input.parents[1].state)
    assert.are.same({n = 2}, scheduler.schedule(input).state)
  end)
end)
