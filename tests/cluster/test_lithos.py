"""A host of lithos: its sandboxes, images and processes files as they are, and no scheduler
but one line.  A file switched in is done, a broken one ends nothing."""
import os

import images
import service
from mesh import ROOT, Missed, copy_tree, wait_until, write

SANDBOX = """image-dir: {top}
image-dir-levels: 2
allow-users: [1]
allow-groups: [0-1]
uid-map:
- {{outside: 20000, inside: 0, count: 2}}
gid-map:
- {{outside: 20000, inside: 0, count: 2}}
allow-exec: yes
"""
DAEMON = """kind: Daemon
user-id: 1
executable: /bin/busybox
arguments: [sh, -c, "echo {version} @{{number}} $LITHOS_NAME; exec sleep 100000"]
variables: {{number: !Name }}
"""
COMMAND = """kind: Command
interactive: true
user_id: 1
executable: /bin/busybox
arguments: [echo, "@{word}"]
variables: {word: !Choice [hello] }
"""
PROCESSES = """
web:
    kind: Daemon
    image: web/{version}
    config: /lithos/web.yaml
    instances: {count}
    variables:
        number: 8080
hello:
    kind: Command
    image: web/{version}
    config: /lithos/hello.yaml
    variables: {{word: hello}}
"""


def image(top, version):
    root = images.empty(top, f"web/{version}")
    images.copy("/bin/busybox", root, "/bin/busybox")
    write(os.path.join(root, "lithos/web.yaml"), DAEMON.format(version=version))
    write(os.path.join(root, "lithos/hello.yaml"), COMMAND)


def switch(nodes, text):
    for node in nodes:
        write(os.path.join(node.etc, "roles/shop/n1/processes.yaml"), text)


def run(node, version, count):
    rows = {r["instance"]: r for r in node.ps("shop")}
    want = [(f"shop.web.n1.{i}", "n1", "running", f"web/{version}") for i in range(count)]
    got = [(r["instance"], r["node"], r["state"], r["image"]) for _, r in sorted(rows.items())]
    if got != want:
        raise Missed(str(got))
    return {name: rows[name]["pid"] for name in rows}


def says(node, *texts):
    said = [p["text"] for p in node.status()["problems"]]
    if said != list(texts):
        raise Missed(str(said))
    return True


def test_processes_files_and_no_scheduler():
    with service.hosts("lithos", 2, webs=0) as w:
        n1, n2 = w.nodes
        top = os.path.join(w.dir, "lithos")  # not where mesh has its images
        os.makedirs(top, mode=0o755)
        for version in ("v1", "v2"):
            image(top, version)
        for node in w.nodes:
            copy_tree(os.path.join(ROOT, "templates"), os.path.join(node.etc, "templates"))
            write(os.path.join(node.etc, "lithos-configs/sandboxes/shop.yaml"), SANDBOX.format(top=top))
        switch(w.nodes, PROCESSES.format(version="v1", count=1))
        service.set_script(w.nodes, 'return mesh.scheduler {mesh.lithos("shop", {max_unavailable = 2})}\n')
        before, _ = wait_until("it runs", lambda: run(n2, "v1", 1), 30)
        wait_until("no word of an image that runs", lambda: says(n2))
        log = wait_until("it speaks", lambda: n1.mesh("logs", "shop.web.n1.0").stdout, 10)[0]
        assert log.endswith("v1 8080 shop/shop.web.n1.0\n"), log
        assert n1.mesh("run", "shop").stdout == "hello\n"
        assert n1.mesh("run", "shop", "hello").stdout == "hello\n"

        # More of the same: only what is new starts.
        switch(w.nodes, PROCESSES.format(version="v1", count=2))
        pids, _ = wait_until("two", lambda: run(n1, "v1", 2), 30)
        assert pids.items() >= before.items()
        # A broken one, for the YAML reader and for the library: told, and nothing ends.
        switch(w.nodes, "web:\n\timage: web/v1\n")
        wait_until("told", lambda: says(n1, "shop/n1/processes.yaml:2:1: tab in indentation"), 20)
        switch(w.nodes, "web: {image: web/v1, confg: /lithos/web.yaml}\n")
        wait_until("told", lambda: says(
            n1, "role shop: roles/shop/n1/processes.yaml: web: unknown key 'confg'; did you mean 'config'?"), 20)
        assert run(n1, "v1", 2) == pids
        # The next version.
        switch(w.nodes, PROCESSES.format(version="v2", count=2))
        after, _ = wait_until("the next version", lambda: run(n2, "v2", 2), 30)
        assert not set(after.values()) & set(pids.values())
