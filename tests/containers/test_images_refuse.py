"""Images that are wrong, half-copied, for another machine or open to others: each a
refusal before anything of them runs, and nothing else is affected."""
import os
import shutil
import struct
import subprocess

import pytest
from conftest import Node, USER
from image_files import FORMS, all_free, loops, pack, shell
from steps import procs
from test_refuse import refused

EROFS, BLOCK_BITS, BLOCKS, DEVICES = 1024, 1024 + 12, 1024 + 36, 1024 + 86


@pytest.fixture(scope="module")
def host(programs):
    """With a neighbour that must not notice anything."""
    n = Node(programs)
    n.shell("good", "exec sleep 1000")
    n.start()
    neighbour = n.up("web.9", "good")
    yield n
    os.kill(neighbour["pid"], 0)
    n.close()


@pytest.fixture
def up(host):
    """Without the images and instances of the test before."""
    yield host
    for i in ("web.1", "web.2"):
        if host.ask("STOP", instance=i)["code"] == 0:
            host.event(kind="state", instance=i, state="gone")
    assert len(procs(host)) == len(host.leaves()) * 2 + 1  # an engine
    for p in host.images.iterdir():
        if p.name != "good":
            shutil.rmtree(p) if p.is_dir() and not p.is_symlink() else p.unlink()


def broken(node, form, change):
    """images/a.FORM with other bytes in it."""
    path = shell(node, "a", form)
    data = bytearray(path.read_bytes())
    new = change(data)
    path.write_bytes(data if new is None else new)


def put(fmt, at, value):
    return lambda data: struct.pack_into(fmt, data, at, value)


