"""Networks of containers' own: none, or a port of a bridge; on real bridges, in a
network namespace that each test makes for itself and its daemon."""
import json
import os
import pathlib
import shutil
import socket
import subprocess

import pytest
import weak
from conftest import ROOT, bridge_apart, children_of, ip, wait_for
from test_ports import QUICK, answer, app, call, server

BOX = "default-user: 1000\nallow-users: [1000]\n"
BRIDGED = BOX + "bridged-network: {bridge: br7, network: 10.77.0.0/24, default-gateway: 10.77.0.1}\n"
LOOK = "ip -o link; ip -o addr; ip route; cat /etc/hosts; hostname; echo LOOKED; exec sleep 1000"


@pytest.fixture
def net():
    with bridge_apart():
        yield


@pytest.fixture(scope="module")
def looker(programs):
    out = programs / "net"
    subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O1", "-static", "-o", out, ROOT / "tests/containers/net.c"], check=True)
    return out


@pytest.fixture
def host(net, node, server, looker):
    """A node there, whose image has a server and what looks."""
    top = node.image("s")
    shutil.copy(server, top / "server")
    shutil.copy(looker, top / "net")
    os.symlink("busybox", top / "bin/ip")
    (top / "etc/hosts").write_text("")
    node.sandbox("web", BRIDGED)
    node.sandbox("alone", BOX + "network: none\nroles: [web]\n")
    node.shell("s", LOOK, name="look", extra=QUICK)
    node.start()
    return node


def looks(host, name, arguments):
    (host.images / "s/config" / (name + ".yaml")).write_text("executable: /net\narguments: %s\n" % json.dumps(arguments))
    return "/config/%s.yaml" % name


def links():
    """The ends of containers' links on this host: {name: alias}."""
    return {l["ifname"]: l.get("ifalias", "") for l in json.loads(ip("-j", "link")) if l["ifname"].startswith("m")}


def gone(host, instance):
    assert host.ask("STOP", instance=instance)["code"] == 0
    host.event(kind="state", instance=instance, state="gone")


def test_bridged(host):
    """Its address, its neighbours' view of it, and nothing left of it."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0806)) as wire:
        wire.bind(("br7", 0x0806))
        wire.settimeout(10)
        up = host.up("web.0", "s", config="/config/look.yaml", address="10.77.0.5")
        # It says where its address is now, before anybody asks: sender and target are the same.
        assert wire.recv(100)[8:28] == bytes.fromhex("026d0a4d00050a4d0005") + bytes(6) + bytes.fromhex("0a4d0005")
    text = host.printed("web.0", "LOOKED")
    assert "eth0" in text and "mtu 1400" in text and "link/ether 02:6d:0a:4d:00:05" in text
    assert "inet 10.77.0.5/24" in text and "inet 127.0.0.1/8" in text and "inet6 fe80" not in text
    assert "default via 10.77.0.1 dev eth0" in text
    assert "10.77.0.5 web.0" in text and text.splitlines()[-2:] == ["web.0", "LOOKED"]
    assert up["address"] == 0x0a4d0005
    (name, alias), = links().items()
    assert alias == "mesh web/web.0 of %s" % host.cgroup
    assert name in ip("link", "show", "master", "br7")
    assert host.ask("AUDIT", instance="web.0")["code"] == 0
    document = bytes.fromhex(next(e["hex"] for e in host.events if e["kind"] == "document"))
    assert b"lo up 127.0.0.1/8 ::1/128\neth0 up 02:6d:0a:4d:00:05 10.77.0.5/24\n" in document
    gone(host, "web.0")
    assert links() == {}


def test_reached_and_reaching(host):
    """From this host and from another container, by ports that it was given and those that it
    binds, also below 1024; each has its own 0.0.0.0:80."""
    config = app(host, "a", "3, 1000", "tcp-ports: {80: {fd: 3}}\n")
    for i in (5, 6):
        host.up("web.%d" % i, "s", config=config, address="10.77.0.%d" % i)
    assert answer(call(80, "10.77.0.5"))[0] == "web/web.5" and answer(call(80, "10.77.0.6"))[0] == "web/web.6"
    with pytest.raises(OSError):
        call(80, "127.0.0.1")
    host.up("web.7", "s", config=looks(host, "r", ["reach", "10.77.0.6", "80"]), address="10.77.0.7")
    assert "reach 10.77.0.6: done" in host.printed("web.7", "LOOKED")
    host.up("web.8", "s", config=app(host, "b", "bind, 80, 27830"), address="10.77.0.8")
    assert host.printed("web.8", "TRIED").splitlines()[:2] == ["bind 80: bound", "bind 27830: bound"]


def test_none(host):
    """A loopback and nothing else: no port, no abstract socket of the host's is in reach."""
    host.up("web.0", "s", config="/config/look.yaml", sandbox="alone")
    text = host.printed("web.0", "LOOKED")
    assert "1: lo: <LOOPBACK,UP" in text and "inet 127.0.0.1/8" in text and "2: " not in text and "default" not in text
    # Its ports are its own, as are those that it is given; a file may ask for that by itself.
    host.up("web.1", "s", config=app(host, "a", "bind, 80"), sandbox="alone")
    host.printed("web.1", "TRIED")
    host.up("web.2", "s", config=app(host, "b", "show, 3", "network: none\ntcp-ports: {80: {fd: 3}}\n"))
    assert "fd 3: 0.0.0.0 80 accepts=1" in host.printed("web.2", "SHOWN")
    with pytest.raises(OSError):
        call(80)
    # A Command of a sandbox with a bridge has no address, unless somebody gives it one.
    host.shell("s", "ip -o addr", name="command", kind="Command")
    assert host.run("c.0", "s", config="/config/command.yaml", op="RUN")["code"] == 0
    said = host.event(kind="exit", instance="c.0")["text"]
    assert "lo" in said and "eth0" not in said


