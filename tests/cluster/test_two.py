"""Two nodes.  With `quorum: any` the survivor goes on alone, a split has two
leaders that both serve, and a heal folds what ran twice (P5, P6); with a
tie-breaker one of them is always full, and the other waits."""
import pytest

import service
from mesh import Missed, wait_until
from service import WEBS


@pytest.fixture
def two(request):
    election = getattr(request, "param", {"quorum": "any"})
    with service.hosts("two", 2, election=election) as w:
        yield w


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


@pytest.mark.parametrize("two", [{"tie-breaker": "n2"}], indirect=True)
def test_the_tie_breaker_is_full_alone(two):
    one, tie = two.nodes
    two.cut([one])
    wait_until("n2 leads, full", lambda: tie.status()["side"]["grade"] == "full"
               and tie.status()["side"]["leader"] == "n2", 40)
    wait_until("all work is there", lambda: service.settled([tie], WEBS), 40)
    side, _ = wait_until("n1 has no leader", lambda: not one.status()["side"]["leader"]
                      and one.status()["side"], 20)
    assert side["grade"] == "none"
    assert one.running()  # and goes on with what it has
    two.mend([one])
    wait_until("one view", lambda: service.one_view(two.nodes), 40)
    wait_until("one service", lambda: service.settled(two.nodes, WEBS), 40)


def test_the_lead_is_handed_over(two):
    nodes = two.nodes
    leader = next(n for n in nodes if n.leader() == n.name)
    other = next(n for n in nodes if n is not leader)
    before = {n.name: n.running() for n in nodes}
    # Asked where nobody leads, too.
    p = other.mesh("leader", "--to", other.name)
    assert p.returncode == 0 and f"{other.name} leads  term" in p.stdout, p.stderr
    assert other.leader() == other.name
    wait_until("it leads", lambda: all(n.leader() == other.name for n in nodes), 20)
    p = leader.mesh("leader", "--to", "nobody")
    assert p.returncode == 1 and "no node 'nobody' is known" in p.stderr
    assert leader.mesh("leader", "--to", "No Body").returncode == 64
    wait_until("one service", lambda: service.settled(nodes, WEBS), 40)
    for name, pids in before.items():
        assert pids.items() <= next(n for n in nodes if n.name == name).running().items()
    # Who is dead and not missed yet takes nothing: that is said, not only that it was told.
    leader.kill_host()
    p = other.mesh("leader", "--to", leader.name)
    assert p.returncode == 1 and f"{leader.name} does not lead" in p.stderr, p.stdout + p.stderr
