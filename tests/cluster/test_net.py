"""A network that fails in part: real daemons, real packets, rules of nftables.

Said of each fault: one leader a term, who may lead, and that nobody who lives
and can be reached, if only through others, is given up.  `make test-net` has
the longer ones, of the same code.
"""
# A minute: begun before the others (run.sh).
from mesh import Missed, wait_until
from nets import Watch, apart, five, five_made, hears_not, none_missed, side, state  # noqa: F401


def test_one_way_cut_to_the_leader(five):
    """n sends to the leader in vain, and hears it: the others vouch for n."""
    leader = five.leader()
    with Watch(five) as watch:
        hears_not(leader, five.others(leader)[:1])
        watch.lasts("it leads", lambda: side(leader, "full", leader.name))
        assert not watch.given_up(five.nodes)


def names(nodes):
    return sorted(n.name for n in nodes)


def around(node):
    """Who does not hear the node, by its own word."""
    return sorted(p["text"].split()[0] for p in node.status()["problems"]
                  if "what is for it goes around" in p["text"])


def over_others(node, leader):
    """No stream of the node's gets to the leader: others pass its questions on."""
    assert node.status()["scheduler"]["round"] > 0  # the leader alone counts them
    assert node.ask("leader")["by_quorum"] is True
    assert node.ask("roster")["knows_stored"] is True
    assert len(node.ask("keys", "status")["nodes"]) == 5
    said = node.ask("partition")
    assert said["silent"] == [] and [s["leader"] for s in said["sides"]] == [leader.name]
    said = node.ask("members", "--compare")
    assert {n["asked"] for n in said["nodes"]} == {"answered"}
    assert "no-path" in {f["kind"] for f in said["faults"]}


def test_a_ring(five):
    """Each sees its two neighbours only: they carry what the leader says to the far two,
    and nobody is dead or without a leader; but the leader says what it knows."""
    ring, leader = five.nodes, five.leader()
    at = ring.index(leader)
    far = five.others(leader, ring[at - 1], ring[(at + 1) % 5])
    with Watch(five) as watch:
        for i, node in enumerate(ring):
            apart(node, [ring[i - 2], ring[(i + 2) % 5]])
        wait_until("the leader knows", lambda: around(leader) == names(far), 30)
        wait_until("all follow it", lambda: all(
            side(n, "full", leader.name) for n in five.nodes), 5)
        watch.lasts("all follow it", lambda: all(
            side(n, "full", leader.name) for n in five.nodes))
        assert not watch.given_up(five.nodes)
        assert leader.mesh("status").returncode == 1
        for node in far:
            over_others(node, leader)
        # An order gets there too: the far one hands over to another.
        heir = far[0]
        assert far[1].mesh("leader", "--to", heir.name).returncode == 0
        wait_until("the heir leads all", lambda: all(
            side(n, "full", heir.name) for n in five.nodes), 30)
        assert not watch.given_up(five.nodes)
    five.mend()
    leader = heir
    wait_until("all is straight", lambda: not around(leader), 30)


def test_a_bridge(five):
    """Two pairs and one host that sees both: he vouches for the other pair, and carries
    to it what the leader says."""
    leader = five.leader()
    mate, _bridge, *pair = five.others(leader)
    with Watch(five) as watch:
        for node in pair:
            apart(node, [leader, mate])
        wait_until("the leader knows", lambda: around(leader) == names(pair), 30)
        # The first who is asked to carry may have no way there either: a lease may end, once.
        for more in (1, 0):
            wait_until("all follow it", lambda: all(
                side(n, "full", leader.name) for n in five.nodes), 5)
            try:
                watch.lasts("all follow it", lambda: all(
                    side(n, "full", leader.name) for n in five.nodes))
                break
            except AssertionError:
                if more == 0:
                    raise
        assert not watch.given_up(five.nodes)


def test_a_deaf_node(five):
    """It hears nothing and is heard: it has no leader, and takes nobody down."""
    leader = five.leader()
    deaf = five.others(leader)[0]
    rest = five.others(deaf)
    with Watch(five) as watch:
        hears_not(deaf, rest)
        wait_until("it has no leader", lambda: side(deaf, "none", None), 30)
        watch.lasts("they go on", lambda: side(leader, "full", leader.name) and
                    none_missed(rest, rest))
        assert not {who for _, who in watch.given_up(rest)} - {deaf.name}


def test_a_mute_node(five):
    """It hears all and is not heard: it is missed, and nobody else is."""
    leader = five.leader()
    mute = five.others(leader)[0]
    rest = five.others(mute)
    with Watch(five) as watch:
        for n in rest:
            hears_not(n, [mute])
        for n in rest:
            wait_until("it is missed", lambda n=n: state(n, mute) == "failed", 30)
        assert side(leader, "full", leader.name)
        assert none_missed(rest, rest)
        assert {who for _, who in watch.given_up(five.nodes)} == {mute.name}


def test_tcp_is_cut(five):
    """Datagrams are all that membership and leading need."""
    leader = five.leader()
    n = five.others(leader)[0]
    with Watch(five) as watch:
        apart(n, five.others(n), "meta l4proto tcp")
        watch.lasts("all live", lambda: none_missed(five.nodes, five.nodes) and
                    side(n, "full", leader.name), passes=1)
        assert not watch.given_up(five.nodes)


def blocked(node):
    """Whom the node says it reaches over TCP only; in its problems, too."""
    names = sorted(m["name"] for m in node.ask("members") if m["udp_blocked"])
    text = [p["text"] for p in node.status()["problems"] if "udp blocked:" in p["text"]]
    if not all(text and name in text[0] for name in names):
        raise Missed(f"{names} are not named in {text}")
    # It is not that: it never died.
    assert not [p for p in node.status()["problems"] if "is unstable" in p["text"]]
    return names


def names_faults(node, kinds):
    """Of one that was slow to answer over TCP nothing is known until it is asked again."""
    said = node.ask("members", "--compare")
    if {f["kind"] for f in said["faults"]} != kinds:
        raise Missed(said["faults"])
    return True


def test_udp_is_cut(five):
    """It lives, as TCP says, and is named; work goes elsewhere."""
    leader = five.leader()
    n = five.others(leader)[0]
    rest = five.others(n)
    with Watch(five) as watch:
        apart(n, rest, "meta l4proto udp")
        wait_until("the leader says it", lambda: blocked(leader) == [n.name], 30)
        wait_until("so does it", lambda: blocked(n), 60)
        watch.lasts("they go on", lambda: side(leader, "full", leader.name) and
                    none_missed(five.nodes, five.nodes), passes=1)
        assert not watch.given_up(five.nodes)
        assert n.mesh("status").returncode == 2  # no leader here
        for node in (n, leader):
            wait_until("it knows udp from no path", lambda node=node: names_faults(node, {"udp-blocked", "leaders"}), 30)
        rows = {m["name"]: m for m in leader.ask("reachability")["nodes"]}
        assert (rows[n.name]["answered"], rows[n.name]["udp_blocked"]) == (False, True)
        assert {m["to"]: m["answers"] for m in leader.ask("rtt")} == {
            m.name: m is not n for m in five.others(leader)}
        assert leader.mesh("status").returncode == 1
    five.mend()
    wait_until("it is no more", lambda: not blocked(leader), 30)
