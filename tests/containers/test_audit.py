"""`mesh audit`: what root reads from the kernel of a container, and what is judged weaker.

The supervisor and the container are real; the document it gives is judged by
daemon/core/audit.c itself, loaded into this process.
"""
import ctypes
import os
import pathlib
import signal
import struct
import subprocess
import tempfile
import time

import pytest
import weak
from conftest import BUILD, ROOT, SLOW, children_of, wait_for
from image_files import FORMS, maps_ids, not_mapped, shell


class Flat(ctypes.Structure):
    _fields_ = [("buf", ctypes.c_char_p), ("len", ctypes.c_size_t)]


class Finding(ctypes.Structure):
    _fields_ = [("level", ctypes.c_int), ("text", ctypes.c_char * 240)]


class Findings(ctypes.Structure):
    _fields_ = [("items", Finding * 64), ("count", ctypes.c_size_t), ("weaker", ctypes.c_size_t)]


@pytest.fixture(scope="module")
def judge():
    """(weaker, {level: texts}) of a document."""
    with tempfile.TemporaryDirectory() as top:
        out = pathlib.Path(top) / "judge.so"
        subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O1", "-shared", "-fPIC", "-o", out,
                        *(ROOT / "daemon" / f for f in ("core/audit.c", "core/audit_limits.c", "core/auditread.c", "base/flat.c",
                                                        "base/caps.c", "base/err.c"))], check=True)
        lib = ctypes.CDLL(str(out))

    def of(document):
        flat, found = Flat(), Findings()
        assert lib.flat_open(ctypes.byref(flat), document, ctypes.c_size_t(len(document))) == 0
        lib.audit_judge(ctypes.byref(flat), ctypes.byref(found))
        texts = {"weaker": [], "allowed": [], "unknown": []}
        for f in found.items[:found.count]:
            texts[("weaker", "allowed", "unknown")[f.level]].append(f.text.decode())
        assert found.weaker >= len(texts["weaker"])
        return texts
    return of


def records(document):
    """path: value of a flat document."""
    out, off = {}, 12
    while off < len(document):
        path, kind = int.from_bytes(document[off:off + 2], "little"), document[off + 2]
        size = int.from_bytes(document[off + 12:off + 16], "little")
        off += 16
        value = document[off + path:off + path + size]
        out[document[off:off + path].decode()] = int.from_bytes(value, "little", signed=True) if kind == 2 else value
        off += path + size
    return out


def audit(node, instance):
    """The document of an instance that runs."""
    said = node.ask("AUDIT", instance=instance)
    assert said["code"] == 0, said["text"]
    told = node.events[-2]
    assert told["kind"] == "document" and told["sealed"]
    return bytes.fromhex(told["hex"])


SANDBOXES = {"web": "default-user: 1000\n",
             "off": "default-user: 1000\nallow-users: [1000]\nallow-groups: [1000]\nroles: [web]\nuserns: off\n"}
LIMITS = "memory-limit: 32Mi\npids-limit: 20\ncpu-quota: 0.5\nfileno-limit: 256\n"


@pytest.mark.parametrize("form", FORMS)
def test_an_image_in_a_file_is_not_weaker(node, judge, form):
    """Which it is, and by the kernel's word what is mounted as "/"."""
    shell(node, "a", form)
    node.sandbox("off", SANDBOXES["off"])
    node.start()
    box = "web" if maps_ids(form) else "off"
    if box == "off":
        not_mapped(node, "web.0", "a")
    node.up("web.1", "a", sandbox=box)
    node.printed("web.1", "UP")
    document = audit(node, "web.1")
    said, got = judge(document), records(document)
    assert (said["weaker"], said["unknown"], got["image"]) == ([], [], b"a"), said
    assert [t.split(":")[0] for t in said["allowed"]] == ([] if box == "web" else ["app", "init"]), said
    root = got["app/mountinfo"].decode().splitlines()[0].split()
    assert root[4] == "/" and root[root.index("-") + 1] == form


