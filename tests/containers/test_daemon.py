"""meshd itself: its arguments, its config, its places, its engine."""
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess

import pytest
from conftest import USER, children_of, wait_for
from test_life import alive


# --- rows 4, 5, 6 -------------------------------------------------------------
@pytest.mark.parametrize("args, text", [
    (["--config", "a", "--config", "b"], "--config given twice"),
    (["--config=a", "--config", "b"], "--config given twice"),
    (["--config"], "--config needs a file"),
    (["--frob"], "unknown option --frob"),
    (["--confg", "x"], "unknown option --confg; did you mean --config?"),
    (["--debgu"], "did you mean --debug?"),
    (["x"], "unexpected argument 'x'"),
    (["--\x1b[31m"], "unknown option --\\x1b[31m"),
])
def test_usage(node, args, text):
    code, err = node.run_once(*args)
    assert code == 64 and text in err and "\x1b" not in err


def test_version_and_help(node):
    out = subprocess.run([node.programs / "meshd", "--version"], capture_output=True, text=True)
    assert out.returncode == 0 and re.match(r"meshd \d+\.\d+\.\d+\n$", out.stdout)
    out = subprocess.run([node.programs / "meshd", "--help"], capture_output=True, text=True)
    assert out.returncode == 0 and out.stdout.startswith("usage: meshd ")


def test_dev_is_the_script_beside_it(node):
    mine = node.top / "programs"
    shutil.copytree(node.programs, mine)
    p = subprocess.run([mine / "meshd", "--dev"], capture_output=True, text=True)
    assert p.returncode == 5 and "cannot find mesh-dev in %s/" % mine in p.stderr
    (mine / "mesh-dev").write_text("#!/bin/sh\necho dev \"$@\"\n")
    (mine / "mesh-dev").chmod(0o755)
    p = subprocess.run([mine / "meshd", "--dev", "--nodes", "5", "a b"], capture_output=True, text=True)
    assert (p.returncode, p.stdout) == (0, "dev --nodes 5 a b\n")


def test_installed_layout(node):
    """bin/meshd with its helpers in libexec/mesh."""
    (node.top / "bin").mkdir()
    shutil.copytree(node.programs, node.top / "libexec/mesh")
    (node.top / "libexec/mesh/meshd").rename(node.top / "bin/meshd")
    node.programs = node.top / "bin"
    node.shell("a", "exec sleep 1000")
    node.start()
    node.up("web.1", "a")


def test_not_root(node):
    node.config.chmod(0o644)
    p = subprocess.run([node.programs / "meshd", "--config", node.config], capture_output=True, text=True,
                       user=1000, group=1000, extra_groups=[])
    assert p.returncode == 5
    assert p.stderr == "meshd: must run as root (uid 0), running as uid 1000; as an ordinary user: meshd --rootless\n"


def test_second_daemon(node):
    node.start()
    code, err = node.run_once("--config", node.config)
    assert code == 5
    assert err == "meshd: already running: pid %d holds %s/state/lock\n" % (node.meshd.pid, node.top)


def test_second_daemon_in_the_same_cgroup(node):
    node.start()
    other = node.top / "other.yaml"
    other.write_text(node.config.read_text().replace("/state", "/state2").replace("/run", "/run2"))
    code, err = node.run_once("--config", other)
    assert code == 5 and "another daemon uses cgroup %s" % node.cgroup in err


# --- rows 11, 12: the config file ------------------------------------------------
def test_config_missing(node):
    assert node.run_once("--config", "/nowhere/mesh.yaml") == (
        3, "meshd: /nowhere/mesh.yaml: No such file or directory\n")


def test_config_is_a_directory(node):
    assert node.run_once("--config", node.top) == (3, "meshd: %s: is a directory\n" % node.top)


def test_config_is_a_fifo(node):
    os.mkfifo(node.top / "fifo")
    assert node.run_once("--config", node.top / "fifo") == (
        3, "meshd: %s/fifo: not a regular file\n" % node.top)


