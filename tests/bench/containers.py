"""containers - what a container costs, beside crun, runc, bwrap and the floor
(floor.c: the kernel's own work and nothing else): `name value unit`, a line each,
under it what is promised (promised.py).  Exit 1 when a bound is missed.

All of them start the same program from the same image: mount, pid, ipc, uts, cgroup
and user namespace, a read-only root, a memory, cpu and pids limit (bwrap knows no
limits).  They alternate in one run, so each has the same load of this machine.
  start    from the engine's START, or from before the exec of another runtime, to the
           program's own stamp, taken as the first thing it does.  Of ours: its durable
           record included, the two YAML files not parsed again
  rate     starts per second, of which two are under way at any time
  cost     PSS of one container's init, of 1 and of 20 containers
  restart  the program dies -> its successor runs
  cycles   CYCLES (1000) starts and stops: what they leave in descriptors, mounts,
           cgroups and processes
  many     MANY (500) containers on one node, whose engine is the real one: from the
           first that has a group to the last that runs; what engine and supervisor
           then have resident
As arguments: any of these words.  Exit 2: an argument is none of them.
"""
import ctypes
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "containers"), str(HERE)]
from conftest import BUILD, ROOT, Node, children_of, wait_for  # noqa: E402  (cluster has one too)
from cluster import EMPTY, World, chosen, init, log, rss_mb, service, wait_until  # noqa: E402
import images  # noqa: E402  (in the path by cluster)
from promised import missed, put, say  # noqa: E402

RUNS = int(os.environ.get("RUNS", "60"))
CYCLES = int(os.environ.get("CYCLES", "1000"))
MANY = int(os.environ.get("MANY", "500"))
PEERS = ("crun", "bwrap", "runc")
APP = ("executable: /bin/stamp\narguments: [stay]\nmemory-limit: 64Mi\ncpu-shares: 512\npids-limit: 64\n"
       "restart-timeout: 100ms\n")
CLONE_NEWNS, MS_PRIVATE_REC = 0x20000, 1 << 18 | 1 << 14


def quantile(samples, part):
    samples = sorted(samples)
    return samples[min(len(samples) - 1, int(len(samples) * part))]


def quiet(limit_s=float(os.environ.get("QUIET_S", "1"))):
    """Wait, so long at most, for a machine that has nothing else to do."""
    def times():
        fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
        return int(fields[3]) + int(fields[4]), sum(map(int, fields[:8]))
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        before = times()
        time.sleep(0.06)
        idle, every = (b - a for a, b in zip(before, times()))
        if idle >= 0.8 * every:
            return


def build(source, target):
    subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-static", "-o", target, source], check=True)


def programs():
    top = pathlib.Path(tempfile.mkdtemp(prefix="mesh-programs-"))
    top.chmod(0o755)
    for name in ("meshd", "meshd-conf", "meshd-init", "meshd-script"):
        shutil.copy(BUILD / name, top / name)
    build(ROOT / "tests/containers/driver.c", top / "meshd-engine")
    return top


def run_in_memory(path):
    """As /run is on any host.  (ext4 looks at each file that was deleted in the last
    minute before it makes a new one, which is no figure of ours.)"""
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "mesh-bench", path], check=True)


class Bench:
    """One node, whose engine is the driver, with one image that everybody starts."""

    def __init__(self):
        self.node = Node(programs())
        self.image = self.node.image("a", run=APP)
        build(HERE / "stamp.c", self.image / "bin/stamp")
        self.node.sandbox("web", "default-user: 1000\n")
        run_in_memory(self.node.top / "run")
        self.node.start()
        time.sleep(2.5)  # a file that was just written is parsed each time

    def close(self):
        subprocess.run(["umount", "-l", self.node.top / "run"], check=False)
        self.node.close()
        shutil.rmtree(self.node.programs)

    def start(self, name="app.0"):
        """One START: the event that says it runs, and its name."""
        self.node.events.clear()
        return name, self.node.up(name, "a")

    def stop(self, name):
        self.node.ask("STOP", instance=name)
        self.node.event(kind="state", instance=name, state="gone")


def stamp(node, name, after):
    """The ns that the program printed last, which is after that."""
    path = node.top / "log" / f"{name}.log"

    def last():
        words = path.read_text().split("\n")[-2].split() if path.exists() and path.stat().st_size else []
        return words and int(words[2]) > after and int(words[2])
    return wait_for(last, 10, 0.001)


