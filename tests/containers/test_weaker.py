"""What makes one container weaker than the others: only by two names, its own file's and its sandbox's.

Each is given to who asks and may, refused to who asks and may not, never given to
who does not ask, and told by `mesh audit` as allowed.
"""
import json
import os
import re
import shutil
import subprocess

import pytest
import weak
from conftest import BUILD, children_of, wait_for
from test_audit import audit, judge  # noqa: F401 (a fixture)

SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
SANDBOXES = {
    "web": "default-user: 1000\ncapabilities: [CHOWN, KILL, SETUID, NET_RAW, SYS_ADMIN]\nallow-exec: yes\n"
           "seccomp: {allow-unconfined: yes, profiles: {nest: [unshare, ptrace], wrong: [read, unshar]}}\n",
    "off": "default-user: 1000\nallow-users: [1000]\nallow-groups: [1000]\nroles: [web]\nuserns: off\n"
           "capabilities: [CHOWN, NET_BIND_SERVICE, SETUID, KILL]\n",
}
# In the file system of the container, by its application, then by a child of it.
CHOWN = ("cd /data; for i in 1 2; do echo x >f; chown 5 f && echo SON $i of $(busybox stat -c %u f); done; "
         "cat /proc/self/status /proc/1/status; echo UP; exec sleep 1000")
SLEEP = "exec sleep 1000"
DATA = "volumes: {/data: !Tmpfs {size: 1Mi, mode: 0o777}}\n"


@pytest.fixture
def host(node):
    for name, text in SANDBOXES.items():
        node.sandbox(name, text)
    node.image("a")
    for tool in ("chown", "grep"):
        (node.images / "a/bin" / tool).symlink_to("busybox")
    node.start()
    return node


def sets(text):
    """All values of the capability sets in some status files."""
    return {int(v, 16) for key in SETS for v in re.findall(r"^%s:\s+(\w+)$" % key, text, re.M)}


def test_capabilities(host, judge):  # noqa: F811
    """Just those, in every set, also past an exec; by its pid 1 and by mesh audit the same."""
    for box, asked, bits, names in (("web", "", 0, None), ("web", "CHOWN", 1, "CHOWN"),
                                    ("off", "NET_BIND_SERVICE, CHOWN", 1 << 10 | 1, "CHOWN NET_BIND_SERVICE"),
                                    ("web", "SETUID, KILL", 0xa0, "KILL SETUID")):
        name = "%s.%d" % (box, bits)
        host.shell("a", CHOWN, extra=DATA + ("capabilities: [%s]\n" % asked if asked else ""))
        host.up(name, "a", sandbox=box)
        said = host.printed(name, "UP")
        assert sets(said) == {bits}, (asked, said)
        assert said.count("NoNewPrivs:\t1") == 2 and said.count("Seccomp:\t2") == 2
        assert ("SON 1 of 5" in said and "SON 2 of 5" in said) == bool(bits & 1), said
        found = judge(audit(host, name))
        assert found["weaker"] == [], found
        assert [t for t in found["allowed"] if "capabilities" in t] == \
            ["%s: has the capabilities %s: its sandbox allows them" % (who, names)
             for who in ("app", "init") if names], found
        # More than asked for is weaker, whoever gave it.
        document = audit(host, name)
        assert any("app: CapEff is '" in t for t in judge(document.replace(
            b"CapEff:\t%016x" % bits, b"CapEff:\t%016x" % (bits | 1 << 21)))["weaker"])


def refused(host, box, line, why):
    """A container file with that line, in that sandbox."""
    host.shell("a", "true", extra=line + "\n")
    said = host.run("no.1", "a", sandbox=box)
    assert said["code"] == 3 and why in said["text"], said


