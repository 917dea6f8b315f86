/*
 * One LMDB tree.  A key is the kind (u16, big-endian, so kinds sort together)
 * and the caller's key; a value is
 *
 *   0 u16 kind  2 u16 schema  4 u32 body bytes  8 body
 *   8+n BLAKE2b-128 of (key, the 8 bytes above, body)          little-endian
 *
 * MDB_NOLOCK: one process, one thread, guarded by our own flock, so that no
 * damaged lock.mdb can hurt us.  store_check.c decides whether the tree may be
 * opened at all.
 */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "../base/own.h"
#include "store_check.h"

struct store {
	MDB_env *env;
	MDB_dbi dbi;
	MDB_txn *batch; /* open between store_begin and its end, or NULL */
	size_t batch_bytes;
	int lock_fd;
};

/* --- records ----------------------------------------------------------- */

static void
sum(const void *key, size_t key_len, const void *head_and_body, size_t len,
    uint8_t out[STORE_SUM_BYTES])
{
	crypto_generichash_state st;

	crypto_generichash_init(&st, NULL, 0, STORE_SUM_BYTES);
	crypto_generichash_update(&st, key, key_len);
	crypto_generichash_update(&st, head_and_body, len);
	crypto_generichash_final(&st, out, STORE_SUM_BYTES);
}

static void
put_le(uint8_t *p, uint32_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t
get_le(const uint8_t *p, int bytes)
{
	uint32_t v = 0;

	for (int i = 0; i < bytes; i++)
		v |= (uint32_t)p[i] << (8 * i);
	return v;
}

size_t
store_key(uint8_t out[STORE_KEY_CAP], unsigned kind, const void *key, size_t key_len)
{
	assert(key_len >= 1 && key_len <= STORE_KEY_BYTES_MAX);
	out[0] = (uint8_t)(kind >> 8);
	out[1] = (uint8_t)kind;
	memcpy(out + 2, key, key_len);
	return key_len + 2;
}

void
store_encode(uint8_t *out, const void *key, size_t key_len, const void *body, size_t len)
{
	const uint8_t *k = key;

	put_le(out, k[0] * 256u + k[1], 2);
	put_le(out + 2, STORE_SCHEMA, 2);
	put_le(out + 4, (uint32_t)len, 4);
	if (len > 0)
		memcpy(out + STORE_HEAD_BYTES, body, len);
	sum(key, key_len, out, STORE_HEAD_BYTES + len, out + STORE_HEAD_BYTES + len);
}

bool
store_decode(const void *key, size_t key_len, const uint8_t *val, size_t len,
    const uint8_t **body, size_t *body_len)
{
	const uint8_t *k = key;
	uint8_t want[STORE_SUM_BYTES];

	if (key_len < 3 || len < STORE_HEAD_BYTES + STORE_SUM_BYTES)
		return false;
	len -= STORE_SUM_BYTES;
	if (get_le(val, 2) != k[0] * 256u + k[1] ||
	    get_le(val + 4, 4) != len - STORE_HEAD_BYTES)
		return false;
	sum(key, key_len, val, len, want);
	if (memcmp(want, val + len, sizeof want) != 0)
		return false;
	*body = val + STORE_HEAD_BYTES;
	*body_len = len - STORE_HEAD_BYTES;
	return true;
}

/* --- open ---------------------------------------------------------------- */

/* What LMDB calls before it aborts: the tree is broken after all, which the
 * next start's check will find.  The exit code says so; an abort would not. */
static void
on_assert(MDB_env *env, const char *msg)
{
	(void)env;
	dprintf(STDERR_FILENO, "state database: %s; restart meshd to set it aside\n", msg);
	_exit(EXIT_STATE);
}

/* One engine per state directory.  The old one may be dying: half a second. */
static int
lock(int state_fd, struct err *err)
{
	int fd = openat(state_fd, "db.lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_set(err, EXIT_STATE, "cannot create %s/db.lock: %s",
		    store_dir_name(state_fd).s, strerror(errno));
	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
		if (errno != EWOULDBLOCK || i == 10) {
			int e = errno;

			close(fd);
			return err_set(err, EXIT_STATE, "%s/db: %s",
			    store_dir_name(state_fd).s, e == EWOULDBLOCK ?
			    "another engine uses it" : strerror(e));
		}
		nanosleep(&(struct timespec){ .tv_nsec = 50 * 1000 * 1000 }, NULL);
	}
	return fd;
}

