"""meshd --dev: a throw-away mesh from one command, and nothing left after it."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile

import pytest

from mesh import BUILD, ROOT, Missed, cgroup_mounts, read, run, wait_until


@pytest.fixture
def dev(world):
    """Runs `meshd --dev ARGS` in the world's namespace; TERM at the end."""
    started = []

    def start(*args, by=(os.path.join(BUILD, "meshd"),)):
        out, cwd = os.path.join(world.dir, "dev.out"), "/" if len(by) > 1 else os.path.join(ROOT, "tests")
        with open(out, "wb") as f:
            p = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{world.netns}", *by, "--dev", *args], stdout=f, stderr=f,
                stdin=subprocess.DEVNULL, cwd=cwd)
        started.append(p)
        return p, out
    yield start
    for p in started:
        if p.poll() is None:
            p.send_signal(signal.SIGTERM)
            p.wait(60)


def socket_of(out):
    m = re.search(r"--socket (\S+) status", read(out))
    return m.group(1) if m else None


@pytest.fixture
def programs():
    """Where an ordinary user may run them, wherever they were built."""
    with tempfile.TemporaryDirectory(prefix="mesh-programs-") as top:
        os.chmod(top, 0o755)
        for name in ("meshd", "meshd-engine", "meshd-conf", "meshd-init", "meshd-script", "mesh", "mesh-dev"):
            shutil.copy(os.path.join(BUILD, name), top)
        yield top


@pytest.mark.parametrize("uid", [0, 64791])
def test_three_nodes_and_nothing_left(dev, programs, uid):
    p, out = dev("--nodes", "3", by=("setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups",
                                     os.path.join(programs, "meshd")))
    where, _ = wait_until("it says where it is", lambda: socket_of(out), 30)

    def up():
        said = run(os.path.join(BUILD, "mesh"), "--socket", where, "status", "--json",
                   check=False)
        side = json.loads(said.stdout or "{}").get("side", {})
        if (side.get("grade"), side.get("visible"), side.get("known")) != ("full", 3, 3):
            raise Missed(said.stdout + said.stderr)
        return True
    wait_until("three nodes", up, 30)
    top = where.split("/n1/")[0]
    p.send_signal(signal.SIGTERM)
    assert p.wait(60) == 0
    assert not os.path.exists(top)
    for where in cgroup_mounts()[1]:
        assert not [n for n in os.listdir(where) if n.startswith(f"mesh-dev-{p.pid}-")]


@pytest.mark.parametrize("args,expected", [
    (["--nodes", "0"], "--nodes: '0' is not 1-9"),
    (["--nodes", "x"], "--nodes: 'x' is not 1-9"),
    (["--nodes"], "--nodes: missing value"),
    (["--frob", "1"], "unknown option --frob"),
], ids=["zero", "word", "missing", "unknown"])
def test_usage(dev, args, expected):
    p, out = dev(*args)
    assert p.wait(30) == 64
    assert expected in read(out)
