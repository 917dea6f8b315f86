-- The oldest form: everything is a global, and the entry is too.
words = require "words"

function scheduler(state)
    counter = (counter or 0) + 1
    return '{"vars": {"word": "' .. words.first .. '", "runs": ' .. counter .. '}}', "done"
end
