"""mesh stop, start, restart: one instance of a host, by whom the host trusts; mesh
exec from a host that has not the instance; and mesh run."""
import json
import os
import signal
import subprocess

import service
import work
from mesh import BUILD, ROOT, USER, Missed, read, wait_until, write

COMMAND = """kind: Command
user-id: 1000
group-id: 1000
executable: /bin/busybox
arguments: [sh, -c, %s]
"""
COMMANDS = {"hello": "echo out; echo err >&2; for i in 1 2 3; do echo a long line of words $i; done; exit 3",
            "waits": "echo begun; exec sleep 1000",
            "yells": "echo one; echo two >&2; trap 'for i in $(seq 30000); do echo $i; done; exit 4' USR1; "
                     "while :; do sleep 0.05; done"}


def row(node, instance):
    return next(r for r in node.ps() if r["instance"] == instance)


def is_held(nodes, instance):
    for n in nodes:
        r = row(n, instance)
        if (r["state"], r["pid"], r["error"]) != ("held", 0, f"stopped by uid 0, until: mesh start {instance}"):
            raise Missed(f"{n.name}: {r}")
        if not any(p["text"].startswith(f"{instance} on n1 is held: ") and p["hint"] == f"mesh start {instance}"
                   for p in n.status()["problems"]):
            raise Missed(f"{n.name}: {n.status()['problems']}")
    return True


def says(node, code, text, *words):
    p = node.mesh(*words)
    assert (p.returncode, text in p.stdout + p.stderr) == (code, True), p


def with_commands(w):
    """Two Commands beside the containers of the role."""
    stock = read(os.path.join(ROOT, "templates/processes.yaml.tmpl"))
    for name, script in COMMANDS.items():
        stock += f"{name}:\n  kind: Command\n  image: work-v1\n  config: /config/{name}.yaml\n"
        write(os.path.join(w.images, f"work-v1/config/{name}.yaml"), COMMAND % json.dumps(script))
    for n in w.nodes:
        write(os.path.join(n.etc, "templates/work/processes.yaml.tmpl"), stock)


