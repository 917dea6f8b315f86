--- JSON, written so that equal values give equal bytes: keys sorted, two blanks a level.

local json = {}

local LIST = {}

--- A table that is a list, even if it is empty.
function json.list(t) return setmetatable(t, LIST) end

local ESCAPES = {['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\t"] = "\\t"}

local function text_of(s)
  return '"' .. s:gsub('[%c"\\]', function(c) return ESCAPES[c] or ("\\u%04x"):format(c:byte()) end) .. '"'
end

local function put(out, value, indent)
  if type(value) ~= "table" then
    out[#out + 1] = type(value) == "string" and text_of(value) or tostring(value)
    return
  end
  local list, keys = getmetatable(value) == LIST, {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys)
  if #keys == 0 then
    out[#out + 1] = list and "[]" or "{}"
    return
  end
  out[#out + 1] = list and "[\n" or "{\n"
  for i, key in ipairs(keys) do
    out[#out + 1] = indent .. "  "
    if not list then out[#out + 1] = text_of(key) .. ": " end
    put(out, value[key], indent .. "  ")
    out[#out + 1] = i < #keys and ",\n" or "\n"
  end
  out[#out + 1] = indent .. (list and "]" or "}")
end

---@return string
function json.write(value)
  local out = {}
  put(out, value, "")
  out[#out + 1] = "\n"
  return table.concat(out)
end

return json
