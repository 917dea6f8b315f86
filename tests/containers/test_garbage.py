"""Whatever stands in the records and in the notes of what runs: meshd starts, says
what it can't use, and goes on; bits turned, ends cut off, absurd numbers behind a
checksum that is right, names of nobody."""
import contextlib
import os
import pathlib
import random

import pytest
from conftest import wait_for

INSTANCES = ("web.0", "web.1", "web.2")
ODD = (b"\xff" * 8, b"\0" * 8, b"9" * 25, b"-9223372036854775808 ", b"\0" * 7 + b"\x80", b"\xff" * 4)


def summed(data):
    """A record whose length and checksum are right: what is in it counts."""
    body, h = data[20:], 0xcbf29ce484222325
    if data[:4] != b"MSUP":
        return data
    for b in body:
        h = (h ^ b) * 0x100000001b3 & (1 << 64) - 1
    return data[:8] + len(body).to_bytes(4, "little") + h.to_bytes(8, "little") + body


def spoil(rng, data):
    data, at = bytearray(data), rng.randrange(len(data) + 1)
    how = rng.randrange(6)
    if how == 0:
        for _ in range(rng.randrange(1, 8)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif how == 1:
        del data[at:]
    elif how == 2:
        data = data * 2
    elif how == 3:
        odd = rng.choice(ODD)
        data[at:at + len(odd)] = odd
    elif how == 4:
        data = bytes(rng.randrange(256) for _ in range(rng.randrange(300)))
    else:
        data = b"%d " % rng.choice([-1, 0, 1 << 31, 1 << 32, (1 << 63) - 1, 1 << 64, 3, 4, 5]) + data
    return summed(bytes(data)) if rng.random() < 0.7 else bytes(data)


def left(node):
    """What runs in groups of containers."""
    found = ""
    for top, _, names in os.walk(node.group()):  # which may lose some meanwhile
        if "cgroup.procs" in names and "/web." in top:
            with contextlib.suppress(OSError):
                found += (pathlib.Path(top) / "cgroup.procs").read_text()
    return found


@pytest.mark.parametrize("seed", range(12))
def test_starts_with_whatever_is_there(node, seed):
    rng = random.Random(seed)
    node.shell("a", "exec sleep 1000", extra="restart-timeout: 1s\nhealth: {exec: [/bin/true], interval: 1s}\n"
               "kill-timeout: 100ms\nvolumes: {/data: !Tmpfs {size: 1Mi}}\n")
    node.start()
    pids = {name: node.up(name, "a")["pid"] for name in INSTANCES}
    node.kill()
    files = sorted(p for d in ("state", "run") for p in (node.top / d / "supervisor").rglob("*")
                   if p.is_file() and p.stat().st_size and p.name != ".ranges")  # with that nothing starts till it is mended
    rest = set(INSTANCES)
    for p in files:
        if rng.random() < 0.5:
            p.write_bytes(spoil(rng, p.read_bytes()))
            rest -= {name for name in INSTANCES if p.name.startswith(name) or p.name.startswith(".")}
    odd = node.top / "state/supervisor/odd"
    rng.choice([lambda: os.mkfifo(odd), odd.mkdir, lambda: os.symlink("/etc/passwd", odd), lambda: None])()
    node.start()
    node.ask("LIST")
    for name in rest:  # nobody else's fault
        assert pathlib.Path("/proc/%d" % pids[name]).exists(), name
        assert any(e["instance"] == name and e["state"] == "running" for e in node.events if e["kind"] == "state")
    for name in INSTANCES:  # and all of it can be had again, and ends
        assert node.run(name, "a")["code"] == 0
    for name in INSTANCES:
        node.ask("STOP", instance=name)
    wait_for(lambda: not left(node), 20)
    assert node.meshd.poll() is None
    # A note that named another group left its own, empty: that goes at the next start.
    node.kill()
    node.start()
    wait_for(lambda: node.leaves() == [])
