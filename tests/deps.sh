#!/bin/sh
# make deps - the Debian packages that building and testing need.  Says what it
# installs; quick and silent when everything is there.  BENCH=1 adds the peers
# that the benchmarks run beside us.
set -eu

want="build-essential pkg-config clang libclang-rt-14-dev
libuv1-dev libsodium-dev libmsgpack-dev liblua5.4-dev lua5.4 liblmdb-dev
libyaml-dev libseccomp-dev libjansson-dev libcmocka-dev
haproxy busybox-static python3 python3-pytest nftables iproute2 curl
lua-check lua-busted"
[ -z "${BENCH:-}" ] || want="$want crun hyperfine"

if ! command -v dpkg-query >/dev/null 2>&1; then
	echo "deps: this is not Debian; install what these packages hold:" $want >&2
	exit 5
fi
missing=
for p in $want; do
	case $(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) in
	installed) ;;
	*) missing="$missing $p" ;;
	esac
done
[ -n "$missing" ] || exit 0

echo "deps: installing$missing" >&2
as_root=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "deps: needs root or sudo; as root: apt-get install$missing" >&2
		exit 5
	fi
	echo "deps: not root, so through sudo" >&2
	as_root=sudo
fi
export DEBIAN_FRONTEND=noninteractive
# haproxy's own service must not start here: only the file is wanted.
install() {
	$as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
	    apt-get install -y -q --no-install-recommends $missing
}
if ! install >/dev/null 2>&1; then
	$as_root apt-get update -q
	install
fi
