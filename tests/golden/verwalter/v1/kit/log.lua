local text

local function wrap(real)
    return function(state)
        local original = _G.print
        text = ""
        _G.print = function(...)
            for i, v in pairs({...}) do
                text = text .. (i > 1 and " " or "") .. tostring(v)
            end
            text = text .. "\n"
        end
        local ok, value = xpcall(function() return real(state) end, debug.traceback)
        _G.print = original
        if ok then
            return value, text
        end
        return nil, text .. "Error: " .. value
    end
end

return {wrap=wrap}
