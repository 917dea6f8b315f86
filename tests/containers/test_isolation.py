"""What the kernel says of a container, asked from inside and from outside."""
import ctypes
import pathlib
import re
import socket
import subprocess
import sys

from conftest import children_of, wait_for

PROBE = r"""
cat /proc/self/status
echo FDS; ls /proc/$$/fd
echo ROOT; touch /x 2>&1; touch /etc/x 2>&1
echo TMP; touch /tmp/x && echo tmp-ok; touch /dev/shm/x && echo shm-ok; touch /dev/x 2>&1
echo DEV; ls /dev
echo PTS; (exec 3<>/dev/ptmx; busybox stat -c "%u %g %a" /dev/pts/0; ls /dev/pts) 2>&1
echo MASK; for f in kcore keys timer_list sched_debug interrupts kmsg; do echo "$f:$(cat /proc/$f 2>/dev/null | head -c 10)"; done; ls -A /proc/acpi /proc/scsi 2>/dev/null
echo SYSCTL; (echo x > /proc/sys/kernel/core_pattern) 2>&1; (echo h > /proc/sysrq-trigger) 2>&1
echo MOUNT; mount -t tmpfs none /tmp 2>&1; cat /proc/1/environ 2>&1; ls /proc/1/fd 2>&1
echo NAMES; hostname; id; cat /proc/self/cgroup; cat /proc/sys/kernel/hostname; pwd
echo MOUNTS; cat /proc/self/mountinfo
echo DONE
exec sleep 1000
"""


def probe(node, sandbox=None, extra="user-id: 1000\n"):
    if sandbox:
        node.sandbox("web", sandbox)
    node.shell("a", PROBE.replace(" | head -c 10", ""), extra=extra)
    node.start()
    up = node.up("web.1", "a")
    text = node.printed("web.1", "DONE")
    return up, text


def part(text, name):
    words = ["FDS", "ROOT", "TMP", "DEV", "PTS", "MASK", "SYSCTL", "MOUNT", "NAMES", "MOUNTS", "DONE"]
    return text.split("\n%s\n" % name)[1].split("\n%s\n" % words[words.index(name) + 1])[0] \
        if name != "MOUNTS" else text.split("\nMOUNTS\n")[1]


def check(up, text, gid):
    for cap in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert re.search(r"%s:\s+0{16}\n" % cap, text), cap
    assert re.search(r"NoNewPrivs:\s+1\n", text)
    assert re.search(r"Seccomp:\s+2\n", text)
    assert part(text, "FDS").split() == ["0", "1", "2"]
    assert "/x: Read-only file system" in part(text, "ROOT")
    assert "/etc/x: Read-only file system" in part(text, "ROOT")
    assert "tmp-ok" in part(text, "TMP") and "shm-ok" in part(text, "TMP")
    assert "/dev/x: Read-only file system" in part(text, "TMP")
    assert part(text, "DEV").split() == ["cantal", "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout",
                                         "tty", "urandom", "zero"]
    # A terminal of its own, the first one there, of its user and of group tty.
    assert part(text, "PTS").split() == ["1000", "5", "620", "0", "ptmx"], part(text, "PTS")
    for line in filter(None, part(text, "MASK").splitlines()):
        assert line.endswith(":"), line
    assert "core_pattern: Read-only file system" in part(text, "SYSCTL")
    assert part(text, "SYSCTL").count("can't create") == 2
    assert part(text, "MOUNT").lower().count("permission denied") == 3
    names = part(text, "NAMES").splitlines()
    assert names[0] == "web.1" and names[-1] == "/"
    assert "uid=1000 gid=%d" % gid in names[1] and "groups" not in names[1]
    assert all(line.endswith(":/") for line in names if re.match(r"0::|\d+:(memory|pids|cpu):", line)), names
    for line in part(text, "MOUNTS").splitlines()[:-1]:
        fields = line.split(" ")
        if len(fields) < 7:
            continue
        assert fields[6] == "-" or "shared" not in fields[6], line
        assert "nosuid" in fields[5], line
        if fields[4] == "/":
            assert fields[5].startswith("ro,") and "nodev" in fields[5]
    # From outside: init and application have what we think they have.
    app = children_of(up["pid"])[0]
    for pid in (up["pid"], app):
        status = pathlib.Path("/proc/%d/status" % pid).read_text()
        assert re.search(r"CapBnd:\s+0{16}\n", status)
        assert re.search(r"Seccomp:\s+2\n", status)
        assert re.search(r"Seccomp_filters:\s+2\n", status)
    assert pathlib.Path("/proc/%d/oom_score_adj" % app).read_text().strip() == "200"
    return app


