"""Another meshd, in place of the one that runs: no container notices."""
import os
import pathlib
import shutil
import signal
import subprocess

import pytest
from conftest import BUILD, ROOT, wait_for
from steps import Runs, clean
from test_crash import listed

COUNT = 20


@pytest.fixture(scope="module")
def later(tmp_path_factory):
    """The programs of a later version: every byte of their files is another's, and
    the supervisor says so itself."""
    top = tmp_path_factory.mktemp("later")
    source = (ROOT / "daemon/supervisor/main.c").read_text()
    assert source.count("MESH_VERSION") == 1
    (top / "main.c").write_text(source.replace("MESH_VERSION", '"99.0.0"'))
    libs = [BUILD / ("lib%s.a" % n) for n in ("supervisor", "core", "base")]
    subprocess.run(["gcc", *os.environ.get("MESH_SANITIZE", "").split(), "-std=c11", "-D_GNU_SOURCE", "-O1", "-I", ROOT / "daemon/supervisor", "-o", top / "meshd",
                    top / "main.c", *libs, "-l:libseccomp.a", "-lm"], check=True)
    for name in ("meshd-conf", "meshd-init", "meshd-script"):
        (top / "note").write_text("later " + name)
        subprocess.run(["objcopy", "--add-section", ".note.later=%s" % (top / "note"), BUILD / name, top / name], check=True)
        assert (top / name).read_bytes() != (BUILD / name).read_bytes()
    (top / "main.c").unlink()
    (top / "note").unlink()
    return top


def install(node, later):
    """As a package does: each file is another one, by a rename over the old."""
    for p in later.iterdir():
        shutil.copy(p, node.programs / (p.name + ".new"))
        (node.programs / (p.name + ".new")).rename(node.programs / p.name)


def version(node):
    return subprocess.run(["/proc/%d/exe" % node.meshd.pid, "--version"], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_twenty_and_no_restart(node, later, programs, how):
    node.programs = node.top / "programs"
    shutil.copytree(programs, node.programs)
    runs = Runs(node)
    node.sandbox("web", "default-user: 1000\nallow-users: [1-2000]\nreadonly-paths: {/out: %s}\n" % (node.top / "out"))
    node.shell("a", "echo $LITHOS_NAME >/data/fifo; exec sleep 1000", extra="volumes: {/data: !Readonly /out}\n")
    node.start()
    before = version(node)
    pids = {"web.%d" % i: node.up("web.%d" % i, "a", policy=i % 2)["pid"] for i in range(COUNT)}
    assert len(runs.wait(COUNT)) == COUNT
    install(node, later)
    # Until it is restarted the old one goes on with its own: also what it starts.
    assert node.up("web.99", "a")["state"] == "running"
    pids["web.99"] = listed(node)["web.99"]["pid"]
    runs.wait(COUNT + 1)
    node.meshd.send_signal(how)
    assert node.meshd.wait(10) in (0, -how)
    node.kill()
    node.start()
    assert version(node) == "meshd 99.0.0\n" != before
    there = listed(node)
    assert {i: (e["pid"], e["state"], e["restarts"]) for i, e in there.items()} == \
        {i: (pid, "running", 0) for i, pid in pids.items()}
    # Their ends are seen, and they come back by the new programs.
    os.kill(pids["web.0"], signal.SIGKILL)
    again = node.event(kind="state", instance="web.0", state="running")["pid"]
    inits = [pathlib.Path("/proc/%d/exe" % pid).read_bytes() for pid in (again, pids["web.1"])]
    assert inits == [(later / "meshd-init").read_bytes(), (BUILD / "meshd-init").read_bytes()]
    # The engine asks for all again, as it does: nothing comes of it.
    for i in range(1, COUNT):
        assert node.run("web.%d" % i, "a", policy=i % 2)["code"] == 0
    assert len(runs.wait(COUNT + 2)) == COUNT + 2
    clean(node, {**pids, "web.0": again})
    assert node.ask("STOP", instance="web.1")["code"] == 0
    wait_for(lambda: "web.1" not in listed(node))
