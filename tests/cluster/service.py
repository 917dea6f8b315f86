"""service - the demo's service on a world: images, sandboxes, scripts, templates,
and the questions one asks about it: where does it run, who serves what.
"""
import contextlib
import http.client
import os
import re
import sys

from images import make_front, make_web
from mesh import Missed, ROOT, World, copy_tree, init, read, wait_until, write

sys.path.insert(0, os.path.join(ROOT, "tests", "demo"))
from load import get  # noqa: E402

EXAMPLE = os.path.join(ROOT, "scheduler-scripts", "examples", "demo")
WEBS = 4  # web instances of the demo
COUNT = re.compile(r"^(local count\s*=\s*)\d+", re.M)
PAGE = re.compile(r'^(local page\s*=\s*)"([^"]*)"', re.M)
SANDBOX = """# What this host allows the role {role}.
image-dir: {images}
allow-users: [1-65535]
allow-groups: [1-65535]
roles: [{role}]
"""


def install(world):
    """Images once, and on every node the trees an administrator would write."""
    make_web(world.images)
    make_front(world.images)
    for node in world.nodes:
        copy_tree(EXAMPLE, os.path.join(node.etc, "scheduler-scripts"))
        copy_tree(os.path.join(ROOT, "templates"), os.path.join(node.etc, "templates"))
        for role in ("web", "front"):
            write(os.path.join(node.etc, "lithos-configs/sandboxes", role + ".yaml"),
                  SANDBOX.format(role=role, images=world.images))


@contextlib.contextmanager
def hosts(what, count, begin=None, webs=WEBS, before=None, **settings):
    """A world of its own: hosts n1 n2 ..., all configured, of which the first `begin`
    (all, unless said) run as one mesh with the service; with webs=0 without it.
    before(node) is done ahead of its first start.  Who does not get there says its
    last lines."""
    w = World(f"mesh-r{os.getpid()}", what)
    try:
        w.bridge([f"n{i}" for i in range(1, count + 1)])
        if webs:
            install(w)
        nodes = w.nodes[:begin]
        for n in w.nodes:
            n.write_config(**settings)
        for n in nodes:
            if before:
                before(n)
            n.start()
        init(nodes[0])
        try:
            wait_until("one view", lambda: one_view(nodes), 60)
            if webs:
                wait_until("the service", lambda: settled(nodes, webs), 60)
        except Missed:
            for n in nodes:
                print(n.tail(25))
            raise
        yield w
    finally:
        w.close()


@contextlib.contextmanager
def certified(what, count, **settings):
    """Hosts without a service, of which the first made a cluster with a CA."""
    w = World(f"mesh-r{os.getpid()}", what)
    try:
        for n in w.bridge([f"n{i}" for i in range(1, count + 1)]):
            n.write_config(**{"cluster-key": None, "seeds": None}, **settings)
            n.start()
        for n in w.nodes:
            wait_until("it answers", lambda n=n: n.mesh("version").returncode == 0, 30)
        assert w.nodes[0].mesh("init").returncode == 0
        yield w
    finally:
        w.close()


def let_in(node, nodes):
    """With a token of the first of them: then these are one."""
    token = nodes[0].mesh("token").stdout.strip()
    p = node.mesh("join", nodes[0].at(), token)
    assert p.returncode == 0, p.stderr
    wait_until("one view", lambda: one_view(nodes), 60)


def page_text(node):
    return PAGE.search(script(node)).group(2)


def script(node):
    return read(os.path.join(node.etc, "scheduler-scripts", "main.lua"))


def set_script(nodes, text):
    for node in nodes:
        write(os.path.join(node.etc, "scheduler-scripts", "main.lua"), text)


def set_page(nodes, text):
    for node in nodes:
        new, count = PAGE.subn(rf'\g<1>"{text}"', script(node))
        if count != 1:
            raise RuntimeError('main.lua has no line `local page = "..."`')
        write(os.path.join(node.etc, "scheduler-scripts", "main.lua"), new)


def front_of(node):
    """(address, port) of the node's front, by its rendered config, or None."""
    m = re.search(r"^\s*bind\s+([\d.]+):(\d+)", node.rendered("front", "haproxy.cfg"),
                  re.M)
    return (m.group(1), int(m.group(2))) if m else None


def backends(node):
    """(address, port) of every web instance in the node's rendered config."""
    return sorted((a, int(p)) for a, p in re.findall(
        r"^\s*server\s+\S+\s+([\d.]+):(\d+)",
        node.rendered("front", "haproxy.cfg"), re.M))


def fetch(where):
    """The page at (address, port); Missed when it is not a 200."""
    try:
        status, body = get(*where, timeout_s=1.0)
    except (OSError, http.client.HTTPException) as e:
        raise Missed(f"{where[0]}:{where[1]}: {e}") from None
    if status != 200:
        raise Missed(f"{where[0]}:{where[1]}: HTTP {status}")
    return body


def fronts_serve(nodes, text=""):
    """Every node's front answers 200 with the text; its addresses."""
    found = []
    for node in nodes:
        where = front_of(node)
        if where is None:
            raise Missed(f"{node.name}: no haproxy.cfg is rendered yet")
        if text not in fetch(where):
            raise Missed(f"{node.name}: its front serves another page")
        found.append(where)
    return found


def page_everywhere(nodes, text):
    """Every front lists every web instance, and each of them serves the text."""
    fronts_serve(nodes, text)
    for node in nodes:
        for where in backends(node):
            if text not in fetch(where):
                raise Missed(f"{where[0]}:{where[1]} serves another page")
    return True


def webs(node):
    """instance -> row of the web instances that the node knows as healthy."""
    return {r["instance"]: r for r in node.ps("web") if r["health"] == "healthy"
            and r["state"] == "running"}


def settled(nodes, count):
    """count healthy web instances, on these nodes only, in each one's config."""
    names = {n.name for n in nodes}
    addresses = {n.address for n in nodes}
    for node in nodes:
        rows = webs(node)
        if len(rows) != count or {r["node"] for r in rows.values()} - names:
            raise Missed(f"{node.name} knows healthy web instances: " + ", ".join(
                f"{i} on {r['node']}" for i, r in sorted(rows.items())))
        listed = backends(node)
        if len(listed) != count or {a for a, _ in listed} - addresses:
            raise Missed(f"{node.name}'s haproxy.cfg lists {listed}")
    return True


def all_healthy(nodes, count):
    """Each node knows this many instances, and nothing that is not healthy."""
    for node in nodes:
        rows = node.ps()
        sick = [r for r in rows if (r["state"], r["health"]) != ("running", "healthy")]
        if sick or len(rows) != count:
            raise Missed(f"{node.name} knows {len(rows)} instances; not healthy: " +
                         ", ".join(f"{r['instance']} {r['state']} {r['health']}"
                                   for r in sick))
    return True


def one_view(nodes):
    """All alive to each other, one leader, one stamp, full grade; the stamp."""
    names = sorted(n.name for n in nodes)
    said = []
    for node in nodes:
        alive, status = node.alive(), node.status()
        if alive != names:
            raise Missed(f"{node.name} sees {alive}")
        said.append((status["side"]["leader"], status["side"]["term"],
                     status["side"]["grade"], status["scheduler"]["stamp"],
                     status["side"]["known"], status["side"]["visible"]))
    if len(set(said)) != 1 or not said[0][0] or said[0][2] != "full" \
            or said[0][4:] != (len(nodes), len(nodes)):
        raise Missed(f"leader, term, grade, stamp, known, visible: {said}")
    return said[0]
