"""What a service manager is told, on a real socket (sd_notify(3)), and what its unit leaves to containers."""
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import sys
import time

import pytest

from conftest import ROOT, children_of, wait_for


class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, node, abstract=False, watchdog_ms=None):
        self.node, self.said = node, []
        name = "\0mesh-%s" % node.cgroup if abstract else str(node.top / "notify")
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(name)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.sock.settimeout(10)
        node.env = {"NOTIFY_SOCKET": name.replace("\0", "@")}
        if watchdog_ms:
            node.env["WATCHDOG_USEC"] = str(watchdog_ms * 1000)

    def next(self):
        """The next datagram; it comes from meshd itself (NotifyAccess=main)."""
        data, control, _, _ = self.sock.recvmsg(4096, socket.CMSG_SPACE(12))
        assert int.from_bytes(control[0][2][:4], "little") == self.node.meshd.pid
        self.said.append(data.decode())
        return self.said[-1]

    def heard(self, text):
        """Wait until it is said."""
        end = time.monotonic() + 10
        while text not in self.said:
            assert time.monotonic() < end, (text, self.said)
            self.next()

    def silent(self, seconds):
        """What comes in that time."""
        end, before = time.monotonic() + seconds, len(self.said)
        while select.select([self.sock], [], [], max(0, end - time.monotonic()))[0]:
            self.next()
        return self.said[before:]


@pytest.mark.parametrize("abstract", [False, True])
def test_ready_and_status(node, abstract):
    m = Manager(node, abstract)
    node.shell("a", "exec sleep 1000")
    node.start()
    m.heard("READY=1")
    m.heard("STATUS=0 of 0 containers run")
    node.up("web.1", "a")
    m.heard("STATUS=1 of 1 containers run")
    os.kill(node.meshd.pid, signal.SIGTERM)
    m.heard("STOPPING=1\nSTATUS=ending; containers stay")
    assert node.meshd.wait(10) == 0
    assert m.said.count("READY=1") == sum("STOPPING" in text for text in m.said) == 1 and "WATCHDOG=1" not in m.said


def test_ready_is_after_what_was_known(node):
    """What runs is adopted, what does not is started; then READY."""
    node.shell("a", "exec sleep 1000")
    node.start()
    pids = [node.up("web.%d" % i, "a")["pid"] for i in (1, 2)]
    node.kill()
    end = os.pidfd_open(pids[1])
    os.kill(pids[1], signal.SIGKILL)
    assert select.select([end], [], [], 10)[0]  # or it is adopted, and dies later
    os.close(end)
    m = Manager(node)
    node.start(wait=False)
    m.heard("READY=1")
    assert m.said[:m.said.index("READY=1")].count("STATUS=0 of 0 containers run") == 0
    inits = [int((node.leaf(leaf) / "cgroup.procs").read_text().split()[0]) for leaf in node.leaves()]
    assert len(inits) == 2 and pids[0] in inits and all(children_of(pid) for pid in inits)


def other_engine(node, text):
    """Its engine is this script from now on."""
    top = node.top / "programs"
    shutil.copytree(node.programs, top)
    (top / "meshd-engine").write_text(text)
    node.programs = top


def test_not_ready_before_the_engine_answers(node):
    """Where nothing runs, a host whose engine does nothing is no service that is up."""
    other_engine(node, "#!/bin/sh\nexec sleep 1000\n")
    m = Manager(node)
    node.start(wait=False)
    m.heard("STATUS=0 of 0 containers run")
    assert m.silent(0.3) == [] and "READY=1" not in m.said


def test_watchdog_is_fed_while_the_engine_answers(node):
    m = Manager(node, watchdog_ms=400)
    node.start()
    for _ in range(3):
        m.heard("WATCHDOG=1")
        m.said.clear()
    node.say("MUTE 1")
    m.silent(0.4)
    assert m.silent(0.8) == []
    assert node.meshd.poll() is None


def test_watchdog_is_fed_again(node):
    """By an engine that was slow, and answers then."""
    m = Manager(node, watchdog_ms=400)
    node.start()
    m.heard("READY=1")
    node.say("WHO")
    pid = node.event(kind="who")["pid"]
    os.kill(pid, signal.SIGSTOP)
    m.silent(0.4)
    assert "WATCHDOG=1" not in m.silent(0.8)
    os.kill(pid, signal.SIGCONT)
    m.said.clear()
    m.heard("WATCHDOG=1")


def test_watchdog_of_an_engine_that_is_gone(node):
    """It is started again: nobody has to end meshd for that."""
    other_engine(node, "#!/bin/sh\nsleep 0.1\nexit 1\n")
    m = Manager(node, watchdog_ms=400)
    node.start(wait=False)
    m.heard("STATUS=0 of 0 containers run; the engine does not")
    m.said.clear()
    m.heard("WATCHDOG=1")


def test_watchdog_for_another_process(node):
    m = Manager(node, watchdog_ms=100)
    node.env["WATCHDOG_PID"] = "1"
    node.start()
    m.heard("READY=1")
    assert "WATCHDOG=1" not in m.silent(0.3)


