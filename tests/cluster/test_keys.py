"""`mesh keys`: the cluster key changes under running daemons, waits for a node that
is away or goes on without it, and whoever is back has it; nothing restarts."""
import os
import subprocess

import pytest

import service
from mesh import BUILD, Missed, wait_until, write


@pytest.fixture
def three():
    with service.hosts("keys", 4, 3, webs=0) as w:
        yield w


@pytest.fixture
def five():
    with service.hosts("keys", 5, webs=0) as w:
        yield w


def keys(node):
    return node.ask("keys", "status")


def at(nodes, epoch):
    """All of them use that key, say so, and hold no other."""
    for n in nodes:
        k = keys(n)
        if (k["epoch"], k["phase"]) != (epoch, "steady"):
            raise Missed(f"{n.name}: {k}")
        if [m for m in k["nodes"] if m["state"] != "done"] or k["without_vote"]:
            raise Missed(f"{n.name}: {k}")
    return True


def waits_for(node, names):
    k = keys(node)
    if sorted(m["name"] for m in k["nodes"] if m["waited"]) != names:
        raise Missed(str(k))
    return k


def export(node):
    p = subprocess.run([os.path.join(BUILD, "mesh"), "--socket", node.socket,
                        "keys", "export"], capture_output=True, timeout=20, check=False)
    assert p.returncode == 0, p.stderr
    return p.stdout


def refused(node, words):
    """`mesh status` there says it; the problem."""
    said = [p for p in node.ask("status")["problems"] if words in p["text"]]
    if not said:
        raise Missed(str(node.ask("status")["problems"]))
    return said[0]


def rotate(node, *args):
    p = node.mesh("keys", "rotate", *args)
    if p.returncode != 0:
        raise Missed(p.stderr)
    return p


def test_the_key_changes(three):
    nodes = three.nodes[:3]
    n1, n2, n3 = nodes
    old = export(n1)
    assert len(old) == 32 and old == open(three.key, "rb").read()
    wait_until("a change begins, asked of whoever", lambda: rotate(n2), 20)
    wait_until("all use the next key", lambda: at(nodes, 1), 20)
    new = export(n3)
    assert len(new) == 32 and new != old and new == export(n1)
    for n in nodes:
        st = os.stat(f"{n.state}/keys")
        assert st.st_mode & 0o7777 == 0o600
        held = open(f"{n.state}/keys", "rb").read()
        assert new in held and old not in held
        said = n.tail(10000)
        assert new.hex() not in said and old.hex() not in said
    # Engines that start anew come up with it, whatever the old file says.
    for n in nodes:
        n.kill("meshd-engine")
    wait_until("one view", lambda: service.one_view(nodes), 40)
    wait_until("still that key", lambda: at(nodes, 1), 20)

    # A node is away: the change waits for it, by name, and is done when it is back.
    n3.kill_host()
    wait_until("n3 is gone", lambda: {m["name"]: m["state"] for m in n1.ask("members")}["n3"]
               == "failed", 60)
    wait_until("a change begins", lambda: rotate(n1), 20)
    wait_until("it waits for n3", lambda: waits_for(n2, ["n3"]), 20)
    p = n1.mesh("keys", "rotate", "--force", "n2")
    assert p.returncode == 1 and "n2 is up: only who is down can be passed over" in p.stderr
    p = n1.mesh("keys", "rotate", "--force")
    assert p.returncode == 64 and "--force and the NODE" in p.stderr
    p = n1.mesh("keys", "rotate", "--force", "n9")
    assert p.returncode == 1 and "no member of the roster is called 'n9'" in p.stderr
    assert keys(n1)["phase"] == "announced"

    # Whoever asks hears for whom, and what to do; a newcomer, why it has to wait.
    said, _ = wait_until("it is named", lambda: refused(
        n2, "a change of the cluster key waits for n3, which is down"), 20)
    assert "mesh keys rotate --force n3" in said["hint"]
    p = n2.mesh("keys", "export")
    assert p.returncode == 1 and "the one of now lets nobody in any more" in p.stderr
    n4 = three.nodes[3]
    n4.settings["cluster-key"] = os.path.join(three.dir, "exported.key")
    write(n4.settings["cluster-key"], new, 0o600)
    n4.write_config()
    n4.start()
    said, _ = wait_until("n4 is told", lambda: refused(
        n4, "n4 waits: the key of this cluster is being changed"), 20)
    assert "mesh keys status" in said["hint"]
    n4.kill_host()
    n3.start()
    wait_until("n3 is back, and all use the next key", lambda: at(nodes, 2), 40)

    # Once more, and on without it: it finds its way back with a key nobody takes.
    n3.kill_host()
    wait_until("n3 is gone", lambda: {m["name"]: m["state"] for m in n1.ask("members")}["n3"]
               == "failed", 60)
    wait_until("a change begins", lambda: rotate(n2, "--force", "n3"), 20)

    def others_changed():
        k = keys(n1)
        return (k["epoch"], k["phase"]) == (3, "steady") or None
    wait_until("the others use the next key", others_changed, 20)
    assert keys(n1)["epoch"] == 3
    n3.start()
    wait_until("n3 is back with it", lambda: at(nodes, 3), 40)
    wait_until("one view", lambda: service.one_view(nodes), 40)