static int
make_dir(int state_fd, struct err *err)
{
	AUTO_CLOSE int fd = -1;
	struct statfs fs;
	const char *net;

	if (fstatfs(state_fd, &fs) == 0 &&
	    (net = store_network_fs((unsigned long)fs.f_type)) != NULL)
		return err_set(err, EXIT_STATE, "%s is on %s: not supported, state needs "
		    "a local disk", store_dir_name(state_fd).s, net);
	if (mkdirat(state_fd, "db", 0700) != 0 && errno != EEXIST)
		return err_set(err, EXIT_STATE, "cannot create %s/db: %s",
		    store_dir_name(state_fd).s, strerror(errno));
	fd = openat(state_fd, "db", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, EXIT_STATE, "open %s/db: %s",
		    store_dir_name(state_fd).s, strerror(errno));
	if (fsync(state_fd) != 0)
		return err_set(err, EXIT_STATE, "sync %s: %s",
		    store_dir_name(state_fd).s, strerror(errno));
	return 0;
}

/* err->code 1: nothing happened and the store goes on; else stop. */
static int
failed(const char *what, int rc, struct err *err)
{
	bool soft = rc == ENOSPC || rc == EDQUOT || rc == ENOMEM ||
	    rc == MDB_MAP_FULL || rc == MDB_TXN_FULL || rc == MDB_BAD_VALSIZE;

	return err_set(err, soft ? 1 : EXIT_STATE, "%s the state database: %s", what,
	    mdb_strerror(rc));
}

/* The schema record makes the tree ours; written once. */
static int
put_schema(struct store *s, struct err *err)
{
	uint8_t body[4], *old = NULL;
	size_t len;
	int rc;

	rc = store_get(s, (enum store_kind)STORE_META, "schema", 6, &old, &len,
	    err);
	free(old);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	put_le(body, STORE_SCHEMA, 4);
	return store_put(s, (enum store_kind)STORE_META, "schema", 6, body,
	    sizeof body, err);
}

static int
open_env(struct store *s, int state_fd, struct err *err)
{
	char path[64];
	MDB_txn *txn;
	int rc, fd;

	snprintf(path, sizeof path, "/proc/self/fd/%d/db", state_fd);
	rc = mdb_env_create(&s->env);
	if (rc != 0) {
		s->env = NULL;
		return failed("open", rc, err);
	}
	mdb_env_set_assert(s->env, on_assert);
	rc = mdb_env_set_mapsize(s->env, STORE_MAP_BYTES);
	if (rc == 0)
		rc = mdb_env_open(s->env, path, MDB_NOLOCK | MDB_NOTLS, 0600);
	if (rc == 0)
		rc = mdb_env_get_fd(s->env, &fd);
	/* LMDB opens without O_CLOEXEC: no helper may inherit this. */
	if (rc == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		rc = errno;
	if (rc == 0)
		rc = mdb_txn_begin(s->env, NULL, 0, &txn);
	if (rc != 0)
		return failed("open", rc, err);
	rc = mdb_dbi_open(txn, NULL, 0, &s->dbi);
	if (rc != 0) {
		mdb_txn_abort(txn);
		return failed("open", rc, err);
	}
	rc = mdb_txn_commit(txn);
	return rc != 0 ? failed("open", rc, err) : put_schema(s, err);
}

int
store_open(int state_fd, struct store **out, char *note, size_t note_cap,
    struct err *err)
{
	struct store *s;
	int rc;

	*out = NULL;
	note[0] = '\0';
	s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "state database: out of memory");
	s->lock_fd = -1;
	rc = make_dir(state_fd, err);
	if (rc == 0) {
		rc = s->lock_fd = lock(state_fd, err);
		rc = rc < 0 ? rc : 0;
	}
	if (rc == 0)
		rc = store_check(state_fd, note, note_cap, err);
	if (rc == 0)
		rc = make_dir(state_fd, err); /* again: it may be set aside */
	if (rc == 0)
		rc = open_env(s, state_fd, err);
	if (rc != 0) {
		err->code = err->code == 1 ? EXIT_STATE : err->code;
		store_close(s);
		return -err->code;
	}
	*out = s;
	return 0;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	if (s->env != NULL)
		mdb_env_close(s->env);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s);
}

