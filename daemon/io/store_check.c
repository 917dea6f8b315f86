/*
 * The checker runs in a fork with an alarm: a damaged LMDB file makes its
 * reader abort, fault or loop, and then only the child is gone.  It walks the
 * tree (order, count, every checksum) and the list of free pages, since a
 * wrong one would spoil good pages later.
 */
#include "store_check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <lmdb.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../base/own.h"

enum { VERDICT_CAP = 200 };

struct store_dir_name
store_dir_name(int fd)
{
	struct store_dir_name out;
	char link[64];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, out.s, sizeof out.s - 1);
	if (n < 0)
		return (struct store_dir_name){ "state-dir" };
	out.s[n] = '\0';
	return out;
}

const char *
store_network_fs(unsigned long magic)
{
	switch (magic & 0xffffffff) {
	case NFS_SUPER_MAGIC:
		return "nfs";
	case SMB_SUPER_MAGIC:
	case SMB2_SUPER_MAGIC:
	case CIFS_SUPER_MAGIC:
		return "smb";
	case CEPH_SUPER_MAGIC:
		return "ceph";
	case V9FS_MAGIC:
		return "9p";
	case AFS_SUPER_MAGIC:
		return "afs";
	case CODA_SUPER_MAGIC:
		return "coda";
	default:
		return NULL;
	}
}

void
store_key_text(const uint8_t *key, size_t len, char *out, size_t cap)
{
	char rest[100] = "";

	if (len > 2)
		err_escape(rest, sizeof rest, (const char *)key + 2, len - 2);
	snprintf(out, cap, "%u/%s", len >= 2 ? key[0] * 256u + key[1] : 0, rest);
}

/* --- in the child -------------------------------------------------------- */

/* One letter and a reason: O good, B bad, N newer, E the world failed. */
static _Noreturn void __attribute__((format(printf, 2, 3)))
verdict(int fd, const char *fmt, ...)
{
	char line[VERDICT_CAP];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof line)
		n = (int)sizeof line - 1;
	_exit(n < 0 || write(fd, line, (size_t)n) != n);
}

/* A free list is a count and that many page numbers, falling. */
static void
check_free(MDB_txn *txn, size_t last_page, int fd)
{
	MDB_cursor *cur;
	MDB_val k, v;
	int rc = mdb_cursor_open(txn, 0, &cur);

	if (rc != 0)
		verdict(fd, "Bfree list: %s", mdb_strerror(rc));
	while ((rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT)) == 0) {
		size_t n, before = last_page + 1;

		if (k.mv_size != sizeof n || v.mv_size < sizeof n)
			verdict(fd, "Bfree list: bad size");
		memcpy(&n, v.mv_data, sizeof n);
		if (n != v.mv_size / sizeof n - 1 || v.mv_size % sizeof n != 0)
			verdict(fd, "Bfree list: bad count");
		for (size_t i = 1; i <= n; i++) {
			size_t page;

			memcpy(&page, (uint8_t *)v.mv_data + i * sizeof page, sizeof page);
			if (page < 2 || page >= before)
				verdict(fd, "Bfree list: page %zu", page);
			before = page;
		}
	}
	if (rc != MDB_NOTFOUND)
		verdict(fd, "Bfree list: %s", mdb_strerror(rc));
}

static void
check_schema(const uint8_t *key, size_t key_len, const uint8_t *body, size_t len, int fd)
{
	unsigned v = len == 4 ? body[0] + 256u * body[1] + 65536u * body[2] : 0;

	if (key_len != 8 || memcmp(key + 2, "schema", 6) != 0)
		return;
	if (v > STORE_SCHEMA)
		verdict(fd, "N%u", v);
	if (v == 0)
		verdict(fd, "Brecord 0/schema: malformed");
}

