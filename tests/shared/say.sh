# say.sh - to be read by a script whose checks are lines of its own; it exits with $failed.
failed=0

# say NAME CONDITION...: one check
say() {
	name=$1
	shift
	if "$@"; then
		echo "ok $name"
	else
		echo "not ok $name"
		failed=1
	fi
}
