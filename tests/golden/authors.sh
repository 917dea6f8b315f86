#!/bin/sh
# authors.sh - mesh new, test, sim, lint, template: the real programs on trees that are right and wrong.
cd "$(dirname "$0")/../.." || exit 5
exec /usr/bin/python3 -B tests/golden/authors/run.py
