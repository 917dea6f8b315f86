"""kill -9 of supervisor and engine before each step of whatever is done: what ran
runs on with its pids, nothing runs twice or unrecorded, nothing is left behind."""
# A minute: begun before the others (run.sh).
import contextlib
import json
import os
import shutil
import signal
import subprocess

from conftest import BUILD, Node, bridge_apart, wait_for
from steps import CHILD, FIRED, OWN, Runs, Steps, clean, countdown, in_parallel, state_of
from test_crash import listed
from test_life import alive, app_of

SCRIPT = "echo $V >/data/fifo; exec sleep 1000"
STUBBORN = "trap '' TERM; echo $V >/data/fifo; while true; do sleep 1000; done"
KEEP, REPLACE = 0, 1


class Stage:
    """A node on which one thing is done again and again, each time cut short one step later."""

    def __init__(self, programs, lib, bridged=False):
        self.node = n = Node(programs)
        n.bridged = bridged
        self.sandbox = "net" if bridged else "web"
        n.programs = n.top / "programs"  # its processes are told by them
        shutil.copytree(programs, n.programs, copy_function=os.link)
        self.runs = Runs(n)
        self.steps = Steps(n, lib)
        n.sandbox("web", "default-user: 1000\nallow-users: [1-2000]\nallow-exec: yes\nreadonly-paths: {/out: %s}\n" % (n.top / "out"))
        n.sandbox("net", "default-user: 1000\nallow-users: [1-2000]\nroles: [web]\nreadonly-paths: {/out: %s}\n"
                  "bridged-network: {bridge: br7, network: 10.77.0.0/24}\n" % (n.top / "out"))
        extra = "variables: {v: !Name }\nenviron: {V: '@{v}'}\nvolumes: {/data: !Readonly /out}\nrestart-timeout: 100ms\n"
        n.shell("a", SCRIPT, extra=extra)
        n.shell("stubborn", STUBBORN, extra=extra + "kill-timeout: 50ms\n")
        n.shell("check", "echo $V >/data/fifo", kind="Command",
                extra="variables: {v: !Name }\nenviron: {V: '@{v}'}\nvolumes: {/data: !Readonly /out}\n")
        n.start()
        self.engine = self.who()

    def who(self):
        self.node.say("WHO")
        while True:
            e = self.node.next()
            if e["kind"] == "who":
                return e["pid"]

    def start(self, v="one", policy=KEEP, image="a", instance="web.1", **keys):
        if self.node.bridged:
            keys["address"] = "10.77.0.5"
        return self.node.run(instance, image, policy=policy, sandbox=self.sandbox, vars={"v": v}, **keys)

    def up(self, v="one", **keys):
        """START until it runs, as an engine does that was just started."""
        reply = self.start(v, **keys)
        assert reply["code"] == 0, reply["text"]
        return self.running(keys.get("instance", "web.1"))

    def running(self, instance="web.1"):
        return wait_for(lambda: next((e for i, e in listed(self.node).items()
                                      if i == instance and e["state"] == "running"), None))

    def gone(self):
        self.node.ask("STOP", instance="web.1")
        wait_for(lambda: listed(self.node) == {})

    def all_gone(self):
        for i in listed(self.node):
            self.node.ask("STOP", instance=i)
        wait_for(lambda: listed(self.node) == {})

    def engines(self):
        """Those that did not see yet that their supervisor is gone."""
        path = self.node.group() / ".engine/cgroup.procs"
        return path.exists() and path.read_text()

    def cut(self, which, n, act, last, how="supervisor"):
        """act, and before the nth step of it the end of who; the tickets that were
        answered well by then, or None when there is no nth step: then the last event
        of act has come, which has these values, or last() is true."""
        node, told = self.node, self.node.pending
        node.pending = []
        self.steps.arm(which, n, signal.SIGKILL if how == "supervisor" and which == OWN else signal.SIGSTOP)
        act()

        def over():
            told.extend(json.loads(line) for line in node.lines.ready())
            if callable(last):
                return self.steps[FIRED] or last()
            return self.steps[FIRED] or any(all(e[k] == v for k, v in last.items()) for e in told if e["kind"] != "who")
        wait_for(over, 10, 0.001)
        if not self.steps[FIRED]:
            self.steps.rest()
            return None
        if how == "engine":
            wait_for(lambda: state_of(node.meshd.pid) == "T")
            os.kill(self.engine, signal.SIGKILL)
            self.steps.rest()
            node.meshd.send_signal(signal.SIGCONT)
        else:
            self.end_both(how == "both", n % 2 == 0)
            if which == OWN or n % 2:
                self.steps.rest()
        with contextlib.suppress(ConnectionResetError):
            told += [json.loads(line) for line in iter(node.lines.readline, "")]
        if how == "engine":
            node.connect()
        else:
            node.start()
            there = listed(node).get("web.1") if which == CHILD and not n % 2 else None
            held_up = there and there["state"] == "running" and os.readlink("/proc/%d/exe" % there["pid"]).endswith("/meshd")
            self.steps.rest()
            assert not held_up, "told as running, and is not let go"
        self.engine = self.who()
        return {e["ticket"] for e in told if e["kind"] == "reply" and e["code"] == 0}

    def end_both(self, engine, last):
        """kill -9 of the supervisor, and of the engine before or after it."""
        if engine and not last:
            os.kill(self.engine, signal.SIGKILL)
        self.node.meshd.kill()
        self.node.meshd.wait()
        if engine and last:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.engine, signal.SIGKILL)

    def close(self):
        self.steps.rest()
        os.close(self.runs.fd)
        self.node.close()


