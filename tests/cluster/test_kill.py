"""kill -9, restarts and upgrades of the daemon: containers must not notice."""
import os
import signal

import service
from mesh import Missed, read, wait_until
from service import WEBS


def started(pids):
    """instance -> start time of its process: the same pid may be another one."""
    return {i: read(f"/proc/{p}/stat").rsplit(")", 1)[1].split()[19]
            for i, p in pids.items()}


def unchanged(node, before, times):
    def same():
        now = node.running()
        if now != before:
            raise Missed(f"before {before}, now {now}")
        return True
    wait_until("same pids", same, 20)
    assert started(before) == times


def test_engine_killed(cluster):
    for node in cluster.nodes:
        before, _ = wait_until("containers here", node.running, 20)
        times = started(before)
        old = set(node.kill("meshd-engine"))
        wait_until("a new engine", lambda node=node, old=old:
                   set(node.pids("meshd-engine")) - old, 20)
        unchanged(node, before, times)
    wait_until("one view", lambda: service.one_view(cluster.nodes), 30)


def test_supervisor_killed(cluster):
    for node in cluster.nodes:
        before, _ = wait_until("containers here", node.running, 20)
        times = started(before)
        old = set(node.pids("meshd-engine"))
        node.kill("meshd")
        wait_until("the old engine ends with its supervisor",
                   lambda node=node, old=old: not old & set(node.pids("meshd-engine")),
                   20)
        wait_until("a new engine", lambda node=node: node.pids("meshd-engine"), 20)
        unchanged(node, before, times)
    wait_until("one view", lambda: service.one_view(cluster.nodes), 30)
    wait_until("served", cluster.serves, 20)


def test_both_killed_at_once(cluster):
    node = cluster.leader()
    before, _ = wait_until("containers here", node.running, 20)
    times = started(before)
    pids = node.pids("meshd") + node.pids("meshd-engine")
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_until("all gone", lambda: not set(pids) & set(
        node.pids("meshd") + node.pids("meshd-engine")), 20)
    wait_until("back", node.status, 20)
    unchanged(node, before, times)


def test_stopped_and_started_like_an_upgrade(cluster):
    node = cluster.nodes[1]
    before, _ = wait_until("containers here", node.running, 20)
    times = started(before)
    node.stop()
    assert node.pids("meshd") == [] and node.pids("meshd-engine") == []
    assert started(before) == times  # they run without us
    cluster.serves([node])
    node.exits.clear()
    node.start()
    wait_until("back", node.status, 20)
    unchanged(node, before, times)


def test_a_container_killed_is_started_again(cluster):
    node = cluster.nodes[0]
    here, _ = wait_until("a web server here", lambda: node.running("web"), 20)
    instance, pid = sorted(here.items())[0]
    os.kill(pid, signal.SIGKILL)

    def again():
        row = next(r for r in node.ps() if r["instance"] == instance)
        if row["pid"] in (0, None, pid) or row["state"] != "running":
            raise Missed(str(row))
        return row
    row, _ = wait_until(f"{instance} runs again", again, 20)
    assert row["restarts"] >= 1 and row["node"] == node.name


def test_a_container_killed_without_engine_is_started_again(cluster):
    """P1: the supervisor restarts alone, from its records."""
    node = cluster.nodes[0]
    here, _ = wait_until("a web server here", lambda: node.running("web"), 20)
    instance, pid = sorted(here.items())[0]
    engine = node.pids("meshd-engine")[0]
    os.kill(engine, signal.SIGSTOP)
    try:
        os.kill(pid, signal.SIGKILL)
        where = os.path.join(node.world.unified, node.cgroup)

        def reborn():
            for folder, _, files in os.walk(where):
                if instance in os.path.basename(folder) and "cgroup.procs" in files:
                    try:
                        pids = read(os.path.join(folder, "cgroup.procs")).split()
                    except OSError:  # that group ended while it was looked at
                        continue
                    if pids and str(pid) not in pids:
                        return True
            return False
        wait_until(f"{instance} in its cgroup again", reborn, 20)
    finally:
        os.kill(engine, signal.SIGCONT)


def test_a_dead_host_comes_back(cluster):
    node = next(n for n in cluster.nodes if n is not cluster.leader())
    rest = [n for n in cluster.nodes if n is not node]
    node.kill_host()
    wait_until("re-placed", lambda: service.settled(rest, WEBS), 40)
    node.exits.clear()
    node.start()
    wait_until("one view", lambda: service.one_view(cluster.nodes), 40)
    wait_until("served everywhere", lambda: service.settled(cluster.nodes, WEBS)
               and cluster.serves(), 40)


def test_the_first_node_dies_right_after_the_others_joined():
    """The roster of three is in force as soon as all three are seen: who made
    the cluster takes nothing with it when it dies a moment later."""
    with service.hosts("young", 3, webs=0) as w:
        w.nodes[0].kill_host()
        wait_until("a leader of the two", lambda: young_leader(w.nodes[1:]), 20)


def young_leader(nodes):
    sides = [n.status()["side"] for n in nodes]
    names = {s.get("leader") for s in sides}
    if len(names) != 1 or not names <= {n.name for n in nodes} or \
            any(s["grade"] != "full" for s in sides):
        raise Missed(str(sides))
    return True
