"""`meshd --rootless`, as an ordinary user: what holds all the same, what is weaker
and says so, and what is refused."""
import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess

import pytest
from conftest import BUILD, UNIFIED, children_of, wait_for
from rootless import SUB, UID, V1, make  # noqa: F401
from test_audit import audit, judge  # noqa: F401
from test_secrets import new_key, seal

UNKNOWN = ["init: its descriptors can't be read", "init: its seccomp programs can't be read: Permission denied"]
LIMITS = "default-user: 1000\nallow-users: [1-2000]\n"


@pytest.fixture(params=["ids", "one-id"])
def user(request, make):  # noqa: F811
    return make(ids=request.param == "ids")


def status(pid, key):
    return re.search(r"^%s:[ \t]*(.*)$" % key, pathlib.Path("/proc/%d/status" % pid).read_text(), re.M).group(1)


def is_init(pid):
    return os.readlink("/proc/%d/exe" % pid).startswith("/memfd:meshd-init")


def app_of(init):
    return wait_for(lambda: children_of(init))[0]


def uid_of(pid):
    return int(status(pid, "Uid").split()[0])


def test_a_container_is_held_as_ever(user):
    user.sandbox("other", LIMITS + "limits-optional: yes\n")
    user.shell("a", "id; touch /x; touch /tmp/x && echo tmp; cat /proc/kcore; echo >/dev/null && echo null; "
                    "ls -d /proc/[0-9]*; echo DONE; exec sleep 1000")
    user.start()
    one, two = (app_of(user.up("%s.1" % s, "a", sandbox=s, role=s)["pid"]) for s in ("web", "other"))
    text = user.printed("web.1", "DONE")
    assert "uid=1000 gid=0" in text or "uid=1000 gid=1000" in text
    assert "touch: /x: Read-only file system" in text and "\ntmp" in text and "\nnull" in text
    assert "/proc/1\n" in text and "/proc/%d" % os.getpid() not in text
    for key, value in (("NoNewPrivs", "1"), ("Seccomp", "2"), ("CapBnd", "0" * 16), ("CapEff", "0" * 16), ("Groups", "")):
        assert status(one, key) == value, key
    for ns in ("cgroup", "ipc", "mnt", "pid", "user", "uts"):
        assert os.readlink("/proc/%d/ns/%s" % (one, ns)) not in (os.readlink("/proc/self/ns/" + ns),
                                                                os.readlink("/proc/%d/ns/%s" % (user.meshd.pid, ns))), ns
    user.say("WHO")
    who = user.event(kind="who")
    assert (who["caps"], who["nnp"], who["groups"]) == ("0" * 16, 1, 0)
    # To the host: each sandbox an id of its own, if there are any.
    if "one user to the kernel" not in user.told():
        assert {uid_of(one), uid_of(two)} == {SUB + 999, SUB + 1000} and who["uid"] == 1
        assert uid_of(who["pid"]) == SUB
    else:
        assert uid_of(one) == uid_of(two) == uid_of(who["pid"]) == UID


def test_the_engine_sees_no_more_of_the_home_than_it_needs(user):
    (user.dir / "secret").write_text("s")
    user.start()
    user.say("WHO")
    root = pathlib.Path("/proc/%d/root" % user.event(kind="who")["pid"])
    seen = root / str(user.dir)[1:]
    assert sorted(p.name for p in seen.iterdir()) == [".config", ".local"]
    assert (seen / ".config/mesh/mesh.yaml").read_text() and (seen / ".local/state/mesh/state/lock").exists()
    mounts = (root / "proc").exists() and pathlib.Path(str(root)[:-4] + "mountinfo").read_text()
    config = next(line for line in mounts.splitlines() if line.split()[4] == str(user.dir / ".config/mesh"))
    assert "ro" in config.split()[5].split(",")


NAMES_ITS_NAMESPACE = r"""
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char text[64] = "", real[512] = "";

	(void)argc;
	if (strcmp(argv[1], "sandbox") != 0) {
		snprintf(real, sizeof real, "%s/meshd-conf.real", TOP);
		execv(real, argv);
	}
	dprintf(2, "I am in %.*s", (int)readlink("/proc/self/ns/user", text, sizeof text), text);
	return 3;
}
"""


