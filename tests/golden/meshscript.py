"""Drive the real meshd-script from tests: msgpack in, msgpack out.

Own codec (a page) because tests should not need a package for what the
format's few rules say; str and bytes only as the requests use them.
"""
import struct
import subprocess


def pack(v):
    if v is None:
        return b"\xc0"
    if v is True or v is False:
        return b"\xc3" if v else b"\xc2"
    if isinstance(v, int):
        if 0 <= v < 128:
            return bytes([v])
        return b"\xd3" + struct.pack(">q", v) if v < 1 << 63 else b"\xcf" + struct.pack(">Q", v)
    if isinstance(v, float):
        return b"\xcb" + struct.pack(">d", v)
    if isinstance(v, str):
        v = v.encode("utf-8", "surrogateescape")
        return b"\xdb" + struct.pack(">I", len(v)) + v
    if isinstance(v, bytes):
        return b"\xdb" + struct.pack(">I", len(v)) + v
    if isinstance(v, (list, tuple)):
        return b"\xdd" + struct.pack(">I", len(v)) + b"".join(map(pack, v))
    if isinstance(v, dict):
        body = b"".join(pack(k) + pack(x) for k, x in v.items())
        return b"\xdf" + struct.pack(">I", len(v)) + body
    raise TypeError(type(v))


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        if self.at + n > len(self.data):
            raise ValueError("answer is cut short")
        self.at += n
        return self.data[self.at - n:self.at]

    def num(self, fmt):
        return struct.unpack(fmt, self.take(struct.calcsize(fmt)))[0]

    def value(self):
        t = self.num("B")
        if t < 0x80:
            return t
        if t >= 0xe0:
            return t - 256
        if 0x80 <= t <= 0x8f:
            return self.map(t & 15)
        if 0x90 <= t <= 0x9f:
            return [self.value() for _ in range(t & 15)]
        if 0xa0 <= t <= 0xbf:
            return self.take(t & 31).decode()
        fixed = {0xc0: None, 0xc2: False, 0xc3: True}
        if t in fixed:
            return fixed[t]
        nums = {0xca: ">f", 0xcb: ">d", 0xcc: ">B", 0xcd: ">H", 0xce: ">I", 0xcf: ">Q",
                0xd0: ">b", 0xd1: ">h", 0xd2: ">i", 0xd3: ">q"}
        if t in nums:
            return self.num(nums[t])
        if 0xd9 <= t <= 0xdb:
            return self.take(self.num({0xd9: ">B", 0xda: ">H", 0xdb: ">I"}[t])).decode()
        if t in (0xdc, 0xdd):
            return [self.value() for _ in range(self.num(">H" if t == 0xdc else ">I"))]
        if t in (0xde, 0xdf):
            return self.map(self.num(">H" if t == 0xde else ">I"))
        raise ValueError("byte 0x%02x" % t)

    def map(self, n):
        out = {}
        for _ in range(n):
            key = self.value()
            out[key] = self.value()
        return out


def unpack(data):
    r = Reader(data)
    v = r.value()
    if r.at != len(data):
        raise ValueError("%d bytes after the answer" % (len(data) - r.at))
    return v


def run_raw(program, request, timeout_s=20):
    """The answer's bytes; the child is killed at the deadline."""
    p = subprocess.run([program], input=pack(request), capture_output=True, timeout=timeout_s)
    if p.returncode != 0:
        raise RuntimeError("exit %d: %s" % (p.returncode, p.stderr.decode()))
    return p.stdout


def head(mode, output):
    """What the engine begins each question with (daemon/io/script.c)."""
    return {"mode": mode, "limits": {"heap": 64 << 20, "cpu_ms": 5000, "output": output}, "seed": 1}


def schedule(program, files, given=None, **more):
    if isinstance(files, str):
        files = {"main.lua": files}
    request = {**head("schedule", 4 << 20), "files": files, "input": given or {}}
    request.update(more)
    return unpack(run_raw(program, request))


def render(program, files, wants, given, **more):
    request = {**head("render", 16 << 20), "files": files, "vars": given,
               "render": [{"name": n, "template": t} for n, t in wants.items()]}
    request.update(more)
    return unpack(run_raw(program, request))
