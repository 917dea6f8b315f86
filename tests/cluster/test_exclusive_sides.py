"""on_split: exclusive where a side knows less than the whole: a leader that never
saw the placement, and two leaders of which neither has a majority."""
# A minute: begun before the others (run.sh).
import service
from mesh import wait_until
from singleton import MAIN, NOTHING, Watch, lead_by, made, runs, says


def test_a_leader_that_never_saw_the_placement_waits():
    """n1 leads and places it on n2; n3, which alone outweighs both, is in the
    mesh but can't fetch that schedule.  Then n1 dies and n2 is cut off."""
    world = made("unseen", 3, NOTHING, election={
        "weights": {"n1": 1, "n2": 1, "n3": 3}, "priority": {"n1": 10}})
    try:
        n1, n2, n3 = world.nodes
        lead_by(world, n1)
        wait_until("weights", lambda: n1.status()["side"]["grade"] == "full", 20)
        watch = Watch(world)
        world.nft("table inet deaf { chain out { type filter hook output priority 0; "
                  "tcp dport 7780 drop; tcp sport 7780 drop; }; }\n", n3.netns)
        for n in (n1, n2):
            service.set_script([n], MAIN % 'name == "n2"')
        service.set_script([n3], MAIN % 'name == "n3"')
        assert runs([n1, n2]) is n2
        seen = n3.ask("schedule", "show")["nodes"]
        assert "one" not in str(seen)
        n1.kill_host()
        world.cut([n2])
        assert wait_until("n3 leads, full", lambda: n3.status()["side"]["grade"] == "full"
                          and n3.leader() == "n3", 20)
        assert runs([n3]) is n3
        watch.end()
        assert watch.on("n2")[1] < watch.on("n3")[0]
    finally:
        world.close()


def test_below_a_majority_it_runs_nowhere():
    """quorum: any gives both halves of two a leader, and neither a role lease."""
    world = made("halves", 2, election={"quorum": "any"})
    try:
        watch = Watch(world)
        owner = runs(world.nodes)
        other = next(n for n in world.nodes if n is not owner)
        world.cut([owner])
        for n in world.nodes:
            wait_until("its own leader", lambda n=n: n.leader() == n.name and
                       n.status()["side"]["grade"] == "degraded", 20)
        for n in world.nodes:
            says(n, "waiting", "only the leader of a full side gives it")
        assert other.name not in {node for node, _, _ in watch.seen}
        world.mend([owner])
        wait_until("one view", lambda: service.one_view(world.nodes), 40)
        runs(world.nodes)
        watch.end()
    finally:
        world.close()
