---@meta mesh.version
--- Natural order: "web.2" before "web.10", "v1.9" before "v1.10".

local version = {}

--- Cut a text into runs of digits (as numbers) and of anything else.
local function parts(text)
  local list = {}
  for other, digits in text:gmatch("(%D*)(%d*)") do
    if other ~= "" then list[#list + 1] = other end
    if digits ~= "" then list[#list + 1] = tonumber(digits) or digits end
  end
  return list
end

--- Does a come before b?  A total order: equal parts fall back to the bytes.
---@param a string
---@param b string
---@return boolean
function version.less(a, b)
  if a == b then return false end
  local x, y = parts(a), parts(b)
  for i = 1, math.max(#x, #y) do
    local p, q = x[i], y[i]
    if p == nil or q == nil then return p == nil and q ~= nil end
    if p ~= q then
      local np, nq = math.type(p) ~= nil, math.type(q) ~= nil
      if np ~= nq then return np end
      return p < q
    end
  end
  return a < b
end

--- The latest of a list, or nil.
---@param list string[]
---@return string|nil
function version.latest(list)
  local best
  for _, v in ipairs(list) do
    if best == nil or version.less(best, v) then best = v end
  end
  return best
end

--- A sorted copy.
---@param list string[]
---@return string[]
function version.sort(list)
  local copy = table.move(list, 1, #list, 1, {})
  table.sort(copy, version.less)
  return copy
end

return version
