"""Volumes of the host and of mesh: who owns what is in them, what may be done
there, and that no link and no missing disk leads one elsewhere."""
import ctypes
import os
import stat
import struct
import subprocess

import pytest

from conftest import children_of, mount_another, wait_for
from image_files import maps_ids
from steps import OWN, Steps, countdown


@pytest.fixture
def up(node):
    """A node with a writable and a readonly path, each a directory of its own."""
    for name in ("db", "ro"):
        (node.top / name).mkdir()
    (node.top / "ro/secret").write_text("of root\n")
    (node.top / "ro/secret").chmod(0o644)
    sandbox(node)
    node.start()
    return node


def sandbox(node, extra="", paths="/db: {top}/db", name="web"):
    node.sandbox(name, ("default-user: 1000\ndefault-group: 1000\nallow-users: [0-2000]\nallow-groups: [0-2000]\n"
                        "writable-paths: {%s}\nreadonly-paths: {/ro: {top}/ro}\n" % paths).replace("{top}", str(node.top))
                 + extra)


def shell(node, image, volumes, script, extra=""):
    node.shell(image, script + "\necho DONE\nexec sleep 1000", extra="volumes:\n" + "".join(
        "  %s: %s\n" % v for v in volumes.items()) + extra)
    for target in volumes:
        if target.count("/") == 1:
            (node.images / image / target[1:]).mkdir(exist_ok=True)


def says(node, instance, image, **keys):
    """START, and what it printed by DONE."""
    node.up(instance, image, **keys)
    return node.printed(instance, "DONE")


def fails(node, instance, image, text, **keys):
    """An accepted START that can't be done: its line."""
    reply = node.run(instance, image, **keys)
    assert reply["code"] == 0, reply["text"]
    line = node.event(kind="state", instance=instance, state="backoff")["text"]
    assert text in line, line


def refused(node, instance, image, text):
    reply = node.run(instance, image)
    assert reply["code"] == 3 and text in reply["text"], reply["text"]


def flags(text, target):
    line = next(l for l in text.splitlines() if " %s " % target in l)
    return set(line.split(" ")[5].split(",")) | set(line.split(" - ")[1].split(" ")[2].split(","))


def owner(path):
    st = os.stat(path)
    return st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)


def gone(node, instance):
    node.ask("STOP", instance=instance)
    node.event(kind="state", instance=instance, state="gone")


# --- of the host --------------------------------------------------------------------
def test_persistent_and_readonly(up):
    """On disk are the ids that the container sees; nothing there is run or suid."""
    shell(up, "a", {"/data": "!Persistent {path: /db/new/app, mkdir: true, mode: 0o1750, user: 1000, group: 1001}",
                    "/ro": "!Readonly /ro"},
          "echo mine >/data/f; busybox ls -ln /data/f /ro/secret; cat /ro/secret; touch /ro/x 2>&1;"
          "busybox cp /bin/busybox /data/sh; /data/sh -c true 2>&1; cat /proc/self/mountinfo", "user-id: 1000\n")
    text = says(up, "web.1", "a")
    assert owner(up.top / "db/new/app") == (1000, 1001, 0o1750)
    assert owner(up.top / "db/new") == (0, 0, 0o755)
    assert owner(up.top / "db/new/app/f")[0] == 1000
    lines = text.splitlines()
    assert lines[0].split()[2:4] == ["1000", "1000"] and lines[1].split()[2:4] == ["0", "0"], lines[:2]
    assert "of root" in text and "Read-only file system" in text and "Permission denied" in text
    assert {"rw", "nosuid", "nodev", "noexec"} <= flags(text, "/data") and {"ro", "nosuid", "nodev"} <= flags(text, "/ro")
    # What is there stays as it is, for the next one too.
    (up.top / "db/new/app").chmod(0o700)
    gone(up, "web.1")
    shell(up, "b", {"/data": "!Persistent {path: /db/new/app, mkdir: true, mode: 0o777, exec: on}"},
          "cat /data/f; /data/sh -c \"echo it runs\"; cat /proc/self/mountinfo", "user-id: 1000\n")
    text = says(up, "web.2", "b")
    assert "mine" in text and "it runs" in text and "noexec" not in flags(text, "/data")
    assert owner(up.top / "db/new/app") == (1000, 1001, 0o700)