static void
check_tree(MDB_txn *txn, MDB_dbi dbi, size_t last_page, int fd)
{
	uint8_t last[STORE_KEY_CAP];
	size_t last_len = 0, count = 0;
	MDB_cursor *cur;
	MDB_stat stat;
	MDB_val k, v;
	int rc = mdb_stat(txn, dbi, &stat);

	if (rc == 0)
		rc = mdb_cursor_open(txn, dbi, &cur);
	if (rc != 0)
		verdict(fd, "B%s", mdb_strerror(rc));
	if (last_page >= STORE_MAP_BYTES / stat.ms_psize)
		verdict(fd, "Blast page %zu", last_page);
	for (; (rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT)) == 0; count++) {
		char text[120];
		const uint8_t *body;
		size_t len, both;

		store_key_text(k.mv_data, k.mv_size, text, sizeof text);
		if (k.mv_size > STORE_KEY_CAP ||
		    !store_decode(k.mv_data, k.mv_size, v.mv_data, v.mv_size, &body, &len))
			verdict(fd, "Brecord %s: bad checksum", text);
		both = k.mv_size < last_len ? k.mv_size : last_len;
		rc = memcmp(k.mv_data, last, both);
		if (count > 0 && (rc < 0 || (rc == 0 && k.mv_size <= last_len)))
			verdict(fd, "Brecord %s: out of order", text);
		memcpy(last, k.mv_data, k.mv_size);
		last_len = k.mv_size;
		if (last[0] == 0 && last[1] == STORE_META)
			check_schema(last, last_len, body, len, fd);
		else if (count == 0)
			verdict(fd, "Bno schema record: not ours");
	}
	if (rc != MDB_NOTFOUND)
		verdict(fd, "B%s", mdb_strerror(rc));
	if (count != stat.ms_entries)
		verdict(fd, "B%zu records, its root says %zu", count, stat.ms_entries);
}

static void
on_assert(MDB_env *env, const char *msg)
{
	(void)env;
	(void)msg;
	_exit(1);
}

static _Noreturn void
child(int state_fd, int fd)
{
	char path[64];
	MDB_envinfo info;
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	int rc, null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	for (int sig = 1; sig < 32; sig++)
		signal(sig, SIG_DFL); /* our parent's handlers are not ours */
	if (null >= 0)
		dup2(null, STDERR_FILENO);
	alarm(STORE_CHECK_SECONDS);
	snprintf(path, sizeof path, "/proc/self/fd/%d/db", state_fd);
	rc = mdb_env_create(&env);
	if (rc != 0)
		verdict(fd, "E%s", mdb_strerror(rc));
	mdb_env_set_assert(env, on_assert);
	mdb_env_set_mapsize(env, STORE_MAP_BYTES);
	rc = mdb_env_open(env, path, MDB_NOLOCK | MDB_NOTLS | MDB_RDONLY, 0600);
	if (rc == EACCES || rc == EPERM || rc == EIO || rc == EMFILE || rc == ENFILE)
		verdict(fd, "E%s", mdb_strerror(rc));
	if (rc == 0)
		rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
	if (rc == 0)
		rc = mdb_dbi_open(txn, NULL, 0, &dbi);
	if (rc == 0)
		rc = mdb_env_info(env, &info);
	if (rc != 0)
		verdict(fd, "B%s", mdb_strerror(rc));
	check_tree(txn, dbi, info.me_last_pgno, fd);
	check_free(txn, info.me_last_pgno, fd);
	verdict(fd, "O");
}

/* --- in the parent ------------------------------------------------------- */

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

/* All the child said, or what became of it. */
static void
listen(pid_t pid, int fd, char out[VERDICT_CAP])
{
	int64_t end = now_ms() + (STORE_CHECK_SECONDS + 1) * 1000;
	size_t n = 0;
	int status;

	while (n < VERDICT_CAP - 1) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = end - now_ms();
		ssize_t got;

		if (left <= 0 || (poll(&p, 1, (int)left) < 0 && errno != EINTR))
			break;
		if (p.revents == 0)
			continue;
		got = read(fd, out + n, VERDICT_CAP - 1 - n);
		if (got == 0 || (got < 0 && errno != EINTR))
			break;
		n += got > 0 ? (size_t)got : 0;
	}
	out[n] = '\0';
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (n > 0)
		return;
	if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGALRM || WTERMSIG(status) == SIGKILL))
		snprintf(out, VERDICT_CAP, "Breading it does not end");
	else
		snprintf(out, VERDICT_CAP, "Breading it crashes");
}

