"""Images that are one file, erofs or squashfs: they run as directories do, are
mounted once, and are gone with the last that has them."""
import contextlib
import os
import pathlib
import signal
import subprocess

import pytest
from conftest import BUILD, children_of, wait_for
from image_files import FORMS, all_free, device_of, is_free, loops, loops_of, maps_ids, not_mapped, pack, shell, takes
from steps import OWN, Steps, countdown, state_of
from test_crash import listed
from weak import Host

ROOT_LINE = "while read a b c d e f g; do case $e in /) echo MOUNT $f $g;; esac; done </proc/self/mountinfo; "


@pytest.mark.parametrize("userns", ["", "userns: off\n"])
@pytest.mark.parametrize("form", FORMS)
def test_an_image_in_a_file(node, form, userns):
    """Read-only, nodev, nosuid; root's files are root's inside, in a user namespace too."""
    node.sandbox("web", "default-user: 1000\n" + userns)
    path = shell(node, "a", form, ROOT_LINE + "busybox stat -c 'OWNER %u' /bin/busybox; touch /x 2>&1; echo DONE; exec sleep 1000")
    node.start()
    if not userns and not maps_ids(form):
        not_mapped(node, "web.1", "a")
        node.kill()
        all_free(node)
        return
    up = node.up("web.1", "a")
    said = node.printed("web.1", "DONE")
    mount = next(l for l in said.splitlines() if l.startswith("MOUNT")).split()
    assert {"ro", "nosuid", "nodev"} <= set(mount[1].split(",")) and " ".join(mount).count("- " + form) == 1
    assert "OWNER 0" in said and "Read-only file system" in said
    assert not is_free(path) and len(loops(node)) == loops_of(form)
    assert node.ask("STOP", instance="web.1")["code"] == 0
    node.event(kind="state", instance="web.1", state="gone")
    assert not os.path.exists("/proc/%d" % up["pid"])
    node.kill()
    all_free(node)


