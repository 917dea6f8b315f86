"""A meshd that dies, or stops, before its Nth call that leaves something behind
(countdown.c), and what must be true of the host afterwards."""
import contextlib
import json
import mmap
import os
import pathlib
import re
import signal
import struct
import subprocess
import threading
import uuid

import pytest
from conftest import ROOT, ip, wait_for
from test_life import alive

OWN, CHILD, SIG, FIRED, GO, FAIL, UNREAD = range(7)


@pytest.fixture(scope="session")
def countdown(tmp_path_factory):
    """countdown.c, built."""
    lib = tmp_path_factory.mktemp("countdown") / "countdown.so"
    subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O1", "-shared", "-fPIC", "-o", lib,
                    ROOT / "tests/containers/countdown.c", "-ldl"], check=True)
    return lib


class Steps:
    """What the meshd of a node is to die of; it holds for its later ones too."""

    def __init__(self, node, lib, below="state"):
        self.node = node
        node.programs = node.programs / "dynamic"
        path = node.top / "steps"
        path.write_bytes(bytes(4096))
        path.chmod(0o600)
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 4096)
        node.env = {"LD_PRELOAD": str(lib), "STEPS_FILE": str(path), "STEPS_BELOW": str(node.top / below)}

    def __getitem__(self, i):
        return struct.unpack_from("i", self.map, 4 * i)[0]

    def __setitem__(self, i, value):
        struct.pack_into("i", self.map, 4 * i, value)

    def arm(self, which, n, sig=signal.SIGKILL):
        self[FIRED] = self[GO] = 0
        self[SIG] = sig
        self[which] = n

    def come(self, last, seconds=30):
        """Waits for the armed step, None; or for an event for which last(event) is true, that one."""
        told = []

        def over():
            told.extend(json.loads(line) for line in self.node.lines.ready())
            return self[FIRED] or any(map(last, told))
        wait_for(over, seconds, 0.002)
        return None if self[FIRED] else next(filter(last, told))

    def fired(self):
        return self[FIRED] != 0

    def rest(self):
        """Nothing more is counted: what waits goes on."""
        self[OWN] = self[CHILD] = 0
        self[GO] = 1

    def reboot(self):
        """All that a reboot ends and voids: processes, groups, run-dir."""
        path = self.node.top / "boot-id"
        path.write_text(str(uuid.uuid4()) + "\n")
        self.node.env["STEPS_BOOT_ID"] = str(path)
        for _, g in groups(self.node):
            if (g / "cgroup.kill").exists():
                (g / "cgroup.kill").write_text("1")
        wait_for(lambda: not procs(self.node))
        for _, g in reversed(groups(self.node)):
            g.rmdir()
        for p in sorted((self.node.top / "run").rglob("*"), reverse=True):
            p.rmdir() if p.is_dir() else p.unlink()


def tops(node):
    """The node's group in each hierarchy where it has one."""
    paths = [pathlib.Path("/sys/fs/cgroup") / node.cgroup, *pathlib.Path("/sys/fs/cgroup").glob("*/" + node.cgroup)]
    return [p for p in paths if p.is_dir()]


def groups(node):
    """Each group of the node's, an inner one after the one around it.  (os.walk
    minds no group that ends meanwhile.)"""
    return [(top, pathlib.Path(g)) for top in tops(node) for g, _, _ in os.walk(top)]


def groups_of(pid):
    """Its groups, as paths below their roots."""
    text = pathlib.Path("/proc/%d/cgroup" % pid).read_text()
    return {line.split(":", 2)[2] for line in text.splitlines()}


def procs(node):
    """What is in a group of the node's."""
    found = set()
    for _, g in groups(node):
        with contextlib.suppress(OSError):
            found |= set(map(int, (g / "cgroup.procs").read_text().split()))
    return {pid for pid in found if alive(pid)}


def strays(node):
    """What runs a program of the node's, wherever it is, beside its meshd."""
    for pid in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if pid.isdigit() and int(pid) != node.meshd.pid and \
                    os.readlink("/proc/%s/exe" % pid).startswith(str(node.programs) + "/") and alive(int(pid)):
                yield int(pid)


def state_of(pid):
    return pathlib.Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()[0]


def parent_of(pid):
    return int(pathlib.Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()[1])


def engine(node, pid):
    """Is it the one engine of this supervisor, or just forked for it?  One that has ended is none."""
    try:
        return parent_of(pid) == node.meshd.pid and "/%s/.engine" % node.cgroup in groups_of(pid)
    except (FileNotFoundError, ProcessLookupError):
        return False


def wrong(node, running):
    """What there is of the node's, or is not, beside these {instance: pid of its
    init}: "" if nothing is."""
    try:
        found = procs(node)
        for pid in found:
            if not {pid, parent_of(pid)} & set(running.values()) and not engine(node, pid):
                return "process %d %s" % (pid, os.readlink("/proc/%d/exe" % pid))
        lost = [i for i, pid in running.items() if pid not in found]
        if lost:
            return "does not run: %s" % lost
        used = {g for pid in found for g in groups_of(pid)}
    except (FileNotFoundError, ProcessLookupError):
        return "a process just ended"
    for top, g in groups(node):
        path = "/%s/%s/" % (node.cgroup, g.relative_to(top))
        if g not in (top, top / ".engine") and not any((u + "/").startswith(path) for u in used):
            return "group %s" % g
    run = sorted(p.name for p in (node.top / "run/supervisor").iterdir())
    if node.records() != sorted(running):
        return "records %s" % node.records()
    if {re.sub(r"\.(pid|exit|fence)$", "", f) for f in run} != set(running):
        return "run-dir %s" % run
    mounts = [l for l in pathlib.Path("/proc/self/mountinfo").read_text().splitlines() if node.top.name in l]
    if mounts:
        return "mounts %s" % mounts
    if node.bridged and links() != sorted("mesh net/%s of %s" % (i, node.cgroup) for i in running):
        return "links %s" % links()
    more = [pid for pid in strays(node) if not engine(node, pid)]
    return "processes %s" % more if more else ""


def links():
    """Of the network that this thread is on: whose containers' links end here."""
    return sorted(l.get("ifalias", "") for l in json.loads(ip("-j", "link", "show", "type", "veth")))


def clean(node, running, what=""):
    """Nothing of the node's is on the host but these, soon."""
    last = []

    def settled():
        last[:] = [wrong(node, running)]
        return not last[0]
    try:
        wait_for(settled, 5, 0.01)
    except AssertionError:
        raise AssertionError("%s: %s" % (what, last[0])) from None


class Runs:
    """A FIFO that each run of an application writes one line into."""

    def __init__(self, node):
        (node.top / "out").mkdir()
        os.mkfifo(node.top / "out/fifo")
        (node.top / "out/fifo").chmod(0o666)
        self.fd = os.open(node.top / "out/fifo", os.O_RDWR | os.O_NONBLOCK)
        self.text = ""

    def read(self):
        with contextlib.suppress(BlockingIOError):
            self.text += os.read(self.fd, 65536).decode()
        return self.text.split()

    def wait(self, count):
        wait_for(lambda: len(self.read()) >= count)
        return self.read()

    def forget(self):
        self.read()
        self.text = ""


def in_parallel(*tasks):
    """Each in a thread; the first failure is raised."""
    failed = []

    def one(task):
        try:
            task()
        except BaseException as e:
            failed.append(e)
    threads = [threading.Thread(target=one, args=(t,)) for t in tasks]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failed:
        raise failed[0]
