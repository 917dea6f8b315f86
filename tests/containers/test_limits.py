"""Limits are set, hold, and can't be silently missing.

A container's own limits are on its own group, a sandbox's on the group that
holds those of all its containers.
"""
import ctypes
import os
import pathlib
import re
import signal
import sys

import pytest
import weak
from conftest import UNIFIED, children_of, wait_for

FILES = {  # what: (v1 controller, v1 file, cgroup2 file)
    "memory": ("memory", "memory.limit_in_bytes", "memory.max"),
    "swap": ("memory", "memory.memsw.limit_in_bytes", "memory.swap.max"),
    "memory-high": ("memory", "memory.soft_limit_in_bytes", "memory.high"),
    "pids": ("pids", "pids.max", "pids.max"),
    "cpu-quota": ("cpu", "cpu.cfs_quota_us", "cpu.max"),
    "cpu-shares": ("cpu", "cpu.shares", "cpu.weight"),
    "io-weight": ("blkio", "blkio.bfq.weight", "io.weight"),
    "pids.current": ("pids", "pids.current", "pids.current"),
}
NONE = (str((1 << 63) - 4096), "-1", "max")  # v1 memory, v1 others, cgroup2


def limit_file(node, what, group="@web/web.1.1"):
    """The file, of v1 or of cgroup2, wherever the controller is."""
    controller, v1, v2 = FILES[what]
    p = pathlib.Path("/sys/fs/cgroup", controller, node.cgroup, group, v1)
    return p if p.exists() else pathlib.Path(UNIFIED, node.cgroup, group, v2)


def limit(node, what, group="@web/web.1.1"):
    return limit_file(node, what, group).read_text().split()[-1 if what == "io-weight" else 0]


def on_v1(node, what):
    return not str(limit_file(node, what, ".")).startswith(UNIFIED)


def test_limits_are_set(node):
    node.shell("a", "ulimit -n; ulimit -c; echo DONE; exec sleep 1000",
               extra="memory-limit: 64Mi\nmemory-high: 48Mi\npids-limit: 20\ncpu-quota: 0.5\ncpu-shares: 512\n"
                     "io-weight: 150\nfileno-limit: 333\n")
    node.start()
    up = node.up("web.1", "a")
    assert limit(node, "memory") == str(64 << 20)
    assert limit(node, "swap") == (str(64 << 20) if on_v1(node, "swap") else "0")
    assert limit(node, "memory-high") == str(48 << 20)
    assert limit(node, "pids") == "20"
    assert limit(node, "cpu-quota") == "50000"
    assert limit(node, "cpu-shares") == ("512" if on_v1(node, "cpu-shares") else "59")
    assert limit(node, "io-weight") == ("104" if on_v1(node, "io-weight") else "150")
    groups = pathlib.Path("/proc/%d/cgroup" % up["pid"]).read_text()
    v1 = {FILES[what][0] for what in FILES if on_v1(node, what)}
    assert len(re.findall(r":(?:memory|cpu|pids|blkio|):/%s/@web/web\.1\.1$" % node.cgroup, groups, re.M)) == len(v1) + 1, groups
    assert node.printed("web.1", "DONE").split()[:2] == ["333", "0"]


def test_the_sandbox_is_the_ceiling(node):
    """Of what a container may ask for; who asks for nothing has no limit of his own."""
    node.sandbox("web", "default-user: 1000\nlimits: {memory: 32Mi, pids: 10, cpu-quota: 0.5}\n")
    node.shell("a", "exec sleep 1000")
    node.shell("a", "exec sleep 1000", name="big", extra="memory-limit: 64Mi\n")
    node.start()
    node.up("web.1", "a")
    assert (limit(node, "memory"), limit(node, "pids"), limit(node, "cpu-quota")) in (
        (NONE[0], "4096", "-1"), ("max", "4096", "max"))
    assert [limit(node, w, "@web") for w in ("memory", "pids", "cpu-quota")] == [str(32 << 20), "10", "50000"]
    reply = node.run("web.2", "a", config="/config/big.yaml")
    assert reply["code"] == 3
    assert re.search(r"memory-limit: 67108864 is above the 33554432 that sandbox 'web' allows", reply["text"])


