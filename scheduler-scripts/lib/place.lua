---@meta mesh.place
--- Where instances run.  Placement is sticky: what runs well stays; only what
-- lost its node moves, and one instance at a time evens out a lopsided role.
-- A node never gets work when it lacks the image or the sandbox, or is failed,
-- left, draining, unstable, suspected or has not reported yet.
--
-- A role has one rule, or a list of them:
--
--     place = mesh.place.spread()
--     place = {mesh.place.sticky(), mesh.place.spread("zone"), mesh.place.not_on("draining"),
--              mesh.place.affinity("redis", {per = "zone"}), mesh.place.binpack()}
--
-- They count in this order, whatever the order of the list: what is required (`only`,
-- `not_on`, `constraint`, `distinct`, `affinity` with `required`, room for `resources`);
-- nodes where it failed (`avoid_failures`); wishes, the first in the list before the
-- second (`near`, `affinity`, `anti_affinity`); `spread` over keys, the first before the
-- second; on equal terms the node with the fewest of the role, or with `binpack` the
-- fullest that has room.

local rules = require "mesh.rules"
local units = require "mesh.units"
local util = require "mesh.util"

---@class mesh.PlaceOptions
---@field only? fun(node: table, name: string): boolean  which nodes may have the role at all

---@class mesh.PlaceRule: table

local place = {}

-- An error at the line that calls who calls this; of a helper of these: one further up.
local function fail(fmt, ...) error(("mesh.place." .. fmt):format(...), 3) end
local function fail_of(fmt, ...) error(("mesh.place." .. fmt):format(...), 4) end

local function rule(of)
  of.is_rule = true
  return of
end

-- What a rule names, that there may not be.
local function asks_tag(who, key)
  local tag = rules.tag(key)
  return tag and {{kind = "tag", name = tag, who = who}} or nil
end

