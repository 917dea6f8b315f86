"""`mesh exec` with the real `mesh` and the real supervisor: what the command is
inside, whom it obeys, and that nothing of it stays."""
import array
import fcntl
import os
import pathlib
import pty
import re
import signal
import socket
import struct
import subprocess
import termios

import pytest

from conftest import BUILD, USER, children_of, wait_for

ALLOW = "default-user: 1000\nallow-users: [1-2000]\nallow-exec: yes\n"
HEAD = "<IIII64s32s"  # struct exec_ask
SAY = "<IIii400s"     # struct exec_say
REFUSED, STARTED, ENDED, NOT_HERE = 1, 2, 3, 4


@pytest.fixture
def web(node):
    node.sandbox("web", ALLOW)
    node.shell("app", "while :; do sleep 0.1; done", extra="environ: {COLOR: blue}\nfileno-limit: 300\nworkdir: /data\n")
    os.symlink("busybox", node.images / "app/bin/env")
    node.through = ["chrt", "-b", "0", "nice", "-n", "3", "ionice", "-c", "2", "-n", "7", "setarch", "-R"]
    node.start()
    node.init = node.up("web.0", "app")["pid"]
    wait_for((node.top / "state/supervisor/.spare").exists)  # for the next start: no descriptor comes by itself any more
    return node


def begin(node, *words, instance="web.0", **keys):
    keys = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **keys}
    return subprocess.Popen([BUILD / "mesh", "--socket", node.top / "run/ctl", "exec", instance, "--", *words], **keys)


def run(node, *words, give=b"", **keys):
    """(exit code, stdout, stderr)"""
    p = begin(node, *words, stdin=subprocess.PIPE, **keys)
    out, err = p.communicate(give, timeout=20)
    return p.returncode, out.decode(), err.decode()


def groups(node):
    return sorted(node.group().glob("@*/*/exec.*"))


def inside(node):
    """The pids of commands, once there are some that run what the image holds."""
    def look():
        try:
            pids = [p for g in groups(node) for p in (g / "cgroup.procs").read_text().split()]
            return pids if pids and all(os.readlink("/proc/%s/exe" % p).startswith("/bin") for p in pids) else None
        except OSError:  # one that ended meanwhile
            return None
    return wait_for(look)


def nothing_left(node):
    wait_for(lambda: not groups(node))


def said(node):
    return (node.top / "stderr").read_text()


def facts(pid):
    """What the kernel says that a process is in, has and may."""
    def read(name):
        return pathlib.Path("/proc/%s/%s" % (pid, name)).read_text()
    status = dict(line.split(":\t", 1) for line in read("status").splitlines() if ":\t" in line)
    keys = ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp",
            "Seccomp_filters", "Cpus_allowed")
    out = {k: status[k].strip() for k in keys}
    for n in ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts"):
        out[n] = os.readlink("/proc/%s/ns/%s" % (pid, n))
    out["limits"] = read("limits")
    out["priorities"] = (read("stat").rsplit(")", 1)[1].split()[16], os.sched_getscheduler(int(pid)), read("timerslack_ns"),
                         subprocess.check_output(["ionice", "-p", str(pid)]), read("personality"))
    out["oom"] = read("oom_score_adj")
    out["environ"] = sorted(read("environ").split("\0"))
    out["cwd"] = os.readlink("/proc/%s/cwd" % pid)
    out["groups"] = {line.split(":", 2)[1]: line.split(":", 2)[2] for line in read("cgroup").splitlines()}
    return out


