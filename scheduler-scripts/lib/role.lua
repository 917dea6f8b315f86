---@meta mesh.role
--- mesh.role(name, spec), or mesh.role "name" {spec}: what a role is, checked where it is
-- written.

local drain = require "mesh.drain"
local place = require "mesh.place"
local placing = require "mesh.placing"
local ports = require "mesh.ports"
local units = require "mesh.units"
local update = require "mesh.update"
local util = require "mesh.util"

local COUNT_MAX <const> = 10000

---@class mesh.RoleSpec
---@field image string|fun(version: string?): string   the image of every instance
---@field count? integer|mesh.Scale|fun(round: mesh.Round): integer   default 1
---@field keys? table|fun(round: mesh.Round): table   instead of count: one instance ROLE.KEY for each:
---       a list of names, or name -> anything, which `variables` gets
---@field version? string              a name; shown in status
---@field sandbox? string              default: the role's name
---@field process? string              container file /config/PROCESS.yaml; default: the role's name
---@field template? string|false|fun(version: string?): string  directory below templates/; default: the role's name
---@field vars? table|fun(round: mesh.Round): table        variables of its templates
---@field ports? table<string, integer|string|table>  variable = port, "LOW-HIGH", or {range =, scope = "mesh"};
---       the instance gets each as a variable, and `address`, its node's
---@field variables? table|fun(id: string, node: string, round: mesh.Round, item: any): table   more of them
---@field on_split? "replace"|"keep"|"exclusive"   default "replace"
---@field place? mesh.PlaceRule|mesh.PlaceRule[]|function   default mesh.place.spread()
---@field resources? {cpu: string|number?, memory: string?}  what each reserves of its node: "500m", "256Mi"
---@field needs? table                 {"postgres"}: nothing new starts before one of each is healthy;
---       {postgres = 2}: that many, {postgres = "all"}
---@field update? mesh.UpdateSpec
---@field drain? mesh.DrainSpec        how it leaves a node that drains
---@field enabled? boolean|fun(round: mesh.Round): boolean   default true; the actions `add` and `remove` say otherwise

---@class mesh.Role: mesh.RoleSpec
---@field name string
---@field where string       "main.lua:7: ", or ""

local fields <const> = {
  count = true, drain = true, enabled = true, image = true, keys = true, needs = true, on_split = true, place = true,
  ports = true, process = true, resources = true, sandbox = true, template = true, update = true,
  variables = true, vars = true, version = true,
}

local policies <const> = {replace = true, keep = true, exclusive = true}

local function fail(name, fmt, ...)
  error(("role '%s': " .. fmt):format(name, ...), 0)
end

local function check_name(name, key, value)
  if not util.is_name(value) then
    fail(name, "%s: '%s' must match [a-z0-9][a-z0-9_.-]{0,62}", key, tostring(value))
  end
end

local function check_needs(name, needs)
  if type(needs) ~= "table" then fail(name, "needs: expected a list of roles, got %s", type(needs)) end
  local out = {}
  for key, value in pairs(needs) do
    if math.type(key) == "integer" then key, value = value, 1 end
    check_name(name, "needs", key)
    if value ~= "all" and (math.type(value) ~= "integer" or value < 1) then
      fail(name, "needs.%s: expected a number of instances or \"all\", got %s", key, tostring(value))
    end
    out[key] = value
  end
  return out
end

local function check_resources(name, given)
  if type(given) ~= "table" then fail(name, "resources: expected a table, got %s", type(given)) end
  for key in pairs(given) do
    if key ~= "cpu" and key ~= "memory" then
      fail(name, "resources: unknown key '%s'%s", tostring(key), util.meant(tostring(key), {"cpu", "memory"}))
    end
  end
  local cpu, expected_cpu = units.cpu(given.cpu or 0)
  if not cpu then fail(name, "resources.cpu: expected %s", expected_cpu) end
  local memory, expected = units.size(given.memory or 0)
  if not memory then fail(name, "resources.memory: expected %s", expected) end
  return {cpu = cpu, memory = memory}
end

local function check(name, spec)
  for key in pairs(spec) do
    if not fields[key] then
      fail(name, "unknown key '%s'%s", tostring(key), util.meant(tostring(key), util.keys(fields)))
    end
  end
  if not policies[spec.on_split] then
    fail(name, "on_split: '%s' is not a policy; allowed: replace, keep, exclusive%s", tostring(spec.on_split),
      util.suggest(tostring(spec.on_split), util.keys(policies)))
  end
  if type(spec.image) ~= "string" and type(spec.image) ~= "function" then
    fail(name, "image: expected the name of an image, got %s", type(spec.image))
  end
  if type(spec.image) == "string" and not util.is_image(spec.image) then
    fail(name, "image: '%s' is not an image: names of [A-Za-z0-9_.-] joined by '/'", spec.image)
  end
  for _, key in ipairs {"sandbox", "process"} do check_name(name, key, spec[key]) end
  if spec.template ~= false and type(spec.template) ~= "string" and type(spec.template) ~= "function" then
    fail(name, "template: expected the name of a template, or false, got %s", type(spec.template))
  end
  if spec.enabled ~= nil and type(spec.enabled) ~= "boolean" and type(spec.enabled) ~= "function" then
    fail(name, "enabled: expected true, false or a function, got %s", type(spec.enabled))
  end
  if spec.version ~= nil then check_name(name, "version", spec.version) end
  for word, f in pairs(type(spec.place) == "function" and place or {}) do
    if f == spec.place then fail(name, "place: mesh.place.%s is to be called: mesh.place.%s()", word, word) end
  end
  local rules = place.parse(spec.place)
  if rules == nil then
    fail(name, "place: expected mesh.place.spread() or the like, got %s", type(spec.place))
  end
  spec.place = rules
