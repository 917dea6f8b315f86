/*
 * fetch.c - see fetch.h.  Nothing a peer sends is believed: the header must
 * have the announced hash and a good signature, a part must have the hash that
 * the header names.  A peer that lacks a part leaves it out, and then the
 * fetch fails and is tried again elsewhere by the caller.
 */
#include "fetch.h"

#include <stdio.h>
#include <stdlib.h>

#include "../base/own.h"
#include "wire.h"

_Static_assert(QUERY_PARTS_MAX * HASH_BYTES <= STREAM_ASK_BYTES_MAX, "a request");

struct fetch {
	uv_loop_t *loop;
	struct keep *keep;
	const struct keyring *keys;
	struct addr holder;
	struct schedule_ref ref;
	struct schedule s;
	struct stream_call *call;
	bool ended;
	size_t lacked; /* parts lacking when the running request was sent */
	size_t next;   /* the part that most likely comes next */
	fetch_done *done;
	void *arg;
};

static void
finish(struct fetch *f, int rc, const char *why)
{
	f->ended = true;
	f->done(f->arg, rc, rc == 0 ? &f->s : NULL, why);
	schedule_free(&f->s);
	free(f);
}

static void ask_parts(struct fetch *f);

static uint32_t
get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* What is not as its hash says stays lacking.  False: it is no part of this schedule. */
static bool
take_part(struct fetch *f, const uint8_t *hash, const uint8_t *buf, size_t len)
{
	for (size_t k = 0; k < f->s.parts_count; k++) {
		size_t i = (f->next + k) % f->s.parts_count;

		if (memcmp(f->s.parts[i].hash.b, hash, HASH_BYTES) != 0)
			continue;
		if (f->s.data[i].b == NULL)
			(void)!schedule_put(&f->s, i, buf, len, f->keep->crypto);
		f->next = i + 1;
		return true;
	}
	return false;
}

/* Each part is looked for among all: no more rows than there are parts, and none behind one
 * that was not asked for, or who answers could keep this loop busy for seconds. */
static void
take_parts(struct fetch *f, const uint8_t *data, size_t len)
{
	size_t off = 0;

	for (size_t rows = 0; rows < f->s.parts_count && len - off >= HASH_BYTES + 4; rows++) {
		const uint8_t *hash = data + off;
		uint32_t n = get_u32(data + off + HASH_BYTES);

		off += HASH_BYTES + 4;
		if (n > len - off || !take_part(f, hash, data + off, n))
			break;
		off += n;
	}
}

static void
on_parts(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct fetch *f = arg;

	f->call = NULL;
	if (rc < 0) {
		finish(f, rc, stream_error(rc));
		return;
	}
	take_parts(f, data, len);
	ask_parts(f);
}

/* Ask for what is lacking; give up when an answer brought nothing new. */
static void
ask_parts(struct fetch *f)
{
	AUTO_FREE uint8_t *ask = NULL;
	size_t n = 0, lacking = 0;

	for (size_t i = 0; i < f->s.parts_count; i++)
		lacking += f->s.data[i].b == NULL;
	if (lacking == 0) {
		finish(f, 0, "");
		return;
	}
	if (lacking >= f->lacked || (ask = malloc(QUERY_PARTS_MAX * HASH_BYTES)) == NULL) {
		finish(f, -ERR_UNKNOWN, "the holder lacks a part");
		return;
	}
	f->lacked = lacking;
	for (size_t i = 0; i < f->s.parts_count && n < QUERY_PARTS_MAX; i++)
		if (f->s.data[i].b == NULL)
			memcpy(ask + n++ * HASH_BYTES, f->s.parts[i].hash.b, HASH_BYTES);
	f->call = stream_request(f->loop, f->keys, &f->holder, QUERY_PARTS, ask, n * HASH_BYTES,
	    QUERY_TIMEOUT_MS, on_parts, f);
	if (f->call == NULL)
		finish(f, -ERR_FULL, "out of memory");
}

