# PromQL beside Prometheus itself: tests/promql/promql.py says how.
.PHONY: test-promql promql-record
$(B)/promql/driver: tests/promql/driver.c $(filter $(B)/%,$(need_core))
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $< -Wl,--start-group $(need_core) -Wl,--end-group -o $@
# The real one of Debian answers the same questions on loopback.
test-promql: $(B)/promql/driver
	@PROMQL=1 sh tests/deps.sh
	@/usr/bin/python3 -B tests/promql/promql.py live $<
promql-record: # its answers, for `make test`: tests/promql/record.json.xz
	@PROMQL=1 sh tests/deps.sh
	@/usr/bin/python3 -B tests/promql/promql.py record
golden unit_programs: $(B)/promql/driver
bench-metrics: test-promql