class Floor:
    """floor.c, which stays and starts one for each line."""
    def __init__(self, bench):
        program = bench.node.top / "floor"
        build(HERE / "floor.c", program)
        self.process = subprocess.Popen([program, bench.image, f"mesh-floor-{os.getpid()}"], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def start(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline()) / 1e6

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Peers:
    """Other runtimes, started by a process of ours that sees no cgroup2: crun
    refuses a host where that has a controller beside those of v1."""

    def __init__(self, bench):
        self.bench, self.serial = bench, 0
        self.known = [p for p in PEERS if shutil.which(p)]
        for name in set(PEERS) - set(self.known):
            log(f"{name} is not installed (BENCH=1 make deps): its figures are left out")
        if {"crun", "runc"} & set(self.known):
            self.bundle()
        ask, self.ask = os.pipe()
        self.answer, answer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self.ask)
                os.close(self.answer)
                self.serve(os.fdopen(ask), os.fdopen(answer, "w"))
            finally:
                os._exit(1)
        os.close(ask)
        os.close(answer)
        self.answer = os.fdopen(self.answer)

    def bundle(self):
        self.dir = self.bench.node.top / "bundle"
        self.dir.mkdir()
        subprocess.run([self.known[0] if self.known[0] != "bwrap" else "runc", "spec"], cwd=self.dir, check=True)
        spec = json.loads((self.dir / "config.json").read_text())
        spec["process"].update({"terminal": False, "args": ["/bin/stamp"], "user": {"uid": 1000, "gid": 1000}})
        spec["process"]["capabilities"] = {}
        spec["root"] = {"path": str(self.bench.image), "readonly": True}
        spec["hostname"] = "peer"
        spec["linux"]["namespaces"] = [{"type": n} for n in ("pid", "ipc", "uts", "mount", "cgroup", "user")]
        for key in ("uidMappings", "gidMappings"):
            spec["linux"][key] = [{"containerID": 0, "hostID": 700000000, "size": 65536}]
        spec["linux"]["resources"] = {"memory": {"limit": 64 << 20}, "cpu": {"shares": 512}, "pids": {"limit": 64}}
        # Without a network namespace sysfs can't be mounted anew; ours has none either.
        spec["mounts"] = [m for m in spec["mounts"] if m["destination"] in ("/proc", "/dev", "/dev/shm")] + [
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "noexec"]}]
        (self.dir / "config.json").write_text(json.dumps(spec))

    def argv(self, kind):
        if kind == "bwrap":
            return ["bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup",
                    "--uid", "1000", "--gid", "1000", "--ro-bind", str(self.bench.image), "/", "--dev", "/dev",
                    "--proc", "/proc", "--tmpfs", "/tmp", "/bin/stamp"]
        self.serial += 1
        return [kind, "--root", str(self.bench.node.top / kind), "run", "--bundle", str(self.dir),
                f"mesh-bench-{os.getpid()}-{self.serial}"]

    def serve(self, asked, answer):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNS) or libc.mount(b"none", b"/", None, MS_PRIVATE_REC, None):
            raise OSError(ctypes.get_errno(), "unshare")
        libc.umount2(b"/sys/fs/cgroup/unified", 0)
        for line in asked:
            argv = self.argv(line.strip())
            before = time.monotonic_ns()
            p = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            said = p.stdout.split()
            print((int(said[0]) - before) / 1e6 if p.returncode == 0 and said else
                  "error " + " ".join((p.stderr.strip() or "?").splitlines()[-1:]), file=answer, flush=True)

    def start(self, kind):
        os.write(self.ask, f"{kind}\n".encode())
        said = self.answer.readline().strip()
        if not said or said.startswith("error"):
            log(f"{kind}: {said}: its figures are left out")
            self.known.remove(kind)
            return None
        return float(said)

    def close(self):
        os.close(self.ask)
        os.waitpid(self.pid, 0)


