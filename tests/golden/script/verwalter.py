"""verwalter schedulers under the real meshd-script.  Prints ok / not ok lines."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.dirname(HERE)
sys.path.insert(0, GOLDEN)
import meshscript as m  # noqa: E402

PROGRAM = os.path.join(os.path.dirname(os.path.dirname(GOLDEN)), os.environ.get("B", "build"), "meshd-script")
TREE = os.path.join(GOLDEN, "verwalter")
failed = 0


def say(name, good, detail=""):
    global failed
    print(("ok " if good else "not ok ") + "verwalter " + name)
    if not good:
        failed = 1
        print("  " + str(detail)[:2000], file=sys.stderr)


def tree():
    files = {}
    for top, _, names in os.walk(TREE):
        for name in names:
            path = os.path.join(top, name)
            with open(path, encoding="utf-8") as f:
                files[os.path.relpath(path, TREE)] = f.read()
    return files


def world(**more):
    def node(i, state="alive"):
        return {"address": "10.0.0.%d:7780" % i, "state": state, "since": 500 + i}
    daemons = {"daemons": {"web": {"image": "web-2", "config": "/config/web.yaml", "variables": {"threads": 4}}}}
    return {"now": 9000, "self": "n1", "metrics": {}, "vars": {}, "parents": [], "actions": [], "running": {},
            "side": {"grade": "full"}, "nodes": {"n1": node(1), "n2": node(2), "n3": node(3, "failed"),
                                                 "n4": node(4, "left")},
            "roles": {"shop": {"versions": {"v1": {"daemons": {"daemons": {}}}, "v2": {"daemons": daemons}}},
                      "pages": {"versions": {"v1": {"daemons": {"daemons": {}}}}}}, **more}


def old(body, given=None, **more):
    """What a scheduler of one function comes to."""
    files = {"main.lua": 'return require "mesh.verwalter" {dir = "v1"}',
             "v1/main.lua": "return {schedule = function(state)\n%s\nend}" % body, **more}
    return m.schedule(PROGRAM, files, given or world())


def a_whole_one():
    got = m.schedule(PROGRAM, tree(), world())
    say("runs unmodified", got["ok"], got)
    r = got["result"]
    say("a role's template and version", r["roles"]["shop"]["template"] == "shop/v2"
        and r["roles"]["shop"]["version"] == "v2", r["roles"])
    say("a template by its new name", r["roles"]["pages"]["template"] == "static", r["roles"])
    say("what the page needed is variables", r["roles"]["shop"]["vars"] == {"frontend": {"kind": "example"}}, r)
    say("instances stay with their host", r["roles"]["shop"]["on_split"] == "keep", r["roles"])
    on = r["nodes"]["n2"]["roles"]["shop"]
    say("daemons are instances", on["instances"] == {
        "shop.web.n2.0": {"process": "web", "image": "web-2", "vars": {"threads": "4"}}}, on)
    say("variables of a node's role", on["vars"]["title"] == "on n2" and on["vars"]["configs"] == {
        "web": "/config/web.yaml"} and on["sandbox"] == "shop", on)
    say("peers: the failed too, who left not", sorted(r["nodes"]) == ["n1", "n2", "n3"], r["nodes"])
    say("variables of all", r["vars"] == {"domain": "example.org"}, r)
    say("what it printed is the log", "hosts 3 now 9000" in got["log"], got)
    again = m.schedule(PROGRAM, tree(), world())
    say("the same bytes again", again["result"] == r, "")
    return r


def buttons(first):
    press = [{"id": "n2.7", "stamp": 8000, "node": "n2", "by": "uid 0", "role": "shop", "name": "incr",
              "args": {"incr": "2"}, "tries": 0},
             {"id": "n1.1", "stamp": 8000, "node": "n1", "by": "uid 0", "role": "shop", "name": "incr",
              "args": {"incr": "1"}, "tries": 0}]
    got = m.schedule(PROGRAM, tree(), world(parents=[first], actions=press))
    say("actions are buttons, two in one millisecond too", got["ok"] and len(
        got["result"]["nodes"]["n1"]["roles"]["shop"]["instances"]) == 4, got)
    say("an action has its answer", got["ok"] and sorted(got["result"]["replies"]) == ["n1.1", "n2.7"], got)
    say("changes are the journal", got["ok"] and got["result"]["changes"][-1] == "shop: 4 of each", got)
    later = m.schedule(PROGRAM, tree(), world(parents=[got["result"], first]))
    say("its parents are what it returned", later["ok"] and len(
        later["result"]["nodes"]["n1"]["roles"]["shop"]["instances"]) == 4, later)


def oldest_form():
    files = tree()
    files["main.lua"] = 'return require "mesh.verwalter" {dir = "globals"}'
    got = m.schedule(PROGRAM, files, world())
    say("globals, and a global entry", got["ok"] and got["result"]["vars"] == {"word": "global", "runs": 1}, got)


BAD = [
    ("no JSON", "return 'roles', ''", "verwalter: the scheduler's JSON: 1:1: expected a value, got 'roles'"),
    ("cut JSON", "return '{\\n\"a\": [1, 2', ''", "verwalter: the scheduler's JSON: 2:11: expected ',' or ']', got the end"),
    ("two values", "return '{} {}', ''", "verwalter: the scheduler's JSON: 1:4: expected the end, got '{'"),
    ("a key without quotes", "return '{a: 1}', ''", "verwalter: the scheduler's JSON: 1:2: expected a key in quotes, got 'a'"),
    ("deep JSON", "return ('['):rep(40), ''", "verwalter: the scheduler's JSON: 1:34: deeper than 32"),
    ("half a surrogate", "return '{\"a\": \"\\\\ud83d\"}', ''", "verwalter: the scheduler's JSON: 1:10: half of a surrogate pair"),
    ("a control byte", "return '{\"a\": \"\\1\"}', ''", "verwalter: the scheduler's JSON: 1:8: byte 1 in a string: write \\u0001"),
    ("no object", "return '3', ''", "verwalter: the scheduler's JSON is no object"),
    ("roles of text", "return '{\"roles\": \"all\"}', ''", "verwalter: roles: expected an object, got string"),
    ("instances of text", "return '{\"nodes\": {\"n1\": {\"roles\": {\"a\": {\"daemons\": {\"b\": "
     "{\"image\": \"i\", \"config\": \"/c\", \"instances\": \"many\"}}}}}}}', ''",
     "verwalter: nodes.n1.roles.a.daemons.b.instances: many is not an integer 0-1000"),
    ("no os", "return os.time()", "verwalter: there is no 'os' here"),
    ("no getinfo", "return debug.getinfo(1)", "verwalter: there is no 'debug.getinfo' here"),
    ("no such module", "return require 'kit/nope'", "verwalter: module 'kit/nope' not found: no file 'v1/kit/nope.lua'"),
    ("out of the tree", "return require '../main'", "verwalter: module '../main' not found: no file 'v1/../main.lua'"),
    ("a table", "return {}", "verwalter: the scheduler returned table, not a JSON text\n"),
    ("an error it caught", "return nil, 'seen\\nError: v1/main.lua:2: no'",
     "verwalter: the scheduler returned nil, not a JSON text\nseen\nError: v1/main.lua:2: no"),
    ("an error", "local t = state.nope.x", "v1/main.lua:2: attempt to index a nil value (field 'nope')"),
    ("an endless loop", "while true do end", "CPU"),
]


def bad():
    for name, body, error in BAD:
        more = {"limits": {"heap": 64 << 20, "cpu_ms": 200, "output": 4 << 20}} if "loop" in name else {}
        files = {"main.lua": 'return require "mesh.verwalter" {dir = "v1"}',
                 "v1/main.lua": "return {schedule = function(state)\n%s\nend}" % body}
        got = m.schedule(PROGRAM, files, world(), **more)
        say("bad: " + name, not got["ok"] and error in got["error"], got)
    for name, main, error in [
            ("no options", 'return require "mesh.verwalter" {}',
             "mesh.verwalter: write {dir = \"v1\"}: the old scheduler's directory in the script tree"),
            ("a wrong option", 'return require "mesh.verwalter" {dir = "v1", templat = "x"}',
             "mesh.verwalter: unknown key 'templat'; did you mean 'template'?"),
            ("no such tree", 'return require "mesh.verwalter" {dir = "v2"}',
             "verwalter: no file 'v2/main.lua' in the script tree")]:
        got = m.schedule(PROGRAM, {"main.lua": main, "v1/main.lua": "return {}"}, world())
        say("bad: " + name, not got["ok"] and error in got["error"], got)
    got = m.schedule(PROGRAM, {"main.lua": 'return require "mesh.verwalter" {dir = "v1"}',
                               "v1/main.lua": "return {}"}, world())
    say("bad: no function", "v1/main.lua: returns no function 'scheduler' or 'schedule'" in got["error"], got)


def odd():
    got = old("return '{\"nodes\": {\"gone\": {\"roles\": {}}}, \"query_metrics\": {\"load\": \"node_load1\"}}', ''")
    say("an unknown node is left out, and told", got["ok"] and "nodes.gone: no such node" in got["log"], got)
    say("text in query_metrics is asked", got["ok"] and got["result"]["query"] == {"load": "node_load1"}, got)
    got = old("return '{\"vars\": {\"a\": \"\\\\u00e9\\\\ud83d\\\\ude00\\\\n\", \"b\": [1, 2.5, -3e2, true, null], "
              "\"c\": 9007199254740993}}', ''")
    say("JSON's values", got["ok"] and got["result"]["vars"] == {
        "a": "\u00e9\U0001f600\n", "b": [1, 2.5, -300.0, True], "c": 9007199254740993}, got)
    got = old("return '{}', 'said'")
    say("nothing at all is a schedule too", got["ok"] and got["log"] == "said\n", got)


buttons(a_whole_one())
oldest_form()
bad()
odd()
sys.exit(failed)
