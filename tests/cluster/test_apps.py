"""What applications tell of themselves: real programs, asked and read by real engines."""
import json
import os

import images
import service
from mesh import Missed, ROOT, copy_tree, wait_until, write

# A server of metrics: what is asked is read to its empty line, and said to have been asked.
ANSWER = r"""#!/bin/busybox sh
while read -r line && [ "${#line}" -gt 1 ]; do :; done
echo asked >&2
printf 'HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\n\r\n'
printf '# TYPE jobs_waiting gauge\njobs_waiting{queue="a"} 3\njobs_waiting{queue="b"} %s\n'
"""
# Of a role called as the host's job is: as if it were the host, its containers, mesh.
OURS = r"\n".join(["5", "node_load1 1e6", "node_load5 1e6", "node_memory_MemTotal_bytes 1e18", "up 0", "mesh_members 77",
                     'container_memory_working_set_bytes{name="x"} 1e18'])
RUNS = r"""printf '%s' > $CANTAL_PATH.meta; printf '\007\000\000\000\000\000\000\000' > $CANTAL_PATH.values
exec busybox nc -ll -p {port} -e /bin/{name}"""
FILE = """kind: Daemon
user-id: 1000
group-id: 1000
executable: /bin/busybox
arguments: [sh, -c, {script}]
metrics: {{port: {port}, interval: 1s}}
kill-timeout: 100ms
"""
PROGRAMS = {"good": (9101, "4", 'counter 8: {"metric": "jobs.done"}'), "bad": (9102, "four", 'counter 8: {"metric": "jobs.done"}'),
            "worse": (9103, "4", "counter eight"), "node": (9104, OURS, 'counter 8: {"metric": "jobs.done"}')}
SCRIPT = "return mesh.scheduler {%s}" % ", ".join(
    'mesh.role("%s", {version = "v1", image = "apps-v1", count = 1})' % name for name in PROGRAMS)


def install(w):
    root = images.empty(w.images, "apps-v1")
    images.copy("/bin/busybox", root, "/bin/busybox")
    for name, (port, value, meta) in PROGRAMS.items():
        write(os.path.join(root, "bin", name), ANSWER % value)
        os.chmod(os.path.join(root, "bin", name), 0o755)
        script = RUNS.replace("{port}", str(port)).replace("{name}", name) % meta
        write(os.path.join(root, "config/%s.yaml" % name), FILE.format(script=json.dumps(script), port=port))
    for node in w.nodes:
        templates = os.path.join(node.etc, "templates")
        copy_tree(os.path.join(ROOT, "templates"), templates)
        for name in PROGRAMS:
            write(os.path.join(templates, name, "render.yaml"), "processes: processes.yaml.tmpl\n")
            write(os.path.join(node.etc, "lithos-configs/sandboxes/%s.yaml" % name),
                  service.SANDBOX.format(role=name, images=w.images))


def told(host, **want):
    """What mesh ps says of each, once it is all that is wanted."""
    rows = {r["role"]: r for r in host.ask("ps")}
    got = {name: rows.get(name, {}).get("error") or "" for name in want}
    if got != want or any(rows[name]["state"] != "running" for name in want):
        raise Missed(f"{got}")
    return got


def asked(node, expr, want):
    """What any node answers for all of them: {labels without their places: value}."""
    p = node.mesh("metrics", expr, "--json")
    got = {}
    for one in json.loads(p.stdout or "{}").get("series", []):
        labels = {k: v for k, v in one["labels"].items() if k not in ("node", "instance", "__name__")}
        got[" ".join("%s=%s" % kv for kv in sorted(labels.items()))] = float(one["points"][-1][1])
    if got != want:
        raise Missed(f"{expr}: {got} {p.stderr}")
    return got


def figures_are_of_hosts(nodes):
    """What schedulers decide by (doc/standard.md)."""
    for node in nodes:
        told = node.ask("status")["metrics"]
        if "load5" not in told or "containers_memory" not in told:
            raise Missed(f"{sorted(told)}")
        assert told["load5"] < 1e6 and 0 < told["memory_total"] < 1e18, told
        assert told["containers_memory"] < 1e18, told
    return True


def test_applications_are_asked_and_read():
    with service.hosts("apps", 2, webs=0) as w:
        install(w)
        service.set_script(w.nodes, SCRIPT)
        for node in w.nodes:
            wait_until("what is wrong is told, and what is right is not", lambda node=node: told(
                node, good="", bad="metrics: :9102/metrics: 3:25: the value: a number is needed, not 'four'",
                worse="metrics: app.meta:1:9: a number of bytes is needed, at most 65535",
                node="metrics: :9104/metrics: metric 'up' rejected: mesh tells that of each endpoint: take another name"), 60)
        for node in w.nodes:
            for expr, want in {
                    "jobs_waiting": {"job=good queue=a role=good": 3, "job=good queue=b role=good": 4,
                                     "job=worse queue=a role=worse": 3, "job=worse queue=b role=worse": 4,
                                     "job=role/node queue=a role=node": 3, "job=role/node queue=b role=node": 5},
                    "up": {"job=good role=good": 1, "job=bad role=bad": 0, "job=worse role=worse": 1,
                           "job=role/node role=node": 1},
                    "scrape_samples_scraped": {"job=good role=good": 2, "job=bad role=bad": 0, "job=worse role=worse": 2,
                                               "job=role/node role=node": 8},
                    "jobs_done_total": {"job=good role=good": 7, "job=bad role=bad": 7, "job=role/node role=node": 7},
                    "sum by (job) (jobs_waiting)": {"job=good": 7, "job=worse": 7, "job=role/node": 8},
                    # Whoever says the host's names is one more series, and not the host's.
                    "node_load1 == 1e6": {"job=role/node role=node": 1e6},
                    'count(node_load1{job="node"} < 1e6)': {"": 2},
                    'count(container_memory_working_set_bytes{job="cadvisor"} < 1e18)': {"": 4},
                    "max(mesh_members)": {"": 2},
            }.items():
                wait_until(expr, lambda node=node, expr=expr, want=want: asked(node, expr, want), 40)
        said = w.nodes[0].mesh("metrics", 'jobs_waiting{role="good",queue="a"}', "--json")
        labels, = (one["labels"] for one in json.loads(said.stdout)["series"])
        assert labels["instance"] == "good.1" and labels["node"] in ("n1", "n2"), labels
        top = json.loads(w.nodes[0].mesh("top", "--json").stdout)
        assert all(0 <= one["load"] < 1e6 and 0 < one["memory"] < 1e18 for one in top["nodes"]), top
        assert all(one.get("memory", 0) < 1e18 for one in top["containers"]), top
        wait_until("the figures of the host alone", lambda: figures_are_of_hosts(w.nodes), 30)
