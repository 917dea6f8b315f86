"""The engine's user may write in state-dir and runs what it likes there: what
root reads or runs must never be its making."""
import os
import pathlib
import stat

import pytest
from conftest import USER, wait_for


def outside(node, up):
    return [int(x) for x in pathlib.Path("/proc/%d/uid_map" % children(up)[0]).read_text().split()]


def children(up):
    from conftest import children_of
    return wait_for(lambda: children_of(up["pid"]))


# --- outside ids -------------------------------------------------------------------
def test_ranges_are_roots_alone(node):
    """Whatever lies in state-dir under the names of old: it is never looked at."""
    node.shell("a", "exec sleep 1000")
    node.start()
    os.mkfifo(node.top / "state/ranges")
    (node.top / "state/.ranges.tmp").write_text("4294967295 web\n")
    os.chown(node.top / "state/.ranges.tmp", USER, USER)
    up = node.up("web.1", "a")
    assert outside(node, up) == [0, 700000000, 65536]
    path = node.top / "state/supervisor/.ranges"
    assert path.read_text() == "0 web\n"
    st = path.stat()
    assert (st.st_uid, stat.S_IMODE(st.st_mode)) == (0, 0o600)
    node.sandbox("db", "default-user: 1000\n")
    assert outside(node, node.up("db.1", "a", sandbox="db", role="db"))[1] == 700065536


@pytest.mark.parametrize("text", ["x\n", "4294967295 web\n", "54855 web\n", "0 web\n0 db\n", "0 web"])
def test_corrupt_ranges_are_refused(node, text):
    node.shell("a", "exec sleep 1000")
    node.start()
    (node.top / "state/supervisor/.ranges").write_text(text)
    reply = node.run("web.1", "a")
    assert reply["code"] == 4 and "state-dir/supervisor/.ranges:" in reply["text"], reply
    assert node.leaves() == []


def test_ranges_that_would_hang_or_are_not_roots(node):
    node.shell("a", "exec sleep 1000")
    node.start()
    path = node.top / "state/supervisor/.ranges"
    os.mkfifo(path)
    assert "must be a regular file of root" in node.run("web.1", "a")["text"]
    path.unlink()
    path.write_text("0 web\n")
    path.chmod(0o666)
    assert "must be a regular file of root" in node.run("web.1", "a")["text"]
    path.unlink()
    os.mkfifo(node.top / "state/supervisor/..ranges.tmp")  # of a save cut short
    node.up("web.1", "a")
