/*
 * keep.c - see keep.h.  On disk: headers and parts under their hashes, and one
 * record "history" with the hashes of the last few headers, all written in one
 * transaction with one sync: a schedule of a thousand parts must not stop the
 * loop for a thousand of them.
 */
#include "keep.h"

#include <stdlib.h>

#include "../base/log.h"
#include "../base/own.h"

static const char history_key[] = "history";

int
keep_header(struct keep *k, const struct hash *hash, uint8_t **out, size_t *len, struct err *err)
{
	return store_get(k->store, STORE_HEADER, hash->b, HASH_BYTES, out, len, err);
}

int
keep_part(struct keep *k, const struct hash *hash, uint8_t **out, size_t *len, struct err *err)
{
	return store_get(k->store, STORE_PART, hash->b, HASH_BYTES, out, len, err);
}

/* That part of the current schedule, or NULL.  Its name is in it, so it has that one there. */
static const struct blob *
current_part(const struct keep *k, const struct schedule_part *part)
{
	int i = k->has ? schedule_find(&k->current, part->kind, part->name) : -1;

	return i >= 0 && hash_eq(&k->current.parts[i].hash, &part->hash) && k->current.data[i].b != NULL ?
	    &k->current.data[i] :
	    NULL;
}

int
keep_fill(struct keep *k, struct schedule *s, struct err *err)
{
	for (size_t i = 0; i < s->parts_count; i++) {
		const struct blob *b = current_part(k, &s->parts[i]);
		AUTO_FREE uint8_t *buf = NULL;
		size_t len;
		int rc;

		if (s->data[i].b != NULL)
			continue;
		if (b != NULL) {
			if (schedule_put(s, i, b->b, b->len, k->crypto) < 0)
				log_warn("schedule part %s: held, but does not fit its header",
				    s->parts[i].name);
			continue;
		}
		if ((rc = keep_part(k, &s->parts[i].hash, &buf, &len, err)) < 0)
			return rc;
		if (rc > 0 && schedule_put(s, i, buf, len, k->crypto) < 0)
			log_warn("schedule part %s: stored, but does not fit its header",
			    s->parts[i].name);
	}
	return 0;
}

/* 1 and its header alone; 0: it is not here. */
static int
open_header(struct keep *k, const struct hash *hash, struct schedule *out, struct err *err)
{
	AUTO_FREE uint8_t *buf = NULL;
	size_t len;
	int rc;

	memset(out, 0, sizeof *out);
	if ((rc = keep_header(k, hash, &buf, &len, err)) <= 0)
		return rc;
	if (schedule_open(out, buf, len, k->crypto) == 0 && hash_eq(&out->hash, hash))
		return 1;
	schedule_free(out);
	return 0;
}

int
keep_old(struct keep *k, const struct hash *hash, struct schedule *out, struct err *err)
{
	int rc = open_header(k, hash, out, err);

	if (rc <= 0)
		return rc;
	rc = keep_fill(k, out, err);
	if (rc == 0 && schedule_complete(out, false))
		return 1;
	schedule_free(out);
	return rc;
}

int
keep_head(struct keep *k, const struct hash *hash, struct schedule *out, struct err *err)
{
	AUTO_FREE uint8_t *buf = NULL;
	int rc = open_header(k, hash, out, err), i;
	size_t len;

	if (rc <= 0 || (i = schedule_find(out, SCHEDULE_PRIVATE, "")) < 0)
		return rc;
	rc = keep_part(k, &out->parts[i].hash, &buf, &len, err);
	if (rc > 0)
		(void)!schedule_put(out, (size_t)i, buf, len, k->crypto);
	if (rc < 0)
		schedule_free(out);
	return rc < 0 ? rc : 1;
}

int
keep_load(struct keep *k, struct store *store, const struct crypto *c, struct err *err)
{
	AUTO_FREE uint8_t *buf = NULL;
	size_t len;
	int rc;

	memset(k, 0, sizeof *k);
	k->store = store;
	k->crypto = c;
	rc = store_get(store, STORE_MISC, history_key, sizeof history_key, &buf, &len, err);
	if (rc <= 0)
		return rc;
	k->history_count = len / HASH_BYTES < KEEP_HISTORY ? len / HASH_BYTES : KEEP_HISTORY;
	for (size_t i = 0; i < k->history_count; i++)
		memcpy(k->history[i].b, buf + i * HASH_BYTES, HASH_BYTES);
	if (k->history_count == 0)
		return 0;
	if ((rc = keep_old(k, &k->history[0], &k->current, err)) < 0)
		return rc;
	k->has = rc > 0;
	if (!k->has) {
		schedule_free(&k->current);
		log_warn("the stored schedule is not whole: waiting for the mesh to give it back");
	}
	return 0;
}

int
keep_find(struct keep *k, const char *stamp, struct schedule *out, struct err *err)
{
	char text[STAMP_TEXT_CAP];
	int rc = 0;

	memset(out, 0, sizeof *out);
	for (size_t i = 0; rc == 0 && i < k->history_count; i++) {
		if ((rc = open_header(k, &k->history[i], out, err)) <= 0)
			continue;
		stamp_text(&out->meta.stamp, text);
		schedule_free(out);
		if (strcmp(text, stamp) == 0)
			return keep_old(k, &k->history[i], out, err);
		rc = 0;
	}
	return rc;
}

