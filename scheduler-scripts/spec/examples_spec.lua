--- The example schedulers, each in the scenarios that it is for.

package.path = "scheduler-scripts/spec/?.lua;" .. package.path
local setup = require "setup"
local mesh = setup.mesh

local function example(name)
  _G.mesh = mesh
  local scheduler = dofile(setup.here .. "examples/" .. name .. "/main.lua")
  _G.mesh = nil
  return scheduler
end

--- Nodes n1, n2, ... that have all of these; zones in turn.
local function world(n, images, zones)
  local input = setup.world(n)
  input.now = 1000000
  for i = 1, n do
    local node = input.nodes["n" .. i]
    node.zone = zones[(i - 1) % #zones + 1]
    node.facts = {cpus = 8, memory = 8 << 30, images = images, arch = "x86_64", kernel = "6.1"}
  end
  return input
end

--- A round, which comes true.
local function round(scheduler, input, ms)
  input.now = input.now + (ms or 1000)
  local result = scheduler.schedule(input)
  assert.is_nil(result.errors)
  local before = input.running
  setup.settle(input, result, input.now)
  for id, copy in pairs(input.running) do
    copy.image = result.nodes[copy.node].roles[copy.role].instances[id].image
    local was = before[id]
    if was and was.node == copy.node and was.image == copy.image then input.running[id] = was end
  end
  return result
end

local function total(result, role)
  local n = 0
  for _, c in pairs(setup.counts(result, role)) do n = n + c end
  return n
end

describe("examples/django", function()
  local images <const> = {"postgres-v15", "memcached-v1", "django-v1", "django-v2", "nginx-v1"}

  local function start()
    local input, scheduler = world(4, images, {"a", "b"}), example "django"
    input.nodes.n2.tags = {disk = "ssd"}
    return input, scheduler
  end

  it("comes up in order, with no step by hand", function()
    local input, scheduler = start()
    local result = round(scheduler, input)
    assert.are.same({n2 = 1}, setup.counts(result, "postgres"))
    assert.are.equal(0, total(result, "django"))
    assert.are.equal(4, total(result, "nginx"))
    result = round(scheduler, input)
    assert.are.equal(2, total(result, "django"))
    assert.is_nil(setup.counts(result, "django").n2)
    result = round(scheduler, input)
    assert.are.equal(2, #result.roles.nginx.vars.backends)
    assert.are.equal("10.0.0.2", result.roles.django.vars.database.address)
  end)

  it("follows the load: up within half a minute, down slowly", function()
    local input, scheduler = start()
    for _ = 1, 3 do round(scheduler, input) end
    input.metrics["scale.django"] = {value = 1150}
    local result
    for _ = 1, 6 do result = round(scheduler, input, 5000) end
    assert.are.equal(6, total(result, "django"))
    input.metrics["scale.django"] = {value = 10}
    for _ = 1, 24 do result = round(scheduler, input, 5000) end
    assert.is_true(total(result, "django") >= 4, total(result, "django"))
    for _ = 1, 60 do result = round(scheduler, input, 5000) end
    assert.are.equal(2, total(result, "django"))
  end)

  it("a node lost: everything but the database goes on elsewhere", function()
    local input, scheduler = start()
    for _ = 1, 3 do round(scheduler, input) end
    input.nodes.n2.state = "failed"
    local result = round(scheduler, input)
    assert.are.same({n2 = 1}, setup.counts(result, "postgres"))
    assert.are.equal(2, total(result, "django"))
    assert.are.equal(2, total(result, "memcached"))
  end)

  it("a new version: migrations once, one to try, then the rest", function()
    local input, scheduler = start()
    for _ = 1, 3 do round(scheduler, input) end
    input.actions = {{id = "n1.1", stamp = 5, node = "n1", role = "django", name = "update", args = {version = "v2"}}}
    local result = round(scheduler, input)
    input.actions = {}
    assert.are.equal("django: to v2, image django-v2", result.replies["n1.1"])
    local at = setup.where(result)["django.once.v2"]
    assert.are.equal("migrate", result.nodes[at].roles.django.instances["django.once.v2"].process)
    input.running["django.once.v2"].state = "exited"
    local function new(r)
      local n = 0
      for _, node in pairs(r.nodes) do
        for _, one in pairs((node.roles.django or {instances = {}}).instances) do
          n = n + (one.image == "django-v2" and 1 or 0)
        end
      end
      return n
    end
    assert.are.equal(1, new(round(scheduler, input)))
    assert.are.equal(1, new(round(scheduler, input, 5000)))
    assert.are.equal(2, new(round(scheduler, input, 6000)))
    for _ = 1, 3 do result = round(scheduler, input, 11000) end
    assert.are.equal("v2", result.roles.django.version)
  end)
end)

describe("examples/stackato", function()
  local images <const> = {"router-v1", "dea-v1", "stager-v1", "harbor-v1", "mysql-v1", "postgresql-v1", "redis-v1",
    "rabbit-v1", "filesystem-v1"}

  local stamp = 0
  local function act(scheduler, input, role, name, args)
    stamp = stamp + 1
    input.actions = {{id = "n1." .. stamp, stamp = stamp, node = "n1", role = role, name = name, args = args}}
    local result = round(scheduler, input)
    input.actions = {}
    return result, result.replies["n1." .. stamp]
  end

  it("nodes get roles by what operators say; applications go nowhere else", function()
    local input, scheduler = world(4, images, {"a", "b"}), example "stackato"
    local result = round(scheduler, input)
    assert.are.equal(0, total(result, "dea"))
    result = act(scheduler, input, "dea", "add", {node = "n2"})
    assert.are.same({["dea.n2"] = "n2"}, {["dea.n2"] = setup.where(result)["dea.n2"]})
    result = act(scheduler, input, "dea", "add", {node = "n3"})
    assert.are.equal(2, total(result, "dea"))
    for _ = 1, 2 do result = round(scheduler, input) end
    assert.are.equal(2, total(result, "router"))
    assert.are.equal(2, #result.roles.router.vars.apps)
    for node in pairs(setup.counts(result, "stager")) do assert.is_true(node == "n1" or node == "n4", node) end
    result = act(scheduler, input, "dea", "remove", {node = "n2"})
    assert.are.same({n3 = 1}, setup.counts(result, "dea"))
  end)

  it("a group is all its roles, once however often it is added", function()
    local input, scheduler = world(3, images, {"a", "b", "c"}), example "stackato"
    round(scheduler, input)
    local result, reply = act(scheduler, input, "data-services", "add")
    assert.are.equal("filesystem: runs; mysql: runs; postgresql: runs; rabbit: runs; redis: runs", reply.text)
    for _, name in ipairs {"mysql", "postgresql", "redis", "rabbit", "filesystem"} do
      assert.are.equal(1, total(result, name), name)
    end
    local again = act(scheduler, input, "data-services", "add")
    assert.are.same(result.nodes, again.nodes)
    local _, answer = act(scheduler, input, "data-service", "add")
    assert.are.same({ok = false, text = "no role 'data-service'; did you mean 'data-services'?"}, answer)
  end)
end)

describe("examples/cameras", function()
  local images <const> = {"agent-v1", "postgres-v15", "vault-v1"}

  local function start(n)
    local input, scheduler = world(5, images, {"west", "east"}), example "cameras"
    local cameras = {}
    for i = 1, n do
      cameras["cam-" .. i] = {url = "rtsp://10.9.0." .. i .. "/", site = i % 2 == 0 and "west" or "east"}
    end
    input.roles.agent = {versions = {v1 = {cameras = cameras}}}
    for _ = 1, 4 do round(scheduler, input) end
    return input, scheduler, cameras
  end

  it("has exactly one agent for each of 50 cameras, in its site", function()
    local input, scheduler, cameras = start(50)
    local result = round(scheduler, input)
    assert.are.equal(50, total(result, "agent"))
    for id, node in pairs(setup.where(result)) do
      local camera = cameras[id:match("^agent%.(.*)$")]
      if camera then assert.are.equal(camera.site, input.nodes[node].zone) end
    end
    assert.is_nil(result.changes)
  end)

  it("a camera more, a camera less: one start, one stop, and nothing else", function()
    local input, scheduler, cameras = start(50)
    local before = setup.where(round(scheduler, input))
    cameras["cam-51"] = {url = "rtsp://x/", site = "west"}
    local result = round(scheduler, input)
    assert.are.equal(1, #result.changes)
    assert.matches("agent.cam-51: starts on", result.changes[1], 1, true)
    cameras["cam-7"] = nil
    local after = setup.where(round(scheduler, input))
    for id, node in pairs(before) do
      if id ~= "agent.cam-7" then assert.are.equal(node, after[id]) end
    end
    assert.is_nil(after["agent.cam-7"])
  end)

  it("a site that is cut off goes on with its cameras", function()
    local input, scheduler = start(20)
    local before = setup.where(input.parents[1])
    for _, name in ipairs {"n1", "n3", "n5"} do input.nodes[name].state = "failed" end -- seen from the east
    local result = round(scheduler, input)
    local at = setup.where(result)
    for id, node in pairs(before) do
      if id:find("^agent") and (node == "n2" or node == "n4") then assert.are.equal(node, at[id]) end
    end
    assert.are.equal(20, total(result, "agent"))
  end)
end)

describe("doc/library.md", function()
  it("shows schedulers that run", function()
    local file = assert(io.open(setup.here .. "../doc/library.md"))
    local text, n = file:read("a"), 0
    file:close()
    for block in text:gmatch("```lua\n(.-)```") do
      n = n + 1
      local scheduler = assert(load(block, "=library.md", "t", {mesh = mesh}))()
      local input = world(3, {"postgres-v15", "web-v1"}, {"a", "b"})
      for _ = 1, 3 do round(scheduler, input) end
      assert.are.equal(2, total(round(scheduler, input), "web"))
    end
    assert.are.equal(1, n)
  end)

  it("names every rule, key and action there is", function()
    local file = assert(io.open(setup.here .. "../doc/library.md"))
    local text = file:read("a")
    file:close()
    for name, of in pairs {place = mesh.place, scale = mesh.scale} do
      for word in pairs(of) do
        local internal = word == "parse" or word == "query" or word == "decide" or word == "is"
        if not internal then assert.is_truthy(text:find("[`%.\"]" .. word .. "[%( ]"), name .. "." .. word) end
      end
    end
  end)
end)
