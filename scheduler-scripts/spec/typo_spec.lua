--- What an author mistypes is told: where it is written, or once the round knows.

package.path = "scheduler-scripts/spec/?.lua;" .. package.path
local setup = require "setup"
local mesh = setup.mesh
local place = mesh.place

local function web(more)
  local spec = {image = "web-v1", sandbox = "web"}
  for key, value in pairs(more or {}) do spec[key] = value end
  return mesh.role("web", spec)
end

--- An error at the very line of the (one-line) function, that has this in it.
local function refuses(text, f)
  local ok, err = pcall(f)
  assert.is_false(ok, text)
  assert.matches(("typo_spec.lua:%d: "):format(debug.getinfo(f, "S").linedefined), tostring(err), 1, true)
  assert.matches(text, tostring(err), 1, true)
end

--- What a role with these rules is said to miss on three nodes, of which n1 has an SSD.
local function misses(rules, change)
  local input = setup.world(3)
  for i = 1, 3 do input.nodes["n" .. i].tags = {} end
  input.nodes.n1.tags = {ssd = true}
  if change then change(input) end
  local result = mesh.scheduler {web {place = rules},
    mesh.role("front", {image = "front-v1", sandbox = "front"})}.schedule(input)
  assert.is_nil(result.errors)
  local says = {}
  for _, row in ipairs(result.missing or {}) do
    if row.role == "web" then says[#says + 1] = row.what end
  end
  return says, result
end

describe("what a rule names and there is not", function()
  it("is told, and the role goes on", function()
    local says, result = misses(place.affinity("frnt"))
    assert.are.same({"place.affinity: no role 'frnt'; did you mean 'front'?"}, says)
    assert.is_string(setup.where(result)["web.1"])
    assert.are.same({"place.anti_affinity: no role 'frnt'; did you mean 'front'?"},
      misses {place.sticky(), place.anti_affinity("frnt", {required = true})})
    assert.are.same({"place.spread: no node has a tag 'zne'; did you mean 'zone'?"}, misses(place.spread("zne")))
    assert.are.same({"place.distinct: no node has a tag 'sdd'; did you mean 'ssd'?"}, misses(place.distinct("sdd")))
    assert.are.same({"place.near: no node has a tag 'sdd'; did you mean 'ssd'?"},
      misses(place.near(function() end, "sdd")))
    assert.are.same({"place.affinity: no node has a tag 'sdd'; did you mean 'ssd'?"},
      misses(place.affinity("front", {per = "tag:sdd"})))
    says, result = misses(place.not_on("draning"))
    assert.are.same({"place.not_on: no node 'draning'; did you mean 'draining'?"}, says)
    assert.is_string(setup.where(result)["web.1"])
  end)

  it("is told of nodes once, however many they are", function()
    local says, result = misses(place.only {"n1", "n7", "n8", "n9"})
    assert.are.same({"place.only: no node 'n7'; did you mean 'n1'?, and 2 more like this"}, says)
    assert.are.equal("n1", setup.where(result)["web.1"])
    says, result = misses(place.only {"n7"})
    assert.are.same({"place.only: no node 'n7'; did you mean 'n1'?", "a node for 1 of 1 instances"}, says)
    assert.is_nil(setup.where(result)["web.1"])
  end)

  it("is nothing where there is it, was it, or nobody told yet", function()
    assert.are.same({}, (misses {place.affinity("front"), place.spread("zone"), place.spread("ssd"),
      place.not_on("draining", "n3"), place.only {"n1"}, place.distinct("arch", 2)}))
    assert.are.same({}, (misses({place.spread("rack"), place.affinity("old")}, function(input)
      for i = 1, 3 do input.nodes["n" .. i].reported = false end
      input.parents = {{roles = {web = {on_split = "replace"}, old = {on_split = "replace"}}, nodes = {n1 = {roles = {
        web = {instances = {["web.1"] = {image = "web-v1", process = "web"}}},
        old = {instances = {["old.1"] = {image = "old", process = "old"}}}}}}}}
    end)))
  end)
end)

describe("what a script says amiss", function()
  it("of rules is an error where it is", function()
    refuses("spread: unknown key 'onl'; did you mean 'only'?", function() return (place.spread {onl = print}) end)
    refuses("sticky: unknown key 'onl'; did you mean 'only'?", function() return (place.sticky {onl = print}) end)
    refuses("every: only: expected a function, got table", function() return (place.every {only = {}}) end)
    refuses("spread: expected a table of options, got string", function() return (place.spread("zone", "x")) end)
    refuses('spread: expected "node"', function() return (place.spread(7)) end)
    refuses('distinct: expected "node"', function() return (place.distinct(7)) end)
    refuses('near: expected "node"', function() return (place.near(print, 7)) end)
    refuses('affinity: expected "node"', function() return (place.affinity("db", {per = 7})) end)
    refuses("affinity: 'DB' is no role", function() return (place.affinity("DB")) end)
    refuses("affinity: unknown key 'requird'; did you mean 'required'?",
      function() return (place.affinity("db", {requird = true})) end)
    refuses("anti_affinity: required: expected true or false, got string",
      function() return (place.anti_affinity("db", {required = "no"})) end)
    refuses("affinity: expected a table of options, got string", function() return (place.affinity("db", "zone")) end)
    refuses("avoid_failures: unknown key 'aftr'; did you mean 'after'?",
      function() return (place.avoid_failures {aftr = 5}) end)
    refuses("only: expected names of nodes, got number", function() return (place.only {5}) end)
    refuses("not_on: expected names of nodes, got table", function() return (place.not_on {"draining"}) end)
    refuses("not_on: expected names of nodes, or states", function() return (place.not_on()) end)
  end)

  it("of a role is an error where it is, or of that role alone", function()
    refuses("enabled: expected true, false or a function, got string", function() web {enabled = "no"} end)
    refuses("drain.order: start-first can't be with `keys`",
      function() web {keys = {"a"}, drain = {order = "start-first"}} end)
    refuses("drain.order: start-first can't be with on_split = exclusive",
      function() web {on_split = "exclusive", drain = {order = "start-first"}} end)
    local result = mesh.scheduler {web {enabled = function() return "no" end},
      mesh.role("front", {image = "front-v1", sandbox = "front"})}.schedule(setup.world(1))
    assert.are.same({"web"}, require("mesh.util").keys(result.errors))
    assert.are.equal("enabled: expected true or false, got string", setup.said(result.errors.web))
    assert.are.same({["front.1"] = "n1"}, setup.where(result))
  end)

  it("of several roles is an error where one of them is", function()
    local function line() return debug.getinfo(2, "l").currentline end
    local function of(given)
      local ok, err = pcall(function()
        return mesh.scheduler(given) -- as main.lua does: a tail call, of which no line is left
      end)
      assert.is_false(ok)
      return (err:gsub("^scheduler%-scripts/spec/", ""))
    end
    local a, at = web(), line()
    assert.are.equal(("typo_spec.lua:%d: mesh.scheduler: role 'web' given twice; first at "):format(line() + 1),
      of({a, web()}):match("^(.-)scheduler%-scripts"))
    assert.matches(("first at [^ ]*typo_spec.lua:%d$"):format(at), of({a, web()}))
    local b = mesh.role "db" {image = "db", needs = {"wbe"}, update = {after = {"wbe"}}}; at = line()
    assert.are.equal(("typo_spec.lua:%d: role 'db': update.after: no role 'wbe'; did you mean 'web'?"):format(at),
      of {a, b})
    b = mesh.role("db", {image = "db", needs = {"wbe"}}); at = line()
    assert.are.equal(("typo_spec.lua:%d: role 'db': needs: no role 'wbe'; did you mean 'web'?"):format(at), of {a, b})
    b = mesh.role("db", {image = "db", needs = {"db"}}); at = line()
    assert.are.equal(("typo_spec.lua:%d: needs go round in a circle: db -> db"):format(at), of {b})
    b = mesh.role("db", {image = "db", update = {before = {"wbe"}}}); at = line()
    assert.are.equal(("typo_spec.lua:%d: role 'db': update.before: no role 'wbe'; did you mean 'web'?"):format(at),
      of {a, b})
    b = mesh.role("db", {image = "db"}); at = line()
    local text = of {a, b, groups = {all = {"wbe"}}}
    assert.matches("groups.all[1]: no role or group 'wbe'; did you mean 'web'?", text, 1, true)
    assert.matches(("typo_spec.lua:%d"):format(at), text, 1, true)
    refuses("mesh.scheduler: unknown key 'qury'", function() return (mesh.scheduler {qury = 1}) end)
  end)
end)
