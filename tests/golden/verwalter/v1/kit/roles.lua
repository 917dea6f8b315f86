local here = (...):match("(.-)[^/]+$")
local instances = require(here .. "drivers/instances.lua")

local function hosts(state)
    local list = {state.current_host}
    for _, peer in pairs(state.peers) do
        list[#list+1] = peer.hostname
    end
    table.sort(list)
    return list
end

local function parent_of(state, role)
    for _, parent in pairs(state.parents) do
        if parent.state and parent.state[role] then
            return parent.state[role]
        end
    end
end

local function all(state)
    local result = {roles={}, nodes={}, state={}, vars={domain="example.org"}, changes={}}
    for role, versions in pairs(state.runtime) do
        local buttons = {}
        for timestamp, action in pairs(state.actions) do
            if action.button and action.button.role == role then
                table.insert(buttons, {at=tonumber(timestamp), button=action.button})
            end
        end
        table.sort(buttons, function(a, b) return a.at < b.at end)
        instances.schedule(result, {
            name=role, versions=versions, buttons=buttons, hosts=hosts(state),
            state=parent_of(state, role) or {number=1},
        })
    end
    return result
end

return {all=all, hosts=hosts}