local function asks_nodes(who, names, or_one_of)
  local asks = {}
  for _, name in ipairs(names) do
    if type(name) ~= "string" then fail_of("%s: expected names of nodes, got %s", who, type(name)) end
    asks[#asks + 1] = {kind = "node", name = name, who = who, or_one_of = or_one_of}
  end
  return asks
end

-- Options by their names: a typo is not one that is left out.
local function check_options(who, options, known)
  if type(options) ~= "table" then fail_of("%s: expected a table of options, got %s", who, type(options)) end
  for _, key in ipairs(util.sorted_keys(options)) do
    if not util.set(known)[key] then
      fail_of("%s: unknown key '%s'%s", who, tostring(key), util.meant(tostring(key), known))
    end
  end
end

local only_known <const> = {"only"}

local function with_only(of, options, who)
  local only = options and options.only
  if only ~= nil then
    if type(only) ~= "function" then fail_of("%s: only: expected a function, got %s", who, type(only)) end
    of.filter = function(node, name, job)
      if not only(node, name) then return "is not for " .. job.spec.name end
    end
  end
  return rule(of)
end

--- Over all nodes as evenly as can be: what runs well moves only, and one at a
-- time, to even out a lopsided role.  With a key over its groups first: "node", "zone",
-- "arch", "tag:rack" (or just "rack": a tag), or a function (node, name) -> group.
---@param key? string|function|mesh.PlaceOptions
---@param options? mesh.PlaceOptions
---@return mesh.PlaceRule
function place.spread(key, options)
  if type(key) == "table" then key, options = nil, key end
  if options ~= nil then check_options("spread", options, only_known) end
  local level = key ~= nil and key ~= "node" and rules.group(key, "spread") or nil
  local made = with_only({even = true, level = level, asks = asks_tag("spread", key)}, options, "spread")
  return made
end

--- New work spread like `spread`, but nothing that can stay ever moves: not when
-- a node joins, not when one comes back.
---@param options? mesh.PlaceOptions
---@return mesh.PlaceRule
function place.sticky(options)
  if options ~= nil then check_options("sticky", options, only_known) end
  local made = with_only({sticky = true}, options, "sticky")
  return made
end

--- One on every node that has the image and the sandbox: ROLE.NODE.
---@param options? mesh.PlaceOptions
---@return mesh.PlaceRule
function place.every(options)
  if options ~= nil then check_options("every", options, only_known) end
  local made = with_only({every = true}, options, "every")
  return made
end

--- Few nodes, each as full as its CPUs and memory allow; the role says its `resources`.
---@return mesh.PlaceRule
function place.binpack()
  return rule {pack = true, sticky = true}
end

--- Only nodes that `test` (node, name) agrees to, or of a list of names.
---@param test string[]|fun(node: table, name: string): boolean
---@return mesh.PlaceRule
function place.only(test)
  local asks
  if type(test) == "table" then
    asks = asks_nodes("only", test)
    local set = util.set(test)
    test = function(_, name) return set[name] end
  elseif type(test) ~= "function" then
    fail("only: expected a function or a list of nodes, got %s", type(test))
  end
  return with_only({asks = asks}, {only = test}, "only")
end

local states <const> = {draining = true, unstable = true, suspect = true, restarting = true, alive = true,
  failed = true, left = true}

--- Not on nodes of these names; or in a state: "draining", "unstable", "suspect", "restarting".
---@param ... string
---@return mesh.PlaceRule
function place.not_on(...)
  local words, names = {...}, {}
  if select("#", ...) == 0 then fail("not_on: expected names of nodes, or states like \"draining\"") end
  for _, word in ipairs(words) do
    if not states[word] then names[#names + 1] = word end
  end
  local asks, set = asks_nodes("not_on", names, util.keys(states)), util.set(words)
  return rule {asks = asks, filter = function(node, name)
    if set[name] then return "is one it may not run on" end
    if set.draining and node.draining then return "drains" end
    if set.unstable and node.unstable then return "is unstable" end
    if set[node.state] then return "is " .. node.state end
  end}
end

--- Only nodes that are so: {arch = "x86_64", zone = {"a", "b"}, kernel = ">=6.1", cpus = ">=4",
-- memory = ">=8Gi", disk = ">=100Gi", version = ">=0.2" (of its mesh), node = "n1",
-- tags = {ssd = true, rack = "!=r3"}}.  A list: any of them.  Versions are compared in natural
-- order.  A fact that a node has not told yet bars it from nothing: it holds what it has.
---@param wants table
---@return mesh.PlaceRule
function place.constraint(wants)
  local ok, filter = pcall(rules.constraint, wants)
  if not ok then fail("constraint: %s", filter) end
  return rule {filter = filter}
end

--- At most `max` (1) of the role in each group of `key` ("node").
---@param key? string|function
---@param max? integer
---@return mesh.PlaceRule
function place.distinct(key, max)
  if max ~= nil and (math.type(max) ~= "integer" or max < 1) then
    fail("distinct: expected a number of at least 1, got %s", tostring(max))
  end
  local of = rules.group(key or "node", "distinct")
  return rule {cap = {of = of, max = max or 1}, asks = asks_tag("distinct", key)}
end

local relation_known <const> = {"per", "required"}

-- The groups, and whether it is required; and what it asks for.
local function relation(name, role, options)
  if not util.is_name(role) then fail_of("%s: '%s' is no role", name, tostring(role)) end
  local required = options.required
  if required ~= nil and type(required) ~= "boolean" then
    fail_of("%s: required: expected true or false, got %s", name, type(required))
  end
  local asks = asks_tag(name, options.per) or {}
  table.insert(asks, 1, {kind = "role", name = role, who = name})
  return rules.group(options.per or "node", name, 4), required, asks
end

--- Where `role` runs too: on its nodes, or `per` "zone" or another key in its groups.
-- A wish, unless `required = true`.
---@param role string
---@param options? {per: string|function?, required: boolean?}
---@return mesh.PlaceRule
function place.affinity(role, options)
  options = options or {}
  check_options("affinity", options, relation_known)
  local of, required, asks = relation("affinity", role, options)
  local has = rules.where_is(role, of)
  if not required then return rule {soft = has, asks = asks} end
  return rule {asks = asks, filter = function(node, name, job)
    if not has(node, name, job) then return "has no " .. role end
  end}
end

--- Where `role` does not run.  A wish, unless `required = true`.
---@param role string
---@param options? {per: string|function?, required: boolean?}
---@return mesh.PlaceRule
function place.anti_affinity(role, options)
  options = options or {}
  check_options("anti_affinity", options, relation_known)
  local of, required, asks = relation("anti_affinity", role, options)
  local has = rules.where_is(role, of)
  if not required then return rule {soft = function(...) return not has(...) end, asks = asks} end
  return rule {asks = asks, filter = function(node, name, job)
    if has(node, name, job) then return "has " .. role end
  end}
end

--- Each instance has a group of its own that it would rather be in: `of(key, item, round)`
-- says which group of `by` ("zone"), or nil.  For a role with `keys`, key and item are its.
---@param of fun(key: string, item: any, round: mesh.Round): string?
---@param by? string|function
---@return mesh.PlaceRule
function place.near(of, by)
  if type(of) ~= "function" then fail("near: expected a function, got %s", type(of)) end
  local group_of = rules.group(by or "zone", "near")
  return rule {of = group_of, asks = asks_tag("near", by), near = function(job, id)
    local key = id:sub(#job.spec.name + 2)
    local group = of(key, job.items and job.items[key], job.round)
    return group ~= nil and tostring(group) or nil
  end}
end

--- An instance that failed `after` (5) times on a node moves away, and for `keep` ("10m")
-- nothing new of the role goes there, unless nobody else can take it.
---@param options? {after: integer?, keep: string?}
---@return mesh.PlaceRule
function place.avoid_failures(options)
  options = options or {}
  check_options("avoid_failures", options, {"after", "keep"})
  local keep, expected = units.duration(options.keep or "10m")
  if not keep then fail("avoid_failures: keep: expected %s", expected) end
  local after = options.after or 5
  if math.type(after) ~= "integer" or after < 1 then fail("avoid_failures: after: expected a number from 1 on") end
  return rule {avoid = {after = after - 1, keep = keep}}
end

--- Only nodes that an operator gave the role: `mesh action ROLE add node=n2`, `remove node=n2`.
---@return mesh.PlaceRule
function place.assigned()
  return rule {filter = function(_, name, job)
    if not job.memory:assigned(name) then return "was not given " .. job.spec.name end
  end}
end

--- Is it one rule, or a list of them, or a function of one's own?  A list of rules or the
-- function; nil when it is none of these.
---@return table|function|nil
function place.parse(given)
  if type(given) == "function" then return given end
  if type(given) ~= "table" then return nil end
  if given.is_rule then return {given} end
  if #given == 0 then return nil end
  for _, one in ipairs(given) do
    if type(one) ~= "table" or not one.is_rule then return nil end
  end
  return given
end

return place
