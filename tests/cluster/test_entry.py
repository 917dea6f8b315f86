"""Who tries to come in with the cluster key alone, and does not get in, is told why not."""
import os
import time

import pytest

import nets
from mesh import Missed, World, init, wait_until, write


@pytest.fixture
def three():
    w = World(f"mesh-n{os.getpid()}", "entry")
    try:
        for n in w.bridge(["n1", "n2", "n3"]):
            n.write_config(log={"level": "debug"}, seeds=[])
            nets.set_script(n, nets.EMPTY)
        yield w
    finally:
        w.close()


def up(*nodes):
    for n in nodes:
        n.exits.clear()
        n.start()
        wait_until(f"{n.name} answers", n.status, 20)


def says(node, text):
    said = node.status()["problems"]
    if not any(text in p["text"] for p in said):
        raise Missed(f"{node.name}: {said}")
    return said


def says_not(node, text):
    said = node.status()["problems"]
    if any(text in p["text"] for p in said):
        raise Missed(f"{node.name}: {said}")
    return True


def join(node, *args):
    p = node.mesh("join", *args)
    assert p.returncode == 0, p.stderr


def test_another_key(three):
    n1, n2, _ = three.nodes
    up(n1)
    assert "not a member: mesh init | mesh join" in n1.mesh("status").stdout
    init(n1)
    key = os.path.join(three.dir, "another.key")
    write(key, os.urandom(32), 0o600)
    n2.write_config(**{"cluster-key": key})
    up(n2)
    join(n2, n1.at())
    said = wait_until("it says so", lambda: says(
        n2, "not a member yet: nobody answered at the seeds under this cluster key"), 20)[0]
    assert "mesh keys export" in said[0]["hint"]
    n2.stop()
    n2.write_config(**{"cluster-key": three.key})
    up(n2)  # the seed is remembered
    wait_until("one view", lambda: nets.one_view([n1, n2]), 40)
    assert not n2.status()["problems"]


def test_two_clusters_with_one_key(three):
    n1, n2, n3 = three.nodes
    up(n1, n2)
    init(n1)
    init(n2)
    join(n1, n2.at())
    said = wait_until("it is named", lambda: says(
        n1, f"who answers at the seed {n2.at()} is of another cluster, which has the same key"), 40)[0]
    assert "--forget" in said[0]["hint"]
    assert n1.mesh("status").returncode == 1
    join(n1, "--forget", n2.at())
    wait_until("it is forgotten", lambda: says_not(n1, "the seed"), 20)
    # Where nobody is.
    join(n1, "10.77.0.9:7780")
    wait_until("it is named", lambda: says(
        n1, "nobody of this cluster answered at 10.77.0.9:7780, which mesh join named"), 40)
    join(n1, "--forget", "10.77.0.9:7780")
    # Of a member there is nothing to say.
    up(n3)
    join(n3, n1.at())
    wait_until("one view", lambda: nets.one_view([n1, n3]), 40)
    join(n1, n3.at())
    join(n3, n1.at())
    until = time.monotonic() + 12
    wait_until("as long as one would wait", lambda: time.monotonic() > until, 20)
    assert not n1.status()["problems"] and not n3.status()["problems"]


def test_who_left_finds_no_room(three):
    n1, n2, n3 = three.nodes
    for n in three.nodes:
        n.write_config(**{"members-max": 2})
    up(*three.nodes)
    init(n1)
    join(n2, n1.at())
    wait_until("two", lambda: nets.one_view([n1, n2]), 40)
    join(n3, n1.at())
    wait_until("it hears why not", lambda: says(n3, "n3 finds no room: the table of members is full"), 20)
    assert n2.mesh("leave").returncode == 0
    p = n2.mesh("join", n1.at())  # would be forgotten with all the rest
    assert p.returncode == 1 and "join: this node is leaving: not before it has left" in p.stderr, p.stderr
    wait_until("it has left", lambda: says(n2, "not a member: this node left the cluster"), 40)
    wait_until("the other is in", lambda: nets.one_view([n1, n3]), 40)
    says(n2, "not a member: this node left the cluster")
    join(n2, n1.at())
    wait_until("it hears why not", lambda: says(n2, "n2 finds no room: the table of members is full"), 20)
    says_not(n2, "this node left the cluster")
