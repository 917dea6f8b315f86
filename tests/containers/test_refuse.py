"""What is wrong is refused in one line that says what, where and why; nothing
else is affected."""
import os
import shutil
import subprocess

import pytest
from conftest import USER


def refused(node, text, instance="web.1", image="a", state="failed", **keys):
    """The reply, and the state that says the same."""
    reply = node.run(instance, image, **keys)
    assert reply["code"] == 3, reply
    assert text in reply["text"], reply["text"]
    assert "\n" not in reply["text"]
    e = node.event(kind="state", instance=instance)
    assert e["state"] == state and e["text"] == reply["text"]
    return reply["text"]


@pytest.fixture
def up(node):
    """A neighbour that must not notice anything."""
    node.shell("good", "exec sleep 1000")
    node.start()
    neighbour = node.up("web.9", "good")
    yield node
    os.kill(neighbour["pid"], 0)


# --- row 77 ------------------------------------------------------------------
def test_image_missing(up):
    text = refused(up, "web.1: image a: not found under %s" % up.images)
    assert text.endswith(str(up.images))


def test_image_is_a_file(up):
    (up.images / "a").write_text("x")
    refused(up, "web.1: image a: neither a directory nor an image file: its first bytes are of no erofs or squashfs")


def test_image_is_a_link(up):
    (up.images / "a").symlink_to("/")
    refused(up, "web.1: image a: is or goes through a symlink")


def test_image_writable_by_others(up):
    up.shell("a", "exec sleep 1")
    (up.images / "a").chmod(0o777)
    refused(up, "web.1: image a: mode 0777, must not be writable by group or others")


def test_image_name_is_no_path(up):
    for name in ("../a", "a/../b", "/etc", ".", "a//b"):
        reply = up.run("web.1", name)
        assert (reply["code"], reply["text"]) == (3, "web.1: bad image name")


def test_image_levels(up):
    refused(up, "web.1: image x/y: has 2 parts, image-dir-levels of sandbox 'web' is 1", image="x/y")
    up.sandbox("web", "default-user: 1000\nimage-dir-levels: 2\n")
    up.shell("x/y", "exec sleep 1000")
    up.up("web.1", "x/y")


def test_container_file_missing_or_a_link_out(up):
    top = up.image("a")
    refused(up, "web.1: a/config/run.yaml: No such file or directory")
    (top / "config/run.yaml").symlink_to("/../../../../../../etc/hostname")
    refused(up, "web.1: a/config/run.yaml: ")


def test_container_file_is_a_fifo(up):
    os.mkfifo(up.image("a") / "config/run.yaml")
    refused(up, "web.1: a/config/run.yaml: not a regular file")


def test_container_file_has_one_name(up):
    """As a hard link to a file of root's alone its words would come back in the error."""
    (up.top / "secret").write_text("password: x\n")
    (up.top / "secret").chmod(0o600)
    os.link(up.top / "secret", up.image("a") / "config/run.yaml")
    text = refused(up, "web.1: a/config/run.yaml: refusing: it has 2 names (hard links), and not everybody may read it: it may be a file from outside of the image; put a copy there")
    assert "password" not in text


def test_images_share_a_file_that_everybody_may_read(up):
    """As `rsync --link-dest` leaves the next version of an image beside the one before."""
    up.shell("a", "exec sleep 1000")
    os.link(up.images / "a/config/run.yaml", up.image("b") / "config/run.yaml")
    up.up("web.1", "b")


def test_container_file_errors_have_a_place(up):
    up.image("a", run="kind: Daemon\nexecutable: /bin/sh\nmemory-limt: 1Mi\n")
    text = refused(up, "web.1: ")
    assert "a/config/run.yaml:3:1" in text and "memory-limit" in text


# --- row 78: the record is there, the start fails ------------------------------
def start_fails(node, text, state="backoff"):
    assert node.run("web.1", "a")["code"] == 0
    e = node.event(kind="state", instance="web.1", state=state)
    assert text in e["text"], e["text"]


def test_command_missing(up):
    up.image("a", run="kind: Daemon\nexecutable: /bin/nothing\n")
    start_fails(up, "web.1: exec /bin/nothing: No such file or directory")