REFUSED = {
    "of another network": (BRIDGED, dict(address="10.78.0.5"), "web.9: %s:3:41: bridged-network/network: ip-addresses: 10.78.0.5 is no address of a host in 10.77.0.0/24"),
    "the network's own": (BRIDGED, dict(address="10.77.0.0"), "web.9: %s:3:41: bridged-network/network: ip-addresses: 10.77.0.0 is no address of a host in 10.77.0.0/24"),
    "broadcast": (BRIDGED, dict(address="10.77.0.255"), "web.9: %s:3:41: bridged-network/network: ip-addresses: 10.77.0.255 is no address of a host in 10.77.0.0/24"),
    "the gateway's": (BRIDGED, dict(address="10.77.0.1"), "web.9: %s:3:72: bridged-network/default-gateway: ip-addresses: 10.77.0.1 is the gateway's"),
    "none": (BRIDGED, {}, "web.9: ip-addresses: one address is needed, as sandbox 'web' has a bridged-network (%s:3:18)"),
    "of another instance": (BRIDGED, dict(address="10.77.0.5"), "web.9: ip-addresses: 10.77.0.5 is that of web.0 (role 'web', sandbox 'web'); give one of them another"),
    "this host's": (BRIDGED.replace(", default-gateway: 10.77.0.1", ""), dict(address="10.77.0.1"), "web.9: ip-addresses: 10.77.0.1 is an address of this host"),
    "no bridge": (BRIDGED.replace("br7", "br8"), dict(address="10.77.0.6"),
                  "web.9: %s:3:27: bridged-network/bridge: there is no 'br8' on this host; make it: ip link add br8 type bridge"),
    "gateway outside": (BRIDGED.replace("10.77.0.1}", "10.78.0.1}"), dict(address="10.77.0.6"),
                        "web.9: %s:3:72: bridged-network/default-gateway: 10.78.0.1 is no address of a host in 10.77.0.0/24: nothing could be sent there"),
    "no hosts in it": (BRIDGED.replace("10.77.0.0/24", "127.0.0.0/24"), dict(address="10.77.0.6"),
                       "web.9: %s:3:41: bridged-network/network: a network of hosts is needed, with a prefix of 8 to 30"),
    "too small": (BRIDGED.replace("10.77.0.0/24", "10.77.0.0/31"), dict(address="10.77.0.6"),
                  "web.9: %s:3:41: bridged-network/network: a network of hosts is needed, with a prefix of 8 to 30"),
    "odd bridge": (BRIDGED.replace("br7", "'br/7'"), dict(address="10.77.0.6"),
                   "web.9: %s:3:27: bridged-network/bridge: the name of an interface is needed"),
    "a command by a relative path": (BRIDGED.replace("}", ", after-setup-command: [true]}"), dict(address="10.77.0.6"),
                                     "web.9: %s:3:104: bridged-network/after-setup-command: the program's absolute path on this host comes first"),
    "two words": (BRIDGED + "network: none\n", dict(address="10.77.0.6"), "web.9: %s:4:10: network: it is none, and there is a bridged-network: one has to go"),
    "no map": (BOX + "network: bridged\n", dict(address="10.77.0.6"), "web.9: %s:3:10: network: bridged needs a bridged-network: {bridge: NAME, network: A.B.C.D/N}"),
    "no network": (BOX, dict(address="10.77.0.6"), "web.9: ip-addresses: 10.77.0.6: sandbox 'web' has no bridged-network (%s)"),
    "IPv6": (BRIDGED.replace("10.77.0.0/24", "'fd77::/64'"), dict(address="10.77.0.6"),
             "web.9: %s:3:41: bridged-network.network: 'fd77::/64' is not an IPv4 network like 10.0.0.0/24"),
}


