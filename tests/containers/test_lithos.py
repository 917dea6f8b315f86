"""A lithos directory as it may lie on a host: it loads, means the same, and what does not is told by name."""
import pathlib
import subprocess

from conftest import children_of

MASTER = """\
sandboxes_dir: ./sandboxes
processes-dir: ./processes
runtime-dir: /run/lithos
state-dir: state
mount-dir: mnt
devfs-dir: /var/lib/lithos/dev
cgroup-name: lithos.slice
cgroup-controllers: [name, cpu, cpuacct, memory, blkio]
default-log-dir: /var/log/lithos
config-log-dir: null
stdio-log-dir: /var/log/lithos/stderr
log-file: master.log
log-level: warn
syslog-facility: daemon
syslog-app-name: lithos
"""
SANDBOX = """\
config-file: web.yaml
image-dir-levels: 2
allow-users: [0, 1-2000]
allow_groups: [0-2000]
default-user: 1000
log-file: web.log
log-level: debug
used-images-list: used.txt
auto-clean: true
"""
CONTAINER = """\
kind: Daemon
user-id: 7
executable: /bin/sh
arguments: [-c, "echo me $$ @{lithos:pid} @{lithos:name}; id; busybox tr '\\\\0' '\\\\n' </proc/$$/environ; exec sleep 1000"]
environ: {dotted.name: 'yes', TERM: vt100}
memory-limit: 100k
cpu_shares: 1
restart-timeout: 0
kill-timeout: 300
restart-process-only: true
interactive: false
stdout-stderr-file: /tmp/out
uid-map: [{inside: 0, outside: 300000, count: 100}]
gid-map: [{inside: 0, outside: 300000, count: 50}]
volumes:
  /tmp: !Tmpfs { size: 0x100000, mode: 0o1777 }
"""


def test_a_lithos_directory(node):
    (node.top / "etc/lithos-configs/master.yaml").write_text(MASTER)
    (node.top / "etc/lithos-configs/master.yaml").chmod(0o644)
    node.sandbox("web", SANDBOX)
    node.image("Deploy/App-X.1b", run=CONTAINER)
    node.start()
    up = node.up("web.0", "Deploy/App-X.1b")
    text = node.printed("web.0", "LITHOS_CONFIG")
    assert text.startswith("me 2 2 web/web.0\n"), text
    assert "uid=7 gid=0" in text, text
    env = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    assert env["dotted.name"] == "yes" and env["TERM"] == "vt100" and env["LITHOS_NAME"] == "web/web.0", env
    assert env["LITHOS_CONFIG"] == "/config/run.yaml"
    # Its own maps, on ids that are the sandbox's alone, whatever it asked for.
    inside, outside, count = pathlib.Path("/proc/%d/uid_map" % up["pid"]).read_text().split()
    assert (inside, count) == ("0", "100") and int(outside) >= 700000000
    assert pathlib.Path("/proc/%d/gid_map" % up["pid"]).read_text().split()[2] == "50"
    app = children_of(up["pid"])[0]
    assert pathlib.Path("/proc/%d" % app).stat().st_uid == int(outside) + 7
    told = (node.top / "stderr").read_text()
    for key in ("processes-dir", "runtime-dir", "state-dir", "mount-dir", "devfs-dir", "cgroup-name",
                "cgroup-controllers", "default-log-dir", "config-log-dir", "stdio-log-dir", "log-file", "log-level",
                "syslog-facility", "syslog-app-name", "config-file", "used-images-list", "auto-clean", "memory-limit",
                "cpu-shares", "restart-timeout", "restart-process-only", "stdout-stderr-file", "uid-map"):
        assert ": %s: accepted; " % key in told, key
    assert "interactive" not in told and "kill-timeout" not in told
    # Told once: a file that did not change is not read again.
    before = told.count("web.yaml:1:14: config-file: accepted")
    node.up("web.1", "Deploy/App-X.1b")
    assert (node.top / "stderr").read_text().count("web.yaml:1:14: config-file: accepted") == before == 1


PROCESSES = """\
web: {image: Deploy/App-X.1b, config: /config/run.yaml, instances: 2}
once: {kind: Command, image: Deploy/App-X.1b, config: /config/run.yaml}
gone: {image: Deploy/App-X.2, config: /config/run.yaml}
open: {image: Deploy/Open, config: /config/run.yaml}
linked: {image: Deploy/App-X.1b, config: /config/linked.yaml}
flat: {image: App, config: /config/run.yaml}
asked: {image: Deploy/App-X.1b, config: /config/asked.yaml, variables: {port: 80, other: x}}
"""


def test_check_is_the_same_judge(node):
    """What `meshd --check` says of an image is what a START would be told."""
    node.sandbox("web", SANDBOX)
    image = node.image("Deploy/App-X.1b", run=CONTAINER, also=CONTAINER,
                       asked="executable: /bin/sh\nuser-id: 3000\nvariables: {port: !TcpPort }\n")
    (image / "config/also.yaml").chmod(0o600)
    (image / "config/linked.yaml").hardlink_to(image / "config/also.yaml")
    node.image("Deploy/Open", run=CONTAINER).chmod(0o777)
    processes = node.top / "etc/lithos-configs/processes"
    processes.mkdir()
    (processes / "web.yaml").write_text(PROCESSES)
    (processes / "web.yaml").chmod(0o644)
    (node.top / "etc/mesh.yaml").write_text("images-dir: %s\n" % node.images)
    (node.top / "etc/mesh.yaml").chmod(0o644)
    check = [node.programs / "meshd", "--check", node.top / "etc"]
    p = subprocess.run(check, capture_output=True, text=True, timeout=20)
    assert p.returncode == 1 and not p.stderr, p
    errors = [line for line in p.stdout.splitlines() if line.startswith("error: ")]
    at = "error: %s/web.yaml:" % processes
    node.start()
    started = {}
    for name, image_name, config in (("open", "Deploy/Open", "run"), ("flat", "App", "run"),
                                     ("linked", "Deploy/App-X.1b", "linked"), ("asked", "Deploy/App-X.1b", "asked")):
        given = {"port": "80", "other": "x"} if name == "asked" else {}
        reply = node.run(name + ".0", image_name, config="/config/%s.yaml" % config, vars=given)
        assert reply["code"] == 3
        started[name] = reply["text"].split(": ", 1)[1]
    once = node.run("once.0", "Deploy/App-X.1b", op="RUN")["text"].split(": ", 1)[1]
    want = [at + "2:7: once: " + once, at + "4:7: open: " + started["open"], at + "5:9: linked: " + started["linked"],
            at + "6:7: flat: " + started["flat"], at + "7:8: asked: " + started["asked"]]
    assert errors == want, p.stdout
    assert "note: %s/web.yaml:3:7: gone: image Deploy/App-X.2 is not here (%s)" % (processes, node.images) in p.stdout
    # A file that is not root's is told as at a start; in a directory of somebody else nobody's are.
    (node.sandboxes / "web.yaml").chmod(0o666)
    p = subprocess.run(check, capture_output=True, text=True, timeout=20)
    assert "error: %s: refusing: mode 0666" % (node.sandboxes / "web.yaml") in p.stdout
