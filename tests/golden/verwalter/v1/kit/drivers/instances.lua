local super = (...):match("(.-)[^/]+$"):match("(.-)[^/]+/$")
local newest = require(super .. "newest")

local function schedule(result, role)
    for _, press in ipairs(role.buttons) do
        role.state.number = role.state.number + press.button.incr
        table.insert(result.changes, role.name .. ": " .. role.state.number .. " of each")
    end
    local version = newest(role.versions)
    result.state[role.name] = role.state
    result.roles[role.name] = {version=version, template=role.name .. "/" .. version, frontend={kind="example"}}
    for _, host in ipairs(role.hosts) do
        local node = result.nodes[host] or {roles={}}
        result.nodes[host] = node
        local daemons = {}
        for key, daemon in pairs(role.versions[version].daemons.daemons) do
            daemons[key] = {key=key, image=daemon.image, config=daemon.config, instances=role.state.number,
                variables=daemon.variables}
        end
        node.roles[role.name] = {daemons=daemons, title="on " .. host}
    end
end

return {schedule=schedule}
