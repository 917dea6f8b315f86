"""`mesh recover --lost NAMES`: the majority is gone for good, and an operator says so: who
is left leads and does all the work, and who returns hears that it was given up."""
import os
import re

import pytest

import service
from mesh import Missed, wait_until
from service import WEBS


@pytest.fixture
def three():
    with service.hosts("recover", 3, profile="local") as w:
        yield w


def refused(node, args, code, text):
    p = node.mesh("recover", *args)
    assert p.returncode == code and text in p.stderr, (p.returncode, p.stdout, p.stderr)


def says_what(node, lost):
    """What it would give up; Missed while somebody is not known to be dead yet."""
    p = node.mesh("recover", "--lost", lost)
    if p.returncode != 1 or "Nothing was done" not in p.stdout:
        raise Missed(f"{p.returncode}: {p.stdout}{p.stderr}")
    return p.stdout


def is_out(node):
    problems = [p["text"] for p in node.status()["problems"]]
    if not any(p.startswith("evicted: this node is out of the cluster") for p in problems):
        raise Missed(str(problems))
    return True


def led_by(node):
    side = node.status()["side"]
    if side["leader"] != node.name or side["grade"] != "full" or side["known"] != 1:
        raise Missed(str(side))
    return True


def test_one_of_three_goes_on(three):
    one, two, third = three.nodes
    refused(one, ["--lost", "n2"], 1, "recover: n2 is alive, as far as this node knows")
    refused(one, ["--lost", "n9"], 1, "recover: no node 'n9' is known")
    refused(one, ["--lost", ",".join(["n" * 63] * 64)], 1, f"recover: no node '{'n' * 63}' is known")
    refused(one, [], 64, "recover: missing --lost NAMES")
    refused(one, ["--lost", "n2,"], 64, "--lost: 'n2,' is not names joined by commas")
    two.kill_host()
    wait_until("n2 is dead", lambda: "there is a majority" in
               one.mesh("recover", "--lost", "n2").stderr, 40)
    third.kill_host()
    wait_until("one is not named", lambda: "recover: n3 is not alive, and not named" in
               one.mesh("recover", "--lost", "n2").stderr, 60)
    text, _ = wait_until("it says what", lambda: says_what(one, "n2,n3"), 60)
    assert "This gives up, for good: n2, n3." in text and "Who goes on: n1" in text
    assert one.status()["side"]["grade"] == "none"
    said = one.ask("recover", "--lost", "n2,n3", "--yes")
    assert said["done"] and [x["name"] for x in said["lost"]] == ["n2", "n3"]
    wait_until("it leads alone", lambda: led_by(one), 20)
    wait_until("all work is here", lambda: service.settled([one], WEBS), 60)
    for node in (two, third):
        node.exits.clear()
        node.start()
    for node in (two, third):
        wait_until("it hears that it was given up", lambda node=node: is_out(node), 40)
    assert led_by(one)
    assert one.mesh("events").stdout.count("by order of an operator") == 1
    refused(one, ["--lost", "n3"], 1, "recover: n3 has no vote: it can't be missed")
    # Over a restart of all.
    for node in three.nodes:
        node.kill("meshd")
    wait_until("it leads", lambda: led_by(one), 40)
    for node in (two, third):
        wait_until("it still knows", lambda node=node: is_out(node), 40)


def test_with_a_ca_that_signs():
    with service.certified("recoverca", 3, profile="local") as w:
        one, two, third = w.nodes
        service.let_in(two, w.nodes[:2])
        service.let_in(third, w.nodes)
        one.kill_host()
        two.kill_host()
        wait_until("it says what", lambda: says_what(third, "n1,n2"), 60)
        # Its own state has no ca.key; the copy that somebody kept does.
        refused(third, ["--lost", "n1,n2", "--yes"], 6, "ca.key")
        key = os.path.join(one.state, "ca.key")
        p = third.mesh("recover", "--lost", "n1,n2", "--yes", "--ca-key", key)
        assert p.returncode == 0 and "given up: n1, n2" in p.stdout, p.stderr
        wait_until("it leads alone", lambda: led_by(third), 20)
        two.exits.clear()
        two.start()
        wait_until("it hears that it was given up", lambda: is_out(two), 40)
        assert led_by(third)


def test_an_operator_may_be_wrong():
    """They were only cut off: what both sides do meanwhile, and what is said when they meet."""
    with service.hosts("recoverwrong", 3, webs=0, profile="local") as w:
        one, two, third = w.nodes
        w.cut([one])
        wait_until("one is suspected", lambda: "is suspected, and not known to be dead yet\nhint: again in "
                   "some seconds" in one.mesh("recover", "--lost", "n2,n3").stderr, 20)
        text, _ = wait_until("it says what", lambda: says_what(one, "n2,n3"), 60)
        assert "Alive, they go on with a\nleader of their own" in text
        assert "each has to join anew" in text
        one.ask("recover", "--lost", "n2,n3", "--yes")
        wait_until("it leads alone", lambda: led_by(one), 20)
        assert two.status()["side"]["grade"] == "full" and two.leader() in ("n2", "n3")
        w.mend([one])
        for node in (two, third):
            wait_until("it hears that it was given up", lambda node=node: is_out(node), 40)
        assert led_by(one)
        assert {m["name"]: m["state"] for m in one.ask("members")} == {
            "n1": "alive", "n2": "evicted", "n3": "evicted"}
        assert "given up by a mesh recover" in two.mesh("status").stdout
        assert re.search(r" n1 +it gave up all who were dead", two.mesh("events").stdout)
