"""kill -9 of the supervisor at the worst moments, and what it can't read when
it comes back: nothing runs as what it is not, and nothing is killed unknown."""
import os
import pathlib
import resource
import subprocess
import time

from conftest import UNIFIED, wait_for
from test_life import alive, app_of

STUBBORN = "trap 'echo TERM' TERM; echo READY; while true; do busybox usleep 10000; done"


def listed(node):
    node.events = []
    node.ask("LIST")
    return {e["instance"]: e for e in node.events if e["kind"] == "state"}


def test_change_goes_on_after_kill(node):
    """Killed between the record of a change and the end of the old process."""
    node.image("a", run="kind: Daemon\nexecutable: /bin/sh\narguments: ['-c', %s]\nkill-timeout: 60s\n"
               "variables: {n: !Name }\nenviron: {N: '@{n}'}\n" % ('"%s"' % STUBBORN))
    node.start()
    old = node.up("web.1", "a", vars={"n": "old"})
    node.printed("web.1", "READY")
    assert node.run("web.1", "a", vars={"n": "new"})["code"] == 0
    new_hash = node.event(kind="state", instance="web.1", state="stopping")["hash"]
    assert new_hash != old["hash"]
    node.printed("web.1", "TERM")
    node.kill()
    assert alive(old["pid"])
    node.start()
    assert listed(node)["web.1"]["state"] == "stopping"
    os.kill(app_of(old), 9)  # its grace is long; it ends
    up = node.event(kind="state", instance="web.1", state="running")
    assert up["pid"] != old["pid"] and up["hash"] == new_hash
    assert b"N=new" in pathlib.Path("/proc/%d/environ" % app_of(up)).read_bytes()


def test_what_runs_is_reported_by_its_own_hash(node):
    """The note of the process says what it was started from, not the record."""
    node.image("a", run="kind: Daemon\nexecutable: /bin/sleep\narguments: ['@{n}']\nvariables: {n: !Name }\n")
    node.start()
    up = node.up("web.1", "a", vars={"n": "1000"})
    note = (node.top / "run/supervisor/web.1.pid").read_text().split()
    assert note[0] == "3" and int(note[5], 16) == up["hash"]


def test_stop_goes_on_after_kill(node):
    node.shell("a", STUBBORN, extra="kill-timeout: 300ms\n")
    node.start()
    up = node.up("web.1", "a")
    node.printed("web.1", "READY")
    node.say("STOP ticket=900 instance=web.1")
    node.printed("web.1", "TERM")
    node.kill()
    assert alive(up["pid"])
    node.start()
    wait_for(lambda: not alive(up["pid"]))
    wait_for(lambda: listed(node) == {})
    assert node.leaves() == []
    assert node.records() == []


def test_stopped_and_ended_unseen_stays_down(node):
    """It ends while no supervisor is there: nobody wants it back."""
    node.shell("a", STUBBORN, extra="kill-timeout: 60s\n")
    node.start()
    up = node.up("web.1", "a")
    node.printed("web.1", "READY")
    node.say("STOP ticket=900 instance=web.1")
    node.printed("web.1", "TERM")
    node.kill()
    os.kill(app_of(up), 9)
    wait_for(lambda: not alive(up["pid"]))
    node.start()
    wait_for(lambda: listed(node) == {})  # whatever it started at boot would be there
    assert node.leaves() == [] and node.log("web.1").count("READY") == 1


def test_started_again_while_it_stops(node):
    """The later word counts, also for the next supervisor."""
    node.shell("a", STUBBORN, extra="kill-timeout: 60s\n")
    node.start()
    up = node.up("web.1", "a")
    node.printed("web.1", "READY")
    node.ask("STOP", instance="web.1")
    assert node.run("web.1", "a")["code"] == 0
    node.kill()
    os.kill(app_of(up), 9)
    wait_for(lambda: not alive(up["pid"]))
    node.start()
    e = wait_for(lambda: (lambda e: e if e["state"] == "running" else None)(listed(node)["web.1"]))
    assert e["pid"] != up["pid"]


def test_power_fails_before_a_record_has_its_name(node):
    """The START was answered: the disk has the record, as the spare (spare.h)."""
    node.shell("a", "exec sleep 1000")
    node.start()
    up = node.up("web.1", "a")
    node.kill()
    (node.group() / "cgroup.kill").write_text("1")
    wait_for(lambda: not alive(up["pid"]))
    records = node.top / "state/supervisor"
    (records / "web.1").rename(records / ".spare")
    with open(records / ".spare", "ab") as f:
        f.write(bytes(4096))
    node.start()
    assert wait_for(lambda: listed(node)["web.1"]["state"] == "running")
    assert "web.1: what was saved last has its name now" in (node.top / "stderr").read_text()
    assert node.records() == ["web.1"]


