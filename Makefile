# mesh: one flat Makefile.  Folder = purity = privilege; link lines prove it.
#   make            build/meshd, its helpers, build/mesh, build/mesh-sim
#   make deps       install Debian's packages (root or sudo)
#   make demo test  the whole story; all tests
#   make SAN=address,undefined ...   own build directory
# make has a CC of its own, cc, so `?=` would never set it; CC=clang: build-clang.
ifeq ($(origin CC),default)
CC      := gcc
endif
SAN     ?=
FUZZ    ?=
B       := build$(if $(filter clang%,$(notdir $(CC))),-clang)$(if $(SAN),-san)
PREFIX  ?= /usr/local
DESTDIR ?=

WARN    := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Werror
HARD    := -fstack-protector-strong $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
# Faults show as well at -O1, which compiles faster.
CFLAGS  ?= $(if $(SAN),-O1 -g1 $(if $(filter clang%,$(notdir $(CC))),,-Wno-format-truncation),-O2 -g)
SANITIZE := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -fno-math-errno $(WARN) $(HARD) $(CFLAGS) $(SANITIZE) -MMD -MP
LDFLAGS += $(if $(SAN),-fsanitize=$(SAN) $(if $(filter clang,$(CC)),-fuse-ld=lld)) -Wl,-z,relro,-z,now # lld: hundreds are linked

pc      = $(shell pkg-config --cflags $(1) 2>/dev/null)
# Debian's static archives, by pkg-config's own library directory.
libdir := $(shell pkg-config --variable=libdir libsodium 2>/dev/null)
a       = $(libdir)/lib$(1).a
absent := $(strip $(foreach l,msgpackc uv_a sodium lmdb zstd pcre2-8 lua5.4 seccomp yaml jansson,$(if $(wildcard $(call a,$(l))),,lib$(l).a)))

