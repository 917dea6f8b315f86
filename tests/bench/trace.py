#!/usr/bin/python3
"""This host's own /proc, once a second, as a trace for tests/bench/metrics.c:

    trace.py SECONDS > FILE    record one
    trace.py FILE.xz > FILE    one that was kept: proc.trace.xz is 20 minutes of a host that
                               compiled and tested all the time

The first line: `mesh-trace 1 SERIES TICKS`; then a line for each series: its name and
labels as node_exporter calls them, a power of ten k, and TICKS whole numbers: the first,
then differences, `D*N` for N times the same.  A value is the number / 10^k.
"""
import glob
import lzma
import os
import re
import sys
import time

FILES = ["stat", "meminfo", "vmstat", "net/dev", "net/netstat", "net/snmp", "net/snmp6",
         "net/softnet_stat", "net/sockstat", "diskstats", "interrupts", "softirqs", "loadavg",
         "uptime", "sys/fs/file-nr", "zoneinfo", "buddyinfo", "slabinfo"]
GROUPS = ["cpu.stat", "memory.stat", "memory.current", "memory.usage_in_bytes", "io.stat",
          "pids.current", "cpuacct.usage", "cpuacct.stat", "cpu.pressure", "memory.pressure",
          "io.pressure"]
NET = ("receive_%s bytes packets errs drop fifo frame compressed multicast",
       "transmit_%s bytes packets errs drop fifo colls carrier compressed")
DISK = ("reads_completed_total reads_merged_total read_bytes_total read_time_seconds_total "
        "writes_completed_total writes_merged_total written_bytes_total "
        "write_time_seconds_total io_now io_time_seconds_total io_time_weighted_seconds_total "
        "discards_completed_total discards_merged_total discarded_sectors_total "
        "discard_time_seconds_total flush_requests_total "
        "flush_requests_time_seconds_total").split()
MODES = "user nice system idle iowait irq softirq steal guest guest_nice".split()


def number(text):
    """A decimal as it is written: the whole number, and by which power of ten."""
    whole, _, part = text.partition(".")
    return int(whole + part), len(part)


class Tick(dict):
    """name{labels} -> (whole number, power of ten)"""

    def put(self, name, value, scale=0, **labels):
        text = ",".join('%s="%s"' % kv for kv in sorted(labels.items()))
        self["%s{%s}" % (name, text)] = (int(value), scale)

    def pairs(self, prefix, rows):
        for row in rows:
            if len(row) >= 2 and re.fullmatch(r"[0-9.]+", row[1]):
                name = re.sub(r"[^a-zA-Z0-9_]", "_", row[0].rstrip(":"))
                self.put(prefix + name, *number(row[1]))


def stat(t, rows):
    for p in rows:
        if re.fullmatch(r"cpu[0-9]+", p[0]):
            for mode, v in zip(MODES, p[1:]):
                t.put("node_cpu_seconds_total", v, 2, cpu=p[0][3:], mode=mode)
        elif p[0] != "cpu":
            t.put("node_" + p[0], p[1])


def meminfo(t, rows):
    for p in rows:
        name = re.sub(r"[^a-zA-Z0-9]", "_", p[0][:-1]).strip("_")
        if len(p) == 3:
            t.put("node_memory_%s_bytes" % name, int(p[1]) * 1024)
        else:
            t.put("node_memory_" + name, p[1])


def net_dev(t, rows):
    for p in rows[2:]:
        names = [form.split()[0] % n for form in NET for n in form.split()[1:]]
        for name, v in zip(names, p[1:]):
            t.put("node_network_%s_total" % name, v, device=p[0][:-1])


def netstat(t, rows):
    for names, values in zip(rows[0::2], rows[1::2]):
        for name, v in zip(names[1:], values[1:]):
            t.put("node_netstat_%s_%s" % (names[0][:-1], name), v)


def softnet(t, rows):
    for cpu, p in enumerate(rows):
        for i, v in enumerate(p):
            t.put("node_softnet_%d" % i, int(v, 16), cpu=cpu)


def sockstat(t, rows):
    for p in rows:
        for name, v in zip(p[1::2], p[2::2]):
            t.put("node_sockstat_%s_%s" % (p[0][:-1], name), v)


def diskstats(t, rows):
    for p in rows:
        for name, v in zip(DISK, p[3:] if not re.match("loop|ram", p[2]) else []):
            v = int(v) * (512 if "bytes" in name else 1)
            t.put("node_disk_" + name, v, 3 if "seconds" in name else 0, device=p[2])


def interrupts(t, rows, name="node_interrupts_total"):
    for p in rows[1:]:
        for cpu, v in enumerate(p[1:1 + len(rows[0])]):
            if v.isdigit():
                t.put(name, v, cpu=cpu, type=p[0][:-1])


