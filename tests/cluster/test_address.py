"""Addresses, and names of them.  IPv6: a mesh on addresses of its own (ULA), and one of both families, where
a daemon that listens on [::] hears and answers those who have IPv4 only."""
import os
import shutil

import pytest

from mesh import read, run, wait_until
from nets import made, one_view


@pytest.fixture
def six():
    with made(3, "fd77::{}") as net:
        yield net


@pytest.fixture
def four():
    with made(3) as net:
        yield net


def test_three_nodes_on_ipv6_are_one_mesh(six):
    for node in six.nodes:
        assert sorted(m["address"] for m in node.ask("members")) == \
            [f"[fd77::{i}]:7780" for i in (1, 2, 3)]
    # Schedules come over TCP, and leaders by datagrams: both are there anew.
    dead = six.leader()
    dead.kill_host()
    rest = six.others(dead)
    wait_until("a new leader", lambda: rest[0].leader() not in (None, dead.name), 30)
    six.settle()


def test_one_that_listens_on_both_families(four):
    """Its socket is of IPv6, what it hears there is named by IPv4 addresses."""
    one = four.nodes[0]
    one.stop()
    run("ip", "-n", one.netns, "addr", "add", "fd77::1/64", "dev", "eth0", "nodad")
    one.write_config(listen="[::]:7780", advertise=one.at())
    one.exits.clear()
    one.start()
    wait_until("one view", lambda: one_view(four.nodes), 60)
    for node in four.nodes:
        assert [m["address"] for m in node.ask("members") if m["name"] == one.name] == \
            [one.at()]
    # It moves: all find it there, and say so once.
    run("ip", "-n", one.netns, "addr", "add", "10.77.0.77/24", "dev", "eth0")
    told = {n.name: lives_told(n, one).count("moved") for n in four.others(one)}
    assert set(told.values()) == {0}
    one.stop()
    one.write_config(listen="10.77.0.77:7780", advertise=None)
    one.exits.clear()
    one.start()
    for node in four.others(one):
        wait_until(f"{node.name} finds it there", lambda n=node: [
            (m["address"], m["state"]) for m in n.ask("members") if m["name"] == one.name] ==
            [("10.77.0.77:7780", "alive")], 60)
    wait_until("one view", lambda: one_view(four.nodes), 60)
    assert [lives_told(n, one).count("moved") for n in four.others(one)] == [1, 1]


def lives_told(node, one):
    return [e["kind"] for e in node.events()
            if e["subject"] == one.name and e["kind"] in ("moved", "restarted")]


def test_a_seed_that_has_no_address_is_named(four):
    """And the other seeds do what they do."""
    one = four.nodes[0]
    one.stop()
    one.write_config(seeds=["no-such-host.invalid:7780", four.nodes[1].at()])
    one.exits.clear()
    one.start()
    wait_until("one view", lambda: one_view(four.nodes), 60)
    wait_until("it is named", lambda: any(
        p["text"].startswith("seed no-such-host.invalid:7780: ")
        for p in one.status()["problems"]), 60)


def forget(node):
    """A host that never was in a mesh."""
    node.kill_host()
    shutil.rmtree(node.state)


def knows(node, name, address):
    """As an administrator edits the file: the same inode."""
    with open(node.hosts, "w", encoding="ascii") as f:
        f.write(f"{address} {name}\n")


def wrong(node):
    return [p["text"] for p in node.status()["problems"] if p["text"].startswith("seed ")]


def test_a_name_that_is_found_later_and_then_elsewhere(four):
    """One who knows nobody but a name: first there is none of that name, then it is
    the address of nobody, then that of a member.  No restart in between."""
    one, two = four.nodes[:2]
    wait_until("the others lead", lambda: four.leader() is not None, 30)
    forget(one)
    one.hosts = os.path.join(one.dir, "hosts")
    knows(one, "localhost", "127.0.0.1")
    one.write_config(seeds=["way-in.test:7780"])
    one.exits.clear()
    one.start()
    wait_until("it is named", lambda: wrong(one) and
               wrong(one)[0].startswith("seed way-in.test:7780: "), 60)
    knows(one, "way-in.test", "10.77.0.99")
    wait_until("a name is enough", lambda: not wrong(one), 60)
    assert one.ask("members") == [] or one.alive() == [one.name]
    knows(one, "way-in.test", two.address)
    wait_until("it is in", lambda: set(one.alive()) >= {n.name for n in four.nodes}, 90)
    assert f"seed way-in.test:7780 is at {two.at()} now" in read(one.log)


def test_two_that_advertise_one_address(four):
    """Named with both names on each, and by the third."""
    one, two = four.nodes[:2]
    wait_until("one view", lambda: one_view(four.nodes), 60)
    one.stop()
    one.write_config(advertise=two.at())
    one.exits.clear()
    one.start()
    said = f"{one.name} and {two.name} advertise one address, {two.at()}: "
    back = f"{two.name} and {one.name} advertise one address, {two.at()}: "
    for node in four.nodes:
        wait_until(f"{node.name} names both", lambda n=node: any(
            p["text"].startswith((said, back)) for p in n.status()["problems"]), 60)
    one.stop()
    one.write_config(advertise=None)
    one.exits.clear()
    one.start()
    wait_until("one view again", lambda: one_view(four.nodes), 60)
    assert not any("advertise one address" in p["text"]
                   for n in four.nodes for p in n.status()["problems"])
