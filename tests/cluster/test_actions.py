"""Actions (doc/actions.md) with real daemons: accepted on any node, kept on its disk,
carried out once whatever dies in between, answered, and set aside when they break rounds.

The script counts how often it was given each one, in its state, and shows that in
`changes`: so a test sees what was carried out, and how often."""
# A minute: begun before the others (run.sh).
import json
import os
import signal

import pytest

import service
from mesh import BUILD, Missed, World, init, wait_until, write

SCRIPT = """
return {schedule = function(input)
  local seen, list = {}, {}
  for _, p in ipairs(input.parents) do
    for id, n in pairs((p.state or {}).seen or {}) do
      seen[id] = math.max(seen[id] or 0, n)
    end
  end
  local replies = {}
  for _, a in ipairs(input.actions) do
    if a.name == "poison" then error("poisoned by " .. a.args.what) end
    seen[a.id] = (seen[a.id] or 0) + 1
    if a.name == "no" then
      replies[a.id] = {ok = false, text = "no role '" .. a.role .. "'; did you mean 'web'?"}
    elseif a.name ~= "mute" then
      replies[a.id] = a.name .. " " .. (a.role or "-") .. " " .. (a.args.count or a.args.node or "")
        .. " by " .. a.by .. " on " .. a.node
    end
  end
  for id, n in pairs(seen) do list[#list + 1] = id .. " " .. n end
  return {roles = {}, nodes = {}, state = {seen = seen}, changes = list, replies = replies}
end}
"""


def seen(node):
    """What the schedule that is in force there says was given, and how often."""
    return dict(line.split(" ") for line in node.ask("schedule", "show")["changes"] or [])


def given_once(nodes, ids):
    for n in nodes:
        now = seen(n)
        if {i: now.get(i) for i in ids} != {i: "1" for i in ids}:
            raise Missed(f"{n.name}: {now}, wanted {ids}")
    return True


def row(node, action):
    return next((r for r in node.ask("actions") if r["id"] == action), {})


def is_state(node, action, state):
    said = row(node, action)
    if said.get("state") != state:
        raise Missed(f"{node.name}: {action}: {said}")
    return said


def nothing_waits(nodes):
    for n in nodes:
        rows = [r for r in n.ask("actions") if r["state"] in ("pending", "set aside")]
        if rows or n.status()["actions"] != {"pending": 0, "aside": 0}:
            raise Missed(f"{n.name}: {rows}")
    return True


def accept(node, *words):
    """Accepted there, whatever becomes of it: its id."""
    p = node.mesh(*words, "--json")
    said = json.loads(p.stdout)
    assert p.returncode == {"answered": 0, "pending": 2}[said["state"]], p.stderr
    return said["id"]


def settled(nodes):
    for n in nodes:
        if n.process is None:
            n.exits.clear()
            n.start()
    wait_until("one view", lambda: service.one_view(nodes), 40)
    wait_until("nothing waits", lambda: nothing_waits(nodes), 20)


@pytest.fixture(scope="module", name="world")
def fixture_world():
    w = World(f"mesh-act{os.getpid()}")
    try:
        for node in w.bridge(["n1", "n2", "n3"]):
            node.write_config(election={"quorum": "any"},
                              limits={"script-cpu": "1s", "script-wall": "60s"})
            node.start()
        service.set_script(w.nodes, SCRIPT)
        init(w.nodes[0])
        settled(w.nodes)
        yield w
    finally:
        w.close()


def sides(nodes):
    leader = next(n for n in nodes if n.name == wait_until("a leader", nodes[0].leader, 20)[0])
    return leader, [n for n in nodes if n is not leader]


