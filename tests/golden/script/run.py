"""Schedule mode of the real meshd-script.  Prints ok / not ok lines."""
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "shared"))
import hostile  # noqa: E402
import meshscript as m  # noqa: E402

PROGRAM = os.path.join(ROOT, os.environ.get("B", "build"), "meshd-script")
failed = 0


def say(name, good, detail=""):
    global failed
    print(("ok " if good else "not ok ") + "script " + name)
    if not good:
        failed = 1
        print("  " + str(detail)[:2000], file=sys.stderr)


def in_its_loop(p):
    """Wait until it has worked far longer than a start takes; False: it ended."""
    end = time.monotonic() + 20
    while p.poll() is None and time.monotonic() < end:
        with open("/proc/%d/stat" % p.pid, encoding="ascii") as f:
            ticks = int(f.read().rsplit(")", 1)[1].split()[11])
        if ticks >= os.sysconf("SC_CLK_TCK") // 10:
            return True
        time.sleep(0.01)
    return False


def fn(body):
    return "return {schedule = function(input)\n%s\nend}\n" % body


def run(files, given=None, **more):
    try:
        return m.schedule(PROGRAM, files, given, **more)
    except (RuntimeError, subprocess.TimeoutExpired) as e:
        return {"ok": None, "error": repr(e)}


def deep(levels):
    return fn("local r = {} local t = r for i = 1, %d do t.x = {} t = t.x end return r" % levels)


