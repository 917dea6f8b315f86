"""The contract (scheduler-scripts/schema, as JSON Schema) against the C that checks a script's
output (plan_check), the C that packs its input (input_pack) and the Lua of mesh.check.
Prints ok / not ok lines."""
import copy
import json
import os
import re
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "golden"))
import meshscript as m  # noqa: E402

BUILD = os.path.join(ROOT, os.environ.get("B", "build"))
DRIVER = os.path.join(BUILD, "contract", "driver")
failed = 0

FULL = {
    "roles": {"web": {"version": "v1", "template": "web", "on_split": "replace", "update": {"max_unavailable": 2},
                      "vars": {"a": 1}}},
    "nodes": {"n1": {"vars": {"b": 1}, "roles": {"web": {"sandbox": "web", "version": "v2", "template": "web", "vars": {"c": 1}, "instances": {
        "web.1": {"process": "web", "image": "web-v1", "vars": {"port": 10044}}}}}}},
    "vars": {"d": 1}, "state": {"e": 1}, "query": {"load": "node_load1", "none": "sum(x)"},
    "changes": ["web.1: starts on n1"], "replies": {"n1.1": "done", "n1.2": {"ok": False, "text": "no role 'wbe'", "roles": ["web"]}}, "why": {"web.1": ["spread", "sticky"]},
    "errors": {"zzz": "it was a bad day"},
    "missing": [{"role": "web", "node": "n1", "image": "web-v9", "sandbox": "web9", "what": "a disk"}],
}
# What JSON Schema can't say: a place with instances needs its sandbox.
NEEDED = {("Place", "sandbox")}
# ... and what names a role needs that role.
NEEDED_BY_OTHERS = {("Output", "roles")}
WRONG = [5, -1, 1.5, "No Name!", True, [1], {"k": 1}, None]


def say(name, good, detail=""):
    global failed
    print(("ok " if good else "not ok ") + "contract " + name)
    if not good:
        failed = 1
        print("  " + str(detail)[:2000], file=sys.stderr)


def load(which):
    with open(os.path.join(ROOT, "scheduler-scripts", "schema", which + ".schema.json"), encoding="utf-8") as f:
        return json.load(f)


def is_type(v, name):
    number = isinstance(v, (int, float)) and not isinstance(v, bool)
    return {"object": isinstance(v, dict), "array": isinstance(v, list), "string": isinstance(v, str),
            "boolean": isinstance(v, bool), "number": number,
            "integer": number and float(v).is_integer()}[name]


