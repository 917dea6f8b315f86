/*
 * logrole.c - see logrole.h.
 */
#include "logrole.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "../../gossip/mp.h"
#include "../base/name.h"
#include "../base/own.h"
#include "engine.h"
#include "logs.h"
#include "pack.h"

enum {
	STEP_NS = 2000000,	  /* of the loop at a time */
	FILES_MAX = 65536,	  /* of the directory are looked at */
	CURSOR_PACKED_MAX = 2 * 3 /* two strings' heads */
};

struct one {
	char instance[NAME_CAP];
	char after[LOGS_TIME_CAP];
	bool runs;
	int64_t written_s; /* last */
};

struct reading {
	struct engine *e;
	stream_done *done;
	void *arg;
	uv_timer_t timer;
	char name[NAME_CAP];
	struct logs_want want; /* of each */
	uint64_t since_ms, at_ms;
	struct blob cursors; /* as they came */
	struct one *all; /* owned */
	size_t count, next, more;
	struct lines kept;
	bool cut;
};

/* --- whose logs ---------------------------------------------------------------- */

/* Does it begin with PREFIX and a dot? */
static bool
is_below(const char *name, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(name, prefix, n) == 0 && name[n] == '.' && name[n + 1] != '\0';
}

/* Of what runs it is known whose it is; of what is gone its name says it: ROLE.something,
 * of the longest role that is known, since a role's name may have dots too. */
static bool
is_of(struct engine *e, const char *instance, const char *name, bool *runs)
{
	const struct plan *p = &e->apply.plan;
	const struct local_instance *l;

	*runs = false;
	if (strcmp(instance, name) != 0 && !is_below(instance, name))
		return false;
	if ((l = local_find(&e->local, instance)) != NULL) {
		*runs = true;
		return strcmp(instance, name) == 0 || strcmp(l->ev.role, name) == 0;
	}
	for (size_t i = 0; i < p->roles_count && strcmp(instance, name) != 0; i++)
		if (is_below(p->roles[i].name, name) && is_below(instance, p->roles[i].name))
			return false;
	return true;
}

bool
logrole_known(struct engine *e, const char *role)
{
	for (size_t i = 0; i < e->local.count; i++)
		if (strcmp(e->local.items[i].ev.role, role) == 0)
			return true;
	return plan_role(&e->apply.plan, role) != NULL;
}

/* INSTANCE.log */
static bool
instance_of(const char *file, char out[NAME_CAP])
{
	size_t n = strlen(file);

	if (n < 5 || n - 4 >= NAME_CAP || strcmp(file + n - 4, ".log") != 0)
		return false;
	memcpy(out, file, n - 4);
	out[n - 4] = '\0';
	return name_ok(out, n - 4);
}

/* When it was written last, by either of the two files that each has. */
static int64_t
written(int dir, const char *instance)
{
	static const char *const ends[] = {"log", "log.1"};
	char name[NAME_CAP + 8];
	int64_t last = 0;
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		snprintf(name, sizeof name, "%s.%s", instance, ends[i]);
		if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mtim.tv_sec > last)
			last = st.st_mtim.tv_sec;
	}
	return last;
}

static int
add(struct reading *r, int dir, const char *instance, bool runs, size_t *cap)
{
	if (r->count == *cap) {
		size_t more = *cap == 0 ? 16 : 2 * *cap;
		struct one *all = realloc(r->all, more * sizeof *all);

		if (all == NULL)
			return -ERR_FULL;
		r->all = all;
		*cap = more;
	}
	r->all[r->count] = (struct one){.runs = runs, .written_s = written(dir, instance)};
	memcpy(r->all[r->count++].instance, instance, NAME_CAP);
	return 0;
}

static int
by_worth(const void *a, const void *b)
{
	const struct one *x = a, *y = b;

	if (x->runs != y->runs)
		return x->runs ? -1 : 1;
	if (x->written_s != y->written_s)
		return x->written_s > y->written_s ? -1 : 1;
	return strcmp(x->instance, y->instance);
}

