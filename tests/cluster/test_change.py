"""A change on one host: its instances are replaced one after the other, a version that
does not come up goes no further, and so it is with what an administrator edits."""
# A minute: begun before the others (run.sh).
import json
import os
import re
import signal

import images
import service
import work
from mesh import Missed, read, wait_until, write

SHELL = {"good": "trap 'echo ended; exit 0' TERM; echo started {v}; while :; do sleep 1000 & wait; done",
         "bad": "echo started {v}; exit 3"}
MAIN = """local work = mesh.role("work", {{version = "{v}", image = "work-{v}", count = 2, update = {{max_unavailable = 1}}}})
return mesh.scheduler {{work}}
"""
NAMES = [f"work.{i}" for i in (1, 2)]


def image(w, version, kind):
    root = images.empty(w.images, f"work-{version}")
    images.copy("/bin/busybox", root, "/bin/busybox")
    text = work.WORK.format(version=version)
    old = text[text.index("arguments:"):text.index("\n", text.index("arguments:"))]
    write(os.path.join(root, "config/work.yaml"),
          text.replace(old, f'arguments: [sh, -c, "{SHELL[kind].format(v=version)}"]'))
    for tool in ("sleep", "sh"):
        os.symlink("busybox", os.path.join(root, "bin", tool))


def said(node):
    """All that the containers said, (instance, word) by time."""
    lines = [(*line.split(" ", 2)[::2], name) for name in NAMES
             for line in read(os.path.join(node.dir, "log", name + ".log")).splitlines()]
    return [(name, text.strip()) for _, text, name in sorted(lines)]


def run_as(node, version):
    rows = {r["instance"]: r for r in node.ps("work")}
    if [(n, rows[n]["state"], rows[n]["version"]) for n in sorted(rows)] != [(n, "running", version) for n in NAMES]:
        raise Missed(str(rows))
    return {n: rows[n]["pid"] for n in NAMES}


def so_far(node, begun, want):
    got = sorted(said(node)) if begun == 0 else said(node)[begun:]
    if got != want:
        raise Missed(str(got))
    return True


def waits(node):
    """What waits, for whom, and since when; and what to do."""
    line = re.compile(r"work\.2 on n1 runs as it was: its change waits since \d{4}-\d\d-\d\dT\d\d:\d\dZ: "
                      r"work\.1 is (starting|backoff|crash-loop|up only since a moment)")
    said = [p["hint"] for p in node.status()["problems"] if line.fullmatch(p["text"])]
    row = next(r for r in node.ps("work") if r["instance"] == "work.2")
    return said and said[0].startswith("it goes on by itself when that one is up") and \
        (row["error"] or "").startswith("its change waits since ")


def in_turn(version):
    return [(n, word) for n in NAMES for word in ("ended", f"started {version}")]


def test_one_after_the_other():
    with service.hosts("change", 1, webs=0) as w:
        n1 = w.nodes[0]
        work.install(w, versions=())
        for version, kind in (("v1", "good"), ("v2", "good"), ("v3", "bad")):
            image(w, version, kind)
        service.set_script([n1], MAIN.format(v="v1"))
        wait_until("v1", lambda: run_as(n1, "v1"), 60)
        begun = len(NAMES)
        wait_until("they say so", lambda: so_far(n1, 0, [(n, "started v1") for n in NAMES]))

        # Another version.
        service.set_script([n1], MAIN.format(v="v2"))
        pids, _ = wait_until("v2", lambda: run_as(n1, "v2"), 60)
        wait_until("one by one", lambda: so_far(n1, begun, in_turn("v2")))

        # A file of the image, edited in its place.
        begun = len(said(n1))
        config = os.path.join(w.images, "work-v2/config/work.yaml")
        write(config, read(config) + "environ: {MORE: words}\n")
        wait_until("all are new", lambda: not set(run_as(n1, "v2").values()) & set(pids.values()), 60)
        wait_until("one by one", lambda: so_far(n1, begun, in_turn("v2")))

        # A broken one is refused, shown, and nothing ends.
        pids = run_as(n1, "v2")
        box = os.path.join(n1.etc, "lithos-configs/sandboxes/work.yaml")
        good = read(box)
        write(box, good + "allow-usrs: [1]\n")
        wait_until("told", lambda: all("did you mean 'allow-users'" in (r["error"] or "") for r in n1.ps("work")), 40)
        # Nor by a person, who would be left without it.
        p = n1.mesh("restart", "work.1")
        assert p.returncode == 1 and p.stderr.startswith(f"mesh: restart: work.1 would not come up again: {box}:"), p
        assert p.stderr.endswith("\nhint: mend that; or all the same: mesh stop work.1; mesh start work.1\n"), p
        assert run_as(n1, "v2") == pids
        write(box, good)
        wait_until("mended", lambda: not any(r["error"] for r in n1.ps("work")), 40)

        # One that does not come up: the others are never touched.
        service.set_script([n1], MAIN.format(v="v3"))
        wait_until("a crash loop", lambda: "started v3" in str(said(n1)) and
                   any(r["instance"] == "work.1" and r["restarts"] > 0 for r in n1.ps("work")), 60)
        assert [r["pid"] for r in n1.ps("work") if r["instance"] == "work.2"] == [pids["work.2"]]
        wait_until("it is told", lambda: waits(n1), 40)
        service.set_script([n1], MAIN.format(v="v2"))
        now, _ = wait_until("back", lambda: run_as(n1, "v2"), 60)
        assert now["work.2"] == pids["work.2"]
        assert "its change waits" not in str(n1.status()["problems"])


