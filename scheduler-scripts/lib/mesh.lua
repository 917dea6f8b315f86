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

--- mesh.scale {...}: what was meant is one of its functions.
for name, module in pairs(mesh) do
  if type(module) == "table" and getmetatable(module) == nil then
    local words = {}
    for word, f in pairs(module) do
      if type(f) == "function" then words[#words + 1] = ("mesh.%s.%s"):format(name, word) end
    end
    table.sort(words)
    setmetatable(module, {__name = "mesh.module", __call = function()
      error(("mesh.%s is not to be called; it has %s"):format(name, table.concat(words, ", ")), 2)
    end})
  end
end

return mesh
