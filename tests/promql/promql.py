"""promql.py - our PromQL beside that of Prometheus 2.42 (Debian's).

    promql.py live DRIVER      both are asked now; prints promql.equal and promql.total
    promql.py record           only Prometheus is; its answers go to record.json.xz
    promql.py check DRIVER     ours beside the record, as `ok` and `not ok`
    promql.py chance DRIVER SEED COUNT   both now, of expressions made by chance
    promql.py split DRIVER [SEED COUNT]   ours asked of five nodes and put together, beside ours whole

An expression counts as equal when every question with it is: two instants and a range.
Equal is: the same labels in the same order, the same times, values to 1e-12 of their
size, NaN where there is NaN; or that both refuse.
"""
import json
import lzma
import math
import os
import subprocess
import sys
import tempfile

import chance
import data
import queries

HERE = os.path.dirname(os.path.abspath(__file__))
RECORD = os.path.join(HERE, "record.json.xz")
TIMES = [(data.T0 + 1830000, 0, 0), (data.T0 + 2411250, 0, 0),
         (data.T0 + 330000, data.T0 + 3600000, 467000)]


MADE = []  # by chance, instead of those that are written down


def questions():
    """(expression, [(start, end, step)]); a range of a text or of a range is an error."""
    if MADE:
        return [(q, TIMES[1:]) for q in MADE]
    return [(q, TIMES) for q in queries.valid()] + [(q, TIMES[:1] + TIMES[2:]) for q in queries.invalid()]


def ask_ours(driver, *mode):
    flat = [(q, t) for q, times in questions() for t in times]
    with tempfile.TemporaryDirectory(prefix="mesh-promql.") as d:
        data.write(d + "/data")
        text = "".join(f"{s} {e} {p} " + q.replace("\n", "\x1e") + "\n" for q, (s, e, p) in flat)
        got = subprocess.run([driver, d + "/data", *mode], input=text, capture_output=True,
                             text=True, check=False, timeout=500)
    if got.returncode != 0:
        sys.exit(f"not ok promql: {driver} ended with {got.returncode} after "
                 f"{got.stdout.count(chr(10))} of {len(flat)} questions: {got.stderr[-500:]}")
    return group([json.loads(line) for line in got.stdout.splitlines()])


def group(answers):
    out, i = [], 0
    for _, times in questions():
        out.append(answers[i:i + len(times)])
        i += len(times)
    return out


def ask_prometheus():
    import server
    with server.Server() as s:
        return [[s.query(q, *t) for t in times] for q, times in questions()]


def same_value(a, b, near):
    x, y = float(a), float(b)
    if math.isnan(x) or math.isnan(y):
        return math.isnan(x) and math.isnan(y)
    return x == y or (not math.isinf(x) and not math.isinf(y) and
                      abs(x - y) <= near * max(abs(x), abs(y)))


def difference(q, a, b, ordered=True, near=1e-12):
    """What is not the same, or None."""
    if "error" in a or "error" in b:
        return None if "error" in a and "error" in b else f"{short(a)} / {short(b)}"
    if a["type"] != b["type"] or a["text"] != b["text"]:
        return f"{short(a)} / {short(b)}"
    left, right = a["result"], b["result"]
    if not ordered or queries.is_unordered(q):
        left, right = (sorted(x, key=lambda s: sorted(s[0].items())) for x in (left, right))
    if [s[0] for s in left] != [s[0] for s in right]:
        return f"series {[s[0] for s in left][:4]} / {[s[0] for s in right][:4]}"
    for x, y in zip(left, right):
        if [p[0] for p in x[1]] != [p[0] for p in y[1]]:
            return f"times of {x[0]}: {len(x[1])} / {len(y[1])}"
        for p, r in zip(x[1], y[1]):
            if not same_value(p[1], r[1], near):
                return f"{x[0]} at {p[0]}: {p[1]} / {r[1]}"
    return None


def short(answer):
    return json.dumps(answer)[:300]


def compare(ours, theirs, **how):
    """Prints what differs; how many are equal."""
    equal = 0
    for (q, times), a, b in zip(questions(), ours, theirs):
        bad = [(t, d) for t, x, y in zip(times, a, b) if (d := difference(q, x, y, **how))]
        equal += not bad
        for (start, _, step), d in bad[:1]:
            print(f"not ok promql: {q!r} {'range' if step else 'at ' + str(start)}: {d}")
    return equal


def check(driver):
    with lzma.open(RECORD, "rt", encoding="utf-8") as f:
        theirs = json.load(f)
    asked = [q for q, _ in questions()]
    if theirs["asked"] != asked:
        sys.exit("not ok promql: the record is of other questions: make promql-record")
    equal = compare(ask_ours(driver), theirs["answers"])
    print(f"{'ok' if equal == len(asked) else 'not ok'} promql: {equal} of {len(asked)} expressions as "
          "Prometheus answers them")


def live(driver):
    equal = compare(ask_ours(driver), ask_prometheus())
    print(f"promql.equal {equal} expressions\npromql.total {len(questions())} expressions")
    return equal == len(questions())


def by_chance(driver, seed, count):
    """Of values that cancel each other what is left may differ: 1e-9."""
    c = chance.Chance(int(seed))
    MADE.extend(c.expression() for _ in range(int(count)))
    ours, theirs = ask_ours(driver), ask_prometheus()
    equal = compare(ours, theirs, ordered=False, near=1e-9)
    refused = sum("error" in a[0] for a in theirs)
    print(f"promql.chance {equal} of {count}, both refuse {refused}")


def record():
    body = json.dumps({"asked": [q for q, _ in questions()], "answers": ask_prometheus()},
                      separators=(",", ":"))
    with lzma.open(RECORD + ".new", "wt", preset=9, encoding="utf-8") as f:
        f.write(body)
    os.replace(RECORD + ".new", RECORD)
    print(f"recorded {len(questions())} expressions, {os.path.getsize(RECORD)} bytes")


def split(driver, seed=0, count=0):
    """Ours over five nodes beside ours over all: order is free, and of floats the last bits."""
    c = chance.Chance(int(seed))
    MADE.extend(c.expression() for _ in range(int(count)))
    parts, whole = ask_ours(driver, "split"), ask_ours(driver)
    for i, (q, _) in enumerate(questions()):
        if MADE or q in queries.WHOLE_ONLY:
            refused = ["several nodes" in a.get("error", "") for a in parts[i]]
            assert MADE or all(refused), q
            parts[i] = whole[i] if any(refused) else parts[i]
    equal = compare(parts, whole, ordered=False, near=1e-9 if MADE else 1e-12)
    print(f"{'ok' if equal == len(questions()) else 'not ok'} promql: {equal} of {len(questions())} "
          "expressions are the same over five nodes")


def main(what, driver=None, *more):
    if what == "record":
        return record()
    if what == "live":
        return sys.exit(0 if live(driver) else 1)
    return {"check": check, "split": split, "chance": by_chance}[what](driver, *more)


if __name__ == "__main__":
    main(*sys.argv[1:])
