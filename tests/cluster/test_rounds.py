"""Rounds that are recorded and run again, plans, reasons, older schedules and shadows, with
two real nodes: whatever is asked of the one that does not lead is the leader's word too."""
import json
import os
import stat

import pytest

import service
import singleton
from mesh import wait_until, write

ROLE = """local one = mesh.role("one", {
  version = "v1", image = "one-v1", count = %d, vars = {port = 80, secret = "s3cr3t-%d"},
})
return mesh.scheduler {one}
"""
KEEP = """return {schedule = function(input)
  local last = input.parents[#input.parents]
  return {roles = last.roles, nodes = last.nodes, why = last.why, state = last.state}
end}
"""


def runs(node, count):
    rows = [r for r in node.ps("one") if r["state"] == "running"]
    return len(rows) == count


def decides(world, count):
    service.set_script(world.nodes, ROLE % (count, count))
    wait_until(f"{count} run", lambda: all(runs(n, count) for n in world.nodes), 40)


@pytest.fixture(scope="module")
def world():
    w = singleton.made("rounds", 2, main=ROLE % (2, 2))
    wait_until("two run", lambda: all(runs(n, 2) for n in w.nodes), 40)
    w.first = w.nodes[0].status()["scheduler"]["stamp"]
    decides(w, 10)
    yield w
    w.close()


def two(world):
    """The leader, and the other."""
    name = world.nodes[0].leader()
    return sorted(world.nodes, key=lambda n: n.name != name)


def scripts(world, name, text):
    path = os.path.join(world.dir, name, "scheduler-scripts")
    write(os.path.join(path, "main.lua"), text)
    return path


def test_rounds_replay_byte_for_byte(world):
    leader, other = two(world)
    wait_until("rounds are kept", lambda: os.listdir(os.path.join(leader.state, "rounds")), 20)
    p = leader.mesh("replay")
    assert p.returncode == 0, p.stdout + p.stderr
    assert "gave the same bytes, 0 otherwise" in p.stdout
    said = json.loads(leader.mesh("replay", "--json").stdout)
    assert said["same"] == said["rounds"] >= 3 and said["differ"] == 0
    assert "issued" in {r["fate"] for r in said["replayed"]}
    for name in os.listdir(os.path.join(leader.state, "rounds")):
        mode = os.stat(os.path.join(leader.state, "rounds", name)).st_mode
        assert stat.S_IMODE(mode) == 0o640
    # Who never led has none, and says where they are.
    p = other.mesh("replay")
    assert p.returncode == 2 and "on the leader" in p.stderr


def test_other_scripts_on_recorded_rounds(world):
    leader, _ = two(world)
    p = leader.mesh("replay", "--scheduler", scripts(world, "eleven", ROLE % (11, 10)))
    assert p.returncode == 1, p.stdout + p.stderr
    assert "+ one.11 on n" in p.stdout
    assert "s3cr3t" not in p.stdout  # of variables the names alone
    p = leader.mesh("replay", "--scheduler", scripts(world, "broken", "return nonsense(\n"))
    assert p.returncode == 1 and "fails now: main.lua:" in p.stdout


def test_plan(world):
    for node in world.nodes:
        p = node.mesh("plan")
        assert p.returncode == 0, p.stdout + p.stderr
        assert "plan: the same" in p.stdout
    more = scripts(world, "eleven", ROLE % (11, 10))
    p = world.nodes[0].mesh("plan", "--scheduler", more)
    assert p.returncode == 1 and "+ one.11 on n" in p.stdout, p.stdout + p.stderr
    # Of a saved input, and with no daemon.
    saved = os.path.join(world.dir, "input.json")
    write(saved, world.nodes[1].mesh("schedule", "input").stdout)
    offline = world.nodes[0].mesh("--socket", "/nowhere", "plan", "--input", saved,
                                  "--scheduler", more)
    assert offline.returncode == 1 and "+ one.11 on n" in offline.stdout, offline.stderr
    p = world.nodes[0].mesh("plan", "--scheduler", scripts(world, "broken", "return nonsense(\n"))
    assert p.returncode == 2 and "main.lua:" in p.stderr
    write(saved, "[1]")
    p = world.nodes[0].mesh("plan", "--input", saved, "--scheduler", more)
    assert p.returncode == 2 and "input.json:1:" in p.stderr


def test_plan_shows_files(world):
    """A template beside the scripts; a changed variable changes its file, and is shown."""
    etc = world.nodes[0].etc
    tree = os.path.join(world.dir, "files")
    os.system(f"cp -r {etc} {tree}")
    write(os.path.join(tree, "templates/one/render.yaml"),
          "processes: processes.yaml.tmpl\nfiles: {a.conf: {template: a.conf.tmpl}}\n")
    write(os.path.join(tree, "templates/one/a.conf.tmpl"), "first\nport {{ port }}\nlast\n")
    for node in world.nodes:
        for name in ("render.yaml", "a.conf.tmpl"):
            with open(os.path.join(tree, "templates/one", name), encoding="utf-8") as f:
                write(os.path.join(node.etc, "templates/one", name), f.read())
    wait_until("the file is there", lambda: all(
        "port 80" in n.rendered("one", "a.conf") for n in world.nodes), 40)
    write(os.path.join(tree, "scheduler-scripts/main.lua"), (ROLE % (10, 10)).replace("80", "81"))
    p = world.nodes[1].mesh("plan", "--scheduler", os.path.join(tree, "scheduler-scripts"))
    assert p.returncode == 1, p.stdout + p.stderr
    assert "a.conf (line 2)\n    -port 80\n    +port 81\n" in p.stdout, p.stdout


