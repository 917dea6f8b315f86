"""tcp-ports: sockets that are opened for a container, and outlive all its processes and ours."""
import ctypes
import os
import shutil
import signal
import socket
import subprocess

import pytest
from conftest import ROOT, children_of, wait_for
from test_fence import now_ms
from test_life import alive

BOX = "default-user: 1000\nallow-users: [1000]\nallow-tcp-ports: [7, 27820-27829]\n"
QUICK = "restart-timeout: 0.1\n"


@pytest.fixture(scope="module")
def server(programs):
    out = programs / "server"
    subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O1", "-static", "-o", out,
                    ROOT / "tests/containers/server.c"], check=True)
    return out


@pytest.fixture
def host(node, server):
    """A node with an image of the server."""
    top = node.image("s")
    shutil.copy(server, top / "server")
    node.sandbox("web", BOX)
    node.sandbox("db", BOX)
    node.start()
    return node


def app(host, name, arguments, text=""):
    """A container file of the server; its path."""
    (host.images / "s/config" / (name + ".yaml")).write_text(
        "executable: /server\narguments: [%s]\n%s%s" % (arguments, QUICK, text))
    return "/config/%s.yaml" % name


def call(port, to="127.0.0.1"):
    s = socket.create_connection((to, port), timeout=10)
    return s


def answer(s):
    with s:
        return s.makefile().readline().split()


def refused(port):
    try:
        call(port).close()
    except ConnectionRefusedError:
        return True
    return False


def test_as_the_file_says(host):
    """Numbers, families, options, keys with variables, ports below 1024; nothing else is passed."""
    up = app(host, "a", "show, 0, 3, 4, 5, 6, 7, 8, 40, 9", """variables: {p: !TcpPort }
tcp-ports:
  "@{p}": {fd: 3}
  27821: {fd: 6, host: "::", set-non-block: true}
  27822: {fd: 0, host: "::1", reuse-port: true, reuse-addr: false, external: true}
  7: {fd: 40, host: 127.0.0.1, listen-backlog: 5}
""")
    host.up("web.0", "s", config=up, vars={"p": "27820"})
    out = host.printed("web.0", "SHOWN")
    assert out.splitlines()[:-1] == [
        "fd 0: ::1 27822 accepts=1 addr=0 port=1 nonblock=0",
        "fd 3: 0.0.0.0 27820 accepts=1 addr=1 port=0 nonblock=0",
        "fd 4: none 0 accepts=-1 addr=-1 port=-1 nonblock=0",
        "fd 5: none 0 accepts=-1 addr=-1 port=-1 nonblock=0",
        "fd 6: :: 27821 accepts=1 addr=1 port=0 nonblock=1",
        "fd 7: none 0 accepts=-1 addr=-1 port=-1 nonblock=0",
        "fd 8: none 0 accepts=-1 addr=-1 port=-1 nonblock=0",
        "fd 40: 127.0.0.1 7 accepts=1 addr=1 port=0 nonblock=0",
        "fd 9: none 0 accepts=-1 addr=-1 port=-1 nonblock=0"]
    for port, to in ((27820, "127.0.0.1"), (27821, "127.0.0.1"), (27821, "::1"), (27822, "::1"), (7, "127.0.0.1")):
        call(port, to).close()
    # Another set of ports: what is not wanted any more is closed, the rest is the same socket.
    waiting = call(27820)
    change = app(host, "b", "3, 1", "variables: {p: !TcpPort }\nfileno-limit: 24\n"
                 "tcp-ports: {'@{p}': {fd: 3}, 27823: {fd: 4}}\n")
    assert host.run("web.0", "s", config=change, vars={"p": "27820"})["code"] == 0
    assert answer(waiting)[0] == "web/web.0"
    call(27823).close()
    assert refused(27821) and refused(7)
    assert host.ask("STOP", instance="web.0")["code"] == 0
    host.event(kind="state", instance="web.0", state="gone")
    assert refused(27820) and refused(27823)


def test_a_stop_leaves_nobody_waiting(host):
    """Who is asked to end closes its socket and goes on for a while: then it is closed, nobody else holds it open."""
    config = app(host, "a", "linger, 3", "tcp-ports: {27820: {fd: 3}}\n")
    pid = host.up("web.0", "s", config=config)["pid"]
    host.printed("web.0", "WAITS")
    call(27820).close()
    assert host.ask("STOP", instance="web.0")["code"] == 0
    host.printed("web.0", "CLOSED")
    assert refused(27820)
    os.kill(children_of(pid)[0], signal.SIGUSR1)
    host.event(kind="state", instance="web.0", state="gone")


