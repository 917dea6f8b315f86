"""Joining, leading, losing a leader, splitting and healing: real daemons in
network namespaces of their own, cut apart by nftables."""
import json
import os
import shutil

import service
from mesh import Missed, init, wait_until
from service import WEBS


def test_three_nodes_are_one_mesh(cluster):
    names = ["n1", "n2", "n3"]
    for node in cluster.nodes:
        assert node.alive() == names
        side = node.status()["side"]
        assert (side["grade"], side["visible"], side["known"]) == ("full", 3, 3)
    leaders = {node.leader() for node in cluster.nodes}
    assert len(leaders) == 1 and leaders <= set(names)


def test_members_say_who_leads_and_who_asks(cluster):
    for node in cluster.nodes:
        rows = node.ask("members")
        assert [r["name"] for r in rows if r["self"]] == [node.name]
        assert [r["name"] for r in rows if r["leader"]] == [cluster.leader().name]
        assert {r["address"] for r in rows} == \
            {f"{n.address}:7780" for n in cluster.nodes}


def agreed(node):
    status = node.status()
    return status if status["config"]["agreed_by"] == 3 else None


def test_status_is_healthy_and_exits_0(cluster):
    for node in cluster.nodes:
        wait_until("healthy", lambda node=node: node.mesh("status").returncode == 0,
                   20)
        status, _ = wait_until("all agree", lambda node=node: agreed(node), 40)
        roles = {r["name"]: r for r in status["roles"]}
        assert roles["web"]["desired"] == roles["web"]["healthy"] == WEBS
        assert roles["front"]["desired"] == 3


def facts(node, of):
    return node.ask("facts", of.name)[0]


def test_every_node_knows_the_facts_of_all(cluster):
    """What a node says of itself reaches all, is changed, and outlives it there."""
    *others, node = sorted(cluster.nodes, key=lambda n: n is cluster.leader())
    mine = facts(node, node)
    assert mine["known"] == "yes" and mine["images"] and mine["cpus"] > 0

    def same():
        rows = [facts(n, node) for n in cluster.nodes]
        want = {k: v for k, v in facts(node, node).items()
                if k not in ("self", "seen_ms")}
        if any({k: r[k] for k in want} != want for r in rows):
            raise Missed(str(rows))
        return want
    before, _ = wait_until("all know them", same, 20)
    box = os.path.join(node.etc, "lithos-configs/sandboxes/extra.yaml")
    shutil.copy(os.path.join(os.path.dirname(box), "web.yaml"), box)
    wait_until("it says so", lambda: "extra" in facts(node, node)["sandboxes"], 20)
    after, _ = wait_until("all know that", same, 20)
    os.unlink(box)
    assert after["version"] > before["version"] and "extra" in after["sandboxes"]
    wait_until("agreed again", lambda: agreed(node), 40)
    rows = {r["name"]: r for r in others[0].ask("facts")}
    assert set(rows) == {n.name for n in cluster.nodes}
    human = others[0].mesh("facts", node.name).stdout
    assert "config_hash " + facts(node, node)["config_hash"] in human
    assert human.startswith(f"{node.name}  alive  heard ")
    p = others[0].mesh("facts", "n33")
    assert p.returncode == 1 and "did you mean" in p.stderr


def test_every_node_knows_every_instance(cluster):
    def same():
        views = [{r["instance"]: (r["node"], r["pid"]) for r in n.ps()}
                 for n in cluster.nodes]
        if any(v != views[0] for v in views) or len(views[0]) != WEBS + 3:
            raise Missed(str(views))
        return True
    wait_until("the same ps everywhere", same, 20)


def test_a_stranger_with_another_key_is_not_let_in(cluster):
    node = cluster.nodes[2]
    node.stop()
    wait_until("n3 is missed", lambda: "n3" not in cluster.nodes[0].alive(), 30)
    good = cluster.world.key
    bad = node.dir + "/other.key"
    with open(bad, "wb") as f:
        f.write(b"\x17" * 32)
    os.chmod(bad, 0o600)
    node.write_config(**{"cluster-key": bad})
    node.start()
    try:
        wait_until("n3 answers", node.status, 20)
        wait_until("n3 sees nobody", lambda: node.alive() in (["n3"], []), 30)
        assert "n3" not in cluster.nodes[0].alive()
        # Its own containers are still its own: nothing stopped.
        assert node.running()
    finally:
        node.stop()
        node.write_config(**{"cluster-key": good})


def test_a_fourth_node_joins_by_hand(cluster):
    world = cluster.world
    node = world.add_node("n4", cluster.nodes[0].address, cluster.nodes[0].netns)
    try:
        node.write_config(listen=f"{node.address}:7790", seeds=[])
        node.start()
        wait_until("n4 answers", node.status, 20)
        p = node.mesh("status")
        assert p.returncode == 1
        assert "not a member" in p.stdout + p.stderr
        joined = node.mesh("join", f"{cluster.nodes[1].address}:7780")
        assert joined.returncode == 0, joined.stderr
        for n in cluster.nodes + [node]:
            wait_until(f"{n.name} sees four",
                       lambda n=n: n.alive() == ["n1", "n2", "n3", "n4"], 30)
        wait_until("roster of four",
                   lambda: cluster.nodes[0].status()["side"]["known"] == 4, 30)
    finally:
        # Gone for good as far as this file goes: rebuild the mesh without it.
        node.kill_host()
        world.nodes.remove(node)
        for n in cluster.nodes:
            n.kill_host()
            n.wanted = False
        forget(cluster)