def start(bench):
    took = {name: [] for name in ("mesh", "told", "judged", "stop", "floor", *PEERS)}
    peers, floor = Peers(bench), Floor(bench)
    bench.start("other.0")  # the sandbox's own groups are there, as with any second start
    try:
        for i in range(RUNS + 3):
            now = {}
            quiet()
            name, up = bench.start()
            reply = next(e for e in bench.node.events if e["kind"] == "reply")
            now["mesh"] = stamp(bench.node, name, up["sent_us"] * 1000) / 1e6 - up["sent_us"] / 1000
            now["told"] = (up["us"] - up["sent_us"]) / 1000
            now["judged"] = (reply["us"] - reply["sent_us"]) / 1000
            bench.stop(name)
            now["stop"] = (bench.node.events[-1]["us"] - bench.node.events[-1]["sent_us"]) / 1000
            now["floor"] = floor.start()
            for kind in list(peers.known):
                now[kind] = peers.start(kind)
            for kind, value in now.items() if i >= 3 else ():  # the first warm what is cold
                if value is not None:
                    took[kind].append(value)
    finally:
        floor.close()
        peers.close()
    bench.stop("other.0")
    p50 = {kind: quantile(v, 0.5) for kind, v in took.items() if v}
    say("mesh.start.p50", p50["mesh"], "ms", p50.get("crun"))
    say("mesh.start.ratio", p50["mesh"] / p50["floor"], "floors",
        p50["crun"] / p50["floor"] if "crun" in p50 else None)
    for kind in (*PEERS, "floor"):
        if kind in p50:
            put(f"{kind}.start.p50", p50[kind], "ms")
    for kind, name in (("told", "mesh.start.told"), ("judged", "mesh.start.judged"), ("stop", "mesh.stop")):
        put(name + ".p50", p50[kind], "ms")
    put("mesh.start.p95", quantile(took["mesh"], 0.95), "ms")
    put("floor.start.p95", quantile(took["floor"], 0.95), "ms")


def ask_start(node, name):
    node.ticket += 1
    node.say(f"START ticket={node.ticket} instance={name} image=a config=/config/run.yaml sandbox=web role=web")


def start_many(node, names, most):
    """All of them, at most so many under way at once: seconds from the first START to
    the last that runs."""
    left, under_way, up = list(reversed(names)), set(), set()
    before = time.monotonic()
    while len(up) < len(names):
        while left and len(under_way) < most:
            under_way.add(left[-1])
            ask_start(node, left.pop())
        e = node.next(20)
        assert e["code"] == 0 and e["state"] not in ("failed", "backoff"), e["text"]
        if e["kind"] == "state" and e["state"] == "running":
            under_way.discard(e["instance"])
            up.add(e["instance"])
    return time.monotonic() - before


def stop_many(node, names):
    left = set(names)
    for name in names:
        node.ticket += 1
        node.say(f"STOP ticket={node.ticket} instance={name}")
    while left:
        e = node.next(20)
        if e["kind"] == "state" and e["state"] == "gone":
            left.discard(e["instance"])


def rate(bench):
    rates = []
    for turn in range(7):
        names = [f"rate.{i}" for i in range(60)]
        quiet()
        rates.append(len(names) / start_many(bench.node, names, 2))
        stop_many(bench.node, names)
    say("mesh.rate.two", quantile(rates, 0.5), "starts/s")


def pss_kb(pid):
    for row in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if row.startswith("Pss:"):
            return int(row.split()[1])
    return 0


def cost(bench):
    name, up = bench.start()
    say("mesh.init.pss.1", pss_kb(up["pid"]), "KiB")
    more = [bench.start(f"app.{i}") for i in range(1, 20)]
    say("mesh.init.pss.20", quantile([pss_kb(e["pid"]) for _, e in more], 0.5), "KiB")
    for n in [name] + [n for n, _ in more]:
        bench.stop(n)


def restart(bench):
    name, up = bench.start()
    took = []
    for _ in range(RUNS):
        time.sleep(0.12)  # a run of at least restart-timeout: no back-off
        quiet(1)
        app = wait_for(lambda up=up: children_of(up["pid"]))[0]
        died = time.monotonic_ns() // 1000
        os.kill(app, signal.SIGKILL)
        up = bench.node.event(kind="state", instance=name, state="running")
        took.append((up["us"] - died) / 1000)
    bench.stop(name)
    say("mesh.restart.p50", quantile(took, 0.5), "ms")


