"""metrics_query - how long one question of QUERY_N (100) real daemons takes, all on this
machine: `name value unit`, a line each (promised.py).

  query.p50, .p99   the time the node that was asked took: all nodes asked over encrypted
                    streams, a copy of each engine evaluates its part, a copy of the
                    asker's merges them (what is small they do themselves).  About 100 series of each
  query.missing     nodes named as missing, of all that were asked
  query.rtt         a word's way to a node and back, as `mesh rtt` has it
  query.cpu         CPU of all daemons together for one question, ms: what these few
                    cores do in turn, QUERY_N hosts do at once

Needs root.  With QUERY_N daemons on one machine p99 is no less than query.cpu divided by
its cores; `query.floor` says that.
"""
import importlib.util
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "cluster"), HERE]
from cluster import log  # noqa: E402
from mesh import World, wait_until  # noqa: E402
from promised import missed, put, say  # noqa: E402

QUERY_N = int(os.environ.get("QUERY_N", "100"))
TRIALS = int(os.environ.get("QUERY_TRIALS", "50"))
SETTLE_S = float(os.environ.get("SETTLE_S", "60"))
# As `sum by (role) (rate(x[1m]))` costs, of about as many series as its x is to have: no one
# metric of a bare daemon has that many, and rate() would drop the names that tell these apart.
SERIES = '{job="mesh"}'
EXPR = f"sum by (job) (last_over_time({SERIES}[1m]))"


def bench_mesh():
    """tests/bench/mesh.py, whose name is that of the cluster's."""
    spec = importlib.util.spec_from_file_location("bench_mesh", os.path.join(HERE, "mesh.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
    node = world.nodes[0]
    series = ask(node, f"count({SERIES})")["series"][0]["points"][0][1]
    put("query.series", series / QUERY_N, "a node")
    took, missing = [], 0
    pids = engines(world.nodes)
    before, start = cpu_of(pids), time.monotonic()
    time.sleep(10)
    idle = (cpu_of(pids) - before) / (time.monotonic() - start)
    before, start = cpu_of(pids), time.monotonic()
    for _ in range(TRIALS):
        said = ask(node, EXPR)
        took.append(said["took_ms"])
        missing += len(said["missing"])
    wall = time.monotonic() - start
    cpu = (cpu_of(pids) - before - idle * wall) / TRIALS * 1000
    say("query.p50", at(took, 0.5), "ms")
    say("query.p99", at(took, 0.99), "ms")
    put("query.missing", missing, f"of {TRIALS * QUERY_N}")
    put("query.cpu", cpu, "ms, all daemons")
    put("query.floor", cpu / os.cpu_count(), f"ms, by {os.cpu_count()} cores")
    rtts = [r["rtt_ms"] for r in node.ask("rtt") if r["rtt_ms"] is not None and r["rtt_ms"] >= 0]
    put("query.rtt", at(rtts, 0.5) if rtts else 0, "ms")


def main():
    bench = bench_mesh()
    world = World(f"mesh-q{os.getpid()}")
    try:
        bench.ours(world, QUERY_N)
        bench.start_all(world.nodes)
        bench.all_see_all(world.nodes, 300)
        wait_until("a leader", world.nodes[0].leader, 60, 0.2)
        log(f"{QUERY_N} nodes are one; the load of their start sinks for {SETTLE_S:g} s")
        time.sleep(SETTLE_S)
        measure(world)
    finally:
        world.close()
    return missed()


if __name__ == "__main__":
    sys.exit(main())
