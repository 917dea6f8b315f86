"""Bad templates and failing checks against the real daemon: the old files stay,
the place of the error is told, and what runs goes on."""
import json
import os

import pytest

import service
from mesh import Missed, read, wait_until, write


def template(node, role, name):
    return os.path.join(node.etc, "templates", role, name)


@pytest.fixture
def node(cluster):
    """One node whose template tree the test may break; it is put right after."""
    n = cluster.nodes[2]
    wait_until("a web server here", lambda: n.running("web"), 30)
    saved = {}
    for folder, _, files in os.walk(os.path.join(n.etc, "templates")):
        for name in files:
            path = os.path.join(folder, name)
            saved[path] = read(path)
    yield n
    for path, text in saved.items():
        write(path, text)
    wait_until("well again", lambda: n.status()["health"] == 0, 40)


def told(node, *expected):
    """Every expected text is somewhere in what status says."""
    def check():
        said = json.dumps(node.status(), ensure_ascii=False)
        if not all(json.dumps(e)[1:-1] in said for e in expected):
            raise Missed(said)
        return True
    wait_until(f"status says {expected}", check, 40)


def kept(node, files, running):
    for (role, name), text in files.items():
        assert node.rendered(role, name) == text
    assert node.running() == running


ROWS = [
    ("missing", None, ["index.html.tmpl: No such file or directory"]),
    ("a directory", "", ["index.html.tmpl", "is a directory"]),
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
def test_bad_template_keeps_the_old_files(cluster, node, name, text, expected):
    files = {("web", "index.html"): node.rendered("web", "index.html"),
             ("front", "haproxy.cfg"): node.rendered("front", "haproxy.cfg")}
    assert all(files.values())
    running = node.running()
    path = template(node, "web", "index.html.tmpl")
    if text:
        write(path, text)
    else:
        os.unlink(path)
        if text == "":
            os.mkdir(path)
    try:
        told(node, *expected)
        kept(node, files, running)
        cluster.serves([node])
        # The other nodes have nothing to do with it.
        assert cluster.nodes[0].running()
    finally:
        if text == "":
            os.rmdir(path)


def test_failing_check_keeps_the_old_config(cluster, node):
    path = template(node, "front", "haproxy.cfg.tmpl")
    old = node.rendered("front", "haproxy.cfg")
    running = node.running()
    write(path, read(path) + "\nnonsense from a bad day\n")
    told(node, "haproxy-check", "exited 1", "nonsense")
    assert node.rendered("front", "haproxy.cfg") == old
    assert node.running() == running
    cluster.serves([node])
    # And a good one goes through, without restarting HAProxy.
    front = {i: p for i, p in running.items() if i.startswith("front.")}
    good = read(path).replace("nonsense from a bad day", "# a better day")
    write(path, good)
    wait_until("the new config", lambda: "# a better day" in
               node.rendered("front", "haproxy.cfg"), 30)
    assert front.items() <= node.running().items()
    cluster.serves([node])


def test_unknown_key_in_render_yaml(cluster, node):
    path = template(node, "web", "render.yaml")
    old = node.rendered("web", "index.html")
    write(path, "fils: {}\n" + read(path))
    told(node, "render.yaml:1:1: unknown key 'fils'; did you mean 'files'?")
    assert node.rendered("web", "index.html") == old
    cluster.serves([node])


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
