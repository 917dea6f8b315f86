"""Render mode of the real meshd-script.  Prints ok / not ok lines.

NAME.tmpl with NAME.json (its variables) gives NAME.out, byte for byte; the
stock templates give stock-*.out.  REWRITE=1 writes what is there now: look at
the diff before you commit it.
"""
import glob
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.dirname(HERE))
import meshscript as m  # noqa: E402

BUILD = os.path.join(ROOT, os.environ.get("B", "build"))
PROGRAM = os.path.join(BUILD, "meshd-script")
failed = 0


def say(name, good, detail=""):
    global failed
    print(("ok " if good else "not ok ") + "template " + name)
    if not good:
        failed = 1
        print("  " + str(detail)[:2000], file=sys.stderr)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def given(**variables):
    return {"vars": variables, "schedule": {}, "node": {"name": "n1", "address": "10.0.0.1"},
            "role": {"name": "web", "version": "v1"}, "instances": {}, "deployment": "1.ab.2"}


def render(files, variables, wants=None, **more):
    if isinstance(files, str):
        files = {"a.tmpl": files}
    try:
        return m.render(PROGRAM, files, wants or {"a": "a.tmpl"}, variables, **more)
    except (RuntimeError, subprocess.TimeoutExpired) as e:
        return {"ok": None, "error": repr(e)}


def compare(name, text):
    path = os.path.join(HERE, name + ".out")
    if os.environ.get("REWRITE"):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    say(name, os.path.exists(path) and read(path) == text, text)


def whole_files():
    for path in sorted(glob.glob(os.path.join(HERE, "*.tmpl"))):
        name = os.path.basename(path)[:-5]
        a = render({"a.tmpl": read(path), "part.inc": "[{{ role.name }}]\n"},
                   given(**json.loads(read(path[:-5] + ".json"))))
        compare(name, a["result"]["a"] if a["ok"] else a["error"])


def stock():
    """What we ship, with what the demo gives it; meshd-conf reads the result."""
    web = {"web.1": {"process": "web", "image": "web-v1", "vars": {"address": "127.0.0.1", "port": 18000}},
           "web.10": {"process": "web", "image": "web-v1", "vars": {"list": [1], "port": 18009}},
           "web.2": {"process": "web", "image": "web-v1", "vars": {}}}
    front = {"front.n1": {"process": "haproxy", "image": "front-v1",
                          "vars": {"address": "127.0.0.1", "port": 8080}}}
    backends = [{"id": "web.1", "address": "127.0.0.1", "port": 18000},
                {"id": "web.2", "address": "127.0.0.2", "port": 18001}]
    for role, instances, variables, names in [
            ("web", web, {"page": "<b> & \"more\""}, ["index.html.tmpl", "processes.yaml.tmpl"]),
            ("front", front, {"backends": backends}, ["haproxy.cfg.tmpl", "processes.yaml.tmpl"]),
            ("front", front, {"backends": {}}, ["haproxy.cfg.tmpl"])]:
        where = os.path.join(ROOT, "templates", role)
        files = {n: read(os.path.join(where, n)) for n in os.listdir(where)}
        v = dict(given(**variables), instances=instances, role={"name": role, "version": "v1"})
        a = render(files, v, {n[:-5]: n for n in names})
        if not a["ok"]:
            say("stock " + role, False, a)
            continue
        for name, text in a["result"].items():
            compare("stock-%s-%s%s" % (role, "" if variables.get("backends") or role == "web" else "none-",
                                       name), text)
        for kind, text in [("processes", a["result"].get("processes.yaml")),
                           ("render", files["render.yaml"])]:
            if text is None:
                continue
            p = subprocess.run([os.path.join(BUILD, "meshd-conf"), kind, role + "." + kind],
                               input=text.encode(), capture_output=True, timeout=10)
            say("meshd-conf reads %s of %s" % (kind, role), p.returncode == 0, p.stderr)


READ_ONLY = " can't be set: what a template is given is read only; fill a local table"
NEWLINE = "; use json(), yaml() or lines()"

FILTER = "a.tmpl:1:1: after '|' comes a filter: NAME or NAME(ARGUMENTS); bitwise or stands in parentheses"