@pytest.mark.parametrize("user", ["one-id"], indirect=True)
def test_who_parses_is_out_of_the_engines_reach(user):
    """To the kernel both are one user: a user namespace is what stands between them."""
    top = user.top / "programs"
    shutil.copytree(user.programs, top)
    (top / "meshd-conf").rename(top / "meshd-conf.real")
    subprocess.run(["gcc", "-D_GNU_SOURCE", '-DTOP="%s"' % top, "-x", "c", "-", "-o", top / "meshd-conf"],
                   input=NAMES_ITS_NAMESPACE, text=True, check=True)
    user.programs = top
    user.shell("a", "exec sleep 1000")
    user.start()
    user.say("WHO")
    engine = os.readlink("/proc/%d/ns/user" % user.event(kind="who")["pid"])
    text = user.run("web.1", "a")["text"]
    assert re.search(r"I am in user:\[\d+\]", text) and engine not in text


@pytest.mark.parametrize("user", ["one-id"], indirect=True)
def test_what_ends_takes_all_of_it_along(user):
    user.shell("a", "(sleep 1234 & sleep 1235 & ) ; trap '' TERM; echo DONE; while :; do sleep 0.1; done",
               extra="kill-timeout: 0.2\n")
    user.start()
    init = user.up("web.1", "a")["pid"]
    user.printed("web.1", "DONE")
    ns = os.readlink("/proc/%d/ns/pid" % init)

    def members():
        found = []
        for p in pathlib.Path("/proc").glob("[0-9]*/ns/pid"):
            try:
                found += [p] if os.readlink(p) == ns else []
            except OSError:
                pass
        return found
    assert len(members()) >= 4
    assert user.ask("STOP", instance="web.1")["code"] == 0
    user.event(kind="state", instance="web.1", state="gone")
    assert members() == []
    # It dies, and comes again.
    init = user.up("web.2", "a")["pid"]
    os.kill(init, signal.SIGKILL)
    assert user.event(kind="state", instance="web.2", state="running")["pid"] != init


def test_a_new_supervisor_takes_them_over(user):
    """kill -9, twice; then with run-dir emptied."""
    user.shell("a", "trap 'echo TERM; exit 0' TERM; while :; do sleep 0.1; done")
    user.start()
    pids = {i: user.up(i, "a")["pid"] for i in ("web.1", "web.2")}
    user.shell("c", "exec sleep 1000", kind="Command")
    assert user.run("check", "c", op="RUN")["code"] == 0
    command = wait_for(lambda: [p for p in children_of(user.meshd.pid) if p not in pids.values() and is_init(p)])[0]
    engine = None
    for turn in range(3):
        user.kill()
        if turn == 2:
            for p in (user.mesh / "supervisor").iterdir():
                p.unlink()
        user.start()
        user.ask("LIST")
        seen = {e["instance"]: e["pid"] for e in user.events if e["kind"] == "state" and e["state"] == "running"}
        assert {i: seen[i] for i in pids} == pids, (turn, user.events)
        user.say("WHO")
        assert user.event(kind="who")["pid"] != engine
        engine = [e for e in user.events if e["kind"] == "who"][-1]["pid"]
        wait_for(lambda: sorted(user.inits()) == sorted(pids.values()) and not os.path.exists("/proc/%d/fdinfo/0" % command))
    assert user.ask("STOP", instance="web.1")["code"] == 0
    user.event(kind="state", instance="web.1", state="gone")
    user.printed("web.1", "TERM")
    assert user.ask("STOP", instance="web.2")["code"] == 0
    user.event(kind="state", instance="web.2", state="gone")
    assert user.inits() == []


@pytest.mark.parametrize("user", ["ids"], indirect=True)
def test_a_command_inside(user):
    user.sandbox("web", LIMITS + "limits-optional: yes\nallow-exec: yes\n")
    user.shell("a", "while :; do sleep 0.1; done")
    user.start()
    user.up("web.1", "a")
    out = user.as_user(user.tool, "exec", "web.1", "--", "sh", "-c", "id; cat /proc/self/status; exit 7")
    assert out.returncode == 7, out
    assert out.stdout.startswith("uid=1000 gid=") and "NoNewPrivs:\t1" in out.stdout and "CapBnd:\t" + "0" * 16 in out.stdout
    user.sandbox("web", LIMITS + "limits-optional: yes\n")
    out = user.as_user(user.tool, "exec", "web.1", "--", "true")
    assert out.returncode == 125 and "allow-exec" in out.stderr


