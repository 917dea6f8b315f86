"""What does not come up says on every node what, where, why, and what to do next."""
import contextlib
import json
import os
import re
import socket
import subprocess

import images
import service
from mesh import BUILD, ROOT, Missed, copy_tree, in_netns, run, wait_until, write

PORT = 7001
SHELL = "kind: Daemon\nuser-id: 1000\nexecutable: /bin/busybox\narguments: [sh, -c, {script}]\nkill-timeout: 1s\n{more}"
MAIN = """local roles = {{}}
for _, name in ipairs {{{names}}} do
  roles[#roles + 1] = mesh.role(name, {{
    image = name, sandbox = "app", process = "run", template = "one",
    ports = name == "port" and {{port = {port}}} or nil,
    place = mesh.place.every {{only = function(_, node) return node == "n1" end}},
  }})
end
return mesh.scheduler(roles)
"""
LOGS, MEND = "mesh logs {}.n1", "mend that on n1, it is tried again by itself"
# image: its container file (script and more keys, or all of it), what is said of it, what to do.
CASES = {
    "yaml": ("kind: Daemon\n\tuser-id: 1\n", "is failed: yaml/config/run.yaml:2:1: tab in indentation", MEND),
    "user": ("user-id: 77\nexecutable: /bin/sh\n",
             "is failed: user/config/run.yaml:1:10: user-id: 77 is not in allow-users of sandbox 'app' (", MEND),
    "none": (None, "is failed: none/config/run.yaml: No such file or directory", MEND),
    "program": ("user-id: 1000\nexecutable: /bin/gone\n", "exec /bin/gone: No such file or directory", MEND),
    "port": (("sleep 1000", f'variables: {{port: !TcpPort , address: !DottedName }}\ntcp-ports: {{"@{{port}}": {{fd: 3}}}}\n'),
             f"tcp-ports: cannot listen on port {PORT} of 0.0.0.0: Address already in use", MEND),
    "exits": (("exit 1", ""), "exited with status 1", LOGS),
    "ready": (("sleep 1000", "health: {tcp: 9}\n"), "is running: readiness: 10.77.0.1:9: connection refused", LOGS),
    "http": (("exec busybox httpd -f -p 8000 -h /tmp", "health: {http: {port: 8000, path: /x}}\n"),
             "is running: readiness: 10.77.0.1:8000/x: answered with status 404", LOGS),
    "asked": (("sleep 1000", "health: {exec: [/bin/busybox, 'false'], interval: 500ms}\n"),
              "is running: readiness: its command fails", LOGS),
}
# Out of memory once, and well ever after: its row shows nothing any more.
ONCE = ("test -e /data/f && exec sleep 1000; : >/data/f; x=aaaa; while :; do x=$x$x; done",
        "memory-limit: 8Mi\nvolumes: {/data: !Statedir }\n")


def install(w):
    for name, what in [(n, case[0]) for n, case in CASES.items()] + [("once", ONCE)]:
        root = images.empty(w.images, name)
        images.copy("/bin/busybox", root, "/bin/busybox")
        os.mkdir(os.path.join(root, "data"), 0o755)
        if isinstance(what, tuple):
            what = SHELL.format(script=json.dumps("PATH=/bin; alias busybox=/bin/busybox; " + what[0]), more=what[1])
        if what:
            write(os.path.join(root, "config/run.yaml"), what)
        for tool in ("sh", "sleep"):
            os.symlink("busybox", os.path.join(root, "bin", tool))
    for node in w.nodes:
        copy_tree(os.path.join(ROOT, "templates"), os.path.join(node.etc, "templates"))
        write(os.path.join(node.etc, "templates/one/render.yaml"), "processes: processes.yaml.tmpl\n")
        write(os.path.join(node.etc, "lithos-configs/sandboxes/app.yaml"),
              f"roles: [{', '.join(CASES)}, once]\nallow-users: [1000]\nallow-tcp-ports: [{PORT}, 8000]\n")


def all_said(node, cases):
    said = {p["text"].split(" on n1 ")[0]: (p["text"], p["hint"]) for p in node.status()["problems"]}
    rows = {r["instance"]: r for r in node.ps()}
    for name, (_, want, hint) in cases.items():
        instance = f"{name}.n1"
        text, do = said.get(instance, ("", ""))
        if want not in text or text.count(instance) != 1 or not do.startswith(hint.format(name)):
            raise Missed(f"{name}: {text}\n{do}")
        if not rows[instance]["error"] or rows[instance]["error"] not in text:
            raise Missed(str(rows[instance]))
    return True


