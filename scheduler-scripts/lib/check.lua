---@meta mesh.check
--- Is a value what the contract says?  mesh.check("Output", result) gives nil, or the first
-- thing that is wrong with its path: "nodes.n2.roles.web.sandbox: expected a name, got 5".
-- The host checks the output of a round by itself; this is for specs and simulations.

local contract = require "mesh.contract"
local util = require "mesh.util"

local parsed = {}
local partial = false -- may something be missing?

--- "map<name, list<Node>>" as {kind = "map", key, item}.
local function parse(text)
  if parsed[text] then return parsed[text] end
  local node
  local inner = text:match("^list<(.*)>$")
  local key, item = text:match("^map<(%w+), (.*)>$")
  local words = text:match("^enum%((.*)%)$")
  if inner then
    node = {kind = "list", item = parse(inner)}
  elseif key then
    node = {kind = "map", key = key, item = parse(item)}
  elseif text:find("^%w+ | %w+$") then
    local one, other = text:match("^(%w+) | (%w+)$")
    node = {kind = "either", parse(one), parse(other)}
  elseif words then
    node = {kind = "enum", words = {}}
    for word in words:gmatch("[^, ]+") do node.words[#node.words + 1] = word end
  else
    node = {kind = contract.types[text] and "class" or text, class = text}
  end
  parsed[text] = node
  return node
end

local function shown(value)
  if type(value) == "string" then return ("'%s'"):format(#value > 40 and value:sub(1, 40) .. "..." or value) end
  if type(value) == "number" or type(value) == "boolean" then return type(value) .. " " .. tostring(value) end
  return type(value)
end

local function wanted(path, what, value)
  return ("%s: expected %s, got %s"):format(path, what, shown(value))
end

--- A place for people: the top has no name of its own.
local function below(path, key)
  if type(key) == "number" then return ("%s[%d]"):format(path, key) end
  return path == "" and tostring(key) or path .. "." .. tostring(key)
end

local plain = {}

function plain.name(value, path)
  if util.is_name(value) then return nil end
  if type(value) == "string" then return ("%s: '%s' must match %s"):format(path, value, contract.names) end
  return wanted(path, "a name", value)
end

function plain.image(value, path)
  if not util.is_image(value) then return wanted(path, "an image", value) end
end

function plain.stamp(value, path)
  if type(value) ~= "string" or not value:find("^%d+%.%x%x%x%x%x%x%x%x%.%d+$") then
    return wanted(path, "a stamp", value)
  end
end

function plain.integer(value, path)
  if math.type(value) ~= "integer" and not (type(value) == "number" and math.tointeger(value)) then
    return wanted(path, "an integer", value)
  end
end

function plain.any(value, path)
  local kind = type(value)
  if kind == "function" or kind == "thread" or kind == "userdata" then
    return ("%s: %s is not serialisable"):format(path, kind)
  end
end

for _, kind in ipairs {"string", "number", "boolean"} do
  plain[kind] = function(value, path)
    if type(value) ~= kind then return wanted(path, "a " .. kind, value) end
  end
end

local check

local compound = {}

function compound.enum(node, value, path)
  for _, word in ipairs(node.words) do
    if value == word then return nil end
  end
  return wanted(path, "one of " .. table.concat(node.words, ", "), value)
end

--- Of a table the class's error tells more.
function compound.either(node, value, path)
  local first, second = check(node[1], value, path), check(node[2], value, path)
  if first and second then return type(value) == "table" and second or first end
end

function compound.list(node, value, path)
  if type(value) ~= "table" then return wanted(path, "a list", value) end
  local n = #value
  for key, item in pairs(value) do
    if math.type(key) ~= "integer" or key < 1 or key > n then return wanted(path, "a list", value) end
    local why = check(node.item, item, below(path, key))
    if why then return why end
  end
end

function compound.map(node, value, path)
  if type(value) ~= "table" then return wanted(path, "a map", value) end
  for _, key in ipairs(util.sorted_keys(value)) do
    local why = plain[node.key](key, below(path, key)) or check(node.item, value[key], below(path, key))
    if why then return why end
  end
end

local function bounds(field, value, path)
  if type(value) == "number" then
    if field.min and value < field.min then return ("%s: %s, at least %d"):format(path, tostring(value), field.min) end
    if field.max and value > field.max then return ("%s: %s, at most %d"):format(path, tostring(value), field.max) end
  elseif field.bytes and #value > field.bytes then
    return ("%s: string of %d bytes, at most %d"):format(path, #value, field.bytes)
  elseif field.items and #util.keys(value) > field.items then
    return ("%s: %d entries, at most %d"):format(path, #util.keys(value), field.items)
  end
end

function compound.class(node, value, path)
  if type(value) ~= "table" then return wanted(path, "a map", value) end
  local class, names = contract.types[node.class], {}
  for _, field in ipairs(class.fields) do
    local name = field[1]
    local at, item = below(path, name), value[name]
    names[name] = true
    if item == nil then
      if not field.optional and not partial then
        return ("%s: %s is missing"):format(path == "" and node.class or path, name)
      end
    else
      local why = check(parse(field[2]), item, at) or bounds(field, item, at)
      if why then return why end
    end
  end
  for key in pairs(value) do
    if type(key) ~= "string" then return wanted(path, "a map", value) end
    if not names[key] and not class.open then
      return ("%s: unknown key '%s'%s"):format(path == "" and node.class or path, tostring(key),
        util.meant(tostring(key), util.keys(names)))
    end
  end
end

function check(node, value, path)
  local f = plain[node.kind]
  if f then return f(value, path) end
  return compound[node.kind](node, value, path)
end

---@param type_name string  of the contract: "Input", "Output", "Node" ...
---@param value any
---@param some? boolean  not all of it need be there: an input that somebody wrote; but its nodes
---@param path? string    where it is in something larger
---@return string? error
return function(type_name, value, some, path)
  partial = some == true
  local why = check(parse(type_name), value, path or "")
  partial = false
  return why or some and type_name == "Input" and value.nodes == nil and "Input: nodes is missing" or nil
end
