---@meta mesh.placing
--- Carries out what mesh.place says: what can stay stays, what lost its node gets
-- another, and last a lopsided role is evened out.

local even = require "mesh.even"
local merge = require "mesh.merge"
local nodes = require "mesh.nodes"
local pick = require "mesh.pick"

local AVOIDED <const> = 1 << 20 -- a rank beyond all preferences
local FEW <const> = 8 -- so many instances find their node sooner without a heap of all nodes

local placing = {}

--- Rules by what they do.
local function sort_terms(terms)
  local sel = {filters = {}, levels = {}, soft = {}, caps = {}}
  for _, term in ipairs(terms) do
    if term.filter then table.insert(sel.filters, term.filter) end
    if term.level then table.insert(sel.levels, term.level) end
    if term.soft or term.near then table.insert(sel.soft, term) end
    if term.cap then table.insert(sel.caps, term.cap) end
    for _, key in ipairs {"even", "sticky", "pack", "avoid", "every"} do sel[key] = term[key] or sel[key] end
  end
  return sel
end

--- name -> group; of nested levels the group is a path.
local function groups_of(round, of, above)
  local map = {}
  for _, name in ipairs(round.names) do
    local group = of(round.input.nodes[name], name)
    map[name] = above and above[name] .. "\0" .. group or group
  end
  return map
end

