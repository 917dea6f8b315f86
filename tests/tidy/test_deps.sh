#!/bin/sh
# What a machine with only gcc and make is told: by `make`, and by `make deps` as
# root, through sudo, and with neither.  apt-get, dpkg-query, sudo and id are
# played, so nothing is installed and nobody has to be root.
set -u
here=$(cd "$(dirname "$0")/../.." && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/mesh-deps.XXXXXX")
trap 'rm -rf "$dir"' EXIT INT TERM
bad=0
mkdir "$dir/bin"
for tool in sh dirname awk env grep cat rm mkdir make gcc cc ar find; do
	path=$(command -v "$tool") && ln -s "$path" "$dir/bin/$tool"
done

played() { # NAME BODY...: a played program; each call of it is a line of calls
	name=$1
	shift
	printf '#!/bin/sh\necho "%s $*" >>"%s/calls"\n' "$name" "$dir" >"$dir/bin/$name"
	printf '%s\n' "$@" >>"$dir/bin/$name"
	chmod +x "$dir/bin/$name"
}
run() { # COMMAND...: in that world; $code, $dir/out, $dir/calls
	: >"$dir/calls"
	PATH=$dir/bin "$@" >"$dir/out" 2>&1
	code=$?
}
says() { # NAME CODE FILE WORDS...: each of WORDS is in FILE of $dir
	what=$1 want=$2 file=$3
	shift 3
	verdict=ok
	[ "$code" = "$want" ] || verdict="not ok"
	for w in "$@"; do
		case $w in
		!*) ! grep -qF -e "${w#!}" "$dir/$file" || verdict="not ok" ;;
		*) grep -qF -e "$w" "$dir/$file" || verdict="not ok" ;;
		esac
	done
	echo "$verdict deps: $what"
	[ "$verdict" = ok ] || {
		bad=1
		echo "  exit $code"
		sed 's/^/  | /' "$dir/out" "$dir/calls"
	}
}
deps() { run sh "$here/tests/deps.sh"; }

run make -s -C "$here" B="$dir/build"
says "make says what is missing and what to type" 2 out libuv_a.a "make deps" "!fatal error"

played id 'echo 1000'
played dpkg-query 'exit 1'
played apt-get 'echo "apt says this"'
deps
says "no root, no sudo: how to go on" 5 out "no sudo" build-essential
says "no root, no sudo: nothing is tried" 5 calls "!apt-get"

played sudo '[ "$1" != -v ] || exit 1' '[ "$1" != -E ] || shift' '"$@"'
deps
says "through sudo, and says so" 0 out "through sudo" "deps: installed" "!apt says this"
says "sudo asks only where a password is needed" 0 calls "sudo -E env" "!sudo -v"

played sudo 'echo "not in the sudoers file" >&2' 'exit 1'
deps
says "sudo refuses" 5 out "not in the sudoers file"
says "sudo refuses: nothing is tried" 5 calls "!apt-get"

played id 'echo 0'
deps
says "root needs no sudo" 0 calls "apt-get -y -q install" "!sudo"
says "what works at once needs no update" 0 calls "!update"

played apt-get 'case $* in *update*) : >'"$dir/updated"' ;; esac' \
    "[ -e '$dir/updated' ] || { echo 'E: Unable to locate package'; exit 100; }"
deps
says "no package lists: they are fetched" 0 calls "apt-get -y -q update"
says "no package lists: the first failure is not shown" 0 out "package lists" "!Unable to locate"

played apt-get 'echo "E: no space left"' 'exit 100'
deps
says "what apt-get fails with is shown" 1 out "E: no space left" "!deps: installed"

played dpkg-query 'echo installed'
deps
says "everything there: silent" 0 calls "!apt-get" "!sudo"
[ ! -s "$dir/out" ] || { echo "not ok deps: silent"; bad=1; }
exit $bad
