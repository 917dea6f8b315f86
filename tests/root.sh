# root.sh - sourced by what goes through sudo when it is not started by root.

# need_root WHAT: says that WHAT needs root, and asks for the password once.
# (`sudo -v` would ask even those whose sudoers entry says NOPASSWD.)
need_root() {
	[ "$(id -u)" != 0 ] || return 0
	if ! command -v sudo >/dev/null 2>&1; then
		echo "$1: needs root, and there is no sudo here; run it as root" >&2
		exit 5
	fi
	echo "$1: needs root, so through sudo" >&2
	sudo true || exit 5
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo -E "$@"; fi
}
