"""A verwalter scheduler as it is, in a real mesh: the daemons that it returns run."""
import os

import service
import test_lithos as lithos
from mesh import ROOT, Missed, copy_tree, wait_until, write

DAEMONS = "daemons: {{web: {{image: web/{version}, config: /lithos/web.yaml, variables: {{number: 1}}}}}}\n"


def run(w, version):
    rows = {r["instance"]: (r["state"], r["image"]) for r in w.nodes[0].ps("shop")}
    want = {f"shop.web.n{i}.0": ("running", f"web/{version}") for i in (1, 2)}
    if rows != want:
        raise Missed(str(rows))
    return True


def test_its_daemons_run():
    with service.hosts("verwalter", 2, webs=0) as w:
        top = os.path.join(w.dir, "lithos")
        os.makedirs(top, mode=0o755)
        lithos.image(top, "v1")
        for node in w.nodes:
            copy_tree(os.path.join(ROOT, "templates"), os.path.join(node.etc, "templates"))
            write(os.path.join(node.etc, "lithos-configs/sandboxes/shop.yaml"), lithos.SANDBOX.format(top=top))
            write(os.path.join(node.etc, "roles/shop/v1/daemons.yaml"), DAEMONS.format(version="v1"))
            copy_tree(os.path.join(ROOT, "tests/golden/verwalter/v1"), os.path.join(node.etc, "scheduler-scripts/v1"))
        service.set_script(w.nodes, 'return require "mesh.verwalter" {dir = "v1", template = "lithos"}\n')
        wait_until("its daemons run", lambda: run(w, "v1"), 30)
        assert w.nodes[0].status()["scheduler"]["ok"], w.nodes[0].status()
