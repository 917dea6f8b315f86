"""Sixty daemons on one host: `make test-net`."""
import os
import time

from mesh import World, init, wait_until
from nets import EMPTY, one_view, set_script

CROWD = 60


def test_sixty_join_at_once(capsys):
    """One seed, sixty empty daemons: in the end all see all, and one leads.
    How soon is told, and bound by `make bench-mesh` (2 s).  Addresses of loopback: the neighbour table is one for all namespaces."""
    world = World(f"mesh-n{os.getpid()}", "crowd")
    try:
        for i in range(1, CROWD + 1):
            world.add_node(f"n{i}", f"127.0.1.{i}")
        for n in world.nodes:
            n.write_config(seeds=[f"{world.nodes[0].address}:7780"])
            set_script(n, EMPTY)
        world.nodes[0].start()
        init(world.nodes[0])
        for n in world.nodes[1:]:
            n.start()
        start = time.monotonic()
        wait_until("all see all", lambda: one_view(world.nodes), 180, 0.1)
        with capsys.disabled():
            print(f"\ncrowd.{CROWD}.last {time.monotonic() - start:.3g} s")
    finally:
        world.close()
