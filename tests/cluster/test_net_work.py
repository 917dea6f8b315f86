"""Containers on a network that fails in part: a new version is rolled out while the
paths are cut, reaches every host and starts there once, and whoever is asked tells the
truth of it.  The hosts and the faults are those of test_net.py."""
import pytest

import work
from mesh import wait_until
from nets import apart, hears_not, made, mended


@pytest.fixture(scope="module")
def working_made():
    with made(5) as net:
        work.install(net.world)
        work.roll_out(net.world, "v1")
        wait_until("v1 runs everywhere", lambda: work.all_run(net.nodes, "v1"), 60)
        yield net


@pytest.fixture
def working(working_made):
    yield from mended(working_made)


def a_rollout(net, version, before):
    work.roll_out(net.world, version)
    wait_until(f"{version} runs everywhere, and all say so",
               lambda: work.all_run(net.nodes, version), 60)
    leader = net.leader()
    for node in net.nodes:
        # Asked at the leader, also of those that no stream of its own gets to.
        assert work.starts(node, leader) == before + [version]


def test_a_rollout_in_a_ring(working):
    """The far two get schedule, state and logs over their neighbours."""
    ring = working.nodes
    for i, node in enumerate(ring):
        apart(node, [ring[i - 2], ring[(i + 2) % 5]])
    a_rollout(working, "v2", ["v1"])


def test_a_rollout_past_a_path_cut_one_way(working):
    """What one host sends to the leader is lost: no stream of it gets there either."""
    leader = working.leader()
    hears_not(leader, working.others(leader)[:1])
    a_rollout(working, "v1", ["v1", "v2"])