def test_why(world):
    for node in world.nodes:
        p = node.mesh("why", "one.10")
        assert p.returncode == 0, p.stderr
        assert "one.10 is placed on n" in p.stdout and "running on n" in p.stdout
        assert node.ask("why", "one.10")["scheduled"]
    p = world.nodes[0].mesh("why", "one.100")
    assert p.returncode == 1 and "no instance 'one.100'" in p.stderr and "did you mean" in p.stderr


def test_history_and_diff(world):
    leader, other = two(world)
    for node in (leader, other):
        rows = node.ask("schedule", "history")
        assert rows[0]["current"] and world.first in [r["stamp"] for r in rows]
        p = node.mesh("schedule", "diff", world.first)
        assert p.returncode == 1 and "8 added" in p.stdout and "+ one.10 on n" in p.stdout
        assert node.ask("schedule", "show", world.first)["stamp"] == world.first
    p = other.mesh("schedule", "diff", "1.00000000.1")
    assert p.returncode == 1 and "has no schedule 1.00000000.1" in p.stderr
    p = other.mesh("schedule", "history", world.first)
    assert p.returncode == 64 and "takes no STAMP" in p.stderr


def test_shadow(world):
    leader, other = two(world)
    p = other.mesh("schedule", "shadow")
    assert p.returncode == 0 and "no shadow" in p.stdout
    stamp = leader.status()["scheduler"]["stamp"]

    def put(text):
        for node in world.nodes:
            write(os.path.join(node.etc, "scheduler-scripts-shadow/main.lua"), text)
    put(ROLE % (11, 10))
    wait_until("the shadow has run", lambda: (other.status()["shadow"] or {}).get("added") == 1, 30)
    assert "would have 1 added" in other.mesh("status").stdout
    p = other.mesh("schedule", "shadow")
    assert p.returncode == 1 and "+ one.11 on n" in p.stdout, p.stdout + p.stderr
    # A role that fails keeps its part, as it would in force, and is named.
    put("local good = (function()\n" + ROLE % (10, 10) + "end)()\n" + """local decide = good.schedule
function good.schedule(input)
  local out = decide(input)
  out.roles.one.on_split = "kepe"
  return out
end
return good
""")
    wait_until("it has run", lambda: (other.status()["shadow"] or {}).get("failing") == 1, 30)
    assert "would have 1 failing" in other.mesh("status").stdout
    p = other.mesh("schedule", "shadow")
    assert p.returncode == 1 and "in force -> shadow: the same\n" in p.stdout, p.stdout + p.stderr
    assert "role one fails in the shadow, and keeps its part: roles.one.on_split: " in p.stdout, p.stdout
    put("return nonsense(\n")
    wait_until("it fails", lambda: "main.lua:" in ((other.status()["shadow"] or {}).get("error") or ""), 30)
    assert "the shadow fails: " in other.mesh("schedule", "shadow").stdout
    # Nothing of it was applied, nor is it the config's business.
    assert leader.status()["scheduler"]["ok"]
    assert leader.status()["scheduler"]["stamp"] == stamp
    assert all(runs(n, 10) for n in world.nodes)
    for node in world.nodes:
        os.remove(os.path.join(node.etc, "scheduler-scripts-shadow/main.lua"))


def test_revert(world):
    leader, other = two(world)
    old = leader.status()["scheduler"]["stamp"]
    decides(world, 16)
    before = leader.status()["config"]["hash"]
    service.set_script(world.nodes, KEEP)
    wait_until("the scripts are read", lambda: leader.status()["config"]["hash"] != before, 30)
    p = leader.mesh("plan")
    assert p.returncode == 0, p.stdout + p.stderr
    p = other.mesh("schedule", "revert", old)
    assert p.returncode == 1 and "would be held" in p.stderr and "--force" in p.stderr, p.stderr
    assert all(runs(n, 16) for n in world.nodes)
    p = other.mesh("schedule", "revert", old, "--force")
    assert p.returncode == 0, p.stderr
    new = p.stdout.split("in force is now ")[1].split()[0]
    assert new != old
    wait_until("ten run again", lambda: all(runs(n, 10) for n in world.nodes), 40)
    wait_until("both have it", lambda: new in [
        r["stamp"] for r in other.ask("schedule", "history")], 20)
    assert [e for e in leader.events() if e["kind"] == "reverted" and old in e["text"]]
    p = leader.mesh("schedule", "revert", "1.00000000.1")
    assert p.returncode == 1 and "nor a recorded round that issued it" in p.stderr
    # The rounds after it go on from it, and give the same bytes again.
    p = leader.mesh("replay")
    assert p.returncode == 0, p.stdout + p.stderr


def test_revert_to_what_only_a_recorded_round_has(world):
    leader, other = two(world)

    def stamps():
        return [r["stamp"] for r in leader.ask("schedule", "history")]
    for i in range(40):
        kept = stamps()
        if world.first not in kept:
            break
        leader.mesh("schedule", "revert", kept[1 + i % (len(kept) - 1)], "--force")
    assert world.first not in stamps()
    p = other.mesh("schedule", "revert", world.first, "--force")
    assert p.returncode == 0, p.stderr

    def placed():
        nodes = leader.ask("schedule", "show")["nodes"] or {}
        return sorted(i for n in nodes.values() for i in n["roles"]["one"]["instances"])
    wait_until("what it said is in force", lambda: placed() == ["one.1", "one.2"], 20)