/* --- use ----------------------------------------------------------------- */

/* LMDB calls a short write EIO; on a disk that is about full it means full.  It
 * is no promise: a damaged environment says MDB_PANIC at the next call. */
static int
commit(struct store *s, MDB_txn *txn, size_t len)
{
	struct statvfs v;
	int fd, rc = mdb_txn_commit(txn);

	if (rc == EIO && mdb_env_get_fd(s->env, &fd) == 0 && fstatvfs(fd, &v) == 0 &&
	    v.f_bavail * v.f_frsize < len + (1 << 20))
		return ENOSPC;
	return rc;
}

/* A transaction to write in: the batch's, or one of its own. */
static int
write_begin(struct store *s, MDB_txn **txn)
{
	*txn = s->batch;
	return s->batch != NULL ? 0 : mdb_txn_begin(s->env, NULL, 0, txn);
}

/* rc: of what was done in txn.  A batch goes on; the rest ends here. */
static int
write_end(struct store *s, MDB_txn *txn, int rc, size_t len)
{
	if (txn == s->batch) {
		s->batch_bytes += len;
		return rc;
	}
	if (rc == 0)
		return commit(s, txn, len);
	mdb_txn_abort(txn);
	return rc;
}

static void
read_end(const struct store *s, MDB_txn *txn)
{
	if (txn != s->batch)
		mdb_txn_abort(txn);
}

static int
read_begin(const struct store *s, MDB_txn **txn)
{
	*txn = s->batch;
	return s->batch != NULL ? 0 : mdb_txn_begin(s->env, NULL, MDB_RDONLY, txn);
}

int
store_begin(struct store *s, struct err *err)
{
	int rc;

	assert(s->batch == NULL);
	s->batch_bytes = 0;
	rc = mdb_txn_begin(s->env, NULL, 0, &s->batch);
	if (rc == 0)
		return 0;
	s->batch = NULL;
	return failed("write", rc, err);
}

int
store_commit(struct store *s, struct err *err)
{
	MDB_txn *txn = s->batch;
	int rc;

	assert(txn != NULL);
	s->batch = NULL;
	rc = commit(s, txn, s->batch_bytes);
	return rc != 0 ? failed("write", rc, err) : 0;
}

void
store_abort(struct store *s)
{
	if (s->batch != NULL)
		mdb_txn_abort(s->batch);
	s->batch = NULL;
}

/* True when the very same value is there: a sync saved. */
static bool
same(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, const uint8_t *val, size_t len)
{
	MDB_val old;

	return mdb_get(txn, dbi, key, &old) == 0 && old.mv_size == len &&
	    memcmp(old.mv_data, val, len) == 0;
}

int
store_put(struct store *s, enum store_kind kind, const void *key, size_t key_len,
    const void *body, size_t len, struct err *err)
{
	uint8_t k[STORE_KEY_CAP];
	AUTO_FREE uint8_t *val = NULL;
	MDB_val mk, mv;
	MDB_txn *txn;
	int rc;

	if (len > STORE_BODY_BYTES_MAX)
		return err_set(err, 1, "write the state database: %zu bytes, at most %d",
		    len, (int)STORE_BODY_BYTES_MAX);
	mv.mv_size = STORE_HEAD_BYTES + len + STORE_SUM_BYTES;
	mv.mv_data = val = malloc(mv.mv_size);
	if (val == NULL)
		return failed("write", ENOMEM, err);
	mk.mv_size = store_key(k, kind, key, key_len);
	mk.mv_data = k;
	store_encode(val, k, mk.mv_size, body, len);
	rc = write_begin(s, &txn);
	if (rc != 0)
		return failed("write", rc, err);
	if (same(txn, s->dbi, &mk, val, mv.mv_size)) {
		read_end(s, txn);
		return 0;
	}
	rc = write_end(s, txn, mdb_put(txn, s->dbi, &mk, &mv, 0), len);
	return rc != 0 ? failed("write", rc, err) : 0;
}

