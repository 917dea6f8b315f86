#!/bin/sh
# make demo - install what is missing, build, and tell the story (demo.py).
set -eu
cd "$(dirname "$0")/../.."
. tests/root.sh
sh tests/deps.sh
need_root "demo (a network namespace, cgroups)"
if ! "${MAKE:-make}" -q all >/dev/null 2>&1; then
	echo "building ..."
	"${MAKE:-make}" -s -j"$(nproc)" all
fi
set -- env KEEP="${KEEP:-}" NO_COLOR="${NO_COLOR:-}" /usr/bin/python3 -B tests/demo/demo.py
[ "$(id -u)" = 0 ] || set -- sudo "$@"
exec "$@"