class Schema:
    """As much of JSON Schema as the generator writes."""

    def __init__(self, which):
        self.root = load(which)
        self.defs = self.root["$defs"]
        self.seen = set()

    def why(self, s, v, path=""):
        """None, or what is wrong."""
        if "$ref" in s:
            name = s["$ref"].split("/")[-1]
            wrong = self.fields(name, v, path) if "properties" in self.defs[name] else self.why(self.defs[name], v, path)
            if wrong:
                return wrong
        if "anyOf" in s:
            all_of = [self.why(x, v, path) for x in s["anyOf"]]
            return None if None in all_of else all_of[0]
        if "enum" in s and v not in s["enum"]:
            return "%s: not one of %s" % (path, s["enum"])
        if "type" in s and not is_type(v, s["type"]):
            return "%s: no %s" % (path, s["type"])
        if "pattern" in s and not re.search(s["pattern"], v):
            return "%s: %s" % (path, s["pattern"])
        if len(v) > s["maxLength"] if "maxLength" in s else False:
            return "%s: too long" % path
        if ("minimum" in s and v < s["minimum"]) or ("maximum" in s and v > s["maximum"]):
            return "%s: out of range" % path
        return self.inside(s, v, path)

    def inside(self, s, v, path):
        if isinstance(v, list):
            if len(v) > s.get("maxItems", len(v)):
                return "%s: too many" % path
            for i, x in enumerate(v):
                wrong = "items" in s and self.why(s["items"], x, "%s[%d]" % (path, i + 1))
                if wrong:
                    return wrong
        if isinstance(v, dict):
            if len(v) > s.get("maxProperties", len(v)):
                return "%s: too many" % path
            for k, x in v.items():
                wrong = ("propertyNames" in s and self.why(s["propertyNames"], k, path + "." + k)) or (
                    isinstance(s.get("additionalProperties"), dict) and self.why(s["additionalProperties"], x, path + "." + k))
                if wrong:
                    return wrong
        return None

    def fields(self, name, v, path):
        c = self.defs[name]
        if not isinstance(v, dict):
            return "%s: no map" % path if v != [] else None
        for k in c["required"]:
            if k not in v:
                return "%s: %s is missing" % (path, k)
        for k, x in v.items():
            if k not in c["properties"]:
                if c["additionalProperties"] is False:
                    return "%s: unknown key %s" % (path, k)
                continue
            self.seen.add((name, k))
            wrong = self.why(c["properties"][k], x, path + "." + k)
            if wrong:
                return wrong
        return None

    def classes(self, s, v, path):
        """(class, path) of each map of a known class inside v."""
        if "$ref" in s:
            name = s["$ref"].split("/")[-1]
            if "properties" not in self.defs[name]:
                return
            yield name, path
            for k, x in v.items():
                if k in self.defs[name]["properties"]:
                    yield from self.classes(self.defs[name]["properties"][k], x, path + [k])
        for x in s.get("anyOf", []):
            if "$ref" in x and isinstance(v, dict):
                yield from self.classes(x, v, path)
            if isinstance(v, dict) and isinstance(x.get("additionalProperties"), dict):
                for k, y in v.items():
                    yield from self.classes(x["additionalProperties"], y, path + [k])
            if isinstance(v, list) and "items" in x:
                for i, y in enumerate(v):
                    yield from self.classes(x["items"], y, path + [i])


def at(v, path):
    for k in path:
        v = v[k]
    return v


def text(path):
    out = ""
    for k in path:
        out += "[%d]" % (k + 1) if isinstance(k, int) else ("." if out else "") + k
    return out


def changed(path, f):
    v = copy.deepcopy(FULL)
    f(at(v, path))
    return v


def bound(p):
    """The bounds of a property, wherever they stand: (maxLength, entries, minimum, maximum)."""
    inner = p.get("anyOf", [{}])[0]
    return p.get("maxLength"), inner.get("maxProperties", inner.get("maxItems")), p.get("minimum"), p.get("maximum")


def too_much(p, sample):
    """Values just beyond each bound of a property."""
    length, entries, low, high = bound(p)
    if length is not None:
        yield "a" * (length + 1)
    if entries is not None and isinstance(sample, dict):
        one = next(iter(sample.values()))
        yield {"k%d" % i: one for i in range(entries + 1)}
    if low is not None:
        yield low - 1
    if high is not None:
        yield high + 1


def cases(schema):
    """(name, output, expected start of the error, or None: it is taken)"""
    yield "as it is", FULL, None
    for name, path in schema.classes(schema.root, FULL, []):
        c, where = schema.defs[name], text(path)
        if c["additionalProperties"] is False:
            yield name + ": unknown key", changed(path, lambda v: v.update(zz=1)), (where, "unknown key 'zz'")
        for k, p in c["properties"].items():
            here = text(path + [k])
            if k not in at(FULL, path):
                say("%s.%s is tried" % (name, k), False, "FULL lacks it")
                continue
            if (name, k) in NEEDED_BY_OTHERS:
                continue
            needed = k in c["required"] or (name, k) in NEEDED
            yield "%s without %s" % (name, k), changed(path, lambda v, k=k: v.pop(k)), (
                (where, k + " is missing") if needed else None)
            for w in WRONG:
                wrong = schema.why(p, w) is not None
                if wrong:
                    yield "%s.%s = %s" % (name, k, json.dumps(w)), changed(path, lambda v, k=k, w=w: v.update({k: w})), (here, "")
            for w in too_much(p, at(FULL, path)[k]):
                yield "%s.%s beyond its bound" % (name, k), changed(path, lambda v, k=k, w=w: v.update({k: w})), (here, "")
            if any("maxItems" in x for x in p.get("anyOf", [])):
                if name not in ("Place",) and k not in ("roles",):
                    yield "%s.%s = {}" % (name, k), changed(path, lambda v, k=k: v.update({k: []})), None


