#!/bin/sh
# make bench - the figures, one `name value unit` per line on stdout; how it goes
# on stderr.  Peers (crun) are measured in the same run where they are installed.
#   make bench-mesh: the mesh beside serf and etcd.
#   make bench-containers: containers beside crun, runc, bwrap and the kernel's floor.
#   make bench WHAT="cluster start" picks from: cluster idle start round forge sim.
# Exit 1 when a bound is missed; all others are still told.  Exit 2: WHAT is no such word.
set -eu
bad=0
known="cluster idle start round forge sim"
for what in ${WHAT:-}; do
	case " $known " in
	*" $what "*) ;;
	*) echo "bench: '$what' is nothing to measure; known: $known" >&2 && exit 2 ;;
	esac
done
cd "$(dirname "$0")/../.."
. tests/root.sh
BENCH=1 sh tests/deps.sh
need_root "bench (of fail-over and start)"
"${MAKE:-make}" -s -j"$(nproc)" all
for what in ${WHAT:-$known}; do
	echo "bench: $what ($(date +%H:%M:%S))" >&2
	case $what in
	cluster | idle) as_root /usr/bin/python3 -B tests/bench/cluster.py "$what" ;;
	start) as_root /usr/bin/python3 -B tests/bench/containers.py start || bad=1 ;;
	round) "${MAKE:-make}" -s bench-round ;;
	forge) "${MAKE:-make}" -s bench-forge || bad=1 ;;
	sim) sh tests/bench/sim.sh || bad=1 ;;
	esac
done
exit $bad
