---@meta mesh.role
--- mesh.role(name, spec): what a role is, checked where it is written.

local place = require "mesh.place"
local ports = require "mesh.ports"
local util = require "mesh.util"

local COUNT_MAX <const> = 10000

---@class mesh.RoleSpec
---@field image string                 the image of every instance
---@field count? integer|fun(round: mesh.Round): integer   default 1
---@field version? string              a name; shown in status
---@field sandbox? string              default: the role's name
---@field process? string              container file /config/PROCESS.yaml; default: the role's name
---@field template? string|false       directory below templates/; default: the role's name
---@field vars? table|fun(round: mesh.Round): table        variables of its templates
---@field ports? table<string, integer|string>  variable = port or "LOW-HIGH"; the instance
---       gets each as a variable, and `address`, its node's
---@field variables? table|fun(id: string, node: string, round: mesh.Round): table   more of them
---@field on_split? "replace"|"keep"|"exclusive"   default "replace"
---@field place? function              default mesh.place.spread()
---@field update? table                {max_unavailable = N}: so many may be down at once on a host

---@class mesh.Role: mesh.RoleSpec
---@field name string

local fields <const> = {
  count = true, image = true, on_split = true, place = true, ports = true, process = true,
  sandbox = true, template = true, update = true, variables = true, vars = true, version = true,
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

local function check(name, spec)
  for key in pairs(spec) do
    if not fields[key] then
      fail(name, "unknown key '%s'%s", tostring(key), util.suggest(tostring(key), util.keys(fields)))
    end
  end
  if not policies[spec.on_split] then
    fail(name, "on_split: '%s' is not a policy; allowed: replace, keep, exclusive", tostring(spec.on_split))
  end
  if type(spec.image) ~= "string" then
    fail(name, "image: expected the name of an image, got %s", type(spec.image))
  end
  for _, key in ipairs {"sandbox", "process"} do check_name(name, key, spec[key]) end
  if spec.version ~= nil then check_name(name, "version", spec.version) end
  if type(spec.place) ~= "function" then
    fail(name, "place: expected mesh.place.spread() or the like, got %s", type(spec.place))
  end
end

local role = {}

--- The number of instances that a spec asks for, checked.
---@param spec mesh.Role
---@param round mesh.Round
function role.count(spec, round)
  local n = spec.count
  if type(n) == "function" then n = n(round) end
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

local function new(name, spec)
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
  if full.ports then
    local ok, parsed = pcall(ports.parse, full.ports)
    if not ok then fail(name, "ports.%s", parsed) end
    full.ports = parsed
  end
  return full
end

--- mesh.role.  An error names the line of the script that called it.
---@param name string
---@param spec mesh.RoleSpec
---@return mesh.Role
function role.new(name, spec)
  local ok, made = pcall(new, name, spec)
  if not ok then error(made, 3) end
  return made
end

return setmetatable(role, {
  __call = function(_, name, spec)
    local made = role.new(name, spec) -- no tail call: its frame is counted above
    return made
  end,
})