/* Those whose cursors fit the next question: what runs first, then what was written last. */
static void
choose(struct reading *r)
{
	size_t bytes = 8, n = 0;

	if (r->count > 0)
		qsort(r->all, r->count, sizeof *r->all, by_worth);
	for (; n < r->count; n++) {
		bytes += strlen(r->all[n].instance) + LOGS_TIME_CAP + CURSOR_PACKED_MAX;
		if (bytes > LOGROLE_CURSORS_BYTES)
			break;
	}
	r->more = r->count - n;
	r->count = n;
}

static int
look(struct reading *r)
{
	AUTO_CLOSE int fd = engine_open_dir(r->e->conf.log_dir);
	AUTO_CLOSEDIR DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *f;
	size_t cap = 0, files = 0;

	if (d == NULL)
		return 0; /* nothing was ever logged */
	fd = -1;
	while ((f = readdir(d)) != NULL && files++ < FILES_MAX) {
		char instance[NAME_CAP] = "";
		bool runs;

		if (instance_of(f->d_name, instance) && is_of(r->e, instance, r->name, &runs) &&
		    add(r, dirfd(d), instance, runs, &cap) < 0)
			return -ERR_FULL;
	}
	choose(r);
	return 0;
}

/* --- cursors ------------------------------------------------------------------- */

static struct one *
find(struct reading *r, const char *instance)
{
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->all[i].instance, instance) == 0)
			return &r->all[i];
	return NULL;
}

/* [instance, after, ...]; of what is gone they are forgotten. */
static int
read_cursors(struct reading *r)
{
	char instance[NAME_CAP];
	char after[LOGS_TIME_CAP];
	uint32_t n;
	struct mp mp;

	mp_init(&mp, r->cursors.b, r->cursors.len, 1);
	if (r->cursors.len == 0)
		return 0;
	if (mp_array(&mp, &n) < 0 || n % 2 != 0)
		return -ERR_MALFORMED;
	for (uint32_t i = 0; i < n; i += 2) {
		struct one *o;

		if (mp_cstr(&mp, instance, sizeof instance) < 0 || logs_cursor(&mp, after) < 0)
			return -ERR_MALFORMED;
		if ((o = find(r, instance)) != NULL)
			memcpy(o->after, after, sizeof o->after);
	}
	return mp_end(&mp);
}

static void
pack_cursors(const struct reading *r, msgpack_packer *pk)
{
	msgpack_sbuffer buf;
	msgpack_packer in;

	pk_begin_array(&buf, &in, 2 * r->count);
	for (size_t i = 0; i < r->count; i++) {
		pk_str(&in, r->all[i].instance);
		pk_str(&in, r->all[i].after);
	}
	msgpack_pack_bin(pk, buf.size);
	msgpack_pack_bin_body(pk, buf.data, buf.size);
	msgpack_sbuffer_destroy(&buf);
}

/* --- reading ------------------------------------------------------------------- */

static void
on_closed(uv_handle_t *h)
{
	struct reading *r = h->data;

	lines_free(&r->kept);
	blob_free(&r->cursors);
	free(r->all);
	free(r);
}

/* The lines that are kept, by owner: order[from[i]] .. order[from[i + 1] - 1] are of i. */
static void
by_owner(const struct reading *r, size_t *from, uint32_t *order)
{
	for (size_t i = 0; i < r->kept.count; i++)
		from[r->kept.all[i].owner + 1]++;
	for (size_t i = 0; i < r->count; i++)
		from[i + 1] += from[i];
	for (size_t i = r->kept.count; i-- > 0;)
		order[--from[r->kept.all[i].owner + 1]] = (uint32_t)i;
	/* Each end has become its beginning. */
	memmove(from, from + 1, r->count * sizeof *from);
	from[r->count] = r->kept.count;
}

