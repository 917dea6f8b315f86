/*
 * rounds.c - see rounds.h: one more record, and room for it.  This runs in a copy of the
 * engine (recording.c), which nobody waits for.
 */
#include "rounds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/own.h"
#include "crypto.h"
#include "roundfiles.h"
#include "roundzip.h"

enum { SHARE = 8, /* of the bound a file may be */ FILE_MODE = 0640 };

void
rounds_code_hash(struct hash *out, struct slice code)
{
	crypto_hash256(out, code.b, code.len);
}

/* Head, body and sum in one piece. */
static int
encode(struct blob *out, struct round_head *h, struct slice plain, struct slice before,
    struct err *err)
{
	struct crypto c;
	struct blob body;
	int rc = roundzip_pack(plain, before, &body, err);

	if (rc < 0)
		return rc;
	h->plain_bytes = (uint32_t)plain.len;
	h->body_bytes = (uint32_t)body.len;
	*out = (struct blob){.b = malloc(ROUND_FRAME_BYTES + body.len)};
	if (out->b == NULL) {
		blob_free(&body);
		return err_set(err, 1, "out of memory");
	}
	roundfiles_crypto(&c);
	round_head_write(out->b, h);
	memcpy(out->b + ROUND_HEAD_BYTES, body.b, body.len);
	out->len = ROUND_FRAME_BYTES + body.len;
	round_sum(out->b + out->len - HASH_BYTES, out->b, out->len - HASH_BYTES, &c);
	blob_free(&body);
	return 0;
}

static int
write_failed(const char *name, struct err *err)
{
	return err_set(err, 1, "write %s: %s", name, strerror(errno));
}

