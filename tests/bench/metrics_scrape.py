"""metrics_scrape - `scrape.cpu`: what one scrape of /metrics costs, in ms of CPU of all our
processes that are at it (meshd-http and the engine), of a node with 20 containers: `name
value unit`, a line each (promised.py).  Beside it node_exporter (Debian's, all defaults),
scraped in turn in the same run; it has no containers, and about half as many series.

Each is scraped ten times a second for some seconds, TRIALS times; what its processes need
in as many seconds without is taken off.  Medians.

usage: metrics_scrape.py    (root)
"""
import http.client
import os
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "cluster"), HERE]
import service  # noqa: E402
from mesh import Missed, World, in_netns, init, wait_until  # noqa: E402
from promised import missed, put, say  # noqa: E402

COUNT, PER_S = 20, 10
TRIALS = int(os.environ.get("TRIALS", "5"))
SECONDS = float(os.environ.get("SCRAPE_S", "4"))
OURS, THEIRS = 7781, 19109
USER = "64783"


def cpu_s(pids):
    """CPU time of processes and all their threads, to the nanosecond."""
    total = 0
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
                total += int(f.read().split()[0])
    return total / 1e9


def scrape(port, accept=""):
    """(status, text): as Prometheus does, over one connection that stays."""
    c = scrape.open.setdefault(port, http.client.HTTPConnection("127.0.0.1", port, timeout=20))
    c.request("GET", "/metrics", headers={"Accept": accept} if accept else {})
    answer = c.getresponse()
    return answer.status, answer.read().decode()


scrape.open = {}


def spell(pids, port):
    """ms of CPU that a scrape costs these processes."""
    before, start = cpu_s(pids), time.monotonic()
    time.sleep(SECONDS)
    idle = (cpu_s(pids) - before) / (time.monotonic() - start)
    before, start = cpu_s(pids), time.monotonic()
    for i in range(int(SECONDS * PER_S)):
        time.sleep(max(0, start + i / PER_S - time.monotonic()))
        status, _ = scrape(port)
        assert status == 200, status
    time.sleep(1 / PER_S)
    wall = time.monotonic() - start
    return (cpu_s(pids) - before - idle * wall) / int(SECONDS * PER_S) * 1000


def exporter():
    name = shutil.which("prometheus-node-exporter")
    if name is None:
        return None
    return subprocess.Popen([name, f"--web.listen-address=127.0.0.1:{THEIRS}", "--log.level=error"],
                            stderr=subprocess.DEVNULL)


def answers(port):
    try:
        return scrape(port)[0] == 200
    except (OSError, http.client.HTTPException) as e:
        scrape.open.pop(port, None)
        raise Missed(str(e)) from e


def series(port):
    return sum(1 for row in scrape(port)[1].splitlines() if row and row[0] != "#")


def all_there():
    """Every container tells of its CPU: all that is measured has been."""
    rows = scrape(OURS)[1].splitlines()
    told = [r for r in rows if r.startswith("container_cpu_usage_seconds_total{")]
    if len(told) < COUNT:
        raise Missed(f"{len(told)} containers of {COUNT} in /metrics")
    return True


def measure(node):
    """In the node's network namespace."""
    pids = node.pids("meshd-http") + node.pids("meshd-engine")
    peer = exporter()
    try:
        wait_until("/metrics", lambda: answers(OURS), 60)
        wait_until("all containers in it", all_there, 60)
        ours, theirs = [], []
        if peer is not None:
            wait_until("node_exporter", lambda: answers(THEIRS), 60)
        for _ in range(TRIALS):
            ours.append(spell(pids, OURS))
            if peer is not None:
                theirs.append(spell([peer.pid], THEIRS))
        put("scrape.series", series(OURS), "in all")
        put("scrape.bytes", len(scrape(OURS)[1]), "of text")
        if peer is not None:
            put("scrape.node_exporter.series", series(THEIRS), "in all")
        say("scrape.cpu", statistics.median(ours), "ms", statistics.median(theirs) if theirs else None)
        for pid, name in zip(pids, ("http", "engine")):
            put(f"scrape.cpu.{name}", spell([pid], OURS), "ms, of these")
    finally:
        if peer is not None:
            peer.kill()
            peer.wait()


def main():
    world = World(f"mesh-s{os.getpid()}")
    try:
        node, = world.bridge(["n1"])
        service.install(world)
        service.set_script([node], service.COUNT.sub(rf"\g<1>{COUNT}", service.script(node)))
        node.write_config(http={"listen": f"127.0.0.1:{OURS}", "user": USER})
        node.start()
        init(node)
        wait_until("the containers", lambda: len(node.running("web")) == COUNT or None, 120, 0.5)
        in_netns(node.netns, measure, node)
    finally:
        world.close()
    return missed()


if __name__ == "__main__":
    sys.exit(main())
