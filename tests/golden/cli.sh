#!/bin/sh
# The program `mesh` as a shell sees it: exit codes, which stream, full disks,
# closed pipes, completion that a real shell takes.  No daemon is needed.
set -u
cd "$(dirname "$0")/../.." || exit 5
mesh=${B:-build}/mesh
dir=$(mktemp -d) || exit 5
trap 'rm -rf "$dir"' EXIT
unset MESH_SOCKET NO_COLOR

# is NAME CODE STDERR-LINE ARGUMENTS...: stdout stays empty when it fails.
is() {
	name=$1 code=$2 want=$3
	shift 3
	"$mesh" "$@" >"$dir/out" 2>"$dir/err"
	got=$?
	line=$(head -n 1 "$dir/err")
	if [ "$got" = "$code" ] && [ "$line" = "$want" ] &&
	    { [ "$code" = 0 ] || [ ! -s "$dir/out" ]; }; then
		echo "ok $name"
	else
		echo "not ok $name: exit $got, stderr: $line"
	fi
}
# that NAME COMMAND...: the command says whether it is so.
that() {
	name=$1
	shift
	if "$@"; then echo "ok $name"; else echo "not ok $name"; fi
}

gone=$dir/ctl
is "unknown command" 64 "mesh: unknown command 'stauts'; did you mean 'status'? see mesh --help" stauts
is "missing argument" 64 "mesh: render: missing ROLE; usage: mesh render ROLE [--raw] [--node NODE] [--scheduler DIR] [--input FILE]" render
is "argument with escapes" 64 "mesh: logs: INSTANCE|ROLE 'a\\x1b[2J' is not a name ([a-z0-9][a-z0-9_.-]{0,62})" \
    logs "$(printf 'a\033[2J')"
is "not a date" 64 "mesh: --since: '2026-13-40' is not a date (YYYY-MM-DD[Thh:mm:ss]) nor a duration (10m)" \
    logs web.1 --since 2026-13-40
is "no daemon" 7 "mesh: cannot connect to $gone: No such file or directory; is meshd running?" \
    --socket "$gone" ps
is "no daemon for status" 3 "mesh: cannot connect to $gone: No such file or directory; is meshd running?" \
    --socket "$gone" status
for verb in members "members --compare" facts "facts n1" audit "audit web.1" leader partition roster rtt "rtt n1 n2" reachability events \
    "metrics up" "metrics --list" top \
    "debug show" "debug bundle"; do
	# shellcheck disable=SC2086  # words, as typed
	is "no daemon for $verb" 7 "mesh: cannot connect to $gone: No such file or directory; is meshd running?" \
	    --socket "$gone" $verb
done
is "no expression" 64 "mesh: metrics: missing EXPR; usage: mesh metrics 'node_load1', or mesh metrics --list" metrics
is "a span of a range" 64 "mesh: --range: '10' is not a duration from 1s to 24h (10m)" metrics up --range 10
is "a step without a range" 64 "mesh: metrics: --step is of a range: say --range 10m too" metrics up --step 5s
is "a list of no time" 64 "mesh: metrics: --list is of names, and takes neither --range, --step nor --at" metrics --list --range 5m
is "a list of now" 64 "mesh: metrics: --list is of names, and takes neither --range, --step nor --at" metrics --list --at 5m
is "no time" 64 "mesh: --at: 'noon' is not a date (YYYY-MM-DD[Thh:mm:ss]) nor a duration (10m)" metrics up --at noon
is "a time to come" 64 "mesh: --at: '2999-01-01' is still to come; nodes keep what they measure for an hour (limits.metrics-keep)" \
    metrics up --at 2999-01-01
is "a time before all" 64 "mesh: --at: '1970-01-01' is too long ago; nodes keep what they measure for an hour (limits.metrics-keep)" \
    metrics up --at 1970-01-01
is "no time to wait" 64 "mesh: --timeout: '0s' is not a duration from 1ms to 10s (500ms)" metrics up --timeout 0s
is "too long to wait" 64 "mesh: --timeout: '11s' is not a duration from 1ms to 10s (500ms)" metrics up --timeout 11s
is "no time of a list of nodes" 64 "mesh: members: --at is not for this command; usage: mesh members [-w] [--compare] [--status STATE] [--tag K=V] [--name GLOB]" \
    members --at 5m
