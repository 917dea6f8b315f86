---@meta mesh.actions
--- What operators may ask of any role or node, carried out and answered.
--
--     scale count=N|auto          add [node=N]       pause     proceed     revert
--     update version=V [image=I]  remove [node=N]    resume    skip        restart
--     drain [node=N] [now=true]  undrain [node=N]  tag KEY=VALUE … (VALUE empty: the tag goes)
--
-- What was asked becomes cells of the state, each with the action's stamp, so that the later
-- of two wishes stands after a split too (mesh.state).  A role may have actions of its own:
-- mesh.scheduler {…, actions = {web = {flush = function(round, args) return "flushed" end}}}.

local restart = require "mesh.restart"
local schema = require "mesh.schema"
local state = require "mesh.state"
local update = require "mesh.update"
local util = require "mesh.util"

local ROLES_MAX <const> = 64 -- that a reply may name

local actions = {}

local s <const> = schema

---@class mesh.Action
---@field id string
---@field stamp integer   ms, wall clock of the node that took it
---@field node string     that node
---@field by? string      who
---@field role? string
---@field name string
---@field args? table<string, string>

local function no(fmt, ...) return {ok = false, text = fmt:format(...)} end

local args_of <const> = {
  scale = s.record {count = s.either {s.enum {"auto"}, s.integer(0, 10000)}},
  update = s.record {version = s.name, image = s.optional(s.string("[^%c]+", "the name of an image"))},
  add = s.record {node = s.optional(s.name)}, remove = s.record {node = s.optional(s.name)},
  pause = s.record {}, resume = s.record {}, proceed = s.record {}, skip = s.record {}, revert = s.record {},
  restart = s.record {},
}

local node_args <const> = {
  drain = s.record {node = s.optional(s.name), now = s.optional(s.boolean)},
  undrain = s.record {node = s.optional(s.name)},
}

--- "web-v1" with v1 replaced by v2; nil when v1 isn't in it.
local function replaced(text, from, wanted)
  local at, till = (text .. "\0"):find((from or "\0\0"):gsub("%p", "%%%0") .. "%f[^%w.]")
  if not from or not at then return nil end
  return text:sub(1, at - 1) .. wanted .. text:sub(till + 1)
end

local function image_for(spec, wanted)
  if type(spec.image) == "function" then return spec.image(wanted) end
  return replaced(spec.image, spec.version, wanted)
end

-- A template whose name has the version in it is another one too.
local function template_for(spec, wanted)
  return type(spec.template) == "string" and replaced(spec.template, spec.version, wanted) or nil
end

local does = {}

function does.scale(round, spec, args, stamp)
  if spec.keys then return no("role '%s' has an instance for each key: it can't be scaled", spec.name) end
  local count = args.count ~= "auto" and args.count or false
  round.memory:set(stamp, count, "roles", spec.name, "scale")
  if not count then return ("%s: as the script says"):format(spec.name) end
  return ("%s: %d instances"):format(spec.name, count)
end

function does.update(round, spec, args, stamp)
  local image = args.image or image_for(spec, args.version)
  if type(image) ~= "string" then
    return no("image '%s' has no version in it to replace: say image=I too", tostring(spec.image))
  end
  local had = spec.image
  if type(had) == "function" then had = had(spec.version) end
  local base = state.canon {version = spec.version, image = had}
  round.memory:set(stamp, {version = args.version, image = image, base = base,
    template = template_for(spec, args.version)}, "roles", spec.name, "version")
  local u = round.memory.all.update[spec.name]
  if type(u) == "table" and u.rejected then u.rejected = nil end
  return ("%s: to %s, image %s"):format(spec.name, args.version, image)
end

local function turn(on)
  return function(round, spec, args, stamp)
    if args.node then
      if not (round.whole.nodes or {})[args.node] then
        return no("no node '%s'%s", args.node, util.suggest(args.node, util.keys(round.whole.nodes or {})))
      end
      round.memory:set(stamp, on, "roles", spec.name, "nodes", args.node)
      return ("%s: %s %s"):format(spec.name, on and "on" or "not on", args.node)
    end
    round.memory:set(stamp, on, "roles", spec.name, "on")
    return ("%s: %s"):format(spec.name, on and "runs" or "is taken away")
  end
end
does.add, does.remove = turn(true), turn(false)

function does.restart(round, spec, _, stamp)
  return ("%s: %d instances, one after the other"):format(spec.name, restart.ask(round, spec, stamp))
end

