---@meta mesh.schema
--- Validators that are built from each other: what a value has to be, checked whole,
-- with the path of what is wrong and a "did you mean" for a key that nobody knows.
--
--     local s = mesh.schema
--     local camera = s.record {site = s.name, fps = s.optional(s.integer(1, 60), 25)}
--     local item, err = s.check(camera, given, "cameras.c17")   -- nil, "cameras.c17.fps: …"
--     local args, err = s.parse(camera, action.args)            -- from text, as typed: fps=30
--
-- A validator is a function (value, path, text) that returns true and the value, with
-- defaults filled in, or false and one line.  `text` says that values are as typed, so
-- "30" is a number.  Nothing here raises an error over a value.

local units = require "mesh.units"
local util = require "mesh.util"

---@alias mesh.Validator fun(value: any, path: string, text?: boolean): boolean, any

local schema = {}

local DEPTH_MAX <const> = 32
local optional = {} -- validators that take nothing: a record asks whether a key may be absent

-- A value as an error shows it: short, and never a whole table.
local function shown(value)
  if type(value) == "string" then
    if #value > 40 then value = value:sub(1, 37) .. "..." end
    return ("'%s'"):format((value:gsub("%c", "?")))
  end
  if value ~= value then return "nan" end
  if type(value) == "number" or type(value) == "boolean" then return tostring(value) end
  return value == nil and "nothing" or "a " .. type(value)
end

local function wrong(path, expected, value)
  return false, ("%s: expected %s, got %s"):format(path, expected, shown(value))
end

local function below(path, key)
  if math.type(key) == "integer" then return ("%s[%d]"):format(path, key) end
  return path == "" and tostring(key) or path .. "." .. tostring(key)
end

--- Anything that is there.
function schema.any(value, path)
  if value == nil then return wrong(path, "a value", nil) end
  return true, value
end

--- Text.  `pattern`: a Lua pattern that the whole of it matches, `says` how to say so.
---@param pattern? string
---@param says? string
function schema.string(pattern, says)
  return function(value, path)
    if type(value) ~= "string" then return wrong(path, says or "text", value) end
    if pattern and not value:find("^" .. pattern .. "$") then
      return wrong(path, says or "text like " .. pattern, value)
    end
    return true, value
  end
end

--- A name as mesh has them: [a-z0-9][a-z0-9_.-]{0,62}.
function schema.name(value, path)
  if not util.is_name(value) then return wrong(path, "a name, [a-z0-9][a-z0-9_.-]{0,62}", value) end
  return true, value
end

local function number_of(kind, low, high)
  local expected = kind == "integer" and "an integer" or "a number"
  if low and high then
    expected = ("%s %s-%s"):format(expected, low, high)
  elseif low or high then
    expected = ("%s of at %s %s"):format(expected, low and "least" or "most", low or high)
  end
  return function(value, path, text)
    local n = value
    if text and type(n) == "string" then n = tonumber(n:match("^[-+]?%d+%.?%d*$")) end
    if kind == "integer" and type(n) == "number" then n = math.tointeger(n) end
    if type(n) ~= "number" or n ~= n or n < (low or n) or n > (high or n) then
      return wrong(path, expected, value)
    end
    return true, n
  end
end

---@param low? integer
---@param high? integer
function schema.integer(low, high) return number_of("integer", low, high) end

---@param low? number
---@param high? number
function schema.number(low, high) return number_of("number", low, high) end

local words <const> = {["true"] = true, yes = true, on = true, ["false"] = false, no = false, off = false}

--- true or false; as typed: true yes on, false no off.
function schema.boolean(value, path, text)
  if text and words[value] ~= nil then return true, words[value] end
  if type(value) ~= "boolean" then return wrong(path, "true or false", value) end
  return true, value
end

--- A function of the script.
function schema.func(value, path)
  if type(value) ~= "function" then return wrong(path, "a function", value) end
  return true, value
end

local function unit(convert)
  return function(value, path)
    local n, expected = convert(value)
    if n == nil then return wrong(path, expected, value) end
    return true, n
  end
end

--- "30s" to ms; "512Mi" to bytes; "500m" to thousandths of a CPU; "5%" to 5; "5/10s".
schema.duration = unit(units.duration)
schema.size = unit(units.size)
schema.cpu = unit(units.cpu)
schema.percent = unit(units.percent)
schema.rate = unit(units.rate)

