"""One real supervisor per test: its own directories, cgroup and images.

The engine is played by driver.c (built here), exec'd by meshd exactly as the
engine is; everything else, meshd-conf and meshd-init and the kernel, is real.
"""
import contextlib
import ctypes
import json
import os
import pathlib
import select
import shutil
import socket
import subprocess
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MESH_BUILD", ROOT / "build"))
UNIFIED = next(p for p in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup")
               if os.path.exists(p + "/cgroup.procs"))
USER, CONF_USER = 64780, 64781
SANITIZED = "MESH_SANITIZE" in os.environ  # make containers-san: its programs are built with this
SLOW = 3 if SANITIZED else 1  # what they do in a time takes so many


def pytest_configure(config):
    if os.geteuid() != 0:
        raise pytest.UsageError("container tests need root: sudo make containers")
    config.addinivalue_line("markers", "no_shadow: a sanitizer's 16 TB of shadow memory do not fit into it")


def pytest_collection_modifyitems(config, items):
    out = [i for i in items if SANITIZED and i.get_closest_marker("no_shadow")]
    items[:] = [i for i in items if i not in out]
    config.hook.pytest_deselected(items=out)


@pytest.fixture(scope="session")
def programs():
    """A program directory whose engine is the driver."""
    top = pathlib.Path(tempfile.mkdtemp(prefix="mesh-programs-"))
    top.chmod(0o755)
    for name in ("meshd", "meshd-conf", "meshd-init", "meshd-script"):
        shutil.copy(BUILD / name, top / name)
    subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O1", "-static", "-o", top / "meshd-engine",
                    ROOT / "tests/containers/driver.c"], check=True)
    # The same supervisor, linked so that a test can stand before its calls (steps.py).
    (top / "dynamic").mkdir()
    for path in [p for p in top.iterdir() if p.is_file() and p.name != "meshd"]:
        os.link(path, top / "dynamic" / path.name)
    shutil.copy(BUILD / "weak" / "meshd-dynamic", top / "dynamic" / "meshd")
    yield top
    shutil.rmtree(top)


@pytest.fixture(scope="session")
def escape(programs):
    """escape.c as a program."""
    out = programs / "escape"
    subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O1", "-static", "-o", out,
                    ROOT / "tests/containers/escape.c"], check=True)
    return out


@pytest.fixture(scope="session")
def weak_programs(programs):
    """As `programs`, with the build that can leave out a defence (weak.py)."""
    top = programs / "weak"
    shutil.copytree(programs, top)
    for name in ("meshd", "meshd-init"):
        shutil.copy(BUILD / "weak" / name, top / name)
    return top


def wait_for(what, seconds=10, every=0.01):
    """The first true value of what(), within seconds."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < end, "waited %g s in vain" % seconds
        time.sleep(every)


def mount_another(where):
    """A file system whose ids can be mapped: tmpfs, and before Linux 6.3 one that is here already."""
    new = tuple(int(n) for n in os.uname().release.split(".")[:2]) >= (6, 3)
    subprocess.run(["mount", "-t", "tmpfs", "none", where] if new else ["mount", "--bind", where, where], check=True)


LIBC = ctypes.CDLL(None, use_errno=True)
NEWNET = 0x40000000


def ip(*args):
    return subprocess.run(["ip", *args], check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def bridge_apart():
    """This thread, and what it starts, on a network of its own with a bridge."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    assert LIBC.unshare(NEWNET) == 0
    try:
        ip("link", "set", "lo", "up")
        ip("link", "add", "br7", "mtu", "1400", "type", "bridge")
        ip("addr", "add", "10.77.0.1/24", "dev", "br7")
        ip("link", "set", "br7", "up")
        yield
    finally:
        assert LIBC.setns(home, NEWNET) == 0
        os.close(home)


class Lines:
    """The lines of a socket; what has come can be had without waiting."""

    def __init__(self, sock):
        self.sock, self.buf = sock, b""

    def readline(self):
        while b"\n" not in self.buf:
            got = self.sock.recv(65536)
            if not got:
                return ""
            self.buf += got
        line, self.buf = self.buf.split(b"\n", 1)
        return line.decode() + "\n"

    def ready(self):
        if select.select([self.sock], [], [], 0)[0]:
            with contextlib.suppress(ConnectionResetError):  # who was killed has not read all
                self.buf += self.sock.recv(1 << 20)
        *lines, self.buf = self.buf.split(b"\n")
        return [line.decode() for line in lines]


