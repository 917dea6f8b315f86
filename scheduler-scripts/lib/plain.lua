---@meta mesh.plain
--- Values that a schedule may hold: nil, booleans, finite numbers, UTF-8, lists and maps of these.
-- The host refuses a whole schedule for one that is something else.  So what a role's own functions
-- return is looked at within that role's error boundary: there it is the error of that role alone.

local plain = {}

local DEPTH_MAX <const> = 32 -- of the schedule, which is 1
local BYTES_MAX <const> = 511 << 10 -- of a role's part: the host takes no larger one

local bytes = 0 -- at least so many has what is being looked at

local utf8_len <const>, int_of <const> = utf8.len, math.type

local function fail(path, text, ...) error(path .. ": " .. text:format(...), 0) end

local function below(path, key)
  return int_of(key) == "integer" and ("%s[%d]"):format(path, key) or ("%s.%s"):format(path, key)
end

local look

--- All of its keys are 1..n, or all are strings.
local function look_into(value, path, depth, open)
  local strings, ints, last = 0, 0, 0
  if open[value] then fail(path, "it is within itself") end
  if depth > DEPTH_MAX then fail(path, "deeper than %d", DEPTH_MAX) end
  open[value] = true
  for key, item in pairs(value) do
    local kind = int_of(key) or type(key)
    bytes = bytes + 1
    if kind == "integer" then
      ints, last = ints + 1, key > last and key or last
      if key < 1 then fail(path, "key %d: a list has keys 1..n", key) end
    elseif kind == "string" then
      strings, bytes = strings + 1, bytes + #key
      if not utf8_len(key) then fail(path, "a key is not UTF-8") end
    else
      fail(path, "a key is a %s, not a string or 1..n", type(key))
    end
    look(item, path, key, depth + 1, open)
  end
  open[value] = nil
  if ints > 0 and strings > 0 then fail(path, "keys are numbers and strings") end
  if ints ~= last then fail(path, "a list with holes: %d is its last key", last) end
end

--- A path is made only for what has a place of its own, a table, or is wrong.
function look(value, path, key, depth, open)
  local kind = type(value)
  if kind == "table" then
    look_into(value, below(path, key), depth, open)
  elseif kind == "string" then
    bytes = bytes + #value
    if not utf8_len(value) then fail(below(path, key), "not UTF-8") end
  elseif kind == "number" then
    if value ~= value or value - value ~= 0 then
      fail(below(path, key), "%s is not a finite number", value ~= value and "nan" or value)
    end
  elseif kind ~= "boolean" and kind ~= "nil" then
    fail(below(path, key), "%s is not serialisable", kind)
  end
end

--- An error, with its path, unless the table is such a value.
---@param value table
---@param path string
---@param depth integer  of it in the schedule
function plain.check(value, path, depth)
  bytes = 0
  look_into(value, path, depth, {})
  if bytes > BYTES_MAX then fail(path, "%d KiB, at most %d KiB", (bytes + 1023) >> 10, BYTES_MAX >> 10) end
end

--- Text for people that a schedule may hold: UTF-8, of at most 1000 bytes.
---@param text string
---@return string
function plain.text(text)
  if #text > 1000 then text = text:sub(1, 997) .. "..." end
  return utf8_len(text) and text or (text:gsub("[\x80-\xff]", function(c) return ("\\x%02x"):format(c:byte()) end))
end

return plain