def test_a_sandbox_limit_is_for_all_together(node):
    """Ten containers have no more than one; another sandbox has its own."""
    hog = "x=y; while [ ${#x} -lt 6000000 ]; do x=$x$x; done; z=$x.; echo HAVE; sleep 1000"  # 16 MiB, and half as much more meanwhile
    node.sandbox("web", "default-user: 1000\nlimits: {memory: 24Mi, pids: 9}\n")
    node.sandbox("free", "default-user: 1000\n")
    node.shell("a", "sleep 1000 & sleep 1001 & echo DONE; wait", extra="restart-timeout: 5s\n")
    node.shell("a", hog, name="hog", extra="restart-timeout: 60s\n")
    node.start()
    node.up("web.1", "a")
    node.printed("web.1", "DONE")
    node.up("web.2", "a")
    node.printed("web.2", "DONE")
    assert limit(node, "pids.current", "@web") == "8"  # each: init, shell, two sleeps
    node.run("web.3", "a")
    node.event(kind="state", instance="web.3", state="backoff")
    node.up("free.1", "a", sandbox="free", role="free")
    node.printed("free.1", "DONE")
    assert node.boxes() == ["@free", "@web"]
    for instance in ("web.1", "web.2", "web.3"):
        node.ask("STOP", instance=instance)
        node.event(kind="state", instance=instance, state="gone")
    assert node.boxes() == ["@free"]  # with its last container a sandbox's group goes
    before = len(node.events)
    for instance in ("web.1", "web.2", "web.3"):
        node.run(instance, "a", config="/config/hog.yaml")
    # It may come before the answer to the last START.
    e = next((e for e in node.events[before:] if e.get("state") == "backoff"), None) or node.event(kind="state", state="backoff", seconds=20)
    assert e["exit_status"] == 9
    assert e["text"] == "killed for memory: all of sandbox 'web' together may have 25165824 bytes"


def test_a_sandbox_limit_changes_live(node):
    """The next START brings it; nothing restarts, and a boot remembers it for all."""
    node.sandbox("web", "default-user: 1000\nlimits: {memory: 64Mi, pids: 50, cpu-quota: 1}\n")
    node.shell("a", "exec sleep 1000", extra="memory-limit: 16Mi\n")
    node.start()
    first = node.up("web.1", "a")
    node.up("web.2", "a")
    for limits, want in (("{memory: 128Mi, pids: 60}", (128 << 20, 60, None)), ("{memory: 32Mi, cpu-quota: 2}", (32 << 20, None, 200000))):
        node.sandbox("web", "default-user: 1000\nlimits: %s\n" % limits)
        assert node.run("web.3", "a")["code"] == 0
        have = [limit(node, w, "@web") for w in ("memory", "pids", "cpu-quota")]
        assert all(h in NONE if w is None else h == str(w) for h, w in zip(have, want)), have
        node.ask("STOP", instance="web.3")
        node.event(kind="state", instance="web.3", state="gone")
    assert pathlib.Path("/proc/%d" % first["pid"]).exists()
    assert limit(node, "memory") == str(16 << 20)
    # After a reboot the group is made again from the records, also from those of
    # instances that were started under the old limits; it waits for nobody to write them.
    old = b"all-pids" + (60).to_bytes(8, "little")
    wait_for(lambda: not any(old in (node.top / "state/supervisor" / name).read_bytes() for name in node.records()))
    node.kill()
    (node.group() / "cgroup.kill").write_text("1")
    wait_for(lambda: not any(node.leaf(leaf).joinpath("cgroup.procs").read_text() for leaf in node.leaves()))
    for p in (node.top / "run/supervisor").iterdir():
        p.unlink()
    node.start()
    wait_for(lambda: node.leaves() == ["web.1.1", "web.2.1"])
    have = [limit(node, w, "@web") for w in ("memory", "pids", "cpu-quota")]
    assert have[0] == str(32 << 20) and have[1] in NONE and have[2] == "200000"