def run_c(outputs):
    frames = b"".join(struct.pack(">I", len(b)) + b for b in map(m.pack, outputs))
    p = subprocess.run([DRIVER, "check"], input=frames, capture_output=True, timeout=60, check=True)
    return p.stdout.decode().splitlines()


def run_lua(outputs):
    """mesh.check of each, in the sandbox."""
    body = ("local check = require 'mesh.check'\nreturn {schedule = function(input) local out = {}\n"
            "for i, v in ipairs(input.cases) do out[i] = check('Output', v) or 'ok' end return {out = out} end}")
    out = []
    for i in range(0, len(outputs), 50):
        a = m.schedule(os.path.join(BUILD, "meshd-script"), body, {"cases": outputs[i:i + 50]})
        out += a["result"]["out"] if a["ok"] else [a["error"]] * 50
    return out


def output():
    schema = Schema("output")
    rows = list(cases(schema))
    # 8193 nodes of everything are too many bytes for a script's input.
    small = [i for i, r in enumerate(rows) if len(m.pack(r[1])) < 100000]
    said = run_c([r[1] for r in rows])
    lua = dict(zip(small, run_lua([rows[i][1] for i in small])))
    say("one line for each output", len(said) == len(rows), (len(said), len(rows)))
    bad = bad_lua = bad_schema = 0
    for i, (name, value, want) in enumerate(rows):
        if want is None:
            good = said[i] == "ok"
        else:
            good = said[i] != "ok" and said[i].startswith(want[0]) and want[1] in said[i]
        if not good:
            bad += 1
            print("  C: %s: %s, expected %s" % (name, said[i], want), file=sys.stderr)
        if i in lua and "null" not in name and (lua[i] == "ok") != (want is None):
            if "without sandbox" not in name and "= {}" not in name:
                bad_lua += 1
                print("  Lua: %s: %s, expected %s" % (name, lua[i], want), file=sys.stderr)
        if (schema.why(schema.root, value) is None) != (want is None) and "without sandbox" not in name:
            bad_schema += 1
            print("  schema: %s: %s, expected %s" % (name, schema.why(schema.root, value), want), file=sys.stderr)
    say("%d outputs: C refuses and takes what the contract does, each error with its path" % len(rows), bad == 0)
    say("mesh.check says the same", bad_lua == 0)
    say("the JSON Schema says the same", bad_schema == 0)


def input_():
    p = subprocess.run([DRIVER, "input"], input=m.pack(FULL), capture_output=True, timeout=60, check=False)
    if p.returncode != 0:
        say("an input is packed", False, p.stderr)
        return
    packed = m.unpack(p.stdout)
    schema = Schema("input")
    wrong = schema.why(schema.root, packed)
    say("what is packed is what the contract names", wrong is None, wrong)
    never = [(name, k) for name, c in schema.defs.items() if "properties" in c for k in c["properties"]
             if (name, k) not in schema.seen]
    say("what the contract names is packed", not never, never)
    a = m.schedule(os.path.join(BUILD, "meshd-script"),
                   "local check = require 'mesh.check'\nreturn {schedule = function(input)\n"
                   "return {why = check('Input', input) or 'ok'} end}", packed)
    say("mesh.check takes it", a.get("result") == {"why": "ok"}, a)


output()
input_()
sys.exit(failed)
