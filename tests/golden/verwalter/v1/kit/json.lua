local function encode(value)
    if type(value) == "string" then
        return (string.format("%q", value):gsub("\\\n", "\\n"))
    elseif type(value) ~= "table" then
        return tostring(value)
    end
    local parts = {}
    if #value > 0 or next(value) == nil then
        for _, v in ipairs(value) do parts[#parts+1] = encode(v) end
        return "[" .. table.concat(parts, ",") .. "]"
    end
    for k, v in pairs(value) do parts[#parts+1] = encode(k) .. ":" .. encode(v) end
    return "{" .. table.concat(parts, ",") .. "}"
end

return {encode=encode}
