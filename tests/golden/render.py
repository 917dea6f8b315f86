"""mesh render ROLE --node N --scheduler DIR --input FILE: whole files, and the line of each mistake.
Prints ok / not ok lines."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MESH = os.path.join(ROOT, os.environ.get("B", "build"), "mesh")
failed = []
MAIN = """
return {schedule = function(input)
  local function part(port) return {sandbox = "web", vars = {port = port},
    instances = {["web." .. port] = {process = "web", image = "web-v1", vars = {}}}} end
  return {
    vars = {greeting = "of all"},
    roles = {web = {version = "v1", template = "web", on_split = "replace", vars = {greeting = "of the role"}},
             bare = {version = "v1", on_split = "keep"}, one = {version = "v1", template = "web", on_split = "keep"}},
    nodes = {n1 = {roles = {web = part(1)}}, n2 = {vars = {greeting = "of n2"}, roles = {web = part(2),
             bare = {sandbox = "web", instances = {}}}}, n3 = {roles = {one = part3}}},
  }
end}
""".replace("{one = part3}", '{one = {sandbox = "web", vars = {port = 3}, instances = {["one.1"] = {process = "web", image = "web-v1"}}}}')
RENDER = "files: {a.conf: {template: a.conf.tmpl}}\nprocesses: processes.yaml.tmpl\n"
CONF = "{{ greeting }}, {{ port }}\n{{ role.name }} {{ role.version }} on {{ node.name }} at {{ node.address }} in {{ node.zone }}\n"
INPUT = {"now": 1000, "self": "n1", "parents": [], "nodes": {
    f"n{i}": {"address": f"10.0.0.{i}", "zone": f"z{i}", "facts": {"images": ["web-v1"], "sandboxes": ["web"]}}
    for i in (1, 2, 3, 4)}}


def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def main():
    top = tempfile.mkdtemp(prefix="mesh-render.")
    conf, given = os.path.join(top, "templates/web/a.conf.tmpl"), os.path.join(top, "input.json")
    put(os.path.join(top, "scheduler-scripts/main.lua"), MAIN)
    put(os.path.join(top, "templates/web/render.yaml"), RENDER)
    put(os.path.join(top, "templates/web/processes.yaml.tmpl"), '{% include "mesh/processes.yaml.tmpl" %}')
    put(conf, CONF)
    put(given, json.dumps(INPUT))

    def render(*args, scripts=top):
        return subprocess.run([MESH, "--socket", "/nowhere", "render", *args, "--scheduler", scripts, "--input", given],
                              capture_output=True, text=True, timeout=60, check=False)

    def say(name, p, good):
        failed.extend([name] * (not good))
        print(f"ok render {name}" if good else f"not ok render {name}: exit {p.returncode}\n{p.stdout}{p.stderr}")

    def refused(name, line, *args, code=1, **kw):
        p = render(*args, **kw)
        say(name, p, p.returncode == code and p.stderr.startswith("mesh: " + line) and not p.stdout)

    p = render("web", "--node", "n2", "--json")
    files = json.loads(p.stdout or "{}")
    say("as n2 has it: its own variables, address and zone", p, p.returncode == 0 and files.get("node") == "n2" and
        files["files"]["a.conf"] == "of n2, 2\nweb v1 on n2 at 10.0.0.2 in z2\n" and
        '"web.2":' in files["files"]["processes.yaml"] and "web.1" not in files["files"]["processes.yaml"])
    p = render("web", "--node", "n1")
    say("another node, another text", p, p.returncode == 0 and
        p.stdout.startswith("==> a.conf <==\nof the role, 1\nweb v1 on n1 at 10.0.0.1 in z1\n\n==> processes.yaml <==\n"))
    p = render("one")
    say("the only node that has it needs no --node", p, p.returncode == 0 and "one v1 on n3 at 10.0.0.3" in p.stdout)
    p = render("web", "--node", "n1", "-o", "name")
    say("names alone", p, (p.returncode, p.stdout) == (0, "a.conf\nprocesses.yaml\n"))

    refused("no such role", "render: role 'wbe': not in the plan; did you mean 'web'?\n", "wbe", "--node", "n1")
    refused("no role like it", "render: role 'zzzzzz': not in the plan\n", "zzzzzz")
    refused("no such node", "render: node 'n22': not in the input; did you mean 'n2'?\n", "web", "--node", "n22")
    refused("not placed there", "render: role 'web': not on n3; the plan has it on n1, n2\n", "web", "--node", "n3")
    refused("which node", "render: role 'web': on which node? --node NODE: it is on n1, n2\n", "web")
    refused("nothing is rendered for it", "render: role 'bare': the plan names no template for it\n", "bare")
    refused("no name of a node", "--node: '../n1' ", "web", "--node", "../n1", code=64)
    refused("no such scripts", top + "/none: No such file or directory\n", "web", scripts=top + "/none", code=3)

    put(conf, CONF + "{{ prot }}\n")
    refused("a template's error has its place", "render: role 'web' on n1: web/a.conf.tmpl:3:", "web", "--node", "n1")
    put(conf, "{% if port == 2 %}{{ nothing.x }}{% end %}\n")
    refused("one that this node alone has", "render: role 'web' on n2: web/a.conf.tmpl:1:", "web", "--node", "n2")
    p = render("web", "--node", "n1")
    say("and no other node", p, p.returncode == 0)
    put(os.path.join(top, "templates/web/render.yaml"), "fils: {}\n")
    refused("render.yaml's error has its place", "render: role 'web' on n1: web/render.yaml:1:1: unknown key 'fils'",
            "web", "--node", "n1")
    put(os.path.join(top, "scheduler-scripts/main.lua"), "return {schedule = function() error('no') end}\n")
    refused("scripts that fail", "plan: main.lua:1: no", "web")
    put(given, "[1]")
    refused("an input that is none", given + ":1:1: no input of a round", "web")
    shutil.rmtree(top)


main()
sys.exit(1 if failed else 0)
