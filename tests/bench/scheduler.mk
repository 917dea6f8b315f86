# Figures of the scheduler.  Included by tests/tests.mk.
.PHONY: bench-scheduler
bench-scheduler: $(B)/bench/round $(B)/meshd-script
	@$< $(B)/meshd-script
	@B=$(B) /usr/bin/python3 -B tests/bench/round.py
	@/usr/bin/python3 -B tests/bench/mesh.py follow
$(B)/bench/round: tests/unit/io/bench_round.c $(filter $(B)/%,$(need_io))
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $< -Wl,--start-group $(need_io) -Wl,--end-group -lm -o $@
