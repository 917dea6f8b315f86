"""mesh - real daemons for the demo, the cluster tests and the benchmarks.

A World is a temporary directory, some network namespaces, a cluster key and
images; a Node is one host in it: its own name, address, directories and
cgroups, with a real meshd that is started again whenever it exits (as systemd
would).  Everything is undone by World.close, also after a crash of the caller:
names carry the world's tag, so `sweep` can find what an earlier run left.

Needs root.  Waiting is always for a state (`wait_until`), never for a time.
"""
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("MESH_BUILD", os.path.join(ROOT, "build"))
USER, CONF_USER = 64780, 64781
PORT = 7780
CUT = """table inet cut {{
	chain in {{
		type filter hook input priority 0
		ip saddr {{ {others} }} drop
	}}
	chain out {{
		type filter hook output priority 0
		ip daddr {{ {others} }} drop
	}}
}}
"""


class Missed(AssertionError):
    """Something did not come true in time; the text says what was seen last."""


def wait_until(what, check, limit_s=30.0, every_s=0.03):
    """Poll check() until it is true; (its value, seconds it took)."""
    start = time.monotonic()
    last = None
    while True:
        try:
            last = check()
            if last:
                return last, time.monotonic() - start
        except Missed as e:
            last = e
        if time.monotonic() - start > limit_s:
            raise Missed(f"{what}: not within {limit_s:g} s (last: {str(last)[:2000]})")
        time.sleep(every_s)


def run(*argv, stdin=None, check=True):
    p = subprocess.run(argv, input=stdin, capture_output=True, text=True,
                       check=False)
    if check and p.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: exit {p.returncode}: "
                           f"{p.stderr.strip() or p.stdout.strip()}")
    return p