/* A header, and the parts behind it. */
static void
take_header(struct fetch *f, const uint8_t *data, size_t len, const uint8_t *rows, size_t rows_len)
{
	struct err err;
	int rc;

	if ((rc = schedule_open(&f->s, data, len, f->keep->crypto)) < 0) {
		finish(f, rc, "the header is malformed or not signed by its leader");
		return;
	}
	if (!hash_eq(&f->s.hash, &f->ref.hash) || stamp_cmp(&f->s.meta.stamp, &f->ref.stamp) != 0) {
		finish(f, -ERR_AUTH, "the header is not the announced one");
		return;
	}
	take_parts(f, rows, rows_len); /* before the disk is asked for them */
	if (keep_fill(f->keep, &f->s, &err) < 0) {
		finish(f, -1, err.text);
		return;
	}
	f->lacked = f->s.parts_count + 1;
	ask_parts(f);
}

static void
on_header(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct fetch *f = arg;

	f->call = NULL;
	if (rc < 0)
		finish(f, rc, stream_error(rc));
	else
		take_header(f, data, len, data, 0);
}

static void
on_whole(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct fetch *f = arg;
	size_t n = rc == 0 && len >= 4 ? get_u32(data) : 0;

	f->call = NULL;
	if (rc == -ERR_UNKNOWN) { /* it is not in force there, or that one is older than the question */
		f->call = stream_request(f->loop, f->keys, &f->holder, QUERY_HEADER, f->ref.hash.b,
		    HASH_BYTES, QUERY_TIMEOUT_MS, on_header, f);
		if (f->call == NULL)
			finish(f, -ERR_FULL, "out of memory");
	} else if (rc < 0) {
		finish(f, rc, stream_error(rc));
	} else if (len < 4 || n > len - 4) {
		finish(f, -ERR_MALFORMED, "the answer is cut within the header");
	} else {
		take_header(f, data + 4, n, data + 4 + n, len - 4 - n);
	}
}

struct fetch *
fetch_start(uv_loop_t *loop, struct keep *k, const struct keyring *keys, const struct addr *holder,
    const struct schedule_ref *ref, fetch_done *done, void *arg)
{
	struct fetch *f = calloc(1, sizeof *f);
	uint8_t ask[2 * HASH_BYTES] = {0};

	if (f == NULL)
		return NULL;
	f->loop = loop;
	f->keep = k;
	f->keys = keys;
	f->holder = *holder;
	f->ref = *ref;
	f->done = done;
	f->arg = arg;
	memcpy(ask, ref->hash.b, HASH_BYTES);
	if (k->has)
		memcpy(ask + HASH_BYTES, k->current.hash.b, HASH_BYTES);
	f->call = stream_request(loop, keys, holder, QUERY_WHOLE, ask, sizeof ask, QUERY_TIMEOUT_MS,
	    on_whole, f);
	if (f->call == NULL) {
		free(f);
		return NULL;
	}
	return f;
}

void
fetch_cancel(struct fetch *f)
{
	if (f->call != NULL)
		stream_cancel(f->call);
	schedule_free(&f->s);
	free(f);
}

const struct schedule_ref *
fetch_ref(const struct fetch *f)
{
	return &f->ref;
}

bool
fetch_is_done(const struct fetch *f)
{
	return f->ended;
}

/* --- the server's side ------------------------------------------------------ */

static size_t
put_u32(uint8_t *out, size_t n)
{
	for (int b = 0; b < 4; b++)
		out[b] = (uint8_t)(n >> (8 * b));
	return 4;
}

static size_t
put_row(uint8_t *out, const struct hash *hash, const uint8_t *part, size_t n)
{
	memcpy(out, hash->b, HASH_BYTES);
	put_u32(out + HASH_BYTES, n);
	memcpy(out + HASH_BYTES + 4, part, n);
	return HASH_BYTES + 4 + n;
}

