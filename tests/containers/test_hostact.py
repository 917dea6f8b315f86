"""Named host actions: the engine says a name and a role, all else is the administrator's
word; and an engine gone bad gets no more by it than that."""
import os
import subprocess

import pytest
from conftest import USER, wait_for


class Acts:
    """A host with host-actions.yaml, and a role that has a rendered file."""

    def __init__(self, node):
        self.node = node
        self.file = node.top / "etc/lithos-configs/host-actions.yaml"
        self.out = node.top / "out"
        self.out.mkdir()

    def write(self, text):
        self.file.write_text(text)
        self.file.chmod(0o644)

    def shell(self, script, more="", name="reload"):
        self.write("%s:\n  command:\n    - /bin/sh\n    - -c\n    - |\n      %s\n  roles: [web]\n%s" % (name, script, more))

    def do(self, name="reload", role="web", **keys):
        """What came of it: ("reply" or "exit", the event)."""
        n = self.node
        n.ticket += 1
        n.say("HOST ticket=%d instance=%s role=%s %s" % (n.ticket, name, role, " ".join("%s=%s" % kv for kv in keys.items())))
        while True:
            e = n.next(20)
            if e["ticket"] == n.ticket and e["kind"] in ("reply", "exit"):
                return e["kind"], e

    def refused(self, why, **keys):
        kind, e = self.do(**keys)
        assert kind == "reply" and e["code"] != 0 and why in e["text"], e

    def failed(self, why):
        kind, e = self.do()
        assert (kind, e["exit_status"]) == ("exit", 126 << 8) and why in e["text"], e

    def done(self):
        kind, e = self.do()
        assert (kind, e["code"], e["exit_status"]) == ("exit", 0, 0), e
        return e["text"]

    def render(self, text, name="conf", gen=1):
        """As an engine leaves it."""
        role = self.node.top / "state/rendered/web"
        if not role.exists():
            assert self.node.ask("ROLE", role="web")["code"] == 0
        d = role / "gens" / str(gen)
        d.mkdir(parents=True, exist_ok=True)
        (d / name).write_text(text)
        for p in (role / "gens", d, d / name):
            os.chown(p, USER, USER)
        point(role, "gens/%d" % gen)
        return d / name


def point(role, where):
    (role / "next").symlink_to(where)
    (role / "next").rename(role / "current")


def checked(acts):
    return subprocess.run([acts.node.programs / "meshd", "--check", acts.node.top / "etc"], capture_output=True, text=True, check=False)


def groups(node):
    return [p.name for p in node.group().iterdir() if p.name.startswith(".action")]


@pytest.fixture
def acts(node):
    return Acts(node)


def test_a_name_and_a_role_are_all(acts):
    """No shell but the administrator's, no environment, no descriptor, nothing of it left behind."""
    node = acts.node
    acts.shell('env >{0}/env; ls -l /proc/self/fd >{0}/fds; cat /proc/self/cgroup >{0}/group; sleep 1000 & echo one; echo two; exit 3'
               .format(acts.out))
    node.start()
    kind, e = acts.do()
    assert (kind, e["code"], e["exit_status"], e["text"]) == ("exit", 0, 3 << 8, "two")
    env = dict(line.split("=", 1) for line in (acts.out / "env").read_text().splitlines())
    assert set(env) - {"PWD", "SHLVL", "_", "OLDPWD"} == {"PATH", "LC_ALL"}
    links = [line for line in (acts.out / "fds").read_text().splitlines() if " -> " in line]
    assert len(links) == 4 and links[0].endswith("0 -> /dev/null")  # and that of the directory itself
    assert node.cgroup + "/.action" in (acts.out / "group").read_text()
    wait_for(lambda: not groups(node))

    acts.shell("id -u; exit 0", "  user: %d\n" % USER)
    assert acts.done() == str(USER)

    # Who is not named, what is not there, and more than a name.
    acts.refused("is not for role other", role="other")
    acts.refused("there is none of that name", name="format-disk")
    for bad in ({"name": "../reload"}, {"name": "a/b"}, {"role": ".."}, {"role": "x/../y"}, {"image": "app"},
                {"config": "/etc/passwd"}, {"sandbox": "web"}, {"flags": 1}, {"fd": "/etc/passwd", "image": "x"}):
        acts.refused("a name and a role are all that can be said", **bad)
    # It is the engine that a name without an end, or a message of another size, ends; not the supervisor.
    for line in ("HOST ticket=1 role=web instance=" + "x" * 90, "RAW 100"):
        node.say(line)
        wait_for(lambda: (node.top / "stderr").read_text().count("is not a request: killed") > 0)
        node.connect()
        assert acts.done() == str(USER)


