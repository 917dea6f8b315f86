"""Rounds that can't be written, as on a full disk: it is said, and no round is the worse."""
import os

import service
import singleton
from mesh import wait_until
from test_rounds import ROLE, runs


def test_rounds_that_cannot_be_written_hurt_no_round():
    w = singleton.made("narrow", 1, main=ROLE % (2, 2), limits={
        "script-cpu": "2s", "script-wall": "60s", "rounds-disk": "1k"})
    node = w.nodes[0]
    wait_until("two run", lambda: runs(node, 2), 40)
    wait_until("it is told", lambda: [p for p in node.status()["problems"] if
               "rounds are not recorded on n1: a round takes" in p["text"]], 20)
    assert node.status()["scheduler"]["ok"]
    assert not os.listdir(os.path.join(node.state, "rounds"))
    service.set_script(w.nodes, ROLE % (3, 3))
    wait_until("three run", lambda: runs(node, 3), 40)
    w.close()
