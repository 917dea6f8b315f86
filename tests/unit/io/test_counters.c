/*
 * What was refused is told: the log gets one line a minute, status what came in
 * the last minutes, and nothing is told twice or forgotten.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../daemon/io/counters.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND };

static struct counters c;
static struct mesh_stats mesh;
static struct stream_stats stream;
static char line[COUNTERS_LINE_CAP];

static int
setup(void **state)
{
	(void)state;
	memset(&c, 0, sizeof c);
	memset(&mesh, 0, sizeof mesh);
	memset(&stream, 0, sizeof stream);
	return 0;
}

static bool
look(msec now)
{
	line[0] = '\0';
	return counters_look(&c, now, &mesh, &stream, 0, line);
}

static void
the_log_gets_one_line_a_minute(void **state)
{
	msec now = 500 * MINUTE;

	(void)state;
	assert_false(look(now));
	mesh.rx_packets = 100; /* traffic is no news */
	assert_false(look(now += SECOND));
	mesh.dropped[ERR_SHORT] = 3;
	stream.auth = 1;
	assert_true(look(now += SECOND));
	assert_string_equal(line,
	    "dropped: 3 short (datagrams too short to be ours), "
	    "1 stream_auth (connections not under our cluster key)");
	for (int i = 1; i < 60; i++) {
		mesh.dropped[ERR_AUTH] += 2;
		assert_false(look(now += SECOND));
	}
	assert_true(look(now += SECOND));
	assert_string_equal(line, "dropped: 118 auth (not of our cluster: another key, or damaged)");
	for (int i = 0; i < 600; i++)
		assert_false(look(now += SECOND));
	mesh.dropped[ERR_LONG] = 1; /* after a quiet while: at once */
	assert_true(look(now += SECOND));
}

static void
a_line_of_all_kinds_is_cut_within_bounds(void **state)
{
	(void)state;
	for (int i = 1; i < ERR_COUNT; i++)
		mesh.dropped[i] = UINT64_MAX;
	stream = (struct stream_stats){.refused = UINT64_MAX, .auth = UINT64_MAX,
	    .timeout = UINT64_MAX, .truncated = UINT64_MAX, .too_large = UINT64_MAX,
	    .epoch = UINT64_MAX, .denied = UINT64_MAX};
	assert_true(look(1));
	assert_int_equal(strlen(line), sizeof line - 1);
}

static void
recent_is_of_the_last_minutes(void **state)
{
	msec now = 1;

	(void)state;
	assert_false(look(now));
	mesh.dropped[ERR_AUTH] = 7;
	assert_true(look(now += SECOND));
	for (int i = 0; i < 3 * 60; i++) {
		assert_int_equal(counters_recent(&c, ERR_AUTH), 7);
		assert_false(look(now += SECOND));
	}
	mesh.dropped[ERR_AUTH] = 9;
	assert_true(look(now += SECOND));
	assert_int_equal(counters_recent(&c, ERR_AUTH), 9);
	for (int i = 0; i < 3 * 60; i++)
		assert_false(look(now += SECOND));
	assert_int_equal(counters_recent(&c, ERR_AUTH), 2);
	for (int i = 0; i < 3 * 60; i++)
		assert_false(look(now += SECOND));
	assert_int_equal(counters_recent(&c, ERR_AUTH), 0);
	assert_false(look(now += 1000 * MINUTE)); /* slept: all minutes went by */
	assert_int_equal(counters_recent(&c, ERR_AUTH), 0);
}

static void
what_found_no_room_is_told_too(void **state)
{
	(void)state;
	assert_false(look(1));
	mesh.no_room[MESH_ROOM_PINGS] = 2;
	assert_true(look(1 + SECOND));
	assert_string_equal(line,
	    "dropped: 2 no_room_pings (pings for others not answered for: too many at once)");
	assert_int_equal(counters_recent(&c, COUNTERS_ROOM + MESH_ROOM_PINGS), 2);
}

static void
every_reason_has_a_name(void **state)
{
	msgpack_sbuffer b;
	msgpack_packer pk;

	(void)state;
	for (int i = 1; i < ERR_COUNT; i++)
		mesh.dropped[i] = 1;
	stream = (struct stream_stats){
	    .refused = 1, .auth = 1, .timeout = 1, .truncated = 1, .too_large = 1, .epoch = 1,
	    .denied = 1};
	for (int i = 0; i < MESH_ROOMS; i++)
		mesh.no_room[i] = 1;
	(void)look(1);
	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&pk, &b, msgpack_sbuffer_write);
	counters_pack(&c, &pk);

	msgpack_unpacked u;
	msgpack_unpacked_init(&u);
	size_t off = 0;
	assert_int_equal(msgpack_unpack_next(&u, b.data, b.size, &off), MSGPACK_UNPACK_SUCCESS);
	assert_int_equal(off, b.size);
	assert_int_equal(u.data.via.map.size, 9);
	for (uint32_t i = 0; i < 9; i++) {
		const msgpack_object_kv *kv = &u.data.via.map.ptr[i];

		if (kv->val.type == MSGPACK_OBJECT_MAP && kv->key.via.str.size == 7 &&
		    memcmp(kv->key.via.str.ptr, "dropped", 7) == 0)
			assert_int_equal(kv->val.via.map.size, ERR_COUNT - 1);
		if (kv->val.type == MSGPACK_OBJECT_ARRAY)
			assert_int_equal(kv->val.via.array.size, ERR_COUNT - 1 + 7 + MESH_ROOMS);
	}
	msgpack_unpacked_destroy(&u);
	msgpack_sbuffer_destroy(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(the_log_gets_one_line_a_minute, setup),
	    cmocka_unit_test_setup(a_line_of_all_kinds_is_cut_within_bounds, setup),
	    cmocka_unit_test_setup(recent_is_of_the_last_minutes, setup),
	    cmocka_unit_test_setup(what_found_no_room_is_told_too, setup),
	    cmocka_unit_test_setup(every_reason_has_a_name, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
