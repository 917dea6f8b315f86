"""A disk that is full, read-only or broken: what runs goes on and comes back when it
ends, what is new is refused with a line, and all is well again when the disk is."""
import contextlib
import errno
import os
import shutil
import subprocess
import time

import pytest
from conftest import BUILD, wait_for
from steps import FAIL, UNREAD, Steps, countdown
from test_crash import listed
from test_life import alive, app_of


def mount(node, name, *options):
    """A small tmpfs there, until the test ends."""
    (node.top / name).mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(["size=1M", "mode=755", *options]), "none", node.top / name], check=True)
    node.mounts.append(node.top / name)


def remount(node, name, how):
    """ro or rw, by a mount of its own: what a container has open there stays open."""
    path = node.top / name
    if node.mounts.count(path) < 2:
        subprocess.run(["mount", "--bind", path, path], check=True)
        node.mounts.append(path)
    subprocess.run(["mount", "-o", "remount,bind," + how, path], check=True)


def fill(node, name):
    path = node.top / name / "lost+found"
    with open(path, "wb", buffering=0) as f, contextlib.suppress(OSError):
        while f.write(b"x" * 4096) == 4096:
            pass
    return path


@pytest.fixture
def disk(node):
    node.mounts = []
    node.shell("a", "echo RUN; exec sleep 1000", extra="restart-timeout: 100ms\nvariables: {v: !Name }\nenviron: {V: '@{v}'}\n")
    yield node
    if node.meshd and node.meshd.poll() is None:
        node.kill()
    for g in (node.group(), *node.group().rglob("*")):
        if (g / "cgroup.kill").exists():
            (g / "cgroup.kill").write_text("1")
    wait_for(lambda: not any((g / "cgroup.procs").read_text() for g in (node.group(), *node.group().glob("**/"))))
    for path in node.mounts:
        subprocess.run(["umount", "-l", path], check=True)


def start(node, instance="web.1", v="one"):
    return node.run(instance, "a", vars={"v": v})


def up(node, instance="web.1", v="one"):
    reply = start(node, instance, v)
    assert reply["code"] == 0, reply["text"]
    return running(node, instance)


def running(node, instance="web.1"):
    return wait_for(lambda: next((e for e in listed(node).values()
                                  if e["instance"] == instance and e["state"] == "running"), None))


def comes_back(node, instance="web.1"):
    """It ends, and runs again."""
    old = running(node, instance)
    os.kill(app_of(old), 9)
    return wait_for(lambda: next((e for e in listed(node).values() if e["instance"] == instance and
                                  e["state"] == "running" and e["pid"] != old["pid"]), None))


def said(node, text):
    return wait_for(lambda: text in (node.top / "stderr").read_text())


def goes_on(node, ups, why):
    """All of it: nothing new, no change, the same pids, and again when one ends."""
    assert start(node, "web.9")["text"].endswith("cannot save record web.9: " + why)
    assert start(node, v="two")["text"].endswith("cannot save record web.1: " + why)
    for e in ups:
        assert running(node, e["instance"])["pid"] == e["pid"] and alive(e["pid"])
    return comes_back(node)


def mended(node):
    """Also what is new, and a change."""
    up(node, "web.9")
    e = up(node, v="two")
    node.ask("STOP", instance="web.9")
    wait_for(lambda: "web.9" not in listed(node))
    return e


def test_full(disk):
    mount(disk, "state")
    disk.start()
    ups = [up(disk, "web.%d" % i) for i in (1, 2)]
    filler = fill(disk, "state")
    ups[0] = goes_on(disk, ups, "No space left on device")
    disk.kill()
    disk.start()  # its own start needs no room
    assert running(disk)["pid"] == ups[0]["pid"]
    ups[0] = goes_on(disk, ups, "No space left on device")
    disk.ask("STOP", instance="web.2")
    wait_for(lambda: "web.2" not in listed(disk))
    assert disk.records() == ["web.1"]  # no half of one fills it further
    filler.unlink()
    mended(disk)


@pytest.mark.parametrize("why", [errno.EIO, errno.EROFS])
def test_fails_while_it_runs(disk, countdown, why):
    steps = Steps(disk, countdown)
    disk.start()
    ups = [up(disk, "web.%d" % i) for i in (1, 2, 3)]
    steps[FAIL] = why
    ups[0] = goes_on(disk, ups, os.strerror(why))
    # What is stopped ends all the same, and that is made good later.
    disk.ask("STOP", instance="web.2")
    wait_for(lambda: "web.2" not in listed(disk))
    assert not alive(ups[1]["pid"]) and "web.2" in disk.records()
    said(disk, "web.2: cannot write down in state-dir that it was stopped: %s; it ends, and this is tried again" % os.strerror(why))
    steps[FAIL] = 0
    wait_for(lambda: disk.records() == ["web.1", "web.3"])
    said(disk, "web.2: that it was stopped is on disk now")
    # STOP, and START before that is made good: the later word counts.
    up(disk, "web.4")
    steps[FAIL] = why
    for i in ("web.3", "web.4"):
        disk.ask("STOP", instance=i)
    wait_for(lambda: not {"web.3", "web.4"} & set(listed(disk)))
    steps[FAIL] = 0
    again = up(disk, "web.3")
    said(disk, "web.4: that it was stopped is on disk now")
    mended(disk)
    disk.kill()
    disk.start()
    assert running(disk, "web.3")["pid"] == again["pid"]


