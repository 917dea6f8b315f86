"""What an application tries to get out of its container, each twice.

It must fail with the real programs.  And it must succeed when just that one
defence is left out (daemon/base/weak.h), else the first half proves nothing.
Where two defences stand behind each other, both are left out together, and
each of them alone must hold; which ones is said at each case.
"""
import ctypes
import os
import re
import socket
import struct
import subprocess

import pytest
import weak
from conftest import BUILD, ROOT, mount_another

SHM = 7780
# Of the same list, where the kernel has no sysrq.
TRIGGER = "/proc/sysrq-trigger" if os.path.exists("/proc/sysrq-trigger") else "/proc/irq/default_smp_affinity"
# "web" has a user namespace.  The others have none, so that no uid without a
# right holds what the defence should hold.
SANDBOXES = {"web": "default-user: 1000\nallow-tcp-ports: [27810-27812]\n",
             "user": "default-user: 1000\nallow-users: [1000]\nallow-groups: [1000]\nroles: [web]\nuserns: off\n",
             "root": "default-user: 0\nallow-users: [0]\nallow-groups: [0]\nroles: [web]\nuserns: off\n"}
# (sandbox, what is tried, what is left out [, sets of these without which it must fail still: without all but one])
CASES = [
    # A set-uid program of the image: nosuid mounts; no_new_privs, without which no filter and no Landlock rule
    # can be installed either, so these go together.
    ("web", "run:/suid", "nosuid nnp allow-list deny-list landlock landlock-bind",
     ["nosuid", "nnp allow-list deny-list landlock landlock-bind"]),
    # The supervisor's descriptors: closed in the child, and CLOEXEC once more before the exec.
    ("web", "fds", "keep-ours cloexec"),
    # In and out of the init: it can't be dumped, as it says and since its file can't be read (which holds before it
    # could say so), so its memory is nobody's.
    ("web", "write:/proc/1/mem", "dumpable unreadable"),
    ("web", "read:/proc/1/environ", "dumpable unreadable"),
    ("web", "read:/proc/1/exe", "dumpable unreadable"),
    ("web", "getfd:4", "dumpable unreadable allow-list"),
    # The kernel's own files, as root.
    ("root", "write:/proc/sys/kernel/core_pattern", "frozen"),
    ("root", "write:" + TRIGGER, "frozen"),
    ("root", "read:/proc/timer_list", "masks"),
    ("root", "read:/proc/interrupts", "masks"),
    ("root", "read:/proc/vmallocinfo", "masks"),
    # Processes of the host with the same uid: no pid is theirs, no ptrace is allowed, nor out of a Landlock domain.
    ("user", "ptrace:@victim", "pidns allow-list landlock"),
    ("user", "kill:@victim", "pidns"),
    # Namespaces within: by unshare, by clone's flags, by clone3, whose flags no filter sees.
    ("web", "unshare", "allow-list"),
    ("web", "mount", "allow-list"),
    ("web", "clone", "clone-flags"),
    ("web", "clone3", "clone3"),
    # The network of the host: no capability; for packets the family is refused too.
    ("root", "raw", "capabilities"),
    ("root", "packet", "capabilities families"),
    ("web", "pair", "families"),
    # The kernel's ciphers, with the modules they need; the hypervisor.
    ("web", "alg", "families"),
    ("web", "vsock", "families"),
    ("web", "abstract:mesh-test-escape", "landlock"),
    # Netlink's other ends: generic netlink here, for which the kernel loads modules by name.
    ("web", "netlink:16", "netlink"),
    # The limits of its own pid 1, which has its user: by one of them its log ends.
    ("web", "limit:1", "limits-of-others"),
    # A port that is not for its sandbox; nor by TCP's other name, of which Landlock knows nothing.
    ("web", "bind:0,27813", "landlock-bind"),
    ("web", "bind:262,27813", "protocols"),
    # Keys of whoever started meshd: a keyring of its own, and no keyctl.
    ("web", "key:" + weak.KEY.decode(), "keyring allow-list"),
    ("web", "io_uring", "allow-list"),
    ("web", "personality", "allow-list"),
    # (with dmesg_restrict=0 the filter stands alone)
    ("root", "syslog", "allow-list capabilities", ["capabilities"]),
    # meshd's terminal: a session of its own, and no TIOCSTI (where legacy_tiocsti is off it needs a capability).
    ("root", "type:x", "setsid tiocsti capabilities", ["setsid capabilities", "tiocsti capabilities"]),
    # Another group: only its own is in sight; mount needs a capability, and is not allowed.
    ("root", "cgroup", "cgroupns capabilities allow-list"),
    # Device nodes: made here (needs a capability), or brought by the image.
    ("web", "read:/zero", "nodev"),
    ("root", "mknod:/data/zero", "capabilities nodev"),
    # The image: read-only, also what is mounted in it, and it stays so.
    ("root", "create:/etc/mine", "readonly"),
    ("root", "create:/sub/mine", "recursive"),
    ("root", "remount", "capabilities allow-list"),
    # A program for the users of the host, left in a volume.
    ("web", "setuid:/data", "setuid-files"),
    # A line discipline, for which the kernel loads a module.
    ("web", "discipline", "disciplines"),
    # A lease on a file of the image, whoever wants to open that on the host.
    ("root", "lease:/suid", "leases"),
    ("root", "handle:@handle", "capabilities allow-list"),
    # The host's root, still mounted above the image's: `/..` leads there.
    ("web", "read:/../@secret", "no-old-root"),
    # A program that was written where the container writes.
    ("root", "run:/db/escape", "noexec"),
    # System calls by other numbers.
    ("web", "i386", "architectures"),
    ("web", "x32", "architectures"),
    # Memory that the host shares with itself.
    ("root", "shm:%d" % SHM, "ipcns"),
    # A file that only meshd's group may read (with a user namespace the mount maps groups besides).
    ("user", "read:/vol/of-group", "groups"),
]
OF_KERNEL = (r"(read|write):/proc/[a-z].*|unshare|mount|clone3?|raw|packet|pair|alg|vsock|io_uring|personality|syslog|i386|x32|"
             r"shm:.*|bind:262.*")
