"""What an operator sees of the mesh: who sees whom, sides, votes, events, and a
bundle to give away.  Real daemons; a cut that only the comparison shows."""
# A minute: begun before the others (run.sh).
import io
import json
import os
import subprocess
import tarfile

import pytest

import canary
from mesh import BUILD, Missed, wait_until
from nets import apart, hears_not, made, mended


@pytest.fixture(scope="module")
def three_made():
    with made(3) as net:
        yield net


@pytest.fixture
def three(three_made):
    yield from mended(three_made)


def sees(said, who, whom):
    names = [n["name"] for n in said["nodes"]]
    row = said["nodes"][names.index(who)]["sees"]
    return row[names.index(whom)] if row else None


def faults(said):
    return {(f["kind"], f["node"], f["other"]) for f in said["faults"]}


def test_all_see_all(three):
    def agreed():
        for node in three.nodes:
            p = node.mesh("members", "--compare", "--json")
            said = json.loads(p.stdout)
            if said["faults"] or p.returncode != 0 or \
                    {n["asked"] for n in said["nodes"]} != {"answered"}:
                raise Missed(p.stdout)
            text = node.mesh("members", "--compare").stdout
            assert "3 of 3 answered" in text and "no fault" in text
            reached = node.ask("reachability")
            if (reached["asked"], reached["answered"]) != (2, 2):
                raise Missed(str(reached))
        return True
    wait_until("no fault anywhere", agreed, 30)
    # Nobody gave away what it had signed before it joined.
    assert [n.ask("debug", "show")["facts"]["refused"] for n in three.nodes] == [0, 0, 0]


def test_one_way_is_seen_from_everywhere(three):
    """n sends to m in vain.  All are alive for all, for others vouch; the comparison
    names the path, whoever asks, and both ends are heard, if need be through another."""
    leader = three.leader()
    sender, deaf = three.others(leader)
    hears_not(deaf, [sender])

    def named():
        for node in three.nodes:
            p = node.mesh("members", "--compare", "--json")
            said = json.loads(p.stdout)
            if p.returncode != 1 or ("one-way", sender.name, deaf.name) not in faults(said) or \
                    (sees(said, sender.name, deaf.name), sees(said, deaf.name, sender.name),
                     sees(said, leader.name, sender.name)) != (">", "!", "+"):
                raise Missed(f"{node.name}: {p.stdout}")
        return True
    wait_until("the path is named", named, 40)
    for node in three.nodes:
        assert node.alive() == ["n1", "n2", "n3"]
    rows = {n["name"]: n for n in sender.ask("reachability")["nodes"]}
    assert (rows[deaf.name]["answered"], rows[leader.name]["answered"]) == (False, True)
    p = deaf.mesh("reachability")
    assert p.returncode == 1
    assert [r.split()[3] for r in p.stdout.splitlines() if r.startswith(sender.name)] == ["silent"]


def test_sides_and_who_is_missing(three):
    leader = three.leader()
    lone = three.others(leader)[0]
    apart(lone, three.others(lone))

    def both():
        here, there = leader.ask("partition"), lone.ask("partition")
        if [m["name"] for m in here["missing"]] != [lone.name] or here["grade"] != "full" or \
                here["visible_weight"] != 2 or there["grade"] != "none" or \
                len(there["missing"]) != 2 or [s["leader"] for s in there["sides"]] != [None]:
            raise Missed(json.dumps([here, there]))
        said = [p["text"] for p in lone.status()["problems"]]
        if not any("no leader on this side: 2 of 3 do not answer" in text for text in said):
            raise Missed(str(said))
        return True
    wait_until("each says what it sees", both, 40)
    assert leader.mesh("partition").returncode == 1
    assert lone.mesh("partition").returncode == 2

    def told():
        kinds = [(e["kind"], e["subject"]) for e in leader.events()]
        if ("failed", lone.name) not in kinds:
            raise Missed(str(kinds))
        return True
    wait_until("it is an event", told, 20)

    # The leader's verdict needs 2.2 s, mostly less than anybody's suspicion: where there is
    # one.  Who is alone has no leader, suspects both, and says on whose word: its own.
    def suspected():
        told = {e["subject"]: e["text"] for e in lone.events() if e["kind"] == "suspect"}
        if told != {n.name: f"no answer to a probe of {lone.name}" for n in three.others(lone)}:
            raise Missed(str(told))
        return True
    wait_until("who is alone says whom it suspects", suspected, 20)


def test_events_are_followed(three):
    node = three.leader()
    heir = three.others(node)[0]
    seen = os.path.join(node.dir, "events.out")

    def told():
        with open(seen, encoding="utf-8") as f:
            return [json.loads(line) for line in f if line.endswith("\n")]

    def begun():
        # One that was there before: the follower is connected, nothing passes it by now.
        if not told():
            raise Missed("no event yet")
        return told()[-1]["seq"]

    def led():
        if not any(e["kind"] == "leader" and e["subject"] == heir.name and e["seq"] > first
                   for e in told()):
            raise Missed(str(told()))
        return told()

    with open(seen, "wb") as out, subprocess.Popen(
            [os.path.join(BUILD, "mesh"), "--socket", node.socket, "events", "-f", "--json",
             "-n", "1"], stdout=out) as p:
        try:
            first, _ = wait_until("the last event before is told", begun, 20)
            assert node.mesh("leader", "--to", heir.name).returncode == 0
            events, _ = wait_until("the new leader is told", led, 20)
        finally:
            p.terminate()
    seqs = [e["seq"] for e in events]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert "resigned" in {e["kind"] for e in events if e["seq"] > first}