ROOMS   := gossip base core io script conf supervisor cli http
src_gossip     := $(wildcard gossip/*.c)
src_base       := $(wildcard daemon/base/*.c)
src_core       := $(wildcard daemon/core/*.c)
src_io         := $(filter-out daemon/io/main.c,$(wildcard daemon/io/*.c))
src_script     := $(filter-out daemon/script/main.c daemon/script/bake.c,$(wildcard daemon/script/*.c))
src_conf       := $(filter-out daemon/conf/main.c,$(wildcard daemon/conf/*.c))
src_supervisor := $(filter-out daemon/supervisor/main.c,$(wildcard daemon/supervisor/*.c))
src_cli        := $(filter-out daemon/cli/main.c,$(wildcard daemon/cli/*.c))
src_http       := $(filter-out daemon/http/main.c,$(wildcard daemon/http/*.c))
src_sim        := $(wildcard tests/sim/*.c)
comma := ,
obj = $(patsubst %.c,$(B)/o/%.o,$(1))
lib = $(B)/lib$(1).a
cflags_script := $(call pc,lua5.4)
LUA_LIB := $(wildcard scheduler-scripts/lib/*.lua)

need_gossip     := $(call lib,gossip) $(call a,msgpackc)
need_base       := $(call lib,base) $(need_gossip)
need_core       := $(call lib,core) $(need_base) $(call a,pcre2-8)
need_io         := $(call lib,io) $(need_core) $(call a,uv_a) $(call a,sodium) $(call a,lmdb) $(call a,zstd) -lpthread -ldl -lrt
need_script     := $(call lib,script) $(need_base) $(call a,lua5.4) $(call a,seccomp) -lm -ldl
need_conf       := $(call lib,conf) $(need_base) $(call a,yaml) $(call a,sodium)
need_supervisor := $(call lib,supervisor) $(call lib,core) $(call lib,base) $(call a,seccomp)
# It signs with ca.key and tokens, and runs schedulers: of io those files, and what they need, are linked.
need_cli        := $(call lib,cli) $(need_io) $(call a,jansson)
need_http       := $(call lib,http) $(need_base) $(call a,seccomp) -lmicrohttpd -lm

PROGRAMS := meshd meshd-engine meshd-script meshd-conf meshd-http meshd-init mesh mesh-sim
all: $(addprefix $(B)/,$(PROGRAMS))
# Nothing is compiled before everything is there that it is linked with.
.PHONY: absent
absent:
	@echo "make: not here: $(absent); to install what building needs: make deps" >&2; exit 1
$(B)/o/%.o: %.c | $(if $(absent),absent)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(cflags_$(word 2,$(subst /, ,$<))) -c $< -o $@
$(foreach r,$(ROOMS),$(eval $(B)/lib$(r).a: $(call obj,$(src_$(r)))))
$(B)/lib%.a:
	@rm -f $@
	ar rcs $@ $^

link = $(CC) $(CFLAGS) $(LDFLAGS) $(filter %.o,$^) -Wl,--start-group $(filter %.a -l%,$(1)) -Wl,--end-group -o $@
# Root's program loads nothing at run time, nor does what starts for each round.  (A sanitizer is a library.)
$(B)/meshd $(B)/meshd-script: LDFLAGS += $(if $(SAN),,-static-pie)
$(B)/meshd: $(call obj,daemon/supervisor/main.c) $(filter $(B)/%,$(need_supervisor))
	$(call link,$(need_supervisor))
$(B)/meshd-engine: $(call obj,daemon/io/main.c) $(filter $(B)/%,$(need_io))
	$(call link,$(need_io) $(call a,seccomp))
$(B)/meshd-script: $(call obj,daemon/script/main.c) $(filter $(B)/%,$(need_script))
	$(call link,$(need_script))
$(B)/meshd-conf: $(call obj,daemon/conf/main.c) $(filter $(B)/%,$(need_conf))
	$(call link,$(need_conf) $(call a,seccomp))
$(B)/meshd-http: $(call obj,daemon/http/main.c) $(filter $(B)/%,$(need_http))
	$(call link,$(need_http))
$(B)/mesh: $(call obj,daemon/cli/main.c) $(filter $(B)/%,$(need_cli))
	$(call link,$(need_cli))
# pid 1 of a container: static, no library but libc.  Each container pays for its
# pages, so musl is the libc where it is installed: glibc's costs 20 times as much.
INIT_CC := $(if $(shell command -v musl-gcc),musl-gcc,gcc)
$(B)/meshd-init: $(wildcard daemon/init/*.c) $(wildcard daemon/init/*.h) daemon/base/initproto.h daemon/base/weak.h | $(if $(absent),absent)
	@mkdir -p $(@D)
	$(INIT_CC) -std=c11 -D_GNU_SOURCE $(WARN) $(if $(SAN),$(TRAP)) -Os -static -s -o $@ $(filter %.c,$^)
# For tests, and never installed: each defence of a container can be left out (daemon/base/weak.h).
weak: $(addprefix $(B)/weak/,meshd meshd-conf meshd-init meshd-dynamic)
# The supervisor as it is, but linked so that a test can stand before its calls (tests/containers/countdown.c).
$(B)/weak/meshd-dynamic: $(call obj,daemon/supervisor/main.c) $(filter $(B)/%,$(need_supervisor))
	@mkdir -p $(@D)
	$(call link,$(need_supervisor))
$(B)/weak/meshd: $(shell grep -l base/weak.h daemon/supervisor/*.c) tests/containers/weak.c $(B)/meshd
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE -DMESH_WEAK -O0 $(SANITIZE) -o $@ $(filter %.c,$^) $(call obj,daemon/supervisor/main.c) $(need_supervisor)
$(B)/weak/meshd-conf: $(shell grep -l base/weak.h daemon/conf/*.c) tests/containers/weak.c $(B)/meshd-conf
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE -DMESH_WEAK -DWEAK_ALL -O0 $(SANITIZE) -o $@ $(filter %.c,$^) $(need_conf) $(call a,seccomp)
$(B)/weak/meshd-init: tests/containers/weak.c $(B)/meshd-init
	@mkdir -p $(@D)
	gcc -std=c11 -D_GNU_SOURCE -DMESH_WEAK -O0 $(if $(SAN),$(TRAP)) -static -o $@ $(wildcard daemon/init/*.c) $<
# The simulator counts what its machines ask of malloc, and plants faults in them.
$(B)/mesh-sim: LDFLAGS += $(addprefix -Wl$(comma)--wrap=,malloc calloc realloc spread_pick members_tell cargo_load cargo_fill budget_wait \
    rumours_hear packet_begin rumour_pack keys_epoch keyleap_believed claim_check claim_above claim_stamp cookie_holds evict_refuses going_wait_until roster_sum_end \
    roster_recv roster_judge recall_agreed admit_record admit_vote admit_judge recover_signed quorum_weight summary_forget \
    elect_freeze leave_keeps_out mesh_evict members_find_begin brief_next mesh_facts_take)
$(B)/mesh-sim: $(call obj,$(src_sim)) $(call lib,gossip)
	$(call link,$(need_gossip) -lm)
include daemon/script/bake.mk

# --- tests: the folder of a test decides what it may link -------------------
UNIT := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*/test_*.c))
unit_programs: $(UNIT)
.SECONDEXPANSION:
# (a '%' in the rule itself would become the stem)
built = $(filter $(B)/%,$(1))
$(UNIT): $(B)/unit/%: tests/unit/%.c $$(call built,$$(need_$$(firstword $$(subst /, ,$$*))))
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(cflags_$(firstword $(subst /, ,$*))) $(LDFLAGS) $< -Wl,--start-group $(need_$(firstword $(subst /, ,$*))) -Wl,--end-group -lcmocka -lm -o $@

FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
include tests/tests.mk
-include $(shell find $(B) -name '*.d' 2>/dev/null)
