#!/bin/sh
# make demo - install what is missing, build, and tell the story (demo.py).
set -eu
cd "$(dirname "$0")/../.."
sh tests/deps.sh
if ! "${MAKE:-make}" -q all >/dev/null 2>&1; then
	echo "building ..."
	"${MAKE:-make}" -s -j"$(nproc)" all
fi
if [ "$(id -u)" != 0 ]; then
	echo "the demo makes a network namespace and cgroups, so it needs root: through sudo"
	exec sudo KEEP="${KEEP:-}" NO_COLOR="${NO_COLOR:-}" /usr/bin/python3 -B tests/demo/demo.py
fi
exec /usr/bin/python3 -B tests/demo/demo.py
