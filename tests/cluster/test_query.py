"""What a schedule's `query` asks: every node's answer is in the scheduler's input,
and in the first one of a new leader too."""
import os

import service
from mesh import Missed, wait_until

# The demo's scheduler, which also writes down in its state what it was shown: each time
# by whom, and in the first round of each term by whom and of whom not.
ASKING = """
local inner = (function()
%s
end)()
local function names(t)
  local list = {}
  for name in pairs(t) do list[#list + 1] = name end
  table.sort(list)
  return list
end
return {schedule = function(input)
  local out = inner.schedule(input)
  local state = #input.parents > 0 and input.parents[#input.parents].state or {}
  local load, total = input.metrics.load, input.metrics.total
  local first = state.first or {}
  local term = tostring(input.side.term)
  if first[term] == nil then
    first[term] = {nodes = load and names(load.nodes) or {}, missing = load and load.missing or {}}
    for _, row in pairs(load and load.nodes or {}) do
      assert(math.type(row.value) == "float" and row.value >= 0 and row.age < 60000)
    end
  end
  out.query = {load = "node_load1", total = "node_memory_MemTotal_bytes",
    all = "sum(mesh_build_info)", each = "count by (node) (node_cpu_seconds_total{mode='idle'})"}
  local all = input.metrics.all
  out.state = {first = first, seen = load and names(load.nodes) or {},
    total = total and total.nodes, all = all and all.value, each = input.metrics.each and input.metrics.each.series}
  if out.state.total then
    for _, row in pairs(out.state.total) do row.age, row.trend = nil, nil end
  end
  for _, row in ipairs(out.state.each or {}) do row.trend = nil end
  out.state.standard = {}
  for name, node in pairs(input.nodes) do
    local m = node.metrics
    out.state.standard[name] = {boot = m.boot_time, total = m.memory_total, cores = m.cpu_count,
      wanted = m.containers_wanted, up = m.uptime and m.uptime > 0}
    assert(m.cpu_idle == nil or (m.cpu_idle >= 0 and m.cpu_idle <= 1.1))
  end
  out.why = out.why or {}
  out.why.query = out.state  -- which `mesh schedule` shows
  return out
end}
"""


def state(node):
    return (node.ask("schedule", "show").get("why") or {}).get("query") or {}


def all_seen(node, names):
    seen = state(node).get("seen")
    if seen != names:
        raise Missed(f"{node.name} has {seen}")
    return True


def standard(leader, names, memory):
    """The standard set of each node: in the script's input, in its own status."""
    def all_told():
        rows = state(leader).get("standard") or {}
        wanted = sum(row.get("wanted", 0) for row in rows.values())
        if not all(row.get("boot") and row.get("up") and row.get("cores") for row in rows.values()) or wanted == 0:
            raise Missed(f"{rows}")
        return rows
    rows, _ = wait_until("the standard set of all", all_told, 40)
    assert sorted(rows) == names
    own = leader.ask("status")["metrics"]
    for row in rows.values():
        assert row["cores"] == os.cpu_count() and row["boot"] == own["boot_time"]
        assert abs(row["total"] - memory) <= 1 << 20
    # All of the time, whatever a minute's part there is yet; each mode is rounded.
    cpu = sum(v for k, v in own.items() if k.startswith("cpu_") and k not in ("cpu_percent", "cpu_count", "cpu_busiest"))
    assert 0.85 < cpu < 1.15, own
    assert 0 < own["uptime"] and 0 <= own["cpu_user"] <= 1.1 and own["memory_free"] > 0, own
    assert len(own) > 40, own


def test_a_new_leader_sees_all_answers_in_its_first_round(cluster):
    names = ["n1", "n2", "n3"]
    service.set_script(cluster.nodes, ASKING % cluster.scripts)
    leader = cluster.leader()
    wait_until("answers of all", lambda: all_seen(leader, names), 40)
    # One machine below them all: its memory is what each says of itself.
    rows = state(leader)["total"]
    with open("/proc/meminfo", encoding="ascii") as f:
        total = int(f.readline().split()[1]) * 1024
    assert {name: row["value"] for name, row in rows.items()} == dict.fromkeys(names, total)
    # What is asked of all together is one figure, and of each a series.
    wait_until("the sum of all", lambda: state(leader).get("all") == 3 or None, 20)
    cores = os.cpu_count()
    assert state(leader)["each"] == [{"labels": {"node": name}, "value": cores} for name in names]
    standard(leader, names, total)
    rest = [n for n in cluster.nodes if n is not leader]
    for node in rest:
        wait_until("it holds that schedule", lambda node=node: all_seen(node, names), 20)
    terms = set(state(leader)["first"])
    leader.kill_host()

    def began():
        said = rest[0].leader()
        if said not in [n.name for n in rest]:
            raise Missed(f"leader {said}")
        fresh = set(state(rest[0])["first"]) - terms
        if not fresh:
            raise Missed("no round of a new term yet")
        return max(fresh, key=int)
    term, _ = wait_until("a round of a new leader", began, 30)
    assert state(rest[0])["first"][term] == {
        "nodes": sorted(n.name for n in rest), "missing": [leader.name]}
    wait_until("re-placed", lambda: service.settled(rest, service.WEBS), 40)


def test_a_bad_query_keeps_the_last_good_schedule(cluster):
    text = cluster.scripts.replace("return mesh.scheduler {web, front}",
                                   'return mesh.scheduler {web, front, query = {x = "ratee(x[1m])"}}')
    assert text != cluster.scripts
    service.set_script(cluster.nodes, text)

    def told():
        said = cluster.leader().status()["scheduler"]
        if said["ok"]:
            raise Missed("no error yet")
        return said["error"]
    error, _ = wait_until("status says it", told, 30)
    assert error == "query.x: 1:1: parse error: unknown function with name \"ratee\": did you mean \"rate\"?"
