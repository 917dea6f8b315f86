"""Sealed secrets: in the environment of the application, and nowhere else."""
import base64
import ctypes
import hashlib
import os
import pathlib
import subprocess

import pytest

from conftest import BUILD, children_of, wait_for

SHADOW = 1 << 40  # bytes of one mapping, as only a sanitizer has
SODIUM = ctypes.CDLL("libsodium.so.23")
SODIUM.sodium_init()


def short(data):
    return base64.b64encode(hashlib.blake2b(data, digest_size=6).digest()).decode()


def seal(public, value, namespace=""):
    """What `lithos_crypt encrypt -k KEY.pub -n NAMESPACE -d VALUE` prints; by libsodium itself."""
    key = base64.b64decode(public.read_text().split()[1])[-32:]
    curve = ctypes.create_string_buffer(32)
    assert SODIUM.crypto_sign_ed25519_pk_to_curve25519(curve, key) == 0
    ns, value = namespace.encode(), value.encode()
    plain = ns + b":" + value
    box = ctypes.create_string_buffer(len(plain) + 48)
    assert SODIUM.crypto_box_seal(box, plain, ctypes.c_ulonglong(len(plain)), curve) == 0
    return "v2:%s:%s:%s:%s" % (short(key), short(ns), short(value), base64.b64encode(box.raw).decode())


def mesh_seal(public, *words):
    """Likewise, by `mesh seal`; ends with a newline."""
    value, *namespace = words
    return subprocess.run([BUILD / "mesh", "seal", public, *namespace], input=value, stdout=subprocess.PIPE, text=True,
                          check=True, timeout=20).stdout


def new_key(path):
    path.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)
    return path.with_name(path.name + ".pub")


@pytest.fixture
def keyed(node):
    """A node whose sandbox opens namespaces "" and web by a key; node.pub is its public part."""
    node.key = node.top / "key"
    node.pub = new_key(node.key)
    node.sandbox("web", "default-user: 1000\nallow-users: [1-2000]\nsecrets-private-key: %s\n"
                 "secrets-namespaces: ['', web]\n" % node.key)
    node.start()
    return node


def leaks(node, *values):
    """Where one of them is: files of ours, what our processes were started with, what the engine was told."""
    found = []
    needles = [form for value in map(str.encode, values)
               for form in (value, base64.b64encode(value)[:-4], value.hex().encode())]

    def look(where, data):
        if any(n in data for n in needles):
            found.append(str(where))

    for top in ("state", "run", "log"):
        for folder, _, names in os.walk(node.top / top):
            for path in (os.path.join(folder, n) for n in names):
                if os.path.isfile(path):
                    look(path, open(path, "rb").read())
    look("stderr", (node.top / "stderr").read_bytes())
    pids = [p for p in (node.meshd.pid, *children_of(node.meshd.pid)) if p not in node.pids]
    look("environ", b"".join(open("/proc/%d/environ" % pid, "rb").read() for pid in pids))
    for pid in pids + [p for c in node.pids for p in (c, *children_of(c))]:
        look("cmdline of %d" % pid, open("/proc/%d/cmdline" % pid, "rb").read())
    for pid in pids:  # nor is it in memory of ours
        with open("/proc/%d/maps" % pid, encoding="utf-8") as maps, open("/proc/%d/mem" % pid, "rb", 0) as mem:
            for line in maps:
                start, end = (int(x, 16) for x in line.split()[0].split("-"))
                if " rw-p " in line and end - start < SHADOW:
                    mem.seek(start)
                    look("memory of %d" % pid, mem.read(end - start))
    for instance in node.audited:
        assert node.ask("AUDIT", instance=instance)["code"] == 0
        look("audit", bytes.fromhex(next(e["hex"] for e in reversed(node.events) if e["kind"] == "document")))
    for event in node.events:
        look("event", repr(event).encode())
    return found


def environ(pid):
    """Of a process: what it was started with."""
    with open("/proc/%d/environ" % pid, encoding="utf-8") as f:
        found = dict(line.split("=", 1) for line in f.read().split("\0") if line)
    return {k: v for k, v in found.items() if k not in ("PATH", "PWD", "SHLVL")}  # the shell's own