def test_nothing_is_weaker(node, judge):
    """With and without a user namespace, by the kernel's own files."""
    for name, text in SANDBOXES.items():
        node.sandbox(name, text)
    node.shell("a", "echo UP; exec sleep 1000", extra=LIMITS)
    node.start()
    for sandbox, allowed in (("web", []), ("off", ["app", "init"])):
        up = node.up(sandbox + ".1", "a", sandbox=sandbox)
        node.printed(sandbox + ".1", "UP")
        document = audit(node, sandbox + ".1")
        said, got = judge(document), records(document)
        assert (said["weaker"], said["unknown"]) == ([], []), said
        assert [t.split(":")[0] for t in said["allowed"]] == allowed, said
        app = children_of(up["pid"])[0]
        assert (got["init/pid"], got["app/pid"]) == (up["pid"], app)
        for key in ("uid_map", "limits", "mountinfo", "cgroup"):
            assert got["app/" + key] == pathlib.Path("/proc/%d/%s" % (app, key)).read_bytes(), key
        for kind in ("user", "mnt", "net", "pid"):
            assert got["app/ns/" + kind].decode() == os.readlink("/proc/%d/ns/%s" % (app, kind))
        assert {k for k in got if k.startswith("app/fds/") and k.count("/") == 2} == \
            {"app/fds/%s" % n for n in os.listdir("/proc/%d/fd" % app)}
        assert got["cgroup/v%d/pids.max" % (2 if "cgroup/v2/pids.max" in got else 1)] == b"20\n"
        assert [got["filters/%d/default" % i] for i in (0, 1)] == [1, 1]
        assert len(got["filters/0"]) > 16 * 300 and "filters/2" not in got
    # It looked at both, and they run as they did.
    for instance in ("web.1", "off.1"):
        pid = next(e["pid"] for e in node.events if e.get("instance") == instance and e["state"] == "running")
        assert "TracerPid:\t0\n" in pathlib.Path("/proc/%d/status" % pid).read_text()
    os.kill(children_of(pid)[0], signal.SIGTERM)
    node.event(kind="state", instance="off.1", state="backoff")


def test_the_other_way(node, judge):
    """An application of user 0 without a user namespace is allowed by its sandbox's name, and told."""
    node.sandbox("root", "default-user: 0\nallow-users: [0]\nallow-groups: [0]\nroles: [web]\nuserns: off\n"
                 "limits: {oom-score: 50}\n")
    node.shell("a", "exec sleep 1000", extra="oom-score: 60\n")
    node.start()
    node.up("root.1", "a", sandbox="root")
    said = judge(audit(node, "root.1"))
    assert said["weaker"] == [] and any("app: runs as root of this host" in t for t in said["allowed"]), said
    assert any("app: oom_score_adj is '60', less than 200" in t for t in said["allowed"]), said


# What is left out at the start (daemon/base/weak.h), and words of what must be said of it.
WEAK = [
    ("capabilities", "app: CapBnd is '"),
    ("nnp allow-list deny-list landlock", "NoNewPrivs is '0', not 1"),
    ("allow-list deny-list", "Seccomp is '0', not 2"),
    ("families", "init: 1 of its 2 seccomp programs are the default ones, not 2"),
    ("allow-list", "init: 1 of its 1 seccomp programs are the default ones, not 2"),
    ("keep-ours cloexec", "app: descriptor 200 is /"),
    ("groups", "app: is in more groups: %d" % weak.GROUP),
    ("setsid", "is in a session of the host"),
    ("pidns", "host's pid namespace"),
    ("ipcns", "host's ipc namespace"),
    ("cgroupns", "host's cgroup namespace"),
    ("nosuid", "mount / is not nosuid"),
    ("nodev", "is not nodev"),
    ("noexec", "mount /data can be written, and what is there be run"),
    ("readonly", "mount / ("),
    ("masks", "/proc/timer_list is not covered"),
    ("frozen", "/proc/sys is not covered"),
]


def test_each_weakness_is_named(weak_programs, judge):
    """By the second build, in which a defence can be left out: with it nothing is said, without it it is."""
    host = weak.Host(weak_programs)
    host.shell("a", "exec sleep 1000", extra="volumes: {/data: !Statedir {user: 1000}}\n")
    try:
        host.start()
        for off, words in (("", None), *WEAK):
            name = host.next_name()
            host.without(*off.split())
            host.up(name, "a")
            host.without()
            if off == "families":  # what meshd would give now, and gave not then
                host.up(host.next_name(), "a")
            said = judge(audit(host, name))["weaker"]
            assert any(words in t for t in said) if words else said == [], (off, said)
            host.ask("STOP", instance=name)
    finally:
        host.close()


