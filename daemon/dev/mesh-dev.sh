#!/bin/sh
# mesh-dev - what `meshd --dev [--nodes 3]` runs: a throw-away mesh on loopback
# (127.0.0.1, 127.0.0.2 ...), each node with its own temporary directories and
# cgroup, from the same files as a real one.  Nothing stays when it ends.  By an
# ordinary user each is a `meshd --rootless`.
#
#   --nodes N        how many (1-9; default 1)
#   --config-dir D   scheduler-scripts/ roles/ templates/ lithos-configs/
#                    (default: the current directory, when it has a scheduler)
#   --images-dir D   images (default: none)
set -u

nodes=1 config=. images=
die() {
	echo "meshd --dev: $1" >&2
	exit "${2:-64}"
}
while [ $# -gt 0 ]; do
	[ $# -ge 2 ] || die "$1: missing value; usage: --nodes N --config-dir DIR --images-dir DIR"
	case $1 in
	--nodes) nodes=$2 ;;
	--config-dir) config=$2 ;;
	--images-dir) images=$2 ;;
	*) die "unknown option $1; known: --nodes --config-dir --images-dir" ;;
	esac
	shift 2
done
case $nodes in [1-9]) ;; *) die "--nodes: '$nodes' is not 1-9" ;; esac
rootless=
[ "$(id -u)" = 0 ] || rootless=--rootless

here=$(dirname "$(readlink -f "$0")")
meshd=$here/meshd
[ -x "$meshd" ] || meshd=$here/../../sbin/meshd
[ -x "$meshd" ] || die "no meshd beside $here" 5
mesh=$here/mesh
[ -x "$mesh" ] || mesh=$(readlink -f "$here/../../bin/mesh")
unified=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
[ -n "$unified$rootless" ] || die "no cgroup2 is mounted; mount -t cgroup2 none /sys/fs/cgroup/unified" 5
dir=$(mktemp -d /tmp/mesh-dev.XXXXXX) || die "cannot make a directory in /tmp" 5
chmod 755 "$dir" # the engine's user must get through
tag=mesh-dev-$$
pids=

# Our groups in a hierarchy: root's at its top, a user's somewhere in his own.
groups() {
	if [ -n "$rootless" ]; then
		find "$1" -type d -name "$tag-*" 2>/dev/null
	else
		find "$1" -maxdepth 1 -type d -name "$tag-*" 2>/dev/null
	fi
}

# TERM to the keepers ends their daemons; then whatever containers they left, each by
# its pid 1 where it has no group.
cleanup() {
	trap '' INT TERM HUP
	for p in $pids; do kill "$p" 2>/dev/null; done
	wait
	for f in "$dir"/n*/run/supervisor/*.pid; do
		[ -e "$f" ] && read -r _ p _ <"$f" && kill -9 "$p" 2>/dev/null
	done
	for c in $(groups "$unified"); do
		[ -e "$c/cgroup.kill" ] && echo 1 >"$c/cgroup.kill"
	done
	awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/self/mounts | while read -r h; do
		for c in $(groups "$h"); do
			[ -d "$c" ] || continue
			try=0
			while [ -d "$c" ] && [ $try -lt 50 ]; do
				find "$c" -depth -type d -exec rmdir {} + 2>/dev/null
				[ ! -d "$c" ] || sleep 0.02
				try=$((try + 1))
			done
		done
	done
	rm -rf "$dir" 2>/dev/null && return
	# What the engine and containers made is of a user's other ids.
	unshare --map-root-user --map-auto rm -rf "$dir"
}

tree() { # NODE-DIR: its own copy of the config trees
	mkdir -p "$1/etc/lithos-configs/sandboxes" "$1/images"
	for t in scheduler-scripts roles templates lithos-configs; do
		[ -d "$config/$t" ] && cp -RL "$config/$t" "$1/etc/"
		mkdir -p "$1/etc/$t"
	done
	[ -e "$1/etc/lithos-configs/master.yaml" ] ||
	    echo '{}' >"$1/etc/lithos-configs/master.yaml"
	if [ ! -e "$1/etc/scheduler-scripts/main.lua" ]; then
		rm -rf "$1/etc/scheduler-scripts"
		mkdir -p "$1/etc/scheduler-scripts"
		printf '%s\n' '-- nothing is scheduled yet' \
		    'return {schedule = function(input) return {roles = {}, nodes = {}} end}' \
		    >"$1/etc/scheduler-scripts/main.lua"
	fi
	chmod -R u=rwX,go=rX "$1/etc"
}

# A keeper plays systemd: its meshd is started again whenever it ends.
keep() { # CONFIG LOG
	child=
	trap 'kill "$child" 2>/dev/null; wait "$child"; exit 0' TERM
	while :; do
		"$meshd" $rootless --config "$1" >>"$2" 2>&1 &
		child=$!
		wait "$child"
		code=$?
		case $code in 3 | 4 | 5 | 6 | 64)
			tail -n 3 "$2" >&2
			exit $code
			;;
		esac
		sleep 0.1
	done
}

trap 'exit 0' INT TERM HUP
trap cleanup EXIT
head -c 32 /dev/urandom >"$dir/cluster.key"
chmod 600 "$dir/cluster.key"
seeds=
i=1
while [ "$i" -le "$nodes" ]; do
	seeds="$seeds${seeds:+, }\"127.0.0.$i:7780\""
	i=$((i + 1))
done
i=1
while [ "$i" -le "$nodes" ]; do
	n=$dir/n$i
	tree "$n"
	cat >"$n/etc/mesh.yaml" <<-END
		name: n$i
		cluster: dev
		cluster-key: $dir/cluster.key
		listen: 127.0.0.$i:7780
		seeds: [$seeds]
		config-dir: $n/etc
		state-dir: $n/state
		run-dir: $n/run
		log-dir: $n/log
		images-dir: ${images:-$n/images}
		cgroup: $tag-n$i
	END
	[ -n "$rootless" ] ||
	    printf 'user: 64780\nconf-user: 64781\n' >>"$n/etc/mesh.yaml"
	chmod 644 "$n/etc/mesh.yaml"
	keep "$n/etc/mesh.yaml" "$n/meshd.log" &
	pids="$pids $!"
	i=$((i + 1))
done

try=0
until "$mesh" --socket "$dir/n1/run/ctl" init >/dev/null 2>&1; do
	try=$((try + 1))
	[ $try -lt 100 ] || { tail -n 20 "$dir"/n*/meshd.log >&2; die "n1 does not answer" 5; }
	sleep 0.05
done
echo "a mesh of $nodes node(s) is up; Ctrl-C ends it and removes $dir"
echo "  $mesh --socket $dir/n1/run/ctl status"
echo "  edit $dir/n1/etc/scheduler-scripts/main.lua (on every node)"
wait
