---@meta mesh.place
--- Where instances run.  Placement is sticky: what runs well stays; only what
-- lost its node moves, and one instance at a time evens out a lopsided role.
-- A node never gets work when it lacks the image or the sandbox, or is failed,
-- left, draining, unstable, suspected or has not reported yet.

local merge = require "mesh.merge"

local LIST_MAX <const> = 256 -- a list of facts this long was cut: it proves nothing
local MISSING_MAX <const> = 20
local MOVES_MAX <const> = 200 -- of instances that do not run well, in one round

---@class mesh.PlaceOptions
---@field only? fun(node: table, name: string): boolean  which nodes may have the role at all

local place = {}

local function set_of(list)
  -- Nothing told, or a list that was cut: believe that it has everything.
  if list == nil or #list >= LIST_MAX then return setmetatable({}, {__index = function() return true end}) end
  local set = {}
  for i = 1, #list do set[list[i]] = true end
  return set
end

--- What a node has, looked up once a round: {images, sandboxes} as sets.
local function facts_of(round, name)
  local facts = round.facts[name]
  if facts == nil then
    local told = round.input.nodes[name].facts or {}
    facts = {images = set_of(told.images), sandboxes = set_of(told.sandboxes)}
    round.facts[name] = facts
  end
  return facts
end

--- What a node may do for a role: "ok" takes new work; "holds" keeps what it
-- has; "lacks" has not the image or sandbox; "drains" gives away what it can;
-- "gone" is failed or left.  And the reason, where it is not "ok".
local function class_of(round, name, spec)
  local node = round.input.nodes[name]
  if node == nil or node.state == "left" then return "gone", "left" end
  if node.state == "failed" then return "gone", "failed" end
  if node.draining then return "drains", "drains" end
  if node.reported == false then return "holds", "has not reported yet" end
  local facts = facts_of(round, name)
  if not facts.images[spec.image] then return "lacks", "lacks image " .. spec.image end
  if not facts.sandboxes[spec.sandbox] then return "lacks", "lacks sandbox " .. spec.sandbox end
  if node.state == "restarting" then return "holds", "is restarting" end
  if node.state == "suspect" then return "holds", "is suspected" end
  if node.unstable then return "holds", "is unstable" end
  return "ok"
end

