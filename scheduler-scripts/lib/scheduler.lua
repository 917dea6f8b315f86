---@meta mesh.scheduler
--- mesh.scheduler {roles...}: a pure function from the input to a schedule.
-- Every role is computed under its own error boundary: a role that fails keeps
-- what it had, its error is told in the result, and the others go on.

local actions = require "mesh.actions"
local compute = require "mesh.compute"
local drain = require "mesh.drain"
local groups = require "mesh.groups"
local nodes = require "mesh.nodes"
local plain = require "mesh.plain"
local rounds = require "mesh.round"
local scale = require "mesh.scale"
local state = require "mesh.state"
local util = require "mesh.util"

local none <const> = {}

local function note_move(round, id, was, node)
  if was == nil then
    round:journal(("%s: starts on %s"):format(id, node))
  elseif was ~= node then
    round:journal(("%s: %s -> %s"):format(id, was, node))
  end
end

--- What a role had, unchanged; nil when it had nothing.
local function keep(round, name)
  local past = round.past
  if past.roles[name] == nil then return nil end
  local part = {role = past.roles[name], at = {}, instances = {}, why = {}, missing = {}, ids = {}}
  for _, id in ipairs(past.ids[name] or {}) do
    local node = past.at[name][id]
    if round.present[node] then
      part.at[id], part.ids[#part.ids + 1] = node, id
      part.instances[id] = past.instances[name][id]
    end
  end
  return part
end

--- Put a role's part into the result; `base` gives what its share of a node starts with.
local function add(round, name, base, part)
  local result, all, past_at = round.result, round.result.nodes, round.past.at[name] or {}
  local here, load, whys, old = {}, round.load, result.why, round.past.why
  local function share(node, list)
    local on = all[node]
    if on == nil then
      on = {roles = {}}
      all[node] = on
    end
    on.roles[name] = base(node, list)
    here[node] = list
  end
  result.roles[name] = part.role
  for node in pairs(part.node_vars or {}) do share(node, {}) end
  local at, instances, why = part.at, part.instances, part.why
  for _, id in ipairs(part.ids) do
    local node = at[id]
    if node then
      local list = here[node]
      if list then list[id] = instances[id] else share(node, {[id] = instances[id]}) end
      load[node] = (load[node] or 0) + 1
      if past_at[id] ~= node then note_move(round, id, past_at[id], node) end
    end
    whys[id] = why[id] or old[id] or (node and "stays on " .. node)
  end
  for _, row in ipairs(part.missing) do result.missing[#result.missing + 1] = row end
  drain.list(round, name, part)
end

-- A role failed halfway: what it reserved is counted anew, what it remembers is as before.
local function undo(round, spec)
  for _, key in ipairs {"drain", "update", "scale"} do
    local was = round.past.state[key]
    round.memory.all[key][spec.name] = state.copy(type(was) == "table" and was[spec.name] or nil, 4)
  end
  if not spec.resources then return end
  round.used = {}
  for name, other in pairs(round.specs) do
    local at = round.done[name] and name ~= spec.name and round.done[name].at or round.past.at[name] or {}
    for _, node in pairs(other.resources and at or {}) do
      if round.input.nodes[node] then nodes.reserve(round, node, other.resources, 1) end
    end
  end
end

local function is_on(round, spec)
  local said = round.memory:get("roles", spec.name, "on")
  if said ~= nil then return said == true end
  local on = spec.enabled
  if type(on) == "function" then
    on = on(round)
    if type(on) ~= "boolean" then
      error(("role '%s': enabled: expected true or false, got %s"):format(spec.name, type(on)), 0)
    end
  end
  return on ~= false
end

local function one_role(round, spec)
  local ok, part = pcall(function()
    return is_on(round, spec) and compute.role(round, spec) or false
  end)
  if ok and part == false then
    round.done[spec.name] = {at = {}, instances = {}}
    return
  end
  if ok then
    local vars, codes = part.node_vars or none, part.codes or none
    add(round, spec.name, function(node, list)
      local c = codes[node] or none
      return {sandbox = spec.sandbox, version = c.version, template = c.template, vars = vars[node] or c.vars,
        instances = list}
    end, part)
    return
  end
  -- Text: an error object may be anything, and a reader wants a line.
  local text = type(part) == "string" and part or ("error object is a %s value"):format(type(part))
  local prefix = ("role '%s': "):format(spec.name) -- readers have the name beside it
  if text:sub(1, #prefix) == prefix then text = (spec.where or "") .. text:sub(#prefix + 1) end
  round.result.errors[spec.name] = plain.text(text)
  undo(round, spec)
  local kept = keep(round, spec.name)
  round.done[spec.name] = kept or {at = {}, instances = {}}
  if kept then
    local parts = round.past.node_parts[spec.name] or {}
    add(round, spec.name, function(node, list)
      local was = parts[node] or {}
      return {sandbox = was.sandbox or spec.sandbox, version = was.version, template = was.template,
        vars = was.vars, instances = list}
    end, kept)
  end
end

local function without_empty(result)
  for _, key in ipairs {"why", "errors", "missing", "changes", "replies"} do
    if next(result[key]) == nil then result[key] = nil end
  end
  return result
end

local keys <const> = {actions = true, groups = true, query = true, state = true}

-- All that it takes beside roles: a typo must not be a question that is never asked.
local function check(given)
  if type(given) ~= "table" or given.where ~= nil and given.name ~= nil then
    error("mesh.scheduler: expected a list of roles: mesh.scheduler {web, front}", 0)
  end
  for key in pairs(given) do
    if math.type(key) ~= "integer" and not keys[key] then
      error(("mesh.scheduler: unknown key '%s'; known: query, and roles as items; actions, groups, state%s"):format(
        tostring(key), util.suggest(tostring(key), util.keys(keys))), 0)
    end
  end
  local seen = {}
  for i, spec in ipairs(given) do
    if type(spec) == "function" then
      error(("mesh.scheduler: item %d is mesh.role \"name\" without its {...}"):format(i), 0)
    end
    if type(spec) ~= "table" or spec.name == nil then
      error(("mesh.scheduler: item %d is no role: write mesh.role(name, {...})"):format(i), 0)
    end
    local first = seen[spec.name]
    if first then
      error(("%smesh.scheduler: role '%s' given twice%s"):format(spec.where or "", spec.name,
        (first.where or "") ~= "" and "; first at " .. first.where:match("^(.-):? *$") or ""), 0)
    end
    seen[spec.name] = spec
  end
  return seen
end

-- What roles say of each other: who needs whom, whose update comes first.
local function relate(roles, by)
  for _, spec in ipairs(roles) do
    spec.needs_sorted = spec.needs and util.keys(spec.needs)
    for _, later in ipairs(spec.update and spec.update.before or {}) do
      local other = by[later]
      if other == nil then
        error(("%srole '%s': update.before: no role '%s'%s"):format(spec.where or "", spec.name, later,
          util.suggest(later, util.keys(by))), 0)
      end
      if not (other.update and other.update.strategy) then
        error(("%srole '%s': update.before: role '%s' has no `update = {strategy = …}`, so it can't wait"):format(
          spec.where or "", spec.name, later), 0)
      end
      local after = util.set(other.update.after or {})
      after[spec.name] = true
      other.update.after = util.keys(after)
    end
  end
  groups.order(roles, function(spec) return spec.update and spec.update.after or {} end,
    "update.after")
  return groups.order(roles, function(spec) return spec.needs_sorted or {} end, "needs")
end

local function questions(roles, query)
  local out, any = {}, false
  for name, expr in pairs(query or {}) do out[name], any = expr, true end
  for _, spec in ipairs(roles) do
    local expr = scale.is(spec.count) and scale.query(spec.count, query or {})
    if expr then out["scale." .. spec.name], any = expr, true end
  end
  return any and out or nil
end

-- The author's own actions: what nobody can ask for is a typo.
local function check_actions(given, known)
  for role, list in pairs(given) do
    if not known[role] then
      error(("mesh.scheduler: actions: no role or group '%s'%s"):format(tostring(role),
        util.suggest(tostring(role), util.keys(known))), 0)
    end
    for name, f in pairs(type(list) == "table" and list or {[""] = list}) do
      if not util.is_name(name) or type(f) ~= "function" then
        error(("mesh.scheduler: actions.%s: expected a function by its name, got %s"):format(role, type(f)), 0)
      end
    end
  end
end

local function build(given)
  local by = check(given)
  local roles = relate(given, by)
  local by_group, known = groups.expand(given.groups or {}, by), {}
  for name in pairs(by) do known[name] = true end
  for name in pairs(by_group) do known[name] = true end
  check_actions(given.actions or {}, known)
  if given.state ~= nil and type(given.state) ~= "function" then
    error("mesh.scheduler: state: expected a function of the round, got " .. type(given.state), 0)
  end
  return roles, by_group, questions(given, given.query)
end

-- What the author wants back.
local function own_state(round, f)
  local own = f and f(round) or none
  if type(own) ~= "table" then error("mesh.scheduler: state: expected a table, got " .. type(own), 0) end
  for key, v in pairs(own) do
    if not state.is_own(key) then round.memory.all[key] = v end
  end
end

-- `return mesh.scheduler {…}` leaves no line of its caller: then it is said after which role it is.
local function placed(text, given, line)
  if line ~= "" or text:find("^[^ ]+:%d+: ") then return text end
  local last
  for _, spec in ipairs(type(given) == "table" and given or none) do
    last = type(spec) == "table" and spec.where or last
  end
  return last and last ~= "" and ("%s (below %s)"):format(text, last:match("^(.-):? *$")) or text
end

--- mesh.scheduler
--- `query = {name = "expression"}` beside the roles: input.metrics[name] has the answers.
-- `groups = {name = {"role", …}}`; `actions = {role = {name = function(round, args)}}`, the author's own;
-- `state = function(round)` returns a table: what the author wants back in round.input.parents[1].state.
---@param given mesh.Role[]|{query: table<string, string>?, groups: table?, actions: table?, state: function?}
return function(given)
  local ok, roles, by_group, query = pcall(build, given)
  if not ok then
    local _, line = pcall(error, "", 3)
    local text = placed(roles, given, line)
    error(text, text:find("^[^ ]+:%d+: ") and 0 or 2)
  end
  return {
    api = 1,
    roles = given,
    schedule = function(input)
      local round, begin = rounds.new(input, roles)
      round.whole, round.groups, round.own_actions, round.input = input, by_group, given.actions or {}, input
      actions.take(round, input.actions)
      begin()
      for _, spec in ipairs(roles) do one_role(round, spec) end
      for _, line in ipairs(round.past.folded) do round:journal(line) end
      round.log:flush(print)
      local result = round.result
      own_state(round, given.state)
      result.changes, result.query, result.replies = round.changes, query, round.replies
      result.state = round.memory:close(round.now)
      return without_empty(result)
    end,
  }
end
