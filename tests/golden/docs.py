"""docs - the examples of README.md and some pages of doc/, fed to the real programs."""
import glob
import os
import re
import subprocess
import tempfile

import meshscript

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONF = os.path.join(ROOT, os.environ.get("B", "build"), "meshd-conf")
SCRIPT = os.path.join(ROOT, os.environ.get("B", "build"), "meshd-script")
# Section of the guide -> kind of file whose keys its table lists.
TABLES = {"mesh.yaml": "daemon", "Sandboxes": "sandbox", "Container files": "container",
          "processes.yaml": "processes"}


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as f:
        return f.read()


def say(name, error):
    print(f"not ok {name}: {error}" if error else f"ok {name}")


def conf(kind, text):
    """The error line of meshd-conf, or nothing."""
    p = subprocess.run([CONF, kind, kind], input=text.encode(), check=False,
                       capture_output=True, timeout=20)
    return None if p.returncode == 0 else p.stderr.decode().strip() or f"exit {p.returncode}"


def kind_of(block):
    if "executable:" in block:
        return "container"
    return "sandbox" if "allow-users:" in block else "render"


def blocks(name, language):
    return re.findall(rf"```{language}\n(.*?)```", read(name), re.S)


def examples():
    for name in ("README.md", "doc/network.md", "doc/templates.md"):
        found = blocks(name, "yaml")
        if not found:
            say(f"{name} yaml", "no example found")
        for i, block in enumerate(found):
            say(f"{name} example {i + 1} ({kind_of(block)})", conf(kind_of(block), block))


def nested(key):
    """a.b as YAML; a value of no type, so that only the key itself is judged."""
    parts = key.split(".")
    return "\n".join("  " * i + p + ":" for i, p in enumerate(parts)) + " null\n"


def treated():
    """The guide's table of lithos' keys: each is known to the kinds it names."""
    body = read("doc/guide.md").split("\n## From lithos\n")[1].split("\n## ")[0]
    for names, kinds in re.findall(r"^\| (`[^|]*) \| ([a-z, ]*) \|", body, re.M):
        for key in re.findall(r"`([a-z-]+)`", names):
            for kind in kinds.split(", "):
                bad = re.search("unknown key|not supported", conf(kind, nested(key)) or "")
                if bad and len(kinds.split(", ")) > 1:  # of one of them, then
                    bad = all(re.search("unknown key|not supported", conf(k, nested(key)) or "")
                              for k in kinds.split(", "))
                say(f"guide From lithos: {kind} {key}", f"{kind} refuses {key}" if bad else None)


def keys():
    for title, kind in TABLES.items():
        body = read("doc/guide.md").split(f"\n## {title}\n")[1].split("\n## ")[0]
        rows = re.findall(r"^\| (`[^|]*) \|", body, re.M)
        if not rows:
            say(f"guide {title}", "no table found")
        for key in re.findall(r"`([a-z.-]+)`", "\n".join(rows)):
            text = nested(key)
            if kind == "processes":
                text = "x:\n" + "".join(f"  {row}\n" for row in text.splitlines())
            error = conf(kind, text) or ""
            bad = re.search("unknown key|not supported", error)
            say(f"guide {title}: {key}", error if bad else None)


def node(address):
    return {"address": address, "state": "alive", "reported": True,
            "facts": {"images": ["web-v1", "front-v1"], "sandboxes": ["front", "web"]}}


def scheduler():
    """The README's scheduler, on three nodes: 4 web spread out, a front on each."""
    nodes = {f"h{i}": node(f"10.0.0.{i}") for i in (1, 2, 3)}
    given = {"now": 1, "self": "h1", "nodes": nodes, "running": {}, "roles": {}, "parents": [],
             "side": {"grade": "full", "visible": 3, "known": 3, "lost": [], "term": 1}}
    answer = meshscript.schedule(SCRIPT, blocks("README.md", "lua")[0], given)
    if not answer.get("ok") or answer["result"].get("errors"):
        say("README scheduler", answer.get("error") or answer["result"]["errors"])
        return
    on = answer["result"]["nodes"]
    count = [len(on[n]["roles"]["web"]["instances"]) for n in nodes]
    fronts = [list(on[n]["roles"]["front"]["instances"]) for n in nodes]
    say("README scheduler", None if sorted(count) == [1, 1, 2] and
        fronts == [["front.h1"], ["front.h2"], ["front.h3"]] else f"{count} {fronts}")