--- Classes of all nodes for a role; what is missing goes into the result.
local function classify(job, options)
  local spec, round = job.spec, job.round
  local classes, reasons, ok, lacking = {}, {}, {}, 0
  for _, name in ipairs(round.names) do
    local class, reason = class_of(round, name, spec)
    if options.only and class ~= "gone" and not options.only(round.input.nodes[name], name) then
      class, reason = "drains", "is not for " .. spec.name
    end
    classes[name], reasons[name] = class, reason
    if class == "ok" then ok[#ok + 1] = name end
    if class == "lacks" then
      lacking = lacking + 1
      if lacking <= MISSING_MAX then
        local row, facts = {node = name, role = spec.name}, facts_of(round, name)
        if not facts.images[spec.image] then row.image = spec.image end
        if not facts.sandboxes[spec.sandbox] then row.sandbox = spec.sandbox end
        job.missing[#job.missing + 1] = row
      end
    end
  end
  if lacking > MISSING_MAX then
    job.missing[#job.missing + 1] = {role = spec.name,
      what = ("image or sandbox on %d more nodes"):format(lacking - MISSING_MAX)}
  end
  return classes, reasons, ok
end

--- A heap of nodes: fewest instances of the role first, then the least loaded,
-- then by name.  Instances are handed out in O(log nodes) each.
local Heap = {}
Heap.__index = Heap

local function before(a, b)
  if a.count ~= b.count then return a.count < b.count end
  if a.load ~= b.load then return a.load < b.load end
  return a.name < b.name
end

function Heap:sift_down(i)
  local n = #self
  while true do
    local least, left = i, 2 * i
    if left <= n and before(self[left], self[least]) then least = left end
    if left < n and before(self[left + 1], self[least]) then least = left + 1 end
    if least == i then return end
    self[i], self[least] = self[least], self[i]
    i = least
  end
end

local function heap_of(names, counts, load)
  local heap = setmetatable({}, Heap)
  for i, name in ipairs(names) do
    heap[i] = {name = name, count = counts[name] or 0, load = load[name] or 0}
  end
  for i = #heap // 2, 1, -1 do heap:sift_down(i) end
  return heap
end

--- The best node; it counts as one fuller from now on.
function Heap:take()
  local best = self[1]
  if best == nil then return nil end
  local name = best.name
  best.count, best.load = best.count + 1, best.load + 1
  self:sift_down(1)
  return name
end

--- May what was there stay?  true, or nil and why not; second true = as it was
-- (its old image), because the node lacks the new one.
local function may_stay(job, was, classes, reasons)
  local class = classes[was.node]
  if class == "ok" or class == "holds" then return true end
  local node = job.round.input.nodes[was.node]
  if class == "lacks" then
    local facts = facts_of(job.round, was.node)
    if was.image ~= job.spec.image and facts.images[was.image] and facts.sandboxes[job.spec.sandbox] then
      return true, true
    end
  end
  if job.spec.on_split == "keep" and node ~= nil and node.state ~= "left" then return true end
  return nil, reasons[was.node] or "left"
end

local function running_well(round, id, node)
  local copy = merge.copy_on(round.input, id, node)
  return copy ~= nil and copy.state == "running" and copy.health ~= "unhealthy" and copy.health ~= "wait"
end

--- A lopsided role: from the fullest node to the emptiest.  What does not run
-- (yet), or runs there already, moves freely; of what runs well, one a round,
-- and only while everything else runs well too.
local function even_out(job, at, ok, counts, load)
  local round, by_node, well = job.round, {}, true
  local low, high = math.huge, 0
  for _, name in ipairs(ok) do
    local c = counts[name] or 0
    low, high = math.min(low, c), math.max(high, c)
  end
  if high - low < 2 then return end
  for _, id in ipairs(job.ids) do
    local node = at[id]
    if node then
      by_node[node] = by_node[node] or {}
      table.insert(by_node[node], id)
      well = well and running_well(round, id, node)
    end
  end
  for _ = 1, math.min(#job.ids, MOVES_MAX) do
    local full, empty
    for _, name in ipairs(ok) do
      local c = counts[name] or 0
      if not full or c > (counts[full] or 0) then full = name end
      if not empty or c < (counts[empty] or 0) or
          (c == (counts[empty] or 0) and (load[name] or 0) < (load[empty] or 0)) then
        empty = name
      end
    end
    if (counts[full] or 0) - (counts[empty] or 0) < 2 then return end
    local list, pick, free = by_node[full], nil, false
    for i, id in ipairs(list) do
      local copy = merge.copy_on(round.input, id, empty)
      if copy and copy.state == "running" then pick, free = i, true break end
      if not pick and not running_well(round, id, full) then pick, free = i, true end
    end
    if not free then
      if not well then return end
      pick, well = #list, false
    end
    local id = table.remove(list, pick)
    at[id] = empty
    by_node[empty] = by_node[empty] or {}
    table.insert(by_node[empty], id)
    counts[full], counts[empty] = counts[full] - 1, (counts[empty] or 0) + 1
    job.why[id] = ("%s: moved from %s, which had %d more of %s"):format(empty, full,
      counts[full] - counts[empty] + 2, job.spec.name)
  end
end

local function number_ids(job)
  local ids = {}
  for i = 1, job.count do ids[i] = job.spec.name .. "." .. i end
  return ids
end

--- What can stay, stays; returns who waits for a node, with the reason.
local function keep_old(job, at, counts, classes, reasons)
  local waiting, whys = {}, {}
  for _, id in ipairs(job.ids) do
    local was = job.past[id]
    local stays, note = nil, nil
    if was then stays, note = may_stay(job, was, classes, reasons) end
    if stays then
      at[id] = was.node
      counts[was.node] = (counts[was.node] or 0) + 1
      if note then
        job.as_it_was[id] = true
        job.why[id] = ("%s: keeps image %s, the node %s"):format(was.node, was.image, reasons[was.node])
      end
    else
      waiting[#waiting + 1] = id
      whys[id] = was and ("moved from %s, which %s"):format(was.node, note) or "new"
    end
  end
  return waiting, whys
end

local function over_nodes(options, evenly)
  return function(job)
    local at, counts, load = {}, {}, job.round.load
    local classes, reasons, ok = classify(job, options)
    job.ids = number_ids(job)
    local waiting, whys = keep_old(job, at, counts, classes, reasons)
    local heap = heap_of(ok, counts, load)
    local homeless = 0
    for _, id in ipairs(waiting) do
      local was = job.past[id]
      local left_behind = was and job.spec.on_split == "keep"
      local node = not left_behind and heap:take() or nil
      if node then
        at[id] = node
        counts[node] = (counts[node] or 0) + 1
        job.why[id] = ("%s: %s; it had the fewest of %s"):format(node, whys[id], job.spec.name)
      elseif was and classes[was.node] == "drains" then
        at[id] = was.node
        job.why[id] = was.node .. ": drains, but no other node can take it"
      else
        homeless = homeless + 1
        job.why[id] = "no node: " .. (left_behind and whys[id] .. ", and on_split is keep" or
          "none has the image and the sandbox and takes new work")
      end
    end
    if homeless > 0 then
      job.missing[#job.missing + 1] = {role = job.spec.name,
        what = ("a node for %d of %d instances"):format(homeless, #job.ids)}
    end
    if evenly and job.spec.on_split ~= "keep" then even_out(job, at, ok, counts, load) end
    return at
  end
end

--- Over all nodes as evenly as can be: what runs well moves only, and one at a
-- time, to even out a lopsided role.
---@param options? mesh.PlaceOptions
function place.spread(options)
  return over_nodes(options or {}, true)
end

--- New work spread like `spread`, but nothing that can stay ever moves: not when
-- a node joins, not when one comes back.
---@param options? mesh.PlaceOptions
function place.sticky(options)
  return over_nodes(options or {}, false)
end

--- One on every node that has the image and the sandbox: ROLE.NODE.
---@param options? mesh.PlaceOptions
function place.every(options)
  options = options or {}
  return function(job)
    local at = {}
    local classes, reasons = classify(job, options)
    job.ids = {}
    for _, name in ipairs(job.round.names) do
      local id = job.spec.name .. "." .. name
      local was = job.past[id]
      local class = classes[name]
      local stays, as_it_was = false, nil
      if was then stays, as_it_was = may_stay(job, was, classes, reasons) end
      -- A failed node keeps its own: nobody else can run it, and if the node was
      -- only cut off it has nothing to restart when it is back.
      if not stays and was and class == "gone" and reasons[name] == "failed" then stays = true end
      if class == "ok" or stays then
        job.ids[#job.ids + 1] = id
        at[id] = name
        job.as_it_was[id] = stays and as_it_was == true or nil
        job.why[id] = name .. (class == "ok" and ": one on every node" or ": stays, the node " .. reasons[name])
      end
    end
    return at
  end
end

return place
