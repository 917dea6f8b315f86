--- After a split: memories and schedules of two sides become one.  Properties, by seeds.

package.path = "scheduler-scripts/spec/?.lua;" .. package.path
local setup = require "setup"
local mesh = setup.mesh

local SEEDS <const> = 60

--- A generator of its own: the same numbers everywhere.
local function random(seed)
  local x = seed * 2654435761 + 12345
  return function(n)
    x = (x * 6364136223846793005 + 1442695040888963407) & math.maxinteger
    return (x >> 33) % n + 1
  end
end

describe("mesh.state.merge", function()
  local function cell(rnd) return {value = ({true, false, 3, "v", {image = "a"}})[rnd(5)], stamp = rnd(4)} end

  local function memory(rnd)
    local m = {roles = {}, nodes = {}, scale = {}, update = {}}
    for _ = 1, rnd(4) do
      local name = "r" .. rnd(3)
      m.roles[name] = m.roles[name] or {}
      m.roles[name][({"scale", "on", "pause"})[rnd(3)]] = cell(rnd)
      m.roles[name].nodes = {["n" .. rnd(2)] = cell(rnd)}
      m.nodes["n" .. rnd(3)] = {drain = cell(rnd), tags = {["t" .. rnd(2)] = cell(rnd)}}
      m.scale["r" .. rnd(3)] = {count = rnd(9), stamp = rnd(3)}
    end
    m.update["r" .. rnd(2)] = ({false, "x", {}, {to = 3, began = 0 / 0}})[rnd(24)]
      or {to = {image = "i" .. rnd(4)}, began = rnd(3), step = rnd(5), stamp = rnd(9),
        phase = ({"rolling", "waiting", "failed", "done"})[rnd(4)]}
    m.drain = {["r" .. rnd(2)] = {["r1." .. rnd(3)] = cell(rnd)}}
    if rnd(8) == 1 then m.roles.r1 = ({3, "x", {}, false})[rnd(4)] end
    return m
  end

  it("is commutative, idempotent and associative, of updates with any targets too", function()
    local text <const> = mesh.state.canon -- NaN is as good as NaN
    for seed = 1, 1000 do
      local rnd = random(seed)
      local a, b, c = memory(rnd), memory(rnd), memory(rnd)
      local merge = mesh.state.merge
      assert.are.equal(text(merge(a, b)), text(merge(b, a)), "seed " .. seed)
      assert.are.equal(text(a), text(merge(a, a)), "seed " .. seed)
      assert.are.equal(text(merge(merge(a, b), c)), text(merge(a, merge(b, c))), "seed " .. seed)
    end
  end)

  it("the later of two wishes stands, whichever side it was said on", function()
    local a = {roles = {web = {scale = {value = 5, stamp = 90}, pause = {value = true, stamp = 9}}}}
    local b = {roles = {web = {scale = {value = 3, stamp = 200}}}, mine = "b"}
    local both = {scale = {value = 3, stamp = 200}, pause = {value = true, stamp = 9}}
    assert.are.same({roles = {web = both}, mine = "b"}, mesh.state.merge(a, b))
  end)

  it("an update that both sides went on with is where the further one is", function()
    local a = {update = {web = {to = {image = "w2"}, began = 10, step = 4, stamp = 50}}}
    local b = {update = {web = {to = {image = "w2"}, began = 10, step = 2, stamp = 90}}}
    assert.are.equal(4, mesh.state.merge(a, b).update.web.step)
    -- Begun on both sides, or to another target: the later wish.
    b.update.web.began = 12
    assert.are.equal(2, mesh.state.merge(a, b).update.web.step)
    b.update.web.to.image = "w3"
    assert.are.equal("w3", mesh.state.merge(a, b).update.web.to.image)
  end)

  it("takes what is no state for nothing", function()
    for _, bad in ipairs {{roles = 3}, {roles = {web = false}}, {nodes = {n1 = {drain = 0 / 0}}}, {update = {w = "x"}},
        {scale = {web = {stamp = "x"}}}} do
      local good = {roles = {web = {scale = {value = 1, stamp = 2}}}}
      local both = mesh.state.merge(bad, good)
      assert.are.equal(1, both.roles.web.scale.value)
      assert.are.equal(1, mesh.state.merge(good, bad).roles.web.scale.value)
      mesh.state.open(both):close(1)
    end
  end)
end)

--- One side of a world: its nodes, what runs there, its parents.
local function side_of(world, names, grade)
  local input = setup.world(0)
  for key, value in pairs(world) do input[key] = value end
  local mine = {}
  for _, name in ipairs(names) do mine[name] = true end
  input.side, input.nodes, input.running, input.copies = {grade = grade}, {}, {}, {}
  for name, node in pairs(world.nodes) do
    local copy = {}
    for key, value in pairs(node) do copy[key] = value end
    if not mine[name] then copy.state, copy.reported = "failed", false end
    input.nodes[name] = copy
  end
  for id, one in pairs(world.running) do
    if mine[one.node] then input.running[id] = one end
  end
  return input, mine
