"""exporter - what we call host figures, beside Debian's prometheus-node-exporter.

Scrapes it on loopback, before and after our collectors ran once, and compares what both
have: names, labels, types; values, which for a counter must lie between the two scrapes,
for a gauge near them.  What it has by default and we do not is told, not failed.  Not
part of the tests: it needs that package.

usage: exporter.py DUMP       exit 1: something that both have differs
"""
import re
import shutil
import subprocess
import sys
import time
import urllib.request

PORT = 19108
# Figures of a moment: they move between two looks, by anything.
MOVING = re.compile(r"node_(load|procs_|entropy|filefd_alloc|sockstat|disk_io_now|time_seconds|memory_|filesystem_(avail|free|files_free)"
                    r"|netstat_Tcp_CurrEstab)")
# Read from another place than we do, or not the host's.
OTHER = re.compile(r"node_(exporter|scrape|textfile)_|(go|process|promhttp)_")
# Its authors' own exclusions: Debian's are others.  And names of network namespaces.
UPSTREAM = r"^/(dev|proc|run/credentials/.+|sys|run/netns|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)"
LINE = re.compile(r'^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$')


def without_empty(labels):
    """An empty label is none, and the order of others says nothing."""
    pairs = [p for p in re.findall(r'\w+="(?:[^"\\]|\\.)*"', labels) if not p.endswith('=""')]
    return "{" + ",".join(sorted(pairs)) + "}" if pairs else ""


def parse(text):
    types, values = {}, {}
    for row in text.splitlines():
        if row.startswith("# TYPE "):
            _, _, name, kind = row.split()
            types[name] = kind
        elif row and row[0] != "#":
            m = LINE.match(row)
            values[m[1], without_empty(m[2] or "")] = float(m[3])
    return types, values


def scrape():
    return parse(urllib.request.urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=30).read().decode())


def judge(key, mine, before, after, kind):
    """What is wrong with a value, or None."""
    low, high = min(before, after), max(before, after)
    if MOVING.match(key[0]):
        span = max(abs(low), abs(high)) * 0.5 + 64e6 * ("memory" in key[0] or "filesystem" in key[0]) + 300
        low, high = low - span, high + span
    elif kind in ("counter", "untyped"):
        low, high = low * (1 - 1e-9) - 0.02, high * (1 + 1e-9) + 0.02
    return None if low <= mine <= high else f"{mine:.17g} is not in {low:.17g} to {high:.17g}"


def main():
    name = shutil.which("prometheus-node-exporter")
    if name is None:
        print("exporter: apt-get install prometheus-node-exporter", file=sys.stderr)
        return 5
    p = subprocess.Popen([name, f"--web.listen-address=127.0.0.1:{PORT}", "--log.level=error",
                          f"--collector.filesystem.mount-points-exclude={UPSTREAM}"], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                before = scrape()
                break
            except OSError:
                time.sleep(0.1)
        mine = parse(subprocess.run([sys.argv[1], "64"], stdout=subprocess.PIPE, text=True, check=True).stdout)
        after = scrape()
    finally:
        p.kill()
        p.wait()
    bad, same = [], 0
    for name_, kind in sorted(mine[0].items()):
        if name_ in before[0] and before[0][name_] != kind:
            bad.append(f"{name_}: type {kind}, theirs is {before[0][name_]}")
    for key, value in sorted(mine[1].items()):
        if key in before[1] and key in after[1]:
            wrong = judge(key, value, before[1][key], after[1][key], mine[0][key[0]])
            same += wrong is None
            if wrong:
                bad.append(f"{key[0]}{key[1]}: {wrong}")
        elif key[0] in before[0] and not OTHER.match(key[0]):
            bad.append(f"{key[0]}{key[1]}: they have no such labels")
    for key in sorted(before[1]):
        if key[0] in mine[0] and key not in mine[1] and key in after[1]:
            bad.append(f"{key[0]}{key[1]}: only theirs")
    lack = sorted(n for n in before[0] if n not in mine[0] and not OTHER.match(n))
    print("\n".join(bad))
    print(f"exporter: {same} series alike, {len(bad)} not; of {len([n for n in before[0] if not OTHER.match(n)])} "
          f"families of theirs we lack {len(lack)}: {' '.join(lack)}")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