def test_capabilities_refused(host):
    for box, asked, why in (
            ("web", "FOWNER", "a/config/run.yaml:4:16: capabilities: sandbox 'web' does not allow FOWNER: it has to be in "
                              "capabilities: of "),
            ("web", "SYS_ADMIN", "capabilities: SYS_ADMIN leads out of a container, so no sandbox can allow it"),
            ("web", "NET_RAW", "capabilities: NET_RAW does nothing in a user namespace: sandbox 'web' needs `userns: off`"),
            ("off", "SETUID, KILL", "capabilities: SETUID would reach the host, as sandbox 'off' says `userns: off`"),
            ("web", "SETUID", "SETUID needs KILL beside it"),
            ("web", "CHWN", "unknown value 'CHWN'; did you mean 'CHOWN'?")):
        refused(host, box, "capabilities: [%s]" % asked, why)
    assert host.leaves() == []


def test_stopped_as_another_user(host):
    """SETUID and KILL: who became another user gets its TERM from its pid 1 still."""
    host.sandbox("web", "default-user: 0\nallow-users: [0]\ncapabilities: [KILL, SETUID, SETGID]\n")
    (host.images / "a/bin/su").symlink_to("busybox")
    (host.images / "a/etc/passwd").write_text("root:x:0:0::/:/bin/sh\napp:x:77:77::/:/bin/sh\n")
    (host.images / "a/etc/group").write_text("root:x:0:\napp:x:77:\n")
    host.image("a", run="executable: /bin/su\narguments: [-s, /bin/sh, app, -c, %s]\nkill-timeout: 60\n"
               "capabilities: [SETUID, SETGID, KILL]\n" % json.dumps(
                   "trap 'echo TERMINATED; exit 7' TERM; id -u; grep Cap /proc/self/status; echo UP; sleep 1000 & wait $!"))
    host.up("web.1", "a")
    said = host.printed("web.1", "UP")
    assert said.startswith("77\n"), said
    assert host.ask("STOP", instance="web.1")["code"] == 0
    wait_for(lambda: "TERMINATED" in host.log("web.1"))


# What is tried, and what comes of it by default.
TRIES = {"unshare": "EPERM", "clone": "EPERM", "personality": "EPERM", "clone3": "ENOSYS"}


