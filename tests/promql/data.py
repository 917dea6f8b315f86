"""data.py - the samples that PromQL is asked about, here and in Prometheus: made from
one seed, so they are the same each time.  A series is (labels, [(ms, value)]); the value
STALE is the marker of an end."""
import math
import random
import struct

T0 = 1795000000000  # ms; a multiple of 60 s
END = T0 + 3600000
STALE = "stale"
NODES = ["a1", "b2", "c3", "d4", "e5"]


def bits(value):
    """As Prometheus has it: the stale marker is a NaN of its own."""
    if value == STALE:
        return struct.pack("<Q", 0x7FF0000000000002)
    if math.isnan(value):
        return struct.pack("<Q", 0x7FF8000000000001)
    return struct.pack("<d", value)


def text(value):
    return value if value == STALE else float(value).hex()


def counter(r, step, count, resets=0.02, start=0.0, whole=True):
    out, v = [], start
    for i in range(count):
        v = float(r.randint(0, 5)) if r.random() < resets else \
            v + (r.randint(0, 40) if whole else r.random() * 3)
        out.append((T0 + i * step, v))
    return out


def gauge(r, step, count, low=-50.0, high=150.0):
    v, out = (low + high) / 2, []
    for i in range(count):
        v = min(high, max(low, v + r.uniform(-8, 8)))
        out.append((T0 + i * step, round(v, 3)))
    return out


def jittered(r, points, most):
    return [(t + r.randint(0, most), v) for t, v in points]


def without(points, *spans):
    return [p for p in points
            if not any(T0 + a * 1000 <= p[0] < T0 + b * 1000 for a, b in spans)]


def stale_at(points, *seconds):
    """The series ends there, and goes on with its next sample."""
    at = {T0 + s * 1000 for s in seconds}
    return sorted([p for p in points if p[0] not in at] + [(t, STALE) for t in at],
                  key=lambda p: p[0])


def histogram(r, name, labels, count):
    edges = ["0.1", "0.25", "0.5", "1", "2.5", "+Inf"]
    sums = [0] * len(edges)
    series = [(dict(labels, __name__=name + "_bucket", le=e), []) for e in edges]
    total, n = [], []
    at_sum = 0.0
    for i in range(count):
        for _ in range(r.randint(0, 6)):
            seen = r.expovariate(2)
            at_sum += seen
            for k, e in enumerate(edges):
                sums[k] += seen <= float(e)
        for k, (_, points) in enumerate(series):
            points.append((T0 + i * 15000, float(sums[k])))
        total.append((T0 + i * 15000, at_sum))
        n.append((T0 + i * 15000, float(sums[-1])))
    return series + [(dict(labels, __name__=name + "_sum"), total),
                     (dict(labels, __name__=name + "_count"), n)]


def requests(r):
    out = []
    for i, node in enumerate(NODES):
        for method in ("get", "post"):
            for code in ("200", "500"):
                if i == 4 and code == "500":
                    continue
                points = jittered(r, counter(r, 15000, 240), 900)
                if i == 1:
                    points = without(points, (600, 780), (2000, 2400))
                if i == 2 and method == "get":
                    points = stale_at(without(points, (900, 1500)), 905)
                if i == 3:  # appears late
                    points = points[100:]
                if i == 4:  # ends, without a word
                    points = points[:150]
                out.append(({"__name__": "http_requests_total", "node": node,
                             "role": "web" if i < 3 else "api", "instance": f"{node}:80",
                             "method": method, "code": code}, points))
    return out


def strange(r):
    inf, nan = math.inf, math.nan
    values = [1.0, nan, 3.0, inf, 2.0, -inf, nan, nan, 5.0, 0.0, -0.0, -7.5, 1e300, -1e300, 1e-300]
    out = []
    for i, node in enumerate(NODES):
        points = [(T0 + k * 20000, values[(k + i * 3) % len(values)]) for k in range(180)]
        out.append(({"__name__": "strange", "node": node, "kind": "mix"}, points))
    out.append(({"__name__": "strange", "node": "a1", "kind": "nan"},
                [(T0 + k * 30000, nan) for k in range(120)]))
    out.append(({"__name__": "strange", "node": "b2", "kind": "inf"},
                [(T0 + k * 30000, inf) for k in range(120)]))
    out.append(({"__name__": "strange", "node": "c3", "kind": "constant"},
                [(T0 + k * 30000, 42.0) for k in range(120)]))
    return out


def made():
    r = random.Random(20421)
    out = requests(r) + strange(r)
    for i, node in enumerate(NODES):
        up = [(T0 + k * 10000, 1.0 if r.random() < 0.9 else 0.0) for k in range(360)]
        out.append(({"__name__": "up", "node": node, "instance": f"{node}:80", "job": "node"},
                    stale_at(up, 1800) if i == 2 else up))
        out.append(({"__name__": "node_load1", "node": node, "instance": f"{node}:9100"},
                    jittered(r, gauge(r, 15000, 240, 0, 8), 3000)))
        out.append(({"__name__": "node_info", "node": node, "instance": f"{node}:9100",
                     "version": "1.%d" % (i % 2), "arch": "amd64"},
                    [(T0 + k * 60000, 1.0) for k in range(60)]))
        for mode in ("user", "system", "idle"):
            out.append(({"__name__": "node_cpu_seconds_total", "node": node, "cpu": "0", "mode": mode},
                        counter(r, 1000 if i == 0 else 5000, 3600 if i == 0 else 720,
                                0.0005, r.random() * 1000, whole=False)))
        out.append(({"__name__": "temperature", "node": node, "sensor": "core0"},
                    gauge(r, 15000, 240)))
    out.append(({"__name__": "temperature", "node": "a1", "sensor": "core1"}, gauge(r, 15000, 240)))
    out.append(({"__name__": "single", "node": "a1", "path": "/var/lib/x-9_y"}, gauge(r, 30000, 120)))
    out.append(({"__name__": "role:up:sum", "node": "a1", "role": "web"}, gauge(r, 60000, 60)))
    out.append(({"__name__": "brief", "node": "b2"}, gauge(r, 15000, 240)[80:82]))
    out.append(({"__name__": "once", "node": "b2"}, [(T0 + 1800000, 3.5)]))
    out.append(({"__name__": "negative_total", "node": "c3"},
                [(T0 + k * 15000, float(k - 100)) for k in range(240)]))
    out.append(({"__name__": "text_of", "node": "d4", "word": "caf\u00e9", "path": "a.b/c"},
                gauge(r, 60000, 60)))
    out += histogram(r, "latency_seconds", {"node": "a1", "role": "web"}, 240)
    out += histogram(r, "latency_seconds", {"node": "b2", "role": "web"}, 240)
    out += histogram(r, "latency_seconds", {"node": "c3", "role": "api"}, 200)
    return sorted(out, key=lambda s: sorted(s[0].items()))


def selector(labels):
    def quoted(v):
        return '"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "{" + ",".join(k + "=" + quoted(v) for k, v in sorted(labels.items())) + "}"


def write(path):
    """For the driver."""
    with open(path, "w", encoding="utf-8") as f:
        for labels, points in made():
            f.write(selector(labels) + "\n")
            f.writelines(f"{t} {text(v)}\n" for t, v in points)