class Node:
    """A host of one test."""

    def __init__(self, programs):
        self.programs = programs
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="mesh-node-"))
        self.top.chmod(0o755)
        self.cgroup = "mesh-test-%d-%s" % (os.getpid(), self.top.name[-6:].lower().replace("_", "x"))
        self.images = self.top / "images"
        self.sandboxes = self.top / "etc/lithos-configs/sandboxes"
        self.config = self.top / "mesh.yaml"
        self.images.mkdir()
        self.sandboxes.mkdir(parents=True)
        self.home = None  # the cgroup2 group that meshd itself is started in
        self.through = []  # the command that execs it, like nice
        self.env = {}  # besides ours
        self.bridged = False  # it is in a network of its own that has a bridge, br7
        self.meshd = None
        self.sock = None
        self.ticket = 0
        self.events = []
        self.write_config()
        self.sandbox("web", "default-user: 1000\nallow-users: [1-2000]\n")

    def write_config(self, extra=""):
        self.config.write_text(
            "name: n1\nlisten: 127.0.0.1:7780\nuser: %d\nconf-user: %d\ncgroup: %s\nconfig-dir: %s\nstate-dir: %s\n"
            "run-dir: %s\nlog-dir: %s\nimages-dir: %s\n%s"
            % (USER, CONF_USER, self.cgroup, self.top / "etc", self.top / "state", self.top / "run",
               self.top / "log", self.images, extra))
        self.config.chmod(0o644)

    def sandbox(self, name, text):
        (self.sandboxes / (name + ".yaml")).write_text(text)
        (self.sandboxes / (name + ".yaml")).chmod(0o644)

    def image(self, name, **files):
        """Busybox, the mount points, and each file in files (name: text) under /config."""
        top = self.images / name
        for d in ("bin", "dev", "proc", "tmp", "config", "rendered", "etc", "data"):
            (top / d).mkdir(parents=True, exist_ok=True)
        if not (top / "bin/busybox").exists():
            shutil.copy("/bin/busybox", top / "bin/busybox")
            for tool in ("sh", "cat", "ls", "sleep", "touch", "id", "readlink", "mount", "hostname", "kill", "seq", "true"):
                os.symlink("busybox", top / "bin" / tool)
        for key, text in files.items():
            (top / "config" / (key + ".yaml")).write_text(text)
        return top

    def shell(self, image, script, name="run", kind="Daemon", extra=""):
        """An image whose container runs a shell script."""
        self.image(image, **{name: "kind: %s\nexecutable: /bin/sh\narguments: [\"-c\", %s]\n%s"
                             % (kind, json.dumps(script), extra)})

    # --- the daemon ---
    def killed_home(self):
        """From now on meshd starts in a group that was killed once."""
        self.home = pathlib.Path(UNIFIED) / (self.cgroup + "-d")
        self.home.mkdir()
        (self.home / "cgroup.kill").write_text("1")

    def start(self, *args, wait=True):
        enter = ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', self.home] if self.home else []
        self.stderr = open(self.top / "stderr", "ab")
        self.meshd = subprocess.Popen([*enter, *self.through, self.programs / "meshd", "--config", self.config, *args],
                                      stderr=self.stderr, stdin=subprocess.DEVNULL, env={**os.environ, **self.env})
        self.stderr.close()
        if wait:
            self.connect()

    def run_once(self, *args):
        """meshd that is expected to end by itself: (exit code, stderr without what an older kernel lacks)."""
        p = subprocess.run([self.programs / "meshd", *args], capture_output=True, text=True, timeout=20)
        return p.returncode, "".join(line for line in p.stderr.splitlines(True) if "this kernel's Landlock can't" not in line)

    def connect(self):
        """To a driver that answers: just after a kill -9 the old socket may
        still take a connection, which then is reset."""
        def attempt():
            s = socket.socket(socket.AF_UNIX)
            try:
                s.settimeout(5)
                s.connect(str(self.top / "run/ctl"))
                s.sendall(b"WHO\n")
                lines = Lines(s)
                self.pending = []
                while True:
                    e = json.loads(lines.readline() or "{}")
                    if not e:
                        raise ConnectionResetError
                    if e["kind"] == "who":
                        return s, lines
                    self.pending.append(e)
            except OSError:
                assert self.meshd.poll() is None, (self.top / "stderr").read_text()
                s.close()
                return None
        self.sock, self.lines = wait_for(attempt, 60)
        self.events = []

    def say(self, line):
        self.sock.sendall((line + "\n").encode())

    def next(self, seconds=10):
        if self.pending:
            event = self.pending.pop(0)
        else:
            self.sock.settimeout(seconds)
            line = self.lines.readline()
            assert line, "engine's connection closed"
            event = json.loads(line)
        self.events.append(event)
        return event

    def event(self, seconds=10, **want):
        """The next event with these values."""
        end = time.monotonic() + seconds
        while True:
            e = self.next(max(0.01, end - time.monotonic()))
            if all(e[k] == v for k, v in want.items()):
                return e

    def ask(self, op, seconds=15, **keys):
        """A request and its reply."""
        self.ticket += 1
        words = ["%s=%s" % (k, v) for k, v in keys.items() if k != "vars"]
        words += ["var:%s=%s" % kv for kv in keys.get("vars", {}).items()]
        self.say("%s ticket=%d %s" % (op, self.ticket, " ".join(words)))
        kind = {"LIST": "end", "KEY": "key", "AUDIT": "audit"}.get(op, "reply")
        return self.event(seconds=seconds, kind=kind, ticket=self.ticket)

    def run(self, instance, image, config="/config/run.yaml", sandbox="web", role="web", op="START", **keys):
        return self.ask(op, instance=instance, image=image, config=config, sandbox=sandbox, role=role, **keys)

    def up(self, instance, image, **keys):
        """START, and the event that says it runs."""
        reply = self.run(instance, image, **keys)
        assert reply["code"] == 0, reply["text"]
        return self.event(kind="state", instance=instance, state="running")

    def log(self, instance):
        text = ""
        for suffix in (".1", ""):
            p = self.top / "log" / (instance + ".log" + suffix)
            if p.exists():
                text += p.read_text()
        return text

    def printed(self, instance, what, seconds=10):
        """Wait until the container's log holds what; the log without stamps."""
        wait_for(lambda: what in self.log(instance), seconds)
        return "\n".join(line.split(" ", 2)[2] for line in self.log(instance).splitlines())

    def group(self):
        return pathlib.Path(UNIFIED) / self.cgroup

    def records(self):
        """What there is of instances: .ranges and .spare are of nobody."""
        return sorted(p.name for p in (self.top / "state/supervisor").iterdir() if p.name not in (".ranges", ".spare"))

    def boxes(self):
        """The groups of sandboxes."""
        return sorted(p.name for p in self.group().glob("@*"))

    def leaves(self):
        """The groups of containers, without those of the sandboxes they are in."""
        return sorted(p.name for top in (self.group(), *self.group().glob("@*"))
                      for p in top.glob("[!.@]*") if p.is_dir())

    def leaf(self, name):
        """The directory of one of them."""
        return next(p for p in (self.group() / name, *self.group().glob("@*/" + name)) if p.is_dir())

    def kill(self):
        """kill -9 the supervisor, and nothing else."""
        self.meshd.kill()
        self.meshd.wait()
        self.gone()

    def gone(self):
        """Wait until the engine has ended: its socket would answer until then."""
        self.sock.settimeout(10)
        try:
            while self.sock.recv(65536):
                pass
        except ConnectionResetError:
            pass

    def close(self):
        # pytest shows this when the test failed.
        print((self.top / "stderr").read_text() if (self.top / "stderr").exists() else "")
        if self.meshd and self.meshd.poll() is None:
            self.meshd.kill()
            self.meshd.wait()
        group = pathlib.Path(UNIFIED) / self.cgroup
        if group.exists():
            (group / "cgroup.kill").write_text("1")
        tops = [pathlib.Path("/sys/fs/cgroup") / c / self.cgroup for c in ("memory", "cpu", "pids", "blkio")] + [group]
        if self.home:
            tops.append(self.home)

        def gone():
            for top in tops:
                if not top.exists():
                    continue
                for p in sorted(top.glob("**/"), reverse=True):
                    try:
                        p.rmdir()
                    except OSError:
                        pass
            return not any(t.exists() for t in tops)
        wait_for(gone)
        shutil.rmtree(self.top, ignore_errors=True)


@pytest.fixture
def node(programs):
    n = Node(programs)
    yield n
    n.close()


def children_of(pid):
    return [int(p) for p in pathlib.Path("/proc/%d/task/%d/children" % (pid, pid)).read_text().split()]
