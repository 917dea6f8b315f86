--- mesh.place's rules: spread over keys, bin-packing, affinity, constraints, keys, what failed.

package.path = "scheduler-scripts/spec/?.lua;" .. package.path
local setup = require "setup"
local mesh = setup.mesh
local place = mesh.place

local function web(more)
  local spec = {image = "web-v1", count = 6}
  for key, value in pairs(more or {}) do spec[key] = value end
  return mesh.role("web", spec)
end

local function zones(input, result, role)
  local counts = {}
  for id, node in pairs(setup.where(result)) do
    if id:match("^(.-)%.") == (role or "web") then
      local zone = input.nodes[node].zone
      counts[zone] = (counts[zone] or 0) + 1
    end
  end
  return counts
end

-- n1 n2 n3 in a, n4 in b, n5 in c.
local function three_zones()
  local input = setup.world(5)
  for name, zone in pairs {n1 = "a", n2 = "a", n3 = "a", n4 = "b", n5 = "c"} do input.nodes[name].zone = zone end
  return input
end

describe("mesh.place.spread over a key", function()
  it("spreads over zones first, then over nodes", function()
    local input = three_zones()
    local result = mesh.scheduler {web {place = place.spread("zone")}}.schedule(input)
    assert.are.same({a = 2, b = 2, c = 2}, zones(input, result))
    local counts = setup.counts(result, "web")
    assert.are.same({2, 2}, {counts.n4, counts.n5})
    assert.is_true((counts.n1 or 0) <= 1 and (counts.n2 or 0) <= 1)
  end)

  it("over a tag, a function, and zones in zones", function()
    local input = three_zones()
    for i = 1, 5 do input.nodes["n" .. i].tags = {rack = i % 2 == 0 and "r0" or "r1"} end
    local result = mesh.scheduler {web {place = place.spread("tag:rack")}}.schedule(input)
    local racks = {}
    for _, node in pairs(setup.where(result)) do
      local rack = input.nodes[node].tags.rack
      racks[rack] = (racks[rack] or 0) + 1
    end
    assert.are.same({r0 = 3, r1 = 3}, racks)
    result = mesh.scheduler {web {place = {place.spread("zone"), place.spread("rack")}}}.schedule(input)
    assert.are.same({a = 2, b = 2, c = 2}, zones(input, result))
    local where = setup.counts(result, "web")
    assert.are.equal(1, where.n2) -- the one of zone a in rack r0
  end)

  it("evens out zones one at a time, and only what it may", function()
    local input = three_zones()
    input.nodes.n4, input.nodes.n5 = nil, nil
    local scheduler = mesh.scheduler {web {place = place.spread("zone")}}
    setup.rounds(scheduler, input)
    input.nodes.n4 = three_zones().nodes.n4
    input.nodes.n4.zone = "b"
    local result = scheduler.schedule(input)
    assert.are.same({a = 5, b = 1}, zones(input, result))
    result = setup.rounds(scheduler, input)
    assert.are.same({a = 3, b = 3}, zones(input, result))
    -- A zone that is suspected for a moment makes nothing move.
    input.nodes.n4.state = "suspect"
    assert.is_nil(scheduler.schedule(input).changes)
    local sticky = mesh.scheduler {web {place = {place.sticky(), place.spread("zone")}}}
    input.nodes.n4.state = "alive"
    input.nodes.n5 = setup.node("10.0.0.5", {zone = "c"})
    assert.is_nil(sticky.schedule(input).changes)
  end)
end)