def test_any_node_takes_one_and_tells_the_reply(world):
    for i, node in enumerate(world.nodes):
        p = node.mesh("scale", "web", str(i))
        assert p.returncode == 0, p.stderr
        assert p.stdout.endswith(f": scale web {i} by uid 0 on {node.name}\n"), p.stdout
    leader, rest = sides(world.nodes)
    p = rest[0].mesh("action", "wbe", "no", "a=1", "b=x y")
    assert p.returncode == 1 and " is refused: no role 'wbe'; did you mean 'web'?" in p.stdout
    p = rest[0].mesh("role", "add", "web", "--json")
    said = json.loads(p.stdout)
    assert said["text"].startswith("add web ") and said["action"] == "add web"
    p = rest[1].mesh("action", "web", "mute")
    assert p.returncode == 0 and ": taken; the script gave no answer" in p.stdout
    for words, told in ((["node", "tag", "n3", "zone=b"], "tag - n3 by"),
                        (["drain", "n2"], "drain - n2 by"), (["undrain", "n2"], "undrain - n2 by"),
                        (["action", "--node", "n1", "freeze"], "freeze - n1 by")):
        p = leader.mesh(*words)
        assert p.returncode == 0 and told in p.stdout, p.stdout + p.stderr
    # Who, where and what is in the journal, of the node that took it and of the leader.
    for node in (rest[0], leader):
        told = [e["text"] for e in node.events() if e["kind"] == "action"]
        assert any(f"{said['id']}: add web, by uid 0" in t for t in told), told
    settled(world.nodes)
    assert row(leader, said["id"])["state"] == "answered"


def test_bad_words(world):
    node = world.nodes[0]
    for words, line in (
            (["scale", "web"], "scale: missing N; usage: mesh scale ROLE N"),
            (["scale", "web", "many"], "scale: 'many' is no number of instances; usage: mesh scale ROLE N|auto"),
            (["update", "web", "v1", "image"], "update: 'image' is not KEY=VALUE; see mesh help update"),
            (["action", "web"], "action: missing NAME; usage: mesh action [ROLE NAME] [KEY=VALUE]... "
             "[--node NODE] [--retry ID] [--drop ID]"),
            (["action", "web", "x", "a=1", "a=2"], "action: a is given twice"),
            (["action", "web", "x", "a=\x1b[2J"], "action: a: the value is not one line of UTF-8 text"),
            (["action", "--retry", "n1"], "--retry: 'n1' is no action's id (NODE.NUMBER, as in mesh actions)"),
            (["action", "web", "--drop", "n1.7"],
             "action: --retry ID and --drop ID stand alone; see mesh help action"),
            (["node", "tag", "n1"], "node: missing KEY=VALUE; usage: mesh node tag NODE KEY=VALUE..."),
            (["role", "sell", "web"], "role: unknown COMMAND 'sell', it is one of: add, remove; see mesh help role")):
        p = node.mesh(*words)
        assert p.returncode == 64, (words, p)
        assert p.stderr.splitlines()[0] == f"mesh: {line}", (words, p.stderr)
    p = node.mesh("action", "--drop", "n1.7")
    assert p.returncode == 1 and "action: n1.7 is not pending" in p.stderr


def test_the_leader_dies_between_accept_and_answer(world):
    leader, rest = sides(world.nodes)
    # It takes bundles and gives no round: its script's process is stopped.
    for pid in leader.pids("meshd"):
        os.kill(pid, signal.SIGSTOP)
    for pid in leader.pids("meshd-engine"):
        os.kill(pid, signal.SIGSTOP)
    ids = [accept(n, "scale", "web", "7") for n in rest]
    leader.kill_host()
    wait_until("carried out by the next", lambda: given_once(rest, ids), 30)
    for n, i in zip(rest, ids):
        said = is_state(n, i, "answered")
        assert said["text"] == f"scale web 7 by uid 0 on {n.name}"
    settled(world.nodes)
    wait_until("once, everywhere", lambda: given_once(world.nodes, ids), 20)


def test_the_node_that_accepted_it_is_started_again(world):
    leader, rest = sides(world.nodes)
    node, other = rest
    world.cut([node])  # so that nobody else has it
    wait_until("it is cut off", lambda: node.alive() == [node.name], 30)
    service.set_script([node], "return {schedule = function() error('not here') end}\n")
    wait_until("it can't", lambda: not node.status()["scheduler"]["ok"], 30)
    action = accept(node, "scale", "web", "9")
    said = row(node, action)
    assert said["state"] == "pending" and said["text"], said
    assert node.status()["actions"]["pending"] == 1
    node.kill_host()
    world.mend([node])
    service.set_script([node], SCRIPT)
    node.start()
    wait_until("carried out", lambda: given_once([leader, other, node], [action]), 40)
    wait_until("and it knows", lambda: is_state(node, action, "answered"), 20)
    settled(world.nodes)