def test_a_sandbox_limit_that_cannot_be_set_is_refused(node):
    """What holds already goes on to hold."""
    node.sandbox("web", "default-user: 1000\nlimits: {cpu-quota: 1}\n")
    node.shell("a", "exec sleep 1000", extra="cpu-quota: 0.5\n")
    node.shell("a", "exec sleep 1000", name="small")
    node.start()
    node.shell("a", "x=y; while [ ${#x} -lt 8000000 ]; do x=$x$x; done; echo UP; while true; do sleep 1000; done", name="much")
    ups = [node.up("web.1", "a"), node.up("web.2", "a", config="/config/much.yaml")]
    node.printed("web.2", "UP")
    # v1 refuses a whole that is less than its parts, and less than what is in use.
    for limits, text in (("{cpu-quota: 0.2, memory: 8Mi}", "cpu-quota: cannot be set: write '20000' to @web/cpu.cfs_quota_us: Invalid argument"),
                         ("{pids: 99, memory: 4Mi}", "memory: cannot be set: write '4194304' to @web/memory.limit_in_bytes: Device or resource busy")):
        node.sandbox("web", "default-user: 1000\nlimits: %s\n" % limits)
        if on_v1(node, "memory"):
            reply = node.run("web.3", "a", config="/config/small.yaml")
            assert (reply["code"], reply["text"]) == (5, "web.3: sandbox 'web': limits: " + text)
        assert limit(node, "cpu-quota", "@web") == "100000"
        assert limit(node, "memory", "@web") in NONE and limit(node, "pids", "@web") in NONE
    assert node.leaves() == ["web.1.1", "web.2.1"] and all(pathlib.Path("/proc/%d" % up["pid"]).exists() for up in ups)


def test_records_that_the_disk_does_not_take(node):
    """Other limits hold at once, and are written down for all, sooner or later: of what stands in the records the strictest
    holds for a new supervisor."""
    record = node.top / "state/supervisor/web.1"

    def asked(pids):
        node.sandbox("web", "default-user: 1000\nlimits: {pids: %d}\n" % pids)
        assert node.run("web.2", "a")["code"] == 0
        assert limit(node, "pids", "@web") == str(pids)
    node.shell("a", "exec sleep 1000", extra="restart-timeout: 100ms\n")
    node.sandbox("web", "default-user: 1000\nlimits: {pids: 60}\n")
    node.start()
    app = [node.up("web.%d" % i, "a") for i in range(3)][0]["pid"]
    # Taken back before the disk takes it; and kept, when it does.
    for n, (new, then) in enumerate(((50, 60), (70, 70))):
        kept, first = record.read_bytes(), record.with_name("web.0").read_bytes()
        record.unlink()
        (record / "in-the-way").mkdir(parents=True)
        asked(new)
        wait_for(lambda: (node.top / "stderr").read_text().count("web.1: Is a directory; other limits of its sandbox") == n + 1)
        (record / "in-the-way").rmdir()
        record.rmdir()
        record.write_bytes(kept)
        if then != new:
            asked(then)
            wait_for(lambda: record.with_name("web.0").read_bytes() == first)
        else:
            wait_for(lambda: record.read_bytes() != kept)
        node.kill()
        node.start()
        os.kill(children_of(app)[0], 9)
        app = node.event(kind="state", instance="web.0", state="running")["pid"]
        assert limit(node, "pids", "@web") == str(then)


def stopped(pid):
    """The children of meshd that are stopped instead of waiting for a disk."""
    def state(child):
        try:
            return pathlib.Path("/proc/%d/stat" % child).read_text().rsplit(") ", 1)[1][0]
        except (FileNotFoundError, ProcessLookupError):
            return ""  # another child, which has ended meanwhile
    return {c for c in children_of(pid) if state(c) == "T"}


def lowers(pid):
    return min(wait_for(lambda: stopped(pid)))