def test_without_a_user_namespace(up):
    sandbox(up, "userns: off\n", paths="/db: {top}/db/not/yet")
    shell(up, "z", {"/data": "!Persistent /db/x"}, "true")
    fails(up, "web.0", "z", "cannot open %s/db/not/yet: No such file or directory; make it, or add mkdir: on" % up.top)
    shell(up, "a", {"/data": "!Persistent {path: /db/x, mkdir: true, user: 1000}", "/s": "!Statedir {user: 1000, path: /y}"},
          "touch /data/f /s/f; busybox ls -ln /data/f", "user-id: 1000\n")
    assert says(up, "web.1", "a").splitlines()[0].split()[2] == "1000"
    assert owner(up.top / "db/not/yet") == (0, 0, 0o755)
    assert owner(up.top / "db/not/yet/x/f")[0] == 1000 and owner(up.top / "state/volumes/web.1/web/y/f")[0] == 1000


def test_lithos_owners_are_left_as_they_are(up):
    """A directory of an outside id of the map is not mapped once more."""
    sandbox(up, "uid-map: [{inside: 0, outside: 200000, count: 65536}]\ngid-map: [{inside: 0, outside: 200000, count: 65536}]\n")
    (up.top / "db/old").mkdir()
    os.chown(up.top / "db/old", 201000, 201000)
    (up.top / "db/new").mkdir()
    os.chown(up.top / "db/new", 1000, 1000)
    for name in ("old", "new"):
        shell(up, name, {"/data": "!Persistent {path: /db/%s}" % name}, "echo x >/data/f; busybox ls -ln /data/f", "user-id: 1000\n")
        assert says(up, "%s.1" % name, name, role="web").splitlines()[0].split()[2] == "1000"
    assert owner(up.top / "db/old/f")[0] == 201000 and owner(up.top / "db/new/f")[0] == 1000


@pytest.mark.parametrize("kind", ["ramfs", "tmpfs"])
def test_a_file_system_that_maps_no_ids(up, kind):
    """ramfs never does; tmpfs since Linux 6.3."""
    subprocess.run(["mount", "-t", kind, "-o", "mode=777", "none", up.top / "db"], check=True)
    try:
        shell(up, "a", {"/data": "!Persistent {path: /db}"}, "touch /data/f && echo made")
        if kind == "ramfs" or not maps_ids(kind):
            fails(up, "web.1", "a", "web.1: volume /data: the file system of %s/db can't be id-mapped; set userns: off in "
                  "sandbox 'web' to accept less isolation" % up.top)
            gone(up, "web.1")
            sandbox(up, "userns: off\n")
        assert "made" in says(up, "web.2", "a")
    finally:
        gone(up, "web.2")
        subprocess.run(["umount", up.top / "db"], check=True)


def test_required_mount(up):
    """A disk that is not mounted is not filled in its place."""
    sandbox(up, "require-mount: [/db]\n")
    shell(up, "a", {"/data": "!Persistent {path: /db/app, mkdir: true}"}, "touch /data/f")
    fails(up, "web.1", "a", "web.1: volume /data: %s/db is not a mount point (require-mount): mount what belongs there first" % up.top)
    assert os.listdir(up.top / "db") == []
    gone(up, "web.1")
    (up.top / "db").rmdir()
    fails(up, "web.1", "a", "web.1: volume /data: cannot open %s/db: No such file or directory" % up.top)
    gone(up, "web.1")
    (up.top / "db").mkdir()
    sandbox(up)
    shell(up, "b", {"/data": "!Persistent {path: /db/app, mkdir: true}"}, "touch /data/f", "require-mount: [/data]\n")
    fails(up, "web.2", "b", "is not a mount point (require-mount)")
    gone(up, "web.2")
    mount_another(up.top / "db")
    try:
        says(up, "web.3", "b")
        assert os.path.exists(up.top / "db/app/f")
        gone(up, "web.3")
    finally:
        subprocess.run(["umount", "-l", up.top / "db"], check=True)


