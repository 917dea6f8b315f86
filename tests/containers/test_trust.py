"""The engine's user may write in state-dir and runs what it likes there: what
root reads or runs must never be its making."""
import os
import pathlib
import stat

import pytest
from conftest import USER, wait_for


def outside(node, up):
    return [int(x) for x in pathlib.Path("/proc/%d/uid_map" % children(up)[0]).read_text().split()]


def children(up):
    from conftest import children_of
    return wait_for(lambda: children_of(up["pid"]))


# --- outside ids -------------------------------------------------------------------
def test_ranges_are_roots_alone(node):
    """Whatever lies in state-dir under the names of old: it is never looked at."""
    node.shell("a", "exec sleep 1000")
    node.start()
    os.mkfifo(node.top / "state/ranges")
    (node.top / "state/.ranges.tmp").write_text("4294967295 web\n")
    os.chown(node.top / "state/.ranges.tmp", USER, USER)
    up = node.up("web.1", "a")
    assert outside(node, up) == [0, 700000000, 65536]
    path = node.top / "state/supervisor/.ranges"
    assert path.read_text() == "0 web\n"
    st = path.stat()
    assert (st.st_uid, stat.S_IMODE(st.st_mode)) == (0, 0o600)
    node.sandbox("db", "default-user: 1000\n")
    assert outside(node, node.up("db.1", "a", sandbox="db", role="db"))[1] == 700065536


@pytest.mark.parametrize("text", ["x\n", "4294967295 web\n", "54855 web\n", "0 web\n0 db\n", "0 web"])
def test_corrupt_ranges_are_refused(node, text):
    node.shell("a", "exec sleep 1000")
    node.start()
    (node.top / "state/supervisor/.ranges").write_text(text)
    reply = node.run("web.1", "a")
    assert reply["code"] == 4 and "state-dir/supervisor/.ranges:" in reply["text"], reply
    assert node.leaves() == []


def test_ranges_that_would_hang_or_are_not_roots(node):
    node.shell("a", "exec sleep 1000")
    node.start()
    path = node.top / "state/supervisor/.ranges"
    os.mkfifo(path)
    assert "must be a regular file of root" in node.run("web.1", "a")["text"]
    path.unlink()
    path.write_text("0 web\n")
    path.chmod(0o666)
    assert "must be a regular file of root" in node.run("web.1", "a")["text"]
    path.unlink()
    os.mkfifo(node.top / "state/supervisor/..ranges.tmp")  # of a save cut short
    node.up("web.1", "a")


# --- images --------------------------------------------------------------------------
def test_images_dir_in_state_dir_is_made_for_root(node):
    node.config.write_text(node.config.read_text().replace(str(node.images), "%s/state/my/images" % node.top))
    node.start()
    for name in ("my", "my/images"):
        st = (node.top / "state" / name).stat()
        assert (st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)) == (0, 0, 0o755)
    node.images = node.top / "state/my/images"
    node.shell("a", "exec sleep 1000")
    node.up("web.1", "a")


def test_image_of_another_user(node):
    """The image, any level above it, the directory of images, the container file."""
    node.sandbox("web", "default-user: 1000\nimage-dir-levels: 2\n")
    node.shell("g/a", "exec sleep 1000")
    node.start()
    for path, text in ((node.images, "web.1: image g/a: %s: " % node.images),
                       (node.images / "g", "web.1: image g/a: g: "), (node.images / "g/a", "web.1: image g/a: "),
                       (node.images / "g/a/config/run.yaml", "web.1: g/a/config/run.yaml: refusing: ")):
        mode = stat.S_IMODE(path.stat().st_mode)
        os.chown(path, USER, USER)
        reply = node.run("web.1", "g/a")
        assert reply["code"] == 3 and reply["text"].startswith(text) and "%d" % USER in reply["text"], reply
        os.chown(path, 0, 0)
        path.chmod(mode | 0o020)
        reply = node.run("web.1", "g/a")
        assert reply["code"] == 3 and reply["text"].startswith(text) and "mode %04o" % (mode | 0o020) in reply["text"], reply
        path.chmod(mode)
    node.up("web.1", "g/a")


def test_images_dir_may_be_roots_link(node):
    node.shell("a", "exec sleep 1000")
    link = node.top / "link"
    link.symlink_to(node.images)
    node.config.write_text(node.config.read_text().replace("images-dir: %s" % node.images, "images-dir: %s" % link))
    node.start()
    node.up("web.1", "a")
    os.chown(link, USER, USER, follow_symlinks=False)
    assert "a link owned by uid %d" % USER in node.run("web.2", "a")["text"]


def test_container_file_is_looked_at_before_it_is_opened(node):
    """A device node in an image is never opened: here one that would say ENXIO."""
    top = node.image("a")
    os.mknod(top / "config/run.yaml", 0o600 | stat.S_IFCHR, os.makedev(10, 254))
    node.start()
    assert node.run("web.1", "a")["text"] == "web.1: a/config/run.yaml: not a regular file"
