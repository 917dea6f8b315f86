"""metrics_query - how long one question of QUERY_N (100) real daemons takes, all on this
machine: `name value unit`, a line each (promised.py).

It is `sum by (role) (rate(x_total[1m]))`, where a container of role feeder on each host
tells QUERY_SERIES (100) counters called x, all of which grow (feeder.c).

  query.p50, .p99   the time the node that was asked took, of QUERY_TRIALS (300) questions:
                    all nodes asked over encrypted streams, each evaluates its part, the
                    asker merges them (what is not small: a copy of the engine does)
  query.first       the very first one: what no node has asked before is parsed in a copy,
                    and no connection is open yet
  query.missing     nodes named as missing, of all that were asked
  query.rtt         a word's way to a node and back, as `mesh rtt` has it
  query.cpu         CPU of all daemons together for one question, ms: what these few
                    cores do in turn, QUERY_N hosts do at once
  query.asker       of that the node's that was asked; query.part: another node's, on average

Needs root.  With QUERY_N daemons on one machine p99 is no less than query.cpu divided by
its cores; `query.floor` says that.  QUERY_N=20 QUERY_SERIES=500: as many samples of fewer.
"""
import importlib.util
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "cluster"), HERE]
import images  # noqa: E402
import service  # noqa: E402
from cluster import log  # noqa: E402
from mesh import BUILD, Missed, ROOT, World, copy_tree, wait_until, write  # noqa: E402
from promised import missed, put, say  # noqa: E402

QUERY_N = int(os.environ.get("QUERY_N", "100"))
TRIALS = int(os.environ.get("QUERY_TRIALS", "300"))
SETTLE_S = float(os.environ.get("SETTLE_S", "60"))
SERIES_N = int(os.environ.get("QUERY_SERIES", "100"))
SERIES = "x_total"
EXPR = f"sum by (role) (rate({SERIES}[1m]))"
ROLE = "feeder"
FILE = f"""kind: Daemon
user-id: 1000
group-id: 1000
executable: /bin/feeder
arguments: ["{SERIES_N}"]
memory-limit: 16Mi
pids-limit: 16
"""
MAIN = """local feeder = mesh.role("feeder", {
  version = "v1", image = "feeder-v1", place = mesh.place.every(),
})
return mesh.scheduler {feeder}
"""


def bench_mesh():
    """tests/bench/mesh.py, whose name is that of the cluster's."""
    spec = importlib.util.spec_from_file_location("bench_mesh", os.path.join(HERE, "mesh.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def feed(world):
    """Something that tells x, for each host."""
    root = images.empty(world.images, "feeder-v1")
    images.copy(os.path.join(BUILD, "bench", "feeder"), root, "/bin/feeder")
    write(os.path.join(root, "config/feeder.yaml"), FILE)
    for node in world.nodes:
        templates = os.path.join(node.etc, "templates")
        copy_tree(os.path.join(ROOT, "templates"), templates)
        write(os.path.join(templates, ROLE, "render.yaml"), "processes: processes.yaml.tmpl\n")
        write(os.path.join(node.etc, "lithos-configs/sandboxes", ROLE + ".yaml"),
              service.SANDBOX.format(role=ROLE, images=world.images))
    service.set_script(world.nodes, MAIN)


def fed(node):
    said = ask(node, f"count({SERIES})")["series"]
    got = float(said[0]["points"][0][1]) if said else 0
    if got != QUERY_N * SERIES_N:
        raise Missed(f"{got:g} series of {SERIES}")
    return True


def engines(nodes):
    return [n.pids("meshd-engine")[0] for n in nodes]


def cpu_of(pids):
    """With that of the copies, which each has reaped."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            row = f.read().rsplit(")", 1)[1].split()
        total += sum(map(int, row[11:15])) / os.sysconf("SC_CLK_TCK")
    return total


def ask(node, expr):
    p = node.mesh("metrics", expr, "--json")
    if p.returncode != 0:
        raise RuntimeError(p.stderr)
    return json.loads(p.stdout)


def at(samples, part):
    return sorted(samples)[min(len(samples) - 1, int(len(samples) * part))]


def measure(world):
    node, took, missing = world.nodes[0], [], 0
    pids = engines(world.nodes)
    before, own, start = cpu_of(pids), cpu_of(pids[:1]), time.monotonic()
    time.sleep(10)
    wall = time.monotonic() - start
    idle, own_idle = (cpu_of(pids) - before) / wall, (cpu_of(pids[:1]) - own) / wall
    put("query.first", ask(node, EXPR)["took_ms"], "ms")
    before, own, start = cpu_of(pids), cpu_of(pids[:1]), time.monotonic()
    for _ in range(TRIALS):
        said = ask(node, EXPR)
        took.append(said["took_ms"])
        missing += len(said["missing"])
    wall = time.monotonic() - start
    cpu = (cpu_of(pids) - before - idle * wall) / TRIALS * 1000
    own = (cpu_of(pids[:1]) - own - own_idle * wall) / TRIALS * 1000
    assert [s["labels"] for s in said["series"]] == [{"role": ROLE}], said
    assert float(said["series"][0]["points"][0][1]) > 0, said
    put("query.series", SERIES_N, "a node")
    say("query.p50", at(took, 0.5), "ms")
    say("query.p99", at(took, 0.99), "ms")
    put("query.missing", missing, f"of {TRIALS * QUERY_N}")
    put("query.cpu", cpu, "ms, all daemons")
    put("query.asker", own, "ms, of that the asker's")
    put("query.part", (cpu - own) / max(1, QUERY_N - 1), "ms, of that each other's")
    put("query.floor", cpu / os.cpu_count(), f"ms, by {os.cpu_count()} cores")
    rtts = [r["rtt_ms"] for r in node.ask("rtt") if r["rtt_ms"] is not None and r["rtt_ms"] >= 0]
    put("query.rtt", at(rtts, 0.5) if rtts else 0, "ms")


def main():
    bench = bench_mesh()
    world = World(f"mesh-q{os.getpid()}")
    try:
        bench.ours(world, QUERY_N)
        feed(world)
        bench.start_all(world.nodes)
        bench.all_see_all(world.nodes, 300)
        wait_until("a leader", world.nodes[0].leader, 60, 0.2)
        wait_until("all are fed", lambda: fed(world.nodes[0]), 120, 1)
        log(f"{QUERY_N} nodes are one; the load of their start sinks for {SETTLE_S:g} s")
        time.sleep(SETTLE_S)
        measure(world)
    finally:
        world.close()
    return missed()


if __name__ == "__main__":
    sys.exit(main())