local function setup(job, sel)
  local round, spec, levels, caps = job.round, job.spec, {}, {}
  for i, of in ipairs(sel.levels) do
    levels[i] = {of = groups_of(round, of, i > 1 and levels[i - 1].of), counts = {}}
  end
  for i, cap in ipairs(sel.caps) do caps[i] = {of = groups_of(round, cap.of), counts = {}, max = cap.max} end
  local options = {counts = {}, load = round.load, levels = levels}
  local counts, resources = options.counts, spec.resources
  local tallies = table.move(caps, 1, #caps, #levels + 1, table.move(levels, 1, #levels, 1, {}))
  --- Does a cap leave room on a node?
  local function free(name)
    for _, cap in ipairs(caps) do
      if (cap.counts[cap.of[name]] or 0) >= cap.max then return false end
    end
    return true
  end
  function options.fits(name)
    return (not caps[1] or free(name)) and (not resources or nodes.fits(round, name, resources))
  end
  local plain = tallies[1] == nil and not resources
  local function count(name, by)
    counts[name] = (counts[name] or 0) + by
    if plain then return end
    for _, tally in ipairs(tallies) do
      local key = tally.of[name]
      if key then tally.counts[key] = (tally.counts[key] or 0) + by end
    end
    if resources then nodes.reserve(round, name, resources, by) end
  end
  if sel.pack then
    function options.pack(name) return nodes.fullness(round, name) end
  end
  return options, count, caps[1] and free
end

--- May what was there stay?  true, or nil and why not; second true = as it was
-- (its old image), because the node lacks the new one.
local function may_stay(job, was, node, image, class, reason)
  if class == "ok" or class == "holds" then return true end
  local round = job.round
  if class == "lacks" and was.image ~= image and nodes.has(round, node, "images", was.image)
      and nodes.has(round, node, "sandboxes", job.spec.sandbox) then
    return true, true
  end
  local there = round.input.nodes[node]
  if job.spec.on_split == "keep" and there ~= nil and there.state ~= "left" then return true end
  return nil, reason or "left"
end

--- Has it failed on this node again and again?  Then the node is avoided for a while.
local function failed_there(job, sel, id, node)
  local copy = merge.copy_on(job.round.input, id, node)
  if not copy or (copy.state ~= "failed" and copy.state ~= "crash-loop")
      or (copy.restarts or 0) < sel.avoid.after then
    return nil
  end
  job.memory:avoid(node, job.round.now + sel.avoid.keep)
  return ("where it failed %d times"):format((copy.restarts or 0) + 1)
end

--- What can stay, stays; returns who waits for a node, with the reason.
local function keep_old(job, sel, at, work)
  local waiting, whys, past_at, past = {}, {}, job.past_at, job.past
  local image, class_of, ok
  local image_for, free, count, avoid = job.image_for, work.free, work.count, sel.avoid
  for _, id in ipairs(job.ids) do
    local node, stays, note = past_at[id], nil, nil
    if node then
      local wants, reason = image_for and image_for(id) or job.image, nil
      if wants ~= image then
        image = wants
        class_of, ok = select(2, work.candidates(image))
      end
      if ok[node] or job.held[id] then
        stays = true
      else
        local class
        class, reason = class_of(node)
        stays, note = may_stay(job, past[id], node, image, class, reason)
        if not stays then note = "which " .. note end
      end
      if stays and free and not free(node) then stays, note = nil, "which has enough of them" end
      local failed = stays and avoid and failed_there(job, sel, id, node)
      if failed and job.spec.on_split ~= "keep" then stays, note = nil, failed end
      if stays and note == true then
        job.as_it_was[id] = true
        job.why[id] = ("%s: keeps image %s, the node %s"):format(node, past[id].image, reason)
      end
    end
    if stays then
      at[id] = node
      count(node, 1)
    else
      waiting[#waiting + 1] = id
      whys[id] = node and ("moved from %s, %s"):format(node, note) or job.fresh and job.fresh[id] or "new"
    end
  end
  return waiting, whys
end

--- How far a node is from what a role would rather have: 0 is as wished.  `wishes`: of
-- an instance with wishes of its own.
local function rank_of(job, sel, name, wishes)
  local rank, node = 0, job.round.input.nodes[name]
  for i, term in ipairs(sel.soft) do
    local miss
    if term.near then
      miss = wishes[i] ~= "" and term.of(node, name) ~= wishes[i]
    else
      miss = not term.soft(node, name, job)
    end
    rank = rank * 2 + (miss and 1 or 0)
  end
  return sel.avoid and job.memory:avoids(name, job.round.now) and rank + AVOIDED or rank
end

--- Nodes among which a role may be evened out: those that it would rather have.
local function wished(job, sel, ok)
  if not sel.soft[1] and not sel.avoid then return ok end
  local list, best = {}, math.huge
  for _, term in ipairs(sel.soft) do
    if term.near then return list end -- each instance has wishes of its own
  end
  for _, name in ipairs(ok) do
    local rank = rank_of(job, sel, name)
    if rank < best then list, best = {}, rank end
    if rank == best then list[#list + 1] = name end
  end
  return list
end

--- Trees to pick from: one for each image, and for each place that an instance is near to.
local function trees(job, sel, options, work)
  local made, soft = {}, sel.soft
  return function(image, id)
    local wishes, key = {}, image
    for i, term in ipairs(soft) do
      if term.near then
        wishes[i] = term.near(job, id) or ""
        key = key .. "\0" .. wishes[i]
      end
    end
    if made[key] then return made[key] end
    local its = setmetatable({}, {__index = options})
    function its.rank(name) return rank_of(job, sel, name, wishes) end
    made[key] = pick.new((work.candidates(image)), its)
    return made[key]
  end
end

local function why_none(job, image, candidates)
  if #candidates(image) == 0 then return "none has the image and the sandbox and takes new work" end
  local need = job.spec.resources
  if not need then return "none has room for one more" end
  return ("none has room for one more (CPU %dm, memory %dMi)"):format(need.cpu, need.memory >> 20)
end

--- Nodes for those who wait.
local function hand_out(job, sel, at, work, waiting, whys)
  if #waiting == 0 then return end
  work.options.few = #waiting <= FEW
  local tree_of = trees(job, sel, work.options, work)
  local homeless, best = 0, sel.pack and "the fullest with room" or "it had the fewest of " .. job.spec.name
  for _, id in ipairs(waiting) do
    local was = job.past_at[id]
    local image = job.image_for and job.image_for(id) or job.image
    local left_behind = was and job.spec.on_split == "keep"
    local node, rank
    if not left_behind then node, rank = tree_of(image, id):take() end
    local class, reason
    if was then
      class, reason = select(2, work.candidates(image))(was)
    end
    local could = was and class ~= "gone" and class ~= "lacks"
    if node and not (could and rank >= AVOIDED) then
      at[id] = node
      work.count(node, 1)
      job.why[id] = ("%s: %s; %s%s"):format(node, whys[id], best, rank % AVOIDED > 0 and
        ", of those that are not quite as wished" or "")
    elseif could then
      at[id] = was
      work.count(was, 1)
      job.why[id] = ("%s: %s, but no other node can take it"):format(was, reason or whys[id])
    else
      homeless = homeless + 1
      job.why[id] = "no node: " .. (left_behind and whys[id] .. ", and on_split is keep"
        or why_none(job, image, work.candidates))
    end
  end
  if homeless > 0 then
    table.insert(job.missing, {role = job.spec.name,
      what = ("a node for %d of %d instances"):format(homeless, #job.ids)})
  end
end

--- One on every node: ROLE.NODE.
local function every(job, candidates)
  local at, ids, past_at = {}, {}, job.past_at
  local _, class_of = candidates(job.image)
  for _, name in ipairs(job.round.names) do
    local id = job.spec.name .. "." .. name
    local image = job.image_for and job.image_for(id) or job.image
    if job.image_for then class_of = select(2, candidates(image)) end
    local class, reason = class_of(name)
    local stays, as_it_was = false, nil
    if past_at[id] then
      stays, as_it_was = may_stay(job, job.past[id], name, image, class, reason)
      -- A failed node keeps its own: nobody else can run it, and if the node was
      -- only cut off it has nothing to restart when it is back.
      if class == "gone" and reason == "failed" then stays = true end
      if job.held[id] then stays, as_it_was = true, true end
    end
    if id ~= job.omit and (class == "ok" and not (job.waits and past_at[id] == nil) or stays) then
      ids[#ids + 1] = id
      at[id] = name
      job.as_it_was[id] = stays and as_it_was == true or nil
      job.why[id] = name .. (class == "ok" and ": one on every node" or ": stays, the node " .. reason)
    end
  end
  job.ids = ids
  return at
end

--- Do these rules put one on every node?
function placing.is_every(rules)
  for _, term in ipairs(type(rules) == "table" and rules or {}) do
    if term.every then return true end
  end
  return false
end

--- Where the instances of a role run.
---@param job table
---@param terms table[]  from mesh.place
---@return table<string, string>  instance -> node
function placing.run(job, terms)
  local sel = sort_terms(terms)
  local candidates = nodes.of(job, sel.filters)
  if sel.every then return every(job, candidates) end
  local at, resources = {}, job.spec.resources
  local options, count, free = setup(job, sel)
  local work = {candidates = candidates, options = options, count = count, free = free}
  if resources then
    for _, id in ipairs(job.past_ids) do nodes.reserve(job.round, job.past_at[id], resources, -1) end
  end
  local waiting, whys = keep_old(job, sel, at, work)
  if job.waits then
    local still = {}
    for _, id in ipairs(waiting) do
      if job.past_at[id] then still[#still + 1] = id else job.why[id] = job.waits end
    end
    waiting = still
  end
  hand_out(job, sel, at, work, waiting, whys)
  if sel.even and not sel.sticky and not job.image_for and not job.omit and job.spec.on_split ~= "keep" then
    even.out(job, at, options, wished(job, sel, (candidates(job.image))), count)
  end
  return at
end


return placing
