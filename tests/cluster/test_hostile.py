"""Scripts that mean no good, one after another, in a real mesh: each error is told, and of
the gossip meanwhile nothing is missed.  What is counted is what happened, not how long it
took: nobody suspected, nobody elected, no datagram that was dropped or had no room.

HOSTILE=all runs every script of tests/shared/hostile.py: two minutes instead of half of one."""
import os
import sys

import service
from mesh import Missed, wait_until

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "shared"))
import hostile  # noqa: E402

CPU_MS = hostile.SOON_MS
# A heap that is full costs more time than a loop: of one of these the clock may end it first.
# What may be told meanwhile: of scripts and schedules, not of nodes.
QUIET = ("scheduler", "config", "issued", "applied", "started", "ended", "refused")
EITHER = (hostile.MEMORY % 64, hostile.TIME % CPU_MS)


def said(node):
    """What may not change while scripts misbehave.  (Two that had not spoken yet are unknown to each other until they
    are greeted: gossip/pair.h.)"""
    c = node.ask("debug", "show")["counters"]
    dropped = {why: n for why, n in c["dropped"].items() if why != "unknown"}
    return {"term": node.ask("leader")["term"], "dropped": dropped, "no_room": c["no_room"],
            "tx_failed": c["tx_failed"]}


def beats(node, what):
    """Of all nodes together, as far as they have counted."""
    rows = node.ask("metrics", f"sum(mesh_packets_{what}_total{{kind='BEAT'}})")["series"]
    return rows[0]["points"][-1][1] if rows else 0


def told_of_nodes(node, since_ms):
    """Events since then that are of nodes, not of scripts and schedules."""
    return [e for e in node.events() if e["at_ms"] > since_ms and e["kind"] not in QUIET]


def run_one(nodes, leader, name, body, want):
    was = leader.status()
    for path, text in hostile.tree(body).items():
        for n in nodes:
            service.write(os.path.join(n.etc, "scheduler-scripts", path), text)
    # On a busy machine the clock may end whatever takes a while.
    wants = EITHER if want in EITHER else (want, EITHER[1])
    seen = {}

    def told():
        said_now = leader.status()
        error, rounds = said_now["scheduler"].get("error") or "", said_now["scheduler"]["round"]
        if said_now["config"]["hash"] == was["config"]["hash"]:
            seen["rounds"] = rounds  # still of the script before
        if said_now["config"]["hash"] == was["config"]["hash"] or rounds <= seen.get("rounds", was["scheduler"]["round"]) or \
                not error.startswith(wants):
            raise Missed(f"{name}: {error}")
        return True
    wait_until(f"{name}: {want}", told, 30)


def test_hostile_scripts_cost_no_beat():
    rows = hostile.HOSTILE if os.environ.get("HOSTILE") == "all" else hostile.KNOWN
    with service.hosts("hostile", 3, limits={"script-cpu": f"{CPU_MS}ms", "script-wall": "60s"}) as w:
        names = {n.name: n for n in w.nodes}
        leader = names[w.nodes[0].leader()]
        before, running = [said(n) for n in w.nodes], [n.running() for n in w.nodes]
        begun = {n.name: max(e["at_ms"] for e in n.events()) for n in w.nodes}
        for name, body, error in rows:
            if error is None:
                continue
            want = hostile.expected(error)
            run_one(w.nodes, leader, name, body, want)
        after = [said(n) for n in w.nodes]
        assert after == before
        assert [told_of_nodes(n, begun[n.name]) for n in w.nodes] == [[], [], []]
        assert [n.running() for n in w.nodes] == running
        sent = beats(leader, "sent")
        assert sent > 0
        wait_until("every beat has arrived", lambda: beats(leader, "received") >= sent, 20)
        assert {n.leader() for n in w.nodes} == {leader.name}
        service.set_script(w.nodes, service.read(os.path.join(service.EXAMPLE, "main.lua")))
        wait_until("a good script is taken again", lambda: leader.status()["scheduler"]["ok"], 30)
