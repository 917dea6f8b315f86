"""work - something to run on every host that counts its own starts: each writes one
line, so a container that was started twice says so in its log for ever."""
import os

import images
import service
from mesh import ROOT, Missed, copy_tree, write

WORK = """kind: Daemon
user-id: 1000
group-id: 1000
executable: /bin/busybox
arguments: [sh, -c, "echo started {version}; exec sleep 1000000"]
kill-timeout: 1s
memory-limit: 16Mi
pids-limit: 16
"""
MAIN = """local work = mesh.role("work", {{
  version = "{version}", image = "work-{version}", place = mesh.place.every(),
}})
return mesh.scheduler {{work}}
"""


def install(world, versions=("v1", "v2")):
    for version in versions:
        root = images.empty(world.images, f"work-{version}")
        images.copy("/bin/busybox", root, "/bin/busybox")
        write(os.path.join(root, "config/work.yaml"), WORK.format(version=version))
    for node in world.nodes:
        templates = os.path.join(node.etc, "templates")
        copy_tree(os.path.join(ROOT, "templates"), templates)
        write(os.path.join(templates, "work/render.yaml"),
              "processes: processes.yaml.tmpl\n")
        write(os.path.join(node.etc, "lithos-configs/sandboxes/work.yaml"),
              service.SANDBOX.format(role="work", images=world.images))


def roll_out(world, version):
    """The next version, written on every host as an operator's tool does."""
    service.set_script(world.nodes, MAIN.format(version=version))


def all_run(nodes, version):
    """Each of these says of each of these that it runs that version, and its status
    counts them all."""
    want = {(f"work.{n.name}", n.name, version) for n in nodes}
    for node in nodes:
        rows = {(r["instance"], r["node"], r["version"]) for r in node.ps("work")
                if r["state"] == "running"}
        if rows != want:
            raise Missed(f"{node.name} knows {sorted(rows)}")
        roles = node.status()["roles"]
        said = [(r["version"], r["desired"], r["running"], r["healthy"], r["note"])
                for r in roles]
        if said != [(version, len(nodes), len(nodes), len(nodes), None)]:
            raise Missed(f"{node.name} counts {said}")
    return True


def starts(node, asked_by=None):
    """What the instance on this host wrote at its starts, in order."""
    text = (asked_by or node).mesh("logs", f"work.{node.name}").stdout
    return [line.split("started ")[1] for line in text.splitlines() if "started " in line]
