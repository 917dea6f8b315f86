/*
 * test_judge_numbers.c - each number of a sandbox and a container file, at the ends of
 * what an int64 holds: meshd-conf has bounds for all of them, but it reads what
 * others wrote, and what it answers is judged like the rest.  Each is taken, and
 * then the record of it can be read again, or refused; no arithmetic breaks, which
 * the build with sanitizers sees.
 */
#include "judging.h"

static const int64_t odd[] = {INT64_MIN, INT64_MIN + 1, -INT64_C(4294967296), INT32_MIN, -1001, -1, 0, 1, 255, 256, 1001,
    4095, 65535, 65536, INT32_MAX, INT64_C(2147483648), UINT32_MAX - 1, UINT32_MAX, INT64_C(4294967296),
    INT64_C(1) << 50, INT64_MAX - 4095, INT64_MAX - 1001, INT64_MAX - 1, INT64_MAX};

static const char *const of_container[] = {"user-id", "group-id", "memory-limit", "memory-high", "cpu-shares", "cpu-quota",
    "pids-limit", "io-weight", "oom-score", "fileno-limit", "restart-timeout", "kill-timeout", "log/size", "log/count",
    "normal-exit-codes/0", "uid-map/0/inside", "uid-map/0/outside", "uid-map/0/count", "health/tcp", "health/interval",
    "health/timeout", "health/failures", "health/successes", "health/liveness/tcp", "health/liveness/interval",
    "health/liveness/start-period", "tcp-ports/8080/fd", "tcp-ports/8080/listen-backlog", "volumes/\\/data/size",
    "volumes/\\/data/mode", "volumes/\\/s/mode", "volumes/\\/s/user", "volumes/\\/s/group"};

static const char *const of_sandbox[] = {"image-dir-levels", "default-user", "default-group", "limits/memory",
    "limits/cpu-quota", "limits/pids", "limits/oom-score", "log/size", "uid-map/0/inside", "uid-map/0/outside",
    "uid-map/0/count", "gid-map/0/inside", "gid-map/0/outside", "gid-map/0/count"};

/* Of all kinds of things one, so that no number is of nothing. */
static void
lists(const char *key)
{
	bool live = strstr(key, "liveness") != NULL, maps = strstr(key, "-map") != NULL;

	flat_put_int(&sandbox.out, "default-user", 1);
	map(&sandbox, "allow-users", FLAT_LIST, 1);
	item(&sandbox, "allow-users/0", "0-4294967294");
	map(&sandbox, "allow-groups", FLAT_LIST, 1);
	item(&sandbox, "allow-groups/0", "0-4294967294");
	map(&container, "normal-exit-codes", FLAT_LIST, 1);
	if (maps) {
		map(&container, "uid-map", FLAT_LIST, 1);
		map(&sandbox, "uid-map", FLAT_LIST, 1);
		map(&sandbox, "gid-map", FLAT_LIST, 1);
	}
	map(&container, "log", FLAT_MAP, 2);
	if (strncmp(key, "health", 6) == 0) {
		map(&container, "health", FLAT_MAP, 1);
		if (live)
			map(&container, "health/liveness", FLAT_MAP, 1);
	}
	map(&container, "tcp-ports", FLAT_MAP, 1);
	map(&container, "tcp-ports/8080", FLAT_MAP, 1);
	map(&container, "volumes", FLAT_MAP, 2);
	tag(&container, "volumes/\\/data", "Tmpfs");
	map(&container, "volumes/\\/data", FLAT_MAP, 1);
	tag(&container, "volumes/\\/s", "Statedir");
	map(&container, "volumes/\\/s", FLAT_MAP, 1);
}

/* The first of a name counts, so the odd ones come before these. */
static void
usual(struct doc *d)
{
	static const char *const words[] = {"uid-map/0/inside", "uid-map/0/outside", "uid-map/0/count", "gid-map/0/inside",
	    "gid-map/0/outside", "gid-map/0/count", "normal-exit-codes/0", "tcp-ports/8080/fd"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		flat_put_int(&d->out, words[i], i == 7 ? 5 : i % 3 == 2 ? 1000 : i % 3 == 1 ? 100000 : 0);
}

/* 1: taken. */
static int
judged(const char *key, bool sandboxes, int64_t v)
{
	static uint8_t record[SPEC_RECORD_BYTES_MAX];
	char told[JUDGE_TOLD_CAP];
	struct spec s, again;
	struct err err;
	void *none = NULL;
	size_t len;

	setup(&none);
	flat_put_int(sandboxes ? &sandbox.out : &container.out, key, v);
	lists(key);
	usual(&sandbox);
	usual(&container);
	if (decide(&s, &err) < 0) {
		assert_true(err.text[0] != '\0' && s.args.buf == NULL);
		return 0;
	}
	judge_told(&judge, told, sizeof told);
	len = spec_encode(&s, record);
	assert_true(len > 0);
	assert_int_equal(spec_decode(&again, record, len, "a", &err), 0);
	assert_true(again.memory_bytes == s.memory_bytes && again.oom_score == s.oom_score && again.fileno == s.fileno);
	spec_free(&again);
	spec_free(&s);
	return 1;
}

static void
no_number_breaks_it(void **state)
{
	static const char *const only[] = {"memory-limit", "cpu-shares"}; /* any of them above 0 */
	int taken = 0, of_these = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		for (size_t k = 0; k < ARRAY_LEN(of_container); k++)
			taken += judged(of_container[k], false, odd[i]);
		for (size_t k = 0; k < ARRAY_LEN(of_sandbox); k++)
			taken += judged(of_sandbox[k], true, odd[i]);
		for (size_t k = 0; k < ARRAY_LEN(only); k++)
			of_these += odd[i] > 0 ? judged(only[k], false, odd[i]) : 0;
	}
	assert_int_equal(of_these, 2 * 17);
	assert_true(taken > 300 && taken < (int)(ARRAY_LEN(odd) * (ARRAY_LEN(of_container) + ARRAY_LEN(of_sandbox))) - 300);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_number_breaks_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
