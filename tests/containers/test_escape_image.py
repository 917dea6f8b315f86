"""What an image, or a volume that somebody else wrote in, tries to have done for it
by the supervisor, each twice: the real one refuses or is not impressed, and
without just that defence (daemon/base/weak.h) it works.
"""
import os
import pathlib
import re
import shutil
import subprocess

import pytest
import weak
from conftest import BUILD, USER, children_of, wait_for
from image_files import pack

USERLAND = "roles: [web]\nuserns: off\n"


@pytest.fixture(scope="module")
def hosts(programs, weak_programs, escape):
    """The real one, and the one that leaves out what it is told to."""
    both = [weak.Host(programs), weak.Host(weak_programs)]
    for host in both:
        host.escape = escape
        (host.top / "secret").write_text("x")
        (host.top / "db").mkdir()
        os.chown(host.top / "db", 1000, 1000)
        paths = "writable-paths: {/db: %s}\n" % (host.top / "db")
        host.sandbox("web", "default-user: 1000\n" + paths)
        host.sandbox("user", "default-user: 1000\nallow-users: [1000]\nallow-groups: [1000]\n" + USERLAND + paths)
        host.sandbox("root", "default-user: 0\nallow-users: [0]\nallow-groups: [0]\n" + USERLAND + paths)
        plant(host, "good")
        host.start()
        assert host.ask("ROLE", role="web")["code"] == 0
    yield both
    for host in both:
        host.close()


def plant(host, image):
    top = host.image(image)
    if not (top / "escape").exists():
        shutil.copy(host.escape, top / "escape")
    return top


def swap(host, image, name, to):
    """An image whose directory `name` is a link."""
    top = plant(host, image)
    if (top / name).is_dir() and not (top / name).is_symlink():
        (top / name).rmdir()
    (top / name).symlink_to(to)


def both(hosts, try_, refusal, off, image="good", sandbox="web", extra="", left=()):
    """Refused by the real one in these words, done without these defences, and
    refused still without each set in left."""
    said = hosts[0].tries(image, [try_], sandbox, extra)
    if refusal is None:
        assert said[try_] != "escaped"
    else:
        assert isinstance(said, str) and refusal in said, said
    for some in left:
        said = hosts[1].tries(image, [try_], sandbox, extra, some.split())
        assert isinstance(said, str) or said[try_] != "escaped", some
    assert hosts[1].tries(image, [try_], sandbox, extra, off.split())[try_] == "escaped"


# --- mount points --------------------------------------------------------------------
def test_dev_is_a_link(hosts):
    """The devices would be made where the image wants them."""
    for host in hosts:
        swap(host, "dev", "dev", "/etc")
    both(hosts, "read:/etc/zero", "mount /dev: it is a symlink in the image", "beneath", "dev")


def test_proc_is_a_link(hosts):
    """/proc would be a directory that the application fills."""
    for host in hosts:
        swap(host, "proc", "proc", "/tmp")
    both(hosts, "create:/proc/mine", "mount /proc: it is a symlink in the image", "beneath", "proc")


def test_tmp_is_a_link(hosts):
    for host in hosts:
        swap(host, "tmp", "tmp", "/etc")
    both(hosts, "create:/etc/mine", "mount /tmp: it is a symlink in the image", "beneath", "tmp")


@pytest.mark.parametrize("name", ["hosts", "resolv.conf"])
@pytest.mark.parametrize("mount, refusal", [("auto", None), ("true", "the image needs an empty file there, and not a symlink")])
def test_a_file_of_etc_is_a_link(hosts, name, mount, refusal):
    """What mesh makes would be put over another file of the image."""
    image = name + mount
    for host in hosts:
        (plant(host, image) / "config/empty").write_text("")
        (host.images / image / "etc" / name).symlink_to("../config/empty")
    both(hosts, "read:/config/empty", refusal, "beneath", image,
         extra="%s: {mount: %s}\n" % ("hosts-file" if name == "hosts" else "resolv-conf", mount))


@pytest.mark.parametrize("to", ["/proc", "proc/sys", "/dev"])
def test_volume_target_is_a_link(hosts, to):
    """No target may be below /proc or /dev, and a link is no way around that."""
    image = "target" + to.replace("/", "-")
    for host in hosts:
        swap(host, image, "link", to)
    both(hosts, "create:/%s/mine" % to, "mount /link: it is a symlink in the image", "beneath", image,
         extra="volumes: {/link: !Tmpfs {size: 1Mi}}\n")


def test_proc_is_the_images_own(hosts):
    """What root writes below /proc would land in a file of the image: only a
    fresh procfs is mounted, what is not one is not taken for it, and the image
    is read-only; each of these is enough."""
    files = []
    for host in hosts:
        own = plant(host, "fake") / "proc/self"
        own.mkdir()
        files.append(own / "oom_score_adj")
        files[-1].write_text("mine")
    hosts[0].tries("fake", ["fds"])
    for some in ("fresh-proc is-procfs", "fresh-proc readonly", "is-procfs readonly"):
        hosts[1].tries("fake", ["fds"], off=some.split())
        assert [f.read_text() for f in files] == ["mine", "mine"]
    hosts[1].tries("fake", ["fds"], off=["fresh-proc", "is-procfs", "readonly"])
    assert [f.read_text() for f in files] == ["mine", "200"]


