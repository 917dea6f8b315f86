#!/bin/sh
# The test of tidy: a small clean house, then one violation at a time is planted
# in it, and tidy must name exactly that file and that rule.  A check that
# silently stopped looking (a folder renamed, a pattern broken) fails here.
set -u
here=$(cd "$(dirname "$0")" && pwd)
house=$(mktemp -d "${TMPDIR:-/tmp}/mesh-tidy.XXXXXX")
trap 'rm -rf "$house"' EXIT INT TERM
bad=0

result() { # OK NAME
	if [ "$1" = 0 ]; then echo "ok tidy: $2"; else echo "not ok tidy: $2"; bad=1; fi
}

build() {
	rm -rf "${house:?}"/*
	mkdir -p "$house/gossip" "$house/daemon/base" "$house/daemon/core" \
	    "$house/daemon/io" "$house/daemon/supervisor" "$house/tests/unit/gossip" \
	    "$house/tests/shared" \
	    "$house/scheduler-scripts"
	printf '/* base */\n#include <stdint.h>\nint base_one(int);\n' >"$house/gossip/base.h"
	printf '/* swim */\n#include "base.h"\nint\nbase_one(int a)\n{\n\treturn a;\n}\n' >"$house/gossip/swim.c"
	printf '/* own */\n#include <unistd.h>\n' >"$house/daemon/base/own.h"
	printf '/* life */\nint life_of(int);\n' >"$house/daemon/core/lifecycle.h"
	printf '/* plan */\n#include <stdio.h>\n#include "../../gossip/base.h"\n' >"$house/daemon/core/plan.c"
	printf '/* net */\n#include <uv.h>\n#include "../core/lifecycle.h"\n#include "../../gossip/base.h"\n' >"$house/daemon/io/net.c"
	printf '/* root */\n#include <sched.h>\n#include "../core/lifecycle.h"\n#include "../base/own.h"\n' >"$house/daemon/supervisor/main.c"
	printf '/* test */\n#include "../../../gossip/base.h"\n#include "../../shared/toy.h"\n' >"$house/tests/unit/gossip/test_swim.c"
	printf '/* toy */\n#include "../../gossip/base.h"\n' >"$house/tests/shared/toy.h"
	printf -- '-- a scheduler\nlocal function f()\n\treturn 1\nend\n' >"$house/scheduler-scripts/main.lua"
	printf '# flat\nall:\n' >"$house/Makefile"
}

# planted NAME FILE EXPECTED: tidy must fail and say FILE:...EXPECTED.
planted() {
	out=$(/usr/bin/python3 "$here/tidy.py" "$house") && code=0 || code=$?
	printf '%s\n' "$out" | grep -q "^$2:.*$3" && [ "$code" = 1 ] &&
	    [ "$(printf '%s\n' "$out" | wc -l)" = 2 ]
	result $? "$1"
	[ "$code" = 1 ] || printf "%s\n" "$out" | sed "s/^/  /"
	build
}

lines() { # COUNT TEXT
	awk -v n="$1" -v t="$2" 'BEGIN { while (n-- > 0) print t }'
}

build
/usr/bin/python3 "$here/tidy.py" "$house" >/dev/null
result $? "a clean house passes"

