"""Readiness and liveness by HTTP: what the engine asks, what `mesh ps` tells of it on
each host, and that what is not alive is started again, with the reason in `mesh events`."""
import json
import os

import service
import work
from mesh import Missed, run, wait_until, write

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


# Of the second host: on a bridge, where its port is not the host's.
BRIDGE = "bridged-network: {bridge: br7, network: 10.78.0.0/24, default-gateway: 10.78.0.1}\n"
ONE = """{% for id, instance in pairs(instances) %}
{{ yaml(id) }}:
  image: {{ yaml(instance.image) }}
  config: /config/work.yaml
{% if node.name == "n2" %}
  ip-addresses: [10.78.0.5]
{% end %}
{% end %}
"""


def on_a_bridge(world, node):
    inside = ["nsenter", f"--net=/run/netns/{node.netns}", "ip"]
    for words in ("link add br7 type bridge", "addr add 10.78.0.1/24 dev br7", "link set br7 up"):
        run(*inside, *words.split())
    write(os.path.join(node.etc, "lithos-configs/sandboxes/work.yaml"),
          service.SANDBOX.format(role="work", images=world.images) + "allow-tcp-ports: [8080]\n" + BRIDGE)
    for n in world.nodes:  # templates are the same on all hosts
        write(os.path.join(n.etc, "templates/work/processes.yaml.tmpl"), ONE)


def is_so(nodes, instance="work.n1", **want):
    for n in nodes:
        row = next((r for r in n.ps() if r["instance"] == instance), {})
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
        on_a_bridge(w, w.nodes[1])
        work.roll_out(w, "v1")
        wait_until("healthy on a bridge", lambda: is_so(w.nodes, "work.n2", state="running", health="healthy"), 60)
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