def test_nothing_in_the_queue_is_lost(host):
    """Restarts of the application, of the container and of the supervisor, killed too."""
    config = app(host, "a", "3, 1", "variables: {p: !TcpPort {activation: systemd}, q: !TcpPort {activation: systemd}}\n")
    host.up("web.0", "s", config=config, vars={"p": "27820", "q": "27821"})
    calls = [call(27820) for _ in range(3)]
    # Each life of the container answers one.
    assert [answer(s) for s in calls] == [["web/web.0", "2", "p:q", "2", "2"]] * 3
    assert host.event(kind="state", instance="web.0", state="running")["restarts"] >= 1
    assert host.ask("STOP", instance="web.0")["code"] == 0
    # Killed while one waits, and the application never ran a line since.
    slow = app(host, "w", "3, 1, wait", "tcp-ports: {27822: {fd: 3}}\n")
    host.up("web.1", "s", config=slow)
    host.printed("web.1", "WAITS")
    first, second = call(27822), call(27822)
    host.kill()
    third = call(27822)
    host.start()
    host.say("LIST ticket=9000")
    pid = host.event(kind="state", instance="web.1", state="running")["pid"]
    child = children_of(pid)[0]
    os.kill(child, signal.SIGUSR1)
    assert answer(first)[0] == "web/web.1"
    # It has ended: the next life got its socket from the new supervisor.
    again = host.event(kind="state", instance="web.1", state="running")["pid"]
    assert again != pid
    # By STOP and START of a changed container file too: the same queue.
    config = app(host, "c", "5, 2", "tcp-ports: {27822: {fd: 5}}\n")
    assert host.run("web.1", "s", config=config)["code"] == 0
    assert [answer(second)[0], answer(third)[0]] == ["web/web.1"] * 2


def test_what_an_application_made_of_it_is_not_passed_on(host):
    """A listening socket can be shut down and made a connection; the next life gets a new one."""
    config = app(host, "a", "turn, 3, 27829", "tcp-ports: {27820: {fd: 3}}\n")
    with socket.create_server(("127.0.0.1", 27829)) as other:
        other.settimeout(10)
        assert host.run("web.0", "s", config=config)["code"] == 0
        for _ in range(2):
            other.accept()[0].close()
    assert "web.0: port 27820 of 0.0.0.0 was shut down by its application: opened anew" in (host.top / "stderr").read_text()


def test_shared_in_a_role_and_refused_beyond(host):
    config = app(host, "a", "3, 1000", "tcp-ports: {27820: {fd: 3}}\n")
    host.up("web.0", "s", config=config)
    host.up("web.1", "s", config=config)
    assert {answer(call(27820))[0] for _ in range(200)} <= {"web/web.0", "web/web.1"}
    wide = app(host, "d", "3, 1", "tcp-ports: {27820: {fd: 3, host: '::'}}\n")
    reply = host.run("db.0", "s", config=wide, sandbox="db", role="db")
    assert reply["code"] != 0
    assert reply["text"] == ("db.0: tcp-ports: port 27820 of :: is that of web.0 (role 'web', sandbox 'web'); "
                             "give one of them another")
    # With web.0 gone web.1 still has it; with both gone it is free.
    assert host.ask("STOP", instance="web.0")["code"] == 0
    host.event(kind="state", instance="web.0", state="gone")
    assert answer(call(27820))[0] == "web/web.1"
    assert host.ask("STOP", instance="web.1")["code"] == 0
    host.event(kind="state", instance="web.1", state="gone")
    host.up("db.0", "s", config=wide, sandbox="db", role="db")
    # Of a stranger on this host: the start fails and says so, and goes on when it is free.
    with socket.create_server(("127.0.0.1", 27825)):
        assert host.run("web.2", "s", config=app(host, "e", "3, 1", "tcp-ports: {27825: {fd: 3}}\n"))["code"] == 0
        said = host.event(kind="state", instance="web.2", state="backoff")
        assert said["text"] == "web.2: tcp-ports: cannot listen on port 27825 of 0.0.0.0: Address already in use"
    host.event(kind="state", instance="web.2", state="running")
    reply = host.run("web.3", "s", config=app(host, "f", "3, 1", "tcp-ports: {27826: {fd: 3, host: 192.0.2.1}}\n"))
    assert reply["text"] == "web.3: tcp-ports: cannot listen on port 27826 of 192.0.2.1: Cannot assign requested address"


def test_binds_by_itself(host):
    """What its sandbox lists, nothing else; a sandbox that lists nothing lets all."""
    old = ctypes.CDLL(None).syscall(444, None, 0, 1) < 4
    assert ("can't say which TCP ports" in (host.top / "stderr").read_text()) == old
    if old:
        return
    host.sandbox("any", "default-user: 1000\nroles: [web]\n")
    config = app(host, "a", "bind, 27827, 27830, 0, 8")
    host.up("web.0", "s", config=config)
    assert host.printed("web.0", "TRIED").splitlines()[:4] == [
        "bind 27827: bound", "bind 27830: Permission denied", "bind 0: bound", "bind 8: Permission denied"]
    assert host.ask("STOP", instance="web.0")["code"] == 0
    host.event(kind="state", instance="web.0", state="gone")
    host.up("web.1", "s", config=config, sandbox="any")
    assert host.printed("web.1", "TRIED").splitlines()[1] == "bind 27830: bound"


def test_of_an_exclusive_instance(host):
    """Its init has fence and sockets: it is ended in time with nobody's help, and its port is shut with it."""
    config = app(host, "a", "3, 1000", "kill-timeout: 0.3\ntcp-ports: {27820: {fd: 3}}\n")
    deadline = now_ms() + 6000
    up = host.up("web.0", "s", config=config, policy=2, deadline=deadline)
    host.kill()
    assert answer(call(27820))[0] == "web/web.0"
    wait_for(lambda: now_ms() >= deadline)
    assert not alive(up["pid"]) and refused(27820)
