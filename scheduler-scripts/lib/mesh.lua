---@meta mesh
--- The standard library of scheduler scripts; `mesh` is a global in every script.
-- Pure Lua and pure functions: it runs the same under meshd-script, busted and a
-- plain lua5.4 (`local mesh = require "mesh"` there).
--
-- A scheduler in five lines:
--
--     local web = mesh.role("web", {image = "web-v1", count = 4, ports = {port = "18000-18099"}})
--     return mesh.scheduler {web}

---@class mesh
---@field role fun(name: string, spec: mesh.RoleSpec): mesh.Role
---@field lithos fun(sandbox: string, update: table?): mesh.Role
---@field scheduler fun(roles: mesh.Role[]|{query: table<string, string>?}): {schedule: fun(input: table): table}
local mesh = {
  role = require "mesh.role",
  scheduler = require "mesh.scheduler",
  place = require "mesh.place",
  update = require "mesh.update",
  scale = require "mesh.scale",
  groups = require "mesh.groups",
  ports = require "mesh.ports",
  version = require "mesh.version",
  merge = require "mesh.merge",
  state = require "mesh.state",
  schema = require "mesh.schema",
  units = require "mesh.units",
  why = require "mesh.why",
  log = require "mesh.log",
  lithos = require "mesh.lithos",
}

return mesh
