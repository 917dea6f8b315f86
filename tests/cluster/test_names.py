"""Two hosts of one name, both able to do its work: it is the first one's, whoever leads
and whatever that one was away for, and nothing of it runs on the other meanwhile."""
import os
import shutil
import signal

import pytest

import work
from mesh import Missed, World, init, read, wait_until


@pytest.fixture
def three():
    """The first is called x, the second m, the last x again; it comes later."""
    w = World(f"mesh-r{os.getpid()}", "names")
    try:
        # Their groups come before the daemons' in order: World.sweep must not mind.
        w.bridge(["a", "b", "c"])
        work.install(w)
        work.roll_out(w, "v1")
        for node, name in zip(w.nodes, ("x", "m", "x")):
            node.write_config(name=name)
        for node in w.nodes[:2]:
            node.start()
        init(w.nodes[0])
        wait_until("its work", lambda: works(w.nodes[0]) and works(w.nodes[1]), 40)
        w.nodes[2].start()
        yield w.nodes
    except Missed:
        for node in w.nodes:
            print(node.tail(25))
        raise
    finally:
        w.close()


def works(node):
    """Pids in the containers of that host, as its kernel says."""
    top = os.path.join(node.world.unified, node.cgroup)
    return {pid for folder, _, _ in os.walk(top) if "/.engine" not in folder
            for pid in read(os.path.join(folder, "cgroup.procs")).split()}


def named(nodes, first, second):
    want = f"two nodes are called x, {first.at()} and {second.at()}; only the first gets work"
    for node in nodes:
        said = [p["text"] for p in node.status()["problems"]]
        if want not in said:
            raise Missed(f"{node.name}: {said}")
    return True


def state_at(node, of):
    return next(m["state"] for m in node.ask("members") if m["address"] == of.at())


def test_the_first_holder_of_a_name_keeps_it(three):
    first, m, twin = three
    wait_until("both are named", lambda: named(three, first, twin), 30)
    held = works(first)

    def untouched():
        assert works(first) == held and not works(twin)
    for _ in range(3):
        m.kill("meshd-engine")
        wait_until("it leads", lambda: m.mesh("leader", "--to", "m").returncode == 0, 30)
        # It issued in its office: it looked at both, and all follow.
        wait_until("its schedule", lambda: service_of(three, "m"), 30)
        wait_until("both are named", lambda: named(three, first, twin), 30)
        untouched()

    # It says that it comes again: nothing moves.
    first.stop()
    wait_until("awaited", lambda: state_at(m, first) == "restarting", 30)
    untouched()
    first.start()
    wait_until("both are named", lambda: named(three, first, twin), 30)
    untouched()

    # Gone without a word: the other does its work, until it is back.
    first.kill_host()
    wait_until("the other's", lambda: works(twin), 60)
    first.exits.clear()
    first.start()
    wait_until("both are named", lambda: named(three, first, twin), 30)
    wait_until("its own again", lambda: works(first) and not works(twin), 40)


def test_a_host_that_lost_its_identity_runs_on(three):
    """It is another node of its own name until the one that it was is given up, and
    then the only one; no container notices."""
    first, m, twin = three
    wait_until("both are named", lambda: named(three, first, twin), 30)

    def stored():
        said = first.ask("roster")
        return not said["joint"] and [v["stored"] for v in said["votes"]] == [True] * 3
    wait_until("three votes, or two would not be enough", stored, 30)
    held = works(m)
    m.wanted = False
    m.kill("meshd")
    for pid in m.pids("meshd-engine"):
        os.kill(pid, signal.SIGKILL)
    for name in os.listdir(m.state):  # all that is not root's: as from a bad disk
        if name not in ("supervisor", "rendered"):
            path = os.path.join(m.state, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
    m.start()

    def two_lives():
        said = sorted(r["state"] for r in first.ask("members") if r["name"] == "m")
        if said != ["alive", "failed"]:
            raise Missed(str(said))
        assert works(m) == held
        return True
    wait_until("the old one is given up", two_lives, 60)
    assert works(m) == held
    work.roll_out(first.world, "v2")
    wait_until("it does what it is told", lambda: works(m) and not works(m) & held, 60)


def service_of(nodes, leader):
    """All follow a schedule that this one issued in its present term."""
    said = {(n.leader(), n.status()["side"]["term"], n.status()["scheduler"]["stamp"])
            for n in nodes}
    if len(said) != 1:
        raise Missed(str(said))
    name, term, stamp = said.pop()
    return name == leader and stamp.startswith(f"{term}.")
