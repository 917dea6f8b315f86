"""What is measured of real containers, asked with `mesh metrics` on another host: their own
figures, named as cAdvisor names them, which end when they do."""
import json
import os
import signal

import service
import work
from mesh import Missed, init, read, wait_until, write

NOTHING = "return {schedule = function(input) return {roles = {}, nodes = {}} end}\n"
BUSY = """kind: Daemon
user-id: 1000
group-id: 1000
executable: /bin/busybox
arguments: [sh, -c, "while :; do i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; sleep 0.02; done"]
kill-timeout: 1s
memory-limit: 16Mi
pids-limit: 16
"""


def ask(node, expr):
    """{node of the series: (labels, value)}; of one series a node."""
    p = node.mesh("metrics", expr, "--json")
    if p.returncode != 0:
        raise Missed(p.stderr)
    said = json.loads(p.stdout)
    if said["missing"]:
        raise Missed(p.stdout)
    rows = {s["labels"]["node"]: (s["labels"], float(s["points"][-1][1])) for s in said["series"]}
    assert len(rows) == len(said["series"]), said
    return rows


def of_all(nodes, expr, good=lambda v: True):
    """From each host the figure of each: what that of one is, when all are good."""
    def told():
        for node in nodes:
            rows = ask(node, expr)
            if set(rows) != {n.name for n in nodes} or not all(good(v) for _, v in rows.values()):
                raise Missed(f"{node.name}: {expr}: {rows}")
        return rows
    return wait_until(expr, told, 60)[0]


def are_none(nodes, expr):
    for node in nodes:
        rows = ask(node, expr)
        if rows:
            raise Missed(f"{node.name}: {rows}")
    return True


def test_containers_are_measured(world):
    nodes = world.bridge(["n1", "n2"])
    work.install(world, ["v1"])
    write(os.path.join(world.images, "work-v1/config/work.yaml"), BUSY)
    work.roll_out(world, "v1")
    for n in nodes:
        n.start()
    init(nodes[0])
    wait_until("it runs", lambda: work.all_run(nodes, "v1"), 60)

    # Its own CPU, which goes on; its groups as the supervisor limited them.
    rows = of_all(nodes, 'rate(container_cpu_usage_seconds_total{role="work"}[20s])', lambda v: v > 0)
    for name, (labels, _) in rows.items():
        assert labels["name"] == labels["instance"] == f"work.{name}", labels
        assert labels["image"] == "work-v1" and labels["job"] == "cadvisor" and labels["cpu"] == "total", labels
        assert labels["id"].startswith(f"/{world.tag}-{name}/@work/work.{name}."), labels
    where = 'role="work",job="cadvisor"'
    of_all(nodes, f"container_spec_memory_limit_bytes{{{where}}}", lambda v: v == 16 << 20)
    of_all(nodes, f"container_threads_max{{{where}}}", lambda v: v == 16)
    of_all(nodes, f"container_memory_usage_bytes{{{where}}}", lambda v: 0 < v <= 16 << 20)
    of_all(nodes, f"container_memory_working_set_bytes{{{where}}}", lambda v: 0 < v <= 16 << 20)
    of_all(nodes, f"container_processes{{{where}}}", lambda v: v >= 2)
    of_all(nodes, f"time() - container_start_time_seconds{{{where}}}", lambda v: 0 <= v < 600)
    of_all(nodes, 'mesh_instance_up{role="work"}', lambda v: v == 1)
    of_all(nodes, 'mesh_instance_restarts_total{role="work"}', lambda v: v == 0)
    usage = ask(nodes[0], f"container_cpu_usage_seconds_total{{{where}}}")["n1"]
    stat = read(os.path.join(world.unified, usage[0]["id"].lstrip("/"), "cpu.stat"))
    assert usage[1] <= int(stat.split()[1]) / 1e6, (usage, stat)

    # And mesh itself: traffic, by kind too, and its seconds.
    of_all(nodes, 'rate(mesh_packets_total{direction="tx"}[20s])', lambda v: v > 0)
    of_all(nodes, 'mesh_packets_received_total{kind="PING"}', lambda v: v > 0)
    of_all(nodes, "mesh_metrics_ticks_total", lambda v: v > 5)
    of_all(nodes, "mesh_instances", lambda v: v == 1)
    of_all(nodes, "sum by (node) (mesh_leads)", lambda v: v in (0, 1))

    # It dies, and runs again: another group, and the old one's figures have ended.
    old = usage[0]["id"]
    os.kill(nodes[0].running("work")["work.n1"], signal.SIGKILL)
    wait_until("the next run", lambda: ask(nodes[1], 'mesh_instance_restarts_total{instance="work.n1"}')["n1"][1] == 1, 60)
    wait_until("its figures", lambda: ask(nodes[1], f'container_memory_usage_bytes{{{where},node="n1"}}')["n1"][0]["id"] != old, 60)

    # Nothing is to run any more: at once nothing is told, without waiting for five minutes.
    service.set_script(nodes, NOTHING)
    wait_until("no more of it", lambda: are_none(nodes, f"container_memory_usage_bytes{{{where}}}") and
               are_none(nodes, 'mesh_instance_up{role="work"}'), 90)
    # What it was can be asked for.
    rows = ask(nodes[1], f'max by (node) (max_over_time(container_memory_usage_bytes{{{where}}}[5m]))')
    assert set(rows) == {"n1", "n2"} and all(v > 0 for _, v in rows.values()), rows
