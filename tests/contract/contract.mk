# The scheduler's contract: scheduler-scripts/schema/contract.lua and what is made from it.
.PHONY: contract
contract:
	@lua5.4 scheduler-scripts/schema/generate.lua
$(B)/contract/driver: tests/contract/driver.c tests/unit/core/world.h $(filter $(B)/%,$(need_core))
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $< -Wl,--start-group $(need_core) -Wl,--end-group -o $@
golden unit_programs: $(B)/contract/driver
# Texts that the assembler puts in.
$(B)/o/daemon/script/stdlib.o: scheduler-scripts/schema/contract.lua
$(B)/o/daemon/cli/new.o: $(wildcard daemon/cli/start/*)