# What becomes of each, in turn (tests/contract/forge.c): what is said to it.
FORGED = ["a byte flipped: not authenticated", "cut short: not authenticated", "nothing: packet too short",
          "of nobody's key: no vote in this cluster yet", "for another term: not authenticated",
          "for another leader: not authenticated", "as it is: taken", "as it is: taken", "an older one again: replayed",
          "as it is: taken"]


def test_a_member_gone_bad_hands_over_what_it_should_not(world):
    """Each is refused, nobody else is the worse for it, and what is right passes, once."""
    leader, rest = sides(world.nodes)
    node, before = rest[0], leader.pids("meshd-engine")
    node.stop()
    node.sees = {os.path.join(BUILD, "meshd-engine"): os.path.join(BUILD, "forge", "meshd-engine")}
    node.exits.clear()
    node.start()
    node.sees = {}
    wait_until("one view", lambda: service.one_view(world.nodes), 40)
    ids = [accept(node, "scale", "web", "3")]
    wait_until("the right one passes", lambda: given_once(world.nodes, ids), 20)
    ids += [accept(node, "scale", "web", "4"), accept(rest[1], "scale", "web", "5")]
    wait_until("and the next ones", lambda: given_once(world.nodes, ids), 20)
    with open(node.log, encoding="utf-8", errors="replace") as f:
        said = [line.strip().removeprefix("forged ") for line in f if line.startswith("forged ")]
    assert said[:len(FORGED)] == FORGED and set(said[len(FORGED):]) <= set(FORGED[-1:]), said
    with open(leader.log, encoding="utf-8", errors="replace") as f:
        assert f"actions: what {node.name} hands over is refused: " in f.read()
    assert leader.pids("meshd-engine") == before and leader.leader() == leader.name
    node.stop()
    settled(world.nodes)


def test_both_sides_of_a_split(world):
    leader, rest = sides(world.nodes)
    world.cut([rest[0]])
    wait_until("two leaders", lambda: rest[0].leader() == rest[0].name, 30)
    alone, there = accept(rest[0], "scale", "web", "3"), accept(rest[1], "scale", "web", "4")
    wait_until("one side", lambda: given_once([rest[0]], [alone]), 20)
    wait_until("the other", lambda: given_once([leader, rest[1]], [there]), 20)
    world.mend([rest[0]])
    wait_until("one view", lambda: service.one_view(world.nodes), 40)
    wait_until("both, once", lambda: given_once(world.nodes, [alone, there]), 30)
    last = accept(rest[0], "scale", "web", "5")
    wait_until("it goes on", lambda: given_once(world.nodes, [alone, there, last]), 20)
    settled(world.nodes)


def test_poison_is_set_aside_and_the_innocent_pass(world):
    leader, rest = sides(world.nodes)
    p = rest[0].mesh("action", "web", "poison", "what=p1", "--json")
    said = json.loads(p.stdout)
    poison = said["id"]
    assert p.returncode == 1 and said["state"] == "set aside", said
    assert "main.lua" in said["text"] and "poisoned by p1" in said["text"]
    good = accept(rest[1], "scale", "web", "2")
    wait_until("the innocent", lambda: given_once(world.nodes, [good]), 20)
    for n in world.nodes:
        status = n.mesh("status")
        assert status.returncode == 1
        assert f"action {poison} (poison web what=p1, by uid 0) is set aside: 3 rounds with it failed: " \
            in status.stdout, status.stdout
        assert f"hint: mesh action --retry {poison} | mesh action --drop {poison}" in status.stdout
        assert n.status()["scheduler"]["ok"]
    # The next leader does not try it anew, and anybody may decide.
    assert rest[1].mesh("leader", "--to", rest[1].name).returncode == 0
    wait_until("told", lambda: is_state(rest[1], poison, "set aside"), 20)
    p = rest[1].mesh("action", "--retry", poison)
    assert p.returncode == 0, p.stderr
    wait_until("it breaks rounds again", lambda: is_state(rest[0], poison, "set aside"), 20)
    p = leader.mesh("action", "--drop", poison)
    assert p.returncode == 0 and p.stdout == f"{poison} is forgotten\n"
    settled(world.nodes)
    wait_until("and status is clean", lambda: all(n.mesh("status").returncode == 0 for n in world.nodes), 20)


