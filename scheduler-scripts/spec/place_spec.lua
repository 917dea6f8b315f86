--- mesh.place and mesh.merge: who runs where, what moves, what a split leaves.

package.path = "scheduler-scripts/spec/?.lua;" .. package.path
local setup = require "setup"
local mesh = setup.mesh

local function web(more)
  local spec = {image = "web-v1", count = 4, ports = {port = "18000-18099"}}
  for key, value in pairs(more or {}) do spec[key] = value end
  return mesh.scheduler {mesh.role("web", spec)}
end

describe("mesh.place.spread", function()
  it("spreads evenly", function()
    local result = web().schedule(setup.world(3))
    assert.are.same({n1 = 2, n2 = 1, n3 = 1}, setup.counts(result, "web"))
    assert.is_nil(result.errors)
    assert.is_nil(result.missing)
    assert.are.equal("web", result.nodes.n2.roles.web.sandbox)
    assert.are.same({process = "web", image = "web-v1", vars = {address = "10.0.0.2", port = 18001}},
      result.nodes.n2.roles.web.instances["web.2"])
  end)

  it("moves nothing when nothing changed", function()
    local input, scheduler = setup.world(3), web()
    local first = scheduler.schedule(input)
    setup.settle(input, first)
    local second = scheduler.schedule(input)
    assert.are.same(first.nodes, second.nodes)
    assert.are.same(first.roles, second.roles)
    assert.is_nil(second.changes)
  end)

  it("moves only what a failed node had", function()
    local input, scheduler = setup.world(3), web()
    local before = setup.where(setup.rounds(scheduler, input))
    input.nodes.n1.state = "failed"
    local result = scheduler.schedule(input)
    local after = setup.where(result)
    for id, node in pairs(before) do
      if node == "n1" then assert.are_not.equal("n1", after[id]) else assert.are.equal(node, after[id]) end
    end
    assert.are.equal(2, #result.changes)
    assert.matches("moved from n1, which failed", result.why["web.1"], 1, true)
  end)

  it("leaves a suspected, unstable or silent node what it has, and gives it nothing new", function()
    for _, change in ipairs {{state = "suspect"}, {unstable = true}, {reported = false}} do
      local input, scheduler = setup.world(3), web {count = 3}
      local before = setup.where(setup.rounds(scheduler, input))
      for key, value in pairs(change) do input.nodes.n1[key] = value end
      assert.are.same(before, setup.where(scheduler.schedule(input)))
      local more = setup.counts(web {count = 7}.schedule(input), "web")
      assert.are.same({n1 = 1, n2 = 3, n3 = 3}, more)
    end
  end)

  it("leaves alone what a restarting node has, heard of or not, and gives it nothing new", function()
    local input, scheduler = setup.world(2), web {count = 2}
    local first = setup.rounds(scheduler, input)
    local was = setup.where(first or scheduler.schedule(input))
    input.nodes.n2.state, input.nodes.n2.reported = "restarting", false
    assert.are.same(was, setup.where(scheduler.schedule(input)))
    local grown = web {count = 4}
    assert.are.same({n1 = 3, n2 = 1}, setup.counts(grown.schedule(input), "web"))
    input.nodes.n2.state = "failed"
    assert.are.same({n1 = 2}, setup.counts(scheduler.schedule(input), "web"))
  end)

  it("takes work from a draining node, unless nobody else can have it", function()
    local input, scheduler = setup.world(2), web {count = 2}
    setup.rounds(scheduler, input)
    input.nodes.n1.draining = true
    assert.are.same({n2 = 2}, setup.counts(scheduler.schedule(input), "web"))
    input.nodes.n2.state = "failed"
    local result = scheduler.schedule(input)
    assert.are.equal("n1", setup.where(result)["web.1"])
    assert.matches("drains, but no other node", result.why["web.1"], 1, true)
  end)

  it("never picks a node that lacks the image or the sandbox, and says so", function()
    local input = setup.world(3)
    input.nodes.n1.facts.images = {"front-v1"}
    input.nodes.n2.facts.sandboxes = {"front"}
    local result = web().schedule(input)
    assert.are.same({n3 = 4}, setup.counts(result, "web"))
    assert.are.same({
      {node = "n1", role = "web", image = "web-v1"}, {node = "n2", role = "web", sandbox = "web"},
    }, result.missing)
  end)

  it("says when no node can take an instance", function()
    local input = setup.world(2)
    input.nodes.n1.facts.images = {}
    input.nodes.n2.facts.images = {}
    local result = web().schedule(input)
    assert.are.same({}, setup.where(result))
    assert.are.same({role = "web", what = "a node for 4 of 4 instances"}, result.missing[3])
    assert.matches("no node", result.why["web.1"], 1, true)
  end)

  it("keeps the old image where the new one is not there yet", function()
    local input = setup.world(2)
    setup.rounds(web {count = 2}, input)
    input.nodes.n2.facts.images = {"web-v1"}
    local result = web {count = 2, image = "web-v2"}.schedule(input)
    assert.are.equal("web-v2", result.nodes.n1.roles.web.instances["web.1"].image)
    assert.are.equal("web-v1", result.nodes.n2.roles.web.instances["web.2"].image)
    assert.are.same({{node = "n2", role = "web", image = "web-v2"}}, result.missing)
  end)

  it("keep stays where it is, even on a failed node", function()
    local input, scheduler = setup.world(2), web {count = 2, on_split = "keep"}
    local before = setup.where(setup.rounds(scheduler, input))
    input.nodes.n2.state = "failed"
    assert.are.same(before, setup.where(scheduler.schedule(input)))
    input.nodes.n2.state = "left"
    local result = scheduler.schedule(input)
    assert.are.same({["web.1"] = "n1"}, setup.where(result))
    assert.matches("on_split is keep", result.why["web.2"], 1, true)
  end)

  it("shrinks from the end and grows without moving", function()
    local input = setup.world(3)
    local six = setup.where(setup.rounds(web {count = 6}, input))
    local four = setup.where(web().schedule(input))
    for id, node in pairs(four) do assert.are.equal(six[id], node) end
    assert.is_nil(four["web.5"])
    local ten = setup.where(web {count = 10}.schedule(input))
    for id, node in pairs(six) do assert.are.equal(node, ten[id]) end
  end)

  it("evens out as nodes join: at once what does not run yet", function()
    local input, scheduler = setup.world(1), web()
    local first = scheduler.schedule(input)
    assert.are.same({n1 = 4}, setup.counts(first, "web"))
    input.parents = {first}
    input.nodes.n2, input.nodes.n3 = setup.node("10.0.0.2"), setup.node("10.0.0.3")
    assert.are.same({n1 = 2, n2 = 1, n3 = 1}, setup.counts(scheduler.schedule(input), "web"))
  end)

  it("sticky moves nothing that can stay, and spreads what is new", function()
    local input, scheduler = setup.world(2), web {place = mesh.place.sticky()}
    local before = setup.where(setup.rounds(scheduler, input))
    input.nodes.n3 = setup.world(3).nodes.n3
    assert.are.same(before, setup.where(setup.rounds(scheduler, input)))
    local more = setup.counts(web {count = 6, place = mesh.place.sticky()}.schedule(input), "web")
    assert.are.same({n1 = 2, n2 = 2, n3 = 2}, more)
    input.nodes.n1.state = "failed"
    for id, node in pairs(setup.where(scheduler.schedule(input))) do
      if before[id] == "n1" then assert.are.equal("n3", node) else assert.are.equal(before[id], node) end
    end
  end)

  it("evens out one at a time what runs well", function()
    local input, scheduler = setup.world(1), web()
    setup.rounds(scheduler, input)
    input.nodes.n2 = setup.node("10.0.0.2")
    local result = scheduler.schedule(input)
    assert.are.same({n1 = 3, n2 = 1}, setup.counts(result, "web"))
    assert.are.equal(1, #result.changes)
    -- The one that moved does not run yet: nothing else moves.
    setup.settle(input, result)
    local moved = result.changes[1]:match("^%S+%.%d+")
    input.running[moved].health = "wait"
    assert.is_nil(scheduler.schedule(input).changes)
    input.running[moved].health = "healthy"
    assert.are.same({n1 = 2, n2 = 2}, setup.counts(setup.rounds(scheduler, input), "web"))
  end)

  it("only places where `only` says", function()
    local place = mesh.place.spread {only = function(node) return node.tags and node.tags.ssd end}
    local input = setup.world(3)
    input.nodes.n3.tags = {ssd = true}
    local result = web {place = place}.schedule(input)
    assert.are.same({n3 = 4}, setup.counts(result, "web"))
    assert.is_nil(result.missing)
  end)
end)

describe("mesh.place.every", function()
  local function front()
    return mesh.scheduler {mesh.role("front", {image = "front-v1", place = mesh.place.every(),
      ports = {port = 8080}})}
  end

  it("has one on each node with the image, named by the node", function()
    local input = setup.world(3)
    input.nodes.n2.facts.images = {}
    local result = front().schedule(input)
    assert.are.same({["front.n1"] = "n1", ["front.n3"] = "n3"}, setup.where(result))
    assert.are.equal(8080, result.nodes.n3.roles.front.instances["front.n3"].vars.port)
  end)

  it("keeps that of a failed node, so it need not restart when it is back", function()
    local input, scheduler = setup.world(2), front()
    local before = setup.where(setup.rounds(scheduler, input))
    input.nodes.n2.state = "failed"
    assert.are.same(before, setup.where(scheduler.schedule(input)))
    input.nodes.n2.state = "left"
    assert.are.same({["front.n1"] = "n1"}, setup.where(scheduler.schedule(input)))
  end)
end)

describe("after a split", function()
  local function side(node, count)
    local result = {roles = {web = {on_split = "replace", template = "web", vars = {}}}, nodes = {}}
    local instances = {}
    for i = 1, count do
      instances["web." .. i] = {process = "web", image = "web-v1", vars = {address = "x", port = 18000 + i}}
    end
    result.nodes[node] = {roles = {web = {sandbox = "web", instances = instances}}}
    return result
  end

  local function copy(node, since, health)
    return {node = node, role = "web", state = "running", health = health or "healthy", since = since}
  end

  it("folds copies: the youngest healthy one stops", function()
    local input = setup.world(2)
    input.parents = {side("n1", 2), side("n2", 2)}
    input.copies = {
      ["web.1"] = {copy("n1", 100), copy("n2", 200)},
      ["web.2"] = {copy("n2", 50), copy("n1", 70)},
    }
    local result = web {count = 2}.schedule(input)
    assert.are.same({["web.1"] = "n1", ["web.2"] = "n2"}, setup.where(result))
    assert.matches("web.1: stays on n1, its copy on n2 stops", table.concat(result.changes, "\n"), 1, true)
  end)

  it("prefers a healthy copy to an older one, and a living node to any", function()
    local input = setup.world(3)
    input.parents = {side("n1", 1), side("n2", 1)}
    input.copies = {["web.1"] = {copy("n1", 100, "unhealthy"), copy("n2", 200)}}
    assert.are.equal("n2", setup.where(web {count = 1}.schedule(input))["web.1"])
    input.nodes.n2.state = "failed"
    assert.are.equal("n1", setup.where(web {count = 1}.schedule(input))["web.1"])
  end)

  -- The script can't see a copy run that waits for its lease, or whose node is silent.
  it("moves nothing for the sake of a node's name where neither copy is seen to run", function()
    local input = setup.world(3)
    input.parents = {side("n1", 1), side("n2", 1)}
    assert.are.equal("n2", setup.where(web {count = 1}.schedule(input))["web.1"])
    input.parents = {side("n2", 1), side("n1", 1)}
    assert.are.equal("n1", setup.where(web {count = 1}.schedule(input))["web.1"])
  end)

  it("of copies that don't run the one of the side that may run exclusive ones stays", function()
    local input = setup.world(3)
    input.parents = {side("n2", 1), side("n1", 1)}
    input.parents[1].grade, input.parents[2].grade = "full", "degraded"
    assert.are.equal("n2", setup.where(web {count = 1}.schedule(input))["web.1"])
    input.nodes.n2.state = "failed"
    assert.are.equal("n1", setup.where(web {count = 1}.schedule(input))["web.1"])
  end)

  it("a silent node may run what it had, one that reported may not", function()
    local input = setup.world(3)
    input.parents = {side("n2", 1), side("n1", 1)}
    input.nodes.n2.reported = false
    assert.are.equal("n2", setup.where(web {count = 1}.schedule(input))["web.1"])
    input.copies = {["web.1"] = {copy("n1", 7)}}
    assert.are.equal("n1", setup.where(web {count = 1}.schedule(input))["web.1"])
  end)

  it("what a node said before it was cut off is not seen to run", function()
    local input = setup.world(3)
    input.parents = {side("n1", 1), side("n2", 1)}
    input.nodes.n1.reported = false
    input.copies = {["web.1"] = {copy("n1", 100), copy("n2", 200)}}
    assert.are.equal("n2", setup.where(web {count = 1}.schedule(input))["web.1"])
  end)

  it("of an exclusive one that seems to run twice the later schedule's stays", function()
    local input = setup.world(3)
    input.parents = {side("n1", 1), side("n2", 1)}
    for _, parent in ipairs(input.parents) do parent.roles.web.on_split = "exclusive" end
    input.copies = {["web.1"] = {copy("n1", 100), copy("n2", 200)}}
    assert.are.equal("n2", setup.where(web {count = 1}.schedule(input))["web.1"])
    input.copies = {["web.1"] = {copy("n1", 100)}}
    assert.are.equal("n1", setup.where(web {count = 1}.schedule(input))["web.1"])
  end)

  it("no health check is as good as a check that passes", function()
    local input = setup.world(2)
    input.parents = {side("n1", 1), side("n2", 1)}
    input.copies = {["web.1"] = {copy("n1", 100, "none"), copy("n2", 200)}}
    assert.are.equal("n1", setup.where(web {count = 1}.schedule(input))["web.1"])
  end)

  it("decides the same whatever the order of parents, ties by node name", function()
    for _, order in ipairs {{"n1", "n2"}, {"n2", "n1"}} do
      local input = setup.world(2)
      input.parents = {side(order[1], 1), side(order[2], 1)}
      input.copies = {["web.1"] = {copy("n1", 7), copy("n2", 7)}}
      assert.are.equal("n1", setup.where(web {count = 1}.schedule(input))["web.1"])
    end
  end)
end)