def test_default_user_namespace(node):
    up, text = probe(node)
    app = check(up, text, 0)  # lithos' default
    maps = pathlib.Path("/proc/%d/uid_map" % app).read_text().split()
    assert maps[0] == "0" and int(maps[1]) >= 700000000 and maps[2] == "65536"
    uid = pathlib.Path("/proc/%d/status" % app).read_text()
    assert re.search(r"Uid:\s+%d\s" % (int(maps[1]) + 1000), uid)


def test_userns_off(node):
    up, text = probe(node, "default-user: 1000\nallow-users: [1000]\nallow-groups: [1000]\nuserns: off\n")
    app = check(up, text, 1000)  # never the host's own group 0
    assert pathlib.Path("/proc/%d/uid_map" % app).read_text().split() == ["0", "0", "4294967295"]
    assert re.search(r"Uid:\s+1000\s+1000", pathlib.Path("/proc/%d/status" % app).read_text())


def test_image_keeps_its_owners(node):
    """On disk root's, inside root's: by an id-mapped mount, with no chown."""
    node.shell("a", "ls -ln /bin/busybox; echo DONE; exec sleep 1000")
    (node.images / "a/secret").write_text("x")
    (node.images / "a/secret").chmod(0o600)
    node.start()
    node.up("web.1", "a")
    text = node.printed("web.1", "DONE")
    assert re.search(r"\b0\s+0\b", text), text


BELOW = """
import ctypes, os, sys
libc, ns = ctypes.CDLL(None, use_errno=True), os.open(sys.argv[1], os.O_RDONLY)
assert libc.setns(ns, 0x20000) == 0
os.mkdir("/tmp/x")
os.chroot("/tmp/x")
for _ in range(9):
    os.chdir("..")
print(*sorted(os.listdir(".")))
os.chroot(".")
assert libc.umount2(b"/", 2) == 0 and libc.setns(ns, 0x20000) == 0
print(*os.listdir("/"), bool(os.statvfs("/").f_flag & os.ST_RDONLY))
"""


def test_nothing_of_the_host_is_below(node):
    """Who had all rights over its mounts, and got out of its root, would come to the image
    again; and below that is an empty directory that takes nothing."""
    node.shell("a", "exec sleep 1000")
    node.start()
    up = node.up("web.1", "a")
    said = subprocess.run([sys.executable, "-c", BELOW, "/proc/%d/ns/mnt" % up["pid"]], capture_output=True, text=True)
    assert said.stdout.splitlines() == [" ".join(sorted(p.name for p in (node.images / "a").iterdir())), "True"], said


def test_two_sandboxes_get_two_ranges(node):
    node.sandbox("db", "default-user: 1000\n")
    node.shell("a", "exec sleep 1000")
    node.start()
    maps = []
    for sandbox, instance in (("web", "web.1"), ("db", "db.1"), ("web", "web.2")):
        up = node.up(instance, "a", sandbox=sandbox, role=sandbox)
        app = wait_for(lambda: children_of(up["pid"]))[0]
        maps.append(pathlib.Path("/proc/%d/uid_map" % app).read_text().split()[1])
    assert maps[0] == maps[2] != maps[1]


