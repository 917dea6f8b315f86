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
EITHER = (hostile.MEMORY % 64, hostile.TIME % CPU_MS)


def said(node):
    """What may not change while scripts misbehave."""
    debug = node.ask("debug", "show")
    dropped = {k: v for k, v in sorted((debug.get("dropped") or {}).items())}
    term = node.ask("leader")["term"]
    events = [e for e in node.ask("events", "-n", "1000") if e["kind"] in ("suspect", "failed", "elected", "alive")]
    return {"term": term, "dropped": dropped, "events": events}


def beats(node):
    """Of the leader: how many datagrams it has sent, by kind."""
    for row in node.ask("metrics", "mesh_packets_sent_total{kind='beat'}").get("series", []):
        return row["value"]
    return 0


def run_one(nodes, leader, name, body, want):
    for path, text in hostile.tree(body).items():
        for n in nodes:
            service.write(os.path.join(n.etc, "scheduler-scripts", path), text)
    wants = EITHER if want in EITHER else (want,)

    def told():
        error = leader.status()["scheduler"].get("error") or ""
        if not error.startswith(wants):
            raise Missed(f"{name}: {error}")
        return True
    wait_until(f"{name}: {want}", told, 30)


def test_hostile_scripts_cost_no_beat():
    rows = hostile.HOSTILE if os.environ.get("HOSTILE") == "all" else hostile.KNOWN
    # The next one must differ from what is there, or nothing tells that it ran.
    with service.hosts("hostile", 3, limits={"script-cpu": f"{CPU_MS}ms", "script-wall": "60s"}) as w:
        leader = service.leader(w.nodes)
        before, running = [said(n) for n in w.nodes], [n.running() for n in w.nodes]
        for name, body, error in rows:
            if error is None:
                continue
            want = hostile.expected(error)
            run_one(w.nodes, leader, name, body, want)
        after = [said(n) for n in w.nodes]
        assert after == before
        assert [n.running() for n in w.nodes] == running
        assert service.leader(w.nodes) is leader
        service.set_script(w.nodes, w.scripts if hasattr(w, "scripts") else service.read(
            os.path.join(service.EXAMPLE, "main.lua")))
        wait_until("a good script is taken again", lambda: leader.status()["scheduler"]["ok"], 30)