def test_a_directory_in_memory(node):
    """On tmpfs, whose ids older kernels can't map: they say so."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", node.images], check=True)
    try:
        node.shell("a", "busybox stat -c 'OWNER %u' /bin/busybox; exec sleep 1000")
        node.start()
        if not maps_ids("tmpfs"):
            not_mapped(node, "web.1", "a")
            node.sandbox("web", "default-user: 1000\nuserns: off\n")
        node.up("web.2", "a")
        node.printed("web.2", "OWNER 0")
        node.ask("STOP", instance="web.2")
        node.event(kind="state", instance="web.2", state="gone")
        node.kill()
    finally:
        subprocess.run(["umount", "-l", node.images], check=True)


def again(node, up):
    """Its application dies; the pid of the next run."""
    os.kill(wait_for(lambda: children_of(up["pid"]))[0], signal.SIGKILL)
    return wait_for(lambda: next((e["pid"] for e in listed(node).values() if e["instance"] == up["instance"] and
                                  e["state"] == "running" and e["pid"] != up["pid"]), None))


def test_one_mount_for_all(node):
    """All instances share it, and start from it after their application died."""
    takes(node, "squashfs", names=("web", "db"))
    shell(node, "a", "squashfs", extra="restart-timeout: 50ms\n")
    node.start()
    ups = [node.up(i, "a", sandbox=i[:-2], role=i[:-2]) for i in ("web.1", "web.2", "db.1")]
    assert len({device_of(up["pid"]) for up in ups}) == 1 and len(loops(node)) == 1
    assert device_of(again(node, ups[0])) == device_of(ups[1]["pid"]) and len(loops(node)) == 1


def test_a_new_supervisor_takes_over(node):
    """kill -9: containers keep their mount; it ends with them, and new ones get one."""
    takes(node, *FORMS)
    path = shell(node, "a", "erofs")
    shell(node, "b", "squashfs")
    node.start()
    ups = [node.up("web.1", "a"), node.up("web.2", "b")]
    node.kill()
    assert all(os.path.exists("/proc/%d/root/bin/busybox" % up["pid"]) for up in ups)
    node.start()
    assert [listed(node)[i]["pid"] for i in ("web.1", "web.2")] == [up["pid"] for up in ups]
    node.up("web.3", "a")
    assert not is_free(path)
    for i in ("web.1", "web.2", "web.3"):
        node.ask("STOP", instance=i)
        node.event(kind="state", instance=i, state="gone")
    node.kill()
    all_free(node)


def test_names(node):
    """With either suffix or with none; the first bytes say what it is."""
    takes(node, *FORMS)
    shell(node, "a", "erofs")
    shell(node, "c", "squashfs").rename(node.images / "c")
    shell(node, "b", "squashfs").rename(node.images / "b.erofs")
    node.start()
    for i, image in enumerate("abc"):
        node.up("web.%d" % i, image)
    assert len(loops(node)) == loops_of("erofs", "squashfs", "squashfs")


def test_levels(node):
    node.sandbox("web", "default-user: 1000\nimage-dir-levels: 2\n")
    (node.images / "g").mkdir()
    path = shell(node, "a", "erofs")
    path.rename(node.images / "g/a.erofs")
    node.start()
    node.up("web.1", "g/a")


def test_a_command(node):
    shell(node, "a", "erofs", script="echo hello", kind="Command")
    node.start()
    node.say("RUN ticket=9 instance=web.c image=a config=/config/run.yaml sandbox=web role=web")
    assert node.event(kind="exit", ticket=9)["exit_status"] == 0


# --- the same name is the same image -----------------------------------------------
def stderr(node):
    return (node.top / "stderr").read_text()


def test_replaced_while_it_is_used(node):
    """Another file of that name waits until no instance has the old one."""
    shell(node, "new", "erofs", "echo NEW; exec sleep 1000")
    shell(node, "a", "erofs", "echo OLD; exec sleep 1000")
    node.start()
    first = node.up("web.1", "a")
    os.rename(node.images / "new.erofs", node.images / "a.erofs")
    wait_for(lambda: "image a: another file has its name now: instances go on with the one that is mounted" in stderr(node))
    node.up("web.2", "a")
    assert "OLD" in node.printed("web.2", "OLD")
    os.kill(first["pid"], 0)
    for i in ("web.1", "web.2"):
        node.ask("STOP", instance=i)
        node.event(kind="state", instance=i, state="gone")
    node.up("web.3", "a")
    assert "NEW" in node.printed("web.3", "NEW")
    assert stderr(node).count("another file has its name") == 1


def test_gone_while_it_is_used(node):
    """What runs can be started again; who has none is told that it is not there."""
    takes(node, "squashfs")
    path = shell(node, "a", "squashfs", extra="restart-timeout: 50ms\n")
    node.start()
    up = node.up("web.1", "a")
    path.unlink()
    wait_for(lambda: "image a: its file is gone: instances go on with what is mounted" in stderr(node))
    again(node, up)
    node.ask("STOP", instance="web.1")
    node.event(kind="state", instance="web.1", state="gone")
    assert node.run("web.2", "a")["text"] == "web.2: image a: not found under %s" % node.images
    wait_for(lambda: not loops(node))


def test_written_over_while_it_is_used(node):
    path = shell(node, "a", "erofs")
    shell(node, "b", "erofs", "echo NEW; exec sleep 1000")
    node.start()
    node.up("web.1", "a")
    path.write_bytes((node.images / "b.erofs").read_bytes())
    wait_for(lambda: "image a: its file was written to while it is mounted: what runs from it may fail" in stderr(node))
    node.up("web.2", "a")
    assert "NEW" in node.printed("web.2", "NEW")


def test_two_images_of_one_make(node):
    """Made with the same times, a file in one looks like that of another; what was said
    of the one is not taken for the other."""
    same = {"erofs": ("-T0", "-U", "11111111-1111-1111-1111-111111111111"), "squashfs": ("-mkfs-time", "0", "-all-time", "0")}
    takes(node, *FORMS)
    for form in FORMS:
        for word in ("ONE", "TWO"):
            node.shell("a", "echo %s; exec sleep 1000" % word)
            os.utime(pack(node, "a", form, *same[form], to=node.top / (form + word)), (1, 1))
    node.start()
    for form in FORMS:
        for i, word in enumerate(("ONE", "TWO")):
            os.replace(node.top / (form + word), node.images / "a.x")
            os.replace(node.images / "a.x", node.images / "a")
            name = "%s.%d" % (form, i)
            node.up(name, "a")
            assert word in node.printed(name, "O")
            node.ask("STOP", instance=name)
            node.event(kind="state", instance=name, state="gone")


# --- kernels that can do less ------------------------------------------------------
@pytest.mark.parametrize("form, off", [("erofs", "no-loop"), ("erofs", "copies"), ("erofs", "no-loop copies"), ("squashfs", "copies")])
def test_older_kernels(weak_programs, node, form, off):
    """erofs by a loop device (before 6.12), a mount for each instance (before 6.15)."""
    node.programs = weak_programs
    (node.top / "off").write_text(off)
    node.env = {"MESH_WEAK": str(node.top / "off")}
    takes(node, form)
    shell(node, "a", form)
    node.start()
    for i in range(3):
        node.up("web.%d" % i, "a")
        node.printed("web.%d" % i, "UP")
    assert len(loops(node)) == (loops_of(form) or "no-loop" in off)
    for i in range(3):
        node.ask("STOP", instance="web.%d" % i)
        node.event(kind="state", instance="web.%d" % i, state="gone")
    node.kill()
    all_free(node)


# --- nothing is left ---------------------------------------------------------------
@pytest.mark.parametrize("form", FORMS)
def test_many_cycles(node, form):
    """And a file that can't be mounted, each time.  What nobody has is closed after a while."""
    takes(node, form)
    shell(node, "a", form)
    (node.images / ("bad." + form)).write_bytes((node.images / ("a." + form)).read_bytes()[:2048] + bytes(1 << 21))
    node.start()
    fds = lambda: len(os.listdir("/proc/%d/fd" % node.meshd.pid))

    def cycle(n):
        for i in range(n):
            node.up("web.1", "a")
            assert node.run("web.2", "bad")["code"] == 3
            node.ask("STOP", instance="web.1")
            node.event(kind="state", instance="web.1", state="gone")
    cycle(3)
    before = fds()
    cycle(int(os.environ.get("CYCLES", 20)))
    wait_for(lambda: fds() <= before)
    node.up("web.1", "a")  # or its image may be closed by now
    assert len(loops(node)) == loops_of(form)
    node.ask("STOP", instance="web.1")
    node.event(kind="state", instance="web.1", state="gone")
    all_free(node)
    assert fds() < before


