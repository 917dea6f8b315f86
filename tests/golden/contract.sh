#!/bin/sh
# contract.sh - the contract of schedulers says what the code does: what is made from it is
# fresh; C refuses what it refuses, with the path; what C packs is what it names.
cd "$(dirname "$0")/../.." || exit 5
lua5.4 scheduler-scripts/schema/generate.lua --check
failed=$?
/usr/bin/python3 -B tests/contract/contract.py || failed=1
exit $failed
