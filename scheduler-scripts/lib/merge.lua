---@meta mesh.merge
--- One past out of several: what was scheduled where, from all parents.
-- Normally there is one parent.  After a split heals there are two or more, and
-- an instance may have a copy on each side: one of them stays.

---@class mesh.Past
---@field roles table<string, table>                 the role's own part
---@field places table<string, table<string, table>> role -> id -> {node, process, image, vars, parent, full}
---@field node_parts table<string, table<string, table>>  role -> node -> {sandbox, vars}
---@field why table<string, string>
---@field state table

local merge = {}

--- The copy of an instance that runs on a node, or nil.
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
local function standing(input, id, place)
  local node = input.nodes and input.nodes[place.node]
  if not node or node.state == "failed" or node.state == "left" then return 4, 0 end
  if node.reported == false then return 2, 0 end
  local copy = copy_on(input, id, place.node)
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
  local ra, sa = standing(input, id, a)
  local rb, sb = standing(input, id, b)
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

-- Parents come by stamp: what a later one says of a node stands.
local function add_node(past, input, node, part, from)
  for role, on in pairs(part.roles or {}) do
    local places = past.places[role]
    if not places then
      places, past.node_parts[role] = {}, {}
      past.places[role] = places
    end
    past.node_parts[role][node] = {sandbox = on.sandbox, vars = on.vars}
    local exclusive = (from.roles[role] or {}).on_split == "exclusive"
    for id, was in pairs(on.instances or {}) do
      local new = {node = node, process = was.process, image = was.image, vars = was.vars or {},
        parent = from.parent, full = from.full, exclusive = exclusive}
      local old = places[id]
      if old and old.node ~= node then
        if stays(input, id, old, new) then new, old = old, new end
        past.folded[#past.folded + 1] = ("%s: stays on %s, its copy on %s stops: both sides ran it")
          :format(id, new.node, old.node)
      end
      places[id] = new
    end
  end
end

--- What all parents together say; the later (higher stamp) wins where they
-- only differ in settings.
---@param input table
---@return mesh.Past
function merge.past(input)
  local past = {roles = {}, places = {}, node_parts = {}, why = {}, state = {}, folded = {}}
  for i, parent in ipairs(input.parents or {}) do
    local from = {parent = i, full = parent.grade == "full", roles = parent.roles or {}}
    for name, part in pairs(parent.roles or {}) do past.roles[name] = part end
    for id, why in pairs(parent.why or {}) do past.why[id] = why end
    for key, value in pairs(parent.state or {}) do past.state[key] = value end
    for node, part in pairs(parent.nodes or {}) do add_node(past, input, node, part, from) end
  end
  table.sort(past.folded)
  return past
end

return merge
