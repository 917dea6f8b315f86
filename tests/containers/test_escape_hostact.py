"""Host actions: what an engine gone bad, whoever else writes on this host, and the command
itself try, each twice: the real supervisor does not do it, and without just that defence
(daemon/base/weak.h) it is done."""
import os
import shutil
import stat

import pytest
import weak
from conftest import USER, wait_for
from test_hostact import Acts, point


class Tried(Acts):
    """An action of a host that can leave out defences, and what it did."""

    def do(self, name="reload", role="web", off=(), **keys):
        self.node.without(*off)
        kind, e = super().do(name, role, **keys)
        self.node.without()
        return kind, e

    def says(self, script, off=(), more=""):
        """The last line of a command that ends well."""
        self.shell(script, more)
        kind, e = self.do(off=off)
        assert (kind, e["code"], e["exit_status"]) == ("exit", 0, 0), e
        return e["text"]

    def copies(self, to, off=()):
        """Is it done?  Else why not."""
        self.shell("exit 0", "  files: {conf: {to: %s}}\n" % to)
        kind, e = self.do(off=off)
        assert kind == "exit", e
        return True if e["exit_status"] == 0 else e["text"]


@pytest.fixture(scope="module")
def hosts(programs, weak_programs, escape):
    """The real one, and the one that leaves out what it is told to."""
    both = []
    for host in (weak.Host(programs), weak.Host(weak_programs)):
        shutil.copy(escape, host.top / "escape")
        both.append(Tried(host))
        host.start()
        both[-1].render("rendered\n")
    yield both
    for acts in both:
        acts.node.close()


def said(hosts, script, off, more="", left=()):
    """What the command sees with all defences, and without: never the same."""
    real, bare = hosts[0].says(script.format(hosts[0].node.top), (), more), hosts[1].says(script.format(hosts[1].node.top), off.split(), more)
    for some in left:
        assert hosts[1].says(script.format(hosts[1].node.top), some.split(), more) == real, some
    assert real != bare
    return real, bare


# --- an engine gone bad ------------------------------------------------------------------
def test_a_role_that_may_not(hosts):
    for acts in hosts:
        acts.shell("exit 0")
    hosts[0].refused("is not for role other", role="other")
    kind, e = hosts[1].do(role="other", off=["hostact-roles"])
    assert (kind, e["exit_status"]) == ("exit", 0)


def test_another_name_of_a_secret(hosts):
    """A hard link in what it renders gives away a file that it can't read; a soft one too."""
    for acts in hosts:
        secret, file = acts.node.top / "secret", acts.node.top / "state/rendered/web/gens/1/conf"
        secret.write_text("root's own")
        secret.chmod(0o600)
        file.unlink()
        os.link(secret, file)
    to = [acts.out / "leak" for acts in hosts]
    assert "is not a plain file of the engine's" in hosts[0].copies(to[0])
    assert hosts[1].copies(to[1], ["hostact-source"]) is True and to[1].read_text() == "root's own"
    to[1].unlink()
    for acts in hosts:
        file = acts.node.top / "state/rendered/web/gens/1/conf"
        file.unlink()
        file.symlink_to(acts.node.top / "secret")
    for i, off in ((0, []), (1, ["hostact-source"]), (1, ["beneath"])):
        assert hosts[i].copies(to[i], off) is not True and not to[i].exists()
    assert hosts[1].copies(to[1], ["hostact-source", "beneath"]) is True and to[1].read_text() == "root's own"
    for acts in hosts:
        (acts.node.top / "state/rendered/web/gens/1/conf").unlink()
        acts.render("rendered\n")


def test_what_is_no_generation(hosts):
    """Files of its own anywhere on the host, as those of a role that was rendered and checked."""
    for acts in hosts:
        mine = acts.node.top / "mine"
        mine.mkdir()
        (mine / "conf").write_text("never checked")
        os.chown(mine / "conf", USER, USER)
        point(acts.node.top / "state/rendered/web", "../../../mine")
    to = [acts.out / "unchecked" for acts in hosts]
    for i, off in ((0, []), (1, ["hostact-generation"]), (1, ["beneath"])):
        assert hosts[i].copies(to[i], off) is not True and not to[i].exists()
    assert hosts[1].copies(to[1], ["hostact-generation", "beneath"]) is True and to[1].read_text() == "never checked"
    for acts in hosts:
        point(acts.node.top / "state/rendered/web", "gens/1")


