"""A host's own commands, run when a role's files change: by name, for the roles that its
administrator named, again until they went well, and owed over a crash."""
import os

import service
import work
from mesh import Missed, read, wait_until, write

ACTIONS = """apply-it:
  command: [/bin/sh, -c, 'echo run >>{out}/runs; cat {out}/app.conf; exit $(cat {out}/code)']
  roles: [{role}]
  files: {{conf: {{to: {out}/app.conf}}}}
"""
RENDER = """files:
  conf: {template: conf.tmpl}
  other: {template: other.tmpl}
processes: processes.yaml.tmpl
on-change:
  conf: {host-action: apply-it}
  "*": {signal: HUP, container: nobody}
"""


def runs(out):
    path = os.path.join(out, "runs")
    return len(read(path).splitlines()) if os.path.exists(path) else 0


def problems(node, of="n1"):
    """What it says of the host actions of that node."""
    return [p["text"] for p in node.status()["problems"] if f" on {of}: host action" in p["text"]]


def settled(node, out, text, count):
    if read(os.path.join(out, "app.conf")) != text or problems(node) or runs(out) < count:
        raise Missed(f"{problems(node)}, {runs(out)} runs")
    return True


def failed(out, times):
    if runs(out) < times:
        raise Missed(f"{runs(out)} runs")
    return True


def told(nodes, text, of="n1"):
    """By each of these, once."""
    for node in nodes:
        if [text in p for p in problems(node, of)] != [True]:
            raise Missed(f"{node.name}: {problems(node, of)}")
    return True


def nothing_told(nodes):
    for node in nodes:
        if problems(node):
            raise Missed(f"{node.name}: {problems(node)}")
    return True


def test_a_changed_file_and_the_host():
    with service.hosts("hostact", 2, webs=0) as w:
        n1, n2 = w.nodes  # n2 has no host-actions.yaml
        out = os.path.join(n1.dir, "host")
        os.makedirs(out)
        os.chmod(out, 0o755)
        code = os.path.join(out, "code")
        write(code, "0\n")
        actions = os.path.join(n1.etc, "lithos-configs/host-actions.yaml")
        write(actions, ACTIONS.format(out=out, role="work"))
        work.install(w)

        def put(name, text):
            for n in w.nodes:
                write(os.path.join(n.etc, "templates/work", name), text)
        put("conf.tmpl", "one\n")
        put("other.tmpl", "one\n")
        put("render.yaml", RENDER)
        work.roll_out(w, "v1")
        wait_until("v1", lambda: work.all_run(w.nodes, "v1"), 60)
        wait_until("the first", lambda: settled(n1, out, "one\n", 1), 20)
        pids = n1.running()
        assert runs(out) == 1
        assert any("apply-it: done" in str(e) for e in n1.events()), n1.events()

        # That it fails is seen from every node, whoever leads.
        wait_until("n2's is told", lambda: told(w.nodes, "role work on n2: host action apply-it: ", "n2"), 20)
        assert "No such file" in problems(n1, "n2")[0] and n1.status()["health"] == 1

        # Another file is none of its.
        put("other.tmpl", "two\n")
        wait_until("rendered", lambda: n1.rendered("work", "other") == "two\n", 20)
        put("conf.tmpl", "two\n")
        wait_until("the second", lambda: settled(n1, out, "two\n", 2), 20)
        assert runs(out) == 2

        # It fails: told, tried again, and owed by the next engine too.
        write(code, "7\n")
        put("conf.tmpl", "three\n")
        wait_until("told", lambda: told(w.nodes, "role work on n1: host action apply-it: exit code 7: three"), 20)
        wait_until("again", lambda: failed(out, 4), 20)
        n1.kill("meshd-engine")
        wait_until("told by the next one", lambda: told(w.nodes, "exit code 7"), 40)
        write(code, "0\n")
        wait_until("the third", lambda: settled(n1, out, "three\n", 5), 40)
        wait_until("no more of it", lambda: nothing_told(w.nodes), 20)

        # Not for this role, then for it: no edit needs a restart.
        write(actions, ACTIONS.format(out=out, role="front"))
        before = runs(out)
        put("conf.tmpl", "four\n")
        wait_until("told", lambda: told([n1], "is not for role work"), 20)
        assert runs(out) == before and read(os.path.join(out, "app.conf")) == "three\n"
        assert runs(out) == before
        write(actions, ACTIONS.format(out=out, role="work"))
        wait_until("the fourth", lambda: settled(n1, out, "four\n", before + 1), 40)
        assert runs(out) == before + 1 and n1.running() == pids