def test_a_broken_script_is_no_action_s_fault(world):
    leader, rest = sides(world.nodes)
    service.set_script(world.nodes, "return {schedule = function() error('all is broken') end}\n")
    wait_until("it is", lambda: not leader.status()["scheduler"]["ok"], 30)
    waits = accept(rest[0], "scale", "web", "6")
    assert row(rest[0], waits)["state"] == "pending"
    service.set_script(world.nodes, SCRIPT)
    wait_until("then it is done", lambda: given_once(world.nodes, [waits]), 30)
    settled(world.nodes)


def test_code_that_crashes_is_put_in_quarantine(world):
    leader, rest = sides(world.nodes)
    service.set_script(world.nodes, "return {schedule = function() while true do end end}\n")
    waits = accept(rest[0], "scale", "web", "8")  # whose rounds wait for no back-off

    def told():
        found = [p for p in rest[1].status()["problems"] if "is in quarantine" in p["text"]]
        if not found:
            raise Missed(str(rest[1].status()["problems"]))
        return found[0]
    said, _ = wait_until("status says so", told, 60)
    assert "it crashed 3 times in a row, and runs once a minute" in said["text"]
    assert "mesh apply --force scheduler" in said["hint"]
    assert any("in quarantine" in e["text"] for e in leader.events() if e["kind"] == "scheduler")
    p = rest[1].mesh("apply", "--force", "scheduler")
    assert p.returncode == 0, p.stderr
    p = rest[1].mesh("apply", "--force", "scheduler")
    assert p.returncode == 1 and "nothing is held at scheduler" in p.stderr
    service.set_script(world.nodes, SCRIPT)  # other code runs at once
    wait_until("and what waited is done", lambda: given_once(world.nodes, [waits]), 30)
    settled(world.nodes)


def test_the_library_knows_the_shortcuts(world):
    _, rest = sides(world.nodes)
    for n in world.nodes:  # nobody has its image, so nothing is rendered
        os.makedirs(os.path.join(n.etc, "templates/web"), exist_ok=True)
        write(os.path.join(n.etc, "templates/web/render.yaml"), "files: {}\n")
    service.set_script(world.nodes, "return mesh.scheduler {mesh.role('web', {version = 'v1', "
                       "image = 'web-v1', count = 2, place = mesh.place.spread()})}\n")
    # The script before it answers likewise, in other words.
    wait_until("it runs", lambda: "web: 2 instances" in rest[0].mesh("scale", "web", "2").stdout, 30)
    for words, code, told in (
            (["scale", "web", "5"], 0, "web: 5 instances"),
            (["scale", "web", "auto"], 0, "web: "),
            (["update", "web", "v2"], 0, "web: to v2, image web-v2"),
            (["node", "tag", "n2", "rack=b"], 0, "n2: rack=b"),
            (["drain", "n2"], 0, "n2: drains"), (["undrain", "n2"], 0, "n2: takes work again"),
            (["drain", "n7"], 1, "no node 'n7'"),
            (["role", "remove", "web"], 0, "web: is taken away"),
            (["role", "add", "web"], 0, "web: runs"),
            (["scale", "wbe", "5"], 1, "no role 'wbe'; did you mean 'web'?")):
        p = rest[1].mesh(*words)
        assert p.returncode == code and told in p.stdout, (words, p.stdout, p.stderr)
    service.set_script(world.nodes, SCRIPT)
    wait_until("as it was", lambda: rest[0].mesh("scale", "web", "1").returncode == 0, 30)