# --- somebody else on this host ------------------------------------------------------------
@pytest.mark.parametrize("spoil", [lambda f: os.chown(f, USER, USER), lambda f: f.chmod(0o666)], ids=["another's", "writable"])
def test_whose_file_it_is(hosts, spoil):
    """Who may write host-actions.yaml would be root."""
    for acts in hosts:
        acts.shell("id -u")
        spoil(acts.file)
    kind, e = hosts[0].do()
    assert kind == "reply" and "refusing: " in e["text"]
    kind, e = hosts[1].do(off=["yaml-owner"])
    assert (kind, e["text"]) == ("exit", "0")
    for acts in hosts:
        acts.file.unlink()


def test_a_directory_of_another(hosts):
    """Who may write where it is copied to."""
    for acts in hosts:
        (acts.out / "theirs").mkdir()
        os.chown(acts.out / "theirs", USER, USER)
    to = [acts.out / "theirs/app.conf" for acts in hosts]
    assert "must be owned by root, and writable by nobody else" in hosts[0].copies(to[0])
    assert hosts[1].copies(to[1], ["hostact-target"]) is True
    # There a link of theirs waits for it, under the name that it is written by first.
    for acts in hosts:
        prey = acts.node.top / "prey"
        prey.write_text("root's own, and longer than that\n")
        (acts.out / "theirs/.mesh-next.conf").symlink_to(prey)
    to = [acts.out / "theirs/next.conf" for acts in hosts]
    for i, off in ((0, []), (1, ["hostact-new"]), (1, ["hostact-target"])):
        hosts[i].copies(to[i], off)
        assert (hosts[i].node.top / "prey").read_text().startswith("root's own")
    (hosts[1].out / "theirs/next.conf").unlink(missing_ok=True)
    (hosts[1].out / "theirs/.mesh-next.conf").symlink_to(hosts[1].node.top / "prey")
    hosts[1].copies(to[1], ["hostact-new", "hostact-target"])
    assert (hosts[1].node.top / "prey").read_text().startswith("rendered\n")


def test_a_directory_behind_a_link(hosts):
    for acts in hosts:
        (acts.out / "real").mkdir()
        (acts.out / "link").symlink_to(acts.out / "real")
    assert "there is a symlink in it" in hosts[0].copies(hosts[0].out / "link/app.conf")
    assert hosts[1].copies(hosts[1].out / "link/app.conf", ["hostact-links"]) is True
    assert ((hosts[0].out / "real/app.conf").exists(), (hosts[1].out / "real/app.conf").exists()) == (False, True)


# --- the command --------------------------------------------------------------------------------
def test_as_whom_it_runs(hosts):
    assert said(hosts, "id -u", "hostact-user", "  user: %d\n" % USER) == (str(USER), "0")
    assert said(hosts, "id -G", "hostact-user") == ("0", "0 %d" % weak.GROUP)


def test_a_program_that_makes_root(hosts):
    """sudo, or what somebody left: another user than root stays what it is."""
    for acts in hosts:
        suid = acts.node.top / "suid"
        shutil.copy(acts.node.top / "escape", suid)
        suid.chmod(0o4755)
        assert suid.stat().st_mode & stat.S_ISUID
    script = "{0}/suid am-root && echo root || echo not"
    assert said(hosts, script, "become-nnp", "  user: %d\n" % USER) == ("not", "root")


def test_what_it_is_left(hosts):
    """Of whoever started meshd: variables, open files, its terminal, its keys."""
    assert said(hosts, "env | grep -c MESH_WEAK; true", "hostact-env") == ("0", "1")
    assert said(hosts, "test -e /proc/self/fd/%d/etc/passwd && echo there || echo none" % weak.LEAKED, "hostact-fds") == ("none", "there")
    assert said(hosts, "(: </dev/tty) 2>/dev/null && echo there || echo none", "hostact-session") == ("none", "there")
    script = "{0}/escape key:%s >{0}/out/keys & while ! grep -q DONE {0}/out/keys; do sleep 0.02; done; head -n 1 {0}/out/keys; rm {0}/out/keys"
    real, bare = said(hosts, script % weak.KEY.decode(), "hostact-keys")
    assert not real.endswith("=escaped") and bare.endswith("=escaped")


def test_what_it_leaves(hosts):
    """A program that goes on after its action has ended."""
    for acts, off in zip(hosts, ("", "hostact-group")):
        acts.shell("sleep 1000 </dev/null >/dev/null 2>&1 & echo $!")
        acts.node.without(*off.split())
        kind, e = Acts.do(acts)
        assert (kind, e["exit_status"]) == ("exit", 0)
        pid = "/proc/%s" % e["text"]
        if off:
            acts.node.ask("LIST")  # it has looked after its group by now
            assert os.path.exists(pid)
            acts.node.without()
        wait_for(lambda: not os.path.exists(pid))