# name, main.lua (or the tree), the error's whole text, line of it (0 = none)
BAD = [
    ("syntax error", "local a = 1\nb c = 3", "main.lua:2: syntax error near a name", 2),
    ("'=' expected", "local a, b\n\na, b x", "main.lua:3: '=' expected near a name", 3),
    ("unfinished string", "local t = \"hunter2\nlocal u", "main.lua:1: unfinished string near a string", 1),
    ("long string", "local t = [[hunter2\n near 'x'", "main.lua:2: unfinished long string (starting at line 1) near <eof>", 2),
    ("two strings", "local t = 'a' 'hunter2 near ,'", "main.lua:1: unexpected symbol near a string", 1),
    ("bad escape", "local t = 'hunter2\\q'", "main.lua:1: invalid escape sequence near a string", 1),
    ("bad number", "local t = 3hunter2", "main.lua:1: malformed number near a number", 1),
    ("a word of the language", "local t = end", "main.lua:1: unexpected symbol near 'end'", 1),
    ("the end", "local t =", "main.lua:1: unexpected symbol near <eof>", 1),
    ("a byte", "local t = @hunter2", "main.lua:1: unexpected symbol near '@'", 1),
    ("a constant", fn("local n = 1 return n & 'hunter2'"),
     "main.lua:2: attempt to perform bitwise operation on a string value (a constant)", 2),
    ("syntax error in a module", {"main.lua": "local f = require 'lib.foo'", "lib/foo.lua": "x = = 1"},
     "lib/foo.lua:1: unexpected symbol near '='", 1),
    ("runtime error", fn("local t = input.nope\nreturn t.x"),
     "main.lua:3: attempt to index a nil value (local 't')", 3),
    ("error of a table", fn("error({})"), "error object is a table value", 0),
    ("error of a table that looks like ours", fn("error({'x', 'y'})"), "error object is a table value", 0),
    ("error of nil", fn("error(nil)"), "error object is a nil value", 0),
    ("error with __tostring", fn("error(setmetatable({}, {__tostring = function() return 'own text' end}))"),
     "own text", 0),
    ("error with control bytes", fn("error('a\\27[2Jb\\nc', 0)"), "a\\x1b[2Jb\nc", 0),
    ("precompiled", {"main.lua": b"\x1bLua"}, "main.lua: precompiled chunks are not accepted", 0),
    ("precompiled module", {"main.lua": "require 'x'", "x.lua": b"\x1bLuaT"},
     "x.lua: precompiled chunks are not accepted", 0),
    ("no main.lua", {"other.lua": ""}, "main.lua: No such file or directory", 0),
    ("os.execute", fn("os.execute('true')"),
     "main.lua:2: sandboxed: there is no 'os' here: the input has all there is", 2),
    ("io.open", fn("io.open('/etc/passwd')"),
     "main.lua:2: sandboxed: there is no 'io' here: the input has all there is", 2),
    ("require ffi", "local ffi = require 'ffi'",
     "main.lua:1: sandboxed: there is no 'ffi' here: the input has all there is", 1),
    ("load", fn("load('return 1')"),
     "main.lua:2: sandboxed: there is no 'load' here: the input has all there is", 2),
    ("string.dump", fn("string.dump(print)"),
     "main.lua:2: sandboxed: there is no 'string.dump' here: the input has all there is", 2),
    ("a module that is not there", "require 'lib.nope'",
     "main.lua:1: module 'lib.nope' not found: no file 'lib/nope.lua' in the script tree", 1),
    ("a role at the end of its file", {"main.lua": "return mesh.scheduler {require 'web'}\n",
                                       "web.lua": "\nreturn mesh.role('web', {image = 'i',\n  plcae = 1})\n-- as it is\n"},
     "web.lua:2: role 'web': unknown key 'plcae'; did you mean 'place'?", 2),
    ("a scheduler at the end of its file", "local web = 1\nreturn mesh.scheduler {web}",
     "main.lua:2: mesh.scheduler: item 1 is no role: write mesh.role(name, {...})", 2),
    ("a role that is no list", "return mesh.scheduler(mesh.role('web', {image = 'w'}))",
     "main.lua:1: mesh.scheduler: expected a list of roles: mesh.scheduler {web, front}", 1),
    ("a role in braces", "local web = mesh.role {'web', image = 'w'}",
     "main.lua:1: mesh.role: expected a name and a table: mesh.role(\"web\", {...})", 1),
    ("a rule that was not called", "local web = mesh.role('web', {image = 'w', place = mesh.place.spread})",
     "main.lua:1: role 'web': place: mesh.place.spread is to be called: mesh.place.spread()", 1),
    ("an image that is none", "local web = mesh.role('web', {image = 'web:v1'})",
     "main.lua:1: role 'web': image: 'web:v1' is not an image: names of [A-Za-z0-9_.-] joined by '/'", 1),
    ("ports that are a text", "local web = mesh.role('web', {image = 'w', ports = '80'})",
     "main.lua:1: role 'web': ports: expected a table like {port = \"18000-18099\"}, got string", 1),
    ("a key that is like none", "local web = mesh.role('web', {image = 'w', place = mesh.place.spread('zone', {zone = 1})})",
     "main.lua:1: mesh.place.spread: unknown key 'zone'; known: only", 1),
    ("a part of mesh that is called", "local web = mesh.role('web', {image = 'w', count = mesh.scale {min = 1}})",
     "main.lua:1: mesh.scale is not to be called; it has mesh.scale.by, mesh.scale.by_load, mesh.scale.by_rate, mesh.scale.decide, mesh.scale.is, "
     "mesh.scale.query", 1),
    ("a return that is a text", "local s = [[\nreturn (x\n]] .. nil", "main.lua:3: attempt to concatenate a nil value", 3),
    ("a return that is a text, and a bracket lacks", "print([[\nreturn ]]", "main.lua:2: ')' expected (to close '(' at line 1) near <eof>", 2),
    ("a library's module, nearly", "require 'mesh.vertion'",
     "main.lua:1: module 'mesh.vertion' not found: no file 'mesh/vertion.lua' in the script tree; did you mean 'mesh.version'?", 1),
    ("a path for a module", "require '../x'",
     "main.lua:1: require: '../x' is not a module name like 'lib.foo'", 1),
    ("modules in a circle", {"main.lua": "require 'a'", "a.lua": "require 'b'", "b.lua": "require 'a'"},
     "b.lua:1: require: 'a' requires itself, directly or through others", 1),
    ("unknown global", fn("return pirnt(1)"), "main.lua:2: undefined global 'pirnt'; did you mean 'print'?", 2),
    ("write of a global", fn("count = 3"),
     "main.lua:2: assignment to undefined global 'count'; write 'local count = ...'", 2),
    ("write of a global that is nearly a local", fn("local count = 1\nconut = 3"),
     "main.lua:3: assignment to undefined global 'conut'; did you mean the local 'count'?", 3),
    ("read of a global that is nearly an upvalue", "local total = 1\n" + fn("return total + toatl"),
     "main.lua:3: undefined global 'toatl'; did you mean the local 'total'?", 3),
    ("unknown library function", fn("return string.frmat('x')"),
     "main.lua:2: string has no 'frmat'; did you mean 'format'?", 2),
    ("poisoned library", fn("string.rep = nil"), "main.lua:2: string is read-only", 2),
    ("poisoned by rawset", fn("rawset(string, 'rep', print)"),
     "main.lua:2: rawset: the table is protected", 2),
    ("poisoned through a string", fn("getmetatable('').__index.rep = nil"),
     "main.lua:2: attempt to index a boolean value", 2),
    ("finalizer", fn("setmetatable({}, {__gc = function() while true do end end})"),
     "main.lua:2: setmetatable: '__gc' is not accepted: nothing here needs a finalizer", 2),
    ("returns nil", fn("return nil"), "scheduler must return a table, got nil", 0),
    ("returns a number", fn("return 7"), "scheduler must return a table, got number", 0),
    ("returns a function", fn("return print"), "scheduler must return a table, got function", 0),
    ("main returns nothing", "local x = 1",
     "main.lua: must return a table with a function 'schedule', got nil", 0),
    ("cycle", fn("local t = {} t.nodes = {a = t} return t"), "return.nodes.a: cycle", 0),
    ("depth 100", deep(100), "return" + ".x" * 32 + ": deeper than 32", 0),
    ("10 MiB", fn("return {x = ('x'):rep(10 << 20)}"), "return: larger than 4 MiB: x takes 10241 KiB", 0),
    ("100 KiB in each of 60 instances", fn("""
  local big = {image = "big-v1", process = "big", vars = {text = ("x"):rep(100 << 10)}}
  local out = {roles = {web = {on_split = "keep"}, big = {on_split = "keep"}}, nodes = {}, state = {("y"):rep(9000)}}
  for n = 1, 6 do
    local instances = {}
    for i = 1, 10 do instances["big." .. n * 10 + i] = big end
    out.nodes["n" .. n] = {vars = {x = 1}, roles = {big = {sandbox = "big", instances = instances},
      web = {sandbox = "web", instances = {["web." .. n] = {image = "w", process = "w"}}}}}
  end
  return out"""), "return: larger than 4 MiB: role big takes 6004 KiB in 60 instances, state 9 KiB, role web 1 KiB in 6 "
     "instances; what its instances share belongs into roles.ROLE.vars, once, and large data into its image", 0),
    ("a million keys", fn("local t = {} for i = 1, 1000001 do t[i] = 1 end return {list = t}"),
     "return.list: more than 1000000 keys in all", 0),
    ("nan", fn("return {nodes = {a = {web = {instances = 0/0}}}}"),
     "return.nodes.a.web.instances: nan is not a finite number", 0),
    ("inf", fn("return {x = {1, -math.huge}}"), "return.x[2]: -inf is not a finite number", 0),
    ("mixed keys", fn("return {nodes = {a = {1, x = 2}}}"), "return.nodes.a: mixed keys 1 and 'x'", 0),
    ("boolean key", fn("return {a = {[true] = 1}}"),
     "return.a: a key is a boolean, not a string or 1..n", 0),
    ("a hole", fn("return {a = {1, nil, 3}}"), "return.a: a list with holes: 3 is its last key", 0),
    ("not UTF-8", fn("return {a = 'ab\\xff'}"), "return.a: not UTF-8 at byte 3", 0),
    ("a function inside", fn("return {nodes = {n3 = {roles = {web = {vars = {ports = {1, print}}}}}}}"),
     "return.nodes.n3.roles.web.vars.ports[2]: function is not serialisable", 0),
    ("a coroutine inside", fn("return {x = coroutine.create(print)}"),
     "return.x: thread is not serialisable", 0),
    ("pairs over table keys", fn("for _ in pairs({[{}] = 1, [{}] = 2}) do end return {}"),
     "main.lua:2: pairs: a key is a table, there is no fixed order over such keys", 2),
    ("an address by format", fn("return {x = ('%p'):format({})}"),
     "main.lua:2: string.format: '%p' would show an address, which differs in every process", 2),
    ("a misspelt part of mesh", "return mesh.schedular {}",
     "main.lua:1: mesh has no 'schedular'; did you mean 'scheduler'?", 1),
    ("a policy", "\nlocal r = mesh.role('web', {image = 'i', on_split = 'singleton'})",
     "main.lua:2: role 'web': on_split: 'singleton' is not a policy; allowed: replace, keep, exclusive", 2),
    ("memory bomb", fn("local t = {} for i = 1, 1e9 do t[i] = {i} end"), "scheduler exceeded 64 MiB (limit limits: script-memory), at main.lua:2", 2),
    ("memory bomb of one string", fn("local s = 'x'\nwhile true do\n  s = s .. s\nend"),
     "scheduler exceeded 64 MiB (limit limits: script-memory), at main.lua:4", 4),
    ("memory bomb in a library function", fn("local t = {}\nfor i = 1, 1e7 do table.insert(t, ('x'):rep(100) .. i) end"),
     "scheduler exceeded 64 MiB (limit limits: script-memory), at main.lua:3", 3),
    ("memory bomb in a coroutine", fn("coroutine.wrap(function()\nlocal t = {} for i = 1, 1e9 do t[i] = {i} end\nend)()"),
     "scheduler exceeded 64 MiB (limit limits: script-memory), at main.lua:2", 2),
    ("memory bomb behind one that was caught", fn("pcall(function() local t = {} for i = 1, 1e9 do t[i] = {i} end end)\n"
     "local t = {} for i = 1, 1e9 do t[i] = {i} end"), "scheduler exceeded 64 MiB (limit limits: script-memory), at main.lua:3", 3),
    ("string bomb", fn("return {x = ('x'):rep(1 << 40)}"),
     "main.lua:2: string.rep: result larger than 16 MiB", 2),
    ("table.move without end", fn("table.move({1}, 1, math.maxinteger - 1, 2)"),
     "main.lua:2: table.move: more than 10485760 elements", 2),
    ("a long pattern", fn("return {x = ('a'):find(('a?'):rep(1000))}"),
     "main.lua:2: pattern longer than 1024 bytes", 2),
]


