"""CANTAL_PATH: a small place of its own in each container for its metrics, what the
engine gets of it, and that neither side gets more by it than that."""
import os

import pytest
from conftest import wait_for
from rootless import make  # noqa: F401

ST_RDONLY, ST_NOSUID, ST_NODEV, ST_NOEXEC, ST_NOSYMFOLLOW = 1, 2, 4, 8, 0x2000

SAYS = r"""
echo PATH=$CANTAL_PATH
printf 'counter 8: {"metric": "x"}' > $CANTAL_PATH.meta && echo WROTE
grep ' /dev/cantal ' /proc/self/mountinfo
head -c 1048576 /dev/zero 2>/dev/null > $CANTAL_PATH.values; wc -c < $CANTAL_PATH.values
i=0; while [ $i -lt 200 ] && (: > /dev/cantal/f$i) 2>/dev/null; do i=$((i+1)); done; echo FILES=$i
rm -f /dev/cantal/f* /dev/cantal/app.values
(: > /dev/other) 2>/dev/null || echo DEV IS READ-ONLY
echo DONE
exec sleep 1000
"""


def looked(node):
    node.say("APPDIR")
    return node.event(kind="appdir")


def test_its_own_and_bounded(node):
    """Writable, of 256 KiB and so many files, and nothing of it is run, a device or setuid."""
    node.sandbox("web", "default-user: 1000\ndefault-group: 1000\nallow-users: [0-2000]\nallow-groups: [0-2000]\n")
    node.shell("a", SAYS)
    node.start()
    state = node.up("web.1", "a")
    text = node.printed("web.1", "DONE")
    assert "PATH=/dev/cantal/app\nWROTE\n" in text, text
    mount = next(line for line in text.splitlines() if " /dev/cantal " in line)
    assert all(word in mount for word in ("rw,nosuid,nodev,noexec", "tmpfs", "size=256k")), mount
    wrote = int(text.split("size=256k", 1)[1].splitlines()[1])
    assert 200 << 10 <= wrote <= 256 << 10, text
    made = int(text.split("FILES=")[1].split()[0])
    assert 10 <= made < 64, made
    assert "DEV IS READ-ONLY" in text, text
    assert state["fd_bytes"] >= 0
    os.kill(state["pid"], 0)


def test_the_engine_reads_it_and_no_more(node):
    """A copy that can't be written, and beyond whose root is nothing of the container."""
    node.shell("a", SAYS)
    node.start()
    node.up("web.1", "a")
    node.printed("web.1", "DONE")
    got = looked(node)
    assert got["there"] and got["top"] and not got["writes"], got
    assert got["meta"] == 'counter 8: {"metric": "x"}', got
    assert got["bytes"] == 256 << 10 and 16 <= got["files"] <= 64, got
    flags = ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_NOSYMFOLLOW
    assert got["flags"] & flags == flags, got


def test_another_meshd_finds_it_again(node):
    """Of what it adopts, and the same one: nothing was started anew."""
    node.shell("a", SAYS)
    node.start()
    pid = node.up("web.1", "a")["pid"]
    node.printed("web.1", "DONE")
    node.kill()
    node.start()
    node.ask("LIST")
    state = next(e for e in reversed(node.events) if e["kind"] == "state" and e["instance"] == "web.1")
    assert state["pid"] == pid and state["fd_bytes"] >= 0, state
    assert looked(node)["meta"] == 'counter 8: {"metric": "x"}'


def test_each_run_has_a_new_one(node):
    """Empty again, and the old one is nobody's."""
    node.shell("a", '[ -e /dev/cantal/app.meta ] && echo OLD; echo x > $CANTAL_PATH.meta; echo RUN; exec sleep 1000')
    node.start()
    first = node.up("web.1", "a")
    node.printed("web.1", "RUN")
    os.kill(first["pid"], 9)
    again = node.event(kind="state", instance="web.1", state="running")
    assert again["pid"] != first["pid"]
    wait_for(lambda: node.log("web.1").count("RUN") == 2)
    assert "OLD" not in node.log("web.1")
    assert looked(node)["there"]


def test_what_the_file_says_itself_stands(node):
    node.shell("a", 'echo PATH=$CANTAL_PATH; exec sleep 1000', extra="environ: {CANTAL_PATH: /tmp/mine}\n")
    node.start()
    node.up("web.1", "a")
    assert "PATH=/tmp/mine\n" in node.printed("web.1", "PATH=") + "\n"


def test_a_command_has_none_to_tell(node):
    """It runs once and is not asked; the place is there all the same."""
    node.shell("a", 'echo PATH=$CANTAL_PATH; echo x > $CANTAL_PATH.meta', name="once", kind="Command")
    node.start()
    reply = node.run("web.check", "a", config="/config/once.yaml", op="RUN")
    assert reply["code"] == 0, reply
    end = node.event(kind="exit", instance="web.check")
    assert end["exit_status"] == 0 and "PATH=/dev/cantal/app" in end["text"], end


@pytest.mark.parametrize("ids", [True, False], ids=["ids", "one-id"])
def test_an_ordinary_users_too(make, ids):  # noqa: F811
    """`meshd --rootless`: the same place, and the same copy of it."""
    user = make(ids=ids)
    user.shell("a", SAYS)
    user.start()
    user.up("web.1", "a")
    user.printed("web.1", "DONE")
    got = looked(user)
    assert got["there"] and got["top"] and not got["writes"], got
    assert got["meta"] == 'counter 8: {"metric": "x"}', got