void
keep_free(struct keep *k)
{
	schedule_free(&k->current);
	free(k->fresh);
	k->fresh = NULL;
	k->has = false;
}

/* Is the part named by any header that stays?  Its name is in it, so it has that one there. */
static bool
part_stays(const struct schedule *const *stay, size_t count, const struct schedule_part *part)
{
	for (size_t s = 0; s < count; s++) {
		int i = schedule_find(stay[s], part->kind, part->name);

		if (i >= 0 && hash_eq(&stay[s]->parts[i].hash, &part->hash))
			return true;
	}
	return false;
}

/* Forget the header `old` and the parts that only it names; s and the headers
 * in fresh stay.  A header that can't be read stops it: its parts are unknown. */
static int
forget(struct keep *k, const struct hash *old, const struct schedule *s, const struct hash *fresh,
    size_t fresh_count, struct err *err)
{
	struct schedule all[KEEP_HISTORY + 1]; /* [0] = old */
	const struct schedule *stay[KEEP_HISTORY + 1];
	size_t n = 0;
	int rc = 0;

	stay[n++] = s;
	memset(all, 0, sizeof all);
	for (size_t i = 0; rc >= 0 && i < fresh_count; i++) { /* fresh[0] is s */
		AUTO_FREE uint8_t *buf = NULL;
		size_t len;

		rc = keep_header(k, i == 0 ? old : &fresh[i], &buf, &len, err);
		if (rc > 0 && schedule_open(&all[i], buf, len, k->crypto) == 0 && i > 0)
			stay[n++] = &all[i];
	}
	rc = rc > 0 ? 0 : rc;
	for (size_t i = 0; rc == 0 && i < all[0].parts_count; i++)
		if (!part_stays(stay, n, &all[0].parts[i]))
			rc = store_del(k->store, STORE_PART, all[0].parts[i].hash.b, HASH_BYTES, err);
	if (rc == 0)
		rc = store_del(k->store, STORE_HEADER, old->b, HASH_BYTES, err);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		schedule_free(&all[i]);
	return rc;
}

/* Parts, header and history in one transaction; fresh is the new history, old
 * (or NULL) what falls out of it. */
static int
write_all(struct keep *k, const struct schedule *s, const struct hash *fresh, size_t fresh_count,
    const struct hash *old, struct err *err)
{
	int rc;

	for (size_t i = 0; i < s->parts_count; i++) {
		if (current_part(k, &s->parts[i]) != NULL)
			continue; /* durable since it became current */
		if ((rc = store_put(k->store, STORE_PART, s->parts[i].hash.b, HASH_BYTES,
			 s->data[i].b, s->data[i].len, err)) < 0)
			return rc;
	}
	if ((rc = store_put(k->store, STORE_HEADER, s->hash.b, HASH_BYTES, s->header.b,
		 s->header.len, err)) < 0)
		return rc;
	if (old != NULL && (rc = forget(k, old, s, fresh, fresh_count, err)) < 0)
		return rc;
	return store_put(k->store, STORE_MISC, history_key, sizeof history_key, fresh,
	    fresh_count * HASH_BYTES, err);
}

static bool
listed(const struct hash *list, size_t count, const struct hash *h)
{
	for (size_t i = 0; i < count; i++)
		if (hash_eq(&list[i], h))
			return true;
	return false;
}

/* Durable or not at all: memory moves only after the disk has.  One that was
 * not whole and is given back moves to the front: nothing is listed twice, or
 * it would be forgotten while it is still named. */
static int
make_durable(struct keep *k, const struct schedule *s, struct err *err)
{
	const struct hash *old = NULL;
	struct hash fresh[KEEP_HISTORY];
	size_t n = 0;
	int rc;

	fresh[n++] = s->hash;
	for (size_t i = 0; i < k->history_count; i++) {
		if (listed(fresh, n, &k->history[i]))
			continue;
		if (n < KEEP_HISTORY)
			fresh[n++] = k->history[i];
		else
			old = &k->history[i];
	}
	if ((rc = store_begin(k->store, err)) < 0)
		return rc;
	if ((rc = write_all(k, s, fresh, n, old, err)) < 0) {
		store_abort(k->store);
		return rc;
	}
	if ((rc = store_commit(k->store, err)) < 0)
		return rc;
	memcpy(k->history, fresh, n * sizeof fresh[0]);
	k->history_count = n;
	return 0;
}

/* What s has and the current one has not, for who asks with that in hand. */
static void
note_fresh(struct keep *k, const struct schedule *s)
{
	free(k->fresh);
	k->fresh = k->has ? calloc(s->parts_count + 1, 1) : NULL;
	k->base = k->current.hash;
	for (size_t i = 0; k->fresh != NULL && i < s->parts_count; i++)
		k->fresh[i] = current_part(k, &s->parts[i]) == NULL;
}

int
keep_set(struct keep *k, struct schedule *s, struct err *err)
{
	int rc = 0;

	if (!k->has || !hash_eq(&k->current.hash, &s->hash))
		rc = make_durable(k, s, err);
	if (rc < 0) {
		schedule_free(s);
		return rc;
	}
	note_fresh(k, s);
	schedule_free(&k->current);
	k->current = *s;
	k->has = true;
	memset(s, 0, sizeof *s);
	return 0;
}
