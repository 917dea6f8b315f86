/*
 * Two slots, 4 KiB apart so that no block of a disk holds both, written in
 * turn: slot seq % 2 gets record seq.  A crash in the middle leaves the other
 * slot whole, and the caller had not yet told anybody what was in this one.
 *
 *   0 "MESHCRIT"  8 u32 version  12 u32 0  16 u64 seq  24 cluster
 *   40 u64 generation  48 u64 term  56 voted_for
 *   72 applied {u64 term, leader, u64 seq}  104 applied_hash
 *   136 u64 promise_ms  144 promised_to
 *   160 u32 epoch of the key in use  164 u8 1: next held, 2: old held, 4: has a CA,
 *   8: leaves, 16: has left  168 the cluster it left  184 zeroes
 *    480 BLAKE2b-256 of the first 480 bytes         little-endian
 */
#include "critical.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../base/own.h"

#define FILE_NAME "critical"

enum {
	VERSION = 1,
	KEYS_NEXT = 1,
	KEYS_OLD = 2,
	CERTIFIED = 4,
	LEAVING = 8,
	LEFT = 16,
	SLOT_BYTES = 512,
	SLOT_STRIDE = 4096,
	SUM_AT = SLOT_BYTES - HASH_BYTES,
	LIFE_WALL_MAX = (1 << 28) - (1 << 24), /* of 2^28 lives: starts are left after it */
};

static const char magic[8] = "MESHCRIT";

enum slot_state { SLOT_EMPTY, SLOT_BAD, SLOT_GOOD, SLOT_NEWER };

static void
put64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t
get64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static void
sum(const uint8_t *slot, uint8_t out[HASH_BYTES])
{
	crypto_generichash(out, HASH_BYTES, slot, SUM_AT, NULL, 0);
}

static void
encode(uint8_t *slot, uint64_t seq, const struct mesh_saved *s)
{
	memset(slot, 0, SLOT_BYTES);
	memcpy(slot, magic, sizeof magic);
	slot[8] = VERSION;
	put64(slot + 16, seq);
	memcpy(slot + 24, s->cluster, ID_BYTES);
	put64(slot + 40, s->generation);
	put64(slot + 48, s->term);
	memcpy(slot + 56, s->voted_for.b, ID_BYTES);
	put64(slot + 72, s->applied.term);
	memcpy(slot + 80, s->applied.leader.b, ID_BYTES);
	put64(slot + 96, s->applied.seq);
	memcpy(slot + 104, s->applied_hash.b, HASH_BYTES);
	put64(slot + 136, (uint64_t)s->promise_ms);
	memcpy(slot + 144, s->promised_to.b, ID_BYTES);
	put64(slot + 160, s->keys.used); /* four bytes of it, and the flags behind */
	slot[164] = (uint8_t)((s->keys.next ? KEYS_NEXT : 0) | (s->keys.old ? KEYS_OLD : 0) |
	    (s->certified ? CERTIFIED : 0) | (s->leaving ? LEAVING : 0) | (s->left ? LEFT : 0));
	memcpy(slot + 168, s->was, ID_BYTES);
	sum(slot, slot + SUM_AT);
}

static enum slot_state
decode(const uint8_t *slot, size_t len, uint64_t *seq, struct mesh_saved *s)
{
	uint8_t want[HASH_BYTES];

	if (len == 0)
		return SLOT_EMPTY;
	if (len < SLOT_BYTES)
		return SLOT_BAD;
	if (sodium_is_zero(slot, SLOT_BYTES))
		return SLOT_EMPTY;
	sum(slot, want);
	if (memcmp(slot, magic, sizeof magic) != 0 ||
	    memcmp(slot + SUM_AT, want, sizeof want) != 0)
		return SLOT_BAD;
	if (slot[8] != VERSION || slot[9] != 0 || slot[10] != 0 || slot[11] != 0)
		return SLOT_NEWER;
	*seq = get64(slot + 16);
	memcpy(s->cluster, slot + 24, ID_BYTES);
	s->generation = get64(slot + 40);
	s->term = get64(slot + 48);
	memcpy(s->voted_for.b, slot + 56, ID_BYTES);
	s->applied.term = get64(slot + 72);
	memcpy(s->applied.leader.b, slot + 80, ID_BYTES);
	s->applied.seq = get64(slot + 96);
	memcpy(s->applied_hash.b, slot + 104, HASH_BYTES);
	s->promise_ms = (msec)get64(slot + 136);
	memcpy(s->promised_to.b, slot + 144, ID_BYTES);
	s->keys.used = (uint32_t)get64(slot + 160);
	s->keys.next = (slot[164] & KEYS_NEXT) != 0;
	s->keys.old = (slot[164] & KEYS_OLD) != 0;
	s->certified = (slot[164] & CERTIFIED) != 0;
	s->leaving = (slot[164] & LEAVING) != 0;
	s->left = (slot[164] & LEFT) != 0;
	memcpy(s->was, slot + 168, ID_BYTES);
	return SLOT_GOOD;
}

