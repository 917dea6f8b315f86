"""An engine gone bad, and pids that are somebody else's by now, each twice: the
real supervisor does not do it, and without just that defence
(daemon/base/weak.h) it is done.
"""
import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess
import time

import pytest
import weak
from conftest import wait_for


@pytest.fixture(scope="module")
def hosts(programs, weak_programs):
    """The real one, and the one that leaves out what it is told to."""
    both = [weak.Host(programs), weak.Host(weak_programs)]
    for host in both:
        host.shell("a", "exec sleep 1000")
        host.image("a", vars="kind: Daemon\nexecutable: /bin/sleep\narguments: ['1000']\nvariables: {a: !Choice [b]}\n",
                   once="kind: Command\nexecutable: /bin/true\n")
        host.sandbox("db", "default-user: 1000\nroles: [db]\n")
        host.start()
        host.first = host.up("web.1", "a")["pid"]
    yield both
    for host in both:
        os.kill(host.first, 0)  # whatever was tried
        host.close()


def said(host, off, op="START", **keys):
    """The answer to a request, with nothing in it but what keys say."""
    host.without(*off)
    reply = host.ask(op, **keys)
    host.without()
    return reply


GOOD = {"instance": "web.2", "image": "a", "config": "/config/run.yaml", "sandbox": "web", "role": "web"}
LIES = [
    ("a role of another sandbox", {"sandbox": "db"}, "role 'web' may not use sandbox 'db'", "roles"),
    ("variables that can still be changed", {"config": "/config/vars.yaml", "fd": "memfd"}, "not a sealed memfd", "vars-sealed"),
]


@pytest.mark.parametrize("what, keys, refusal, off", LIES, ids=[lie[0] for lie in LIES])
def test_lies_are_refused(hosts, what, keys, refusal, off):
    reply = said(hosts[0], [], **{**GOOD, **keys})
    assert reply["code"] == 3 and refusal in reply["text"], reply
    reply = said(hosts[1], [off], **{**GOOD, **keys})
    assert reply["code"] == 0, reply
    hosts[1].event(kind="state", instance="web.2", state="running")
    hosts[1].ask("STOP", instance="web.2")
    hosts[1].event(kind="state", instance="web.2", state="gone")


def test_a_command_of_a_wrong_role(hosts):
    keys = {**GOOD, "config": "/config/once.yaml", "sandbox": "db", "instance": "web.3"}
    reply = said(hosts[0], [], "RUN", **keys)
    assert reply["code"] == 3 and "role 'web' may not use sandbox 'db'" in reply["text"]
    assert said(hosts[1], ["roles"], "RUN", **keys)["code"] == 0
    assert hosts[1].event(kind="exit", instance="web.3")["exit_status"] == 0


def test_replays_do_nothing(hosts):
    """What is so already is not done again, however often it is asked."""
    keys = {**GOOD, "instance": "web.1"}
    for _ in range(100):
        assert said(hosts[0], [], **keys)["code"] == 0
    hosts[0].ask("LIST")
    assert {e["pid"] for e in hosts[0].events if e["instance"] == "web.1" and e["kind"] == "state"} == {hosts[0].first}
    assert said(hosts[1], ["replay"], **keys)["code"] == 0
    e = hosts[1].event(kind="state", instance="web.1", state="running")
    while e["pid"] == hosts[1].first:
        e = hosts[1].event(kind="state", instance="web.1", state="running")
    hosts[1].first = e["pid"]


def engine(host):
    host.say("WHO")
    return host.event(kind="who")["pid"]


def test_malformed_records_end_the_engine(hosts):
    """Of another version or operation, of another size, with a name that does not end."""
    before = engine(hosts[1])
    assert said(hosts[1], ["well-formed"], "LIST", version=9)["kind"] == "end"
    assert engine(hosts[1]) == before
    lies = "LIST version=9", "LIST op=4294967295", "RAW 65536", "ROLE role=" + "a" * 300
    for lie in lies:  # (after each end it takes longer until the next engine is started)
        before = engine(hosts[0])
        hosts[0].say(lie)
        wait_for(lambda: not os.path.exists("/proc/%d" % before))
        hosts[0].connect()
    assert (hosts[0].top / "stderr").read_text().count("sent something that is not a request: killed") == len(lies)


NAMES = ["", ".", "..", "/", "../x", "x/../y", "x\ty", ".stop-web.1", ".bad-web.1", "-", "/" * 63, "\x7f", "\xff"]
PATHS = ["", "config", "/..", "/../x", "/a/../../x", "//", "/a//b", "/."]
IMAGES = ["", ".", "..", "/", "/etc", "../a", "a/..", "a/../../x", "a//b", "a/"]


