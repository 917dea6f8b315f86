"""Readiness and liveness by HTTP: what the engine asks, what `mesh ps` tells of it on
each host, and that what is not alive is started again, with the reason in `mesh events`."""
import json
import os

import service
import work
from mesh import Missed, wait_until, write

# What is asked for are files of the application's own /tmp.
SERVER = """kind: Daemon
user-id: 1000
group-id: 1000
executable: /bin/busybox
arguments: [sh, -c, "echo started v1; echo >/tmp/ready; echo >/tmp/live; exec /bin/busybox httpd -f -p 8080 -h /tmp"]
restart-timeout: 100ms
kill-timeout: 1s
health:
  readiness: {http: {port: 8080, path: /ready}, interval: 100ms}
  liveness: {http: {port: 8080, path: /live}, interval: 100ms, failures: 2, start-period: 0s}
"""


def is_so(nodes, **want):
    for n in nodes:
        row = next((r for r in n.ps() if r["instance"] == "work.n1"), {})
        if any(row.get(k) != v for k, v in want.items()):
            raise Missed(f"{n.name}: {row}")
    return True


def test_what_the_engine_asks():
    with service.hosts("well", 2, webs=0) as w:
        n1 = w.nodes[0]
        work.install(w, ["v1"])
        write(os.path.join(w.images, "work-v1/config/work.yaml"), SERVER)
        for n in w.nodes:
            sandbox = os.path.join(n.etc, "lithos-configs/sandboxes/work.yaml")
            write(sandbox, service.SANDBOX.format(role="work", images=w.images) + "allow-tcp-ports: [8080]\n")
        work.roll_out(w, "v1")
        wait_until("healthy", lambda: is_so(w.nodes, state="running", health="healthy"), 60)
        pid = n1.running()["work.n1"]

        def tmp(name, there):
            path = f"/proc/{n1.running()['work.n1']}/root/tmp/{name}"
            if there:
                write(path, "")
                os.chmod(path, 0o644)
            else:
                os.unlink(path)

        # Not ready: everybody knows, nothing is restarted.
        tmp("ready", False)
        wait_until("not ready", lambda: is_so(w.nodes, state="running", health="unhealthy", restarts=0, pid=pid), 20)
        tmp("ready", True)
        wait_until("ready", lambda: is_so(w.nodes, state="running", health="healthy", restarts=0, pid=pid), 20)

        # Not alive: another run, which is well again.
        tmp("live", False)
        wait_until("again", lambda: is_so(w.nodes, state="running", health="healthy", restarts=1), 20)
        assert n1.running()["work.n1"] != pid
        assert work.starts(n1) == ["v1", "v1"]
        events = [json.loads(line) for line in n1.mesh("events", "--json").stdout.splitlines()]
        said = [e for e in events if e["kind"] == "ended"]
        assert [(e["subject"], e["text"]) for e in said] == [
            ("work.n1", "liveness failed 2 times in a row, ended: GET /live on port 8080")]
