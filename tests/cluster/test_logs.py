"""mesh logs ROLE: what all instances of a role wrote, on every node, from any node."""
import concurrent.futures
import json
import os
import re
import select
import signal
import subprocess
import threading

import images
import service
from mesh import BUILD, Missed, ROOT, copy_tree, read, wait_until, write

# What a program may say: bytes for a terminal, a stamp of its own, one long line; and a flood, when told to.
SAYS = r"""trap 'yes a line of words | head -c 3000000; echo after the flood' USR1; trap 'echo poked' USR2
printf '\033[2J\r\n'; echo '2001-01-01T00:00:00.000Z stdout forged'; printf %09000d 7; echo
for i in 1 2 3 4 5 6 7 8 9; do echo n$i; sleep 0.01; done; echo up >&2; while :; do sleep 0.05; done"""
TALK = f"""kind: Daemon
user-id: 1000
group-id: 1000
executable: /bin/busybox
arguments: [sh, -c, {json.dumps(SAYS)}]
kill-timeout: 100ms
"""
MAIN = """local talk = mesh.role("talk", {version = "v1", image = "talk-v1", count = %d})
return mesh.scheduler {talk}
"""
LINE = re.compile(r"(talk\.\d+)@(n\d) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (stdout|stderr) (.*)")


def install(w):
    root = images.empty(w.images, "talk-v1")
    images.copy("/bin/busybox", root, "/bin/busybox")
    write(os.path.join(root, "config/talk.yaml"), TALK)
    images.into_file(root)
    for node in w.nodes:
        templates = os.path.join(node.etc, "templates")
        copy_tree(os.path.join(ROOT, "templates"), templates)
        write(os.path.join(templates, "talk/render.yaml"), "processes: processes.yaml.tmpl\n")
        write(os.path.join(node.etc, "lithos-configs/sandboxes/talk.yaml"),
              service.SANDBOX.format(role="talk", images=w.images))


def split(text):
    """[(instance, node, stamp, stream, words)]; every line is whole, and says whose it is."""
    return [LINE.fullmatch(line).groups() for line in text.splitlines()]


def logs(node, *words):
    p = node.mesh("logs", "talk", *words)
    return p.returncode, split(p.stdout), p.stderr


def talks(node, count):
    """So many instances are up, by what they say."""
    code, lines, _ = logs(node, "-n", "10000")
    up = {i for i, _, _, stream, words in lines if (stream, words) == ("stderr", "up")}
    if code != 0 or up != {f"talk.{i}" for i in range(1, count + 1)}:
        raise Missed(f"{node.name}: {code}, {sorted(up)}")
    return lines


