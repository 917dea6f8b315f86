"""`mesh leave`: work first, then the vote, then the node; nothing is suspected or lost
over it, no kill -9 makes it forget, and it comes back when it is told to."""
# A minute: begun before the others (run.sh).
import os

import pytest

import service
import singleton
from mesh import Missed, init, wait_until
from service import WEBS


@pytest.fixture
def three():
    with service.hosts("leave", 3) as w:
        yield w


@pytest.fixture
def two():
    with service.hosts("leave2", 2) as w:
        yield w


def has_left(node):
    problems = [p["text"] for p in node.status()["problems"]]
    if not any(p.startswith("not a member: this node left the cluster ") for p in problems):
        raise Missed(f"{node.name}: {problems}; {node.ask('leave')}")
    return node.mesh("status").returncode == 1


def leader_of(world):
    return next(n for n in world.nodes if n.name == world.nodes[0].leader())


def idle(node):
    if node.running():
        raise Missed(f"{node.name} still runs {node.running()}")
    return True


def state_of(node, name):
    return next((m["state"] for m in node.ask("members") if m["name"] == name), None)


def refused(node, args, code, text):
    p = node.mesh("leave", *args)
    assert p.returncode == code and text in p.stderr, (p.returncode, p.stderr)


def gone(node, rest):
    """It left, and those who stay are one mesh that does all the work."""
    wait_until("it has left", lambda: has_left(node), 60)
    wait_until("it runs nothing", lambda: idle(node), 20)
    wait_until("the others are one", lambda: service.one_view(rest), 40)
    for n in rest:
        assert state_of(n, node.name) == "left"
        kinds = [(e["kind"], e["subject"]) for e in n.events()]
        assert ("suspect", node.name) not in kinds and ("failed", node.name) not in kinds


def back(node, nodes):
    p = node.mesh("join", next(n for n in nodes if n is not node).at())
    assert p.returncode == 0, p.stderr
    wait_until("one view", lambda: service.one_view(nodes), 60)


@pytest.mark.parametrize("leads", [False, True])
def test_a_node_leaves_and_comes_back(three, leads):
    nodes = three.nodes
    leader = leader_of(three)
    node = leader if leads else next(n for n in nodes if n is not leader)
    rest = [n for n in nodes if n is not node]
    refused(node, ["--stop", "--keep"], 64, "--stop or --keep, not both")
    refused(node, ["--last"], 1, "leave: --last, but there are 3 nodes in the roster")
    refused(node, ["n1"], 64, "leave: unexpected argument 'n1'")
    before = set(wait_until("containers here", node.running, 20)[0])
    if leads:  # as a person does it: until it is over
        p = node.mesh("leave", "-w")
        assert p.returncode == 0 and not p.stderr, (p.returncode, p.stderr)
        assert p.stdout.startswith(f"{node.name} leaves: first its work moves")
        assert "Two nodes only?" in p.stdout  # what the rest of three should know
        assert p.stdout.endswith(f"{node.name} has left its cluster: mesh join HOST:PORT "
                                 "brings it back, mesh init makes a new one\n"), p.stdout
    else:
        said = node.ask("leave")
        assert said["node"] == node.name and said["state"] == "draining"
        assert set(said["moving"]) == before and said["staying"] == []
        assert not said["stuck"] and said["why"] is None and said["roster"] == 3
    gone(node, rest)
    wait_until("its work is elsewhere", lambda: service.settled(rest, WEBS), 40)
    if not leads:
        assert rest[0].leader() == leader.name
    assert node.ask("leave")["state"] == "left"
    # Its seeds are in its config, and bring it nowhere.
    old = set(node.pids("meshd-engine"))
    node.kill("meshd-engine")
    wait_until("a new engine", lambda: set(node.pids("meshd-engine")) - old, 20)
    wait_until("it still knows", lambda: has_left(node), 20)
    assert state_of(rest[0], node.name) == "left"
    back(node, nodes)
    wait_until("the service", lambda: service.settled(nodes, WEBS), 60)


