/*
 * fetchask.h - what tests do with the two of fetching.h: fetch a schedule and see what
 * came, ask the peer themselves, and put rows together that it is to lie with.
 */
#ifndef TEST_IO_FETCHASK_H
#define TEST_IO_FETCHASK_H

#include "fetching.h"

static struct fetch *
begin(const struct schedule *want, struct fetch **f)
{
	struct schedule_ref ref = { .stamp = want->meta.stamp, .hash = want->hash };

	*f = fetch_start(&loop, &here, &signer, &at, &ref, on_done, f);
	assert_non_null(*f);
	assert_false(fetch_is_done(*f));
	assert_true(hash_eq(&fetch_ref(*f)->hash, &want->hash));
	assert_int_equal(got.called, 0);
	return *f;
}

WORLD_UNUSED static void
fetch(const struct schedule *want)
{
	struct fetch *f;

	schedule_free(&got.s);
	got.called = 0;
	begin(want, &f);
	loop_until(&loop, got.called);
}

WORLD_UNUSED static void
fails(const struct schedule *want, int rc, const char *why)
{
	fetch(want);
	assert_string_equal(got.why, why);
	assert_int_equal(got.rc, rc);
}

WORLD_UNUSED static struct schedule
two_roles(uint64_t seq, const char *front, const char *web)
{
	const struct role_of r[] = { { "front", front, 1 }, { "web", web, 1 } };

	return schedule_of(seq, r, 2);
}

WORLD_UNUSED static void
hold(struct keep *k, struct schedule s)
{
	struct err err;

	assert_int_equal(keep_set(k, &s, &err), 0);
}

/* hash | length | bytes, with a length of our choice. */
WORLD_UNUSED static size_t
part(uint8_t *out, const struct hash *h, const void *b, size_t n, uint32_t said)
{
	memcpy(out, h->b, HASH_BYTES);
	for (int i = 0; i < 4; i++)
		out[HASH_BYTES + i] = (uint8_t)(said >> (8 * i));
	memcpy(out + HASH_BYTES + 4, b, n);
	return HASH_BYTES + 4 + n;
}

struct reply {
	int called, rc;
	size_t len;
};

WORLD_UNUSED static void
on_reply(void *arg, int rc, const uint8_t *data, size_t len)
{
	(void)data;
	*(struct reply *)arg = (struct reply){ 1, rc, len };
}

WORLD_UNUSED static struct reply
ask(uint8_t kind, const void *payload, size_t len)
{
	struct reply r = { 0 };

	assert_non_null(
	    stream_request(&loop, &signer, &at, kind, payload, len, 20000, on_reply, &r));
	loop_until(&loop, r.called);
	return r;
}

#endif
