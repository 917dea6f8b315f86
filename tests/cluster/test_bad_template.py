"""Bad templates and failing checks against the real daemon: the old files stay,
the place of the error is told, and what runs goes on."""
# A minute: begun before the others (run.sh).
import json
import os

import pytest

import canary
import service
from mesh import Missed, read, wait_until, write


def template(node, role, name):
    return os.path.join(node.etc, "templates", role, name)


@pytest.fixture
def nodes(cluster):
    """The nodes, whose template trees the test may break; put right after."""
    saved = {}
    for n in cluster.nodes:
        for folder, _, files in os.walk(os.path.join(n.etc, "templates")):
            for name in files:
                path = os.path.join(folder, name)
                saved[path] = read(path)
    yield cluster.nodes
    for path, text in saved.items():
        write(path, text)
    for n in cluster.nodes:
        wait_until(f"{n.name} is well again", lambda n=n: n.status()["health"] == 0, 40)


def told(nodes, *expected):
    """Every node's status says every expected text."""
    def check(node):
        said = json.dumps(node.status(), ensure_ascii=False)
        if not all(json.dumps(e, ensure_ascii=False)[1:-1] in said for e in expected):
            raise Missed(said)
        return True
    for node in nodes:
        wait_until(f"{node.name} says {expected}", lambda node=node: check(node), 40)


def rendered(nodes):
    files = {(n.name, role, name): n.rendered(role, name) for n in nodes
             for role, name in (("web", "index.html"), ("front", "haproxy.cfg"))}
    assert all(files.values())
    return files


def running(nodes):
    return {n.name: n.running() for n in nodes}


ROWS = [
    ("missing", None, ["index.html.tmpl: No such file or directory"]),
    ("a directory", "", ["index.html.tmpl: No such file or directory"]),
    ("unclosed", "<p>\n<p>{{ node.name\n", ["index.html.tmpl:2:", "unclosed '{{'"]),
    ("unknown name", "<p>\n\n{{ nodee.name }}\n",
     ["index.html.tmpl:3:", "unknown variable 'nodee'; did you mean 'node'?"]),
    ("newline in a value", "<p>{{ 'a\\nb' }}</p>\n",
     ["index.html.tmpl:1", "contains a newline"]),
    ("include of itself", '{% include "index.html.tmpl" %}\n',
     ["includes deeper than 16"]),
    ("endless", "{% while true do %}{% end %}\n", ["index.html.tmpl"]),
]


@pytest.mark.parametrize("name,text,expected", ROWS, ids=[r[0] for r in ROWS])
def test_bad_template_keeps_the_old_files(cluster, nodes, name, text, expected):
    files, pids = rendered(nodes), running(nodes)
    paths = [template(n, "web", "index.html.tmpl") for n in nodes]
    for path in paths:
        if text:
            write(path, text)
        else:
            os.unlink(path)
            if text == "":
                os.mkdir(path)
    try:
        told([n for n in nodes if n.running("web")], *expected)
        assert rendered(nodes) == files
        assert running(nodes) == pids
        cluster.serves()
    finally:
        for path in paths:
            if text == "":
                os.rmdir(path)


def test_failing_check_keeps_the_old_config(cluster, nodes):
    files, pids = rendered(nodes), running(nodes)
    paths = [template(n, "front", "haproxy.cfg.tmpl") for n in nodes]
    for path in paths:
        write(path, read(path) + "\nnonsense from a bad day\n")
    told(nodes, "haproxy-check", "exited 1", "nonsense")
    assert rendered(nodes) == files
    assert running(nodes) == pids
    cluster.serves()
    # And a good one goes through, without restarting HAProxy.
    for path in paths:
        write(path, read(path).replace("nonsense from a bad day", "# a better day"))
    for node in nodes:
        wait_until("the new config", lambda node=node: "# a better day" in
                   node.rendered("front", "haproxy.cfg"), 40)
    assert running(nodes) == pids
    cluster.serves()
    # Back to what it was, everywhere, before the next test looks at the files.
    for path in paths:
        write(path, read(path).replace("\n# a better day\n", ""))
    for node in nodes:
        wait_until("the first config", lambda node=node: "# a better day" not in
                   node.rendered("front", "haproxy.cfg"), 40)


def test_secrets_of_scripts_and_templates_stay_on_the_host(cluster, nodes, tmp_path):
    """In a variable, in a template, in a template that fails beside it, and in what a
    check says of a config."""
    secrets = {w: f"canary-of-the-{w}-{os.getpid()}".encode()
               for w in ("variable", "template", "broken-template", "check", "script")}
    text = {w: s.decode() for w, s in secrets.items()}
    service.set_page(nodes, text["variable"])
    index = {n: template(n, "web", "index.html.tmpl") for n in nodes}
    for path in index.values():
        write(path, read(path) + f"<!-- {text['template']} -->\n")
    for n in nodes:
        if n.running("web"):
            wait_until("both are rendered", lambda n=n: all(
                text[w] in n.rendered("web", "index.html") for w in ("variable", "template")), 40)
    for n in nodes:
        path = template(n, "front", "haproxy.cfg.tmpl")
        write(path, read(path) + f"\n{text['check']} nonsense\n")
        write(index[n], read(index[n]) + f"{{{{ nodee }}}} {text['broken-template']}\n")
    told(nodes, "haproxy-check", "exited 1", text["check"])
    told([n for n in nodes if n.running("web")], "unknown variable 'nodee'")
    for n in nodes:
        write(index[n], f"{{{{ 1 '{text['broken-template']}' }}}}\n")
    told([n for n in nodes if n.running("web")], "')' expected near a string")
    # A token that was pasted in, and its closing quote forgotten.
    service.set_script(nodes, f'local token = "{text["script"]}\n' + cluster.scripts)

    def refused():
        said = cluster.leader().status()["scheduler"]
        if "unfinished string near a string" not in (said["error"] or ""):
            raise Missed(said)
        return text["script"] in said["excerpt"]  # for who may look at this host
    wait_until("its error is told", refused, 40)
    canary.nowhere(nodes, secrets, tmp_path)
    service.set_script(nodes, cluster.scripts)


