# The scheduler's contract: scheduler-scripts/schema/contract.lua and what is made from it.
.PHONY: contract
contract:
	@lua5.4 scheduler-scripts/schema/generate.lua
$(B)/contract/driver: tests/contract/driver.c tests/unit/core/world.h $(filter $(B)/%,$(need_core))
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $< -Wl,--start-group $(need_core) -Wl,--end-group -o $@
golden unit_programs: $(B)/contract/driver
# A member gone bad, for the other side of what schedulers are given: wrong bundles of actions.
$(B)/forge/meshd-engine: tests/contract/forge.c $(call obj,daemon/io/main.c) $(filter $(B)/%,$(need_io))
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -Wl,--wrap=actsign_pack,--wrap=over_ask $(filter %.c %.o,$^) -Wl,--start-group $(filter %.a -l%,$(need_io) $(call a,seccomp)) -Wl,--end-group -o $@
unit_programs cluster: $(B)/forge/meshd-engine
# Texts that the assembler puts in.
$(B)/o/daemon/script/stdlib.o: scheduler-scripts/schema/contract.lua
$(B)/o/daemon/cli/new.o: $(wildcard daemon/cli/start/*)
