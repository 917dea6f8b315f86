"""Bad scheduler scripts against the real daemon: the error is in `mesh status`
with its place, the last good schedule stays, nothing that runs is touched."""
# A minute: begun before the others (run.sh).
import json
import re

import pytest

import service
from mesh import Missed, wait_until

WRAP = "return {schedule = function(input)\n%s\nend}\n"
GOOD = "local s = {roles = {}, nodes = {}}\n"

# Rows of the table of bad inputs: name, script, what status must say.
SCRIPTS = [
    ("syntax error", "return {\n  schedule = = x\n}\n",
     ["main.lua:2:", "unexpected symbol near '='"]),
    ("runtime error", WRAP % "local t = nil\nreturn t.x", ["main.lua:3:", "nil value"]),
    ("error of a table", WRAP % "error({})", ["error object is a table value"]),
    ("error of nil", WRAP % "error(nil)", ["error object is a nil value"]),
    ("endless loop", WRAP % "while true do end", ["killed after"]),
    ("endless loop in pcall", WRAP %
     "while true do pcall(function() while true do end end) end", ["killed after"]),
    ("endless pattern", WRAP %
     "return string.find(string.rep('a', 60), string.rep('a?', 60)"
     " .. string.rep('.-', 40) .. 'b')", ["killed after", "main.lua"]),
    ("memory bomb", WRAP % "local t = {}\nwhile true do t[#t + 1] = "
     "string.rep('x', 100000) .. #t end", ["64 MiB"]),
    ("bytecode", "\x1bLua", ["main.lua", "precompiled chunks are not accepted"]),
    ("os.execute", WRAP % "os.execute('true')", ["'os'", "sandboxed"]),
    ("io.open", WRAP % "io.open('/etc/passwd')", ["'io'", "sandboxed"]),
    ("require ffi", WRAP % "require 'ffi'", ["ffi"]),
    ("returns nil", WRAP % "return nil", ["must return a table, got nil"]),
    ("returns a number", WRAP % "return 7", ["must return a table, got number"]),
    ("a cycle", WRAP % (GOOD + "s.state = {}\ns.state.me = s.state\nreturn s"),
     ["state.me", "cycle"]),
    ("too deep", WRAP % (GOOD + "local t = s\nfor i = 1, 100 do t.state = {}\n"
                         "t = t.state end\nreturn s"), ["deeper than 32"]),
    ("a function", WRAP % (GOOD + "s.state = {f = function() end}\nreturn s"),
     ["state.f", "function is not serialisable"]),
    ("nan", WRAP % (GOOD + "s.state = {n = 0/0}\nreturn s"), ["state.n", "nan"]),
    ("unknown node", WRAP % (GOOD + "s.nodes.zz = {roles = {}}\nreturn s"),
     ["nodes.zz: no such node", "n1, n2, n3"]),
    ("too many exclusive", WRAP % (
        "local all = {}\nfor i = 1, 65 do all['web.' .. i] = {process = 'web', "
        "image = 'web-v1'} end\nreturn {roles = {web = {version = 'v1', on_split = "
        "'exclusive'}}, nodes = {n1 = {roles = {web = {sandbox = 'web', instances = all}}}}}"),
     ["nodes.n1: 65 instances", "exclusive", "at most 64 on one node"]),
]


def pids(cluster):
    return {n.name: n.running() for n in cluster.nodes}


@pytest.mark.parametrize("name,text,expected", SCRIPTS, ids=[s[0] for s in SCRIPTS])
def test_bad_script_keeps_the_last_good_schedule(cluster, name, text, expected):
    before = pids(cluster)
    stamp = cluster.nodes[0].status()["scheduler"]["stamp"]
    service.set_script(cluster.nodes, text)
    leader = cluster.leader()

    def told():
        said = leader.status()
        error = said["scheduler"].get("error") or ""
        if said["scheduler"]["ok"] or not all(e in error for e in expected):
            raise Missed(f"ok {said['scheduler']['ok']}, error: {error}")
        return said
    said, _ = wait_until(f"{name}: status says {expected}", told, 40)
    assert said["health"] >= 1
    assert leader.mesh("status").returncode == said["health"]
    human = leader.mesh("status").stdout
    assert expected[0] in human, f"{said['scheduler']} before, {leader.status()['scheduler']} after"
    assert "\x1b" not in human.replace("\x1b[", "")
    assert said["scheduler"]["stamp"].split(".")[0] == stamp.split(".")[0]
    assert pids(cluster) == before
    cluster.serves()


# Within a role: what the answer of good scripts is made to say of web.
ROLES = {
    "a template that is not there": (
        "out.roles.web.template = 'wbe'",
        "roles.web.template: no such template 'wbe'; did you mean 'web'? (known: "),
    "a bad instance id": (
        "for _, n in pairs(out.nodes) do local w = n.roles.web\nif w then local id, one = next(w.instances)\n"
        "w.instances[id], w.instances['../x'] = nil, one end end",
        "instance '../x' must match"),
}