def caught():
    """Memory refused within a role is that role's error, with the limit and its line."""
    a = run("local function fill() local t = {} for i = 1, 1e9 do t[i] = {i} end end\n"
            "local web = mesh.role('web', {image = 'w', vars = function()\n  fill()\nend})\n"
            "return mesh.scheduler {web, mesh.role('ok', {image = 'o', count = 0})}\n", {
                "now": 1, "nodes": {}, "running": {}, "copies": {}, "metrics": {}, "parents": [], "actions": [],
                "roles": {}, "vars": {}, "side": {"grade": "full"}, "self": "n1"})
    say("memory of a role: its error says which limit, and where", a["ok"] is True and a["result"]["errors"] == {
        "web": "scheduler exceeded 64 MiB (limit limits: script-memory), at main.lua:1"} and "ok" in a["result"]["roles"], a)


def bad_rows():
    for name, files, error, line in BAD:
        a = run(files)
        good = a["ok"] is False and a["error"] == error and a["line"] == line
        if good and line:
            good = "> %4d | " % line in a["excerpt"]
        say("refuses: " + name, good, a)
    a = run(fn("local t = ('x'):rep(20000) for _ = 1, 30 do t = {t, t} end return {state = t}"))
    say("refuses: a text that is there a thousand million times", a["ok"] is False and
        a["error"].startswith("return: larger than 4 MiB: state takes "), a)
    a = run("\n\nlocal x = = 1\n")
    say("refuses: the file, the line, the excerpt around it", a["ok"] is False and
        a["file"] == "main.lua" and a["line"] == 3 and
        a["excerpt"] == "     1 | \n     2 | \n>    3 | local x = = 1\n", a)
    a = run("return " + "(" * 200000 + "1" + ")" * 200000)
    say("refuses: 200,000 brackets", a["ok"] is False and "overflow" in a["error"], a)
    a = run(fn("local function f(n) return n == 0 and error('deep down') or 1 + f(n - 1) end\nf(150000)"))
    say("traceback is at most 4 KiB", a["ok"] is False and "main.lua:2: deep down" in a["error"] and
        a["traceback"].startswith("stack traceback:") and 200 < len(a["traceback"]) <= 4096, a)