# name, template (or all files), the whole error
BAD = [
    ("missing", {"b.tmpl": ""}, "a.tmpl: No such file or directory"),
    ("unclosed {{", "a\nb\n     {{ x", "a.tmpl:3:6: unclosed '{{'"),
    ("unclosed {%", "é{% if x", "a.tmpl:1:2: unclosed '{%'"),
    ("unclosed {#", "\n{# x }}", "a.tmpl:2:1: unclosed '{#'"),
    ("unclosed string", "{{ 'a }}", "a.tmpl:1:1: unclosed '{{'"),
    ("unknown variable", "\n  {{ prot }}", "a.tmpl:2:6: unknown variable 'prot'; did you mean 'port'?"),
    ("unknown in a list", "{% for x in nothing_like_it %}{% end %}",
     "a.tmpl:1:13: unknown variable 'nothing_like_it'"),
    ("unknown, second of a line", "{{ port }} {{ port + prot }}",
     "a.tmpl:1:22: unknown variable 'prot'; did you mean 'port'?"),
    ("unknown in an include", {"a.tmpl": "\n{% include 'b' %}", "b": "x\n{{ prot }}"},
     "b:2:4: unknown variable 'prot'; did you mean 'port'?"),
    ("after an include", {"a.tmpl": "{% include 'b' %}\n\n {{ prot }}", "b": "x\n"},
     "a.tmpl:3:5: unknown variable 'prot'; did you mean 'port'?"),
    ("no os", "{{ os.time() }}", "a.tmpl:1:4: unknown variable 'os'; sandboxed: templates have variables only"),
    ("no print", "{{ print(1) }}", None),
    ("nil field", "{{ node.nmae }}", "a.tmpl:1:1: variable 'node.nmae' is nil; did you mean 'name'?"),
    ("field of nil", "{{ node.zone.name }}",
     "a.tmpl:1:1: attempt to index a nil value (field 'zone')"),
    ("nil expression", "{{ ({})[1] }}", "a.tmpl:1:1: the value of '({})[1]' is nil"),
    ("table", "{{ list }}", "a.tmpl:1:1: variable 'list' is a table; use json() or yaml()"),
    ("function", "{{ pairs }}", "a.tmpl:1:1: variable 'pairs' is a function; use json() or yaml()"),
    ("nan", "{{ 0/0 }}", "a.tmpl:1:1: not a finite number"),
    ("newline", "a\nb\nserver {{ host }}", "a.tmpl:3: variable 'host' contains a newline" + NEWLINE),
    ("newline in an expression", "{{ host .. 'x' }}",
     "a.tmpl:1: the value of this expression contains a newline" + NEWLINE),
    ("control byte", "{{ bell }}", "a.tmpl:1: variable 'bell' contains control byte 7; use json() or yaml()"),
    ("newline in an item", "{{ lines({host}) }}", "a.tmpl:1:1: lines: item 1 contains a newline"),
    ("newline in quote", "{{ quote(host) }}", "a.tmpl:1:1: quote: the value contains a newline or control byte"),
    ("not UTF-8", "{{ 'a\\xff' }}", "a.tmpl:1:1: the value is not UTF-8"),
    ("bad expression", "\n\n{{ port + }}", "a.tmpl:3:1: unexpected symbol near ')'"),
    ("bad expression, later line", "{{ port\n\n+ + 1 }}", "a.tmpl:3:1: unexpected symbol near '+'"),
    ("two values", "{{ port, port }}", "a.tmpl:1:1: ')' expected near ','"),
    ("a literal", "{{ 1 'hunter2' }}", "a.tmpl:1:1: ')' expected near a string"),
    ("statement", "{{ x = 1 }}", "a.tmpl:1:1: ')' expected near '='"),
    ("empty", "{{ }}", "a.tmpl:1:1: an expression is missing"),
    ("comment", "{{ port -- x }}", "a.tmpl:1:1: '--' starts a Lua comment; write {# ... #}"),
    ("no end", "\n{% if port %}", "a.tmpl:2:1: 'if' without its 'end'"),
    ("no end of for", "{% for x in list %}{% if x %}{% end %}", "a.tmpl:1:1: 'for' without its 'end'"),
    ("end alone", "{% end %}", "a.tmpl:1:1: 'end' without a 'for' or 'if'"),
    ("else alone", "{% for x in list %}{% else %}{% end %}", "a.tmpl:1:20: 'else' without an 'if'"),
    ("else twice", "{% if port %}{% else %}{% else %}{% end %}", "a.tmpl:1:24: 'else' without an 'if'"),
    ("else with condition", "{% if port %}{% else port %}{% end %}",
     "a.tmpl:1:14: 'else' takes nothing; did you mean 'elseif'?"),
    ("do, as Lua has it", "{% for i = 1, 3 do %}{{ i }}{% end %}", "a.tmpl:1:1: 'for' takes no 'do': write 'for NAME in LIST'"),
    ("then, as Lua has it", "a\n{% if (port) then %}x{% end %}", "a.tmpl:2:1: 'if' takes no 'then': write 'if EXPRESSION'"),
    ("unknown tag", "{% while true do %}{% end %}",
     "a.tmpl:1:1: unknown tag 'while'; there are for, if, elseif, else, end, include"),
    ("bad for", "{% for in list %}{% end %}",
     "a.tmpl:1:1: write 'for NAME in LIST' or 'for KEY, VALUE in pairs(TABLE)'"),
    ("for over a map", "{% for x in node %}{% end %}",
     "a.tmpl:1:1: 'for' with one name walks a list, this is a map; write 'for key, value in'"),
    ("for over nil", "{% for x in node.list %}{% end %}", "a.tmpl:1:1: 'for' over nil: is the list missing?"),
    ("nested too deep", "{% if port %}" * 65 + "{% end %}" * 65,
     "a.tmpl:1:833: blocks nested deeper than 64"),
    ("include missing", "\n{% include 'b' %}", "a.tmpl:2:1: include 'b': No such file or directory"),
    ("include outside", "{% include '../b' %}", "a.tmpl:1:1: include '../b': No such file or directory"),
    ("include of itself", "\n{% include 'a.tmpl' %}", "a.tmpl:2:1: includes deeper than 16"),
    ("include of a number", "{% include port %}", "a.tmpl:1:1: include '80': No such file or directory"),
    ("a circle of includes", {"a.tmpl": "{% include 'b' %}", "b": "{% include 'a.tmpl' %}"},
     "b:1:1: includes deeper than 16"),
    ("no value before a filter", "{{ | json }}", "a.tmpl:1:1: an expression is missing"),
    ("no filter", "{{ port | }}", FILTER),
    ("a filter that is none", "{{ port | 1 }}", FILTER),
    ("a filter and more", "{{ port | json x }}", FILTER),
    ("arguments that end their call", "{{ port | join(1)) + (2) }}", FILTER),
    ("out of its parentheses", "{{ (port | json) }}",
     "a.tmpl:1:1: attempt to perform bitwise operation on a function value (global 'json')"),
    ("in a function", "{{ (function() return 1 end)() | upper end }}", FILTER),
    ("an unknown filter", "\n{{ list | jion(', ') }}", "a.tmpl:2:11: unknown filter 'jion'; did you mean 'join'?"),
    ("an unknown filter, where nothing runs", "{% if false %}{{ port | nope }}{% end %}",
     "a.tmpl:1:25: unknown filter 'nope'"),
    ("bad arguments", "{{ list | join(, ) }}", "a.tmpl:1:1: unexpected symbol near ','"),
    ("many filters", "{{ port" + " | json" * 17 + " }}", "a.tmpl:1:1: more than 16 filters"),
    ("a filter's own error", "\n {{ port | first }}", "a.tmpl:2:2: first: expected a list, got number"),
    ("an error in a list", "{{ items | map('nmae') }}", "a.tmpl:1:1: map: item 1 has no 'nmae'"),
    ("sort of tables", "{{ items | sort }}", "a.tmpl:1:1: sort: item 1: expected a number or text, got table"),
    ("a map", "{{ node | join }}", "a.tmpl:1:1: join: expected a list, got a map"),
    ("a newline through a filter", "{{ host | upper }}", "a.tmpl:1: variable 'host' contains a newline" + NEWLINE),
    ("no default", "{{ prot | upper }}", "a.tmpl:1:4: unknown variable 'prot'; did you mean 'port'?"),
    ("a wide indent", "{{ host | indent(-1) }}", "a.tmpl:1:1: indent: argument: -1 is not an integer 0-200"),
    ("only a dash", "{{-}}", "a.tmpl:1:1: an expression is missing"),
    ("error in a call", "{{ string.rep('x', {}) }}",
     "a.tmpl:1:1: bad argument #2 to 'rep' (number expected, got table)"),
    ("17 MiB", "{% for i = 1, 17 %}{{ string.rep('x', 1 << 20) }}{% end %}",
     "a.tmpl:1:20: output larger than 16 MiB"),
    ("memory", "{{ (function() local t = {} for i = 1, 1e9 do t[i] = {i} end end)() }}",
     "a.tmpl:1: template exceeded 64 MiB (limit limits: script-memory)"),
    ("memory, in what is included", {"a.tmpl": "\n{% include 'b' %}",
     "b": "\n\n{{ (function() local t = {} for i = 1, 1e9 do t[i] = {i} end end)() }}"},
     "b:3: template exceeded 64 MiB (limit limits: script-memory)"),
    ("memory, behind what is included", {"a.tmpl": "{% include 'b' %}\n{{ port }}" +
     "{{ (function() local t = {} for i = 1, 1e9 do t[i] = {i} end end)() }}", "b": "\n\n{{ port }}"},
     "a.tmpl:2: template exceeded 64 MiB (limit limits: script-memory)"),
    ("a key of the schedule set", "\n {{ (function() schedule.x = 1 end)() }}", "a.tmpl:2:2: 'x'" + READ_ONLY),
    ("a key that is there set", "{{ (function() node.name = 'b' end)() }}", "a.tmpl:1:1: 'name'" + READ_ONLY),
    ("a key set deep inside", "{{ (function() vars.items[1].name = 'b' end)() }}", "a.tmpl:1:1: 'name'" + READ_ONLY),
    ("a key set in a loop", "{% for x in items %}{{ (function() x.name = 'b' end)() }}{% end %}", "a.tmpl:1:21: 'name'" + READ_ONLY),
    ("a key set of what pairs gave", "{% for k, x in pairs(items) %}{{ (function() x.name = 'b' end)() }}{% end %}",
     "a.tmpl:1:31: 'name'" + READ_ONLY),
    ("a key set of what next gave", "{{ (function() local _, x = next(items) x.name = 'b' end)() }}", "a.tmpl:1:1: 'name'" + READ_ONLY),
    ("a key set behind a filter", "{% for x in items | where('name') %}{{ (function() x.name = 'b' end)() }}{% end %}",
     "a.tmpl:1:37: 'name'" + READ_ONLY),
    ("a given list filled", "{{ table.insert(list, 2) }}", "a.tmpl:1:1: [2]" + READ_ONLY),
    ("a given list emptied", "{{ table.remove(list) }}", "a.tmpl:1:1: [1]" + READ_ONLY),
    ("a given list sorted", "{{ table.sort(list) }}", "a.tmpl:1:1: [1]" + READ_ONLY),
    ("a variable set", "{{ (function() port = 1 end)() }}", "a.tmpl:1:1: 'port'" + READ_ONLY),
    ("a variable made", "{{ (function() other = 1 end)() }}", "a.tmpl:1:1: 'other'" + READ_ONLY),
    ("time", "\n{% for i = 1, 1e12 %}{% end %}",
     "a.tmpl:2: template killed after 300 ms of CPU (limit limits: script-cpu)"),
    ("time, in a pattern", "\n{{ ('a'):rep(2000):find(('.-'):rep(6) .. 'b') }}",
     "a.tmpl:2: template killed after 300 ms of CPU (limit limits: script-cpu)"),
    ("time, in what is included", {"a.tmpl": "{% include 'b' %}", "b": "\n\n{{ list | map((function() while true do end end)()) }}"},
     "b:3: template killed after 300 ms of CPU (limit limits: script-cpu)"),
]


