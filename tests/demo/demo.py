"""demo - three nodes, one real service, and everything that may go wrong.

Runs in one network namespace, mesh-demo, with the nodes on 127.0.0.1-3; nothing
outside it is touched.  Every step has a bound (tests say what is right, the
demo also says how fast).  KEEP=1 leaves the mesh up.
"""
import fcntl
import os
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "cluster")]
import service  # noqa: E402
from load import Load  # noqa: E402
from mesh import BUILD, Missed, PORT, World, enter_netns, wait_until  # noqa: E402
from story import Story  # noqa: E402

TAG = "mesh-demo"
WEBS = 4
LOAD_S = 30.0
CUT = """table inet cut {{
	chain in {{
		type filter hook input priority 0;
		ip saddr {one} ip daddr != {one} meta l4proto {{ tcp, udp }} th dport {port} drop
		ip daddr {one} ip saddr != {one} meta l4proto {{ tcp, udp }} th dport {port} drop
	}}
}}
"""


def bounded(story, text, bound_s, check, since=None, patience=3):
    """Wait for check; tell how long it took against its bound."""
    since = time.monotonic() if since is None else since
    limit = max(bound_s * patience, 10) - (time.monotonic() - since)
    try:
        value, _ = wait_until(text, check, max(limit, 1), 0.02)
    except Missed as e:
        story.never(text, bound_s, str(e))
        return None
    story.within(text, time.monotonic() - since, bound_s)
    return value


def same_leader(nodes):
    """The leader that all of these nodes follow, or Missed."""
    said = {n.leader() for n in nodes}
    if len(said) != 1 or None in said:
        raise Missed(f"leaders: {said}")
    return said.pop()


def begin(story, world):
    story.chapter("Three daemons find each other")
    service.install(world)
    nodes = world.nodes
    started = time.monotonic()
    for node in nodes:
        node.write_config()
        node.start()
    story.tell("meshd on " + ", ".join(f"{n.name} {n.address}" for n in nodes))
    n1 = nodes[0]

    def init():
        p = n1.mesh("init")
        if p.returncode != 0:
            raise Missed(p.stderr.strip())
        return True
    wait_until("mesh init on n1", init, 10)
    story.tell("mesh init on n1: a new cluster, its first member")
    names = sorted(n.name for n in nodes)
    bounded(story, "all three see each other", 5,
            lambda: all(n.alive() == names for n in nodes), started)
    leader = bounded(story, "a leader, the same for all", 5,
                     lambda: same_leader(nodes), started)
    story.chapter("They run a service: 4 web servers, an HAProxy on every node")
    if bounded(story, "HTTP 200 through every front", 15,
               lambda: service.fronts_serve(nodes), started) is None:
        return None
    wait_until("all web servers in every haproxy.cfg",
               lambda: service.settled(nodes, WEBS), 20)
    wait_until("one view", lambda: service.one_view(nodes), 20)
    wait_until("all healthy", lambda: service.all_healthy(nodes, WEBS + 3), 20)
    for args in (["status"], ["members"], ["ps"]):
        story.tell("mesh " + " ".join(args))
        story.show(n1.mesh(*args).stdout)
    return leader


def edit(story, nodes):
    story.chapter("The page is edited in the scheduler script, on all three hosts")
    text = f"edited at {time.strftime('%H:%M:%S')}"
    since = time.monotonic()
    service.set_page(nodes, text)
    bounded(story, "served by every web server, through every front", 5,
            lambda: service.page_everywhere(nodes, text), since)


def kill_leader(story, nodes):
    story.chapter("The leader's host is killed outright: daemon, containers, all")
    name = same_leader(nodes)
    dead = next(n for n in nodes if n.name == name)
    rest = [n for n in nodes if n is not dead]
    lost = [i for i, r in service.webs(rest[0]).items() if r["node"] == name]
    load = Load([service.front_of(n) for n in rest])
    load_start = time.monotonic()
    time.sleep(LOAD_S / 6)  # requests before, during and after
    since = time.monotonic()
    dead.kill_host()
    story.tell(f"{name} is dead; it led, and ran {', '.join(lost) or 'nothing'}")

    def successor():
        new = same_leader(rest)
        return new if new != name else None
    new = bounded(story, "a new leader", 4, successor, since)
    bounded(story, "its web servers run elsewhere, in every haproxy.cfg", 10,
            lambda: service.settled(rest, WEBS), since)
    if new:
        story.tell(f"{new} leads now: mesh status there")
        story.show(next(n for n in rest if n.name == new).mesh("status").stdout)
    time.sleep(max(0.0, load_start + LOAD_S - time.monotonic()))
    total, failed = load.stop()
    share = 100.0 * len(failed) / max(total, 1)
    story.fact(f"failed requests, of {total} through surviving fronts",
               total > 0 and share <= 1.0, f"{len(failed)}", "1 %")
    for when, address, error in failed[:3]:
        story.show(f"{when - since:+.2f} s after the kill, {address}: {error}")
    return dead


