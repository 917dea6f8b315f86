"""promised - what is promised of real daemons, as tests/sim/stats.c has it of
simulated ones: each bound is printed under its figure, with what stands beside it.

	name value unit
	name.bound value unit
	name.beside value unit: who or what

Beside stands what a peer did in the same run, on the same load; where none runs,
the figure that is on record.  missed() names what was broken: the bench ends with
exit code 1.  On a machine that is busy with other things JUST_TELL=1 only tells.
"""
import fnmatch
import os
import sys

# figure: at most (of LEAST: at least) so much; who stands beside it, and his figure on record.
PROMISES = {
    "detect.10.leader.p50": (2.5, "serf", 6.4),
    "detect.10.all.p50": (3.0, "serf", 6.4),
    "detect.100.leader.p50": (2.5, "serf", 9.9),
    "detect.100.all.p50": (3.0, "serf", 9.9),
    "failover.5.all.p50": (1.6, "etcd", 1.2),
    "failover.5.all.p99": (2.6, "etcd", 2.6),
    "join.60.last": (2.0, "serf", 75),
    "idle.*.mean.tx": (3072, "serf, without metrics", 350),
    "idle.*.follower.rss": (8.0, "serf", 15.5),
    "idle.*.follower.cpu": (0.5, "serf", 0.19),
    "idle.*.leader.cpu": (1.5, "serf", 0.19),
    "query.p99": (50, "nothing else that asks all nodes", None),
    "scrape.cpu": (1.0, "node_exporter", 9.1),
    "mesh.start.p50": (3.6, "crun", 10.8),
    "mesh.start.ratio": (1.5, "crun", 4.2),
    "mesh.rate.two": (300, "crun, one at a time", 81),
    "mesh.init.pss.*": (150, "crun", 1600),
    "mesh.restart.p50": (20, "peer", None),
    "mesh.leak.*": (0, "peer", None),
    "mesh.many.up": (5, "peer", None),
    "mesh.many.rss": (20, "peer", None),
    "round.rss": (64, "probe", 21),
    "script.start.p50": (10, "nothing", None),
    "render.p50": (50, "nothing", None),
    "follow.p99": (500, "nothing", None),
    "moves.percent": (10, "nothing", None),
}
LEAST = {"mesh.rate.two"}
MISSED = []


def put(name, value, unit):
    print(f"{name} {value:.4g} {unit}", flush=True)


def say(name, value, unit, peers=None):
    """A figure, its bound, and what is beside it: peers' in this run, if there is one."""
    bound, who, record = next((v for pattern, v in PROMISES.items()
                               if fnmatch.fnmatchcase(name, pattern)), (None, "peer", None))
    put(name, value, unit)
    if bound is not None:
        put(name + ".bound", bound, unit)
    if peers is not None:
        put(name + ".beside", peers, f"{unit}: {who}, in this run")
    elif record is not None:
        put(name + ".beside", record, f"{unit}: {who}, on record")
    least = name in LEAST
    if bound is not None and (value < bound if least else value > bound):
        MISSED.append(f"bound {name} {'>=' if least else '<='} {bound:g} {unit} broken: {value:.4g}")


def missed():
    """The exit code of it all."""
    for line in MISSED:
        print(f"bench: {line}", file=sys.stderr, flush=True)
    return 1 if MISSED and os.environ.get("JUST_TELL", "") in ("", "0") else 0
