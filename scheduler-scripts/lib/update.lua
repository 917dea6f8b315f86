---@meta mesh.update
--- How a new version of a role goes round, step by step.
--
--     update = {strategy = "canary", percent = 5, promote = "manual", substeps = 10,
--               min_healthy = "10s", deadline = "10m", run_once = "migrate", after = {"postgres"}}
--
-- A pure function: progress is in the schedule's state, time is the input's.  A step gives
-- the new image to so many instances, by name; the next step comes when all of these run it
-- and were healthy for `min_healthy`.  As a host starts an instance with a new image only
-- after it has rendered and checked the role's files, that says rendering went well too.
--
--     (queued: `after`) → run_once → canary → (waiting: promote by hand) → steps → done
--                └─ an instance fails, or no progress within `deadline` ─→ back to what was, or failed
--
-- An instance that has the new image keeps it whatever the count says, so that two sides
-- that went on separately lose nothing; only a way back replaces it.  Instances the update has not
-- reached keep the image they have; new ones get that from before it, until it is done.

local code = require "mesh.code"
local gate = require "mesh.gate"
local schema = require "mesh.schema"
local units = require "mesh.units"

local update = {}

---@class mesh.UpdateSpec
---@field max_unavailable? integer     so many may be down at once on a host (1)
---@field strategy? "smooth"|"canary"|"quick"   absent, and nothing below said: all at once
---@field substeps? integer            of smooth and canary (10)
---@field percent? number|string       canary: how many get it first, at least one (5)
---@field test_percent? number|string  the same, which makes a canary of any strategy
---@field promote? "auto"|"manual"     canary: who says that it may go on (auto)
---@field min_healthy? string          so long must a step have been healthy ("10s")
---@field deadline? string             a step without progress for so long fails ("10m")
---@field vars? "at once"|"roll"      what a change of the role's vars alone does (at once)
---@field auto_revert? boolean         back to the version before when it fails (true)
---@field run_once? string             container of kind Command that runs once, before all
---@field after? string[]              roles whose updates come first
---@field before? string[]             roles whose updates wait for this one

local s <const> = schema
local spec_of <const> = s.record {
  max_unavailable = s.optional(s.integer(1, 1000)),
  strategy = s.optional(s.enum {"smooth", "canary", "quick"}),
  substeps = s.optional(s.integer(1, 100)), percent = s.optional(s.percent), test_percent = s.optional(s.percent),
  promote = s.optional(s.enum {"auto", "manual"}), min_healthy = s.optional(s.duration),
  vars = s.optional(s.enum {"at once", "roll"}),
  deadline = s.optional(s.duration), auto_revert = s.optional(s.boolean, true), run_once = s.optional(s.name),
  after = s.optional(s.list(s.name, 0, 100)), before = s.optional(s.list(s.name, 0, 100)),
}

--- What a role says of updates, checked; or nil and one line.
---@param given any
---@return table?, string?
function update.parse(given)
  local spec, err = s.check(spec_of, given, "update")
  if not spec then return nil, err end
  local rolls = spec.strategy or spec.substeps or spec.percent or spec.test_percent or spec.promote
    or spec.min_healthy or spec.deadline or spec.vars == "roll" or spec.run_once or spec.after or spec.before
  if rolls then
    spec.percent = spec.test_percent or spec.percent
    spec.canary = spec.strategy == "canary" or spec.test_percent ~= nil
    spec.strategy = spec.strategy or "smooth"
    spec.min_healthy, spec.deadline = spec.min_healthy or 10000, spec.deadline or 600000
  end
  -- What hosts read, and nothing else: an unchanged part costs nothing.
  spec.part = spec.max_unavailable and {max_unavailable = spec.max_unavailable} or nil
  return spec
end

