"""`mesh exec` is root's process in a place that is not root's: what its container, or
who calls it, makes of that, each twice, with the defence and without just that
one (daemon/base/weak.h).
"""
import array
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess

import pytest
import weak
from conftest import wait_for

# The program that the kernel gives a dynamic one to begin with: it stays there.
LOADER = "void _start(void) { for (;;) __asm__ volatile(\"syscall\" : : \"a\"(34) : \"rcx\", \"r11\", \"memory\"); }\n"


@pytest.fixture(scope="module")
def hosts(programs, weak_programs, escape):
    """The real one, and the one that leaves out what it is told to."""
    both = [weak.Host(programs), weak.Host(weak_programs)]
    for host in both:
        (host.top / "secret").write_text("x")
        host.sandbox("web", "default-user: 1000\nallow-exec: yes\n")
        host.sandbox("shut", "default-user: 1000\nroles: [web]\n")
        host.shell("a", "exec sleep 1000")
        shutil.copy(escape, host.images / "a/escape")
        host.start()
        host.up("web.1", "a")
        host.up("web.2", "a", sandbox="shut")
    yield both
    for host in both:
        host.close()


def execute(host, words, stdin=None, instance="web.1", hear=True):
    """The connection, what was said first, and a pipe that the command prints to."""
    ends = [os.pipe() for _ in range(3)]
    fds = [ends[0][0] if stdin is None else stdin, ends[1][1], ends[2][1]]
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(10)
    s.connect(str(host.top / "run/exec"))
    line = b"".join(w.encode() + b"\0" for w in words)
    s.sendmsg([struct.pack("<IIII64s32s", 1, 0, len(words), len(line), instance.encode(), b""), line],
              [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
    said = struct.unpack("<IIii400s", s.recv(4096))[4].rstrip(b"\0").decode() if hear else ""
    for fd in {ends[0][0], ends[0][1], ends[1][1], ends[2][0], ends[2][1]}:
        os.close(fd)
    return s, said, open(ends[1][0])


def test_only_where_it_is_allowed(hosts):
    said = execute(hosts[0], ["/escape", "fds"], instance="web.2")[1]
    assert "its sandbox does not allow it" in said
    hosts[1].without("allow-exec")
    s, said, out = execute(hosts[1], ["/escape", "fds"], instance="web.2")
    assert said == "" and out.readline().startswith("fds=")
    hosts[1].without()


def test_no_descriptor_of_the_host(hosts):
    """With a directory as stdin there is a way out of the image."""
    for host in hosts:
        host.aims = os.open(host.top, os.O_RDONLY | os.O_DIRECTORY)
    said = execute(hosts[0], ["/escape", "stdin:secret"], hosts[0].aims)[1]
    assert "descriptor 0 is no pipe" in said
    hosts[1].without("exec-stdio")
    s, said, out = execute(hosts[1], ["/escape", "stdin:secret"], hosts[1].aims)
    assert out.readline() == "stdin:secret=escaped\n"
    hosts[1].without()
    for host in hosts:
        os.close(host.aims)


def test_no_program_of_the_host(hosts):
    """A script of the image says `#!/proc/self/exe`, and the image brings the loader for
    what that is: of the host's meshd it would hold the file, of the sealed copy
    of meshd-init that is exec'd instead there is nothing to hold.  (The real meshd is
    static and asks for no loader; the build without defences is not.)"""
    interp = re.search(r"interpreter: (\S+)\]", subprocess.run(["readelf", "-l", hosts[1].programs / "meshd"],
                                                               capture_output=True, text=True).stdout)[1]
    for host, off in zip(hosts, ([], ["exec-sealed"])):
        top = host.images / "a"
        loader = top / interp[1:]
        loader.parent.mkdir(parents=True, exist_ok=True)
        (host.top / "loader.c").write_text(LOADER)
        subprocess.run(["gcc", "-nostdlib", "-static", "-o", loader, host.top / "loader.c"], check=True)
        (top / "bin/me").write_text("#!/proc/self/exe\n")
        (top / "bin/me").chmod(0o755)
        host.without(*off)
        meshd = os.stat(host.programs / "meshd")
        s, said, out = execute(host, ["/bin/me"], hear=not off)
        if off:  # it is there for good, and has never said that it is
            wait_for(lambda: holders(host, meshd))
        else:
            assert not holders(host, meshd)
        s.close()
        host.without()


def holders(host, meshd):
    """The processes of commands in web.1 that are meshd by their file."""
    pids = [p for g in host.group().rglob("exec.*") for p in (g / "cgroup.procs").read_text().split()]
    return [p for p in pids if os.path.exists("/proc/%s/exe" % p) and os.path.samestat(os.stat("/proc/%s/exe" % p), meshd)
            and pathlib.Path("/proc/%s/cmdline" % p).read_bytes().startswith(b"/proc/self/exe\0")]
