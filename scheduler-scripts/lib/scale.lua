---@meta mesh.scale
--- How many instances, by what is measured.
--
--     count = mesh.scale.by_rate("sum(rate(http_requests_total{role='web'}[1m]))",
--       {per_instance = 200, min = 2, max = 20, grow = "5/10s", shrink = "1/60s", on_missing = "hold"})
--
-- The question is a PromQL expression, which the library asks of all nodes by itself, or the
-- name of one in mesh.scheduler's `query`, or a function of the round.  The answer becomes a
-- wish; the count follows it no faster than `grow` and `shrink` say.  It shrinks only when the
-- wish has been lower for all of `calm`, and then to the highest of that time: a load that
-- swings faster than that moves nothing.  `hysteresis` is the part of an instance's load by
-- which it must be more, or less, than what is there can take.

local schema = require "mesh.schema"
local state = require "mesh.state"

local COUNT_MAX <const> = 10000

local scale = {}

---@class mesh.ScaleSpec
---@field per_instance? number   by_rate: what one instance takes
---@field target? number         by_load: the mean that each should have
---@field min? integer           (1)
---@field max? integer           (100)
---@field grow? string           at most so many more in a time ("4/30s")
---@field shrink? string         at most so many fewer ("1/60s")
---@field calm? string           shrink only after so long below ("60s")
---@field hysteresis? number     0 to 0.9 (0.1)
---@field on_missing? "hold"|"grow"|"min"   without an answer: stay; grow to max; go to min

---@class mesh.Scale

local s <const> = schema
local spec_of <const> = s.record {
  per_instance = s.optional(s.where(s.number(0), function(n) return n > 0 end, "more than 0")),
  target = s.optional(s.where(s.number(0), function(n) return n > 0 end, "more than 0")),
  min = s.optional(s.integer(0, COUNT_MAX), 1), max = s.optional(s.integer(0, COUNT_MAX), 100),
  grow = s.optional(s.rate, {count = 4, ms = 30000}), shrink = s.optional(s.rate, {count = 1, ms = 60000}),
  calm = s.optional(s.duration, 60000), hysteresis = s.optional(s.number(0, 0.9), 0.1),
  on_missing = s.optional(s.enum {"hold", "grow", "min"}, "hold"),
}

local function new(kind, question, given, needs)
  if type(question) ~= "string" and type(question) ~= "function" then
    error(("mesh.scale.%s: expected a question in PromQL or a function, got %s"):format(kind, type(question)), 3)
  end
  local spec, err = s.check(spec_of, given or {}, "mesh.scale." .. kind)
  if spec and needs and not spec[needs] then err = ("mesh.scale.%s: %s: is missing"):format(kind, needs) end
  if spec and spec.min > spec.max then
    err = ("mesh.scale.%s: min %d is more than max %d"):format(kind, spec.min, spec.max)
  end
  if err then error(err, 3) end
  spec.kind, spec.question, spec.is_scale = kind, question, true
  return spec
end

--- A load that instances share: as many as it takes at `per_instance` each.
---@param question string|fun(round: mesh.Round): number?
---@param spec mesh.ScaleSpec
---@return mesh.Scale
function scale.by_rate(question, spec) return new("by_rate", question, spec, "per_instance") end

--- A mean of all instances (CPU, say): so many that it comes near `target`.
---@param question string|fun(round: mesh.Round): number?
---@param spec mesh.ScaleSpec
---@return mesh.Scale
function scale.by_load(question, spec) return new("by_load", question, spec, "target") end

--- What the function says, or the answer itself; within min, max and the rates.
---@param question string|fun(round: mesh.Round): number?
---@param spec mesh.ScaleSpec
---@return mesh.Scale
function scale.by(question, spec) return new("by", question, spec) end

--- The expression to ask of all nodes under the name `scale.ROLE`; nil when it is none.
function scale.query(spec, queries)
  if type(spec.question) ~= "string" or queries[spec.question] ~= nil then return nil end
  return spec.question
end

local function answer(spec, name, round)
  if type(spec.question) == "function" then return spec.question(round) end
  local metrics = round.input.metrics or {}
  local found = metrics[spec.question] or metrics["scale." .. name]
  if type(found) ~= "table" then return nil end
  return found.value
end

--- The wish of a value, with the current count.
local function wish(spec, value, count)
  local h = spec.hysteresis
  if spec.kind == "by" then return math.ceil(value) end
  if spec.kind == "by_rate" then
    local exact = value / spec.per_instance
    -- Between what is there and one less, it stays: grow when more than full by h, shrink when one
    -- less would still not be full by h.
    if exact > count and exact <= count + h or exact <= count and exact > count - 1 - h then return count end
    return math.ceil(exact)
  end
  local ratio = value / spec.target
  if ratio <= 1 + h and ratio >= 1 - h then return count end
  return math.max(1, math.ceil(math.max(count, 1) * ratio - 1e-9))
end

-- So much of a rate is left: the window begins with the first change.
local function left(window, rate, now)
  if type(window) ~= "table" or type(window.since) ~= "number" or type(window.by) ~= "number"
      or now - window.since >= rate.ms or window.since > now then
    return rate.count, {since = now, by = 0}
  end
  return math.max(0, rate.count - window.by), {since = window.since, by = window.by}
end

-- Down only after the wish has been lower for all of `calm`; then to the highest of that time.
local function calmed(memory, spec, want, count, now)
  local below = memory.below
  if want >= count then
    memory.below = nil
    return want
  end
  if type(below) ~= "table" or type(below.since) ~= "number" or type(below.high) ~= "number" or below.since > now then
    below = {since = now, high = want}
    memory.below = below
  end
  below.high = math.max(below.high, want)
  if now - below.since < spec.calm then return count end
  return math.min(count, below.high)
end

local function follow(spec, memory, want, count, now)
  local target = calmed(memory, spec, want, count, now)
  if target == count then return count end
  local key = target > count and "grow" or "shrink"
  local room, window = left(memory[key], spec[key], now)
  local by = math.min(math.abs(target - count), room)
  window.by = window.by + by
  memory[key] = window.by > 0 and window or nil
  local n = target > count and count + by or count - by
  if memory.below and n <= memory.below.high then memory.below = nil end
  return n
end

--- The count of a role now; and what decided it.
---@param spec mesh.Scale
---@param name string
---@param round mesh.Round
---@param had integer?  what it has; nil: it is new
---@return integer, string
function scale.decide(spec, name, round, had)
  local all, now = round.memory.all.scale, round.now
  local memory = type(all[name]) == "table" and all[name] or {}
  local before = state.canon(memory)
  all[name] = memory
  local count = math.max(spec.min, math.min(spec.max, math.tointeger(memory.count) or had or spec.min))
  local value = answer(spec, name, round)
  local measured = type(value) == "number" and value == value and value >= 0 and value < math.huge
  local want, says = count, "nothing measured"
  if measured then
    want = math.max(spec.min, math.min(spec.max, wish(spec, value, count)))
    says = ("%d wanted at %.6g"):format(want, value)
  elseif had and spec.on_missing ~= "hold" then
    want = spec.on_missing == "grow" and spec.max or spec.min
  end
  memory.count = had and follow(spec, memory, want, count, now) or want
  if state.canon(memory) ~= before then memory.stamp = now end
  return memory.count, ("%d by mesh.scale: %s"):format(memory.count, says)
end

--- Is it what this module makes?
function scale.is(given) return type(given) == "table" and given.is_scale == true end

return scale