def yells(w, node):
    """What it says is shown when it says it; and all of it once, however much and however fast, or it is told."""
    leaf = os.path.join(w.unified, node.cgroup, "@work", "yells.run.1")
    p = subprocess.Popen([os.path.join(BUILD, "mesh"), "--socket", node.socket, "run", "work", "yells"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert (p.stdout.readline(), p.stderr.readline()) == ("one\n", "two\n") and p.poll() is None
    for pid in read(leaf + "/cgroup.procs").split():
        if read(f"/proc/{pid}/comm") == "busybox\n":
            os.kill(int(pid), signal.SIGUSR1)
    out, err = p.communicate(timeout=30)
    said = [int(n) for n in out.split()]
    assert p.returncode == 4 and said[-1] == 30000
    assert said == sorted(set(said)) and (said[0] == 1 and len(said) == 30000) != ("output is missing here" in err), err
    rows = [json.loads(row) for row in node.mesh("run", "work", "hello", "--json").stdout.splitlines()]
    assert rows[-1]["code"] == 3 and sorted(rows[0]) == ["command", "missing", "text"] or len(rows) == 1
    assert "".join(r["text"] for r in rows).count("a long line of words") == 3


def commands_run(w, node):
    assert node.mesh("run", "work").stdout.split() == sorted(COMMANDS)
    # The sandbox has a word in it, and it is root's alone.
    says(node, 125, "sandbox 'work' does not allow it: `allow-exec: yes` in ", "run", "work", "hello")
    sandbox = os.path.join(node.etc, "lithos-configs/sandboxes/work.yaml")
    write(sandbox, read(sandbox) + "allow-exec: yes\n")
    p = node.mesh("run", "work", "hello")
    assert (p.returncode, p.stderr) == (3, "err\n")
    assert p.stdout == "out\n" + "".join(f"a long line of words {i}\n" for i in (1, 2, 3))
    says(node, 125, "run: no role of this node has a Command none in sandbox work", "run", "work", "none")
    says(node, 125, "run: no role of this node has a Command hello in sandbox web\nhint: mesh run web lists them", "run",
         "web", "hello")
    says(node, 125, "run: no role of this node has a Command in sandbox web\nhint: mesh ps", "run", "web")
    os.chmod(node.socket, 0o666)
    p = subprocess.run([os.path.join(BUILD, "mesh"), "--socket", node.socket, "run", "work", "hello"], user=USER,
                       capture_output=True, text=True, check=False)
    assert (p.returncode, p.stderr) == (125, "mesh: run: only root may\nhint: sudo mesh run\n")
    yells(w, node)
    # It ends with who asked (Ctrl-C), and with the engine that was asked.
    for end in (lambda p: p.send_signal(signal.SIGINT), lambda p: node.kill("meshd-engine")):
        p = subprocess.Popen([os.path.join(BUILD, "mesh"), "--socket", node.socket, "run", "work", "waits"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        leaf = os.path.join(w.unified, node.cgroup, "@work", "waits.run.1")
        wait_until("it runs", lambda: os.path.exists(leaf) and len(read(leaf + "/cgroup.procs").split()) == 2)
        end(p)
        wait_until("it has ended", lambda: not os.path.exists(leaf))
        assert p.wait(10) != 0


def test_held_down_until_started():
    with service.hosts("hold", 2, webs=0) as w:
        n1, n2 = w.nodes
        work.install(w)
        with_commands(w)
        work.roll_out(w, "v1")
        wait_until("v1 runs", lambda: work.all_run(w.nodes, "v1"), 60)
        here = n1.running()["work.n1"]

        # Its own host decides.
        for verb in ("stop", "start", "restart"):
            says(n2, 1, f"{verb}: work.n1 is on node n1: run it there", verb, "work.n1")
            says(n1, 1, f"{verb}: no instance work.n7 is known; did you mean work.n1?", verb, "work.n7")
            says(n1, 1, f"{verb}: no instance work is known; did you mean work.n1?", verb, "work")
            says(n1, 1, f"{verb}: no instance other is known\nhint: mesh ps", verb, "other")
        for node in w.nodes:
            says(node, 1, "ps: no role 'wrk' is known; did you mean 'work'?", "ps", "wrk")
            says(node, 1, "ps: no role 'elsewhere' is known\nhint: mesh status", "ps", "elsewhere")
            says(node, 1, "ps: work.n1 is an instance of the role work\nhint: mesh ps ROLE", "ps", "work.n1")
        says(n2, 125, "exec: work.n1 is on node n1: run mesh exec there, as root", "exec", "work.n1", "--", "true")
        says(n1, 125, "exec: work is not on this host, nor known on another; did you mean work.n1?", "exec", "work", "--", "true")
        says(n1, 125, "exec: wrk.n2 is not on this host, nor known on another; did you mean work.n2?", "exec", "wrk.n2", "--",
             "true")
        says(n1, 125, "its sandbox does not allow it", "exec", "work.n1", "--", "true")
        says(n1, 1, "start: work.n1 is not held down", "start", "work.n1")

        commands_run(w, n1)
        wait_until("the engine is back", lambda: work.all_run(w.nodes, "v1"), 20)

        # Started again, once.
        says(n1, 0, "work.n1 is being restarted", "restart", "work.n1")
        wait_until("another process", lambda: n1.running().get("work.n1", here) != here
                   and work.all_run(w.nodes, "v1"), 20)
        assert work.starts(n1, n1) == ["v1", "v1"]

        # Down, and told everywhere; said twice it is as once.
        says(n1, 0, "held down until: mesh start work.n1", "stop", "work.n1")
        wait_until("held", lambda: is_held(w.nodes, "work.n1"), 20)
        says(n1, 0, "work.n1 is stopped; held", "stop", "work.n1")
        says(n1, 1, "restart: work.n1 is held down", "restart", "work.n1")
        says(n1, 125, "exec: work.n1 does not run now: it is held, on node n1; there: mesh start work.n1", "exec", "work.n1", "--", "true")
        assert row(n2, "work.n2")["state"] == "running"

        # Neither a new engine nor a new daemon brings it back.
        n1.kill("meshd-engine")
        wait_until("held", lambda: is_held(w.nodes, "work.n1"), 30)
        n1.stop()
        n1.start()
        wait_until("held", lambda: is_held(w.nodes, "work.n1"), 40)
        assert work.starts(n1, n1) == ["v1", "v1"]

        says(n1, 0, "work.n1 is being started", "start", "work.n1")
        wait_until("it runs", lambda: work.all_run(w.nodes, "v1"), 40)
        assert work.starts(n1, n1) == ["v1"] * 3
        assert not [p for p in n1.status()["problems"] if "held" in p["text"]]
