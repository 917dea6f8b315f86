---@meta mesh.json
--- mesh.json.decode(text): what a JSON text says, as tables.
-- RFC 8259 and nothing else: an error names line and column.  `null` is nil, so a
-- key that has it is not there; an integer stays one; depth is bounded.

local DEPTH_MAX <const> = 32

local json = {}

local escapes <const> = {
  ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t",
}

local function fail(text, at, fmt, ...)
  local line, from = 1, 1
  for start in text:sub(1, at - 1):gmatch("()\n") do line, from = line + 1, start + 1 end
  error(("%d:%d: " .. fmt):format(line, at - from + 1, ...), 0)
end

local function shown(text, at)
  if at > #text then return "the end" end
  local word = text:match("^%w+", at) or text:match("^[%g ]", at)
  return word and "'" .. word:sub(1, 20) .. "'" or ("byte %d"):format(text:byte(at))
end

local function skip(text, at)
  return text:match("^[ \t\r\n]*()", at)
end

--- \uXXXX, and its second half where it is a surrogate.
local function unicode(text, at)
  local hex = text:match("^%x%x%x%x", at)
  if not hex then fail(text, at, "expected four hex digits after \\u") end
  local code = tonumber(hex, 16)
  if code < 0xD800 or code > 0xDFFF then return utf8.char(code), at + 4 end
  local low = code < 0xDC00 and tonumber(text:match("^\\u(%x%x%x%x)", at + 4) or "0", 16) or 0
  if low < 0xDC00 or low > 0xDFFF then fail(text, at, "half of a surrogate pair") end
  return utf8.char(0x10000 + (code - 0xD800) * 0x400 + low - 0xDC00), at + 10
end

local function string_at(text, at)
  local parts, from = {}, at + 1
  while true do
    local stop = text:find('[%c"\\]', from)
    if not stop then fail(text, at, "a string without an end") end
    parts[#parts + 1] = text:sub(from, stop - 1)
    local c = text:sub(stop, stop)
    if c == '"' then return table.concat(parts), stop + 1 end
    if c == "\127" then
      parts[#parts + 1], from = c, stop + 1
    elseif c ~= "\\" then
      fail(text, stop, "byte %d in a string: write \\u%04x", c:byte(), c:byte())
    else
      local kind = text:sub(stop + 1, stop + 1)
      if kind == "u" then
        parts[#parts + 1], from = unicode(text, stop + 2)
      elseif escapes[kind] then
        parts[#parts + 1], from = escapes[kind], stop + 2
      else
        fail(text, stop, "unknown escape '\\%s'", kind)
      end
    end
  end
end

local function number_at(text, at)
  local whole, next_at = text:match("^(-?%d+)()", at)
  if not whole or whole:match("^-?0%d") then fail(text, at, "expected a value, got %s", shown(text, at)) end
  local part = text:match("^%.%d+", next_at) or ""
  local power = text:match("^[eE][-+]?%d+", next_at + #part) or ""
  local value = tonumber(whole .. part .. power)
  return value, next_at + #part + #power
end

local value_at

local function array_at(text, at, depth)
  local list, n = {}, 0
  at = skip(text, at + 1)
  if text:sub(at, at) == "]" then return list, at + 1 end
  while true do
    n = n + 1
    list[n], at = value_at(text, at, depth)
    at = skip(text, at)
    local c = text:sub(at, at)
    if c == "]" then return list, at + 1 end
    if c ~= "," then fail(text, at, "expected ',' or ']', got %s", shown(text, at)) end
    at = at + 1
  end
end

local function object_at(text, at, depth)
  local map = {}
  at = skip(text, at + 1)
  if text:sub(at, at) == "}" then return map, at + 1 end
  while true do
    at = skip(text, at)
    if text:sub(at, at) ~= '"' then fail(text, at, "expected a key in quotes, got %s", shown(text, at)) end
    local key
    key, at = string_at(text, at)
    at = skip(text, at)
    if text:sub(at, at) ~= ":" then fail(text, at, "expected ':', got %s", shown(text, at)) end
    map[key], at = value_at(text, at + 1, depth)
    at = skip(text, at)
    local c = text:sub(at, at)
    if c == "}" then return map, at + 1 end
    if c ~= "," then fail(text, at, "expected ',' or '}', got %s", shown(text, at)) end
    at = at + 1
  end
end

local words <const> = {["true"] = true, ["false"] = false}

function value_at(text, at, depth)
  if depth > DEPTH_MAX then fail(text, at, "deeper than %d", DEPTH_MAX) end
  at = skip(text, at)
  local c = text:sub(at, at)
  if c == '"' then return string_at(text, at) end
  if c == "{" then return object_at(text, at, depth + 1) end
  if c == "[" then return array_at(text, at, depth + 1) end
  local word = text:match("^%a+", at)
  if word == "null" then return nil, at + 4 end
  if words[word] ~= nil then return words[word], at + #word end
  return number_at(text, at)
end

--- The value of a whole JSON text; an error is one line, "LINE:COLUMN: what".
---@param text string
---@return any
function json.decode(text)
  local value, at = value_at(text, 1, 0)
  at = skip(text, at)
  if at <= #text then fail(text, at, "expected the end, got %s", shown(text, at)) end
  return value
end

return json
