/*
 * test_numbers.c - the largest, smallest and oddest words for each number of each kind
 * of file.  Each is in range, and then it is there as an int64 within the bounds
 * that other rooms rely on, or refused with its place; the build with sanitizers
 * sees whether any arithmetic breaks on the way.
 */
#include "yaml.h"

static const char *const odd[] = {"9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "-9223372036854775807", "18446744073709551615", "18446744073709551616", "4294967295", "4294967296", "-1", "-0", "0",
    "0.0", "1e308", "-1e308", "1e309", "1e-320", "8589934592Gi", "-8589934592Gi", "9007199254740992k", "-9007199254740992ki",
    "9223372036854775807Gi", "9223372036854775807h", "2562047788015215h", "-2562047788016h", "1e15", "999999999999.9s",
    "1e300ms", "-1e300m", "99999999999999999999999999999999999999", "0x7fffffffffffffff", "-0x8000000000000000",
    "0xffffffffffffffffff", "0o777777777777777777777", "01777777777777777777777", "0b1111", "1e18%", ".inf", "-.inf",
    ".nan", "9223372036854775807%", "1_000_000_000_000_000_000_000"};

static const struct {
	const char *kind, *key, *text; /* with %s for the word */
	int64_t min, max;
} numbers[] = {
    {"container", "memory-limit", "memory-limit: %s", 1, INT64_MAX},
    {"container", "memory-high", "memory-high: %s", 1, INT64_MAX},
    {"container", "cpu-shares", "cpu-shares: %s", 0, INT64_MAX},
    {"container", "cpu-quota", "cpu-quota: %s", 10, INT32_MAX},
    {"container", "pids-limit", "pids-limit: %s", 1, 4194304},
    {"container", "io-weight", "io-weight: %s", 1, 10000},
    {"container", "oom-score", "oom-score: %s", -1000, 1000},
    {"container", "fileno-limit", "fileno-limit: %s", 3, 1 << 20},
    {"container", "restart-timeout", "restart-timeout: %s", 0, 86400000},
    {"container", "kill-timeout", "kill-timeout: %s", 0, 86400000},
    {"container", "user-id", "user-id: %s", 0, UINT32_MAX - 1},
    {"container", "log/size", "log: {size: %s}", 64 << 10, INT64_MAX},
    {"container", "log/count", "log: {count: %s}", 2, 8},
    {"container", "normal-exit-codes/0", "normal-exit-codes: [%s]", 0, 255},
    {"container", "uid-map/0/count", "uid-map: [{inside: 0, outside: 1, count: %s}]", 1, UINT32_MAX - 1},
    {"container", "health/interval", "health: {tcp: 80, interval: %s}", 50, 60000},
    {"container", "health/failures", "health: {tcp: 80, failures: %s}", 1, 100},
    {"container", "health/liveness/start-period", "health: {liveness: {tcp: 80, start-period: %s}}", 0, 3600000},
    {"container", "tcp-ports/80/fd", "tcp-ports: {80: {fd: %s}}", 0, (1 << 20) - 1},
    {"container", "volumes/\\/data/size", "volumes: {/data: !Tmpfs {size: %s}}", 1, INT64_MAX},
    {"container", "volumes/\\/data/mode", "volumes: {/data: !Tmpfs {size: 1Mi, mode: %s}}", 0, 07777},
    {"sandbox", "image-dir-levels", "image-dir-levels: %s", 1, 16},
    {"sandbox", "default-user", "default-user: %s", 0, UINT32_MAX - 1},
    {"sandbox", "limits/memory", "limits: {memory: %s}", 4 << 20, INT64_MAX},
    {"sandbox", "limits/cpu-quota", "limits: {cpu-quota: %s}", 10, INT32_MAX},
    {"sandbox", "limits/oom-score", "limits: {oom-score: %s}", -1000, 1000},
    {"sandbox", "log/size", "log: {size: %s}", 64 << 10, INT64_MAX},
    {"daemon", "members-max", "name: a\nmembers-max: %s", 2, 1 << 20},
    {"daemon", "scheduler/script-memory", "name: a\nscheduler: {script-memory: %s}", 1 << 20, INT64_C(1) << 40},
};

static void
no_word_breaks_it(void **state)
{
	char text[256], line[200];
	int taken = 0, refused = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		for (size_t k = 0; k < ARRAY_LEN(odd); k++) {
			bool of_image = strcmp(numbers[i].kind, "container") == 0;
			struct flat f;
			struct err err;
			int64_t v = INT64_MIN;

			snprintf(line, sizeof line, numbers[i].text, odd[k]);
			snprintf(text, sizeof text, "%s%s\n", of_image ? "executable: /a\n" : "", line);
			if (yaml_run_bytes(numbers[i].kind, text, strlen(text), &f, &err) != 0) {
				refused++;
				if (strncmp(err.text, "f.yaml:", 7) != 0)
					fail_msg("%s: no place: %s", line, err.text);
				continue;
			}
			taken++;
			if (!flat_int(&f, numbers[i].key, &v) || v < numbers[i].min || v > numbers[i].max)
				fail_msg("%s: taken as %lld", line, (long long)v);
		}
	assert_true(taken > 30 && refused > 600);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_word_breaks_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
