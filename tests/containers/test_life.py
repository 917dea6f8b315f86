"""Restarts, stops, changes, and surviving the death of the supervisor."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest
from conftest import UNIFIED, USER, children_of, wait_for


def alive(pid):
    """A zombie that its parent has yet to reap is dead."""
    try:
        return pathlib.Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # before, or amid the read
        return False


def app_of(up):
    return wait_for(lambda: children_of(up["pid"]))[0]


def test_killed_application_is_restarted(node):
    node.shell("a", "exec sleep 1000", extra="restart-timeout: 200ms\n")
    node.start()
    up = node.up("web.1", "a")
    time.sleep(0.3)
    os.kill(app_of(up), signal.SIGKILL)
    again = node.event(kind="state", instance="web.1", state="running")
    assert again["pid"] != up["pid"] and again["restarts"] == 1 and not alive(up["pid"])
    assert node.leaves() == ["web.1.2"]


def test_killed_init_is_restarted(node):
    node.shell("a", "exec sleep 1000", extra="restart-timeout: 200ms\n")
    node.start()
    up = node.up("web.1", "a")
    app = app_of(up)
    time.sleep(0.3)
    os.kill(up["pid"], signal.SIGKILL)
    again = node.event(kind="state", instance="web.1", state="running")
    assert again["exit_status"] == -1 and not alive(app)


def test_crash_loop_backs_off(node):
    node.shell("a", "exit 7", extra="restart-timeout: 1ms\n")  # 100 ms at least
    node.start()
    node.run("web.1", "a")
    waits = []
    while len(waits) < 6:
        e = node.event(kind="state", instance="web.1", state="backoff")
        assert e["exit_status"] == 7 << 8 and e["text"] == "exited with status 7"
        assert e["crash_loop"] == (1 if len(waits) + 1 >= 5 else 0)
        waits.append(e["retry_ms"] - e["since_ms"])
    assert 75 <= waits[0] <= 125 and 100 * 32 * 0.7 <= waits[5] <= 100 * 32 * 1.3


def test_normal_exit_is_no_failure(node):
    """A daemon that ends as its file says it may: run again, each time after
    restart-timeout.  A check that ends so has succeeded."""
    node.shell("a", "exit 7", extra="restart-timeout: 1ms\nnormal-exit-codes: [0, 7]\n")
    node.start()
    node.run("web.1", "a")
    for n in range(1, 8):
        e = node.event(kind="state", instance="web.1", state="backoff")
        assert e["exit_status"] == 7 << 8 and e["text"] == "exited with status 7, as it may"
        assert (e["restarts"], e["crash_loop"]) == (n, 0) and 70 <= e["retry_ms"] - e["since_ms"] <= 130
    for image, code, status in (("b", 3, 0), ("c", 4, 4 << 8)):
        node.shell(image, "echo so; exit %d" % code, kind="Command", extra="normal-exit-codes: [3]\n")
        assert node.run("check-web", image, op="RUN")["code"] == 0
        e = node.event(kind="exit", instance="check-web")
        assert (e["code"], e["exit_status"], e["text"]) == (0, status, "so")


def test_who_asked_reads_along(node):
    """A Command that root asked for: both its logs, while it runs, and only to be read. Not a check's."""
    node.sandbox("web", (node.sandboxes / "web.yaml").read_text() + "allow-exec: yes\n")
    node.shell("a", "echo so; exec sleep 0.2", kind="Command")
    node.start()
    assert node.run("asked.run", "a", op="RUN", flags=4)["code"] == 0
    ticket = node.ticket
    for _ in range(2):
        e = node.event(kind="output", instance="asked.run")
        assert (e["ticket"], e["fd_bytes"] >= 0, e["fd_writable"]) == (ticket, True, False)
    e = node.event(kind="exit", instance="asked.run")
    assert e["exit_status"] == 0 and e["fd_bytes"] > 0
    assert node.run("check-web", "a", op="RUN")["code"] == 0
    node.event(kind="exit", instance="check-web")
    assert not [e for e in node.events if e["kind"] == "output" and e["instance"] == "check-web"]


def test_stop_waits_then_kills(node):
    node.shell("a", "trap 'echo TERM' TERM; echo READY; while true; do busybox usleep 10000; done", extra="kill-timeout: 300ms\n")
    node.start()
    up = node.up("web.1", "a")
    node.printed("web.1", "READY")
    app = app_of(up)
    assert node.ask("STOP", instance="web.1")["code"] == 0
    node.event(kind="state", instance="web.1", state="gone")
    assert not alive(up["pid"]) and not alive(app) and node.leaves() == []
    assert "stdout TERM" in node.log("web.1")


