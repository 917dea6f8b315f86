/*
 * test_spec.c - the record of an accepted START: what goes in comes out, and
 * what was torn, flipped or made by somebody else is refused with a line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/base/flat.h"
#include "../../../daemon/supervisor/spec.h"

static uint8_t buf[SPEC_RECORD_BYTES_MAX];

static void
add(struct strs *s, const char *text)
{
	struct err err;

	assert_int_equal(strs_add(s, text, strlen(text), &err), 0);
}

static void
fill_health(struct spec *s)
{
	s->ready.how.failures = 13;
	s->ready.how.successes = 14;
	s->live.how = (struct sup_probe){.kind = SUP_HEALTH_EXEC, .port = 15,
	    .interval_ms = 16, .timeout_ms = 17, .failures = 18, .start_ms = 19, .path = "/live"};
	add(&s->live.argv, "/bin/check");
	add(&s->live.argv, "it");
	add(&s->ready.argv, "/bin/ready");
	add(&s->scrapes, "9100 5000 4000 /metrics");
}

static void
fill(struct spec *s)
{
	memset(s, 0, sizeof *s);
	strcpy(s->instance, "web.1");
	strcpy(s->role, "web");
	strcpy(s->sandbox, "sb");
	strcpy(s->image, "x/y");
	strcpy(s->config, "/config/web.yaml");
	strcpy(s->images_dir, "/srv/images");
	strcpy(s->executable, "/bin/app");
	strcpy(s->workdir, "/");
	strcpy(s->ready.how.path, "/ok");
	s->policy = SUP_REPLACE;
	s->term = 7;
	s->seq = UINT64_MAX;
	s->hash = 0xfedcba9876543210;
	s->judged = 0xfedcba9876543211;
	s->sandbox_seen = UINT64_MAX;
	s->container_seen = 7;
	s->staged = true;
	memset(s->leader, 0xa5, sizeof s->leader);
	s->uid = 1000;
	s->gid = UINT32_MAX - 1;
	s->uid_maps_count = 2;
	s->uid_maps[0] = (struct spec_map){0, 700000000, 1000};
	s->uid_maps[1] = (struct spec_map){1000, 4000000000u, 1};
	s->gid_maps_count = 1;
	s->gid_maps[0] = (struct spec_map){0, 1, 2};
	s->volumes_count = 3;
	s->volumes[0] = (struct spec_volume){.kind = SPEC_TMPFS,
	    .target = "/data", .bytes = 1 << 20, .mode = 01777};
	s->volumes[1] = (struct spec_volume){.kind = SPEC_READONLY,
	    .target = "/ro", .source = "/srv/ro", .below = "/sub"};
	s->volumes[2] = (struct spec_volume){.kind = SPEC_PERSISTENT,
	    .target = "/db", .source = "/srv/db", .mode = 0700, .user = 5,
	    .group = UINT32_MAX - 1, .flags = SPEC_MKDIR | SPEC_MUST_MOUNT};
	s->run_tmpfs = true;
	s->hosts_flags = SPEC_FILE_MUST | SPEC_FILE_COPY;
	s->resolv_flags = SPEC_FILE_AUTO;
	strcpy(s->hosts_file, "/etc/hosts");
	add(&s->hosts, "10.0.0.1 db");
	add(&s->hosts, "fd00::1 six");
	add(&s->ports, "80 3 128 1 ::1");
	add(&s->bind, "0-0");
	add(&s->bind, "80-90");
	s->memory_bytes = UINT64_C(1) << 40;
	s->log_bytes = 123;
	s->cpu_shares = 3;
	s->cpu_milli = 500;
	s->pids = 9;
	s->fileno = 1024;
	s->command = true;
	s->ready.how.interval_ms = 11;
	s->ready.how.timeout_ms = 12;
	s->restart_timeout_ms = 1000;
	s->kill_timeout_ms = 5000;
	s->normal_exit[0] = 1 | 1 << 7;
	s->normal_exit[3] = UINT64_C(1) << 63;
	fill_health(s);
	s->ready.how.kind = SUP_HEALTH_HTTP;
	s->ready.how.port = 8080;
	add(&s->args, "/bin/app");
	add(&s->args, "");
	add(&s->args, "with space\nand newline \xff");
	add(&s->env, "A=1");
	strcpy(s->secrets_key, "/etc/mesh/key");
	add(&s->sealed, "namespace ");
	add(&s->sealed, "secret 3 14 PW v2:a:b:c:d");
}

static void
what_goes_in_comes_out(void **state)
{
	struct spec in, out;
	struct err err;
	size_t len;

	(void)state;
	fill(&in);
	len = spec_encode(&in, buf);
	assert_true(len > 0);
	assert_int_equal(spec_decode(&out, buf, len, "web.1", &err), 0);
	assert_int_equal(out.args.count, 3);
	assert_int_equal(out.args.len, in.args.len);
	assert_memory_equal(out.args.buf, in.args.buf, in.args.len);
	assert_int_equal(out.env.len, in.env.len);
	assert_memory_equal(out.env.buf, in.env.buf, in.env.len);
	assert_int_equal(out.hosts.count, 2);
	assert_memory_equal(out.hosts.buf, in.hosts.buf, in.hosts.len);
	assert_int_equal(out.sealed.count, 2);
	assert_memory_equal(out.sealed.buf, in.sealed.buf, in.sealed.len);
	assert_int_equal(out.ports.count, 1);
	assert_string_equal(out.ports.buf, in.ports.buf);
	assert_int_equal(out.bind.count, 2);
	assert_memory_equal(out.bind.buf, in.bind.buf, in.bind.len);
	assert_int_equal(out.live.argv.count, 2);
	assert_memory_equal(out.live.argv.buf, "/bin/check\0it", sizeof "/bin/check\0it");
	assert_int_equal(out.ready.argv.count, 1);
	/* All the rest is plain: nothing was forgotten in either direction. */
	spec_free(&(struct spec){.args = in.args, .env = in.env, .hosts = in.hosts,
	    .sealed = in.sealed, .ports = in.ports, .bind = in.bind, .ready = in.ready,
	    .live = in.live, .scrapes = in.scrapes});
	free(out.ready.argv.buf);
	free(out.live.argv.buf);
	memset(&in.ready.argv, 0, sizeof in.ready.argv);
	memset(&out.ready.argv, 0, sizeof out.ready.argv);
	memset(&in.live.argv, 0, sizeof in.live.argv);
	memset(&out.live.argv, 0, sizeof out.live.argv);
	free(out.args.buf);
	free(out.env.buf);
	free(out.hosts.buf);
	free(out.sealed.buf);
	free(out.ports.buf);
	free(out.bind.buf);
	free(out.scrapes.buf);
	in.ports = in.bind = out.ports = out.bind = in.scrapes = out.scrapes = (struct strs){0};
	memset(&in.sealed, 0, sizeof in.sealed);
	memset(&out.sealed, 0, sizeof out.sealed);
	memset(&in.hosts, 0, sizeof in.hosts);
	memset(&out.hosts, 0, sizeof out.hosts);
	memset(&in.args, 0, sizeof in.args);
	memset(&in.env, 0, sizeof in.env);
	memset(&out.args, 0, sizeof out.args);
	memset(&out.env, 0, sizeof out.env);
	assert_memory_equal(&in, &out, sizeof in);
}

