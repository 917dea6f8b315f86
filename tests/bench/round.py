#!/usr/bin/python3
"""A scheduler round at 1,000 nodes x 10,000 instances through the real
meshd-script: spawn, sandbox, decode, mesh.place, encode.  The world has one
parent and every instance runs; one node has just failed, as in the round that
matters.  Prints `name value unit`, one per line; figures are of this machine.  The whole
round, with what the engine does around the script, is bench_round.c's: round.p50 there.

  script.*        the script's process alone, of that round
  round.rss       the most it had resident: with everything still in use
  script.start    spawn -> the answer that a script gave whose first line fails: so an end and
                  a report are in it too.  full: the same with that world as input
  render          one whole run: the stock front role, 1,000 backends
  moves           1,000 sticky instances, nodes 10 -> 11 -> 10: the larger of the two shares
                  of instances that another node has then
"""
import os
import statistics
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "golden"))
sys.path.insert(1, os.path.dirname(os.path.abspath(__file__)))
import meshscript as m  # noqa: E402
from promised import missed, put, say  # noqa: E402

NODES, ROLES, EACH, RUNS = 1000, 10, 1000, 9
STARTS, BACKENDS = 31, 1000
PROGRAM = os.path.join(ROOT, os.environ.get("B", "build"), "meshd-script")

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
    given = world()

    def once(timed):
        request = m.pack({"mode": "schedule", "seed": 1, "files": {"main.lua": MAIN},
                          "limits": {"output": 16 << 20, "cpu_ms": 60000}, "input": given})
        start = time.monotonic()
        p = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
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
    put("script.p50", statistics.median(t[0] for t in lost), "ms")
    put("script.max", max(t[0] for t in lost), "ms")
    put("script.steady.p50", statistics.median(t[0] for t in steady), "ms")
    put("script.first", cold[0][0], "ms")
    put("script.cpu.p50", statistics.median(t[1] for t in lost), "ms")
    say("round.rss", max(t[3] for t in lost) / 1024, "MiB")
    put("script.heap", max(t[2] for t in lost) / 2**20, "MiB")
    put("script.in", size_in / 2**20, "MiB")
    put("script.out", size_out / 2**20, "MiB")
    return given


def timed(request):
    """Median of STARTS runs, and the last answer."""
    request, took = m.pack(request), []
    for _ in range(STARTS):
        start = time.monotonic()
        p = subprocess.run([PROGRAM], input=request, capture_output=True, timeout=60, check=True)
        took.append((time.monotonic() - start) * 1000)
    return statistics.median(took), m.unpack(p.stdout)


def starts(given):
    for name, world_of in (("script.start.p50", {}), ("script.start.full.p50", given)):
        ms, answer = timed({**m.head("schedule", 4 << 20), "files": {"main.lua": "error('here')\n"},
                            "input": world_of})
        if answer["error"] != "main.lua:1: here":
            sys.exit(answer["error"])
        say(name, ms, "ms")


def renders():
    where = os.path.join(ROOT, "templates", "front")
    files = {}
    for name in os.listdir(where):
        with open(os.path.join(where, name), encoding="utf-8") as f:
            files[name] = f.read()
    backends = [{"id": "web.%d" % i, "address": "10.0.%d.%d" % (i // 250, i % 250), "port": 20000 + i}
                for i in range(BACKENDS)]
    front = {"front.n1": {"process": "haproxy", "image": "front-v1",
                          "vars": {"address": "127.0.0.1", "port": 8080}}}
    ms, answer = timed({**m.head("render", 16 << 20), "files": files, "render": [
        {"name": "haproxy.cfg", "template": "haproxy.cfg.tmpl"},
        {"name": "/processes", "template": "processes.yaml.tmpl"}],
        "vars": {"vars": {"backends": backends}, "schedule": {"stamp": "1.0.1"}, "node": {"name": "n1"},
                 "role": {"name": "front", "version": "v1"}, "instances": front, "deployment": {}}})
    if not answer["ok"] or answer["result"]["haproxy.cfg"].count("    server web.") != BACKENDS:
        sys.exit(answer.get("error", "not all backends are rendered"))
    say("render.p50", ms, "ms")


def places(plan):
    return {i: node for node, part in plan["nodes"].items() for on in part["roles"].values()
            for i in on["instances"]}


def moves():
    given = world()
    every = given["nodes"]
    main_lua = """return mesh.scheduler {mesh.role("role1", {
        version = "v1", image = "image-v1", count = 1000, ports = {port = "20000-29999"}})}"""
    before, worst = None, 0
    for nodes in (10, 11, 10):
        given["nodes"] = {"n%d" % i: every["n%d" % i] for i in range(nodes)}
        answer = m.schedule(PROGRAM, main_lua, given)
        if not answer["ok"]:
            sys.exit(answer["error"])
        plan = answer["result"]
        at = places(plan)
        if len(at) != 1000:
            sys.exit("%d of 1000 instances are placed" % len(at))
        if before is not None:
            worst = max(worst, sum(at.get(i) != node for i, node in before.items()))
        before = at
        given["parents"], given["running"] = [plan], running(plan)
    say("moves.percent", worst / 10, "%")


starts(main())
renders()
moves()
sys.exit(missed())