def test_every_lie_is_one_line(hosts):
    """Each field, each kind of lie: refused, and nothing came of it."""
    host = hosts[0]
    trees = host.leaves(), host.records(), sorted(os.listdir(host.top / "state/rendered"))
    lies = [(op, {key: value}) for op in ("START", "RUN") for keys, values in
            ((("instance", "sandbox", "role"), NAMES), (("config",), PATHS), (("image",), IMAGES))
            for key in keys for value in values]
    lies += [(op, {"role": value}) for op in ("ROLE", "UNROLE") for value in NAMES]
    lies += [("START", {"policy": 3}), ("START", {"policy": 2}), ("START", {"deadline": 1}), ("RUN", {"policy": 2}),
             ("START", {"policy": 2, "deadline": 1}), ("START", {"policy": 2, "deadline": 2 ** 64 - 1}), ("FENCE", {}),
             ("FENCE", {"instance": "web.1", "deadline": 2 ** 64 - 1}), ("RUN", {"instance": "web.1"}), ("RUN", {}),
             ("START", {"config": "/config/once.yaml"}), ("START", {"fd": "/etc/passwd"}), ("START", {"fd": "/dev/zero"}),
             ("START", {"fd": "pipe"}), ("UNROLE", {})]
    lies += [("SIGNAL", {"instance": "web.1", "signal": n}) for n in (0, -1, 9, 17, 18, 19, 64, 2 ** 31 - 1)]
    lies += [("SIGNAL", {"instance": n, "signal": 15}) for n in NAMES]
    for op, keys in lies:
        reply = said(host, [], op, **{**GOOD, **keys})
        assert reply["code"] in (3, 4) and "\n" not in reply["text"] and reply["text"], (op, keys, reply)
    for value in filter(str.isprintable, NAMES):  # gone already
        assert said(host, [], "STOP", instance=value)["code"] == 0
    host.ask("STOP", instance="web.2")
    assert trees == (host.leaves(), host.records(),
                     sorted(os.listdir(host.top / "state/rendered")))


# --- pids ------------------------------------------------------------------------------
def ids():
    """Does the kernel number processes for good (since Linux 6.9)?  A pidfd's inode is that, and was the same for all before."""
    fds = [os.pidfd_open(pid) for pid in (os.getpid(), os.getppid())]
    mine, other = [os.fstat(fd).st_ino for fd in fds]
    for fd in fds:
        os.close(fd)
    return mine != other


@contextlib.contextmanager
def reused(escape, pid, ticks=0):
    """pid is a process of the host's by now; gives who waits for its end."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    # Where nothing but a start time, a number of ticks, shows that it is another: not in the same one.
    time.sleep((ticks if ids() else 2) / os.sysconf("SC_CLK_TCK"))
    other = subprocess.Popen([escape, "born", str(pid)], stdout=subprocess.PIPE)
    assert other.stdout.read(5) == b"BORN\n"
    yield other
    other.kill()
    other.wait()


@pytest.fixture
def orphans():
    """What loses its maker becomes ours, so that its pid is free when we say so."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    yield
    ctypes.CDLL(None).prctl(36, 0, 0, 0, 0)


def test_adopts_no_reused_pid(hosts, escape, orphans):
    """Noted before kill -9, ended unseen, and now the pid is another's.  Each of four answers shows that; without any it is taken
    for the container."""
    each = ["start-time", *(["pidfd-id"] if ids() else []), "is-init", "in-group"]
    offs = [[d for d in each if d != holds] for holds in each] + [each]
    for host, off in [(hosts[0], [])] + [(hosts[1], off) for off in offs]:
        pid = host.up("web.5", "a")["pid"]
        host.kill()
        with reused(escape, pid, ticks=2 if off and "start-time" not in off else 0) as other:
            host.without(*off)
            host.start()
            host.say("STOP ticket=1 instance=web.5")
            host.event(kind="reply", ticket=1)
            if off == each:
                assert other.wait(10) == 0  # it was asked to end
            else:
                host.event(kind="state", instance="web.5", state="gone")
                assert pathlib.Path("/proc/%d/stat" % pid).read_text().split()[2] == "S" and other.poll() is None
        host.without()


@pytest.mark.parametrize("off", ["", "pidfd"])
def test_signals_no_reused_pid(hosts, escape, orphans, off):
    """It ends, is reaped, and its pid is another's, all between the last look and
    the signal.  The pause in which that happens only the weak build has: this
    half is its own, with the defence and without."""
    host = hosts[1]
    host.up("web.6", "a")
    host.kill()
    host.start()
    host.ask("LIST")
    pid = next(e["pid"] for e in host.events if e["instance"] == "web.6" and e["state"] == "running")
    host.without("no-pause", off)
    host.say("SIGNAL ticket=555 instance=web.6 signal=15")
    wait_for(lambda: " T " in pathlib.Path("/proc/%d/stat" % host.meshd.pid).read_text())
    with reused(escape, pid) as other:
        os.kill(host.meshd.pid, signal.SIGCONT)
        reply = host.event(kind="reply", ticket=555)
        if off:
            assert reply["code"] == 0 and other.wait(10) == 0
        else:
            assert "No such process" in reply["text"] and other.poll() is None
    host.without()
    host.ask("STOP", instance="web.6")
    host.event(kind="state", instance="web.6", state="gone")


def test_a_sandbox_that_is_no_name(hosts):
    """Another file of root's, which allows more.  (Last: that name is then in records that such names spoil.)"""
    for host in hosts:
        (host.sandboxes.parent / "mine.yaml").write_text("default-user: 0\nallow-users: [0]\nroles: [web]\n")
    keys = {**GOOD, "sandbox": "../mine", "instance": "web.7"}
    assert said(hosts[0], [], **keys)["text"] == "web.7: bad sandbox name"
    assert said(hosts[1], ["names"], **keys)["code"] == 0
    # Accepted by what the other file allows; what is left in its way is that no group can have such a name.
    assert "cannot make cgroup @../mine: " in hosts[1].event(kind="state", instance="web.7", state="backoff")["text"]