def test_links_lead_nowhere(up):
    """What a container with the volume can put there, when another one starts."""
    out = up.top / "out"
    (out / "etc").mkdir(parents=True)
    sandbox(up, paths="/db: {top}/db, /in: {top}/db/in/etc")
    shell(up, "a", {"/data": "!Persistent {path: /db}"}, "cd /data; busybox ln -s %s link; busybox ln -s link in; busybox mkdir d; busybox ln -s ../link d/up" % out, "user-id: 1000\n")
    os.chown(up.top / "db", 1000, 1000)
    says(up, "web.1", "a")
    assert os.listdir(up.top / "db/in") == ["etc"]
    volumes = {"p": "!Persistent {path: /db/link}", "r": "!Readonly /db/link/etc", "m": "!Persistent {path: /db/link/made, mkdir: on}",
               "n": "!Persistent {path: /db/d/up/made, mkdir: on}", "i": "!Readonly /in"}
    for name, volume in volumes.items():
        shell(up, name, {"/data": volume}, "ls /data")
        fails(up, "web.%s" % name, name, "web.%s: volume /data: cannot open " % name)
    assert os.listdir(out) == ["etc"]
    line = [e for e in up.events if e["instance"] == "web.p"][-1]["text"]
    assert line.endswith("write the path without symlinks")
    # Of the place in the image too, and of one in a volume.
    shell(up, "t", {"/d/up": "!Tmpfs {size: 1Mi}", "/d": "!Persistent {path: /db/d}"}, "ls /d/up")
    fails(up, "web.t", "t", "mount /d/up: it is a symlink in the image")


def test_what_is_roots_is_not_given_away(up):
    """A container that may write where a directory is to be made gives the name it
    is made under to one of root's."""
    db = up.top / "db"
    os.chown(db, 1000, 1000)
    (db / "key").mkdir(0o700)
    (db / "key/secret").write_text("of root\n")
    shell(up, "a", {"/data": "!Persistent /db"}, "busybox mv /data/key /data/.cache.new 2>&1", "user-id: 1000\n")
    assert says(up, "web.1", "a").splitlines() == ["DONE"]
    shell(up, "b", {"/data": "!Persistent {path: /db/cache, mkdir: true, user: 1000, mode: 0o700}"},
          "cat /data/secret 2>&1", "user-id: 1000\n")
    assert says(up, "web.2", "b").splitlines() == ["cat: can't open '/data/secret': No such file or directory", "DONE"]
    assert owner(db / ".cache.new") == (0, 0, 0o700) and owner(db / "cache") == (1000, 0, 0o700)


def test_what_is_not_allowed_is_refused(up):
    cases = [("!Persistent {path: /ro}", "/data: '/ro' is not in writable-paths of sandbox 'web'"),
             ("!Persistent", "/data: '/' is not in writable-paths of sandbox 'web'"),
             ("!Persistent {path: /db, user: 65536}", "/data: user 65536, group 0: not both are in uid-map and gid-map of sandbox 'web'"),
             ("!Persistent {path: /db, mode: 0o4777}", "out of range 0-01777"),
             ("!Persistent {path: /db, size: 5}", "unknown key 'size'"),
             ("!Statedir {path: /a, mkdir: true}", "unknown key 'mkdir'")]
    for i, (volume, text) in enumerate(cases):
        shell(up, "a%d" % i, {"/data": volume}, "true")
        refused(up, "web.1", "a%d" % i, text)
    up.image("x", run="executable: /data/app\nvolumes: {/data: !Persistent {path: /db}}\n")
    refused(up, "web.1", "x", "executable /data/app: volume /data is mounted noexec; add exec: on to it if it must hold programs")
    shell(up, "y", {"/data": "!Tmpfs {size: 1Mi}"}, "true", "require-mount: [/data]\n")
    refused(up, "web.1", "y", "require-mount: '/data' is no !Readonly or !Persistent volume from the host")
    sandbox(up, "require-mount: [/dv]\n")
    refused(up, "web.1", "y", "web.yaml:7:17: require-mount: a name in readonly-paths or writable-paths is needed")


