-- The first scheduler anyone reads: web servers behind a balancer on every node.
local page = "Hello from the mesh"
local count = 4

local web = mesh.role("web", {
  version = "v1",
  image = "web-v1",
  count = count,
  place = mesh.place.spread(),
  ports = {port = "18000-18099"},
  vars = {page = page},
})

local front = mesh.role("front", {
  version = "v1",
  image = "front-v1",
  process = "haproxy",
  place = mesh.place.every(),
  ports = {port = 8080},
  vars = function(round)
    return {backends = round:healthy("web")}
  end,
})

return mesh.scheduler {web, front}
