#!/bin/sh
# Container start, beside crun: `name value unit` per line.  start.sh [RUNS]
set -eu
exec /usr/bin/python3 -B "$(dirname "$0")/start.py" "${1:-50}"
