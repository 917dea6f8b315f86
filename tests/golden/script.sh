#!/bin/sh
# script.sh - meshd-script in mode "schedule", the real program: every row of bad
# input has its line, every runaway its end, every run the same bytes; so have
# verwalter's schedulers.
cd "$(dirname "$0")/../.." || exit 5
/usr/bin/python3 -B tests/golden/script/verwalter.py
verwalter=$?
/usr/bin/python3 -B tests/golden/script/run.py && exit $verwalter