static int
bad_record(const uint8_t *key, size_t len, struct err *err)
{
	char text[120];

	store_key_text(key, len, text, sizeof text);
	return err_set(err, EXIT_STATE, "state database: record %s: bad checksum; restart "
	    "meshd to set it aside", text);
}

int
store_get(struct store *s, enum store_kind kind, const void *key, size_t key_len,
    uint8_t **out, size_t *len, struct err *err)
{
	uint8_t k[STORE_KEY_CAP];
	MDB_val mk = { .mv_data = k }, mv;
	const uint8_t *body;
	MDB_txn *txn;
	int rc;

	*out = NULL;
	*len = 0;
	mk.mv_size = store_key(k, kind, key, key_len);
	rc = read_begin(s, &txn);
	if (rc != 0)
		return failed("read", rc, err);
	rc = mdb_get(txn, s->dbi, &mk, &mv);
	if (rc == MDB_NOTFOUND)
		rc = 0;
	else if (rc != 0)
		rc = failed("read", rc, err);
	else if (!store_decode(k, mk.mv_size, mv.mv_data, mv.mv_size, &body, len))
		rc = bad_record(k, mk.mv_size, err);
	else if ((*out = malloc(*len + 1)) == NULL)
		rc = failed("read", ENOMEM, err);
	else {
		memcpy(*out, body, *len);
		(*out)[*len] = 0;
		rc = 1;
	}
	read_end(s, txn);
	return rc;
}

int
store_del(struct store *s, enum store_kind kind, const void *key, size_t key_len,
    struct err *err)
{
	uint8_t k[STORE_KEY_CAP];
	MDB_val mk = { .mv_data = k };
	MDB_txn *txn;
	int rc;

	mk.mv_size = store_key(k, kind, key, key_len);
	rc = write_begin(s, &txn);
	if (rc != 0)
		return failed("write", rc, err);
	rc = write_end(s, txn, mdb_del(txn, s->dbi, &mk, NULL), 0);
	return rc == 0 || rc == MDB_NOTFOUND ? 0 : failed("write", rc, err);
}

int
store_each(struct store *s, enum store_kind kind,
    bool (*fn)(void *arg, const uint8_t *key, size_t key_len, const uint8_t *body,
        size_t len),
    void *arg, struct err *err)
{
	uint8_t first[2] = { (uint8_t)(kind >> 8), (uint8_t)kind };
	MDB_val mk = { .mv_size = 2, .mv_data = first }, mv;
	MDB_cursor *cur;
	MDB_txn *txn;
	int rc;

	rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);
	if (rc != 0)
		return failed("read", rc, err);
	rc = mdb_cursor_open(txn, s->dbi, &cur);
	if (rc != 0) {
		mdb_txn_abort(txn);
		return failed("read", rc, err);
	}
	for (rc = mdb_cursor_get(cur, &mk, &mv, MDB_SET_RANGE); rc == 0;
	     rc = mdb_cursor_get(cur, &mk, &mv, MDB_NEXT)) {
		const uint8_t *k = mk.mv_data, *body;
		size_t len;

		if (mk.mv_size < 2 || memcmp(k, first, 2) != 0)
			break;
		if (!store_decode(k, mk.mv_size, mv.mv_data, mv.mv_size, &body, &len)) {
			rc = bad_record(k, mk.mv_size, err);
			break;
		}
		if (!fn(arg, k + 2, mk.mv_size - 2, body, len))
			break;
	}
	mdb_cursor_close(cur);
	mdb_txn_abort(txn);
	if (rc == 0 || rc == MDB_NOTFOUND)
		return 0;
	return rc == -EXIT_STATE ? rc : failed("read", rc, err);
}
