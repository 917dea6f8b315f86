---@meta mesh.util
--- Small things the library itself needs.

local util = {}

--- Keys of a table, ascending.  The host's pairs() is sorted already; this
-- makes it true under any Lua, and costs one look when nothing is to do.
---@param t table
---@return string[]
function util.keys(t)
  local list, sorted = {}, true
  for k in pairs(t) do
    sorted = sorted and (#list == 0 or list[#list] < k)
    list[#list + 1] = k
  end
  if not sorted then table.sort(list) end
  return list
end

local ranks <const> = {number = 1, string = 2, boolean = 3}

--- Keys of any kind in one order: numbers, texts, false and true; no others.
---@param t table
---@return any[]
function util.sorted_keys(t)
  local list = {}
  for k in pairs(t) do
    if ranks[type(k)] then list[#list + 1] = k end
  end
  table.sort(list, function(a, b)
    local x, y = ranks[type(a)], ranks[type(b)]
    if x ~= y then return x < y end
    if x == 3 then return not a and b end
    return a < b
  end)
  return list
end

--- A list as a set.
---@param list string[]
---@return table<string, boolean>
function util.set(list)
  local set = {}
  for _, item in ipairs(list) do set[item] = true end
  return set
end

--- Is it a name: [a-z0-9][a-z0-9_.-]{0,62}?
function util.is_name(s)
  return type(s) == "string" and #s <= 63 and s:find("^[a-z0-9][a-z0-9_.-]*$") ~= nil
end

--- Edit distance, for "did you mean"; two letters the wrong way round are one error.
local function distance(a, b)
  local before, row = {}, {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local next_row = {[0] = i}
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      local best = math.min(row[j] + 1, next_row[j - 1] + 1, row[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        best = math.min(best, before[j - 2] + 1)
      end
      next_row[j] = best
    end
    before, row = row, next_row
  end
  return row[#b]
end

--- "; did you mean 'x'?" or "".
---@param word string
---@param words string[]
function util.suggest(word, words)
  local best, least = nil, 2 + #word // 4
  for _, w in ipairs(words) do
    local d = distance(word, w)
    if d < least then best, least = w, d end
  end
  return best and ("; did you mean '%s'?"):format(best) or ""
end

--- The same, or else all that there are: "; known: a, b".
---@param word string
---@param words string[]
function util.meant(word, words)
  local near = util.suggest(word, words)
  return (near ~= "" or #words == 0) and near or "; known: " .. table.concat(words, ", ")
end

--- Is it the name of an image: names of [A-Za-z0-9_.-] joined by "/"?
function util.is_image(value)
  if type(value) ~= "string" or value == "" or value:find("//", 1, true) or value:find("^/") or value:find("/$") then
    return false
  end
  for part in value:gmatch("[^/]+") do
    if not part:find("^[%w][%w_.-]*$") then return false end
  end
  return true
end

--- Is it the same all through?
function util.same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not util.same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

return util
