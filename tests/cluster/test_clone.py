"""A copied state-dir is started beside the first: both say so, with both addresses,
and the first one stays."""
import subprocess

import pytest

import service
from mesh import Missed, wait_until
from service import WEBS


@pytest.fixture
def three_and_a_copy():
    with service.hosts("copy", 4, 3) as w:
        nodes = w.nodes
        first, copy = nodes[2], nodes[3]
        first.stop()
        subprocess.run(["cp", "-a", first.state, copy.state], check=True)
        first.exits.clear()
        first.start()
        copy.write_config(name="n3")
        wait_until("one view", lambda: service.one_view(nodes[:3]), 60)
        # Of two that are nearly as old either may stay.
        wait_until("it is the older one",
                   lambda: first.status()["uptime_ms"] > 5000, 30)
        yield w, nodes[:3], copy


def says(node, addresses, words):
    for p in node.status()["problems"]:
        if p["text"].startswith("one identity in two places") and words in p["text"] \
                and all(a in p["text"] for a in addresses):
            return True
    raise Missed(str(node.status()["problems"]))


def test_the_first_one_stays(three_and_a_copy):
    _, nodes, copy = three_and_a_copy
    first = nodes[2]
    addresses = [first.address, copy.address]
    copy.start()
    wait_until("the copy says so", lambda: says(copy, addresses, "this one is refused"), 30)
    wait_until("the first says so", lambda: says(first, addresses, "came later"), 30)
    wait_until("one view", lambda: service.one_view(nodes), 60)
    for n in nodes:
        at = [m["address"] for m in n.ask("members") if m["name"] == "n3"]
        assert [a.rsplit(":", 1)[0] for a in at] == [first.address]
    wait_until("the service", lambda: service.settled(nodes, WEBS), 60)
    assert copy.running() == {}
