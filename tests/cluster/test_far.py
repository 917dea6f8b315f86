"""What lies below images-dir may not answer (FUSE, NFS): the engine asks nobody who may not."""
import os
import pathlib
import sys

import service
from mesh import ROOT, wait_until

sys.path.append(os.path.join(ROOT, "tests/containers"))
from fuse_image import Served  # noqa: E402


def who_looks():
    """A copy of an engine that looks for images, and waits."""
    for p in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if (p / "comm").read_text() == "meshd-facts\n" and "request_wait" in (p / "wchan").read_text():
                return p.name
        except OSError:
            pass  # it has ended
    return None


def test_an_image_that_does_not_answer():
    far = []

    def mounts(node):
        """Before it starts: what is mounted later is not in the namespaces of this test's hosts."""
        os.makedirs(os.path.join(node.world.images, "near/proc"))
        far.append(Served(os.path.join(node.world.images, "near"), os.path.join(node.world.images, "far")))
    try:
        with service.hosts("far", 1, webs=0, before=mounts) as w:
            (n1,) = w.nodes
            try:
                wait_until("they are known", lambda: "  far\n  near\n" in n1.mesh("facts", "n1").stdout, 20)
                far[0].hold(None, None)
                wait_until("somebody waits", who_looks, 20)
                assert "leader n1" in n1.mesh("status").stdout
                assert "  far\n  near\n" in n1.mesh("facts", "n1").stdout  # what was found last stands
            finally:
                far[0].go()  # who waits can't be killed before
    finally:
        for one in far:
            os.close(one.fd)  # the world unmounted it
