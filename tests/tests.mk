# Targets that test, show, measure and install: included by the Makefile.
.PHONY: all deps tidy tidy-test unit unit_programs golden golden-wire sim san fuzz fuzz_programs
.PHONY: weak mutants models containers cluster test test-net demo bench bench-round bench-forge bench-mesh bench-containers deps-bench install clean format print-unit print-fuzz

deps:
	@sh tests/deps.sh
deps-bench: # the peers that bench-mesh runs beside us
	@PEERS=1 sh tests/deps.sh
test:
	@sh tests/run.sh all
demo:
	@KEEP=$(KEEP) sh tests/demo/run.sh
bench:
	@sh tests/bench/run.sh

bench-mesh: all $(B)/bench/forge # as root; TRIALS=3; WHAT=many: detection at 100; JUST_TELL=1
	@bad=0; /usr/bin/python3 -B tests/bench/mesh.py $(WHAT) || bad=$$?; \
	    [ $$bad = 2 ] || $(B)/bench/forge || bad=$$?; exit $$bad

bench-containers: all # as root; beside crun, runc and bwrap; WHAT="start rate": these alone; JUST_TELL=1
	@BENCH=1 sh tests/deps.sh
	@/usr/bin/python3 -B tests/bench/containers.py $(WHAT)

bench-forge: $(B)/bench/forge
	@$(B)/bench/forge
$(B)/bench/forge: tests/unit/io/bench_forge.c tests/unit/io/wire.h $(filter $(B)/%,$(need_io))
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $< -Wl,--start-group $(need_io) -Wl,--end-group -o $@
$(B)/unit/io/test_saving: LDFLAGS += -Wl,--wrap=write,--wrap=pwrite,--wrap=writev,--wrap=fsync,--wrap=fdatasync,--wrap=renameat,--wrap=unlinkat,--wrap=ftruncate,--wrap=time # its child is killed before the n-th
$(B)/unit/io/test_depart: LDFLAGS += -Wl,--wrap=fdatasync
$(B)/unit/io/test_critical: LDFLAGS += -Wl,--wrap=time
$(B)/unit/io/test_logrole: LDFLAGS += -Wl,--wrap=logrole_start
$(B)/unit/io/test_recording: LDFLAGS += -Wl,--wrap=rounds_add
# Tests that count what is asked of malloc.
$(B)/unit/io/test_wire $(B)/unit/io/test_guests: LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc

bench-round: $(B)/meshd-script
	@B=$(B) /usr/bin/python3 -B tests/bench/round.py

# --- one suite at a time: each ends with `N passed, N failed` ----------------
tidy:
	@sh tests/tidy/tidy.sh .
tidy-test:
	@sh tests/tidy/test.sh && sh tests/tidy/test_run.sh && sh tests/tidy/test_deps.sh
unit: unit_programs
	@sh tests/run.sh unit $(UNIT)
golden: $(addprefix $(B)/,meshd meshd-conf meshd-script mesh)
	@sh tests/run.sh golden
# The wire as it is now, for tests/unit/gossip/test_golden.c: after a change that is meant.
golden-wire: $(B)/unit/gossip/test_golden
	@$< --print > tests/golden/wire.hex.new && mv tests/golden/wire.hex.new tests/golden/wire.hex
sim: build/mesh-sim
	@$(MAKE) -s CC=clang build-clang/mesh-sim
	@sh tests/run.sh sim
# Each fault planted in the machine must be found; 10 minutes at most.
mutants: build/mesh-sim
	@build/mesh-sim mutants
san:
	@$(MAKE) SAN=address,undefined unit_programs build-san/mesh-sim
	@sh tests/run.sh san $$($(MAKE) -s SAN=address,undefined print-unit)
fuzz:
	@$(MAKE) $(FUZZ_BUILD) fuzz_programs
	@sh tests/run.sh fuzz $$($(MAKE) -s $(FUZZ_BUILD) print-fuzz)
containers: weak
containers cluster: all
	@sh tests/run.sh $@
include tests/containers/san.mk tests/v2/v2.mk tests/bench/metrics.mk tests/bench/scheduler.mk tests/promql/promql.mk tests/contract/contract.mk
test-net: all # the longer faults of real networks, and sixty daemons: minutes
	@sh tests/run.sh net
