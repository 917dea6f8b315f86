---@meta mesh.drain
--- A node that is being emptied: what is still on it, and why it stays.

local drain = {}

local LISTED_MAX <const> = 20 -- of one role in a round

--- Lines of what stays on nodes that drain: rows of `missing`, which `mesh status` shows.
---@param round mesh.Round
---@param name string  the role
---@param part table
function drain.list(round, name, part)
  if not round.draining then
    round.draining = false
    for _, node in ipairs(round.names) do
      if round.classes[node] == "drains" then round.draining = true end
    end
  end
  if not round.draining or not part.role then return end
  local listed = 0
  for _, id in ipairs(part.ids) do
    local node = part.at[id]
    if node and round.classes[node] == "drains" and listed < LISTED_MAX then
      listed = listed + 1
      local keeps = part.role.on_split == "keep"
      table.insert(round.result.missing, {role = name, node = node,
        what = ("another node for %s: it drains%s"):format(id, keeps and ", and on_split is keep" or "")})
    end
  end
end

return drain
