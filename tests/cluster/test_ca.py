"""A cluster with a CA: `mesh init` without a cluster key, `mesh token`, `mesh join` with
it, all started anew, tokens that are no good, an eviction that the CA signs, and a node
that has the cluster's key and no certificate."""
import json
import os
import subprocess
import time

import pytest

import canary
import service
from mesh import BUILD, Missed, World, wait_until, write

KEYS_AT = 20  # the first key in state-dir/keys: ring.h


@pytest.fixture
def five():
    w = World(f"mesh-b{os.getpid()}", "ca")
    try:
        nodes = w.bridge(["n1", "n2", "n3", "n4", "n5"])
        for n in nodes:
            n.write_config(**{"cluster-key": None, "seeds": None})
        yield w
    finally:
        w.close()


def up(node):
    node.start()
    wait_until(f"{node.name} answers", lambda: node.mesh("version").returncode == 0, 30)


def token(node, *args):
    p = node.mesh("token", *args)
    assert p.returncode == 0, p.stderr
    assert p.stdout.startswith("mesh1_") and p.stdout.count("\n") == 1
    return p.stdout.strip()


def mesh(node, *args, stdin=None):
    return subprocess.run([os.path.join(BUILD, "mesh"), "--socket", node.socket, *args],
                          input=stdin, capture_output=True, text=True, timeout=30, check=False)


def says(node, text):
    problems = json.dumps(node.status()["problems"])
    if text not in problems:
        raise Missed(f"{node.name}: {problems}")
    return True


def one(nodes):
    try:
        return wait_until("one view", lambda: service.one_view(nodes), 60)
    except Missed:
        for n in nodes:
            print(n.tail(25))
        raise


def dropped(node, what):
    return node.ask("debug", "show")["counters"]["dropped"].get(what, 0)


def refused(node, args, code, text, stdin=None):
    p = mesh(node, *args, stdin=stdin)
    assert p.returncode == code and text in p.stderr, (p.returncode, p.stderr)


def make(w):
    """n1 makes the cluster; n2 by an argument, n3 by a file, with a zone."""
    n1, n2, n3 = w.nodes[:3]
    up(n1)
    p = mesh(n1, "init")
    assert p.returncode == 0 and "mesh token" in p.stdout, p.stderr
    assert p.stdout.count("mesh join 10.77.0.1:7780 -") == 1
    st = os.stat(f"{n1.state}/ca.key")
    assert (st.st_mode & 0o7777, st.st_uid, st.st_size) == (0o600, 0, 32)
    refused(n1, ["init"], 1, "member of a cluster already")
    up(n2)
    p = mesh(n2, "join", n1.at(), token(n1))
    assert p.returncode == 0, p.stderr
    up(n3)
    path = os.path.join(w.dir, "token")
    write(path, token(n1, "--zone", "eu-1", "--expires", "5m") + "\n", 0o600)
    p = mesh(n3, "join", n2.at(), "--token-file", path)
    assert p.returncode == 0, p.stderr
    one(w.nodes[:3])
    assert not any(dropped(n, "auth") for n in w.nodes[:3])  # coming in raises no alarm


def test_who_comes_in(five):
    n1, n2, n3, n4, _ = five.nodes
    nodes = five.nodes[:3]
    make(five)
    zones = {m["name"]: m["zone"] for m in n1.ask("members")}
    assert zones["n3"] == "eu-1" and not zones["n2"]
    for n in nodes:
        assert not os.path.exists(f"{n.state}/ca.key") or n is n1
        assert os.stat(f"{n.state}/certificate").st_mode & 0o7777 == 0o600
        assert os.stat(f"{n.state}/keys").st_mode & 0o7777 == 0o600
    # All start anew, and need nobody's word for it.
    for n in nodes:
        n.kill("meshd")
    one(nodes)
    assert n2.ask("keys", "status")["epoch"] == 1
    refused(n2, ["keys", "export"], 1, "this cluster has a CA")

    # What a person can do wrong, before the daemon hears of it.
    up(n4)
    good = token(n1)
    seed = n1.at()
    refused(n4, ["join", seed, "hello"], 64, "the token is not a token: one begins with mesh1_")
    refused(n4, ["join", seed, "hello"], 64, "mesh token, where ca.key lies, prints one")
    refused(n4, ["join", seed, good[:-7]], 64, "the token is")
    refused(n4, ["join", seed, good[:50] + "A" * 3 + good[53:]], 64, "the token is mangled")
    refused(n4, ["join", seed, good[:50] + "=" + good[51:]], 64, "(the 51th)")
    refused(n4, ["join", seed, "-"], 64, "the token is not a token", stdin="")
    refused(n4, ["join", seed, "--token-file", "/nonexistent"], 64, "No such file")
    refused(n4, ["token"], 6, "run it as root where ca.key lies")
    refused(n1, ["token", "--uses", "0"], 64, "--uses: '0' is not a number of nodes")
    refused(n1, ["token", "--expires", "soon"], 64, "--expires: 'soon' is not a duration")
    refused(n1, ["token", "--zone", "A b"], 64, "--zone:")
    brief, until = token(n1, "--expires", "1s"), time.time() + 1
    wait_until("it expires", lambda: time.time() > until, 10)
    refused(n4, ["join", seed, brief], 64, "the token expired")
    p = mesh(n4, "join", seed, "-", stdin=good)
    assert p.returncode == 0, p.stderr
    one(five.nodes[:4])

    # A damaged certificate is said, and another one mends it: the node is who it was.
    n4.stop()
    path = f"{n4.state}/certificate"
    with open(path, "r+b") as f:
        f.seek(60)
        f.write(b"!!")
    n4.exits.clear()
    up(n4)
    wait_until("n4 says so", lambda: says(n4, "certificate: not for this node's key"), 20)
    refused(n4, ["init"], 6, "init: certificate: not for this node's key")
    refused(n4, ["join", seed], 6, "join: certificate: not for this node's key")
    p = mesh(n4, "join", seed, "-", stdin=token(n1))
    assert p.returncode == 0, p.stderr
    one(five.nodes[:4])

    # What lets in, what orders, what opens: each is with its owner alone.
    secrets = {"a token": good.encode(), "another": brief.encode()}
    for n in five.nodes[:4]:
        for name in ("identity.key", "keys", "ca.key"):
            if os.path.exists(f"{n.state}/{name}"):
                with open(f"{n.state}/{name}", "rb") as f:
                    secrets[f"{name} of {n.name}"] = f.read()[:96]
    secrets["the cluster's key"] = secrets.pop("keys of n1")[KEYS_AT:KEYS_AT + 32]
    for n in ("n2", "n3", "n4"):
        del secrets[f"keys of {n}"]
    assert len(secrets) == 8
    canary.nowhere(five.nodes[:4], secrets, five.dir)