# --- ways out of an image or a volume ----------------------------------------------------
def test_volume_path_is_a_link_out(hosts):
    """A container leaves `way -> /` in a volume that it may write in; the next one's
    volume is a path below it: what is there is mounted, or made, on the host."""
    for host in hosts:
        assert host.tries("good", ["link:/data/way"], extra="volumes: {/data: !Persistent /db}\n")["link:/data/way"] == "escaped"
        assert os.readlink(host.top / "db/way") == "/"
    inside, made = "/db/way%s" % hosts[1].top, "/db/way%s/made" % hosts[1].top
    both(hosts, "read:/data/secret", "volume /data: cannot open ", "beneath",
         extra="volumes: {/data: !Readonly %s}\n" % inside)
    both(hosts, "read:/escape", "volume /data: cannot open ", "beneath",
         extra="volumes: {/data: !Persistent {path: %s, mkdir: true}}\n" % made)
    assert not (hosts[0].top / "made").exists() and (hosts[1].top / "made").is_dir()


def test_image_is_a_link_out(hosts):
    for host in hosts:
        top = plant(host, "elsewhere")
        top.rename(host.top / "elsewhere")
        (host.images / "elsewhere").symlink_to("../elsewhere")
    said = hosts[0].tries("elsewhere", ["read:/escape"])
    assert "image elsewhere: is or goes through a symlink" in said
    assert hosts[1].tries("elsewhere", ["read:/escape"], off=["beneath"])["read:/escape"] == "escaped"


def test_container_file_is_a_path_of_the_host(hosts):
    """Looked up as if the image were "/": the host's own file is not there."""
    for host in hosts:
        (host.top / "host.yaml").write_text("kind: Daemon\nexecutable: /escape\narguments: ['read:/escape']\n")
    keys = [{"config": str(host.top / "host.yaml")} for host in hosts]
    assert "No such file or directory" in hosts[0].outcome("web.901", "good", **keys[0])
    assert hosts[1].outcome("web.901", "good", ["inside"], **keys[1]) == {"read:/escape": "escaped"}


def test_container_file_is_a_file_of_the_host(hosts):
    """By a hard link: its words would come back in the error."""
    for host in hosts:
        (host.top / "passwords").write_text("hunter2: x\n")
        (host.top / "passwords").chmod(0o600)
        os.link(host.top / "passwords", host.images / "good/config/hard.yaml")
    said = hosts[0].outcome("web.902", "good", config="/config/hard.yaml")
    assert "it has 2 names" in said and "hunter2" not in said
    assert "hunter2" in hosts[1].outcome("web.902", "good", ["one-name"], config="/config/hard.yaml")


def test_container_file_hangs_who_opens_it(hosts):
    """A FIFO: it must be a file, is opened so that nothing waits, and not by the supervisor."""
    for host in hosts:
        os.mkfifo(host.images / "good/config/fifo.yaml")
    keys = {"config": "/config/fifo.yaml"}
    assert "not a regular file" in hosts[0].outcome("web.903", "good", **keys)
    assert "not a regular file" in hosts[1].outcome("web.903", "good", ["nonblock"], **keys)
    assert isinstance(hosts[1].outcome("web.903", "good", ["regular"], **keys), str)
    hosts[1].without("regular", "nonblock")
    hosts[1].say("START ticket=777 instance=web.903 image=good config=/config/fifo.yaml sandbox=web role=web")

    def hangs(pid):
        return re.search("fifo|partner", pathlib.Path("/proc/%d/wchan" % pid).read_text())
    wait_for(lambda: any(hangs(p) for p in children_of(hosts[1].meshd.pid)))
    assert not hangs(hosts[1].meshd.pid)
    os.close(os.open(hosts[1].images / "good/config/fifo.yaml", os.O_WRONLY))
    hosts[1].event(kind="reply", ticket=777)
    hosts[1].without()


@pytest.mark.parametrize("conf", ["meshd-conf", "weak/meshd-conf"])
def test_container_file_without_an_end(programs, node, conf):
    """A sparse terabyte is never read to its end: no more than a MiB of it."""
    node.programs = node.top / "programs"
    node.programs.mkdir(mode=0o755)
    for name in ("meshd", "meshd-engine", "meshd-init", "meshd-script"):
        shutil.copy(programs / name, node.programs)
    shutil.copy(BUILD / conf, node.programs / "meshd-conf")
    node.image("a", run="kind: Daemon\nexecutable: /bin/sleep\narguments: ['1000']\n" + "# more\n" * 200000, sparse="#")
    os.truncate(node.images / "a/config/sparse.yaml", 1 << 40)
    node.start()
    reply = node.run("web.1", "a")
    if conf == "meshd-conf":
        assert "a/config/run.yaml:1:1: larger than 1 MiB" in reply["text"]
        assert "a/config/sparse.yaml:1:1: larger than 1 MiB" in node.run("web.2", "a", config="/config/sparse.yaml")["text"]
    else:
        assert reply["code"] == 0