def test_less_memory_is_waited_for_by_another_process(weak_programs):
    """The kernel frees memory while the limit is written, as slowly as a disk is: meanwhile others start, stop and are asked."""
    host = weak.Host(weak_programs)
    text = "default-user: 1000\nlimits: {memory: %s}\n"
    try:
        for name in ("web", "other"):
            host.sandbox(name, text % "64Mi" + "roles: [web]\n")
        host.shell("a", "exec sleep 1000")
        host.start()
        host.without("no-reclaim")
        up = host.up("web.1", "a")
        host.sandbox("web", text % "32Mi")
        host.say("START ticket=900 instance=web.1 image=a config=/config/run.yaml sandbox=web role=web")
        waits = lowers(host.meshd.pid)
        # Of the same sandbox, which waits too; of another; and what takes its wait back.
        host.say("START ticket=901 instance=web.2 image=a config=/config/run.yaml sandbox=web role=web")
        assert host.up("other.1", "a", sandbox="other")["pid"] > 0
        assert host.ask("STOP", instance="other.1")["code"] == 0
        assert host.ask("LIST")["kind"] == "end"
        assert limit(host, "memory", "@web") == str(64 << 20)
        assert not [e for e in host.events if e.get("ticket") in (900, 901)]
        os.kill(waits, signal.SIGCONT)
        for _ in range(2):
            assert host.event(kind="reply")["code"] == 0
        host.event(kind="state", instance="web.2", state="running")
        assert limit(host, "memory", "@web") == str(32 << 20)
        assert pathlib.Path("/proc/%d" % up["pid"]).exists()

        # Nobody wants it any more when it is done: what holds is what was taken last.
        host.sandbox("web", text % "16Mi")
        host.say("START ticket=902 instance=web.3 image=a config=/config/run.yaml sandbox=web role=web")
        waits = lowers(host.meshd.pid)
        assert host.ask("STOP", instance="web.3")["code"] == 0
        os.kill(waits, signal.SIGCONT)
        wait_for(lambda: not pathlib.Path("/proc/%d" % waits).exists())
        wait_for(lambda: limit(host, "memory", "@web") == str(32 << 20))
        # It is killed: refused, with a line.
        host.say("START ticket=903 instance=web.2 image=a config=/config/run.yaml sandbox=web role=web")
        os.kill(lowers(host.meshd.pid), 9)
        reply = host.event(kind="reply", ticket=903)
        assert (reply["code"], reply["text"]) == (5, "web.2: sandbox 'web': limits: memory: who lowers it was killed")
        assert limit(host, "memory", "@web") == str(32 << 20)
    finally:
        host.close()


def test_nobody_waits_for_another_sandbox(weak_programs):
    """What frees memory of one sandbox for long holds back that one alone."""
    host = weak.Host(weak_programs)
    text = "default-user: 1000\nroles: [web]\nlimits: {memory: %s}\n"
    try:
        for name in ("web", "other"):
            host.sandbox(name, text % "64Mi")
        host.shell("a", "exec sleep 1000")
        host.start()
        host.without("no-reclaim")
        host.up("web.1", "a")
        host.up("other.1", "a", sandbox="other")
        host.sandbox("web", text % "32Mi")
        host.say("START ticket=900 instance=web.1 image=a config=/config/run.yaml sandbox=web role=web")
        first = lowers(host.meshd.pid)
        host.sandbox("other", text % "32Mi")
        host.say("START ticket=901 instance=other.1 image=a config=/config/run.yaml sandbox=other role=web")
        os.kill(wait_for(lambda: stopped(host.meshd.pid) - {first}).pop(), signal.SIGCONT)
        assert host.event(kind="reply")["ticket"] == 901
        assert (limit(host, "memory", "@web"), limit(host, "memory", "@other")) == (str(64 << 20), str(32 << 20))
        os.kill(first, signal.SIGCONT)
        assert host.event(kind="reply", ticket=900)["code"] == 0
        assert limit(host, "memory", "@web") == str(32 << 20)
    finally:
        host.close()