models: # not part of make test: minutes, and only a changed rule can break them
	@sh tests/models/run.sh
print-unit:
	@echo $(UNIT)
# These run the real helper programs of their own build.
$(filter $(addprefix $(B)/unit/io/test_,config render round round_asked script trees wants),$(UNIT)): | $(addprefix $(B)/,meshd-conf meshd-script)
print-fuzz:
	@echo $(FUZZERS)

# --- fuzzers: clang, every object instrumented; the name says the room ---------
FUZZ_BUILD := CC=clang SAN=fuzzer-no-link,address,undefined
$(foreach f,frame gossip cert,$(eval room_fuzz_$f := gossip))
$(foreach f,disk session asked rounds,$(eval room_fuzz_$f := io))
$(foreach f,conf.conf flat.base template.script proto.supervisor answer.cli http.http hostact.hostact,$(eval room_fuzz_$(basename $f) := $(subst .,,$(suffix $f))))
need_hostact := $(need_supervisor) $(need_conf)
$(foreach f,metrics action plan sample schedule outlook facts audit labels series expo cantalfile httpanswer procfs prom pattern query,$(eval room_fuzz_$f := core))
fuzz_programs: $(FUZZERS)
$(FUZZERS): $(B)/fuzz/%: tests/fuzz/%.c $$(call built,$$(need_$$(room_$$*)))
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(cflags_$(room_$*)) $(LDFLAGS) -fsanitize=fuzzer $< -Wl,--start-group $(need_$(room_$*)) -Wl,--end-group -lm -o $@

# --- the rest ------------------------------------------------------------------
all: $(B)/mesh-dev
$(B)/mesh-dev: daemon/dev/mesh-dev.sh
	@mkdir -p $(@D)
	install -m 755 $< $@
format:
	clang-format -i $(wildcard gossip/*.[ch] daemon/*/*.[ch] tests/*/*.[ch] tests/unit/*/*.[ch])
clean:
	rm -rf build build-*

# --- install: DESTDIR for packagers, PREFIX for everybody -----------------------
# Accounts are not made here: packaging/mesh-accounts.sh, once, as root.
D      := $(DESTDIR)$(PREFIX)
SHARE  := $(D)/share/mesh
UNITS  ?= $(D)/lib/systemd/system
TREES  := scheduler-scripts templates lithos-configs
HELPERS := meshd-engine meshd-script meshd-conf meshd-http meshd-init mesh-dev
install: all
	install -d $(D)/bin $(D)/sbin $(D)/libexec/mesh $(SHARE) $(D)/share/doc/mesh/doc $(UNITS) \
	    $(D)/share/bash-completion/completions $(D)/share/fish/vendor_completions.d $(D)/share/man/man1
	install -m 755 $(B)/mesh $(D)/bin/mesh
	install -m 755 $(B)/meshd $(D)/sbin/meshd
	install -m 755 packaging/mesh-accounts.sh $(D)/sbin/mesh-accounts
	install -m 755 $(addprefix $(B)/,$(HELPERS)) $(D)/libexec/mesh/
	find $(TREES) -type f ! -path '*/spec/*' -exec sh -c 'for f; do install -D -m 644 "$$f" "$(SHARE)/$$f"; done' sh {} +
	install -m 644 README.md LICENSE ARCHITECTURE.md $(wildcard packaging/mesh.yaml) $(D)/share/doc/mesh/
	install -m 644 doc/*.md $(D)/share/doc/mesh/doc/
	for t in $(TREES); do ln -sfn ../../mesh/$$t $(D)/share/doc/mesh/$$t; done # what the README's links say
	install -m 644 doc/mesh.1 $(D)/share/man/man1/
	$(B)/mesh completion bash > $(D)/share/bash-completion/completions/mesh
	$(B)/mesh completion fish > $(D)/share/fish/vendor_completions.d/mesh.fish
	sed 's|@PREFIX@|$(PREFIX)|g' packaging/meshd.service > $(UNITS)/meshd.service
	@echo "next: $(PREFIX)/sbin/mesh-accounts; write /etc/mesh/mesh.yaml; systemctl enable --now meshd"