def test_it_is_as_the_application(web):
    app = children_of(web.init)[0]
    p = begin(web, "sleep", "60")
    other, = inside(web)
    mine, theirs = facts(app), facts(other)
    unified = theirs["groups"].pop("")
    assert unified == mine["groups"].pop("") + "/exec.1"
    # But where the application leaves its metrics: what is run beside it would write over them.
    mine["environ"].remove("CANTAL_PATH=/dev/cantal/app")
    assert theirs == mine
    assert theirs["CapBnd"] == "0" * 16 and theirs["Seccomp"] == "2" and theirs["Uid"].split()[0] != "0"
    # Pipes of `mesh`, and nothing else.
    links = {n: os.readlink("/proc/%s/fd/%s" % (other, n)) for n in os.listdir("/proc/%s/fd" % other)}
    assert sorted(links) == ["0", "1", "2"] and all(v.startswith("pipe:") for v in links.values())
    # Only the joiner was not in the pid namespace, and it is gone.
    assert pathlib.Path("/proc/%s/stat" % other).read_text().rsplit(")")[1].split()[1] == str(web.meshd.pid)
    p.kill()
    p.wait()
    nothing_left(web)
    # Without a user namespace.
    web.sandbox("off", ALLOW + "userns: off\nroles: [web]\n")
    off = web.up("off.0", "app", sandbox="off")["pid"]
    app = children_of(off)[0]
    p = begin(web, "sleep", "60", instance="off.0")
    other, = inside(web)
    mine, theirs = facts(app), facts(other)
    assert theirs.pop("groups")[""] == mine.pop("groups")[""] + "/exec.2"
    mine["environ"].remove("CANTAL_PATH=/dev/cantal/app")
    assert theirs == mine and theirs["user"] == os.readlink("/proc/self/ns/user")
    p.kill()
    p.wait()
    nothing_left(web)
    code, out, _ = run(web, "env")
    assert code == 0 and "COLOR=blue\n" in out


def test_bytes_and_exit_codes(web):
    much = os.urandom(1 << 20).hex().encode()
    code, out, err = run(web, "cat", give=much)
    assert (code, out, err) == (0, much.decode(), "")
    assert run(web, "sh", "-c", "echo out; echo err >&2; echo again >/proc/self/fd/1; exit 3") == (3, "out\nagain\n", "err\n")
    assert run(web, "sh", "-c", "kill -9 $$")[0] == 137
    # Words reach it as they are.
    assert run(web, "sh", "-c", 'printf "%s|" "$@"', "x", "", "a b", "--json", "-q", "$HOME", "'")[1] == "|a b|--json|-q|$HOME|'|"
    assert run(web, "no-such-thing")[::2] == (127, "mesh: exec: web.0: exec no-such-thing: not found in PATH\n")
    assert run(web, "/bin/none")[::2] == (127, "mesh: exec: web.0: exec /bin/none: No such file or directory\n")
    (web.images / "app/data/text").write_text("no program")
    (web.images / "app/data/text").chmod(0o755)
    assert run(web, "/config/run.yaml")[0] == 126
    # A command that reads nothing leaves a caller with much to say in peace.
    assert run(web, "true", give=much)[0] == 0
    nothing_left(web)


def test_nobody_reads_what_it_says(web):
    """The command ends of it, as it would of a pipe of its own."""
    p = begin(web, "sh", "-c", "while echo word; do :; done; echo $? >&2; exit 5")
    assert p.stdout.read(5) == b"word\n"
    p.stdout.close()
    assert p.wait(10) in (5, 128 + signal.SIGPIPE)
    with open("/dev/full", "wb") as full:
        assert begin(web, "sh", "-c", "while echo word; do :; done", stdout=full).wait(10) != 0
    # None at all, of any of the three.
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        line = '"$0" --socket "$1" exec web.0 -- sh -c "cat; echo out; echo err >&2; exit 7" ' + closed
        p = subprocess.run(["sh", "-c", line, BUILD / "mesh", web.top / "run/ctl"], stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, timeout=20, check=False)
        assert (p.returncode, p.stdout, p.stderr) == (7, "" if ">&-" in closed.split("2")[0] else "out\n",
                                                      "" if "2>&-" in closed else "err\n"), (closed, p)
    nothing_left(web)


