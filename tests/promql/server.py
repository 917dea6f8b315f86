"""server.py - the Prometheus of Debian on loopback, fed by remote write, asked by its
HTTP API.  The write request is protobuf in a snappy block that compresses nothing."""
import json
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import data

WAIT_S = 120


def varint(n):
    out = bytearray()
    n &= (1 << 64) - 1
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number, body):
    return varint(number << 3 | 2) + varint(len(body)) + body


def write_request(series):
    """prompb.WriteRequest: timeseries = 1 {labels = 1 {name, value}, samples = 2 {value, ms}}."""
    out = b""
    for labels, points in series:
        body = b"".join(field(1, field(1, k.encode()) + field(2, v.encode()))
                        for k, v in sorted(labels.items()))
        for t, v in points:
            body += field(2, b"\x09" + data.bits(v) + b"\x10" + varint(t))
        out += field(1, body)
    return out


def snappy(raw):
    """A block of literals: https://github.com/google/snappy/blob/main/format_description.txt"""
    out = varint(len(raw))
    for i in range(0, len(raw), 65536):
        piece = raw[i:i + 65536]
        out += b"\xf4" + struct.pack("<H", len(piece) - 1) + piece
    return out


class Server:
    """with Server() as s: s.query("up", at)"""

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="mesh-prom.")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        with open(self.dir + "/prometheus.yml", "w", encoding="ascii") as f:
            f.write("global: {scrape_interval: 1h, evaluation_interval: 1m}\n")
        with open(self.dir + "/log", "w", encoding="ascii") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={self.dir}/prometheus.yml",
                 f"--storage.tsdb.path={self.dir}/data", f"--web.listen-address=127.0.0.1:{self.port}",
                 "--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=100y",
                 "--query.lookback-delta=5m", "--log.level=error"],
                stdout=log, stderr=log, cwd=self.dir)
        self.wait()
        self.feed(data.made())
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        shutil.rmtree(self.dir, ignore_errors=True)

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def wait(self):
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(self.url("/-/ready"), timeout=5) as r:
                    if r.status == 200:
                        return
            except (OSError, urllib.error.URLError):
                time.sleep(0.1)
            if self.process.poll() is not None:
                break
        with open(self.dir + "/log", encoding="utf-8") as f:
            raise RuntimeError("prometheus does not start: " + f.read()[-2000:])

    def feed(self, series):
        """Each series alone, in order, so that its place in the head is its order."""
        for one in series:
            request = urllib.request.Request(
                self.url("/api/v1/write"), data=snappy(write_request([one])), method="POST",
                headers={"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf",
                         "X-Prometheus-Remote-Write-Version": "0.1.0"})
            with urllib.request.urlopen(request, timeout=60) as r:
                assert r.status == 204, r.status

    def query(self, text, start, end=0, step=0):
        """As the driver answers; times in ms."""
        q = {"query": text}
        if step:
            q.update(start=start / 1000, end=end / 1000, step=step / 1000)
        else:
            q.update(time=start / 1000)
        url = self.url("/api/v1/query_range" if step else "/api/v1/query")
        body = urllib.parse.urlencode(q).encode()
        try:
            with urllib.request.urlopen(url, data=body, timeout=60) as r:
                got = json.load(r)
        except urllib.error.HTTPError as e:
            return {"error": json.load(e)["error"]}
        return convert(got["data"])


def convert(got):
    kind, result = got["resultType"], got["result"]
    if kind == "string":
        return {"type": kind, "text": result[1], "result": []}
    if kind == "scalar":
        result = [{"metric": {}, "value": result}]
    return {"type": kind, "text": "", "result": [
        [s["metric"], [[round(t * 1000), v] for t, v in s.get("values") or [s["value"]]]]
        for s in result]}