# What reads takes what is given as it takes a table of the template's own.
READS = [
    ("{{ #list }} {{ #node }} {{ #none }}", "3 0 0"),
    ("{{ next(none) == nil }} {{ next(list) }} {{ select(2, next(map)).x }}", "true 1 1"),
    ("{% for i, x in ipairs(items) %}{{ i }}{{ x.name }}{% end %}", "1b2a"),
    ("{% for k, x in pairs(map) %}{{ k }}{{ x.x }}{% end %}{% for k, x in map %}{{ k }}{{ x.x }}{% end %}", "p1q2p1q2"),
    ("{{ table.concat(list, ',') }} {{ table.unpack(list) }} {{ select('#', table.unpack(list)) }}", "3,1,2 3 3"),
    ("{{ json(vars.map) }} {{ none | json }} {{ items | json }}", '{"p":{"x":1},"q":{"x":2}} [] [{"name":"b"},{"name":"a"}]'),
    ("{{ list | sh }} {{ list | sort | join('-') }} {{ map | keys | join }} {{ items | map('name') | join }}", "3 1 2 1-2-3 pq ba"),
    ("{{ items | sort('name') | first | json }} {{ map | values | length }} {{ items | unique | length }}", '{"name":"a"} 2 2'),
    ("{{ items[1] == vars.items[1] }} {{ type(items) }} {{ tostring(items) }} {{ list[4] == nil }}", "true table table true"),
    ("{{ (function() local t = {} for i, x in ipairs(list) do t[#t + 1] = x end table.sort(t)"
     " t[1] = 7 return t end)() | join(',') }}", "7,2,3"),
    ("{{ #table.move(list, 1, 3, 1, {}) }} {% for x in (function() return {{y = 1}} end)() %}{{ x.y }}{% end %}", "3 1"),
]


