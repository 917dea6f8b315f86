# Figures of metrics: each part has a line and files of its own.  Included by tests/tests.mk.
.PHONY: bench-metrics bench-metrics-sample test-exporter
bench-metrics: bench-metrics-sample
bench-metrics-sample: $(B)/bench/sample # as root: it makes cgroups
	@/usr/bin/python3 -B tests/bench/metrics_sample.py $(B)/bench/sample
$(B)/bench/sample: tests/bench/sample.c $(filter $(B)/%,$(need_io))
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $< -Wl,--start-group $(need_io) -Wl,--end-group -lm -o $@

# As root's or anybody's: our names, labels, types and values beside node_exporter's own.
test-exporter: $(B)/bench/sample
	@/usr/bin/python3 -B tests/bench/exporter.py $(B)/bench/sample
