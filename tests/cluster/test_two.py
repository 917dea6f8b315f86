"""Two nodes with `quorum: any`: the survivor goes on alone, a split has two
leaders that both serve, and a heal folds what ran twice (P5, P6)."""
import os

import pytest

import service
from conftest import WEBS, Cluster
from mesh import Missed, World, wait_until


@pytest.fixture
def two():
    w = World(f"mesh-r{os.getpid()}", "two")
    try:
        nodes = w.bridge(["n1", "n2"])
        service.install(w)
        for n in nodes:
            n.write_config(election={"quorum": "any"})
            n.start()
        Cluster.init(nodes[0])
        try:
            wait_until("one view", lambda: service.one_view(nodes), 40)
            wait_until("the service", lambda: service.settled(nodes, WEBS), 40)
        except Missed:
            for n in nodes:
                print(n.tail(25))
            raise
        yield w
    finally:
        w.close()


def leads_alone(node):
    side = node.status()["side"]
    if side.get("leader") != node.name or side["grade"] != "degraded":
        raise Missed(str(side))
    return True


def test_the_survivor_takes_over(two):
    for dead, rest in (two.nodes, two.nodes[::-1]):
        dead.kill_host()
        wait_until("it leads alone", lambda rest=rest: leads_alone(rest), 40)
        wait_until("all work is here",
                   lambda rest=rest: service.settled([rest], WEBS), 40)
        assert rest.mesh("status").returncode == 1  # degraded, and says so
        dead.exits.clear()
        dead.start()
        wait_until("one view", lambda: service.one_view(two.nodes), 40)
        wait_until("one service", lambda: service.settled(two.nodes, WEBS), 40)


def test_both_sides_serve_and_fold(two):
    nodes = two.nodes
    before = {n.name: n.running() for n in nodes}
    two.cut([nodes[0]])
    for n in nodes:
        wait_until(f"{n.name} leads its side", lambda n=n: leads_alone(n), 40)
        wait_until(f"{n.name} has all", lambda n=n: service.settled([n], WEBS), 40)
    for n in nodes:
        assert before[n.name].items() <= n.running().items()
    two.mend([nodes[0]])
    wait_until("one view", lambda: service.one_view(nodes), 40)
    wait_until("folded", lambda: service.settled(nodes, WEBS), 40)
    # The older copies stay: who ran before the split runs after it.
    after = {n.name: n.running() for n in nodes}
    for name, pids in before.items():
        assert pids.items() <= after[name].items(), (name, pids, after[name])
