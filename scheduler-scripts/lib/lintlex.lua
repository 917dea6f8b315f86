---@meta mesh.lintlex
--- The words of a Lua file, each with its line and column, for mesh.lint.
-- Only for text that compiles: what is wrong has been said by then.

---@class mesh.lint.Token
---@field kind "name"|"word"|"string"|"number"|"sign"|"end"
---@field text string    of a string: what stands between its quotes, as written
---@field line integer
---@field col integer    of its first byte, from 1

local WORDS = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or
  repeat return then true until while]]):gmatch("%a+") do
  WORDS[word] = true
end

local LONG_SIGNS = {"...", "..", "==", "~=", "<=", ">=", "//", "::", "<<", ">>"}

--- Past a number that begins at `at`.
local function number_end(text, at)
  local hex = text:find("^0[xX]", at) ~= nil
  local _, last = text:find(hex and "^0[xX][%x%.]*" or "^[%d%.]*", at)
  local exponent = hex and "^[pP][+-]?%d*" or "^[eE][+-]?%d*"
  local _, more = text:find(exponent, last + 1)
  return (more or last) + 1
end

--- Past a quoted string that begins at `at`.
local function quoted_end(text, at)
  local quote = text:sub(at, at)
  local i = at + 1
  while true do
    local found = text:find("[\\" .. quote .. "]", i)
    if not found then return #text + 1 end
    if text:sub(found, found) == quote then return found + 1 end
    local _, skipped = text:find("^\\z%s*", found)
    i = skipped and skipped + 1 or found + 2
  end
end

--- Past a long bracket that begins at `at`, or nil: there is none.
local function long_end(text, at)
  local level = text:match("^%[(=*)%[", at)
  if not level then return nil end
  local _, last = text:find("]" .. level .. "]", at, true)
  return (last or #text) + 1, #level + 2
end

---@param text string
---@return mesh.lint.Token[]
return function(text)
  local tokens, line, line_start = {}, 1, 1
  local _, first = text:find("^#[^\n]*")
  local at = first and first + 1 or 1

  local function lines(from, to)
    local i = from
    while true do
      local nl = text:find("\n", i, true)
      if not nl or nl >= to then return end
      line, line_start, i = line + 1, nl + 1, nl + 1
    end
  end

  local function token(kind, to, value)
    tokens[#tokens + 1] = {kind = kind, text = value or text:sub(at, to - 1), line = line,
      col = at - line_start + 1}
    lines(at, to)
    at = to
  end

  while true do
    local _, blank = text:find("^%s+", at)
    if blank then
      lines(at, blank + 1)
      at = blank + 1
    end
    if at > #text then break end
    local c = text:sub(at, at)
    if c:find("[%a_]") then
      local _, last = text:find("^[%w_]+", at)
      token(WORDS[text:sub(at, last)] and "word" or "name", last + 1)
    elseif text:find("^%-%-", at) then
      local to = long_end(text, at + 2) or (text:find("\n", at, true) or #text + 1)
      lines(at, to)
      at = to
    elseif text:find("^%.?%d", at) then
      token("number", number_end(text, at))
    elseif c == '"' or c == "'" then
      local to = quoted_end(text, at)
      token("string", to, text:sub(at + 1, to - 2))
    elseif text:find("^%[=*%[", at) then
      local to, fence = long_end(text, at)
      token("string", to, text:sub(at + fence, to - fence - 1))
    else
      local sign = c
      for _, long in ipairs(LONG_SIGNS) do
        if text:sub(at, at + #long - 1) == long then
          sign = long
          break
        end
      end
      token("sign", at + #sign)
    end
  end
  tokens[#tokens + 1] = {kind = "end", text = "", line = line, col = at - line_start + 1}
  return tokens
end