@pytest.mark.parametrize("user", ["ids"], indirect=True)
def test_volumes_are_the_containers_own(user):
    data = user.dir / "data"
    data.mkdir()
    user.sandbox("web", LIMITS + "limits-optional: yes\nwritable-paths: {/d: %s}\n" % data)
    user.shell("a", "touch /data/file /etc/state && echo DONE; exec sleep 1000",
               extra="volumes: {/data: !Persistent {path: /d/sub, mkdir: true, mode: 0700}, /etc: !Statedir {path: /}}\n")
    user.start()
    app = app_of(user.up("web.1", "a")["pid"])
    user.printed("web.1", "DONE")
    assert (data / "sub/file").stat().st_uid == uid_of(app)


@pytest.mark.parametrize("user", ["ids"], indirect=True)
def test_secrets_and_ports(user):
    """Opened for it, and a socket kept over a kill -9; one that is root's is refused by name."""
    user.sandbox("web", LIMITS + "limits-optional: yes\nallow-tcp-ports: [80, 27841]\nsecrets-private-key: %s\n" % (user.dir / "key"))
    public = new_key(user.dir / "key")
    sealed = "secret-environ: {WORD: '%s'}\n" % seal(public, "sesame")
    user.shell("a", "echo word=$WORD; exec sleep 1000", extra=sealed)
    (user.images / "a/config/low.yaml").write_text("kind: Daemon\nexecutable: /bin/sh\ntcp-ports: {80: {fd: 3}}\n")
    (user.images / "a/config/port.yaml").write_text("kind: Daemon\nexecutable: /bin/sh\narguments: ['-c', 'exec sleep 1000']\n"
                                                    "tcp-ports: {27841: {fd: 3}}\n")
    user.through = [*user.through, "nice", "-n", "5"]
    user.start()
    user.up("web.1", "a")
    user.printed("web.1", "word=sesame")
    user.up("web.2", "a", config="/config/port.yaml")
    waits = socket.create_connection(("127.0.0.1", 27841), timeout=10)
    user.kill()
    user.start()
    assert user.ask("STOP", instance="web.1")["code"] == 0  # it has taken all over
    waits.settimeout(0.2)
    with pytest.raises(TimeoutError):
        waits.recv(1)  # nobody has cut it off
    assert "80 of 0.0.0.0: Permission denied (below net.ipv4.ip_unprivileged_port_start they are root's)" in \
        user.run("web.3", "a", config="/config/low.yaml")["text"]


@pytest.mark.parametrize("user", ["one-id"], indirect=True)
def test_limits_need_groups(user):
    """A limit that can't be set is a failed start, unless the sandbox says otherwise."""
    user.sandbox("web", LIMITS)
    user.shell("a", "exec sleep 1000")
    user.start()
    user.run("web.1", "a")
    text = user.event(kind="state", instance="web.1", state="backoff")["text"]
    assert re.fullmatch(r"web.1: pids-limit: cannot be set: the pids controller of cgroups is not yours to use "
                        r"\(doc/rootless.md\); `limits-optional: yes` in its sandbox starts it without", text)


def test_limits_in_groups_that_are_the_users(make, judge):  # noqa: F811
    user = make(groups=True)
    user.shell("a", "exec sleep 1000", extra="memory-limit: 64Mi\npids-limit: 20\n")
    user.start()
    init = user.up("web.1", "a")["pid"]
    leaf = "%s-u/%s/@web/web.1.1" % (user.cgroup, user.cgroup)
    procs = pathlib.Path(UNIFIED, leaf, "cgroup.procs").read_text().split()
    assert str(init) in procs and len(procs) == 2
    for controller, v1, v2, value in (("memory", "memory.limit_in_bytes", "memory.max", str(64 << 20)),
                                      ("pids", "pids.max", "pids.max", "20")):
        p = pathlib.Path("/sys/fs/cgroup", controller, leaf, v1) if controller in V1 else pathlib.Path(UNIFIED, leaf, v2)
        assert p.read_text().strip() == value
    found = judge(audit(user, "web.1"))
    assert found["weaker"] == [] and set(found["unknown"]) <= set(UNKNOWN)
    assert found["allowed"] == ["devices: its cgroup holds it to none; its mounts and capabilities may still"]
    user.kill()
    user.start()
    user.ask("LIST")
    assert [e["pid"] for e in user.events if e["kind"] == "state" and e["instance"] == "web.1"] == [init]
    assert user.ask("STOP", instance="web.1")["code"] == 0
    user.event(kind="state", instance="web.1", state="gone")
    assert not pathlib.Path(UNIFIED, leaf).exists()


