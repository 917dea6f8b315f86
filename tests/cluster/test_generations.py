"""Rendered generations of a real host: listed, one held by its operator against schedule
and templates, over a restart, and released again."""
import os

from mesh import Missed, read, wait_until, write

PAGE = "index.html.tmpl"


def rows(node):
    return {r["generation"]: r for r in node.ask("generations", "web")["generations"]}


def current(node):
    return next(g for g, r in rows(node).items() if r["current"])


def page_has(node, text):
    if text not in (node.rendered("web", "index.html") or ""):
        raise Missed(node.rendered("web", "index.html"))
    return True


def problems(node):
    return [p["text"] for p in node.status()["problems"]]


def test_an_operator_holds_one(cluster):
    node = cluster.nodes[0]
    path = os.path.join(node.etc, "templates/web", PAGE)
    templates = {n: os.path.join(n.etc, "templates/web", PAGE) for n in cluster.nodes}
    was = read(path)
    old = current(node)
    pids = node.running()
    try:
        for p in templates.values():
            write(p, was + "<p>the second</p>\n")
        wait_until("the second", lambda: page_has(node, "the second"), 40)
        new = current(node)
        assert new > old
        node.mesh("generations", "web", "--hold", str(old))
        wait_until("the first again", lambda: current(node) == old, 20)
        assert "the second" not in node.rendered("web", "index.html")
        assert rows(node)[old]["held"]
        assert any(f"generation {old}, held by an operator" in t for t in problems(node)), problems(node)
        table = node.mesh("generations", "web").stdout
        assert "current,held" in table, table

        # Neither new templates nor a new engine move it.
        for p in templates.values():
            write(p, was + "<p>the third</p>\n")
        wait_until("the others have the third", lambda: page_has(cluster.nodes[1], "the third"), 40)
        node.kill("meshd-engine")
        wait_until("it is back", lambda: node.status()["health"] is not None, 30)
        wait_until("and holds it", lambda: any("held by an operator" in t for t in problems(node)), 30)
        assert current(node) == old

        bad = node.mesh("generations", "web", "--hold", "99")
        assert bad.returncode == 1 and "there is no generation 99" in bad.stderr, bad
        bad = node.mesh("generations", "nothing")
        assert bad.returncode == 1 and "nothing is rendered for it" in bad.stderr, bad
        bad = node.mesh("generations", "web", "--hold", "x")
        assert bad.returncode == 64 and "'x' is no generation's number" in bad.stderr, bad

        node.mesh("generations", "web", "--release")
        wait_until("what is rendered now", lambda: page_has(node, "the third"), 30)
        assert current(node) > new
        assert not any("held by" in t for t in problems(node))
    finally:
        for p in templates.values():
            write(p, was)
    wait_until("as before", lambda: "the third" not in (node.rendered("web", "index.html") or "the third"), 40)
    assert node.running() == pids
