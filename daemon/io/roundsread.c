/*
 * roundsread.c - see rounds.h: the rounds that are there, one after the other.
 */
#include "rounds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../base/own.h"
#include "crypto.h"
#include "roundfiles.h"
#include "roundzip.h"

struct reading {
	int dir;
	uint64_t since_ms;
	struct crypto crypto;
	struct hash code_hash; /* of code */
	struct blob code;
	bool (*each)(void *arg, const struct rounds_one *one);
	void (*note)(void *arg, const char *line);
	void *arg;
	bool ended;
};

static void
note(struct reading *r, const char *name, const char *fmt, const char *why)
{
	char text[160], line[300];

	if (r->note == NULL)
		return;
	snprintf(text, sizeof text, fmt, why);
	snprintf(line, sizeof line, "%s: %s", name, text);
	r->note(r->arg, line);
}

/* The tree of that hash into r->code, or nothing. */
static void
find_code(struct reading *r, const struct hash *hash)
{
	struct blob record, plain = {0};
	char name[ROUNDFILES_NAME_CAP];
	struct round_head h;
	struct slice body;
	struct hash got;
	struct err err;
	size_t used;

	if (r->code.len > 0 && hash_eq(hash, &r->code_hash))
		return;
	blob_free(&r->code);
	roundfiles_code_name(name, hash);
	if (!roundfiles_read(r->dir, name, ROUND_FRAME_BYTES + ROUND_PLAIN_BYTES_MAX, &record))
		return;
	if (round_open(&h, &body, &used, record.b, record.len, &r->crypto) == 0 && h.is_code &&
	    used == record.len &&
	    roundzip_open(body, (struct slice){0}, h.plain_bytes, &plain, &err) == 0) {
		rounds_code_hash(&got, blob_slice(&plain));
		if (hash_eq(&got, hash)) {
			r->code = plain;
			r->code_hash = *hash;
			plain = (struct blob){0};
		} else {
			note(r, name, "%s", "its content is not what its name says");
		}
	}
	blob_free(&plain);
	blob_free(&record);
}

static const char *
why_torn(int rc)
{
	return rc == -ERR_SHORT ? "it is cut short" :
	    rc == -ERR_AUTH	? "its checksum is another" :
				  "it is no record";
}

/* Unpacks one record onto *plain, which holds the one before it. */
static bool
unpack(struct reading *r, const char *name, const struct round_head *h, struct slice body,
    struct blob *plain)
{
	struct slice before = h->delta ? blob_slice(plain) : (struct slice){0};
	struct blob next;
	struct err err;

	if (roundzip_open(body, before, h->plain_bytes, &next, &err) < 0) {
		note(r, name, "a record does not unpack: %s", err.text);
		return false;
	}
	blob_free(plain);
	*plain = next;
	return true;
}

static bool
take(struct reading *r, uint32_t number, const char *name, const struct round_head *h,
    struct slice plain)
{
	struct rounds_one one = {.file = number, .head = *h};

	if (round_read(&one.rec, plain.b, plain.len) < 0) {
		note(r, name, "%s", "a record is whole, and of another form: of another release?");
		return false;
	}
	if (h->at_ms < r->since_ms)
		return true;
	find_code(r, &h->code);
	if (r->code.len > 0)
		one.code = blob_slice(&r->code);
	r->ended = !r->each(r->arg, &one);
	return !r->ended;
}

static void
read_file(struct reading *r, uint32_t number, uint64_t bytes)
{
	struct blob all, plain = {0};
	char name[ROUNDFILES_NAME_CAP];
	struct round_head h;
	struct slice body;
	uint32_t index = 0;
	size_t used;
	int rc;

	roundfiles_name(name, number);
	if (!roundfiles_read(r->dir, name, bytes, &all)) {
		note(r, name, "%s", "it can't be read");
		return;
	}
	for (size_t at = 0; at < all.len; at += used, index++) {
		rc = round_open(&h, &body, &used, all.b + at, all.len - at, &r->crypto);
		if (rc == 0 && (h.index != index || h.is_code || h.delta != (index > 0)))
			rc = -ERR_MALFORMED;
		if (rc < 0)
			note(r, name, "it ends before its end, as %s", why_torn(rc));
		if (rc < 0 || !unpack(r, name, &h, body, &plain) ||
		    !take(r, number, name, &h, blob_slice(&plain)))
			break;
	}
	blob_free(&plain);
	blob_free(&all);
}

/* When the first record of a file was written; 0: unknown. */
static uint64_t
begins(int dir, uint32_t number)
{
	uint8_t buf[ROUND_HEAD_BYTES];
	char name[ROUNDFILES_NAME_CAP];
	struct round_head h;

	roundfiles_name(name, number);
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || roundfiles_pread(fd, buf, sizeof buf, 0) != (ssize_t)sizeof buf ||
	    round_head_read(&h, buf, sizeof buf) < 0)
		return 0;
	return h.at_ms;
}

int
rounds_each(int dir, uint64_t since_ms, bool (*each)(void *arg, const struct rounds_one *one),
    void (*note_)(void *arg, const char *line), void *arg, struct err *err)
{
	struct reading r = {
	    .dir = dir, .since_ms = since_ms, .each = each, .note = note_, .arg = arg};
	struct roundfiles f;
	int rc = roundfiles_list(dir, &f, err);

	if (rc < 0)
		return rc;
	roundfiles_crypto(&r.crypto);
	for (size_t i = 0; i < f.count && !r.ended; i++) {
		uint64_t next = i + 1 < f.count ? begins(dir, f.files[i + 1].number) : 0;

		/* All of it is older; a clock that was set back costs the look at one more. */
		if (next == 0 || next > since_ms)
			read_file(&r, f.files[i].number, f.files[i].bytes);
	}
	blob_free(&r.code);
	roundfiles_free(&f);
	return 0;
}