def app(init):
    """The application, once it is what its shell becomes."""
    def look():
        for pid in children_of(init):
            with open("/proc/%d/cmdline" % pid, "rb") as f:
                if f.read().startswith(b"sleep\0") and environ(pid):
                    return pid
        return None
    return wait_for(look)


def fails(node, instance, why):
    """Wait until a start of it fails so."""
    while why not in node.event(kind="state", instance=instance, state="backoff")["text"]:
        pass


def values(count):
    return [base64.b32encode(os.urandom(20)).decode() for _ in range(count)]


def test_the_application_has_them_and_nobody_else(keyed):
    plain, spaced, rotated, filed = values(4)
    spaced = "a b=c:" + spaced + "\n'\"@{x}"
    other = new_key(keyed.top / "other")
    keyed.shell("a", "exec sleep 1000", extra=(
        "restart-timeout: 0.1\nenviron: {COLOR: blue}\nsecret-environ-file: /data/more.yaml\nsecret-environ:\n"
        "  PLAIN: %s\n  SPACED: %s\n  ROTATED:\n  - %s\n  - %s\n  EMPTY: %s\n"
        % (seal(keyed.pub, plain), seal(keyed.pub, spaced, "web"), seal(other, rotated), seal(keyed.pub, rotated),
           seal(keyed.pub, ""))))
    (keyed.images / "a/data/more.yaml").write_text("FILED: " + mesh_seal(keyed.pub, filed + "\n", "web"))
    want = {"PLAIN": plain, "SPACED": spaced, "ROTATED": rotated, "FILED": filed, "EMPTY": "", "COLOR": "blue",
            "TERM": "dumb", "LITHOS_NAME": "web/web.1", "LITHOS_CONFIG": "/config/run.yaml",
            "CANTAL_PATH": "/dev/cantal/app"}
    init = keyed.up("web.1", "a")["pid"]
    assert environ(app(init)) == want
    # The init's copy is not for who runs in it; the application's own is.
    with open("/proc/%d/status" % app(init), encoding="utf-8") as f:
        assert [line.split()[-1] for line in f if line.startswith("NSpid:")] == ["2"]
    owner = [os.stat("/proc/%d/environ" % pid).st_uid for pid in (init, app(init))]
    assert owner[0] == 0 and owner[1] > 1000  # the host's root, and who it is in its own user namespace
    record = next(p for p in (keyed.top / "state").rglob("web.1*") if p.is_file()).read_bytes()
    assert seal(keyed.pub, plain)[:30].encode() in record  # up to the box
    keyed.pids, keyed.audited = [init], ["web.1"]
    assert leaks(keyed, plain, spaced, rotated, filed) == []
    # Nobody but the record says it again: after a crash, without an engine's word.
    keyed.kill()
    keyed.start()
    os.kill(init, 9)
    init = keyed.event(kind="state", instance="web.1", state="running")["pid"]
    assert environ(app(init)) == want
    keyed.pids, keyed.audited = [init], []
    assert leaks(keyed, plain) == []


def mesh_exec(node, instance, *argv):
    return subprocess.run([BUILD / "mesh", "--socket", node.top / "run/ctl", "exec", instance, "--", *argv], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=20)


