---@meta mesh.units
--- Text with a unit to a number: "30s", "512Mi", "500m" of a CPU, "25%", "5/10s".
-- Each returns the number, or nil and what was expected; none raises an error.

local units = {}

local ms_of <const> = {ms = 1, s = 1000, m = 60000, h = 3600000, d = 86400000}
local bytes_of <const> = {
  [""] = 1, k = 1000, M = 1000 ^ 2, G = 1000 ^ 3, T = 1000 ^ 4,
  Ki = 1024, Mi = 1024 ^ 2, Gi = 1024 ^ 3, Ti = 1024 ^ 4,
}

local MS_MAX <const> = 10 * 365 * 86400000
local BYTES_MAX <const> = 1 << 60

--- "30s", "1m30s", "500ms" to milliseconds.
---@param text any
---@return integer?, string?
function units.duration(text)
  local expected = "a duration like \"30s\", \"1m30s\" or \"500ms\""
  if type(text) ~= "string" or #text > 32 then return nil, expected end
  local sum, at = 0, 1
  repeat
    local number, unit, after = text:match("^(%d+%.?%d*)(%a+)()", at)
    if not number or not ms_of[unit] then return nil, expected end
    sum, at = sum + tonumber(number) * ms_of[unit], after
  until at > #text
  if sum > MS_MAX then return nil, "a duration of at most ten years" end
  return math.floor(sum + 0.5)
end

--- "512Mi", "1.5G", "4096" or 4096 to bytes.
---@param text any
---@return integer?, string?
function units.size(text)
  local number, unit = tostring(text):match("^(%d+%.?%d*)(%a*)$")
  number = tonumber(number)
  local ok = (type(text) == "string" or math.type(text) == "integer") and number and bytes_of[unit]
  if not ok then return nil, "a size like \"512Mi\" or \"2G\"" end
  local bytes = number * bytes_of[unit]
  if bytes > BYTES_MAX then return nil, "a size of at most 1024Pi" end
  return math.floor(bytes + 0.5)
end

--- 2, 0.5 or "500m" (thousandths) to thousandths of a CPU.
---@param text any
---@return integer?, string?
function units.cpu(text)
  local number, unit = tostring(text):match("^(%d+%.?%d*)(m?)$")
  number = tonumber(number)
  if not number or type(text) ~= "string" and type(text) ~= "number" or number > 1e9 then
    return nil, "CPUs like 2, 0.5 or \"500m\""
  end
  return math.floor(unit == "m" and number + 0.5 or number * 1000 + 0.5)
end

--- 5, "5" or "5%" to a number of percent, 0 to 100.
---@param text any
---@return number?, string?
function units.percent(text)
  local number = tonumber(tostring(text):match("^(%d+%.?%d*)%%?$"))
  if not number or number > 100 or type(text) ~= "string" and type(text) ~= "number" then
    return nil, "a percentage like 5 or \"5%\", 0 to 100"
  end
  return number
end

--- "5/10s" (at most 5 in 10 s) to {count, ms}.
---@param text any
---@return {count: integer, ms: integer}?, string?
function units.rate(text)
  local expected = "a rate like \"5/10s\""
  if type(text) ~= "string" then return nil, expected end
  local count, per = text:match("^(%d+)/(%w+)$")
  count = math.tointeger(tonumber(count))
  local ms = per and units.duration(per:find("^%d") and per or "1" .. per)
  if not count or count < 1 or count > 10000 or not ms or ms < 1 then return nil, expected end
  return {count = count, ms = ms}
end

--- How a person reads milliseconds: "1m30s", "45s", "200ms".
---@param ms integer
---@return string
function units.show_ms(ms)
  ms = math.max(0, math.floor(ms))
  if ms < 1000 then return ms .. "ms" end
  local s, out = ms // 1000, {}
  for _, u in ipairs {{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}} do
    local n = s // u[1]
    if n > 0 and #out < 2 then out[#out + 1] = n .. u[2] end
    s = s % u[1]
  end
  return table.concat(out)
end

return units