def test_on_change_ends_nothing_that_would_not_come_up():
    """A new text of a file asks for another run; with a container file that is broken meanwhile all
    run on, and get it when that is mended."""
    with service.hosts("onchange", 1, webs=0) as w:
        n1 = w.nodes[0]
        work.install(w, versions=())
        image(w, "v1", "good")
        write(os.path.join(n1.etc, "templates/work/render.yaml"),
              'files:\n  conf: {template: conf.tmpl}\nprocesses: processes.yaml.tmpl\non-change: {"*": restart}\n')
        text = os.path.join(n1.etc, "templates/work/conf.tmpl")
        write(text, "one\n")
        service.set_script([n1], MAIN.format(v="v1"))
        pids, _ = wait_until("v1", lambda: run_as(n1, "v1"), 60)
        begun = len(said(n1))
        write(text, "two\n")
        wait_until("all anew", lambda: not set(run_as(n1, "v1").values()) & set(pids.values()), 60)
        wait_until("one by one", lambda: so_far(n1, begun, in_turn("v1")))

        # A person's word: judged when it is said, whatever was known till then.
        pids = run_as(n1, "v1")
        config = os.path.join(w.images, "work-v1/config/work.yaml")
        good = read(config)
        write(config, good + "broken\n")
        p = n1.mesh("restart", "work.1")
        assert p.returncode == 1 and p.stderr.startswith(
            "mesh: restart: work.1 would not come up again: work-v1/config/work.yaml:"), p
        assert run_as(n1, "v1") == pids
        write(config, good)
        wait_until("mended", lambda: not any(r["error"] for r in n1.ps("work")), 40)
        assert run_as(n1, "v1") == pids  # what was refused is not done later
        p = n1.mesh("restart", "work.1")
        assert (p.returncode, "work.1 is being restarted" in p.stdout) == (0, True), p
        now, _ = wait_until("work.1 anew", lambda: run_as(n1, "v1")["work.1"] != pids["work.1"] and run_as(n1, "v1"), 20)
        assert now["work.2"] == pids["work.2"]

        pids, begun = run_as(n1, "v1"), len(said(n1))
        write(config, good + "broken\n")
        wait_until("told", lambda: all("work.yaml:" in (r["error"] or "") for r in n1.ps("work")), 60)
        told = read(n1.log).count("work.1: work-v1/config/work.yaml:")
        write(text, "three\n")
        wait_until("again", lambda: read(n1.log).count("work.1: work-v1/config/work.yaml:") > told, 60)
        assert run_as(n1, "v1") == pids and said(n1)[begun:] == []
        write(config, good)
        wait_until("all anew", lambda: not set(run_as(n1, "v1").values()) & set(pids.values()), 90)
        wait_until("one by one", lambda: so_far(n1, begun, in_turn("v1")))


def test_many_events_are_one_settle():
    """A dozen instances of an edited sandbox: what is to be asked for is worked out once for all of them."""
    many = 12
    with service.hosts("burst", 1, webs=0) as w:
        n1 = w.nodes[0]
        work.install(w, versions=())
        image(w, "v1", "good")
        service.set_script([n1], MAIN.format(v="v1").replace("count = 2", f"count = {many}").replace(
            "max_unavailable = 1", f"max_unavailable = {many}"))

        def all_run():
            rows = n1.ps("work")
            if [r["state"] for r in rows] != ["running"] * many:
                raise Missed(str(rows))
            return {r["instance"]: r["pid"] for r in rows}

        def settles():
            return json.loads(n1.mesh("debug", "show", "--json").stdout)["queues"]["settles"]
        pids, _ = wait_until("all run", all_run, 60)
        engine = n1.pids("meshd-engine")[0]
        before = settles()
        os.kill(engine, signal.SIGSTOP)
        try:
            box = os.path.join(n1.etc, "lithos-configs/sandboxes/work.yaml")
            write(box, "# a word\n" + read(box))
            wait_until("seen", lambda: read(n1.log).count("its sandbox file was changed") == many, 40)
        finally:
            os.kill(engine, signal.SIGCONT)
        wait_until("one for all", lambda: settles() > before, 40)
        assert settles() == before + 1
        assert all_run() == pids