def test_refused(host):
    """Each by name, with its place; what runs runs on."""
    up = host.up("web.0", "s", config="/config/look.yaml", address="10.77.0.5")
    file = str(host.sandboxes / "web.yaml")
    for name, (text, keys, line) in REFUSED.items():
        host.sandbox("web", text)
        reply = host.run("web.9", "s", config="/config/look.yaml", **keys)
        assert reply["code"] != 0 and reply["text"] == line.replace("%s", file), name
    host.sandbox("web", BRIDGED)
    tcp = app(host, "h", "3, 1", "network: none\nhealth: {tcp: 80, interval: 1s}\n")
    assert host.run("web.9", "s", config=tcp)["text"].endswith(
        "health/tcp: nothing reaches it from outside, as its network is none: exec does")
    assert host.run("web.9", "s", config=tcp, address="10.77.0.9")["text"].endswith(
        ":4:10: network: none, and ip-addresses gives it 10.77.0.9")
    # A bridge on which this host has no address: its engine can't ask anybody there.
    ip("addr", "del", "10.77.0.1/24", "dev", "br7")
    tcp = app(host, "i", "3, 1", "health: {tcp: 80, interval: 1s}\n")
    assert host.run("web.9", "s", config=tcp, address="10.77.0.9")["text"] == (
        "web.9: health: this host has no way to 10.77.0.9, so its tcp or http probe can't reach it; "
        "give br7 an address there, or probe by exec")
    host.up("web.9", "s", config="/config/look.yaml", address="10.77.0.9")
    assert os.path.exists("/proc/%d" % up["pid"])


def test_not_a_bridge(host):
    """Seen by the child alone; as is a bridge that is gone when it starts again."""
    ip("link", "add", "plain7", "type", "veth", "peer", "name", "plain8")
    host.sandbox("web", BRIDGED.replace("br7", "plain7"))
    assert host.run("web.0", "s", config="/config/look.yaml", address="10.77.0.5")["code"] == 0
    assert host.event(kind="state", instance="web.0", state="backoff")["text"] == "web.0: network: 'plain7' is no bridge"
    gone(host, "web.0")
    host.sandbox("web", BRIDGED)
    pid = host.up("web.1", "s", config="/config/look.yaml", address="10.77.0.5")["pid"]
    ip("link", "del", "br7")
    os.kill(children_of(pid)[0], 9)
    said = host.event(kind="state", instance="web.1", state="backoff")["text"]
    while "bridge" not in said:
        said = host.event(kind="state", instance="web.1")["text"]
    assert said == "web.1: network: there is no bridge 'br7' on this host; make it: ip link add br7 type bridge"
    # Made anew, it is joined again, by the link that there was.
    before = links()
    ip("link", "add", "br7", "type", "bridge")
    ip("addr", "add", "10.77.0.1/24", "dev", "br7")
    ip("link", "set", "br7", "up")
    host.event(kind="state", instance="web.1", state="running")
    assert links() == before and list(before)[0] in ip("link", "show", "master", "br7")


