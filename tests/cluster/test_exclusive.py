"""on_split: exclusive on three hosts: one runs, through changes of the leader, in
a split, and with its daemon dead; never two (singleton.py watches)."""
# A minute: begun before the others (run.sh).
import pytest

import service
from mesh import Missed, read, wait_until
from singleton import Watch, lead_by, made, renewed, row, runs, says, settled


@pytest.fixture(scope="module")
def three():
    world = made("exclusive", 3)
    watch = Watch(world)
    try:
        yield world
        watch.end()
    except Missed:
        for n in world.nodes:
            print(n.tail(25))
        raise
    finally:
        watch.over = True
        world.close()


def test_a_change_of_leader_keeps_it(three):
    owner, pid, rest = settled(three)
    for leader in rest + [owner]:
        lead_by(three, leader)
        assert renewed(owner, pid)
    # Engine and leader in one: the new engine claims what its host holds, of a
    # leader that has just come into office.
    old = set(owner.kill("meshd-engine"))
    wait_until("a new engine", lambda: set(owner.pids("meshd-engine")) - old, 20)
    wait_until("one view", lambda: service.one_view(three.nodes), 40)
    # The whole daemon dies, and something like systemd starts it again.
    owner.kill("meshd-engine")
    owner.kill("meshd")
    wait_until("one view", lambda: service.one_view(three.nodes), 40)
    runs(three.nodes)
    assert renewed(owner, pid, 6)  # well past any deadline of before


def test_a_split_moves_it_when_its_lease_is_over(three):
    owner, pid, rest = settled(three)
    watch = Watch(three)
    lead_by(three, owner)  # the harder case: its own leader goes with it
    three.cut([owner])
    try:
        wait_until("placed anew", lambda: [n for n in rest if row(n)["state"] == "waiting"], 20)
        new = next(n for n in rest if row(n)["state"] == "waiting")
        says(new, "waiting", "until the node that had it says gone, or 15 s")

        def said():  # the leader's view of it comes with the next report
            status = new.status()
            return [r["note"] for r in status["roles"]] == ["waits for its role lease"] and \
                any("one.1 on " + new.name + " waits for its role lease" in p["text"]
                    for p in status["problems"])
        wait_until("its role and the problems say so", said, 8)
        assert row(owner)["pid"] == pid  # it runs until its deadline
        says(owner, "waiting", "this side has no leader")
        assert runs(rest) is new
        assert "one.1: its role lease is over" in read(owner.log)
        watch.end()
        assert watch.on(owner.name)[1] < watch.on(new.name)[0]
    finally:
        watch.over = True
        three.mend([owner])
    after, new_pid, _ = settled(three)
    assert after is new and renewed(new, new_pid)


def test_without_its_daemon_it_ends_by_its_deadline(three):
    owner, _, rest = settled(three)
    watch = Watch(three)
    deadline = row(owner)["lease_until_ms"]
    owner.wanted = False
    owner.kill("meshd")
    wait_until("nothing of it is left", lambda: not owner.pids("meshd-engine"), 20)
    new = runs(rest)
    watch.end()
    assert watch.on(owner.name)[1] < watch.on(new.name)[0]
    assert deadline > 0
    owner.exits.clear()
    owner.start()
    assert settled(three)[0] is new
    # All hosts at once: it is back, once.
    for n in three.nodes:
        n.kill_host()
    for n in three.nodes:
        n.exits.clear()
        n.start()
    settled(three)