static int
run_child(int state_fd, char out[VERDICT_CAP], struct err *err)
{
	AUTO_CLOSE int in = -1;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_set(err, EXIT_ENVIRONMENT, "check the state database: %s",
		    strerror(errno));
	in = fds[0];
	pid = fork();
	if (pid == 0)
		child(state_fd, fds[1]);
	close(fds[1]);
	if (pid < 0)
		return err_set(err, EXIT_ENVIRONMENT, "check the state database: %s",
		    strerror(errno));
	listen(pid, in, out);
	return 0;
}

/* Remove a set-aside database: a directory of plain files. */
static void
discard(int state_fd, const char *name)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	int fd = openat(state_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	d = fdopendir(fd);
	if (d == NULL) {
		close(fd);
		return;
	}
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    unlinkat(fd, e->d_name, 0) != 0)
			unlinkat(fd, e->d_name, AT_REMOVEDIR);
	unlinkat(state_fd, name, AT_REMOVEDIR);
}

/* Keep the newest two: their names end in a time, so they sort. */
static void
prune(int state_fd)
{
	for (;;) {
		AUTO_CLOSEDIR DIR *d = NULL;
		char oldest[256] = "";
		int count = 0, fd = openat(state_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0 || (d = fdopendir(fd)) == NULL) {
			own_close_(&fd);
			return;
		}
		for (struct dirent *e; (e = readdir(d)) != NULL;) {
			if (strncmp(e->d_name, "db.corrupt-", 11) != 0)
				continue;
			if (count++ == 0 || strcmp(e->d_name, oldest) < 0)
				snprintf(oldest, sizeof oldest, "%s", e->d_name);
		}
		if (count <= STORE_KEPT_MAX)
			return;
		discard(state_fd, oldest);
		if (faccessat(state_fd, oldest, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return; /* can't: rather too many than a loop */
	}
}

static int
set_aside(int state_fd, const char *why, char *note, size_t note_cap, struct err *err)
{
	char name[64];
	long long t = (long long)time(NULL);

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "db.corrupt-%lld.%02d", t, i);
		if (faccessat(state_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
			break;
	}
	if (renameat(state_fd, "db", state_fd, name) != 0 || fsync(state_fd) != 0)
		return err_set(err, EXIT_STATE, "state database corrupt (%s), and %s/db can't "
		    "be set aside: %s", why, store_dir_name(state_fd).s, strerror(errno));
	snprintf(note, note_cap, "state database corrupt (%s), kept as %s; starting with an "
	    "empty one", why, name);
	prune(state_fd);
	return 0;
}

int
store_check(int state_fd, char *note, size_t note_cap, struct err *err)
{
	char said[VERDICT_CAP];
	struct stat st;
	int rc;

	if (fstatat(state_fd, "db/data.mdb", &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno == ENOENT)
			return 0;
		return err_set(err, EXIT_STATE, "open %s/db/data.mdb: %s",
		    store_dir_name(state_fd).s, strerror(errno));
	}
	if (!S_ISREG(st.st_mode))
		return set_aside(state_fd, "data.mdb is not a file", note, note_cap, err);
	if (st.st_size == 0)
		return set_aside(state_fd, "data.mdb is empty", note, note_cap, err);
	rc = run_child(state_fd, said, err);
	if (rc != 0)
		return rc;
	switch (said[0]) {
	case 'O':
		return 0;
	case 'N':
		return err_set(err, EXIT_STATE, "state schema %s is newer than this meshd "
		    "understands (%d); upgrade meshd", said + 1, STORE_SCHEMA);
	case 'E':
		return err_set(err, EXIT_STATE, "open %s/db/data.mdb: %s",
		    store_dir_name(state_fd).s, said + 1);
	default:
		return set_aside(state_fd, said + 1, note, note_cap, err);
	}
}