for _, name in ipairs {"pause", "resume", "proceed", "skip", "revert"} do
  does[name] = function(round, spec, _, stamp)
    if not (spec.update and spec.update.strategy) then
      return no("role '%s' has no `update = {strategy = …}`", spec.name)
    end
    -- As it is remembered: nothing is placed yet that a new target may ask for.
    local u = update.known(round, spec) or {phase = "done", to = {image = ""}}
    local fine, text = update.act(round, spec, u, name, stamp)
    return fine and text or no("%s", text)
  end
end

--- A role or group by name: the specs it stands for.
local function specs_of(round, name)
  if round.specs[name] then return {round.specs[name]} end
  local group = round.groups[name]
  if not group then return nil end
  local list = {}
  for i, member in ipairs(group) do list[i] = round.specs[member] end
  return list
end

local function on_role(round, action)
  local specs = specs_of(round, action.role)
  if not specs then
    local known = util.keys(round.specs)
    for _, group in ipairs(util.keys(round.groups)) do known[#known + 1] = group end
    return no("no role '%s'%s", action.role, util.suggest(action.role, known))
  end
  local own = (round.own_actions[action.role] or {})[action.name]
  if own then
    local answer = own(round, action.args or {}, action)
    if type(answer) == "table" then
      return {ok = answer.ok ~= false, text = tostring(answer.text), roles = answer.roles} end
    return answer ~= nil and tostring(answer) or nil
  end
  if not args_of[action.name] then
    local known = util.keys(args_of)
    for _, name in ipairs(util.keys(round.own_actions[action.role] or {})) do known[#known + 1] = name end
    return no("no action '%s'%s", action.name, util.suggest(action.name, known))
  end
  local args, err = s.parse(args_of[action.name], action.args)
  if not args then return no("%s: %s", action.name, err) end
  local texts, fine = {}, true
  for i, spec in ipairs(specs) do
    local said
    if spec.compute then
      said = no("role '%s' is what its processes files say", spec.name)
    else
      said = does[action.name](round, spec, args, action.stamp)
    end
    fine = fine and type(said) ~= "table"
    texts[i] = type(said) == "table" and said.text or said
  end
  local text = table.concat(texts, "; ")
  -- A host knows no groups: its rails let go what their roles stop, as it is meant.
  if not round.specs[action.role] then
    local names = {}
    for i = 1, math.min(#specs, ROLES_MAX) do names[i] = specs[i].name end
    return {ok = fine, text = text, roles = names}
  end
  return fine and text or {ok = false, text = text}
end

local function tag(round, name, args, stamp)
  local said = {}
  for _, key in ipairs(util.keys(args)) do
    if key ~= "node" then
      if not util.is_name(key) or #tostring(args[key]) > 63 then
        return no("tag '%s' must be a name, its value of at most 63 bytes", key)
      end
      local v = args[key]
      if v == "true" then v = true end
      if v == "" then v = nil end
      round.memory:set(stamp, v, "nodes", name, "tags", key)
      said[#said + 1] = v == nil and key .. " goes" or key .. "=" .. tostring(v)
    end
  end
  if #said == 0 then return no("tag: say KEY=VALUE") end
  return ("%s: %s"):format(name, table.concat(said, ", "))
end

local function on_node(round, action)
  local args = action.args or {}
  local name = args.node or action.node
  local all = round.whole.nodes or {}
  if not all[name] then return no("no node '%s'%s", tostring(name), util.suggest(tostring(name), util.keys(all))) end
  if action.name == "tag" then return tag(round, name, args, action.stamp) end
  if not node_args[action.name] then
    return no("no action '%s'%s", action.name, util.suggest(action.name, {"drain", "undrain", "tag"}))
  end
  local parsed, err = s.parse(node_args[action.name], args)
  if not parsed then return no("%s: %s", action.name, err) end
  local drains = action.name == "drain" and (parsed.now and "now" or true)
  round.memory:set(action.stamp, drains, "nodes", name, "drain")
  return ("%s: %s"):format(name, action.name == "drain" and "drains" or "takes work again")
end

--- Take all actions of the input; the replies are in the round.
---@param round mesh.Round
---@param list mesh.Action[]
function actions.take(round, list)
  for _, action in ipairs(list or {}) do
    if type(action) == "table" and type(action.name) == "string" and action.id ~= nil then
      local given = {stamp = type(action.stamp) == "number" and action.stamp or round.now}
      setmetatable(given, {__index = action})
      local ok, reply = pcall(action.role and on_role or on_node, round, given)
      if not ok then reply = no("%s: %s", action.name, type(reply) == "string" and reply or "it has no text") end
      round.replies[tostring(action.id)] = reply
      local done = type(reply) ~= "table" and reply or reply.ok ~= false and reply.text
      if done then round:journal(("%s, by %s"):format(done, tostring(action.by or "an operator"))) end
    end
  end
end

return actions
