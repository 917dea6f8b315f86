---@meta mesh.drain
--- A node that is being emptied: its instances leave in turn, and what is still on it is told.
--
--     drain = {at_most = "10%", order = "stop-first", min_healthy = "2s", deadline = "10m"}
--
-- So many of a role move at a time (at_most; a tenth of it, at least one); the next when these
-- run well elsewhere for `min_healthy`.  What does not run well there has nothing to lose, and
-- leaves at once.  One that does not come up elsewhere is waited for until `deadline`.
-- With `order = "start-first"` as many more of the role, at most three, run meanwhile, so that it
-- never has fewer than its count.  `mesh action --node n1 drain now=true`, a lost node: at once.
--
-- Who is under way is in the schedule's state: drain[ROLE][INSTANCE] = {value = from, stamp = when}.

local merge = require "mesh.merge"
local schema = require "mesh.schema"
local units = require "mesh.units"
local util = require "mesh.util"

local LISTED_MAX <const> = 20 -- of one role in a round
local MORE_MAX <const> = 3    -- that run meanwhile: the rails of the host let these end
local MORE <const> = "+"      -- their number, in the state
local NO_NODE <const> = "no other node can take it"

local drain = {}

---@class mesh.DrainSpec
---@field at_most? integer|string  of the role at a time: 2, "25%" ("10%", at least one)
---@field order? "stop-first"|"start-first"
---@field min_healthy? string      so long must one have run well elsewhere ("2s")
---@field deadline? string         so long it is waited for ("10m")

local s <const> = schema
local integer <const> = s.integer(1, 10000)
local function number_or_percent(value, path)
  return (type(value) == "string" and s.percent or integer)(value, path)
end
local spec_of <const> = s.record {
  at_most = s.optional(number_or_percent), min_healthy = s.optional(s.duration, 2000),
  order = s.optional(s.enum {"stop-first", "start-first"}, "stop-first"), deadline = s.optional(s.duration, 600000),
}

--- What a role says of it, checked; or nil and one line.
---@param given any
---@return table?, string?
function drain.parse(given)
  local spec, err = s.check(spec_of, given, "drain")
  if not spec then return nil, err end
  local text = given.at_most
  if type(text) == "string" then spec.at_most, spec.percent = nil, units.percent(text) end
  return spec
end

local default <const> = assert(drain.parse {})

local function at_most(spec, n)
  return spec.at_most or math.max(1, math.floor(n * (spec.percent or 10) / 100))
end

local function runs_well(copy)
  return copy ~= nil and copy.state == "running" and copy.health ~= "unhealthy" and copy.health ~= "wait"
end

--- Does any node of this round drain?
local function any(round)
  if round.draining == nil then
    round.draining = false
    for _, node in ipairs(round.names) do
      if round.classes[node] == "drains" then round.draining = true end
    end
  end
  return round.draining
end

--- Nodes with work that is still to leave them: what is one on every node goes after it.
local function with_work(round)
  if round.leaving == nil then
    round.leaving = {}
    for name, spec in pairs(round.specs) do
      if spec.on_split ~= "keep" and not spec.everywhere then
        for _, node in pairs(round.past.at[name] or {}) do round.leaving[node] = true end
      end
    end
  end
  return round.leaving
end

--- Has it run well there for long enough?
local function settled(work, id, node)
  local copy = node and merge.copy_on(work.round.input, id, node)
  return runs_well(copy) and work.round.now - (copy.since or work.round.now) >= work.spec.min_healthy
end

local function waits(work, id, node)
  work.busy = work.busy + 1
  work.says = work.says or ("waits for %s%s to be healthy"):format(id, node and " on " .. node or "")
end

--- Who is under way.
local function under_way(work)
  local round, job, name = work.round, work.job, work.job.spec.name
  local mine = round.memory.all.drain[name]
  if type(mine) ~= "table" then return {} end
  local wanted = util.set(job.ids)
  for _, id in ipairs(util.keys(mine)) do
    local cell, node = mine[id], job.past_at[id]
    local stamp = type(cell) == "table" and tonumber(cell.stamp) or 0
    if id == MORE then
      work.more = stamp > 0 and cell or nil -- a copy: it may be changed
    elseif not wanted[id] or settled(work, id, node) or node and round.classes[node] == "drains" then
      mine[id] = nil
    elseif round.now - stamp > work.spec.deadline then
      mine[id] = nil
      round:journal(("%s: is not healthy %s after it left a node that drains; the next one leaves it"):format(id,
        units.show_ms(work.spec.deadline)))
    else
      waits(work, id, node)
    end
  end
  return mine
end

--- Of those that stay where they are: who is not well, and not for long.
local function unwell(work, mine)
  local round, past_at = work.round, work.job.past_at
  for _, id in ipairs(work.job.ids) do
    local node = past_at[id]
    if node and round.classes[node] ~= "drains" and mine[id] == nil then
      local copy = merge.copy_on(round.input, id, node)
      if copy and not runs_well(copy) and copy.state ~= "lost"
          and round.now - (copy.since or 0) < work.spec.deadline then
        waits(work, id, node)
      end
    end
  end
