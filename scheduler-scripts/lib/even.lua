---@meta mesh.even
--- A lopsided role, put right: from the fullest group (zone, node) to the emptiest.
-- What does not run (yet), or runs there already, moves freely; of what runs well, one
-- a round, and only while everything else runs well too.

local merge = require "mesh.merge"

local MOVES_MAX <const> = 200 -- in one round

local even = {}

local function running_well(round, id, node)
  local copy = merge.copy_on(round.input, id, node)
  return copy ~= nil and copy.state == "running" and copy.health ~= "unhealthy" and copy.health ~= "wait"
end

--- Groups of one level, in the groups of the level above: scope -> list of groups.
local function scopes_of(work, depth)
  local options, scopes, by = work.options, {}, {}
  local level, above = options.levels[depth], options.levels[depth - 1]
  for _, name in ipairs(work.ok) do
    local key, scope = level and level.of[name] or name, above and above.of[name] or ""
    local group = by[key]
    if group == nil then
      group = {key = key, counts = level and level.counts or options.counts, names = {}}
      by[key] = group
      if scopes[scope] == nil then
        scopes[scope] = {}
        scopes[#scopes + 1] = scopes[scope]
      end
      table.insert(scopes[scope], group)
    end
    group.names[#group.names + 1] = name
  end
  return scopes
end

local function count_of(group) return group.counts[group.key] or 0 end

--- Of most roles nothing is to be done: seen without a table for each node.
local function is_level(options, ok)
  if options.levels[1] then return false end
  local counts, low, high = options.counts, math.huge, 0
  for i = 1, #ok do
    local c = counts[ok[i]] or 0
    if c < low then low = c end
    if c > high then high = c end
  end
  return high - low < 2
end

local function lopsided(groups)
  local low, high = math.huge, 0
  for _, group in ipairs(groups) do
    local c = count_of(group)
    low, high = math.min(low, c), math.max(high, c)
  end
  return high - low >= 2
end

--- The node of a group with the most, or (least) with the fewest and room.
local function node_of(work, group, least)
  local counts, load, best = work.options.counts, work.options.load, nil
  for _, name in ipairs(group.names) do
    local c, b = counts[name] or 0, best and counts[best] or 0
    local better
    if least then
      better = work.options.fits(name) and (best == nil or c < b or
        c == b and (load[name] or 0) < (load[best] or 0))
    else
      better = best == nil or c > b
    end
    if better then best = name end
  end
  return best
end

--- The fullest and the emptiest group that can give and take; with their nodes.
local function extremes(work, groups)
  local full, empty, from, to
  for _, group in ipairs(groups) do
    if not group.gives_not and (full == nil or count_of(group) > count_of(full)) then
      local name = node_of(work, group)
      if (work.options.counts[name] or 0) > 0 then full, from = group, name else group.gives_not = true end
    end
    if not group.takes_not then
      local c = empty and count_of(empty)
      if empty == nil or count_of(group) <= c then
        local name = node_of(work, group, true)
        if name == nil then
          group.takes_not = true
        elseif empty == nil or count_of(group) < c or
            (work.options.load[name] or 0) < (work.options.load[to] or 0) then
          empty, to = group, name
        end
      end
    end
  end
  return full, empty, from, to
end

--- Which instance leaves; false: none may now.
local function choose(work, from, to)
  local round, list, pick, free = work.job.round, work.by_node[from], nil, false
  for i, id in ipairs(list) do
    local copy = merge.copy_on(round.input, id, to)
    if copy and copy.state == "running" then pick, free = i, true break end
    if not pick and not running_well(round, id, from) then pick, free = i, true end
  end
  if not free then
    if not work.well then return false end
    pick, work.well = #list, false
  end
  return table.remove(list, pick)
end

local function index(work)
  work.by_node, work.well = {}, true
  for _, id in ipairs(work.job.ids) do
    local node = work.at[id]
    if node then
      work.by_node[node] = work.by_node[node] or {}
      table.insert(work.by_node[node], id)
      work.well = work.well and running_well(work.job.round, id, node)
    end
  end
end

local function even_groups(work, groups)
  if work.by_node == nil then index(work) end
  while work.moves < MOVES_MAX do
    local full, empty, from, to = extremes(work, groups)
    if not full or not empty or count_of(full) - count_of(empty) < 2 then return end
    local more = count_of(full) - count_of(empty)
    local id = choose(work, from, to)
    if not id then return end
    work.at[id], work.moves = to, work.moves + 1
    work.by_node[to] = work.by_node[to] or {}
    table.insert(work.by_node[to], id)
    work.count(from, -1)
    work.count(to, 1)
    work.job.as_it_was[id] = nil
    work.job.why[id] = ("%s: moved from %s, which had %d more of %s"):format(to, from, more, work.job.spec.name)
  end
end

--- Move what makes a role more even.
---@param job table
---@param at table<string, string>
---@param options mesh.PickOptions
---@param ok string[]                                  nodes that take new work
---@param count fun(name: string, by: integer)         one more on a node
function even.out(job, at, options, ok, count)
  if is_level(options, ok) then return end
  local work = {job = job, at = at, options = options, ok = ok, count = count, moves = 0}
  for depth = 1, #options.levels + 1 do
    for _, groups in ipairs(scopes_of(work, depth)) do
      if lopsided(groups) then even_groups(work, groups) end
    end
  end
end

return even
