---@meta mesh.state
--- What a scheduler remembers, and how the memories of two sides become one.
--
-- mesh.scheduler keeps five tables in the schedule's `state`; all other keys are the author's.
--
--     state.roles[ROLE]   what operators said, each a cell {value =, stamp =}:
--                         scale, version, pause, on; nodes[NODE]; avoid[NODE]
--     state.nodes[NODE]   drain, tags[TAG], slot: cells as well
--     state.drain[ROLE]   who has left a node that drains, and is not well yet (mesh.drain)
--     state.scale[ROLE]   what mesh.scale goes by; state.update[ROLE], mesh.update's progress
--
-- A stamp is the wall clock of the node that took the action, in ms.  Of two cells the later
-- stands; of equal stamps the greater value, so merging is commutative and associative, and
-- any number of sides comes to the same whatever the order; so it is of updates, by when they
-- began.  Of an author's own keys the later parent's stands.

local util = require "mesh.util"

local state = {}

local DEPTH_MAX <const> = 16

--- A value as text, the same for the same value: to order two of the same stamp.
local function canon(value, depth)
  if type(value) ~= "table" then
    return type(value) == "string" and ("%q"):format(value) or type(value) .. tostring(value)
  end
  if (depth or 0) >= DEPTH_MAX then return "..." end
  local out = {}
  for _, key in ipairs(util.sorted_keys(value)) do
    out[#out + 1] = tostring(key) .. "=" .. canon(value[key], (depth or 0) + 1)
  end
  return "{" .. table.concat(out, ",") .. "}"
end
state.canon = canon

local function stamp_of(cell)
  local stamp = type(cell) == "table" and cell.stamp
  return type(stamp) == "number" and stamp == stamp and stamp or nil
end

-- What is no table counts less than any, one without a stamp less than a cell.
local function rank(value) return type(value) ~= "table" and 0 or stamp_of(value) and 2 or 1 end

local function later(a, b)
  local p, q = rank(a), rank(b)
  if p == q then p, q = stamp_of(a), stamp_of(b) end
  if p == q then p, q = canon(a), canon(b) end
  if p >= q then return a end
  return b
end

-- Cells by stamp, tables of cells key by key.
local function merge_cells(a, b, depth)
  if a == nil or b == nil then
    if a == nil then return b end
    return a
  end
  if type(a) ~= "table" or type(b) ~= "table" or stamp_of(a) or stamp_of(b) or depth >= DEPTH_MAX then
    return later(a, b)
  end
  local out = {}
  for key, value in pairs(a) do out[key] = merge_cells(value, b[key], depth + 1) end
  for key, value in pairs(b) do
    if a[key] == nil then out[key] = value end
  end
  return out
end

local function number(v) return type(v) == "number" and v == v and v or -math.huge end

--- Of two records of an update the one that began last stands; of one that began before the
-- split, and both sides went on with, the one that is further.  A total order over the records
-- (began, step, stamp, and then their text), so it is no matter who is merged first.
local function merge_update(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return later(a, b) end
  local x, y = number(a.began), number(b.began)
  if x ~= y then return x > y and a or b end
  for _, key in ipairs {"step", "stamp"} do
    x, y = number(a[key]), number(b[key])
    if x ~= y then return x > y and a or b end
  end
  return later(a, b)
end

local function merge_updates(a, b)
  local out = {}
  for role, mine in pairs(a) do
    local other = b[role]
    if other == nil then out[role] = mine else out[role] = merge_update(mine, other) end
  end
  for role, other in pairs(b) do
    if a[role] == nil then out[role] = other end
  end
  return out
end

--- What is kept by name.  The schedule before may be another script's, whose state is what it likes.
local function table_of(value)
  local out = {}
  for key, v in pairs(type(value) == "table" and value or out) do
    if type(key) == "string" then out[key] = v end
  end
  return out
end

--- One memory of two.  Neither is changed.
---@param a table
---@param b table  of the later parent
---@return table
function state.merge(a, b)
  local out = {}
  for key, value in pairs(a) do out[key] = value end
  for key, value in pairs(b) do out[key] = value end
  for _, key in ipairs {"drain", "roles", "nodes", "scale"} do
    if a[key] ~= nil or b[key] ~= nil then out[key] = merge_cells(table_of(a[key]), table_of(b[key]), 0) end
  end
  if a.update ~= nil or b.update ~= nil then
    out.update = merge_updates(table_of(a.update), table_of(b.update))
  end
  return out
end

local own <const> = {drain = true, roles = true, nodes = true, scale = true, update = true}

--- Is it a key of mesh.scheduler's?
function state.is_own(key) return own[key] == true end

local function copy(value, depth)
  if type(value) ~= "table" or depth == 0 then return value end
  local out = {}
  for key, v in pairs(value) do out[key] = copy(v, depth - 1) end
  return out
end

state.copy = copy

--- The memory of a round: a copy that may be changed.
---@class mesh.Memory
local Memory = {}
Memory.__index = Memory

---@param past table  the state of the parents
---@return mesh.Memory
function state.open(past)
  local all = {}
  for key, value in pairs(past) do all[key] = value end
  for _, key in ipairs {"drain", "roles", "nodes", "scale", "update"} do all[key] = copy(table_of(past[key]), 4) end
  return setmetatable({all = all}, Memory)
end

local function cell_in(tree, path)
  for _, key in ipairs(path) do
    if type(tree) ~= "table" then return nil end
    tree = tree[key]
  end
  return type(tree) == "table" and tree or nil
end

--- What was said: memory:get("roles", "web", "scale"); nil: nothing.
---@return any value, number? stamp
function Memory:get(...)
  local cell = cell_in(self.all, {...})
  if cell == nil then return nil end
  return cell.value, cell.stamp
end

--- Say something, unless something later was said: memory:set(stamp, value, "roles", "web", "scale").
function Memory:set(stamp, value, ...)
  local path, tree = {...}, self.all
  for i = 1, #path - 1 do
    if type(tree[path[i]]) ~= "table" then tree[path[i]] = {} end
    tree = tree[path[i]]
  end
  local new = {value = value, stamp = stamp}
  local old = tree[path[#path]]
  tree[path[#path]] = old ~= nil and later(old, new) or new
end

--- The same for one role, as the rules of mesh.place see it.
function Memory:role(name)
  local memory = self
  local of = {}
  function of.get(_, ...) return memory:get("roles", name, ...) end
  function of.set(_, stamp, value, ...) memory:set(stamp, value, "roles", name, ...) end
  function of.avoid(_, node, till) memory:set(till, true, "roles", name, "avoid", node) end
  function of.avoids(_, node, now)
    local _, till = memory:get("roles", name, "avoid", node)
    return till ~= nil and till > now
  end
  function of.assigned(_, node) return memory:get("roles", name, "nodes", node) == true end
  return of
end

local function prune(tree, depth)
  for _, key in ipairs(util.keys(tree)) do
    local value = tree[key]
    if type(value) == "table" and value.stamp == nil and depth > 0 then
      prune(value, depth - 1)
      if next(value) == nil then tree[key] = nil end
    end
  end
end

--- What goes into the schedule: without what is over; nil when nothing is left.
---@param now integer
---@return table?
function Memory:close(now)
  for _, role in pairs(self.all.roles) do
    if type(role) == "table" and type(role.avoid) == "table" then
      for _, node in ipairs(util.keys(role.avoid)) do
        local cell = role.avoid[node]
        if type(cell) ~= "table" or (cell.stamp or 0) <= now then role.avoid[node] = nil end
      end
    end
  end
  for _, key in ipairs {"drain", "roles", "nodes", "scale", "update"} do
    prune(self.all[key], 2)
    if next(self.all[key]) == nil then self.all[key] = nil end
  end
  return next(self.all) ~= nil and self.all or nil
end

return state
