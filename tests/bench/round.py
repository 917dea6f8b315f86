#!/usr/bin/python3
"""A scheduler round at 1,000 nodes x 10,000 instances through the real
meshd-script: spawn, sandbox, decode, mesh.place, encode.  The world has one
parent and every instance runs; one node has just failed, as in the round that
matters.  Prints `name value unit`, one per line; figures are of this machine.
"""
import os
import statistics
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "golden"))
import meshscript as m  # noqa: E402

NODES, ROLES, EACH, RUNS = 1000, 10, 1000, 9

MAIN = """
local roles = {}
for i = 1, %d do
  roles[i] = mesh.role("role" .. i, {
    version = "v1", image = "image-v" .. i, count = %d, ports = {port = "20000-29999"},
    vars = {level = i},
  })
end
return mesh.scheduler(roles)
""" % (ROLES, EACH)


def world():
    images = ["image-v%d" % i for i in range(1, ROLES + 1)]
    sandboxes = ["role%d" % i for i in range(1, ROLES + 1)]
    return {
        "now": 1, "self": "n0", "side": {"grade": "full"}, "roles": {}, "metrics": {},
        "actions": {}, "vars": {}, "copies": {}, "running": {}, "parents": [],
        "nodes": {"n%d" % i: {
            "address": "10.0.%d.%d" % (i // 250, i % 250), "state": "alive", "zone": "a",
            "reported": True, "draining": False, "unstable": False, "since": 1, "tags": {},
            "free": {"cpus": 8, "memory": 1 << 34},
            "metrics": {"load1": 0.5, "cpu_percent": 12.5, "memory_free": 1 << 33,
                        "disk": 1 << 40, "disk_free": 1 << 39},
            "facts": {"arch": "x86_64", "cpus": 8, "memory": 1 << 34, "kernel": "6.1",
                      "config_hash": "00", "images": images, "sandboxes": sandboxes},
        } for i in range(NODES)},
    }


def running(plan):
    return {i: {"role": role, "node": node, "state": "running", "health": "healthy",
                "restarts": 0, "since": 1, "version": "v1", "image": inst["image"], "error": ""}
            for node, part in plan["nodes"].items()
            for role, on in part["roles"].items()
            for i, inst in on["instances"].items()}


def feed(p, request):
    p.stdin.write(request)
    p.stdin.close()


def main():
    program = os.path.join(ROOT, os.environ.get("B", "build"), "meshd-script")
    given = world()

    def once(timed):
        request = m.pack({"mode": "schedule", "seed": 1, "files": {"main.lua": MAIN},
                          "limits": {"output": 16 << 20, "cpu_ms": 60000}, "input": given})
        start = time.monotonic()
        p = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        feeder = threading.Thread(target=feed, args=(p, request))
        feeder.start()
        out = p.stdout.read(1)
        # It waits for us to empty the pipe, with everything it used in use.
        with open("/proc/%d/status" % p.pid, encoding="ascii") as f:
            rss = next(int(x.split()[1]) for x in f if x.startswith("VmHWM"))
        out += p.stdout.read()
        feeder.join()
        p.wait()
        ms = (time.monotonic() - start) * 1000
        answer = m.unpack(out)
        if not answer["ok"]:
            sys.exit(answer["error"])
        if timed is not None:
            timed.append((ms, answer["cpu_ms"], answer["heap"], rss))
        return answer["result"], len(request), len(out)

    cold = []
    plan, _, _ = once(cold)
    given["parents"], given["running"] = [plan], running(plan)
    steady, lost = [], []
    for _ in range(RUNS):
        plan, size_in, size_out = once(steady)
    given["nodes"]["n17"]["state"] = "failed"
    for _ in range(RUNS):
        moved, _, _ = once(lost)
    if len(moved.get("changes", [])) < 10:
        sys.exit("the failed node's instances did not move")
    print("round.p50 %.0f ms" % statistics.median(t[0] for t in lost))
    print("round.max %.0f ms" % max(t[0] for t in lost))
    print("round.steady.p50 %.0f ms" % statistics.median(t[0] for t in steady))
    print("round.first %.0f ms" % cold[0][0])
    print("round.cpu.p50 %.0f ms" % statistics.median(t[1] for t in lost))
    print("round.rss %.1f MiB" % (max(t[3] for t in lost) / 1024))
    print("round.heap %.1f MiB" % (max(t[2] for t in lost) / 2**20))
    print("round.in %.2f MiB" % (size_in / 2**20))
    print("round.out %.2f MiB" % (size_out / 2**20))


main()