def test_asked_again_while_it_is_judged(node):
    """The engine repeats a START with each event of the role.  That must not
    begin the judging anew: many instances at once would never get through."""
    node.shell("a", "exec sleep 1000")
    node.start()
    words = "instance=web.1 image=a config=/config/run.yaml sandbox=web role=web"
    for i in range(20):
        node.say("START ticket=%d %s" % (100 + i, words))
    for _ in range(20):
        reply = node.event(kind="reply")
        assert reply["code"] == 0, reply["text"]
    node.event(kind="state", instance="web.1", state="running")
    assert node.leaves() == ["web.1.1"]


def test_signals_reach_the_application(node):
    node.shell("a", "for s in HUP INT USR1 USR2; do trap \"echo got $s\" $s; done; echo READY; "
               "while true; do busybox usleep 10000; done")
    node.start()
    node.up("web.1", "a")
    node.printed("web.1", "READY")
    for s in (signal.SIGHUP, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
        assert node.ask("SIGNAL", instance="web.1", signal=int(s))["code"] == 0
        node.printed("web.1", "got " + s.name[3:])
    reply = node.ask("SIGNAL", instance="web.1", signal=9)
    assert reply["code"] == 3 and "only HUP INT TERM USR1 USR2" in reply["text"]


def test_same_start_changes_nothing_another_replaces(node):
    node.image("a", run="kind: Daemon\nexecutable: /bin/sleep\narguments: ['@{n}']\nvariables: {n: !Name }\n")
    node.start()
    first = node.up("web.1", "a", vars={"n": "1000"})
    assert node.run("web.1", "a", vars={"n": "1000"})["code"] == 0
    assert alive(first["pid"])
    second = node.up("web.1", "a", vars={"n": "1001"})
    assert second["pid"] != first["pid"] and second["hash"] != first["hash"] and second["restarts"] == 0
    app = app_of(second)
    wait_for(lambda: pathlib.Path("/proc/%d/cmdline" % app).read_bytes() == b"/bin/sleep\x001001\x00")
    assert node.leaves() == ["web.1.2"]
    assert not alive(first["pid"])


def test_refused_change_keeps_what_runs(node):
    node.shell("a", "exec sleep 1000")
    node.start()
    up = node.up("web.1", "a")
    reply = node.run("web.1", "nothing")
    assert reply["code"] == 3 and "image nothing: not found" in reply["text"]
    node.ask("LIST")
    e = [e for e in node.events if e["kind"] == "state"][-1]
    assert e["state"] == "running" and e["pid"] == up["pid"] and e["image"] == "a"


def test_supervisor_killed_containers_adopted(node):
    node.shell("a", "exec sleep 1000", extra="restart-timeout: 100ms\nhealth: {tcp: 8080}\n")
    node.start()
    pids = {i: node.up(i, "a")["pid"] for i in ("web.1", "web.2", "web.3")}
    apps = {i: wait_for(lambda: children_of(p))[0] for i, p in pids.items()}
    node.kill()
    os.kill(apps["web.3"], signal.SIGKILL)  # ends while nobody looks
    wait_for(lambda: not alive(pids["web.3"]))
    node.start()
    node.ask("LIST")
    states = {e["instance"]: e for e in node.events if e["kind"] == "state"}
    for i in ("web.1", "web.2"):
        assert states[i]["state"] == "running" and states[i]["pid"] == pids[i]
        assert children_of(pids[i]) == [apps[i]]
        assert (states[i]["health"], states[i]["health_port"]) == (1, 8080)
    wait_for(lambda: "web.3.2" in node.leaves())
    assert node.leaves() == ["web.1.1", "web.2.1", "web.3.2"]
    # An adopted one is watched like any other, its exit status too.
    os.kill(apps["web.1"], signal.SIGTERM)
    e = node.event(kind="state", instance="web.1", state="running")
    assert e["pid"] != pids["web.1"] and e["exit_status"] == signal.SIGTERM
    assert node.ask("STOP", instance="web.2")["code"] == 0
    node.event(kind="state", instance="web.2", state="gone")
    assert not alive(pids["web.2"])


def test_terminated_supervisor_leaves_containers(node):
    node.shell("a", "exec sleep 1000")
    node.start()
    up = node.up("web.1", "a")
    node.meshd.terminate()
    assert node.meshd.wait(10) == 0
    assert alive(up["pid"])
    node.start()
    node.ask("LIST")
    e = [e for e in node.events if e["kind"] == "state"][-1]
    assert e["state"] == "running" and e["pid"] == up["pid"]


def reboot(node, ups):
    """What a reboot leaves: records, and nothing in run-dir or in cgroups."""
    node.kill()
    (pathlib.Path(UNIFIED) / node.cgroup / "cgroup.kill").write_text("1")
    wait_for(lambda: not any(alive(u["pid"]) for u in ups))
    for p in (node.top / "run/supervisor").iterdir():
        p.unlink()


def test_boot_without_engine(node, programs, tmp_path):
    """After a reboot `keep` starts at once, from its record alone: image and
    sandbox are asked nothing, the engine isn't there."""
    node.shell("a", "exec sleep 1000")
    node.start()
    ups = [node.up(i, "a", policy=p) for i, p in (("keep.1", 0), ("repl.1", 1))]
    reboot(node, ups)
    (node.sandboxes / "web.yaml").unlink()
    node.start(wait=False)
    wait_for(lambda: any(leaf.startswith("keep.1") for leaf in node.leaves()))
    node.connect()

    def listed():
        node.events = []
        node.ask("LIST")
        states = {e["instance"]: e["state"] for e in node.events if e["kind"] == "state"}
        return states if states["keep.1"] == "running" else None
    states = wait_for(listed)
    assert states == {"keep.1": "running", "repl.1": "starting"}
    assert not any(leaf.startswith("repl.1") for leaf in node.leaves())
    # With nobody to say otherwise it comes up after boot-wait.
    node.event(kind="state", instance="repl.1", state="running", seconds=15)


@pytest.mark.parametrize("code", [3, 5])
def test_boot_with_an_engine_that_cannot_start(node, code):
    """No default route yet, or the address not yet there: the engine ends at
    once, again and again.  What was accepted here starts all the same."""
    node.shell("a", "exec sleep 1000")
    node.start()
    reboot(node, [node.up(i, "a", policy=p) for i, p in (("keep.1", 0), ("repl.1", 1))])
    mine = node.top / "programs"
    shutil.copytree(node.programs, mine)
    (mine / "meshd-engine").unlink()
    subprocess.run(["gcc", "-static", "-x", "c", "-o", mine / "meshd-engine", "-"],
                   input="int main(void) { return %d; }" % code, text=True, check=True)
    good, node.programs = node.programs, mine
    node.start(wait=False)
    started = time.monotonic()
    wait_for(lambda: any(leaf.startswith("keep.1") for leaf in node.leaves()), 5)
    said = wait_for(lambda: re.findall(r"engine ended .status %d., starts again in (\d+) ms" % code,
                                       (node.top / "stderr").read_text())[2:], 5)
    assert int(said[0]) > 0 and not any(leaf.startswith("repl.1") for leaf in node.leaves())
    wait_for(lambda: any(leaf.startswith("repl.1") for leaf in node.leaves()), 15)
    assert 9 < time.monotonic() - started < 14
    assert node.meshd.poll() is None
    # What it lacked came: with the next start of meshd, an engine that finds both.
    node.meshd.terminate()
    assert node.meshd.wait(10) == 0
    node.programs = good
    node.start()
    node.ask("LIST")
    assert {e["instance"]: e["state"] for e in node.events if e["kind"] == "state"} == {
        "keep.1": "running", "repl.1": "running"}


def test_bad_key_stops_no_local_work(node):
    node.shell("a", "exec sleep 1000")
    node.start()
    reboot(node, [node.up("keep.1", "a", policy=0)])
    path = node.top / "cluster.key"
    path.write_bytes(b"k" * 31)
    path.chmod(0o600)
    node.write_config("cluster-key: %s\n" % path)
    node.start()
    assert node.ask("KEY")["code"] == 6
    assert "%s: 31 bytes, need 32; what is here runs on" % path in (node.top / "stderr").read_text()
    wait_for(lambda: any(leaf.startswith("keep.1") for leaf in node.leaves()))


def test_replace_starts_when_asked_after_boot(node):
    node.shell("a", "exec sleep 1000")
    node.start()
    reboot(node, [node.up("repl.1", "a", policy=1)])
    node.start()
    started = time.monotonic()
    node.up("repl.1", "a", policy=1)
    assert time.monotonic() - started < 8  # not after boot-wait, 10 s


def test_bad_records_are_set_aside(node):
    node.shell("a", "exec sleep 1000")
    node.start()
    pids = [node.up(i, "a")["pid"] for i in ("one", "torn", "flipped", "empty", "moved")]
    node.kill()
    (pathlib.Path(UNIFIED) / node.cgroup / "cgroup.kill").write_text("1")
    wait_for(lambda: not any(pathlib.Path("/proc/%d" % p).exists() for p in pids))
    records = node.top / "state/supervisor"
    data = (records / "torn").read_bytes()
    (records / "torn").write_bytes(data[:-10])
    (records / "flipped").write_bytes(data[:100] + bytes([data[100] ^ 1]) + data[101:])
    (records / "empty").write_bytes(b"")
    (records / "moved").rename(records / "other")
    os.symlink("torn", records / "link")
    (records / "folder").mkdir()
    os.mkfifo(records / "fifo")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(records / "socket"))
    node.start()
    node.ask("LIST")
    assert {e["instance"] for e in node.events if e["kind"] == "state"} == {"one"}
    said = (node.top / "stderr").read_text()
    assert "record torn: torn record (" in said
    assert "record flipped: bad checksum" in said
    assert "record empty: not a record of the supervisor" in said
    assert "record other: holds another instance, moved" in said
    for name in ("link", "folder", "fifo", "socket"):
        assert "record %s: not a regular file; it is kept as .bad-%s" % (name, name) in said
    assert (records / ".bad-torn").exists()
    wait_for(lambda: [leaf for leaf in node.leaves() if not leaf.startswith("one.")] == [])


