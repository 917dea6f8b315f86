-- A scheduler as verwalter's authors wrote them: a module table, a wrapper that
-- catches what is printed, roles by drivers, JSON text and a log as results.
local log = require("kit/log")
local roles = require("kit/roles")
local json = require("kit.json")

return {
    scheduler=log.wrap(function(state)
        print("hosts", #roles.hosts(state), "now", state.now)
        return json.encode(roles.all(state))
    end),
}
