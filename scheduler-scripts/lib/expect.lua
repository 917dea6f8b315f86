---@meta mesh.expect
--- assert, as busted has it: assert(v), assert.are.equal(a, b), assert.is_not_nil(v) ...
-- Small words (is, are, has, a ...) say nothing, `not` and `no` turn the sense around;
-- what is left names the assertion.

local util = require "mesh.util"

local expect = {}

local SMALL = {is = true, are = true, was = true, were = true, has = true, have = true, does = true,
  ["do"] = true, a = true, an = true, the = true, be = true, to = true}
local TURN = {["not"] = true, no = true, ["Not"] = true}

local SHOWN_BYTES = 400

local function quoted(value)
  if type(value) == "string" then return ("%q"):format(value):gsub("\\\n", "\\n") end
  return tostring(value)
end

local function write(value, out, depth, seen)
  if type(value) ~= "table" then
    out[#out + 1] = quoted(value)
    return
  end
  if seen[value] or depth > 4 then
    out[#out + 1] = seen[value] and "{(cycle)}" or "{...}"
    return
  end
  seen[value] = true
  local first, n = true, #value
  out[#out + 1] = "{"
  for key, item in pairs(value) do
    out[#out + 1] = first and "" or ", "
    first = false
    if not (math.type(key) == "integer" and key >= 1 and key <= n) then
      local plain = type(key) == "string" and key:find("^[%a_][%w_]*$")
      out[#out + 1] = (plain and "%s = " or "[%s] = "):format(plain and key or quoted(key))
    end
    write(item, out, depth + 1, seen)
  end
  out[#out + 1] = "}"
  seen[value] = nil
end

--- A value as text, in one line.
function expect.show(value)
  local out = {}
  write(value, out, 0, {})
  local text = table.concat(out)
  if #text > SHOWN_BYTES then text = text:sub(1, SHOWN_BYTES) .. "..." end
  return ("(%s) %s"):format(type(value), text)
end

--- Where two values differ first, "" at the top; nil: they are the same all through.
local function differ(a, b, path, seen)
  if type(a) ~= "table" or type(b) ~= "table" then
    if a == b then return nil end
    return path, a, b
  end
  if a == b or seen[a] == b then return nil end
  seen[a] = b
  for key, value in pairs(a) do
    local step = type(key) == "string" and "." .. key or ("[%s]"):format(tostring(key))
    local at, x, y = differ(value, b[key], path .. step, seen)
    if at then return at, x, y end
  end
  for key, value in pairs(b) do
    if a[key] == nil then
      return path .. (type(key) == "string" and "." .. key or ("[%s]"):format(tostring(key))), nil, value
    end
  end
end

local checks = {}

function checks.equal(expected, got)
  return expected == got, "expected %2, equal to %1", "expected another one than %1"
end

function checks.same(expected, got)
  local at, x, y = differ(expected, got, "", {})
  if at == nil then return true, nil, "expected another one than %1" end
  local where = at ~= "" and ("\nthey differ at %s: %s there, expected %s"):format(at, expect.show(y),
    expect.show(x)) or ""
  return false, "expected %2\nto be the same as %1" .. where:gsub("%%", "%%%%")
end

checks["true"] = function(v) return v == true, "expected true, got %1", "expected anything but true" end
checks["false"] = function(v) return v == false, "expected false, got %1", "expected anything but false" end
checks["nil"] = function(v) return v == nil, "expected nil, got %1", "expected anything but nil" end
function checks.truthy(v)
  return v and true or false, "expected a true value, got %1", "expected nil or false, got %1"
end
function checks.falsy(v) return not v, "expected nil or false, got %1", "expected a true value, got %1" end

for _, kind in ipairs {"number", "string", "table", "function", "boolean", "thread", "userdata"} do
  checks[kind] = function(v)
    return type(v) == kind, "expected a " .. kind .. ", got %1", "expected no " .. kind .. ", got %1"
  end
end

function checks.near(expected, got, tolerance)
  local ok = type(got) == "number" and math.abs(expected - got) <= tolerance
  return ok, "expected %2 to be within %3 of %1", "expected %2 not to be within %3 of %1"
end

--- assert.matches(pattern, text [, init [, plain]])
function checks.matches(pattern, text, init, plain)
  if type(text) ~= "string" and type(text) ~= "number" then return false, "expected a text like %1, got %2" end
  local ok = tostring(text):find(pattern, init, plain) ~= nil
  return ok, "expected a text like %1, got %2", "expected no text like %1, got %2"
end

local function same_error(expected, got)
  if expected == nil or differ(expected, got, "", {}) == nil then return true end
  -- busted takes an error without the place that error() put before it.
  return type(expected) == "string" and type(got) == "string"
    and got:gsub("^[^:\n]+:%d+: ", "") == expected
end

--- assert.has_error(function [, the error])
function checks.error(f, expected)
  local ok, got = pcall(f)
  if ok then return false, "expected an error, there was none" end
  local shown = expect.show(got):gsub("%%", "%%%%")
  if same_error(expected, got) then return true, nil, "expected no error, got " .. shown end
  return false, "expected the error %2\ngot " .. shown, "expected an error, but not %2"
end

--- assert.error_matches(function, pattern [, init [, plain]])
function checks.error_matches(f, pattern, init, plain)
  local ok, got = pcall(f)
  if ok then return false, "expected an error like %2, there was none" end
  local fits = type(got) == "string" and got:find(pattern, init, plain) ~= nil
  return fits, "expected an error like %2, got " .. expect.show(got):gsub("%%", "%%%%"), "expected no error like %2"
end

--- assert.unique(list): no item twice, by value.
function checks.unique(list)
  for i = 1, #list do
    for k = i + 1, #list do
      if differ(list[i], list[k], "", {}) == nil then
        return false, ("items %d and %d of %%1 are the same"):format(i, k)
      end
    end
  end
  return true, nil, "expected an item twice in %1"
end

local ALIASES = {equals = "equal", match = "matches", errors = "error", ["error_match"] = "error_matches",
  matches_error = "error_matches", ["True"] = "true", ["False"] = "false", ["Nil"] = "nil"}

--- How many values each assertion needs: a typo must not pass for nil.
local LEAST = {equal = 2, same = 2, near = 3, matches = 2, error = 1, error_matches = 2, unique = 1}

local function fail(text, level, values, n)
  local line = text:gsub("%%(.)", function(c)
    local i = tonumber(c)
    if not i then return "%" end
    if i > n then return expect.show(nil) end
    return expect.show(values[i])
  end)
  error(line, level + 1)
end

local function run(name, turned, level, ...)
  local check, n, values = checks[ALIASES[name] or name], select("#", ...), {...}
  if n < (LEAST[ALIASES[name] or name] or 1) then
    error(("assert.%s: %d values, needs %d"):format(name, n, LEAST[ALIASES[name] or name] or 1), level + 1)
  end
  local ok, text, other = check(...)
  if turned then ok, text = not ok, other or "expected it not to be so" end
  if not ok then fail(text or "it is not so", level + 1, values, n) end
end

--- "is_not_nil" after what came before it: the next state, or a finished assertion.
local function read(state, key)
  if checks[ALIASES[key] or key] then return {turned = state.turned, name = key} end
  local rest, turned = key, state.turned
  while true do
    local word, tail = rest:match("^(%a+)_?(.*)$")
    if not word then break end
    if TURN[word] then turned = not turned elseif not SMALL[word] then break end
    rest = tail
    if checks[ALIASES[rest] or rest] then return {turned = turned, name = rest} end
  end
  if rest ~= "" then
    local known = util.keys(checks)
    error(("assert has no '%s'%s"):format(key, util.suggest(rest, known)), 3)
  end
  return {turned = turned}
end

local function part(state)
  return setmetatable({}, {
    __index = function(_, key)
      if type(key) ~= "string" then return nil end
      return part(read(state, key))
    end,
    __call = function(_, ...)
      local value, text = ...
      if state.name then
        run(state.name, state.turned, 2, ...) -- no tail call: the level counts
        return ...
      end
      if not value then error(text == nil and "assertion failed!" or text, type(text) == "string" and 2 or 0) end
      return ...
    end,
  })
end

expect.assert = part {turned = false}

return expect
