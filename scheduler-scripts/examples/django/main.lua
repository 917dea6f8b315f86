-- The tutorial's stack: Django under gunicorn behind nginx, PostgreSQL and memcached.
--
--   nginx ── on every node, lists the healthy djangos
--     └─ django ── as many as the requests need; a new version: migrations once, one
--          │       instance to try it, then the rest, and back by itself when it fails
--          ├─ postgres ── on its volume: it never moves by itself
--          └─ memcached ── one on each side of a split
local postgres = mesh.role "postgres" {
  version = "v15", image = "postgres-v15",
  on_split = "keep",
  place = {mesh.place.sticky(), mesh.place.constraint {tags = {disk = "ssd"}}},
  ports = {port = 5432},
}

local memcached = mesh.role "memcached" {
  version = "v1", image = "memcached-v1", count = 2,
  place = {mesh.place.spread("zone"), mesh.place.distinct()},
  ports = {port = "11211-11299"},
}

local django = mesh.role "django" {
  version = "v1", image = "django-v1",
  needs = {"postgres"},
  count = mesh.scale.by_rate("sum(rate(nginx_requests_total[1m]))",
    {per_instance = 200, min = 2, max = 20, grow = "5/10s", shrink = "1/60s", on_missing = "hold"}),
  place = {mesh.place.spread("zone"), mesh.place.anti_affinity("postgres"), mesh.place.avoid_failures()},
  resources = {cpu = "500m", memory = "256Mi"},
  ports = {port = "18000-18099"},
  vars = function(round)
    return {database = round:healthy("postgres")[1], caches = round:healthy("memcached")}
  end,
  update = {strategy = "canary", percent = 5, substeps = 4, min_healthy = "10s", run_once = "migrate",
    after = {"postgres"}},
}

local nginx = mesh.role "nginx" {
  version = "v1", image = "nginx-v1",
  place = mesh.place.every(),
  ports = {port = 8080},
  vars = function(round) return {backends = round:healthy("django")} end,
}

return mesh.scheduler {postgres, memcached, django, nginx}