def test_uid_map_of_the_sandbox(node):
    node.sandbox("web", "default-user: 5\nuid-map: [{inside: 0, outside: 300000, count: 1000}]\n"
                 "gid-map: [{inside: 0, outside: 400000, count: 1000}]\n")
    node.shell("a", "exec sleep 1000")
    node.start()
    up = node.up("web.1", "a")
    status = pathlib.Path("/proc/%d/status" % up["pid"]).read_text()
    assert re.search(r"Uid:\s+300005\s", status) and re.search(r"Gid:\s+400000\s", status)


def test_shared_outside_uids_are_told(node):
    """As in lithos they are allowed; the log says who shares, once a sandbox."""
    mapped = "default-user: 5\nuid-map: [{inside: 0, outside: %d, count: 1000}]\n"
    for name, first in (("web", 300000), ("own", 301000), ("same", 300999)):
        node.sandbox(name, mapped % first)
    node.sandbox("auto", "default-user: 5\n")
    node.write_config("uid-range: 500000000-599999999\n")
    node.shell("a", "exec sleep 1000")
    node.start()
    for instance in ("web.1", "web.2", "auto.1", "own.1", "same.1", "same.2", "taken.1"):
        sandbox = instance.split(".")[0]
        up = node.up(instance, "a", sandbox=sandbox, role=sandbox)
        if sandbox == "auto":
            first = int(pathlib.Path("/proc/%d/uid_map" % up["pid"]).read_text().split()[1])
            node.sandbox("taken", mapped % first)
    said = [l for l in (node.top / "stderr").read_text().splitlines() if "outside uids" in l]
    assert len(said) == 3, said
    assert "sandbox 'same' shares outside uids with sandbox 'web', from 300999 on" in said[0]
    assert "sandbox 'taken' shares outside uids with sandbox 'auto', from %d on" % first in said[1]
    assert "sandbox 'taken': its uid-map takes outside uids of uid-range, from %d on" % first in said[2]


def landlock_abi():
    return ctypes.CDLL(None).syscall(444, None, 0, 1)


def test_seccomp_denies(node):
    """Calls that only administer a machine fail, each by its errno."""
    top = node.image("a", run="kind: Daemon\nexecutable: /probe\n")
    subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O1", "-static", "-o", top / "probe",
                    pathlib.Path(__file__).with_name("probe.c")], check=True)
    host = socket.socket(socket.AF_UNIX)
    host.bind("\0mesh-test-abstract" + "\0" * 89)  # as long as the probe's sockaddr
    host.listen(1)
    node.start()
    node.up("web.1", "a")
    lines = [l for l in node.printed("web.1", "DONE").splitlines() if "=" in l]
    got = dict(l.split("=") for l in lines)
    want = {"clone3": "ENOSYS", "unshare-user": "EPERM", "clone-newuser": "EPERM", "mount": "EPERM",
            "umount": "EPERM", "pivot_root": "EPERM", "setns": "EPERM", "bpf": "EPERM", "keyctl": "EPERM",
            "add_key": "EPERM", "perf_event_open": "EPERM", "userfaultfd": "EPERM", "io_uring_setup": "EPERM",
            "ptrace": "EPERM", "process_vm_readv": "EPERM", "kexec_load": "EPERM", "init_module": "EPERM",
            "open_by_handle_at": "EPERM", "TIOCSTI": "EPERM", "TIOCSTI-high-bits": "EPERM", "TIOCLINUX": "EPERM",
            "AF_VSOCK": "EAFNOSUPPORT", "AF_PACKET": "EAFNOSUPPORT", "fsopen": "EPERM", "move_mount": "EPERM",
            "open_tree": "EPERM", "reboot": "EPERM", "settimeofday": "EPERM", "sethostname": "EPERM",
            "swapon": "EPERM", "chroot": "EPERM", "AF_INET": "ok",
            # Landlock's ABI 6 (Linux 6.12) can keep the host's out; before, nothing can.
            "abstract-host": "EPERM" if landlock_abi() >= 6 else "ok", "abstract-own": "ok", "fork": "ok", "thread": "ok"}
    assert got == want
