"""Logs, rendered files, Commands: what a container leaves and is given."""
import os
import re
import stat
import time

from conftest import USER, wait_for

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (stdout|stderr) ")


def test_lines_are_stamped(node):
    node.shell("a", "echo one; echo two >&2; printf 'no newline'; sleep 0.1; printf ' end\\n'; echo DONE; exec sleep 1000")
    node.start()
    node.up("web.1", "a")
    node.printed("web.1", "DONE")
    lines = node.log("web.1").splitlines()
    assert all(STAMP.match(l) for l in lines)
    assert {l.split(" ", 1)[1] for l in lines} == {"stdout one", "stderr two", "stdout no newline end", "stdout DONE"}
    st = os.stat(node.top / "log/web.1.log")
    assert (st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)) == (0, USER, 0o640)


def test_last_words_are_kept(node):
    """What is printed just before the end, without a newline, is there."""
    node.shell("a", "printf 'last words'; exit 3", extra="restart-timeout: 30s\n")
    node.start()
    node.run("web.1", "a")
    node.event(kind="state", instance="web.1", state="backoff")
    assert node.log("web.1").endswith(" stdout last words\n")


def test_logs_rotate_within_their_limit(node):
    line = "x" * 99
    node.shell("a", "i=0; while [ $i -lt 200 ]; do busybox yes %s | busybox head -n 1000; i=$((i+1)); done; "
               "echo LAST; exec sleep 1000" % line)
    node.start()
    node.up("web.1", "a")
    node.printed("web.1", "LAST", 60)
    sizes = [(node.top / "log" / n).stat().st_size for n in ("web.1.log", "web.1.log.1")]
    assert all(0 < s <= 4 << 20 for s in sizes) and sum(sizes) > 4 << 20
    for n in ("web.1.log", "web.1.log.1"):
        assert all(STAMP.match(l) for l in (node.top / "log" / n).read_text().splitlines())


def test_log_size_of_the_container_within_the_sandbox(node):
    node.sandbox("web", "default-user: 1000\nlog: {size: 200ki}\n")
    node.shell("a", "busybox yes | busybox head -n 20000; echo LAST; exec sleep 1000", extra="log: {size: 100ki}\n")
    node.shell("a", "exec sleep 1000", name="big", extra="log: {size: 1Mi}\n")
    node.start()
    node.up("web.1", "a")
    node.printed("web.1", "LAST")
    sizes = [(node.top / "log" / n).stat().st_size for n in ("web.1.log", "web.1.log.1")]
    assert all(s <= 50 << 10 for s in sizes) and sum(sizes) > 40 << 10
    reply = node.run("web.2", "a", config="/config/big.yaml")
    assert "log/size: 1048576 is above the 204800 that sandbox 'web' allows" in reply["text"]


def test_long_lines_are_cut(node):
    node.shell("a", "busybox yes x | busybox tr -d '\\n' | busybox head -c 20000; echo; echo DONE; exec sleep 1000")
    node.start()
    node.up("web.1", "a")
    node.printed("web.1", "DONE")
    lines = [l.split(" ", 2)[2] for l in node.log("web.1").splitlines()]
    assert max(map(len, lines)) == 4096 and sum(l.count("x") for l in lines) == 20000


def test_log_link_is_not_followed(node):
    node.shell("a", "echo x; exec sleep 1000")
    node.start()
    victim = node.top / "victim"
    victim.write_text("as it was")
    (node.top / "log/web.1.log").symlink_to(victim)
    node.run("web.1", "a")
    e = node.event(kind="state", instance="web.1", state="backoff")
    assert "cannot open log web.1.log" in e["text"]
    assert victim.read_text() == "as it was" and victim.stat().st_gid == 0


# --- rendered -------------------------------------------------------------------------
def test_role_directory_is_seen_and_switched(node):
    node.shell("a", "while [ ! -e /rendered/current/go ]; do busybox usleep 10000; done; cat /rendered/current/page; "
               "touch /rendered/x 2>&1; exec sleep 1000", extra="volumes: {/rendered: !Readonly /rendered}\n")
    node.start()
    assert node.ask("ROLE", role="web")["code"] == 0
    top = node.top / "state/rendered/web"
    st = os.stat(top)
    assert (st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)) == (0, USER, 0o775)
    (top / "gens/1").mkdir(parents=True)
    (top / "current").symlink_to("gens/1")
    node.up("web.1", "a")
    (top / "gens/2").mkdir()
    (top / "gens/2/page").write_text("hello page\n")
    (top / "gens/2/go").write_text("")
    (top / "new").symlink_to("gens/2")
    (top / "new").rename(top / "current")
    assert "hello page" in node.printed("web.1", "Read-only file system")


