"""singleton - worlds with one exclusive instance, one.1, and a watch over it.

The watcher reads the instance's cgroups of all hosts all the while.  CLOCK_BOOTTIME
is one clock for all of them, so what it saw alive when is compared exactly: of no
two hosts may the processes have lived at one instant.
"""
import glob
import os
import threading
import time

import images
import service
from mesh import ROOT, Missed, World, copy_tree, init, read, wait_until, write

LEASE_S = 15
TICK_MS = 1000 // os.sysconf("SC_CLK_TCK")
ONE = """kind: Daemon
user-id: 1000
group-id: 1000
executable: /bin/busybox
arguments: [sleep, "1000000"]
kill-timeout: 1s
memory-limit: 16Mi
pids-limit: 16
"""
MAIN = """local one = mesh.role("one", {
  version = "v1", image = "one-v1", on_split = "exclusive",
  place = mesh.place.sticky {only = function(node, name) return %s end},
})
return mesh.scheduler {one}
"""
NOTHING = "return mesh.scheduler {}\n"


def now_ms():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000000


class Watch(threading.Thread):
    """(host, pid, start) -> when it was last seen alive, of one.1 everywhere."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self.world, self.seen, self.over = world, {}, False
        self.start()

    def run(self):
        while not self.over:
            for node in self.world.nodes:
                self.look(node)
            time.sleep(0.003)

    def look(self, node):
        top = os.path.join(node.world.unified, node.cgroup)
        for leaf in glob.glob(os.path.join(top, "@*", "one.1.*")):
            try:
                pids = read(os.path.join(leaf, "cgroup.procs")).split()
            except OSError:
                continue
            for pid in pids:
                at = now_ms()
                try:
                    stat = read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()
                except OSError:
                    continue
                if stat[0] not in "ZX":
                    self.seen[node.name, int(pid), int(stat[19]) * TICK_MS] = at

    def on(self, name):
        """(first start, last seen alive) of what ran on a host."""
        mine = [(start, last) for (node, _, start), last in self.seen.copy().items()
                if node == name]
        return min(s for s, _ in mine), max(t for _, t in mine)

    def never_two(self):
        all_seen = sorted((start, last, node) for (node, _, start), last
                          in self.seen.copy().items())
        for i, (start, last, node) in enumerate(all_seen):
            for start2, last2, node2 in all_seen[i + 1:]:
                assert node == node2 or start2 > last, \
                    f"on {node} {start}..{last} and on {node2} {start2}..{last2}"

    def end(self):
        self.over = True
        self.join()
        self.never_two()


def install(world, main=MAIN % "true"):
    root = images.empty(world.images, "one-v1")
    images.copy("/bin/busybox", root, "/bin/busybox")
    write(os.path.join(root, "config/one.yaml"), ONE)
    for node in world.nodes:
        templates = os.path.join(node.etc, "templates")
        copy_tree(os.path.join(ROOT, "templates"), templates)
        write(os.path.join(templates, "one/render.yaml"),
              "processes: processes.yaml.tmpl\n")
        write(os.path.join(node.etc, "lithos-configs/sandboxes/one.yaml"),
              service.SANDBOX.format(role="one", images=world.images))
    service.set_script(world.nodes, main)


def made(name, count, main=MAIN % "true", **settings):
    world = World(f"mesh-r{os.getpid()}", name)
    world.bridge([f"n{i}" for i in range(1, count + 1)])
    install(world, main)
    for node in world.nodes:
        node.write_config(**settings)
        node.start()
    init(world.nodes[0])
    wait_until("one view", lambda: service.one_view(world.nodes), 40)
    return world


def row(node):
    rows = [r for r in node.ps("one") if r["node"] == node.name]
    return rows[0] if rows else {"state": "none", "error": "", "pid": 0,
                                 "lease_until_ms": 0}


def runs_on(nodes):
    """The one host of these on which it runs, by what each says of itself."""
    rows = {n: row(n) for n in nodes}
    here = [n for n, r in rows.items() if r["state"] == "running" and r["pid"]]
    if len(here) != 1:
        raise Missed(str({n.name: r for n, r in rows.items()}))
    return here[0]


def runs(nodes, limit_s=3 * LEASE_S):
    return wait_until("it runs", lambda: runs_on(nodes), limit_s)[0]


def renewed(node, pid, times=1):
    """It is the same process, with a later deadline than it has now."""
    for _ in range(times):
        was = row(node)["lease_until_ms"]

        def later(was=was):
            r = row(node)
            assert r["pid"] == pid, r
            return r["lease_until_ms"] > was
        wait_until("its lease is renewed", later, LEASE_S)
    return True


def says(node, state, text):
    def said():
        r = row(node)
        if r["state"] != state or text not in r["error"]:
            raise Missed(str(r))
        return True
    wait_until(f"{node.name} says: {state}, {text}", said, 2 * LEASE_S)


def settled(world):
    wait_until("one view", lambda: service.one_view(world.nodes), 40)
    owner = runs(world.nodes)
    return owner, row(owner)["pid"], [n for n in world.nodes if n is not owner]


def lead_by(world, node):
    if node.leader() != node.name:
        node.mesh("leader", "--to", node.name)
    wait_until("it leads", lambda: {n.leader() for n in world.nodes} == {node.name}, 20)
    wait_until("one view", lambda: service.one_view(world.nodes), 20)