/* [instance, text, ...] of those of which something is kept.  False without memory. */
static bool
pack_texts(const struct reading *r, msgpack_packer *pk)
{
	AUTO_FREE size_t *from = calloc(r->count + 2, sizeof *from);
	AUTO_FREE uint32_t *order = calloc(r->kept.count + 1, sizeof *order);
	uint32_t n = 0;

	if (from == NULL || order == NULL)
		return false;
	by_owner(r, from, order);
	for (size_t i = 0; i < r->count; i++)
		n += from[i] < from[i + 1] ? 2 : 0;
	msgpack_pack_array(pk, n);
	for (size_t i = 0; i < r->count; i++) {
		size_t bytes = 0;

		for (size_t k = from[i]; k < from[i + 1]; k++)
			bytes += r->kept.all[order[k]].len;
		if (bytes == 0)
			continue;
		pk_str(pk, r->all[i].instance);
		msgpack_pack_str(pk, bytes);
		for (size_t k = from[i]; k < from[i + 1]; k++)
			msgpack_pack_str_body(pk, r->kept.all[order[k]].text, r->kept.all[order[k]].len);
	}
	return true;
}

static void
end(struct reading *r, int rc)
{
	msgpack_sbuffer buf;
	msgpack_packer pk;

	pk_begin_array(&buf, &pk, 5);
	msgpack_pack_uint64(&pk, r->at_ms);
	msgpack_pack_uint64(&pk, r->more);
	if (r->cut || r->kept.cut)
		msgpack_pack_true(&pk);
	else
		msgpack_pack_false(&pk);
	pack_cursors(r, &pk);
	if (rc == 0 && !pack_texts(r, &pk))
		rc = -ERR_FULL;
	r->e->log_readings--;
	r->done(r->arg, rc, (const uint8_t *)buf.data, rc == 0 ? buf.size : 0);
	msgpack_sbuffer_destroy(&buf);
	uv_close((uv_handle_t *)&r->timer, on_closed);
}

/* What it has since its cursor.  One that has none came later: since the time that is said. */
static int
read_one(struct reading *r, int dir, uint32_t i)
{
	struct one *o = &r->all[i];
	struct logs_want want = r->want;
	struct blob text = {0};
	struct err err;
	bool cut = false;
	int rc = 0;

	memcpy(want.after, o->after, sizeof want.after);
	if (logs_read(dir, o->instance, &want, &text, &cut, &err) == 0) {
		rc = lines_add(&r->kept, i, lines_rank(r->e->conf.name, o->instance),
		    (const char *)text.b, text.len);
		memcpy(o->after, want.after, sizeof o->after);
		r->cut |= cut;
	} /* else it went meanwhile */
	blob_free(&text);
	return rc;
}

static void
on_turn(uv_timer_t *timer)
{
	struct reading *r = timer->data;
	AUTO_CLOSE int dir = engine_open_dir(r->e->conf.log_dir);
	uint64_t until = uv_hrtime() + STEP_NS;
	int rc = 0;

	while (rc == 0 && dir >= 0 && r->next < r->count) {
		rc = read_one(r, dir, (uint32_t)r->next++);
		if (uv_hrtime() >= until)
			break;
	}
	if (rc < 0 || dir < 0 || r->next == r->count)
		end(r, rc);
	else
		uv_timer_start(timer, on_turn, 0, 0);
}

static int
read_question(struct reading *r, const uint8_t *b, size_t len)
{
	uint64_t lines, bytes;
	const uint8_t *cursors;
	uint32_t n;
	size_t k;
	struct mp mp;

	mp_init(&mp, b, len, 1);
	if (mp_array(&mp, &n) < 0 || n != 5 || mp_cstr(&mp, r->name, sizeof r->name) < 0 ||
	    !name_ok(r->name, strlen(r->name)) || mp_uint_max(&mp, LOGROLE_BYTES_MAX, &lines) < 0 ||
	    mp_uint_max(&mp, LOGROLE_BYTES_MAX, &bytes) < 0 || mp_uint(&mp, &r->since_ms) < 0 ||
	    mp_bin(&mp, &cursors, &k) < 0 || mp_end(&mp) < 0)
		return -ERR_MALFORMED;
	r->want.lines = (size_t)lines;
	if (r->since_ms > 0)
		logs_stamp(r->since_ms, r->want.since);
	lines_init(&r->kept, (size_t)lines, (size_t)bytes);
	return blob_copy(&r->cursors, (struct slice){cursors, k});
}