def test_leftover_group_is_cleaned(node):
    group = pathlib.Path(UNIFIED) / node.cgroup / "ghost.1.4"
    group.mkdir(parents=True)
    child = os.fork()
    if child == 0:
        os.execv("/bin/sleep", ["sleep", "1000"])
    (group / "cgroup.procs").write_text(str(child))
    node.start()
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    wait_for(lambda: node.leaves() == [])


def test_init_is_small(node):
    node.shell("a", "exec sleep 1000")
    node.start()
    up = node.up("web.1", "a")
    rss = [l for l in pathlib.Path("/proc/%d/status" % up["pid"]).read_text().splitlines() if l.startswith("VmRSS")]
    assert int(rss[0].split()[1]) < 800


def test_meshd_in_a_group_that_was_killed(node):
    """Some kernels (6.18) kill whatever such a supervisor clones into another
    group; a container runs all the same, in its group of each hierarchy."""
    node.killed_home()
    node.shell("a", "exec sleep 1000")
    node.start()
    up = node.up("web.1", "a")
    assert {"web.1.1"} == {group_of(p, c) for p in (up["pid"], app_of(up)) for c in ("", "memory", "cpu", "pids")}
    node.kill()
    node.start()
    node.ask("LIST")
    e = [e for e in node.events if e["kind"] == "state"][-1]
    assert e["state"] == "running" and e["pid"] == up["pid"]
    os.kill(app_of(up), signal.SIGKILL)
    assert node.event(kind="state", instance="web.1", state="running")["restarts"] == 1
    assert (node.top / "stderr").read_text().count("killed once") <= 2  # once a start