def test_who_may(web):
    web.sandbox("web", ALLOW.replace("yes", "no"))
    code, _, err = run(web, "sh", "-c", "echo hunter2")
    assert code == 125 and err == ("mesh: exec: web.0: its sandbox does not allow it: `allow-exec: yes` in %s/web.yaml does\n"
                                   % web.sandboxes)
    web.sandbox("web", "default-user: 1000\nallow-users: [1-2000]\n")
    assert run(web, "true")[0] == 125
    web.sandbox("web", ALLOW + "nonsense: 1\n")
    assert "nonsense" in run(web, "true")[2]
    # Given back: no restart is needed.
    web.sandbox("web", ALLOW)
    assert run(web, "sh", "-c", "echo hunter2")[1] == "hunter2\n"
    assert "hunter2" not in said(web)
    assert re.search(r"exec: sh in web.0 for uid 0 \(login uid \w+, pid \d+\)\n", said(web))
    assert re.search(r"refused: exec: web.0: its sandbox does not allow it", said(web))
    # Nobody but root, also where the socket's mode would let him.
    other = {"user": USER, "group": USER, "extra_groups": []}
    code, _, err = run(web, "true", **other)
    assert code == 125 and err == "mesh: exec: only root may run commands in containers: sudo mesh exec ...\n"
    (web.top / "run/exec").chmod(0o666)
    code, _, err = run(web, "true", **other)
    assert code == 125 and err == "mesh: exec: only root may\n"
    assert "exec: refused: uid %d is not root" % USER in said(web)
    # What is not here, and what does not run.
    code, _, err = run(web, "true", instance="web.7")
    assert code == 125 and err == "mesh: exec: web.7 is not on this host, nor known on another: mesh ps\n"
    web.shell("bad", "exit 1")
    web.run("web.1", "bad")
    web.event(kind="state", instance="web.1", state="backoff")
    code, _, err = run(web, "true", instance="web.1")
    assert code == 125 and "web.1 does not run now" in err


