"""A container starts, is what it should be, and stops without a trace."""
import os
import pathlib
import signal

from conftest import USER, children_of, wait_for


def test_start_list_stop(node):
    node.shell("a", "echo hello; exec sleep 1000")
    node.start()
    up = node.up("web.1", "a")
    assert up["pid"] > 1
    assert len(children_of(up["pid"])) == 1
    assert "hello" in node.printed("web.1", "hello")
    assert node.leaves() == ["web.1.1"]

    node.ask("LIST")
    listed = [e for e in node.events if e["kind"] == "state"][-1]
    assert (listed["instance"], listed["state"], listed["pid"]) == ("web.1", "running", up["pid"])

    assert node.ask("STOP", instance="web.1")["code"] == 0
    node.event(kind="state", instance="web.1", state="gone")
    assert not os.path.exists("/proc/%d" % up["pid"])
    assert node.leaves() == []
    assert node.records() == []


def test_nothing_runs_without_its_record(node):
    """The child of a new instance makes its mounts while the record goes to the disk:
    when that fails it ends, unreleased, and leaves nothing."""
    node.shell("a", "echo hello; exec sleep 1000")
    node.start()
    before = children_of(node.meshd.pid)
    in_the_way = node.top / "state/supervisor/web.1"
    in_the_way.mkdir()
    reply = node.run("web.1", "a")
    assert reply["code"] != 0 and "cannot save record web.1" in reply["text"]
    node.event(kind="state", instance="web.1", state="failed")
    assert (node.leaves(), children_of(node.meshd.pid)) == ([], before)
    assert "hello" not in node.log("web.1")
    in_the_way.rmdir()
    node.up("web.1", "a")
    assert node.leaves() == ["web.1.1"]
