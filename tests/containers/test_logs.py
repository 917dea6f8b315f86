"""What an instance printed: in as many files as its file says, all of it bounded, and a day longer than the instance."""
import os
import re
import signal
import time

from conftest import children_of, wait_for
from test_life import alive

NAMES = ["web.1.log", "web.1.log.1", "web.1.log.2", "web.1.log.3"]


def logs(node):
    """{name: numbers that were printed into it}."""
    return {p.name: [int(n) for n in re.findall(r" stdout N(\d+)$", p.read_text(), re.M)]
            for p in sorted((node.top / "log").glob("web.1.*"))}


def printed(node, count, last):
    """count files hold what was said last, in turn, the limit kept."""
    wait_for(lambda: any("N%d\n" % last in p.read_text() for p in (node.top / "log").iterdir()))
    said = logs(node)
    assert sorted(said) == NAMES[:count]
    for name in said:
        assert (node.top / "log" / name).stat().st_size <= 65536 // count
    numbers = sorted(n for lines in said.values() for n in lines)
    assert numbers == list(range(numbers[0], numbers[-1] + 1)) and numbers[0] > 1
    # All but one were full: none was emptied too early.
    assert len(numbers) > 65536 / 40 * (count - 1) / count, len(numbers)


def prints(node, first, last, extra):
    node.shell("a", "for i in $(seq %d %d); do echo N$i; done; echo END; ls /proc/self/fd; exec sleep 1000" % (first, last),
               extra="log: {size: 65536%s}\nkill-timeout: 100ms\n" % extra)
    return node.up("web.1", "a")


def gone(node):
    assert node.ask("STOP", instance="web.1")["code"] == 0
    node.event(kind="state", instance="web.1", state="gone")


def test_files_take_turns(node):
    """Four of them; one that starts again goes on in the one that was written last; two are two again."""
    node.start()
    prints(node, 1, 5000, ", count: 4")
    printed(node, 4, 5000)
    wait_for(lambda: any("stdout 3\n" in p.read_text() for p in (node.top / "log").iterdir()))
    fds = [line.split()[-1] for p in (node.top / "log").iterdir() for line in p.read_text().splitlines()
           if re.search(r"stdout \d+$", line)]
    assert sorted(fds) == ["0", "1", "2", "3"]  # 3: of ls itself
    gone(node)
    # The last and the first were written in one tick of the clock, which is coarse; so the first was the last.
    (node.top / "log" / NAMES[0]).write_text("x\n")
    for i, name in enumerate(NAMES):
        os.utime(node.top / "log" / name, ns=(10**18, 10**18 + (i in (0, 3))))
    prints(node, 5001, 5010, ", count: 4")
    wait_for(lambda: 5010 in logs(node)[NAMES[0]])
    gone(node)
    prints(node, 6001, 11000, "")
    printed(node, 2, 11000)


def test_exclusive_with_more_files(node):
    """Its pid 1 has both: the file that says until when, and more logs."""
    node.shell("a", "echo UP; exec sleep 1000", extra="log: {count: 8}\nkill-timeout: 100ms\n")
    node.start()
    now_ms = lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000000
    deadline = now_ms() + 4000
    up = node.up("web.1", "a", policy=2, deadline=deadline)
    node.printed("web.1", "UP")
    node.kill()
    wait_for(lambda: now_ms() >= deadline)
    assert not alive(up["pid"])
    node.start()


def test_signals_go_on(node):
    """QUIT and WINCH too, which many servers take for "end gracefully"."""
    node.shell("a", "trap 'echo GOT QUIT' QUIT; trap 'echo GOT WINCH' WINCH; echo UP; while :; do sleep 0.1; done")
    node.start()
    up = node.up("web.1", "a")
    node.printed("web.1", "UP")
    for name in ("QUIT", "WINCH"):
        os.kill(up["pid"], getattr(signal, "SIG" + name))
        node.printed("web.1", "GOT " + name)
    assert children_of(up["pid"])


def test_a_day_longer(node):
    """What is gone can be asked why for a day, then its files go; nobody else's do."""
    node.start()
    prints(node, 1, 3000, "")
    printed(node, 2, 3000)
    top = node.top / "log"
    for name in ("web.1.log.old", "mine.txt", "web.1.log.9", ".log"):
        (top / name).write_text("x")
    node.shell("b", "echo UP; exec sleep 1000")
    node.up("web.2", "b")
    node.printed("web.2", "UP")

    def later(hours):
        for p in top.iterdir():
            old = p.stat().st_mtime - hours * 3600
            os.utime(p, (old, old))
    later(48)
    gone(node)
    node.kill()
    node.start()
    wait_for(lambda: node.ask("LIST"))
    assert {"web.1.log", "web.1.log.1"} <= set(os.listdir(top))
    later(25)
    node.kill()
    node.start()
    # One name goes after the other.
    wait_for(lambda: not {"web.1.log", "web.1.log.1"} & set(os.listdir(top)))
    assert sorted(os.listdir(top)) == [".log", "mine.txt", "web.1.log.9", "web.1.log.old", "web.2.log", "web.2.log.1"]