echo '#include <time.h>' >>"$house/gossip/swim.c"
planted "clock header in gossip" gossip/swim.c '<time.h>'
echo '#include <stdio.h>' >>"$house/gossip/swim.c"
planted "stdio in gossip" gossip/swim.c '<stdio.h>'
echo '#include <sys/socket.h>' >>"$house/daemon/core/plan.c"
planted "socket header in core" daemon/core/plan.c '<sys/socket.h>'
echo '#include <uv.h>' >>"$house/daemon/supervisor/main.c"
planted "a library in root's room" daemon/supervisor/main.c '<uv.h>'
echo '#include <lua.h>' >>"$house/daemon/io/net.c"
planted "lua in the engine" daemon/io/net.c '<lua.h>'
echo '#include "../daemon/core/lifecycle.h"' >>"$house/gossip/swim.c"
planted "gossip looks up" gossip/swim.c 'includes daemon/core'
echo '#include "../io/net.c"' >>"$house/daemon/core/plan.c"
planted "core looks up" daemon/core/plan.c 'includes daemon/io'
echo '#include "../io/net.c"' >>"$house/daemon/supervisor/main.c"
planted "root looks into the engine" daemon/supervisor/main.c 'includes daemon/io'
echo '#include "../../gossip/swim.c"' >>"$house/daemon/supervisor/main.c"
planted "root looks into gossip" daemon/supervisor/main.c 'includes gossip/swim'
echo '#include "../../../daemon/io/net.c"' >>"$house/tests/unit/gossip/test_swim.c"
planted "a test of gossip looks up" tests/unit/gossip/test_swim.c 'includes daemon/io'
echo '#include "../../daemon/io/net.c"' >>"$house/tests/shared/toy.h"
planted "what tests share looks up" tests/shared/toy.h 'includes daemon/io'
echo '#include "../tests/shared/toy.h"' >>"$house/gossip/swim.c"
planted "gossip looks into tests" gossip/swim.c 'includes tests/shared'
{ printf 'int\nlong_one(void)\n{\n'; lines 67 '	;'; printf '}\n'; } >>"$house/daemon/io/net.c"
/usr/bin/python3 "$here/tidy.py" "$house" | grep -q 'long_one'
result $((! $?)) "a function of 70 lines passes"
build
{ printf 'int\nlong_one(void)\n{\n'; lines 68 '	;'; printf '}\n'; } >>"$house/daemon/io/net.c"
planted "function of 71 lines" daemon/io/net.c 'long_one has 71 lines'
lines 600 ';' >>"$house/daemon/io/net.c"
planted "file of 604 lines" daemon/io/net.c 'file has 604 lines'
lines 130 'int a;' >>"$house/gossip/base.h"
planted "header of 132 lines" gossip/base.h 'limit 130'
lines 130 '# x' >>"$house/Makefile"
planted "long Makefile" Makefile 'limit 130'
echo 'typedef struct x { int a; } x;' >>"$house/daemon/io/net.c"
planted "typedef struct" daemon/io/net.c 'typedef'
printf 'int\nf(void)\n{\n\tgoto out;\n}\n' >>"$house/daemon/io/net.c"
planted "goto" daemon/io/net.c 'goto'
echo '#define NDEBUG' >>"$house/gossip/swim.c"
planted "NDEBUG in a source" gossip/swim.c NDEBUG
echo 'CFLAGS += -DNDEBUG' >>"$house/Makefile"
planted "NDEBUG in the Makefile" Makefile NDEBUG
echo "/* TO""DO later */" >>"$house/daemon/io/net.c"
planted "a note to self" daemon/io/net.c 'note to self'
printf 'int a; \n' >>"$house/daemon/io/net.c"
planted "space at the end" daemon/io/net.c 'space at the end'
printf 'int a;' >>"$house/daemon/io/net.c"
planted "no newline at the end" daemon/io/net.c 'no newline'
printf 'int a;\n' >"$house/daemon/io/net.c"
planted "no essay" daemon/io/net.c 'without a comment'
{ printf 'function g()\n'; lines 70 '	x()'; printf 'end\n'; } >>"$house/scheduler-scripts/main.lua"
planted "long Lua function" scheduler-scripts/main.lua 'function g has 72'
{ printf '"""x"""\ndef g():\n'; lines 70 '    x()'; } >"$house/tests/g.py"
planted "long Python function" tests/g.py 'function g has 71'
{ printf '# x\ng() {\n'; lines 70 '	x'; printf '}\n'; } >"$house/tests/g.sh"
planted "long shell function" tests/g.sh 'function g has 72'

echo 'see `gossip/nowhere.c`' >>"$house/ARCHITECTURE.md"
planted "a map of what is not there" ARCHITECTURE.md 'does not exist'
echo '<<<<<<< HEAD' >"$house/ARCHITECTURE.md"
planted "two changes that met" ARCHITECTURE.md 'two changes met'
{ echo 'see `gossip/swim.c`'; lines 150 x; } >"$house/ARCHITECTURE.md"
planted "a long map" ARCHITECTURE.md 'limit 150'

# By objects: what no header shows, the linker sees.
object() { # ROOM FILE BODY
	printf '/* planted */\n%s\n' "$3" >"$house/$1/$2.c"
	mkdir -p "$house/build/o/$1"
	gcc -w -O1 -c "$house/$1/$2.c" -o "$house/build/o/$1/$2.o"
}
object gossip clock 'long time(long *); long now(void) { return time(0); }'
planted "a clock without its header" gossip/clock.c "'time'"
object gossip chance 'int rand(void); int chance(void) { return rand(); }'
planted "rand" gossip/chance.c "'rand'"
object gossip greedy 'void *malloc(unsigned long); void *grab(void) { return malloc(8); }'
planted "malloc outside a _new" gossip/greedy.c "allocates outside"
object gossip fine 'void *malloc(unsigned long); void *fine_new(void) { return malloc(8); }'
/usr/bin/python3 "$here/tidy.py" "$house" >/dev/null
result $? "malloc in a _new"
build
object daemon/core speak 'int printf(const char *, ...); int speak(int a) { return printf("%d", a); }'
planted "printf in core" daemon/core/speak.c "'printf'"
object daemon/core file 'int open(const char *, int); int file(void) { return open("x", 0); }'
planted "open in core" daemon/core/file.c "'open'"
exit $bad