def group_of(pid, controller):
    """The last part of its group in the hierarchy that limits it so."""
    rows = [r.split(":", 2) for r in pathlib.Path("/proc/%d/cgroup" % pid).read_text().splitlines()]
    of = {c: path for _, cs, path in rows for c in cs.split(",")}
    return pathlib.Path(of.get(controller, of[""])).name


@pytest.mark.parametrize("killed_home", [False, True])
def test_supervisor_killed_at_any_moment(node, killed_home):
    """kill -9 at random moments of many starts: afterwards each accepted
    instance runs exactly once, and nothing else is left."""
    import random
    random.seed(7)
    if killed_home:
        node.killed_home()
    node.shell("a", "exec sleep 1000")
    asked = []
    for turn in range(12):
        node.start()
        for k in range(4):
            asked.append("web.%d" % len(asked))
            node.say("START ticket=%d instance=%s image=a config=/config/run.yaml sandbox=web role=web"
                     % (1000 + len(asked), asked[-1]))
        time.sleep(random.uniform(0, 0.05))
        if turn == 11:
            node.event(kind="reply")  # at least one is accepted
        node.kill()
    node.start()
    records = sorted(p.name for p in (node.top / "state/supervisor").iterdir() if not p.name.startswith("."))
    assert records and set(records) <= set(asked)

    def all_run():
        node.events = []
        node.ask("LIST")
        return sorted(e["instance"] for e in node.events if e["kind"] == "state" and e["state"] == "running") == records
    wait_for(all_run, 30)
    assert sorted(leaf.rsplit(".", 1)[0] for leaf in node.leaves()) == records
    inits = [e["pid"] for e in node.events if e["kind"] == "state"]
    for leaf in node.leaves():
        pids = [int(p) for p in (node.leaf(leaf) / "cgroup.procs").read_text().split()]
        assert len(pids) == 2 and len(set(pids) & set(inits)) == 1, (leaf, pids)
