"""mesh new, mesh test, mesh sim, mesh lint, mesh template: what they say, and their exit codes.
Prints ok / not ok lines."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
MESH = os.path.join(ROOT, os.environ.get("B", "build"), "mesh")
failed = 0


def say(name, good, detail=""):
    global failed
    print(("ok " if good else "not ok ") + "authors " + name)
    if not good:
        failed = 1
        print("  " + str(detail)[:2000], file=sys.stderr)


def mesh(where, *args):
    p = subprocess.run([MESH, *args], cwd=where, capture_output=True, timeout=100, text=True, check=False)
    return p.returncode, p.stdout, p.stderr


def tree(where, files):
    for path, text in files.items():
        path = os.path.join(where, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="latin-1") as f:
            f.write(text)
    return where


MAIN = "return {schedule = function(input) return {} end}\n"

SPEC = """
describe("words", function()
  local n, order, done = 0, {}, false
  setup(function() n = n + 10 end)
  before_each(function() n = n + 1 order[#order + 1] = "before" end)
  after_each(function() order[#order + 1] = "after" end)
  it("equal", function()
    assert.are.equal(11, n) assert.equals(1, 1) assert.is_not.equal(1, 2) assert.are_not.equal({}, {})
  end)
  it("same", function()
    assert.same({a = {b = 1}}, {a = {b = 1}}) assert.are_not.same({}, {1}) assert.is_nil(nil) assert.is_not_nil(1)
    assert.is_true(true) assert.is_false(false) assert.is_truthy(1) assert.falsy(nil) assert.is_table({})
  end)
  it("errors", function()
    assert.has_error(function() error("x") end, "x") assert.has_no.errors(function() end)
    assert.has_error(function() error({code = 1}) end, {code = 1})
    assert.error_matches(function() error("hello world") end, "lo w") assert.matches("^a%d", "a1")
    assert.is_near(1, 1.05, 0.1) assert.is_unique {1, {2}, {3}}
    assert.has_error(function() assert(false, "no") end, "no")
    assert.has_error(function() assert.are.equal(1) end, "assert.equal: 1 values, needs 2")
  end)
  it("hooks", function() assert.are.same({"before", "after", "before", "after", "before", "after", "before"}, order) end)
  pending("later")
  it("pends", function() pending("not now") end)
  it("is finished", function() finally(function() done = true end) assert.is_table(require("main").schedule {}) end)
  it("fails # <here>", function()
    assert.is_true(done)
    local password = "hunter22"
    assert.are.same({a = {b = 1, c = {1}}}, {a = {b = 1, c = {2}}})
  end)
  it("breaks", function() local t = nil; t.x = 1 end)
  it("typo", function() assert.are.eqal(1, 1) end)
end)
print("said once")
"""

LINT = """local place, m = mesh.place, require "mesh.version"
local spread = place.spraed()
local s = string.frmat("x")
local function f(input, ...)
  count = 3
  local x <const> = input.nodez
  for i = 1, 10 do local y = pirnt(i) end
  for k, v in pairs(input.nodes) do print(k, v, inputs) end
  repeat local z = 1 until z > 2
  goto done
  ::done::
  mesh.foo = 1
  return mesh.schedular {}, m.latset, ("x"):rep(3), 0x1p-3, 1e+5, [[long
]] .. 'q\\'uote' --[==[ c
]==]
end
local other = require "lib.nope"
local bad = require "../x"
function mesh.place.x() end
function f.y:z() return self end
local t = {a = 1, [f] = 2, api = 3; "x", function() return nothing end}
return {api = 2, schedule = f}
"""
FOUND = """lib/bad.lua:1: unexpected symbol near '='
lib/bc.lua: attempt to load a binary chunk (mode is 't')
lib/x_spec.lua:1:74: undefined global 'bfore_each'
main.lua:2:22: mesh.place has no 'spraed'; did you mean 'spread'?
main.lua:3:18: string has no 'frmat'; did you mean 'format'?
main.lua:5:3: assignment to undefined global 'count'; write 'local count = ...'
main.lua:6:27: input has no 'nodez'; did you mean 'nodes'?
main.lua:7:30: undefined global 'pirnt'; did you mean 'print'?
main.lua:8:49: undefined global 'inputs'
main.lua:12:3: 'mesh' is read-only
main.lua:13:15: mesh has no 'schedular'; did you mean 'scheduler'?
main.lua:13:31: mesh.version has no 'latset'; did you mean 'latest'?
main.lua:17:23: module 'lib.nope' not found: no file 'lib/nope.lua' in the script tree
main.lua:18:21: require: '../x' is not a module name like 'lib.foo'
main.lua:19:10: 'mesh' is read-only
main.lua:21:60: undefined global 'nothing'
main.lua:22:15: api 2 is not one of this mesh, which has api 1
4 files, 17 findings
"""

WORLD = """
local w = mesh.sim {nodes = 5, scheduler = require "main"%s}
w:advance "10s"
w:partition({"n1", "n2"}, {"n3", "n4", "n5"})
w:advance "30s"
print(w:running "web", w:leader "n1", w:leader "n5")
w:heal()
w:advance "30s"
print(w:running "web", w:started "web", w:log())
"""


def new(where):
    rc, out, err = mesh(where, "new", "scheduler", "shop")
    say("new scheduler", rc == 0 and out.count("wrote ") == 6, (out, err))
    rc, out, err = mesh(where, "new", "scheduler", "shop")
    say("new touches nothing that exists", rc == 1 and
        "new: shop/scheduler-scripts/main.lua exists; nothing was written" in err, err)
    rc, out, err = mesh(where, "test", "shop")
    say("what is new passes", rc == 0 and out == "3 passed, 0 failed, 0 pending in 1 files\n", (out, err))
    rc, out, err = mesh(where, "lint", "shop")
    say("what is new has no findings", rc == 0 and out == "3 files, 0 findings\n", (out, err))
    shop = os.path.join(where, "shop")
    rc, out, err = mesh(shop, "new", "role", "cache")
    say("new role", rc == 0 and "add require \"cache\" to scheduler-scripts/main.lua" in out, (out, err))
    main = os.path.join(shop, "scheduler-scripts", "main.lua")
    with open(main, encoding="utf-8") as f:
        text = f.read().replace('require "web",', 'require "web",\n  require "cache",')
    tree(shop, {"scheduler-scripts/main.lua": text})
    for at in (shop, os.path.join(shop, "scheduler-scripts")):
        rc, out, err = mesh(at, "test")
        say("both pass, from " + os.path.basename(at), rc == 0 and out == "6 passed, 0 failed, 0 pending in 2 files\n", (out, err))
    rc, out, err = mesh(shop, "lint")
    say("both have no findings", rc == 0 and out == "5 files, 0 findings\n", (out, err))
    rc, out, err = mesh(where, "new", "role", "x")
    say("a role needs a scheduler", rc == 3 and "no scheduler here" in err, err)
    rc, out, err = mesh(where, "new", "role", "../x")
    say("a role has a name", rc == 64 and "is not a name" in err, err)
    for name in ("mesh", "a.b"):
        rc, out, err = mesh(shop, "new", "role", name)
        say("a role that require would not find: " + name, rc == 64 and "role '%s': require takes " % name in err, err)
    rc, out, err = mesh(where, "new", "role")
    say("new without a name", rc == 64 and "missing NAME" in err, err)
    return shop


def test(where):
    at = tree(os.path.join(where, "t"), {"main.lua": MAIN, "spec/a_spec.lua": SPEC,
                                         "spec/b_spec.lua": "it('never ends', function()\n  while true do end\nend)\n",
                                         "spec/c_spec.lua": "local x = = 1\n", "spec/d_spec.lua": "it('d', function() end)",
                                         "spec/e_spec.lua": "it('e', function() (('x'):rep(2^20)):gsub('.', ('y'):rep(2^20)) end)"
                                         " it('f', function() end)\n\n\nlocal kept = {}\nlocal function fill()\n"
                                         "  for i = 1, 1000 do\n  kept[#kept + 1] = ('z'):rep(2^20) .. i\nend end\n"
                                         "for i = 1, 3 do it('kept ' .. i, fill) end it('after', function() kept = nil end)\n"})
    rc, out, err = mesh(at, "test", "-o", "wide")
    say("test: exit code 1", rc == 1, (rc, err))
    say("test: counts", out.endswith("8 passed, 9 failed, 2 pending in 5 files\n"), out[-200:])
    say("test: where it differs", "they differ at .a.c[1]: (number) 2 there, expected (number) 1" in out, out)
    say("test: the line of the assertion", "spec/a_spec.lua:29: expected (table)" in out and "    >   29 | " in out, out)
    say("test: the variables there, without secrets", "password = (redacted)" in out and "hunter22" not in out.replace(
        'local password = "hunter22"', ""), out)
    say("test: did you mean", "spec/a_spec.lua:32: assert has no 'eqal'; did you mean 'equal'?" in out, out)
    say("test: a file that never ends fails alone",
        re.search(r"failed spec/b_spec.lua: .*\n.*killed after 10000 ms of CPU \(a file of specs gets no more\), at spec/b_spec.lua:2", out), out)
    say("test: a file that does not compile", "spec/c_spec.lua:1: unexpected symbol near '='" in out, out)
    say("test: and the next one goes on", "ok spec/d_spec.lua: d" in out, out)
    said = "failed spec/e_spec.lua: %s\n    test exceeded 256 MiB (a file of specs gets no more), at spec/e_spec.lua:%d\n"
    say("test: without memory a test fails alone, with its place and the limit", said % ("e", 1) in out and
        "ok spec/e_spec.lua: f" in out, out)
    say("test: also if what fills it is kept", all(said % ("kept %d" % i, 7) in out for i in (1, 2, 3)) and
        "\n    >    7 |   kept[#kept + 1] = ('z'):rep(2^20) .. i\n" in out and "ok spec/e_spec.lua: after" in out, out)
    say("test: what it prints", "said once\n" in out, out)
    far = os.path.join(where, "far")
    tree(os.path.join(far, "shop/scheduler-scripts"), {"main.lua": 'return mesh.scheduler {require "wbe"}\n',
        "web.lua": "return mesh.role('web', {image = 'w', count = function() return nil + 1 end})\n", "spec/web_spec.lua":
        "it('runs', function()\n  local w = mesh.sim {nodes = 2, scheduler = mesh.scheduler {require 'web'}}\n"
        "  w:advance '10s'\n  assert.is_true(w:running 'web' > 0)\nend)\nit('fails by itself', function() assert.is_true(nil) end)\n"})
    nested = "module 'web' not found: no file 'web.lua' in the script tree; there is 'shop/scheduler-scripts/web.lua': a module's name begins at the top of the tree"
    rc, out, err = mesh(far, "test")
    say("test: a tree that begins further down", rc == 1 and nested in out, out)
    rc, out, err = mesh(far, "lint")
    say("lint: the same", rc == 1 and nested in out, out)
    rc, out, err = mesh(os.path.join(far, "shop"), "lint")
    say("lint: a module of nearly that name", rc == 1 and "no file 'wbe.lua' in the script tree; did you mean 'web'?\n" in out, out)
    rc, out, err = mesh(os.path.join(far, "shop"), "test")
    say("test: a role that failed in its world is told", rc == 1 and "spec/web_spec.lua:4: expected true, got (boolean) false\n"
        "    in its world: role web failed: web.lua:1: attempt to perform arithmetic on a nil value\n" in out and
        out.count("in its world") == 1 and "got (nil) nil" in out and "mesh/sim" not in out, out)
    os.mkdir(os.path.join(where, "none"))
    rc, out, err = mesh(os.path.join(where, "none"), "lint")
    say("lint: of nothing", rc == 3 and "no file *.lua; mesh new scheduler writes first ones" in err, (rc, out, err))
    rc, out, err = mesh(at, "test", "spec/a_spec.lua", "-o", "tap")
    rows = [r for r in out.splitlines() if r.startswith(("ok", "not ok"))]
    say("tap", rc == 1 and out.startswith("TAP version 13\n") and out.endswith("1..10\n") and len(rows) == 10 and
        "ok 5 - spec/a_spec.lua: words later # SKIP pending" in rows and
        "not ok 8 - spec/a_spec.lua: words fails \\# <here>" in rows, out)
    rc, out, err = mesh(at, "test", "spec/a_spec.lua", "-o", "junit")
    suite = xml.fromstring(out).find("testsuite")
    say("junit", rc == 1 and suite.get("tests") == "10" and suite.get("failures") == "3" and suite.get("skipped") == "2" and
        any(c.get("name") == "words fails # <here>" and "they differ at" in c.find("failure").get("message")
            for c in suite.findall("testcase")), out)
    rc, out, err = mesh(at, "test", "spec/d_spec.lua", "--json")
    say("json", rc == 0 and json.loads(out)[0]["tests"] == [{"name": "d", "status": "ok"}], out)
    rc, out, err = mesh(at, "test", "-q", "spec/a_spec.lua")
    say("names only", rc == 1 and out == "words fails # <here>\nwords breaks\nwords typo\n", out)
    rc, out, err = mesh(where, "test", "nowhere")
    say("test: no such tree", rc == 3 and "nowhere: No such file or directory" in err, err)
    rc, out, err = mesh(tree(os.path.join(where, "e"), {"main.lua": MAIN}), "test")
    say("test: no specs", rc == 3 and "no file *_spec.lua" in err, err)
    rc, out, err = mesh(at, "test", "-o", "xml")
    say("a format it does not know", rc == 64 and "json, wide, name; of mesh test also tap, junit" in err, err)
    rc, out, err = mesh(at, "lint", "-o", "tap")
    say("tap is for tests", rc == 64 and "-o tap and -o junit are for mesh test" in err, err)


def lint(where):
    at = tree(os.path.join(where, "l"), {"main.lua": LINT, "lib/bad.lua": "x = = 2\n", "lib/bc.lua": "\x1bLua",
                                         "lib/x_spec.lua": 'describe("x", function() it("y", function() assert.are.equal(1, 1) end) '
                                         ' bfore_each() end)\n', "notes.txt": "not ( Lua"})
    rc, out, err = mesh(at, "lint")
    say("lint: every finding with its place", rc == 1 and out == FOUND, out + err)
    rc, out, err = mesh(at, "lint", "--json")
    say("lint: json", rc == 1 and len(json.loads(out)["findings"]) == 17, out)
    rc, out, err = mesh(ROOT, "lint", "scheduler-scripts/examples/demo")
    say("lint: the demo has none", rc == 0 and out == "1 files, 0 findings\n", out)


def plan(where):
    at = tree(os.path.join(where, "p"), {"main.lua": 'return mesh.scheduler {mesh.role("web", {image = "w", template = false})}\n'})
    for text, says in (("{}", "Input: nodes is missing"), ('{"nodes": 5}', "nodes: expected a map, got number 5"),
                       ('{"nodes": {"n1": {"tags": [1]}}}', "nodes.n1.tags"),
                       ('{"nodes": {}, "nods": 1}', "Input: unknown key 'nods'; did you mean 'nodes'?")):
        tree(where, {"in.json": text})
        rc, out, err = mesh(where, "plan", "--input", "in.json", "--scheduler", at)
        say("plan: no input of a round: " + text, rc > 0 and not out and
            err.startswith("mesh: plan: the input is none of a round: " + says), out + err)
    tree(where, {"in.json": '{"nodes": {"n1": {"facts": {"images": ["w"], "sandboxes": ["web"]}}}}'})
    rc, out, err = mesh(where, "plan", "--input", "in.json", "--scheduler", at)
    say("plan: one that somebody wrote need not be whole", "+ web.1 on n1" in out, out + err)


def sim(shop):
    scripts = os.path.join(shop, "scheduler-scripts")
    tree(scripts, {"try.lua": WORLD % "", "own.lua": WORLD % ", seed = 5",
                   "bad.lua": WORLD % "" + "w:always(function() return w:running 'web' > 2 end)\nw:advance '3s'\n",
                   "odd.lua": "mesh.sim {nodes = 3, sed = 1, scheduler = require 'main'}\n"})
    outs = [mesh(shop, "sim", "scheduler-scripts/try.lua", "--seed", "7") for _ in range(2)]
    say("sim: runs, and tells its seed", outs[0][0] == 0 and outs[0][1].startswith("mesh.sim: 5 nodes, seed 7\n4\tn1\tn3\n2\t"), outs[0])
    say("sim: the same seed, the same story", outs[0] == outs[1], outs)
    stories = {mesh(shop, "sim", "scheduler-scripts/try.lua", "--seed", str(i))[1].split("\n", 1)[1] for i in range(4)}
    say("sim: another seed, another one", len(stories) > 1, stories)
    rc, out, err = mesh(shop, "sim", "scheduler-scripts/own.lua", "--seed", "7")
    say("sim: a world's own seed counts", "seed 5" in out, out)
    rc, out, err = mesh(shop, "sim", "scheduler-scripts/bad.lua")
    say("sim: a broken invariant names seed and time", rc == 1 and
        "invariant broken: it said false (mesh.sim: seed 1, after 1m11s)" in out, out)
    rc, out, err = mesh(shop, "sim", "scheduler-scripts/odd.lua")
    say("sim: an option it does not know", rc == 1 and "odd.lua:1: mesh.sim: unknown option 'sed'; did you mean 'seed'?" in out, out)
    rc, out, err = mesh(shop, "sim", "scheduler-scripts")
    say("sim: of a file", rc == 64 and "is a directory" in err, err)
    rc, out, err = mesh(shop, "sim", "x.lua", "--seed", "-1")
    say("sim: a seed is a number", rc == 64 and "--seed: '-1' is not a number" in err, err)


BAD_YAML = """files:
  a.conf: {template: a.tmpl}
  b.conf: {template: gone.tmpl, mode: "0200"}
processes: processes.yaml.tmpl
check: {container: haproxy-check}
on-change:
  c.conf: restart
"""
BAD_TMPL = """{% while x %}
{{ a | yamll }}
{% end %}
{% for x of list %}
{{ x + }}
{% end %}
{% include "nothere.tmpl" %}{% include name %}{% include "own.inc" %}{% include "processes.yaml.tmpl" %}
{% if %}
{% end %}
{{ y | default(1 }}
{{ unclosed
"""
BAD = """bad/render.yaml:3:39: mode must be 0400-0777, readable by its owner
bad/render.yaml:7:11: on-change: files: has no 'c.conf', so this never happens
bad/render.yaml:3:22: files.b.conf: template 'gone.tmpl': No such file or directory
bad/a.tmpl:1:1: unknown tag 'while'; there are for, if, elseif, else, end, include
bad/a.tmpl:4:1: write 'for NAME in LIST' or 'for KEY, VALUE in pairs(TABLE)'
bad/a.tmpl:8:1: an expression is missing
bad/a.tmpl:10:1: after '|' comes a filter: NAME or NAME(ARGUMENTS); bitwise or stands in parentheses
bad/a.tmpl:11:1: unclosed '{{'
bad/a.tmpl:2:8: unknown filter 'yamll'; did you mean 'yaml'?
bad/a.tmpl:5:1: unexpected symbol near ')'
bad/a.tmpl:7:12: include 'nothere.tmpl': No such file or directory
bad/b.tmpl:3:1: 'end' without a 'for' or 'if'
bad/b.tmpl:4:1: 'if' without its 'end'
worse/render.yaml:2:1: unknown key 'bogus'; allowed: files, processes, check, on-change
worse/a.tmpl:1:1: unexpected symbol near ')'
worst/render.yaml:2:20: check: its container is a Command of the processes file; name one with processes:
"""


def templates(where):
    at = tree(os.path.join(where, "t"), {
        "templates/bad/render.yaml": BAD_YAML, "templates/bad/a.tmpl": BAD_TMPL, "templates/bad/own.inc": "x",
        "templates/bad/b.tmpl": "{% for x in list %}\n{% end %}\n{% end %}\n{% if a %}\n",
        "templates/worse/render.yaml": "files: {a: {template: a.tmpl}}\nbogus: 1\n",
        "templates/worse/a.tmpl": "{{ 1 + }}\n", "templates/worst/a.tmpl": "{{ a }}\n",
        "templates/worst/render.yaml": "files: {a: {template: a.tmpl}}\ncheck: {container: chk}\n"})
    rc, out, err = mesh(at, "template", "check", "templates", "-q")
    say("template: all that is wrong, each with its place", rc == 1 and
        out == "".join("templates/%s\n" % x for x in BAD.splitlines()), out + err)
    rc, out, err = mesh(at, "template", "check")
    say("template: the line, notes, a sum", rc == 1 and "\n    >    2 | {{ a | yamll }}\n" in out and
        "\nnote: templates/bad/render.yaml:5:20: check: no template here has 'haproxy-check:'" in out and
        out.endswith("\n3 templates, 4 files, 16 errors, 1 notes\n"), out + err)
    rc, out, err = mesh(at, "template", "check", "--json")
    told = json.loads(out)
    say("template: as data", rc == 1 and not told["ok"] and told["templates"] == ["bad", "worse", "worst"] and
        [told["errors"][8][k] for k in ("template", "file", "line", "column")] == ["bad", "bad/a.tmpl", 2, 8], out)
    rc, out, err = mesh(at, "template", "check", os.path.join(ROOT, "templates"))
    say("template: the stock ones are right", rc == 0 and out == "3 templates, 4 files, 0 errors, 0 notes\n", out + err)
    rc, out, err = mesh(ROOT, "template", "check", "templates/front")
    say("template: one alone", rc == 0 and out == "1 templates, 2 files, 0 errors, 0 notes\n", out + err)
    rc, out, err = mesh(at, "template", "check", "templates/none")
    say("template: no such directory", rc == 3 and err == "mesh: templates/none: No such file or directory\n", err)
    rc, out, err = mesh(where, "template", "chekc")
    say("template: a word", rc == 64 and "unknown COMMAND 'chekc'; did you mean 'check'?" in err, err)
def helper(where):
    """meshd-script that does what it should not: each ends in a line."""
    at = os.path.join(where, "bin")
    os.mkdir(at)
    shutil.copy(MESH, at)
    spec = os.path.join(tree(os.path.join(where, "h"), {"main.lua": MAIN, "a_spec.lua": "it('a', function() end)"}), "a_spec.lua")
    for program, want in ((None, "cannot find meshd-script in " + at + "/ or " + at + "/../libexec/mesh"),
                          ("true", "meshd-script gave a malformed answer"), ("cat", "meshd-script gave a malformed answer"),
                          ("false", "test process ended with code 1: "), ("yes", "test output larger than 16 MiB")):
        if program:
            shutil.copy(shutil.which(program), os.path.join(at, "meshd-script"))
        p = subprocess.run([os.path.join(at, "mesh"), "test", spec], capture_output=True, timeout=60, text=True, check=False)
        say("a helper that is %s" % (program or "not there"), p.returncode == 1 and want in p.stdout + p.stderr,
            p.stdout + p.stderr)


with tempfile.TemporaryDirectory() as top:
    helper(top)
    shop_dir = new(top)
    test(top)
    lint(top)
    plan(top)
    sim(shop_dir)
    templates(top)
sys.exit(failed)