def reads():
    v = given(list=[3, 1, 2], none=[], map={"q": {"x": 2}, "p": {"x": 1}}, items=[{"name": "b"}, {"name": "a"}])
    for text, want in READS:
        a = render(text, v)
        say("reads: " + text, a.get("result") == {"a": want}, a)


def bad():
    v = given(port=80, host="a\nb", list=[1], bell="\a", items=[{"name": "a"}])
    for name, files, error in BAD:
        a = render(files, v, limits={"cpu_ms": 300 if name.startswith("time") else 5000})
        if error is None:
            good = a["ok"] is False and "unknown variable 'print'" in a["error"]
        else:
            good = a["ok"] is False and a["error"] == error
        say("refuses: " + name, good, a)
    a = render("a\n{{ prot }}", v)
    say("the error's place in fields", (a["file"], a["line"], a["col"]) == ("a.tmpl", 2, 4) and
        a["excerpt"] == "     1 | a\n>    2 | {{ prot }}\n", a)
    a = render({"a.tmpl": "ok", "b.tmpl": "{{ prot }}"}, v, {"x": "a.tmpl", "y": "b.tmpl"})
    say("one bad file, no file", a["ok"] is False and "result" not in a, a)


def large():
    """What can't even be compiled within the limits is told with its place, as all of a check is."""
    text = "x\n{{ #{%s} }}\n" % ",".join("'%x'" % i for i in range(250000))
    ask = {"mode": "check", "seed": 1, "input": {}, "render": [], "files": {"a.tmpl": text}}
    a = m.unpack(m.run_raw(PROGRAM, {**ask, "limits": {"heap": 16 << 20}}))
    found = [(f["file"], f["line"], f["text"]) for f in a["result"]["findings"]] if a["ok"] else a
    say("check: out of memory", found == [
        ("a.tmpl", 2, "not enough memory to compile it (limit limits: script-memory)")], found)
    a = m.unpack(m.run_raw(PROGRAM, {**ask, "limits": {"cpu_ms": 30}}))
    say("check: out of time", (a["ok"], a["file"]) == (False, "a.tmpl") and re.fullmatch(
        r"a.tmpl:[12]: check killed after 30 ms of CPU \(limit limits: script-cpu\)", a["error"]), a)


whole_files()
stock()
large()
reads()
bad()
sys.exit(failed)
