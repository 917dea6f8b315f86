"""A host of one test whose meshd is an ordinary user's: `meshd --rootless` from its
own home, with ids and groups only if the test gives it some."""
import os
import pathlib
import shutil
import socket
import subprocess

import pytest
from conftest import BUILD, UNIFIED, Node, wait_for

UID, SUB, COUNT = 64790, 1500000000, 65536
V1 = [c for c in ("memory", "cpu", "pids") if os.path.isdir("/sys/fs/cgroup/%s" % c) and
      os.path.exists("/sys/fs/cgroup/%s/tasks" % c)]
MOUNTED = 'for f in passwd subuid subgid; do mount --bind "$0/$f" /etc/$f || exit 9; done; exec "$@"'


@pytest.fixture
def make(programs):
    """Users, as many as a test wants."""
    made = []

    def of(**keys):
        made.append(User(programs, **keys))
        return made[-1]
    yield of
    for n in made:
        n.close()


class User(Node):
    def __init__(self, programs, ids=True, groups=False):
        super().__init__(programs)
        self.home = None
        self.dir = self.top / "home"
        self.runtime = self.top / "rt"
        self.mesh = self.runtime / "mesh"
        self.images = self.dir / ".local/share/mesh/images"
        self.state = self.dir / ".local/state/mesh"
        self.sandboxes = self.dir / ".config/mesh/lithos-configs/sandboxes"
        self.config = self.dir / ".config/mesh/mesh.yaml"
        self.tool = self.top / "mesh"  # where the user may run it, wherever this was built
        shutil.copy(BUILD / "mesh", self.tool)
        for d in (self.images, self.sandboxes, self.runtime, self.top / "etc"):
            d.mkdir(parents=True, exist_ok=True)
        os.symlink("rt/mesh", self.top / "run")
        os.symlink("home/.local/state/mesh/log", self.top / "log")
        # Nothing of this host is changed: meshd sees these instead of its own.
        (self.top / "etc/passwd").write_text(
            pathlib.Path("/etc/passwd").read_text() + "meshtest:x:%d:%d::%s:/bin/sh\n" % (UID, UID, self.dir))
        for f in ("subuid", "subgid"):
            (self.top / "etc" / f).write_text("meshtest:%d:%d\n" % (SUB, COUNT) if ids else "")
        # No environment but its own, least of all root's.
        self.through = ["unshare", "-m", "sh", "-c", MOUNTED, self.top / "etc", "setpriv", "--reuid", str(UID),
                        "--regid", str(UID), "--clear-groups", "env", "-i", *self.own_env()]
        self.given = groups
        if groups:
            self.give_groups()
        self.config_text()
        self.sandbox("web", "default-user: 1000\nallow-users: [1-2000]\n" + ("" if groups else "limits-optional: yes\n"))

    def own_env(self):
        return ["PATH=/usr/sbin:/usr/bin:/bin", "HOME=%s" % self.dir, "XDG_RUNTIME_DIR=%s" % self.runtime]

    def config_text(self, extra=""):
        self.config.write_text("name: n1\nlisten: 127.0.0.1:7780\ncgroup: %s\n%s" % (self.cgroup, extra))

    def tops(self):
        return [pathlib.Path(UNIFIED), *(pathlib.Path("/sys/fs/cgroup") / c for c in V1)]

    def give_groups(self):
        """A tree of groups that is the user's, as a service manager would make one."""
        for top in self.tops():
            group = top / (self.cgroup + "-u")
            # Started in one below it: cgroup2 takes nobody into a group that limits others.
            for g in (group, group / "start"):
                g.mkdir()
                for p in (g, *(g / f for f in ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads", "tasks"))):
                    if p.exists():
                        os.chown(p, UID, UID)
        enter = "".join('echo $$ >"%s/%s-u/start/cgroup.procs" && ' % (t, self.cgroup) for t in self.tops())
        self.through = ["sh", "-c", enter + 'exec "$@"', "sh", *self.through]

    def own(self):
        """All that a test wrote is the user's, but for what it gave to somebody else."""
        for p in (self.dir, self.runtime, *self.dir.glob("**/*")):
            if p.lstat().st_uid == 0 and p not in self.kept:
                os.chown(p, UID, UID, follow_symlinks=False)
        self.dir.chmod(0o700)
        self.runtime.chmod(0o700)

    kept = ()

    def start(self, *args, wait=True, options=("--rootless",)):
        self.own()
        self.stderr = open(self.top / "stderr", "ab")
        self.meshd = subprocess.Popen([*self.through, self.programs / "meshd", *options, *args],
                                      stderr=self.stderr, stdin=subprocess.DEVNULL)
        self.stderr.close()
        if wait:
            self.connect()

    def answers(self):
        """Is somebody there who takes calls?"""
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(0.2)
                s.connect(str(self.top / "run/ctl"))
                s.sendall(b"WHO\n")
                return bool(s.recv(1))
        except OSError:
            return False

    def told(self):
        return (self.top / "stderr").read_text()

    def as_user(self, *words, **keys):
        """A command of the user's, with its environment."""
        return subprocess.run(["setpriv", "--reuid", str(UID), "--regid", str(UID), "--clear-groups", "env", "-i",
                               *self.own_env(), *words], capture_output=True, text=True, timeout=30, **keys)

    def inits(self):
        """pids of what has the sealed init, of this node."""
        out = []
        for p in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(p / "exe").startswith("/memfd:meshd-init") and \
                        os.stat(p / "fd/4").st_dev == os.stat(self.top).st_dev and \
                        (self.state / "log" / pathlib.Path(os.readlink(p / "fd/4")).name).stat().st_ino == os.stat(p / "fd/4").st_ino:
                    out.append(int(p.name))
            except OSError:
                pass
        return out

    def close(self):
        for pid in self.inits():
            os.kill(pid, 9)
        if self.meshd and self.meshd.poll() is None:
            self.meshd.kill()
            self.meshd.wait()
        wait_for(lambda: not self.inits())
        if self.given:
            for top in self.tops():
                group = top / (self.cgroup + "-u")
                if (group / "cgroup.kill").exists():
                    (group / "cgroup.kill").write_text("1")

                def gone():
                    for p in sorted(group.glob("**/"), reverse=True):
                        try:
                            p.rmdir()
                        except OSError:
                            pass
                    return not group.exists()
                wait_for(gone)
        super().close()
        shutil.rmtree(self.top, ignore_errors=True)