def test_commands_beside_it_have_them(keyed):
    """One of root's, and probes: the environment of the application.  When they can't be opened any more no command
    starts, and that a probe can't be asked is no word about what runs."""
    value, = values(1)
    (keyed.sandboxes / "web.yaml").write_text((keyed.sandboxes / "web.yaml").read_text() + "allow-exec: yes\n")
    probe = '{exec: [/bin/sh, -c, "echo >>/tmp/%s; [ ${#PW} = 32 ]"], interval: 500ms, failures: 1, start-period: 0s}'
    probe = "health: {readiness: %s, liveness: %s}\n" % (probe.replace(", start-period: 0s", "") % "r", probe % "l")
    keyed.shell("a", "exec sleep 1000", extra="environ: {COLOR: blue}\nsecret-environ: {PW: '%s'}\n%s" % (
        seal(keyed.pub, value, "web"), probe))
    init = keyed.up("web.1", "a")["pid"]
    keyed.event(kind="state", instance="web.1", well=1)
    p = mesh_exec(keyed, "web.1", "/bin/busybox", "env")
    has = dict(line.split("=", 1) for line in p.stdout.splitlines())
    # But for the application's own files of figures, which no command may overwrite.
    assert has == {k: v for k, v in environ(app(init)).items() if k != "CANTAL_PATH"} and has["PW"] == value, p

    asked = [pathlib.Path("/proc/%d/root/tmp" % init) / f for f in "rl"]
    wait_for(lambda: all(f.exists() for f in asked))
    keyed.key.rename(keyed.top / "gone")
    p = mesh_exec(keyed, "web.1", "/bin/true")
    assert p.returncode == 125 and "web.1: secrets-private-key: %s: No such file" % keyed.key in p.stderr, p
    new_key(keyed.key)
    p = mesh_exec(keyed, "web.1", "/bin/true")
    assert p.returncode == 125 and "sealed for another key than secrets-private-key" in p.stderr, p
    log = keyed.top / "stderr"
    wait_for(lambda: "web.1: a probe can't be asked: " in log.read_text() and "another key" in log.read_text())
    then = [f.stat().st_size for f in asked]
    for pub in ("key", "gone"):
        (keyed.top / pub).replace(keyed.top / ("old" if pub == "key" else "key"))
    wait_for(lambda: all(f.stat().st_size > was + 1 for f, was in zip(asked, then)))
    keyed.ask("LIST")
    e = [e for e in keyed.events if e.get("instance") == "web.1"][-1]
    assert (e["pid"], e["well"], e["restarts"], e["text"]) == (init, 1, 0, ""), e
    assert not [e for e in keyed.events if e.get("instance") == "web.1" and e["state"] == "stopping"]
    keyed.pids, keyed.audited = [init], ["web.1"]
    assert leaks(keyed, value) == []


def test_what_is_refused(keyed):
    """Each with its place, and no byte of a secret in the line."""
    value, = values(1)
    good = seal(keyed.pub, value)
    other = new_key(keyed.top / "other")
    bad = {
        "open": ("secret-environ: {PW: %s}\n" % value, "4:22: secret-environ.PW[0]: not a sealed secret"),
        "cut": ("secret-environ: {PW: '%s'}\n" % good[:30], "4:22: secret-environ.PW[0]: not a sealed secret"),
        "twice": ("environ: {PW: x}\nsecret-environ: {PW: '%s'}\n" % good, "5:22: secret-environ.PW: environ has it too"),
        "badname": ("secret-environ: {'P W': '%s'}\n" % good, "key 'P W' must be printable ASCII"),
        "none": ("secret-environ: {PW: []}\n", "must not be empty"),
        "many": ("secret-environ:\n" + "".join("  P%d: '%s'\n" % (i, good) for i in range(1000)), "secrets exceed 128 KiB"),
        "file": ("secret-environ-file: /config/nothere.yaml\n", "a/config/nothere.yaml: No such file"),
    }
    later = {
        "key": (seal(other, value), "sealed for another key than secrets-private-key"),
        "space": (seal(keyed.pub, value, "db"), "its namespace is none of secrets-namespaces"),
        "short": (good[:-8], "can't be opened: cut short, or changed"),
        "flip": (good[:60] + ("A" if good[60] != "A" else "B") + good[61:], "can't be opened"),
        "hash": (":".join([*good.split(":")[:3], short(b"x"), good.split(":")[4]]), "can't be opened"),
        "nul": (seal(keyed.pub, value + "\0"), "holds a NUL byte"),
    }
    for name, (text, _) in bad.items():
        keyed.shell("a", "exec sleep 1000", name=name, extra=text)
    for name, (text, _) in later.items():
        keyed.shell("a", "exec sleep 1000", name=name, extra="restart-timeout: 60\nsecret-environ: {PW: '%s'}\n" % text)
    for name, (_, want) in bad.items():
        reply = keyed.run("web.1", "a", config="/config/%s.yaml" % name)
        assert reply["code"] != 0 and want in reply["text"] and value not in reply["text"], (name, reply)
    keyed.sandbox("none", "default-user: 1000\nallow-users: [1-2000]\nroles: [web]\n")
    assert "a/config/key.yaml has secrets, and sandbox 'none' has no key for them" in \
        keyed.run("web.1", "a", sandbox="none", config="/config/key.yaml")["text"]
    # What runs goes on when what shall be in its place can't be opened.
    keyed.shell("a", "exec sleep 1000", name="good", extra="secret-environ: {PW: '%s'}\n" % good)
    init = keyed.up("web.1", "a", config="/config/good.yaml")["pid"]
    for name, (_, want) in later.items():
        reply = keyed.run("web.1", "a", config="/config/%s.yaml" % name)
        assert reply["code"] == 3 and "a/config/%s.yaml:5:22: secret-environ.PW: %s" % (name, want) in reply["text"], reply
    assert environ(app(init))["PW"] == value
    keyed.pids, keyed.audited = [init], []
    assert leaks(keyed, value) == []


