"""What the real daemon refuses, at start and from the network, and how it says
so: one line with what, where and why, and the exit code of its kind."""
import os
import re
import socket
import struct
import subprocess
import shutil
import time

import pytest

from mesh import BUILD, PORT, USER, Missed, in_netns, run, wait_until


def once(node, *args, user=None, program=None, netns=True):
    """Run meshd once, as the shell would; (exit code, what it said)."""
    argv = [program or os.path.join(BUILD, "meshd")]
    argv += args or ["--config", node.config]
    if netns:
        argv = ["nsenter", f"--net=/run/netns/{node.netns}"] + argv
    p = subprocess.run(argv, capture_output=True, text=True, timeout=60,
                       check=False, user=user, cwd="/", stdin=subprocess.DEVNULL)
    return p.returncode, p.stderr + p.stdout


@pytest.fixture
def node(world):
    n = world.add_node("n1", "127.0.0.1")
    n.write_config()
    return n


def test_not_root(world, node):
    program = os.path.join(world.dir, "meshd")
    shutil.copyfile(os.path.join(BUILD, "meshd"), program)
    os.chmod(program, 0o755)
    code, said = once(node, user=65534, program=program, netns=False,
                      *["--config", node.config])
    assert code == 5
    assert "must run as root (uid 0), running as uid 65534" in said


def test_usage(node):
    code, said = once(node, "--config", node.config, "--config", node.config)
    assert (code, "--config given twice" in said) == (64, True), said
    code, said = once(node, "--frob")
    assert (code, "unknown option --frob" in said) == (64, True), said
    code, said = once(node, "--config")
    assert code == 64, said


def test_second_daemon(node):
    node.start()
    wait_until("the first one runs", node.status, 20)
    code, said = once(node)
    assert code == 5, said
    assert f"already running: pid {node.pids('meshd')[0]} holds " \
           f"{node.state}/lock" in said
    assert node.status()["node"] == "n1"


def test_no_daemon(node):
    p = node.mesh("members")
    assert p.returncode == 7
    assert f"cannot connect to {node.socket}" in p.stderr
    assert node.mesh("status").returncode == 3
    node.start()
    wait_until("it runs", node.status, 20)
    node.stop()
    p = node.mesh("members")
    assert p.returncode == 7
    assert "is meshd running?" in p.stderr


def test_socket_without_permission(world, node):
    node.start()
    wait_until("it runs", node.status, 20)
    program = os.path.join(world.dir, "mesh")
    shutil.copyfile(os.path.join(BUILD, "mesh"), program)
    os.chmod(program, 0o755)
    for verb, code in (("members", 7), ("status", 3)):
        p = subprocess.run([program, "--socket", node.socket, verb], user=65534,
                           capture_output=True, text=True, check=False, group=65534)
        assert p.returncode == code
        assert f"permission denied on {node.socket}: join group 'mesh'" in p.stderr


def test_reader_may_not_write(world, node):
    """Group mesh reads; writes need root or an operator."""
    node.start()
    wait_until("it runs", node.status, 20)
    program = os.path.join(world.dir, "mesh")
    shutil.copyfile(os.path.join(BUILD, "mesh"), program)
    os.chmod(program, 0o755)

    def as_reader(verb):
        return subprocess.run([program, "--socket", node.socket, verb],
                              user=64999, group=64780, extra_groups=[],
                              capture_output=True, text=True, check=False)
    assert as_reader("members").returncode == 0
    p = as_reader("init")
    assert p.returncode not in (0, 7), p.stdout
    assert "not a member" in node.mesh("status").stdout


@pytest.mark.parametrize("what,make,expected", [
    ("absent", None, "No such file or directory"),
    ("mode", (b"\x01" * 32, 0o644), "mode 0644, must be 0600"),
    ("short", (b"\x01" * 31, 0o600), "31 bytes, need 32"),
    ("zero", (b"\x00" * 32, 0o600), "key is all zero"),
], ids=["absent", "mode", "short", "zero"])
def test_cluster_key(node, what, make, expected):
    path = os.path.join(node.dir, what + ".key")
    if make is not None:
        with open(path, "wb") as f:
            f.write(make[0])
        os.chmod(path, make[1])
    node.write_config(**{"cluster-key": path})
    code, said = once(node)
    assert code == 6, said
    assert path in said and expected in said


@pytest.mark.parametrize("text,expected", [
    ("gosip: 1\n", ":1:1: unknown key 'gosip'"),
    ("name: n1\nseed: []\n", ":2:1: unknown key 'seed'; did you mean 'seeds'?"),
    ("name: no\n", 'quote it: "no"'),
    ("name: n1\nname: n2\n", ":2:1: key 'name' repeated, first at line 1"),
    ("seeds: 5\n", "seeds: expected list, got integer 5"),
    ("name:\n\t- x\n", ":2:1: tab in indentation"),
    ("name: &a n1\n", "anchors and tags are not supported"),
    ("name: n1\n---\nname: n2\n", "second document in file"),
    ("[" * 80000, "nesting deeper than 64"),
    ("name: 'Ñ'\n".encode("latin-1"), "not UTF-8"),
    ("# " + "x" * (2 << 20), "larger than 1 MiB"),
    ("boot-wait: 5s\n", "not supported yet"),
], ids=["unknown", "unknown near", "norway", "duplicate", "type", "tab", "anchor",
        "two documents", "deep", "latin-1", "large", "not supported"])
