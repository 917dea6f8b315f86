-- A platform of roles: what runs on which node operators say, by role or by group.
--
--   mesh action dea add node=n2                one more node for applications
--   mesh action data-services add              all data services
--   mesh action router scale count=3
--
-- There is no primary: the mesh elects who schedules.  Nodes come from one image, and the
-- roles they get are cells of the schedule's state.
local data = {"mysql", "postgresql", "redis", "rabbit", "filesystem"}

local roles = {
  mesh.role "router" {
    version = "v1", image = "router-v1", count = 2,
    place = {mesh.place.spread("zone"), mesh.place.distinct()},
    ports = {port = 8080},
    vars = function(round) return {apps = round:healthy("dea")} end,
    needs = {"dea"},
  },
  mesh.role "dea" { -- one on each node that was given it; applications are its children
    version = "v1", image = "dea-v1",
    place = {mesh.place.every(), mesh.place.assigned()},
    ports = {port = 9000},
  },
  mesh.role "stager" { -- builds, off the nodes where applications run
    version = "v1", image = "stager-v1",
    place = {mesh.place.spread(), mesh.place.distinct(), mesh.place.anti_affinity("dea", {required = true})},
  },
  mesh.role "harbor" { -- TCP ports for the outside: never the same twice, in a split neither
    version = "v1", image = "harbor-v1", count = 2,
    place = mesh.place.sticky(),
    ports = {public = {range = "10000-19999", scope = "mesh"}},
  },
}

for _, name in ipairs(data) do
  roles[#roles + 1] = mesh.role(name, {
    version = "v1", image = name .. "-v1",
    enabled = false, -- until `add` says so
    on_split = "keep",
    place = {mesh.place.sticky(), mesh.place.spread("zone")},
    ports = {port = "20000-20099"},
  })
end

roles.groups = {["data-services"] = data, runtime = {"router", "dea"}}
return mesh.scheduler(roles)
