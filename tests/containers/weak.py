"""A host whose supervisor and init can leave out one defence (daemon/base/weak.h).

What it is started with is what a careless starter leaves to it, and what a
container must never see: an open descriptor of the host's root, a terminal, a
keyring with a key, a group.
"""
import ctypes
import fcntl
import os
import pty
import subprocess
import termios

from conftest import Node

GROUP = 64790  # a supplementary group of meshd
LEAKED = 200   # a descriptor without CLOEXEC, as LMDB opens: the host's "/"
KEY = b"mesh-test-secret"
SYS_ADD_KEY, SYS_KEYCTL = 248, 250


class Host(Node):
    """A node, started carelessly."""

    def __init__(self, programs):
        super().__init__(programs)
        self.off = self.top / "off"
        self.off.write_text("")
        self.count = 0

    def start(self, *args):
        self.master, tty = pty.openpty()
        root = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
        libc = ctypes.CDLL(None)

        def careless():
            os.setsid()
            fcntl.ioctl(tty, termios.TIOCSCTTY, 0)
            os.setgroups([GROUP])
            os.dup2(root, LEAKED, inheritable=True)
            libc.syscall(SYS_KEYCTL, 1, None)
            libc.syscall(SYS_ADD_KEY, b"user", KEY, b"x", 1, -3)
        self.stderr = open(self.top / "stderr", "ab")
        self.meshd = subprocess.Popen([self.programs / "meshd", "--config", self.config, *args], stderr=self.stderr,
                                      stdin=subprocess.DEVNULL, env={**os.environ, "MESH_WEAK": str(self.off)},
                                      preexec_fn=careless, close_fds=False)
        os.close(tty)
        os.close(root)
        self.connect()

    def without(self, *defences):
        """From now on these are left out; the filter is made anew each time, for its rules are among them."""
        self.off.write_text(" ".join(("compiled-once", *defences)))

    def next_name(self):
        self.count += 1
        return "web.%d" % self.count

    def tries(self, image, tries, sandbox="web", extra="", off=()):
        """What became of each, in a container without the defences in off; a
        text, if there is none: why it did not start."""
        name = self.next_name()
        extra += "environ: {MESH_WEAK: '%s'}\n" % " ".join(off) if off else ""
        (self.images / image / "config" / (name + ".yaml")).write_text(
            "kind: Daemon\nexecutable: /escape\narguments: %s\n%s" % ([*tries], extra))
        return self.outcome(name, image, off, config="/config/%s.yaml" % name, sandbox=sandbox)

    def outcome(self, name, image, off=(), **keys):
        self.without(*off)
        reply = self.run(name, image, **keys)
        while reply["code"] == 0 and reply.get("state") != "running":
            reply = self.event(kind="state", instance=name)
            if reply["state"] == "backoff":
                break
        self.without()
        if reply.get("state") != "running":
            self.ask("STOP", instance=name)
            return reply["text"]
        text = self.printed(name, "DONE")
        self.ask("STOP", instance=name)
        return dict(line.rsplit("=", 1) for line in text.splitlines() if "=" in line)

    def close(self):
        if self.meshd:
            os.close(self.master)
        super().close()