# --- of mesh ------------------------------------------------------------------------
def a_day_later(node, instance):
    """As if it were gone for longer: found so by the next daemon."""
    old = os.stat(node.top / "state/volumes" / instance).st_mtime - 24 * 3600 - 10
    os.utime(node.top / "state/volumes" / instance, (old, old))
    node.kill()
    node.start()


def test_state_is_kept_until_the_instance_is_gone(up):
    """Over restarts, also of the daemon, and never that of another sandbox."""
    shell(up, "a", {"/data": "!Statedir {path: /cache, user: 1000, group: 1000, mode: 0o700}", "/s": "!Statedir"},
          "cat /data/n 2>/dev/null; echo n >>/data/n; busybox mkdir -p /data/d/d/d/d/d; touch /data/d/d/d/f; busybox stat -c '%u %a' /data;"
          "busybox stat -c '%u %a' /s; ls /s; cat /proc/self/mountinfo; echo $(busybox wc -l </data/n) starts", "user-id: 1000\n")
    text = says(up, "web.1", "a")
    assert text.splitlines()[:3] == ["1000 700", "0 1777", "cache"]
    assert {"rw", "nosuid", "nodev", "noexec"} <= flags(text, "/data")
    top = up.top / "state/volumes"
    assert owner(top) == (0, 0, 0o700) and owner(top / "web.1/web/cache/n") == (1000, 1000, 0o644)
    up.kill()
    up.start()
    up.ask("SIGNAL", instance="web.1", signal=15)
    up.printed("web.1", "2 starts")
    sandbox(up, "roles: [web]\n", name="other")
    up.run("web.1", "a", sandbox="other")
    wait_for(lambda: up.log("web.1").count("1 starts") == 2)
    assert sorted(os.listdir(top / "web.1")) == ["other", "web"]
    # Back soon, as after `mesh restart`, it finds it again; while it is there it keeps it, however old.
    gone(up, "web.1")
    up.up("web.1", "a")
    up.printed("web.1", "3 starts")
    a_day_later(up, "web.1")
    gone(up, "web.1")
    assert up.run("web.2", "a")["code"] == 0
    up.kill()
    up.start()
    wait_for(lambda: (top / "web.2/web").exists())
    assert (top / "web.1/web/cache/n").exists()
    a_day_later(up, "web.1")
    wait_for(lambda: sorted(os.listdir(top)) == [".gone", "web.2"] and os.listdir(top / ".gone") == [])


def test_state_of_a_command(up):
    """Is gone with it, also when the daemon did not see its end."""
    top = up.top / "state/volumes"
    shell(up, "a", {"/data": "!Statedir"}, "true", "user-id: 1000\n")
    up.shell("a", "touch /data/x; ls /data", name="once", kind="Command", extra="volumes: {/data: !Statedir }\n")
    assert up.run("web.c", "a", config="/config/once.yaml", op="RUN")["code"] == 0
    assert "x" in up.event(kind="exit", instance="web.c")["text"]
    wait_for(lambda: os.listdir(top) == [".gone"] and os.listdir(top / ".gone") == [])
    up.shell("a", "touch /data/x; exec sleep 1000", name="long", kind="Command", extra="volumes: {/data: !Statedir }\n")
    assert up.run("web.d", "a", config="/config/long.yaml", op="RUN")["code"] == 0
    wait_for(lambda: (top / ".once.web.d/web/x").exists())
    up.kill()
    up.start()
    wait_for(lambda: os.listdir(top) == [".gone"] and os.listdir(top / ".gone") == [])