def test_workdir_is_a_descriptor_of_the_host(hosts):
    """By a descriptor that was left to us, /proc/self/fd/N is the host's "/": it is
    closed before, and where we came to is looked at; each is enough."""
    for host in hosts:
        name = str(host.top / "secret")[1:]
        keys = {"extra": "workdir: /proc/self/fd/%d\n" % weak.LEAKED, "tries": ["read:" + name], "image": "good"}
        assert "workdir /proc/self/fd/%d: No such file or directory" % weak.LEAKED in host.tries(**keys)
    assert "No such file" in hosts[1].tries(**keys, off=["cwd-inside"])
    assert "it is not in the image" in hosts[1].tries(**keys, off=["keep-ours"])
    assert hosts[1].tries(**keys, off=["keep-ours", "cwd-inside"]) == {"read:" + name: "escaped"}


def test_image_of_the_engines_user(hosts):
    for host in hosts:
        os.chown(plant(host, "others"), USER, USER)
    both(hosts, "read:/escape", "image others: owned by uid %d, must be owned by root" % USER, "root-owned", "others")


@pytest.mark.parametrize("try_, off", [("run:/suid", "nosuid nnp allow-list deny-list landlock landlock-bind"), ("read:/zero", "nodev")])
def test_image_in_a_file_with_programs_of_root_and_devices(hosts, try_, off):
    image = "file-" + try_[:3]
    for host in hosts:
        top = plant(host, image)
        (top / "suid").write_bytes(host.escape.read_bytes())
        (top / "suid").chmod(0o4755)
        os.mknod(top / "zero", 0o20666, os.makedev(1, 5))
        (top / "zero").chmod(0o666)
        (top / "config/run.yaml").write_text("kind: Daemon\nexecutable: /escape\narguments: ['%s']\nenviron: {MESH_WEAK: '%s'}\n" % (try_, off))
        pack(host, image, "erofs")
    assert hosts[0].outcome(hosts[0].next_name(), image)[try_] != "escaped"
    assert hosts[1].outcome(hosts[1].next_name(), image, off.split())[try_] == "escaped"


# --- what the engine's user may write in -------------------------------------------------
def test_rendered_files_are_no_programs(hosts):
    for host in hosts:
        shutil.copy(host.escape, host.top / "state/rendered/web/program")
        os.chown(host.top / "state/rendered/web/program", USER, USER)
    both(hosts, "run:/rendered/program", None, "rendered-noexec", sandbox="root",
         extra="volumes: {/rendered: !Readonly /rendered}\n")


def test_rendered_is_swapped(hosts):
    """What is checked before it is used lies in a directory of the engine's."""
    extra = "kind: Daemon\nexecutable: /escape\narguments: ['read:/rendered/secret']\nvolumes: {/rendered: !Readonly /rendered}\n"
    for host in hosts:
        (host.top / "state/rendered/web/check").symlink_to(host.top)
        (host.images / "good/config/staged.yaml").write_text(extra)
    keys = {"config": "/config/staged.yaml", "flags": 1}
    assert "cannot open rendered/web/check" in hosts[0].outcome("web.904", "good", **keys)
    assert hosts[1].outcome("web.904", "good", ["beneath"], **keys) == {"read:/rendered/secret": "escaped"}


# --- the init -------------------------------------------------------------------------------
@pytest.mark.parametrize("off", ["", "sealed", "unreadable", "sealed unreadable"])
def test_init_is_overwritten(programs, weak_programs, escape, off):
    """All inits are one file.  Who holds it, by /proc/PID/exe handed out of a
    container, writes in it once none runs (till then the kernel says ETXTBSY):
    here the test does, as nobody.  It is sealed, and of a mode that lets nobody
    open it; without both the next container's pid 1 is the writer's program."""
    host = weak.Host(weak_programs if off else programs)
    host.escape = escape
    try:
        plant(host, "good")
        host.off.write_text(off)
        host.shell("good", "exec sleep 1000")
        host.start()
        pid = host.up("web.1", "good")["pid"]
        exe = os.open("/proc/%d/exe" % pid, os.O_RDONLY)
        host.ask("STOP", instance="web.1")
        host.event(kind="state", instance="web.1", state="gone")
        done = subprocess.run(["dd", "of=/proc/self/fd/%d" % exe], stdin=open(host.escape, "rb"), user=65534, group=65534,
                              extra_groups=[], stderr=subprocess.PIPE, pass_fds=[exe])
        os.close(exe)
        assert {"sealed unreadable": b"copied", "unreadable": b"Operation not permitted"}.get(
            off, b"Permission denied") in done.stderr, done.stderr
        host.say("START ticket=99 instance=web.2 image=good config=/config/run.yaml sandbox=web role=web")
        if off == "sealed unreadable":
            host.printed("web.2", "REPLACED")
        else:
            host.event(kind="state", instance="web.2", state="running")
    finally:
        host.close()
