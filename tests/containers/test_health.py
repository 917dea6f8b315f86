"""Readiness and liveness by a command: what it is inside its container, what
follows from its answers, and that neither a hostile one nor a dead engine
changes that.  The driver plays the engine, so liveness by tcp is what it says."""
import json
import os
import pathlib
import signal

from conftest import children_of, wait_for

WAIT, YES, NO = 0, 1, 2
NEVER = 8
# The application says by a file whether it is well: HUP makes the file, USR1 removes it.
SWITCH = "trap 'touch /tmp/well' HUP; trap 'rm /tmp/well' USR1; echo set; while :; do sleep 0.05; done"


def probe(script, **keys):
    return json.dumps({"exec": ["/bin/sh", "-c", script], "interval": "500ms", **keys})


def health(**probes):
    return "restart-timeout: 100ms\nkill-timeout: 100ms\nhealth: {%s}\n" % ", ".join(
        "%s: %s" % kv for kv in probes.items())


def app_of(up):
    return wait_for(lambda: children_of(up["pid"]))[0]


def asked(up, name):
    """How often, by what each leaves in a file of its container's."""
    p = pathlib.Path("/proc/%d/root/tmp" % up["pid"]) / name
    return len(p.read_text()) if p.exists() else 0


def test_a_readiness_follows_its_command(node):
    node.shell("a", SWITCH, extra=health(readiness=probe("cat /tmp/well", failures=1, successes=2)))
    # One that hangs, with a child, and more output than a pipe holds.
    hangs = probe("sleep 1000 & while :; do echo aaaaaaaaaaaaaaaaaaaaaaa; done", timeout="100ms", failures=1)
    node.shell("b", SWITCH, extra=health(readiness=hangs))
    # Well and unwell by turns: neither twice in a row.
    turns = "echo >>/tmp/%s; [ $(($(busybox wc -l </tmp/%s) %% 2)) = 1 ]"
    node.shell("c", SWITCH, extra=health(
        readiness=probe(turns % ("r", "r"), successes=2, failures=1),
        liveness=probe(turns % ("l", "l"), **{"failures": 2, "start-period": "0s"})))
    node.start()
    node.up("web.2", "b")
    third = node.up("web.3", "c")
    up = node.up("web.1", "a")
    assert up["well"] == WAIT and up["health"] == 3
    node.printed("web.1", "set")
    for sig, well in ((signal.SIGHUP, YES), (signal.SIGUSR1, NO), (signal.SIGHUP, YES)):
        assert node.ask("SIGNAL", instance="web.1", signal=int(sig))["code"] == 0
        e = node.event(kind="state", instance="web.1")
        assert (e["state"], e["well"], e["pid"], e["restarts"]) == ("running", well, up["pid"], 0)
    # What is left of the one that hangs: it was asked several times by now.
    probes = lambda: [*node.leaf("web.2.1").glob("exec.*")]
    wait_for(probes)
    wait_for(lambda: not probes())
    wait_for(lambda: all(asked(third, f) >= 5 for f in "rl"))
    node.ask("LIST")
    others = [e for e in node.events if e["kind"] == "state" and e["instance"] in ("web.2", "web.3")]
    assert {(e["well"], e["restarts"]) for e in others} == {(WAIT, 0)}
    # A new supervisor asks anew.
    node.kill()
    node.start()
    node.ask("LIST")
    if not [e for e in node.events if e.get("well") == YES]:
        node.event(kind="state", instance="web.1", well=YES, pid=up["pid"])


def test_what_is_not_alive_is_started_again(node):
    look = ("set -- $(busybox grep -hE 'CapEff|CapPrm|NoNewPrivs|Seccomp:' /proc/self/status); "
            "echo $(id -u) $* $(cat /proc/sys/kernel/hostname) $$; exit 3")
    node.shell("never", "sleep 1000", extra=health(liveness=probe(look, **{"failures": 2, "start-period": "0s"})))
    node.shell("hangs", "sleep 1000", extra=health(
        liveness=probe("sleep 1000", **{"failures": 1, "timeout": "100ms", "start-period": "0s"})))
    node.shell("switch", "touch /tmp/well; " + SWITCH, extra=health(
        liveness=probe("echo >>/tmp/asked; cat /tmp/well", **{"failures": 1, "start-period": "600ms"})))
    node.start()
    switch = node.up("web.3", "switch")
    node.printed("web.3", "set")
    node.run("web.2", "hangs")
    node.run("web.1", "never")
    e = node.event(kind="state", instance="web.2", state="stopping")
    assert e["text"] == "liveness failed 1 time in a row, ended: /bin/sh: took too long: killed"
    # It ran for longer than restart-timeout, and is a failure nevertheless.
    e = node.event(kind="state", instance="web.1", state="backoff")
    text = "liveness failed 2 times in a row, ended: /bin/sh: status 3: 1000 CapPrm: 0000000000000000 CapEff: " \
        "0000000000000000 NoNewPrivs: 1 Seccomp: 2 "
    assert e["text"].startswith(text) and e["retry_ms"] - e["since_ms"] >= 70
    assert node.event(kind="state", instance="web.1", state="running")["restarts"] == 1
    for name in ("web.1", "web.2"):
        node.ask("STOP", instance=name)
    # With an engine that does nothing; it was well, so it is started at once.
    engine = children_of(node.meshd.pid)
    engine = next(p for p in engine if "meshd-engine" in pathlib.Path("/proc/%d/cmdline" % p).read_text())
    wait_for(lambda: asked(switch, "asked") >= 2)
    os.kill(engine, signal.SIGSTOP)
    os.kill(app_of(switch), signal.SIGUSR1)
    wait_for(lambda: node.leaves() == ["web.3.2"])
    os.kill(engine, signal.SIGCONT)
    e = node.event(kind="state", instance="web.3", state="stopping")
    assert e["text"].endswith("cat: can't open '/tmp/well': No such file or directory")
    e = node.event(kind="state", instance="web.3")
    while e["state"] != "running":
        assert e["state"] != "backoff" or e["retry_ms"] - e["since_ms"] < 10
        e = node.event(kind="state", instance="web.3")
    assert e["restarts"] == 1


