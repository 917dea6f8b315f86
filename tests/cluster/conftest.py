"""Fixtures of the cluster tests: one three-node mesh for all of them.

The nodes live in network namespaces of their own behind a bridge, with the
demo's service on them.  A test gets it settled, breaks it in its own way, and
the next one starts from a settled mesh again; what can't settle is rebuilt, so
one broken test does not fail the rest.
"""
import os
import signal
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "demo")]
import service  # noqa: E402
from mesh import Missed, World, in_netns, init, wait_until  # noqa: E402
from service import WEBS  # noqa: E402


class Cluster:
    """Three nodes n1 n2 n3 that run the demo's service."""

    def __init__(self):
        self.world = World(f"mesh-t{os.getpid()}")
        self.nodes = self.world.bridge(["n1", "n2", "n3"])
        service.install(self.world)
        self.scripts = service.script(self.nodes[0])
        for node in self.nodes:
            node.write_config()
            node.start()
        init(self.nodes[0])
        wait_until("one view", lambda: service.one_view(self.nodes), 40)

    def inside(self, work, *args):
        """Run a question that needs the network where the services listen."""
        return in_netns(self.world.tag, work, *args)

    def node(self, name):
        return next(n for n in self.nodes if n.name == name)

    def leader(self):
        return self.node(wait_until("a leader", self.nodes[0].leader, 20)[0])

    def serves(self, nodes=None, text=""):
        """Every front of these nodes answers, asked on its own host."""
        for node in nodes or self.nodes:
            in_netns(node.netns, service.fronts_serve, [node], text)
        return True

    def schedules(self):
        """No error of a test before is left, which the next would take for its own."""
        for node in self.nodes:
            said = node.status()["scheduler"]
            if not said["ok"]:
                raise Missed(f"{node.name}: {said.get('error')}")
        return True

    def settle(self):
        """Start what is down, and wait for one view and the whole service."""
        for node in self.nodes:
            if node.process is None:
                node.exits.clear()
                node.start()
        if service.script(self.nodes[0]) != self.scripts:
            service.set_script(self.nodes, self.scripts)
        wait_until("one view", lambda: service.one_view(self.nodes), 40)
        wait_until("the scheduler runs again", self.schedules, 40)
        wait_until("the service", lambda: service.settled(self.nodes, WEBS), 40)
        wait_until("every front serves", self.serves, 40)
        return self


def stop_cleanly(_number, _frame):
    """A run that is ended by its time limit still takes its world down."""
    raise KeyboardInterrupt("SIGTERM")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Whatever fails says what its nodes know, and their logs' ends."""
    report = (yield).get_result()
    if report.failed:
        report.sections += [(f"{node.name} of {node.world.tag}", node.says() + node.tail(40))
                            for world in World.open for node in world.nodes]


@pytest.fixture(scope="session")
def box():
    signal.signal(signal.SIGTERM, stop_cleanly)
    holder = {"cluster": None}
    yield holder
    if holder["cluster"] is not None:
        holder["cluster"].world.close()


@pytest.fixture
def cluster(box):
    """The settled three-node mesh."""
    if box["cluster"] is not None:
        try:
            return box["cluster"].settle()
        except Missed:
            box["cluster"].world.close()
            box["cluster"] = None
    box["cluster"] = Cluster()
    try:
        return box["cluster"].settle()
    except Missed:
        for node in box["cluster"].nodes:
            print(node.tail(25))
        raise


@pytest.fixture
def world():
    """An empty world of one namespace, for daemons that must refuse to start."""
    w = World(f"mesh-r{os.getpid()}", "refuse")
    yield w
    w.close()