def test_a_disk_lost_within_the_20_s_of_its_lifes_number(five):
    make(five)
    n3, nodes = five.nodes[2], five.nodes[:3]
    n3.stop()
    wait_until("a number's seconds begin", lambda: time.time() % 20 < 12, 10)
    n3.exits.clear()
    up(n3)
    one(nodes)
    n3.stop()
    os.remove(f"{n3.state}/critical")
    n3.exits.clear()
    up(n3)
    one(nodes)  # in a life above, not in the same one again


def test_who_stays_out(five):
    n1, n2, n3, n4, n5 = five.nodes
    make(five)
    once = token(n1)
    up(n4)
    assert mesh(n4, "join", n1.at(), once).returncode == 0
    one(five.nodes[:4])
    up(n5)
    before = dropped(n2, "spent")
    assert mesh(n5, "join", n2.at(), once).returncode == 0  # the seeds are asked from now on
    wait_until("n5 hears why not", lambda: says(n5, "n5 came with a token that is used up"), 30)
    wait_until("n2 counts it", lambda: dropped(n2, "spent") > before, 10)
    assert "n5" not in [m["name"] for m in n1.ask("members")]
    told = [(e["subject"], e["text"]) for e in n2.events() if e["kind"] == "refused"]
    assert told == [("n5", "not let in (at 10.77.0.5:7780): it came with a token that is used up; "
                     "if it belongs here: mesh token, and there mesh join with it")], told
    told = [e["text"] for e in n5.events() if e["kind"] == "refused"]
    assert told == ["not let in: n2 at 10.77.0.2:7780 says: n5 came with a token that is used up; "
                    "mesh status says what to do"], told
    p = mesh(n5, "join", n2.at(), token(n1))
    assert p.returncode == 0, p.stderr
    one(five.nodes)

    # The CA alone puts somebody out, and its use does not come back.
    refused(n2, ["evict", "n4"], 6, "ca.key")
    other = os.path.join(five.dir, "other.key")
    write(other, os.urandom(32), 0o600)
    refused(n2, ["evict", "n4", "--ca-key", other], 6, "the key of another cluster's CA")
    refused(n2, ["evict", "n9", "--ca-key", f"{n1.state}/ca.key"], 1, "no node 'n9' is known")
    p = mesh(n2, "evict", "n4", "--ca-key", f"{n1.state}/ca.key")
    assert p.returncode == 0 and p.stdout.startswith("evicted n4"), p.stderr
    rest = [n1, n2, n3, n5]
    one(rest)
    wait_until("n4 knows", lambda: says(n4, "evicted: this node is out"), 30)
    wait_until("the key changes", lambda: n1.mesh("keys", "rotate").returncode == 0, 20)
    wait_until("all use it", lambda: all(n.ask("keys", "status")["epoch"] == 2 and
               n.ask("keys", "status")["phase"] == "steady" for n in rest), 30)

    # The cluster's key of now, stolen from a member's disk, and no certificate.
    n4.kill_host()
    subprocess.run(["rm", "-rf", n4.state], check=True)
    with open(f"{n3.state}/keys", "rb") as f:
        f.seek(KEYS_AT)
        key = os.path.join(five.dir, "stolen.key")
        write(key, f.read(32), 0o600)
    n4.write_config(**{"cluster-key": key, "seeds": [n.at() for n in rest]})
    n4.exits.clear()
    up(n4)
    wait_until("it is refused for that", lambda: dropped(n1, "certificate") > 0 and
               dropped(n2, "certificate") > 0, 30)
    refused(n4, ["join", n1.at(), token(n1)], 1, "this host has a cluster key")
    assert all("n4" not in [m["name"] for m in n.ask("members") if m["state"] == "alive"]
               for n in rest)
    assert not n4.status()["side"]["leader"]
    one(rest)


def test_an_init_that_was_interrupted(five):
    """It made ca.key, and the daemon never heard of it: the next one goes on with it.  One
    that was brought from elsewhere may be another cluster's."""
    n1, n2 = five.nodes[:2]
    for n in (n1, n2):
        up(n)
        write(f"{n.state}/ca.key", os.urandom(32), 0o600)
    refused(n2, ["init"], 6, "ca.key: it is there already, of another cluster, or of an interrupted mesh init? move")
    write(f"{n1.state}/ca.key.made", "", 0o600)
    with open(f"{n1.state}/ca.key", "rb") as f:
        key = f.read()
    p = mesh(n1, "init")
    assert p.returncode == 0, p.stderr
    with open(f"{n1.state}/ca.key", "rb") as f:
        assert f.read() == key
    p = mesh(n2, "join", n1.at(), token(n1))
    assert p.returncode == 0, p.stderr
    one([n1, n2])
