#!/usr/bin/python3
"""tidy - the rules of the house, held by a program instead of by memory.

A folder says what its code may do (ARCHITECTURE.md, "direction"): this reads
every source and checks who includes whom, which outside library each room may
see, that the pure rooms (gossip/, daemon/core/) stay pure by their headers and
by the symbols of their objects, and the sizes that keep the house readable.

usage: tidy.py ROOT      prints FILE:LINE: what is wrong; exits 1 if anything is
"""
import ast
import os
import re
import subprocess
import sys

FILE_LINES, FUNC_LINES, HEADER_LINES, MAKE_LINES = 600, 70, 130, 130
PAGE_LINES = 150
SKIP_DIRS = {".git", "__pycache__", ".vagga", ".pytest_cache"}
# Data that tests feed to the programs, wrong on purpose.
DATA = re.compile(r"^tests/(golden/[^/]+/|fuzz/corpus/)")

BASE = ["daemon/base/", "gossip/base.h"]
# Room -> what it may include besides itself.
MAY = {
    "gossip": [],
    "daemon/base": ["gossip/base.h", "gossip/mp.h"],
    "daemon/core": BASE + ["gossip/"],
    "daemon/io": BASE + ["gossip/", "daemon/core/"],
    "daemon/cli": BASE + ["gossip/", "daemon/core/", "daemon/io/"],
    "daemon/script": BASE + ["gossip/mp.h", "gossip/mpw.h"],
    "daemon/conf": BASE + ["daemon/core/lifecycle.h"],
    "daemon/http": BASE + ["gossip/mp.h", "gossip/mpw.h", "daemon/core/blob.h"],
    "daemon/supervisor": BASE + ["daemon/core/lifecycle.h"],
    "daemon/init": BASE + ["daemon/core/lifecycle.h"],
    "tests/sim": ["gossip/"],
    "tests/fuzz": ["gossip/", "daemon/"],
    "tests/bench": ["gossip/", "daemon/"],
    "tests/containers": BASE,
    "tests/cluster": BASE,
    "tests/shared": ["gossip/"],
}
# What tests of every room may include: it sees what the innermost room sees.
SHARED = "tests/shared/"
# Outside library -> the rooms that may see it; a test sees what its room sees.
LIBS = {
    r"uv\.h": ["daemon/io"],
    r"sodium\.h|sodium/.*": ["daemon/io", "daemon/conf", "tests/sim"],
    r"lmdb\.h": ["daemon/io"],
    r"zstd\.h": ["daemon/io"],
    r"lua\.h|lualib\.h|lauxlib\.h|lua5\.4/.*": ["daemon/script"],
    r"yaml\.h": ["daemon/conf"],
    r"jansson\.h": ["daemon/cli"],
    r"pcre2\.h": ["daemon/core"],
    r"microhttpd\.h": ["daemon/http"],
    r"seccomp\.h": ["daemon/supervisor", "daemon/script", "daemon/conf",
                    "daemon/io", "daemon/http"],
    r"msgpack(\.h|/.*)": ["gossip", "daemon/core", "daemon/io", "daemon/cli",
                          "daemon/script", "daemon/base", "tests/sim",
                          "tests/fuzz"],
}
PURE = ["gossip", "daemon/core"]
PURE_HEADERS = {"assert.h", "ctype.h", "errno.h", "inttypes.h", "limits.h",
                "math.h", "msgpack.h", "pcre2.h", "stdarg.h", "stdbool.h",
                "stddef.h", "stdint.h", "stdlib.h", "string.h"}
# What an object of a pure room may ask of the world: memory it was given,
# assertions, msgpack.  Anything else is a clock, a file or a thread in disguise.
PURE_SYMBOLS = re.compile(
    r"(bcmp|mem(cpy|move|set|cmp|chr|rchr|mem)|explicit_bzero|_?_?stack_chk_fail"
    r"|str(n?len|n?cmp|n?casecmp|n?cpy|chr|rchr|chrnul|spn|cspn|str|pbrk)"
    r"|stpn?cpy|__(mem|st[rp])\w+_chk|__assert_fail|msgpack_\w+"
    r"|_GLOBAL_OFFSET_TABLE_|__ctype_\w+_loc)$")
ALLOC = re.compile(r"(malloc|calloc|realloc|reallocarray|free)$")
CORE_SYMBOLS = re.compile(
    r"(v?snprintf|__v?snprintf_chk|qsort|bsearch|strn?dup|strto(u?ll?|d)"
    r"|__isoc\w+_strto(u?ll?)|(f?abs|floor|ceil|round|pow|exp|log|fmod|sqrt)"
    r"|__errno_location|__is(nan|inf|finite)|pcre2_\w+_8)$")

problems = []


def say(path, line, text):
    problems.append(f"{path}:{line}: {text}")