def test_whose_file_it_is(acts):
    """Another's, or one that others may write, says nothing; and a broken one is told with its line."""
    acts.node.start()
    acts.refused("No such file")
    acts.shell("exit 0")
    assert acts.done() == ""
    os.chown(acts.file, USER, USER)
    acts.refused("must be owned by root")
    os.chown(acts.file, 0, 0)
    for mode in (0o664, 0o646):
        acts.file.chmod(mode)
        acts.refused("must not be writable by group or others")
    for text, why in (("reload: {command: [/bin/true]}\n", "host-actions.yaml:1:9: reload: missing key 'roles'"),
                      ("reload: {command: [], roles: [web]}\n", "host-actions.yaml:1:19: reload.command:"),
                      ("reload: {command: [true], roles: [web]}\n", "absolute path"),
                      ("reload: {command: [/bin/true], roles: [web], user: nobody-has-it}\n", "no account 'nobody-has-it'"),
                      ("reload: {command: [/bin/true], roles: [web], shell: yes}\n", "unknown key 'shell'"),
                      ("reload: {command: [/bin/true], roles: [web], timeout: 30}\n", "timeout"),
                      ("reload: {command: [/bin/true], roles: [web], files: {a/b: {to: /x/y}}}\n", "a/b"),
                      ("reload: {command: [/bin/true], roles: [web], files: {a: {to: x}}}\n", "reload.files.a.to"),
                      ("broken\n", "host-actions.yaml:1:1")):
        acts.write(text)
        acts.refused(why)
        p = checked(acts)  # mesh check says it before anybody runs it
        assert p.returncode == 1 and any(line.startswith("error: ") and why in line for line in p.stdout.splitlines()), p
    acts.shell("exit 0")
    p = checked(acts)
    assert (p.returncode, "ok: %s\n" % acts.file in p.stdout) == (0, True), p


def test_time_and_output_are_bounded(acts):
    """One that hangs is killed with what it started; one that never stops talking keeps nobody else waiting."""
    node = acts.node
    acts.shell("trap '' TERM; (sleep 1000; echo late) & echo begun; sleep 1000", "  timeout: 2s\n")
    node.start()
    kind, e = acts.do()
    assert kind == "exit" and e["code"] != 0 and e["text"] == "took more than 2000 ms: killed; its last line: begun", e
    wait_for(lambda: not groups(node))

    acts.shell("yes 0123456789; exit 1", "  timeout: 3s\n")
    node.ticket += 1
    node.say("HOST ticket=%d instance=reload role=web" % node.ticket)
    ticket = node.ticket
    wait_for(lambda: groups(node))
    acts.refused("is under way, for role web")  # one at a time
    node.ask("LIST")
    e = node.event(kind="exit", ticket=ticket)
    assert "took more than 3000 ms" in e["text"] and "its last line: 0" in e["text"] and len(e["text"]) < 400
    # Nor does one line without an end, or what would hurt a terminal.
    acts.shell("head -c 3000000 /dev/zero | tr '\\\\0' x; printf '\\\\033[2Jx'; exit 4")
    kind, e = acts.do()
    assert (kind, e["exit_status"]) == ("exit", 4 << 8) and "\033" not in e["text"] and 100 < len(e["text"]) < 400
    # It ends with the supervisor, and the next one begins with nothing.
    acts.shell("sleep 1000")
    node.say("HOST ticket=7777 instance=reload role=web")
    wait_for(lambda: groups(node))
    node.kill()
    acts.shell("echo here")
    node.start()
    assert not groups(node) and acts.done() == "here"


