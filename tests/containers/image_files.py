"""Images that are files: made, and looked for afterwards."""
import fcntl
import os
import pathlib
import shutil
import subprocess

from conftest import wait_for

FORMS = ("erofs", "squashfs")
KERNEL = tuple(int(n) for n in os.uname().release.split("-")[0].split(".")[:2])
MAPS_IDS = {"erofs": (5, 19), "squashfs": (6, 2), "tmpfs": (6, 3)}  # since this Linux
MOUNTS_FILES = {"erofs": (6, 12)}  # without a loop device


def maps_ids(form):
    """Can this kernel id-map mounts of such a file system?"""
    return KERNEL >= MAPS_IDS[form]


def loops_of(*forms):
    """How many loop devices an image of each of these forms takes."""
    return sum(KERNEL < MOUNTS_FILES.get(form, (99, 0)) for form in forms)


def takes(node, *forms, names=("web",)):
    """Sandboxes that take such images: with a user namespace, where this kernel can."""
    for name in names:
        node.sandbox(name, "default-user: 1000\n" + ("" if all(map(maps_ids, forms)) else "userns: off\n"))


def not_mapped(node, instance, name, sandbox="web"):
    """Its start fails for just that, and says what to do."""
    reply = node.run(instance, name, sandbox=sandbox)
    assert reply["code"] == 0, reply["text"]
    told = node.event(kind="state", instance=instance, state="backoff")["text"]
    assert told == "%s: image %s: its file system can't be id-mapped; set userns: off in sandbox '%s' to accept less isolation" % (
        instance, name, sandbox)
    node.ask("STOP", instance=instance)


def pack(node, name, form, *more, to=None):
    """The directory images/NAME becomes images/NAME.FORM; the file."""
    top = node.images / name
    out = to or node.images / ("%s.%s" % (name, form))
    quiet = {"stdout": subprocess.DEVNULL, "check": True}
    if form == "erofs":
        subprocess.run(["mkfs.erofs", "--quiet", "--all-root", *more, out, top], **quiet)
    else:
        subprocess.run(["mksquashfs", top, out, "-noappend", "-all-root", "-quiet", "-no-progress",
                        "-processors", "1", "-comp", "zstd", "-Xcompression-level", "1", *more], **quiet)
    shutil.rmtree(top)
    return out


def shell(node, name, form, script="echo UP; exec sleep 1000", **keys):
    """An image whose container runs a shell script, in a file of this form."""
    node.shell(name, script, **keys)
    return pack(node, name, form)


def is_free(path):
    """Nobody has this file open: no mount, no loop device, no descriptor."""
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return True
    except BlockingIOError:
        return False
    finally:
        os.close(fd)


def loops(node):
    """Loop devices of the node's files."""
    found = []
    for p in pathlib.Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            if str(node.top) in p.read_text():
                found.append(p.parts[3])
        except OSError:
            pass  # it just went
    return found


def all_free(node, seconds=10):
    """What was mounted of the node's image files is not any more."""
    wait_for(lambda: all(is_free(p) for p in node.images.iterdir() if p.is_file()) and not loops(node), seconds, 0.05)


def device_of(pid, path="/"):
    """Which file system a process sees there."""
    return os.stat("/proc/%d/root%s" % (pid, path)).st_dev
