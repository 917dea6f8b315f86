"""metrics_sample - `sample.cpu`: what it costs to measure a host and 20 containers once a
second, in % of a core; beside it node_exporter (Debian's, all defaults), scraped once a
second in the same seconds.  Exit 1 when the bound is missed.

The containers are 20 cgroups as the supervisor makes them, on each hierarchy that it
would use, with a process each that wakes up ten times a second.

usage: metrics_sample.py SAMPLE [SECONDS]    (root: it makes cgroups)
"""
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "cluster"))
from mesh import cgroup_mounts, kill_cgroup, remove_cgroups  # noqa: E402

COUNT, BOUND = 20, 0.1
PORT = 19107


def cpu_s(pid):
    """CPU time of a process and all its threads, to the nanosecond."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total / 1e9


def hierarchies():
    """cgroup2, and of v1 those that cgroup2 lacks and a container is put into."""
    unified, every = cgroup_mounts()
    with open(os.path.join(unified, "cgroup.controllers"), encoding="ascii") as f:
        have = f.read().split()
    v1 = [os.path.basename(p) for p in every if p != unified]
    return unified, [p for p in every if p == unified or (
        os.path.basename(p) in ("memory", "cpu", "pids") and os.path.basename(p) in v1
        and os.path.basename(p) not in have)]


def containers(tag, where):
    """20 processes in groups of their own: [(instance, process)]."""
    made = []
    for i in range(COUNT):
        name = f"web.{i}"
        p = subprocess.Popen(["/bin/sh", "-c", "while :; do sleep 0.1; done"], start_new_session=True)
        for root in where:
            leaf = os.path.join(root, tag, "@box", f"{name}.1")
            os.makedirs(leaf, exist_ok=True)
            with open(os.path.join(leaf, "cgroup.procs"), "w", encoding="ascii") as f:
                f.write(str(p.pid))
        made.append((name, p))
    return made


def exporter(until, cost):
    """Scrape it each second; its CPU a second."""
    name = shutil.which("prometheus-node-exporter")
    if name is None:
        return
    p = subprocess.Popen([name, f"--web.listen-address=127.0.0.1:{PORT}", "--log.level=error"],
                         stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{PORT}/metrics"
        for _ in range(100):
            try:
                urllib.request.urlopen(url, timeout=5).read()
                break
            except OSError:
                time.sleep(0.1)
        start, before, scrapes = time.monotonic(), cpu_s(p.pid), 0
        while not until.wait(1 - (time.monotonic() - start) % 1):
            urllib.request.urlopen(url, timeout=10).read()
            scrapes += 1
        cost.append((cpu_s(p.pid) - before) / max(scrapes, 1))
    finally:
        p.kill()
        p.wait()


def main():
    sample, seconds = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "60"
    tag = f"mesh-s{os.getpid()}"
    unified, where = hierarchies()
    made, until, cost = [], threading.Event(), []
    beside = threading.Thread(target=exporter, args=(until, cost))
    try:
        made = containers(tag, where)
        beside.start()
        out = subprocess.run([sample, seconds] + [x for n, p in made for x in (n, str(p.pid))],
                             stdout=subprocess.PIPE, text=True, check=True).stdout
    finally:
        until.set()
        if beside.ident is not None:
            beside.join()
        kill_cgroup(os.path.join(unified, tag))
        for _, p in made:
            p.wait()
        for root in where:
            remove_cgroups(os.path.join(root, tag))
    value = float(out)
    print(f"sample.cpu {value:.3f} %")
    if cost:
        print(f"sample.node_exporter.cpu {cost[0] * 100:.3f} %")
    return value > BOUND


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
    sys.exit(main())