def deletes(path):
    """A fanotify of what is deleted in a directory."""
    libc, add, fid, delete = ctypes.CDLL(None, use_errno=True), 1, 0x200, 0x200
    fd = libc.fanotify_init(fid | 3, os.O_RDONLY)  # and CLOEXEC, NONBLOCK
    assert libc.fanotify_mark(fd, add, ctypes.c_uint64(delete), -100, str(path).encode()) == 0, os.strerror(ctypes.get_errno())
    return fd


def who(fd):
    """The pids that it tells of."""
    pids, data = set(), os.read(fd, 1 << 20)
    while data:
        pids.add(struct.unpack_from("=IBBHQii", data)[6])
        data = data[struct.unpack_from("=I", data)[0]:]
    os.close(fd)
    return pids


def test_much_state_is_removed_beside_other_work(up):
    """Many and deep, a link and a pipe among them; what the link names stays.  None of it
    is unlinked by the supervisor itself: for how long, the container decides."""
    shell(up, "a", {"/data": "!Statedir {path: /x, user: 1000}"},
          "cd /data; busybox ln -s /etc/passwd link; busybox mkfifo pipe", "user-id: 1000\n")
    says(up, "web.1", "a")
    outside = up.top / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    (up.top / "state/volumes/web.1/web/x/out").symlink_to(outside)
    (up.top / "state/volumes/web.1/web/x" / ("d/" * 300)).mkdir(parents=True)
    for i in range(600):
        (up.top / "state/volumes/web.1/web/x" / ("f%d" % i)).touch()
    heard, pids = deletes(up.top / "state/volumes/web.1/web/x"), {up.meshd.pid}
    gone(up, "web.1")
    a_day_later(up, "web.1")
    pids.add(up.meshd.pid)
    # Also by the next one, when this one is killed meanwhile.
    up.kill()
    up.start()
    pids.add(up.meshd.pid)
    wait_for(lambda: os.listdir(up.top / "state/volumes/.gone") == [], 60)
    others = who(heard)
    assert others and not others & pids
    assert os.listdir(up.top / "state/volumes") == [".gone"]
    assert (outside / "kept").read_text() == "x" and os.path.exists("/etc/passwd")


def test_what_can_not_be_removed_keeps_nothing_else(up):
    up.kill()
    old = up.top / "state/volumes/.gone"
    for i in range(20):
        (old / ("e%d" % i) / "below").mkdir(parents=True)
    subprocess.run(["mount", "--bind", up.top, old / "e7/below"], check=True)
    try:
        up.start()
        wait_for(lambda: os.listdir(old) == ["e7"])
        wait_for(lambda: "cannot remove what is gone: Device or resource busy" in (up.top / "stderr").read_text())
    finally:
        subprocess.run(["umount", "-l", old / "e7/below"], check=True)


def test_killed_at_each_step_of_a_start(node, countdown):
    """What was made has its owner by then, or is made again; what is there is as it was."""
    (node.top / "db").mkdir()
    sandbox(node)
    steps = Steps(node, countdown)
    after, died, script = 0, True, "echo $(busybox stat -c '%u %a' /data /s)"
    while died:
        after += 1
        image, instance = "a%d" % after, "web.%d" % after
        shell(node, image, {"/data": "!Persistent {path: /db/x%d/y, mkdir: true, mode: 0o750, user: 1000}" % after,
                            "/s": "!Statedir {path: /z, mode: 0o700, user: 1000}"}, script, "user-id: 1000\n")
        (node.images / image / "etc/hosts").write_text("")
        node.start()
        steps.arm(OWN, after)
        node.say("START ticket=9 instance=%s image=%s config=/config/run.yaml sandbox=web role=web" % (instance, image))
        died = steps.come(lambda e: e["kind"] == "state" and e["state"] == "running") is None
        steps.rest()
        node.kill()
        node.start()
        assert node.run(instance, image)["code"] == 0
        assert node.printed(instance, "DONE").splitlines()[0] == "1000 750 1000 700", after
        for name in (node.top / ("db/x%d" % after), node.top / ("state/volumes/%s/web" % instance)):
            assert [n for n in os.listdir(name) if n.endswith(".new")] == []
        gone(node, instance)
        node.kill()
    assert after > 15


