#!/bin/sh
# conf.sh - meshd-conf on whole files: the program, not only its library.
#
# conf/KIND-NAME.yaml becomes conf/KIND-NAME.ok (its records, as a second reader
# of the format prints them) or fails with the one line of conf/KIND-NAME.err.
# With .ok there may be .note: what it says of keys treated otherwise than by lithos.
# REWRITE=1 writes what is there now: look at the diff before you commit it.
cd "$(dirname "$0")/../.." || exit 5
conf=${B:-build}/meshd-conf
here=tests/golden/conf
tmp=$(mktemp -d) || exit 5
trap 'rm -rf "$tmp"' EXIT
. tests/shared/say.sh

# run KIND DISPLAY FILE: exit code in $rc, outputs in $tmp
run() {
	"$conf" "$1" "$2" <"$3" >"$tmp/out" 2>"$tmp/err"
	rc=$?
}

same() {
	diff -u "$1" "$2" >&2
}

good() {
	note=${1%.ok}.note
	[ -e "$note" ] || note=/dev/null
	[ $rc = 0 ] && same "$note" "$tmp/err" &&
	    /usr/bin/python3 -B $here/flat_dump.py <"$tmp/out" >"$tmp/dump" &&
	    same "$1" "$tmp/dump"
}

bad() {
	[ $rc = 3 ] && [ ! -s "$tmp/out" ] && [ "$(wc -l <"$tmp/err")" = 1 ] &&
	    same "$1" "$tmp/err"
}

rewrite() {
	rm -f "$1.ok" "$1.err" "$1.note"
	if [ $rc = 0 ]; then
		[ ! -s "$tmp/err" ] || cp "$tmp/err" "$1.note"
		/usr/bin/python3 -B $here/flat_dump.py <"$tmp/out" >"$1.ok"
	else
		cp "$tmp/err" "$1.err"
	fi
}

for yaml in "$here"/*.yaml; do
	name=$(basename "$yaml" .yaml)
	run "${name%%-*}" "$name.yaml" "$yaml"
	[ -n "${REWRITE:-}" ] && rewrite "$here/$name"
	if [ -e "$here/$name.err" ]; then
		say "conf $name" bad "$here/$name.err"
	else
		say "conf $name" good "$here/$name.ok"
	fi
done

# What we ship is accepted.
stock() {
	for f in $2; do
		run "$1" "$f" "$f"
		cat "$tmp/err" >&2
		say "conf accepts $f" [ $rc = 0 ]
	done
}
stock daemon packaging/mesh.yaml
stock master lithos-configs/master.yaml
stock sandbox "$(echo lithos-configs/sandboxes/*.yaml)"
stock container "$(echo lithos-configs/containers/*.yaml)"
stock processes "$(echo lithos-configs/processes/*.yaml)"

# A directory, a file that is too large, a wrong call.
line() {
	[ $rc = "$1" ] && [ ! -s "$tmp/out" ] && [ "$(cat "$tmp/err")" = "$2" ]
}
run daemon etc /
say "conf of a directory" line 3 "etc: is a directory"
head -c 2097152 /dev/zero | tr '\0' a >"$tmp/large"
run daemon large "$tmp/large"
say "conf of 2 MiB" line 3 "large:1:1: larger than 1 MiB"
head -c 81920 /dev/zero | tr '\0' '[' >"$tmp/deep"
run daemon deep "$tmp/deep"
say "conf of 80 kB of [" line 3 "deep:1:65: nesting deeper than 64"
# More keys than libc sorts without asking the kernel (the filter forbids that).
awk 'BEGIN { for (i = 0; i < 5000; i++) print "k" (i * 7919) % 5000 ": 1" }' >"$tmp/many"
run meta many "$tmp/many"
say "conf of 5000 keys" [ $rc = 0 ]
echo 'k4999: 2' >>"$tmp/many"
run meta many "$tmp/many"
say "conf of a key repeated after 5000" line 3 \
    "many:5001:1: key 'k4999' repeated, first at line $(grep -n '^k4999:' "$tmp/many" | head -n 1 | cut -d: -f1)"
run container "$(printf 'a\033[2Jb')" "$tmp/deep"
say "conf shows a hostile name escaped" line 3 'a\x1b[2Jb:1:65: nesting deeper than 64'
run deamon x /dev/null
say "conf of an unknown kind" line 64 "meshd-conf: unknown kind 'deamon'; allowed:\
 daemon, sandbox, container, processes, secrets, master, host-actions, render, meta"
"$conf" daemon <"$tmp/deep" >"$tmp/out" 2>"$tmp/err"
rc=$?
say "conf without a name" line 64 \
    "meshd-conf: usage: meshd-conf KIND DISPLAY-NAME < yaml > records"
run daemon full "$here/daemon-all.yaml"
"$conf" daemon full <"$here/daemon-all.yaml" >/dev/full 2>"$tmp/err"
say "conf into a full disk" [ $? = 5 ]

# What the fuzzer found interesting, through the whole program and its filter:
# an answer every time, never a signal.
answers() {
	for f in tests/fuzz/corpus/conf/*; do
		for kind in daemon container meta; do
			tail -c +2 "$f" | "$conf" $kind fuzz >/dev/null 2>&1
			rc=$?
			[ $rc = 0 ] || [ $rc = 3 ] || { echo "$f: exit $rc" >&2; return 1; }
		done
	done
}
say "conf answers the fuzzer's corpus" answers

# The doors are shut before a byte is read: look at it while it waits.
mkfifo "$tmp/fifo"
"$conf" daemon waits <"$tmp/fifo" >"$tmp/out" 2>"$tmp/err" &
pid=$!
exec 9>"$tmp/fifo"
shut() {
	grep -q '^Seccomp:[[:space:]]*2$' "/proc/$pid/status" &&
	    grep -q '^NoNewPrivs:[[:space:]]*1$' "/proc/$pid/status" &&
	    grep -q '^Max open files  *3  *3 ' "/proc/$pid/limits"
}
for i in $(seq 100); do
	shut 2>/dev/null && break
	sleep 0.05
done
say "conf reads behind a filter" shut
exec 9>&-
wait "$pid"
say "conf then works" [ $? = 0 ]
exit $failed