def held(node):
    """What the host has: descriptors of the supervisor, mounts, groups, processes.  The
    file for the next record comes and goes, and is of nobody."""
    pid = node.meshd.pid
    groups = sum(len([d for d in (pathlib.Path("/sys/fs/cgroup") / c / node.cgroup).glob("**") if d.is_dir()])
                 for c in ("memory", "cpu", "pids", "unified", ".")
                 if (pathlib.Path("/sys/fs/cgroup") / c / node.cgroup).is_dir())
    return {"fds": sum(not os.readlink(f).endswith("/.spare") for f in pathlib.Path(f"/proc/{pid}/fd").iterdir()),
            "mounts": len(pathlib.Path(f"/proc/{pid}/mountinfo").read_text().splitlines()),
            "cgroups": groups,
            "pids": len(children_of(pid)),
            "files": len(os.listdir(node.top / "run/supervisor")) + len(node.records())}


def cycles(bench):
    bench.stop(bench.start()[0])
    before, rss = held(bench.node), rss_mb(bench.node.meshd.pid)
    for i in range(CYCLES // 4):
        names = [f"cycle.{i % 8}.{k}" for k in range(4)]
        start_many(bench.node, names, 4)
        stop_many(bench.node, names)
        bench.node.events.clear()
    after = held(bench.node)
    for what, count in after.items():
        say(f"mesh.leak.{what}", count - before[what], f"after {CYCLES} cycles")
    put("mesh.leak.rss", rss_mb(bench.node.meshd.pid) - rss, f"MB after {CYCLES} cycles")


MAIN = """local work = mesh.role("work", {version = "v1", image = "work-v1", count = %d})
return mesh.scheduler {work}
"""


def many(_bench):
    """One real node; the first group of a container is where the time begins."""
    world = World(f"mesh-b{os.getpid()}", "bench")
    try:
        node = world.add_node("n1", "127.0.0.1")
        root = pathlib.Path(images.empty(world.images, "work-v1"))
        (root / "bin").mkdir(mode=0o755)
        build(HERE / "stamp.c", root / "bin/stamp")
        (root / "config/work.yaml").write_text(f"kind: Daemon\nuser-id: 1000\ngroup-id: 1000\n{APP}")
        etc = pathlib.Path(node.etc)
        shutil.copytree(ROOT / "templates", etc / "templates", dirs_exist_ok=True)
        (etc / "templates/work").mkdir()
        (etc / "templates/work/render.yaml").write_text("processes: processes.yaml.tmpl\n")
        (etc / "lithos-configs/sandboxes/work.yaml").write_text(
            service.SANDBOX.format(role="work", images=world.images))
        run_in_memory(pathlib.Path(node.dir, "run"))
        node.write_config(seeds=None)
        service.set_script([node], EMPTY)
        node.start()
        init(node)
        wait_until("a leader", node.leader, 60)
        group = pathlib.Path(world.unified) / node.cgroup
        quiet(10)
        service.set_script([node], MAIN % MANY)
        wait_until("a first container", lambda: list(group.glob("[!.]*/work.*")), 60, 0.005)
        before = time.monotonic()

        def all_up():
            said = node.status()["roles"]
            return said and said[0]["running"] == MANY
        wait_until("all of them", all_up, 120, 0.05)
        say("mesh.many.up", time.monotonic() - before, "s")
        say("mesh.many.rss", sum(map(rss_mb, node.pids("meshd") + node.pids("meshd-engine"))), "MB")
        say("mesh.init.pss.many", quantile([pss_kb(p) for p in list(node.running("work").values())[:20]], 0.5), "KiB")
    except BaseException:
        for n in world.nodes:
            sys.stderr.write(n.tail(20))
        raise
    finally:
        for n in world.nodes:
            n.kill_host()
            subprocess.run(["umount", "-l", os.path.join(n.dir, "run")], check=False)
        world.close()


PARTS = {"start": start, "rate": rate, "cost": cost, "restart": restart, "cycles": cycles,
         "many": many}


def main(names):
    parts = chosen(names, PARTS) or list(PARTS.values())
    if os.geteuid() != 0:
        sys.exit("tests/bench/containers.py: must run as root; use: sudo make bench-containers")
    bench = Bench()
    try:
        for part in parts:
            log(part.__name__)
            part(bench)
    finally:
        bench.close()
    return missed()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