RUNAWAYS = [
    ("endless loop", "while true do end"),
    ("pcall loop", "while true do pcall(function() while true do end end) end"),
    ("pcall loop in coroutines",
     "while true do pcall(coroutine.wrap(function() while true do end end)) end"),
    ("finalizer behind a metatable", "local mt = {} setmetatable({}, mt)\n"
     "mt.__gc = function() while true do end end\nwhile true do local _ = {} end"),
    ("pattern", "return {x = (('a'):rep(2000)):find(('.-'):rep(6) .. 'b')}"),
    ("pattern by gsub", "return {x = (('a'):rep(2000)):gsub(('.-'):rep(6) .. 'b', 'x')}"),
    ("table.concat", "local t = {} for i = 1, 1e5 do t[i] = ('x'):rep(100) end\n"
     "while true do local s = table.concat(t) end"),
    ("sort that never agrees", "local t = {} for i = 1, 1e5 do t[i] = i end\n"
     "while true do table.sort(t, function() return true end) end"),
    ("coroutine churn", "while true do coroutine.wrap(function() local x = 1 end)() end"),
    ("closing loop", "local t <close> = setmetatable({}, {__close = function() while true do end end})"),
    ("error in a handler", "while true do xpcall(error, function() while true do end end) end"),
    ("insert into a false length", "table.insert(setmetatable({}, {__len = function() return 1 << 60 end,"
     " __index = type, __newindex = rawequal}), 1, 2)"),
]