def inside(pid, *command):
    """Root of the host, in a container's mount namespace, with the host's tools."""
    code = ("import ctypes, os, sys; fd = os.open('/proc/%d/ns/mnt', os.O_RDONLY); libc = ctypes.CDLL(None, use_errno=True)\n"
            "assert libc.setns(fd, 0x20000) == 0\n"
            "a = [None if x == '-' else x.encode() for x in sys.argv[1:5]]\n"
            "assert libc.mount(a[0], a[2], a[1], ctypes.c_ulong(int(sys.argv[4])), None) == 0, ctypes.get_errno()\n" % pid)
    subprocess.run(["/usr/bin/python3", "-c", code, *command], check=True)


NODEV, REMOUNT, BIND = 4, 32, 4096


def test_what_root_changed_since(node, judge):
    """It is of now, not of the start: each is done from outside to a container that runs."""
    node.shell("a", "echo UP; exec sleep 1000", extra=LIMITS)
    node.sandbox("web", "default-user: 1000\nlimits: {memory: 1Gi, pids: 100, cpu-quota: 2}\n")
    node.start()
    up = node.up("web.1", "a")
    node.printed("web.1", "UP")
    app = children_of(up["pid"])[0]
    assert judge(audit(node, "web.1"))["weaker"] == []
    guest = subprocess.Popen(["sleep", "1000"])
    leaf = node.leaf(node.leaves()[0])
    v1 = pathlib.Path("/sys/fs/cgroup/pids") / node.cgroup / leaf.relative_to(node.group())
    try:
        (leaf / "cgroup.procs").write_text(str(guest.pid))
        ((v1 if v1.exists() else leaf) / "pids.max").write_text("max")
        ((v1 if v1.exists() else leaf).parent / "pids.max").write_text("101")
        pathlib.Path("/proc/%d/oom_score_adj" % app).write_text("5")
        inside(up["pid"], "-", "-", "/", str(REMOUNT | BIND | NODEV))
        group = os.open(node.group(), os.O_RDONLY)
        detach = ctypes.create_string_buffer(struct.pack("IIII", group, 0, 6, 0), 128)
        assert ctypes.CDLL(None).syscall(321, 9, detach, 128) == 0
        os.close(group)
        document = audit(node, "web.1")
        # Nobody can be given a higher limit here: as if the kernel had said so.
        limits = records(document)["app/limits"]
        higher = limits.replace(b"256 ", b"512 ").replace(b"size        0 ", b"size        1 ")
        assert len(higher) == len(limits) != 0
        said = judge(document.replace(limits, higher))["weaker"]
    finally:
        guest.kill()
        guest.wait()
    for words in ("process %d (sleep): Seccomp is '0', not 2" % guest.pid, "process %d (sleep): CapBnd" % guest.pid,
                  "process %d (sleep): runs as root" % guest.pid, "pids-limit: no limit is set, and 20 was asked for",
                  "pids of its sandbox: 101 is set, and 100 was asked for",
                  "app: oom_score_adj is '5'", "app: may open more files (512 512 files) than its limit of 256",
                  "devices: its cgroup holds it to none", "app: may write core files (1 0 bytes)", "app: mount / (", "app: mount / is not nosuid"):
        assert any(words in t for t in said), (words, said)
    assert not any(t.startswith(("app: Cap", "init: Cap", "app: Seccomp")) for t in said), said