static int
write_all(int fd, struct slice s, off_t off)
{
	while (s.len > 0) {
		ssize_t n = pwrite(fd, s.b, s.len, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		s.b += n;
		s.len -= (size_t)n;
		off += n;
	}
	return 0;
}

/* Behind what is there, or as it was before. */
static int
append(int dir, const struct rounds_at *at, struct slice record, struct err *err)
{
	char name[ROUNDFILES_NAME_CAP];
	struct stat st;

	roundfiles_name(name, at->file);
	AUTO_CLOSE int fd = openat(dir, name,
	    O_WRONLY | O_NOFOLLOW | O_CLOEXEC | (at->bytes == 0 ? O_CREAT | O_EXCL : 0), FILE_MODE);
	if (fd < 0 || fstat(fd, &st) < 0)
		return write_failed(name, err);
	if (at->bytes == 0 && fchmod(fd, FILE_MODE) < 0)
		return write_failed(name, err);
	if ((uint64_t)st.st_size != at->bytes)
		return err_set(err, 1, "write %s: it is %lld bytes long, and was %llu", name,
		    (long long)st.st_size, (unsigned long long)at->bytes);
	if (write_all(fd, record, (off_t)at->bytes) == 0)
		return 0;
	(void)write_failed(name, err);
	if (at->bytes == 0)
		unlinkat(dir, name, 0);
	else if (ftruncate(fd, (off_t)at->bytes) < 0)
		err_prefix(err, "torn: ");
	return -err->code;
}

static int
write_code(int dir, const struct hash *hash, const struct rounds_new *r, struct err *err)
{
	struct round_head h = {.at_ms = r->at_ms, .is_code = true, .code = *hash};
	static const char fresh[] = "fresh.code";
	char name[ROUNDFILES_NAME_CAP];
	struct blob record;
	int rc;

	roundfiles_code_name(name, hash);
	if (faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if ((rc = encode(&record, &h, r->code, (struct slice){0}, err)) < 0)
		return rc;
	unlinkat(dir, fresh, 0);
	AUTO_CLOSE int fd =
	    openat(dir, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (fd < 0 || fchmod(fd, FILE_MODE) < 0 || write_all(fd, blob_slice(&record), 0) < 0 ||
	    renameat(dir, fresh, dir, name) < 0) {
		rc = write_failed(name, err);
		unlinkat(dir, fresh, 0);
	}
	blob_free(&record);
	return rc;
}

/* The oldest go, so that so many bytes more are within the bound; never `but`. */
static int
make_room(int dir, const struct rounds_bound *bound, uint64_t more, uint32_t but, uint64_t now_ms,
    struct roundfiles *f, struct err *err)
{
	char name[ROUNDFILES_NAME_CAP];
	size_t gone = 0;
	int rc = roundfiles_list(dir, f, err);

	if (rc < 0)
		return rc;
	for (; gone < f->count && f->files[gone].number != but; gone++) {
		const struct roundfiles_one *one = &f->files[gone];
		bool old = one->mtime_ms + bound->keep_ms < (int64_t)now_ms;

		if (!old && f->bytes + more <= (uint64_t)bound->bytes)
			break;
		roundfiles_name(name, one->number);
		if (unlinkat(dir, name, 0) < 0 && errno != ENOENT) {
			rc = err_set(err, 1, "remove %s: %s", name, strerror(errno));
			roundfiles_free(f);
			return rc;
		}
		f->bytes -= one->bytes;
	}
	if (gone > 0) { /* of none at all there is no array */
		memmove(f->files, f->files + gone, (f->count - gone) * sizeof *f->files);
		f->count -= gone;
		roundfiles_sweep(dir, f);
		roundfiles_free(f);
		rc = roundfiles_list(dir, f, err);
	}
	return rc;
}

static bool
is_full(const struct rounds_at *at, const struct rounds_bound *bound, size_t more, size_t plain)
{
	return at->file == 0 || at->index >= ROUNDS_PER_FILE ||
	    at->bytes + more > (uint64_t)bound->bytes / SHARE ||
	    at->plain + plain > ROUNDS_PLAIN_PER_FILE;
}

static int
put(int dir, const struct rounds_bound *bound, struct rounds_at *next, const struct rounds_new *r,
    struct blob *record, uint64_t *total, struct err *err)
{
	struct round_head h = {
	    .at_ms = r->at_ms, .code = next->code, .index = next->index, .delta = next->index > 0};
	struct roundfiles f;
	int rc = encode(record, &h, r->plain, h.delta ? r->before : (struct slice){0}, err);

	if (rc < 0)
		return rc;
	if (next->index > 0 && is_full(next, bound, record->len, r->plain.len)) {
		blob_free(record);
		*next = (struct rounds_at){.code = next->code};
		return put(dir, bound, next, r, record, total, err);
	}
	if (record->len > (uint64_t)bound->bytes / 2)
		return err_set(err, 1, "a round takes %zu KiB, more than half of limits.rounds-disk",
		    record->len >> 10);
	if ((rc = make_room(dir, bound, record->len, next->file, r->at_ms, &f, err)) < 0)
		return rc;
	if (next->file == 0)
		next->file = f.highest + 1;
	*total = f.bytes + record->len;
	roundfiles_free(&f);
	if ((rc = write_code(dir, &next->code, r, err)) < 0)
		return rc;
	return append(dir, next, blob_slice(record), err);
}

void
rounds_wipe(int dir)
{
	char name[ROUNDFILES_NAME_CAP];
	struct roundfiles f;
	struct err err;

	if (roundfiles_list(dir, &f, &err) < 0)
		return;
	for (size_t i = 0; i < f.count; i++) {
		roundfiles_name(name, f.files[i].number);
		unlinkat(dir, name, 0);
	}
	f.count = 0;
	roundfiles_sweep(dir, &f);
	roundfiles_free(&f);
}

int
rounds_add(int dir, const struct rounds_bound *bound, struct rounds_at *at,
    const struct rounds_new *r, uint64_t *total, struct err *err)
{
	struct rounds_at next = *at;
	struct blob record = {0};
	uint64_t all = 0;
	int rc;

	if (r->before.len == 0)
		next = (struct rounds_at){0};
	rounds_code_hash(&next.code, r->code);
	rc = put(dir, bound, &next, r, &record, &all, err);
	if (rc == 0) {
		next.index++;
		next.bytes += record.len;
		next.plain += r->plain.len;
		*at = next;
	}
	if (total != NULL)
		*total = all;
	blob_free(&record);
	return rc;
}