def runaways():
    for name, body in RUNAWAYS:
        a = run(fn(body), limits={"cpu_ms": 300})
        say("ends by itself: " + name, a["ok"] is False and
            a["error"].startswith("scheduler killed after 300 ms of CPU (limit limits: script-cpu)"), a)
    a = run(fn("local x = 1\nwhile true do x = x + 1 end"), limits={"cpu_ms": 300})
    say("names the line where time ran out", a["error"].endswith(", at main.lua:3") and a["line"] == 3 and
        a["file"] == "main.lua", a)
    a = run(fn("print('so far')\nlocal x = 1\nreturn {x = (('a'):rep(2000)):find(('.-'):rep(6) .. 'b')}"),
            limits={"cpu_ms": 300})
    say("names the line of a pattern that backtracks", a["ok"] is False and a["line"] == 4, a)
    p = subprocess.run([PROGRAM], input=m.pack({"mode": "schedule", "seed": 1, "input": {}, "limits": {"cpu_ms": 300},
                                                "files": {"main.lua": fn("while true do end")}}),
                       capture_output=True, timeout=20,
                       preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPROF]))
    say("the clock rings though its signal was blocked", b"killed after 300 ms" in p.stdout, p)
    # The engine's own deadline: a process that is allowed an hour of CPU is
    # killed from outside, and leaves nothing that looks like an answer.
    for name, body in RUNAWAYS[:5]:
        p = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        p.stdin.write(m.pack({"mode": "schedule", "seed": 1, "files": {"main.lua": fn(body)},
                              "input": {}, "limits": {"cpu_ms": 600000}}))
        p.stdin.close()
        alive = in_its_loop(p)
        os.kill(p.pid, signal.SIGKILL)
        out = p.stdout.read()
        say("killed at the wall deadline: " + name, alive and p.wait() == -signal.SIGKILL and out == b"", out)


