"""Devices by cgroup: what stands behind mounts without devices and missing capabilities;
and the mesh's own port, which is kept likewise.

The program is of the daemon's own group: it holds for what was started before it,
and goes on to hold when the supervisor is dead.
"""
import os
import pathlib

import pytest
import weak
from conftest import wait_for

ROOT_BOX = "default-user: 0\nallow-users: [0]\nallow-groups: [0]\nroles: [web]\nuserns: off\n"
EXTRA = "volumes: {/data: !Tmpfs {size: 1Mi, mode: 0o777}}\n"
# Opens it again and again, and says how that went.
SCRIPT = "while :; do if (: >/log) 2>/dev/null; then echo OPEN; else echo HELD; fi; sleep 0.05; done"


@pytest.fixture
def host(weak_programs, escape):
    h = weak.Host(weak_programs)
    top = h.image("a")
    (top / "escape").write_bytes(escape.read_bytes())
    (top / "escape").chmod(0o755)
    for name, number in (("log", os.makedev(1, 11)), ("zero", os.makedev(1, 5))):
        os.mknod(top / name, 0o20666, number)
        (top / name).chmod(0o666)
    h.sandbox("root", ROOT_BOX)
    yield h
    h.close()


@pytest.mark.parametrize("defence", [["devices"], []])
def test_held_by_the_group(host, defence):
    """A node of the image, and one made there, with nothing else in the way."""
    host.without(*defence)
    host.start()
    image = host.tries("a", ["write:/log"], off=["nodev"])["write:/log"]
    made = host.tries("a", ["mknod-log:/data/log"], "root", EXTRA, ["capabilities", "nodev"])["mknod-log:/data/log"]
    assert (image, made) == (("escaped", "escaped") if defence else ("EPERM", "EPERM"))
    # What a container's own /dev has is not refused.
    assert host.tries("a", ["read:/zero"], off=["nodev"])["read:/zero"] == "escaped"


@pytest.mark.parametrize("defence", [["own-port"], []])
def test_the_port_of_the_mesh(host, defence):
    """On the host's network, by itself or by tcp-ports; on its own it may, and have any other."""
    host.without(*defence)
    host.start()
    got = host.tries("a", ["bind:0,7780", "bind:0,7783"], "root")
    assert got == {"bind:0,7780": "escaped" if defence else "EPERM", "bind:0,7783": "escaped"}
    assert host.tries("a", ["bind:0,7780"], "root", "network: none\n") == {"bind:0,7780": "escaped"}
    said = host.tries("a", ["fds"], "root", "tcp-ports: {7780: {fd: 3}}\n", defence)
    assert "fds" in said if defence else "tcp-ports: port 7780 is the mesh's own (listen: of meshd's config)" in said


def test_of_those_that_run_and_without_us(host):
    """An older meshd's container is held from the new one's start on, and by nobody's leave but the kernel's."""
    host.shell("b", SCRIPT)
    os.mknod(host.images / "b/log", 0o20666, os.makedev(1, 11))
    (host.images / "b/log").chmod(0o666)
    host.without("devices")
    host.start()
    host.without("nodev")
    pid = host.up("web.1", "b")["pid"]

    def says():
        at = len(host.log("web.1").splitlines())
        return wait_for(lambda: host.log("web.1").splitlines()[at + 1:])[0].split()[-1]
    assert says() == "OPEN"
    host.kill()
    host.start()
    assert says() == "HELD"
    host.kill()
    assert says() == "HELD" and pathlib.Path("/proc/%d" % pid).exists()
    host.start()
    assert says() == "HELD"
