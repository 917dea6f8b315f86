"""SIGTERM to meshd: the node says that it restarts, and for its `restart-grace`
nobody touches what it ran; whoever is not back by then is a dead node.  And
`mesh drain`: its work moves, it stays, and no restart makes it forget."""
import pytest

import service
from mesh import Missed, wait_until
from service import WEBS
from test_kill import started, unchanged


def state_of(node, name):
    return next((m["state"] for m in node.ask("members") if m["name"] == name), None)


def places(node):
    return {r["instance"]: r["node"] for r in node.ps()}


def led_by_others(nodes, away):
    """All of these follow one leader who is not `away`, and miss one elector."""
    for node in nodes:
        side = node.status()["side"]
        if side.get("leader") in (None, away.name) or side["grade"] != "full" \
                or side["visible"] != side["known"] - 1:
            raise Missed(f"{node.name}: {side}")
    return True


def test_a_rolling_restart_moves_nothing(cluster):
    before = places(cluster.nodes[0])
    for node in cluster.nodes:
        rest = [n for n in cluster.nodes if n is not node]
        pids, _ = wait_until("containers here", node.running, 20)
        times = started(pids)
        node.stop()
        # Down for votes and liveness, and yet nobody's loss.
        wait_until("the others go on", lambda: led_by_others(rest, node), 20)
        for n in rest:
            assert state_of(n, node.name) == "restarting"
            assert places(n) == before
        node.exits.clear()
        node.start()
        wait_until("one view", lambda: service.one_view(cluster.nodes), 40)
        unchanged(node, pids, times)
        assert all(state_of(n, node.name) == "alive" for n in cluster.nodes)
        assert places(rest[0]) == before
    wait_until("served", cluster.serves, 20)


def drains(node, name, wanted, state="alive"):
    m = next(m for m in node.ask("members") if m["name"] == name)
    return m["draining"] == wanted and m["state"] == state


def idle(node):
    if node.running():
        raise Missed(f"{node.name} still runs {node.running()}")
    return True


def test_a_drained_node_gives_its_work_away(cluster):
    nodes = cluster.nodes
    node = cluster.leader()
    rest = [n for n in nodes if n is not node]
    before = set(wait_until("containers here", node.running, 20)[0])
    said = node.ask("drain")
    assert said["draining"] and said["node"] == node.name and said["staying"] == []
    assert set(said["moving"]) == before
    wait_until("its work is elsewhere", lambda: service.settled(rest, WEBS), 40)
    wait_until("it runs nothing", lambda: idle(node), 30)
    for n in nodes:
        wait_until("all know", lambda n=n: drains(n, node.name, True), 10)
    assert f"{node.name}*" in node.mesh("members").stdout
    assert "alive,draining" in node.mesh("members").stdout
    old = set(node.pids("meshd-engine"))
    node.kill("meshd")
    wait_until("a new engine", lambda: set(node.pids("meshd-engine")) - old, 20)
    wait_until("one view", lambda: service.one_view(nodes), 40)
    for n in nodes:
        wait_until("nobody forgot it", lambda n=n: drains(n, node.name, True), 10)
    # Nor while it restarts and has said so.
    node.stop()
    for n in rest:
        wait_until("both are known", lambda n=n: drains(n, node.name, True, "restarting"), 20)
    node.exits.clear()
    node.start()
    wait_until("one view", lambda: service.one_view(nodes), 40)
    assert node.mesh("undrain").returncode == 0
    wait_until("it has work again", node.running, 40)
    for n in nodes:
        wait_until("all know", lambda n=n: drains(n, node.name, False), 10)


@pytest.fixture
def impatient():
    with service.hosts("impatient", 3, **{"restart-grace": "5s"}) as w:
        yield w


def test_who_is_not_back_in_time_is_dead(impatient):
    nodes = impatient.nodes
    away = next(n for n in nodes if n.name == nodes[0].leader())
    rest = [n for n in nodes if n is not away]
    away.stop()
    for n in rest:
        wait_until("it restarts", lambda n=n: state_of(n, away.name) == "restarting", 10)
    wait_until("its work is elsewhere", lambda: service.settled(rest, WEBS), 60)
    assert all(state_of(n, away.name) == "failed" for n in rest)
    away.exits.clear()
    away.start()
    wait_until("one view", lambda: service.one_view(nodes), 40)
    wait_until("the service", lambda: service.settled(nodes, WEBS), 60)
