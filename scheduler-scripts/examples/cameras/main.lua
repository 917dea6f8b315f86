-- Video surveillance: one agent for each camera, on a node of its site if there is one.
--
-- The cameras are metadata, roles/agent/v1/cameras.yaml:
--
--     cam-17: {url: "rtsp://10.9.0.17/stream", site: west}
--
-- A camera more or less starts or stops one agent, and touches no other.  When the link to
-- the rest is lost, a site's agents go on, and write to the vault of their side.
local agent = mesh.role "agent" {
  version = "v1", image = "agent-v1",
  keys = function(round)
    local known = round.input.roles.agent
    return known and known.versions.v1.cameras or {}
  end,
  place = {
    mesh.place.near(function(_, camera) return camera.site end),
    mesh.place.binpack(),
    mesh.place.avoid_failures {after = 5, keep = "10m"},
  },
  resources = {cpu = "100m", memory = "128Mi"},
  variables = function(_, _, _, camera) return {url = camera.url} end,
  vars = function(round) return {vaults = round:healthy("vault")} end,
  needs = {"vault"},
}

local meta = mesh.role "objectmeta" {
  version = "v1", image = "postgres-v15", on_split = "keep",
  place = mesh.place.sticky(), ports = {port = 5432},
}

local vault = mesh.role "vault" {
  version = "v1", image = "vault-v1", count = 2,
  needs = {"objectmeta"},
  place = {mesh.place.spread("zone"), mesh.place.distinct()},
  ports = {port = "9000-9009"},
  update = {strategy = "smooth", substeps = 2, min_healthy = "10s", max_unavailable = 1},
}

return mesh.scheduler {meta, vault, agent}