def test_command_not_executable(up):
    (up.image("a", run="kind: Daemon\nexecutable: /etc/x\n") / "etc/x").write_text("x")
    start_fails(up, "web.1: exec /etc/x: Permission denied")


def test_command_of_another_machine(up):
    top = up.image("a", run="kind: Daemon\nexecutable: /bin/app\n")
    elf = bytearray((top / "bin/busybox").read_bytes()[:4096])
    elf[18:20] = (183).to_bytes(2, "little")
    (top / "bin/app").write_bytes(elf)
    (top / "bin/app").chmod(0o755)
    refused(up, "web.1: a/bin/app: a program for arm64 (64 bits), and this host is %s: build the image for that" % os.uname().machine)


def test_script_without_interpreter_line(up):
    top = up.image("a", run="kind: Daemon\nexecutable: /bin/app\n")
    (top / "bin/app").write_text("echo hello\n")
    (top / "bin/app").chmod(0o755)
    start_fails(up, "web.1: exec /bin/app: Exec format error (neither a program nor a script with #!)")


def test_script_whose_interpreter_is_missing(up):
    top = up.image("a", run="kind: Daemon\nexecutable: /bin/app\n")
    (top / "bin/app").write_text("#!/bin/perl\n")
    (top / "bin/app").chmod(0o755)
    start_fails(up, "web.1: exec /bin/app: its interpreter or loader is not in the image")


def test_mount_point_missing_in_image(up):
    up.shell("a", "exec sleep 1", extra="volumes: {/nowhere: !Tmpfs {size: 1Mi}}\n")
    start_fails(up, "web.1: mount /nowhere: mount point missing in image")


def test_mount_point_is_a_link(up):
    top = up.image("a", run="kind: Daemon\nexecutable: /bin/sh\nvolumes: {/link: !Tmpfs {size: 1Mi}}\n")
    (top / "link").symlink_to("/tmp")
    start_fails(up, "web.1: mount /link: it is a symlink in the image")


def test_image_dev_and_proc_are_links(up):
    """The classic: /dev and /proc of an image lead elsewhere."""
    top = up.image("a", run="kind: Daemon\nexecutable: /bin/sh\n")
    (top / "proc").rmdir()
    (top / "proc").symlink_to("/tmp")
    start_fails(up, "web.1: mount /proc: it is a symlink in the image")


def test_workdir_missing(up):
    up.shell("a", "exec sleep 1", extra="workdir: /nowhere\n")
    start_fails(up, "workdir /nowhere: No such file or directory")


# --- row 79: users ---------------------------------------------------------------
@pytest.mark.parametrize("value", ["-1", "4294967295", "99999999999", "appx", "''"])
def test_bad_user(up, value):
    up.shell("a", "exec sleep 1", extra="user-id: %s\n" % value)
    refused(up, "user-id")


def test_no_user_is_never_root(up):
    up.sandbox("web", "allow-users: [1-2000]\n")
    up.shell("a", "exec sleep 1")
    refused(up, "no user: set user-id here or default-user in sandbox 'web'")


def test_user_not_allowed(up):
    up.shell("a", "exec sleep 1", extra="user-id: 0\n")
    refused(up, "user-id: 0 is not in allow-users of sandbox 'web'")


# --- names, sandboxes, roles --------------------------------------------------------
def test_exclusive_needs_leases(up):
    reply = up.run("web.1", "good", policy=2)
    assert reply["text"] == "web.1: exclusive: a deadline is needed, that of a role lease"
    reply = up.ask("FENCE", instance="web.8")
    assert reply["text"] == "web.8: FENCE: there is no such instance"


def test_sandbox_missing(up):
    text = refused(up, "web.1: sandbox 'nope': ", image="good", sandbox="nope", role="nope")
    assert text.endswith("sandboxes/nope.yaml: No such file or directory")


def test_sandbox_writable_by_others(up):
    (up.sandboxes / "web.yaml").chmod(0o664)
    refused(up, "refusing: mode 0664, must not be writable by group or others", image="good")


def test_sandbox_of_another_user(up):
    os.chown(up.sandboxes / "web.yaml", USER, USER)
    refused(up, "refusing: owned by uid %d, must be owned by root" % USER, image="good")


