"""`mesh metrics`: one expression over all nodes, and what is told of those that do not
answer.  Real daemons, real cuts; what costs too much ends alone."""
import json
import os
import re
import signal
import subprocess
import time

import pytest

from mesh import BUILD, Missed, wait_until
from nets import apart, made, mended

# All samples there are, in each of 10,801 steps: too much to hold, too much to compute.
LARGE = 'last_over_time({__name__=~".+"}[3h] offset -3h)'
LONG = " + ".join(f"quantile_over_time(0.{i}, node_cpu_seconds_total[3h] offset -3h)"
                  for i in range(10, 40))


@pytest.fixture(scope="module")
def three_made():
    with made(3) as net:
        yield net


@pytest.fixture
def three(three_made):
    yield from mended(three_made)


def ask(node, *args):
    p = node.mesh("metrics", *args, "--json")
    assert p.returncode == 0, p.stderr
    return json.loads(p.stdout)


def by_node(said):
    return {s["labels"]["node"]: float(s["points"][-1][1]) for s in said["series"]}


def missing(said):
    return {m["node"]: m["why"] for m in said["missing"]}


def all_answer(nodes):
    for node in nodes:
        said = ask(node, "node_memory_MemTotal_bytes")
        if set(by_node(said)) != {n.name for n in nodes}:
            raise Missed(json.dumps(said))
    return True


def test_every_node_answers_for_all(three):
    wait_until("all have measured", lambda: all_answer(three.nodes), 40)
    total = None
    for node in three.nodes:
        said = ask(node, "node_memory_MemTotal_bytes")
        assert said["nodes"] == 3 and not said["missing"] and said["kind"] == "vector"
        total = total or by_node(said)
        assert by_node(said) == total  # one machine, below all of them
        summed = ask(node, "sum(node_memory_MemTotal_bytes)")
        assert [s["labels"] for s in summed["series"]] == [{}]
        assert float(summed["series"][0]["points"][0][1]) == sum(total.values())
        # Names of the host's are the host's alone where a job is said, and what was asked is counted.
        assert by_node(ask(node, 'node_memory_MemTotal_bytes{job="node"}')) == total
        mean = ask(node, "avg by (job) (node_memory_MemTotal_bytes) / 1024")
        assert float(mean["series"][0]["points"][0][1]) * 1024 * 3 == sum(total.values())


def counted(node, figure, **labels):
    """One of the counters that node has of its own questions (doc/metrics.md)."""
    where = "".join(f',{k}="{v}"' for k, v in labels.items())
    said = ask(node, f'mesh_metrics_{figure}{{node="{node.name}"{where}}}', "--node", node.name)
    return float(said["series"][0]["points"][0][1]) if said["series"] else -1


def test_questions_are_counted(three):
    node = three.nodes[0]
    results = [("questions_total", "answered"), ("questions_total", "failed"), ("evaluations_total", "at_once")]
    wait_until("counters", lambda: all(counted(node, name, result=r) >= 0 for name, r in results), 40)
    before = {r: counted(node, name, result=r) for name, r in results}
    for _ in range(3):
        ask(node, "node_load1")
        assert node.mesh("metrics", "sum(").returncode == 64
    wait_until("three more of each", lambda: all(counted(node, name, result=r) >= before[r] + 3 for name, r in results), 30)
    assert counted(node, "question_seconds_total") > 0 and counted(node, "evaluation_seconds_total") > 0
    assert counted(node, "questions_total", result="refused") >= 0 and counted(node, "nodes_late_total") >= 0
    assert float(ask(node, f'mesh_streams_kept{{node="{node.name}"}}')["series"][0]["points"][0][1]) >= 0