def test_it_may_think_better_of_it(three):
    nodes = three.nodes
    leader = leader_of(three)
    node = next(n for n in nodes if n is not leader)
    node.ask("leave")
    said = node.ask("leave", "--cancel")
    assert said["state"] == "stays", said
    wait_until("one view", lambda: service.one_view(nodes), 40)
    wait_until("the service", lambda: service.settled(nodes, WEBS), 60)
    wait_until("it has work again", node.running, 40)


def test_put_out_on_the_way_it_leaves_no_more(three):
    nodes = three.nodes
    node = next(n for n in nodes if n is not leader_of(three))
    rest = [n for n in nodes if n is not node]
    wait_until("containers here", node.running, 20)
    service.set_script(nodes, "no script at all")  # its work moves nowhere
    wait_until("all know", lambda: all(any("main.lua" in p["text"] for p in n.status()["problems"])
                                       for n in nodes), 20)
    assert node.ask("leave")["state"] == "draining"
    p = rest[0].mesh("evict", node.name)
    assert p.returncode == 0, p.stderr

    def over():
        texts = [q["text"] for q in node.status()["problems"]]
        if any("is leaving" in t for t in texts) or not any(t.startswith("evicted: ") for t in texts):
            raise Missed(str(texts))
        return True
    wait_until("it is out, and no more leaving", over, 20)
    refused(node, ["--cancel"], 1, "leave: evicted: this node is out of the cluster for good")
    refused(node, ["--force"], 1, "leave: this node is out of its cluster already")


def test_who_can_not_be_spared(three):
    nodes = three.nodes
    nodes[2].kill_host()
    wait_until("one is gone", lambda: state_of(nodes[0], "n3") == "failed", 40)
    refused(nodes[0], [], 1, "without n1 those who are alive are no majority of the roster")
    assert state_of(nodes[1], "n1") == "alive"


def without_its_key(node):
    """Nothing lets it in: whatever it is told, it says what is missing, and lives."""
    key = node.world.key
    os.rename(key, key + ".away")
    old = set(node.pids("meshd-engine"))
    node.kill("meshd-engine")
    wait_until("a new engine", lambda: set(node.pids("meshd-engine")) - old, 20)
    wait_until("it looked for the key", lambda: node.ask("leave")["stuck"], 20)
    at = node.pids("meshd-engine")
    for how in ("--force", "--stop", "--keep", "--last", "--cancel"):
        refused(node, [how], 6, "leave: not without what lets this node into its cluster: ")
    text = next(p["text"] for p in node.status()["problems"] if "is leaving" in p["text"])
    assert "it waits for what lets it into its cluster; " in text and "a moment" not in text
    assert node.pids("meshd-engine") == at
    os.rename(key + ".away", key)
    node.kill("meshd-engine")
    wait_until("it is a member again", lambda: node.ask("leave")["roster"] == 2, 20)


def test_what_does_not_get_on_says_why():
    with service.hosts("leavestuck", 2, webs=0, profile="local") as w:
        node, other = w.nodes
        other.kill_host()
        assert node.ask("leave")["state"] == "leaving"  # it was not missed yet
        refused(node, ["--last"], 1, "leave: --last, but there are 2 nodes in the roster")
        p = node.mesh("undrain")
        assert p.returncode == 1 and "undrain: this node is leaving\nhint: mesh leave --cancel" in p.stderr
        p = node.mesh("leave", "-w")
        assert p.returncode == 1, p.stdout
        assert "it waits until its vote is taken away (for " in p.stdout
        assert "it does not get on: there is no leader: 1 of the 2 in the roster are alive\nhint: mesh " \
            "partition: bring others back; mesh leave --force" in p.stdout
        said = node.ask("leave")
        assert said["stuck"] and said["waits_ms"] > 0 and said["state"] == "leaving"
        assert any("there is no leader: 1 of the 2" in q["text"] for q in node.status()["problems"])
        without_its_key(node)
        node.ask("leave", "--force")  # asked again, and more
        wait_until("it has left", lambda: has_left(node), 20)
        refused(node, ["--cancel"], 1, "leave: too late: this node said goodbye")