def hostiles():
    """All of tests/shared/hostile.py: a clear error, in the memory that is allowed."""
    peak = 0
    for name, body, error in hostile.HOSTILE:
        heap = 16 if error is hostile.MEMORY else 64  # less is filled sooner
        want = hostile.expected(error, heap)
        request = {**m.head("schedule", 4 << 20), "files": hostile.tree(body), "input": {},
                   "limits": {"heap": heap << 20, "cpu_ms": hostile.cpu_ms(error), "output": 4 << 20}}
        p = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        p.stdin.write(m.pack(request))
        p.stdin.close()
        out = p.stdout.read()
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        peak = max(peak, usage.ru_maxrss)
        a = m.unpack(out) if out else {"ok": None, "error": p.stderr.read()}
        p.stdout.close()
        p.stderr.close()
        good = a["ok"] is True if want is None else a["ok"] is False and a["error"].startswith(want)
        say("hostile: " + name, good and p.returncode == 0, a)
    # Heap, and what fills and empties it: request, answer, log, the program.
    say("hostile: %d scripts in at most 64 MiB of heap and 64 more" % len(hostile.HOSTILE), peak <= 128 << 10, peak)


def told():
    """What an error tells beside its line: the frames, and the variables there but for secrets."""
    a = run({"main.lua": "local helper = require 'lib.helper'\nreturn {schedule = function(input)\n"
             "  local password, count, db_token = 'hunter22', 3, 'tok-12345'\n"
             "  local api_key = {id = 7}\n"
             "  local conf = {user = 'web', secret = 's3cr3t!', list = {1, 2}, port = 80}\n"
             "  local url, said = 'postgres://web:hunter22@db', 'plain\\n text'\n"
             "  local made = 'AKIAabcdefghij0123456789KLMN'\n"
             "  helper.call(function() return count + nil end, conf)\n  return {}\nend}\n",
             "lib/helper.lua": "local helper = {}\nfunction helper.call(f, what) local got = f() return got, what end\nreturn helper\n"})
    say("told: the place", a["file"] == "main.lua" and a["line"] == 8, a)
    say("told: the frames, of all files", "main.lua:8: in function" in a["traceback"] and
        "lib/helper.lua:2: in function 'lib.helper.call'" in a["traceback"] or
        "lib/helper.lua:2:" in a["traceback"], a["traceback"])
    a = run(fn("local password, count, db_token = 'hunter22', 3, 'tok-12345'\n"
               "local api_key = {id = 7}\n"
               "local conf = {user = 'web', secret = 's3cr3t!', list = {1, 2}, [true] = false}\n"
               "local url, said = 'postgres://web:hunter22@db', 'plain\\n text'\n"
               "local made, id = 'AKIAabcdefghij0123456789KLMN', '0123456789abcdef0123456789abcdef'\n"
               "local list, f, gone = {'a', {}, 1.5}, print, nil\n"
               "return count + gone"))
    say("told: variables, no secret by name, by value, by look", a["locals"] == "\n".join([
        "input = {}", "password = (redacted)", "count = 3", "db_token = (redacted)", "api_key = (redacted)",
        'conf = {list = {...}, secret = (redacted), user = "web", [true] = false}', "url = (redacted)",
        'said = "plain\\n text"', "made = (redacted)", "id = (redacted)", 'list = {"a", {...}, 1.5}',
        "f = function", "gone = nil"]), a["locals"])
    a = run(fn("local secret = 'hunter22'\nlocal t = {}\nfor i = 1, 400 do t['k' .. i] = i end\n"
               "local big = ('x'):rep(5000)\nmesh.role('Bad Name', {})\nreturn t, secret, big"))
    say("told: the author's frame, not the library's", a["line"] == 6 and 't = {...}' in a["locals"] and
        'big = "' + "x" * 60 + '..."' in a["locals"] and "hunter22" not in str(a["locals"]), a)


def contract():
    """api: the version of the contract a script was written for."""
    for api, good in (("1", True), ("1.0", True), ("nil", True), ("2", False), ("'1'", True), ("{}", False), ("'x'", False)):
        a = run("return {api = %s, schedule = function() return {} end}" % api)
        want = None if good else "main.lua: api %s is not one of this mesh, which has api 1" % {"{}": "table", "'x'": "x"}.get(api, api)
        say("api = " + api, a["ok"] is good and (good or a["error"] == want), a)


