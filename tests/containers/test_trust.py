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
    os.mkfifo(node.top / "state/supervisor/.tmp-.ranges")  # of a save cut short
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


# --- what the engine sends -------------------------------------------------------------
@pytest.mark.parametrize("fd", ["pipe", "memfd", "/", "/etc/passwd", "/dev/null"])
def test_variables_only_in_a_sealed_memfd(node, fd):
    node.shell("a", "exec sleep 1000")
    node.start()
    reply = node.run("web.1", "a", fd=fd)
    assert (reply["code"], reply["text"]) == (3, "variables: not a sealed memfd")
    node.up("web.1", "a")


def test_unread_keys_take_no_descriptors(node):
    node.shell("a", "exec sleep 1000")
    node.start()
    assert node.ask("KEY", flags=2)["code"] == 0
    fds = lambda: len(os.listdir("/proc/%d/fd" % node.meshd.pid))
    before = fds()
    node.say("MUTE 1")
    for i in range(1500):
        node.say("KEY ticket=%d" % (5000 + i))
    # MUTE keeps the driver from reading events only: this one is read after all of them.
    node.say("START ticket=1 instance=web.1 image=a config=/config/run.yaml sandbox=web role=web")
    wait_for(lambda: node.leaves() == ["web.1.1"], 30)
    assert fds() - before <= 20
    node.say("MUTE 0")
    codes = [node.event(kind="key", seconds=20)["code"] for i in range(1500)]
    assert set(codes) == {0, 5} and node.ask("KEY")["code"] == 0


def test_descriptors_are_raised_for_us_alone(node):
    import resource
    import subprocess
    node.shell("a", "exec sleep 1000")
    soft = lambda pid: int(next(l for l in pathlib.Path("/proc/%d/limits" % pid).read_text().splitlines()
                                if l.startswith("Max open files")).split()[3])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    node.stderr = open(node.top / "stderr", "ab")
    node.meshd = subprocess.Popen([node.programs / "meshd", "--config", node.config], stderr=node.stderr,
                                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard)))
    node.connect()
    node.say("WHO")
    assert soft(node.event(kind="who")["pid"]) == 256
    assert soft(node.meshd.pid) == hard > 256
    assert soft(children(node.up("web.1", "a"))[0]) == 1024


def test_engine_that_closes_its_socket_is_replaced(node):
    """It ignores TERM as well."""
    node.start()
    node.say("WHO")
    first = node.event(kind="who")["pid"]
    node.say("CLOSE")
    wait_for(lambda: "closed its socket and did not end: killed" in (node.top / "stderr").read_text())
    node.connect()
    node.say("WHO")
    assert node.event(kind="who")["pid"] != first
    node.shell("a", "exec sleep 1000")
    node.up("web.1", "a")


# --- accounts ---------------------------------------------------------------------------
@pytest.mark.parametrize("user, conf, text", [
    (64780, 64780, "user and conf-user are both uid 64780"),
    (700000001, 64781, "user: uid 700000001 lies in uid-range"),
    (64780, 700000001, "conf-user: uid 700000001 lies in uid-range"),
])
def test_accounts_are_apart(node, user, conf, text):
    node.config.write_text(node.config.read_text().replace("user: 64780\nconf-user: 64781", "user: %d\nconf-user: %d" % (user, conf)))
    code, err = node.run_once("--config", node.config)
    assert code == 3 and text in err


# --- places ------------------------------------------------------------------------------
@pytest.mark.parametrize("which", ["state", "run", "log"])
def test_a_directory_of_others_is_not_taken(node, which):
    place = node.top / which
    place.mkdir(mode=0o755)
    (place / "dpkg.log").write_text("x")
    before = place.stat()
    code, err = node.run_once("--config", node.config)
    assert code == 4 and err.startswith("meshd: %s: refusing: mode 0755, gid 0, and holds dpkg.log: " % place), err
    assert err.count("\n") == 1
    after = place.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


@pytest.mark.parametrize("which", ["state", "run", "log"])
def test_a_directory_of_another_user_is_not_taken(node, which):
    (node.top / which).mkdir()
    os.chown(node.top / which, 1000, 1000)
    assert node.run_once("--config", node.config) == (
        4, "meshd: %s/%s: refusing: owned by uid 1000, must be owned by root\n" % (node.top, which))


@pytest.mark.parametrize("which", ["state/supervisor", "state/volumes", "state/rendered", "run/supervisor"])
def test_a_directory_of_ours_that_another_made(node, which):
    """Who made it holds it open, and knows what is in it."""
    for name in (which.split("/")[0], which):
        (node.top / name).mkdir()
    os.chown(node.top / which, USER, USER)
    assert node.run_once("--config", node.config) == (
        4, "meshd: %s/%s: refusing: owned by uid %d, must be owned by root; move it away\n" % (node.top, which, USER))


def test_directories_made_for_us_are_taken(node):
    """Empty ones, the user's own, one with images in it; and ours again."""
    (node.top / "state/images").mkdir(parents=True)
    (node.top / "run").mkdir()
    os.chown(node.top / "run", USER, USER)
    (node.top / "log").mkdir(mode=0o700)
    node.shell("a", "echo UP; exec sleep 1000")
    node.start()
    node.up("web.1", "a")
    node.printed("web.1", "UP")
    node.kill()
    node.start()
    assert stat.S_IMODE((node.top / "log").stat().st_mode) == 0o750
