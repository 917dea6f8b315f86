-- Written by `make contract`: what scheduler scripts and their specs may name.
-- `mesh` is read-only.  Elsewhere: std = "lua54+mesh" with this stds.mesh.
stds.mesh = {read_globals = {mesh = {fields = {
  lithos = {other_fields = false},
  merge = {fields = {copy_on = {other_fields = true}, past = {other_fields = true}}},
  place = {fields = {every = {other_fields = true}, spread = {other_fields = true}, sticky = {other_fields = true}}},
  ports = {fields = {new = {other_fields = true}, parse = {other_fields = true}}},
  role = {other_fields = true},
  scheduler = {other_fields = false},
  version = {fields = {latest = {other_fields = true}, less = {other_fields = true}, sort = {other_fields = true}}},
  sim = {other_fields = true},
}}}}
std = "lua54+mesh"
max_line_length = 120
exclude_files = {"meta"}
files["schema"] = {max_line_length = false}
files["spec"] = {std = "lua54+busted", read_globals = {"mesh"}}
files["**/spec/**"] = {std = "lua54+busted+mesh"}
