"""Networks that fail for longer, and more at once, than the tests of each change
have time for: `make test-net`."""
import random
import re

from mesh import Missed, wait_until
from nets import Watch, apart, five, five_made, hears_not, loses, none_missed, side  # noqa: F401


def test_nearly_a_third_of_all_packets_is_lost(five):
    """Each host loses 30 % of what comes in: nobody is given up for it."""
    with Watch(five) as watch:
        for n in five.nodes:
            loses(n, 30)
        watch.lasts("all live", lambda: none_missed(five.nodes, five.nodes), passes=6)
        for n in five.nodes:
            wait_until(f"{n.name} says what is lost", lambda n=n: loss(n) is not None, 70)
        # There and back 51 %; of at most 60 probes chance takes or gives some.
        assert all(25 <= loss(n) <= 75 for n in five.nodes)
        assert all(n.mesh("status").returncode == 1 for n in five.nodes)
        assert not watch.given_up(five.nodes)
    five.mend()
    for n in five.nodes:
        wait_until(f"{n.name} says no more of it", lambda n=n: loss(n) is None, 80)


def loss(node):
    """How much is lost, by the node's word, in percent; None: it says nothing of it."""
    for p in node.status()["problems"]:
        said = re.match(r"packets are lost or late: .*\((\d+) %\)", p["text"])
        if said:
            return int(said.group(1))
    return None


def paths(node):
    return [(e["subject"], "whole" in e["text"]) for e in node.events() if e["kind"] == "path"]


def test_a_path_that_is_cut_is_an_event_at_both_ends(five):
    one, other = five.others(five.leader())[:2]
    before = {n.name: paths(n) for n in five.nodes}

    def told(end, far, count):
        new = paths(end)[len(before[end.name]):]
        if len(new) < count:
            raise Missed(str(new))
        assert new == [(far.name, False), (far.name, True)][:count]
        return True
    apart(one, [other])
    for end, far in ((one, other), (other, one)):
        wait_until(f"{end.name} tells it", lambda end=end, far=far: told(end, far, 1), 60)
    for n in five.others(one, other):
        assert paths(n) == before[n.name]
    five.mend()
    for end, far in ((one, other), (other, one)):
        wait_until(f"{end.name} tells its end", lambda end=end, far=far: told(end, far, 2), 30)


def test_a_deaf_node_gives_up_everybody_and_kills_nobody(five):
    deaf = five.others(five.leader())[0]
    rest = five.others(deaf)
    with Watch(five) as watch:
        hears_not(deaf, rest)
        wait_until("it is alone", lambda: side(deaf, "none", None) and
                   deaf.alive() == [deaf.name], 90)
        assert none_missed(rest, rest)
        assert not {who for _, who in watch.given_up(rest)} - {deaf.name}


def test_each_in_turn_is_cut_off_one_way(five):
    """The leader too; whoever leads then, there is one, and after each all agree."""
    for n in five.nodes:
        with Watch(five):
            for other in five.others(n):
                hears_not(other, [n])
            wait_until("a leader of the four", lambda n=n: side(
                five.others(n)[0], "full", leads_one_of(five.others(n))), 60)
        five.mend()
        five.settle()


def leads_one_of(nodes):
    said = {n.leader() for n in nodes}
    if len(said) != 1 or not said <= {n.name for n in nodes}:
        raise Missed(str(said))
    return said.pop()


def test_a_storm_of_restarts(five):
    """Engines and whole daemons die at random, several at once, thirty times; no
    term has two leaders, and the end is one view of the same five."""
    dice = random.Random(5)
    with Watch(five):
        for _ in range(30):
            n = dice.choice(five.nodes)
            if dice.random() < 0.3:
                n.kill_host()
                n.exits.clear()
                n.start()
            else:
                strike(n, dice.choice(["meshd-engine", "meshd"]))
            # The next one falls while this one is still on its way up, or not.
            if dice.random() < 0.5:
                wait_until("it answers", n.status, 60)
        five.settle()


def strike(node, program):
    """Kill it as soon as it is there: it may just be starting."""
    node.exits.clear()

    def killed():
        return node.kill(program)
    wait_until(f"{node.name} runs {program}", killed, 60)
