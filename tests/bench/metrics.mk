# Figures of metrics: each part has a line and files of its own.  Included by tests/tests.mk.
.PHONY: bench-metrics bench-metrics-query bench-metrics-sample bench-metrics-scrape bench-metrics-store test-exporter
bench-metrics: bench-metrics-query bench-metrics-sample bench-metrics-scrape bench-metrics-store
bench-metrics-sample: $(B)/bench/sample # as root: it makes cgroups
	@/usr/bin/python3 -B tests/bench/metrics_sample.py $(B)/bench/sample
$(B)/bench/sample $(B)/bench/dump: $(B)/bench/%: tests/bench/%.c $(filter $(B)/%,$(need_io))
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $< -Wl,--start-group $(need_io) -Wl,--end-group -lm -o $@

bench-metrics-store: $(B)/bench/metrics # of the trace that is kept; SECS=1200: of this host, recorded now; TRIALS=5
	@/usr/bin/python3 -B tests/bench/trace.py $(or $(SECS),tests/bench/proc.trace.xz) > $(B)/bench/trace
	@$< < $(B)/bench/trace
$(B)/bench/metrics: tests/bench/metrics.c tests/bench/cantal.h tests/bench/gorilla.h $(filter $(B)/%,$(need_core))
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $< -Wl,--start-group $(need_core) -Wl,--end-group -o $@

# Our names, labels, types and values beside node_exporter's own.
test-exporter: $(B)/bench/dump
	@/usr/bin/python3 -B tests/bench/exporter.py $<

$(B)/bench/feeder: tests/bench/feeder.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -static $< -o $@

bench-metrics-query: all $(B)/bench/feeder # as root: QUERY_N=100 real daemons, QUERY_SERIES=100 of x on each
	@/usr/bin/python3 -B tests/bench/metrics_query.py

bench-metrics-scrape: all # as root: one real node of 20 containers
	@/usr/bin/python3 -B tests/bench/metrics_scrape.py