def walk(root):
    for folder, dirs, files in os.walk(root):
        rel = os.path.relpath(folder, root)
        dirs[:] = sorted(d for d in dirs if d not in SKIP_DIRS
                         and not (rel == "." and re.match(r"build(-|$)", d)))
        for name in sorted(files):
            yield os.path.normpath(os.path.join(rel, name))


def room_of(path):
    """The room whose rules hold for a file: a test has those of what it tests."""
    part = path.split("/")
    if path.startswith("tests/unit/") and len(part) > 3:
        return "gossip" if part[2] == "gossip" else "daemon/" + part[2]
    for n in (2, 1):
        if "/".join(part[:n]) in MAY:
            return "/".join(part[:n])
    return None


def check_include(root, path, line, form, name):
    room = room_of(path)
    test = path.startswith("tests/")
    if room is None:
        return
    if form == "<":
        for pattern, rooms in LIBS.items():
            if re.fullmatch(pattern, name) and room not in rooms:
                say(path, line, f"<{name}> belongs to {', '.join(rooms)} only")
        if room not in PURE or test or re.match(r"msgpack/", name):
            return
        if name not in PURE_HEADERS | ({"stdio.h"} if room != "gossip" else set()):
            say(path, line, f"<{name}> in {room}/: a pure room sees no fd, "
                "clock, thread or library")
        return
    target = os.path.normpath(os.path.join(os.path.dirname(path), name))
    if not os.path.exists(os.path.join(root, target)):
        if os.path.exists(os.path.join(root, name)):
            target = os.path.normpath(name)
        else:
            return  # the compiler says it better, or it is generated
    own = [room + "/", os.path.dirname(path) + "/"] + [SHARED] * test
    if not any(target.startswith(p) for p in own + MAY.get(room, [])):
        say(path, line, f"includes {target}: {room}/ may include only its own "
            f"files{''.join(', ' + p for p in MAY.get(room, []))}")


def check_c(root, path, lines):
    name = None
    for n, text in enumerate(lines, 1):
        m = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', text)
        if m:
            check_include(root, path, n, m.group(1), m.group(2))
        if re.match(r"\s*typedef\s+(struct|union|enum)\b", text):
            say(path, n, "typedef of a struct: say 'struct x'")
        if re.match(r"\s*goto\s+\w+\s*;", text):
            say(path, n, "goto: return early, own by AUTO_CLOSE / AUTO_FREE")
        if re.match(r"\s*#\s*define\s+NDEBUG", text):
            say(path, n, "NDEBUG: assertions are part of the product")
        m = re.match(r"(?:[\w*]+[\s*]+)*(\w+)\(", text)
        if m:
            name = (m.group(1), n)
        if text.startswith("}") and name and name[0]:
            length = n - name[1] + 1
            if length > FUNC_LINES and name[2:]:
                say(path, name[1], f"function {name[0]} has {length} lines, "
                    f"limit {FUNC_LINES}")
            name = None
        if text == "{" and name:
            name = (name[0], name[1], True)
    if not lines or not lines[0].startswith("/*"):
        say(path, 1, "starts without a comment that says what it is and why")


def check_python(path, lines):
    try:
        tree = ast.parse("\n".join(lines))
    except SyntaxError as e:
        return say(path, e.lineno or 1, f"not Python: {e.msg}")
    if ast.get_docstring(tree) is None:
        say(path, 1, "starts without a docstring that says what it is and why")
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            length = node.end_lineno - node.lineno + 1
            if length > FUNC_LINES:
                say(path, node.lineno, f"function {node.name} has {length} "
                    f"lines, limit {FUNC_LINES}")
    return None


def check_blocks(path, lines, start, end):
    """Functions of Lua and shell: from the head to an end as deep as the head."""
    head = None
    for n, text in enumerate(lines, 1):
        m = re.match(start, text)
        if m and head is None and not re.search(r"\bend\b|\}\s*$", text):
            head = (n, m.group(1), m.group(2))
        elif head and re.match(re.escape(head[1]) + end, text):
            if n - head[0] + 1 > FUNC_LINES:
                say(path, head[0], f"function {head[2]} has {n - head[0] + 1} "
                    f"lines, limit {FUNC_LINES}")
            head = None
    if not any(re.match(r"#|--", t) for t in lines[:3] if t[:2] != "#!"):
        say(path, 1, "starts without a comment that says what it is and why")


