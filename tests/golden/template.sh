#!/bin/sh
# template.sh - meshd-script in mode "render": whole files compared, and every
# error with its place.
cd "$(dirname "$0")/../.." || exit 5
exec /usr/bin/python3 -B tests/golden/template/run.py
