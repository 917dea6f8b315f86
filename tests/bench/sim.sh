#!/bin/sh
# sim.sh - every figure that is promised of simulated meshes, beside its bound and
# what stands beside it: `sim.SCENARIO.NODES.name value unit`, one per line.
# With SEEDS=N each of up to 200 nodes is taken N times; larger ones once.
# BIG=1 adds 5,000 nodes, which else are run by hand, one by one, in a world that
# stands already (--settled), with 9 GB of memory: detect takes two minutes of a core; of
# heal the one alone takes three, and half against half, where thousands die, far more:
#	build/mesh-sim detect --nodes 5000 --settled
#	build/mesh-sim heal --nodes 5000 --settled
# How 5,000 come to stand, build/mesh-sim join --nodes 5000, takes far longer: there
# everybody tells everybody's record to everybody.
# Exit 1 when one bound is broken; all others are still told.
set -u
cd "$(dirname "$0")/../.." || exit 5
sim=${B:-build}/mesh-sim
bad=0

# figures SCENARIO NODES...: one run of each size.
figures() {
	scenario=$1
	shift
	for nodes in "$@"; do
		seeds=${SEEDS:-5}
		[ "$nodes" -gt 200 ] && seeds=1
		settled=
		[ "$nodes" -gt 2000 ] && settled=--settled
		began=$(date +%s)
		said=$("$sim" "$scenario" --nodes "$nodes" --seeds "$seeds" $settled ${SPAN:+--seconds "$SPAN"})
		code=$?
		printf '%s\n' "$said" | grep -vE '^(history|events|virtual|wall|ok |$)' |
		    sed "s/^/sim.$scenario.$nodes./"
		echo "bench: $scenario, $nodes nodes, $seeds seeds: $(($(date +%s) - began)) s" >&2
		[ $code = 0 ] || bad=1
	done
}

figures steady 100 1000
figures detect 10 100 1000 ${BIG:+5000}
figures failover 5 51 200
figures split 9 30
figures heal 10 100 1000 ${BIG:+5000}
figures join 60 2000
figures calm 5
figures lossy 9 100
figures burst 9 100
SEEDS=9 SPAN=20000 figures lossy 20 # 1,000 node-hours: one death would be too many
SEEDS=9 SPAN=20000 figures burst 20
figures slow 128
figures flipflop 1000
figures partial 5 9
figures busy 100 300 1000
figures metrics 60
figures takeover 60 300
exit $bad
