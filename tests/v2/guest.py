"""Container tests in a machine with cgroup v2 alone, and systemd as pid 1.

    guest.py [ARGUMENT OF PYTEST...]

QEMU, Debian's kernel, and this host's root read-only (9p), so that the guest has the
programs that were built here, Python and the compiler.  Its /tmp is an empty ext4.
SECONDS_MAX bounds the tests; the console is all that is printed.
"""
import collections
import ctypes
import functools
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "build/v2"
SECONDS = int(os.environ.get("SECONDS_MAX", "1500"))
BOOT_SECONDS = 120
WANTED = ("virtio_pci", "virtio_blk", "9pnet_virtio", "9p", "crc32c_generic", "ext4", "loop", "erofs", "squashfs",
          "af_alg", "vsock", "bridge", "veth")
CONTAINERS = ("limits", "life", "crash", "fence", "exec", "audit", "start", "isolation", "escape", "escape_devices", "escape_exec",
              "upgrade", "weaker", "notify")
FILES = ["tests/v2/test_systemd.py", *("tests/containers/test_%s.py" % name for name in CONTAINERS)]
# Without KVM the guest is some fifteen times slower: too slow for the deadlines of these.
SLOW = ["fence.py::test_killed_at_each_step", "audit.py::test_one_that_ends_meanwhile", "escape_exec.py::test_no_program_of_the_host",
        "steps.py::test_boot", "volumes.py::test_killed_at_each_step_of_a_start", "world.py::test_logs_rotate_within_their_limit"]


def modules(kernel):
    """Paths of these and of what they need, in an order in which they can be loaded."""
    there = {p.name[:-3].replace("-", "_"): p for p in kernel.glob("lib/modules/*/kernel/**/*.ko")}
    order = []

    def take(name):
        path = there[name]
        needs = re.search(rb"\0depends=([^\0]*)", path.read_bytes())
        for need in filter(None, needs[1].decode().split(",") if needs else []):
            take(need.replace("-", "_"))
        if path not in order:
            order.append(path)
    for name in WANTED:
        take(name)
    return order


def initrd(kernel, top):
    for d in ("bin", "mod", "proc", "sys", "dev", "root"):
        (top / d).mkdir(parents=True)
    shutil.copy("/bin/busybox", top / "bin/busybox")
    os.symlink("busybox", top / "bin/sh")
    shutil.copy(ROOT / "tests/v2/init.sh", top / "init")
    (top / "init").chmod(0o755)
    order = modules(kernel)
    for p in order:
        shutil.copy(p, top / "mod" / p.name)
    (top / "modules").write_text("\n".join(p.stem for p in order) + "\n")
    out = top.parent / "initrd"
    with open(out, "wb") as f:
        subprocess.run("find . | busybox cpio -o -H newc", shell=True, cwd=top, stdout=f, stderr=subprocess.DEVNULL, check=True)
    return out


def disk(top, files):
    """The guest's /tmp: images and volumes are there, and ids can be mapped on it."""
    (top / "tmp").mkdir()
    for name, text in files.items():
        (top / "tmp" / name).write_text(text)
    out = top / "disk"
    with open(out, "wb") as f:
        f.truncate(2 << 30)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-d", top / "tmp", out], check=True)
    return out


def accelerator():
    """KVM only where the CPU has it: there may be a /dev/kvm that starts nothing."""
    if re.search(r"^flags.* (svm|vmx) ", pathlib.Path("/proc/cpuinfo").read_text(), re.M) and os.access("/dev/kvm", os.W_OK):
        return ["-accel", "kvm", "-cpu", "host"]
    return ["-accel", "tcg,thread=multi,tb-size=512", "-cpu", "qemu64"]


def main(what):
    kernel = HERE / "kernel"
    if not kernel.is_dir() or not shutil.which("qemu-system-x86_64"):
        sys.exit("v2: no kernel or no qemu: make deps-v2")
    with tempfile.TemporaryDirectory(prefix="mesh-v2-") as d:
        top = pathlib.Path(d)
        argv = ["qemu-system-x86_64", *accelerator(), "-m", "1536", "-smp", "2", "-nodefaults", "-no-user-config",
                "-display", "none", "-serial", "stdio", "-no-reboot",
                "-kernel", next(kernel.glob("boot/vmlinuz-*")), "-initrd", initrd(kernel, top / "initramfs"),
                "-append", "console=ttyS0 loglevel=2 panic=-1 cgroup_no_v1=all psi=1 mitigations=off nokaslr tsc=reliable systemd.show_status=0 systemd.log_color=0",
                "-drive", "file=%s,if=virtio,format=raw,cache=unsafe" % disk(top, {
                    "what": shlex.join(asked(what)), "seconds": str(SECONDS)})]
        for tag, path in (("root", "/"), ("mesh", ROOT)):
            argv += ["-fsdev", "local,id=%s,path=%s,security_model=none,readonly=on,multidevs=remap" % (tag, path),
                     "-device", "virtio-9p-pci,fsdev=%s,mount_tag=%s" % (tag, tag)]
        return run(argv)


def asked(what):
    """Arguments of pytest."""
    slow = [] if accelerator()[1] == "kvm" else SLOW
    return ["--deselect=tests/containers/test_" + name for name in slow] + (what or FILES)


def run(argv):
    """Its console is ours; it ends when we do, and after BOOT_SECONDS more than its tests may take."""
    start, code, last = time.monotonic(), None, collections.deque(maxlen=40)
    die_with_us = functools.partial(ctypes.CDLL(None).prctl, 1, signal.SIGKILL)
    qemu = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=die_with_us)
    signal.signal(signal.SIGALRM, lambda *_: qemu.kill())
    signal.alarm(SECONDS + BOOT_SECONDS)
    try:
        for line in qemu.stdout:
            line = line.decode(errors="replace").rstrip()
            print(line, flush=True)
            last.append(line)
            if m := re.search(r"v2: exit (\d+) after", line):
                code = int(m[1])
    finally:
        qemu.kill()
        qemu.wait()
    if code is None:
        print("not ok v2: the guest ended after %d s without a word; its last:" % (time.monotonic() - start))
        print("\n".join("  problem: " + line for line in last))
    return 1 if code is None else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