static bool
is_new(const struct flat_rec *rec)
{
	static const char *const keys[] = {"/user", "/group", "/flags",
	    "run-tmpfs", "hosts-flags", "resolv-flags", "hosts-file",
	    "resolv-file", "host/0", "host/1", "port/0", "bind/0", "bind/1", "health-failures",
	    "health-successes", "health-arg/0", "live", "live-port", "live-interval",
	    "live-timeout", "live-path", "live-failures", "live-start", "live-arg/0",
	    "live-arg/1", "scrape/0"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		size_t n = strlen(keys[i]);

		if (rec->path_len >= n &&
		    memcmp(rec->path + rec->path_len - n, keys[i], n) == 0)
			return true;
	}
	return false;
}

/* What a supervisor wrote that knew less is read, and means what it meant. */
static void
older_records_are_read(void **state)
{
	static uint8_t old[SPEC_RECORD_BYTES_MAX];
	struct spec in, out;
	struct flat f;
	struct flat_out o;
	struct flat_rec rec;
	struct err err;
	size_t off = 0, len;
	uint64_t sum;
	int left_out = 0;
	char path[128];

	(void)state;
	fill(&in);
	len = spec_encode(&in, buf);
	spec_free(&in);
	assert_int_equal(flat_open(&f, buf + 20, len - 20), 0);
	flat_begin(&o, old + 20, sizeof old - 20);
	while (flat_next(&f, &off, &rec)) {
		snprintf(path, sizeof path, "%.*s", (int)rec.path_len, rec.path);
		if (is_new(&rec))
			left_out++;
		else if (rec.type == FLAT_STR)
			flat_put(&o, path, FLAT_STR, 0, 0, rec.str, rec.str_len);
		else
			flat_put_int(&o, path, rec.num);
	}
	assert_int_equal(left_out, 32);
	len = flat_end(&o);
	memcpy(old, buf, 8);
	sum = sup_hash_(UINT64_C(0xcbf29ce484222325), old + 20, len);
	memcpy(old + 8, &(uint32_t){(uint32_t)len}, 4);
	memcpy(old + 12, &sum, 8);
	assert_int_equal(spec_decode(&out, old, len + 20, "web.1", &err), 0);
	assert_int_equal(out.hosts_flags | out.resolv_flags, 0);
	assert_string_equal(out.hosts_file, "");
	assert_int_equal(out.hosts.count, 0);
	assert_int_equal(out.ports.count + out.bind.count, 0);
	assert_false(out.run_tmpfs);
	assert_int_equal(out.live.how.kind | out.ready.how.failures, 0);
	assert_int_equal(out.volumes[2].user | out.volumes[2].flags, 0);
	assert_string_equal(out.volumes[2].source, "/srv/db");
	spec_free(&out);
}

