#!/bin/sh
# kernel.sh DIR - Debian's kernel and its modules, unpacked into DIR and not installed:
# this host goes on with its own.
set -eu
dir=$1
[ ! -e "$dir/boot" ] || exit 0
package=$(apt-cache depends linux-image-amd64 2>/dev/null | awk '/Depends: linux-image-/ { print $2; exit }')
[ -n "$package" ] || {
	echo "deps-v2: apt knows no linux-image-amd64: apt-get update" >&2
	exit 5
}
echo "deps-v2: $package is unpacked into $dir" >&2
rm -rf "$dir" "$dir.new"
mkdir -p "$dir.new"
(cd "$dir.new" && apt-get -q download "$package" >/dev/null 2>&1) || {
	echo "deps-v2: apt-get download $package: has failed; the lists may be old: apt-get update" >&2
	exit 5
}
dpkg-deb -x "$dir.new"/*.deb "$dir.new"
rm "$dir.new"/*.deb
mv "$dir.new" "$dir"