def test_config_unreadable(node):
    node.config.chmod(0)
    p = subprocess.run(["setpriv", "--bounding-set=-dac_override,-dac_read_search", node.programs / "meshd", "--config",
                        node.config], capture_output=True, text=True)
    assert (p.returncode, p.stderr) == (3, "meshd: %s: Permission denied\n" % node.config)


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_config_writable_by_others(node, mode):
    node.config.chmod(mode)
    assert node.run_once("--config", node.config) == (
        3, "meshd: %s: refusing: mode %04o, must not be writable by group or others\n" % (node.config, mode))


def test_config_of_another_user(node):
    os.chown(node.config, 1000, 1000)
    code, err = node.run_once("--config", node.config)
    assert code == 3 and "refusing: owned by uid 1000, must be owned by root" in err


def test_config_error_has_a_place(node):
    node.write_config("sede: [a:1]\n")
    code, err = node.run_once("--config", node.config)
    assert code == 3 and re.search(r"mesh\.yaml:11:1: .*sede", err), err


def test_missing_account(node):
    node.config.write_text(node.config.read_text().replace("user: %d\nconf" % USER, "user: nosuchmesh\nconf"))
    code, err = node.run_once("--config", node.config)
    assert code == 5
    assert "no account 'nosuchmesh'; make it: groupadd --system nosuchmesh && useradd --system" in err


def test_root_is_no_account(node):
    node.config.write_text(node.config.read_text().replace("user: %d\nconf" % USER, "user: 0\nconf"))
    code, err = node.run_once("--config", node.config)
    assert code == 3 and "'0' is root" in err


# --- row 70: places; row 24: the key ------------------------------------------------
def test_read_only_state_dir(node):
    node.config.write_text(node.config.read_text().replace("%s/state" % node.top, "/proc/nowhere"))
    code, err = node.run_once("--config", node.config)
    assert code == 4 and err.startswith("meshd: cannot create /proc/nowhere: ")
    ro = node.top / "ro"
    ro.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", ro], check=True)
    try:
        node.write_config()
        node.config.write_text(node.config.read_text().replace("%s/state" % node.top, "%s/x" % ro))
        assert node.run_once("--config", node.config) == (4, "meshd: cannot create %s/x: Read-only file system\n" % ro)
    finally:
        subprocess.run(["umount", ro], check=True)


def master(node, text):
    path = node.top / "etc/lithos-configs/master.yaml"
    path.write_text(text)
    path.chmod(0o644)
    return path


@pytest.mark.parametrize("where", ["./sb", "absolute"])
def test_sandboxes_dir_of_the_master_file(node, where):
    """Both who judges and who tells what there is look there."""
    there = node.top / ("etc/lithos-configs/sb" if where == "./sb" else "elsewhere")
    node.sandboxes.rename(there)
    master(node, "sandboxes-dir: %s\n" % (where if where == "./sb" else there))
    node.shell("a", "exec sleep 1000")
    node.start()
    node.up("web.1", "a")
    assert "%s/none.yaml: No such file" % there in node.run("none.1", "a", sandbox="none", role="none")["text"]
    assert b"sandboxes-dir%s" % str(there).encode() in conf_of_the_engine(node)


def test_bad_master_file(node):
    path = master(node, "sandbox-dir: x\n")
    assert node.run_once("--config", node.config) == (
        3, "meshd: %s:1:1: unknown key 'sandbox-dir'; did you mean 'sandboxes-dir'?\n" % path)
    path.chmod(0o666)
    code, err = node.run_once("--config", node.config)
    assert code == 3 and "master.yaml: refusing: mode 0666" in err


def conf_of_the_engine(node):
    node.say("WHO")
    return pathlib.Path("/proc/%d/fd/4" % node.event(kind="who")["pid"]).read_bytes()  # SUP_FD_CONF


def key(node, data, mode=0o600):
    path = node.top / "cluster.key"
    path.write_bytes(data)
    path.chmod(mode)
    node.write_config("cluster-key: %s\n" % path)
    return path


@pytest.mark.parametrize("data, mode, text", [
    (b"k" * 32, 0o644, "mode 0644, must be 0600: chmod 600 it, and make a new key if others"
     " could read it"),
    (b"k" * 31, 0o600, "31 bytes, need 32"),
    (b"k" * 33, 0o600, "33 bytes, need 32"),
    (b"", 0o600, "0 bytes, need 32"),
    (b"\0" * 32, 0o600, "key is all zero"),
])
def test_bad_key(node, data, mode, text):
    path = key(node, data, mode)
    assert node.run_once("--config", node.config) == (6, "meshd: %s: %s\n" % (path, text))


