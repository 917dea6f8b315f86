"""How long a container takes to start: from the engine's START, at the
supervisor's socket, to the exec of the application; and from the death of an
application to the exec of its successor.  Beside it, in the same run and on
the same image, `crun run` of a program that ends at once.

Prints `name value unit`, one per line.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "containers"))
from conftest import BUILD, ROOT, Node, children_of, wait_for  # noqa: E402

RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 50

# crun refuses a host whose cgroup2 has a controller beside v1: in a private
# mount namespace without cgroup2 it works.
CRUN = "umount /sys/fs/cgroup/unified 2>/dev/null; exec \"$@\""


def show(name, values, unit="ms"):
    values = sorted(values)
    for part, at in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
        print("%s.%s %.2f %s" % (name, part, values[min(len(values) - 1, int(len(values) * at))], unit), flush=True)


def programs():
    top = pathlib.Path(tempfile.mkdtemp(prefix="mesh-programs-"))
    top.chmod(0o755)
    for name in ("meshd", "meshd-conf", "meshd-init", "meshd-script"):
        shutil.copy(BUILD / name, top / name)
    subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-static", "-o", top / "meshd-engine",
                    ROOT / "tests/containers/driver.c"], check=True)
    return top


def mesh(node, name, sandbox):
    node.sandbox("web", sandbox)
    time.sleep(2.5)  # a file that was just written is parsed each time
    starts, stops, replies = [], [], []
    for i in range(RUNS):
        up = node.up("web.%d" % i, "a")
        starts.append((up["us"] - up["sent_us"]) / 1000)
        reply = [e for e in node.events if e["kind"] == "reply"][-1]
        replies.append((reply["us"] - reply["sent_us"]) / 1000)
        node.ask("STOP", instance="web.%d" % i)
        gone = node.event(kind="state", instance="web.%d" % i, state="gone")
        stops.append((gone["us"] - gone["sent_us"]) / 1000)
        node.events.clear()
    show(name, starts)
    show(name + ".judged", replies)  # of it: the judge and a durable record
    show(name + ".stop", stops)


def restart(node):
    up = node.up("again", "a")
    values = []
    for _ in range(RUNS):
        time.sleep(0.15)  # a run of at least restart-timeout
        app = wait_for(lambda: children_of(up["pid"]))[0]
        died = time.monotonic_ns() // 1000
        os.kill(app, signal.SIGKILL)
        up = node.event(kind="state", instance="again", state="running")
        values.append((up["us"] - died) / 1000)
    node.ask("STOP", instance="again")
    node.event(kind="state", instance="again", state="gone")
    show("restart", values)


def crun(node, name, userns):
    bundle = node.top / ("bundle-" + name)
    bundle.mkdir()
    subprocess.run(["crun", "spec"], cwd=bundle, check=True)
    spec = json.loads((bundle / "config.json").read_text())
    spec["process"].update({"terminal": False, "args": ["/bin/true"]})
    spec["root"] = {"path": str(node.images / "a"), "readonly": True}
    spec["linux"]["namespaces"] = [n for n in spec["linux"]["namespaces"] if n["type"] != "network"]
    if userns:
        spec["linux"]["namespaces"].append({"type": "user"})
        for key in ("uidMappings", "gidMappings"):
            spec["linux"][key] = [{"containerID": 0, "hostID": 700000000, "size": 65536}]
    # Without a netns sysfs can't be mounted anew; the image has no /sys anyway.
    spec["mounts"] = [m for m in spec["mounts"] if not m["destination"].startswith("/sys")]
    (bundle / "config.json").write_text(json.dumps(spec))
    loop = ("import subprocess, sys, time\n"
            "for i in range(%d):\n"
            "    t = time.monotonic()\n"
            "    p = subprocess.run(['crun', '--root', sys.argv[1], 'run', '--bundle', sys.argv[2], 'mesh-bench-%d-%%d' %% i],\n"
            "                       stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)\n"
            "    if p.returncode: sys.exit(p.stderr.decode())\n"
            "    print((time.monotonic() - t) * 1000)\n" % (RUNS, os.getpid()))
    p = subprocess.run(["unshare", "-m", "sh", "-c", CRUN, "sh", "/usr/bin/python3", "-c", loop, node.top / "crun", bundle],
                       capture_output=True, text=True)
    if p.returncode:
        print("# %s: %s" % (name, (p.stderr.strip().splitlines() or ["?"])[-1]))
        return
    show(name, [float(x) for x in p.stdout.split()])


def main():
    if os.geteuid() != 0:
        sys.exit("tests/bench/start.py: must run as root; use: sudo make bench")
    node = Node(programs())
    try:
        node.shell("a", "exec sleep 1000", extra="restart-timeout: 100ms\n")
        node.start()
        mesh(node, "start", "default-user: 1000\n")
        mesh(node, "start.nouserns", "default-user: 1000\nuserns: off\n")
        restart(node)
        if shutil.which("crun"):
            crun(node, "crun.run", False)
            crun(node, "crun.run.userns", True)
        else:
            print("# crun is not installed: apt-get install crun")
    finally:
        node.close()
        shutil.rmtree(node.programs)


main()