def test_config(node, text, expected):
    with open(node.config, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    code, said = once(node)
    assert code == 3, said
    assert node.config in said and expected in said
    assert len(said) < 2000


def test_config_file_itself(node):
    os.chmod(node.config, 0o664)
    code, said = once(node)
    assert code == 3 and "refusing: mode 0664, must not be writable by group or " \
                         "others" in said, said
    os.unlink(node.config)
    code, said = once(node)
    assert code == 3 and "No such file or directory" in said, said
    os.mkdir(node.config)
    code, said = once(node)
    assert code == 3 and "is a directory" in said, said
    os.rmdir(node.config)
    os.mkfifo(node.config)
    code, said = once(node)
    assert code == 3 and "not a regular file" in said, said


def test_state_dir_missing_and_read_only(world, node):
    # Missing: it is made.
    node.start()
    wait_until("it runs", node.status, 20)
    assert os.path.isdir(node.state)
    node.stop()
    # Read-only: one line, exit 4.
    ro = os.path.join(world.dir, "ro")
    os.mkdir(ro)
    run("mount", "-t", "tmpfs", "-o", "ro", "none", ro)
    node.write_config(**{"state-dir": ro + "/state"})
    code, said = once(node)
    assert code == 4, said
    assert f"cannot create {ro}/state: Read-only file system" in said


def test_state_put_back_as_root(node):
    """A backup that root copied back is root's: one line has all that is to be done."""
    node.start()
    wait_until("it runs", node.status, 20)
    assert node.mesh("init").returncode == 0
    wait_until("it leads", node.leader, 20)
    node.stop()
    mine = ("identity.key", "critical", "db.lock", "db/data.mdb")
    for name in mine:
        path = os.path.join(node.state, name)
        assert os.stat(path).st_uid == USER
        os.chown(path, 0, 0)
    code, said = once(node)
    assert code == 4, said
    todo = re.search(rf"Permission denied \(of uid 0, .* uid {USER}\): .*(cd \S+ && chown -R .*)$",
                     said, re.M)
    assert todo and f"cd {node.state} && chown -R {USER}:{USER} " \
        "identity.key critical db.lock db" == todo.group(1), said
    run("/bin/sh", "-c", todo.group(1))
    node.start()
    wait_until("it leads again", node.leader, 20)


def test_config_that_its_user_may_not_read(node):
    node.start()
    wait_until("it runs", node.status, 20)
    where = os.path.join(node.etc, "scheduler-scripts")
    os.chmod(where, 0o700)
    wait_until("it says who must read it", lambda: re.search(
        rf"scheduler-scripts: Permission denied: uid {USER}, .*: chmod o\+rX", node.mesh("status").stdout), 20)
    assert "not reloaded: scheduler-scripts: Permission denied" in node.tail()


def test_address_of_another_host(node):
    node.write_config(listen="192.0.2.7:7780")
    code, said = once(node)
    assert code == 5, said
    assert "bind 192.0.2.7:7780: Cannot assign requested address" in said


def test_missing_account(node):
    node.write_config(user="no-such-mesh")
    code, said = once(node)
    assert code == 5, said
    assert "no-such-mesh" in said and "useradd" in said


# --- from the network ---------------------------------------------------------
def nothing_queued():
    """No datagram waits for the daemon of this thread's namespace."""
    with open("/proc/thread-self/net/udp", encoding="ascii") as f:
        rows = [row.split() for row in f]
    return {r[4][-8:] for r in rows if r[1].endswith(f":{PORT:04X}")} == {"0" * 8}


def ask_udp(address, packets):
    """Send datagrams, each when the last was read, as a burst would overflow the
    receiver's queue; whatever comes back."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.9", 0))
    s.settimeout(1.0)
    for p in packets:
        try:
            s.sendto(p, (address, PORT))
        except OSError as e:  # longer than a datagram may be
            assert e.errno == 90
        wait_until("it is read", nothing_queued, 10, every_s=0.0005)
    try:
        return s.recvfrom(2048)
    except TimeoutError:
        return None
    finally:
        s.close()


def test_packets_of_strangers(node):
    node.start()
    wait_until("it runs", node.status, 20)
    assert node.mesh("init").returncode == 0
    wait_until("it leads", node.leader, 20)
    sizes = [0, 1, 8, 63, 64, 1024, 1231, 1232, 1233, 1400, 9000]
    packets = [os.urandom(n) for n in sizes for _ in range(20)]
    packets += [bytes([v, 0]) + os.urandom(200) for v in (0, 1, 2, 255)]
    packets += [b"\xdd\xff\xff\xff\xff" * n for n in (1, 100)]
    assert in_netns(node.netns, ask_udp, node.address, packets) is None
    assert node.alive() == ["n1"]
    assert len(node.pids("meshd-engine")) == 1 and node.exits == []
    # Each was counted under what it was refused for, those of no bytes too.  What
    # names a sender, by chance, is of one that is not known; and what says that it
    # is not sealed is looked at more closely: too long for that, of no version, or nonsense.
    expected = {"short": 20 * 3 + 1, "long": 20 * 3, "strangers": 20 * 5 + 4 + 1}

    def counted():
        dropped = dict(node.status()["counters"]["dropped"])
        longer = dropped.pop("long", 0) - expected["long"]
        strangers = longer + sum(dropped.pop(k, 0) for k in ("auth", "unknown", "version", "malformed"))
        if longer < 0 or {**dropped, "long": expected["long"], "strangers": strangers} != expected:
            raise Missed(node.status()["counters"])
        return node.status()["counters"]["dropped"]
    dropped = wait_until("all are counted", counted, 10)[0]
    counters = node.status()["counters"]
    assert counters["rx_packets"] >= sum(expected.values())
    assert {r["reason"]: r["count"] for r in counters["recent"]} == dropped
    text = node.mesh("status").stdout
    assert f"dropped:   {dropped['short']} short (datagrams too short to be ours) in the last minutes\n" in text
    assert f"           {dropped['auth']} auth (not of our cluster: another key, or damaged)\n" in text
    # One line a minute, however many come.
    in_netns(node.netns, ask_udp, node.address, [b""] * 20)
    wait_until("they are counted too", lambda: node.status()["counters"]["dropped"]["short"]
               == dropped["short"] + 20, 10)
    assert len(re.findall(r" warn engine: dropped: \d+ short ", node.tail(1000))) == 1


def silent_stream(address, send):
    """Connect, say something useless, and read until the daemon closes."""
    s = socket.create_connection((address, PORT), timeout=60)
    got = 0
    try:
        s.sendall(send)
        while True:
            data = s.recv(65536)
            if not data:
                return got
            got += len(data)
    except ConnectionResetError:
        return got
    finally:
        s.close()


@pytest.mark.parametrize("what,send", [
    ("silence", b""),
    ("a huge length", b"\xff\xff\xff\xff" + b"x" * 100),
    ("noise", bytes(range(256)) * 8),
    ("a request of the web", b"GET / HTTP/1.0\r\n\r\n"),
    ("a hello under another key", b"\x02\x01" + b"x" * 80),
    ("one of the version before", b"\x01\x01" + b"x" * 64),
], ids=["silence", "length", "noise", "http", "key", "version"])
def test_streams_of_strangers_are_closed(node, what, send):
    node.start()
    wait_until("it runs", node.status, 20)
    assert node.mesh("init").returncode == 0
    wait_until("it leads", node.leader, 20)
    answered = in_netns(node.netns, silent_stream, node.address, send)
    assert answered == (len(send) if what == "a hello under another key" else 0)
    assert len(node.pids("meshd-engine")) == 1 and node.exits == []


def test_join_with_a_long_name(node):
    """A DNS name may have 253 bytes; one that is longer is said to be."""
    node.start()
    wait_until("it runs", node.status, 20)
    name = ".".join(["a" * 49] * 4) + ".invalid"
    p = node.mesh("join", name + "x" * (253 - len(name)) + ":7780")
    assert "missing" not in p.stderr and "longer" not in p.stderr and "xxx:7780: " in p.stderr, p.stderr
    assert node.mesh("join", "a" * 300 + ":7780").returncode == 64
    # Not every client looks.
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(30)
    s.connect(node.socket)
    body = b"\x82\xa4verb\xa4join\xa4args\x81\xa4seed\xda" + struct.pack(">H", 305) + b"a" * 300 + b":7780"
    s.sendall(struct.pack("<I", len(body)) + body)
    assert b"HOST:PORT is no text of at most 263 bytes" in s.recv(65536)
    s.close()


def test_control_socket_garbage(node):
    node.start()
    wait_until("it runs", node.status, 20)
    for frame in (b"", b"\xff\xff\xff\xff", struct.pack("<I", 5) + b"\xdd\xff\xff\xff\xff",
                  struct.pack("<I", 3) + b"\x93\xc0\xc0", struct.pack("<I", 1 << 30),
                  struct.pack("<I", 60) + b"\x91" * 60,
                  struct.pack("<I", 15) + b"\x81\xa4verb\xa8frobbish"):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(30)
        s.connect(node.socket)
        try:
            s.sendall(frame)
            s.shutdown(socket.SHUT_WR)
            while s.recv(65536):
                pass
        except (BrokenPipeError, ConnectionResetError):
            pass
        finally:
            s.close()

    def fine():
        if node.status()["node"] != "n1" or node.exits:
            raise Missed(node.tail())
        return True
    wait_until("it still answers", fine, 10)