def test_kept_over_restarts(host):
    """The network, its sockets and their queues: over the application's end, kill -9 of meshd, and a change."""
    slow = app(host, "w", "3, 1, wait", "tcp-ports: {80: {fd: 3}, 27822: {fd: 4, external: yes}}\n")
    pid = host.up("web.0", "s", config=slow, address="10.77.0.5")["pid"]
    host.printed("web.0", "WAITS")
    inode = os.stat("/proc/%d/ns/net" % pid).st_ino
    first, second, third = (call(80, "10.77.0.5") for _ in range(3))
    call(27822).close()  # opened on the host's network
    os.kill(children_of(pid)[0], 10)
    assert answer(first)[0] == "web/web.0"
    pid = host.event(kind="state", instance="web.0", state="running")["pid"]
    assert os.stat("/proc/%d/ns/net" % pid).st_ino == inode
    host.kill()
    host.start()
    host.say("LIST ticket=9000")
    up = host.event(kind="state", instance="web.0", state="running")
    assert up["pid"] == pid and up["address"] == 0x0a4d0005
    wait_for(lambda: host.log("web.0").count("WAITS") == 2)
    os.kill(children_of(pid)[0], 10)
    assert answer(second)[0] == "web/web.0"
    pid = host.event(kind="state", instance="web.0", state="running")["pid"]
    assert os.stat("/proc/%d/ns/net" % pid).st_ino == inode
    # Another container file: the same network; another address: another one, and nothing of the first.
    quick = app(host, "q", "3, 1000", "tcp-ports: {80: {fd: 3}}\n")
    assert host.run("web.0", "s", config=quick, address="10.77.0.5")["code"] == 0
    assert answer(third)[0] == "web/web.0"
    assert host.run("web.0", "s", config=quick, address="10.77.0.6")["code"] == 0
    wait_for(lambda: [n[5:] for n in links()] == ["0a4d0006"])
    assert answer(call(80, "10.77.0.6"))[0] == "web/web.0"
    # Who is killed with meshd leaves nothing either, and its address is free for another.
    gone(host, "web.0")
    assert links() == {}
    host.up("web.1", "s", config=quick, address="10.77.0.6")
    host.say("STOP ticket=1 instance=web.1")
    assert host.run("web.2", "s", config=quick, address="10.77.0.6")["code"] == 0
    host.event(kind="state", instance="web.2", state="running")
    assert answer(call(80, "10.77.0.6"))[0] == "web/web.2"


def test_nobody_is_the_gateway_of_another_sandbox(host):
    """What a sandbox says is its way out is no container's, whichever comes first; on another bridge it may be."""
    host.sandbox("web", BRIDGED.replace("10.77.0.1}", "10.77.0.254}"))
    host.sandbox("other", BRIDGED.replace(", default-gateway: 10.77.0.1", "") + "roles: [web]\n")
    host.up("web.0", "s", config="/config/look.yaml", address="10.77.0.5")
    assert host.run("other.0", "s", config="/config/look.yaml", sandbox="other", address="10.77.0.254")["text"] == (
        "other.0: ip-addresses: 10.77.0.254 is the default-gateway of sandbox 'web' (web.0); give it another")
    gone(host, "web.0")
    host.up("other.0", "s", config="/config/look.yaml", sandbox="other", address="10.77.0.254")
    assert host.run("web.0", "s", config="/config/look.yaml", address="10.77.0.5")["text"] == (
        "web.0: bridged-network/default-gateway: 10.77.0.254 is the address of other.0 (role 'web', sandbox 'other'); give one of them another")


def test_another_sandbox_gets_a_network_of_its_own(host):
    """One instance asked for in another sandbox: nothing that the first one made of its network is the second's."""
    host.sandbox("other", BRIDGED + "roles: [web]\n")
    host.sandbox("apart", BOX + "network: none\nroles: [web]\n")
    inode = lambda e: os.stat("/proc/%d/ns/net" % e["pid"]).st_ino  # noqa: E731
    for first, second, keys in (("web", "other", dict(address="10.77.0.5")), ("alone", "apart", {})):
        before = inode(host.up(first + ".0", "s", config="/config/look.yaml", sandbox=first, **keys))
        assert host.run(first + ".0", "s", config="/config/look.yaml", sandbox=second, **keys)["code"] == 0
        host.event(kind="state", instance=first + ".0", state="starting")
        assert inode(host.event(kind="state", instance=first + ".0", state="running")) != before
        gone(host, first + ".0")
    assert links() == {}


def networks_held(host):
    """How many networks the supervisor holds."""
    return len(subprocess.run(["find", "/proc/%d/fd" % host.meshd.pid, "-lname", "net:*"],
                              capture_output=True, text=True).stdout.splitlines())