@pytest.mark.parametrize("env, text", [
    ({"NOTIFY_SOCKET": "run/notify"}, "NOTIFY_SOCKET: neither a path nor an abstract name"),
    ({"NOTIFY_SOCKET": "@"}, "NOTIFY_SOCKET: neither a path nor an abstract name"),
    ({"NOTIFY_SOCKET": "/" + "x" * 107}, "NOTIFY_SOCKET: neither a path nor an abstract name"),
    ({"NOTIFY_SOCKET": "vsock:2:1"}, "NOTIFY_SOCKET: neither a path nor an abstract name"),
    ({"NOTIFY_SOCKET": "/nowhere/notify"}, "NOTIFY_SOCKET: No such file or directory: the service manager is told again and again"),
    ({"NOTIFY_SOCKET": "/nowhere/notify", "WATCHDOG_USEC": "soon"}, "WATCHDOG_USEC: not a number of microseconds"),
    ({"NOTIFY_SOCKET": "/nowhere/notify", "WATCHDOG_USEC": "-1"}, "WATCHDOG_USEC: not a number of microseconds"),
])
def test_what_cannot_be_used_is_told_once(node, env, text):
    """And is no reason not to run."""
    node.env = env
    node.start()
    wait_for(lambda: text in (node.top / "stderr").read_text())
    time.sleep(0.1)
    assert (node.top / "stderr").read_text().count(text) == 1


def test_nothing_of_it_reaches_others(node):
    """Neither the engine nor a container learns of the socket: whoever speaks there speaks for meshd."""
    m = Manager(node, watchdog_ms=60000)
    node.env["LISTEN_FDNAMES"] = "theirs"
    node.shell("a", "busybox env; echo DONE; exec sleep 1000")
    node.start()
    m.heard("READY=1")
    node.say("WHO")
    engine = node.event(kind="who")["pid"]
    up = node.up("web.1", "a")
    node.printed("web.1", "DONE")
    app = children_of(up["pid"])[0]
    for pid in (engine, up["pid"], app):
        env = pathlib.Path("/proc/%d/environ" % pid).read_bytes()
        assert all(w not in env for w in (b"NOTIFY", b"WATCHDOG", b"theirs")), (pid, env)
    inode = os.stat("/proc/%d/fd/%d" % (node.meshd.pid, datagram_of(node.meshd.pid))).st_ino
    for pid in (engine, up["pid"], app):
        fds = pathlib.Path("/proc/%d/fd" % pid).iterdir()
        assert inode not in [os.stat(fd).st_ino for fd in fds if os.path.exists(fd)]


def datagram_of(pid):
    """Its descriptor that is the socket towards the manager."""
    types = {}
    for line in pathlib.Path("/proc/net/unix").read_text().splitlines()[1:]:
        words = line.split()
        types[words[6]] = words[4]
    for fd in pathlib.Path("/proc/%d/fd" % pid).iterdir():
        m = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(fd))
        if m and types.get(m[1]) == "0002":
            return int(fd.name)
    raise AssertionError("no datagram socket")


# What systemd does before it execs what a unit names: its own defaults, then the unit's lines.
AS_SYSTEMD = r"""
import ctypes, os, resource, signal, sys
unit = dict(line.split("=", 1) for line in open(sys.argv[1]) if line[0].isalpha())
signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # IgnoreSIGPIPE=yes
ignore = (ctypes.c_ulong * 4)(1)
for sig in (10, 32, 33):  # of whoever started systemd; libc would not touch the last two
    assert ctypes.CDLL(None).syscall(13, sig, ignore, None, 8) == 0
os.setsid()
assert ctypes.CDLL(None).syscall(250, 1, None) >= 0  # KeyringMode=private: a session keyring of the unit's own
os.umask(int(unit["UMask"], 8))
for key in ("NOFILE", "CORE"):
    n = int(unit["Limit" + key])
    resource.setrlimit(getattr(resource, "RLIMIT_" + key), (n, n))
try:
    print(unit["OOMScoreAdjust"], file=open("/proc/self/oom_score_adj", "w"), flush=True)
except PermissionError:
    pass
if sys.argv[2] == "drop-in":
    ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)  # NoNewPrivileges=yes
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # CPUAffinity=
os.environ.update(INVOCATION_ID="i" * 32, JOURNAL_STREAM="9:9", LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), SYSTEMD_EXEC_PID="1")
os.execv(sys.argv[3], sys.argv[3:])
"""


@pytest.mark.parametrize("more", ["unit", "drop-in"])
def test_the_unit_is_of_meshd_alone(node, more):
    """Its limits, umask, score, keyring and environment reach no container, and the engine has a umask of its own."""
    node.shell("a", "umask; ulimit -n; ulimit -c; busybox env; echo DONE; exec sleep 1000")
    node.through = [sys.executable, "-c", AS_SYSTEMD, str(ROOT / "packaging/meshd.service"), more]
    may_lower = int(re.search(r"CapEff:\t(\w+)", pathlib.Path("/proc/self/status").read_text())[1], 16) >> 24 & 1
    node.start()
    node.say("WHO")
    engine = node.event(kind="who")["pid"]
    app = children_of(node.up("web.1", "a")["pid"])[0]
    text = node.printed("web.1", "DONE").splitlines()
    assert text[0] == "0022" and text[2] == "0" and int(text[1]) != 8192, text
    assert not any(re.match("INVOCATION|JOURNAL|LISTEN|SYSTEMD", line) for line in text), text
    wait_for(lambda: "sleep" in pathlib.Path("/proc/%d/cmdline" % app).read_text())

    def proc(pid, name):
        return pathlib.Path("/proc/%d/%s" % (pid, name)).read_text()
    # Who has no CAP_SYS_RESOURCE here (in a container) can't go below 0.
    assert proc(node.meshd.pid, "oom_score_adj").strip() == ("-900" if may_lower else "0")
    assert proc(app, "oom_score_adj").strip() == "200"
    assert re.search(r"SigIgn:\t(\w+)", proc(app, "status"))[1] == "0" * 16
    assert re.search(r"^Umask:\t0022$", proc(engine, "status"), re.M)
    assert re.search(r"^Max open files +8192 +8192", proc(engine, "limits"), re.M)
    assert os.sched_getaffinity(app) == os.sched_getaffinity(0)
    assert os.getsid(app) != os.getsid(node.meshd.pid)