def events(node, kind):
    """Instance: what was told of it, the oldest first."""
    told = {}
    for e in node.events():
        if e["kind"] == kind:
            told.setdefault(e["subject"], []).append(e["text"])
    return told


def log_says_why(node, name, want):
    """What never wrote a line is no empty answer, unless it runs."""
    p = node.mesh("logs", f"{name}.n1")
    if want is None:
        assert (p.returncode, p.stdout, p.stderr) == (0, "", ""), p
        return True
    first = p.stderr.partition("\n")[0]
    if p.returncode != 1 or p.stdout or not re.match(
            rf"mesh: (logs: |{name}.n1 should run on n1: )?(no log of {name}.n1|{name}.n1 has written nothing|it has no log of it)", first) or want not in first:
        raise Missed(str(p))
    return True


def logs_say_why(nodes, cases):
    """Whoever asks."""
    for node in nodes:
        for name, (_, want, _) in cases.items():
            runs = want.startswith("is running: ")
            wait_until("its log says why", lambda node=node, name=name, want=None if runs else want.removeprefix("is failed: "):
                       log_says_why(node, name, want), 20)
        p = node.mesh("logs", "port.n7")
        assert p.returncode == 1 and "no log of a role or an instance port.n7: 2 of 2 nodes answered" in p.stderr, p
        wait_until("who follows is told, and waits on", lambda node=node: follower_is_told(node))


def follower_is_told(node):
    p = subprocess.run(["timeout", "2", os.path.join(BUILD, "mesh"), "--socket", node.socket, "logs", "-f", "exits.n1"],
                       capture_output=True, text=True, check=False)
    if p.returncode != 124 or "exits.n1 has written nothing yet: it is " not in p.stderr:  # it runs for a moment now and then
        raise Missed(str(p))
    return True


def small_disk(node):
    os.makedirs(node.state, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", "size=24M", "none", node.state)


def disk_is_told(asked, leader):
    """By the leader, whose disk it is, and by who asks it."""
    said = {p["text"]: p["hint"] for p in asked.status()["problems"]}
    hint = said.get(f"scheduler: on {leader.name}: write the state database: No space left on device", "")
    if not hint.startswith(f"make room on {leader.name}; "):
        raise Missed(str(said))
    return True


def test_each_says_why():
    with service.hosts("down", 2, webs=0, before=small_disk) as w:
        n1, n2 = w.nodes
        install(w)
        holder = in_netns(n1.netns, lambda: socket.create_server(("0.0.0.0", PORT)))
        service.set_script(w.nodes, MAIN.format(port=PORT, names=", ".join(f'"{n}"' for n in [*CASES, "once"])))
        cases = {name: case for name, case in CASES.items() if name != "yaml"}
        wait_until("it is said", lambda: all_said(n2, {"yaml": CASES["yaml"]}), 30)
        # Mended, it comes up by itself.
        write(os.path.join(w.images, "yaml/config/run.yaml"), SHELL.format(script='"exec sleep 1000"', more=""))
        for node in (n2, n1):
            wait_until("all is said", lambda node=node: all_said(node, cases), 40)
        logs_say_why(w.nodes, cases)
        holder.close()
        wait_until("it runs", lambda: "yaml.n1" in n1.running(), 20)
        died = events(n1, "died")
        assert died["once.n1"] == ["killed for memory: its limit is 8388608 bytes"], died
        assert not [p for p in n1.status()["problems"] if p["text"].startswith("once")] and "once.n1" in n1.running()
        assert died["exits.n1"][0] == "exited with status 1" and "yaml.n1" not in died, died
        assert events(n1, "failed")["yaml.n1"] == ["yaml/config/run.yaml:2:1: tab in indentation"]
        # What the engine may not see.
        boxes = os.path.join(n2.etc, "lithos-configs/sandboxes")
        os.chmod(boxes, 0o700)
        wait_until("it is told", lambda: [p["hint"] for p in n2.status()["problems"]
                                          if p["text"].startswith(f"{boxes} can't be listed by ")] == [
            "chmod o+rx that directory, and those above it"], 20)
        os.chmod(boxes, 0o755)
        # No room for another schedule.
        leader = next(n for n in w.nodes if n.name == n1.leader())
        with open(os.path.join(leader.state, "filler"), "wb", buffering=0) as filler:
            with contextlib.suppress(OSError):
                while True:
                    filler.write(bytes(1 << 16))
        service.set_script(w.nodes, MAIN.format(port=PORT, names='"yaml"'))
        for node in w.nodes:
            wait_until("it is told", lambda node=node: disk_is_told(node, leader), 20)
        assert "yaml.n1" in n1.running()
