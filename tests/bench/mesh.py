"""mesh - the mesh's own figures beside real peers: `name value unit`, a line each,
and under it what is promised (promised.py).  Exit 1 when a bound is missed; on a
busy machine JUST_TELL=1 only tells.

Ours and the peer live in one namespace at the same time and are hurt in turn, so
both have the same load of this machine.  Medians of TRIALS (3).
  detect.*    SIGKILL of one of 10 -> the leader / every survivor calls it failed (serf)
  failover.*  SIGKILL of the leader of 5 -> every survivor names a new one (etcd)
  join.*      60 processes, one seed -> all see all, from the first and last start (serf)
  idle.*      RSS and CPU of a node of 10 and of IDLE_N (100), once both see all (serf);
              ours: supervisor + engine.  moving.*: bytes sent meanwhile, as the load of
              the one machine moves that all of them tell
  still       bytes sent by one of IDLE_N whose values do not move, which is what is
              promised of these: each reads its load and memory from a file that stands
  follow.*    a schedule is issued -> at each of FOLLOW_N (100) its supervisor has taken the START of a
              container that it never ran; FOLLOW_TIMES (20) schedules, and all is stopped between
              them.  By the leader's journal and the nodes' logs, whose clock is one here.
              first: of the role's first container there, which is not in the others; applied: -> in
              force; started: -> its process is let go; cpu: what a node computed for all of this
              and for the container, less what it does anyway
              On two cores p99 goes with the nodes that share them: 71 ms of 20, 220 of 50, 531 of
              100, since each computes 10 ms and half of that, its container's start, comes
              between the START of one and those of the others
As arguments: `detect failover join idle still`, all of which run without one; `many`,
detect.* of MANY_N (100), which takes minutes; `follow`, which takes as long; and `hour`, the memory of a node of HOUR_N
(100) after HOUR_S (3600), when all it measures is kept.  Exit 2: an argument is none of them.
"""
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "cluster"), HERE]
import work  # noqa: E402
from cluster import chosen, cpu_s, log, rss_mb  # noqa: E402
from mesh import BUILD, Missed, World, in_netns, init, read, run, wait_until, write  # noqa: E402
from nets import EMPTY, one_view, set_script  # noqa: E402
from promised import missed, say  # noqa: E402

TRIALS = int(os.environ.get("TRIALS", "3"))
PEERS = []  # what is to be ended with the world
IDLE_S = float(os.environ.get("IDLE_S", "15"))
STILL_S = float(os.environ.get("STILL_S", "60"))
IDLE_N = int(os.environ.get("IDLE_N", "100"))
JOIN_N = int(os.environ.get("JOIN_N", "60"))
MANY_N = int(os.environ.get("MANY_N", "100"))
FOLLOW_N = int(os.environ.get("FOLLOW_N", "100"))
FOLLOW_TIMES = int(os.environ.get("FOLLOW_TIMES", "20"))
FOLLOW_QUIET_S = 2
HOUR_N = int(os.environ.get("HOUR_N", "100"))
HOUR_S = float(os.environ.get("HOUR_S", "3600"))
WORKS = """return {schedule = function(input)
	local nodes = {}
	for name in pairs(input.nodes) do
		nodes[name] = {roles = {work = {sandbox = "work", instances = {
			["work." .. name .. "-%d"] = {process = "work", image = "work-v1"}}}}}
	end
	return {roles = {work = {version = "v1", template = "work", on_split = "keep"}}, nodes = %s, state = {times = %d}}
end}
"""
SLEEPS = """kind: Daemon
user-id: 1000
group-id: 1000
executable: /bin/busybox
arguments: [sleep, "1000000"]
memory-limit: 16Mi
pids-limit: 16
"""
COUNTERS = """table inet count {
	chain out {
		type filter hook output priority 0
		ip saddr 127.0.1.0/24 counter
		ip saddr 127.0.2.0/24 counter
	}
}
"""


def median(samples):
    return quantile(samples, 0.5)


def quantile(samples, part):
    return sorted(samples)[min(len(samples) - 1, int(len(samples) * part))]