def check_text(path, lines):
    make = path.endswith(("Makefile", ".mk"))
    limit = MAKE_LINES if make else FILE_LINES
    if len(lines) > limit:
        say(path, limit + 1, f"file has {len(lines)} lines, limit {limit}")
    if path.endswith(".h"):
        # A contract is allowed its words: only declarations count.
        code = re.sub(r"/\*.*?\*/", "", "\n".join(lines), flags=re.S)
        lines_of_code = sum(1 for t in code.split("\n") if t.strip())
        if lines_of_code > HEADER_LINES:
            say(path, 1, f"header has {lines_of_code} lines besides comments, "
                f"limit {HEADER_LINES}")
    for n, text in enumerate(lines, 1):
        if text != text.rstrip():
            say(path, n, "space at the end of the line")
        if re.search(r"\b(TODO|FIX" r"ME|XX" r"X)\b", text) and \
                not path.startswith("tests/tidy/"):
            say(path, n, "a note to self: do it, or write an issue")
        if re.match(r"(<<<<<<<|>>>>>>>) ", text):
            say(path, n, "two changes met here: say what both mean")
        if "-DNDEBUG" in text and not path.startswith("tests/tidy/"):
            say(path, n, "NDEBUG: assertions are part of the product")


def check_page(root, path, lines):
    """A map that names what is not there is worse than none."""
    if path == "ARCHITECTURE.md" and len(lines) > PAGE_LINES:
        say(path, PAGE_LINES + 1, f"the map has {len(lines)} lines, limit "
            f"{PAGE_LINES}")
    for n, text in enumerate(lines, 1):
        for name in re.findall(r"`((?:gossip|daemon|tests|scheduler-scripts|"
                               r"templates|lithos-configs|packaging|doc)/"
                               r"[\w./-]*)`", text):
            if not os.path.exists(os.path.join(root, name)):
                say(path, n, f"names {name}, which does not exist")


def symbols(obj):
    out = subprocess.run(["nm", obj], capture_output=True, text=True,
                         check=False).stdout
    undefined, defined = [], []
    for row in out.splitlines():
        kind, name = row.split()[-2:]
        (undefined if kind in "Uw" else defined).append(name)
    return undefined, defined


def check_objects(root):
    """The linker's view: what the objects of the pure rooms ask for."""
    for build in ("build", "build-clang"):
        found = {}
        for room in PURE:
            folder = os.path.join(root, build, "o", room)
            for name in sorted(os.listdir(folder) if os.path.isdir(folder) else []):
                source = os.path.join(root, room, name[:-2] + ".c")
                obj = os.path.join(folder, name)
                if name.endswith(".o") and os.path.exists(source) and \
                        os.path.getmtime(obj) >= os.path.getmtime(source):
                    found[f"{room}/{name[:-2]}.c"] = symbols(obj)
        inside = {s for _, defined in found.values() for s in defined}
        inside |= declared(root)
        for path, (undefined, defined) in found.items():
            core = path.startswith("daemon/")
            makes = core or any(re.search(r"_(new|free|init|fini)$", s) for s in defined)
            for s in undefined:
                if s in inside or PURE_SYMBOLS.match(s) or \
                        core and CORE_SYMBOLS.match(s) or \
                        makes and ALLOC.match(s):
                    continue
                why = "allocates outside a _new or _init" if ALLOC.match(s) else \
                    "no fd, clock, randomness or output in a pure room"
                say(path, 1, f"its object uses '{s}': {why}")


def declared(root):
    """Our own functions, by the headers: an object not built yet defines them."""
    names = set()
    for room in PURE + ["daemon/base"]:
        folder = os.path.join(root, room)
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            if name.endswith(".h"):
                with open(os.path.join(folder, name), encoding="utf-8") as f:
                    names |= set(re.findall(r"\b(\w+)\(", f.read()))
    return {n for n in names if "_" in n}


def main(root):
    count = 0
    for path in walk(root):
        base = os.path.basename(path)
        if DATA.match(path) or not (base == "Makefile" or base.endswith(
                (".c", ".h", ".lua", ".py", ".sh", ".mk", ".tmpl", ".md"))):
            continue
        count += 1
        with open(os.path.join(root, path), encoding="utf-8",
                  errors="replace") as f:
            lines = f.read().split("\n")
        if lines and lines[-1] == "":
            lines.pop()
        else:
            say(path, len(lines), "no newline at the end of the file")
        check_text(path, lines)
        if path.endswith(".md"):
            check_page(root, path, lines)
        if path.endswith((".c", ".h")):
            check_c(root, path, lines)
        elif path.endswith(".py"):
            check_python(path, lines)
        elif path.endswith(".lua"):
            check_blocks(path, lines,
                         r"(\s*)(?:local\s+)?function\s+([\w.:]+)", r"end\b")
        elif path.endswith(".sh"):
            check_blocks(path, lines, r"(\s*)(\w+)\(\)", r"[})]")
    check_objects(root)
    for p in problems:
        print(p)
    if problems:
        print(f"tidy: {len(problems)} problem(s) in {count} files")
        return 1
    print(f"tidy: {count} files in order")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "."))
