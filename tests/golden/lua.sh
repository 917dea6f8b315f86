#!/bin/sh
# lua.sh - the standard library mesh.*: its specs under busted, and luacheck.
cd "$(dirname "$0")/../.." || exit 5
busted --lua=lua5.4 -o TAP -p _spec scheduler-scripts/spec
failed=$?
if (cd scheduler-scripts && luacheck -q --no-color .) >&2; then
	echo "ok luacheck"
else
	echo "not ok luacheck"
	failed=1
fi
exit $failed
