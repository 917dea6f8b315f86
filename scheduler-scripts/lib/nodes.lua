---@meta mesh.nodes
--- What nodes may do for a role, and how much of them is taken.
-- What holds for all roles is looked up once a round; what hangs on image, sandbox and
-- the role's own rules once for each of these.
--
-- A node's class: "ok" takes new work; "holds" keeps what it has; "lacks" has not the
-- image or the sandbox; "drains" gives away what it can; "gone" is failed or left.

local LIST_MAX <const> = 256 -- a list of facts this long was cut: it proves nothing
local MISSING_MAX <const> = 20

local nodes = {}

--- The class of a node for any role, and the reason where it is not "ok".
local function class_of(round, node, name)
  if node.state == "left" then return "gone", "left" end
  if node.state == "failed" then return "gone", "failed" end
  if node.draining or round.drained[name] then return "drains", "drains" end
  if node.reported == false then return "holds", "has not reported yet" end
  if node.state == "restarting" then return "holds", "is restarting" end
  if node.state == "suspect" then return "holds", "is suspected" end
  if node.unstable then return "holds", "is unstable" end
  return "ok"
end

--- Once a round: classes and reasons of all nodes; `round.able`, who takes new work.
function nodes.classify(round)
  local classes, reasons, able, all = {}, {}, {}, round.input.nodes
  for _, name in ipairs(round.names) do
    local class, reason = class_of(round, all[name], name)
    classes[name], reasons[name] = class, reason
    if class == "ok" then able[#able + 1] = name end
  end
  round.classes, round.reasons, round.able = classes, reasons, able
  round.having, round.facts, round.sets = {}, {}, {}
end

local everything <const> = setmetatable({}, {__index = function() return true end})

--- A list of facts as a set.  Most nodes have the same: one set for all of these.
local function set_of(round, list)
  -- Nothing told, or a list that was cut: believe that it has everything.
  if list == nil or #list >= LIST_MAX then return everything end
  local text = table.concat(list, "\n")
  local set = round.sets[text]
  if set == nil then
    set = {}
    for i = 1, #list do set[list[i]] = true end
    round.sets[text] = set
  end
  return set
end

--- The images and the sandboxes of a node.
local function facts_of(round, name)
  local known = round.facts[name]
  if known == nil then
    local told = round.input.nodes[name].facts or {}
    known = {images = set_of(round, told.images), sandboxes = set_of(round, told.sandboxes)}
    round.facts[name] = known
  end
  return known
end

--- Does a node have the image or the sandbox (`kind`: "images", "sandboxes")?
function nodes.has(round, name, kind, item)
  return round.input.nodes[name] ~= nil and facts_of(round, name)[kind][item] == true
end

--- Who takes new work and has both; and who lacks something, as name -> reason.
local function having(round, image, sandbox)
  local key = image .. "\0" .. sandbox
  local known = round.having[key]
  if known then return known end
  local ok, lacks, set = {}, {}, {}
  for _, name in ipairs(round.names) do
    local class = round.classes[name]
    -- Of one that holds too: what it has of another image has to go on as it is.
    if class == "ok" or class == "holds" and round.reasons[name] ~= "has not reported yet" then
      local facts = facts_of(round, name)
      if not facts.images[image] then
        lacks[name] = "lacks image " .. image
      elseif not facts.sandboxes[sandbox] then
        lacks[name] = "lacks sandbox " .. sandbox
      elseif class == "ok" then
        ok[#ok + 1], set[name] = name, true
      end
    end
  end
  known = {ok = ok, set = set, lacks = lacks}
  round.having[key] = known
  return known
end

local function tell_lacks(job, image, lacks)
  local spec, shown, more = job.spec, 0, 0
  if next(lacks) == nil then return end
  for _, name in ipairs(job.round.names) do
    if lacks[name] and not job.barred[name] then
      shown = shown + 1
      if shown <= MISSING_MAX then
        local row = {node = name, role = spec.name}
        if not nodes.has(job.round, name, "images", image) then row.image = image end
        if not nodes.has(job.round, name, "sandboxes", spec.sandbox) then row.sandbox = spec.sandbox end
        job.missing[#job.missing + 1] = row
      else
        more = more + 1
      end
    end
  end
  if more > 0 then
    job.missing[#job.missing + 1] = {role = spec.name, what = ("image or sandbox on %d more nodes"):format(more)}
  end
end

--- Which nodes a role's rules forbid: job.barred, name -> reason.
local function bar(job, filters)
  job.barred = {}
  if #filters == 0 then return end
  local round = job.round
  for _, name in ipairs(round.names) do
    if round.classes[name] ~= "gone" then
      for _, filter in ipairs(filters) do
        local reason = filter(round.input.nodes[name], name, job)
        if reason then
          job.barred[name] = reason
          break
        end
      end
    end
  end
end

--- For a role and one of its images: who takes new work (a list), a function that
-- says class and reason of any node, and the list as a set.
---@param job table
---@param filters function[]   (node, name, job) -> why the role may not be there, or nil
function nodes.of(job, filters)
  local round, by_image = job.round, {}
  bar(job, filters)
  local barred = job.barred
  return function(image)
    local known = by_image[image]
    if known then return known.ok, known.class, known.set end
    local all = having(round, image, job.spec.sandbox)
    local ok, lacks, set = all.ok, all.lacks, all.set
    tell_lacks(job, image, lacks)
    if next(barred) ~= nil then
      local some = {}
      set = {}
      for _, name in ipairs(ok) do
        if not barred[name] then some[#some + 1], set[name] = name, true end
      end
      ok = some
    end
    local classes, reasons = round.classes, round.reasons
    local function class(name)
      local c = classes[name]
      if c == nil then return "gone", "left" end
      if c == "gone" then return c, reasons[name] end
      if barred[name] then return "drains", barred[name] end
      if c ~= "drains" and lacks[name] then return "lacks", lacks[name] end
      return c, reasons[name]
    end
    by_image[image] = {ok = ok, class = class, set = set}
    return ok, class, set
  end
end

--- What a node has in all: thousandths of its CPUs, bytes of memory; nil: not told.
local function total(round, name)
  local facts = round.input.nodes[name].facts or {}
  local cpu = facts.cpus and facts.cpus > 0 and facts.cpus * 1000 or nil
  local memory = facts.memory and facts.memory > 0 and facts.memory or nil
  return cpu, memory
end

--- Take (or with -1 give back) what an instance reserves.
function nodes.reserve(round, name, resources, sign)
  local used = round.used[name]
  if used == nil then
    used = {cpu = 0, memory = 0}
    round.used[name] = used
  end
  used.cpu = used.cpu + sign * resources.cpu
  used.memory = used.memory + sign * resources.memory
end

--- Is there room for one more?
function nodes.fits(round, name, resources)
  local cpu, memory = total(round, name)
  local used = round.used[name] or {cpu = 0, memory = 0}
  return used.cpu + resources.cpu <= (cpu or math.huge) and used.memory + resources.memory <= (memory or math.huge)
end

--- How full a node is, 0 to 1: the scarcer of both.
function nodes.fullness(round, name)
  local cpu, memory = total(round, name)
  local used = round.used[name]
  if not used then return 0 end
  return math.max(cpu and used.cpu / cpu or 0, memory and used.memory / memory or 0)
end

return nodes
