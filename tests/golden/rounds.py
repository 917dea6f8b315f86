"""rounds - recorded rounds, written here by the words of daemon/core/roundcode.h and not by the
engine's code, and run again by `mesh replay`."""
import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

import meshscript as m

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("B", "build"))
SCRIPT, MESH = os.path.join(BUILD, "meshd-script"), os.path.join(BUILD, "mesh")
ROUNDS = 100
failed = []
# All that could be another from process to process: order of keys, chance, addresses.
MAIN = """
local names = require "names"
return {schedule = function(input)
  local out, t = {}, {}
  for i = 1, 40 do t[names.of(i)] = math.random(1, 1000) end
  for k, v in pairs(t) do out[#out + 1] = k .. "=" .. v end
  for k in pairs(input.nodes) do out[#out + 1] = k end
  print("said", #out, math.random())
  return {roles = {}, nodes = {}, state = {out = out, n = input.n, x = math.random()}}
end}
"""
FILES = {"main.lua": MAIN, "names.lua": "return {of = function(i) return 'k' .. i * 7919 end}\n"}
# Within a role: an id that is none, and an error that the scripts caught themselves.
ROLES = """
local function place(role, id) return {[role] = {sandbox = role, instances = {[id] = {process = role, image = role}}}} end
return {schedule = function(input)
  local last = input.parents[1]
  local out = {roles = {one = {on_split = "keep"}}, nodes = {n1 = {roles = place("one", "one.1")}}}
  %s
  return out
end}
"""
KEEPS = {"main.lua": ROLES % ""}
BREAKS = ROLES % """
  out.roles = {one = {on_split = "keep"}, three = {on_split = "keep"}}
  out.nodes.n1 = {roles = place("one", "../x")}
  out.nodes.n2 = {roles = place("three", "three.1")}
  out.errors = {two = "main.lua:9: boom"}
"""
FAILS = {"main.lua": "return {schedule = function() error('no') end}\n"}