describe("mesh.place.binpack", function()
  local function packed(more)
    local spec = {place = place.binpack(), resources = {cpu = "500m", memory = "256Mi"}}
    for key, value in pairs(more or {}) do spec[key] = value end
    return web(spec)
  end

  local function sized(n, cpus, memory)
    local input = setup.world(n)
    for _, node in pairs(input.nodes) do node.facts.cpus, node.facts.memory = cpus, memory end
    return input
  end

  it("fills a node before it takes the next", function()
    local result = mesh.scheduler {packed()}.schedule(sized(3, 2, 1 << 30))
    assert.are.same({n1 = 4, n2 = 2}, setup.counts(result, "web"))
  end)

  it("never gives a node more than it has, whichever is scarce", function()
    local result = mesh.scheduler {packed {count = 9}}.schedule(sized(3, 64, 512 << 20))
    assert.are.same({n1 = 2, n2 = 2, n3 = 2}, setup.counts(result, "web"))
    assert.are.same({{role = "web", what = "a node for 3 of 9 instances"}}, result.missing)
    assert.are.equal("no node: none has room for one more (CPU 500m, memory 256Mi)", result.why["web.9"])
  end)

  it("counts what other roles take, those that come later too", function()
    local input = sized(2, 2, 1 << 30)
    local db = mesh.role("front", {image = "front-v1", count = 2, resources = {cpu = 1.5},
      place = place.spread()})
    setup.rounds(mesh.scheduler {db}, input)
    local result = mesh.scheduler {packed {count = 4}, db}.schedule(input)
    assert.are.same({n1 = 1, n2 = 1}, setup.counts(result, "web"))
    assert.are.same({n1 = 1, n2 = 1}, setup.counts(result, "front"))
  end)

  it("moves nothing that is there, and gives back what goes", function()
    local input = sized(3, 2, 1 << 30)
    local scheduler = mesh.scheduler {packed()}
    local before = setup.where(setup.rounds(scheduler, input))
    assert.are.same(before, setup.where(scheduler.schedule(input)))
    input.nodes.n1.state = "failed"
    assert.are.same({n2 = 4, n3 = 2}, setup.counts(scheduler.schedule(input), "web"))
  end)

  it("counts room anew when a role fails halfway", function()
    local input = sized(1, 2, 1 << 30)
    local bad = mesh.role("front", {image = "front-v1", count = 1, resources = {cpu = 1},
      vars = function() error "x" end})
    local result = mesh.scheduler {bad, packed {count = 4}}.schedule(input)
    assert.are.same({n1 = 4}, setup.counts(result, "web"))
  end)

  it("wants to know what an instance takes", function()
    local ok, err = pcall(mesh.role, "web", {image = "i", place = place.binpack()})
    assert.is_false(ok)
    assert.matches("binpack() needs `resources", err, 1, true)
    ok, err = pcall(mesh.role, "web", {image = "i", resources = {memory = "12Q"}})
    assert.is_false(ok)
    assert.matches('resources.memory: expected a size like "512Mi"', err, 1, true)
  end)
end)

describe("affinity", function()
  local function both(rule, more)
    local redis = mesh.role("front", {image = "front-v1", count = 1,
      place = place.only {"n2"}})
    local spec = {place = rule, count = 3}
    for key, value in pairs(more or {}) do spec[key] = value end
    return mesh.scheduler {redis, web(spec)}
  end

  it("to another role: a wish, or required", function()
    local input = three_zones()
    assert.are.same({n2 = 3}, setup.counts(both(place.affinity("front")).schedule(input), "web"))
    assert.are.same({a = 3}, zones(input, both(place.affinity("front", {per = "zone"})).schedule(input)))
    input.nodes.n2.facts.images = {"front-v1"}
    local wished = both(place.affinity("front")).schedule(input)
    assert.are.equal(3, #mesh.version.sort((function()
      local l = {}
      for id in pairs(setup.where(wished)) do if id:match("^web") then l[#l + 1] = id end end
      return l
    end)()))
    assert.matches("not quite as wished", wished.why["web.1"], 1, true)
    local required = both(place.affinity("front", {required = true})).schedule(input)
    assert.are.same({}, setup.counts(required, "web"))
  end)

  it("away from another role", function()
    local input = setup.world(3)
    assert.are.same({n1 = 2, n3 = 1}, setup.counts(both(place.anti_affinity("front")).schedule(input), "web"))
    input.nodes.n1.state, input.nodes.n3.state = "failed", "failed"
    assert.are.same({n2 = 3}, setup.counts(both(place.anti_affinity("front")).schedule(input), "web"))
    local strict = both(place.anti_affinity("front", {required = true})).schedule(input)
    assert.are.same({}, setup.counts(strict, "web"))
  end)

  it("refuses what it does not know", function()
    assert.has_error(function() place.affinity("front", {zone = "a"}) end)
    assert.has_error(function() place.affinity("No!") end)
  end)
