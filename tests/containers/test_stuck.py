"""Who reads from an image can't always be killed: a FUSE mount, a disk that does not
answer.  The supervisor waits for no such child of its own."""
import contextlib
import errno
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest
import weak
from conftest import BUILD, children_of, wait_for
from fuse_image import FLUSH, GETATTR, LOOKUP, OPEN, READ, Served
from steps import FAIL, FIRED, OWN, Steps, countdown, engine, groups_of, state_of  # noqa: F401


def make_images(node):
    node.sandbox("off", "default-user: 1000\nallow-users: [1000]\nallow-groups: [1000]\nroles: [web]\nuserns: off\n")
    node.shell("a", "exec sleep 1000", extra="kill-timeout: 100ms\n")
    node.shell("kept", "exec sleep 1000", extra="kill-timeout: 100ms\nrestart-timeout: 100ms\n")
    (node.images / "kept").rename(node.top / "kept")


@pytest.fixture
def served(node):
    """An image `slow` that is a FUSE mount; `a` is a directory."""
    make_images(node)
    fuse = Served(node.top / "kept", node.images / "slow")
    yield fuse
    fuse.close()


def is_killed(pid):
    """It has the signal, and has not ended."""
    text = pathlib.Path("/proc/%d/status" % pid).read_text()
    return state_of(pid) == "D" and int(re.search(r"^ShdPnd:\s*(\w+)$", text, re.M).group(1), 16) & 1 << 8


def killed_but_there(node):
    return [p for p in children_of(node.meshd.pid) if is_killed(p)]


def goes_on(node, name):
    """Others start and stop as if nothing were."""
    begun = time.monotonic()
    assert node.up(name, "a")["pid"]
    assert node.ask("STOP", instance=name)["code"] == 0
    node.event(kind="state", instance=name, state="gone")
    print("another started and stopped in %d ms" % ((time.monotonic() - begun) * 1000))


def test_it_starts_when_it_answers(node, served):
    """What this test's server gives out is an image like others."""
    node.start()
    up = node.up("web.1", "slow", sandbox="off")
    assert pathlib.Path("/proc/%d/root/config/run.yaml" % up["pid"]).exists()


def test_a_parser_that_can_not_be_killed(node, served):
    """meshd-conf reads a container file, and that is stopped."""
    served.hold(READ, "config/run.yaml")
    node.start()
    node.say("START ticket=900 instance=web.1 image=slow config=/config/run.yaml sandbox=off role=web")
    assert served.waits.wait(10)
    assert node.ask("STOP", instance="web.1", seconds=5)["code"] == 0
    assert wait_for(lambda: killed_but_there(node))
    goes_on(node, "web.2")
    assert killed_but_there(node)
    served.go()
    wait_for(lambda: len(children_of(node.meshd.pid)) == 1)  # the engine
    assert node.up("web.1", "slow", sandbox="off")["pid"]


def stop_with_a_child(node, steps):
    """meshd stands before its first call after it made a child beside the engine."""
    while True:
        wait_for(lambda: steps[FIRED] and state_of(node.meshd.pid) == "T")
        if any(p for p in children_of(node.meshd.pid) if not engine(node, p) and "/web.1." in "".join(groups_of(p))):
            return
        steps.arm(OWN, 1, signal.SIGSTOP)
        node.meshd.send_signal(signal.SIGCONT)


def test_a_start_that_can_not_be_killed(node, served, countdown):  # noqa: F811
    """The child looks for its mount points in the image, and then its start fails."""
    steps = Steps(node, countdown, below="run/supervisor")
    served.hold(LOOKUP, "proc")
    node.start()
    steps.arm(OWN, 1, signal.SIGSTOP)
    node.say("START ticket=900 instance=web.1 image=slow config=/config/run.yaml sandbox=off role=web")
    stop_with_a_child(node, steps)
    assert served.waits.wait(10)
    steps[FAIL] = errno.EIO
    steps.rest()
    node.meshd.send_signal(signal.SIGCONT)
    e = node.event(kind="state", instance="web.1", state="backoff", seconds=5)
    assert "cannot save record web.1.pid" in e["text"], e
    steps[FAIL] = 0
    assert wait_for(lambda: killed_but_there(node))
    goes_on(node, "web.2")
    assert killed_but_there(node) and "web.1.1" in node.leaves()
    assert node.ask("STOP", instance="web.1", seconds=5)["code"] == 0
    served.go()
    wait_for(lambda: len(children_of(node.meshd.pid)) == 1)
    wait_for(lambda: node.leaves() == [] and node.boxes() == [])
    assert node.up("web.1", "slow", sandbox="off")["pid"]


# --- no answer at all: what the supervisor itself looks at -------------------------
def in_volume(node, served):
    """Image `a2` has what `served` gives out as a volume."""
    node.sandbox("vol", "default-user: 1000\nallow-users: [1000]\nallow-groups: [1000]\nroles: [web]\nuserns: off\n"
                 "readonly-paths: {/far: %s}\n" % served.where)
    node.shell("a2", "exec sleep 1000", extra="kill-timeout: 100ms\nrestart-timeout: 100ms\nvolumes: {/data: !Readonly /far}\n")


def waits_for_fuse(pid):
    return "fuse" in (wchan := pathlib.Path("/proc/%d/wchan" % pid).read_text()) or "request_wait" in wchan


def start(node, ticket, *where):
    node.say("START ticket=%d instance=web.1 image=%s config=/config/run.yaml sandbox=%s role=web" % (ticket, *where))