def test_nothing_is_held_for_nobody(host):
    """Of what is stopped between two runs, and of a Command that has ended, no network is left, nor its address."""
    host.shell("s", "exec sleep 1000", name="fails", extra="restart-timeout: 60\n")
    pid = host.up("web.0", "s", config="/config/fails.yaml", address="10.77.0.5")["pid"]
    os.kill(children_of(pid)[0], 9)
    host.event(kind="state", instance="web.0", state="backoff")
    assert networks_held(host) == 1 and len(links()) == 1
    gone(host, "web.0")
    assert networks_held(host) == 0 and links() == {}
    host.shell("s", "ip -o addr", name="command", kind="Command")
    for i, keys in enumerate((dict(address="10.77.0.5"), dict(sandbox="alone"))):
        assert host.run("c.%d" % i, "s", config="/config/command.yaml", op="RUN", **keys)["code"] == 0
        said = host.event(kind="exit", instance="c.%d" % i)["text"]
        assert ("10.77.0.5" in said) == (i == 0) and networks_held(host) == 0 and links() == {}
    host.up("web.1", "s", config="/config/look.yaml", address="10.77.0.5")


def zombies(host):
    def state(pid):
        try:
            return pathlib.Path("/proc/%d/stat" % pid).read_text().rsplit(") ", 1)[1][0]
        except (FileNotFoundError, ProcessLookupError):
            return ""
    return [pid for pid in children_of(host.meshd.pid) if state(pid) == "Z"]


def test_a_network_that_a_connection_holds(host):
    """What a process sent last, to a peer that is gone, holds its network for a while, and nobody can end that:
    its link goes all the same."""
    config = app(host, "a", "3, 1, wait", "tcp-ports: {80: {fd: 3}}\n")
    pid = host.up("web.0", "s", config=config, address="10.77.0.5")["pid"]
    host.printed("web.0", "WAITS")
    (name, _), = links().items()
    with call(80, "10.77.0.5"):
        ip("link", "set", name, "down")
        os.kill(children_of(pid)[0], 10)
        host.event(kind="state", instance="web.0", state="running")
        gone(host, "web.0")
        assert links() == {}
    # Who removed it is reaped, though nobody else is to be removed.
    wait_for(lambda: not zombies(host))
    # A stale one of this very instance, of a meshd that was killed, makes way; another's does not.
    ip("link", "add", name, "type", "veth", "peer", "name", "plain8")
    assert host.run("web.0", "s", config=config, address="10.77.0.5")["code"] == 0
    said = host.event(kind="state", instance="web.0", state="backoff")["text"]
    assert said == "web.0: network: 10.77.0.5 is taken on this host: link %s is there (not of mesh)" % name
    gone(host, "web.0")
    assert links() == {name: ""}
    assert host.run("web.0", "s", config=config, address="10.77.0.5")["code"] == 0
    ip("link", "set", name, "alias", "mesh web/web.0 of %s" % host.cgroup)
    host.event(kind="state", instance="web.0", state="running")
    call(80, "10.77.0.5").close()


def test_a_stop_that_was_cut_off_removes_the_link(host):
    """The supervisor was killed when nothing ran any more and the link was still there: the next one removes it."""
    pid = host.up("web.0", "s", config="/config/look.yaml", address="10.77.0.5")["pid"]
    (name, alias), = links().items()
    host.kill()
    records = host.top / "state/supervisor"
    (records / "web.0").rename(records / ".stop-web.0")
    os.kill(pid, 9)
    wait_for(lambda: links() == {})
    ip("link", "add", name, "type", "veth", "peer", "name", "plain8")
    ip("link", "set", name, "alias", alias)
    host.start()
    wait_for(lambda: links() == {})
    wait_for(lambda: host.records() == [])
    assert host.ask("LIST")["kind"] == "end" and not [e for e in host.events if e["kind"] == "state" and e["state"] != "gone"]
    # Somebody else's of that name stays, and nobody waits for it.
    host.up("web.0", "s", config="/config/look.yaml", address="10.77.0.5")
    host.kill()
    (records / "web.0").rename(records / ".stop-web.0")
    for leaf in host.leaves():
        (host.leaf(leaf) / "cgroup.kill").write_text("1")
    wait_for(lambda: links() == {})
    ip("link", "add", name, "type", "veth", "peer", "name", "plain8")
    host.start()
    wait_for(lambda: host.records() == [])
    assert links() == {name: ""}
    ip("link", "del", name)