--- One of some words.
---@param list string[]
function schema.enum(list)
  local set = {}
  for _, word in ipairs(list) do set[word] = true end
  return function(value, path)
    if set[value] then return true, value end
    local hint = type(value) == "string" and util.suggest(value, list) or ""
    return false, ("%s: %s is none of %s%s"):format(path, shown(value), table.concat(list, ", "), hint)
  end
end

--- A list, each of its items checked.
---@param of mesh.Validator
---@param low? integer   so many at least
---@param high? integer  so many at most
function schema.list(of, low, high)
  return function(value, path, text)
    if text and type(value) == "string" then
      local items = {}
      for item in value:gmatch("[^,]+") do items[#items + 1] = item end
      value = items
    end
    if type(value) ~= "table" then return wrong(path, "a list", value) end
    local out = {}
    for key in pairs(value) do
      if math.type(key) ~= "integer" or key < 1 or key > #value then
        return false, ("%s: expected a list, got one with the key %s"):format(path, shown(key))
      end
    end
    if #value < (low or 0) or #value > (high or #value) then
      return false, ("%s: %d items, expected %d-%s"):format(path, #value, low or 0, high or "any")
    end
    for i, item in ipairs(value) do
      local ok, v = of(item, below(path, i), text)
      if not ok then return false, v end
      out[i] = v
    end
    return true, out
  end
end

--- A table of any keys that `key` takes, with values that `of` takes.
---@param key mesh.Validator
---@param of mesh.Validator
function schema.map(key, of)
  return function(value, path, text)
    if type(value) ~= "table" then return wrong(path, "a table", value) end
    local out = {}
    for _, k in ipairs(util.keys(value)) do
      local ok, v = key(k, below(path, k), text)
      if not ok then return false, v end
      local fine, w = of(value[k], below(path, k), text)
      if not fine then return false, w end
      out[v] = w
    end
    return true, out
  end
end

--- May be absent; then it is `default`.
---@param of mesh.Validator
---@param default? any
function schema.optional(of, default)
  local made = function(value, path, text)
    if value == nil then return true, default end
    return of(value, path, text)
  end
  optional[made] = true
  return made
end

--- A table of these keys and no others.
---@param fields table<string, mesh.Validator>
function schema.record(fields)
  local names = util.keys(fields)
  return function(value, path, text)
    if type(value) ~= "table" then return wrong(path, "a table", value) end
    if select(2, path:gsub("[%.%[]", "")) > DEPTH_MAX then return false, path .. ": too deep" end
    for _, key in ipairs(util.keys(value)) do
      if fields[key] == nil then
        return false, ("%s: unknown key%s"):format(below(path, key), util.meant(tostring(key), names))
      end
    end
    local out = {}
    for _, name in ipairs(names) do
      if value[name] == nil and not optional[fields[name]] then
        return false, below(path, name) .. ": is missing"
      end
      local ok, v = fields[name](value[name], below(path, name), text)
      if not ok then return false, v end
      out[name] = v
    end
    return true, out
  end
end

--- The first validator that takes it; the error is that of the last.
---@param list mesh.Validator[]
function schema.either(list)
  return function(value, path, text)
    local said
    for _, of in ipairs(list) do
      local ok, v = of(value, path, text)
      if ok then return true, v end
      said = v
    end
    return false, said
  end
end

--- What `of` takes and `test` (a function of the value) agrees to.
---@param of mesh.Validator
---@param test fun(value: any): boolean
---@param says string
function schema.where(of, test, says)
  return function(value, path, text)
    local ok, v = of(value, path, text)
    if not ok then return false, v end
    if not test(v) then return wrong(path, says, value) end
    return true, v
  end
end

--- The value, checked and with its defaults; or nil and one line.
---@param validator mesh.Validator
---@param value any
---@param path? string  what it is called in errors
function schema.check(validator, value, path)
  local ok, v = validator(value, path or "")
  if ok then return v end
  return nil, (v:gsub("^: ", ""))
end

--- The same of what was typed: values are text.
---@param validator mesh.Validator
---@param args table<string, string>
function schema.parse(validator, args)
  local ok, v = validator(args or {}, "", true)
  if ok then return v end
  return nil, (v:gsub("^: ", ""))
end

return schema
