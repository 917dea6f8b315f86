-- Written by `make contract`: what scheduler scripts and their specs may name.
-- `mesh` is read-only.  Elsewhere: std = "lua54+mesh" with this stds.mesh.
stds.mesh = {read_globals = {mesh = {fields = {
  groups = {fields = {expand = {other_fields = true}, order = {other_fields = true}}},
  lithos = {other_fields = false},
  log = {fields = {new = {other_fields = true}}},
  merge = {fields = {copy_on = {other_fields = true}, past = {other_fields = true}}},
  place = {fields = {affinity = {other_fields = true}, anti_affinity = {other_fields = true},
    assigned = {other_fields = true}, avoid_failures = {other_fields = true}, binpack = {other_fields = true},
    constraint = {other_fields = true}, distinct = {other_fields = true}, every = {other_fields = true},
    near = {other_fields = true}, not_on = {other_fields = true}, only = {other_fields = true},
    parse = {other_fields = true}, spread = {other_fields = true}, sticky = {other_fields = true}}},
  ports = {fields = {new = {other_fields = true}, parse = {other_fields = true}, part = {other_fields = true}}},
  role = {other_fields = true},
  scale = {fields = {by = {other_fields = true}, by_load = {other_fields = true}, by_rate = {other_fields = true},
    decide = {other_fields = true}, is = {other_fields = true}, query = {other_fields = true}}},
  scheduler = {other_fields = false},
  schema = {fields = {any = {other_fields = true}, boolean = {other_fields = true}, check = {other_fields = true},
    cpu = {other_fields = true}, duration = {other_fields = true}, either = {other_fields = true},
    enum = {other_fields = true}, func = {other_fields = true}, integer = {other_fields = true},
    list = {other_fields = true}, map = {other_fields = true}, name = {other_fields = true},
    number = {other_fields = true}, optional = {other_fields = true}, parse = {other_fields = true},
    percent = {other_fields = true}, rate = {other_fields = true}, record = {other_fields = true},
    size = {other_fields = true}, string = {other_fields = true}, where = {other_fields = true}}},
  state = {fields = {canon = {other_fields = true}, copy = {other_fields = true}, is_own = {other_fields = true},
    merge = {other_fields = true}, open = {other_fields = true}}},
  units = {fields = {cpu = {other_fields = true}, duration = {other_fields = true}, percent = {other_fields = true},
    rate = {other_fields = true}, show_ms = {other_fields = true}, size = {other_fields = true}}},
  update = {fields = {act = {other_fields = true}, images = {other_fields = true}, known = {other_fields = true},
    parse = {other_fields = true}, record = {other_fields = true}, same = {other_fields = true},
    step = {other_fields = true}, steps = {other_fields = true}}},
  version = {fields = {latest = {other_fields = true}, less = {other_fields = true}, sort = {other_fields = true}}},
  why = {fields = {add = {other_fields = true}, text = {other_fields = true}}},
  sim = {other_fields = true},
}}}}
std = "lua54+mesh"
max_line_length = 120
exclude_files = {"meta"}
files["schema"] = {max_line_length = false}
files["spec"] = {std = "lua54+busted", read_globals = {"mesh"}}
files["**/spec/**"] = {std = "lua54+busted+mesh"}