def say_start(stage, v="one", policy=KEEP, ticket=900, op="START", image="a"):
    stage.node.say("%s ticket=%d instance=web.1 image=%s config=/config/run.yaml sandbox=%s role=web policy=%d%s var:v=%s"
                   % (op, ticket, image, stage.sandbox, policy, " address=10.77.0.5" if stage.node.bridged else "", v))


def start(stage, which, n, how, policy=KEEP):
    """It runs once, whatever was cut short."""
    told = stage.cut(which, n, lambda: say_start(stage, policy=policy), dict(kind="state", state="running"), how)
    if told is None:
        return False
    there = listed(stage.node)
    assert there or 900 not in told, "promised, and forgotten"
    up = stage.up(policy=policy) if policy == REPLACE or not there else stage.running()
    assert stage.runs.wait(1) == ["one"]
    clean(stage.node, {"web.1": up["pid"]}, "start %d" % n)
    assert stage.runs.read() == ["one"]
    return True


def change(stage, which, n, how):
    """The old one, and then the new one, each once."""
    old = stage.up("old")
    stage.runs.wait(1)
    told = stage.cut(which, n, lambda: say_start(stage, "new"),
                     dict(kind="state", state="running", restarts=0), how)
    if told is None:
        return False
    there = listed(stage.node)["web.1"]
    if there["state"] == "running" and there["hash"] == old["hash"]:
        assert there["pid"] == old["pid"] and 900 not in told
    up = stage.up("new")
    assert stage.runs.wait(2) == ["old", "new"] and up["pid"] != old["pid"]
    clean(stage.node, {"web.1": up["pid"]}, "change %d" % n)
    assert stage.runs.read() == ["old", "new"]
    return True


def stop(stage, which, n, how, image="a"):
    """What was promised to end does; until then it is the same process."""
    old = stage.up(image=image)
    stage.runs.wait(1)
    told = stage.cut(which, n, lambda: stage.node.say("STOP ticket=900 instance=web.1"),
                     dict(kind="state", state="gone"), how)
    if told is None:
        return False
    there = listed(stage.node)
    if there and there["web.1"]["state"] == "running":
        assert 900 not in told, "promised to end, and runs on"
        assert there["web.1"]["pid"] == old["pid"]
    stage.gone()
    clean(stage.node, {}, "stop %d" % n)
    assert stage.runs.read() == ["one"]
    return True