def test_read_only_from_the_start(disk):
    mount(disk, "state")
    mount(disk, "log")
    disk.start()
    ups = [up(disk, "web.%d" % i) for i in (1, 2)]
    disk.kill()
    remount(disk, "state", "ro")
    disk.start()
    said(disk, "cannot write %s/state/lock: Read-only file system; what runs here runs on, nothing new starts" % disk.top)
    ups[0] = goes_on(disk, ups, "Read-only file system")
    code, err = disk.run_once("--config", disk.config)
    assert code == 5 and "another daemon uses cgroup" in err
    disk.ask("STOP", instance="web.2")
    wait_for(lambda: "web.2" not in listed(disk))
    disk.kill()
    remount(disk, "log", "ro")
    disk.start()
    assert running(disk)["pid"] == ups[0]["pid"]
    again = running(disk, "web.2")  # as it said: that it was stopped is not on disk
    comes_back(disk)
    said(disk, "web.1: cannot open log web.1.log: Read-only file system; it runs, and what it prints is lost")
    for name in ("state", "log"):
        remount(disk, name, "rw")
    mended(disk)
    assert disk.log("web.1").count("RUN") == 3 and running(disk, "web.2")["pid"] == again["pid"]


def test_read_only_run_dir(disk):
    """Nobody can ask, and nothing can be started that the next one would not
    find; what runs is watched."""
    mount(disk, "run")
    disk.start()
    one = up(disk)
    disk.kill()
    remount(disk, "run", "ro")
    disk.start(wait=False)
    said(disk, "cannot listen on %s/run/ctl: Read-only file system; what runs here runs on, nobody can ask" % disk.top)
    said(disk, "web.1: adopted, pid %d" % one["pid"])
    os.kill(app_of(one), 9)
    said(disk, "web.1: cannot open web.1.exit: Read-only file system")
    assert disk.meshd.poll() is None
    disk.meshd.kill()
    disk.meshd.wait()
    remount(disk, "run", "rw")
    disk.start()
    assert running(disk)["pid"] != one["pid"]




def test_read_only_with_the_real_engine(disk, programs):
    """It can't begin at all, again and again, and containers need none."""
    mount(disk, "state")
    disk.start()
    one = up(disk)
    disk.kill()
    remount(disk, "state", "ro")
    disk.programs = disk.top / "programs"
    shutil.copytree(programs, disk.programs)
    shutil.copy(BUILD / "meshd-engine", disk.programs / "meshd-engine")
    disk.start(wait=False)
    said(disk, "web.1: adopted, pid %d" % one["pid"])
    wait_for(lambda: (disk.top / "stderr").read_text().count("engine ended (status 4)") >= 2)
    ran = disk.log("web.1").count("RUN")
    os.kill(app_of(one), 9)
    wait_for(lambda: disk.log("web.1").count("RUN") == ran + 1)
    assert disk.meshd.poll() is None
    disk.meshd.kill()
    disk.meshd.wait()
    remount(disk, "state", "rw")
    disk.programs = programs
    disk.start()
    assert running(disk)["pid"] != one["pid"]
    mended(disk)


def test_run_dir_gone(disk):
    """Which process is whose is read from the groups then; what is exclusive ends,
    since its deadline is gone too."""
    disk.start()
    ups = {i: up(disk, i)["pid"] for i in ("web.1", "web.2")}
    changed = up(disk, "web.3")["pid"]
    lease = disk.up("web.4", "a", policy=2, vars={"v": "x"},
                    deadline=time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000000 + 14000)["pid"]
    shutil.rmtree(disk.top / "run")
    assert alive(lease)
    disk.kill()
    # Of a record that is newer than its process that may be another spec's.
    os.utime(disk.top / "state/supervisor/web.3", (time.time() + 60,) * 2)
    for _ in range(2):
        disk.start()
        assert {i: running(disk, i)["pid"] for i in ups} == ups
        assert running(disk, "web.3")["pid"] != changed and not alive(changed)
        wait_for(lambda: not alive(lease) and "web.4" not in listed(disk))
        disk.kill()
        # By now there are notes again.
        assert {p.name for p in (disk.top / "run/supervisor").glob("*.pid")} == {"web.%d.pid" % i for i in (1, 2, 3)}
    disk.start()
    comes_back(disk)


def test_a_record_that_cannot_be_read(disk, countdown):
    """A bad block: its record and what runs of it stay; the others are as ever."""
    steps = Steps(disk, countdown, "state/supervisor/web.1")
    disk.start()
    ups = [up(disk, "web.%d" % i) for i in (1, 2)]
    disk.kill()
    steps[UNREAD] = errno.EIO
    disk.start()
    said(disk, "record web.1: Input/output error: it stays, and what runs of it runs on")
    assert running(disk, "web.2")["pid"] == ups[1]["pid"] and alive(ups[0]["pid"])
    assert "runs on without a record that can be read" in listed(disk)["web.1"]["text"]
    steps[UNREAD] = 0
    disk.kill()
    disk.start()
    assert running(disk)["pid"] == ups[0]["pid"] and disk.records() == ["web.1", "web.2"]
