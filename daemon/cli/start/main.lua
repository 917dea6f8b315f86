-- What runs where.  `mesh test` runs the specs, `mesh lint` looks for typos.
return mesh.scheduler {
  require "@NAME@",
}
