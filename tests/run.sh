#!/bin/sh
# run.sh - runs suites, counts their checks, ends with `N passed, N failed`.
#
#   run.sh SUITE [PROGRAM...]   one suite: unit, golden, sim, fuzz, containers ...
#   run.sh all                  everything: what `make test` does
#
# A program that dies without naming a failed check is one failed check, and one
# that passes without a single check is too: silence proves nothing.
# Logs stay in build/test/.
set -u
cd "$(dirname "$0")/.." || exit 5
make=${MAKE:-make}
logs=${B:-build}/test
mkdir -p "$logs"
passed=0
failed=0
unset MAKEFLAGS MFLAGS MAKELEVEL
export PYTHONDONTWRITEBYTECODE=1

# What failed, once more at the end: a log is read from there, or is cut to that.
[ -n "${run_failures:-}" ] && inner=1 || inner=0
[ $inner = 1 ] || run_failures=$(mktemp) || exit 5
export run_failures
[ $inner = 1 ] || trap 'rm -f "$run_failures"' EXIT

. tests/root.sh

# check NAME COMMAND...: run it, show what it says, count its checks.
check() {
	name=$1
	shift
	log=$logs/$(printf '%s' "$name" | tr -c 'a-z0-9_.\n-' _).log
	start=$(date +%s)
	{ "$@" 2>&1; echo "exit-code $?" >"$log.code"; } | tee "$log" | show
	code=$(sed -n 's/^exit-code //p' "$log.code")
	rm -f "$log.code"
	counted=$(awk -f tests/count.awk "$log")
	good=${counted% *}
	bad=${counted#* }
	if [ "$bad" = 0 ] && [ "$code" != 0 ]; then
		bad=1
		echo "  $name: exit $code, and no check says why"
		tail -n 15 "$log" | sed 's/^/  | /'
	elif [ "$good" = 0 ] && [ "$bad" = 0 ]; then
		bad=1
		echo "  $name: not a single check ran"
	fi
	passed=$((passed + good))
	failed=$((failed + bad))
	[ "$bad" = 0 ] || failures "$name" >>"$run_failures"
	printf '  %-28s %4d ok %3d bad  %3d s\n' "$name" "$good" "$bad" \
	    "$(($(date +%s) - start))"
}

# failures NAME: the lines of its log that say what, at most ten.
failures() {
	echo "  $1:"
	grep -E '^not ok |^FAILED |^ERROR |^\[  FAILED  \] [^0-9]|: error:|SUMMARY:' "$log" |
	    head -n 10 | cut -c 1-160 | sed 's/^/    /'
}

# What a reader wants to see while it runs: failures, and progress on a terminal.
show() {
	awk -v tty="$([ -t 2 ] && echo 1 || echo 0)" '
	/^(ok |#)/ { next }
	/^not ok |\[  FAILED  \]|^\[   LINE   \]|^\[  ERROR   \]|Error|FAILED|^E  |runtime error|^==[0-9]+==ERROR|SUMMARY:|No such|: error:|problem|undefined reference/ {
		print "    " $0; fflush(); next
	}
	tty { printf "\r\033[K    %.70s\r", $0 >"/dev/stderr" }
	END { if (tty) printf "\r\033[K" >"/dev/stderr" }'
}

# ok NAME COMMAND...: a step that is itself one check.
ok() {
	step=$1
	shift
	if "$@"; then echo "ok $step"; else echo "not ok $step"; return 1; fi
}

out_of() {
	printf '%s/out.%s' "$logs" "$(printf '%s' "$1" | tr / _)"
}

# to_file SECONDS PROGRAM: what it says, and how it ends.
to_file() {
	out=$(out_of "$2")
	timeout "$1" "$2" >"$out" 2>&1
	echo $? >"$out.tmp"
	mv "$out.tmp" "$out.code"
}

# Both, as if it ran now; waits for it as long as something runs in the lanes.
said() {
	out=$(out_of "$1")
	while [ ! -e "$out.code" ] && kill -0 "$lanes" 2>/dev/null; do
		sleep 0.05
	done
	ended "$out"
}

# ended OUT: what it said, and its code; without one it never came to its end.
ended() {
	cat "$1"
	[ -e "$1.code" ] && return "$(cat "$1.code")"
}

# programs NAME SECONDS PROGRAM...: three at a time, as many of them wait; told in order.
programs() {
	suite_=$1
	secs=$2
	shift 2
	for p in "$@"; do
		rm -f "$(out_of "$p").code"
	done
	printf '%s\n' "$@" | xargs -P 3 -n 1 sh tests/run.sh to_file "$secs" &
	lanes=$!
	for p in "$@"; do
		check "$suite_ ${p##*unit/}" said "$p"
	done
	wait
}

suite_unit() {
	programs unit 120 "$@"
}

suite_golden() {
	for s in tests/golden/*.sh; do
		[ -e "$s" ] && check "golden $(basename "$s" .sh)" timeout 120 sh "$s"
	done
	return 0
}

# sim PROGRAM SEEDS: the scenarios and their invariants; history goes to a file.
sim_run() {
	: >"$logs/history.$3"
	for s in "steady --nodes 100" "detect --nodes 50" "failover --nodes 25" \
	    "heal --nodes 20" "join --nodes 30" "restart --nodes 10" \
	    "restart-storm --nodes 9" "churn --nodes 12" "lossy --nodes 9 --seconds 120" \
	    "burst --nodes 9 --seconds 120" "grief --nodes 5" "busy --nodes 20" "missed --nodes 5" "liar --nodes 5" "facts --nodes 9" \
	    "metrics --nodes 20" "takeover --nodes 5" "flipflop --nodes 30" "partial --nodes 5" "partial --nodes 9" "partial --nodes 11" "rack --nodes 20" \
	    "evict --nodes 9" "clone --nodes 9" "rotate --nodes 9" "rolling --nodes 9" "leave --nodes 9" "recover --nodes 7" "roster --nodes 5" "shaky --nodes 9" \
	    "mixed --nodes 9" "ca --nodes 10" "split --nodes 9" "split --nodes 9 --quorum any" \
	    "detect --profile wan --nodes 20" "failover --profile wan --nodes 9" \
	    "heal --profile wan --nodes 9" "lossy --profile wan --nodes 9 --seconds 300" \
	    "calm --profile wan --nodes 5 --seconds 500" "calm --nodes 5 --seconds 900" "slow --nodes 32" "detect --profile local --nodes 20" \
	    "failover --profile local --nodes 9" \
	    "chaos --nodes 9" swarm "join-lossy --nodes 100" "heal-early --nodes 300 --settled" "detect --nodes 1000 --settled" "join --nodes 1000"; do
		case $s in
		slow* | heal-early* | *1000*) # once, and not five times slower
			[ "$3" = san ] && continue
			seeds=1 ;;
		partial*11) seeds=1 ;;
		swarm) seeds=$(($2 * 10)) ;; # small worlds
		steady* | heal* | calm*900 | split* | busy* | partial*9 | join-lossy* | rolling* | facts* | flipflop* | restart-* | churn*)
			seeds=$((($2 + 4) / 5)) ;; # long ones
		*) seeds=$2 ;;
		esac
		ok "sim $s --seeds $seeds ($3)" "$1" $s --seeds "$seeds" \
		    >"$logs/sim.out.$3" 2>&1
		grep -v '^ok ' "$logs/sim.out.$3" | grep -v '^history' |
		    grep -E '^not ok|invariant|replay|smallest|mesh-sim' | sed 's/^/  /'
		grep -E '^(not )?ok ' "$logs/sim.out.$3"
		echo "$s $(grep '^history ' "$logs/sim.out.$3")" >>"$logs/history.$3"
	done
}

same_history() {
	[ -s "$logs/history.gcc" ] && ! grep -qv 'history [0-9a-fx]' "$logs/history.gcc" &&
	    cmp "$logs/history.gcc" "$logs/history.clang"
}

sim_both() {
	sim_run build-clang/mesh-sim "${SEEDS:-4}" clang >"$logs/out.clang" 2>&1 &
	sim_run build/mesh-sim "${SEEDS:-4}" gcc
	wait
	cat "$logs/out.clang"
}

suite_sim() {
	check "sim, gcc and clang" sim_both
	check "sim, same history" ok "sim: one history on gcc and clang" same_history
}

# The simulator keeps one core busy while programs wait.
suite_san() {
	rm -f "$logs/out.sim.san.code"
	{
		sim_run "${san:-build-san}/mesh-sim" "$((${SEEDS:-4} / 4))" san >"$logs/out.sim.san" 2>&1
		echo $? >"$logs/out.sim.san.code"
	} &
	programs san 300 "$@" # waits for all
	check "san sim" ended "$logs/out.sim.san"
}

fuzz_one() {
	corpus=$logs/corpus.$(basename "$1")
	mkdir -p "$corpus"
	ok "fuzz $(basename "$1")" "$1" -max_total_time="${FUZZ_S:-1}" \
	    -print_final_stats=1 -rss_limit_mb=2048 -timeout=10 \
	    -artifact_prefix="$logs/" "$corpus" \
	    "tests/fuzz/corpus/$(basename "$1" | sed 's/^fuzz_//')"
}

# Two at a time: each keeps one core busy for its ten seconds.
fuzz_two() {
	for p in "$@"; do
		mkdir -p "tests/fuzz/corpus/$(basename "$p" | sed 's/^fuzz_//')"
		fuzz_one "$p" >"$logs/out.$(basename "$p")" 2>&1 &
	done
	wait
	for p in "$@"; do
		cat "$logs/out.$(basename "$p")"
	done
}

suite_fuzz() {
	while [ $# -gt 0 ]; do
		two=${2:-}
		check "fuzz ${1##*fuzz_} ${two##*fuzz_}" fuzz_two "$1" ${two:+"$two"}
		shift
		[ $# = 0 ] || shift
	done
}

# pytest_file FILE: its output whole, when it is over: two write to one log.
pytest_file() {
	out=$(out_of "$1")
	timeout 600 /usr/bin/python3 -B -m pytest -q -p no:cacheprovider --color=no \
	    "$1" >"$out" 2>&1
	code=$?
	case $(awk -f tests/count.awk "$out") in
	"0 0") echo "not ok $1: exit $code without one test" >>"$out" ;;
	*" 0") [ $code = 0 ] || echo "not ok $1: exit $code, and no test says why" >>"$out" ;;
	esac
	flock "$logs" cat "$out"
}

# Each file by itself and four at a time, as they mostly wait; first those that take a
# minute and say so, then the longest: what begins last holds up all.
pytest_lanes() {
	{
		grep -l '^# A minute' "$@"
		grep -L '^# A minute' "$@" | xargs ls -S
	} | as_root xargs -P 4 -n 1 sh tests/run.sh pytest_file
}

# A report is a failure, also where the test went well without who made it.
reports=/tmp/mesh-san-reports # tests/containers/san.c
no_reports() {
	cat $reports/* 2>/dev/null
	ok "sanitizers: nothing found" as_root rmdir $reports
}

suite_containers_san() {
	[ $# -gt 0 ] || set -- tests/containers/test_*.py tests/cluster/test_kill.py \
	    tests/cluster/test_refuse.py tests/cluster/test_lithos.py
	MESH_BUILD=$PWD/build-san
	MESH_SANITIZE=-fsanitize=address,undefined # conftest.py
	export MESH_BUILD MESH_SANITIZE
	as_root rm -rf $reports
	as_root mkdir -m 1777 $reports || exit 5
	check "sanitized programs" pytest_lanes "$@"
	check "their reports" no_reports
}

suite_pytest() {
	check "$(basename "$1")" pytest_lanes "$1"/test_*.py
}

# build NAME ARGUMENTS...: make these, and say by the code why not.
build() {
	log=$logs/build.$1.log
	shift
	"$make" -j"$(nproc)" "$@" >"$log" 2>&1 && return
	{
		echo "  build of $* failed:"
		grep -E ' error: |Error: |undefined reference|\*\*\*' "$log" | head -n 20
	} | tee -a "$run_failures"
	return 1
}

# One build for unit tests and fuzzers: what a fuzzer wants of it hurts no other.
sanitizers=fuzzer-no-link,address,undefined

# What later suites are built of.
builds_behind() {
	for b in clang san fuzz; do
		case $b in
		clang) set -- CC=clang build-clang/mesh-sim ;; # all else: with sanitizers
		san) set -- CC=clang SAN=$sanitizers unit_programs build-clang-san/mesh-sim ;;
		fuzz) set -- CC=clang SAN=$sanitizers fuzz_programs ;;
		esac
		build "$b" "$@"
		echo $? >"$logs/build.$b.code"
	done
}

# built NAME: whether that build was good; a bad one is one failed check.
built() {
	[ "$(cat "$logs/build.$1.code")" = 0 ] && return
	failed=$((failed + 1))
	return 1
}

# All that computes: made and run while tests run that mostly wait, and after them
# in priority.
suite_behind() {
	echo "== builds with clang and sanitizers" && builds_behind
	built clang && echo "== sim" && suite_sim
	built san && echo "== ASan + UBSan" && san=build-clang-san &&
	    suite_san $("$make" -s CC=clang SAN=$sanitizers print-unit)
	built fuzz && echo "== fuzz" &&
	    suite_fuzz $("$make" -s CC=clang SAN=$sanitizers print-fuzz)
}

# add LOG: what another run.sh counted counts here; one that came to no sum failed.
add() {
	sum=$(sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$1")
	sed '$d' "$1"
	[ -n "$sum" ] || { tail -n 1 "$1" && sum="0 1"; }
	passed=$((passed + ${sum% *}))
	failed=$((failed + ${sum#* }))
}

suite_all() {
	echo "== deps"
	sh tests/deps.sh || exit 5
	need_root "tests (of containers and cluster)"
	echo "== build"
	build gcc all unit_programs weak
	echo $? >"$logs/build.gcc.code"
	built gcc || return
	echo "== tidy" && check tidy ok tidy sh tests/tidy/tidy.sh .
	check "tidy finds it" sh tests/tidy/test.sh
	check "the runner counts" sh tests/tidy/test_run.sh
	check "a bare machine" sh tests/tidy/test_deps.sh
	echo "== unit" && suite_unit $("$make" -s print-unit)
	rm -f "$logs"/build.clang.code "$logs"/build.san.code "$logs"/build.fuzz.code
	# timeout: it takes the whole group along when it is told to end.
	timeout 1800 nice -n 15 sh tests/run.sh behind >"$logs/behind" 2>&1 &
	behind=$!
	trap 'kill "$behind"; exit 130' INT TERM
	echo "== golden" && suite_golden
	echo "== containers and cluster" &&
	    check "containers, cluster" pytest_lanes tests/containers/test_*.py tests/cluster/test_*.py
	echo "== what ran behind them" && wait "$behind"
	trap - INT TERM
	add "$logs/behind"
}

suite=$1
shift
case $suite in
containers | cluster | net)
	need_root "$suite tests"
	suite_pytest "tests/$suite"
	;;
containers_san)
	need_root "container tests"
	suite_containers_san "$@"
	;;
pytest) suite_pytest "$1" ;; # of any folder
v2) check "cgroup v2 alone" /usr/bin/python3 -B tests/v2/guest.py ${WHAT:-} ;;

to_file) # of programs, for xargs
	to_file "$@"
	exit
	;;
pytest_file) # of pytest_lanes, for xargs
	pytest_file "$1"
	exit
	;;
add) add "$1" ;; # of what ran behind

all | behind | unit | golden | sim | san | fuzz) "suite_$suite" "$@" ;;
*)
	echo "run.sh: no suite '$suite'" >&2
	exit 64
	;;
esac
[ "$inner" = 1 ] || [ ! -s "$run_failures" ] || { echo "== failed" && cat "$run_failures"; }
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