end

local function parse(name, full)
  if full.ports then
    if type(full.ports) ~= "table" then
      fail(name, "ports: expected a table like {port = \"18000-18099\"}, got %s", type(full.ports))
    end
    local ok, parsed = pcall(ports.parse, full.ports)
    if not ok then fail(name, "ports.%s", parsed) end
    full.ports = parsed
  end
  if full.needs ~= nil then full.needs = check_needs(name, full.needs) end
  if full.resources ~= nil then full.resources = check_resources(name, full.resources) end
  for _, rule in ipairs(type(full.place) == "table" and full.place or {}) do
    if rule.pack and not full.resources then
      fail(name, "place: mesh.place.binpack() needs `resources = {cpu = \"500m\", memory = \"256Mi\"}`")
    end
  end
  full.everywhere = placing.is_every(full.place) or nil
  if full.drain ~= nil then
    local parsed, err = drain.parse(full.drain)
    if not parsed then fail(name, "%s", err) end
    full.drain = parsed
    local alone = full.keys and "`keys`: each is one of its own"
      or full.on_split == "exclusive" and "on_split = exclusive"
    if parsed.order == "start-first" and alone then
      fail(name, "drain.order: start-first can't be with %s; write stop-first", alone)
    end
  end
  if full.update ~= nil then
    local parsed, err = update.parse(full.update)
    if not parsed then fail(name, "%s", err) end
    full.update = parsed
  end
end

local role = {}

--- The number of instances that a spec asks for, checked.
---@param spec mesh.Role
---@param n any
function role.count(spec, n)
  if math.type(n) == "float" and n == math.floor(n) and n >= 0 and n <= COUNT_MAX then
    n = math.tointeger(n)
  end
  if math.type(n) ~= "integer" or n < 0 or n > COUNT_MAX then
    -- -nan on one machine is nan on another: say the same everywhere.
    local shown = n ~= n and "nan" or type(n) == "string" and '"' .. n .. '"' or tostring(n)
    error(("role '%s': count: %s is not an integer 0-%d"):format(spec.name, shown, COUNT_MAX), 0)
  end
  return n
end

--- The keys that a spec asks for, sorted, and what belongs to each.
---@param spec mesh.Role
---@param round mesh.Round
---@return string[], table<string, any>
function role.keys(spec, round)
  local given = spec.keys
  if type(given) == "function" then given = given(round) end
  if type(given) ~= "table" then
    error(("role '%s': keys: expected a table, got %s"):format(spec.name, type(given)), 0)
  end
  local list, items = {}, {}
  for key, item in pairs(given) do
    if math.type(key) == "integer" and type(item) == "string" then key = item end
    if not util.is_name(key) or not util.is_name(spec.name .. "." .. key) then
      error(("role '%s': keys: '%s' makes no name of at most 63 bytes"):format(spec.name, tostring(key)), 0)
    end
    if items[key] ~= nil then error(("role '%s': keys: '%s' is there twice"):format(spec.name, key), 0) end
    list[#list + 1], items[key] = key, item
  end
  if #list > COUNT_MAX then
    error(("role '%s': keys: %d, more than %d"):format(spec.name, #list, COUNT_MAX), 0)
  end
  table.sort(list)
  return list, items
end

local function new(name, spec)
  if type(name) == "table" then error("mesh.role: expected a name and a table: mesh.role(\"web\", {...})", 0) end
  if not util.is_name(name) then
    error(("role: '%s' must match [a-z0-9][a-z0-9_.-]{0,62}"):format(tostring(name)), 0)
  end
  if type(spec) ~= "table" then fail(name, "expected a table of settings, got %s", type(spec)) end
  local full = {
    count = 1, on_split = "replace", process = name, sandbox = name, template = name,
    place = place.spread(),
  }
  for key, value in pairs(spec) do full[key] = value end
  check(name, full)
  full.name = name
  if full.template == false then full.template = nil end
  parse(name, full)
  return full
end

--- mesh.role.  An error names the line of the script that called it.
---@param name string
---@param spec mesh.RoleSpec
---@return mesh.Role
function role.new(name, spec)
  local ok, made = pcall(new, name, spec)
  if not ok then error(made, 3) end
  made.where = select(2, pcall(error, "", 4)) -- "main.lua:7: ", for what is found only among all roles
  return made
end

return setmetatable(role, {
  __call = function(_, ...)
    local name, spec = ...
    if select("#", ...) > 1 or not util.is_name(name) then
      local made = role.new(name, spec) -- no tail call: its frame is counted above
      return made
    end
    return function(settings) -- mesh.role "web" {…}
      local made = role.new(name, settings)
      return made
    end
  end,
})
