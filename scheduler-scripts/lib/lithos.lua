---@meta mesh.lithos
--- mesh.lithos(sandbox): what lithos' processes file of a sandbox says, with no placement.
-- roles/SANDBOX/HOST/processes.yaml, the file as lithos has it, is what HOST runs;
-- roles/SANDBOX/all/processes.yaml what each host runs that has no file of its own.
-- A process NAME is there as SANDBOX.NAME.HOST.0 and on; it stays on its host.

local util = require "mesh.util"

local INSTANCES_MAX <const> = 1000

-- Of lithos; false: taken, and not used.
local keys <const> = {
  kind = true, image = true, config = true, instances = true, variables = true, ["ip-addresses"] = true,
  ["extra-secrets-namespaces"] = false,
}
local kinds <const> = {Daemon = true, Command = true}

local function fail(where, fmt, ...)
  error(("%s: " .. fmt):format(where, ...), 0)
end

--- One process of the file, checked: what meshd-conf can't, because to it this is any YAML.
local function process(where, name, given)
  where = where .. ": " .. name
  if not util.is_name(name) then fail(where, "must match [a-z0-9][a-z0-9_.-]{0,62}") end
  if type(given) ~= "table" then fail(where, "expected a map, got %s", type(given)) end
  local p = {kind = "Daemon", instances = 1}
  for key, value in pairs(given) do
    local known = tostring(key):gsub("_", "-")
    if keys[known] == nil and tostring(key):sub(1, 1) ~= "_" then
      fail(where, "unknown key '%s'%s", tostring(key), util.suggest(known, util.keys(keys)))
    end
    p[known] = value
  end
  if math.type(p.image) == "integer" then p.image = tostring(p.image) end -- a date, say
  for _, key in ipairs {"image", "config"} do
    if type(p[key]) ~= "string" then fail(where, "%s: expected text, got %s", key, type(p[key])) end
  end
  if not kinds[p.kind] then fail(where, "kind: '%s' is not Daemon or Command", tostring(p.kind)) end
  if math.type(p.instances) ~= "integer" or p.instances < 0 or p.instances > INSTANCES_MAX then
    fail(where, "instances: %s is not an integer 0-%d", tostring(p.instances), INSTANCES_MAX)
  end
  if p.variables ~= nil and type(p.variables) ~= "table" then fail(where, "variables: expected a map") end
  for key, value in pairs(p.variables or {}) do
    -- lithos has the letters as they stand, here `yes` came as true and 1.50 as 1.5.
    if type(value) ~= "string" and math.type(value) ~= "integer" then
      fail(where, "variables: %s: put its value in quotes: it is text", tostring(key))
    end
  end
  local addresses = p["ip-addresses"]
  if addresses ~= nil and (type(addresses) ~= "table" or #addresses ~= p.instances) then
    fail(where, "ip-addresses: expected a list of %d, one for each instance", p.instances)
  end
  return p
end

--- The processes of a host, or nil when no file is for it.
local function file_of(input, sandbox, host)
  local versions = (input.roles[sandbox] or {versions = {}}).versions
  for _, version in ipairs {host, "all"} do
    local found = versions[version] and versions[version].processes
    if found ~= nil then
      local where, list = ("roles/%s/%s/processes.yaml"):format(sandbox, version), {}
      if type(found) ~= "table" then fail(where, "expected a map") end
      for name, given in pairs(found) do list[name] = process(where, name, given) end
      return list
    end
  end
  return nil
end

--- The variables of its nth instance; `ip_address` as the stock processes file has it.
local function vars_of(p, n)
  local vars = {}
  for key, value in pairs(p.variables or {}) do vars[key] = tostring(value) end
  if p["ip-addresses"] then vars.ip_address = tostring(p["ip-addresses"][n]) end
  return vars
end

--- Put a host's processes into the part of the role.
local function on_host(part, sandbox, host, list)
  local configs, commands = {}, {}
  for _, name in ipairs(util.keys(list)) do
    local p = list[name]
    if p.kind == "Command" then
      commands[name] = {image = p.image, config = p.config, variables = vars_of(p, 1)}
    else
      configs[name] = p.config
      for i = 0, p.instances - 1 do
        local id = ("%s.%s.%s.%d"):format(sandbox, name, host, i)
        if not util.is_name(id) then fail(id, "longer than 63 bytes: a shorter name") end
        part.ids[#part.ids + 1], part.at[id] = id, host
        part.instances[id] = {process = name, image = p.image, vars = vars_of(p, i + 1)}
        part.why[id] = "said by the processes file of " .. host
      end
    end
  end
  part.node_vars[host] = {configs = configs, commands = commands}
end

--- What scheduler.lua asks of a role that places itself.
local function compute(round, role)
  local part = {at = {}, instances = {}, why = {}, missing = {}, ids = {}, node_vars = {},
    role = {template = role.template, on_split = role.on_split, update = role.update, vars = {}}}
  local some = false
  for _, host in ipairs(round.names) do
    local list = file_of(round.input, role.sandbox, host)
    if list ~= nil then
      some = true
      on_host(part, role.sandbox, host, list)
    end
  end
  if not some and next(round.past.at[role.name] or {}) ~= nil then
    error(("role '%s': no roles/%s/HOST/processes.yaml any more, for none of its hosts: what runs stays")
      :format(role.name, role.sandbox), 0)
  end
  return part
end

---@param sandbox string
---@param update? table  {max_unavailable = N}: so many may be down at once on a host
---@return mesh.Role
return function(sandbox, update)
  if not util.is_name(sandbox) then
    error(("mesh.lithos: '%s' must match [a-z0-9][a-z0-9_.-]{0,62}"):format(tostring(sandbox)), 2)
  end
  return {name = sandbox, sandbox = sandbox, template = "lithos", on_split = "keep", update = update,
    compute = compute}
end