def blake(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def frame(data):
    """A zstd frame of raw blocks (RFC 8878)."""
    out = struct.pack("<IBI", 0xFD2FB528, 0xA0, len(data))
    for at in range(0, len(data), 1 << 17):
        part = data[at:at + (1 << 17)]
        out += struct.pack("<I", (at + len(part) == len(data)) | len(part) << 3)[:3] + part
    return out


def record(plain, index, code, flags=0, at_ms=1000):
    body = frame(plain)
    head = b"MRN1" + struct.pack("<IIIQII", len(body), len(plain), index, at_ms, flags, 0) + code
    return head + body + blake(head + body)


def binary(b):
    return b"\xc6" + struct.pack(">I", len(b)) + b


def plain(answer, result, given, fate=1):
    fields = [1, 64 << 20, 5000, 4 << 20, answer["ok"], 3, fate, "1.00000000.1",
              answer.get("error", ""), answer.get("excerpt", ""), answer.get("log", ""), "0.1.0"]
    return b"\x9e" + b"".join(map(m.pack, fields)) + binary(result) + binary(given)


def part_of(data, key):
    """A key's value in a packed map, as it is."""
    r = m.Reader(data)
    for _ in range(r.num("B") & 15):
        name, at = r.value(), r.at
        r.value()
        if name == key:
            return data[at:r.at]
    return b""


def once(files, i, parents=()):
    """One round as the engine asks it: (answer, result's bytes, input's bytes)."""
    given = m.pack({"n": i, "nodes": {f"n{k}": {} for k in range(20)}, "parents": list(parents)})
    request = b"\x86" + m.pack("mode") + m.pack("schedule") + m.pack("limits") + m.pack(
        {"heap": 64 << 20, "cpu_ms": 5000, "output": 4 << 20}) + m.pack("seed") + m.pack(
        struct.unpack("<Q", blake(given)[:8])[0] >> 1) + m.pack("files") + m.pack(files) + \
        m.pack("entry") + m.pack("main.lua") + m.pack("input") + given
    out = subprocess.run([SCRIPT], input=request, capture_output=True, timeout=20, check=True).stdout
    return m.unpack(out), part_of(out, "result"), given


def put(where, rounds, files):
    code = m.pack(files)
    with open(os.path.join(where, blake(code).hex() + ".code"), "wb") as f:
        f.write(record(code, 0, blake(code), 2))
    with open(os.path.join(where, "00000001.rounds"), "wb") as f:
        for i, one in enumerate(rounds):
            f.write(record(one, i, blake(code), i > 0, 1000 * (i + 1)))


def mesh(*args):
    return subprocess.run([MESH, *args], capture_output=True, text=True, timeout=300, check=False)


def say(name, ok, p):
    failed.extend([name] * (not ok))
    print(f"ok {name}" if ok else f"not ok {name}: exit {p.returncode}\n{p.stdout}{p.stderr}")


def rounds_of(where):
    os.mkdir(where)
    return where


def roles_that_fail(top):
    """What would be in force is shown, not what was said."""
    kept = rounds_of(os.path.join(top, "kept"))
    one = {"image": "one", "process": "one", "vars": {}}
    in_force = {"roles": {r: {"on_split": "keep", "vars": {}} for r in ("one", "two")}, "nodes": {"n1": {
        "vars": {}, "roles": {r: {"sandbox": r, "vars": {}, "instances": {f"{r}.1": one}} for r in ("one", "two")}}}}
    put(kept, [plain(*once(KEEPS, 1, [in_force]))], KEEPS)
    with open(os.path.join(rounds_of(os.path.join(top, "breaks")), "main.lua"), "w", encoding="utf-8") as f:
        f.write(BREAKS)
    p = mesh("replay", kept, "--scheduler", os.path.dirname(f.name))
    say("a role that fails keeps its part, and is named", p.returncode == 1 and
        "role one fails now, and keeps its part: nodes.n1.roles.one.instances" in p.stdout and
        "role two fails now, and keeps its part: main.lua:9: boom" in p.stdout and
        "+ three.1 on n2" in p.stdout and "one.1" not in p.stdout and "- two.1" not in p.stdout, p)
    with open(f.name, "w", encoding="utf-8") as f:
        f.write(ROLES % "out.nodes.zz = {roles = {}}")
    p = mesh("replay", kept, "--scheduler", os.path.dirname(f.name))
    say("what the host would refuse is no decision", p.returncode == 1 and
        "fails now: the host would refuse it: nodes.zz: no such node" in p.stdout, p)

    # What the host keeps of replies is no script's to say again.
    given = {"nodes": {"n1": {}}, "parents": [dict(in_force, replies={"n1.1": {"ok": False, "text": "no"}})]}
    with open(os.path.join(top, "input.json"), "w", encoding="utf-8") as g:
        json.dump(given, g)
    with open(f.name, "w", encoding="utf-8") as f:
        f.write("return {schedule = function(input)\n  return {roles = input.parents[1].roles, nodes = input.parents[1].nodes,\n"
                "    errors = {three = 'boom'}}\nend}\n")
    p = mesh("plan", "--input", g.name, "--scheduler", os.path.dirname(f.name))
    say("a plan with a role that fails", p.returncode == 1 and "plan: the same; 1 role fails\n" in p.stdout and
        "note: role three failed, and has none to keep: boom\n" in p.stdout, p)
    with open(f.name, "w", encoding="utf-8") as f:
        f.write("return {schedule = function(input)\n  return {roles = input.parents[1].roles, nodes = input.parents[1].nodes}\nend}\n")
    p = mesh("plan", "--input", g.name, "--scheduler", os.path.dirname(f.name), "-o", "json")
    told = json.loads(p.stdout)
    say("a plan after an operator's action is the same", p.returncode == 0 and
        (told["changes"], told["failed"], told["files"]) == ([], [], []), p)


def main():
    top = tempfile.mkdtemp(prefix="mesh-rounds.")
    good = rounds_of(os.path.join(top, "good"))
    all_of = [plain(*once(FILES, i)) for i in range(ROUNDS)]
    put(good, all_of, FILES)
    p = mesh("replay", good)
    say(f"{ROUNDS} processes, the same bytes", p.returncode == 0 and
        f"{ROUNDS} rounds: {ROUNDS} gave the same bytes, 0 otherwise" in p.stdout, p)

    answer, result, given = once(FAILS, 1)
    bad = rounds_of(os.path.join(top, "failing"))
    put(bad, [plain(answer, result, given, 2)], FAILS)
    p = mesh("replay", bad)
    say("a round that failed fails again", p.returncode == 0, p)

    other = rounds_of(os.path.join(top, "other"))
    answer, result, given = once(FILES, 1)
    put(other, [plain(answer, result.replace(b"k7919", b"k7918"), given), all_of[1]], FILES)
    p = mesh("replay", other)
    say("another byte is told", p.returncode == 1 and "plan state: state.out" in p.stdout and
        "1 otherwise" in p.stdout, p)
    p = mesh("replay", other, "--since", "1970-01-01T00:00:02", "--json")
    say("from a time on", p.returncode == 0 and json.loads(p.stdout)["rounds"] == 1, p)

    roles_that_fail(top)
    with open(os.path.join(good, "00000001.rounds"), "rb") as f:
        data = f.read()
    for name, text in (("cut short", data[:-7]), ("a byte flipped", data[:5000] + b"~" + data[5001:])):
        with open(os.path.join(other, "00000001.rounds"), "wb") as f:
            f.write(text)
        p = mesh("replay", other)
        say(f"a file, {name}: what is before it", p.returncode == 0 and "otherwise" in p.stdout and
            "00000001.rounds: it ends before its end" in p.stderr, p)
    os.truncate(os.path.join(other, "00000001.rounds"), 0)
    for where in (other, "/etc"):
        p = mesh("replay", where)
        say(f"no rounds in {os.path.basename(where)}", p.returncode == 2 and "no round is recorded there" in p.stderr, p)
    with open(os.path.join(other, "00000001.rounds"), "wb") as f:
        f.write(data)
    for name in os.listdir(other):
        if name.endswith(".code"):
            os.remove(os.path.join(other, name))
    p = mesh("replay", other)
    say("without scripts", p.returncode == 2 and f"{ROUNDS} without their scripts" in p.stdout, p)
    p = mesh("replay", os.path.join(top, "none"))
    say("no directory", p.returncode == 2 and "none: No such file" in p.stderr, p)
    shutil.rmtree(top)


main()
sys.exit(1 if failed else 0)
