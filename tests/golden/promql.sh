#!/bin/sh
# What Prometheus itself answered to some hundred expressions is recorded; ours must be
# the same, evaluated at one place and over five nodes.  `make test-promql` asks it anew.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
driver=${B:-build}/promql/driver
/usr/bin/python3 -B "$here/promql/promql.py" check "$driver"
/usr/bin/python3 -B "$here/promql/promql.py" split "$driver"