end)

describe("constraints", function()
  local function where(wants, change)
    local input = setup.world(3)
    input.nodes.n1.facts.arch, input.nodes.n1.facts.kernel, input.nodes.n1.facts.cpus = "x86_64", "6.1.0-56", 2
    input.nodes.n2.facts.arch, input.nodes.n2.facts.kernel, input.nodes.n2.facts.cpus = "aarch64", "6.10.3", 8
    input.nodes.n3.facts.arch, input.nodes.n3.facts.kernel, input.nodes.n3.facts.cpus = "x86_64", "5.10", 16
    input.nodes.n3.tags = {ssd = true, rack = "r3"}
    if change then change(input) end
    local result = mesh.scheduler {web {count = 6, place = place.constraint(wants)}}.schedule(input)
    return mesh.version.sort((function()
      local l = {}
      for name in pairs(setup.counts(result, "web")) do l[#l + 1] = name end
      return l
    end)())
  end

  it("on arch, kernel, CPUs, tags, names", function()
    assert.are.same({"n1", "n3"}, where {arch = "x86_64"})
    assert.are.same({"n1", "n2"}, where {kernel = ">=6.1"})
    assert.are.same({"n2"}, where {kernel = ">6.9"})
    assert.are.same({"n2", "n3"}, where {cpus = ">=4"})
    assert.are.same({"n3"}, where {tags = {ssd = true}})
    assert.are.same({"n1", "n2"}, where {tags = {ssd = false}})
    assert.are.same({"n1", "n2"}, where {tags = {rack = "!=r3"}})
    assert.are.same({"n1", "n2"}, where {node = {"n1", "n2"}})
    assert.are.same({"n1"}, where {arch = "x86_64", kernel = ">=6"})
  end)

  it("on the version of its mesh, memory, its disk", function()
    local function some(input)
      for i, name in ipairs {"n1", "n2", "n3"} do
        local node = input.nodes[name]
        node.version, node.facts.memory, node.metrics = "0." .. 8 + i, i << 30, {disk = i * 100 << 30}
      end
    end
    assert.are.same({"n2", "n3"}, where({version = ">=0.10"}, some)) -- 0.9 is before 0.10
    assert.are.same({"n1"}, where({version = "0.9"}, some))
    assert.are.same({"n2"}, where({memory = ">=2Gi", disk = "<300Gi"}, some))
    assert.are.same({"n1", "n3"}, where({version = {"0.9", ">0.10"}}, some))
    -- Who says no version is of before it was said.
    assert.are.same({"n1", "n2"}, where({version = "!=0.11"}, function(input)
      some(input)
      input.nodes.n1.version = nil
    end))
    assert.are.same({"n2", "n3"}, where({version = ">=0.9"}, function(input)
      some(input)
      input.nodes.n1.version = nil
    end))
  end)

  it("take nothing from a node whose facts a new leader has not heard", function()
    local input = setup.world(2)
    for _, node in pairs(input.nodes) do
      node.facts.arch, node.facts.cpus, node.metrics = "x86_64", 4, {disk = 1 << 40}
    end
    local scheduler = mesh.scheduler {web {count = 4,
      place = place.constraint {arch = "x86_64", cpus = ">=2", disk = ">=1Gi"}}}
    setup.rounds(scheduler, input)
    local n2 = input.nodes.n2
    n2.reported, n2.facts.arch, n2.facts.cpus, n2.metrics.disk = false, "", 0, 0
    assert.are.same({n1 = 2, n2 = 2}, setup.counts(scheduler.schedule(input), "web"))
    n2.reported, n2.facts.arch = true, "aarch64"
    assert.are.same({n1 = 4}, setup.counts(scheduler.schedule(input), "web"))
  end)

  it("says what is wrong with one", function()
    local function refuses(text, wants)
      local ok, err = pcall(place.constraint, wants)
      assert.is_false(ok)
      assert.matches(text, err, 1, true)
    end
    refuses("unknown key 'krenel'; did you mean 'kernel'?", {krenel = "6"})
    refuses("unknown key 'cores'; here that is 'cpus'", {cores = 2})
    refuses("unknown key 'labels'; here that is 'tags'", {labels = {}})
    refuses("memory: '>=lots' can't be compared", {memory = ">=lots"})
    refuses("kernel: '=>6' begins with none of", {kernel = "=>6"})
    refuses("arch: an empty list fits no node", {arch = {}})
    refuses("expected a table, got string", "x86_64")
  end)

  it("distinct: one a node, or so many a zone", function()
    local input = three_zones()
    local result = mesh.scheduler {web {count = 6, place = place.distinct()}}.schedule(input)
    assert.are.same({n1 = 1, n2 = 1, n3 = 1, n4 = 1, n5 = 1}, setup.counts(result, "web"))
    assert.matches("none has room", result.why["web.6"], 1, true)
    result = mesh.scheduler {web {count = 9, place = place.distinct("zone", 2)}}.schedule(input)
    assert.are.same({a = 2, b = 2, c = 2}, zones(input, result))
    assert.has_error(function() place.distinct("node", 0) end)
  end)

  it("not_on, only, and a list of rules", function()
    local input = setup.world(3)
    local rules = {place.not_on("n1", "draining"), place.only {"n1", "n2"}}
    local result = mesh.scheduler {web {place = rules}}.schedule(input)
    assert.are.same({n2 = 6}, setup.counts(result, "web"))
    assert.has_error(function() web {place = {place.spread(), 3}} end)
    assert.has_error(function() web {place = {}} end)
    assert.has_error(function() place.spread {only = true}.filter({}, "n1", {spec = {name = "web"}}) end)
  end)
end)

describe("keyed instances", function()
  local function cameras(keys, more)
    local spec = {image = "web-v1", keys = keys, variables = function(_, _, _, item) return {url = item.url} end}
    for key, value in pairs(more or {}) do spec[key] = value end
    return mesh.scheduler {mesh.role("web", spec)}
  end

  local function keys_of(n)
    local keys = {}
    for i = 1, n do keys["cam-" .. i] = {url = "rtsp://10.9.0." .. i, zone = ({"a", "b", "c"})[i % 3 + 1]} end
    return keys
  end

  it("has one for each, with what belongs to it; another key touches no other", function()
    local input = setup.world(4)
    local before = setup.where(setup.rounds(cameras(keys_of(50)), input))
    assert.is_not_nil(before["web.cam-17"])
    local old = input.parents[1]
    local more = keys_of(50)
    more["cam-99"], more["cam-3"] = {url = "x"}, nil
    local result = cameras(more).schedule(input)
    local after = setup.where(result)
    assert.is_nil(after["web.cam-3"])
    assert.is_not_nil(after["web.cam-99"])
    for id, node in pairs(before) do
      if id ~= "web.cam-3" then
        assert.are.equal(node, after[id])
        assert.are.same(old.nodes[node].roles.web.instances[id], result.nodes[node].roles.web.instances[id])
      end
    end
    assert.are.equal("rtsp://10.9.0.7", result.nodes[after["web.cam-7"]].roles.web.instances["web.cam-7"].vars.url)
  end)

  it("takes a list, or a function of the round", function()
    local input = setup.world(2)
    input.vars.shards = {"s1", "s2", "s3"}
    local role = mesh.role("web", {image = "web-v1", keys = function(round) return round.input.vars.shards end})
    local at = setup.where(mesh.scheduler {role}.schedule(input))
    assert.is_true(at["web.s1"] and at["web.s2"] and at["web.s3"] ~= nil)
  end)

  it("near what is its own", function()
    local input = three_zones()
    local result = cameras(keys_of(9), {place = {place.sticky(), place.near(function(_, item) return item.zone end)}})
      .schedule(input)
    local n = 0
    for id, node in pairs(setup.where(result)) do
      n = n + 1
      assert.are.equal(keys_of(9)[id:sub(5)].zone, input.nodes[node].zone)
    end
    assert.are.equal(9, n)
    input.nodes.n4.state = "failed"
    result = cameras(keys_of(9), {place = place.near(function(_, item) return item.zone end)}).schedule(input)
    assert.is_nil(result.errors)
    assert.is_not_nil(setup.where(result)["web.cam-1"])
  end)

  it("refuses what makes no name, of this role only", function()
    local result = cameras {["Bad Key"] = {}}.schedule(setup.world(1))
    assert.are.equal("keys: 'Bad Key' makes no name of at most 63 bytes", setup.said(result.errors.web))
    result = mesh.scheduler {mesh.role("web", {image = "i", keys = function() return 3 end})}.schedule(setup.world(1))
    assert.are.equal("keys: expected a table, got number", setup.said(result.errors.web))
  end)
end)

describe("mesh.place.avoid_failures", function()
  local function scheduler()
    return mesh.scheduler {web {count = 2, place = {place.spread(), place.avoid_failures {after = 3}}}}
  end

  it("moves what fails again and again, and remembers for a while where", function()
    local input = setup.world(3)
    input.nodes.n3.draining = true
    setup.rounds(scheduler(), input)
    input.nodes.n3.draining = false
    input.running["web.1"].state, input.running["web.1"].restarts = "crash-loop", 1
    assert.is_nil(scheduler().schedule(input).changes) -- not often enough
    input.running["web.1"].restarts = 4
    local result = scheduler().schedule(input)
    assert.are.equal("n3", setup.where(result)["web.1"])
    assert.matches("moved from n1, where it failed 5 times", result.why["web.1"], 1, true)
    setup.settle(input, result)
    input.nodes.n2.state = "failed"
    assert.are.same({n3 = 2}, setup.counts(scheduler().schedule(input), "web"))
    input.now = input.now + 11 * 60000
    result = scheduler().schedule(input)
    assert.are.same({n1 = 1, n3 = 1}, setup.counts(result, "web"))
    assert.is_nil(result.state)
  end)

  it("stays when nobody else can have it", function()
    local input = setup.world(1)
    setup.rounds(scheduler(), input)
    input.running["web.1"].state, input.running["web.1"].restarts = "failed", 9
    local result = scheduler().schedule(input)
    assert.are.equal("n1", setup.where(result)["web.1"])
  end)
end)

describe("minimal moves", function()
  it("10 nodes, 11, 10 again under 1000 sticky instances: at most 10 % move", function()
    local role = mesh.role("web", {image = "web-v1", count = 1000, place = place.sticky()})
    local scheduler = mesh.scheduler {role}
    local input = setup.world(10)
    local before = setup.where(setup.rounds(scheduler, input))
    input.nodes.n11 = setup.node("10.0.0.11")
    local grown = setup.where(setup.rounds(scheduler, input))
    input.nodes.n11 = nil
    local after = setup.where(setup.rounds(scheduler, input))
    local moved = 0
    for id, node in pairs(before) do
      if grown[id] ~= node then moved = moved + 1 end
      if after[id] ~= grown[id] then moved = moved + 1 end
    end
    assert.is_true(moved <= 100, moved .. " moved")
    -- Spread moves what evens out, and no more.
    local even = mesh.scheduler {mesh.role("web", {image = "web-v1", count = 200})}
    input = setup.world(10)
    before = setup.where(setup.rounds(even, input))
    input.nodes.n11 = setup.node("10.0.0.11")
    after = setup.where(setup.rounds(even, input, 100))
    moved = 0
    for id, node in pairs(before) do
      if after[id] ~= node then moved = moved + 1 end
    end
    assert.is_true(moved <= 20, moved .. " moved")
  end)
end)