def test_a_range_and_one_node(three):
    node, other = three.nodes[:2]
    wait_until("all have measured", lambda: all_answer(three.nodes), 40)
    said = ask(node, "node_memory_MemTotal_bytes", "--node", other.name)
    assert set(by_node(said)) == {other.name} and said["nodes"] == 1

    def over_time():
        said = ask(node, "node_time_seconds", "--range", "5s", "--step", "1s")
        if said["kind"] != "matrix" or {len(s["points"]) for s in said["series"]} != {6}:
            raise Missed(json.dumps(said))
        return said
    said, _ = wait_until("six points of each", over_time, 40)
    ends = [s["points"][-1][0] for s in said["series"]]
    assert len(set(ends)) == 1 and all(
        s["points"][k + 1][0] - s["points"][k][0] == 1000
        for s in said["series"] for k in range(5))
    text = node.mesh("metrics", "node_time_seconds", "--range", "5s", "--step", "1s").stdout
    assert "\u2588" in text and text.count("\n") == 4
    # One of these points, asked for as an instant that was; and a range that ended then.
    at, value = said["series"][0]["points"][3]
    when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // 1000))
    name = said["series"][0]["labels"]["node"]
    was = ask(node, "node_time_seconds", "--at", when, "--node", name)
    assert was["kind"] == "vector" and was["series"][0]["points"] == [[at // 1000 * 1000, was["series"][0]["points"][0][1]]]
    # Its sample is the newest one of then: of that second, or of one before it that was there.
    assert float(value) - 5 < float(was["series"][0]["points"][0][1]) < float(value) + 1
    was = ask(node, "node_time_seconds", "--at", when, "--range", "2s", "--step", "1s", "--node", name)
    assert was["series"][0]["points"][-1][0] == at // 1000 * 1000
    assert ask(node, "node_time_seconds", "--at", "2d")["series"] == []
    listed = node.mesh("metrics", "--list", "node_load*").stdout
    assert [row.split()[:2] for row in listed.splitlines()[1:]] == \
        [["node_load1", "gauge"], ["node_load15", "gauge"], ["node_load5", "gauge"]]


def test_errors_are_told_in_their_place(three):
    node = three.nodes[0]
    p = node.mesh("metrics", "sum by (rate(x[1m])")
    assert p.returncode == 64 and p.stdout == ""
    lines = p.stderr.splitlines()
    assert lines[0].startswith("mesh: metrics: 1:13: parse error: ")
    assert lines[1:3] == ["    sum by (rate(x[1m])", "                ^"]
    p = node.mesh("metrics", "node_load1", "--node", "n9")
    assert p.returncode == 1 and "no node 'n9' is known" in p.stderr
    p = node.mesh("metrics", 'node_load1{node=~"("}')
    assert p.returncode == 64 and "parse error" in p.stderr
    # No series of that name is no error.
    assert ask(node, "no_such_metric")["series"] == []


def test_who_is_frozen_is_named(three):
    node, frozen = three.nodes[:2]
    wait_until("all have measured", lambda: all_answer(three.nodes), 40)
    engine = frozen.pids("meshd-engine")[0]
    os.kill(engine, signal.SIGSTOP)
    try:
        p = node.mesh("metrics", "node_load1", "--timeout", "400ms", "--json")
        assert missing(json.loads(p.stdout)) == {frozen.name: "did not answer within 400 ms"}, p.stderr
        p = node.mesh("metrics", "sum(node_memory_MemTotal_bytes)", "--json")
        said = json.loads(p.stdout)
        assert p.returncode == 0 and said["nodes"] == 2
        assert set(missing(said)) == {frozen.name} and missing(said)[frozen.name] != ""
        p = node.mesh("metrics", "node_load1")
        assert p.returncode == 0 and f"mesh: {frozen.name} is missing: " in p.stderr
        # Who is asked alone and does not answer: nothing is told.
        p = node.mesh("metrics", "node_load1", "--node", frozen.name)
        assert p.returncode == 1 and p.stdout == "" and f"node {frozen.name}: " in p.stderr
    finally:
        os.kill(engine, signal.SIGCONT)
    wait_until("it answers again", lambda: all_answer(three.nodes), 60)


def test_each_side_answers_for_itself(three):
    lone, rest = three.nodes[0], three.nodes[1:]
    wait_until("all have measured", lambda: all_answer(three.nodes), 40)
    apart(lone, rest)

    def sides():
        here, there = ask(lone, "node_load1"), ask(rest[0], "node_load1")
        if set(by_node(here)) != {lone.name} or set(missing(here)) != {n.name for n in rest} or \
                set(by_node(there)) != {n.name for n in rest} or set(missing(there)) != {lone.name}:
            raise Missed(json.dumps([here, there]))
        return True
    wait_until("each side for itself", sides, 60)


def test_a_cut_path_is_gone_around(three):
    """Two that do not hear each other, and a third that hears both: nobody is missing."""
    one, other = three.nodes[:2]
    wait_until("all have measured", lambda: all_answer(three.nodes), 40)
    apart(one, [other])

    def whole():
        said = ask(one, "node_load1")
        if set(by_node(said)) != {n.name for n in three.nodes}:
            raise Missed(json.dumps(said))
        return True
    wait_until("all are asked", whole, 60)


def test_twenty_at_once(three):
    node = three.nodes[0]
    wait_until("all have measured", lambda: all_answer(three.nodes), 40)
    argv = [os.path.join(BUILD, "mesh"), "--socket", node.socket, "metrics",
            "count by (node) ({job=\"node\"})", "--json"]
    running = [subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
               for _ in range(20)]
    told = [(p.communicate(timeout=60), p.returncode) for p in running]
    for (out, err), code in told:
        assert code == 0, err
        said = json.loads(out)
        # Under load an answer may be late; it is named then, and nothing else is lost.
        assert said["nodes"] + len(said["missing"]) == 3 and said["nodes"] >= 1


def test_what_costs_too_much_ends_alone(three):
    node = three.nodes[0]
    wait_until("all have measured", lambda: all_answer(three.nodes), 40)
    leader, term = three.leader(), node.ask("leader")["term"]
    engines = [n.pids("meshd-engine")[0] for n in three.nodes]
    last = {n.name: n.events()[-1]["seq"] for n in three.nodes}
    for expr in (LARGE, LONG, f"sum({LONG})"):
        p = node.mesh("metrics", expr, "--range", "3h", "--step", "1s")
        assert p.returncode == 1 and p.stdout == "", p.stdout
        assert p.stderr.startswith("mesh: metrics: none of 3 nodes answered; node n1: "), p.stderr
        assert re.search("narrow|fewer|within", p.stderr), p.stderr
    assert node.ask("leader")["term"] == term and three.leader() is leader
    for n, engine in zip(three.nodes, engines):
        assert engine in n.pids("meshd-engine")  # copies of it may still be there
    for n in three.nodes:
        later = [e for e in n.events() if e["seq"] > last[n.name] and e["kind"] == "failed"]
        assert not later, later
    wait_until("all answer", lambda: all_answer(three.nodes), 40)


def test_who_is_in_no_mesh_answers_for_itself(world):
    node, = world.bridge(["n1"])
    node.write_config(**{"cluster-key": None, "seeds": None})
    node.start()
    wait_until("it measures", lambda: node.mesh("version").returncode == 0 and by_node(ask(node, "node_load1")), 40)
    for args in [], ["--node", "n1"]:
        said = ask(node, "node_load1", *args)
        assert set(by_node(said)) == {"n1"} and said["nodes"] == 1
    p = node.mesh("metrics", "node_load1", "--node", "n2")
    assert p.returncode == 1 and p.stdout == ""
    assert p.stderr.startswith("mesh: metrics: this host is in no mesh, and knows of 'n1' alone"), p.stderr
