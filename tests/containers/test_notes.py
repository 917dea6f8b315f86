"""What lies in run-dir is believed no further than it can be: a note that is not as
it was written, or is another's, or of a process that is not in its container's
group; links, pipes and directories where files of ours are."""
import contextlib
import os
import pathlib
import subprocess

import pytest
from conftest import wait_for
from rootless import make  # noqa: F401
from test_crash import listed
from test_fence import now_ms
from test_life import alive


def summed(instance, words):
    """A note with the right sum."""
    text = " ".join(words) + " "
    h = 0xcbf29ce484222325
    for b in ("%s %s" % (instance, text)).encode():
        h = (h ^ b) * 0x100000001b3 & (1 << 64) - 1
    return text + "%x\n" % h


@pytest.fixture
def two(node):
    """web.1 and web.2 run, and nobody watches; their pids and notes."""
    node.shell("a", "echo UP; exec sleep 1000", extra="kill-timeout: 100ms\n")
    node.start()
    pids = [node.up("web.%d" % i, "a")["pid"] for i in (1, 2)]
    node.kill()
    node.notes = [node.top / ("run/supervisor/web.%d.pid" % i) for i in (1, 2)]
    return node, pids


def running(node):
    return {name: e["pid"] for name, e in listed(node).items() if e["state"] == "running"}


def told(node):
    return (node.top / "stderr").read_text()