end

--- What a side scheduled comes true on its own nodes.
local function settle(input, mine, result, full)
  input.now = input.now + 1000
  result.grade = full and "full" or "degraded"
  local running = {}
  for id, node in pairs(setup.where(result)) do
    if mine[node] then
      local role = id:match("^(.-)%.")
      local was = input.running[id]
      local held = result.roles[role].on_split == "exclusive" and not full
      running[id] = was and was.node == node and not held and was or {node = node, role = role,
        state = held and "waiting" or "running", health = held and "none" or "healthy", restarts = 0, since = input.now}
    end
  end
  input.parents, input.running = {result}, running
end

local function heal(world, a, b)
  local input = setup.world(0)
  for key, value in pairs(world) do input[key] = value end
  input.now = math.max(a.now, b.now) + 1000
  input.side = {grade = "full"}
  input.running, input.copies = {}, {}
  for _, side in ipairs {a, b} do
    for id, one in pairs(side.running) do
      input.copies[id] = input.copies[id] or {}
      table.insert(input.copies[id], one)
    end
  end
  for id, list in pairs(input.copies) do
    table.sort(list, function(x, y) return x.since < y.since end)
    input.running[id] = list[1]
    if #list == 1 then input.copies[id] = nil end
  end
  input.parents = {a.parents[1], b.parents[1]}
  return input
end

