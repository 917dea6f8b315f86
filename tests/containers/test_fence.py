"""Exclusive instances: nothing of one runs at its deadline, whoever else is dead."""
# A minute: begun before the others (run.sh).
import os
import pathlib
import time

import pytest
from conftest import SLOW, UNIFIED, Node, wait_for
from steps import OWN, Steps, countdown, in_parallel
from test_life import alive

# Writes CLOCK_BOOTTIME about each 10 ms; ignores TERM, and says that it came.
TICK = ("trap 'echo TERM $(up)' TERM; up() { read a b </proc/uptime; echo $a; }; "
        "while true; do echo TICK $(up); busybox usleep 10000; done")


def now_ms():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000000


def ticks(node, what="TICK", instance="web.1"):
    """When it printed that, in ms of CLOCK_BOOTTIME (rounded down to 10)."""
    rows = [line.split() for line in node.log(instance).splitlines()]
    return sorted(int(float(r[3]) * 1000) for r in rows if len(r) > 3 and r[2] == what)


def exclusive(node, ms=2000, script=TICK, kill="500ms", instance="web.1"):
    node.shell("a", script, extra="kill-timeout: %s\nrestart-timeout: 100ms\n" % kill)
    if node.meshd is None:
        node.start()
    deadline = now_ms() + (ms * SLOW if ms < 3000 else ms)
    up = node.up(instance, "a", policy=2, deadline=deadline)
    node.printed(instance, "TICK")
    return up, deadline


def fence(node, deadline, instance="web.1"):
    return node.ask("FENCE", instance=instance, deadline=deadline)


def over(node, up, deadline):
    """It is dead by the deadline, and ran until close to it."""
    wait_for(lambda: now_ms() >= deadline)
    assert not alive(up["pid"])
    last = ticks(node)[-1]
    assert deadline - 1000 < last < deadline, (last, deadline)


def end_engine(node):
    node.say("EXIT 0")


def test_ends_at_its_deadline(node):
    up, deadline = exclusive(node)
    e = node.event(kind="state", instance="web.1", state="gone")
    assert now_ms() <= deadline and e["text"] == "its role lease is over"
    over(node, up, deadline)
    assert len(ticks(node, "TERM")) == 1  # not once by each
    assert deadline - 500 - 300 <= ticks(node, "TERM")[0] <= deadline - 150
    assert node.records() == [] and node.leaves() == []
    assert list((node.top / "run/supervisor").iterdir()) == []


def test_fence_extends(node):
    up, first = exclusive(node)
    deadline = first
    for before in (1600, 1100, 600, 100):
        wait_for(lambda: now_ms() >= first - before)
        deadline = now_ms() + 2000
        assert fence(node, deadline)["code"] == 0
    assert fence(node, deadline - 1000)["code"] == 0  # never lower
    assert now_ms() > first - 200 and alive(up["pid"])
    over(node, up, deadline)
    assert [t for t in ticks(node) if t > first]


def test_start_again_extends(node):
    up, first = exclusive(node)
    deadline = first + 1000
    assert node.run("web.1", "a", policy=2, deadline=deadline)["code"] == 0
    over(node, up, deadline)
    assert ticks(node)[-1] > first


@pytest.mark.parametrize("fenced", [False, True])
def test_both_dead(node, fenced):
    """Its own pid 1 is all that is left, and enough."""
    up, deadline = exclusive(node)
    if fenced:
        deadline += 1000
        assert fence(node, deadline)["code"] == 0
    node.kill()
    over(node, up, deadline)
    assert len(ticks(node, "TERM")) == 1
    group = node.leaf("web.1.1") / "cgroup.procs"
    assert group.read_text() == ""
    node.start()
    wait_for(lambda: node.records() == [] and node.leaves() == [])


def test_engine_dead(node):
    up, deadline = exclusive(node)
    end_engine(node)
    over(node, up, deadline)


def test_all_forks_end(node):
    """TERM is ignored by all of them, and they go on forking."""
    script = "trap '' TERM; (while true; do (echo TICK $(cut -d' ' -f1 /proc/uptime)) & busybox usleep 20000; done) & " \
        "setsid sh -c 'while true; do sleep 1; done' & read a b </proc/uptime; echo TICK $a; while true; do sleep 1; done"
    up, deadline = exclusive(node, script=script)
    node.kill()
    group = node.leaf("web.1.1") / "cgroup.procs"
    wait_for(lambda: len(group.read_text().split()) >= 4)
    wait_for(lambda: now_ms() >= deadline)
    assert group.read_text() == ""


