"""kill -9 of a supervisor without root and without groups within a start, a stop and its
own boot: nothing runs twice, nothing is lost, nothing is left."""
import json
import os
import pathlib
import shutil

import pytest
from conftest import wait_for
from rootless import UID, make  # noqa: F401
from steps import CHILD, FIRED, OWN, Runs, Steps, countdown, state_of  # noqa: F401
from test_crash import listed

STRIDE = 4  # test_steps.py takes each step
START = "START ticket=900 instance=web.1 image=a config=/config/run.yaml sandbox=web role=web"
STOP = "STOP ticket=901 instance=web.1"


class Stage:
    def __init__(self, user, lib):
        self.user = user
        self.steps, self.runs = Steps(user, lib), Runs(user)
        os.chown(user.top / "steps", UID, UID)
        shutil.copy(lib, user.top / "countdown.so")
        user.through += ["%s=%s" % kv for kv in {**user.env, "LD_PRELOAD": user.top / "countdown.so"}.items()]
        user.sandbox("web", "default-user: 1000\nallow-users: [1-2000]\nlimits-optional: yes\nreadonly-paths: {/out: %s}\n"
                     % (user.top / "out"))
        user.shell("a", "echo run >/data/fifo; exec sleep 1000",
                   extra="volumes: {/data: !Readonly /out}\nrestart-timeout: 100ms\nkill-timeout: 100ms\n")
        user.start()

    def cut(self, n, line, state, which=OWN):
        """A request, and the end of the supervisor before its nth step; False: there is none."""
        user, steps = self.user, self.steps
        user.pending = []
        before = self.supervisors()
        steps.arm(which, n)
        user.say(line)

        def over():
            user.pending += [json.loads(text) for text in user.lines.ready()]
            return steps[FIRED] or any(e["state"] == state for e in user.pending if e["kind"] == "state")
        wait_for(over, every=0.002)
        if not steps[FIRED]:
            steps.rest()
            return False
        if which == CHILD:  # it waits, maybe noted and let go, and does so still when the next one looks
            waits = self.supervisors() - before
            assert waits
            self.sleeps(user.meshd.pid)
            user.meshd.kill()
        user.meshd.wait()
        if which == OWN:
            steps.rest()
        user.start()
        if which == CHILD:
            listed(user)
            steps.rest()
            wait_for(lambda: not waits & self.supervisors())
        return True

    def supervisors(self):
        """What runs its program: also a child that did not get to another one."""
        found = set()
        for p in pathlib.Path("/proc").glob("[0-9]*/exe"):
            try:
                if os.readlink(p) == str(self.user.programs / "meshd"):
                    found.add(int(p.parts[2]))
            except OSError:
                pass  # it just ended
        return found

    def sleeps(self, pid):
        """It has done all that it can do without its child."""
        seen = []

        def still():
            seen.append(state_of(pid))
            return seen[-5:] == ["S"] * 5
        wait_for(still, every=0.005)

    def once(self):
        """It runs, and ran once; its pid."""
        user = self.user
        if not listed(user):
            user.run("web.1", "a")
        pid = wait_for(lambda: next((e["pid"] for e in listed(user).values() if e["state"] == "running"), None))
        assert self.runs.wait(1) == ["run"] and user.inits() == [pid]
        return pid

    def gone(self):
        self.user.ask("STOP", instance="web.1")
        wait_for(lambda: listed(self.user) == {})
        assert self.user.inits() == [] and self.runs.read() == ["run"]
        self.runs.forget()

    def boot_cut(self, n):
        user, steps = self.user, self.steps
        user.kill()
        steps.arm(OWN, n)
        user.start(wait=False)
        wait_for(lambda: steps[FIRED] or user.answers(), every=0.005)
        fired = steps[FIRED]
        if fired:
            user.meshd.wait()
        steps.rest()
        if fired:
            user.start()
        else:
            user.connect()
        return fired


@pytest.fixture
def stage(make, countdown):  # noqa: F811
    return Stage(make(ids=False), countdown)


@pytest.mark.parametrize("which", [OWN, CHILD])
def test_start(stage, which):
    n = 1
    while stage.cut(n, START, "running", which):
        stage.once()
        stage.gone()
        n += STRIDE if which == OWN else 3 * STRIDE
    assert n > 20


def test_stop(stage):
    n = 1
    while True:
        stage.user.up("web.1", "a")
        stage.runs.wait(1)
        cut = stage.cut(n, STOP, "gone")
        stage.gone()
        n += STRIDE
        if not cut:
            break
    assert n > 10


def test_boot(stage):
    stage.user.up("web.1", "a")
    pid, n = stage.once(), 1
    while stage.boot_cut(n):
        assert stage.once() == pid
        n += 3 * STRIDE
    assert n > 20
    stage.gone()
