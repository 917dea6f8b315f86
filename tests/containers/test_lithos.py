"""A lithos directory as it may lie on a host: it loads, means the same, and what does not is told by name."""
import pathlib

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
