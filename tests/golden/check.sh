#!/bin/sh
# check.sh - mesh check on whole directories: a stranger's lithos, one in which
# every file is wrong, one of mesh.
#
# lithos/NAME/ is checked, with lithos/NAME/image where that is there, and must
# say what lithos/NAME.want has.  REWRITE=1 writes what is there now: look at the
# diff before you commit it.
cd "$(dirname "$0")/../.." || exit 5
top=$PWD
mesh=$top/${B:-build}/mesh
here=$top/tests/golden/lithos
tmp=$(mktemp -d) || exit 5
trap 'rm -rf "$tmp"' EXIT
umask 022
. tests/shared/say.sh

# A copy of ours: with owner and mode as on a host.
cp -r "$here" "$tmp/lithos"
cd "$tmp/lithos" || exit 5
for dir in */; do
	name=${dir%/}
	image=
	[ ! -d "$name/image" ] || image=$name/image
	# shellcheck disable=SC2086  # no image: no word
	"$mesh" check "$name" $image >"$tmp/out" 2>"$tmp/err"
	echo "exit code $?" >>"$tmp/out"
	[ -z "${REWRITE:-}" ] || cp "$tmp/out" "$here/$name.want"
	say "check of $name" diff -u "$name.want" "$tmp/out"
	say "check of $name has no more to say" [ ! -s "$tmp/err" ]
done

json() {
	"$mesh" check --json "$1" >"$tmp/json"
	[ $? = "$2" ] && /usr/bin/python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
assert d["ok"] is (not d["errors"]) is (sys.argv[2] == "0"), d
assert all(e["text"] for e in d["errors"] + d["notes"]), d
print(d["errors"][0]["file"], d["errors"][0]["line"], d["errors"][0]["column"]) if d["errors"] else print(*d["files"])
' "$tmp/json" "$2" >"$tmp/first" && [ "$(cat "$tmp/first")" = "$3" ]
}
say "check --json of errors" json broken 1 "broken/master.yaml 2 1"
say "check --json of none" json mesh 0 \
    "mesh/mesh.yaml mesh/lithos-configs/master.yaml mesh/lithos-configs/sandboxes/front.yaml"
say "check -q of none is silent" [ -z "$("$mesh" check -q mesh)" ]

# The stock files say what is treated otherwise of nobody's.
stock() {
	mkdir -p "stock/$1/sandboxes" "stock/$1/image/config"
	cp "$top/lithos-configs/master.yaml" "stock/$1"
	cp "$top/lithos-configs/sandboxes/$1.yaml" "stock/$1/sandboxes"
	cp "$top/lithos-configs/containers/$2"*.yaml "stock/$1/image/config"
	"$mesh" check "stock/$1" "stock/$1/image" >"$tmp/out" 2>&1 && ! grep "^note: " "$tmp/out" &&
		grep -q "in sandbox '$1'" "$tmp/out"
}
say "check of the stock sandbox web" stock web web
say "check of the stock sandbox front" stock front haproxy

# What can't be looked at.
line() {
	"$mesh" check "$2" >"$tmp/out" 2>"$tmp/err"
	[ $? = "$1" ] && [ ! -s "$tmp/out" ] && [ "$(cat "$tmp/err")" = "$3" ]
}
say "check of nothing" line 3 gone "meshd: gone: No such file or directory"
say "check of a file" line 3 broken/master.yaml "meshd: broken/master.yaml: not a directory"
mkdir empty
say "check of an empty directory" line 3 empty \
    "meshd: empty: neither master.yaml nor sandboxes/ is there, nor lithos-configs/"

# Addresses: each instance's is judged, as its START would be.
mkdir -p net/sandboxes net/processes net/images/app/config
cat >net/sandboxes/web.yaml <<END
image-dir: $tmp/lithos/net/images
default-user: 1
allow-users: [1]
bridged-network: {bridge: br0, network: 10.0.0.0/24, default-gateway: 10.0.0.1}
END
echo 'executable: /bin/app' >net/images/app/config/web.yaml
addresses() {
	echo "web: {image: app, config: /config/web.yaml, instances: 2, ip-addresses: [$1]}" >net/processes/web.yaml
	"$mesh" check net net/images/app >"$tmp/out"
	[ $? = "$2" ] && grep -qF "$3" "$tmp/out"
}
say "check of addresses" addresses "10.0.0.2, 10.0.0.3" 0 "ok: net/images/app/config/web.yaml in sandbox 'web'"
say "check of one too few" addresses "10.0.0.2" 1 \
    "web: ip-addresses has 1, and there are 2 instances"
say "check of one of another network" addresses "10.0.0.2, 10.0.1.3" 1 \
    "net/sandboxes/web.yaml:4:41: bridged-network/network: ip-addresses: 10.0.1.3 is no address of a host in 10.0.0.0/24"
say "check of none" addresses "" 1 "ip-addresses: one address is needed, as sandbox 'web' has a bridged-network"
rm -r net

# Hostile: names, files that are no files, more than there is room for.
mkdir -p odd/sandboxes odd/image/config
: >"odd/sandboxes/$(printf 'a\033[2J').yaml"
mkfifo odd/sandboxes/fifo.yaml odd/image/config/fifo.yaml
ln -s /dev/zero odd/sandboxes/zero.yaml
ln -s /etc/hostname odd/image/config/link.yaml
echo 'password: hunter2' >secret
chmod 600 secret
ln secret odd/image/config/hard.yaml
mkdir odd/sandboxes/dir.yaml
head -c 2097152 /dev/zero | tr '\0' a >odd/sandboxes/large.yaml
# Root's, and somebody's: owners do not count then, what is no file still does.
cp -a odd theirs
chown -hR 65534 theirs 2>/dev/null || true # who is not root owns both
timeout 20 "$mesh" check theirs >"$tmp/out"
say "check of somebody's odd directory ends" [ $? = 1 ]
for name in fifo zero dir; do
	say "check of somebody's odd directory: $name" \
	    grep -q "error: theirs/sandboxes/$name.yaml: not a regular file" "$tmp/out"
done
timeout 20 "$mesh" check odd odd/image >"$tmp/out"
say "check of an odd directory ends" [ $? = 1 ]
for want in 'error: odd/sandboxes/a\\x1b\[2J.yaml: the name of a sandbox' \
    'error: odd/sandboxes/fifo.yaml: not a regular file' \
    'error: odd/sandboxes/zero.yaml: not a regular file' \
    'error: odd/sandboxes/dir.yaml: ' \
    'error: odd/sandboxes/large.yaml:1:1: larger than 1 MiB' \
    'error: odd/image/config/fifo.yaml: not a regular file' \
    'error: odd/image/config/hard.yaml: it has 2 names' \
    'error: odd/image/config/link.yaml: '; do
	say "check of an odd directory: $want" grep -q "$want" "$tmp/out"
done
"${mesh}d" --check odd odd/image >"$tmp/out" # not through mesh, which would clean it
say "check leaves no control character" sh -c '! grep -q "[[:cntrl:]]" "$1"' sh "$tmp/out"
exit $failed
