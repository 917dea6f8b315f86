--- Writes what follows from contract.lua (make contract); with --check it only says what is
-- stale.  Run by a plain lua5.4 from the top of the tree.

local here = arg[0]:match("^(.*)schema/generate%.lua$") or "scheduler-scripts/"
package.path = here .. "spec/?.lua;" .. package.path
local mesh = require "setup".mesh
local contract = dofile(here .. "schema/contract.lua")
local json = dofile(here .. "schema/json.lua")

--- {list = T} | {map = key, item = T} | {either = {A, B}} | {enum = words} | {class = name} | {plain = name}
local function parse(text)
  local inner = text:match("^list<(.*)>$")
  if inner then return {list = parse(inner)} end
  local key, item = text:match("^map<(%w+), (.*)>$")
  if key then return {map = key, item = parse(item)} end
  local words = text:match("^enum%((.*)%)$")
  if words then
    local list = {}
    for word in words:gmatch("[^, ]+") do list[#list + 1] = word end
    return {enum = list}
  end
  local one, other = text:match("^(%w+) | (%w+)$")
  if one then return {either = {parse(one), parse(other)}} end
  return contract.types[text] and {class = text} or {plain = text}
end

-- --- doc/scheduler.md ---------------------------------------------------------------

local INTRO = [[
# The scheduler's contract

<!-- Written by `make contract` from scheduler-scripts/schema/contract.lua: change that. -->

A scheduler is `main.lua` in a script tree. It returns `{api = %d, schedule = function(input) ... end}` or what
`mesh.scheduler {...}` makes. `schedule` is a pure function: no clock, no files, no network; the same input gives the same
output, byte for byte, on every node. A script that says no `api` has 1; another number is refused.

The leader of each side calls it 50 ms after something changed, at most 4 times a second and at least each 5 s. What it
returns is checked whole. If anything is wrong the schedule in force stays, and `mesh status` shows what, with its path:
`nodes.n2.roles.web.instances.web.1: image is missing`.

`name` is `%s`; `image` is words of `[A-Za-z0-9_.-]` joined by `/`;
`stamp` is TERM.LEADER8.SEQ. An empty table of Lua is a list and a map. Fields marked *may be absent* are optional; every other one must be there in the output, and is there
in the input. Other fields than these are refused, with a "did you mean".

For programs: [input.schema.json](../scheduler-scripts/schema/input.schema.json) and
[output.schema.json](../scheduler-scripts/schema/output.schema.json). For editors: `scheduler-scripts/meta` and
`.luarc.json`. How to write, test and simulate one: [authors.md](authors.md).
]]

local function type_text(text)
  return (text:gsub("%f[%w]%u%w+", function(class)
    return contract.types[class] and ("[%s](#%s)"):format(class, class:lower()) or class
  end):gsub("<", "\\<"):gsub(" | ", " or "):gsub("^enum%((.*)%)$", function(words)
    return "`" .. words:gsub(", ", "` `") .. "`"
  end))
end

local function bounds_text(field)
  local list = {}
  if field.optional then list[#list + 1] = "may be absent" end
  if field.unit then list[#list + 1] = field.unit end
  if field.min and field.max then
    list[#list + 1] = field.min == field.max and tostring(field.min) or ("%d to %d"):format(field.min, field.max)
  elseif field.min and field.min ~= 0 then
    list[#list + 1] = ("%d or more"):format(field.min)
  end
  if field.bytes then list[#list + 1] = ("at most %d bytes"):format(field.bytes) end
  if field.items then list[#list + 1] = ("at most %d"):format(field.items) end
  return #list > 0 and (" *%s*"):format(table.concat(list, ", ")) or ""
end

local function reference()
  local out = {INTRO:format(contract.api, contract.names)}
  for _, name in ipairs(contract.order) do
    local class = contract.types[name]
    out[#out + 1] = ("## %s\n\n%s\n\n| field | type | what |\n|---|---|---|"):format(name, class.doc)
    for _, field in ipairs(class.fields) do
      out[#out + 1] = ("| `%s` | %s | %s%s |"):format(field[1], type_text(field[2]), field[3], bounds_text(field))
    end
    out[#out + 1] = ""
  end
  return table.concat(out, "\n")
end

-- --- meta/contract.lua --------------------------------------------------------------------

local PLAIN = {name = "string", image = "string", stamp = "string"}

local function annotation(node)
  if node.list then return annotation(node.list) .. "[]" end
  if node.map then return ("table<string, %s>"):format(annotation(node.item)) end
  if node.either then return ("(%s|%s)"):format(annotation(node.either[1]), annotation(node.either[2])) end
  if node.class then return "mesh." .. node.class end
  if node.enum then
    local words = {}
    for i, word in ipairs(node.enum) do words[i] = ('"%s"'):format(word) end
    return table.concat(words, "|")
  end
  return PLAIN[node.plain] or node.plain
end

local function meta()
  local out = {"---@meta", "-- Written by `make contract` from schema/contract.lua.", "", "---@type mesh", "mesh = nil", ""}
  for _, name in ipairs(contract.order) do
    local class = contract.types[name]
    out[#out + 1] = "--- " .. class.doc
    out[#out + 1] = "---@class mesh." .. name
    for _, field in ipairs(class.fields) do
      local unit = field.unit and " (" .. field.unit .. ")" or ""
      out[#out + 1] = ("---@field %s%s %s %s%s"):format(field[1], field.optional and "?" or "",
        annotation(parse(field[2])), field[3], unit)
    end
    if class.open then out[#out + 1] = "---@field [string] any" end
    out[#out + 1] = ""
  end
  out[#out + 1] = "---@class mesh.Main what main.lua returns\n---@field api? integer\n"
    .. "---@field schedule fun(input: mesh.Input): mesh.Output\n"
  return table.concat(out, "\n")
end

-- --- .luacheckrc, .luarc.json ----------------------------------------------------------------

local function names_of(t)
  local list = {}
  for key in pairs(t) do
    if type(key) == "string" then list[#list + 1] = key end
  end
  table.sort(list)
  return list
end

local function luacheckrc()
  local out = {[[
-- Written by `make contract`: what scheduler scripts and their specs may name.
-- `mesh` is read-only.  Elsewhere: std = "lua54+mesh" with this stds.mesh.
stds.mesh = {read_globals = {mesh = {fields = {]]}
  for _, name in ipairs(names_of(mesh)) do
    local kind = type(mesh[name]) == "table" and getmetatable(mesh[name]) or nil -- mesh.lua says what is a module
    local inner = kind and kind.__name == "mesh.module" and names_of(mesh[name]) or {}
    if #inner == 0 then
      out[#out + 1] = ("  %s = {other_fields = %s},"):format(name, tostring(type(mesh[name]) == "table"))
    else
      local fields = {}
      for i, field in ipairs(inner) do fields[i] = field .. " = {other_fields = true}" end
      out[#out + 1] = ("  %s = {fields = {%s}},"):format(name, table.concat(fields, ", "))
    end
  end
  out[#out + 1] = [[
  sim = {other_fields = true},
}}}}
std = "lua54+mesh"
max_line_length = 120
exclude_files = {"meta"}
files["schema"] = {max_line_length = false}
files["spec"] = {std = "lua54+busted", read_globals = {"mesh"}}
files["**/spec/**"] = {std = "lua54+busted+mesh"}
]]
  local text = {}
  for part in (table.concat(out, "\n")):gmatch("[^\n]*\n?") do
    local line = part
    while #line > 120 do -- at a comma
      local cut = line:sub(1, 118):match("^.*(),")
      text[#text + 1] = line:sub(1, cut) .. "\n"
      line = "    " .. line:sub(cut + 2)
    end
    text[#text + 1] = line
  end
  return table.concat(text)
end

local LUARC = [[
{
  "runtime.version": "Lua 5.4",
  "workspace.library": ["meta", "lib"],
  "diagnostics.globals": ["mesh"]
}
]]

-- --- JSON Schema ---------------------------------------------------------------------------------

local function schema_of(node, field)
  field = field or {}
  if node.list then
    return {anyOf = json.list {{type = "array", items = schema_of(node.list), maxItems = field.items},
      {type = "object", maxProperties = 0}}}
  end
  if node.map then
    return {anyOf = json.list {{type = "object", additionalProperties = schema_of(node.item),
      maxProperties = field.items, propertyNames = node.map == "name" and {["$ref"] = "#/$defs/name"} or nil},
      {type = "array", maxItems = 0}}}
  end
  if node.either then return {anyOf = json.list {schema_of(node.either[1]), schema_of(node.either[2])}} end
  if node.class then return {["$ref"] = "#/$defs/" .. node.class} end
  if node.enum then return {enum = json.list(node.enum)} end
  if node.plain == "any" then return {} end
  if PLAIN[node.plain] then
    return {["$ref"] = "#/$defs/" .. node.plain, maxLength = field.bytes}
  end
  return {type = node.plain, minimum = field.min, maximum = field.max, maxLength = field.bytes}
end

--- The classes that one needs, itself included.
local function reach(name, seen)
  if seen[name] then return seen end
  seen[name] = true
  local function visit(node)
    if node.class then reach(node.class, seen) end
    if node.list then visit(node.list) end
    if node.item then visit(node.item) end
    for _, one in ipairs(node.either or {}) do visit(one) end
  end
  for _, field in ipairs(contract.types[name].fields) do visit(parse(field[2])) end
  return seen
end

local function schema(root)
  local defs = {
    name = {type = "string", pattern = "^" .. contract.names .. "$"},
    image = {type = "string", pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*$"},
    stamp = {type = "string", pattern = "^[0-9]+\\.[0-9a-f]{8}\\.[0-9]+$"},
  }
  for name in pairs(reach(root, {})) do
    local class, properties, required = contract.types[name], {}, {}
    for _, field in ipairs(class.fields) do
      local item = schema_of(parse(field[2]), field)
      item.description = field[3] .. (field.unit and " (" .. field.unit .. ")" or "")
      properties[field[1]] = item
      if not field.optional then required[#required + 1] = field[1] end
    end
    defs[name] = {type = "object", description = class.doc, properties = properties,
      required = json.list(required), additionalProperties = class.open or false}
  end
  return json.write {["$schema"] = "https://json-schema.org/draft/2020-12/schema",
    title = ("mesh scheduler %s, api %d"):format(root:lower(), contract.api), ["$ref"] = "#/$defs/" .. root,
    ["$defs"] = defs}
end

-- --- writing ---------------------------------------------------------------------------------------

local top = here:gsub("scheduler%-scripts/$", "")
local made = {
  {top .. "doc/scheduler.md", reference()},
  {here .. "meta/contract.lua", meta()},
  {here .. ".luacheckrc", luacheckrc()},
  {here .. ".luarc.json", LUARC},
  {here .. "schema/input.schema.json", schema(contract.roots.input)},
  {here .. "schema/output.schema.json", schema(contract.roots.output)},
}

local stale = 0
for _, item in ipairs(made) do
  local path, text = item[1], item[2]
  local file = io.open(path, "rb")
  local was = file and file:read("a")
  if file then file:close() end
  if arg[1] == "--check" then
    local fresh = was == text
    print((fresh and "ok %s is as the contract says" or "not ok %s is stale: make contract"):format(path))
    stale = stale + (fresh and 0 or 1)
  elseif was ~= text then
    file = assert(io.open(path, "wb"))
    assert(file:write(text))
    assert(file:close())
    print("wrote " .. path)
  end
end
os.exit(stale == 0 and 0 or 1)