def test_votes_and_round_trips(three):
    leader = three.leader()

    def stored():
        for node in three.nodes:
            said = node.ask("roster")
            if said["node"] != leader.name or said["joint"] or \
                    [v["stored"] for v in said["votes"]] != [True] * 3:
                raise Missed(str(said))
        return True
    wait_until("all stored it, and every node says so", stored, 20)
    for node in three.nodes:
        said = node.ask("leader")
        assert said["leader"] == leader.name and said["by_quorum"] is True
        assert 0 < said["lease_ms"] <= 1500
        assert set(said["next"]) == {n.name for n in three.others(leader)}

    def measured():
        a, b, c = three.nodes
        said = a.ask("rtt", b.name, c.name) + a.ask("rtt", b.name)
        if [(r["from"], r["to"], r["measured_by"]) for r in said] != \
                [("n2", "n3", "n2"), ("n1", "n2", "n1")] or \
                any(r["rtt_ms"] is None or r["rtt_ms"] > 1000 for r in said):
            raise Missed(str(said))
        return True
    wait_until("measured", measured, 30)
    p = leader.mesh("rtt", "n33")
    assert p.returncode == 1 and "did you mean 'n3'" in p.stderr


def test_a_round_trip_to_the_dead_says_why_there_is_none(three):
    a, b, c = three.nodes
    c.kill_host()
    try:
        b.kill("meshd-engine")  # what it had measured is forgotten

        def told():
            p = a.mesh("rtt", "n3", "n2")
            if p.returncode != 1 or "n3 does not answer: " not in p.stderr or \
                    "; n2 has measured no way to it" not in p.stderr:
                raise Missed(f"{p.returncode} {p.stdout} {p.stderr}")
            return True
        wait_until("told", told, 30)
    finally:
        three.settle()


def test_a_seed_that_can_not_answer(three):
    """It is refused with the reason; one that may is kept until it is taken back."""
    node = three.nodes[0]

    def join(*args):
        p = node.mesh("join", *args)
        return p.returncode, p.stdout + p.stderr
    code, said = join(f"{node.address}:7780")
    assert code == 1 and f"join: {node.address}:7780 is this node itself" in said, said
    code, said = join("[fd00::77]:7780")
    assert code == 1 and "is IPv6, and this node listens on IPv4 alone" in said, said
    code, said = join("10.77.0.99:7780")
    assert code == 0 and "10.77.0.99:7780" in said, said
    code, said = join("--forget", "10.77.0.98:7780")
    assert code == 1 and "none of the seeds that mesh join added here: 10.77.0.99:7780" in said, said
    assert join("--forget", "10.77.0.99:7780", "TOKEN")[0] == 64
    code, said = join("--forget", "10.77.0.99:7780")
    assert code == 0 and "10.77.0.99:7780 is no seed here any more" in said, said
    code, said = join("--forget", "10.77.0.99:7780")
    assert code == 1 and "there are none" in said, said


def test_members_are_chosen(three):
    node = three.nodes[0]
    assert [m["name"] for m in node.ask("members", "--name", "*2")] == ["n2"]
    assert node.ask("members", "--status", "failed") == []
    assert node.ask("members", "--tag", "disk=ssd") == []
    assert len(node.ask("members", "--status", "alive", "--name", "n?")) == 3


def test_a_bundle_without_secrets(three, tmp_path):
    node = three.leader()
    path = str(tmp_path / "bundle.tar")
    p = node.mesh("debug", "bundle", path)
    assert p.returncode == 0, p.stderr
    assert "not in it: keys" in p.stdout
    assert os.stat(path).st_mode & 0o7777 == 0o600
    with open(path, "rb") as f:
        raw = f.read()
    files = {}
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        for m in tar.getmembers():
            assert m.isreg() and m.mode == 0o600
            files[m.name.split("/")[1]] = tar.extractfile(m).read().decode()
    assert set(files) == {"README", "debug.json", "status.json", "members.json", "leader.json",
                          "facts.json", "roster.json", "partition.json", "rtt.json", "reachability.json",
                          "compare.json", "compare.txt", "events.jsonl", "version.json"}
    debug = json.loads(files["debug.json"])
    assert debug["node"] == node.name and debug["config"]["listen"] == f"{node.address}:7780"
    assert debug["facts"]["held"] <= 2 and debug["facts"]["refused"] == 0, debug["facts"]
    assert {"asked", "taken", "stale", "unknown"} <= set(debug["facts"]), debug["facts"]
    assert any("node " + node.name in line for line in debug["log"])
    assert len(json.loads(files["members.json"])) == 3
    assert "started" in {json.loads(e)["kind"] for e in files["events.jsonl"].splitlines()}
    secrets = {}
    for path_of in (node.world.key, os.path.join(node.state, "identity.key")):
        with open(path_of, "rb") as f:
            secrets[path_of] = f.read()
    canary.nowhere(three.nodes, secrets, tmp_path)
    # What is there stays.
    again = node.mesh("debug", "bundle", path)
    assert again.returncode == 1 and "is there already" in again.stderr
    with open(path, "rb") as f:
        assert f.read() == raw
    link = str(tmp_path / "link.tar")
    os.symlink(str(tmp_path / "elsewhere"), link)
    assert node.mesh("debug", "bundle", link).returncode == 1
    assert not os.path.exists(tmp_path / "elsewhere")