def test_a_command_beside_it(node, judge):
    """Of mesh exec: it is in a group below, and held as the application is."""
    node.sandbox("web", "default-user: 1000\nallow-exec: yes\n")
    node.shell("a", "exec sleep 1000")
    node.start()
    node.up("web.1", "a")
    command = subprocess.Popen([BUILD / "mesh", "--socket", node.top / "run/ctl", "exec", "web.1", "--", "sh", "-c",
                                "echo UP; exec sleep 1000"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        assert command.stdout.readline() == b"UP\n"
        document = audit(node, "web.1")
        got, said = records(document), judge(document)
        assert got["others-count"] == 1 and b"\nUid:\t" in got["others/0"], got["others-count"]
        assert said["weaker"] == [], said
        changed = got["others/0"].replace(b"\nNoNewPrivs:\t1", b"\nNoNewPrivs:\t0")
        assert any("process " in t for t in judge(document.replace(got["others/0"], changed))["weaker"])
    finally:
        command.kill()
        command.wait()


def test_names_are_only_names(node, judge):
    """Of a file, of a mount, of the program: with a terminal's escapes and lines of /proc in them."""
    node.shell("a", "mkdir /data/fake; exec 7>\"/data/$(printf 'f\\n\\033[2J')\"; echo UP; exec sleep 1000",
               extra="volumes: {/data: !Tmpfs {size: 4Mi, mode: 0o777}}\n")
    for tool in ("mkdir", "printf"):
        os.symlink("busybox", node.images / "a/bin" / tool)
    node.start()
    up = node.up("web.1", "a")
    node.printed("web.1", "UP")
    app = children_of(up["pid"])[0]
    source = "s\n1 1 0:1 / /faked rw - ext4 x rw\x1b[2J\u202e"
    inside(up["pid"], source, "tmpfs", "/data/fake", str(0))
    document = audit(node, "web.1")
    said, got = judge(document), records(document)
    assert got["app/fds/7"] == b"/data/f\n\x1b[2J"
    assert b"\\0121\\0401\\0400:1" in got["app/mountinfo"]
    assert "app: mount /data/fake is not nosuid" in said["weaker"], said
    for text in sum(said.values(), []):
        assert text.isprintable() and "/faked" not in text and "Priv" not in text, text
    assert app == got["app/pid"]


def test_one_that_ends_meanwhile(node, judge):
    """Whenever it ends, the answer is whole or says so, and it is started again as ever."""
    node.shell("a", "exec sleep 0.0$(( $$ %% 7 * %d ))3" % SLOW, extra="restart-timeout: 0\n")
    node.shell("b", "exec sleep 1000")
    node.start()
    node.up("web.1", "a")
    up = node.up("web.2", "b")
    until = time.monotonic() + 120
    seen, restarts, busy = set(), 0, "the engine has not read yet what it was told before; ask again"
    while restarts < 5 or "" not in seen or seen <= {"", busy}:
        assert time.monotonic() < until, (seen, restarts)
        node.ticket += 1
        node.say("AUDIT ticket=%d instance=web.1" % node.ticket)
        said = node.event(ticket=node.ticket)
        seen.add(said["text"].split(": ")[-1])
        if said["code"] == 0:
            found = judge(bytes.fromhex(node.events[-2]["hex"]))
            assert found["weaker"] == [], found
        restarts = max(e.get("restarts", 0) for e in node.events)
    assert seen <= {"", busy, "ended while it was looked at", "does not run", "is being started; ask again"} and "" in seen, seen
    # Several at once: all but one are told to come again, and nobody waits.
    answers = []
    while not any(e["kind"] == "reply" for e in answers):
        assert len(answers) < 100
        tickets = {node.ticket + k: None for k in (1, 2, 3)}
        node.ticket += 3
        node.sock.sendall(b"".join(b"AUDIT ticket=%d instance=web.2\n" % t for t in tickets))
        while None in tickets.values():
            e = node.next()
            if e.get("ticket") in tickets:
                tickets[e["ticket"]] = e
        answers += tickets.values()
    for e in answers:
        assert (e["kind"], e["code"]) == ("audit", 0) or e["text"] in ("web.2: another audit is not done; ask again", "web.2: " + busy), e
    # One that stands still already is looked at, and stands still after it.
    os.kill(up["pid"], signal.SIGSTOP)
    stands = lambda: "\nState:\tT" in pathlib.Path("/proc/%d/status" % up["pid"]).read_text()  # noqa: E731
    wait_for(stands)
    assert b"\nState:\tT" in records(audit(node, "web.2"))["init/status"]
    wait_for(stands)
    os.kill(up["pid"], signal.SIGCONT)


def test_the_supervisor_dies_meanwhile(node):
    """Who is looked at just then runs on, traced by nobody."""
    node.shell("a", "exec sleep 1000")
    node.start()
    up = node.up("web.1", "a")
    for i in range(20):
        node.say("AUDIT ticket=%d instance=web.1" % (i + 1000))
        node.kill()
        node.start()
        pathlib.Path("/proc/%d" % up["pid"]).stat()
    node.ask("LIST")
    state = next(e for e in reversed(node.events) if e["kind"] == "state")
    assert (state["pid"], state["state"]) == (up["pid"], "running")
    assert "TracerPid:\t0\n" in pathlib.Path("/proc/%d/status" % up["pid"]).read_text()
    audit(node, "web.1")


def test_who_is_not_there(node):
    """A refusal comes as a reply."""
    node.start()
    node.ticket += 1
    node.say("AUDIT ticket=%d instance=web.9" % node.ticket)
    said = node.event(kind="reply", ticket=node.ticket)
    assert said["code"] != 0 and said["text"] == "web.9: does not run"