@pytest.mark.parametrize("form", FORMS)
def test_killed_at_each_step(node, countdown, form):
    """kill -9 of the supervisor before each outside call of the first start from a file."""
    steps = Steps(node, countdown)
    takes(node, form)
    shell(node, "a", form)
    n, done = 0, False
    while not done:
        n += 1
        node.start()
        steps.arm(OWN, n)
        node.say("START ticket=%d instance=web.1 image=a config=/config/run.yaml sandbox=web role=web" % n)

        def over():
            node.lines.ready()
            return steps[3] or (node.group() / "@web/web.1.1").exists()
        wait_for(over, 10, 0.001)
        done = not steps[3]
        steps.rest()
        node.kill()
        if not done:
            all_free(node)
    assert n > 5


# --- a directory without an end ------------------------------------------------------
ENTRIES = 5000


def endless(node, name):
    """An image with a directory whose names the kernel reads one by one to say that another is not there: this
    many; with a million it took 600 ms, with what a squashfs file can hold it takes half a minute."""
    node.shell(name, "exec sleep 1000")
    for i in range(ENTRIES):
        os.symlink("x", node.images / name / ("config/rz%s%07d" % ("z" * 200, i)))
    pack(node, name, "squashfs")


def asked_at_once(node, *lines):
    """The supervisor gets all of these in one turn."""
    os.kill(node.meshd.pid, signal.SIGSTOP)
    for line in lines:
        node.say(line)
    node.say("WHO")
    node.event(kind="who")
    os.kill(node.meshd.pid, signal.SIGCONT)


START = "START ticket=%d instance=%s image=%s config=/config/%s.yaml sandbox=web role=web"


def test_a_long_look_up_is_nobody_elses(node):
    """Who asks for a file in such a directory waits for that, and the supervisor does not."""
    endless(node, "a")
    node.start()
    node.up("web.1", "a")
    asked_at_once(node, START % (900, "web.2", "a", "rx"), "LIST ticket=901")
    first = node.event(kind="reply", ticket=900)
    assert any(e["kind"] == "end" and e["ticket"] == 901 for e in node.events), "it waited for the look-up"
    assert "No such file or directory" in first["text"]

    def at_once():
        """Known now; and its sandbox is no file any more that was just written (cache.h)."""
        node.ticket += 2
        asked_at_once(node, START % (node.ticket - 1, "web.2", "a", "rx"), "LIST ticket=%d" % node.ticket)
        node.event(kind="end", ticket=node.ticket)
        if any(e["kind"] == "reply" and e["ticket"] == node.ticket - 1 for e in node.events):
            return True
        node.event(kind="reply", ticket=node.ticket - 1)
        return False
    node.ticket = 1000
    wait_for(at_once)
    assert listed(node)["web.1"]["state"] == "running"


def children_in(node, states):
    """Its children in these states."""
    found = []
    for pid in children_of(node.meshd.pid):
        with contextlib.suppress(OSError):
            if state_of(pid) in states:
                found.append(pid)
    return found


def test_a_look_up_that_does_not_end(weak_programs):
    """The START is refused after 5 s, and what looks is left to itself; a STOP does not wait for it."""
    host = Host(weak_programs)
    try:
        host.shell("a", "exec sleep 1000")
        host.start()
        host.without("prompt-look")
        at = host.images / "a/config"
        subprocess.run(["mount", "-t", "tmpfs", "none", at], check=True)  # nobody has looked in it
        try:
            host.say(START % (900, "web.1", "a", "run"))
            looks = wait_for(lambda: children_in(host, "T"))
            assert host.ask("STOP", instance="web.1")["code"] == 0
            wait_for(lambda: not os.path.exists("/proc/%d" % looks[0]))
            host.say(START % (902, "web.1", "a", "run"))
            refused = host.event(kind="reply", ticket=902, seconds=30)
            assert "web.1: image a: looking for a file in it took more than 5 s" in refused["text"]
            wait_for(lambda: not children_in(host, "TZ"))
        finally:
            subprocess.run(["umount", at], check=True)
        host.without()
        host.up("web.1", "a")
    finally:
        host.close()