# --- /etc, /run, /dev/shm --------------------------------------------------------------
def etc(node, image, script="", files=("hosts", "resolv.conf"), extra="", **kinds):
    node.shell(image, script + "cat /etc/hosts; cat /etc/resolv.conf; echo DONE; exec sleep 1000", extra=extra, **kinds)
    for name in files:
        (node.images / image / "etc" / name).write_text("of the image\n")


def test_hosts_and_resolv_conf(up):
    """The host's, the sandbox's additions, or the image's own; nobody can write there."""
    me = os.uname().nodename
    (up.top / "h").write_text("10.9.9.9 other %s # me" % me)
    (up.top / "r").write_text("nameserver 10.0.0.53\n")
    plain = "hosts-file: {top}/h\nresolv-conf: {top}/r\n".replace("{top}", str(up.top))
    sandbox(up, plain + "additional-hosts: {db: 10.0.0.1, six: 'fd00::1'}\n")
    etc(up, "a", "(echo x >/etc/hosts) 2>&1; (echo x >/etc/resolv.conf) 2>&1; cat /proc/self/mountinfo; echo FILES;")
    text = says(up, "web.1", "a")
    assert text.split("FILES\n")[1] == "10.9.9.9 other %s # me\n10.0.0.1 db\nfd00::1 six\nnameserver 10.0.0.53\nDONE" % me
    assert text.count("Read-only file system") == 2
    for path in ("/etc/hosts", "/etc/resolv.conf"):
        assert {"ro", "nosuid", "nodev", "noexec"} <= flags(text, path)
    gone(up, "web.1")
    assert os.listdir(up.top / "run/supervisor") == []
    etc(up, "b", extra="hosts-file: {copy-from-host: false}\nresolv-conf: {mount: off}\n")
    assert says(up, "web.2", "b") == ("127.0.0.1 localhost.localdomain localhost\n10.9.9.9 %s\n10.0.0.1 db\nfd00::1 six\n"
                                      "of the image\nDONE" % me)
    etc(up, "c", extra="hosts_file: {mount: no}\nresolv_conf: {copy_from_host: no}\n")
    assert says(up, "web.3", "c") == "of the image\nof the image\nDONE"
    etc(up, "d", extra="hosts-file: {mount: auto, copy-from-host: on, localhost: on}\n", files=["resolv.conf"])
    assert "nameserver 10.0.0.53" in says(up, "web.4", "d").splitlines()  # stderr's line may come between
    # As lithos' images have it.
    shell(up, "s", {"/state": "!Statedir"}, "cat /etc/hosts /etc/resolv.conf", "user-id: 1000\n")
    (up.images / "s/etc/hosts").symlink_to("/state/hosts")
    (up.images / "s/etc/resolv.conf").symlink_to("/state/resolv.conf")
    assert says(up, "web.5", "s").splitlines()[1:] == ["10.0.0.1 db", "fd00::1 six", "nameserver 10.0.0.53", "DONE"]


def test_what_it_makes_in_its_state_keeps_it_from_no_start(up):
    """Names that we use there, taken by directories with something in them; and that of a file that we put there."""
    (up.top / "r").write_text("nameserver 10.0.0.53\n")
    sandbox(up, "resolv-conf: %s/r\n" % up.top)
    names = [".hosts.new", ".resolv.conf.new", ".y.new"]
    shell(up, "s", {"/state": "!Statedir", "/y": "!Statedir {user: 1000, path: /y}"},
          "cd /state; for d in %s; do busybox mkdir -p $d/in; done; busybox rmdir y" % " ".join(names), "user-id: 1000\n")
    pid = up.up("web.1", "s")["pid"]
    up.printed("web.1", "DONE")
    state = up.top / "state/volumes/web.1/web"
    (state / "resolv.conf").write_text("another\n")
    (state / "hosts").unlink()
    (state / "hosts/in").mkdir(parents=True)
    os.kill(children_of(pid)[0], 9)
    wait_for(lambda: up.log("web.1").count("DONE") == 2)
    assert (state / "resolv.conf").read_text() == "nameserver 10.0.0.53\n"
    assert sorted(os.listdir(state)) == sorted([*names, "hosts", "resolv.conf"])
    assert os.listdir(state.parent) == ["web"] and (state / "hosts/in").is_dir()
    assert "no hosts is put into its state: a directory has that name there" in (up.top / "stderr").read_text()