def test_groups_of_an_older_daemon(node):
    """Before sandboxes had groups, a container's was right below the daemon's: it runs on, and its next run moves."""
    node.shell("a", "exec sleep 1000")
    node.start()
    up = node.up("web.1", "a")
    node.up("web.2", "a")
    node.kill()
    tops = [node.group()] + [pathlib.Path("/sys/fs/cgroup", c, node.cgroup) for c in ("memory", "cpu", "pids")]
    for top in tops:
        if not (top / "@web").exists():
            continue
        for name in ("web.1.1", "web.2.1"):
            (top / name).mkdir()
            for pid in (top / "@web" / name / "cgroup.procs").read_text().split():
                (top / name / "cgroup.procs").write_text(pid)
            (top / "@web" / name).rmdir()
        (top / "@web").rmdir()
    for name in ("web.1", "web.2"):
        note = node.top / ("run/supervisor/%s.pid" % name)
        words = note.read_text().split()
        assert words[8] == "web"
        note.write_text(" ".join(words[:8]) + "\n")
    node.start()
    states = []
    node.say("LIST ticket=99")
    while not states or states[-1]["kind"] != "end":
        states.append(node.next())
    assert {e["instance"]: e["pid"] for e in states if e["kind"] == "state"}["web.1"] == up["pid"]
    assert (node.boxes(), node.leaves()) == ([], ["web.1.1", "web.2.1"])
    assert (node.group() / "web.1.1").is_dir()
    node.ask("STOP", instance="web.2")
    node.event(kind="state", instance="web.2", state="gone")
    os.kill(up["pid"], 9)
    again = node.event(kind="state", instance="web.1", state="running")
    assert again["pid"] != up["pid"]
    assert (node.boxes(), node.leaves()) == (["@web"], ["web.1.2"])
    assert not any((top / "web.1.1").exists() for top in tops)


def test_what_a_kill_leaves_of_groups_goes_at_the_next_start(node):
    """v1 groups that cgroup2 has no more, a sandbox's that is empty; others stay."""
    node.shell("a", "exec sleep 1000")
    node.start()
    up = node.up("web.1", "a")
    node.kill()
    tops = [node.group()] + [pathlib.Path("/sys/fs/cgroup", c, node.cgroup) for c in ("memory", "cpu", "pids")]
    tops = [top for top in tops if (top / "@web").exists()]
    for top in tops:
        (top / "@old").mkdir()
        (top / "other").mkdir()
    for top in tops[1:]:
        (top / "@web/web.2.4").mkdir()
    node.start()
    assert [[(top / name).exists() for name in ("@old", "@web/web.2.4", "@web/web.1.1", "other")] for top in tops] == [
        [False, False, True, True]] * len(tops)
    assert pathlib.Path("/proc/%d" % up["pid"]).exists()


ODD = r"""
import ctypes, os, resource, sys
libc = ctypes.CDLL(None, use_errno=True)
for what, soft in (("AS", 1 << 34), ("DATA", 1 << 33), ("CPU", 1000), ("FSIZE", 1 << 26), ("MEMLOCK", 65536), ("NPROC", 300),
                   ("SIGPENDING", 77), ("MSGQUEUE", 1), ("STACK", 1 << 20), ("RSS", 1 << 30)):
    hard = resource.getrlimit(getattr(resource, "RLIMIT_" + what))[1]
    resource.setrlimit(getattr(resource, "RLIMIT_" + what), (soft, hard))
resource.setrlimit(resource.RLIMIT_NICE, (0, 0))
os.umask(0)
os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
os.setpriority(os.PRIO_PROCESS, 0, 7)
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
calls = ((251, 1, 0, 3 << 13), (157, 29, 1000000, 0), (157, 41, 1, 0), (135, 0x0040000, 0, 0), (238, 1, ctypes.byref(ctypes.c_ulong(1)), 64))
assert all(libc.syscall(*c, 0, 0) >= 0 for c in calls)  # ioprio idle, timer slack, no THP, no ASLR, memory of node 0 first
open("/proc/self/oom_score_adj", "w").write(sys.argv[1])
os.execv(sys.argv[2], sys.argv[2:])
"""


