---@meta mesh.simcheck
--- What a spec says to a simulated world, held against what there is: a typo is an error at the
-- line that has it, not a test that can't fail.
--
-- Levels: a check stands in a word of mesh.simworld, and the error is at the word's caller.

local util = require "mesh.util"

local simcheck = {}

local AT_CALLER <const> = 3

local function fail(level, fmt, ...) error(("mesh.sim: " .. fmt):format(...), (level or AT_CALLER) + 1) end

--- Milliseconds of "30s", "1m30s", "250ms" or a number of ms.
function simcheck.duration(text, level)
  if math.type(text) == "integer" and text >= 0 then return text end
  local units, total, rest = {ms = 1, s = 1000, m = 60000, h = 3600000}, 0, text
  while type(rest) == "string" and rest ~= "" do
    local n, unit, more = rest:match("^(%d+)(%a+)(.*)$")
    if not (n and units[unit]) then break end
    total, rest = total + math.tointeger(n) * units[unit], more
  end
  if rest ~= "" or text == "" then fail(level, "'%s' is not a duration like \"30s\" or \"1m30s\"", tostring(text)) end
  return total
end

--- A node of the world; may_miss: or nil, for all.
function simcheck.node(world, name, may_miss, level)
  if name == nil and may_miss or world.hosts[name or ""] then return end
  fail(level, "no node '%s'%s", tostring(name), util.suggest(tostring(name), world.names))
end

-- What a scheduler declares: mesh.scheduler its roles, one of the author's own maybe their names.
local function declare(world, scheduler)
  if world.declared_by == scheduler then return end
  world.declared_by, world.declares = scheduler, type(scheduler.roles) == "table"
  for _, role in ipairs(world.declares and scheduler.roles or {}) do
    local name = type(role) == "table" and role.name or role
    if type(name) == "string" then world.known_roles[name] = true end
  end
  for name in pairs(world.roles) do world.known_roles[name] = true end
end

--- A role that was declared, or is or was in a schedule.  What a scheduler that declares none
-- has, nobody knows before its first schedule.
function simcheck.role(world, name, may_miss, level)
  declare(world, world.scheduler)
  if name == nil and may_miss or world.known_roles[name or ""] then return end
  if type(name) == "string" and not world.declares and world.serial == 0 then return end
  local known = util.keys(world.known_roles)
  fail(level, "no role '%s'%s%s", tostring(name), util.suggest(tostring(name), known),
    world.declares and "" or "; a scheduler of your own that has it only later says roles = {\"NAME\"} too")
end

--- Both, of what is asked.
function simcheck.asked(world, role, node, role_may_miss)
  simcheck.role(world, role, role_may_miss, AT_CALLER + 1)
  simcheck.node(world, node, true, AT_CALLER + 1)
end

--- One of a list of words.
function simcheck.word(what, given, words)
  for _, word in ipairs(words) do
    if word == given then return end
  end
  fail(nil, "%s: expected \"%s\", got '%s'%s", what, table.concat(words, "\", \""), tostring(given),
    util.suggest(tostring(given), words))
end

--- A value of one of these types ("integer" and "percent" are types here).
function simcheck.is(what, given, kinds, level)
  for kind in kinds:gmatch("%a+") do
    if type(given) == kind or math.type(given) == kind then return end
    if kind == "percent" and type(given) == "number" and given >= 0 and given <= 100 then return end
  end
  fail(level, "%s: expected %s, got %s", what, kinds == "percent" and "0 to 100" or kinds,
    type(given) == "number" and tostring(given) or type(given))
end

--- The lists of a partition: each a list of nodes, each node in one, and two sides at least.
function simcheck.sides(world, lists, n)
  local side_of, sides, members = {}, 0, 0
  for i = 1, n do
    local list = lists[i]
    simcheck.is(("partition: list %d"):format(i), list, "table", AT_CALLER + 1)
    for _, name in ipairs(list) do
      simcheck.node(world, name, false, AT_CALLER + 1)
      if side_of[name] then fail(nil, "partition: node '%s' is there twice", name) end
      side_of[name], members = i, members + 1
    end
    sides = sides + (#list > 0 and 1 or 0)
  end
  if sides + (members < #world.names and 1 or 0) < 2 then
    fail(nil, "partition: cuts nothing: give lists of nodes, {\"n1\"}, {\"n2\", \"n3\"}")
  end
end

local OF_NODE <const> = {address = "string", zone = "string", tags = "table", images = "table", sandboxes = "table",
  arch = "string", kernel = "string", version = "string", cpus = "number", memory = "integer"}

--- What a spec says of a node that it makes.
function simcheck.new_node(name, opts, level)
  if not util.is_name(name) then
    fail(level, "node '%s': a name must match [a-z0-9][a-z0-9_.-]{0,62}", tostring(name))
  end
  if type(opts) ~= "table" then fail(level, "node '%s': expected a table, got %s", name, type(opts)) end
  for _, key in ipairs(util.sorted_keys(opts)) do
    local kind = OF_NODE[key]
    if not kind then
      fail(level, "node '%s': unknown key '%s'%s", name, tostring(key), util.suggest(tostring(key), util.keys(OF_NODE)))
    end
    simcheck.is(("node '%s': %s"):format(name, key), opts[key], kind, (level or AT_CALLER) + 1)
  end
end

local OPTIONS <const> = {nodes = "integer table", seed = "integer", scheduler = "table", roles = "table",
  vars = "table", jitter = "string integer", on_error = "string", rails = "boolean"}

--- What a spec says of a world.
function simcheck.options(opts, level)
  simcheck.is("a world", opts, "table", level + 1)
  for _, key in ipairs(util.sorted_keys(opts)) do
    if not OPTIONS[key] then
      fail(level, "unknown option '%s'%s", tostring(key), util.suggest(tostring(key), util.keys(OPTIONS)))
    end
    simcheck.is(key, opts[key], OPTIONS[key], level + 1)
  end
  if opts.on_error ~= nil and opts.on_error ~= "keep" then
    fail(level, "on_error: expected \"keep\", got '%s'%s", opts.on_error, util.suggest(opts.on_error, {"keep"}))
  end
  if type(opts.scheduler) ~= "table" or type(opts.scheduler.schedule) ~= "function" then
    fail(level, "scheduler: expected what main.lua returns, a table with a function 'schedule', got %s",
      type(opts.scheduler))
  end
end

--- name -> what is said of it.
function simcheck.nodes(nodes, level)
  local list = {}
  if math.type(nodes) == "integer" then
    if nodes < 1 or nodes > 10000 then fail(level, "nodes: %d, expected 1 to 10000", nodes) end
    for i = 1, nodes do list["n" .. i] = {} end
    return list
  end
  for key, value in pairs(nodes) do
    if math.type(key) == "integer" then key, value = value, {} end
    simcheck.new_node(key, value, level + 1)
    if list[key] then fail(level, "nodes: '%s' is there twice", key) end
    list[key] = value
  end
  if next(list) == nil then fail(level, "nodes: there is none") end
  return list
end

return simcheck
