"""nets - a mesh to be maltreated: hosts behind a bridge with nothing to run, the
faults that nftables can make, and what may be believed of the nodes meanwhile.

A Watch asks every node all the time who leads in which term, and remembers what
was said; the nodes' own logs say who was given up by whom.
"""
import contextlib
import os
import re
import threading

import pytest

from mesh import Missed, World, init, wait_until

EMPTY = """-- nothing to run: the network is what is looked at
return {schedule = function(input)
	return {roles = {}, nodes = {}}
end}
"""
GIVEN_UP = re.compile(r"mesh (?:failed|dead) (\S+)")


class Net:
    """count hosts n1 n2 ... that know each other, one view."""

    def __init__(self, count, address="10.77.0.{}", **settings):
        self.world = World(f"mesh-n{os.getpid()}", "net")
        try:
            names = [f"n{i}" for i in range(1, count + 1)]
            self.nodes = self.world.bridge(names, address)
            for node in self.nodes:
                node.write_config(log={"level": "debug"}, **settings)
                set_script(node, EMPTY)
                node.start()
            init(self.nodes[0])
            self.settle()
        except BaseException:
            self.say()
            self.world.close()
            raise

    def settle(self, limit_s=60):
        """What is down is started, the rest waits until all agree."""
        for node in self.nodes:
            if node.process is None:
                node.exits.clear()
                node.start()
        return wait_until("one view", lambda: one_view(self.nodes), limit_s)[1]

    def others(self, *nodes):
        return [n for n in self.nodes if n not in nodes]

    def leader(self):
        """Of whoever has one: the first may be the one that is cut off."""
        def named():
            for node in self.nodes:
                said = node.status()["side"]
                if said["grade"] == "full" and said["leader"]:
                    return said["leader"]
            raise Missed("nobody follows a full leader")
        said = wait_until("a leader", named, 30)[0]
        return next(n for n in self.nodes if n.name == said)

    def mend(self):
        for node in self.nodes:
            self.world.nft("table inet fault {}\ndelete table inet fault\n", node.netns)

    def say(self):
        for node in self.world.nodes:
            print(node.tail(25))


@contextlib.contextmanager
def made(count, address="10.77.0.{}", **settings):
    net = Net(count, address, **settings)
    try:
        yield net
    finally:
        net.world.close()


def mended(net):
    """What a test gets: settled before, and settled again after its faults."""
    net.settle()
    yield net
    net.mend()
    net.settle()


@pytest.fixture(scope="module")
def five_made():
    with made(5) as net:
        yield net


@pytest.fixture
def five(five_made):
    yield from mended(five_made)


def set_script(node, text):
    with open(os.path.join(node.etc, "scheduler-scripts/main.lua"), "w",
              encoding="ascii") as f:
        f.write(text)


def one_view(nodes):
    """All alive to each other, one leader, one stamp, full grade."""
    names = sorted(n.name for n in nodes)
    said = set()
    for node in nodes:
        alive, status = node.alive(), node.status()
        side = status["side"]
        if alive != names:
            raise Missed(f"{node.name} sees {alive}")
        said.add((side["leader"], side["term"], side["grade"], side["known"],
                  side["visible"], status["scheduler"]["stamp"]))
        if len(said) > 1:
            raise Missed(f"leader, term, grade, known, visible, stamp: {said}")
    leader, _, grade, known, visible, stamp = said.pop()
    if not leader or not stamp or (grade, known, visible) != \
            ("full", len(nodes), len(nodes)):
        raise Missed(f"{leader} {grade} {known} {visible} {stamp}")
    return leader


# --- faults: rules in the namespace of one host ------------------------------------
def rules(node, incoming=(), outgoing=()):
    """Rules that hold for what this host receives, and what it sends."""
    node.world.nft(f"""table inet fault {{
	chain in {{ type filter hook input priority 0; {"; ".join(incoming)}; }}
	chain out {{ type filter hook output priority 0; {"; ".join(outgoing)}; }}
}}
""", node.netns)


def listed(nodes):
    return "{ " + ", ".join(n.address for n in nodes) + " }"


def hears_not(node, nodes, what=""):
    """What these send does not reach the node; it reaches them."""
    rules(node, [f"ip saddr {listed(nodes)} {what} drop"])


def apart(node, nodes, what=""):
    """Nothing (of this kind) passes between the node and these, either way."""
    rules(node, [f"ip saddr {listed(nodes)} {what} drop"],
          [f"ip daddr {listed(nodes)} {what} drop"])


def loses(node, percent):
    """So many of the packets that come to this host are lost, by chance."""
    rules(node, [f"iif lo accept; numgen random mod 100 < {percent} drop"])


# --- what they say ------------------------------------------------------------------
def side(node, grade, leader):
    said = node.status()["side"]
    if (said["grade"], said["leader"]) != (grade, leader):
        raise Missed(f"{node.name}: {said}")
    return True


def state(node, other):
    """What the node says of another."""
    return next((m["state"] for m in node.ask("members") if m["name"] == other.name),
                None)


def none_missed(nodes, others):
    """None of these others is dead to any of these nodes."""
    for node in nodes:
        for other in others:
            if state(node, other) not in ("alive", "suspect"):
                raise Missed(f"{node.name} misses {other.name}")
    return True


# --- what is seen ---------------------------------------------------------------------
class Watch:
    """From `with` to its end: who leads in which term, as every node says, and
    who was given up by whom.  One leader a term holds always, so the end of the
    watch asserts it."""

    def __init__(self, net):
        self.net, self.leaders, self.stop = net, {}, False
        self.rounds, self.error = 0, None
        self.from_ = {n.name: size(n.log) for n in net.nodes}

    def __enter__(self):
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, kind, _value, _trace):
        self.stop = True
        self.thread.join()
        if kind is not None:
            self.net.say()
            return
        if self.error is not None:
            raise self.error
        assert self.rounds > 0
        twice = {term: who for term, who in self.leaders.items() if len(who) > 1}
        assert not twice, f"terms with two leaders: {twice}"

    def _look(self):
        try:
            while not self.stop:
                for node in self.net.nodes:
                    self._ask(node)
                self.rounds += 1
        except Exception as e:  # carried to the end of the watch
            self.error = e

    def _ask(self, node):
        try:
            side = node.status()["side"]
        except Missed:
            return  # down, or starting: says nothing
        if side.get("leader"):
            self.leaders.setdefault(side["term"], set()).add(side["leader"])

    def given_up(self, by):
        """Names that these nodes called failed since the watch began."""
        found = set()
        for node in by:
            with open(node.log, "rb") as f:
                f.seek(self.from_[node.name])
                text = f.read().decode("utf-8", "replace")
            found |= {(node.name, who) for who in GIVEN_UP.findall(text)}
        return found

    def lasts(self, what, check, passes=2):
        """check() stays true while the leader's scheduler goes through so many
        more rounds; it has one each 5 s when nothing changes."""
        node = self.net.leader()
        first = node.status()["scheduler"]["round"]

        def gone_by():
            try:
                check()
            except Missed as e:
                raise AssertionError(f"{what}: no longer: {e}") from None
            return node.status()["scheduler"]["round"] >= first + passes
        wait_until(f"{what}, for {passes} rounds", gone_by, 60 + 20 * passes)


def size(path):
    return os.path.getsize(path) if os.path.exists(path) else 0