@pytest.mark.no_shadow
def test_nothing_odd_is_inherited(node):
    """Of what meshd was started with: limits, priorities, places to run."""
    node.shell("a", "umask; grep -c . /proc/self/numa_maps; busybox head -n 1 /proc/self/numa_maps; echo DONE; exec sleep 1000")
    os.symlink("busybox", node.images / "a/bin/grep")
    node.through = [sys.executable, "-c", ODD, "300"]
    node.start()
    odd, app = node.meshd.pid, children_of(node.up("web.1", "a")["pid"])[0]
    wait_for(lambda: "sleep" in pathlib.Path("/proc/%d/cmdline" % app).read_text())

    def limits(pid):
        rows = pathlib.Path("/proc/%d/limits" % pid).read_text().splitlines()[1:]
        return {r[:25].strip(): r[25:67].split() for r in rows}
    was, now = limits(odd), limits(app)
    want = {"Max cpu time": "unlimited", "Max file size": "unlimited", "Max data size": "unlimited", "Max address space": "unlimited",
            "Max resident set": "unlimited", "Max file locks": "unlimited", "Max stack size": str(8 << 20),
            "Max locked memory": str(8 << 20), "Max msgqueue size": "819200", "Max pending signals": "32768",
            "Max realtime timeout": "unlimited", "Max realtime priority": "0", "Max nice priority": "0"}
    assert {k: now[k][0] for k in want} == want
    assert all(was[k][0] != want[k] for k in want if "real" not in k and "nice" not in k and "locks" not in k)
    # No limit of processes but that of the group, or all that a meshd without CAP_SYS_RESOURCE can give.
    assert was["Max processes"][0] == "300" and now["Max processes"][0] in ("unlimited", was["Max processes"][1])
    stat = pathlib.Path("/proc/%d/stat" % app).read_text().rsplit(")", 1)[1].split()
    assert (stat[16], stat[38]) == ("0", "0")  # nice, scheduler
    assert os.sched_getaffinity(app) == os.sched_getaffinity(0) and len(os.sched_getaffinity(odd)) == 1
    assert ctypes.CDLL(None).syscall(252, 1, odd) == 3 << 13 and ctypes.CDLL(None).syscall(252, 1, app) >> 13 in (0, 2)
    assert pathlib.Path("/proc/%d/timerslack_ns" % app).read_text().strip() == "50000"
    assert pathlib.Path("/proc/%d/personality" % app).read_text().strip() == "00000000"
    assert "THP_enabled:\t1" in pathlib.Path("/proc/%d/status" % app).read_text()
    assert pathlib.Path("/proc/%d/oom_score_adj" % app).read_text().strip() == "300"  # never before meshd
    text = node.printed("web.1", "DONE")
    assert text.startswith("0022\n") and " default " in text, text


@pytest.mark.no_shadow
def test_oom_score(node):
    """A container goes before meshd, and an image does not put itself before others."""
    node.sandbox("web", "default-user: 1000\nlimits: {oom-score: 100}\n")
    node.shell("a", "exec sleep 1000", extra="oom-score: 150\n")
    for name, score in (("low", 99), ("high", 1000), ("none", None)):
        node.shell("a", "exec sleep 1000", name=name, extra="oom-score: %d\n" % score if score else "")
    node.through = [sys.executable, "-c", ODD, "120"]
    node.start()
    for instance, config, want in (("web.1", "run", "150"), ("web.2", "high", "1000"), ("web.3", "none", "200")):
        app = children_of(node.up(instance, "a", config="/config/%s.yaml" % config)["pid"])[0]
        assert pathlib.Path("/proc/%d/oom_score_adj" % app).read_text().strip() == want
    reply = node.run("web.4", "a", config="/config/low.yaml")
    assert re.fullmatch(r"web\.4: a/config/low\.yaml:\d+:\d+: oom-score: below 100, the least that sandbox 'web' allows "
                        r"\(limits: oom-score in \S+/web\.yaml\)", reply["text"]), reply
    node.shell("a", "exec sleep 1000", name="lower", extra="oom-score: 110\n")
    node.run("web.5", "a", config="/config/lower.yaml")
    assert node.event(kind="state", instance="web.5", state="backoff")["text"] == (
        "web.5: oom-score: 110 is below meshd's own 120: start meshd with a lower one (OOMScoreAdjust=)")
    node.shell("a", "exec sleep 1000", name="wild", extra="oom-score: -1000\n")
    assert "oom-score" in node.run("web.6", "a", config="/config/wild.yaml")["text"]


def test_fork_bomb_stays_inside(node):
    # A shell that can't fork ends: the one that is the application has forked before.
    node.shell("a", "bomb() { bomb & bomb & }; (bomb; sleep 1000) & exec sleep 1000", extra="pids-limit: 15\n")
    node.start()
    node.up("web.1", "a")
    wait_for(lambda: int(limit(node, "pids.current")) <= 15)
    assert int(limit(node, "pids")) == 15
    assert node.ask("STOP", instance="web.1")["code"] == 0
    node.event(kind="state", instance="web.1", state="gone", seconds=15)
    assert node.leaves() == []


