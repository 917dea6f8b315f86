---@meta mesh.merge
--- One past out of several: what was scheduled where, from all parents.
-- Normally there is one parent.  After a split heals there are two or more, and
-- an instance may have a copy on each side: one of them stays.
--
-- Which one is a total order over the copies themselves, so it is the same whoever asks
-- and in whatever order sides are merged; the order of parents decides only where nothing
-- else tells two copies apart.  What operators said is merged by its stamps (mesh.state).

local state = require "mesh.state"

---@class mesh.Past
---@field roles table<string, table>                     the role's own part
---@field at table<string, table<string, string>>        role -> instance -> node
---@field instances table<string, table<string, table>>  role -> instance -> {process, image, vars}, of the parent:
---       not to be changed
---@field ids table<string, string[]>                    role -> instances, by node and then by name
---@field node_parts table<string, table<string, table>> role -> node -> {sandbox, vars}
---@field why table<string, string|string[]>
---@field state table
---@field folded string[]                                lines for the journal

local merge = {}

--- The copy of an instance that runs on a node, or nil.
---@param input table
---@param id string
---@param node string
local function copy_on(input, id, node)
  local all = input.copies and input.copies[id]
  if all then
    for _, copy in ipairs(all) do
      if copy.node == node then return copy end
    end
    return nil
  end
  local one = input.running and input.running[id]
  return one and one.node == node and one or nil
end
merge.copy_on = copy_on

--- How well a copy does: lower is better, then the older one (so that the youngest
-- stops).  A node that has not reported may run what it had; what is known of it is
-- from before, perhaps from before a cut that ended its lease.
local function standing(input, id, where)
  local node = input.nodes and input.nodes[where]
  if not node or node.state == "failed" or node.state == "left" then return 4, 0 end
  if node.reported == false then return 2, 0 end
  local copy = copy_on(input, id, where)
  if copy and copy.state == "running" then
    local well = copy.health ~= "unhealthy" and copy.health ~= "wait"
    return well and 0 or 1, copy.since or math.huge
  end
  return 3, 0
end

--- Does copy a stay rather than b?  Of two that run the better one, of equals the
-- older, then by node name.  Where neither is seen to run nothing tells them apart
-- but who placed them: a side of grade full before another, as only there may an
-- exclusive one run; then the later schedule.
local function stays(input, id, a, b)
  local ra, sa = standing(input, id, a.node)
  local rb, sb = standing(input, id, b.node)
  if ra ~= rb then return ra < rb end
  -- Of an exclusive one never two run: the one that was placed before is seen as it was
  -- before a cut ended its lease.
  if ra < 2 and not (a.exclusive and b.exclusive) then
    if sa ~= sb then return sa < sb end
    return a.node < b.node
  end
  if a.full ~= b.full then return a.full end
  return a.parent > b.parent
end

-- Two parents have it on different nodes.
local function fold(past, input, role, id, old, new)
  if stays(input, id, old, new) then new, old = old, new end
  past.folded[#past.folded + 1] = ("%s: stays on %s, its copy on %s stops: both sides ran it")
    :format(id, new.node, old.node)
  past.at[role][id], past.instances[role][id], past.from[role][id] = new.node, new.instance, new
end

local function add_role(past, input, role, node, on, from)
  local at, instances, ids, origin = past.at[role], past.instances[role], past.ids[role], past.from[role]
  if from.alone then -- and there is only one of it
    for id, was in pairs(on.instances or {}) do
      if at[id] == nil then ids[#ids + 1] = id end
      at[id], instances[id] = node, was
    end
    return
  end
  local exclusive = (from.roles[role] or {}).on_split == "exclusive"
  for id, was in pairs(on.instances or {}) do
    local there = at[id]
    if there == nil then ids[#ids + 1] = id end
    local new = {node = node, instance = was, parent = from.parent, full = from.full, exclusive = exclusive}
    if there and there ~= node then
      fold(past, input, role, id, origin[id], new)
    else
      at[id], instances[id], origin[id] = node, was, new
    end
  end
end

-- Parents come by stamp: what a later one says of a node stands.
local function add_node(past, input, node, part, from)
  local all = past.node_parts
  for role, on in pairs(part.roles or {}) do
    local parts = all[role]
    if parts == nil then
      parts = {}
      past.at[role], past.instances[role], past.ids[role], past.from[role] = {}, {}, {}, {}
      all[role] = parts
    end
    parts[node] = on
    add_role(past, input, role, node, on, from)
  end
end

-- Another script than this one may have said anything.
local function state_of(parent) return type(parent.state) == "table" and parent.state or {} end

--- What all parents together say; the later (higher stamp) wins where they
-- only differ in settings.
---@param input table
---@return mesh.Past
function merge.past(input)
  local parents = input.parents or {}
  local past = {roles = {}, at = {}, instances = {}, ids = {}, node_parts = {}, from = {}, why = {},
    state = {}, folded = {}}
  if #parents == 1 then
    past.roles, past.why, past.state = parents[1].roles or {}, parents[1].why or {}, state_of(parents[1])
  end
  for i, parent in ipairs(parents) do
    local from = {parent = i, full = parent.grade == "full", roles = parent.roles or {}, alone = #parents == 1}
    if not from.alone then
      for name, part in pairs(parent.roles or {}) do past.roles[name] = part end
      for id, why in pairs(parent.why or {}) do past.why[id] = why end
      past.state = state.merge(past.state, state_of(parent))
    end
    for node, part in pairs(parent.nodes or {}) do add_node(past, input, node, part, from) end
  end
  table.sort(past.folded)
  return past
end

return merge
