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


def problems(node):
    return [p["text"] for p in node.status()["problems"] if "host action" in p["text"]]


def settled(node, out, text, count):
    if read(os.path.join(out, "app.conf")) != text or problems(node) or runs(out) < count:
        raise Missed(f"{problems(node)}, {runs(out)} runs")
    return True


def failed(out, times):
    if runs(out) < times:
        raise Missed(f"{runs(out)} runs")
    return True


def told(node, text):
    if not any(text in p for p in problems(node)):
        raise Missed(str(problems(node)))
    return True


def test_a_changed_file_and_the_host():
    with service.hosts("hostact", 1, webs=0) as w:
        n1 = w.nodes[0]
        out = os.path.join(n1.dir, "host")
        os.makedirs(out)
        os.chmod(out, 0o755)
        code = os.path.join(out, "code")
        write(code, "0\n")
        actions = os.path.join(n1.etc, "lithos-configs/host-actions.yaml")
        write(actions, ACTIONS.format(out=out, role="work"))
        work.install(w)
        templates = os.path.join(n1.etc, "templates/work")
        write(os.path.join(templates, "render.yaml"), RENDER)
        write(os.path.join(templates, "conf.tmpl"), "one\n")
        write(os.path.join(templates, "other.tmpl"), "one\n")
        work.roll_out(w, "v1")
        wait_until("v1", lambda: work.all_run(w.nodes, "v1"), 60)
        wait_until("the first", lambda: settled(n1, out, "one\n", 1), 20)
        pids = n1.running()
        assert runs(out) == 1
        assert any("apply-it: done" in str(e) for e in n1.events()), n1.events()

        # Another file is none of its.
        write(os.path.join(templates, "other.tmpl"), "two\n")
        wait_until("rendered", lambda: n1.rendered("work", "other") == "two\n", 20)
        write(os.path.join(templates, "conf.tmpl"), "two\n")
        wait_until("the second", lambda: settled(n1, out, "two\n", 2), 20)
        assert runs(out) == 2

        # It fails: told, tried again, and owed by the next engine too.
        write(code, "7\n")
        write(os.path.join(templates, "conf.tmpl"), "three\n")
        wait_until("told", lambda: told(n1, "role work on n1: host action apply-it: exit code 7: three"), 20)
        wait_until("again", lambda: failed(out, 4), 20)
        n1.kill("meshd-engine")
        wait_until("told by the next one", lambda: told(n1, "exit code 7"), 40)
        write(code, "0\n")
        wait_until("the third", lambda: settled(n1, out, "three\n", 5), 40)

        # Not for this role, then for it: no edit needs a restart.
        write(actions, ACTIONS.format(out=out, role="front"))
        before = runs(out)
        write(os.path.join(templates, "conf.tmpl"), "four\n")
        wait_until("told", lambda: told(n1, "is not for role work"), 20)
        assert runs(out) == before and read(os.path.join(out, "app.conf")) == "three\n"
        assert runs(out) == before
        write(actions, ACTIONS.format(out=out, role="work"))
        wait_until("the fourth", lambda: settled(n1, out, "four\n", before + 1), 40)
        assert runs(out) == before + 1 and n1.running() == pids
