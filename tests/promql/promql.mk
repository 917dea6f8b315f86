# PromQL beside Prometheus itself: tests/promql/promql.py says how.

$(B)/promql/driver: tests/promql/driver.c $(filter $(B)/%,$(need_core))
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $< -Wl,--start-group $(need_core) -Wl,--end-group -o $@