def test_rendered_of_another_role_is_not_seen(node):
    node.sandbox("web", "default-user: 1000\nroles: [web, db]\n")
    node.shell("a", "ls /rendered; echo DONE; exec sleep 1000", extra="volumes: {/rendered: !Readonly /rendered}\n")
    node.start()
    for role in ("web", "db"):
        node.ask("ROLE", role=role)
        (node.top / "state/rendered" / role / ("of-" + role)).write_text("")
    node.up("db.1", "a", role="db")
    assert node.printed("db.1", "DONE").split() == ["of-db", "DONE"]


def test_unrole(node):
    node.shell("a", "exec sleep 1000")
    node.start()
    node.ask("ROLE", role="web")
    node.up("web.1", "a")
    reply = node.ask("UNROLE", role="web")
    assert reply["code"] == 3 and reply["text"] == "role web: still has instance web.1"
    node.ask("STOP", instance="web.1")
    node.event(kind="state", instance="web.1", state="gone")
    top = node.top / "state/rendered/web"
    (node.top / "precious").mkdir()
    (node.top / "precious/file").write_text("x")
    (top / "gens/1/deep").mkdir(parents=True)
    (top / "gens/1/deep/file").write_text("x")
    (top / "current").symlink_to("gens/1")
    (top / "gens/out").symlink_to(node.top / "precious")
    assert node.ask("UNROLE", role="web")["code"] == 0
    assert not top.exists() and (node.top / "precious/file").exists()
    assert node.ask("UNROLE", role="web")["code"] == 0
    assert node.ask("ROLE", role="../x")["code"] == 3


# --- volumes --------------------------------------------------------------------------
def test_readonly_path_of_the_sandbox(node):
    (node.top / "vol/sub").mkdir(parents=True)
    (node.top / "vol/sub/file").write_text("content\n")
    node.sandbox("web", "default-user: 1000\nreadonly-paths: {/vol: %s}\n" % (node.top / "vol"))
    node.shell("a", "cat /data/file; touch /data/x 2>&1; exec sleep 1000",
               extra="volumes: {/data: !Readonly /vol/sub}\n")
    node.start()
    node.up("web.1", "a")
    assert "content" in node.printed("web.1", "/data/x: Read-only file system")


# --- Commands -------------------------------------------------------------------------
def test_command_runs_once(node):
    node.shell("a", "echo checked; echo bad >&2; exit 4", kind="Command")
    node.start()
    assert node.run("check.1", "a", op="RUN")["code"] == 0
    e = node.event(kind="exit", instance="check.1")
    assert e["ticket"] == node.ticket and e["code"] == 0 and e["exit_status"] == 4 << 8
    assert sorted(e["text"].split("; ")) == ["bad", "checked"]
    assert node.leaves() == [] and not (node.top / "log/check.1.log").exists()
    assert node.records() == []
    assert node.run("check.1", "a", op="RUN")["code"] == 0  # and again
    node.event(kind="exit", instance="check.1")


def test_command_sees_the_staged_files(node):
    node.shell("a", "cat /rendered/current/page", kind="Command", extra="volumes: {/rendered: !Readonly /rendered}\n")
    node.start()
    node.ask("ROLE", role="web")
    top = node.top / "state/rendered/web"
    for where, text in (("check/gens/2", "staged"), ("gens/1", "live")):
        (top / where).mkdir(parents=True)
        (top / where / "page").write_text(text + "\n")
    (top / "current").symlink_to("gens/1")
    (top / "check/current").symlink_to("gens/2")
    for flags, text in ((1, "staged"), (0, "live")):
        node.run("check.1", "a", op="RUN", flags=flags)
        e = node.event(kind="exit", instance="check.1")
        assert (e["exit_status"], e["text"]) == (0, text)


def test_command_that_cannot_start(node):
    node.image("a", run="kind: Command\nexecutable: /bin/nothing\n")
    node.start()
    assert node.run("check.1", "a", op="RUN")["code"] == 0
    e = node.event(kind="exit", instance="check.1")
    assert e["code"] == 5 and "exec /bin/nothing: No such file or directory" in e["text"]


def test_command_can_be_stopped(node):
    node.shell("a", "sleep 1000", kind="Command")
    node.start()
    node.run("check.1", "a", op="RUN")

    def started():
        """Its init tells by that (INIT_FD_ERROR) that the application runs; one that starts still is killed."""
        pids = [p for leaf in node.leaves() for p in (node.leaf(leaf) / "cgroup.procs").read_text().split()]
        return any(os.readlink("/proc/%s/exe" % p).startswith("/memfd:meshd-init") and
                   not os.path.exists("/proc/%s/fd/6" % p) for p in pids)
    wait_for(started)
    assert node.run("check.1", "a", op="RUN")["text"] == "check.1: is there already"
    node.ask("STOP", instance="check.1")
    e = node.event(kind="exit", instance="check.1")
    assert e["exit_status"] == 15
    assert node.leaves() == []
