return function(versions)
    local best
    for version in pairs(versions) do
        if best == nil or version > best then best = version end
    end
    return best
end