# --- wrong and half-copied ----------------------------------------------------------
@pytest.mark.parametrize("form, change, text", [
    ("erofs", lambda d: b"", "neither a directory nor an image file: its first bytes are of no erofs or squashfs"),
    ("erofs", lambda d: bytes(len(d)), "neither a directory nor an image file: its first bytes are of no erofs or squashfs"),
    ("erofs", lambda d: b"#!/bin/sh\n" * 200, "neither a directory nor an image file: its first bytes are of no erofs or squashfs"),
    ("erofs", lambda d: d[:len(d) // 2], "cut off: it says it has "),
    ("erofs", lambda d: d[:-1], "cut off: it says it has "),
    ("squashfs", lambda d: d[:len(d) // 2], "cut off: it says it has "),
    ("squashfs", lambda d: d[:40], "neither a directory nor an image file"),
    ("erofs", lambda d: d[:1060], "cut off: it says it has 1152 bytes, the file has 1060"),
    ("erofs", put("B", BLOCK_BITS, 40), "erofs with blocks of an odd size: the file is not a whole image"),
    ("erofs", put("<H", DEVICES, 1), "erofs with its data in another file: make it without --blobdev"),
    ("erofs", put("B", 1024 + 64, 7), "the kernel can't mount its erofs: Bad message"),  # its checksum is another
    ("squashfs", put("<H", 28, 3), "squashfs, but not of version 4"),
    ("squashfs", put("<Q", 48, 1), "the kernel can't mount its squashfs: "),
])
def test_wrong_files(up, form, change, text):
    broken(up, form, change)
    refused(up, "web.1: image a: " + text)
    assert loops(up) == []


def test_cut_off_says_what_to_do(up):
    broken(up, "erofs", lambda d: d[:-100])
    size = (up.images / "a.erofs").stat().st_size
    refused(up, "web.1: image a: cut off: it says it has %d bytes, the file has %d; copy it again under another name and "
            "rename it when it is whole" % (size + 100, size))


def test_cut_off_and_not_looked_at(weak_programs, node):
    """Without that look the kernel takes it, and it fails when what is missing is read."""
    node.programs = weak_programs
    (node.top / "off").write_text("whole-image")
    node.env = {"MESH_WEAK": str(node.top / "off")}
    broken(node, "erofs", lambda d: d[:-100])
    node.start()
    assert node.run("web.1", "a")["code"] == 0


def test_what_is_being_copied_has_no_name(up):
    """rsync's temporary names, and those that are to be renamed, begin with a dot."""
    path = shell(up, "a", "erofs")
    path.rename(up.images / ".a.erofs.Xy12Zw")
    refused(up, "web.1: image a: not found under %s" % up.images)
    for name in (".a.erofs.Xy12Zw", ".a.tmp"):
        assert up.run("web.1", name)["text"] == "web.1: bad image name"


def test_two_files_of_one_name(up):
    shell(up, "a", "erofs")
    shell(up, "a", "squashfs")
    refused(up, "web.1: image a: there is more than one file of it, a.erofs and a.squashfs: take one away")


@pytest.mark.parametrize("mode, uid, text", [
    (0o664, 0, "mode 0664, must not be writable by group or others"), (0o646, 0, "mode 0646, must not be writable by group or others"),
    (0o644, USER, "owned by uid %d, must be owned by root" % USER)])
def test_a_file_that_others_may_change(up, mode, uid, text):
    path = shell(up, "a", "erofs")
    os.chown(path, uid, 0)
    path.chmod(mode)
    refused(up, "web.1: image a: " + text)


def test_a_file_that_is_a_link_or_none(up):
    shell(up, "b", "erofs")
    (up.images / "a.erofs").symlink_to("b.erofs")
    refused(up, "web.1: image a: is or goes through a symlink")
    (up.images / "a.erofs").unlink()
    os.mkfifo(up.images / "a.erofs")
    refused(up, "web.1: image a: not a directory")


# --- what is in a file ---------------------------------------------------------------
@pytest.mark.parametrize("form", FORMS)
def test_hostile_content(up, form):
    """As in a directory: what is read of it is regular, root's, and bounded."""
    top = up.image("a", long="kind: Daemon\nexecutable: /bin/sh\n" + "# more\n" * 200000)
    os.mkfifo(top / "config/fifo.yaml")
    (top / "config/sparse.yaml").write_text("#")
    os.truncate(top / "config/sparse.yaml", 32 << 20)
    (top / "config/link.yaml").symlink_to("/../../../../etc/hostname")
    (top / "config/theirs.yaml").write_text("kind: Daemon\n")
    (top / "config/theirs.yaml").chmod(0o666)
    os.mknod(top / "config/device.yaml", 0o600 | 0o020000, os.makedev(1, 5))
    pack(up, "a", form)
    for name, text in (("fifo", "a/config/fifo.yaml: not a regular file"), ("device", "a/config/device.yaml: not a regular file"),
                       ("long", "a/config/long.yaml:1:1: larger than 1 MiB"), ("sparse", "a/config/sparse.yaml:1:1: larger than 1 MiB"),
                       ("link", "a/config/link.yaml: No such file or directory"),
                       ("theirs", "a/config/theirs.yaml: refusing: uid 0, mode 0666")):
        refused(up, "web.1: " + text, config="/config/%s.yaml" % name)


# --- programs: in a directory as in a file ---------------------------------------------
def program(up, path, data, image="a"):
    (up.images / image / path).parent.mkdir(exist_ok=True)
    (up.images / image / path).write_bytes(data)
    (up.images / image / path).chmod(0o755)


def elf(machine=62, bits=2, order=1, interp=b"", size=0):
    """The headers of a program, and as many bytes as they say."""
    end = "<" if order == 1 else ">"
    at, text = 64 + 2 * 56, interp + b"\0" * bool(interp)
    size = size or at + len(text)
    segments = struct.pack(end + "IIQQQQQQ", 1, 5, 0, 0x400000, 0, size, size, 4096)
    segments += struct.pack(end + "IIQQQQQQ", 3 if interp else 0, 4, at, 0, 0, len(text), len(text), 1)
    ident = b"\x7fELF" + bytes([bits, order, 1]) + bytes(9)
    return (ident + struct.pack(end + "HHIQQQIHHHHHH", 2, machine, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0) + segments + text)


HERE = "x86_64"
RUN = "kind: Daemon\nexecutable: /bin/app\n"


@pytest.mark.parametrize("form", ["directory", "erofs"])
@pytest.mark.parametrize("files, text", [
    ({"bin/app": elf(183)}, "a/bin/app: a program for arm64 (64 bits), and this host is %s: build the image for that" % HERE),
    ({"bin/app": elf(3, 1)}, "a/bin/app: a program for i386 (32 bits), and this host is"),
    ({"bin/app": elf(62, 1)}, "a/bin/app: a program for x86_64 (32 bits), and this host is"),
    ({"bin/app": elf(22, 2, 2)}, "a/bin/app: a program for s390x (64 bits), and this host is"),
    ({"bin/app": elf(interp=b"/lib/ld.so"), "lib/ld.so": elf(183)}, "a/lib/ld.so: a program for arm64"),
    ({"bin/app": b"#! /bin/tool -x\n", "bin/tool": elf(interp=b"/lib/ld.so"), "lib/ld.so": elf(243)}, "a/lib/ld.so: a program for riscv64"),
    ({"bin/app": elf(size=9000)}, "a/bin/app: cut off: the program has 176 bytes and needs 9000; is the image half-copied?"),
    ({"bin/app": elf(size=1 << 63)}, "a/bin/app: cut off: "),
    ({"bin/app": elf()[:40]}, "a/bin/app: cut off: the program has 40 bytes and needs 64"),
])
def test_programs(up, form, files, text):
    up.image("a", run=RUN)
    for path, data in files.items():
        program(up, path, data)
    if form != "directory":
        pack(up, "a", form)
    refused(up, "web.1: " + text)
    assert len(up.leaves()) == 1


@pytest.mark.parametrize("form", ["directory", "erofs"])
@pytest.mark.parametrize("path, mode, uid", [("bin/app", 0o775, 0), ("bin/tool", 0o757, 0), ("bin/app", 0o755, USER)])
def test_a_program_that_others_may_change(up, form, path, mode, uid):
    up.image("a", run=RUN)
    program(up, "bin/app", b"#!/bin/tool\n")
    program(up, "bin/tool", elf())
    (up.images / "a" / path).chmod(mode)
    os.chown(up.images / "a" / path, uid, 0)
    if form != "directory":
        pack(up, "a", form, *(() if uid == 0 else ("--force-uid=%d" % uid,)))
    if form != "directory" and uid:
        path = "config/run.yaml"  # all of it is
    refused(up, "web.1: a/%s: refusing: uid %d, mode %04o; %smust be owned by root and not writable by group or others"
            % (path, uid, 0o644 if "run" in path else mode, "" if "run" in path else "a program "))


def test_a_program_that_is_not_the_images(up):
    """In a volume, or not there: the start says what is wrong."""
    (up.top / "vol").mkdir()
    shutil.copy("/bin/busybox", up.top / "vol/sleep")
    (up.top / "vol/sleep").chmod(0o777)
    up.sandbox("x", "default-user: 1000\nroles: [web]\nreadonly-paths: {/vol: %s}\n" % (up.top / "vol"))
    up.image("a", run="kind: Daemon\nexecutable: /data/sleep\narguments: ['1000']\nvolumes: {/data: !Readonly /vol}\n")
    program(up, "data/sleep", elf(183))
    up.up("web.1", "a", sandbox="x")
    up.image("b", run="kind: Daemon\nexecutable: /bin/none\n")
    assert up.run("web.2", "b")["code"] == 0
    assert "exec /bin/none: No such file" in up.event(kind="state", instance="web.2", state="backoff")["text"]


def test_a_loop_of_scripts_ends(up):
    up.image("a", run=RUN)
    program(up, "bin/app", b"#!/bin/app\n")
    assert up.run("web.1", "a")["code"] == 0
    up.event(kind="state", instance="web.1", state="backoff")


def test_what_runs_is_not_touched_by_a_bad_program(up):
    """Asked for again, a program of another machine is refused, and what runs goes on."""
    up.shell("a", "exec sleep 1000")
    first = up.up("web.1", "a")
    (up.images / "a/config/run.yaml").write_text(RUN)
    program(up, "bin/app", elf(183))
    assert up.run("web.1", "a")["code"] == 3
    os.kill(first["pid"], 0)


# --- mesh check ------------------------------------------------------------------------
def check(up, *args, user=None):
    as_ = ["setpriv", "--reuid=%d" % user, "--regid=%d" % user, "--clear-groups"] if user else []
    p = subprocess.run([*as_, up.programs / "meshd", "--check", up.top / "etc", *args], capture_output=True, text=True)
    return p.returncode, p.stdout


@pytest.mark.parametrize("form", FORMS)
def test_check_of_a_file(up, form):
    path = shell(up, "a", form)
    for name in (path, up.images / "a"):
        code, said = check(up, name)
        assert code == 0 and "ok: %s/config/run.yaml in sandbox 'web'" % name in said
    up.image("b", run=RUN)
    program(up, "bin/app", elf(183), "b")
    code, said = check(up, pack(up, "b", form))
    assert code == 1 and "error: b.%s/bin/app: a program for arm64" % form in said
    path.write_bytes(path.read_bytes()[:-5000])
    code, said = check(up, path)
    assert code == 1 and "%s: cut off: it says it has " % path in said
    all_free(up)


def test_check_of_a_file_by_anybody(up):
    """Mounting is root's: who isn't is told so, and of a file that is none."""
    path = shell(up, "a", "erofs")
    assert check(up, path, user=1000) == (0, check(up)[1] + "note: %s: only root can look into an image that is a file: "
                                          "what is in it is not checked\n" % path)
    path.write_bytes(path.read_bytes()[:-1])
    code, said = check(up, path, user=1000)
    assert code == 1 and "cut off" in said


@pytest.mark.parametrize("uid, mode", [(1000, 0o644), (0, 0o664), (0, 0o646)])
def test_check_mounts_only_what_is_roots(up, uid, mode):
    """Whoever can change a file while the kernel reads it as a file system can do that to the kernel."""
    path = shell(up, "a", "erofs")
    os.chown(path, uid, 0)
    path.chmod(mode)
    code, said = check(up, path)
    assert code == 1 and ("error: %s: uid %d, mode %04o: the kernel would read it with root's rights; look into a copy "
                          "that nobody but root can change\n" % (path, uid, mode)) in said