def test_restarted_while_the_lease_lives(node):
    script = "read a b </proc/uptime; echo TICK $a; exit 1"
    node.shell("a", script, extra="kill-timeout: 500ms\nrestart-timeout: 100ms\n")
    node.start()
    deadline = now_ms() + 2500
    node.run("web.1", "a", policy=2, deadline=deadline)
    e = node.event(kind="state", instance="web.1", state="gone")
    assert e["text"] == "its role lease is over" and len(ticks(node)) >= 3
    assert ticks(node)[-1] < deadline - 500
    assert node.records() == [] and node.leaves() == []


def test_adopted_with_its_deadline(node):
    up, deadline = exclusive(node, 3000)
    deadline += 500
    fence(node, deadline)
    node.kill()
    node.start()
    node.ask("LIST")
    e = [e for e in node.events if e["kind"] == "state"][-1]
    assert e["state"] == "running" and e["pid"] == up["pid"]
    deadline += 500
    assert fence(node, deadline)["code"] == 0  # the same file: pid 1 sees it too
    node.kill()
    over(node, up, deadline)


def freeze(node, yes):
    (node.leaf("web.1.1") / "cgroup.freeze").write_text("1" if yes else "0")
    if yes:
        wait_for(lambda: "frozen 1" in (node.leaf("web.1.1") / "cgroup.events").read_text())


def test_frozen_and_killed(node):
    up, deadline = exclusive(node)
    freeze(node, True)
    wait_for(lambda: now_ms() >= deadline)
    assert not alive(up["pid"])


def test_frozen_with_nobody_left(node):
    """The honest limit: thawed, it may run until its pid 1 is scheduled."""
    up, deadline = exclusive(node)
    node.kill()
    freeze(node, True)
    wait_for(lambda: now_ms() >= deadline + 300)
    assert alive(up["pid"])
    thawed = now_ms()
    freeze(node, False)
    wait_for(lambda: not alive(up["pid"]), 2, 0.0005)
    print("after the thaw: dead within %d ms, ticks %s" % (
        now_ms() - thawed, [t - thawed for t in ticks(node) if t >= thawed]))


def test_frozen_and_adopted(node):
    """The next supervisor kills it before anything else, frozen as it is."""
    up, deadline = exclusive(node)
    node.kill()
    freeze(node, True)
    wait_for(lambda: now_ms() >= deadline)
    node.start()
    wait_for(lambda: not alive(up["pid"]) and node.records() == [])
    assert ticks(node)[-1] < deadline


def test_not_started_after_a_reboot(node):
    up, deadline = exclusive(node, 8000)
    node.kill()
    (pathlib.Path(UNIFIED) / node.cgroup / "cgroup.kill").write_text("1")
    wait_for(lambda: not alive(up["pid"]))
    for p in (node.top / "run/supervisor").iterdir():
        p.unlink()
    node.start()
    wait_for(lambda: node.records() == [] and node.leaves() == [])
    node.ask("LIST")
    assert now_ms() < deadline and ticks(node)[-1] < deadline - 6000


def test_refused(node):
    up, deadline = exclusive(node, 8000)
    start = dict(policy=2)
    assert node.run("web.2", "a", **start)["text"] == "web.2: exclusive: a deadline is needed, that of a role lease"
    assert node.run("web.2", "a", deadline=now_ms() + 600, **start)["text"] \
        == "web.2: the role lease is over before it could start"
    assert "a role lease lasts at most 15000" in node.run("web.2", "a", deadline=now_ms() + 16000, **start)["text"]
    assert "a role lease lasts at most 15000" in fence(node, 2 ** 64 - 1)["text"]
    assert node.up("web.3", "a")["state"] == "running"
    assert fence(node, now_ms() + 5000, "web.3")["text"] == "web.3: FENCE: it is not exclusive"
    node.shell("slow", "exec sleep 1000", extra="kill-timeout: 11s\n")
    assert "kill-timeout: 11000 is above 10000" in node.run("web.4", "slow", deadline=now_ms() + 14000, **start)["text"]
    assert alive(up["pid"])
    assert node.ask("STOP", instance="web.1")["code"] == 0
    e = node.event(kind="state", instance="web.1", state="gone")
    assert now_ms() < deadline and e["text"] != "its role lease is over"