--- How many of n have the new image at each step.
---@return integer[]
function update.steps(spec, n)
  local list, last = {}, 0
  local function add(k)
    if k > last and k <= n then list[#list + 1], last = k, k end
  end
  if spec.canary then add(math.max(1, math.ceil(n * (spec.percent or 5) / 100))) end
  local substeps = spec.strategy == "quick" and 1 or spec.substeps or 10
  for i = 1, substeps do add(math.ceil(n * i / substeps)) end
  return list
end

local same <const> = code.same
update.same = same

--- What most of the role's instances have, if it is not the target.
local function seen_before(round, name, target)
  local counts, best = {}, nil
  for _, id in ipairs(round.past.ids[name] or {}) do
    local image = round.past.instances[name][id].image
    counts[image] = (counts[image] or 0) + 1
    local more = best == nil and 1 or counts[image] - counts[best]
    if more > 0 or more == 0 and image < best then best = image end
  end
  if best == nil then return nil end
  local role = round.past.roles[name] or {}
  local from = {version = role.version, image = best, template = target.template and role.template,
    vars = target.vars and role.vars}
  return not same(from, target) and from or nil
end

local function start(from, to, now, more)
  local u = {from = from, to = to, began = now, since = now, stamp = now, step = 1, phase = "rolling"}
  for key, value in pairs(more or {}) do u[key] = value end
  return u
end

-- The author does not want them to roll any more.
local function forget_vars(u)
  for _, key in ipairs {"to", "from", "rejected"} do
    if type(u[key]) == "table" then u[key].vars = nil end
  end
end

--- The record of a role as it is remembered; nil: there is none.
---@param round mesh.Round
---@param spec mesh.Role
---@return table?
function update.known(round, spec)
  local u = round.memory.all.update[spec.name]
  return code.is_record(u) and u or nil
end

--- The record of a role as this round begins, a new target seen.
---@param round mesh.Round
---@param spec mesh.Role
---@param target {version: string?, image: string, template: string?, vars: table?}
function update.record(round, spec, target)
  local all = round.memory.all.update
  local u = update.known(round, spec)
  if not u then
    if all[spec.name] ~= nil then
      round:journal(("%s: what the schedule remembers of its update is damaged: set aside"):format(spec.name))
    end
    local from = seen_before(round, spec.name, target)
    u = from and start(from, target, round.now) or {to = target, began = round.now, since = round.now,
      stamp = round.now, step = 0, phase = "done"}
  else
    local role = round.past.roles[spec.name] or {}
    if not target.vars then forget_vars(u) end
    -- What a memory from before there was that does not name is as it is in force.
    local known = {template = target.template and role.template, vars = target.vars and role.vars}
    u.to, u.from = code.whole(u.to, known), u.from and code.whole(u.from, known)
    if u.rejected and same(u.rejected, target) then
      u.rejected = code.whole(u.rejected, target)
    elseif not same(u.to, target) then
      u = start(u.phase == "done" and u.to or u.from or u.to, target, round.now)
    else
      u.to = u.phase == "done" and target or code.whole(u.to, target)
    end
  end
  all[spec.name] = u
  return u
end

--- Back to what was.
local function revert(round, u, why)
  if not u.from then return false end
  local now = round.now
  local back = start(u.to, u.from, now, {rejected = u.to, why = why, back = true})
  for key in pairs(u) do u[key] = nil end
  for key, value in pairs(back) do u[key] = value end
  return true
end

local function fail(round, spec, u, why)
  round:journal(("%s: update to %s failed: %s"):format(spec.name, code.name(u), why))
  if spec.update.auto_revert and not u.back and revert(round, u, why) then
    round:journal(("%s: back to %s"):format(spec.name, code.name(u)))
    return
  end
  u.phase, u.why, u.stamp = "failed", why, round.now
end

--- What an operator wants of a running update: pause resume proceed skip revert.
---@return boolean, string  done, and the reply
function update.act(round, spec, u, name, stamp)
  if name == "pause" or name == "resume" then
    round.memory:set(stamp, name == "pause", "roles", spec.name, "pause")
    if name == "resume" and u.phase == "failed" then u.phase, u.since, u.stamp = "rolling", round.now, round.now end
    return true, ("update of %s: %s"):format(spec.name, name == "pause" and "paused" or "goes on")
  end
  if name == "revert" then
    if not u.from then return false, ("role '%s' has no version before to go back to"):format(spec.name) end
    revert(round, u, "by an operator")
    return true, ("%s: back to %s"):format(spec.name, code.name(u))
  end
  if name == "proceed" and u.rejected and u.phase == "done" then u.rejected = nil
    return true, ("%s: the version that failed is tried again"):format(spec.name)
  end
  if u.phase == "done" then return false, ("role '%s' is not being updated"):format(spec.name) end
  u.step = name == "skip" and math.maxinteger or u.step + 1
  u.phase, u.since, u.stamp, u.ran = "rolling", round.now, round.now, true
  return true, ("update of %s: %s"):format(spec.name, name == "skip" and "all at once" or "next step")
end

-- Whoever reads `mesh schedule history` sees why instances change where they are.
local function tell_step(round, spec, u, steps)
  if steps == 0 or u.phase == "done" then return end
  round:journal(("%s: update to %s, step %d of %d"):format(spec.name, code.name(u), u.step, steps))
end

-- A host can't render or check what it is to have: said once in the journal, and in `why` of
-- that instance as long as it is so.
local function tell_stop(round, spec, u, job, id, why)
  local now = id and why or nil
  if u.stops ~= now then
    round:journal(("%s: update to %s %s"):format(spec.name, code.name(u),
      now and "stops: " .. now or "goes on"))
    u.stops = now
  end
  if id then job.stops = {id = id, says = ("the update to %s stops: %s"):format(code.name(u), why)} end
end

--- One round of a role's update: what the job's instances get, in job.image_for, and which nodes
-- have all else that is new, in job.reached (mesh.code).
---@param round mesh.Round
---@param spec mesh.Role
---@param job table
---@param u table  from update.record
---@param ids string[]
function update.step(round, spec, job, u, ids)
  if next(round.past.instances[spec.name] or {}) == nil then u.phase, u.step = "done", 0 end -- nothing to be careful of
  if u.phase == "done" then
    job.image = u.to.image
    return
  end
  local whole = ids
  ids = code.order(round, spec.name, u, whole)
  local steps = code.steps(round, spec.name, u, ids, update.steps(spec.update, #ids))
  u.step = math.max(1, math.min(u.step, #steps))
  local paused = round.memory:get("roles", spec.name, "pause") == true
  local waits, failed, well, stops, steps_on
  local blocker = not u.back and round:updating(spec.update.after or {}, spec.name)
  if blocker and u.step == 1 and not u.begun then
    waits = ("the update of %s"):format(blocker)
    u.since = round.now
  elseif u.phase == "rolling" or u.phase == "waiting" then
    steps_on = not u.begun
    u.begun = true
    well, waits, failed, stops = gate.ran(round, spec, u, job)
    if well then well, waits, failed, stops = gate.healthy(round, spec, u, ids, steps[u.step] or 0) end
    if not failed and not paused and waits and u.phase == "rolling" and round.now - u.since > spec.update.deadline then
      failed = ("no progress for %s: waits for %s"):format(units.show_ms(spec.update.deadline), waits)
    end
    if failed and not paused then
      u.stops, stops = nil, nil
      fail(round, spec, u, failed)
      ids = code.order(round, spec.name, u, whole)
      steps = code.steps(round, spec.name, u, ids, update.steps(spec.update, #ids))
    elseif well and not paused then
      if spec.update.canary and spec.update.promote == "manual" and u.step == 1 and #steps > 1 and not u.back then
        u.phase, waits = "waiting", ("`mesh action %s proceed`"):format(spec.name)
      elseif u.step >= #steps then
        u.phase, u.stamp = "done", round.now
        round:journal(("%s: update to %s is done"):format(spec.name, code.name(u)))
      else
        u.step, u.since, u.stamp, steps_on = u.step + 1, round.now, round.now, true
      end
    end
  end
  tell_stop(round, spec, u, job, stops, waits)
  if steps_on then tell_step(round, spec, u, #steps) end
  job.update_says = u.phase ~= "done" and ("update to %s, step %d of %d%s%s"):format(code.name(u), u.step,
    #steps, paused and ", paused" or u.phase == "failed" and ", failed: " .. tostring(u.why) or "",
    waits and ", waits for " .. waits or "") or nil
  update.images(round, spec, job, u, ids, (job.once or not u.begun) and 0 or steps[u.step] or #ids)
end

--- job.image_for: who has which image; job.reached, the nodes that have all else that is new.
function update.images(round, spec, job, u, ids, k)
  job.image = u.to.image
  if u.phase == "done" then return end
  local rolled, past, at = {}, round.past.instances[spec.name] or {}, round.past.at[spec.name] or {}
  job.reached = {}
  for i = 1, k do
    rolled[ids[i]] = true
    if at[ids[i]] then job.reached[at[ids[i]]] = true end
  end
  function job.image_for(id)
    local was = past[id]
    if rolled[id] or was and was.image == u.to.image then return u.to.image end
    return was and was.image or u.from and u.from.image or u.to.image
  end
end

return update