is "a node's name" 64 "mesh: --node: 'N 1' is no node's name" metrics up --node "N 1"
is "a bundle is a word" 64 "mesh: debug: unknown COMMAND 'bundel'; did you mean 'bundle'? see mesh help debug" debug bundel
is "a file is for the bundle" 64 "mesh: debug: only bundle takes FILE, not show; see mesh help debug" debug show FILE
is "a state is a word" 64 "mesh: --status: unknown state 'faild'; did you mean 'failed'?" members --status faild
is "a file that is no socket" 7 "mesh: cannot connect to $0: Connection refused; is meshd running?" \
    --socket "$0" ps
# mesh seal: nothing of what came from standard input is in a line.
echo hunter2 >"$dir/value"
echo 'ssh-rsa AAAA x' >"$dir/rsa.pub"
sealed() { # NAME CODE LINE FILE WORD...
	about=$1 want=$2 line=$3 from=$4
	shift 4
	"$mesh" seal "$@" <"$from" >"$dir/out" 2>"$dir/err"
	code=$?
	that "seal: $about" [ "$code" = "$want" ] && that "seal: $about: says so" [ "$(cat "$dir/err")" = "$line" ]
}
sealed "no key" 3 "mesh: seal: $dir/none: No such file or directory" "$dir/value" "$dir/none"
sealed "a key of another kind" 3 "mesh: seal: $dir/rsa.pub: not the public half of an OpenSSH ed25519 key: \`ssh-ed25519 ...\` in FILE.pub" \
    "$dir/value" "$dir/rsa.pub"
sealed "the secret in place of the key" 3 "mesh: seal: $dir/value: not the public half of an OpenSSH ed25519 key: \`ssh-ed25519 ...\` in FILE.pub" \
    "$dir/rsa.pub" "$dir/value"
sealed "a namespace" 64 "mesh: seal: NAMESPACE must be of [A-Za-z0-9_.-], at most 255 bytes" "$dir/value" "$dir/rsa.pub" a/b
sealed "too much" 3 "mesh: seal: standard input: more than 32 KiB" /dev/zero "$dir/rsa.pub"
is "own version" 0 "" --version
is "help" 0 "" help
is "help of a command" 0 "" logs --help

"$mesh" help >/dev/full 2>"$dir/err"
that "full disk: exit 1" [ $? = 1 ]
that "full disk: says so" grep -q 'standard output: No space left on device' "$dir/err"
mkfifo "$dir/pipe"
: <"$dir/pipe" &
exec 8>"$dir/pipe"
wait $! # its reader is gone
"$mesh" help >&8 2>"$dir/err"; echo $? >"$dir/code"
exec 8>&-
that "closed pipe: quiet" [ ! -s "$dir/err" ]
that "closed pipe: no death by signal" [ "$(cat "$dir/code")" = 0 ]

MESH_SOCKET=$gone "$mesh" version >"$dir/out" 2>"$dir/err"
that "version without a daemon: exit 7" [ $? = 7 ]
that "version without a daemon: its own" grep -q '^mesh [0-9]' "$dir/out"

# Every command is in the help, in the man page and in the completion.
"$mesh" completion bash >"$dir/bash"
that "bash takes the completion" bash -n "$dir/bash"
complete_bash() {
	bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _mesh; echo "${COMPREPLY[*]}"' \
	    bash "$dir/bash" "$@"
}
that "completes a command" [ "$(complete_bash mesh stat)" = status ]
that "completes a word" [ "$(complete_bash mesh schedule sho)" = show ]
that "completes a command's option" [ "$(complete_bash mesh logs --fol)" = --follow ]
that "completes a format" [ "$(complete_bash mesh ps -o j)" = json ]
that "no option of another command" [ -z "$(complete_bash mesh status --fol)" ]
for verb in $("$mesh" help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
	that "man page has $verb" grep -Eq "(^\.B |fB)$verb( |\$|\\\\)" doc/mesh.1
	that "help of $verb" sh -c '"$1" help "$2" | grep -q "^usage: mesh $2"' sh "$mesh" "$verb"
done
