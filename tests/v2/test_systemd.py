"""meshd as systemd's own service, by the unit that is installed: systemd is pid 1 here."""
import os
import pathlib
import re
import subprocess
import time

import pytest
from containers_conftest import ROOT, children_of, wait_for

RUN = pathlib.Path("/run/systemd/system")


def systemctl(*args):
    p = subprocess.run(["systemctl", *args], capture_output=True, text=True, timeout=100)
    return p.returncode, p.stdout.strip() + p.stderr.strip()


def show(name):
    return systemctl("show", "-P", name, "meshd")[1]


class Main:
    """What Node knows of a meshd that it started itself."""

    @property
    def pid(self):
        return int(show("MainPID"))

    def poll(self):
        return None if self.pid else 0

    def kill(self):
        systemctl("stop", "meshd")

    def wait(self):
        wait_for(lambda: not self.pid, 30)


@pytest.fixture
def unit(node):
    """The host, whose meshd systemd starts and stops."""
    text = (ROOT / "packaging/meshd.service").read_text()
    text = re.sub("^ExecStart=.*", "ExecStart=%s/meshd --config %s\nStandardError=append:%s/stderr" % (
        node.programs, node.config, node.top), text.replace("@PREFIX@", "/usr"), flags=re.M)
    # Nothing of the rest of a machine: no network, no default targets.
    text = re.sub("^(Wants|After)=.*", "DefaultDependencies=no", text, flags=re.M)
    (RUN / "meshd.service").write_text(text)
    assert systemctl("daemon-reload") == (0, "")
    node.shell("a", "ulimit -n; umask; busybox env; echo DONE; exec sleep 1000")
    node.meshd = Main()
    yield node
    systemctl("stop", "meshd")
    for p in RUN.glob("meshd.service*"):
        subprocess.run(["rm", "-r", p], check=True)
    systemctl("daemon-reload")


def start(node):
    assert systemctl("start", "meshd") == (0, "")
    node.connect()


def two(node):
    return {i: node.up(i, "a")["pid"] for i in ("web.1", "web.2")}


def same(node, pids):
    """They run on, and the meshd of now knows them."""
    node.sock.close()
    node.connect()
    node.say("LIST ticket=77")
    seen = {}
    while (e := node.next())["kind"] != "end":
        if e["kind"] == "state":
            seen[e["instance"]] = (e["state"], e["pid"])
    assert seen == {i: ("running", pid) for i, pid in pids.items()}


def test_ready_status_restart_and_stop(unit):
    start(unit)
    assert (show("ActiveState"), show("SubState")) == ("active", "running")
    pids, main = two(unit), unit.meshd.pid
    wait_for(lambda: show("StatusText") == "2 of 2 containers run")
    # An upgrade: the old one ends, the new one finds them.
    assert systemctl("restart", "meshd") == (0, "")
    assert unit.meshd.pid not in (0, main)
    same(unit, pids)
    wait_for(lambda: show("StatusText") == "2 of 2 containers run")
    # kill -9: systemd starts it again.
    os.kill(unit.meshd.pid, 9)
    wait_for(lambda: show("NRestarts") == "1" and show("SubState") == "running", 30)
    same(unit, pids)
    # Stopped: they run on without it.
    assert systemctl("stop", "meshd") == (0, "")
    assert show("ActiveState") == "inactive" and all(children_of(pid) for pid in pids.values())
    start(unit)
    same(unit, pids)


def test_who_hangs_is_started_anew(unit):
    """An engine that answers no more: systemd ends meshd, and no container."""
    (RUN / "meshd.service.d").mkdir()
    (RUN / "meshd.service.d/soon.conf").write_text("[Service]\nWatchdogSec=5\n")
    assert systemctl("daemon-reload") == (0, "")
    start(unit)
    pids, main = two(unit), unit.meshd.pid
    time.sleep(6)  # it is fed until then
    assert (unit.meshd.pid, show("NRestarts")) == (main, "0")
    unit.say("MUTE 1")
    wait_for(lambda: show("NRestarts") == "1" and show("SubState") == "running", 60, 0.5)
    same(unit, pids)
    # Its loop: the same.
    main = unit.meshd.pid
    os.kill(main, 19)
    wait_for(lambda: show("NRestarts") == "2" and show("SubState") == "running", 60, 0.5)
    same(unit, pids)


def test_nothing_of_the_unit_reaches_a_container(unit):
    start(unit)
    pids = two(unit)
    app = children_of(pids["web.1"])[0]
    text = unit.printed("web.1", "DONE")

    def proc(pid, name):
        return pathlib.Path("/proc/%d/%s" % (pid, name)).read_text()
    assert proc(unit.meshd.pid, "oom_score_adj").strip() == "-900" and proc(app, "oom_score_adj").strip() == "200"
    assert "8192" not in text and "0022" in text and not re.search("NOTIFY|WATCHDOG|INVOCATION|JOURNAL|SYSTEMD", text), text
    assert proc(unit.meshd.pid, "cgroup").strip().endswith("/meshd.service")
    assert "meshd.service" not in proc(app, "cgroup")
    assert re.search(r"SigIgn:\t0+\n", proc(app, "status"))


def test_what_a_person_has_to_change_is_not_tried_again(unit):
    unit.config.write_text("nonsense: 1\n")
    text = (RUN / "meshd.service").read_text()
    (RUN / "meshd.service").write_text(text.replace(" --config", " --confg"))
    assert systemctl("daemon-reload") == (0, "")
    assert systemctl("start", "meshd")[0] != 0
    assert (show("ActiveState"), show("ExecMainStatus"), show("NRestarts")) == ("failed", "64", "0")
    # A config that can't be read yet is: and systemctl says that it did not start.
    (RUN / "meshd.service").write_text(text)
    assert systemctl("daemon-reload") == (0, "")
    assert systemctl("start", "meshd")[0] != 0
    assert (show("ExecMainStatus"), show("ActiveState")) == ("3", "activating")