def unreadable(node, version):
    """A container that runs, whose record is of a later version, or broken."""
    node.shell("a", STUBBORN, extra="kill-timeout: 200ms\n")
    node.start()
    up = node.up("web.1", "a")
    node.kill()
    path = node.top / "state/supervisor/web.1"
    data = bytearray(path.read_bytes())
    if version:
        data[4] = 5
    else:
        data[100] ^= 1
    path.write_bytes(data)
    node.start()
    assert alive(up["pid"])
    e = listed(node)["web.1"]
    assert e["state"] == "failed" and e["pid"] == up["pid"]
    assert "runs on without a record that can be read; START or STOP it" in e["text"]
    return up, path, bytes(data)


def test_record_of_a_later_version(node):
    up, path, data = unreadable(node, True)
    assert path.read_bytes() == data
    assert "record version 5, this meshd understands 4: it stays" in (node.top / "stderr").read_text()
    # It ends by itself: what a later supervisor needs is still there.
    os.kill(app_of(up), 9)
    node.event(kind="state", instance="web.1", state="gone")
    assert path.read_bytes() == data and not node.leaves()


def test_broken_record_started_again(node):
    up, path, data = unreadable(node, False)
    node.kill()
    node.start()  # by now it is .bad-web.1, and that changes nothing
    assert alive(up["pid"]) and listed(node)["web.1"]["pid"] == up["pid"]
    again = node.up("web.1", "a")
    assert not alive(up["pid"]) and again["pid"] != up["pid"] and len(node.leaves()) == 1
    assert path.exists()


def test_broken_record_stopped(node):
    up, path, data = unreadable(node, False)
    node.ask("STOP", instance="web.1")
    node.event(kind="state", instance="web.1", state="gone")
    assert not alive(up["pid"]) and node.leaves() == []


def test_broken_record_and_no_note(node):
    """Only its group is known: it is left alone, and killed when asked."""
    node.shell("a", "exec sleep 1000")
    node.start()
    up = node.up("web.1", "a")
    node.kill()
    (node.top / "state/supervisor/web.1").write_bytes(b"x")
    (node.top / "run/supervisor/web.1.pid").unlink()
    node.start()
    assert listed(node)["web.1"]["state"] == "failed" and alive(up["pid"])
    again = node.up("web.1", "a")
    assert not alive(up["pid"]) and again["pid"] != up["pid"] and len(node.leaves()) == 1


def test_no_descriptors_left_is_not_death(node):
    """Too few descriptors to look at all that runs: meshd ends, they don't."""
    node.shell("a", "exec sleep 1000")
    node.start()
    pids = [node.up("web.%d" % i, "a")["pid"] for i in range(70)]
    node.kill()
    p = subprocess.run([node.programs / "meshd", "--config", node.config], capture_output=True, text=True, timeout=30,
                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128)))
    assert p.returncode in (4, 5) and "Too many open files" in p.stderr, p.stderr
    assert all(alive(pid) for pid in pids)
    node.start()
    assert {e["pid"] for e in listed(node).values() if e["state"] == "running"} == set(pids)


def test_another_daemons_group_is_left_alone(node, programs):
    """Its cgroup may look like a container of ours."""
    from conftest import Node
    node.shell("a", "exec sleep 1000")
    other = Node(programs)
    try:
        other.cgroup = node.cgroup + "/other.1"
        other.write_config()
        other.shell("a", "exec sleep 1000")
        other.start()
        up = other.up("web.1", "a")
        node.start()
        node.up("web.1", "a")
        assert alive(up["pid"])
        node.kill()
        other.kill()
        node.start()  # the other one is not there now, its container is
        listed(node)
        assert alive(up["pid"])
        node.kill()
        other.start()
        assert listed(other)["web.1"]["pid"] == up["pid"]
        other.ask("STOP", instance="web.1")
        other.event(kind="state", instance="web.1", state="gone")
        node.start()  # locked, and empty
        other.up("web.2", "a")
    finally:
        other.close()


def test_age_survives_the_supervisor(node):
    node.shell("a", "exec sleep 1000")
    node.start()
    up = node.up("web.1", "a")
    time.sleep(1.2)
    node.kill()
    node.start()
    assert abs(listed(node)["web.1"]["since_ms"] - up["since_ms"]) < 1000
