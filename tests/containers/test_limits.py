"""Limits are set, hold, and can't be silently missing."""
import pathlib
import re

from conftest import UNIFIED, wait_for


def limit(node, controller, name, leaf="web.1.1"):
    """The value, from v1 or from cgroup2, wherever the controller is."""
    v1 = {"memory": "memory.limit_in_bytes", "pids": "pids.max", "cpu": "cpu.cfs_quota_us"}
    v2 = {"memory": "memory.max", "pids": "pids.max", "cpu": "cpu.max"}
    p = pathlib.Path("/sys/fs/cgroup", controller, node.cgroup, leaf, name or v1[controller])
    if not p.exists():
        p = pathlib.Path(UNIFIED, node.cgroup, leaf, name or v2[controller])
    return p.read_text().split()[0]


def test_limits_are_set(node):
    node.shell("a", "ulimit -n; ulimit -c; echo DONE; exec sleep 1000",
               extra="memory-limit: 64Mi\npids-limit: 20\ncpu-quota: 0.5\ncpu-shares: 512\nfileno-limit: 333\n")
    node.start()
    node.up("web.1", "a")
    assert limit(node, "memory", None) == str(64 << 20)
    assert limit(node, "pids", None) == "20"
    assert limit(node, "cpu", None) == "50000"
    assert node.printed("web.1", "DONE").split()[:2] == ["333", "0"]


def test_the_sandbox_is_the_ceiling(node):
    node.sandbox("web", "default-user: 1000\nlimits: {memory: 32Mi, pids: 10}\n")
    node.shell("a", "exec sleep 1000")
    node.shell("a", "exec sleep 1000", name="big", extra="memory-limit: 64Mi\n")
    node.start()
    node.up("web.1", "a")
    assert limit(node, "memory", None) == str(32 << 20)
    assert limit(node, "pids", None) == "10"
    reply = node.run("web.2", "a", config="/config/big.yaml")
    assert reply["code"] == 3
    assert re.search(r"memory-limit: 67108864 is above the 33554432 that sandbox 'web' allows", reply["text"])


def test_fork_bomb_stays_inside(node):
    node.shell("a", "bomb() { bomb & bomb & }; bomb; sleep 1000 & echo x; exec sleep 1000", extra="pids-limit: 15\n")
    node.start()
    node.up("web.1", "a")
    wait_for(lambda: int(limit(node, "pids", "pids.current")) <= 15)
    assert int(limit(node, "pids", "pids.max")) == 15
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
    assert re.match(r"web\.1: cpu-quota: cannot be set: write '50000( 100000)?' to web\.1\.1/cpu\.\S+: ", e["text"]), e
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
