"""Addresses.  IPv6: a mesh on addresses of its own (ULA), and one of both families, where
a daemon that listens on [::] hears and answers those who have IPv4 only."""
import pytest

from mesh import run, wait_until
from nets import Net, one_view


@pytest.fixture
def six():
    net = Net(3, "fd77::{}")
    yield net
    net.world.close()


@pytest.fixture
def four():
    net = Net(3)
    yield net
    net.world.close()


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