def test_who_joins_later(three):
    """The exported key lets in, and who came in with it is one of the next change."""
    nodes, n4 = three.nodes[:3], three.nodes[3]
    wait_until("a change begins", lambda: rotate(nodes[0]), 20)
    wait_until("all use the next key", lambda: at(nodes, 1), 20)
    key = os.path.join(three.dir, "exported.key")
    write(key, export(nodes[1]), 0o600)
    n4.settings["cluster-key"] = key
    n4.write_config()
    n4.start()
    wait_until("one view of four", lambda: service.one_view(three.nodes), 40)
    wait_until("under that key", lambda: at(three.nodes, 1), 20)
    wait_until("a change begins", lambda: rotate(n4), 20)
    wait_until("all four use the next key", lambda: at(three.nodes, 2), 20)


def test_who_left_comes_back_by_the_key_of_now(three):
    """Of the keys that it left with none is in the way."""
    nodes = three.nodes[:3]
    rest, n3 = nodes[:2], nodes[2]
    wait_until("a change begins", lambda: rotate(n3), 20)
    wait_until("all use the next key", lambda: at(nodes, 1), 20)
    kept = os.path.join(n3.state, "keys")
    assert os.path.exists(kept)
    n3.ask("leave")
    wait_until("it has left", lambda: refused(n3, "not a member: this node left the cluster"), 40)
    assert not os.path.exists(kept)
    wait_until("a change begins", lambda: rotate(rest[0]), 20)
    wait_until("the rest uses the next key", lambda: keys(rest[1])["epoch"] == 2
               and keys(rest[1])["phase"] == "steady", 20)
    n3.settings["cluster-key"] = os.path.join(three.dir, "now.key")
    write(n3.settings["cluster-key"], export(rest[1]), 0o600)
    n3.write_config()
    old = set(n3.pids("meshd-engine"))
    n3.kill("meshd")
    wait_until("a new engine", lambda: set(n3.pids("meshd-engine")) - old, 20)
    wait_until("it still knows", lambda: refused(n3, "not a member: this node left the cluster"), 20)
    p = n3.mesh("join", rest[0].at())
    assert p.returncode == 0, p.stderr
    wait_until("one view", lambda: service.one_view(nodes), 40)
    wait_until("under that key", lambda: at(nodes, 2), 20)


def test_on_without_two(five):
    """Two of five are down for good: one call goes on without both."""
    n1, n2, n3, n4, n5 = five.nodes
    for gone in (n4, n5):
        gone.kill_host()
    wait_until("both are gone", lambda: [m["state"] for m in n1.ask("members")].count("failed")
               == 2, 60)
    wait_until("a change begins", lambda: rotate(n2), 20)
    wait_until("it waits for both", lambda: waits_for(n1, ["n4", "n5"]), 20)
    p = n1.mesh("keys", "rotate", "--force", "n4,n3")
    assert p.returncode == 1 and "n3 is up: only who is down can be passed over" in p.stderr
    wait_until("n4 is passed over all the same", lambda: waits_for(n2, ["n5"]), 20)
    wait_until("without both", lambda: rotate(n3, "--force", "n4,n5"), 20)

    def changed():
        k = keys(n1)
        return (k["epoch"], k["phase"]) == (1, "steady") or None
    wait_until("the others use the next key", changed, 20)
    for n in (n4, n5):
        n.start()
    wait_until("they are back with it", lambda: at(five.nodes, 1), 60)