def test_broken_fence_is_no_lease(node):
    up, deadline = exclusive(node, 8000)
    node.kill()
    path = node.top / "run/supervisor/web.1.fence"
    data = bytearray(path.read_bytes())
    assert len(data) == 32
    data[16] ^= 0xff
    path.write_bytes(data)
    node.start()
    wait_for(lambda: not alive(up["pid"]) and node.records() == [])
    assert now_ms() < deadline


def test_nothing_is_inherited(node):
    node.image("a", run="kind: Daemon\nexecutable: /bin/sh\narguments: ['-c', 'ls /proc/self/fd; echo READY; exec sleep 1000']\n")
    node.start()
    up = node.up("web.1", "a", policy=2, deadline=now_ms() + 9000)
    fds = node.printed("web.1", "READY").split()[:-1]
    assert set(fds) <= {"0", "1", "2", "3"}  # 3: the directory that ls reads
    assert pathlib.Path("/proc/%d/cmdline" % up["pid"]).read_bytes().split(b"\0")[1] == b"2"


@pytest.mark.parametrize("change", ["START", "FENCE"])
def test_supervisor_killed_at_any_step(node, change):
    """At random moments of START and FENCE: never one past its deadline."""
    import random
    random.seed(7)
    node.shell("a", TICK, extra="kill-timeout: 200ms\n")
    node.start()
    last = 0
    for turn in range(8):
        deadline = now_ms() + 1500
        if change == "FENCE":
            reply = node.run("web.1", "a", policy=2, deadline=deadline)
            assert reply["code"] == 0, reply["text"]
        op = "%s ticket=%d instance=web.1 image=a config=/config/run.yaml sandbox=web role=web policy=2 deadline=%d"
        last = now_ms() + 1800
        for k in range(5):
            node.say(op % (change, 900 + k, last - 50 + 10 * k))
        time.sleep(random.uniform(0, 0.02))
        node.kill()
        node.start()
    node.kill()
    wait_for(lambda: now_ms() >= last)
    for leaf in node.leaves():
        assert (node.leaf(leaf) / "cgroup.procs").read_text() == ""
    assert not [t for t in ticks(node) if t > last]


def killed_at(programs, lib, change, after):
    """One node, one life of it for each of these steps: was there the last?"""
    lease_ms = 900
    while (died := one_life(programs, lib, change, after, lease_ms)) is None:
        lease_ms *= 2  # it was over before that step came: a slow host
        assert lease_ms < 15000
    return died


def started(e):
    """Or it never will."""
    return e["kind"] == "state" and e["state"] in ("running", "backoff", "gone") or e["kind"] == "reply" and e["code"] != 0


def went_well(e):
    return e["code"] == 0 if e["kind"] == "reply" else e["state"] == "running"


def one_life(programs, lib, change, after, lease_ms):
    words = " instance=web.1 image=a config=/config/run.yaml sandbox=web role=web policy=2 deadline=%d"
    node = Node(programs)
    try:
        node.shell("a", TICK, extra="kill-timeout: 100ms\n")
        steps = Steps(node, lib)
        node.start()
        deadline = now_ms() + lease_ms
        if change == "FENCE":
            node.say("START ticket=8" + words % deadline)
            if not went_well(steps.come(started)):
                return None
            deadline += 300
        steps.arm(OWN, after)
        try:
            node.say(change + " ticket=9" + words % deadline)
        except BrokenPipeError:
            assert steps.fired() # by what it did unasked in between
        last = steps.come(started if change == "START" else lambda e: e["kind"] == "reply" and e["ticket"] == 9)
        steps.rest()
        node.kill()
        if after % 2:
            node.start()
        wait_for(lambda: now_ms() >= deadline)
        for leaf in node.leaves():
            assert (node.leaf(leaf) / "cgroup.procs").read_text() == "", after
        assert not [t for t in ticks(node) if t > deadline], after
        return last is None or (False if went_well(last) else None)
    finally:
        node.close()


@pytest.mark.parametrize("change, least", [("START", 30), ("FENCE", 1)])
def test_killed_at_each_step(programs, countdown, change, least):
    """Each call of the supervisor that leaves something behind is never made;
    then nobody comes, or the next supervisor does."""
    n, at_once, died = 1, 8 if least > 1 else 1, [True]
    while all(died):
        died = []
        in_parallel(*[lambda k=k: died.append(killed_at(programs, countdown, change, k)) for k in range(n, n + at_once)])
        n += at_once
    print("%s: %d steps" % (change, n - 1 - died.count(0)))
    assert n > least
