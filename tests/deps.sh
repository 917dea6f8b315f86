#!/bin/sh
# make deps - the Debian packages that building and testing need.  Says what it
# installs; quick and silent when everything is there.  BENCH=1 adds the peers
# that the benchmarks run beside us, PEERS=1 those of `make bench-mesh`, V2=1 what
# `make test-v2` boots, PROMQL=1 the Prometheus that `make test-promql` asks.
set -eu
. "$(dirname "$0")/root.sh"

want="build-essential musl-tools pkg-config clang lld libclang-rt-14-dev
libuv1-dev libzstd-dev libsodium-dev libmsgpack-dev liblua5.4-dev lua5.4 liblmdb-dev
libyaml-dev libpcre2-dev libseccomp-dev libjansson-dev libmicrohttpd-dev libcmocka-dev
haproxy busybox-static erofs-utils squashfs-tools python3 python3-pytest nftables iproute2 curl
lua-check lua-busted spin systemd uidmap"
[ -z "${BENCH:-}" ] || want="$want crun runc bubblewrap hyperfine"
[ -z "${PEERS:-}" ] || want="$want serf etcd-server"
[ -z "${PROMQL:-}" ] || want="$want prometheus"
[ -z "${V2:-}" ] || want="$want qemu-system-x86 e2fsprogs"

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

echo "deps: to be installed:$missing" >&2
need_root deps

# apt HIDE ARGUMENT...: its lines pass by on a terminal; all of them are shown
# when it fails, unless HIDE is 1.
apt() {
	hide=$1
	shift
	{
		as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
		    apt-get -y -q "$@" 2>&1 || echo "apt-get has failed"
	} | awk -v hide="$hide" -v tty="$([ -t 2 ] && echo 1 || echo 0)" '
	/^apt-get has failed$/ { bad = 1; next }
	{ all = all $0 "\n" }
	tty { printf "\r\033[K    %.70s", $0 >"/dev/stderr" }
	END {
		if (tty) printf "\r\033[K" >"/dev/stderr"
		if (bad && !hide) printf "%s", all >"/dev/stderr"
		exit bad
	}'
}

# Of haproxy and etcd only the files are wanted.  No service may run on this host, now
# or after a reboot: RUNLEVEL=1 sees to it without systemd, this does with it.
unit=
case "$missing " in
*" prometheus "*) [ ! -d /run/systemd/system ] || unit=prometheus.service ;;
esac
case "$missing " in
*" haproxy "*) [ ! -d /run/systemd/system ] || unit="$unit haproxy.service" ;;
esac
case "$missing " in
*" etcd-server "*) [ ! -d /run/systemd/system ] || unit="$unit etcd.service" ;;
esac
restore() {
	[ -n "$unit" ] || return 0
	as_root systemctl --quiet --runtime unmask $unit || true
	as_root systemctl --quiet disable $unit >/dev/null 2>&1 || true
}
trap restore EXIT
trap 'exit 130' INT TERM HUP
[ -z "$unit" ] || as_root systemctl --quiet --runtime mask $unit 2>/dev/null || true

install="install --no-install-recommends$missing"
if ! apt 1 $install; then
	echo "deps: the package lists are missing or old: apt-get update" >&2
	apt 0 update || true
	echo "deps: apt-get install" >&2
	apt 0 $install
fi
echo "deps: installed" >&2