def test_out_of_memory_is_told(node):
    node.shell("a", "x=y; while true; do x=$x$x; done", extra="memory-limit: 16Mi\nrestart-timeout: 5s\n")
    node.start()
    node.run("web.1", "a")
    e = node.event(kind="state", instance="web.1", state="backoff", seconds=20)
    assert e["text"] == "killed for memory: its limit is 16777216 bytes"
    assert e["exit_status"] == 9


def test_out_of_memory_ends_all_of_it(node):
    """Not the one process that the kernel picks: also of one that was adopted."""
    node.shell("a", "(sleep 0.2; x=y; while true; do x=$x$x; done) & exec sleep 1000",
               extra="memory-limit: 16Mi\nrestart-timeout: 60s\n")
    os.symlink("busybox", node.images / "a/bin/mkfifo")
    script = "mkfifo /tmp/go; (read x </tmp/go; x=y; while true; do x=$x$x; done) & echo UP; exec sleep 1000"
    node.shell("a", script, name="wait", extra="memory-limit: 16Mi\nrestart-timeout: 60s\n")
    node.start()
    other = node.up("web.2", "a", config="/config/wait.yaml")
    node.printed("web.2", "UP")
    node.run("web.1", "a")
    e = node.event(kind="state", instance="web.1", state="backoff")
    assert (e["exit_status"], e["text"]) == (9, "killed for memory: its limit is 16777216 bytes")
    node.ask("STOP", instance="web.1")
    node.event(kind="state", instance="web.1", state="gone")
    node.kill()
    node.start()
    assert pathlib.Path("/proc/%d" % other["pid"]).exists()
    pathlib.Path("/proc/%d/root/tmp/go" % other["pid"]).write_text("\n")
    e = node.event(kind="state", instance="web.2", state="backoff")
    assert (e["exit_status"], e["text"]) == (9, "killed for memory: its limit is 16777216 bytes")


def test_tmpfs_size_holds(node):
    node.shell("a", "dd if=/dev/zero of=/data/x bs=1M count=4 2>&1; busybox stat -f -c %T /data; echo DONE; exec sleep 1000"
               .replace("dd ", "busybox dd "), extra='volumes: {/data: !Tmpfs {size: 1Mi, mode: 0o700}}\n')
    node.start()
    node.up("web.1", "a")
    text = node.printed("web.1", "DONE")
    assert "No space left on device" in text and "tmpfs" in text


def test_limit_that_cannot_be_set_is_a_failed_start(node):
    """Never "unlimited" then."""
    node.shell("a", "exec sleep 1000", extra="cpu-quota: 0.5\n")
    node.start()
    v1 = pathlib.Path("/sys/fs/cgroup/cpu", node.cgroup, "cpu.cfs_quota_us")
    if v1.exists():
        v1.write_text("10000")  # v1 refuses a part that is more than the whole
    else:
        (node.group() / "cgroup.subtree_control").write_text("-cpu")
    assert node.run("web.1", "a")["code"] == 0
    e = node.event(kind="state", instance="web.1", state="backoff")
    assert re.match(r"web\.1: cpu-quota: cannot be set: write '50000' to @web/web\.1\.1/cpu\.cfs_quota_us: " if v1.exists() else
                    r"web\.1: sandbox 'web': cannot write '\+cpu' to @web/cgroup\.subtree_control: ", e["text"]), e
    assert node.leaves() == []


def test_tmpfs_runs_nothing_and_has_an_end(node):
    """Programs are the image's; /tmp and /rendered give none, and empty files end."""
    node.shell("a", "for d in /tmp /data; do busybox cp /bin/busybox $d/x && $d/x true; done; "
               "/rendered/x; busybox df -i /data | busybox tail -n 1; echo DONE; exec sleep 1000",
               extra="volumes: {/data: !Tmpfs {size: 4Mi, mode: 0o777}, /rendered: !Readonly /rendered}\n")
    node.start()
    assert node.ask("ROLE", role="web")["code"] == 0
    (node.top / "state/rendered/web/x").write_text("#!/bin/sh\necho RAN\n")
    (node.top / "state/rendered/web/x").chmod(0o755)
    node.up("web.1", "a")
    text = node.printed("web.1", "DONE")
    assert text.count("Permission denied") == 3 and "RAN" not in text, text
    assert " 1024 " in text, text
