#!/bin/sh
# The models: every reachable state of lease.pml, roster.pml and role_lease.pml is
# visited, and nothing wrong may be found; then rules are taken away one by one
# (-D), and for each something must be.  A model that no mutant breaks proves nothing.
# It takes some minutes, so `make test` leaves it to `make models`: run it when a rule of
# the election, the roster or the role lease changes, here or in the code.
# What must hold is searched in the depth, which takes less memory; what must fall by
# breadth first: the counterexample found is the shortest, and is found without luck.
# A search that is not done after MODEL_S seconds of a core (300, however busy the machine
# is), or above 3.5 GB, fails, and says so.  With a name: that model alone, `run.sh lease`;
# with a mutant too, that mutant, and its counterexample is printed step by step.
set -u
cd "$(dirname "$0")/../.." || exit 5
command -v spin >/dev/null 2>&1 || {
	echo "models: there is no spin: make deps" >&2
	exit 5
}
dir=$PWD/build/models
only=${1:-}
mutant=${2:-}
passed=0
failed=0
start=$(date +%s)

good() { passed=$((passed + 1)); echo "ok $1"; }
bad() { failed=$((failed + 1)); echo "not ok $1"; }

# search MODEL DEFINES GCC-FLAGS...: the verdict of pan in ./out, in a directory of its own.
search() {
	pml=$PWD/tests/models/$1.pml
	defines=$2
	work=$dir/$(echo "$1$2" | tr -d ' =')
	shift 2
	rm -rf "$work" && mkdir -p "$work" || exit 5
	(
		cd "$work" && spin -a $defines "$pml" >out 2>&1 &&
		    gcc -w -DSAFETY -DNOREDUCE -DMEMLIM=3500 "$@" -o pan pan.c >>out 2>&1 &&
		    ulimit -t "${MODEL_S:-300}" &&
		    { ./pan -m2000000 -w24 >>out 2>&1 ||
		        [ $? -lt 128 ] || echo "not completed in ${MODEL_S:-300} s of a core (MODEL_S)" >>out; }
	)
}

number() { sed -n "s/^ *\\([0-9.e+]*\\) states, stored.*/\\1/p" "$work/out" | tail -n 1; }
depth() { sed -n 's/.*(at depth \([0-9]*\)).*/\1/p' "$work/out"; }
seconds() { sed -n 's/^pan: elapsed time \([0-9.]*\).*/\1/p' "$work/out"; }

# holds MODEL DEFINES: every state was visited and none is wrong.
holds() {
	[ -z "$only" ] || [ "$only" = "$1" ] && [ -z "$mutant" ] || return 0
	search "$1" "$2" -O2
	if grep -q ' errors: 0$' "$work/out" &&
	    ! grep -qE 'not completed|too small|truncated|out of memory|aborted' "$work/out"; then
		good "models: $1${2:+ $2}: $(number) states, none wrong, in $(seconds) s"
	else
		bad "models: $1 $2: $(grep -m 1 -E '^pan|rror|not completed' "$work/out")"
	fi
}

# falls MODEL DEFINES MUTANT...: without that rule something is found wrong.
falls() {
	model=$1
	scope=$2
	shift 2
	[ -z "$only" ] || [ "$only" = "$model" ] || return 0
	for m; do
		[ -z "$mutant" ] || [ "$mutant" = "$m" ] || continue
		search "$model" "${scope:+$scope }-D$m" -O1 -DBFS
		if grep -q 'assertion violated' "$work/out"; then
			good "models: $model falls with $m, at depth $(depth), after $(number) states"
		else
			bad "models: $model: $m is not caught: $(grep -m 1 -E '^pan|rror|not completed|states, stored' "$work/out")"
		fi
		[ -z "$mutant" ] || (cd "$work" && spin -t -p $defines -k "$model.pml.trail" \
		    "$pml" | grep -v -e else -e goto)
	done
}

holds lease ""
falls lease "" NO_EPSILON LEASE_FROM_RECEIPT NO_HOLDOFF HOLDOFF_SHORTER HOLDOFF_ENDED \
    PROMISE_SHORTENED VOTE_FORGOTTEN LATE_REFUSAL GRANT_ANY_TERM GRANT_PROMISED LEADS_ON \
    RESIGN_ANY_TERM

holds lease "-DLOST"
falls lease "-DLOST" LOST_TERM LOST_FREE LOST_OWN_LEASE

holds roster ""
holds roster "-DTMAX=2 -DCHANGES=2"
holds roster "-DTMAX=2 -DCHANGES=2 -DSTART=3"
holds roster "-DTMAX=2 -DCHANGES=2 -DSTART=1"
holds roster "-DTMAX=4 -DCHANGES=2 -DHEAD"
holds roster "-DLOST"
holds roster "-DTMAX=2 -DCHANGES=2 -DLOST"
holds roster "-DTMAX=1 -DCHANGES=2 -DLENIENT"
holds roster "-DTMAX=2 -DLENIENT"
falls roster "-DTMAX=2 -DCHANGES=2" SKIP_JOINT NEW_QUORUM_ALONE UNSTORED SMALL_SIDE_STEPS \
    VOTE_FOR_OLDER
falls roster "-DTMAX=4 -DCHANGES=2 -DHEAD" NO_STAMP_FIRST
falls roster "-DTMAX=2 -DCHANGES=2 -DLOST" LOST_TERM LOST_FREE LOST_ALONE LOST_UNASKED
falls roster "-DTMAX=1 -DCHANGES=2 -DLENIENT" COUNT_LATER HOLDOFF_BY_FLAG UNELECTED_STEPS

holds role_lease "-DEITHER"
falls role_lease "" NO_EPSILON ROLE_FROM_RECEIPT ANY_ANSWER PLACE_AT_ONCE TAKEN_AWAY \
    FREED_BY_OLDER BLIND NO_FENCE THAW_RUNS LATE_CLAIM CLAIM_BREEDS KEPT_LONGER \
    NEVER_LAPSES

echo "models: $(($(date +%s) - start)) s"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