def test_what_the_line_must_be(web):
    mesh = [BUILD / "mesh", "--socket", web.top / "run/ctl"]

    def line(*words):
        p = subprocess.run([*mesh, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        return p.returncode, p.stderr
    assert line("exec", "web.0") == (64, "mesh: exec: missing COMMAND; usage: mesh exec INSTANCE [-i] [-t] -- COMMAND [ARG...]\n")
    assert line("exec", "web.0", "--") == line("exec", "web.0")
    assert line("exec", "../x", "--", "true")[0] == 64
    assert line("exec", "web.0", "--", "")[0] == 125
    assert line("exec", "web.0", "true")[0] == 0  # -- may be left out before a plain word
    assert line("exec", "web.0", "--", *["x"] * 1025)[0] == 64
    assert line("--socket", web.top / "run/none/ctl", "exec", "web.0", "--", "true")[0] == 7


def call(node, head, tail=b"", fds=()):
    """One raw record; what is answered, or None."""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(10)
    s.connect(str(node.top / "run/exec"))
    s.sendmsg([head + tail], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
    answer = s.recv(4096)
    return s, struct.unpack(SAY, answer) if answer else None


def test_malformed_records_and_foreign_descriptors(web):
    def head(version=1, flags=0, argc=1, size=5, name=b"web.0", term=b""):
        return struct.pack(HEAD, version, flags, argc, size, name, term)
    pipes = [os.pipe() for _ in range(3)]
    good = (pipes[0][0], pipes[1][1], pipes[2][1])
    root, null = os.open("/", os.O_RDONLY), os.open("/dev/null", os.O_RDWR)
    fifo = web.top / "fifo"
    os.mkfifo(fifo)
    named = os.open(fifo, os.O_RDWR)
    bad = [(b"", b"x", good), (head(version=2), b"true\0", good), (head(flags=2), b"true\0", good),
           (head(argc=2), b"true\0", good), (head(argc=0), b"true\0", good), (head(size=4), b"true\0", good),
           (head(), b"true!", good), (head(size=0), b"", good), (head(name=b"../web"), b"true\0", good),
           (head(name=b"x" * 64), b"true\0", good), (head(term=b"a\nb"), b"true\0", good),
           (head(size=70000, argc=1), b"x" * 69999 + b"\0", good), (head(argc=2000, size=2000), b"\0" * 2000, good),
           (head(), b"\0rue\0", good),
           (head(), b"true\0", ()), (head(), b"true\0", good[:2]), (head(), b"true\0", good + (null,)),
           (head(), b"true\0", (root, *good[1:])), (head(), b"true\0", (good[0], null, good[2])),
           (head(), b"true\0", (*good[:2], named)), (head(flags=1), b"true\0", good),
           (head(flags=1), b"true\0", (null, null, null))]
    def held():
        return len(os.listdir("/proc/%d/fd" % web.meshd.pid))
    before = held()
    for h, tail, fds in bad:
        s, answer = call(web, h, tail, fds)
        assert answer[1] == REFUSED and answer[2] == 125 and answer[4].startswith(b"exec: "), (h, answer)
        assert s.recv(10) == b""
    wait_for(lambda: held() <= before)  # of what was sent, nothing was kept
    # A signal that comes before there is a command waits for it.
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(10)
    s.connect(str(web.top / "run/exec"))
    web.meshd.send_signal(signal.SIGSTOP)
    s.sendmsg([head(argc=2, size=9) + b"sleep\00060\0"[:9]],
              [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", good))])
    s.send(struct.pack("<Ii", 1, signal.SIGTERM))
    web.meshd.send_signal(signal.SIGCONT)
    assert struct.unpack(SAY, s.recv(4096))[1] == STARTED
    assert struct.unpack(SAY, s.recv(4096))[1:4] == (ENDED, 0, signal.SIGTERM)
    # The good one; then nonsense where a signal should be ends it.
    s, answer = call(web, head(argc=2, size=9), b"sleep\00060\0"[:9], good)
    assert answer[1] == STARTED
    s.send(struct.pack("<Ii", 1, 99))
    assert s.recv(10) == b""
    nothing_left(web)
    # Who connects and says nothing holds up nobody.
    idle = [socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(17)]
    for s in idle:
        s.connect(str(web.top / "run/exec"))
    assert struct.unpack(SAY, idle[16].recv(4096))[4].startswith(b"exec: too many commands")
    for s in idle:
        s.close()
    assert run(web, "true")[0] == 0
    assert web.meshd.poll() is None


def test_signals_and_the_end_of_the_caller(web):
    p = begin(web, "sh", "-c", "trap 'echo got; exit 7' TERM; echo up; while :; do sleep 0.05; done")
    assert p.stdout.readline() == b"up\n"
    p.terminate()
    assert p.communicate(timeout=10)[0] == b"got\n" and p.returncode == 7
    p = begin(web, "sleep", "60")
    inside(web)
    p.send_signal(signal.SIGINT)
    assert p.wait(10) == 130
    # What is left behind ends with its command.
    assert run(web, "sh", "-c", "sleep 60 >/dev/null & echo $!")[0] == 0
    nothing_left(web)
    # The caller is killed: all of it ends, also what ignores everything.
    p = begin(web, "sh", "-c", "trap '' TERM HUP INT; sleep 60 & sleep 60 & wait")
    wait_for(lambda: len(inside(web)) == 3)
    p.kill()
    p.wait()
    nothing_left(web)
    # Its container stops: it ends with it.
    p = begin(web, "sleep", "60")
    inside(web)
    web.ask("STOP", instance="web.0")
    web.event(kind="state", instance="web.0", state="gone")
    assert p.wait(10) in (125, 137) and web.leaves() == []


def test_the_supervisor_is_killed(web):
    p = begin(web, "sh", "-c", "sleep 60 & sleep 61")
    wait_for(lambda: len(inside(web)) >= 2)
    main = inside(web)[0]
    web.kill()
    assert p.wait(10) == 125
    wait_for(lambda: not os.path.exists("/proc/" + main))  # by the kernel: nobody else is there
    assert groups(web)
    web.start()
    nothing_left(web)
    web.ask("LIST")
    assert [e["pid"] for e in web.events if e["instance"] == "web.0"] == [web.init]
    assert run(web, "true")[0] == 0
    # It goes on its own: its commands end at once, its containers stay.
    p = begin(web, "sh", "-c", "sleep 60 & sleep 61")
    wait_for(lambda: len(inside(web)) >= 2)
    web.meshd.terminate()
    assert web.meshd.wait(10) == 0 and p.wait(10) == 125
    wait_for(lambda: not [x for g in groups(web) for x in (g / "cgroup.procs").read_text().split()])
    assert pathlib.Path("/proc/%d" % web.init).exists()


def test_a_pipe_that_somebody_keeps(web):
    """A process of the container can open what the command has by /proc, and keep it
    for good: the command ends all the same, and so does its place among the few."""
    leaf = next(web.group().glob("@web/web.0.*"))
    (leaf / "cgroup.freeze").write_text("1")
    p = begin(web, "sh", "-c", "exit 7")
    joiner, = wait_for(lambda: [n for g in groups(web) for n in (g / "cgroup.procs").read_text().split()])
    wait_for(lambda: "frozen 1" in (leaf / "cgroup.events").read_text())

    def pipes(pid):
        links = {}
        for n in os.listdir("/proc/%s/fd" % pid):
            links["/proc/%s/fd/%s" % (pid, n)] = os.readlink("/proc/%s/fd/%s" % (pid, n))
        return {at: link for at, link in links.items() if link.startswith("pipe:")}
    ours = pipes(web.meshd.pid).values()
    kept = [os.open(at, os.O_WRONLY) for at, link in pipes(joiner).items() if link in ours]
    assert len(kept) >= 2
    (leaf / "cgroup.freeze").write_text("0")
    _, err = p.communicate(timeout=20)
    assert p.returncode == 7, err
    nothing_left(web)
    for fd in kept:
        os.close(fd)


def test_a_terminal(web):
    def line(*words, options=()):
        pid, master = pty.fork()
        if pid == 0:
            os.environ["TERM"] = "vt52"
            os.execv(BUILD / "mesh", ["mesh", "--socket", str(web.top / "run/ctl"), "exec", *options, "web.0", "--", *words])
        return pid, master

    def until(master, what):
        got = b""
        while what not in got:
            got += os.read(master, 4096)
        return got
    def sized(rows, columns):
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    # Its window is ours, also when that changes.
    pid, master = line("sh", "-c", "trap 'busybox stty size' WINCH; echo up; while :; do sleep 0.05; done")
    until(master, b"up\r\n")
    for rows, columns in ((33, 77), (40, 120)):
        sized(rows, columns)
        until(master, b"%d %d\r\n" % (rows, columns))
    # A terminal that hangs up ends it.
    os.close(master)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 129
    nothing_left(web)
    # A terminal on one side alone: none inside.
    master, slave = pty.openpty()
    p = begin(web, "sh", "-c", "test -t 0 || test -t 1 || echo none; cat", stdin=slave)
    os.write(master, b"word\n\x04")
    assert p.communicate(timeout=10) == (b"none\nword\n", b"") and p.returncode == 0
    os.close(master)
    os.close(slave)
    # Who asks for one in docker's words gets it, or is told that there is none.
    ask = [BUILD / "mesh", "--socket", web.top / "run/ctl", "exec", "-ti", "web.0", "--", "sh"]
    p = subprocess.run(ask, input=b"", capture_output=True, timeout=20)
    assert p.returncode == 125 and b"exec: -t: standard input is no terminal" in p.stderr, p.stderr
    master, slave = pty.openpty()
    p = subprocess.run(ask, stdin=slave, capture_output=True, timeout=20)
    assert p.returncode == 125 and b"exec: -t: standard output is no terminal" in p.stderr, p.stderr
    os.close(master)
    os.close(slave)
    pid, master = line("sh", "-c", "test -t 0 && test -t 2 && echo $TERM; cat", options=["-it"])
    until(master, b"vt52\r\n")
    os.write(master, b"word\r")
    until(master, b"word\r\nword\r\n")
    os.write(master, b"\x03")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130
    nothing_left(web)


def test_its_limits_are_the_containers(node):
    node.sandbox("web", ALLOW)
    node.shell("app", "sleep 1000", extra="pids-limit: 12\n")
    node.killed_home()  # where nobody can be cloned into a group
    node.start()
    node.up("web.0", "app")
    code, out, err = run(node, "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 5 & done; echo all")
    assert "all" not in out and "Resource temporarily unavailable" in err, (code, out, err)
    nothing_left(node)


def test_nothing_leaks(web):
    def fds():
        return len(os.listdir("/proc/%d/fd" % web.meshd.pid))
    assert run(web, "true")[0] == 0
    before = min(fds() for _ in range(20) if nothing_left(web) is None)  # without what just closes
    for _ in range(40):
        assert run(web, "true")[0] == 0
    for _ in range(5):
        assert run(web, "none")[0] == 127
    nothing_left(web)
    wait_for(lambda: fds() <= before)
    assert len(children_of(web.meshd.pid)) == 2  # the engine and the container