WORLD = """
local out = {order = {}, random = {}, sorted = {}}
local t = {[3] = 1, [1.5] = 2, [-1] = 0, b = 1, a = 2, [false] = 1, [true] = 1, ["10"] = 1}
for k in pairs(t) do out.order[#out.order + 1] = tostring(k) end
for i = 1, 50 do t["key" .. i] = i end
for k in pairs(t) do out.order[#out.order + 1] = tostring(k) end
local k = next(t)
while k ~= nil do out.order[#out.order + 1] = tostring(k) k = next(t, k) end
for i = 1, 5 do out.random[i] = math.random(1000000) end
local list = {}
for i = 1, 1000 do list[i] = {key = i % 7, i = i} end
table.sort(list, function(x, y) return x.key < y.key end)
for i, x in ipairs(list) do out.sorted[i] = x.i end
out.text = {tostring({}), tostring(print), ("%s"):format({}), tostring(coroutine.create(print))}
print({}, print, input)
out.third = 1 / 3
return out
"""


def deterministic():
    request = {"mode": "schedule", "seed": 42, "files": {"main.lua": fn(WORLD)}, "input": {"a": 1}}
    answers = set()
    for _ in range(100):
        a = m.unpack(m.run_raw(PROGRAM, request))
        answers.add(m.pack([a["ok"], a.get("result"), a.get("log"), a.get("error")]))
    say("100 processes, one answer", len(answers) == 1 and m.unpack(list(answers)[0])[0] is True, answers)
    nodes = {"n%d" % i: {"address": "10.0.0.%d" % i, "state": "alive", "reported": True, "since": 1, "facts": {
        "images": ["front-v1", "web-v1"], "sandboxes": ["front", "web"]}} for i in range(1, 8)}
    with open(os.path.join(ROOT, "scheduler-scripts/examples/demo/main.lua"), encoding="utf-8") as f:
        demo = {**request, "files": {"main.lua": f.read()}, "input": {
            "now": 1, "self": "n1", "side": {"grade": "full"}, "nodes": nodes, "running": {}, "copies": {},
            "roles": {}, "metrics": {}, "parents": [], "actions": [], "vars": {}}}
    answers = set()
    for _ in range(100):
        a = m.unpack(m.run_raw(PROGRAM, demo))
        answers.add(m.pack([a["ok"], a.get("result"), a.get("error")]))
    say("100 processes, one schedule of the demo", len(answers) == 1 and a["ok"] is True, a)
    a = m.unpack(m.run_raw(PROGRAM, request))
    say("the order of keys", a["result"]["order"][:8] == ["-1", "1.5", "3", "10", "a", "b", "false", "true"],
        a["result"]["order"])
    n = len(a["result"]["order"])
    say("next() walks as pairs() does", a["result"]["order"][8:8 + 58] == a["result"]["order"][66:n], a)
    say("sort is stable", a["result"]["sorted"][:3] == [7, 14, 21], a["result"]["sorted"][:9])
    say("no addresses", a["result"]["text"] == ["table", "function", "table", "thread"] and
        a["log"] == "table\tfunction\ttable\n", a)
    raw = m.run_raw(PROGRAM, {"mode": "schedule", "seed": 1, "input": {}, "files": {
        "main.lua": fn("return {c = 1, b = {y = 1, x = 2}, a = {}}")}})
    say("keys of the answer are sorted", b"\x83\xa1a\x80\xa1b\x82\xa1x\x02\xa1y\x01\xa1c\x01" in raw, raw)
    request["seed"] = 43
    other = m.unpack(m.run_raw(PROGRAM, request))
    say("another seed, another random()", other["result"]["random"] != a["result"]["random"], other)