describe("a split and its heal", function()
  local scheduler = mesh.scheduler {
    mesh.role("web", {image = "web-v1", count = 9, place = mesh.place.sticky(), ports = {port = "18000-18099"}}),
    mesh.role("db", {image = "web-v1", sandbox = "web", count = 2, on_split = "keep"}),
    mesh.role("one", {image = "web-v1", sandbox = "web", count = 2, on_split = "exclusive",
      place = mesh.place.sticky()}),
  }

  local function instance(result, id, node)
    local on = result.nodes[node]
    for _, part in pairs(on and on.roles or {}) do
      if part.instances[id] then return part.instances[id] end
    end
  end

  local function split(seed)
    local rnd = random(seed)
    local world = setup.world(6)
    world.now = 1000
    local all = {}
    for name in pairs(world.nodes) do all[name] = true end
    for _ = 1, 3 do settle(world, all, scheduler.schedule(world), true) end
    local names = {{}, {}}
    for i = 1, 6 do table.insert(names[i <= 4 and 1 or 2], "n" .. i) end
    local sides = {}
    for s, list in ipairs(names) do
      local input, mine = side_of(world, list, s == 1 and "full" or "degraded")
      input.now = input.now + rnd(500)
      local whole = true
      for _ = 1, 2 + rnd(2) do
        if rnd(3) == 1 and whole then
          whole = false
          local lost = list[rnd(#list)]
          input.nodes[lost].state = "failed"
          for id, one in pairs(input.running) do if one.node == lost then input.running[id] = nil end end
        end
        if rnd(2) == 1 then
          input.actions = {{id = "x", stamp = input.now + rnd(3000), node = list[1], role = "web", name = "scale",
            args = {count = tostring(6 + rnd(5))}}}
        end
        settle(input, mine, scheduler.schedule(input), s == 1)
        input.actions = {}
      end
      sides[s] = input
    end
    return world, sides[1], sides[2]
  end

  it("restarts nothing that need not be, and has each instance once", function()
    for seed = 1, SEEDS do
      local world, a, b = split(seed)
      local input = heal(world, a, b)
      local result = scheduler.schedule(input)
      assert.is_nil(result.errors)
      local at = setup.where(result) -- and asserts that each is there once
      for id in pairs(at) do
        local stays = {}
        for _, side in ipairs {a, b} do
          local one = side.running[id]
          if one and one.state == "running" then stays[#stays + 1] = {node = one.node, side = side} end
        end
        local fine = #stays == 0
        for _, one in ipairs(stays) do
          if one.node == at[id] then
            fine = true
            assert.are.same(instance(one.side.parents[1], id, one.node), instance(result, id, one.node),
              ("seed %d: %s changes where it runs"):format(seed, id))
          end
        end
        assert.is_true(fine, ("seed %d: %s runs, and is moved"):format(seed, id))
      end
      -- The later word of both counts.
      local wanted, stamp = 9, -1
      for _, side in ipairs {a, b} do
        local said = ((side.parents[1].state or {}).roles or {}).web
        if said and said.scale and said.scale.stamp > stamp then wanted, stamp = said.scale.value, said.scale.stamp end
      end
      local n = 0
      for id in pairs(at) do n = n + (id:find("^web") and 1 or 0) end
      assert.are.equal(wanted, n, "seed " .. seed)
      settle(input, setmetatable({}, {__index = function() return true end}), result, true)
      input.copies = {}
      assert.is_nil(scheduler.schedule(input).changes, "seed " .. seed)
    end
  end)

  it("decides the same in either order of the sides where copies are seen to run", function()
    for seed = 1, SEEDS do
      local world, a, b = split(seed)
      local one = setup.where(scheduler.schedule(heal(world, a, b)))
      local two = setup.where(scheduler.schedule(heal(world, b, a)))
      for id, node in pairs(one) do
        if id:find("^web") and (a.running[id] or b.running[id]) then
          assert.are.equal(node, two[id], ("seed %d: %s"):format(seed, id))
        end
      end
      assert.are.same(scheduler.schedule(heal(world, a, b)), scheduler.schedule(heal(world, a, b)))
    end
  end)

  it("replace works on both sides, keep stays, exclusive is on the full one alone", function()
    for seed = 1, SEEDS do
      local _, a, b = split(seed)
      for _, side in ipairs {a, b} do
        local web = 0
        for id, one in pairs(side.running) do
          if id:find("^web") and one.state == "running" then web = web + 1 end
          assert.is_false(side == b and id:find("^one") ~= nil and one.state == "running", "seed " .. seed)
        end
        assert.is_true(web >= 6, "seed " .. seed)
      end
      for id, one in pairs(b.running) do
        if id:find("^db") then assert.is_nil(a.running[id], "seed " .. seed .. ": " .. one.node) end
      end
    end
  end)

  it("of copies the older healthy one stays, and the journal says so in a stable order", function()
    local folded = 0
    for seed = 1, SEEDS do
      local world, a, b = split(seed)
      local input = heal(world, a, b)
      local result = scheduler.schedule(input)
      local at = setup.where(result)
      for id, list in pairs(input.copies) do
        if id:find("^web") and at[id] then
          folded = folded + 1
          assert.is_true(at[id] == list[1].node or list[1].since == list[2].since, "seed " .. seed .. ": " .. id)
        end
      end
      local lines = {}
      for _, line in ipairs(result.changes or {}) do
        if line:find("both sides ran it", 1, true) then lines[#lines + 1] = line end
      end
      local sorted = table.move(lines, 1, #lines, 1, {})
      table.sort(sorted)
      assert.are.same(sorted, lines)
    end
    assert.is_true(folded > 50, folded .. " copies: the test tries nothing")
  end)
end)

describe("ports of the whole mesh", function()
  local function role(count)
    return mesh.scheduler {mesh.role("web", {image = "web-v1", count = count,
      ports = {public = {range = "10000-10639", scope = "mesh"}}})}
  end

  local function ports(result)
    local seen = {}
    for _, node in pairs(result.nodes) do
      for id, instance in pairs(node.roles.web.instances) do
        assert.is_nil(seen[instance.vars.public], id)
        seen[instance.vars.public] = id
      end
    end
    return seen
  end

  it("are never the same on two nodes, nor on two sides", function()
    local world = setup.world(4)
    local all = setmetatable({}, {__index = function() return true end})
    settle(world, all, role(8).schedule(world), true)
    local first = ports(world.parents[1])
    local a, mine_a = side_of(world, {"n1", "n2"}, "full")
    local b, mine_b = side_of(world, {"n3", "n4"}, "degraded")
    settle(a, mine_a, role(12).schedule(a), true)
    settle(b, mine_b, role(12).schedule(b), false)
    local seen = {}
    for _, side in ipairs {a, b} do
      for id, one in pairs(side.running) do
        local port = side.parents[1].nodes[one.node].roles.web.instances[id].vars.public
        assert.is_nil(seen[port], id .. " and " .. tostring(seen[port]))
        seen[port] = id
      end
    end
    local healed = heal(world, a, b)
    local result = role(8).schedule(healed)
    ports(result)
    for port, id in pairs(first) do assert.are.equal(id, ports(result)[port] or id) end
  end)

  it("say when no part is left, and what is wrong with a range", function()
    local input = setup.world(3)
    local few = mesh.scheduler {mesh.role("web", {image = "web-v1", count = 3,
      ports = {public = {range = "100-199", scope = "mesh", parts = 2}}})}
    assert.matches("no part of 100-199 is left for node n3: all 2 are taken", few.schedule(input).errors.web, 1, true)
    local function refuses(text, port)
      local ok, err = pcall(mesh.role, "web", {image = "i", ports = {public = port}})
      assert.is_false(ok)
      assert.matches(text, err, 1, true)
    end
    refuses("ports.public: scope: 'world' is none of mesh, node", {range = "1-9", scope = "world"})
    refuses("ports.public: unknown key 'rnage'; did you mean 'range'?", {rnage = "1-9"})
    refuses("ports.public: '10-20' has no port for each of 64 parts", {range = "10-20", scope = "mesh"})
  end)
end)
