#!/bin/sh
# mesh-accounts - make the three accounts that meshd runs its parts as.
#
#   mesh       the engine: gossip, state, control socket.  People in group mesh
#              may read the mesh (mesh status ...); only root may change it.
#   mesh-conf  the YAML reader of the administrator's files.
#   mesh-http  metrics over HTTP, where `http:` is set; in group mesh, to ask the engine.
#
# Neither has a shell, a home or a password.  Running it again changes nothing.
#   --root DIR   in another root directory (an image being built)
#   --print      only say what would be run
set -eu

root='' print=''
die() {
	echo "mesh-accounts: $1" >&2
	exit "${2:-64}"
}
while [ $# -gt 0 ]; do
	case $1 in
	--root)
		[ $# -ge 2 ] || die "--root: missing DIR"
		root=$2
		shift
		;;
	--print) print=1 ;;
	*) die "unknown option '$1'; known: --root DIR, --print" ;;
	esac
	shift
done
[ -n "$print" ] || [ "$(id -u)" = 0 ] ||
	die "must run as root (uid 0), running as uid $(id -u)" 5

run() {
	echo "$*"
	[ -n "$print" ] || "$@"
}
has() { # DATABASE NAME
	grep -q "^$2:" "$root/etc/$1" 2>/dev/null && return 0
	[ -z "$root" ] && getent "$1" "$2" >/dev/null
}
for name in mesh mesh-conf mesh-http; do
	has group "$name" ||
		run groupadd ${root:+--root "$root"} --system "$name"
	has passwd "$name" ||
		run useradd ${root:+--root "$root"} --system --gid "$name" \
			--home-dir / --no-create-home --shell /usr/sbin/nologin "$name"
done
