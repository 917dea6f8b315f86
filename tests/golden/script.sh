#!/bin/sh
# script.sh - meshd-script in mode "schedule", the real program: every row of bad
# input has its line, every runaway its end, every run the same bytes.
cd "$(dirname "$0")/../.." || exit 5
exec /usr/bin/python3 -B tests/golden/script/run.py