def test_audit_names_what_is_weaker(user, judge):  # noqa: F811
    user.shell("a", "exec sleep 1000")
    user.start()
    user.up("web.1", "a")
    found = judge(audit(user, "web.1"))
    one_id = "one user to the kernel" in user.told()
    assert found["weaker"] == []
    assert set(found["unknown"]) <= set(UNKNOWN)  # an init shuts its descriptors soon after its application runs
    said = "\n".join(found["allowed"])
    assert "app: has no cgroup (--rootless)" in said and "pids-limit: is not limited here, and 4096 was asked for" in said
    assert ("app: uid_map maps to the id of meshd's own user" in said) == one_id
    assert "no cgroup of yours can be written" in user.told()


@pytest.mark.parametrize("what,owner,mode,error", [
    ("sandbox", 0, 0o644, None), ("sandbox", 1234, 0o644, "owned by uid 65534, must be owned by you or root"),
    ("sandbox", UID, 0o664, "must not be writable by group or others"),
    ("image", 0, 0o755, None), ("image", 1234, 0o755, "owned by uid 65534, must be owned by you or root"),
    ("container", 1234, 0o644, "must be owned by you or root"), ("container", 0, 0o644, None),
])
def test_whose_files_count(make, what, owner, mode, error):  # noqa: F811
    user = make()
    user.shell("a", "exec sleep 1000")
    path = {"sandbox": user.sandboxes / "web.yaml", "image": user.images / "a", "container": user.images / "a/config/run.yaml"}[what]
    user.own()
    os.chown(path, owner, owner)
    path.chmod(mode)
    user.kept = (path,)
    user.start()
    reply = user.run("web.1", "a")
    if error is None:
        assert reply["code"] == 0, reply["text"]
        user.event(kind="state", instance="web.1", state="running")
    else:
        assert reply["code"] != 0 and error in reply["text"], reply["text"]


@pytest.mark.parametrize("text,error", [
    (LIMITS + "userns: off\n", "`userns: off` is not for --rootless"),
    (LIMITS + "limits-optional: yes\nuid-map: [{inside: 1000, outside: 3000000, count: 10}]\ngid-map: [{inside: 0, outside: 3000000, count: 10}]\n",
     "id maps of sandbox 'web' are refused by the kernel"),
])
def test_what_a_sandbox_can_not_have(make, text, error):  # noqa: F811
    user = make()
    user.sandbox("web", text)
    user.shell("a", "exec sleep 1000")
    user.start()
    reply = user.run("web.1", "a")
    if reply["code"] == 0:
        reply = user.event(kind="state", instance="web.1", state="backoff")
    assert error in reply["text"]


def test_networks_and_image_files(make):  # noqa: F811
    user = make()
    user.sandbox("web", LIMITS + "limits-optional: yes\nnetwork: none\nallow-exec: yes\n")
    user.shell("a", "cat /proc/net/dev; echo DONE; exec sleep 1000")
    subprocess.run(["mksquashfs", user.images / "a", user.images / "file.squashfs", "-quiet", "-no-progress"], check=True)
    user.start()
    user.up("web.1", "a")
    links = [line.split(":")[0].strip() for line in user.printed("web.1", "DONE").splitlines() if ":" in line]
    assert links == ["lo"]
    out = user.as_user(user.tool, "exec", "web.1", "--", "cat", "/proc/net/dev")
    assert out.returncode == 0 and len(out.stdout.splitlines()) == 3
    reply = user.run("web.2", "file")
    assert "squashfs is root's to mount; with --rootless an image is a directory" in reply["text"]


def without_namespaces():
    """A user namespace that allows none below it; uids in it are those outside."""
    libc = ctypes.CDLL(None, use_errno=True)
    parent, ready = os.pipe(), os.pipe()
    me = os.getpid()
    pid = os.fork()
    if pid == 0:  # maps our own parent, which can't do it by itself
        os.read(parent[0], 1)
        for f in ("uid_map", "gid_map"):
            pathlib.Path("/proc/%d/%s" % (me, f)).write_text("0 0 100000")
        os.write(ready[1], b"x")
        os._exit(0)
    assert libc.unshare(0x10000000) == 0
    os.write(parent[1], b"x")
    os.read(ready[0], 1)
    os.waitpid(pid, 0)
    pathlib.Path("/proc/sys/user/max_user_namespaces").write_text("0")


