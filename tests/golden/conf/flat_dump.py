"""Print a flat document (daemon/base/flat.h) as one line per record.

A second reader of the format, written from its description: if the C writer
and this disagree, one of them is wrong.
"""
import struct
import sys

TYPES = ["null", "bool", "int", "float", "str", "list", "map"]


def records(doc):
    magic, version, size = struct.unpack_from("<4sII", doc)
    assert magic == b"MFLT" and version == 1 and size == len(doc) - 12, "bad header"
    off = 12
    while off < len(doc):
        path_len, kind, pad, line, col, value_len = struct.unpack_from("<HBBIII", doc, off)
        assert pad == 0
        off += 16
        path = doc[off:off + path_len].decode()
        value = doc[off + path_len:off + path_len + value_len]
        assert len(value) == value_len, "cut short"
        off += path_len + value_len
        yield line, col, path, TYPES[kind], value


def show(kind, value):
    if kind == "null":
        return ""
    if kind == "bool":
        return ["false", "true"][value[0]]
    if kind == "int":
        return str(struct.unpack("<q", value)[0])
    if kind == "float":
        return repr(struct.unpack("<d", value)[0])
    if kind == "str":
        return repr(value.decode())
    return str(struct.unpack("<I", value)[0])


def main():
    for line, col, path, kind, value in records(sys.stdin.buffer.read()):
        print(f"{line}:{col} {path or '.'} {kind} {show(kind, value)}".rstrip())


if __name__ == "__main__":
    main()
