"""Scripts that mean no good, or no better: each must end by itself in a clear error, within
its time and its memory.  For tests/golden/script (the program) and tests/cluster (a daemon).

Rows: name, body of schedule(input) (or the whole tree), and what the error begins with.  TIME
is a run that its clock ends, MEMORY one that its heap ends."""

TIME = "scheduler killed after %d ms of CPU (limit limits: script-cpu)"
MEMORY = "scheduler exceeded %d MiB (limit limits: script-memory)"


def fn(body):
    return "return {schedule = function(input)\n%s\nend}\n" % body


# reference: the thirteen that a count hook and a capped allocator were tried with.
KNOWN = [
    ("endless loop", "while true do end", TIME),
    ("pcall loop", "local function loop() while true do end end\nwhile true do pcall(loop) end", TIME),
    ("loop in a coroutine", "while true do pcall(coroutine.wrap(function() while true do end end)) end", TIME),
    ("finalizer", "setmetatable({}, {__gc = function() while true do end end})",
     "main.lua:2: setmetatable: '__gc' is not accepted: nothing here needs a finalizer"),
    ("closing loop", "local t <close> = setmetatable({}, {__close = function() while true do end end})", TIME),
    ("pattern that backtracks", "return {x = (('a'):rep(2000)):find(('.-'):rep(6) .. 'b')}", TIME),
    ("table.concat without end", "local t = {} for i = 1, 1e5 do t[i] = ('x'):rep(100) end\n"
     "while true do local s = table.concat(t) end", TIME),
    ("table.concat of a false length", "return {x = table.concat(setmetatable({}, {__len = function() return 1 << 60 end,"
     " __index = function() return '' end}))}", TIME),
    ("table.move without end", "table.move({1}, 1, math.maxinteger - 1, 2)", "main.lua:2: table.move: more than 10485760 elements"),
    ("table.unpack of everything", "return {x = select('#', table.unpack({}, 1, 1e8))}", "main.lua:2: too many results to unpack"),
    ("string of a gigabyte", "return {x = ('a'):rep(1e9)}", "main.lua:2: string.rep: result larger than 16 MiB"),
    ("coroutine churn", "while true do coroutine.wrap(function() local x = 1 end)() end", TIME),
    ("200,000 brackets", {"main.lua": "return " + "(" * 200000 + "1" + ")" * 200000}, "main.lua: C stack overflow"),
]

