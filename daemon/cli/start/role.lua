--- The role @NAME@: two instances on two nodes, a port each.
return mesh.role("@NAME@", {
  version = "v1",
  image = "@NAME@-v1",
  count = 2,
  place = mesh.place.spread(),
  ports = {port = "18000-18099"},
  vars = {greeting = "Hello from @NAME@"},
})