def test_configured_key_missing(node):
    path = key(node, b"")
    path.unlink()
    assert node.run_once("--config", node.config) == (6, "meshd: %s: No such file or directory\n" % path)


def test_key_is_handed_over_and_made(node):
    node.start()
    none = node.ask("KEY")
    assert none["code"] == 6 and none["fd_bytes"] == -1 and "no cluster key: mesh init | mesh join" in none["text"]
    made = node.ask("KEY", flags=2)
    assert made["code"] == 0 and made["fd_bytes"] == 32
    path = node.top / "state/cluster.key"
    first = path.read_bytes()
    assert len(first) == 32 and first != b"\0" * 32 and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert node.ask("KEY", flags=2)["code"] == 0 and path.read_bytes() == first  # never another
    path.chmod(0o640)
    assert node.ask("KEY")["code"] == 6


@pytest.mark.parametrize("args, config, level", [
    (["--debug"], "", "debug"), ([], "log: {level: debug}\n", "debug"), ([], "", "info"),
    ([], "log: {level: warn}\n", "warn"), (["--debug"], "log: {level: warn}\n", "debug")])
def test_log_level(node, args, config, level):
    node.write_config(config)
    node.shell("a", "exec sleep 1000")
    node.start(*args)
    node.up("web.1", "a")
    node.kill()
    node.start(*args)  # adopts, and says so at level info
    said = (node.top / "stderr").read_text()
    assert (" debug meshd: " in said, " info meshd: web.1: adopted" in said) == (level == "debug", level != "warn")
    assert (b"\0debug\x01" in conf_of_the_engine(node)) == (args == ["--debug"])


def test_places(node):
    node.start()
    def at(name):
        st = os.lstat(node.top / name)
        return stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid
    assert at("state") == (0o1770, 0, USER)
    assert at("state/supervisor") == (0o700, 0, 0)
    assert at("state/rendered") == (0o755, 0, 0)
    assert at("run/ctl") == (0o660, 0, USER)
    assert at("run/supervisor") == (0o700, 0, 0)
    assert at("log") == (0o750, 0, USER)


# --- the engine -------------------------------------------------------------------------
def test_engine_has_no_rights(node):
    node.start()
    node.say("WHO")
    who = node.event(kind="who")
    assert (who["uid"], who["gid"], who["groups"], who["nnp"], who["fds"]) == (USER, USER, 0, 1, 6)
    assert int(who["caps"], 16) == 0
    env = pathlib.Path("/proc/%d/environ" % who["pid"]).read_bytes()
    assert env == b"LC_ALL=C\0"
    fds = sorted(int(p.name) for p in pathlib.Path("/proc/%d/fd" % who["pid"]).iterdir())
    assert [f for f in fds if f <= 8] == list(range(9)) and len(fds) == 10  # and the test's own connection


def engine_pid(node):
    node.say("WHO")
    return node.event(kind="who")["pid"]


def test_engine_killed_comes_back_within_a_second(node):
    node.shell("a", "exec sleep 1000")
    node.start()
    up = node.up("web.1", "a")
    first = engine_pid(node)
    os.kill(first, signal.SIGKILL)
    node.connect()
    assert engine_pid(node) != first
    node.ask("LIST")
    e = [e for e in node.events if e["kind"] == "state"][-1]
    assert e["state"] == "running" and e["pid"] == up["pid"]


def test_tickets_end_with_their_engine(node):
    """The next engine counts from one too: it must not hear an answer to a
    question of the last one under a number of its own."""
    node.shell("a", "sleep 2", kind="Command")
    node.start()
    assert node.run("check-web", "a", op="RUN")["code"] == 0
    os.kill(engine_pid(node), signal.SIGKILL)
    node.connect()
    assert node.event(kind="exit", instance="check-web")["ticket"] == 0


@pytest.mark.parametrize("size", [1, 767, 768, 769, 4096])
def test_bad_message_kills_the_engine(node, size):
    """768 zero bytes have the right size and a wrong version."""
    node.shell("a", "exec sleep 1000")
    node.start()
    up = node.up("web.1", "a")
    first = engine_pid(node)
    node.say("RAW %d" % size)
    wait_for(lambda: "engine: sent something that is not a request: killed" in (node.top / "stderr").read_text())
    node.connect()
    assert engine_pid(node) != first
    os.kill(up["pid"], 0)