def come_back(story, nodes, dead):
    story.chapter("The dead host comes back")
    since = time.monotonic()
    dead.start()
    bounded(story, f"{dead.name} is a member again, one view", 15,
            lambda: service.one_view(nodes), since)
    bounded(story, f"its front answers, all {WEBS} web servers in its config", 15,
            lambda: service.settled(nodes, WEBS) and service.fronts_serve(nodes), since)


def split(story, world, nodes):
    one = nodes[2]
    rest = nodes[:2]
    story.chapter(f"The network splits: {one.name} alone, {rest[0].name} and "
                  f"{rest[1].name} together")
    before = {n.name: n.running() for n in nodes}
    world.nft(CUT.format(one=one.address, port=PORT))

    def apart():
        a, b = rest[0].status()["side"], one.status()["side"]
        if a["grade"] != "full" or a["visible"] != 2 or b["grade"] != "none":
            raise Missed(f"{rest[0].name}: {a}; {one.name}: {b}")
        return same_leader(rest) != one.name
    since = time.monotonic()
    if bounded(story, "two of three go on, one knows it is alone", 10, apart,
               since) is None:
        return
    wait_until("the majority re-places what it lost",
               lambda: service.settled(rest, WEBS), 20)
    wait_until(f"{one.name} sees nobody",
               lambda: one.status()["side"]["visible"] == 1, 40)
    story.tell(f"mesh status on {one.name}")
    story.show(one.mesh("status").stdout)
    kept = set(before[one.name].items()) <= set(one.running().items())
    story.fact(f"{one.name} still serves what it had", kept,
               "yes" if kept else "no", "same pids")
    story.chapter("The network heals")
    since = time.monotonic()
    world.nft("delete table inet cut\n")
    bounded(story, "one view, one leader, one schedule", 9,
            lambda: service.one_view(nodes), since)
    bounded(story, f"{WEBS} web servers again, in every haproxy.cfg", 15,
            lambda: service.settled(nodes, WEBS) and service.fronts_serve(nodes), since)


def kill_daemons(story, nodes):
    story.chapter("kill -9 of engine and supervisor: nothing that runs may notice")
    node = nodes[1]
    before = node.running()
    for what, program in (("engine", "meshd-engine"), ("supervisor", "meshd")):
        old = set(node.pids("meshd-engine"))
        since = time.monotonic()
        node.kill(program)
        if program == "meshd":
            wait_until("the old engine is gone",
                       lambda old=old: not old & set(node.pids("meshd-engine")), 5)
        bounded(story, f"{what} of {node.name} killed: engine back", 1,
                lambda old=old: set(node.pids("meshd-engine")) - old
                and node.status()["node"] == node.name, since)
        try:
            wait_until("same pids", lambda: node.running() == before, 10)
            same = True
        except Missed:
            same = False
        story.fact(f"{len(before)} containers of {node.name} not restarted", same,
                   "same pids" if same else "changed", "same pids")
        if not same:
            story.show(f"before {before}, after {node.running()}")
    wait_until("all healthy", lambda: service.all_healthy(nodes, WEBS + 3), 20)
    story.tell("mesh ps")
    story.show(nodes[0].mesh("ps").stdout)


def tell_all(story, world):
    nodes = world.nodes
    if begin(story, world) is None:
        return
    edit(story, nodes)
    dead = kill_leader(story, nodes)
    come_back(story, nodes, dead)
    split(story, world, nodes)
    kill_daemons(story, nodes)


def only_one():
    """One demo at a time: it has the namespace mesh-demo to itself."""
    lock = open("/run/mesh-demo.lock", "a", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit("demo: another demo is running (it holds /run/mesh-demo.lock)")
    return lock


def interrupted(number, _frame):
    raise KeyboardInterrupt(number)


def main():
    if os.geteuid() != 0:
        sys.exit("demo: needs root, for a network namespace and cgroups; "
                 "make demo goes through sudo")
    lock = only_one()
    keep = os.environ.get("KEEP") == "1"
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, interrupted)
    story = Story()
    world, code, stopped = None, 1, False
    try:
        world = World(TAG, "demo")
        enter_netns(TAG)
        for i in (1, 2, 3):
            world.add_node(f"n{i}", f"127.0.0.{i}")
        tell_all(story, world)
    except KeyboardInterrupt:
        story.missed.append("interrupted: cleaning up")
        keep, stopped = False, True
    except (Missed, OSError, RuntimeError) as e:
        story.missed.append(str(e))
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        if story.missed and not stopped and world is not None:
            for node in world.nodes:
                story.show(node.tail())
        code = story.end()
        if world is not None:
            world.close(keep)
        else:
            World.sweep(TAG)
        if keep and world is not None:
            n1 = world.nodes[0]
            print("\nThe mesh is still up.  Look into it:\n"
                  f"  sudo {BUILD}/mesh --socket {n1.socket} status\n"
                  f"  sudo ip netns exec {TAG} curl -s http://"
                  f"{n1.address}:{(service.front_of(n1) or ('', 0))[1]}/\n"
                  "The next `make demo` takes it down first.")
        lock.close()
    return code


if __name__ == "__main__":
    sys.exit(main())
