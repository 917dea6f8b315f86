"""links - do the links of these pages lead somewhere?  links.py DIR: of all *.md below it."""
import os
import re
import sys


def slug(heading):
    """An anchor as a forge makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def broken(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", read(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = os.path.join(os.path.dirname(page), path) if path else page
        if not os.path.exists(there):
            yield f"{target} is not there"
        elif anchor and anchor not in map(slug, re.findall(r"^#+ (.*)$", read(there), re.M)):
            yield f"{target} has no such heading"


bad = [f"{os.path.relpath(os.path.join(top, name), sys.argv[1])}: {why}"
       for top, _, names in os.walk(sys.argv[1]) for name in sorted(names) if name.endswith(".md")
       for why in broken(os.path.join(top, name))]
print("\n".join(bad))
sys.exit(1 if bad else 0)