EXTRA = "volumes: {/vol: !Readonly /vol, /db: !Persistent /db, /data: !Tmpfs {size: 1Mi, mode: 0o777}}\n"


def furnish(host, escape):
    """An image with all that a hostile one may hold, and a volume."""
    top = host.image("a")
    for name in ("sub", "vol", "db"):
        (top / name).mkdir()
    for name in ("escape", "suid"):
        (top / name).write_bytes(escape.read_bytes())
        (top / name).chmod(0o4755 if name == "suid" else 0o755)
    os.mknod(top / "zero", 0o20666, os.makedev(1, 5))
    (top / "zero").chmod(0o666)
    # Mounted in the image: one directory of a file system that has more.
    (host.top / "store").mkdir()
    mount_another(host.top / "store")
    (host.top / "store/sub").mkdir()
    (host.top / "store/secret").write_text("x")
    subprocess.run(["mount", "--bind", host.top / "store/sub", top / "sub"], check=True)
    host.aims = {"handle": handle(host.top / "store/secret"), "secret": str(host.top / "store/secret")[1:]}
    (host.top / "vol").mkdir()
    (host.top / "vol/of-group").write_text("x")
    os.chown(host.top / "vol/of-group", 0, weak.GROUP)
    (host.top / "vol/of-group").chmod(0o640)
    (host.top / "db").mkdir()
    (host.top / "db/escape").write_bytes(escape.read_bytes())
    (host.top / "db/escape").chmod(0o755)
    paths = "readonly-paths: {/vol: %s}\nwritable-paths: {/db: %s}\n" % (host.top / "vol", host.top / "db")
    for name, text in SANDBOXES.items():
        host.sandbox(name, text + paths)


@pytest.fixture(scope="module")
def victim():
    """What is on the host, and in nobody's reach; the pid of a process of it."""
    libc = ctypes.CDLL(None)
    process = subprocess.Popen(["sleep", "1000"], user=1000, group=1000, extra_groups=[])
    shm = libc.shmget(SHM, 4096, 0o1666)
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind("\0mesh-test-escape")
    abstract.listen(100)
    yield process.pid
    abstract.close()
    libc.shmctl(shm, 0, None)
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def hosts(programs, weak_programs, escape, victim):
    """The real one, and the one that leaves out what it is told to."""
    both = [weak.Host(programs), weak.Host(weak_programs)]
    try:
        for host in both:
            furnish(host, escape)
            host.aims["victim"] = victim
            host.start()
        yield both
    finally:
        for host in both:
            subprocess.run(["umount", "-q", host.images / "a/sub", host.top / "store"])
            host.close()