/* By what a container has: not by what the supervisor does by itself. */
static void
what_needs_a_restart(void **state)
{
	struct spec s;
	struct err err;
	uint64_t was;

	(void)state;
	fill(&s);
	was = spec_judged(&s);
	s.term++;
	s.hash++;
	s.judged = s.sandbox_seen = s.container_seen = 99;
	s.all_memory_bytes++;
	s.all_pids++;
	s.all_cpu_milli++;
	s.restart_timeout_ms++;
	s.normal_exit[1]++;
	s.ready.how.port++;
	s.live.how.start_ms++;
	assert_int_equal(strs_add(&s.ready.argv, "more", 4, &err), 0);
	assert_int_equal(strs_add(&s.live.argv, "more", 4, &err), 0);
	assert_int_equal(spec_judged(&s), was);
#define CHANGES(field) \
	do { \
		s.field++; \
		assert_int_not_equal(spec_judged(&s), was); \
		s.field--; \
	} while (0)
	CHANGES(uid);
	CHANGES(gid);
	CHANGES(memory_bytes);
	CHANGES(pids);
	CHANGES(kill_timeout_ms);
	CHANGES(oom_score);
	CHANGES(policy);
	CHANGES(executable[1]);
	CHANGES(volumes[0].mode);
	CHANGES(uid_maps[0].outside);
#undef CHANGES
	assert_int_equal(spec_judged(&s), was);
	assert_int_equal(strs_add(&s.env, "A=b", 3, &err), 0);
	assert_int_not_equal(spec_judged(&s), was);
	spec_free(&s);
}

static void
every_cut_is_refused(void **state)
{
	struct spec in, out;
	struct err err;
	size_t len;

	(void)state;
	fill(&in);
	len = spec_encode(&in, buf);
	for (size_t cut = 0; cut < len; cut++) {
		assert_int_equal(spec_decode(&out, buf, cut, "web.1", &err),
		    -EXIT_STATE);
		assert_null(out.args.buf);
	}
	spec_free(&in);
}