def good():
    a = run({"main.lua": "local f = require 'lib.foo'\nreturn {schedule = f.make('x')}",
             "lib/foo.lua": "local m = {}\nfunction m.make(n) return function(input)\n"
             "return {name = n, list = input.list, map = input.map, big = input.big, s = input.s} end end\nreturn m"},
            {"list": [], "map": {"k": [1, 2.5, True, "é"]}, "big": -(1 << 62), "s": "x" * 70000})
    say("round trip", a["ok"] is True and a["result"] == {
        "name": "x", "list": [], "map": {"k": [1, 2.5, True, "é"]}, "big": -(1 << 62), "s": "x" * 70000}, a)
    a = run(fn("for i = 1, 100000 do print('line', i) end return {}"))
    say("the log is cut, not the run", a["ok"] is True and a["log"].startswith("line\t1\n") and
        a["log"].endswith("... (log cut)\n") and len(a["log"]) <= 66000, a["log"][-100:])
    a = run(fn("local ok, e = pcall(function() return input.a.b.c end) return {e = e}"), {"a": {}})
    b = run(fn("""local c = coroutine.wrap(function(x)
    local ok, e = pcall(function() error(coroutine.yield(x), 0) end)
    return {ok = ok, e = e}
end)
local first = c("up")
local function join(...)
    local t = {...}
    for i, v in ipairs(t) do t[i] = tostring(v) end
    return select("#", ...) .. table.concat(t, ",")
end
return {first = first, second = c("down"), all = join(pcall(join, "a", "b")), none = select(2, pcall(pcall)),
    handled = join(select(2, xpcall(error, function(m) return m .. "!" end, "no"))),
    passed = join(select(2, xpcall(join, print, "x", "y")))}"""))
    say("pcall and xpcall: arguments, results, a yield within", b.get("result") == {
        "first": "up", "second": {"ok": False, "e": "down"}, "all": "2true,2a,b",
        "none": "bad argument #1 to '?' (value expected)", "handled": "1no!", "passed": "12x,y"}, b)
    say("pcall works", a["ok"] is True and "attempt to index a nil value" in a["result"]["e"], a)
    a = run(fn("local n = 0 for _ in pairs(string) do n = n + 1 end return {n = n, up = ('a'):upper()}"))
    say("libraries can be looked at", a["ok"] is True and a["result"]["n"] > 10 and
        a["result"]["up"] == "A", a)
    a = run(fn("local t = {a = 1, b = 2, c = 3} for k in pairs(t) do t[k] = nil end return {n = next(t)}"))
    say("clearing while walking", a["ok"] is True and a["result"] == {}, a)


def exit_code(data, args=()):
    p = subprocess.run([PROGRAM, *args], input=data, capture_output=True, timeout=10)
    return p.returncode, p.stdout, p.stderr.decode()


def requests():
    whole = m.pack({"mode": "schedule", "seed": 1, "files": {"main.lua": fn("return {}")}, "input": {}})
    for name, data, text in [
            ("nothing", b"", "request: not a msgpack map"),
            ("not msgpack", b"\xc1", "request: not a msgpack map"),
            ("cut", whole[:-3], "request: key"),
            ("too many items claimed", b"\xdf\xff\xff\xff\xff", "request: not a msgpack map"),
            ("bytes after it", whole + b"x", "request: bytes after its end"),
            ("unknown key", m.pack({"mood": 1}), "request: key 'mood'"),
            ("unknown mode", m.pack({"mode": "x"}), "request: key 'mode'"),
            ("no input", m.pack({"mode": "schedule"}), "request: no 'input'"),
            ("impossible limit", m.pack({"limits": {"heap": 1}}), "request: key 'limits'")]:
        rc, out, err = exit_code(data)
        say("bad request: " + name, rc == 64 and out == b"" and text in err, (rc, out, err))
    rc, _, err = exit_code(b"", ["x"])
    say("bad request: an argument", rc == 64 and err.startswith("usage: "), err)


def doors():
    """What it gave up, as the kernel tells, while a script runs."""
    p = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    p.stdin.write(m.pack({"mode": "schedule", "seed": 1, "files": {"main.lua": fn("while true do end")},
                          "input": {}, "limits": {"cpu_ms": 60000}}))
    p.stdin.close()
    say("a script runs", in_its_loop(p))
    with open("/proc/%d/status" % p.pid, encoding="ascii") as f:
        status = f.read()
    with open("/proc/%d/limits" % p.pid, encoding="ascii") as f:
        limits = {x[:26].strip(): x[26:].split()[0] for x in f}
    p.kill()
    p.wait()
    say("seccomp filter and no_new_privs", "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status, status)
    say("rlimits", limits["Max open files"] == "3" and limits["Max core file size"] == "0" and
        limits["Max processes"] == "0" and limits["Max cpu time"] == "62" and
        int(limits["Max address space"]) < 400 << 20, limits)


caught()
bad_rows()
runaways()
hostiles()
told()
contract()
deterministic()
good()
requests()
doors()
sys.exit(failed)