def test_role_may_not_use_sandbox(up):
    refused(up, "web.1: role 'db' may not use sandbox 'web'; add it to roles: in ", image="good", role="db")
    up.sandbox("web", "default-user: 1000\nroles: [web, db]\n")
    up.up("web.1", "good", role="db")


def test_volume_outside_the_sandbox(up):
    up.shell("a", "exec sleep 1", extra="volumes: {/data: !Readonly /host}\n")
    refused(up, "/data: '/host' is not in readonly-paths of sandbox 'web'")


def test_volume_through_a_link_of_the_host(up):
    (up.top / "vol").mkdir()
    (up.top / "vol/link").symlink_to("/etc")
    up.sandbox("web", "default-user: 1000\nreadonly-paths: {/vol: %s}\n" % (up.top / "vol"))
    up.shell("a", "exec sleep 1", extra="volumes: {/data: !Readonly /vol/link}\n")
    start_fails(up, "web.1: volume /data: cannot open ")


@pytest.mark.parametrize("target", ["/proc/x", "/dev/null", "/sys", "/a/../b"])
def test_volume_target_not_allowed(up, target):
    up.shell("a", "exec sleep 1", extra="volumes: {%s: !Tmpfs {size: 1Mi}}\n" % target)
    refused(up, "target %s" % target if "proc" in target else "web.1: ")


def test_kind_must_fit(up):
    up.shell("a", "exec sleep 1", kind="Command")
    refused(up, "kind is Command, Daemon or CommandOrDaemon is needed here")
    assert up.run("web.2", "good", op="RUN")["text"].endswith(
        "kind is Daemon, Command or CommandOrDaemon is needed here")


# --- variables --------------------------------------------------------------------------
VARS = ("kind: Daemon\nexecutable: /bin/sleep\narguments: ['@{t}', '@{lithos:name}']\n"
        "variables: {t: !Choice ['1', '1000'], p: !TcpPort , n: !Name }\n")


@pytest.mark.parametrize("given, text", [
    ({"t": "1000", "p": "80"}, "variable 'n' has no value"),
    ({"t": "1000", "p": "80", "n": "x", "z": "1"}, "variable 'z' is given but not declared"),
    ({"t": "2", "p": "80", "n": "x"}, "variable 't': '2' is not allowed (!Choice)"),
    ({"t": "1", "p": "65536", "n": "x"}, "variable 'p': '65536' is not allowed (!TcpPort)"),
    ({"t": "1", "p": "80", "n": "a/b"}, "variable 'n': 'a/b' is not allowed (!Name)"),
])
def test_variables(up, given, text):
    up.image("a", run=VARS)
    refused(up, text, vars=given)


def test_undeclared_variable_in_use(up):
    up.image("a", run="kind: Daemon\nexecutable: /bin/sleep\narguments: ['@{nope}']\n")
    refused(up, "arguments: variable 'nope' is not declared")


HANG = """
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	if (argc == 3 && strstr(argv[2], "hang") != NULL)
		for (;;)
			pause();
	return execv(REAL, argv);
}
"""


def test_hung_helper_is_killed(node, tmp_path_factory):
    """A meshd-conf that hangs on one file is killed; nobody else waits."""
    mine = node.top / "programs"
    shutil.copytree(node.programs, mine)
    (mine / "meshd-conf").rename(mine / "real-conf")
    (node.top / "hang.c").write_text(HANG)
    subprocess.run(["gcc", "-static", "-DREAL=\"%s\"" % (mine / "real-conf"), "-o", mine / "meshd-conf",
                    node.top / "hang.c"], check=True)
    node.programs = mine
    node.shell("hang", "exec sleep 1000")
    node.shell("a", "exec sleep 1000")
    node.start()
    node.say("START ticket=77 instance=web.7 image=hang config=/config/run.yaml sandbox=web role=web")
    node.up("web.1", "a")
    e = node.event(kind="reply", ticket=77)
    assert e["code"] == 3 and e["text"] == "web.7: hang/config/run.yaml: meshd-conf took more than 5 s: killed"
    node.up("web.2", "a")
