---@meta mesh.why
--- What decided about an instance: a line, or the chain of them, oldest first.
-- The scheduler writes it into `why`; `mesh why INSTANCE` shows it.

local why = {}

local CHAIN_MAX <const> = 8

--- One more link; the same line is not said twice in a row.
---@param chain string|string[]|nil
---@param text string
---@return string|string[]
function why.add(chain, text)
  if chain == nil or chain == text then return text end
  if type(chain) == "string" then return {chain, text} end
  if type(chain) ~= "table" or chain[#chain] == text then return chain end
  local out = {}
  for i = math.max(1, #chain - CHAIN_MAX + 2), #chain do out[#out + 1] = chain[i] end
  out[#out + 1] = text
  return out
end

--- The chain as one text, for people.
---@param chain string|string[]|nil
---@return string
function why.text(chain)
  if type(chain) == "table" then return table.concat(chain, "; then ") end
  return chain or ""
end

return why
