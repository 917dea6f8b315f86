"""`mesh evict`: everybody refuses the node from then on, what it ran is placed
elsewhere, and the node itself, once it hears of it, stops; over restarts of all."""
import pytest

import service
from mesh import Missed, wait_until
from service import WEBS


@pytest.fixture
def four():
    with service.hosts("four", 4) as w:
        yield w


def state_of(node, name):
    return next((m["state"] for m in node.ask("members") if m["name"] == name), None)


def is_out(node):
    problems = [p["text"] for p in node.status()["problems"]]
    if not any(p.startswith("evicted: this node is out of the cluster") for p in problems):
        raise Missed(str(problems))
    return node.mesh("status").returncode >= 1


def told_only_that(node):
    """What it would be told else is false: nobody answers who is out, and all live."""
    wait_until("it hears nobody", lambda: state_of(node, "n1") == "failed", 40)
    said = [p["text"] for p in node.status()["problems"]]
    assert not [t for t in said if "is failed" in t or "alive by the word" in t], said
    for verb in (["init"], ["join", "10.9.9.9:7780"]):
        p = node.mesh(*verb)
        assert p.returncode == 1, p.stdout
        assert f"{verb[0]}: evicted: this node is out of the cluster for good" in p.stderr
        assert "move state-dir aside" in p.stderr, p.stderr
    roster = node.mesh("roster").stdout
    assert "as of when this node was a member" in roster, roster


def idle(node):
    running = node.running()
    if running:
        raise Missed(f"{node.name} still runs {running}")
    return True


def refused(node, who, code, text):
    p = node.mesh("evict", *who)
    assert p.returncode == code and text in p.stderr, p.stderr


def test_a_node_is_put_out(four):
    nodes = four.nodes
    out, rest = nodes[2], [n for n in nodes if n is not nodes[2]]
    refused(nodes[0], ["n1"], 1, "evict: n1 is this node: it can't put itself out")
    refused(nodes[0], ["n9"], 1, "evict: no node 'n9' is known")
    refused(nodes[0], ["N 9"], 64, "is not a name")
    refused(nodes[0], [], 64, "evict: missing NODE")
    # By the first digits of its id, on a node that need not lead.
    digits = next(m["id"] for m in nodes[3].ask("members") if m["name"] == "n3")[:12]
    p = nodes[3].mesh("evict", digits)
    assert p.returncode == 0 and p.stdout.startswith("evicted n3 ("), p.stderr
    wait_until("the others are one, without it", lambda: service.one_view(rest), 40)
    wait_until("it says so itself", lambda: is_out(out), 20)
    wait_until("it runs nothing", lambda: idle(out), 40)
    wait_until("its work is elsewhere", lambda: service.settled(rest, WEBS), 40)
    assert all(state_of(n, "n3") == "evicted" for n in rest)
    # Nor after a restart of it, of the one who said so, and of all others.
    for n in nodes:
        n.kill("meshd")
    wait_until("the others are one again", lambda: service.one_view(rest), 60)
    wait_until("it still knows", lambda: is_out(out), 30)
    told_only_that(out)
    wait_until("it runs nothing", lambda: idle(out), 20)
    assert state_of(nodes[0], "n3") in (None, "evicted")


def test_who_must_stay(four):
    nodes = four.nodes
    for n in nodes[2:]:
        n.kill_host()
    wait_until("two are gone", lambda: state_of(nodes[0], "n3") ==
               state_of(nodes[0], "n4") == "failed", 60)
    refused(nodes[0], ["n2"], 1, "those who are alive are no majority of the roster")
    assert state_of(nodes[0], "n2") == "alive"
