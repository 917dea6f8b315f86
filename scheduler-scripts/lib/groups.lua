---@meta mesh.groups
--- Names for several roles at once: `mesh action data-services add` adds all of them.
-- A group may have groups in it.

local util = require "mesh.util"

local groups = {}

local DEPTH_MAX <const> = 16

--- Each group as the list of the roles it comes to, sorted; an error names what is wrong.
---@param given table<string, string[]>
---@param roles table<string, any>  by name
---@return table<string, string[]>
function groups.expand(given, roles)
  local out = {}
  local function fail(fmt, ...) error(("groups.%s"):format(fmt:format(...)), 0) end
  local function into(set, name, of, depth)
    if depth > DEPTH_MAX then fail("%s: has itself in it", of) end
    for i, member in ipairs(given[name]) do
      if given[member] then
        into(set, member, of, depth + 1)
      elseif roles[member] then
        set[member] = true
      else
        local known = util.keys(roles)
        for _, group in ipairs(util.keys(given)) do known[#known + 1] = group end
        fail("%s[%d]: no role or group '%s'%s", name, i, tostring(member), util.suggest(tostring(member), known))
      end
    end
  end
  for _, name in ipairs(util.keys(given)) do
    if not util.is_name(name) then fail("%s: must match [a-z0-9][a-z0-9_.-]{0,62}", tostring(name)) end
    if roles[name] then fail("%s: is a role's name", name) end
    if type(given[name]) ~= "table" then fail("%s: expected a list of roles, got %s", name, type(given[name])) end
  end
  for _, name in ipairs(util.keys(given)) do
    local set = {}
    into(set, name, name, 1)
    out[name] = util.keys(set)
  end
  return out
end

--- Roles in an order in which each comes after those it needs; otherwise as they were
-- given.  An error names a circle.  `of(spec)` lists the names.
---@param roles mesh.Role[]
---@param of fun(spec: mesh.Role): string[]
---@param what string
---@return mesh.Role[]
function groups.order(roles, of, what)
  local by, out, state = {}, {}, {}
  for _, spec in ipairs(roles) do by[spec.name] = spec end
  local function visit(spec, path)
    if state[spec.name] == "done" then return end
    if state[spec.name] then
      error(("%s%s go round in a circle: %s -> %s"):format(spec.where or "", what, path, spec.name), 0)
    end
    state[spec.name] = "open"
    for _, name in ipairs(of(spec)) do
      if by[name] == nil then
        error(("%srole '%s': %s: no role '%s'%s"):format(spec.where or "", spec.name, what, name,
          util.suggest(name, util.keys(by))), 0)
      end
      visit(by[name], path == "" and spec.name or path .. " -> " .. spec.name)
    end
    state[spec.name] = "done"
    out[#out + 1] = spec
  end
  for _, spec in ipairs(roles) do visit(spec, "") end
  return out
end

return groups