def command(stage, which, n, how):
    """It is run at most once, and nothing of it is left."""
    told = stage.cut(which, n, lambda: say_start(stage, op="RUN", image="check"), dict(kind="exit"), how)
    if told is None:
        return False
    clean(stage.node, {}, "run %d" % n)
    # Without its engine it may have begun only now.
    wait_for(lambda: stage.start("two", op="RUN", image="check")["code"] == 0)
    e = stage.node.event(kind="exit", instance="web.1")
    clean(stage.node, {}, "run %d" % n)
    assert (e["code"], e["exit_status"]) == (0, 0) and stage.runs.read() in (["two"], ["one", "two"])
    return True


def restart(stage, which, n, how):
    """What ended runs again, once."""
    old = stage.up()
    app = app_of(old)
    stage.runs.wait(1)
    told = stage.cut(which, n, lambda: os.kill(app, signal.SIGKILL), dict(kind="state", state="running"), how)
    if told is None:
        return False
    stage.runs.wait(2)
    up = stage.running()
    assert up["pid"] != old["pid"]
    clean(stage.node, {"web.1": up["pid"]}, "restart %d" % n)
    assert stage.runs.read() == ["one", "one"]
    return True


def command_inside(stage, which, n, how):
    """`mesh exec`: the command is run at most once and ends with the supervisor; the
    container does not notice."""
    up = stage.up()
    stage.runs.wait(1)
    mesh = []

    def act():
        mesh.append(subprocess.Popen([BUILD / "mesh", "--socket", stage.node.top / "run/ctl", "exec", "web.1", "--", "/bin/sh", "-c",
                                      "echo inside >/data/fifo"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    told = stage.cut(which, n, act, lambda: mesh[0].poll() is not None, how)
    code = mesh[0].wait(10)
    assert code in (0, 7, 125), code  # 7: it was cut at a step of its own, before it was asked
    clean(stage.node, {"web.1": up["pid"]}, "exec %d" % n)
    assert stage.runs.read() in ([["one", "inside"]] if code == 0 else [["one"], ["one", "inside"]])
    return told is not None


def boot_cut(stage, n):
    """A start of the supervisor, and before its nth step its end; was there one?"""
    node, steps = stage.node, stage.steps
    steps.arm(OWN, n)
    node.start(wait=False)
    left, still = n, 0
    while not steps[FIRED] and still < 200:
        with contextlib.suppress(subprocess.TimeoutExpired):
            node.meshd.wait(0.005)
        still = still + 1 if steps[OWN] == left and left < n else 0
        left = steps[OWN]
    died = steps[FIRED]
    node.meshd.kill()
    node.meshd.wait()
    steps.rest()
    wait_for(lambda: not stage.engines())
    node.start()
    return died


def boot(stage, n):
    """What runs is adopted; what ended unseen runs again, once; an end that was
    asked for goes on; what was never let go, or has no record, goes."""
    node, runs = stage.node, stage.runs
    pids = {i: stage.up(i, instance=i, policy=p)["pid"] for i, p in (("keep", KEEP), ("repl", REPLACE), ("dead", KEEP))}
    stubborn = stage.up("stub", instance="stub", image="stubborn")["pid"]
    runs.wait(4)
    node.ask("STOP", instance="stub")
    node.kill()
    os.kill(pids["dead"], signal.SIGKILL)
    wait_for(lambda: not alive(pids["dead"]))
    died = boot_cut(stage, n)
    up = {i: stage.running(i)["pid"] for i in pids}
    assert {i: up[i] == pids[i] for i in up} == {"keep": True, "repl": True, "dead": False}
    clean(node, up, "boot %d" % n)
    assert not alive(stubborn) and sorted(runs.wait(5)) == ["dead", "dead", "keep", "repl", "stub"]
    return died


def reboot(stage, n):
    """Before any peer is seen what is to be kept runs, once; what can be replaced
    waits to be asked."""
    node, runs = stage.node, stage.runs
    for i, policy in (("keep", KEEP), ("repl", REPLACE)):
        stage.up(i, instance=i, policy=policy)
    runs.wait(2)
    node.kill()
    stage.steps.reboot()
    died = boot_cut(stage, n)
    keep = stage.running("keep")["pid"]
    there = listed(node)["repl"]
    assert (there["state"], there["pid"]) == ("starting", 0)
    repl = stage.up("repl", instance="repl", policy=REPLACE)["pid"]
    clean(node, {"keep": keep, "repl": repl}, "reboot %d" % n)
    assert sorted(runs.wait(4)) == ["keep", "keep", "repl", "repl"]
    return died


def boots(programs, lib, what, least, stripes):
    """Every step of it, on some nodes at once."""
    cut = []

    def run(first):
        stage = Stage(programs, lib)
        try:
            n = first
            while what(stage, n):
                cut.append(n)
                stage.all_gone()
                stage.runs.forget()
                n += stripes
        finally:
            stage.close()
    in_parallel(*[lambda k=k: run(k) for k in range(1, stripes + 1)])
    # Each is cut until one boot is over before its step: of two boots one has a few more.
    whole = next(n for n in range(1, len(cut) + 2) if n not in cut) - 1
    print("%s: %d steps" % (what.__name__, whole))
    assert whole > least and max(cut) - whole <= 2 * stripes, sorted(cut)


def each(programs, lib, least, what, which=OWN, how="supervisor", bridged=False, **keys):
    """Every step of it, one after the other, on a node of its own."""
    def on_a_bridge():
        with bridge_apart():
            run()

    def run():
        stage = Stage(programs, lib, bridged)
        try:
            n = 1
            while what(stage, which, n, how, **keys):
                stage.gone()
                clean(stage.node, {})
                stage.runs.forget()
                n += 1
                if how == "engine" and n % 2:  # its back-off begins anew
                    stage.node.kill()
                    stage.node.start()
                    stage.engine = stage.who()
            print("%s %s %s: %d steps" % (what.__name__, how, "own" if which == OWN else "child", n - 1))
            assert n > least
        finally:
            stage.close()
    return on_a_bridge if bridged else run


def test_supervisor_killed(programs, countdown):
    in_parallel(each(programs, countdown, 20, start), each(programs, countdown, 20, restart),
                each(programs, countdown, 20, change), each(programs, countdown, 5, stop),
                each(programs, countdown, 20, command), each(programs, countdown, 5, command_inside))


def test_supervisor_killed_under_its_child(programs, countdown):
    """Its child, cloned and not yet let go, is at each step of its own; every
    other time it stays there until the next supervisor has come."""
    in_parallel(each(programs, countdown, 20, start, CHILD), each(programs, countdown, 20, change, CHILD))


def test_killed_on_a_bridge(programs, countdown):
    """No link and no network outlives whom it is for, and no instance is on two."""
    in_parallel(each(programs, countdown, 20, start, CHILD, bridged=True),
                each(programs, countdown, 20, restart, bridged=True), each(programs, countdown, 5, stop, bridged=True))


def test_engine_killed(programs, countdown):
    in_parallel(each(programs, countdown, 20, command, how="engine"), each(programs, countdown, 20, change, how="engine"),
                each(programs, countdown, 5, stop, how="engine"))


def test_both_killed(programs, countdown):
    in_parallel(each(programs, countdown, 20, start, how="both", policy=REPLACE),
                each(programs, countdown, 5, stop, how="both", image="stubborn"))


def test_boot(programs, countdown):
    boots(programs, countdown, boot, 20, 4)


def test_boot_after_a_reboot(programs, countdown):
    boots(programs, countdown, reboot, 20, 4)