def test_of_two_the_other_goes_on_alone(two):
    nodes = two.nodes
    node = leader_of(two)
    rest = [n for n in nodes if n is not node]
    node.ask("leave")
    gone(node, rest)
    wait_until("all work is there", lambda: service.settled(rest, WEBS), 60)
    assert rest[0].status()["side"]["grade"] == "full"
    refused(rest[0], [], 1, f"leave: {rest[0].name} is the last node: the cluster ends with it")
    assert rest[0].ask("leave", "--last")["state"] in ("draining", "stopping", "left")
    wait_until("nobody is left", lambda: has_left(rest[0]), 40)
    wait_until("it runs nothing", lambda: idle(rest[0]), 20)
    init(rest[0])
    back(node, nodes)
    wait_until("the service", lambda: service.settled(nodes, WEBS), 60)


def test_kill_9_makes_it_forget_nothing(three):
    nodes = three.nodes
    node = leader_of(three)
    rest = [n for n in nodes if n is not node]
    node.ask("leave")
    for _ in range(6):
        node.kill("meshd-engine")
        wait_until("it answers", lambda: node.mesh("version").returncode == 0, 20)
    node.kill("meshd")
    wait_until("it has left", lambda: has_left(node), 60)
    wait_until("it runs nothing", lambda: idle(node), 20)
    wait_until("the others are one", lambda: service.one_view(rest), 40)
    wait_until("its work is elsewhere", lambda: service.settled(rest, WEBS), 40)


def test_who_has_no_vote_is_not_the_last():
    with service.hosts("leavenovote", 2, 1, webs=0) as w:
        voter, other = w.nodes
        other.settings["profile"] = "local"  # here, and without a vote
        other.write_config()
        other.start()
        wait_until("it is here", lambda: state_of(voter, other.name) == "alive"
                   and state_of(other, voter.name) == "alive", 20)
        wait_until("it knows the roster", lambda: other.status()["side"]["known"] == 1, 20)
        refused(other, ["--last"], 1, "leave: --last, but n2 is not in the roster")
        assert other.ask("leave")["state"] != "stays"
        wait_until("it has left", lambda: has_left(other), 20)
        assert voter.status()["side"]["grade"] == "full"


KEEP = singleton.MAIN.replace('"exclusive"', '"keep"') % "true"


@pytest.fixture
def kept():
    w = singleton.made("leavekeep", 3, KEEP)
    try:
        yield w
    finally:
        w.close()


def test_keep_work_is_the_operators_to_decide(kept):
    nodes = kept.nodes
    node, _ = wait_until("it runs", lambda: singleton.runs_on(nodes), 40)
    rest = [n for n in nodes if n is not node]
    pid = singleton.row(node)["pid"]
    refused(node, [], 1, "leave: `keep` work is here, which nothing moves: one.1")
    assert state_of(rest[0], node.name) == "alive"
    assert node.ask("leave", "--keep")["staying"] == ["one.1"]
    wait_until("it has left", lambda: has_left(node), 40)
    wait_until("the others are one", lambda: service.one_view(rest), 40)
    assert node.ask("leave")["staying"] == ["one.1"]
    with open(f"/proc/{pid}/cgroup", encoding="ascii") as f:  # the same process
        assert "one.1" in f.read()


def test_stopped_keep_work_is_stopped(kept):
    nodes = kept.nodes
    node, _ = wait_until("it runs", lambda: singleton.runs_on(nodes), 40)
    assert node.ask("leave", "--stop")["staying"] == ["one.1"]
    wait_until("it has left", lambda: has_left(node), 40)
    assert node.ask("leave")["staying"] == []
    wait_until("it runs nothing", lambda: idle(node), 20)


def test_with_a_ca_it_comes_back_by_a_token():
    with service.certified("leaveca", 3) as w:
        nodes = w.nodes
        service.let_in(nodes[1], nodes[:2])
        service.let_in(nodes[2], nodes)
        nodes[2].ask("leave")
        gone(nodes[2], nodes[:2])
        service.let_in(nodes[2], nodes)


def test_exclusive_work_is_never_there_twice():
    w = singleton.made("leaveone", 3)
    watch = singleton.Watch(w)
    try:
        node = singleton.runs(w.nodes)
        rest = [n for n in w.nodes if n is not node]
        node.ask("leave")
        wait_until("it has left", lambda: has_left(node), 60)
        singleton.runs(rest)
        watch.end()
    finally:
        watch.over = True
        w.close()
