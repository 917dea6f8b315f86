"""A member whose engine is without its mesh: just started, its key gone, or ended by
what can't be written.  It is a member all the same, and says what is wrong."""
import os
import shutil

import pytest

import nets
from mesh import Missed, World, init, run, wait_until

CUT_OFF = "member of cluster "


@pytest.fixture
def three():
    with nets.made(3) as net:
        yield net


def problems(node):
    return [p["text"] for p in node.status()["problems"]]


def says(node, *texts):
    said = problems(node)
    if not any(all(t in p for t in texts) for p in said):
        raise Missed(f"{node.name}: {said}")
    return True


def one(nodes, limit_s=60):
    return wait_until("one view", lambda: nets.one_view(nodes), limit_s)


def test_asked_while_it_starts(three):
    n1, n2, _ = three.nodes
    for verb in (["status"], ["members"], ["keys", "status"], ["leader"], ["members"], ["status"]):
        old = set(n2.pids("meshd-engine"))
        n2.kill("meshd-engine")
        p = n2.mesh(*verb)
        assert "not a member" not in p.stdout + p.stderr, (verb, p.stdout, p.stderr)
        if verb == ["members"]:
            assert p.returncode != 0 or n2.name in p.stdout, (p.stdout, p.stderr)
        if verb == ["keys", "status"]:
            assert p.returncode == 0 and p.stdout or p.returncode != 0 and p.stderr
        wait_until("a new engine", lambda: set(n2.pids("meshd-engine")) - old, 20)
        one(three.nodes)


def test_its_key_is_gone(three):
    n1, n2, _ = three.nodes
    n2.stop()
    key = os.path.join(n2.state, "cluster.key")
    shutil.copy(three.world.key, key)
    os.chmod(key, 0o600)
    n2.write_config(**{"cluster-key": None})
    n2.exits.clear()
    n2.start()
    one(three.nodes)
    n2.stop()
    os.rename(key, key + ".away")
    n2.exits.clear()
    n2.start()
    wait_until("it says so", lambda: says(n2, CUT_OFF, "its key is gone: copy it from a member", key), 20)
    assert not any("not a member" in p for p in problems(n2))
    for verb in (["init"], ["leave"], ["members"], ["keys", "status"], ["join", n1.at()]):
        p = n2.mesh(*verb)
        assert p.returncode == 6 and "its key is gone: copy it from a member" in p.stderr, (verb, p.stderr)
        assert "mesh init" not in p.stderr, p.stderr
    assert not os.path.exists(key)  # nothing was made in its place
    os.rename(key + ".away", key)
    p = n2.mesh("join", n1.at())
    assert p.returncode == 0, p.stderr
    one(three.nodes)


def test_more_voters_than_members_max(three):
    n1, n2, _ = three.nodes
    n2.stop()
    n2.write_config(**{"members-max": 2})
    n2.exits.clear()
    n2.start()
    wait_until("it says why", lambda: says(n2, "the engine stops", "more voters stored than members-max"), 30)
    for verb in (["members"], ["keys", "rotate"], ["drain"]):
        p = n2.mesh(*verb)
        assert p.returncode == 1 and "the engine stops" in p.stderr, p.stderr
    assert n2.mesh("status").returncode == 2
    n2.stop()
    n2.write_config(**{"members-max": 1024})
    n2.exits.clear()
    n2.start()
    one(three.nodes)


def test_a_full_disk():
    w = World(f"mesh-n{os.getpid()}", "full")
    try:
        nodes = w.bridge(["n1", "n2", "n3"])
        n1, n2, _ = nodes
        for n in nodes:
            n.write_config(log={"level": "debug"})
            nets.set_script(n, nets.EMPTY)
        os.makedirs(n2.state)
        run("mount", "-t", "tmpfs", "-o", "size=12M,mode=1770", "tmpfs", n2.state)
        for n in nodes:
            n.start()
        init(n1)
        one(nodes)
        fill = os.path.join(n2.state, "fill")
        with open(fill, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(b"x" * 4096)
            except OSError:
                pass
        wait_until("a change of the key begins", lambda: n1.mesh("keys", "rotate").returncode == 0, 20)
        wait_until("it says why its engine ends", lambda: says(n2, "the engine stops", "No space left"), 60)
        assert not any("not a member" in p for p in problems(n2))
        os.unlink(fill)
        one(nodes, 90)
        wait_until("all have the next key", lambda: all(
            (k["epoch"], k["phase"]) == (1, "steady") for k in (n.ask("keys", "status") for n in nodes)), 40)
    finally:
        w.close()
