---@meta mesh.verwalter
--- require "mesh.verwalter" {...}: a verwalter scheduler, unmodified.
-- The old tree (verwalter's scheduler/v1) is a directory of the script tree; main.lua
-- beside it says where it is:
--
--     return require "mesh.verwalter" {dir = "v1"}
--
-- It sees what verwalter gave it: one table with now, current_host, current_id,
-- parents, actions, runtime, peers and metrics; its modules by path from its own
-- root; globals that may be assigned; debug.traceback.  Its JSON text becomes our
-- schedule here, its second result the log.  doc/verwalter.md lists what differs.

local json = require "mesh.json"
local tree = require "mesh.tree"
local util = require "mesh.util"

local INSTANCES_MAX <const> = 1000
local STATE <const> = "verwalter" -- in our state: what the old script returned, whole

local options <const> = {dir = true, entry = true, template = true, on_split = true, sandbox = true}

local base <const> = {
  assert = assert, error = error, getmetatable = getmetatable, ipairs = ipairs, next = next, pairs = pairs,
  pcall = pcall, print = print, rawequal = rawequal, rawget = rawget, rawlen = rawlen, rawset = rawset,
  select = select, setmetatable = setmetatable, tonumber = tonumber, tostring = tostring, type = type,
  xpcall = xpcall, string = string, table = table, utf8 = utf8, math = math, coroutine = coroutine,
  _VERSION = _VERSION,
}

local absent <const> = {debug = true, os = true, io = true, package = true, load = true, loadfile = true,
  dofile = true, loadstring = true, collectgarbage = true}

local function fail(fmt, ...)
  error("verwalter: " .. fmt:format(...), 0)
end

--- What of Lua's own is not here says so; any other name is nil, as it was.
local function missing(what)
  return function(_, key)
    if what or absent[key] then
      fail("there is no '%s%s' here", what or "", tostring(key))
    end
    return nil
  end
end

--- The globals of the old scripts, with a require that starts at their root.
local function environment(dir)
  local env, loaded = {}, {}
  for name, value in pairs(base) do env[name] = value end
  env._G = env
  env.debug = setmetatable({traceback = tree.traceback}, {__index = missing("debug.")})
  env.package = setmetatable({loaded = loaded}, {__index = missing("package.")})
  env.require = function(name)
    if type(name) ~= "string" then fail("require: expected a name, got %s", type(name)) end
    if loaded[name] ~= nil then return loaded[name] end
    local tried = {name .. ".lua", name, name:gsub("%.", "/") .. ".lua"}
    for _, path in ipairs(tried) do
      local chunk = tree.load(dir .. "/" .. path, env)
      if chunk then
        local value = chunk(name) -- its own name: modules find their neighbours by it
        if loaded[name] == nil then loaded[name] = value == nil or value end
        return loaded[name]
      end
    end
    fail("module '%s' not found: no file '%s/%s.lua'", name, dir, name)
  end
  return setmetatable(env, {__index = missing()})
end

--- The function that the old main.lua returns, or left as a global.
local function entry_of(dir, entry)
  local env = environment(dir)
  local chunk = tree.load(dir .. "/" .. entry, env)
  if not chunk then fail("no file '%s/%s' in the script tree", dir, entry) end
  local value = chunk()
  if type(value) == "function" then return value end
  local from = type(value) == "table" and value or env
  local found = rawget(from, "scheduler") or rawget(from, "schedule")
  if type(found) ~= "function" then
    fail("%s/%s: returns no function 'scheduler' or 'schedule'", dir, entry)
  end
  return found
end

local function hex(text)
  return (text:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function peers_of(input)
  local peers = {}
  for name, node in pairs(input.nodes) do
    if name ~= input.self and node.state ~= "left" then
      local id = hex(name)
      local well = node.state ~= "failed"
      peers[id] = {id = id, name = name, hostname = name, addr = node.address, errors = 0,
        known_since = node.since, last_report_direct = well and input.now or node.since}
    end
  end
  return peers
end

--- roles/ROLE/VERSION/FILE.yaml is runtime[ROLE][VERSION][FILE].
local function runtime_of(input)
  local runtime = {}
  for role, has in pairs(input.roles) do runtime[role] = has.versions end
  return runtime
end

local function parents_of(input)
  local parents = {}
  for _, parent in ipairs(input.parents) do
    local data = (parent.state or {})[STATE]
    if data then parents[#parents + 1] = data end
  end
  return parents
end

--- Ours, as buttons that were pressed: by time, each its own millisecond.
local function actions_of(input)
  local actions, ids = {}, {}
  for _, action in ipairs(input.actions or {}) do
    local button, at = {}, action.stamp
    for key, value in pairs(action.args or {}) do button[key] = value end
    button.role, button.action = action.role, action.name
    while actions[tostring(at)] do at = at + 1 end
    actions[tostring(at)] = {button = button}
    ids[#ids + 1] = action.id
  end
  return actions, ids
end

local function old_input(input)
  local actions, ids = actions_of(input)
  return {
    now = input.now, current_host = input.self, current_id = hex(input.self), parents = parents_of(input),
    actions = actions, runtime = runtime_of(input), peers = peers_of(input), metrics = input.metrics or {},
  }, ids
end

local function is_daemon(d)
  return type(d) == "table" and type(d.image) == "string" and type(d.config) == "string"
end

--- The daemons of a role on a node, as instances ROLE.DAEMON.NODE.0 and on.
local function instances_of(where, role, node, daemons)
  local instances, configs = {}, {}
  if type(daemons) ~= "table" then return instances, configs end
  for _, key in ipairs(util.keys(daemons)) do
    local d = daemons[key]
    local n = 0
    if is_daemon(d) then n = d.instances == nil and 1 or math.tointeger(d.instances) end
    if n == nil or n < 0 or n > INSTANCES_MAX then
      fail("%s.daemons.%s.instances: %s is not an integer 0-%d", where, key, tostring(d.instances), INSTANCES_MAX)
    end
    local vars = {}
    for name, value in pairs(is_daemon(d) and d.variables or {}) do vars[name] = tostring(value) end
    if n > 0 then configs[key] = d.config end
    for i = 0, n - 1 do
      local id = ("%s.%s.%s.%d"):format(role, key, node, i)
      if not util.is_name(id) then fail("%s.daemons.%s: '%s' must match [a-z0-9][a-z0-9_.-]{0,62}", where, key, id) end
      instances[id] = {process = key, image = d.image, vars = vars}
    end
  end
  return instances, configs
end

local function of_role(value, name)
  if type(value) == "table" then return value[name] end
  return value
end

--- The role's own part: what verwalter had there is variables of its templates.
local function role_part(how, name, given)
  local vars = {}
  for key, value in pairs(given) do
    if key ~= "template" and key ~= "version" then vars[key] = value end
  end
  local version = given.version
  return {
    template = of_role(how.template, name) or given.template or "lithos",
    on_split = of_role(how.on_split, name) or "keep",
    version = type(version) == "string" and util.is_name(version) and version or nil,
    vars = vars,
  }
end

local function node_role(how, role, node, given)
  local where = ("nodes.%s.roles.%s"):format(node, role)
  if type(given) ~= "table" then fail("%s: expected an object, got %s", where, type(given)) end
  local instances, configs = instances_of(where, role, node, given.daemons)
  local vars = {configs = configs, commands = {}}
  for key, value in pairs(given) do vars[key] = value end
  return {sandbox = of_role(how.sandbox, role) or role, vars = vars, instances = instances}
end

local function object(data, key)
  local value = data[key]
  if value == nil then return {} end
  if type(value) ~= "table" then fail("%s: expected an object, got %s", key, type(value)) end
  return value
end

local function text_lines(list)
  local lines = {}
  for _, line in ipairs(list) do lines[#lines + 1] = tostring(line) end
  return lines[1] and lines or nil
end

--- A query_metrics whose values are text is PromQL; verwalter's own rules are cantal's.
local function query_of(data)
  local query = {}
  for name, value in pairs(object(data, "query_metrics")) do
    if type(value) == "string" then query[name] = value end
  end
  return next(query) and query or nil
end

local function convert(how, input, data)
  local result = {roles = {}, nodes = {}, vars = data.vars, state = {[STATE] = data},
    changes = text_lines(object(data, "changes")), query = query_of(data)}
  for name, given in pairs(object(data, "roles")) do
    if type(given) ~= "table" then fail("roles.%s: expected an object, got %s", name, type(given)) end
    result.roles[name] = role_part(how, name, given)
  end
  for node, has in pairs(object(data, "nodes")) do
    if input.nodes[node] == nil then
      print(("verwalter: nodes.%s: no such node; left out"):format(node))
    elseif type(has) ~= "table" then
      fail("nodes.%s: expected an object, got %s", node, type(has))
    else
      local part = {vars = has.vars, roles = {}}
      for role, given in pairs(object(has, "roles")) do
        part.roles[role] = node_role(how, role, node, given)
        result.roles[role] = result.roles[role] or role_part(how, role, {})
      end
      result.nodes[node] = part
    end
  end
  return result
end

local function replies_to(ids)
  local replies = {}
  for _, id in ipairs(ids) do replies[id] = "given to the scheduler" end
  return next(replies) and replies or nil
end

---@class mesh.Verwalter
---@field dir string        the old tree below scheduler-scripts/; "v1", say
---@field entry? string     default "main.lua"
---@field template? string|table<string, string>  of all roles, or by role; default: the role's own, else "lithos"
---@field on_split? string|table<string, string>  default "keep": instances belong to their host
---@field sandbox? string|table<string, string>   default: the role's name

---@param how mesh.Verwalter
return function(how)
  if type(how) ~= "table" or type(how.dir) ~= "string" then
    error("mesh.verwalter: write {dir = \"v1\"}: the old scheduler's directory in the script tree", 0)
  end
  for key in pairs(how) do
    if not options[key] then
      error(("mesh.verwalter: unknown key '%s'%s"):format(tostring(key),
        util.suggest(tostring(key), util.keys(options))), 0)
    end
  end
  local scheduler = entry_of(how.dir, how.entry or "main.lua")
  return {
    api = 1,
    schedule = function(input)
      local state, ids = old_input(input)
      local text, said = scheduler(state)
      if said ~= nil then print(said) end
      if type(text) ~= "string" then fail("the scheduler returned %s, not a JSON text\n%s", type(text), said or "") end
      local ok, data = pcall(json.decode, text)
      if not ok then fail("the scheduler's JSON: %s", tostring(data)) end
      if type(data) ~= "table" then fail("the scheduler's JSON is no object") end
      local result = convert(how, input, data)
      result.replies = replies_to(ids)
      return result
    end,
  }
end
