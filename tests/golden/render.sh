#!/bin/sh
# render.sh - mesh render of what a round would decide, without a daemon: a node's files as it would
# have them, and each thing that can be named wrong.
cd "$(dirname "$0")/../.." || exit 5
exec /usr/bin/python3 -B tests/golden/render.py