def loadavg(t, rows):
    p = rows[0]
    for name, v in zip(("1", "5", "15"), p):
        t.put("node_load" + name, *number(v))
    for name, v in zip(("running", "threads"), p[3].split("/")):
        t.put("node_procs_" + name, v)
    t.put("node_last_pid", p[4])


def uptime(t, rows):
    for name, v in zip(("uptime", "idle"), rows[0]):
        t.put("node_%s_seconds" % name, *number(v))


def file_nr(t, rows):
    t.put("node_filefd_allocated", rows[0][0])
    t.put("node_filefd_maximum", min(int(rows[0][2]), 2**53))


def zoneinfo(t, rows):
    zone = ""
    for p in rows:
        if p[0] == "Node":
            zone = p[-1]
        elif len(p) == 2 and p[1].isdigit():
            t.put("node_zoneinfo_" + p[0].rstrip(":"), p[1], zone=zone)


def buddyinfo(t, rows):
    for p in rows:
        for order, v in enumerate(p[4:]):
            t.put("node_buddyinfo_blocks", v, zone=p[3], size=order)


def slabinfo(t, rows):
    for p in rows[2:]:
        t.put("node_slabinfo_active_objects", p[1], slab=p[0])
        t.put("node_slabinfo_objects", p[2], slab=p[0])


def pressure(t, rows, name):
    for p in rows:
        t.put("%s_%s_seconds_total" % (name, p[0]), p[4][6:], 6)
        for avg in p[1:4]:
            t.put("%s_%s_%s" % (name, p[0], avg.split("=")[0]), *number(avg.split("=")[1]))


READERS = {
    "stat": stat, "meminfo": meminfo, "net/dev": net_dev, "net/netstat": netstat,
    "net/snmp": netstat, "net/softnet_stat": softnet, "net/sockstat": sockstat,
    "diskstats": diskstats, "interrupts": interrupts, "loadavg": loadavg, "uptime": uptime,
    "sys/fs/file-nr": file_nr, "zoneinfo": zoneinfo, "buddyinfo": buddyinfo,
    "slabinfo": slabinfo,
}


def read_into(t, path, text):
    rows = [p for p in (line.split() for line in text.split("\n")) if p]
    short = path[len("/proc/"):] if path.startswith("/proc/") else ""
    base = os.path.basename(path)
    if not rows:
        return
    if short in READERS:
        READERS[short](t, rows)
    elif short == "softirqs":
        interrupts(t, rows, "node_softirqs_total")
    elif short in ("vmstat", "net/snmp6"):
        t.pairs("node_%s_" % short.replace("/", "_"), rows)
    elif short:
        pressure(t, rows, "node_pressure_" + base)
    else:
        group = "container_%s_" % os.path.basename(os.path.dirname(path))
        if base.endswith(".pressure"):
            pressure(t, rows, group + base.split(".")[0])
        elif len(rows[0]) == 1:
            t.put(group + re.sub(r"\W", "_", base), rows[0][0])
        else:
            t.pairs(group, rows)


def record(seconds):
    paths = ["/proc/" + f for f in FILES] + sorted(glob.glob("/proc/pressure/*"))
    for group in ["/sys/fs/cgroup"] + sorted(glob.glob("/sys/fs/cgroup/*/")):
        paths += [os.path.join(group, f) for f in GROUPS]
    fds = {p: os.open(p, os.O_RDONLY) for p in paths if os.access(p, os.R_OK)}
    start = int(time.clock_gettime(time.CLOCK_BOOTTIME)) + 1
    for n in range(seconds):
        time.sleep(max(0, start + n - time.clock_gettime(time.CLOCK_BOOTTIME)))
        t = Tick()
        for path, fd in fds.items():
            try:
                read_into(t, path, os.pread(fd, 1 << 20, 0).decode("latin1"))
            except OSError:
                continue
        yield t


def write(ticks, out):
    """The series that were there all the time."""
    names = [n for n in ticks[0] if all(n in t for t in ticks)]
    out.write("mesh-trace 1 %d %d\n" % (len(names), len(ticks)))
    for name in names:
        values = [t[name][0] for t in ticks]
        deltas = values[:1] + [b - a for a, b in zip(values, values[1:])]
        row, at = [], 0
        while at < len(deltas):
            end = at
            while end < len(deltas) and deltas[end] == deltas[at]:
                end += 1
            row.append(str(deltas[at]) + ("*%d" % (end - at) if end - at > 1 else ""))
            at = end
        out.write("%s %d %s\n" % (name, max(t[name][1] for t in ticks), " ".join(row)))


if __name__ == "__main__":
    if sys.argv[1].isdigit():
        write(list(record(int(sys.argv[1]))), sys.stdout)
    else:
        sys.stdout.write(lzma.open(sys.argv[1], "rt").read())
