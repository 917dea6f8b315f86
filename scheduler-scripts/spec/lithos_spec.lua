--- mesh.lithos: hosts run what lithos' processes files say.

package.path = "scheduler-scripts/spec/?.lua;" .. package.path
local setup = require "setup"
local mesh = setup.mesh

local function shop(files)
  local input, versions = setup.world(2), {}
  for version, list in pairs(files) do versions[version] = {processes = list} end
  input.roles = {shop = {versions = versions}}
  return input, mesh.scheduler {mesh.lithos "shop"}
end

local web <const> = {image = "app.v1", config = "/etc/web.yaml", instances = 2, variables = {port = 8080}}
local shell <const> = {kind = "Command", image = "app.v1", config = "/etc/shell.yaml"}

describe("mesh.lithos", function()
  it("runs on a host what the host's file says", function()
    local input, scheduler = shop {n1 = {web = web, shell = shell}}
    local result = scheduler.schedule(input)
    assert.is_nil(result.errors)
    assert.are.same({["shop.web.n1.0"] = "n1", ["shop.web.n1.1"] = "n1"}, setup.where(result))
    local here = result.nodes.n1.roles.shop
    assert.are.same({process = "web", image = "app.v1", vars = {port = "8080"}}, here.instances["shop.web.n1.0"])
    assert.are.equal("shop", here.sandbox)
    assert.are.same({web = "/etc/web.yaml"}, here.vars.configs)
    assert.are.same({shell = {image = "app.v1", config = "/etc/shell.yaml", variables = {}}}, here.vars.commands)
    assert.are.equal("keep", result.roles.shop.on_split)
    assert.are.equal("said by the processes file of n1", result.why["shop.web.n1.0"])
  end)

  it("has a file for all hosts that have none of their own", function()
    local input, scheduler = shop {all = {web = {image = "a", config = "/w.yaml"}}, n2 = {shell = shell}}
    local result = scheduler.schedule(input)
    assert.are.same({["shop.web.n1.0"] = "n1"}, setup.where(result))
    assert.are.same({}, result.nodes.n2.roles.shop.instances)
    assert.is_not_nil(result.nodes.n2.roles.shop.vars.commands.shell)
  end)

  it("gives each instance its address", function()
    local input, scheduler = shop {n1 = {
      web = {image = "a", config = "/w.yaml", instances = 2, ["ip-addresses"] = {"10.9.0.1", "10.9.0.2"}},
      shell = {kind = "Command", image = "a", config = "/s.yaml", ip_addresses = {"10.9.0.3"}}}}
    local result = scheduler.schedule(input)
    assert.is_nil(result.errors)
    local here = result.nodes.n1.roles.shop
    assert.are.same({ip_address = "10.9.0.2"}, here.instances["shop.web.n1.1"].vars)
    assert.are.same({ip_address = "10.9.0.3"}, here.vars.commands.shell.variables)
  end)

  it("stays where it is while its host is gone, and beside other roles", function()
    local input = shop {n1 = {web = web}}
    input.nodes.n1.state = "failed"
    local result = mesh.scheduler {mesh.lithos "shop", mesh.role("web", {image = "web-v1"})}.schedule(input)
    assert.are.same({["shop.web.n1.0"] = "n1", ["shop.web.n1.1"] = "n1", ["web.1"] = "n2"}, setup.where(result))
  end)

  local wrong = {
    {{web = {config = "/w.yaml"}}, "web: image: expected text, got nil"},
    {{web = {image = "a"}}, "web: config: expected text, got nil"},
    {{web = {image = "a", config = "/w.yaml", instances = -1}}, "web: instances: -1 is not an integer 0-1000"},
    {{web = {image = "a", config = "/w.yaml", instances = "two"}}, "web: instances: two is not an integer 0-1000"},
    {{web = {image = "a", config = "/w.yaml", kind = "Deamon"}}, "web: kind: 'Deamon' is not Daemon or Command"},
    {{web = {image = "a", config = "/w.yaml", instanses = 2}},
      "web: unknown key 'instanses'; did you mean 'instances'?"},
    {{web = {image = "a", config = "/w.yaml", variables = 2}}, "web: variables: expected a map"},
    {{web = {image = "a", config = "/w.yaml", instances = 2, ip_addresses = {"10.0.0.1"}}},
      "web: ip-addresses: expected a list of 2, one for each instance"},
    {{web = {image = "a", config = "/w.yaml", variables = {debug = true}}},
      "web: variables: debug: put its value in quotes: it is text"},
    {{web = {image = "a", config = "/w.yaml", variables = {rate = 1.5}}},
      "web: variables: rate: put its value in quotes"},
    {{web = {image = 1.5, config = "/w.yaml"}}, "web: image: expected text, got number"},
    {{Web = {image = "a", config = "/w.yaml"}}, "Web: must match [a-z0-9][a-z0-9_.-]{0,62}"},
    {{web = "a"}, "web: expected a map, got string"},
    {"web", "expected a map"},
    {{[("w"):rep(60)] = {image = "a", config = "/w.yaml"}}, "longer than 63 bytes"},
  }
  for _, case in ipairs(wrong) do
    it("keeps what runs, and says: " .. case[2], function()
      local input, scheduler = shop {n1 = {web = web}}
      setup.settle(input, scheduler.schedule(input))
      local versions = input.roles.shop.versions
      versions.n1 = {processes = case[1]}
      local result = scheduler.schedule(input)
      assert.is_not_nil(result.errors.shop:find(case[2], 1, true), result.errors.shop)
      assert.are.same({["shop.web.n1.0"] = "n1", ["shop.web.n1.1"] = "n1"}, setup.where(result))
      assert.are.same({web = "/etc/web.yaml"}, result.nodes.n1.roles.shop.vars.configs)
    end)
  end

  it("takes a number for the name of an image", function()
    local input, scheduler = shop {n1 = {web = {image = 20181231, config = "/w.yaml"}}}
    assert.are.equal("20181231", scheduler.schedule(input).nodes.n1.roles.shop.instances["shop.web.n1.0"].image)
  end)

  it("takes - and _ alike, and what begins with _ for a comment", function()
    local input, scheduler = shop {n1 = {
      web = {image = "a", config = "/w.yaml", extra_secrets_namespaces = {"x"}, _owner = "shop"}}}
    assert.is_nil(scheduler.schedule(input).errors)
  end)

  it("ends nothing because all files are gone, and everything because one is empty", function()
    local input, scheduler = shop {n1 = {web = web}}
    setup.settle(input, scheduler.schedule(input))
    input.roles = {}
    local result = scheduler.schedule(input)
    assert.is_not_nil(result.errors.shop:find("no roles/shop/HOST/processes.yaml any more", 1, true))
    assert.are.same({["shop.web.n1.0"] = "n1", ["shop.web.n1.1"] = "n1"}, setup.where(result))
    input.roles = {shop = {versions = {n1 = {processes = {}}}}}
    assert.are.same({}, setup.where(scheduler.schedule(input)))
  end)

  it("refuses a name that is none, where it is written", function()
    assert.has_error(function() mesh.lithos "Shop" end, "mesh.lithos: 'Shop' must match [a-z0-9][a-z0-9_.-]{0,62}")
  end)
end)
