"""Who reads from an image can't always be killed: a FUSE mount, a disk that does not
answer.  The supervisor waits for no such child of its own."""
import errno
import pathlib
import re
import signal
import time

import pytest
from conftest import children_of, wait_for
from fuse_image import LOOKUP, READ, Served
from steps import FAIL, FIRED, OWN, Steps, countdown, engine, groups_of, state_of  # noqa: F401


@pytest.fixture
def served(node):
    """An image `slow` that is a FUSE mount; `a` is a directory."""
    node.sandbox("off", "default-user: 1000\nallow-users: [1000]\nallow-groups: [1000]\nroles: [web]\nuserns: off\n")
    node.shell("a", "exec sleep 1000", extra="kill-timeout: 100ms\n")
    node.shell("kept", "exec sleep 1000", extra="kill-timeout: 100ms\nrestart-timeout: 100ms\n")
    (node.images / "kept").rename(node.top / "kept")
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
