"""mesh stop, start, restart: one instance of a host, by whom the host trusts; and
mesh exec from a host that has not the instance."""
import service
import work
from mesh import Missed, wait_until


def row(node, instance):
    return next(r for r in node.ps() if r["instance"] == instance)


def is_held(nodes, instance):
    for n in nodes:
        r = row(n, instance)
        if (r["state"], r["pid"], r["error"]) != ("held", 0, f"stopped by uid 0, until: mesh start {instance}"):
            raise Missed(f"{n.name}: {r}")
        if not any(p["text"].startswith(f"{instance} on n1 is held: ") and p["hint"] == f"mesh start {instance}"
                   for p in n.status()["problems"]):
            raise Missed(f"{n.name}: {n.status()['problems']}")
    return True


def says(node, code, text, *words):
    p = node.mesh(*words)
    assert (p.returncode, text in p.stdout + p.stderr) == (code, True), p


def test_held_down_until_started():
    with service.hosts("hold", 2, webs=0) as w:
        n1, n2 = w.nodes
        work.install(w)
        work.roll_out(w, "v1")
        wait_until("v1 runs", lambda: work.all_run(w.nodes, "v1"), 60)
        here = n1.running()["work.n1"]

        # Its own host decides.
        for verb in ("stop", "start", "restart"):
            says(n2, 1, f"{verb}: work.n1 is on node n1: run it there", verb, "work.n1")
            says(n1, 1, f"{verb}: no instance work.n7 is known", verb, "work.n7")
        says(n2, 125, "exec: work.n1 is on node n1: run mesh exec there, as root", "exec", "work.n1", "--", "true")
        says(n1, 125, "its sandbox does not allow it", "exec", "work.n1", "--", "true")
        says(n1, 1, "start: work.n1 is not held down", "start", "work.n1")

        # Started again, once.
        says(n1, 0, "work.n1 is being restarted", "restart", "work.n1")
        wait_until("another process", lambda: n1.running().get("work.n1", here) != here
                   and work.all_run(w.nodes, "v1"), 20)
        assert work.starts(n1, n1) == ["v1", "v1"]

        # Down, and told everywhere; said twice it is as once.
        says(n1, 0, "held down until: mesh start work.n1", "stop", "work.n1")
        wait_until("held", lambda: is_held(w.nodes, "work.n1"), 20)
        says(n1, 0, "work.n1 is stopped; held", "stop", "work.n1")
        says(n1, 1, "restart: work.n1 is held down", "restart", "work.n1")
        assert row(n2, "work.n2")["state"] == "running"

        # Neither a new engine nor a new daemon brings it back.
        n1.kill("meshd-engine")
        wait_until("held", lambda: is_held(w.nodes, "work.n1"), 30)
        n1.stop()
        n1.start()
        wait_until("held", lambda: is_held(w.nodes, "work.n1"), 40)
        assert work.starts(n1, n1) == ["v1", "v1"]

        says(n1, 0, "work.n1 is being started", "start", "work.n1")
        wait_until("it runs", lambda: work.all_run(w.nodes, "v1"), 40)
        assert work.starts(n1, n1) == ["v1"] * 3
        assert not [p for p in n1.status()["problems"] if "held" in p["text"]]
