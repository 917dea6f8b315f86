---@meta mesh.gate
--- For what a step of an update waits: that the hosts it has reached could render and check
-- the role's files, and that its instances run what they are to, and well, for long enough.

local merge = require "mesh.merge"
local units = require "mesh.units"

local RESTARTS_MAX <const> = 3 -- of an instance since its step began: it fails

local UNTOLD_MS <const> = 30000

local gate = {}

--- Has it failed, for good?
local function has_failed(copy)
  return copy.state == "failed" or copy.state == "crash-loop"
    or copy.state == "backoff" and (copy.restarts or 0) >= RESTARTS_MAX
end

--- For what one instance waits; nil: it is as it should be.  Second: it failed.  in_place: its
-- image is what it was, so that it runs says nothing of the step.
local function one(round, spec, u, id, node, copy, in_place)
  if has_failed(copy) then return nil, ("%s on %s: %s"):format(id, node, copy.state) end
  if in_place and copy.version ~= nil and copy.version ~= (u.to.version or "") then
    return ("%s on %s to be of version %s"):format(id, node, u.to.version or "none")
  end
  if copy.state ~= "running" or copy.health == "wait" or copy.health == "unhealthy" then
    return ("%s on %s to be healthy"):format(id, node)
  end
  local since = copy.since or round.now
  if in_place then since = math.max(since, u.since) end
  if round.now - since < spec.update.min_healthy then
    return ("%s to be healthy for %s"):format(id, units.show_ms(spec.update.min_healthy))
  end
end

--- Could its host not make what its role is to have there?  The line that says why.
local function unrendered(id, node, copy)
  if not copy or not copy.unrendered or copy.state == "lost" then return nil end
  local why = copy.error ~= nil and copy.error ~= "" and copy.error or "rendering or its check failed"
  return ("%s on %s: %s"):format(id, node, why)
end

--- Is it a mesh of another version, which may not tell what it has rendered, that is waited for?  The
-- line that says so, and what to do; some time on, since one that tells is waited for too.
local function untold(round, spec, u, id, node, copy)
  local version = u.to.version or ""
  if not copy or copy.version == nil or copy.version == version or has_failed(copy) then return nil end
  local mine, theirs = round.input.nodes[round.input.self], round.input.nodes[node]
  local known = mine and theirs and mine.version and theirs.version
  if not known or mine.version == theirs.version or round.now - u.since < UNTOLD_MS then return nil end
  return ("%s on %s to be of version %s, but %s has mesh %s, which may not tell: update mesh there, "
    .. "or `mesh action %s proceed`"):format(id, node, version ~= "" and version or "none", node, theirs.version,
    spec.name)
end

--- Are the first k, which should have what is new, well, long enough?  true, or false and for
-- what it waits; third: it failed; fourth: the instance whose host can't render or check its files.
-- On the way back these do not count: what failed is given up.
---@param round mesh.Round
---@param spec mesh.Role
---@param u table
---@param ids string[]
---@param k integer
---@return boolean, string?, string?, string?
function gate.healthy(round, spec, u, ids, k)
  local all, at = round.past.instances[spec.name] or {}, round.past.at[spec.name] or {}
  local in_place = u.from ~= nil and u.from.image == u.to.image
  local waits, stops, stopped
  for i = 1, k do
    local id = ids[i]
    local was, node = all[id], at[id]
    local copy = node and merge.copy_on(round.input, id, node)
    local stop, wait = not u.back and unrendered(id, node, copy), nil
    if in_place and not u.back then stop = stop or untold(round, spec, u, id, node, copy) end
    if stop then
      if not stops then stops, stopped = stop, id end
    elseif was and was.image == u.to.image and copy and (copy.image == nil or copy.image == u.to.image) then
      local failed
      wait, failed = one(round, spec, u, id, node, copy, in_place)
      if failed then return false, nil, failed end
    else
      wait = ("%s to run %s%s"):format(id, u.to.image, node and " on " .. node or "")
    end
    waits = waits or wait
  end
  return not (stops or waits), stops or waits, nil, stopped
end

local function run_once_id(spec, u)
  return ("%s.once.%s"):format(spec.name, u.to.version or u.to.image:gsub("[^a-z0-9_.-]", "-"))
end

--- The command that runs once: true when it is done; else as gate.healthy, and job.once says
-- what is to run.
---@param round mesh.Round
---@param spec mesh.Role
---@param u table
---@param job table
---@return boolean, string?, string?, string?
function gate.ran(round, spec, u, job)
  if u.ran or u.back or not spec.update.run_once then return true end
  local id = run_once_id(spec, u)
  local node = (round.past.at[spec.name] or {})[id]
  local copy = node and merge.copy_on(round.input, id, node)
  local stops = unrendered(id, node, copy)
  if copy and copy.state == "exited" then
    u.ran, u.since, u.stamp = true, round.now, round.now
    round:journal(("%s: %s is done"):format(id, spec.update.run_once))
    return true
  end
  if not stops and copy and (copy.state == "failed" or copy.state == "crash-loop") then
    return false, nil, ("%s on %s failed"):format(id, node)
  end
  local there = node and round.input.nodes[node]
  if node and (there == nil or there.state == "failed" or there.state == "left") then
    return false, nil, ("%s was on %s, which is lost: nobody knows whether it ran"):format(id, node)
  end
  job.once = {id = id, process = spec.update.run_once, image = u.to.image}
  return false, stops or ("%s to be done"):format(id), nil, stops and id
end

return gate
