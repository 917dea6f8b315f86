"""cluster - figures of real daemons: `name value unit`, one per line.

cluster: 20 times the leader's host is killed outright, 20 times a follower's.
  failover.*      kill -> a new leader has issued a schedule of its own term
  replace.*       kill -> the dead host's web servers are healthy elsewhere and in
                  every surviving HAProxy's config (leaders and followers together)
idle: RSS and CPU of supervisor + engine (with the scripts it ran), nothing to do,
  at 3 and 30 nodes on this machine.
"""
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), d) for d in ("cluster", "demo")]
import service  # noqa: E402
from mesh import Missed, World, init, read, wait_until  # noqa: E402

TRIALS = int(os.environ.get("TRIALS", "20"))
IDLE_S = float(os.environ.get("IDLE_S", "30"))
WEBS = 4
EMPTY = """-- nothing to run: what an idle mesh costs
return {schedule = function(input)
	return {roles = {}, nodes = {}}
end}
"""


def say(name, value, unit):
    print(f"{name} {value:.4g} {unit}", flush=True)


def log(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def quantiles(name, samples):
    s = sorted(samples)
    say(name + ".p50", s[len(s) // 2] * 1000, "ms")
    say(name + ".p99", s[min(len(s) - 1, int(len(s) * 0.99))] * 1000, "ms")


def settle(nodes):
    wait_until("one view", lambda: service.one_view(nodes), 60)
    wait_until("the service", lambda: service.settled(nodes, WEBS), 60)


def kill_one(nodes, dead):
    """Kill a host; (seconds to a new leader's schedule or None, to re-placement)."""
    led = nodes[0].leader() == dead.name
    rest = [n for n in nodes if n is not dead]
    term = rest[0].status()["side"]["term"]
    start = time.monotonic()
    dead.kill_host()
    failover = None
    if led:
        def issued():
            for n in rest:
                said = n.status()
                stamp = said["scheduler"].get("stamp") or "0."
                if said["side"].get("leader") not in (None, "", dead.name) and \
                        int(stamp.split(".")[0]) > term:
                    return True
            return False
        wait_until("a new leader's schedule", issued, 60, 0.02)
        failover = time.monotonic() - start
    wait_until("re-placed", lambda: service.settled(rest, WEBS), 60, 0.02)
    replace = time.monotonic() - start
    dead.exits.clear()
    dead.start()
    settle(nodes)
    return failover, replace


def cluster():
    world = World(f"mesh-b{os.getpid()}", "bench")
    try:
        nodes = world.bridge(["n1", "n2", "n3"])
        service.install(world)
        for n in nodes:
            n.write_config()
            n.start()
        init(nodes[0])
        settle(nodes)  # grade full of three known: no join is measured
        failovers, replaces = [], []
        for trial in range(2 * TRIALS):
            leader = nodes[0].leader()
            if trial % 2 == 0:
                dead = next(n for n in nodes if n.name == leader)
            else:
                dead = next(n for n in nodes if n.name != leader
                            and n.running("web"))
            failover, replace = kill_one(nodes, dead)
            log(f"trial {trial + 1} of {2 * TRIALS}: failover "
                f"{failover if failover is None else round(failover, 2)} s, "
                f"re-placed in {replace:.2f} s")
            if failover is not None:
                failovers.append(failover)
            replaces.append(replace)
        quantiles("failover", failovers)
        quantiles("replace", replaces)
    except Missed:
        for n in world.nodes:
            sys.stderr.write(n.tail(20))
        raise
    finally:
        world.close()


def cpu_s(pid):
    """CPU of a process and of the children it has reaped, in seconds."""
    own = int(read(f"/proc/{pid}/schedstat").split()[0]) / 1e9
    fields = read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()
    return own + (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid):
    for row in read(f"/proc/{pid}/status").splitlines():
        if row.startswith("VmRSS:"):
            return int(row.split()[1]) / 1024
    return 0.0


def idle(count):
    world = World(f"mesh-b{os.getpid()}", "bench")
    try:
        for i in range(1, count + 1):
            world.add_node(f"n{i}", f"127.0.0.{i}")
        for n in world.nodes:
            n.write_config(seeds=["127.0.0.1:7780", "127.0.0.2:7780"])
            service.set_script([n], EMPTY)
            n.start()
        init(world.nodes[0])
        wait_until("one view", lambda: service.one_view(world.nodes), 120, 0.5)
        log(f"{count} nodes are one; idle for {IDLE_S:g} s")
        time.sleep(5)  # let the storm of joining settle before it is measured
        pids = {n.name: n.pids("meshd") + n.pids("meshd-engine")
                for n in world.nodes}
        before = {name: sum(map(cpu_s, p)) for name, p in pids.items()}
        start = time.monotonic()
        time.sleep(IDLE_S)
        wall = time.monotonic() - start
        used = {name: (sum(map(cpu_s, p)) - before[name]) / wall * 100
                for name, p in pids.items()}
        size = {name: sum(map(rss_mb, p)) for name, p in pids.items()}
        leader = world.nodes[0].leader()
        followers = sorted(name for name in pids if name != leader)
        middle = len(followers) // 2
        say(f"idle.{count}.follower.rss",
            sorted(size[n] for n in followers)[middle], "MB")
        say(f"idle.{count}.follower.cpu",
            sorted(used[n] for n in followers)[middle], "%")
        say(f"idle.{count}.leader.rss", size[leader], "MB")
        say(f"idle.{count}.leader.cpu", used[leader], "%")
    finally:
        world.close()


def idle_both():
    idle(3)
    idle(30)


PARTS = {"cluster": cluster, "idle": idle_both}


def chosen(names, known):
    """What these names stand for, in their order; one that is not known ends it, with a
    line that says what is."""
    for name in names:
        if name not in known:
            print(f"bench: '{name}' is nothing to measure; known: {' '.join(known)}",
                  file=sys.stderr)
            sys.exit(2)
    return [known[name] for name in names]


if __name__ == "__main__":
    for part in chosen(sys.argv[1:], PARTS) or PARTS.values():
        part()
