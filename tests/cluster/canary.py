"""canary - planted secrets, looked for where they must never be: in what `mesh debug
bundle` puts into a file, in logs, in anybody's command line or environment."""
import base64
import os

from mesh import BUILD, read, run

PIECE = 16  # so many bytes of a key in a row are a leak


def forms(secret):
    """Every spelling of it that somebody might find."""
    yield secret
    for at in range(0, len(secret) - PIECE + 1, PIECE):
        piece = secret[at:at + PIECE]
        yield piece
        yield piece.hex().encode()
        yield piece.hex().upper().encode()
    for shift in range(3):  # base64 depends on where it starts
        text = base64.b64encode(bytes(shift) + secret)[4:-4]
        yield text[:20]
        yield text[-20:]


def processes(node):
    """Of meshd and all that it started but containers: where, what."""
    procs = read(os.path.join(node.daemon_cgroup, "cgroup.procs")).split()
    engine = os.path.join(node.world.unified, node.cgroup, ".engine/cgroup.procs")
    if os.path.exists(engine):
        procs += read(engine).split()
    assert procs
    for pid in procs:
        for what in ("cmdline", "environ"):
            try:
                with open(f"/proc/{pid}/{what}", "rb") as f:
                    yield f"{what} of {pid}", f.read()
            except OSError:
                pass  # it ended meanwhile


def told(node, folder):
    """What somebody who may look at this node gets to see: where, what."""
    path = os.path.join(folder, f"{node.name}.tar")
    run(os.path.join(BUILD, "mesh"), "--socket", node.socket, "debug", "bundle", path)
    with open(path, "rb") as f:
        yield "the bundle", f.read()
    os.unlink(path)
    with open(node.log, "rb") as f:
        yield "the log", f.read()
    yield from processes(node)


def nowhere(nodes, secrets, folder):
    """secrets: {what it is: bytes, at least 16}"""
    assert secrets and all(len(s) >= PIECE for s in secrets.values())
    for node in nodes:
        for where, seen in told(node, str(folder)):
            for what, secret in secrets.items():
                assert not any(f in seen for f in forms(secret)), \
                    f"{node.name}: {what} is in {where}"