@pytest.fixture(scope="module")
def bare(escape, victim):
    """What root of this host can do itself.  What it can't, as its kernel was made
    without, is no way out of a container here."""
    tries = sorted({c[1] for c in CASES if re.fullmatch(OF_KERNEL, c[1])})
    p = subprocess.Popen([escape, *tries], stdout=subprocess.PIPE, text=True)
    said = dict(line.rstrip("\n").rsplit("=", 1) for line in iter(p.stdout.readline, "DONE\n"))
    p.kill()
    p.wait()
    if ctypes.CDLL(None).syscall(444, None, 0, 1) < 6:
        said["abstract:mesh-test-escape"] = "Landlock before Linux 6.12 shuts none"
    if ctypes.CDLL(None).syscall(444, None, 0, 1) < 4:
        said["bind:0,27813"] = said["ptrace:@victim"] = "Landlock before Linux 6.7 knows no ports, and is not asked for less"
    return said


@pytest.fixture(scope="module")
def held(hosts):
    """All tries at once in the real thing, by sandbox."""
    return {box: hosts[0].tries("a", sorted({aim(c[1], hosts[0]) for c in CASES if c[0] == box}), box, EXTRA)
            for box in SANDBOXES}


def aim(what, host):
    """@WORD is not the same on every host."""
    for word, meant in host.aims.items():
        what = what.replace("@" + word, str(meant))
    return what


def handle(path):
    """TYPE,HEX by which the kernel finds it without a path."""
    buf = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128))
    assert ctypes.CDLL(None).syscall(303, -100, bytes(path), buf, ctypes.create_string_buffer(4), 0) == 0
    size, kind = struct.unpack("Ii", buf.raw[:8])
    return "%d,%s" % (kind, buf.raw[8:8 + size].hex())


@pytest.mark.parametrize("case", CASES, ids=lambda c: "%s %s" % c[:2])
def test_held_by_just_that(case, hosts, held, bare):
    box, what, off = case[0], aim(case[1], hosts[1]), case[2].split()
    if bare.get(case[1], "").startswith("Landlock"):
        return
    assert held[box][aim(case[1], hosts[0])] not in ("escaped", "unknown")
    left = [one.split() for one in case[3]] if case[3:] else [[d for d in off if d != one] for one in off if off[1:]]
    for some in left:
        assert hosts[1].tries("a", [what], box, EXTRA, some)[what] != "escaped", some
    if bare.get(case[1], "escaped") != "escaped":
        return
    assert hosts[1].tries("a", [what], box, EXTRA, off)[what] == "escaped"


def test_no_family_but_the_four(hosts, held):
    """Where the kernel has no AF_ALG too (tests/v2 has a kernel that does): so says the filter, or it."""
    assert hosts[0].tries("a", ["alg", "vsock"]) == {"alg": "EAFNOSUPPORT", "vsock": "EAFNOSUPPORT"}
    assert hosts[0].tries("a", ["netlink:0", "netlink:4", "limit:0"]) == {
        "netlink:0": "escaped", "netlink:4": "EPROTONOSUPPORT", "limit:0": "escaped"}  # and no further


def test_each_switch_is_tried():
    """No defence can be left out without a test that does."""
    names = {n for p in (ROOT / "daemon").rglob("*.[ch]") for n in re.findall(r'HOLDS\("([a-z0-9-]+)"', p.read_text())}
    tried = "".join(p.read_text() for p in (ROOT / "tests/containers").glob("*.py"))
    assert len(names) > 40 and not [n for n in names if not re.search(r"[\" ]%s[\" ]" % n, tried)]


def test_the_real_programs_know_no_switch():
    """Neither the question nor a name of a defence is in what is installed."""
    for name, defence in (("meshd", b"keep-ours"), ("meshd-conf", b"bounded"), ("meshd-init", b"dumpable")):
        for word in (b"weak_holds", b"MESH_WEAK", defence):
            assert word in (BUILD / "weak" / name).read_bytes()
            assert word not in (BUILD / name).read_bytes()
    plan = subprocess.run(["make", "-n", "-C", ROOT, "install", "DESTDIR=/nowhere"], capture_output=True, text=True).stdout
    assert "meshd-init" in plan and "weak/" not in plan
