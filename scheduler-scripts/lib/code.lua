---@meta mesh.code
--- What rolls when a role is updated, and which node has it: version, image, template, and
-- where the author says `update = {vars = "roll"}` its vars too.
--
-- An image is an instance's own.  Version, template and vars are a node's: one that the update
-- has reached has the new ones, every other what it had.  So the role's own part says what most
-- have (`base`), and the places on nodes say where it is another; nothing once it is done.

local state = require "mesh.state"
local version = require "mesh.version"

local code = {}

local function differs(a, b) return a ~= nil and b ~= nil and state.canon(a) ~= state.canon(b) end

--- Are two the same?  Of what one of them does not name (a memory of before there was that) it
-- says nothing.
---@param a {version: string?, image: string, template: string?, vars: table?}
function code.same(a, b)
  return a.version == b.version and a.image == b.image and not differs(a.template, b.template)
    and not differs(a.vars, b.vars)
end

--- A copy of `a` with what it does not name as in b.
function code.whole(a, b)
  return {version = a.version, image = a.image, template = a.template or b.template, vars = a.vars or b.vars}
end

local phases <const> = {rolling = true, waiting = true, done = true, failed = true}

local function is_code(c)
  return type(c) == "table" and type(c.image) == "string" and (c.version == nil or type(c.version) == "string")
    and (c.template == nil or type(c.template) == "string") and (c.vars == nil or type(c.vars) == "table")
end

--- Is it the record of an update, whole?  A memory may be damaged, or another script's.
function code.is_record(u)
  return type(u) == "table" and is_code(u.to) and (u.from == nil or is_code(u.from))
    and (u.rejected == nil or is_code(u.rejected)) and math.type(u.step) == "integer" and type(u.since) == "number"
    and (u.phase == nil or phases[u.phase] == true)
end

--- For people: what an update is to.
function code.name(u)
  local name = u.to.version or u.to.image
  local from = u.from
  if from == nil or from.version ~= u.to.version or from.image ~= u.to.image then return name end
  return differs(from.template, u.to.template) and "template " .. u.to.template
    or (u.back and "old" or "new") .. " vars of " .. name
end

--- Does it change what a node has as one?  Then whole nodes roll, one after the other.
local function by_node(u)
  return u.from ~= nil and (differs(u.from.template, u.to.template) or differs(u.from.vars, u.to.vars))
end

--- The instances in the order in which they get what is new.
---@param round mesh.Round
---@param name string
---@param u table
---@param ids string[]
---@return string[]
function code.order(round, name, u, ids)
  if not by_node(u) then return ids end
  local at, by, nodes, out = round.past.at[name] or {}, {}, {}, {}
  for _, id in ipairs(ids) do
    local node = at[id] or ""
    if by[node] == nil then by[node] = {} end
    if node ~= "" and #by[node] == 0 then nodes[#nodes + 1] = node end
    table.insert(by[node], id)
  end
  nodes = version.sort(nodes)
  nodes[#nodes + 1] = by[""] and "" or nil -- what runs nowhere comes last
  for _, node in ipairs(nodes) do table.move(by[node], 1, #by[node], #out + 1, out) end
  return out
end

--- Steps as they are: a node is never cut in two.
---@param round mesh.Round
---@param name string
---@param u table
---@param ids string[]  from code.order
---@param steps integer[]
---@return integer[]
function code.steps(round, name, u, ids, steps)
  if not by_node(u) then return steps end
  local at, out = round.past.at[name] or {}, {}
  for _, k in ipairs(steps) do
    while k < #ids and k > 0 and at[ids[k]] ~= nil and at[ids[k + 1]] == at[ids[k]] do k = k + 1 end
    if k > (out[#out] or 0) then out[#out + 1] = k end
  end
  return out
end

--- What most have, that the role's own part says: never what is given up.
function code.base(u)
  if u.phase == "done" or u.back then return u.to end
  return u.from or u.to
end

--- What a node had of a role; nil: nothing.
local function had(round, name, node, u)
  local on, role = (round.past.node_parts[name] or {})[node], round.past.roles[name]
  if on == nil or role == nil then return nil end
  local vars
  if u.to.vars then
    vars = {}
    for key, v in pairs(role.vars or {}) do vars[key] = v end
    for key, v in pairs(on.vars or {}) do vars[key] = v end
  end
  return {version = on.version or role.version, template = on.template or role.template, vars = vars}
end

--- Vars of the role that are the same everywhere; and a function that says the rest for one node.
local function split(base, all)
  local common, other = {}, {}
  for key, v in pairs(base.vars) do common[key] = v end
  for _, c in pairs(all) do
    for key in pairs(c.vars or {}) do
      if common[key] == nil or state.canon(common[key]) ~= state.canon(c.vars[key]) then other[key] = true end
    end
    for key in pairs(common) do
      if c.vars and c.vars[key] == nil then other[key] = true end
    end
  end
  for key in pairs(other) do common[key] = nil end
  return common, function(c)
    local rest
    for key, v in pairs(c.vars or base.vars) do
      if common[key] == nil then
        rest = rest or {}
        rest[key] = v
      end
    end
    return rest
  end
end

--- Version, template and vars of the role's own part, and of nodes where they are others.
---@param round mesh.Round
---@param job table    job.reached: node -> true
---@param u table
---@param at table<string, string>
---@return table base, table<string, table> by_node
function code.parts(round, job, u, at)
  local base, name, all, out = code.base(u), job.spec.name, {}, {}
  if u.phase == "done" then return base, out end
  for _, node in pairs(at) do
    if all[node] == nil then
      all[node] = job.reached[node] and u.to or had(round, name, node, u) or base
    end
  end
  local common, rest
  if u.to.vars and base.vars then common, rest = split(base, all) end
  for node, c in pairs(all) do
    out[node] = {version = c.version ~= base.version and c.version or nil,
      template = c.template ~= base.template and c.template or nil, vars = rest and rest(c)}
  end
  return {version = base.version, template = base.template, vars = common}, out
end

return code