def test_nobody_else_on_it(host):
    """No way to send from an address of another, whatever a process of the container tries."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        here.bind(("10.77.0.1", 0))
        port = here.getsockname()[1]
        host.up("web.0", "s", config=looks(host, "s", ["spoof", "10.77.0.99", "10.77.0.1", str(port)]), address="10.77.0.5")
        text = host.printed("web.0", "LOOKED")
        said = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
        assert said["own"] == "done" and said["bound"] == "Cannot assign requested address"
        assert {said["freebind"], said["told"]} <= {"Invalid argument", "Network is unreachable"}, said
        assert said["transparent"] == "Cannot assign requested address"
        assert said["raw"] == "Operation not permitted" and said["packet"] != "done"
        assert said["six"] == "Cannot assign requested address" or "unreachable" in said["six"], said
        assert here.recvfrom(100)[1][0] == "10.77.0.5"
        here.setblocking(False)
        with pytest.raises(BlockingIOError):
            here.recv(100)


def test_after_setup(host):
    """By the host's root, on the container's network, once for each network; a failure is the start's."""
    out = host.top / "said"
    host.sandbox("web", BRIDGED.replace("}", ", after-setup-command: [/bin/sh, -c, 'echo \"$1 $(cat /proc/net/dev | grep -c eth0) $(id -u)\" >>%s; sleep 1000 & ', x, '@{container_ip}']}" % out))
    pid = host.up("web.0", "s", config="/config/look.yaml", address="10.77.0.5")["pid"]
    assert out.read_text() == "10.77.0.5 1 0\n"
    # What it leaves behind is ended: there is pid 1 and its application alone.
    assert len(children_of(pid)) == 1
    os.kill(children_of(pid)[0], 9)
    host.event(kind="state", instance="web.0", state="running")
    assert out.read_text() == "10.77.0.5 1 0\n"
    # Edited, it is not what was done to this network, which goes: what it lets through may be less now.
    host.sandbox("web", BRIDGED.replace("}", ", after-setup-command: [/bin/sh, -c, 'echo anew >>%s']}" % out))
    assert host.run("web.0", "s", config="/config/look.yaml", address="10.77.0.5")["code"] == 0
    host.event(kind="state", instance="web.0", state="starting")
    host.event(kind="state", instance="web.0", state="running")
    assert out.read_text() == "10.77.0.5 1 0\nanew\n"
    host.sandbox("web", BRIDGED.replace("}", ", after-setup-command: [/bin/false]}"))
    assert host.run("web.1", "s", config="/config/look.yaml", address="10.77.0.6")["code"] == 0
    assert host.event(kind="state", instance="web.1", state="backoff")["text"] == \
        "web.1: after-setup-command /bin/false: ended with code 1"


def test_after_setup_is_of_what_was_accepted(host):
    """The command finds the record of its instance on disk: a START that is refused has run nothing as the host's root."""
    out, records = host.top / "said", host.top / "state/supervisor"
    out.write_text("")
    host.sandbox("web", BRIDGED.replace("}", ", after-setup-command: [/bin/sh, -c, 'test -e %s/web.$1; echo $? >>%s', x, '@{container_ip}']}"
                                        % (records, out)))
    for i in range(6, 12):
        address = "10.77.0.%d" % i
        host.up("web." + address, "s", config="/config/look.yaml", address=address)
    assert out.read_text().split() == ["0"] * 6
    # The record can't be written.
    (records / "web.10.77.0.5").mkdir()
    assert host.run("web.10.77.0.5", "s", config="/config/look.yaml", address="10.77.0.5")["code"] != 0
    assert out.read_text().split() == ["0"] * 6


def test_held_by_a_network_of_its_own(net, programs, weak_programs, looker):
    """What listens on this host's loopback, or has an abstract name, is out of reach; without that it is not."""
    with socket.create_server(("127.0.0.1", 27831)), socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind("\0mesh-test-net")
        abstract.listen(10)
        for tree, off, said in ((programs, (), "Connection refused"), (weak_programs, ("landlock",), "Connection refused"),
                                (weak_programs, ("landlock", "netns"), "done")):
            node = weak.Host(tree)
            try:
                shutil.copy(looker, node.image("a") / "net")
                node.sandbox("web", BOX + "network: none\n")
                node.start()
                node.without(*off)
                for name, words, line in (("r", ["reach", "127.0.0.1", "27831"], "reach 127.0.0.1: "),
                                          ("s", ["abstract", "mesh-test-net"], "abstract: ")):
                    (node.images / "a/config" / (name + ".yaml")).write_text("executable: /net\narguments: %s\n" % json.dumps(words))
                    node.up("web." + name, "a", config="/config/%s.yaml" % name)
                    got = node.printed("web." + name, "LOOKED").splitlines()[0]
                    assert got == line + said or (not off and got == "abstract: Operation not permitted"), (off, got)
            finally:
                node.close()