def test_files_of_another_node(cluster, nodes):
    """mesh render --node: what that node has rendered, told by any other, byte by byte."""
    for asked in nodes:
        for n in nodes:
            said = asked.ask("render", "front", "--node", n.name)
            assert said["node"] == n.name and said["files"]["haproxy.cfg"] == n.rendered("front", "haproxy.cfg")
    have = [n for n in nodes if n.running("web")]
    lack = [n for n in nodes if n not in have]
    assert have
    for n in have:
        assert nodes[0].ask("render", "web", "--node", n.name)["files"]["index.html"] == n.rendered("web", "index.html")
    for words, told in ((["webb"], "role 'webb': not in the schedule; did you mean 'web'?"),
                        (["web", "--node", "n33"], "no node 'n33' is known; did you mean 'n3'?"),
                        *([["web", "--node", n.name], f"role 'web': the schedule has no part of it for node {n.name}; it is on "]
                          for n in lack)):
        p = nodes[0].mesh("render", *words)
        assert p.returncode == 1 and told in p.stderr, p.stderr
        assert not p.stdout


def test_unknown_key_in_render_yaml(cluster, nodes):
    files = rendered(nodes)
    for n in nodes:
        path = template(n, "web", "render.yaml")
        write(path, "fils: {}\n" + read(path))
    told([n for n in nodes if n.running("web")],
         "render.yaml:1:1: unknown key 'fils'; did you mean 'files'?")
    assert rendered(nodes) == files
    cluster.serves()


def test_one_host_with_another_template_keeps_its_files(cluster, nodes):
    """The schedule names a template by its hash: who lacks it says so."""
    leader = cluster.leader()
    other = next(n for n in nodes if n is not leader and n.running("web"))
    files, pids = rendered(nodes), running(nodes)
    path = template(other, "web", "index.html.tmpl")
    write(path, read(path) + "<!-- only here -->\n")
    told([other], "template 'web': this node has")
    assert rendered(nodes) == files
    assert running(nodes) == pids


def test_missing_image_is_told_and_avoided(cluster):
    """Placement never picks a node without the image; status names it."""
    node = cluster.nodes[2]
    path = os.path.join(cluster.world.images, "web-v1")
    text = cluster.scripts.replace("web-v1", "web-v9")
    assert text != cluster.scripts and os.path.isdir(path)
    before = {n.name: n.running() for n in cluster.nodes}
    service.set_script(cluster.nodes, text)
    leader = cluster.leader()

    def named():
        said = json.dumps(leader.status())
        if "web-v9" not in said:
            raise Missed(said)
        return True
    wait_until("status names the image", named, 30)
    assert node.running("front") == {i: p for i, p in before[node.name].items()
                                     if i.startswith("front.")}


ROLLS = '  update = {strategy = "smooth", substeps = 2, min_healthy = "1s", max_unavailable = 2},\n'


def version_of(node):
    return next(r["version"] for r in node.status()["roles"] if r["name"] == "web")


def test_a_host_that_can_not_render_stops_an_update(cluster, nodes):
    """Of a version whose image is the same; with whom is well it has gone on till there, nothing
    restarts, and `why` says where it stopped and why."""
    leader = cluster.leader()
    other = next(n for n in nodes if n is not leader and n.running("web"))
    text = cluster.scripts.replace('  version = "v1",\n', '  version = "v1",\n' + ROLLS, 1)
    assert text != cluster.scripts
    pids = {n.name: n.running("web") for n in nodes}
    try:
        service.set_script(nodes, text)
        wait_until("the update is known", lambda: '"update"' in json.dumps(leader.ask("schedule", "show")), 20)
        path = template(other, "web", "index.html.tmpl")
        good = read(path)
        write(path, good + "<!-- only here -->\n")
        told([other], "template 'web': this node has")
        service.set_script(nodes, text.replace('version = "v1"', 'version = "v2"', 1))

        def stopped():
            whys = {i: json.dumps(w) for i, w in (leader.ask("schedule", "show").get("why") or {}).items()}
            found = [i for i, w in whys.items() if "the update to v2 stops: " + i in w and "this node has" in w]
            if not found or found[0] not in other.running("web"):
                raise Missed(str(whys))
            return True
        wait_until("it stops there", stopped, 40)
        assert version_of(leader) == "v1"
        write(path, good)

        def over():
            if version_of(leader) != "v2":
                raise Missed(f"web is of {version_of(leader)}")
            return True
        wait_until("it goes on", over, 60)
        assert {n.name: n.running("web") for n in nodes} == pids
    finally:
        service.set_script(nodes, cluster.scripts)