@pytest.mark.parametrize("what", ROLES)
def test_a_role_that_is_refused_keeps_its_part(cluster, what):
    """It alone: the front's change beside it is made."""
    change, expected = ROLES[what]
    before = pids(cluster)
    text, count = re.subn(r"return (mesh.scheduler\b.*)\Z", r"local made = \1\n"
                          "local good = made.schedule\nfunction made.schedule(input)\n"
                          "local out = good(input)\nout.roles.front.vars.mark = 'on'\nout.roles.late = {on_split = 'kepe'}\n"
                          + change + "\nreturn out end\nreturn made\n", cluster.scripts, flags=re.S)
    assert count == 1, cluster.scripts
    leader = cluster.leader()
    service.set_script(cluster.nodes, text)

    def told():
        said = leader.status()
        if not any(p["text"].startswith("role web: ") and expected in p["text"] and
                   p["hint"] == "this role keeps its last good part" for p in said["problems"]):
            raise Missed(json.dumps(said["problems"]))
        return said
    said, _ = wait_until(f"{what}: status says {expected}", told, 40)
    assert said["scheduler"]["ok"]
    assert ["it has no part yet: nothing of it runs"] == [
        p["hint"] for p in said["problems"] if p["text"].startswith("role late: roles.late.on_split: ")], said["problems"]
    wait_until("the front has its change", lambda: leader.ask("schedule", "show")[
        "roles"]["front"]["vars"].get("mark") == "on", 20)
    assert pids(cluster) == before
    cluster.serves()
    p = leader.mesh("why", "web.99")
    assert p.returncode == 1 and "no instance 'web.99' is scheduled or runs: role web: " in p.stderr and \
        expected in p.stderr, p.stderr
    p = leader.mesh("plan")
    assert p.returncode == 1 and p.stdout.startswith("plan: the same; 2 roles fail\n"), p.stdout + p.stderr
    assert "note: role web failed, and keeps its part: " in p.stdout and expected in p.stdout, p.stdout


def test_a_broken_script_does_not_stop_restarts(cluster):
    """The last good schedule is still enforced while the script is broken."""
    import os
    import signal
    service.set_script(cluster.nodes, "return nonsense(\n")
    leader = cluster.leader()
    wait_until("the error", lambda: not leader.status()["scheduler"]["ok"], 20)
    node = cluster.nodes[1]
    instance, pid = sorted(node.running("web").items())[0]
    os.kill(pid, signal.SIGKILL)
    wait_until("restarted", lambda: node.running("web").get(instance)
               not in (None, 0, pid), 20)


def test_scripts_differ_between_nodes_is_told(cluster):
    """One host with another tree: agreed_by says so on every node."""
    node = cluster.nodes[2]
    service.set_script([node], cluster.scripts + "-- another tree\n")
    for n in cluster.nodes:
        wait_until(f"{n.name} knows", lambda n=n:
                   n.status()["config"]["agreed_by"] < 3, 60)


def test_mass_stop_is_held_until_confirmed(cluster):
    """The rail: stopping all web servers at once is held for that role."""
    before = pids(cluster)
    text, count = service.COUNT.subn(r"\g<1>0", cluster.scripts)
    assert count == 1, "main.lua has no `local count = N`"
    service.set_script(cluster.nodes, text)
    leader = cluster.leader()

    def held():
        rows = leader.ask("schedule", "show").get("held") or []
        for row in rows:
            if row["role"] == "web":
                return row
        raise Missed(json.dumps(rows))
    row, _ = wait_until("held", held, 30)
    assert "would stop 4 of 4 instances (limit 30%)" in row["why"]
    assert "mesh apply --force " + row["stamp"] in json.dumps(leader.status())
    assert pids(cluster) == before
    cluster.serves()
    # A wrong stamp confirms nothing.
    assert leader.mesh("apply", "--force", "1.00000000.1").returncode != 0
    assert leader.mesh("apply", row["stamp"]).returncode != 0
    row, _ = wait_until("held still", held, 10)
    p = leader.mesh("apply", "--force", row["stamp"])
    assert p.returncode == 0, p.stderr
    wait_until("no web server runs", lambda: not any(
        n.running("web") for n in cluster.nodes), 30)


def test_an_action_on_a_group_is_meant_for_its_roles(cluster):
    """No rail holds them, though hosts know no groups."""
    text = cluster.scripts.replace("{web, front}", '{web, front, groups = {pages = {"web"}}}')
    assert text != cluster.scripts
    node = next(n for n in cluster.nodes if n is not cluster.leader())
    service.set_script(cluster.nodes, text)
    try:
        p, _ = wait_until("the group is known", lambda: taken(node.mesh("role", "remove", "pages")), 30)
        assert "web: is taken away" in p.stdout, p.stdout
        wait_until("no web server runs", lambda: not any(n.running("web") for n in cluster.nodes), 30)
        held = cluster.leader().ask("schedule", "show").get("held") or []
        assert [r["role"] for r in held if r["role"] != "front"] == []  # whose list is empty now
        p = node.mesh("role", "add", "pages")
        assert p.returncode == 0 and "web: runs" in p.stdout, (p.stdout, p.stderr)
        wait_until("they are back", lambda: service.settled(cluster.nodes, service.WEBS), 40)
    finally:
        service.set_script(cluster.nodes, cluster.scripts)


def taken(p):
    if p.returncode != 0:
        raise Missed(p.stdout + p.stderr)
    return p