def test_files_are_copied(acts):
    """Rendered ones, to where the administrator says: whole or not, and only if that changes something."""
    to = acts.out / "app.conf"
    acts.node.start()
    acts.shell("cat {0}; exit 0".format(to), "  files: {conf: {to: %s, mode: \"0640\", owner: %d}}\n" % (to, USER))
    acts.failed("nothing is rendered")
    acts.render("one\n")
    assert acts.done() == "one"
    st = to.stat()
    assert (st.st_mode & 0o7777, st.st_uid, st.st_gid) == (0o640, USER, USER)
    assert acts.done() == "one" and to.stat().st_ino == st.st_ino
    acts.render("two\n", gen=2)
    assert acts.done() == "two" and sorted(p.name for p in acts.out.iterdir()) == ["app.conf"]
    # What lies there is replaced, not followed.
    prey = acts.node.top / "prey"
    prey.write_text("mine")
    to.unlink()
    to.symlink_to(prey)
    assert acts.done() == "two" and prey.read_text() == "mine" and not to.is_symlink()
    # A directory that is not root's alone, or behind a symlink.
    acts.out.chmod(0o777)
    acts.failed("must be owned by root, and writable by nobody else")
    acts.out.chmod(0o755)
    os.chown(acts.out, USER, USER)
    acts.failed("must be owned by root, and writable by nobody else")
    os.chown(acts.out, 0, 0)
    real = acts.node.top / "real"
    acts.out.rename(real)
    acts.out.symlink_to(real)
    acts.failed("there is a symlink in it")


def test_what_an_engine_gone_bad_renders(acts):
    """Its directory is its own: links there, soft and hard, and what is no file, lead nowhere."""
    node, to = acts.node, acts.out / "app.conf"
    node.start()
    acts.shell("exit 0", "  files: {conf: {to: %s}}\n" % to)
    file = acts.render("good\n")
    role = file.parent.parent.parent
    secret = node.top / "secret"
    secret.write_text("root's own")
    secret.chmod(0o600)
    for where in ("/etc", "../../..", "gens/../../..", "gens/1/", "gens/1x", "gens/"):
        point(role, where)
        acts.failed("its current generation is none")
    point(role, "gens/9")
    acts.failed("its current generation can't be opened")
    point(role, "gens/1")
    for make, why in ((lambda: file.symlink_to(secret), "conf: "), (lambda: os.link(secret, file), "is not a plain file of the engine's"),
                      (lambda: os.mkfifo(file), "is not a plain file"), (file.mkdir, "is not a plain file"),
                      (lambda: file.write_bytes(b"x" * 10), "is not a plain file of the engine's"),
                      (lambda: (file.write_bytes(b"x" * (5 << 20)), os.chown(file, USER, USER)), "is larger than 4 MiB"), (lambda: None, "the role has no such file")):
        file.unlink(missing_ok=True)
        make()
        acts.failed(why)
        assert not to.exists()
        if file.is_dir():
            file.rmdir()
    # A generation that is a link itself.
    (role / "gens/2").symlink_to(node.top)
    point(role, "gens/2")
    acts.failed("its current generation can't be opened")
    point(role, "gens/1")
    acts.render("good\n")
    acts.done()
    assert to.read_text() == "good\n"


def test_its_engine_ends(acts):
    """What was under way goes on; a new engine, whose tickets begin again, hears nothing of it."""
    node = acts.node
    go = acts.out / "go"
    acts.shell("while [ ! -e {0} ]; do sleep 0.05; done; echo done >{1}".format(go, acts.out / "done"))
    node.start()
    node.say("HOST ticket=1 instance=reload role=web")
    wait_for(lambda: groups(node))
    node.say("EXIT 1")
    node.gone()
    node.connect()
    node.ticket = 0
    go.write_text("")
    wait_for((acts.out / "done").exists)
    wait_for(lambda: not groups(node))
    node.ask("LIST")
    assert not [e for e in node.events if e["kind"] == "exit"]
