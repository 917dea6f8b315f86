#!/bin/sh
# `make install` into an empty directory: everything a host needs is there,
# nothing says where it was built, and what was installed runs from there.
set -u
cd "$(dirname "$0")/../.." || exit 5
dir=$(mktemp -d) || exit 5
trap 'rm -rf "$dir"' EXIT

that() {
	name=$1
	shift
	if "$@" >"$dir/said" 2>&1; then
		echo "ok $name"
	else
		echo "not ok $name: $(tail -n 1 "$dir/said")"
	fi
}
that "make install" "${MAKE:-make}" -s install DESTDIR="$dir" PREFIX=/usr
for f in bin/mesh sbin/meshd sbin/mesh-accounts libexec/mesh/meshd-engine \
    libexec/mesh/meshd-script libexec/mesh/meshd-conf libexec/mesh/meshd-init \
    libexec/mesh/mesh-dev; do
	that "program $f" test -x "$dir/usr/$f"
done
for f in lib/systemd/system/meshd.service share/man/man1/mesh.1 \
    share/doc/mesh/README.md share/doc/mesh/doc/guide.md \
    share/bash-completion/completions/mesh \
    share/mesh/templates/processes.yaml.tmpl share/mesh/scheduler-scripts/meta/contract.lua \
    share/mesh/scheduler-scripts/.luarc.json share/mesh/scheduler-scripts/schema/output.schema.json; do
	that "file $f" test -s "$dir/usr/$f"
done
for d in scheduler-scripts templates lithos-configs; do
	that "tree $d" sh -c 'test -n "$(find "$1" -type f)"' sh "$dir/usr/share/mesh/$d"
done
that "the links of the pages lead somewhere" /usr/bin/python3 -B tests/golden/links.py "$dir/usr/share/doc/mesh"
that "nobody but the owner may write" \
    sh -c 'test -z "$(find "$1" ! -type l -perm /022)"' sh "$dir/usr"
that "no path of the build" \
    sh -c '! grep -rIlq -e "$PWD/" -e "@PREFIX@" "$1"' sh "$dir/usr"
that "the unit starts what is installed" \
    grep -q '^ExecStart=/usr/sbin/meshd --config /etc/mesh/mesh.yaml$' \
    "$dir/usr/lib/systemd/system/meshd.service"
# systemd looks for what the unit starts: so this one starts what lies here.  It exits 0
# where it only warns, and a key it does not know is a warning: it must say nothing.
unit=$dir/usr/lib/systemd/system/meshd.service
verify() {
	said=$(systemd-analyze verify --man=no "$1" 2>&1) && [ -z "$said" ] ||
	    { echo "$said"; return 1; }
}
refused() {
	sed "$1" "$dir/meshd.service" >"$dir/bad.service"
	! cmp -s "$dir/meshd.service" "$dir/bad.service" && ! verify "$dir/bad.service"
}
sed "s|^ExecStart=|&$dir|" "$unit" >"$dir/meshd.service"
that "systemd has nothing against the unit" verify "$dir/meshd.service"
that "it would not take a misspelt key" refused 's/^OOMPolicy=/OOMPolcy=/'
that "it would not take a program that is not there" refused 's|sbin/meshd|sbin/mesd|'
that "the unit leaves containers alone" sh -c '
	for line in Type=notify NotifyAccess=main KillMode=process Delegate=yes OOMPolicy=continue Restart=always; do
		grep -qx "$line" "$1" || { echo "no $line"; exit 1; }
	done
	! grep -E "^(Protect|Private|Restrict|SystemCall|MemoryDeny|NoNewPriv|CapabilityB|Ambient|ReadOnly|ReadWrite|RuntimeDir|StateDir)" "$1"' sh "$unit"
that "mesh runs" "$dir/usr/bin/mesh" --version
that "meshd runs" "$dir/usr/sbin/meshd" --version