end

--- Who leaves; first those of whom is not known that nobody else can take them.
local function leavers(work)
  local round, job, first, last = work.round, work.job, {}, {}
  for _, id in ipairs(job.ids) do
    local node = job.past_at[id]
    if node and round.classes[node] == "drains" and round.drained[node] ~= "now"
        and runs_well(merge.copy_on(round.input, id, node)) then
      local said = round.past.why[id]
      local list = type(said) == "string" and said:find(NO_NODE, 1, true) and last or first
      list[#list + 1] = id
    end
  end
  return table.move(last, 1, #last, #first + 1, first)
end

--- More of the role that run until all have moved; false: these are not up yet.
local function start_more(work, leaving)
  local job, round, spec = work.job, work.round, work.job.spec
  if work.spec.order ~= "start-first" or spec.keys or spec.on_split == "exclusive" then return true end
  if #leaving == 0 and work.busy == 0 then
    if work.more then round.memory.all.drain[spec.name][MORE] = nil end
    return true
  end
  if not work.more then
    round.memory:set(round.now, math.min(work.at_most, MORE_MAX, math.max(1, #leaving)), "drain", spec.name, MORE)
    work.more = round.memory.all.drain[spec.name][MORE]
  end
  -- They may have the very room that the others need: so long without a move, and they end.
  if round.now - work.more.stamp > work.spec.deadline then work.more.value = 0 end
  local n, up = #job.ids, true
  local number = math.type(work.more.value) == "integer" and math.max(0, math.min(work.more.value, MORE_MAX)) or 1
  job.ids = table.move(job.ids, 1, n, 1, {})
  for i = 1, number do
    local id = ("%s.%d"):format(spec.name, n + i)
    job.ids[n + i] = id
    job.fresh = job.fresh or {}
    job.fresh[id] = "one more while a node drains"
    if up and not settled(work, id, job.past_at[id]) then
      up, work.says = false, ("waits for %s, one more, to be healthy"):format(id)
    end
  end
  work.at_most = math.max(1, math.min(work.at_most, number))
  return up
end

--- Who of a role stays on a node that drains, for now: job.held, instance -> why.
---@param round mesh.Round
---@param job table
function drain.pace(round, job)
  local spec, held = job.spec, job.held
  local known = round.memory.all.drain[spec.name] ~= nil
  if not known and not any(round) or spec.on_split == "keep" then return end
  if spec.everywhere then
    for _, id in ipairs(job.past_ids) do
      local node = job.past_at[id]
      if round.classes[node] == "drains" and round.drained[node] ~= "now" and with_work(round)[node] then
        held[id] = "goes after the others"
      end
    end
    return
  end
  local work = {round = round, job = job, spec = spec.drain or default, busy = 0}
  work.at_most = at_most(work.spec, #job.ids)
  local mine = under_way(work)
  local leaving = leavers(work)
  if #leaving > 0 then unwell(work, mine) end
  local up = start_more(work, leaving)
  local free = up and work.at_most - work.busy or 0
  for i, id in ipairs(leaving) do
    if i > free then
      local node = job.past_at[id]
      held[id] = work.says or ("%d of %s at a time"):format(work.at_most, spec.name)
      job.as_it_was[id] = true
      job.why[id] = ("%s: stays for now, the node drains: %s"):format(node, held[id])
    end
  end
  job.leaving = leaving
end

--- Once it is placed: who has left is under way.
---@param round mesh.Round
---@param job table
---@param at table<string, string>
function drain.note(round, job, at)
  for _, id in ipairs(job.leaving or {}) do
    if at[id] ~= nil and at[id] ~= job.past_at[id] then
      round.memory:set(round.now, job.past_at[id], "drain", job.spec.name, id)
      local more = round.memory.all.drain[job.spec.name][MORE]
      if type(more) == "table" then more.stamp = round.now end
    end
  end
end

--- Lines of what stays on nodes that drain: rows of `missing`, which `mesh status` shows.
---@param round mesh.Round
---@param name string  the role
---@param part table
function drain.list(round, name, part)
  if not any(round) or not part.role then return end
  local listed, held = 0, part.held or {}
  for _, id in ipairs(part.ids) do
    local node = part.at[id]
    if node and round.classes[node] == "drains" and listed < LISTED_MAX then
      listed = listed + 1
      local keeps = part.role.on_split == "keep" and ", and on_split is keep" or ""
      local what = held[id] and ("%s to leave it: %s"):format(id, held[id])
        or ("another node for %s: it drains%s"):format(id, keeps)
      table.insert(round.result.missing, {role = name, node = node, what = what:sub(1, 255)})
    end
  end
end

return drain