def test_seccomp(host, escape, judge):  # noqa: F811
    """A profile adds its calls and nothing else; unconfined is none at all; each by the sandbox's word alone."""
    shutil.copy(escape, host.images / "a/escape")
    other = "default-user: 1000\nroles: [web]\nseccomp: {allow-unconfined: no}\n"
    host.sandbox("other", other)
    pids = {}
    for asked, box, escaped, told in (
            ("default", "other", set(), None),
            ("nest", "web", {"unshare"}, "init: has the system calls of the profile nest too: its sandbox allows it"),
            ("unconfined", "web", set(TRIES), "app: Seccomp is '0': its sandbox allows `seccomp: unconfined`")):
        host.image("a", run="executable: /escape\narguments: [%s]\nseccomp: %s\n" % (", ".join(TRIES), asked))
        name = "web.%s" % asked
        pids[name] = host.up(name, "a", sandbox=box)["pid"]
        said = dict(line.split("=") for line in host.printed(name, "DONE").splitlines() if "=" in line)
        assert said == {t: "escaped" if t in escaped else no for t, no in TRIES.items()}, (asked, said)
        found = judge(audit(host, name))
        assert found["weaker"] == [] and [t for t in found["allowed"] if told and t == told] == [told] * bool(told), found
        assert told or found["allowed"] == [], found
        if box == "other":
            continue
        # A command beside it is filtered as it is.
        p = subprocess.run([BUILD / "mesh", "--socket", host.top / "run/ctl", "exec", name, "--", "grep", "Seccomp",
                            "/proc/self/status"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
        ours = open("/proc/%d/status" % pids[name]).read()
        assert p.stdout and p.stdout in ours, (p, ours)
    # Whoever was allowed less had less: the same document, as if nobody had asked.
    document = audit(host, "web.unconfined")
    assert any("app: Seccomp is '0', not 2" in t
               for t in judge(document.replace(b"unconfined", b"UNCONFINED"))["weaker"])
    for box, asked, why in (
            ("other", "unconfined", "a/config/run.yaml:4:10: seccomp: sandbox 'other' does not allow unconfined: "
                                    "`seccomp: {allow-unconfined: yes}` in "),
            ("off", "unconfined", "seccomp: sandbox 'off' does not allow unconfined"),
            ("other", "nest", "a/config/run.yaml:4:10: seccomp: sandbox 'other' has no profile 'nest': seccomp: profiles: of "),
            ("web", "../web", "seccomp: "),
            ("web", "wrong", "web.yaml:4:84: seccomp: profile 'wrong': 'unshar' is no system call of this machine; did you mean 'unshare'?")):
        refused(host, box, "seccomp: " + asked, why)
    # A supervisor that comes later starts it again from the record alone.
    host.sandbox("web", "default-user: 1000\n")
    host.kill()
    host.start()
    os.kill(children_of(pids["web.nest"])[0], 9)
    assert wait_for(lambda: host.log("web.nest").count("unshare=escaped") == 2)


# (asked for in the container file, what is tried, what is left out, what is said where it is not)
NOT_GIVEN = [
    ("capabilities: [NET_RAW]", "raw", "caps-named", "does not allow NET_RAW"),
    ("capabilities: [MKNOD]", "mknod:/data/zero", "caps-never nodev", "MKNOD leads out"),
    ("capabilities: [KILL, SETUID]", "become:64780", "caps-reach", "SETUID would reach the host"),
    ("seccomp: unconfined", "unshare", "seccomp-named", "does not allow unconfined"),
]


def test_what_is_not_named_is_what_holds(weak_programs, escape):
    """Each gets out with what it asks for, where only the rule that refuses it is left out."""
    host = weak.Host(weak_programs)
    host.sandbox("web", "default-user: 1000\nallow-users: [1000]\nallow-groups: [1000]\nuserns: off\n"
                 "capabilities: [MKNOD, KILL, SETUID]\n")
    try:
        shutil.copy(escape, host.image("a") / "escape")
        host.start()
        for asked, what, off, why in NOT_GIVEN:
            held = host.tries("a", [what], extra=asked + "\n" + DATA)
            assert isinstance(held, str) and why in held, held
            for one in [[]] + [[d for d in off.split() if d != one] for one in off.split()[1:]]:
                assert host.tries("a", [what], extra=asked + "\n" + DATA, off=one) != {what: "escaped"}, one
            assert host.tries("a", [what], extra=asked + "\n" + DATA, off=off.split()) == {what: "escaped"}, what
    finally:
        host.close()


def test_an_edit_holds_at_once(host):
    """Of a profile, of a container's capabilities: who has it from there restarts, nobody else.  What is taken back from who
    asks for it is refused, and told; that one runs on as it was."""
    host.shell("a", SLEEP, extra="seccomp: nest\n")
    host.shell("a", SLEEP, name="caps", extra="capabilities: [CHOWN]\n")
    host.shell("a", SLEEP, name="plain")
    files = {"web.1": "/config/run.yaml", "web.2": "/config/caps.yaml", "web.3": "/config/plain.yaml"}
    pids = {name: host.up(name, "a", config=files[name])["pid"] for name in files}

    def edited(names, restarts=(), refused=()):
        for _ in names:
            host.event(kind="state", hash=0)
        for name in names:
            said = host.run(name, "a", config=files[name])
            assert said["code"] == (3 if name in refused else 0), said
            told = host.event(kind="state", instance=name, state="running")
            assert (told["pid"] != pids[name]) == (name in restarts), (name, told)
            assert told["text"] == said["text"], (told, said)
            pids[name] = told["pid"]

    less = SANDBOXES["web"].replace("[unshare, ptrace]", "[ptrace]")
    host.sandbox("web", less)
    edited(files, restarts=["web.1"])
    host.shell("a", SLEEP, name="caps", extra="capabilities: [CHOWN, KILL]\n")
    edited(["web.2"], restarts=["web.2"])
    assert sets(open("/proc/%d/status" % pids["web.2"]).read()) == {0x21}
    host.sandbox("web", less.replace("CHOWN, KILL", "KILL"))
    edited(files, refused=["web.2"])
    assert sets(open("/proc/%d/status" % pids["web.2"]).read()) == {0x21}