def enter_netns(name):
    """Move the calling thread (and what it starts) into a network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(fd, 0x40000000) != 0:
            raise OSError(ctypes.get_errno(), f"setns {name}")
    finally:
        os.close(fd)


def in_netns(name, work, *args):
    """work(*args) in a thread of its own inside the namespace; its value."""
    box = []

    def inside():
        try:
            enter_netns(name)
            box.append((work(*args), None))
        except Exception as e:  # carried to the caller, whatever it is
            box.append((None, e))
    t = threading.Thread(target=inside)
    t.start()
    t.join()
    if box[0][1] is not None:
        raise box[0][1]
    return box[0][0]


def cgroup_mounts():
    """(cgroup2 directory, all cgroup hierarchies) of this host."""
    unified, every = None, []
    with open("/proc/self/mounts", encoding="ascii", errors="replace") as f:
        for row in f:
            _, where, kind = row.split()[:3]
            if kind == "cgroup2":
                unified = unified or where
            if kind in ("cgroup", "cgroup2"):
                every.append(where)
    if unified is None:
        raise RuntimeError("no cgroup2 hierarchy is mounted")
    return unified, every


def kill_cgroup(path):
    """End every process in a cgroup and below, and wait until it is empty."""
    if not os.path.isdir(path):
        return
    with open(os.path.join(path, "cgroup.kill"), "w", encoding="ascii") as f:
        f.write("1")
    wait_until(f"{path} empty", lambda: "populated 0" in read(
        os.path.join(path, "cgroup.events")), 10)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def write(path, text, mode=0o644):
    """Replace a file whole, as an administrator's tool should."""
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    tmp = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.new")
    with open(tmp, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    os.chmod(tmp, mode)
    os.rename(tmp, path)


def copy_tree(source, target):
    shutil.copytree(source, target, dirs_exist_ok=True)
    for folder, _, files in os.walk(target):
        os.chmod(folder, 0o755)
        for name in files:
            os.chmod(os.path.join(folder, name), 0o644)


class Node:
    """One host of a world."""

    def __init__(self, world, name, address, netns=None):
        self.world, self.name, self.address = world, name, address
        self.netns = netns or world.netns
        self.dir = os.path.join(world.dir, name)
        self.etc = os.path.join(self.dir, "etc")
        self.config = os.path.join(self.etc, "mesh.yaml")
        self.state = os.path.join(self.dir, "state")
        self.socket = os.path.join(self.dir, "run", "ctl")
        self.log = os.path.join(self.dir, "meshd.log")
        self.cgroup = f"{world.tag}-{name}"  # of its containers
        self.daemon_cgroup = os.path.join(world.unified, f"{world.tag}-d-{name}")
        self.settings = {}
        self.hosts = None  # a file that its daemon sees as /etc/hosts
        self.sees = {}  # others: what it sees where
        self.wanted = False
        self.process = None
        self.keeper = None
        self.lock = threading.Lock()
        self.exits = []
        os.makedirs(self.etc, mode=0o755)
        for sub in ("scheduler-scripts", "roles", "templates",
                    "lithos-configs/sandboxes"):
            os.makedirs(os.path.join(self.etc, sub), mode=0o755)
        write(os.path.join(self.etc, "lithos-configs/master.yaml"), "{}\n")

    def at(self):
        """HOST:PORT, as a config has it."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{PORT}"

    def write_config(self, **settings):
        """The daemon's config; None leaves a key out."""
        self.settings.update(settings)
        keys = {
            "name": self.name, "cluster": self.world.cluster,
            "cluster-key": self.world.key,
            "listen": self.at(),
            "seeds": [n.at() for n in self.world.nodes if n is not self],
            "config-dir": self.etc, "state-dir": self.state,
            "run-dir": os.path.join(self.dir, "run"),
            "log-dir": os.path.join(self.dir, "log"),
            "images-dir": self.world.images,
            "user": USER, "conf-user": CONF_USER, "cgroup": self.cgroup,
            # A busy machine must not turn one limit's error into another's.
            "limits": {"script-cpu": "2s", "script-wall": "60s"},
        }
        keys.update(self.settings)
        # JSON is YAML, and quotes itself.
        write(self.config, "".join(f"{k}: {json.dumps(v)}\n"
                                   for k, v in keys.items() if v is not None))

    # --- the daemon -----------------------------------------------------------
    def start(self):
        if not os.path.exists(self.config):
            self.write_config()
        os.makedirs(self.daemon_cgroup, exist_ok=True)
        with self.lock:
            self.wanted = True
            if self.process is None:
                self.process = self._spawn()
        if self.keeper is None:
            self.keeper = threading.Thread(target=self._keep, daemon=True)
            self.keeper.start()

    def _spawn(self):
        daemon = ["/bin/sh", "-c", 'echo $$ >"$1/cgroup.procs" && shift && '
                  'exec nsenter --net="/run/netns/$1" "$2" --config "$3"', "sh",
                  self.daemon_cgroup, self.netns, os.path.join(BUILD, "meshd"),
                  self.config]
        sees = {**({"/etc/hosts": self.hosts} if self.hosts else {}), **self.sees}
        if sees:
            daemon = ["unshare", "--mount", "/bin/sh", "-c",
                      'while [ "$1" != -- ]; do mount --bind "$2" "$1" || exit 1; shift 2; done; '
                      'shift; exec "$@"', "sh", *(x for pair in sees.items() for x in pair),
                      "--", *daemon]
        with open(self.log, "ab") as log:
            return subprocess.Popen(
                daemon, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, cwd="/")

    def _keep(self):
        """Play systemd: whatever ends is started again, while it is wanted."""
        while not self.world.closed:
            p = self.process
            if p is None:
                time.sleep(0.02)
                continue
            code = p.wait()
            with self.lock:
                self.exits.append(code)
                again = self.wanted and not self.world.closed
                # A daemon that refuses to start is not asked for ever.
                again = again and len(self.exits) < 20
                self.process = self._spawn() if again else None

    def stop(self):
        """SIGTERM to meshd, as an upgrade does: containers stay."""
        self.wanted = False
        p = self.process
        if p is not None:
            p.send_signal(signal.SIGTERM)
            wait_until(f"{self.name}: meshd ends on SIGTERM",
                       lambda: p.poll() is not None, 15)

    def kill_host(self):
        """The whole machine at once: daemon and containers, no goodbye."""
        self.wanted = False
        for path in (self.daemon_cgroup,
                     os.path.join(self.world.unified, self.cgroup)):
            if os.path.isdir(path):
                with open(os.path.join(path, "cgroup.kill"), "w",
                          encoding="ascii") as f:
                    f.write("1")
        for path in (self.daemon_cgroup,
                     os.path.join(self.world.unified, self.cgroup)):
            kill_cgroup(path)
        # The power is gone: so is what lived in memory.
        for where in self.world.hierarchies:
            remove_cgroups(os.path.join(where, self.cgroup))
        # Nor does a fresh boot have a group that was killed once: some kernels
        # (6.18) kill whatever is cloned from such a group into another one.
        remove_cgroups(self.daemon_cgroup)
        shutil.rmtree(os.path.join(self.dir, "run"), ignore_errors=True)

    def pids(self, program):
        """Pids of meshd, meshd-engine ... of this node."""
        found = []
        engine = os.path.join(self.world.unified, self.cgroup, ".engine/cgroup.procs")
        procs = read(os.path.join(self.daemon_cgroup, "cgroup.procs"))
        if os.path.exists(engine):
            procs += read(engine)
        for pid in procs.split():
            try:
                exe = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
            except OSError:
                continue
            if exe.split(" ")[0] == program:
                found.append(int(pid))
        return found

    def kill(self, program):
        pids = self.pids(program)
        if not pids:
            raise Missed(f"{self.name}: no {program} runs")
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return pids

    # --- what it says -----------------------------------------------------------
    def mesh(self, *args):
        return run(os.path.join(BUILD, "mesh"), "--socket", self.socket, *args,
                   check=False)

    def ask(self, *args):
        """The JSON answer of a verb; Missed when there is none."""
        p = self.mesh(*args, "--json")
        try:
            return json.loads(p.stdout)
        except ValueError:
            raise Missed(f"{self.name}: mesh {' '.join(args)}: exit "
                         f"{p.returncode}: {p.stderr.strip()}") from None

    def status(self):
        return self.ask("status")

    def events(self):
        """What it tells, the oldest first."""
        return [json.loads(line) for line in
                self.mesh("events", "--json").stdout.splitlines()]

    def alive(self):
        return sorted(m["name"] for m in self.ask("members")
                      if m["state"] == "alive")

    def leader(self):
        """Name of the leader this node follows, or None."""
        return self.status()["side"].get("leader") or None

    def ps(self, role=None):
        rows = self.ask("ps")
        return [r for r in rows if role in (None, r["role"])]

    def running(self, role=None):
        """instance -> pid of what runs here, as the host's own node says."""
        return {r["instance"]: r["pid"] for r in self.ps(role)
                if r["node"] == self.name and r["pid"]}

    def rendered(self, role, name):
        try:
            return read(os.path.join(self.state, "rendered", role, "current", name))
        except OSError:
            return ""

    def says(self):
        """One line: its side, its schedule, what it knows of instances."""
        try:
            status, rows = self.status(), self.ps()
        except Missed as e:
            return f"  {self.name}: {e}\n"
        side = status["side"]
        return f"  {self.name}: leader {side['leader']}, term {side['term']}, " \
            f"{side['grade']}, stamp {status['scheduler']['stamp']}; " + ", ".join(
                f"{r['instance']} {r['state']} on {r['node']}" for r in rows) + "\n"

    def tail(self, count=15):
        try:
            return "".join(f"  {self.name}| {row}\n"
                           for row in read(self.log).splitlines()[-count:])
        except OSError:
            return ""


def init(node):
    """Make the cluster, once the daemon answers."""
    def once():
        p = node.mesh("init")
        if p.returncode != 0:
            raise Missed(p.stderr)
        return True
    wait_until("mesh init", once, 30)


class World:
    """A temporary directory with everything some nodes need."""
    open = []  # those that are not closed: what a failed test's nodes have to say

    def __init__(self, tag, cluster="test"):
        self.tag, self.cluster, self.closed = tag, cluster, False
        self.unified, self.hierarchies = cgroup_mounts()
        self.sweep(tag)
        self.sweep_dead()
        self.dir = tempfile.mkdtemp(prefix=f"{tag}.", dir="/tmp")
        os.chmod(self.dir, 0o755)  # the engine's user must get through
        self.images = os.path.join(self.dir, "images")
        os.makedirs(self.images, mode=0o755)
        self.key = os.path.join(self.dir, "cluster.key")
        write(self.key, os.urandom(32), 0o600)
        self.nodes = []
        self.netns = tag
        run("ip", "netns", "add", tag)
        run("ip", "-n", tag, "link", "set", "lo", "up")
        World.open.append(self)

    def add_node(self, name, address, netns=None):
        node = Node(self, name, address, netns)
        self.nodes.append(node)
        return node

    def bridge(self, nodes, address="10.77.0.{}"):
        """Hosts of their own: name -> 10.77.0.N, joined by a bridge."""
        run("ip", "-n", self.tag, "link", "add", "br0", "type", "bridge")
        run("ip", "-n", self.tag, "link", "set", "br0", "up")
        bits, quiet = (64, ["nodad"]) if ":" in address else (24, [])
        for i, name in enumerate(nodes, 1):
            ns, end, own = f"{self.tag}-{name}", f"v{i}", address.format(i)
            run("ip", "netns", "add", ns)
            run("ip", "-n", self.tag, "link", "add", end, "type", "veth",
                "peer", "name", "eth0", "netns", ns)
            run("ip", "-n", self.tag, "link", "set", end, "master", "br0", "up")
            run("ip", "-n", ns, "link", "set", "lo", "up")
            run("ip", "-n", ns, "link", "set", "eth0", "up")
            run("ip", "-n", ns, "addr", "add", f"{own}/{bits}", "dev", "eth0", *quiet)
            self.add_node(name, own, ns)
        return self.nodes

    def nft(self, rules, netns=None):
        """Load nftables rules inside a namespace of ours, nowhere else."""
        run("nsenter", f"--net=/run/netns/{netns or self.netns}", "nft", "-f",
            "-", stdin=rules)

    def cut(self, nodes):
        """Cut these nodes (each in a namespace of its own) off from the rest."""
        for node in nodes:
            others = ", ".join(n.address for n in self.nodes if n not in nodes)
            self.nft(CUT.format(others=others), node.netns)

    def mend(self, nodes):
        for node in nodes:
            self.nft("delete table inet cut\n", node.netns)

    def close(self, keep=False):
        self.closed = True
        if self in World.open:
            World.open.remove(self)
        for node in self.nodes:
            node.wanted = False
        if not keep:
            self.sweep(self.tag)

    @classmethod
    def sweep_dead(cls):
        """Undo the worlds of test runs that were killed: tags end in a pid."""
        unified, _ = cgroup_mounts()
        netns = os.listdir("/run/netns") if os.path.isdir("/run/netns") else []
        found = set()
        for name in netns + os.listdir(unified) + os.listdir("/tmp"):
            m = re.match(r"(mesh-[trbn](\d+))([-.]|$)", name)
            if m and not os.path.exists(f"/proc/{m.group(2)}"):
                found.add(m.group(1))
        for tag in found:
            cls.sweep(tag)

    @staticmethod
    def sweep(tag):
        """Undo a world by its names: this run's, or one that was killed."""
        unified, hierarchies = cgroup_mounts()
        for _ in range(3):  # a supervisor may be starting one more just now
            groups = [g for g in os.listdir(unified) if g.startswith(f"{tag}-")]
            # Daemons first, whatever their nodes are called: a supervisor that lives
            # starts again what is killed under it.
            for name in sorted(groups, key=lambda g: not g.startswith(f"{tag}-d-")):
                kill_cgroup(os.path.join(unified, name))
        for where in hierarchies:
            for name in os.listdir(where):
                if name.startswith(f"{tag}-"):
                    remove_cgroups(os.path.join(where, name))
        for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else []:
            if name == tag or name.startswith(f"{tag}-"):
                run("ip", "netns", "del", name, check=False)
        for name in os.listdir("/tmp"):
            if name.startswith(f"{tag}."):
                unmount_below(os.path.join("/tmp", name))
                shutil.rmtree(os.path.join("/tmp", name), ignore_errors=True)


def remove_cgroups(path):
    """Remove a cgroup and all below; one whose processes just ended may be
    busy for a moment."""
    for folder, _, _ in os.walk(path, topdown=False):
        for _ in range(50):
            try:
                os.rmdir(folder)
                break
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(0.02)


def unmount_below(path):
    with open("/proc/self/mounts", encoding="utf-8", errors="replace") as f:
        points = [row.split()[1] for row in f]
    for point in reversed(points):
        if point == path or point.startswith(path + "/"):
            run("umount", "-l", point, check=False)