def test_the_engine_says_what_it_asked(node):
    node.shell("a", "sleep 1000", extra="restart-timeout: 100ms\nkill-timeout: 100ms\n"
               "health: {liveness: {http: {port: 80, path: /live}, failures: 4}}\n")
    node.shell("b", "sleep 1000")
    node.shell("c", "true", extra="health: {interval: 1s, readiness: {tcp: 80}}\n")
    node.shell("d", "true", extra="health: {exec: [/bin/true], interval: 100ms}\n")
    node.shell("e", "true", extra="health: {exec: ['true']}\n")
    node.start()
    up, other = node.up("web.1", "a"), node.up("web.2", "b")
    reply = node.ask("UNWELL", instance="web.2", pid=other["pid"])
    assert (reply["code"], reply["text"]) == (3, "web.2: has no liveness by tcp or http")
    assert node.ask("UNWELL", instance="web.9", pid=up["pid"])["code"] != 0
    # Of another run: it is over, and nothing follows.
    assert node.ask("UNWELL", instance="web.1", pid=other["pid"])["code"] == 0
    node.ask("LIST")
    assert [e["state"] for e in node.events if e.get("instance") == "web.1"][-1] == "running"
    assert node.ask("UNWELL", instance="web.1", pid=up["pid"], flags=NEVER)["code"] == 0
    e = node.event(kind="state", instance="web.1", state="backoff")
    assert e["text"] == "liveness failed 4 times in a row, ended: GET /live on port 80"
    e = node.event(kind="state", instance="web.1", state="running")
    assert e["restarts"] == 1 and e["pid"] != up["pid"] and e["text"] == ""
    for image, text in (("c", "health/interval: of which? Write it into readiness or liveness"),
                        ("d", "health/exec: with an interval of 100 ms; at least 500 ms are needed"),
                        ("e", "health/exec: the program's absolute path inside the image comes first")):
        assert node.run("web.5", image)["text"].endswith(text)


def test_one_sandbox_keeps_no_other_from_being_asked(node):
    """Probes that take as long as their image says, of more containers than may be asked at once."""
    node.sandbox("other", "default-user: 1000\nroles: [web]\n")
    long, at_once = {"timeout": "60s"}, {"start-period": "0s"}
    node.shell("a", "exec sleep 1000", extra=health(
        readiness=probe("exec sleep 1000", **long), liveness=probe("exec sleep 1000", **long, **at_once)))
    node.shell("b", "exec sleep 1000", extra=health(readiness=probe("true")))
    node.start()
    for i in range(24):
        node.up("web.%d" % i, "a")
    wait_for(lambda: len([*node.group().glob("@web/*/exec.*")]) >= 12)
    node.up("other.0", "b", sandbox="other")
    assert node.event(kind="state", instance="other.0")["well"] == YES


def test_other_probes_restart_nobody(node):
    """An edit of health: what runs is asked otherwise from then on, and begins as after a start."""
    def edited(**probes):
        node.shell("a", "exec sleep 1000", extra=health(**probes))
        node.event(kind="state", instance="web.1", hash=0)
        reply = node.run("web.1", "a")
        assert reply["code"] == 0, reply
        e = node.event(kind="state", instance="web.1")
        assert (e["state"], e["pid"], e["well"], e["restarts"]) == ("running", up["pid"], WAIT, 0), e
        return e
    # The first say no only when others ask already.
    slow, first = "until [ -e /tmp/go ]; do sleep 0.1; done; echo -n xx >>/tmp/slow; exit 1", {"timeout": "60s", "failures": 1}
    node.shell("a", "exec sleep 1000", extra=health(
        readiness=probe(slow, **first), liveness=probe(slow, **first, **{"start-period": "0s"})))
    node.start()
    up = node.up("web.1", "a")
    wait_for(lambda: len([*node.leaf("web.1.1").glob("exec.*")]) == 2)
    yes = probe("echo >>/tmp/yes", **{"failures": 1})
    edited(readiness=yes, liveness=probe("echo >>/tmp/live", **{"failures": 1, "start-period": "0s"}))
    e = node.event(kind="state", instance="web.1")
    assert (e["well"], e["pid"]) == (YES, up["pid"])
    pathlib.Path("/proc/%d/root/tmp/go" % up["pid"]).touch()
    wait_for(lambda: asked(up, "slow") == 4)
    then = asked(up, "yes"), asked(up, "live")
    wait_for(lambda: asked(up, "yes") > then[0] + 1 and asked(up, "live") > then[1] + 1)
    # None, another kind, which the engine asks, and back: each without a restart.
    assert edited(liveness=probe("true"))["health"] == 0
    assert edited(readiness="{tcp: 80}")["health"] == 1
    edited(readiness=probe("cat /tmp/none", failures=1), liveness=probe("cat /tmp/none", **{
        "failures": 1, "start-period": "0s"}))
    e = node.event(kind="state", instance="web.1", state="stopping")
    assert e["text"].startswith("liveness failed 1 time in a row, ended: /bin/sh: status 1: cat: ")
    assert e["pid"] == up["pid"]