class Follower:
    """mesh logs talk -f, and what it has said so far; nobody reads before reads()."""

    def __init__(self, node, *words, reads=True, of="talk"):
        self.out, self.err = [], []
        self.p = subprocess.Popen([os.path.join(BUILD, "mesh"), "--socket", node.socket, "logs", of, "-f", *words],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if reads:
            self.reads()

    def reads(self):
        for pipe, into in ((self.p.stdout, self.out), (self.p.stderr, self.err)):
            threading.Thread(target=lambda pipe=pipe, into=into: into.extend(pipe), daemon=True).start()

    def says(self, instance, words):
        return any(i == instance and w == words for i, _, _, _, w in split("".join(self.out)))

    def ends(self):
        self.p.send_signal(signal.SIGINT)
        assert self.p.wait(10) == -signal.SIGINT
        return split("".join(self.out))


def none_yet(w):
    """A role without instances is a role."""
    p = w.nodes[0].mesh("ps", "talk")
    assert (p.returncode, p.stdout, p.stderr.splitlines()[0]) == (1, "", "mesh: ps: no role 'talk' is known")
    service.set_script(w.nodes, MAIN % 0)

    def known(node):
        p = node.mesh("ps", "talk")
        if p.returncode != 0:
            raise Missed(p.stderr)
        return p.stdout.split()
    for node in w.nodes:
        header = wait_until("the role is known", lambda node=node: known(node), 40)[0]
        assert header[0] == "INSTANCE" and header[-1] == "AGE"
    p = w.nodes[1].mesh("ps", "tlk")
    assert (p.returncode, p.stdout) == (1, "") and "no role 'tlk' is known; did you mean 'talk'?" in p.stderr


def merged(w):
    """The same from every node: all lines, in the order of their stamps, whatever a program says."""
    lines = wait_until("they talk", lambda: talks(w.nodes[0], 6), 60)[0]
    stamps = [stamp for _, _, stamp, _, _ in lines]
    assert stamps == sorted(stamps) and not stamps[0].startswith("2001")
    assert {n for _, n, _, _, _ in lines} == {"n1", "n2", "n3"}
    for i in range(1, 7):
        said = [words for name, _, _, _, words in lines if name == f"talk.{i}"]
        assert said[:2] == ["\\x1b[2J\\x0d", "2001-01-01T00:00:00.000Z stdout forged"]
        assert "".join(said[2:5]) == "7".zfill(9000) and said[5:] == [f"n{k}" for k in range(1, 10)] + ["up"]
    for node in w.nodes:
        assert sorted(logs(node, "-n", "1000")[1]) == sorted(lines)
        assert logs(node, "-n", "5")[1] == lines[-5:] and logs(node, "-n", "0") == (0, [], "")
        assert logs(node, "--since", stamps[-1][:19])[1] == [x for x in lines if x[2] >= stamps[-1][:19]]
        rows = [json.loads(row) for row in node.mesh("logs", "talk", "-n5", "--json").stdout.splitlines()]
        assert rows.pop() == {"asked": 3, "answered": 3, "logs": 3}
        assert {tuple(sorted(r)) for r in rows} == {("instance", "node", "text")}
    # One instance has no name before its lines; one that nobody knows is looked for everywhere.
    one = w.nodes[1].mesh("logs", "talk.1", "-n", "1")
    assert one.stdout == " ".join([x for x in lines if x[0] == "talk.1"][-1][2:]) + "\n"
    p = w.nodes[1].mesh("logs", "talk.77")
    assert (p.returncode, p.stdout) == (1, "")
    assert "no log of a role or an instance talk.77: 3 of 3 nodes answered; did you mean talk.1?" in p.stderr, p.stderr
    p = w.nodes[1].mesh("logs", "tlk")
    assert p.returncode == 1 and "no log of a role or an instance tlk: 3 of 3 nodes answered; did you mean talk?" in p.stderr


def followed(w):
    """With what comes later, on whatever node; and what is gone is read still."""
    n1, _, n3 = w.nodes
    f, none = Follower(n1, "-n", "3"), Follower(n3, "-n", "0")
    wait_until("the last three", lambda: len(f.out) == 3)
    service.set_script(w.nodes, MAIN % 8)
    for one in (f, none):
        wait_until("new ones", lambda one=one: one.says("talk.7", "up") and one.says("talk.8", "up"), 40)
    service.set_script(w.nodes, MAIN % 6)
    wait_until("they are gone", lambda: len(n1.ps("talk")) == 6, 40)
    assert [x[4] for x in none.ends() if x[0] == "talk.8"] == [x[4] for x in f.ends() if x[0] == "talk.8"]
    talks(n1, 8)
    for node in w.nodes:
        assert " stderr up\n" in node.mesh("logs", "talk.8", "-n", "1").stdout
    return n1


def flooded(w):
    """Who does not read holds up nobody and costs nothing; what is left out is told."""
    n1, n2, _ = w.nodes
    f = Follower(n1, reads=False)
    wait_until("it follows", lambda: select.select([f.p.stdout], [], [], 0)[0])
    engine, (instance, pid) = n1.pids("meshd-engine")[0], next(iter(n2.running("talk").items()))
    before = rss(engine)
    os.kill(pid, signal.SIGUSR1)
    wait_until("the flood is over", lambda: n2.mesh(
        "logs", instance, "-n", "1").stdout.endswith(" after the flood\n"), 60)
    assert n1.status()["health"] in (0, 1)
    assert rss(engine) - before < 24 << 10
    f.reads()
    wait_until("it is told", lambda: f.says(instance, "after the flood"), 30)
    assert f"mesh: logs: {n2.name}: lines are missing: more was written than is read at once (256 KiB) or than its logs keep\n" in f.err
    assert len(f.ends()) < 100000


def flooded_alone(w):
    """Of one instance all lines come, or it is said which are missing; from its own node and from another."""
    n1, n2, _ = w.nodes
    instance, pid = next(iter(n2.running("talk").items()))
    followers = [Follower(node, "-n", "0", of=instance) for node in (n1, n2)]

    def hears(f):
        os.kill(pid, signal.SIGUSR2)
        return any(line.endswith(" poked\n") for line in f.out)
    for f in followers:
        wait_until("it follows", lambda f=f: hears(f))
    os.kill(pid, signal.SIGUSR1)
    for f in followers:
        wait_until("its end", lambda f=f: any(line.endswith(" after the flood\n") for line in f.out[-20:]), 60)
        f.p.kill()
        f.p.wait()
        words = [line.split(" ", 2)[2] for line in f.out]
        assert set(words) == {"poked\n", "a line of words\n", "after the flood\n"}
        missing = [e for e in f.err if f"lines of {instance} are missing, from 2" in e]
        assert (words.count("a line of words\n") == 3000000 // 16) != bool(missing), (len(words), f.err)


def rss(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", read(f"/proc/{pid}/status")).group(1))


def cut_off(w):
    """Who can't be reached is named, the others are shown; followed, it is there again."""
    n1, n2, n3 = w.nodes
    f = Follower(n1, "-n", "0")
    w.cut([n3])
    named = "mesh: logs: n3: "
    with concurrent.futures.ThreadPoolExecutor() as both:
        said = list(both.map(lambda node: logs(node, "-n", "10000"), (n1, n3)))
    for (code, lines, err), there, away in zip(said, ({"n1", "n2"}, {"n3"}), ({"n3"}, {"n1", "n2"})):
        assert code == 1 and {n for _, n, _, _, _ in lines} == there
        assert set(re.findall(r"^mesh: logs: (n\d): .*: what its instances wrote is missing here$", err, re.M)) == away
    wait_until("it is named", lambda: any(named in e and "is missing here" in e for e in f.err), 30)
    # What it says meanwhile is not lost.
    instance, pid = next(iter(n3.running("talk").items()))
    os.kill(pid, signal.SIGUSR2)
    w.mend([n3])
    wait_until("it is back", lambda: any(named + "answers again" in e for e in f.err), 60)
    wait_until("it is heard", lambda: f.says(instance, "poked"), 30)
    f.ends()


def test_logs_of_a_role():
    with service.hosts("logs", 3, webs=0) as w:
        n1 = w.nodes[0]
        install(w)
        p = n1.mesh("logs", "talk")
        assert p.returncode == 1 and "no log of a role or an instance talk: 3 of 3 nodes answered" in p.stderr
        wait_until("all have it", lambda: all("talk-v1" in f["images"] and "talk" in f["sandboxes"]
                                              for n in w.nodes for f in n.ask("facts")), 40)
        none_yet(w)
        service.set_script(w.nodes, MAIN % 6)
        merged(w)
        followed(w)
        cut_off(w)
        flooded(w)
        flooded_alone(w)
