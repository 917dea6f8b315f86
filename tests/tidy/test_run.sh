#!/bin/sh
# The test of the runner: suites that pass, fail, die and say nothing are planted,
# and run.sh must count each for what it is.  A runner that calls silence a
# success would make every other test worthless.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/mesh-run.XXXXXX")
trap 'rm -rf "$dir"' EXIT INT TERM
bad=0

# counts NAME "LAST LINE" CODE: what run.sh must say of the program in $dir/p.
counts() {
	chmod +x "$dir/p"
	says "$@" unit "$dir/p"
}

# says NAME "LAST LINE" CODE ARGUMENTS...: what run.sh must say of these.
says() {
	name=$1 last=$2 exit=$3
	shift 3
	out=$(run_failures='' B="$dir" sh "$here/run.sh" "$@" 2>/dev/null)
	code=$?
	if [ "$(printf '%s\n' "$out" | tail -n 1)" = "$last" ] && [ $code = "$exit" ] &&
	    [ "$(printf '%s\n' "$out" | grep -cE '^[0-9]+ passed, [0-9]+ failed$')" = 1 ]; then
		echo "ok run: $name"
	else
		echo "not ok run: $name"
		printf '%s\n' "$out" "exit $code" | sed 's/^/  /'
		bad=1
	fi
}

p() { # BODY...: the planted program
	printf '#!/bin/sh\n' >"$dir/p"
	printf '%s\n' "$@" >>"$dir/p"
}

p 'echo "[  PASSED  ] 12 test(s)."'
counts "cmocka, all good" "12 passed, 0 failed" 0
p 'echo "[  PASSED  ] 3 test(s)." >&2' 'echo "[  FAILED  ] 2 test(s), listed below:" >&2' 'exit 2'
counts "cmocka, two bad" "3 passed, 2 failed" 1
p 'echo "[  PASSED  ] 3 test(s)."' 'kill -SEGV $$'
counts "a crash after the last test" "3 passed, 1 failed" 1
p 'exit 0'
counts "silence is a failure" "0 passed, 1 failed" 1
p 'exit 3'
counts "a silent exit code is one failure" "0 passed, 1 failed" 1
p 'echo "ok a"' 'echo "ok b"' 'echo "not ok c"' 'exit 0'
counts "ok and not ok, whatever the exit code" "2 passed, 1 failed" 1
p 'echo "7 passed in 3.21s"'
counts "pytest, all good" "7 passed, 0 failed" 0
p 'echo "=== 1 failed, 5 passed, 2 skipped, 1 error in 63.2s (0:01:03) ==="' 'exit 1'
counts "pytest: failed, skipped and errors are bad" "5 passed, 4 failed" 1
p 'echo "0 passed, 0 failed"' 'echo "ok a"'
counts "only the last line is the count" "1 passed, 0 failed" 0

printf '%s\n' "  a  3 ok  1 bad" "3 passed, 1 failed" >"$dir/behind"
says "what ran behind counts too" "3 passed, 1 failed" 1 add "$dir/behind"
echo "  a  3 ok  0 bad" >"$dir/behind"
says "what ran behind and died before its sum failed" "0 passed, 1 failed" 1 add "$dir/behind"

p 'echo "ok a"' 'echo "not ok the one that failed"'
chmod +x "$dir/p"
if run_failures='' B="$dir" sh "$here/run.sh" unit "$dir/p" "$dir/p" 2>/dev/null |
    tail -n 5 | grep -c "^    not ok the one that failed" | grep -qx 2; then
	echo "ok run: what failed is told at the end"
else
	echo "not ok run: what failed is told at the end"
	bad=1
fi

printf '%s\n' '#!/bin/sh' 'echo "x.c:1:2: error: planted"' 'exit 2' >"$dir/make"
chmod +x "$dir/make"
if run_failures='' MAKE="$dir/make" B="$dir" sh "$here/run.sh" behind 2>/dev/null |
    sed -n '/^== failed$/,$p' | grep -c "x.c:1:2: error: planted" | grep -qx 3; then
	echo "ok run: a build that failed is told at the end"
else
	echo "not ok run: a build that failed is told at the end"
	bad=1
fi

mkdir "$dir/lanes"
for n in 1 2 3; do
	echo "def test_$n(): pass" >"$dir/lanes/test_$n.py"
done
says "pytest in lanes: all files count" "3 passed, 0 failed" 0 pytest "$dir/lanes"
echo "def test_bad(): assert False" >>"$dir/lanes/test_2.py"
says "pytest in lanes: one bad" "3 passed, 1 failed" 1 pytest "$dir/lanes"
echo "import os; os._exit(0)" >"$dir/lanes/test_2.py"
says "pytest in lanes: a file that ends without a word" "2 passed, 1 failed" 1 pytest "$dir/lanes"
for n in 1 2 3 4; do
	printf '#!/bin/sh\necho "ok program %s"\n' "$n" >"$dir/program$n"
	chmod +x "$dir/program$n"
done
says "programs in lanes: all count" "4 passed, 0 failed" 0 unit "$dir"/program?
echo 'kill -KILL $$' >>"$dir/program2"
says "programs in lanes: one that is killed" "4 passed, 1 failed" 1 unit "$dir"/program?
says "programs in lanes: one that is not there" "3 passed, 2 failed" 1 unit "$dir"/program[1-3] "$dir/none"

# refuses NAME "WORDS" COMMAND...: one line that lists the words it knows, and exit 2.
refuses() {
	name=$1 words=$2
	shift 2
	out=$("$@" 2>&1)
	code=$?
	if [ $code = 2 ] && [ "$out" = "bench: 'all' is nothing to measure; known: $words" ]; then
		echo "ok run: $name"
	else
		echo "not ok run: $name"
		printf '%s\n' "$out" "exit $code" | sed 's/^/  /'
		bad=1
	fi
}
refuses "make bench WHAT=all" "cluster idle start round forge sim" \
    env WHAT="start all" sh "$here/bench/run.sh"
refuses "make bench-mesh WHAT=all" "detect failover join idle still many follow hour" \
    /usr/bin/python3 -B "$here/bench/mesh.py" detect all
refuses "make bench-containers WHAT=all" "start rate cost restart cycles many" \
    /usr/bin/python3 -B "$here/bench/containers.py" start all
refuses "cluster.py all" "cluster idle" /usr/bin/python3 -B "$here/bench/cluster.py" all
exit $bad
