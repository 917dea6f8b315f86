---@meta mesh.filters
--- Filters of templates: {{ value | name }}, {{ value | name(argument) }}.
-- A filter gets the value before it and gives the next one; what can't be is an error
-- with the template's place.  The quoting functions (json, yaml, sh, quote, html,
-- lines) are filters too.

local LIST_MAX <const> = 100000

local function fail(name, fmt, ...)
  error((name .. ": " .. fmt):format(...), 0)
end

local function list_of(name, value)
  if type(value) ~= "table" then fail(name, "expected a list, got %s", type(value)) end
  local n = #value
  if n == 0 and next(value) ~= nil then fail(name, "expected a list, got a map") end
  if n > LIST_MAX then fail(name, "a list of %d; at most %d", n, LIST_MAX) end
  return value
end

local function text_of(name, value)
  local kind = type(value)
  if kind == "number" or kind == "boolean" then return tostring(value) end
  if kind ~= "string" then fail(name, "expected text, got %s", kind) end
  return value
end

local function is_text(name, what, value)
  if type(value) ~= "string" then fail(name, "%s: expected text, got %s", what, type(value)) end
  return value
end

local function integer(name, what, value, low, high)
  local n = math.tointeger(value)
  if n == nil or n < low or n > high then
    fail(name, "%s: %s is not an integer %d-%d", what, tostring(value), low, high)
  end
  return n
end

-- Numbers before texts, so that a mixed list has one order.
local function before(a, b)
  if type(a) == type(b) then return a < b end
  return type(a) == "number"
end

--- Scalars, or by a field of each; equal ones stay as they stood.
local function sorted(name, value, field)
  local list = {}
  for i, item in ipairs(list_of(name, value)) do
    local key = item
    if field ~= nil then
      if type(item) ~= "table" then fail(name, "item %d is a %s, it has no fields", i, type(item)) end
      key = item[field]
    end
    if type(key) ~= "number" and type(key) ~= "string" then
      fail(name, "item %d: expected a number or text, got %s", i, type(key))
    end
    list[i] = {key = key, item = item, at = i}
  end
  table.sort(list, function(a, b)
    if a.key ~= b.key then return before(a.key, b.key) end
    return a.at < b.at
  end)
  for i, entry in ipairs(list) do list[i] = entry.item end
  return list
end

local function keys(name, value)
  if type(value) ~= "table" then fail(name, "expected a map, got %s", type(value)) end
  local list = {}
  for key in pairs(value) do list[#list + 1] = key end
  return sorted(name, list)
end

local filters = {}

--- Instead of nil, also of a variable that is not there.
function filters.default(value, instead)
  if value == nil then return instead end
  return value
end

--- Of a list or map its entries, of text its characters.
function filters.length(value)
  if type(value) == "table" then
    local n = 0
    for _ in pairs(value) do n = n + 1 end
    return n
  end
  local text = text_of("length", value)
  return utf8.len(text) or #text
end

function filters.upper(value) return text_of("upper", value):upper() end
function filters.lower(value) return text_of("lower", value):lower() end
function filters.trim(value) return (text_of("trim", value):match("^%s*(.-)%s*$")) end

--- Every `from`, as it stands, becomes `to`.
function filters.replace(value, from, to)
  local text = text_of("replace", value)
  is_text("replace", "first argument", from)
  is_text("replace", "second argument", to)
  if from == "" then fail("replace", "first argument: empty") end
  return (text:gsub(from:gsub("%p", "%%%0"), (to:gsub("%%", "%%%%"))))
end

function filters.split(value, by)
  local text, list, at = text_of("split", value), {}, 1
  if is_text("split", "argument", by) == "" then fail("split", "argument: empty") end
  while true do
    local from, to = text:find(by, at, true)
    list[#list + 1] = text:sub(at, (from or 0) - 1)
    if not from then return list end
    at = to + 1
  end
end

function filters.join(value, between)
  local parts = {}
  for i, item in ipairs(list_of("join", value)) do parts[i] = text_of("join", item) end
  return table.concat(parts, between == nil and "" or is_text("join", "argument", between))
end

function filters.first(value) return list_of("first", value)[1] end
function filters.last(value) return list_of("last", value)[#value] end
function filters.sort(value, field) return sorted("sort", value, field) end
function filters.keys(value) return keys("keys", value) end

--- Values of a map, in the order of its keys.
function filters.values(value)
  local list = {}
  for i, key in ipairs(keys("values", value)) do list[i] = value[key] end
  return list
end

function filters.reverse(value)
  local list, n = {}, #list_of("reverse", value)
  for i = 1, n do list[i] = value[n + 1 - i] end
  return list
end

--- Of equal ones the first.
function filters.unique(value)
  local list, seen = {}, {}
  for _, item in ipairs(list_of("unique", value)) do
    if not seen[item] then list[#list + 1], seen[item] = item, true end
  end
  return list
end

--- The field of each item.
function filters.map(value, field)
  local list = {}
  for i, item in ipairs(list_of("map", value)) do
    if type(item) ~= "table" or item[field] == nil then
      fail("map", "item %d has no '%s'", i, tostring(field))
    end
    list[i] = item[field]
  end
  return list
end

--- Items whose field is that, or is there at all.
function filters.where(value, field, is)
  local list = {}
  for _, item in ipairs(list_of("where", value)) do
    local has = type(item) == "table" and item[field]
    if is == nil and has or is ~= nil and has == is then list[#list + 1] = item end
  end
  return list
end

--- To so many digits behind the point; 0 unless said.
function filters.round(value, digits)
  if type(value) ~= "number" then fail("round", "expected a number, got %s", type(value)) end
  local n = digits == nil and 0 or integer("round", "argument", digits, 0, 15)
  if n == 0 then return math.tointeger(math.floor(value + 0.5)) or math.floor(value + 0.5) end
  return tonumber(("%." .. n .. "f"):format(value))
end

---@param quote table<string, function>  the quoting functions of the host
return function(quote)
  for name, f in pairs(quote) do filters[name] = f end
  --- Each line but the first so many spaces to the right; may hold newlines.
  function filters.indent(value, spaces)
    local pad = (" "):rep(integer("indent", "argument", spaces, 0, 200))
    return quote.lines((text_of("indent", value):gsub("\n(.)", "\n" .. pad .. "%1")))
  end
  return filters
end
