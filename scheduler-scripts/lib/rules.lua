---@meta mesh.rules
--- What mesh.place's rules are made of: groups of nodes, comparisons, where a role is.

local units = require "mesh.units"
local util = require "mesh.util"
local version = require "mesh.version"

local rules = {}

local of_nodes <const> = {"arch", "node", "zone"}

--- The tag that a key of groups means; nil: none.
function rules.tag(key)
  if type(key) ~= "string" or key == "arch" or key == "node" or key == "zone" then return nil end
  return key:match("^tag:(.+)$") or key
end

-- What there is of a kind that rules name, and whether it can be known yet.
local there_is <const> = {
  role = function(round, name) return round.specs[name] ~= nil or round.past.at[name] ~= nil end,
  node = function(round, name) return round.present[name] ~= nil end,
  tag = function(round, name)
    local told = false
    for _, node in ipairs(round.names) do
      local of = round.input.nodes[node]
      if (of.tags or {})[name] ~= nil then return true end
      told = told or of.reported ~= false
    end
    return not told
  end,
}

-- Words that a typo may have meant.
local function words_of(round, kind, more)
  local words = table.move(more or {}, 1, #(more or {}), 1, {})
  if kind == "role" then return util.keys(round.specs) end
  if kind == "node" then return table.move(round.names, 1, #round.names, #words + 1, words) end
  local set = util.set(of_nodes)
  for _, node in ipairs(round.names) do
    for tag in pairs(round.input.nodes[node].tags or {}) do set[tag] = true end
  end
  return util.keys(set)
end

--- What rules name and there is not is told, as what the role misses: it may come, so it is no error.
---@param job table
---@param terms table[]  from mesh.place; asks: a list of {kind =, name =, who =, or_one_of =}
function rules.tell_unknown(job, terms)
  local round = job.round
  for _, term in ipairs(terms) do
    local first, more = nil, 0
    for _, ask in ipairs(term.asks or {}) do
      if not there_is[ask.kind](round, ask.name) then
        if first then more = more + 1 else first = ask end
      end
    end
    if first then
      table.insert(job.missing, {role = job.spec.name, what = ("place.%s: %s '%s'%s%s"):format(first.who,
        first.kind == "tag" and "no node has a tag" or "no " .. first.kind, first.name,
        util.suggest(first.name, words_of(round, first.kind, first.or_one_of)),
        more > 0 and (", and %d more like this"):format(more) or "")})
    end
  end
end

--- A function (node, name) -> the group it is in, as text; "" for one without.
---@param key string|function
---@param who string  for the error
---@param level? integer  whose line it is at: 3, the caller of who calls this
function rules.group(key, who, level)
  if type(key) == "function" then
    return function(node, name) return tostring(key(node, name) or "") end
  end
  if key == "node" then return function(_, name) return name end end
  if key == "zone" then return function(node) return node.zone or "" end end
  if key == "arch" then return function(node) return (node.facts or {}).arch or "" end end
  local tag = rules.tag(key)
  if not tag or tag == "" then
    error(("mesh.place.%s: expected \"node\", \"zone\", \"tag:NAME\" or a function, got %s"):format(who,
      tostring(key)), level or 3)
  end
  return function(node)
    local value = (node.tags or {})[tag]
    return value ~= nil and tostring(value) or ""
  end
end

--- A function (node, name, job): is there an instance of the role in the node's group?
-- Of a role that this round has placed already it knows where, of another where it was.
---@param role string
---@param of fun(node: table, name: string): string
function rules.where_is(role, of)
  return function(node, name, job)
    local groups = job.related[of]
    if groups == nil then
      groups = {}
      local round = job.round
      local at = round.done[role] and round.done[role].at or round.past.at[role] or {}
      for _, where in pairs(at) do
        local there = round.input.nodes[where]
        if there and there.state ~= "failed" and there.state ~= "left" then groups[of(there, where)] = true end
      end
      job.related[of] = groups
    end
    return groups[of(node, name)] == true
  end
end

local compare <const> = {
  ["="] = function(c) return c == 0 end, ["!="] = function(c) return c ~= 0 end,
  [">="] = function(c) return c >= 0 end, ["<="] = function(c) return c <= 0 end,
  [">"] = function(c) return c > 0 end, ["<"] = function(c) return c < 0 end,
}

local function order(a, b, less)
  if a == b then return 0 end
  return less(a, b) and -1 or 1
end

local function number_less(a, b) return a < b end

-- A fact: none yet is "" or 0, of a node that a new leader has not heard.
local function fact(key)
  return function(node)
    local v = node.facts[key]
    if v ~= "" and v ~= 0 then return v end
  end
end

-- What may be asked: how to read it from a node, how to read it in the rule; told: what it has
-- not told bars nobody, since it will.
local asked <const> = {
  arch = {of = fact "arch", told = true},
  zone = {of = function(node) return node.zone end},
  node = {of = function(_, name) return name end},
  kernel = {of = fact "kernel", told = true},
  version = {of = function(node) return node.version end},
  cpus = {of = fact "cpus", read = tonumber, told = true},
  memory = {of = fact "memory", read = units.size, told = true},
  disk = {of = function(node)
    local size = (node.metrics or {}).disk
    if size ~= 0 then return size end
  end, read = units.size, told = true},
}

-- As others call it.
local called <const> = {cores = "cpus", cpu = "cpus", hostname = "node", labels = "tags", mesh = "version",
  ram = "memory", datacenter = "zone"}

local function unknown(key)
  if called[key] then return ("; here that is '%s'"):format(called[key]) end
  return util.suggest(tostring(key), {"arch", "cpus", "disk", "kernel", "memory", "node", "tags", "version", "zone"})
end

--- One comparison, parsed: function (what a node has) -> boolean.
local function test_of(key, text, read)
  if type(text) == "boolean" then
    return function(has) return (has ~= nil and has ~= false) == text end
  end
  local op, rest = tostring(text):match("^([<>!=]*)%s*(.*)$")
  op = op == "" and "=" or op
  if not compare[op] then
    error(("%s: '%s' begins with none of = != < <= > >="):format(key, tostring(text)), 0)
  end
  local wants = rest
  if read then
    wants = read(rest)
    if not wants then error(("%s: '%s' can't be compared"):format(key, tostring(text)), 0) end
  end
  local less = read and number_less or version.less
  return function(has)
    if has == nil then return op == "!=" end
    if not read then has = tostring(has) end
    return compare[op](order(has, wants, less))
  end
end

local function any_of(key, wants, read)
  if type(wants) ~= "table" then return test_of(key, wants, read) end
  local tests = {}
  for i, one in ipairs(wants) do tests[i] = test_of(key, one, read) end
  if #tests == 0 then error(key .. ": an empty list fits no node", 0) end
  return function(has)
    for _, test in ipairs(tests) do
      if test(has) then return true end
    end
    return false
  end
end

local function wish(value)
  if type(value) ~= "table" then return tostring(value) end
  local list = {}
  for i, one in ipairs(value) do list[i] = tostring(one) end
  return table.concat(list, " or ")
end

--- A filter from {arch = …, kernel = ">=6.1", tags = {ssd = true}}.
function rules.constraint(wants)
  if type(wants) ~= "table" then error("expected a table, got " .. type(wants), 0) end
  local tests = {}
  for _, key in ipairs(util.keys(wants)) do
    local how = asked[key]
    if key == "tags" then
      if type(wants.tags) ~= "table" then error("tags: expected a table, got " .. type(wants.tags), 0) end
      for _, tag in ipairs(util.keys(wants.tags)) do
        table.insert(tests, {test = any_of("tags." .. tag, wants.tags[tag]),
          of = function(node) return (node.tags or {})[tag] end, says = "tag " .. tag .. " " .. wish(wants.tags[tag])})
      end
    elseif how then
      table.insert(tests, {test = any_of(key, wants[key], how.read), of = how.of, told = how.told,
        says = key .. " " .. wish(wants[key])})
    else
      error(("unknown key '%s'%s"):format(tostring(key), unknown(key)), 0)
    end
  end
  return function(node, name)
    if node.facts == nil then return nil end -- nothing told yet
    for _, one in ipairs(tests) do
      local has = one.of(node, name)
      if not (has == nil and one.told) and not one.test(has) then return "is not " .. one.says end
    end
  end
end

return rules