/* pread to the end or an error; a short count is the end of the file. */
static ssize_t
read_slot(int fd, int index, uint8_t *buf)
{
	size_t got = 0;

	while (got < SLOT_BYTES) {
		ssize_t n = pread(fd, buf + got, SLOT_BYTES - got,
		    (off_t)index * SLOT_STRIDE + (off_t)got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

/* Newest good slot to *out; *good says whether there was one. */
static int
load(struct critical *c, struct mesh_saved *out, bool *good, struct err *err)
{
	int bad = 0;
	bool bytes = false;

	*good = false;
	for (int i = 0; i < 2; i++) {
		uint8_t buf[SLOT_BYTES];
		struct mesh_saved s = { 0 };
		uint64_t seq = 0;
		ssize_t n = read_slot(c->fd, i, buf);

		if (n < 0)
			return err_set(err, EXIT_STATE, "read " FILE_NAME ": %s",
			    strerror(errno));
		bytes = bytes || n > 0;
		switch (decode(buf, (size_t)n, &seq, &s)) {
		case SLOT_NEWER:
			return err_set(err, EXIT_STATE, FILE_NAME
			    ": format %u is newer than this meshd understands (%d): "
			    "upgrade meshd", buf[8] + 256u * buf[9], VERSION);
		case SLOT_BAD:
			bad++;
			break;
		case SLOT_EMPTY:
			break;
		case SLOT_GOOD:
			if (!*good || seq > c->seq) {
				*out = s;
				c->seq = seq;
			}
			*good = true;
		}
	}
	if (bytes && !*good)
		snprintf(c->warning, sizeof c->warning, FILE_NAME ": both slots are "
		    "damaged; starting afresh as after a lost disk (cluster, term and "
		    "vote forgotten)");
	else if (bad > 0)
		snprintf(c->warning, sizeof c->warning, FILE_NAME ": one slot is "
		    "damaged (a crash while writing it, or the disk); using the other");
	return 0;
}

static int
open_file(int state_fd, bool *created, struct err *err)
{
	struct stat st;
	int fd;

	*created = false;
	fd = openat(state_fd, FILE_NAME, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		*created = true;
		fd = openat(state_fd, FILE_NAME,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	}
	if (fd < 0)
		return err_set(err, EXIT_STATE, "open " FILE_NAME ": %s",
		    strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(err, EXIT_STATE, FILE_NAME ": not a regular file");
	}
	return fd;
}

/*
 * Above the last life that this disk knows of, and, for it may be an old copy put back,
 * above those that only others know of: no node starts as often as each 20 s since 1970.
 * A generation shares 64 bits with a frame's counter, and this lasts until 2140; a clock
 * beyond that is wrong, and must not use up the lives.
 */
static uint64_t
next_life(uint64_t after)
{
	int64_t wall = (int64_t)time(NULL) / 20;

	if (wall > LIFE_WALL_MAX)
		wall = LIFE_WALL_MAX;
	return wall > 0 && (uint64_t)wall > after ? (uint64_t)wall : after;
}

int
critical_open(struct critical *c, int state_fd, struct mesh_saved *out,
    struct err *err)
{
	bool created, good;
	int rc;

	*c = (struct critical){ .fd = -1 };
	memset(out, 0, sizeof *out);
	c->fd = open_file(state_fd, &created, err);
	if (c->fd < 0) {
		rc = c->fd;
		c->fd = -1;
		return rc;
	}
	rc = load(c, out, &good, err);
	if (rc == 0) {
		out->generation = next_life(good ? out->generation + (out->generation < UINT64_MAX) : 0);
		rc = critical_save(c, out, err);
	}
	if (rc == 0 && created && fsync(state_fd) != 0)
		rc = err_set(err, EXIT_STATE, "make " FILE_NAME ": %s", strerror(errno));
	if (rc != 0)
		critical_close(c);
	return rc;
}

/* No retry after a failed sync: the kernel may have dropped the pages and the
 * next one would lie. */
int
critical_save(struct critical *c, const struct mesh_saved *s, struct err *err)
{
	uint8_t buf[SLOT_BYTES];
	ssize_t n;

	assert(c->fd >= 0);
	encode(buf, c->seq + 1, s);
	do
		n = pwrite(c->fd, buf, sizeof buf,
		    (off_t)((c->seq + 1) % 2) * SLOT_STRIDE);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof buf)
		return err_set(err, EXIT_STATE, "write " FILE_NAME ": %s",
		    n < 0 ? strerror(errno) : "short write");
	if (fdatasync(c->fd) != 0)
		return err_set(err, EXIT_STATE, "sync " FILE_NAME ": %s",
		    strerror(errno));
	c->seq++;
	return 0;
}

void
critical_close(struct critical *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}