class Peer:
    """Processes of somebody else's, in the world's namespace and a group of it."""

    def __init__(self, world, name):
        self.world, self.name, self.running = world, name, {}
        self.group = os.path.join(world.unified, f"{world.tag}-d-{name}")
        os.makedirs(self.group, exist_ok=True)

    def start(self, i):
        argv = self.argv(i)
        with open(self.log(i), "wb") as out:
            self.running[i] = subprocess.Popen(
                ["/bin/sh", "-c", 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"',
                 "sh", self.group, "nsenter",
                 f"--net=/run/netns/{self.world.netns}"] + argv,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/")

    def kill(self, i):
        process = self.running.pop(i)
        process.kill()
        process.wait()

    def log(self, i):
        return os.path.join(self.world.dir, f"{self.name}{i}.log")

    def close(self):
        for i in list(self.running):
            self.kill(i)


class Serf(Peer):
    def argv(self, i):
        return ["serf", "agent", f"-node=s{i}.", f"-bind=127.0.2.{i}:7946",
                f"-rpc-addr=127.0.2.{i}:7373", "-retry-join=127.0.2.1:7946",
                "-retry-interval=1s"]

    def heard(self, i, event):
        return set(re.findall(rf"{event}: (s\d+\.) ", read(self.log(i))))

    def all_joined(self):
        return all(len(self.heard(i, "EventMemberJoin")) >= len(self.running)
                   for i in self.running)


class Etcd(Peer):
    def argv(self, i):
        own = f"http://127.0.2.{i}"
        every = ",".join(f"e{k}=http://127.0.2.{k}:2380" for k in range(1, 6))
        return ["etcd", "--name", f"e{i}", "--data-dir",
                os.path.join(self.world.dir, f"etcd{i}"),
                "--listen-client-urls", f"{own}:2379", "--advertise-client-urls",
                f"{own}:2379", "--listen-peer-urls", f"{own}:2380",
                "--initial-advertise-peer-urls", f"{own}:2380",
                "--initial-cluster", every, "--logger", "zap", "--log-level", "error"]

    def leaders(self):
        """What each member says: {leader}, and who that is."""
        said, which = set(), None
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for i in self.running:
            try:
                with opener.open(urllib.request.Request(
                        f"http://127.0.2.{i}:2379/v3/maintenance/status", b"{}"),
                        timeout=0.5) as answer:
                    s = json.load(answer)
            except OSError:
                return {"0"}, None
            said.add(s.get("leader", "0"))
            if s.get("leader") == s["header"]["member_id"]:
                which = i
        return said, which

    def leader(self, old=None):
        said, which = in_netns(self.world.netns, self.leaders)
        ok = len(said) == 1 and which not in (None, old)
        return which if ok else None


def ours(world, count):
    for i in range(1, count + 1):
        world.add_node(f"n{i}", f"127.0.1.{i}")
    for n in world.nodes:
        n.write_config(seeds=[world.nodes[0].at()], log={"level": "debug"})
        set_script(n, EMPTY)


def start_all(nodes):
    """The first makes the cluster; the rest start at once: (first, last) start."""
    nodes[0].start()
    init(nodes[0])
    first = time.monotonic()
    for n in nodes[1:]:
        n.start()
    return first, time.monotonic()


def all_see_all(nodes, limit):
    todo, names = list(nodes), sorted(n.name for n in nodes)

    def seen():
        while todo and todo[-1].alive() == names:
            todo.pop()
        return not todo
    wait_until("all see all", seen, limit, 0.02)


def threads_s(pid):
    """CPU of all threads of a process and of the children it has reaped."""
    tasks = os.listdir(f"/proc/{pid}/task")
    return cpu_s(pid) + sum(int(read(f"/proc/{pid}/task/{t}/schedstat").split()[0])
                            for t in tasks if int(t) != pid) / 1e9


def peer(world, kind, program):
    if shutil.which(program) is None:
        log(f"{program} is not installed (make deps-bench): its figures are left out")
        return None
    PEERS.append(kind(world, program))
    return PEERS[-1]


def detect_ours(nodes):
    """(leader's, everybody's) seconds to call a killed follower failed."""
    leader = next(n for n in nodes if n.name == nodes[0].leader())
    dead = [n for n in nodes if n is not leader][-1]
    rest = [n for n in nodes if n is not dead]
    from_ = {n.name: len(read(n.log)) for n in rest}

    def told(n):
        return re.search(rf"mesh (?:failed|dead) {dead.name}\b",
                         read(n.log)[from_[n.name]:])
    start = time.monotonic()
    dead.kill_host()
    wait_until("the leader's view", lambda: told(leader), 40, 0.02)
    seen = time.monotonic() - start
    wait_until("all survivors", lambda: all(map(told, rest)), 40, 0.02)
    took = time.monotonic() - start
    dead.exits.clear()
    dead.start()
    wait_until("one view", lambda: one_view(nodes), 60, 0.2)
    return seen, took


def sent_in(world, seconds):
    """[bytes a second of one of ours, of one of serf's], and how long it took."""
    world.nft(COUNTERS)
    start = time.monotonic()
    time.sleep(seconds)
    wall = time.monotonic() - start
    out = run("ip", "netns", "exec", world.netns, "nft", "list", "table", "inet", "count")
    return [int(b) / wall / len(world.nodes)
            for b in re.findall(r"bytes (\d+)", out.stdout)], wall


def idle(world, serf):
    pids = {n.name: n.pids("meshd") + n.pids("meshd-engine") for n in world.nodes}
    leader = world.nodes[0].leader()
    groups = {"follower": [p for n, p in pids.items() if n != leader],
              "leader": [pids[leader]]}
    if serf:
        groups["serf"] = [[p.pid] for p in serf.running.values()]
    before = {k: [sum(map(threads_s, p)) for p in v] for k, v in groups.items()}
    sent, wall = sent_in(world, IDLE_S)
    count = len(world.nodes)
    say(f"moving.{count}.mean.tx", sent[0], "B/s", sent[1] if serf else None)
    rss = {k: median([sum(map(rss_mb, p)) for p in v]) for k, v in groups.items()}
    cpu = {k: median([sum(map(threads_s, p)) - b for p, b in zip(v, before[k])])
           for k, v in groups.items()}
    for k in ("follower", "leader"):
        say(f"idle.{count}.{k}.rss", rss[k], "MB", rss.get("serf"))
        say(f"idle.{count}.{k}.cpu", cpu[k] / wall * 100, "%",
            cpu["serf"] / wall * 100 if serf else None)


def stand(world, count, limit):
    """So many of ours and of serf's, if it is there, once both see all."""
    ours(world, count)
    serf = peer(world, Serf, "serf")
    start_all(world.nodes)
    for i in range(1, count + 1 if serf else 1):
        serf.start(i)
    all_see_all(world.nodes, limit)
    wait_until("a leader", world.nodes[0].leader, 60, 0.2)
    if serf:
        wait_until("serf's view", serf.all_joined, 180, 0.5)
    return serf


def idle_many(world):
    serf = stand(world, IDLE_N, 120)
    log(f"{IDLE_N} nodes are one; the load of their start sinks for {STILL_S:g} s")
    time.sleep(STILL_S)
    idle(world, serf)


def still(world):
    ours(world, IDLE_N)
    for name in ("stat", "loadavg", "meminfo"):
        path = os.path.join(world.dir, name)
        with open(path, "w", encoding="ascii") as f:
            f.write(read(f"/proc/{name}"))
        for n in world.nodes:
            n.sees[f"/proc/{name}"] = path
    start_all(world.nodes)
    all_see_all(world.nodes, 120)
    wait_until("a leader", world.nodes[0].leader, 60, 0.2)
    log(f"{IDLE_N} nodes are one; what they told when they came is told on for {STILL_S:g} s")
    time.sleep(STILL_S)
    sent, _ = sent_in(world, 2 * IDLE_S)  # a value that stands is told each 30 s
    say(f"idle.{IDLE_N}.mean.tx", sent[0], "B/s")


def hour(world):
    ours(world, HOUR_N)
    start_all(world.nodes)
    all_see_all(world.nodes, 120)
    wait_until("a leader", world.nodes[0].leader, 60, 0.2)
    time.sleep(STILL_S)
    for name, wait_s in (("first", 0), ("hour", HOUR_S)):
        time.sleep(wait_s)
        leader = world.nodes[0].leader()
        say(f"{name}.{HOUR_N}.follower.rss", median(
            [sum(map(rss_mb, n.pids("meshd") + n.pids("meshd-engine")))
             for n in world.nodes if n.name != leader]), "MB")


def detect_serf(serf, last):
    start = time.monotonic()
    serf.kill(last)
    wait_until("serf's survivors", lambda: all(
        f"s{last}." in serf.heard(i, "EventMemberFailed")
        for i in serf.running), 90, 0.02)
    return time.monotonic() - start


def detections(world, serf):
    count = len(world.nodes)
    seen, took, theirs = [], [], []
    for trial in range(TRIALS):
        a, b = detect_ours(world.nodes)
        seen.append(a)
        took.append(b)
        if serf:
            theirs.append(detect_serf(serf, count - trial % (count - 2)))
    beside = median(theirs) if theirs else None
    say(f"detect.{count}.leader.p50", median(seen), "s", beside)
    say(f"detect.{count}.all.p50", median(took), "s", beside)


def detect(world):
    serf = stand(world, 10, 60)
    idle(world, serf)
    detections(world, serf)


def detect_many(world):
    detections(world, stand(world, MANY_N, 120))


def failover(world):
    ours(world, 5)
    etcd = peer(world, Etcd, "etcd")
    start_all(world.nodes)
    for i in range(1, 6 if etcd else 1):
        etcd.start(i)
    took, theirs = [], []
    for _ in range(TRIALS):
        wait_until("one view", lambda: one_view(world.nodes), 60, 0.2)
        dead = next(n for n in world.nodes if n.name == world.nodes[0].leader())
        rest = [n for n in world.nodes if n is not dead]
        start = time.monotonic()
        dead.kill_host()
        wait_until("a new leader", lambda rest=rest, dead=dead: len(
            said := {n.leader() for n in rest}) == 1 and
            not said & {None, dead.name}, 60, 0.01)
        took.append(time.monotonic() - start)
        dead.exits.clear()
        dead.start()
        if etcd:
            old = wait_until("etcd's leader", etcd.leader, 60)[0]
            start = time.monotonic()
            etcd.kill(old)
            wait_until("etcd's new leader", lambda old=old: etcd.leader(old), 60, 0.01)
            theirs.append(time.monotonic() - start)
            etcd.start(old)
    for name, part in (("p50", 0.5), ("p99", 0.99)):
        say(f"failover.5.all.{name}", quantile(took, part), "s",
            quantile(theirs, part) if theirs else None)


def join_serf(world):
    """Seconds from the first and the last start; None each without a serf that joins."""
    serf = peer(world, Serf, "serf")
    if serf is None:
        return None, None
    first = time.monotonic()
    for i in range(1, JOIN_N + 1):
        serf.start(i)
    last = time.monotonic()
    try:
        wait_until("serf's view", serf.all_joined, 100, 0.05)
    except Missed as e:
        log(f"serf: {e}")
        return None, None
    return time.monotonic() - first, time.monotonic() - last


def join(world):
    ours(world, JOIN_N)
    first, last = start_all(world.nodes)
    all_see_all(world.nodes, 60)
    whole = time.monotonic()
    for n in world.nodes:
        n.kill_host()
    theirs = join_serf(world)
    say(f"join.{JOIN_N}.first", whole - first, "s", theirs[0])
    say(f"join.{JOIN_N}.last", whole - last, "s", theirs[1])


def noted(node, kind):
    """stamp -> ms, of the journal's lines of this kind."""
    return {e["text"].split()[1]: e["at_ms"] for e in node.events() if e["kind"] == kind}


def logged(node, what, since):
    """ms of the first line with these words in its log from there on, or None."""
    m = re.search(rf"^(\S+)Z \S+ \S+: {re.escape(what)}", read(node.log)[since:], re.M)
    return m and datetime.datetime.fromisoformat(m[1] + "+00:00").timestamp() * 1000


def spent(world):
    """CPU seconds of all nodes, their containers and all that ended since."""
    groups = [os.path.join(world.unified, g) for n in world.nodes for g in (n.cgroup, os.path.basename(n.daemon_cgroup))]
    return sum(int(re.search(r"usage_usec (\d+)", read(os.path.join(g, "cpu.stat")))[1]) for g in groups) / 1e6


def set_works(leads, times, there):
    """A schedule that gives each node an instance it never had, or takes it away."""
    set_script(leads, WORKS % (times, "nodes" if there else "{}", times))


def empty_again(world, leads):
    """All stopped: that is more than a rail lets pass unasked."""
    set_works(leads, 0, False)
    held = wait_until("a rail holds it", lambda: re.search(r"role work is held: .* --force (\S+)", leads.mesh("status").stdout), 30, 0.5)[0]
    run(os.path.join(BUILD, "mesh"), "--socket", leads.socket, "apply", "--force", held[1])
    wait_until("all stop", lambda: not any(n.running("work") for n in world.nodes), 60, 1)


def follow_once(world, leads, times):
    """A schedule goes round: for each step of all nodes how many ms after it was issued."""
    known, since = noted(leads, "issued"), {n: len(read(n.log)) for n in world.nodes}
    time.sleep(FOLLOW_QUIET_S)
    idle = spent(world)
    time.sleep(FOLLOW_QUIET_S)  # nobody asks: all CPU is theirs
    idle, before = spent(world) - idle, spent(world)
    set_works(leads, times, True)
    time.sleep(FOLLOW_QUIET_S)
    cpu = spent(world) - before - idle
    stamp, at = wait_until("a schedule", lambda: min(
        noted(leads, "issued").items() - known.items(), key=lambda x: x[1], default=None), 30, 0.7)[0]
    took = {"cpu": [cpu / len(world.nodes) * 1000]}
    for n in world.nodes:
        one = f"work.{n.name}-{times}"
        for step, told in (("applied", lambda n=n: noted(n, "applied").get(stamp)),
                           ("sent", lambda n=n, one=one: logged(n, f"start {one} ", since[n])),
                           ("taken", lambda n=n, one=one: logged(n, f"{one}: START is taken", since[n])),
                           ("started", lambda n=n, one=one: logged(n, f"{one}: started", since[n]))):
            took.setdefault(step, []).append(wait_until(f"{n.name}: {step}", told, 30, 0.5)[0] - at)
    log("; ".join(f"{k} {quantile(v, 0.5):.0f} {quantile(v, 0.99):.0f}" for k, v in took.items()))
    return took


def follow(world):
    ours(world, FOLLOW_N)
    work.install(world, ("v1",))
    write(os.path.join(world.images, "work-v1/config/work.yaml"), SLEEPS)
    start_all(world.nodes)
    all_see_all(world.nodes, 120)
    leader = wait_until("one view", lambda: one_view(world.nodes), 120, 1)[0]
    leads = next(n for n in world.nodes if n.name == leader)
    name, took = "follow" if FOLLOW_N == 100 else f"follow.{FOLLOW_N}", {}
    say(f"{name}.first.p99", quantile(follow_once(world, leads, 0)["taken"], 0.99), "ms")
    for i in range(1, FOLLOW_TIMES + 1):
        empty_again(world, leads)
        for step, ms in follow_once(world, leads, i).items():
            took.setdefault(step, []).extend(ms)
    for step, at in (("applied", ".applied"), ("taken", ""), ("started", ".started")):
        for part, share in (("p50", 0.5), ("p99", 0.99)):
            say(f"{name}{at}.{part}", quantile(took[step], share), "ms")
    say(f"{name}.cpu", quantile(took["cpu"], 0.5), "ms")


def main(names):
    parts = {"detect": detect, "failover": failover, "join": join, "idle": idle_many,
             "still": still, "many": detect_many, "follow": follow, "hour": hour}
    for part in chosen(names, parts) or list(parts.values())[:-3]:
        log(f"{part.__name__}; load {read('/proc/loadavg').split()[0]}")
        here = World(f"mesh-b{os.getpid()}", "bench")
        try:
            part(here)
        finally:
            while PEERS:
                PEERS.pop().close()
            here.close()
    return missed()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