def test_a_second_node_of_one_name_takes_nothing(cluster):
    """It is named with both addresses; the first keeps its work, also when the
    other has gone for good."""
    world, three, n2 = cluster.world, list(cluster.nodes), cluster.nodes[1]
    held, _ = wait_until("containers here", n2.running, 20)
    twin = world.add_node("n5", cluster.nodes[0].address, cluster.nodes[0].netns)
    try:
        twin.write_config(name="n2", listen=f"{twin.address}:7790")
        twin.start()

        def named(node):
            said = [p["text"] for p in node.status()["problems"]]
            if f"two nodes are called n2, {n2.address}:7780 and {twin.address}:7790; " \
                    "only the first gets work" not in said:
                raise Missed(str(said))
            return True
        for n in three:
            wait_until("both are named", lambda n=n: named(n), 30)
        assert held.items() <= n2.running().items()
        twin.kill_host()

        def missed():
            return sorted(m["state"] for m in three[0].ask("members")) == \
                ["alive"] * 3 + ["failed"]
        wait_until("it is missed", missed, 30)
        wait_until("the service", lambda: service.settled(three, WEBS), 40)
        assert held.items() <= n2.running().items()
    finally:
        twin.kill_host()  # and for good: rebuild the mesh without it
        world.nodes.remove(twin)
        for n in three:
            n.kill_host()
        forget(cluster)


def forget(cluster):
    """Empty hosts again: the roster of four would outlive the test."""
    for n in cluster.nodes:
        shutil.rmtree(n.state, ignore_errors=True)
        n.exits.clear()
        n.start()
    init(cluster.nodes[0])
    wait_until("one view", lambda: service.one_view(cluster.nodes), 40)


def test_init_twice_is_refused(cluster):
    p = cluster.nodes[1].mesh("init")
    assert p.returncode not in (0, 7)
    assert "already" in p.stderr


def test_leader_loss_moves_its_work(cluster):
    dead = cluster.leader()
    rest = [n for n in cluster.nodes if n is not dead]
    term = rest[0].status()["side"]["term"]
    pids = {n.name: n.running() for n in rest}
    dead.kill_host()

    def successor():
        said = {n.leader() for n in rest}
        if len(said) != 1 or None in said or dead.name in said:
            raise Missed(str(said))
        return True
    wait_until("a new leader", successor, 30)
    assert rest[0].status()["side"]["term"] > term
    wait_until("its work elsewhere", lambda: service.settled(rest, WEBS), 40)
    # What ran on the others ran on.
    for n in rest:
        assert pids[n.name].items() <= n.running().items()
    wait_until("fronts serve", lambda: cluster.serves(rest), 20)


def test_split_and_heal(cluster):
    one = cluster.nodes[2]
    rest = cluster.nodes[:2]
    held = one.running()
    cluster.world.cut([one])

    def apart():
        a, b = rest[0].status()["side"], one.status()["side"]
        if (a["grade"], a["visible"], b["grade"], b["visible"]) != \
                ("full", 2, "none", 1) or b.get("leader"):
            raise Missed(json.dumps([a, b]))
        return True
    try:
        wait_until("both sides know", apart, 30)
        assert one.mesh("status").returncode != 0
        # Reads need no leader.
        assert one.mesh("ps").returncode == 0
        wait_until("re-placed", lambda: service.settled(rest, WEBS), 40)
        # The lone side serves what it had: losing the leader stops nothing.
        assert held.items() <= one.running().items()
    finally:
        cluster.world.mend([one])
    wait_until("one view", lambda: service.one_view(cluster.nodes), 40)
    wait_until("duplicates folded",
               lambda: service.settled(cluster.nodes, WEBS), 40)
    # Its front never had a duplicate: it must not have been touched.
    front = {i: p for i, p in held.items() if i.startswith("front.")}
    assert front.items() <= one.running().items()


def test_a_schedule_is_signed_and_the_same_everywhere(cluster):
    def same():
        shown = [n.ask("schedule", "show") for n in cluster.nodes]
        if len({(s["stamp"], s["hash"]) for s in shown}) != 1:
            raise Missed(str([(s["stamp"], s["hash"]) for s in shown]))
        return shown[0]
    shown, _ = wait_until("one schedule", same, 20)
    assert set(shown["roles"]) == {"web", "front"}


def test_reads_without_a_leader(cluster):
    """Two of three hosts die: the last has no leader, and answers everything."""
    last = cluster.nodes[1]
    held = last.running()
    for n in cluster.nodes:
        if n is not last:
            n.kill_host()
    wait_until("no leader", lambda: last.status()["side"]["grade"] == "none"
               and not last.leader(), 30)
    for verb in (["members"], ["ps"], ["schedule", "show"], ["render", "front"],
                 ["version"]):
        assert last.mesh(*verb).returncode == 0, verb
    p = last.mesh("leader")
    assert p.returncode == 1 and "no leader" in p.stdout
    assert last.mesh("status").returncode == 2
    assert held.items() <= last.running().items()