def test_before_it_is_copied(keyed):
    """mesh check judges the file of secrets that a container file names, and says nothing of what is in it."""
    value, = values(1)
    keyed.sandbox("web", "image-dir: %s\n%s" % (keyed.images, (keyed.sandboxes / "web.yaml").read_text()))
    keyed.shell("a", "exec sleep 1000", extra="environ: {PW: x}\nsecret-environ-file: /data/more.yaml\n")
    (keyed.sandboxes.parent / "processes").mkdir()
    (keyed.sandboxes.parent / "processes/web.yaml").write_text("web: {image: a, config: /config/run.yaml}\n")

    def check(text):
        (keyed.images / "a/data/more.yaml").write_text(text)
        p = subprocess.run([BUILD / "mesh", "check", keyed.sandboxes.parent], capture_output=True, text=True, timeout=20)
        assert value not in p.stdout + p.stderr
        return p.stdout
    assert "error" not in check("A: %s\n" % seal(keyed.pub, value)).replace("0 errors", "")
    assert "a/data/more.yaml:1:4: A[0]: not a sealed secret" in check("A: %s\n" % value)
    assert "a/data/more.yaml:1:5: secret-environ.PW: environ has it too" in check("PW: %s\n" % seal(keyed.pub, value))
    keyed.shell("a", "exec sleep 1000", extra="secret-environ-file: /data/none.yaml\n")
    assert "a/data/none.yaml: No such file" in check("")


def test_the_key_is_roots_alone_and_read_anew(keyed):
    value, = values(1)
    keyed.shell("a", "exec sleep 1000", extra="restart-timeout: 0.1\nsecret-environ: {PW: '%s'}\n" % seal(keyed.pub, value))
    aside = keyed.top / "aside"
    keyed.key.rename(aside)
    def refuses(want):
        reply = keyed.run("web.1", "a")
        assert reply["code"] == 3 and "web.1: secrets-private-key: " in reply["text"] and want in reply["text"], reply

    refuses("%s: No such file" % keyed.key)
    keyed.key.symlink_to(aside)
    refuses("%s: refusing: a symbolic link" % keyed.key)
    keyed.key.unlink()
    os.mkfifo(keyed.key)
    refuses("refusing: not a regular file")
    keyed.key.unlink()
    aside.rename(keyed.key)
    keyed.key.chmod(0o640)
    refuses("refusing: uid 0, mode 0640; must be root's, with mode 0600 or 0400")
    keyed.key.chmod(0o600)
    os.chown(keyed.key, 1000, 0)
    refuses("refusing: uid 1000, mode 0600")
    os.chown(keyed.key, 0, 0)
    kept = keyed.key.read_bytes()
    keyed.key.write_bytes(kept[:200])
    refuses("a damaged OpenSSH private key")
    keyed.key.write_bytes(keyed.pub.read_bytes())
    refuses("not an OpenSSH private key")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "pass word", "-a", "1", "-f", keyed.top / "locked"], check=True)
    keyed.key.write_bytes((keyed.top / "locked").read_bytes())
    refuses("a key with a passphrase")
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", keyed.top / "ecdsa"], check=True)
    keyed.key.write_bytes((keyed.top / "ecdsa").read_bytes())
    refuses("not an ed25519 key")
    # Each start of one that was accepted reads it again.
    keyed.key.write_bytes(kept)
    init = keyed.up("web.70", "a")["pid"]
    another = keyed.top / "another"
    new_key(another)
    keyed.key.write_bytes(another.read_bytes())
    os.kill(init, 9)
    fails(keyed, "web.70", "a/config/run.yaml:5:22: secret-environ.PW: sealed for another key")
    keyed.key.write_bytes(another.read_bytes() + kept)
    init = keyed.event(kind="state", instance="web.70", state="running")["pid"]
    assert environ(app(init))["PW"] == value