static bool
is_lacked(const struct keep *k, size_t part, bool fresh_only)
{
	return k->current.data[part].b != NULL && (!fresh_only || k->fresh[part]);
}

/* The rows of what the asker lacks; 0: it lacks nothing, or too much. */
static size_t
rows_bytes(const struct keep *k, bool fresh_only)
{
	size_t n = 0;

	for (size_t i = 0; i < k->current.parts_count; i++)
		if (is_lacked(k, i, fresh_only))
			n += HASH_BYTES + 4 + k->current.data[i].len;
	return n <= QUERY_WHOLE_BYTES_MAX ? n : 0;
}

static void
serve_whole(const struct keep *k, const uint8_t *hashes, struct stream_answer *answer)
{
	const struct schedule *s = &k->current;
	AUTO_FREE uint8_t *out = NULL;
	bool fresh_only;
	size_t rows, len;

	if (!k->has || memcmp(s->hash.b, hashes, HASH_BYTES) != 0 ||
	    s->header.len > STREAM_BYTES_MAX - QUERY_WHOLE_BYTES_MAX - 4) {
		stream_answer_fail(answer, ERR_UNKNOWN);
		return;
	}
	fresh_only = k->fresh != NULL && memcmp(k->base.b, hashes + HASH_BYTES, HASH_BYTES) == 0;
	rows = rows_bytes(k, fresh_only);
	if ((out = malloc(4 + s->header.len + rows)) == NULL) {
		stream_answer_fail(answer, ERR_UNKNOWN);
		return;
	}
	len = put_u32(out, s->header.len);
	memcpy(out + len, s->header.b, s->header.len);
	len += s->header.len;
	for (size_t i = 0; rows > 0 && i < s->parts_count; i++)
		if (is_lacked(k, i, fresh_only))
			len += put_row(out + len, &s->parts[i].hash, s->data[i].b, s->data[i].len);
	stream_answer_send(answer, out, len);
}

static void
serve_parts(struct keep *k, const uint8_t *hashes, size_t count, struct stream_answer *answer)
{
	AUTO_FREE uint8_t *out = malloc(STREAM_BYTES_MAX);
	size_t len = 0;

	for (size_t i = 0; out != NULL && i < count; i++) {
		AUTO_FREE uint8_t *part = NULL;
		struct hash hash;
		struct err err;
		size_t n;

		memcpy(hash.b, hashes + i * HASH_BYTES, HASH_BYTES);
		if (keep_part(k, &hash, &part, &n, &err) <= 0)
			continue;
		if (n > STREAM_BYTES_MAX - len - HASH_BYTES - 4 ||
		    STREAM_BYTES_MAX - len < HASH_BYTES + 4)
			break;
		len += put_row(out + len, &hash, part, n);
	}
	stream_answer_send(answer, out, len);
}

void
fetch_serve(struct keep *k, uint8_t kind, const uint8_t *payload, size_t len,
    struct stream_answer *answer)
{
	AUTO_FREE uint8_t *header = NULL;
	struct hash hash;
	struct err err;
	size_t n;

	if (kind == QUERY_PARTS && len % HASH_BYTES == 0 && len / HASH_BYTES <= QUERY_PARTS_MAX) {
		serve_parts(k, payload, len / HASH_BYTES, answer);
		return;
	}
	if (kind == QUERY_WHOLE && len == 2 * HASH_BYTES) {
		serve_whole(k, payload, answer);
		return;
	}
	if (kind != QUERY_HEADER || len != HASH_BYTES) {
		stream_answer_fail(answer, ERR_MALFORMED);
		return;
	}
	memcpy(hash.b, payload, HASH_BYTES);
	if (keep_header(k, &hash, &header, &n, &err) <= 0 || n > STREAM_BYTES_MAX)
		stream_answer_fail(answer, ERR_UNKNOWN);
	else
		stream_answer_send(answer, header, n);
}
