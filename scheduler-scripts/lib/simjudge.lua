---@meta mesh.simjudge
--- A scheduler's answer as the host takes it (daemon/core/planfailed.c): what is wrong within a
-- role is that role's error, and the answer goes on without the role; what is no role's fails it
-- whole.

local check = require "mesh.check"
local util = require "mesh.util"

local KNOWN_SHOWN <const> = 10

--- A table's keys with a value each; what is no table is left to the check.
local function each(value, f)
  if type(value) ~= "table" then return value end
  local out = {}
  for key, item in pairs(value) do out[key] = f(item) end
  return out
end

local function none() return {} end

local function without_roles(node)
  if type(node) ~= "table" then return node end
  local out = each(node, function(item) return item end)
  out.roles = each(node.roles, none)
  return out
end

--- All but what is within roles.
local function frame(result)
  if type(result) ~= "table" then return result end
  local out = each(result, function(item) return item end)
  out.roles = each(result.roles, function() return {on_split = "keep"} end)
  out.nodes = each(result.nodes, without_roles)
  return out
end

--- The first thing wrong with a role's share of a node.
local function place_error(place, role, path)
  local why = check("Place", place, false, path)
  if why then return why end
  local ids = util.keys(place.instances or {})
  for _, id in ipairs(ids) do
    if id:sub(1, #role + 1) ~= role .. "." or #id == #role + 1 then
      return ("%s.instances.%s: an instance of role '%s' is named %s.N or %s.KEY"):format(path, id, role, role, role)
    end
  end
  if #ids > 0 and not place.sandbox then return path .. ": sandbox is missing" end
end

--- An instance on two nodes: both roles' error.
local function check_once(result, failed)
  local at = {}
  for _, name in ipairs(util.keys(result.nodes or {})) do
    for role, place in pairs(result.nodes[name].roles or {}) do
      for id in pairs(not failed[role] and place.instances or {}) do
        local other = at[id]
        at[id] = {name = name, role = role}
        if other then
          local why = ("instance '%s' scheduled on %s and %s"):format(id, other.name, name)
          failed[role], failed[other.role] = failed[role] or why, failed[other.role] or why
        end
      end
    end
  end
end

--- Of a node that is not there who stands on it has failed; if nobody does, all of it has.
local function check_stray(result, name, known, failed)
  local roles = util.keys(result.nodes[name].roles or {})
  local why = ("nodes.%s: no such node (known: %s%s)"):format(name,
    table.concat(known, ", ", 1, math.min(#known, KNOWN_SHOWN)), #known > KNOWN_SHOWN and ", ..." or "")
  for _, role in ipairs(roles) do failed[role] = failed[role] or why end
  result.nodes[name] = nil
  return #roles == 0 and why or nil
end

local function check_node(result, name, failed)
  for _, role in ipairs(util.keys(result.nodes[name].roles or {})) do
    local path = ("nodes.%s.roles.%s"):format(name, role)
    local why = not failed[role] and place_error(result.nodes[name].roles[role], role, path)
    if not why and not (result.roles and result.roles[role]) then
      why = ("%s: role '%s' is not in roles: give it a version and on_split there"):format(path, role)
    end
    failed[role] = failed[role] or why or nil
  end
end

local function drop(result, failed)
  for role in pairs(failed) do
    if result.roles then result.roles[role] = nil end
    for _, node in pairs(result.nodes or {}) do
      if node.roles then node.roles[role] = nil end
    end
  end
end

--- What can't leave the sandbox leaves none of the answer.
local function unpackable(failed)
  for _, role in ipairs(util.keys(failed)) do
    if failed[role]:find("is not serialisable", 1, true) then return failed[role] end
  end
end

--- result, the scheduler's own table, is left without the roles that failed.
---@param result any
---@param input table   what it decided on
---@return string? why   the host would refuse all of it
---@return table<string, string> failed   role -> why
return function(result, input)
  local failed, why, known = {}, check("Output", frame(result)), {}
  if why then return why, failed end
  for name, node in pairs(input.nodes) do
    if node.state ~= "left" then known[#known + 1] = name end
  end
  table.sort(known)
  for _, role in ipairs(util.keys(result.roles or {})) do
    failed[role] = check("OutRole", result.roles[role], false, "roles." .. role)
  end
  local there = util.set(known)
  for _, name in ipairs(util.keys(result.nodes or {})) do
    if there[name] then
      check_node(result, name, failed)
    else
      why = why or check_stray(result, name, known, failed)
    end
  end
  why = why or unpackable(failed)
  if why then return why, failed end
  drop(result, failed)
  check_once(result, failed)
  drop(result, failed)
  return nil, failed
end