def test_without_user_namespaces_it_says_what_to_do(make):  # noqa: F811
    user = make(ids=False)
    user.own()
    p = subprocess.run(["setpriv", "--reuid", str(UID), "--regid", str(UID), "--clear-groups", "env", "-i", *user.own_env(),
                        user.programs / "meshd", "--rootless"], capture_output=True, text=True, timeout=20,
                       preexec_fn=without_namespaces)
    assert p.returncode == 5
    assert p.stderr.splitlines()[-1] == ("meshd: --rootless needs user namespaces, and this host allows none; as root: "
                                         "sysctl -w user.max_user_namespaces=10000")


def test_what_is_refused_at_start(make):  # noqa: F811
    user = make(ids=False)
    code, text = user.run_once("--rootless")
    assert code == 5 and "--rootless is for an ordinary user, and this is root" in text
    code, text = user.run_once("--rootless-with=9")
    assert (code, text) == (64, "meshd: --rootless-with=N is meshd's own; say --rootless\n")
    # By root himself, whose engine would be root.
    code, text = user.run_once("--rootless", "--rootless-with=2", "--config", user.config)
    assert (code, text) == (5, "meshd: --rootless-with is meshd's own; say --rootless\n")
    user.config_text("user: 1234\n")
    user.start(wait=False)
    assert user.meshd.wait(10) == 3
    assert "mesh.yaml: user, conf-user, http: user and uid-range are not for --rootless" in user.told()
    user.config_text()
    user.own()
    p = user.as_user(user.programs / "meshd")
    assert p.returncode == 5 and "as an ordinary user: meshd --rootless" in p.stderr
    p = user.as_user("env", "-u", "XDG_RUNTIME_DIR", user.programs / "meshd", "--rootless")
    assert p.returncode == 3 and "run-dir: neither it nor $HOME or $XDG_RUNTIME_DIR says where; set it" in p.stderr


SCHEDULER = """
local web = mesh.role("web", {version = "v1", image = "a", count = 1, process = "run",
                              vars = {page = "hello"}})
return mesh.scheduler {web}
"""


def test_the_whole_of_it(user):
    """The real engine, rendering and `mesh`, by its defaults alone."""
    config = user.dir / ".config/mesh"
    for f, text in (("scheduler-scripts/main.lua", SCHEDULER), ("templates/web/page.tmpl", "{{ page }}\n"),
                    ("templates/web/render.yaml", "files: {page: {template: page.tmpl}}\nprocesses: processes.yaml.tmpl\n")):
        (config / f).parent.mkdir(parents=True, exist_ok=True)
        (config / f).write_text(text)
    user.sandbox("web", LIMITS + "limits-optional: yes\nallow-exec: yes\n")
    user.shell("a", "cat /rendered/current/page; while :; do sleep 0.1; done", extra="volumes: {/rendered: !Readonly /rendered}\n")
    user.programs = user.top / "programs"
    user.programs.mkdir()
    for name in ("meshd", "meshd-engine", "meshd-conf", "meshd-init", "meshd-script"):
        shutil.copy(BUILD / name, user.programs)
    user.start(wait=False)
    mesh = user.tool
    wait_for(lambda: user.as_user(mesh, "init").returncode == 0, seconds=20)

    def running():
        return [r for r in json.loads(user.as_user(mesh, "ps", "--json").stdout or "[]") if r["state"] == "running"]
    rows = wait_for(running, seconds=20)
    name = rows[0]["instance"]
    wait_for(lambda: "hello" in user.as_user(mesh, "logs", name).stdout)
    out = user.as_user(mesh, "exec", name, "--", "cat", "/rendered/current/page")
    assert (out.returncode, out.stdout) == (0, "hello\n"), out
    out = user.as_user(mesh, "audit", name)
    assert "has no cgroup (--rootless)" in out.stdout, out
    user.meshd.kill()
    user.meshd.wait()
    user.start(wait=False)
    wait_for(lambda: [r["pid"] for r in running()] == [rows[0]["pid"]], seconds=20)
    assert user.as_user(mesh, "stop", name).returncode == 0
    wait_for(lambda: not user.inits())
