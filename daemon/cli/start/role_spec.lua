-- A world of three nodes, with the role @NAME@ alone.
local role = require "@NAME@"

describe("@NAME@", function()
  local world

  before_each(function()
    world = mesh.sim {nodes = 3, seed = 42, scheduler = mesh.scheduler {role}}
    -- Two a side, and there are never more than two sides here.
    world:always(function(w) assert(w:running "@NAME@" <= 4, "more than two a side") end)
    world:advance "30s"
  end)

  it("runs two, on two nodes", function()
    assert.are.equal(2, world:running "@NAME@")
    assert.are.equal(2, #world:where "@NAME@")
    assert.are.same({}, world:failed())
  end)

  it("moves away from a node that died", function()
    local dead = world:where("@NAME@")[1]
    world:kill(dead)
    world:advance "1m"
    assert.are.equal(2, world:running "@NAME@")
    for _, node in ipairs(world:where "@NAME@") do assert.are_not.equal(dead, node) end
  end)

  it("goes on on both sides of a split, and folds after it", function()
    world:partition({"n1"}, {"n2", "n3"})
    world:advance "1m"
    assert.is_true(world:running "@NAME@" >= 2)
    world:heal()
    world:advance "1m"
    assert.are.equal(2, world:running "@NAME@")
  end)
end)
