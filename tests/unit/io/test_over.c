/*
 * What a relay makes of a question that is not one, or that it must not pass on:
 * over a real encrypted stream, in this one process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sodium.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../daemon/io/addr.h"
#include "../../../daemon/io/crypto.h"
#include "../../../daemon/io/engine.h"
#include "../../../daemon/io/over.h"
#include "../../../daemon/io/pack.h"
#include "../../../daemon/io/wire.h"
#include "loop.h"

static struct keyring signer;
static uv_loop_t loop;
static struct engine *relay; /* in no mesh: it knows nobody */
static struct stream_server *server;
static struct addr at;
static int asked_of_may, may_says;
static uint8_t may_kind;

static int
may(const struct engine *e, const struct stream_peer *peer, uint8_t kind)
{
	assert_ptr_equal(e, relay);
	assert_memory_equal(peer->pk, signer.pk, KEY_BYTES);
	asked_of_may++;
	may_kind = kind;
	return may_says;
}

static void
handler(void *arg, const struct stream_peer *peer, uint8_t kind, const uint8_t *payload, size_t len,
    struct stream_answer *answer)
{
	(void)arg;
	assert_int_equal(kind, QUERY_OVER);
	over_serve(relay, peer, payload, len, answer, may);
}

static int
setup(void **state)
{
	struct err err;

	(void)state;
	asked_of_may = may_says = 0;
	relay = calloc(1, sizeof *relay);
	if (relay == NULL || uv_loop_init(&loop) != 0 || addr_parse("127.0.0.1:0", &at, &err) != 0 ||
	    stream_server_new(&loop, &at, &signer, handler, NULL, &server, &err) != 0)
		return -1;
	stream_server_addr(server, &at);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	stream_server_free(server);
	loop_end(&loop);
	free(relay);
	return 0;
}

struct ended {
	int called, rc;
};

static void
on_done(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct ended *x = arg;

	(void)data;
	(void)len;
	x->called++;
	x->rc = rc;
}

static int
ask(const void *payload, size_t len)
{
	struct ended x = {0};

	assert_non_null(
	    stream_request(&loop, &signer, &at, QUERY_OVER, payload, len, 5000, on_done, &x));
	loop_until(&loop, x.called);
	assert_int_equal(x.called, 1);
	return x.rc;
}

/* As over_ask_at packs it, but for what the test wants wrong. */
static int
ask_packed(uint32_t fields, uint32_t hops, uint32_t ms, size_t id_bytes, uint32_t kind)
{
	static const uint8_t id[2 * ID_BYTES] = {7};
	msgpack_sbuffer buf;
	msgpack_packer pk;
	int rc;

	pk_begin(&buf, &pk);
	msgpack_pack_array(&pk, fields);
	msgpack_pack_uint32(&pk, hops);
	msgpack_pack_uint32(&pk, ms);
	msgpack_pack_bin(&pk, id_bytes);
	msgpack_pack_bin_body(&pk, id, id_bytes);
	msgpack_pack_uint32(&pk, kind);
	for (uint32_t i = 4; i < fields; i++) {
		msgpack_pack_bin(&pk, 1);
		msgpack_pack_bin_body(&pk, "x", 1);
	}
	rc = ask(buf.data, buf.size);
	msgpack_sbuffer_destroy(&buf);
	return rc;
}

static void
what_is_no_question_is_refused(void **state)
{
	(void)state;
	assert_int_equal(ask("", 0), -ERR_MALFORMED);
	assert_int_equal(ask("\xc1\xff\x00", 3), -ERR_MALFORMED);
	assert_int_equal(ask_packed(4, 1, 700, ID_BYTES, QUERY_VIEW), -ERR_MALFORMED);
	assert_int_equal(ask_packed(6, 1, 700, ID_BYTES, QUERY_VIEW), -ERR_MALFORMED);
	assert_int_equal(ask_packed(5, OVER_HOPS + 1, 700, ID_BYTES, QUERY_VIEW), -ERR_MALFORMED);
	assert_int_equal(ask_packed(5, 1, OVER_MS_MAX + 1, ID_BYTES, QUERY_VIEW), -ERR_MALFORMED);
	assert_int_equal(ask_packed(5, 1, 700, ID_BYTES - 1, QUERY_VIEW), -ERR_MALFORMED);
	assert_int_equal(ask_packed(5, 1, 700, 2 * ID_BYTES, QUERY_VIEW), -ERR_MALFORMED);
	assert_int_equal(ask_packed(5, 1, 700, ID_BYTES, 256), -ERR_MALFORMED);
	assert_int_equal(asked_of_may, 0);
}

/* Parts of schedules come from whoever holds them; whether a node lives it must say
 * itself; and a question within a question would go round for ever. */
static void
only_some_kinds_are_passed_on(void **state)
{
	static const uint8_t never[] = {0, QUERY_HEADER, QUERY_PARTS, QUERY_ALIVE, QUERY_OVER, 200};

	(void)state;
	for (size_t i = 0; i < sizeof never; i++)
		assert_int_equal(ask_packed(5, 1, 700, ID_BYTES, never[i]), -ERR_UNKNOWN);
	assert_int_equal(asked_of_may, 0);
}

static void
who_may_not_ask_it_may_not_have_it_asked(void **state)
{
	struct stream_stats stats;

	(void)state;
	may_says = -ERR_NO_VOTE;
	assert_int_equal(ask_packed(5, 1, 700, ID_BYTES, QUERY_HAND_OVER), -ERR_NO_VOTE);
	assert_int_equal(asked_of_may, 1);
	assert_int_equal(may_kind, QUERY_HAND_OVER);
	stream_server_stats(server, &stats);
	assert_int_equal(stats.denied, 1);
}

static void
of_whom_it_does_not_know_it_asks_nothing(void **state)
{
	(void)state;
	assert_int_equal(ask_packed(5, 1, 700, ID_BYTES, QUERY_VIEW), -ERR_NO_WAY);
	assert_int_equal(asked_of_may, 1);
	assert_int_equal(relay->relays, 0);
	assert_true(over_unreached(-ERR_NO_WAY) && over_unreached(STREAM_TIMEOUT));
	assert_false(over_unreached(-ERR_UNKNOWN) || over_unreached(0) || over_unreached(STREAM_AUTH));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_is_no_question_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(only_some_kinds_are_passed_on, setup, teardown),
	    cmocka_unit_test_setup_teardown(who_may_not_ask_it_may_not_have_it_asked, setup, teardown),
	    cmocka_unit_test_setup_teardown(of_whom_it_does_not_know_it_asks_nothing, setup, teardown),
	};

	struct err err;

	if (crypto_init(&err) < 0 || crypto_sign_keypair(signer.pk, signer.sk) != 0)
		return 1;
	crypto_random(signer.key, sizeof signer.key);
	signer.has_key = true;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
