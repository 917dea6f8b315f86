"""images - the two images of the demo, made from what this host has.

web is a static busybox; front is Debian's haproxy with the libraries that ldd
names.  An image is a directory, or one made into a file, read-only for its containers,
so every mount point must be in it.
"""
import os
import re
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIGS = os.path.join(os.path.dirname(HERE), "demo", "images")
MOUNT_POINTS = ("dev", "proc", "sys", "tmp", "run", "rendered")


def copy(source, root, target=None):
    path = os.path.join(root, (target or source).lstrip("/"))
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    shutil.copyfile(source, path)
    os.chmod(path, 0o755)


def empty(images, name):
    root = os.path.join(images, name)
    for sub in MOUNT_POINTS + ("config", "etc"):
        os.makedirs(os.path.join(root, sub), mode=0o755)
    with open(os.path.join(root, "etc/passwd"), "w", encoding="ascii") as f:
        f.write("root:x:0:0::/:\nweb:x:1000:1000::/:\nhaproxy:x:1001:1001::/:\n")
    return root


def container_file(root, name):
    target = os.path.join(root, "config", name)
    shutil.copyfile(os.path.join(CONFIGS, name), target)
    os.chmod(target, 0o644)


def into_file(root):
    """The image becomes a file; its name stays what schedules call it."""
    subprocess.run(["mkfs.erofs", "--quiet", "--all-root", root + ".erofs", root], stdout=subprocess.DEVNULL, check=True)
    shutil.rmtree(root)


def make_web(images, name="web-v1"):
    root = empty(images, name)
    copy("/bin/busybox", root, "/bin/busybox")
    container_file(root, "web.yaml")
    container_file(root, "httpd.conf")
    return root


def make_front(images, name="front-v1"):
    root = empty(images, name)
    copy("/usr/sbin/haproxy", root)
    out = subprocess.run(["ldd", "/usr/sbin/haproxy"], capture_output=True,
                         text=True, check=True).stdout
    for library in re.findall(r"(/\S+)", out):
        copy(library, root)
    container_file(root, "haproxy.yaml")
    container_file(root, "haproxy-check.yaml")
    return root