@pytest.mark.parametrize("code", [3, 4, 5, 6])
def test_engine_that_cannot_start_ends_meshd(node, code):
    node.start()
    node.say("EXIT %d" % code)
    assert node.meshd.wait(10) == code


def test_engine_that_ends_later_is_restarted(node):
    node.start()
    os.kill(engine_pid(node), signal.SIGKILL)
    node.connect()
    second = engine_pid(node)
    node.say("EXIT 4")
    wait_for(lambda: not alive(second))
    node.connect()
    engine_pid(node)
    assert node.meshd.poll() is None


def engine_and_child(node):
    node.say("FORK")
    return engine_pid(node), [e for e in node.events if e["kind"] == "child"][-1]["pid"]


def test_what_a_dead_engine_started_ends(node):
    """Also what left its session and holds the supervisor's socket."""
    node.shell("a", "exec sleep 1000")
    node.start()
    up = node.up("web.1", "a")
    engine, child = engine_and_child(node)
    os.kill(engine, signal.SIGKILL)
    node.connect()
    assert not alive(child) and alive(up["pid"]) and engine_pid(node) != engine


def test_engine_that_outlives_its_supervisor_is_ended(node):
    """Stopped, it never sees that its socket is closed: before the new
    supervisor starts another, it is gone, and no container is touched."""
    node.shell("a", "exec sleep 1000")
    node.start()
    up = node.up("web.1", "a")
    app = children_of(up["pid"])
    engine, child = engine_and_child(node)
    os.kill(engine, signal.SIGSTOP)
    node.meshd.kill()
    node.meshd.wait()
    node.sock.close()
    assert alive(engine) and alive(child)
    node.start()
    assert not alive(engine) and not alive(child) and engine_pid(node) != engine
    node.ask("LIST")
    e = [e for e in node.events if e["kind"] == "state"][-1]
    assert e["state"] == "running" and e["pid"] == up["pid"] and children_of(up["pid"]) == app
    assert [p.name for p in node.group().glob(".*")] == [".engine"]


def test_terminated_supervisor_leaves_nothing_of_the_engine(node):
    node.start()
    engine, child = engine_and_child(node)
    node.meshd.terminate()
    assert node.meshd.wait(10) == 0
    wait_for(lambda: not alive(engine) and not alive(child))


HANGING_CONF = """
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "container") != 0)
		execv(REAL, argv);
	for (;;)
		pause();
}
"""


def test_meshd_conf_ends_with_the_supervisor(node):
    mine = node.top / "programs"
    shutil.copytree(node.programs, mine)
    (mine / "meshd-conf").unlink()
    subprocess.run(["gcc", "-DREAL=\"%s/meshd-conf\"" % node.programs, "-x", "c", "-o", mine / "meshd-conf", "-"],
                   input=HANGING_CONF, text=True, check=True)
    node.programs = mine
    node.shell("a", "exec sleep 1000")
    node.start()
    engine = engine_pid(node)
    node.say("START ticket=1 instance=web.1 image=a config=/config/run.yaml sandbox=web role=web")

    def hanging():
        return [p for p in children_of(node.meshd.pid) if p != engine and
                b"meshd-conf\0container" in pathlib.Path("/proc/%d/cmdline" % p).read_bytes()]
    helper = wait_for(hanging)[0]
    node.kill()
    wait_for(lambda: not alive(helper))


def test_lagging_engine_loses_events_and_is_told(node):
    node.start()
    node.say("MUTE 1")
    for i in range(9000):
        node.say("STOP ticket=%d instance=none.%d" % (i, i))
    wait_for(lambda: socket_empty(node), 30)
    node.say("MUTE 0")
    node.event(kind="lost", seconds=20)
    assert node.ask("LIST", seconds=20)["kind"] == "end"


def socket_empty(node):
    """Has the driver read all that we said?"""
    import fcntl
    import struct
    import termios
    return struct.unpack("i", fcntl.ioctl(node.sock, termios.TIOCOUTQ, b"\0" * 4))[0] == 0
