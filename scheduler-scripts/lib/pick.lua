---@meta mesh.pick
--- The best node for one more instance, again and again, in O(log nodes) each.
--
-- Nodes are sorted into tiers (what a role would rather have, or not), in a tier into
-- groups by each key that it spreads over, and in the last group into a heap:
--
--     tier 0 ── zone a ── rack 1 ── heap of nodes
--            │         └─ rack 2 ── …
--            └─ zone b ── …
--     tier 1 ── …
--
-- An instance goes to the first tier with room, there to the group with the fewest, and
-- there to the first of the heap: the fewest of the role, or with `pack` the fullest that
-- has room; then the least loaded, then by name.  Counts are shared by all such trees of
-- a role: a record that is behind is put right when it comes to the top, which is enough
-- as counts only grow while instances are handed out.
--
-- For a few instances (`few`) no heap is worth its making: the nodes are looked through.

local pick = {}

local function before_spread(a, b)
  if a.count ~= b.count then return a.count < b.count end
  if a.load ~= b.load then return a.load < b.load end
  return a.name < b.name
end

local function before_pack(a, b)
  if a.full ~= b.full then return a.full > b.full end
  if a.count ~= b.count then return a.count < b.count end
  return a.name < b.name
end

local function sift_down(heap, i, before)
  local n = #heap
  while true do
    local least, left = i, 2 * i
    if left <= n and before(heap[left], heap[least]) then least = left end
    if left < n and before(heap[left + 1], heap[least]) then least = left + 1 end
    if least == i then return end
    heap[i], heap[least] = heap[least], heap[i]
    i = least
  end
end

--- What a tree is made for.
---@class mesh.PickOptions
---@field counts table<string, integer>          of the role's instances, by node
---@field load table<string, integer>            of all instances, by node
---@field levels table[]                         {of = node -> group, counts = group -> instances}
---@field rank? fun(name: string): integer       tier; default 0
---@field pack? fun(name: string): number        how full; absent: spread
---@field fits fun(name: string): boolean        has room; once false for a name, always false
---@field few? boolean                           only a few instances are to be handed out

local function heapify(heap, before)
  for i = #heap // 2, 1, -1 do sift_down(heap, i, before) end
end

--- Nodes below one level: {groups} or, at the last, a heap.
local function build(names, options, depth)
  local level = options.levels[depth]
  if level == nil then
    if options.few and not options.pack then return {names = names} end
    local heap = {}
    for i, name in ipairs(names) do
      heap[i] = {name = name, count = options.counts[name] or 0, load = options.load[name] or 0,
        full = options.pack and options.pack(name) or 0}
    end
    heapify(heap, options.pack and before_pack or before_spread)
    return {heap = heap}
  end
  local groups, by = {}, {}
  for _, name in ipairs(names) do
    local key = level.of[name]
    local group = by[key]
    if group == nil then
      group = {key = key, names = {}, load = 0}
      by[key], groups[#groups + 1] = group, group
    end
    group.names[#group.names + 1] = name
    group.load = group.load + (options.load[name] or 0)
  end
  for _, group in ipairs(groups) do
    group.size, group.below = #group.names, build(group.names, options, depth + 1)
  end
  return {groups = groups, counts = level.counts}
end

local function group_before(a, b, counts)
  local x, y = counts[a.key] or 0, counts[b.key] or 0
  if x ~= y then return x < y end
  local p, q = a.load * b.size, b.load * a.size
  if p ~= q then return p < q end
  return a.key < b.key
end

local function take_heap(heap, options, before)
  while true do
    local top = heap[1]
    if top == nil then return nil end
    local count = options.counts[top.name] or 0
    if count ~= top.count then
      top.count, top.load = count, options.load[top.name] or top.load
      top.full = options.pack and options.pack(top.name) or 0
      sift_down(heap, 1, before)
    elseif not options.fits(top.name) then
      heap[1] = heap[#heap]
      heap[#heap] = nil
      sift_down(heap, 1, before)
    else
      return top.name
    end
  end
end

--- The same without a heap: as before_spread has it.
local function take_first(names, options)
  local counts, load, fits = options.counts, options.load, options.fits
  local best, least, lightest
  for i = 1, #names do
    local name = names[i]
    local count = counts[name] or 0
    if best == nil or count <= least then
      local weight = load[name] or 0
      if (best == nil or count < least or weight < lightest or weight == lightest and name < best)
          and fits(name) then
        best, least, lightest = name, count, weight
      end
    end
  end
  return best
end

local function take(tree, options, before)
  if tree.names then return take_first(tree.names, options) end
  if tree.heap then return take_heap(tree.heap, options, before) end
  while true do
    local best, at
    for i, group in ipairs(tree.groups) do
      if best == nil or group_before(group, best, tree.counts) then best, at = group, i end
    end
    if best == nil then return nil end
    local name = take(best.below, options, before)
    if name then
      best.load = best.load + 1
      return name
    end
    table.remove(tree.groups, at)
  end
end

---@class mesh.Pick
local Pick = {}
Pick.__index = Pick

--- Nodes to hand out instances to.
---@param names string[]
---@param options mesh.PickOptions
---@return mesh.Pick
function pick.new(names, options)
  local tiers, by = {}, {}
  for _, name in ipairs(names) do
    local rank = options.rank and options.rank(name) or 0
    if by[rank] == nil then
      by[rank] = {}
      tiers[#tiers + 1] = rank
    end
    table.insert(by[rank], name)
  end
  table.sort(tiers)
  local self = setmetatable({options = options, before = options.pack and before_pack or before_spread}, Pick)
  for i, rank in ipairs(tiers) do self[i] = {rank = rank, tree = build(by[rank], options, 1)} end
  return self
end

--- The best node with room and its tier; nil: none.  The caller counts it.
---@return string?, integer?
function Pick:take()
  for _, tier in ipairs(self) do
    local name = take(tier.tree, self.options, self.before)
    if name then return name, tier.rank end
  end
  return nil
end

return pick
