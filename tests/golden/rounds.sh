#!/bin/sh
# rounds.sh - mesh replay and mesh plan without a daemon: a hundred rounds, each in a process of
# its own, give the bytes that they gave; what was made up or broken is a line.
cd "$(dirname "$0")/../.." || exit 5
exec /usr/bin/python3 -B tests/golden/rounds.py