static void
every_flipped_bit_is_refused(void **state)
{
	struct spec in, out;
	struct err err;
	size_t len;

	(void)state;
	fill(&in);
	len = spec_encode(&in, buf);
	for (size_t i = 0; i < len * 8; i++) {
		buf[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(spec_decode(&out, buf, len, "web.1", &err),
		    -EXIT_STATE);
		buf[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	spec_free(&in);
}

static void
errors_say_what(void **state)
{
	struct spec in, out;
	struct err err;
	size_t len;

	(void)state;
	assert_int_equal(spec_decode(&out, buf, 0, "a", &err), -EXIT_STATE);
	assert_string_equal(err.text, "a: not a record of the supervisor");
	fill(&in);
	len = spec_encode(&in, buf);
	assert_true(spec_decode(&out, buf, len - 1, "a", &err) < 0);
	assert_non_null(strstr(err.text, "a: torn record ("));
	buf[len - 1] ^= 1;
	assert_true(spec_decode(&out, buf, len, "a", &err) < 0);
	assert_string_equal(err.text, "a: bad checksum");
	buf[4] = 9;
	assert_true(spec_decode(&out, buf, len, "a", &err) < 0);
	assert_string_equal(err.text,
	    "a: record version 9, this meshd understands 4");
	buf[4] = 0;
	assert_true(spec_decode(&out, buf, len, "a", &err) < 0);
	assert_string_equal(err.text,
	    "a: record version 0, this meshd understands 4");
	spec_free(&in);
	/* A sound record that means nothing: no argument, not even argv[0]. */
	fill(&in);
	free(in.args.buf);
	memset(&in.args, 0, sizeof in.args);
	len = spec_encode(&in, buf);
	assert_true(spec_decode(&out, buf, len, "a", &err) < 0);
	assert_string_equal(err.text, "a: bad or missing field 'arg'");
	spec_free(&in);
}

static void
strings_are_bounded(void **state)
{
	struct strs s = {0};
	struct err err;
	char big[1024] = {0};
	int n = 0;

	(void)state;
	memset(big, 'x', sizeof big);
	while (strs_add(&s, big, sizeof big, &err) == 0)
		n++;
	assert_int_equal(n, SPEC_STRS_BYTES_MAX / (sizeof big + 1));
	assert_string_equal(err.text, "exceed 128 KiB");
	assert_int_equal(strs_add(&s, "a\0b", 3, &err), -EXIT_CONFIG);
	free(s.buf);
}

/* An older meshd would start it without them. */
static void
what_an_older_meshd_must_not_start(void **state)
{
	struct spec in;
	struct strs none = {0}, ports, sealed;

	(void)state;
	fill(&in);
	ports = in.ports;
	sealed = in.sealed;
	in.sealed = none;
	assert_true(spec_encode(&in, buf) > 0);
	assert_int_equal(buf[4], 2);
	in.ports = none;
	assert_true(spec_encode(&in, buf) > 0);
	assert_int_equal(buf[4], 1);
	strcpy(in.secrets_file, "/secrets.yaml");
	assert_true(spec_encode(&in, buf) > 0);
	assert_int_equal(buf[4], 2);
	in.secrets_file[0] = '\0';
	in.sealed = sealed;
	assert_true(spec_encode(&in, buf) > 0);
	assert_int_equal(buf[4], 2);
	in.ports = ports;
	in.network = SPEC_NET_NONE;
	assert_true(spec_encode(&in, buf) > 0);
	assert_int_equal(buf[4], 4);
	spec_free(&in);
}

/* Its checksum is right: whoever wrote it, no arithmetic of ours breaks on it. */
static void
an_oom_score_of_no_kernel(void **state)
{
	static const uint32_t wrong[] = {2002, UINT32_C(1) << 31, UINT32_MAX};
	struct spec in, out;
	struct err err;

	(void)state;
	fill(&in);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		in.oom_score = wrong[i];
		assert_true(spec_decode(&out, buf, spec_encode(&in, buf), "a", &err) < 0);
		assert_string_equal(err.text, "a: bad or missing field 'oom-score'");
	}
	in.oom_score = 2001;
	assert_int_equal(spec_decode(&out, buf, spec_encode(&in, buf), "a", &err), 0);
	spec_free(&out);
	spec_free(&in);
}

static void
networks(void **state)
{
	struct spec in, out;
	struct err err;
	size_t len;

	(void)state;
	fill(&in);
	in.network = SPEC_NET_BRIDGED;
	strcpy(in.bridge, "br0");
	in.address = 0xfffffffe;
	in.prefix = 24;
	in.gateway = 0x0a000001;
	add(&in.after_setup, "/bin/true");
	len = spec_encode(&in, buf);
	assert_int_equal(spec_decode(&out, buf, len, "a", &err), 0);
	assert_int_equal(out.network, SPEC_NET_BRIDGED);
	assert_string_equal(out.bridge, "br0");
	assert_int_equal(out.address, 0xfffffffe);
	assert_int_equal(out.prefix, 24);
	assert_int_equal(out.gateway, 0x0a000001);
	assert_string_equal(out.after_setup.buf, "/bin/true");
	spec_free(&out);
	/* What would make no network. */
	in.address = 0;
	len = spec_encode(&in, buf);
	assert_true(spec_decode(&out, buf, len, "a", &err) < 0);
	assert_string_equal(err.text, "a: bad or missing field 'network'");
	in.address = 1;
	in.prefix = 33;
	len = spec_encode(&in, buf);
	assert_true(spec_decode(&out, buf, len, "a", &err) < 0);
	in.prefix = 24;
	in.network = SPEC_NET_BRIDGED + 1;
	len = spec_encode(&in, buf);
	assert_true(spec_decode(&out, buf, len, "a", &err) < 0);
	spec_free(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_goes_in_comes_out),
	    cmocka_unit_test(older_records_are_read),
	    cmocka_unit_test(what_needs_a_restart), cmocka_unit_test(every_cut_is_refused),
	    cmocka_unit_test(every_flipped_bit_is_refused),
	    cmocka_unit_test(errors_say_what),
	    cmocka_unit_test(what_an_older_meshd_must_not_start),
	    cmocka_unit_test(an_oom_score_of_no_kernel),
	    cmocka_unit_test(an_oom_score_of_no_kernel),
	    cmocka_unit_test(networks), cmocka_unit_test(strings_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