def test_hosts_that_can_not_be_had(up):
    (up.top / "h").write_text("127.0.0.1 localhost\n")
    (up.top / "r").write_text("nameserver 10.0.0.53\n")
    plain = "hosts-file: {top}/h\nresolv-conf: {top}/r\n".replace("{top}", str(up.top))
    sandbox(up, plain)
    must = "hosts-file: {mount: on}\nresolv-conf: {mount: off}\n"
    etc(up, "a", extra=must, files=[])
    fails(up, "web.1", "a", "web.1: mount /etc/hosts: the image needs an empty file there, and not a symlink")
    # A link in the image, out of the image and to one of its own: nothing is mounted over either.
    etc(up, "b", extra=must, files=["resolv.conf"])
    (up.images / "b/etc/hosts").symlink_to("resolv.conf")
    fails(up, "web.2", "b", "mount /etc/hosts: the image needs an empty file there, and not a symlink")
    etc(up, "c", files=["real"], extra="resolv-conf: {mount: off}\n")
    (up.images / "c/etc/hosts").symlink_to("real")
    os.mkfifo(up.images / "c/etc/resolv.conf")
    up.shell("c", "cat /etc/hosts; echo DONE; exec sleep 1000", name="more")
    assert says(up, "web.3", "c", config="/config/more.yaml") == "of the image\nDONE"
    etc(up, "d", extra="hosts-file: {copy-from-host: off}\n")
    fails(up, "web.4", "d", "web.4: hosts-file: public-hostname: %s/h has no address for '%s': write it there, or say "
          "public-hostname: off" % (up.top, os.uname().nodename))
    (up.top / "r").unlink()
    (up.top / "r").symlink_to("/etc/shadow")
    etc(up, "e")
    fails(up, "web.5", "e", "web.5: resolv-conf: refusing %s/r: a regular file of at most 64 KiB that all may read is needed" % up.top)
    etc(up, "f", extra="resolv-conf: {mount: on, copy-from-host: off}\n")
    refused(up, "web.6", "f", "resolv-conf: mount: on, and copy-from-host: off: there is nothing to mount")
    sandbox(up, "additional-hosts: {db: db.example}\n")
    refused(up, "web.6", "f", "web.yaml:7:24: additional-hosts.db: 'db.example' is not an address (IPv4 or IPv6)")
    sandbox(up, "additional-hosts: {'a b': 10.0.0.1}\n")
    refused(up, "web.6", "f", "web.yaml:7:20: additional-hosts: key 'a b' must be a host's name")


def test_run_and_shm(up):
    """A small /run where the image has one and no volume is there; /dev/shm of any size."""
    script = "touch /run/mine && echo made; busybox df -k /dev/shm | busybox tail -n1; cat /proc/self/mountinfo"
    shell(up, "a", {"/dev/shm": "!Tmpfs {size: 5Mi}"}, script, "user-id: 1000\n")
    (up.images / "a/run").mkdir()
    text = says(up, "web.1", "a")
    assert "made" in text and " 5120 " in text
    assert {"rw", "nosuid", "nodev", "noexec", "size=16384k"} <= flags(text, "/run")
    shell(up, "b", {"/run": "!Tmpfs {size: 1Mi}"}, script, "user-id: 1000\n")
    text = says(up, "web.2", "b")
    assert text.count(" /run ") == 1 and "size=1024k" in flags(text, "/run")
    shell(up, "c", {}, script, "user-id: 1000\n")
    (up.images / "c/run").symlink_to("/tmp")
    text = says(up, "web.3", "c")
    assert " /run " not in text and text.count(" /tmp ") == 1
