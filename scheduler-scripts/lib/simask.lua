---@meta mesh.simask
--- The words a spec asks a simulated world with.  Of a node or a role that is none it asks in vain:
-- an error, so that "none runs" is never said of a typo.

local simcheck = require "mesh.simcheck"
local util = require "mesh.util"

local function count(list, f)
  local n = 0
  for _, c in ipairs(list) do n = n + (f(c) and 1 or 0) end
  return n
end

local function side_at(world, node)
  simcheck.node(world, node, true, 4)
  return world:side_of(node or world.names[1])
end

---@param World mesh.sim.World  gets them
return function(World)
  --- Containers that are there: {id, role, node, image, state, health, version, restarts}; of a role, of a node.
  function World:instances(role, node)
    simcheck.asked(self, role, node, true)
    local list = {}
    for _, name in ipairs(self.names) do
      local host = self.hosts[name]
      for _, id in ipairs(util.keys(host.containers)) do
        local c = host.containers[id]
        if (not role or c.role == role) and (not node or name == node) then list[#list + 1] = c end
      end
    end
    return list
  end

  --- How many run; copies on two sides are two.
  function World:running(role, node)
    simcheck.asked(self, role, node, true)
    return count(self:instances(role, node), function(c) return c.state == "running" end)
  end

  function World:healthy(role, node)
    simcheck.asked(self, role, node, true)
    return count(self:instances(role, node), function(c) return c.state == "running" and c.health == "healthy" end)
  end

  --- The nodes on which it runs, sorted.
  function World:where(role)
    simcheck.asked(self, role, nil, true)
    local list = {}
    for _, name in ipairs(self.names) do
      if self:running(role, name) > 0 then list[#list + 1] = name end
    end
    return list
  end

  --- How often containers of a role were started so far.
  function World:started(role)
    simcheck.asked(self, role)
    return self.starts[role] or 0
  end

  --- The schedule in force on a node's side, or the leader's name, or the answer to an action.
  function World:schedule(node) local side = side_at(self, node) return side and side.parents[1] end
  function World:leader(node) local side = side_at(self, node) return side and side.leader end
  --- Roles that the rails hold on a node's side, role -> why; and `mesh apply --force` of one.
  function World:held(node) local side = side_at(self, node) return side and side.held or {} end
  function World:force(role)
    simcheck.asked(self, role)
    self.forced[role], self.dirty = true, true
  end
  --- Roles that failed in the last round of a node's side, role -> why, and keep what they had; of one its why, or nil.
  function World:failed(role, node)
    simcheck.asked(self, role, node, true)
    local side = side_at(self, node)
    local failed = side and side.failed or {}
    if role then return failed[role] end
    return failed
  end
  function World:reply(id)
    if not self.asked[id or ""] then error(("mesh.sim: there is no action '%s'"):format(tostring(id)), 2) end
    return self.replies[id]
  end
  function World:error(node) local side = side_at(self, node) return side and self.errors[side.group] end

  --- What happened, a line each.
  function World:log() return table.concat(self.journal, "\n") end
end
