--- 100 fronts and 20 backends: the list of backends changes at once, code rolls, and neither
-- waits for the other for ever.

package.path = "scheduler-scripts/spec/?.lua;" .. package.path
local setup = require "setup"
local mesh = setup.mesh
local sim = require "mesh.sim"

local BACKENDS <const> = 20

local function backends(w)
  local s = w:schedule()
  return s and s.roles.front and s.roles.front.vars.backends or {}
end

--- All of it up.  A front is healthy as long as its rendered list has somebody in it.
local function start(nodes, update)
  local web = mesh.role("web", {version = "v1", image = "web-v1", count = BACKENDS, place = mesh.place.spread(),
    ports = {port = "18000-18099"}, update = {strategy = "smooth", substeps = 5, min_healthy = "3s"}})
  local front = mesh.role("front", {version = "v1", image = "front-v1", place = mesh.place.every(),
    ports = {port = 8080}, update = update or {strategy = "smooth", substeps = 4, min_healthy = "3s"},
    vars = function(round) return {backends = round:healthy("web")} end})
  local w = sim {nodes = nodes, seed = 5, scheduler = mesh.scheduler {web, front}}
  w:always(function()
    local fault = #backends(w) > 0 and "ok" or "unhealthy"
    w:image("front-v1", fault)
    w:image("front-v2", fault)
  end)
  w:advance "15s"
  assert.are.equal(nodes, w:healthy "front")
  assert.are.equal(BACKENDS, #backends(w))
  return w
end

local function images(w, role)
  local counts = {}
  for _, c in ipairs(w:instances(role)) do counts[c.image] = (counts[c.image] or 0) + 1 end
  return counts
end

local function update(w, role)
  return w:action(role, "update", {version = "v2", image = role .. "-v2"})
end

describe("100 fronts", function()
  it("converge while their backends and they themselves roll, and never have an empty list", function()
    local NODES <const> = 100
    local w, lists, last = start(NODES), 0, nil
    w:always(function()
      local list = backends(w)
      assert.is_true(#list >= BACKENDS - 4 - 1, #list .. " backends are listed")
      assert.is_true(w:healthy "front" >= NODES - 25 - 1, w:healthy "front" .. " fronts are healthy")
      local text = ""
      for _, b in ipairs(list) do text = text .. b.id .. " " end
      lists, last = lists + (text ~= last and 1 or 0), text
    end)
    update(w, "web")
    update(w, "front")
    w:advance "60s"
    assert.are.same({["web-v2"] = BACKENDS}, images(w, "web"))
    assert.are.same({["front-v2"] = NODES}, images(w, "front"))
    assert.are.equal(NODES, w:healthy "front")
    assert.are.equal(BACKENDS, #backends(w))
    assert.is_true(lists > 5, lists .. " lists")
    -- Each started twice: a change of the list alone starts nobody.
    assert.are.equal(2 * NODES, w:started "front")
    assert.are.equal(2 * BACKENDS, w:started "web")
  end)

  it("wait for one node whose check fails, and go on when it passes", function()
    local w = start(20)
    w:check("n1", "front", "exited 1")
    update(w, "front")
    w:advance "40s"
    assert.are.same({["front-v1"] = 16, ["front-v2"] = 4}, images(w, "front"))
    assert.are.equal(20, w:healthy "front")
    local says = "the update to v2 stops: front.n1 on n1: check: exited 1"
    assert.are.equal(says, w:schedule().why["front.n1"][2])
    assert.matches("front: update to v2 stops: front.n1 on n1: check: exited 1", w:log(), 1, true)
    w:check("n1", "front")
    w:advance "60s"
    assert.are.same({["front-v2"] = 20}, images(w, "front"))
    assert.matches("front: update to v2 goes on", w:log(), 1, true)
  end)

  it("stop their roll for a list that one of them, which has the new code, can't check", function()
    local w = start(20)
    update(w, "front")
    w:advance "3s"
    w:check("n1", "front", "exited 1") -- what it has is checked already
    for _ = 1, 20 do
      if images(w, "front")["front-v2"] < 10 then w:advance "1s" end
    end
    assert.are.equal(10, images(w, "front")["front-v2"])
    w:action("web", "scale", {count = "21"})
    w:advance "60s"
    assert.are.equal("check: exited 1", w:instances("front", "n1")[1].error)
    assert.is_true((images(w, "front")["front-v1"] or 0) > 0)
    w:check("n1", "front")
    w:advance "60s"
    assert.are.same({["front-v2"] = 20}, images(w, "front"))
  end)

  it("go back when a node's check does not pass in time", function()
    local w = start(20, {strategy = "smooth", substeps = 4, min_healthy = "3s", deadline = "30s"})
    w:check("n1", "front", "exited 1")
    update(w, "front")
    w:advance "80s"
    assert.are.same({["front-v1"] = 20}, images(w, "front"))
    assert.are.equal(20, w:healthy "front")
    assert.are.equal("", w:instances("front", "n1")[1].error)
  end)
end)