int
logrole_start(struct engine *e, const uint8_t *payload, size_t len, stream_done *done, void *arg)
{
	struct reading *r;
	int rc;

	if (e->log_readings >= LOGROLE_MAX || (r = calloc(1, sizeof *r)) == NULL)
		return -ERR_FULL;
	*r = (struct reading){.e = e, .done = done, .arg = arg, .at_ms = engine_wall_ms()};
	if ((rc = read_question(r, payload, len)) < 0 || (rc = look(r)) < 0 ||
	    (rc = read_cursors(r)) < 0) {
		blob_free(&r->cursors);
		free(r->all);
		free(r);
		return rc;
	}
	e->log_readings++;
	uv_timer_init(e->loop, &r->timer);
	r->timer.data = r;
	uv_timer_start(&r->timer, on_turn, 0, 0);
	return 0;
}

int
logrole_question(const char *name, size_t lines, size_t bytes, uint64_t since_ms,
    struct slice cursors, struct blob *out)
{
	msgpack_sbuffer buf;
	msgpack_packer pk;
	int rc;

	pk_begin_array(&buf, &pk, 5);
	pk_str(&pk, name);
	msgpack_pack_uint64(&pk, lines);
	msgpack_pack_uint64(&pk, bytes);
	msgpack_pack_uint64(&pk, since_ms);
	msgpack_pack_bin(&pk, cursors.len);
	if (cursors.len > 0)
		msgpack_pack_bin_body(&pk, cursors.b, cursors.len);
	rc = blob_copy(out, (struct slice){(const uint8_t *)buf.data, buf.size});
	msgpack_sbuffer_destroy(&buf);
	return rc;
}

int
logrole_answer_open(struct logrole_answer *a, const uint8_t *b, size_t len)
{
	struct mp *mp = &a->rest;
	uint32_t n;

	mp_init(mp, b, len, 2);
	if (mp_array(mp, &n) < 0 || n != 5 || mp_uint_max(mp, LOGROLE_AT_MS_MAX, &a->at_ms) < 0 ||
	    mp_uint(mp, &a->more) < 0 || mp_bool(mp, &a->cut) < 0 ||
	    mp_bin(mp, &a->cursors.b, &a->cursors.len) < 0 ||
	    a->cursors.len > LOGROLE_CURSORS_BYTES || mp_array(mp, &a->left) < 0 ||
	    a->left % 2 != 0 || a->left / 2 > LOGROLE_INSTANCES_MAX)
		return -ERR_MALFORMED;
	a->has = a->cursors.len > 1; /* more than an empty list */
	return 0;
}

int
logrole_answer_next(struct logrole_answer *a, char instance[NAME_CAP], struct slice *text)
{
	const char *s;

	if (a->left == 0)
		return mp_end(&a->rest) < 0 ? -ERR_MALFORMED : 0;
	a->left -= 2;
	if (mp_cstr(&a->rest, instance, NAME_CAP) < 0 || !name_ok(instance, strlen(instance)) ||
	    mp_str(&a->rest, &s, &text->len) < 0)
		return -ERR_MALFORMED;
	text->b = (const uint8_t *)s;
	return 1;
}

/* --- for another node ------------------------------------------------------------ */

static void
on_read(void *arg, int rc, const uint8_t *data, size_t len)
{
	if (rc == 0)
		stream_answer_send(arg, data, len);
	else
		stream_answer_fail(arg, -rc);
}

void
logrole_serve(struct engine *e, const uint8_t *payload, size_t len, struct stream_answer *answer)
{
	int rc = logrole_start(e, payload, len, on_read, answer);

	if (rc < 0)
		stream_answer_fail(answer, -rc);
}
