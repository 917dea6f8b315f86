-- What scheduler scripts and their specs may name.  `mesh` is read-only.
std = "lua54"
max_line_length = 120
read_globals = {"mesh"}
files["spec"] = {std = "lua54+busted", read_globals = {"mesh"}}
files["**/spec/**"] = {std = "lua54+busted"}