def template():
    given = {"vars": {"page": "a < b"}, "schedule": {}, "node": {"name": "h2"},
             "role": {"name": "web"}, "instances": {}, "deployment": {}}
    answer = meshscript.render(SCRIPT, {"x.tmpl": blocks("README.md", "html")[0]},
                               {"x": "x.tmpl"}, given)
    want = "<h1>a &lt; b</h1>\n<p>served by h2</p>\n"
    say("README template", None if answer.get("result", {}).get("x") == want else str(answer))


def guide_output():
    """The plain tables of the guide are a schedule that serialises."""
    table = blocks("doc/guide.md", "lua")[1]
    answer = meshscript.schedule(
        SCRIPT, "return {schedule = function() return " + table + " end}", {})
    say("guide's plain tables", None if answer.get("ok") else answer.get("error"))


def images():
    """The guide's two images, made below another directory: program, its
    container file, and every directory that is mounted over."""
    with tempfile.TemporaryDirectory() as top:
        for block in blocks("doc/guide.md", "sh"):
            if "/var/lib/mesh/images/" not in block:
                continue
            text = block.replace("/var/lib/mesh/images", top).replace(
                "/usr/local/share/mesh", ROOT)
            p = subprocess.run(["sh", "-eu"], input=text, text=True, check=False,
                               capture_output=True, cwd=top, timeout=60)
            say("guide's image", p.stderr)
        for image, program, config in (("web-v1", "bin/busybox", "web.yaml"),
                                       ("front-v1", "usr/sbin/haproxy", "haproxy.yaml")):
            for part in (program, f"config/{config}", "dev", "proc", "sys", "tmp", "rendered"):
                there = os.path.exists(os.path.join(top, image, part))
                say(f"guide's image {image}: {part}", None if there else "is missing")


def spelled(text):
    """The names that one word of the table stands for: node_{a,b}_x{label}."""
    text = re.sub(r"(?<=[a-z0-9*])\{[^}]*\}$", "", text)  # labels
    names = [""]
    for part in re.split(r"(\{[^}]*\})", text):
        every = part[1:-1].split(",") if part.startswith("{") else [part]
        names = [n + e for n in names for e in every]
    return names


def patterns():
    """(as the table says it, patterns of which each or one must be in the code), of each word."""
    table = read("doc/metrics.md").split("| families |")[1].split("\n\n")[0]
    out = []
    for row in table.splitlines()[2:]:
        base = ""
        for word in re.findall(r"`([^`]+)`", row.split("|")[1]):
            if not re.match(r"(node|container|mesh|_)", word):
                continue  # labels, told apart
            for name in spelled(word):
                if not name.startswith("_"):
                    base = name
                    out.append((name, [name]))
                    continue
                parts = base.split("_")
                out.append((name, ["_".join(parts[:n]) + name for n in range(1, len(parts))]))
    return [(word, [re.escape(p).replace(r"\*", "[A-Za-z0-9_*%]*") for p in some]) for word, some in out]


def measured():
    """Each family that the code makes is in the table of doc/metrics.md, and the other way around."""
    names = set()
    for path in glob.glob(os.path.join(ROOT, "daemon/io/collect*.c")) + glob.glob(os.path.join(ROOT, "daemon/core/procfs*.c")):
        names |= set(re.findall(r'"((?:node|container|mesh)_[A-Za-z0-9_*%]+)"', read(os.path.relpath(path, ROOT))))
    known = patterns()
    fits = {name: {word for word, some in known for p in some if re.fullmatch(p, name) or
                   re.fullmatch(re.escape(name).replace(r"\*", "[A-Za-z0-9_*]+"), word)} for name in names}
    none = [name for name in sorted(names) if not fits[name]]
    idle = [word for word, _ in known if word not in set().union(*fits.values())]
    say(f"doc/metrics.md: {len(names)} families", f"not in its table: {', '.join(none)}" if none else None)
    say(f"doc/metrics.md: {len(known)} words", f"no collector has such a name: {', '.join(idle)}" if idle else None)
    if len(names) < 150 or len(known) < 100:
        say("doc/metrics.md", "its table, or the names of collectors, are not found any more")


examples()
images()
measured()
keys()
treated()
scheduler()
template()
guide_output()
