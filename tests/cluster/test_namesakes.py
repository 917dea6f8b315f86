"""Two nodes of one name: whoever names one of them is asked which, and may say it by the
id; what follows an engine's life follows the next one too."""
import json
import os
import subprocess

import pytest

import nets
from mesh import BUILD, Missed, wait_until


@pytest.fixture(scope="module")
def four():
    with nets.made(4) as net:
        yield net


def row(node, **what):
    found = [m for m in node.ask("members") if all(m[k] == v for k, v in what.items())]
    if len(found) != 1:
        raise Missed(f"{node.name}: {what}: {found}")
    return found[0]


def refused(node, *verb):
    p = node.mesh(*verb)
    assert p.returncode == 1 and "is more than one node" in p.stderr, (verb, p.stdout, p.stderr)
    return p.stderr


def leads(asked, who):
    """A node that came a moment ago may not take the lead yet."""
    p = asked.mesh("leader", "--to", who)
    if p.returncode != 0:
        assert "does not lead" in p.stderr or "can't lead" in p.stderr, p.stderr
        raise Missed(p.stderr)
    assert p.stdout.startswith("n3 leads"), p.stdout
    return True


def test_one_name_twice(four):
    n1, n2, n3, n4 = four.nodes
    n4.stop()
    n4.write_config(name="n3")
    n4.exits.clear()
    n4.start()
    wait_until("both are there", lambda: n1.alive() == ["n1", "n2", "n3", "n3"] or None, 40)
    ids = {n: wait_until("its id", lambda n=n: row(n1, address=n.at()), 20)[0]["id"] for n in (n3, n4)}
    wait_until("both vote", lambda: row(n1, id=ids[n4])["in_roster"] or None, 20)
    for verb in (["leader", "--to", "n3"], ["rtt", "n3"], ["rtt", "n3", "n1"], ["facts", "n3"]):
        said = refused(n1, *verb)
        assert all(i[:16] in said for i in ids.values()), said
    for node in (n4, n3):
        for who in (ids[node], ids[node][:8]):
            wait_until("it takes the lead", lambda who=who: leads(n2, who), 20)
            wait_until("it leads", lambda node=node: n1.ask("leader")["id"] == ids[node] or None, 20)
        assert n1.mesh("rtt", ids[node][:8]).returncode == 0
        assert n1.mesh("facts", ids[node][:8]).returncode == 0
    # One is down: it is the one to pass over, and the other one to lead or to ask.
    n4.kill_host()
    wait_until("it is dead", lambda: row(n1, id=ids[n4])["state"] == "failed" or None, 60)
    assert n1.mesh("facts", "n3").returncode == 0
    wait_until("the other takes the lead", lambda: leads(n1, "n3"), 20)
    wait_until("a change begins", lambda: n1.mesh("keys", "rotate").returncode == 0, 20)
    wait_until("on without it, by its id", lambda: n1.mesh(
        "keys", "rotate", "--force", ids[n4][:8]).returncode == 0, 20)
    # Both are down: which?
    n3.kill_host()
    wait_until("both are dead", lambda: row(n1, id=ids[n3])["state"] == "failed" or None, 60)
    said = refused(n1, "keys", "rotate", "--force", "n3")
    assert all(i[:16] in said for i in ids.values()), said


def test_events_go_on(four):
    n1 = four.nodes[0]
    p = subprocess.Popen([os.path.join(BUILD, "mesh"), "--socket", n1.socket, "events", "-f", "--json"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        def until_started():
            for line in p.stdout:
                if json.loads(line)["kind"] == "started":
                    return
            raise AssertionError(f"it ended: {p.wait(10)}: {p.stderr.read()}")
        until_started()
        for _ in range(2):
            n1.kill("meshd-engine")
            until_started()
    finally:
        p.kill()
        p.wait(10)
