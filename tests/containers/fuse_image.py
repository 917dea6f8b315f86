"""An image whose files a process gives out, by FUSE's own protocol: it may take its
time for an answer, and who asked can't be killed before."""
import contextlib
import os
import struct
import subprocess
import threading

LOOKUP, FORGET, GETATTR, READLINK, OPEN, READ, STATFS, RELEASE, FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, BATCH_FORGET = \
    1, 2, 3, 5, 14, 15, 17, 18, 25, 26, 27, 28, 29, 42
ENOENT, ENOSYS = 2, 38


class Served:
    """tree, a directory, read-only at `where`; hold(op, path): till go() nothing of that is answered, and
    hold(None, None): nothing at all."""

    def __init__(self, tree, where):
        self.tree, self.where = os.fspath(tree), os.fspath(where)
        self.paths, self.ids = {1: ""}, {"": 1}
        self.held, self.waits, self.may = None, threading.Event(), threading.Event()
        os.makedirs(where, exist_ok=True)
        self.fd = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        # mount(8) has the descriptor while it mounts.
        subprocess.run(["mount", "-i", "-t", "fuse", "-o", "fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other,default_permissions,ro" % self.fd,
                        "fuse", self.where], check=True, pass_fds=[self.fd])
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def hold(self, op, path):
        self.held = op, path

    def go(self):
        self.held = None
        self.may.set()

    def close(self):
        self.go()
        subprocess.run(["umount", "-f", "-l", self.where], check=True)  # and what waits for it fails
        self.thread.join(10)
        os.close(self.fd)

    def attr(self, path):
        st = os.lstat(os.path.join(self.tree, path))
        return struct.pack("<QQQQQQIIIIIIIIII", self.ids[path], st.st_size, st.st_blocks, int(st.st_atime), int(st.st_mtime),
                           int(st.st_ctime), 0, 0, 0, st.st_mode, st.st_nlink, 0, 0, 0, 4096, 0)

    def answer(self, op, path, body):
        if op == LOOKUP:
            if not os.path.lexists(os.path.join(self.tree, path)):
                raise FileNotFoundError
            self.paths[self.ids.setdefault(path, len(self.ids) + 1)] = path
        full = os.path.join(self.tree, path)
        if op == INIT:
            return struct.pack("<IIIIHHIIHHIIQ", 7, 31, 65536, 0, 0, 0, 4096, 1, 0, 0, 0, 0, 0) + bytes(16)
        if op == LOOKUP:
            return struct.pack("<QQQQII", self.ids[path], 0, 0, 0, 0, 0) + self.attr(path)
        if op == GETATTR:
            return struct.pack("<QII", 0, 0, 0) + self.attr(path)
        if op == READLINK:
            return os.readlink(full).encode()
        if op in (OPEN, OPENDIR):
            return struct.pack("<QII", 0, 0, 0)
        if op == READ:
            offset, size = struct.unpack_from("<QI", body, 8)
            with open(full, "rb") as f:
                f.seek(offset)
                return f.read(size)
        if op == STATFS:
            return bytes(80)
        if op in (RELEASE, RELEASEDIR, FLUSH):
            return b""
        raise NotImplementedError

    def serve(self):
        while True:
            try:
                data = os.read(self.fd, 1 << 20)
            except OSError:
                return  # unmounted
            _, op, unique, node = struct.unpack_from("<IIQQ", data)
            if op in (FORGET, BATCH_FORGET):
                continue
            path = self.path_of(op, node, data[40:])
            if self.held in ((op, path), (None, None)):  # all else goes on meanwhile
                threading.Thread(target=self.later, args=(unique, op, path, data[40:]), daemon=True).start()
            else:
                self.reply(unique, op, path, data[40:])

    def path_of(self, op, node, body):
        path = self.paths.get(node, "")
        return os.path.join(path, body[:-1].decode()) if op == LOOKUP else path

    def later(self, *question):
        self.waits.set()
        self.may.wait()
        self.reply(*question)

    def reply(self, unique, op, path, body):
        try:
            code, out = 0, self.answer(op, path, body)
        except FileNotFoundError:
            code, out = -ENOENT, b""
        except NotImplementedError:
            code, out = -ENOSYS, b""
        with contextlib.suppress(OSError):  # who asked may be gone
            os.write(self.fd, struct.pack("<IiQ", 16 + len(out), code, unique) + out)