IMAGE, VOLUME = ("slow", "off"), ("a2", "vol")


@pytest.mark.parametrize("where", [IMAGE, VOLUME])
def test_a_root_that_does_not_answer(node, served, where):
    """At a START, and when its process ended: others start, and it does when it can."""
    in_volume(node, served)
    served.hold(GETATTR, "")
    node.start()
    start(node, 900, *where)
    assert served.waits.wait(10)
    goes_on(node, "web.2")
    served.go()
    pid = node.event(kind="state", instance="web.1", state="running")["pid"]
    served.waits.clear()
    served.may.clear()
    served.hold(GETATTR, "")
    for child in children_of(pid):
        os.kill(child, signal.SIGKILL)
    assert served.waits.wait(10)
    goes_on(node, "web.2")
    assert not waits_for_fuse(node.meshd.pid)
    served.go()
    # Of the first one a second STATE may be under way: with what was found late in it (appfind.c).
    while node.event(kind="state", instance="web.1", state="running")["pid"] == pid:
        pass


def test_a_root_that_never_answers(node, served):
    """Who asked for it hears why; a new supervisor starts while the child of the old one
    waits still, and has none of its locks."""
    served.hold(GETATTR, "")
    node.start()
    start(node, 900, *IMAGE)
    said = node.event(kind="reply", ticket=900, seconds=15)["text"]
    assert said == "web.1: image slow: looking for it took more than 5 s: does the file system that it is on (FUSE, NFS) answer?"
    node.kill()
    node.start()
    goes_on(node, "web.2")


def test_a_server_that_is_gone(node, served):
    """What runs from it goes on, is shown, adopted and stopped; so is all else."""
    in_volume(node, served)
    node.sandbox("off", "default-user: 1000\nallow-users: [1000]\nallow-groups: [1000]\nroles: [web]\nuserns: off\nallow-exec: yes\n")
    node.start()
    ups = [node.up("web.%d" % (i + 1), image, sandbox=sandbox)["pid"] for i, (image, sandbox) in enumerate([IMAGE, VOLUME])]
    served.hold(None, None)
    goes_on(node, "web.3")
    assert node.ask("AUDIT", instance="web.1")["code"] == 0
    p = subprocess.Popen([BUILD / "mesh", "--socket", node.top / "run/ctl", "exec", "web.1", "--", "/bin/sh"],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert served.waits.wait(10)
    goes_on(node, "web.3")
    node.sandbox("vol", (node.sandboxes / "vol.yaml").read_text() + "limits: {pids: 100}\n")
    node.event(kind="state", instance="web.2", hash=0)  # the edit was seen
    goes_on(node, "web.3")
    node.kill()
    node.start()
    node.ask("LIST")
    pids = {e["instance"]: e["pid"] for e in node.events if e.get("instance") in ("web.1", "web.2")}
    assert pids == {"web.1": ups[0], "web.2": ups[1]}
    goes_on(node, "web.3")
    assert node.ask("STOP", instance="web.2")["code"] == 0
    node.event(kind="state", instance="web.2", state="gone")
    assert node.ask("STOP", instance="web.1")["code"] == 0
    goes_on(node, "web.3")
    assert not waits_for_fuse(node.meshd.pid)
    served.go()
    p.wait(20)
    wait_for(lambda: node.leaves() == [])


def test_metrics_of_one_that_is_far(node, served):
    """What can't be looked for at once is told when it is found."""
    node.start()
    pid = node.up("web.1", "slow", sandbox="off")["pid"]
    node.kill()
    served.hold(LOOKUP, "dev")
    node.start()
    node.ask("LIST")
    told = [e for e in node.events if e.get("instance") == "web.1"][-1]
    assert told["pid"] == pid and told["fd_bytes"] < 0
    served.go()
    assert node.event(kind="state", instance="web.1")["fd_bytes"] >= 0


@pytest.mark.parametrize("op", [OPEN, FLUSH])
def test_a_container_file_that_is_never_opened(node, served, op):
    """Nor closed: a process of its own does both."""
    served.hold(op, "config/run.yaml")
    node.start()
    start(node, 900, *IMAGE)
    assert served.waits.wait(10)
    goes_on(node, "web.2")
    served.go()
    node.event(kind="state", instance="web.1", state="running")


@contextlib.contextmanager
def started_without(weak_programs, defence, where):
    """web.1 on a file system that does not answer, for a supervisor that lacks this."""
    with contextlib.ExitStack() as ends:
        host = weak.Host(weak_programs)
        ends.callback(host.close)
        make_images(host)
        served = Served(host.top / "kept", host.images / "slow")
        ends.callback(served.close)
        in_volume(host, served)
        served.hold(GETATTR, "")
        host.start()
        host.without(defence)
        start(host, 900, *where)
        assert served.waits.wait(10)
        yield host, served


@pytest.mark.parametrize("where", [IMAGE, VOLUME])
def test_before_linux_6_8(weak_programs, where):
    """Without numbers of mounts that are never given again, the kernel's list of mounts says which is which."""
    with started_without(weak_programs, "mount-numbers", where) as (host, served):
        goes_on(host, "web.2")
        served.go()
        host.event(kind="state", instance="web.1", state="running")


@pytest.mark.parametrize("where", [IMAGE, VOLUME])
def test_without_this_all_wait(weak_programs, where):
    with started_without(weak_programs, "asks-nobody", where) as (host, _):
        assert wait_for(lambda: waits_for_fuse(host.meshd.pid))