@pytest.mark.parametrize("how", ["a bit", "cut", "another's", "older", "more"])
def test_a_note_that_is_not_as_it_was_written(two, how):
    """It says nothing; by its group the container is found all the same, and no other."""
    node, (one, two_) = two
    data = node.notes[0].read_text()
    words = data.split()
    node.notes[0].write_text({
        "a bit": data.replace(" %d " % one, " %d " % (one ^ 1), 1),
        "cut": data[:len(data) // 2],
        "another's": node.notes[1].read_text(),
        "older": " ".join(["2", *words[1:]]),  # a version without a sum, with one
        "more": "4" + data[1:],
    }[how])
    node.start()
    assert running(node) == {"web.1": one, "web.2": two_}
    assert "web.1: its note, run-dir/supervisor/web.1.pid, is not as it was written, and counts for nothing" in told(node)
    assert node.leaves() == ["web.1.1", "web.2.1"]


@pytest.mark.parametrize("version", [1, 2])
def test_a_note_of_an_older_meshd(two, version):
    """It had no sum, and counts."""
    node, (one, two_) = two
    words = node.notes[0].read_text().split()
    node.notes[0].write_text(" ".join(["2", *words[1:11 if version == 2 else 9]]) + "\n")
    node.start()
    assert running(node) == {"web.1": one, "web.2": two_}
    assert "not as it was written" not in told(node)


def test_a_note_says_a_process_of_another_group(two):
    """All that it says is true of that process, and it is another container's: neither is
    web.2's taken for web.1, nor is it ended with it."""
    node, (one, two_) = two
    words, other = (p.read_text().split() for p in node.notes)
    words[1], words[2], words[10] = other[1], other[2], other[10]  # pid, start time, pidfd
    node.notes[0].write_text(summed("web.1", words[:-1]))
    node.start()
    assert running(node) == {"web.1": one, "web.2": two_}
    assert "web.1: its note says pid %d, which is not in its group @web/web.1.1: that process is left alone" % two_ in told(node)
    assert node.ask("STOP", instance="web.1")["code"] == 0
    node.event(kind="state", instance="web.1", state="gone")
    assert alive(two_) and not alive(one)


def test_a_note_of_who_is_gone_says_a_process_of_another_group(two):
    node, (one, two_) = two
    words, other = (p.read_text().split() for p in node.notes)
    words[1], words[2], words[10] = other[1], other[2], other[10]
    node.notes[0].write_text(summed("web.1", words[:-1]))
    (node.group() / "@web/web.1.1/cgroup.kill").write_text("1")
    wait_for(lambda: not alive(one))
    node.start()
    pids = wait_for(lambda: (lambda r: r if len(r) == 2 else None)(running(node)))
    assert pids["web.2"] == two_ and pids["web.1"] not in (one, two_)


KINDS = {"link": lambda p: os.symlink("/etc/passwd", p), "pipe": os.mkfifo, "directory": lambda p: (p.mkdir(), (p / "x").touch())}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_where_one_of_ours_is(node, kind):
    """It is named and put aside; what runs is taken over, what is to start starts."""
    node.shell("a", "trap 'exit 7' TERM; echo UP; while :; do sleep 0.05; done", extra="kill-timeout: 2s\nrestart-timeout: 100ms\n")
    node.start()
    pids = {"web.%d" % i: node.up("web.%d" % i, "a")["pid"] for i in (1, 2, 3)}
    node.kill()
    run = node.top / "run/supervisor"
    for name in ("web.1.pid", "web.2.exit"):
        (run / name).unlink()
        KINDS[kind](run / name)
    node.start()
    assert running(node) == pids
    for name in ("web.1.pid", "web.2.exit"):
        assert "%s in run-dir/supervisor is not a regular file: put aside there as .odd-%s" % (name, name) in told(node)
    # While it watches, too; and again under a name that is taken.
    for name in ("web.4.exit", "web.4.pid", "web.4.fence", "web.5.fence", "web.1.exit"):
        with contextlib.suppress(OSError):
            (run / name).unlink()
        KINDS[kind](run / name)
    assert node.up("web.4", "a")["pid"]
    assert node.run("web.5", "a", policy=2, deadline=now_ms() + 9000)["code"] == 0
    node.event(kind="state", instance="web.5", state="running")
    os.kill(pids["web.1"], 9)
    assert node.event(kind="state", instance="web.1", state="running", restarts=1)
    assert node.ask("STOP", instance="web.5")["code"] == 0
    node.event(kind="state", instance="web.5", state="gone")
    for _ in range(2):
        node.kill()
        for name in ("web.1.pid", "web.4.exit", "web.4.fence"):
            with contextlib.suppress(OSError):
                (run / name).unlink()
            KINDS[kind](run / name)
        node.start()
        assert sorted(running(node)) == ["web.1", "web.2", "web.3", "web.4"]
    assert (run / ".odd-web.1.pid.3").exists()
    assert pathlib.Path("/etc/passwd").read_text().startswith("root:")


# --- where a user has no groups ------------------------------------------------------------
@pytest.fixture
def new_logs():
    """Mounts a tmpfs that is as new as every other one."""
    mounted = []

    def mount(user):
        where = user.state / "log"
        where.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700", "none", where], check=True)
        mounted.append(where)
    yield mount
    for where in mounted:
        for log in pathlib.Path("/proc").glob("[0-9]*/fd/4"):
            with contextlib.suppress(OSError):
                if log.stat().st_dev == where.stat().st_dev:
                    os.kill(int(log.parts[2]), 9)
        subprocess.run(["umount", "-l", where], check=True)


def inodes(user, name):
    return [(user.state / "log" / (name + end)).stat().st_ino for end in (".log", ".log.1")]


def test_logs_of_one_inode_on_two_file_systems(make, new_logs):  # noqa: F811
    """Two meshds of one user: what the other one runs is no leftover of mine."""
    users = [make(ids=False), make(ids=False)]
    for user in users:
        new_logs(user)
        user.shell("a", "exec sleep 1000", extra="kill-timeout: 100ms\n")
        user.start()
    pid = users[0].up("web.1", "a")["pid"]
    other = users[1].up("web.1", "a")["pid"]
    assert inodes(users[0], "web.1") == inodes(users[1], "web.1")
    # Without its note it is found by its logs: not two of them.
    users[0].kill()
    for p in (users[0].mesh / "supervisor").iterdir():
        p.unlink()
    users[0].start()
    assert running(users[0]) == {"web.1": pid}
    # And of one that is gone here the other's is not what is left.
    assert users[0].ask("STOP", instance="web.1")["code"] == 0
    users[0].event(kind="state", instance="web.1", state="gone")
    users[0].kill()
    users[0].start()
    assert listed(users[0]) == {} and alive(other)
    assert "left over" not in users[0].told()
    assert running(users[1]) == {"web.1": other}