OWN = [
    ("match that backtracks", "return {x = (('a'):rep(3000)):match(('.-'):rep(8) .. 'b')}", TIME),
    ("gmatch that backtracks", "for w in (('a'):rep(3000)):gmatch(('.-'):rep(8) .. 'b') do return {} end", TIME),
    ("gsub that backtracks", "return {x = (('a'):rep(3000)):gsub(('.-'):rep(8) .. 'b', 'x')}", TIME),
    ("gsub with a function that never ends", "('aaa'):gsub('a', function() while true do end end)", TIME),
    ("a long pattern", "return {x = ('a'):find(('a?'):rep(1000))}", "main.lua:2: pattern longer than 1024 bytes"),
    ("recursion", "local function f(n) return 1 + f(n + 1) end\nreturn {x = f(1)}", "main.lua:2: stack overflow"),
    ("tail calls without end", "local function f(n) return f(n + 1) end\nreturn {x = f(1)}", TIME),
    ("__index that asks itself", "local t = setmetatable({}, {})\ngetmetatable(t).__index = t\nreturn {x = t.x}",
     "main.lua:4: '__index' chain too long; possible loop"),
    ("__index that recurses", "local mt = {}\nmt.__index = function(t, k) return t[k] end\nreturn {x = setmetatable({}, mt).x}",
     "main.lua:3: C stack overflow"),
    ("__index in C that recurses", "local t = setmetatable({}, {__index = function(t, k) return ('x'):gsub('x', function() return t[k] end) end})\n"
     "return {x = t.y}", "main.lua:2: C stack overflow"),
    ("coroutines within coroutines", "local function f() return coroutine.wrap(f)() end\nreturn {x = f()}",
     "main.lua:2: C stack overflow"),
    ("memory by small tables", "local t = {} for i = 1, 1e9 do t[i] = {i} end", MEMORY),
    ("memory by a string that doubles", "local s = 'x' while true do s = s .. s end", MEMORY),
    ("memory by closures", "local t = {} while true do local n = #t t[n + 1] = function() return n end end", MEMORY),
    ("memory by coroutines", "local t = {} while true do t[#t + 1] = coroutine.create(function() end) end", MEMORY),
    ("memory by keys", "local t, i = {}, 0 while true do i = i + 1 t['k' .. i] = true end", MEMORY),
    ("memory caught, again and again", "while true do pcall(function() local s = 'x' while true do s = s .. s end end) end", TIME),
    ("insert at the front", "local t = {} while true do table.insert(t, 1, 0) end", TIME),
    ("insert into a false length", "table.insert(setmetatable({}, {__len = function() return 1 << 60 end,"
     " __index = type, __newindex = rawequal}), 1, 2)", TIME),
    ("sort that never agrees", "local t = {} for i = 1, 1e5 do t[i] = i end\n"
     "while true do table.sort(t, function() return true end) end", TIME),
    ("error in a handler", "while true do xpcall(error, function() while true do end end) end", TIME),
    ("handler that fails as well", "xpcall(error, function() error('again') end) return 7", "scheduler must return a table, got number"),
    ("error value that never becomes text", "error(setmetatable({}, {__tostring = function() while true do end end}))", TIME),
    ("__pairs without end", "for _ in pairs(setmetatable({}, {__pairs = function() return function() return 1 end end})) do end", TIME),
    ("comparison without end", "local mt = {} mt.__lt = function(a, b) return a < b end\n"
     "return {x = setmetatable({}, mt) < setmetatable({}, mt)}", "main.lua:2: C stack overflow"),
    ("goto", "::again:: goto again", TIME),
    ("a log of a gigabyte", "local s = ('x'):rep(1 << 20) while true do print(s) end", TIME),
    ("format of everything", "return {x = ('%99999d'):format(1)}", "main.lua:2: invalid conversion specification: '%99999d'"),
    ("a format that grows", "local s = 'x' while true do s = ('%s%s'):format(s, s) end", MEMORY),
    ("string.pack without end", "local s = '' while true do s = string.pack('s4s4', s, s) end", MEMORY),
    ("utf8 over and over", "local s = ('é'):rep(1 << 20) while true do for _ in utf8.codes(s) do end end", TIME),
    ("300 local variables", {"main.lua": "".join("local v%d = %d\n" % (i, i) for i in range(300))},
     "main.lua:201: too many local variables (limit is 200) in main function near '='"),
    ("a table that answers for all keys", "return setmetatable({}, {__pairs = function() return function(_, k) return (k or 0) + 1, {} end, nil, nil end,"
     " __index = function() return {} end, __len = function() return 1 << 40 end, __call = print})", None),
    ("a million keys", "local t = {} for i = 1, 1000001 do t[i] = 1 end return {list = t}", "return.list: more than 1000000 keys in all"),
    ("a cycle", "local t = {} t.nodes = {a = t} return t", "return.nodes.a: cycle"),
    ("a hundred levels", "local r = {} local t = r for i = 1, 100 do t.x = {} t = t.x end return r",
     "return" + ".x" * 32 + ": deeper than 32"),
    ("os", "os.execute('reboot')", "main.lua:2: sandboxed: there is no 'os' here: the input has all there is"),
    ("load", "load('return io')()", "main.lua:2: sandboxed: there is no 'load' here: the input has all there is"),
    ("debug", "debug.getregistry()", "main.lua:2: sandboxed: there is no 'debug' here: the input has all there is"),
    ("a library poisoned", "string.rep = nil", "main.lua:2: string is read-only"),
    ("a library poisoned through a string", "getmetatable('').__index.rep = nil", "main.lua:2: attempt to index a boolean value"),
    ("a module outside of the tree", {"main.lua": "require '../../etc/passwd'"},
     "main.lua:1: require: '../../etc/passwd' is not a module name like 'lib.foo'"),
    ("modules in a circle", {"main.lua": "require 'a'", "a.lua": "require 'b'", "b.lua": "require 'a'"},
     "b.lua:1: require: 'a' requires itself, directly or through others"),
    ("bytecode", {"main.lua": "\x1bLua"}, "main.lua: precompiled chunks are not accepted"),
]

HOSTILE = KNOWN + OWN


def tree(body):
    return body if isinstance(body, dict) else {"main.lua": fn(body)}


SOON_MS = 150  # of CPU, for those whose clock ends them


def cpu_ms(error):
    """Of a run that its clock does not end, more than it needs."""
    return SOON_MS if error is TIME else 5000


def expected(error, heap_mib=64):
    """What the error begins with; None: it is no error of the script."""
    if error is MEMORY:
        return error % heap_mib
    return error % SOON_MS if error is TIME else error
