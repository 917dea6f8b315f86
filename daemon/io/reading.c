/*
 * reading.c - see reading.h.  The usual tick: read, and for each number the next slot is
 * its own.  When it is not, the list is made anew in the text's order: what is known
 * keeps its series, what is new gets one, and what is left over has ended.
 */
#include "reading.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "../base/own.h"

enum { WHOLE_BYTES = 3072, RETRY_TICKS = 60 };

#define STEPS_BACK_MAX 3.0 /* seconds: a counter that is less by more began anew */

void
reading_open(struct reading *r, enum procfs_kind kind, int dir, const char *path)
{
	memset(r, 0, sizeof *r);
	r->kind = kind;
	r->fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

struct slice
reading_text(int fd, const struct reading_of *of, bool *cut)
{
	size_t len = 0;

	*cut = false;
	while (len < READING_TEXT_CAP) {
		ssize_t n = pread(fd, of->text + len, READING_TEXT_CAP - len, (off_t)len);

		if (n <= 0) {
			*cut = n < 0 && len > 0;
			break;
		}
		len += (size_t)n;
		/* The kernel fills a page with whole lines: with so much left of it, that is
		 * all there is, and no second call is needed to hear so. */
		if (len < WHOLE_BYTES && of->text[len - 1] == '\n')
			break;
	}
	*cut |= len == READING_TEXT_CAP;
	return (struct slice){(const uint8_t *)of->text, len};
}

static series_id
open_series(const struct reading_of *of, struct labels *l, enum series_type type, const char *help)
{
	uint8_t packed[LABELS_BYTES_MAX];
	int n;

	for (uint32_t i = 0; i < of->labels_count; i++)
		if (labels_set(l, of->labels[i].name, of->labels[i].value) < 0)
			return 0;
	if ((n = labels_pack(l, packed, sizeof packed)) < 0)
		return 0;
	(void)!series_describe_own(of->store, labels_get(l, slice_of(LABEL_NAME)), type, slice_of(help));
	return series_open(of->store, of->owner, (struct slice){packed, (size_t)n});
}

static series_id
open_item(const struct reading_of *of, const struct procfs_item *it)
{
	struct procfs_item named = *it;
	char name[PROCFS_NAME_CAP];
	struct labels l;

	if (of->device != NULL && it->means->key_label != NULL && strcmp(it->means->key_label, "device") == 0) {
		const char *device = of->device(of->arg, it->key);

		if (device != NULL)
			named.key = slice_of(device);
	}
	return procfs_name(&named, name, &l) ? open_series(of, &l, it->means->type, it->means->help) : 0;
}

/* What the kernel says, but for two things: idle time that it takes back (its sums are not
 * of one moment), and what of memory in use is only cache that nobody used lately. */
static double
value_of(struct reading *r, uint32_t slot, const struct procfs_item *it, double *memory)
{
	double v = it->value;

	if (r->kind == PROCFS_GROUP_MEMORY)
		*memory = v;
	if ((r->kind == PROCFS_GROUP_MEMORY_STAT || r->kind == PROCFS_GROUP_MEMORY_STAT_V1) &&
	    strcmp(it->means->metric, "container_memory_working_set_bytes") == 0)
		return *memory > v ? *memory - v : 0;
	if (r->last != NULL && it->means->type == SERIES_COUNTER) {
		if (v < r->last[slot] && r->last[slot] - v < STEPS_BACK_MAX)
			v = r->last[slot];
		r->last[slot] = v;
	}
	return v;
}

static bool
grow(struct reading *r)
{
	uint32_t cap = r->cap > 0 ? r->cap * 2 : 4;
	struct reading_slot *slots;
	double *last;

	if (r->count < r->cap)
		return true;
	if (r->cap >= READING_SERIES_MAX || (slots = realloc(r->slots, cap * sizeof *slots)) == NULL)
		return false;
	r->slots = slots;
	if (r->kind == PROCFS_STAT) {
		if ((last = realloc(r->last, cap * sizeof *last)) == NULL)
			return false;
		r->last = last;
	}
	r->cap = cap;
	return true;
}

/* Where old has it: from *from on, and around. */
static bool
find(const struct reading *old, uint64_t hash, uint32_t *from)
{
	for (uint32_t i = 0; i < old->count; i++) {
		uint32_t at = (*from + i) % old->count;

		if (old->slots[at].hash == hash && old->slots[at].id != 0) {
			*from = at;
			return true;
		}
	}
	return false;
}

static void
keep(struct reading *r, struct reading *old, const struct reading_of *of, const struct procfs_item *it,
    uint32_t *from)
{
	struct reading_slot *slot;

	if (!grow(r))
		return;
	slot = &r->slots[r->count++];
	*slot = (struct reading_slot){.hash = it->hash};
	if (r->last != NULL)
		r->last[r->count - 1] = 0;
	if (!find(old, it->hash, from)) {
		slot->id = open_item(of, it);
		return;
	}
	slot->id = old->slots[*from].id;
	old->slots[*from].id = 0;
	if (r->last != NULL)
		r->last[r->count - 1] = old->last[*from];
}

static void
release(struct reading *r, const struct reading_of *of, int64_t tick)
{
	for (uint32_t i = 0; i < r->count; i++)
		if (r->slots[i].id != 0)
			series_close(of->store, r->slots[i].id, tick);
	free(r->slots);
	free(r->last);
	r->slots = NULL;
	r->last = NULL;
	r->count = r->cap = 0;
}

static void
anew(struct reading *r, const struct reading_of *of, int64_t tick, struct slice text, bool cut)
{
	struct reading old = *r;
	struct procfs_scan s;
	struct procfs_item it;
	uint32_t from = 0;

	r->slots = NULL;
	r->last = NULL;
	r->count = r->cap = 0;
	procfs_begin(&s, r->kind, text, cut);
	while (r->count < READING_SERIES_MAX && procfs_next(&s, &it))
		keep(r, &old, of, &it, &from);
	release(&old, of, tick);
}

/* Do the numbers come in the order that is known? */
static bool
fits(const struct reading *r, struct slice text, bool cut)
{
	struct procfs_scan s;
	struct procfs_item it;
	uint32_t n = 0;

	procfs_begin(&s, r->kind, text, cut);
	while (n < r->count && procfs_next(&s, &it))
		if (r->slots[n++].hash != it.hash)
			return false;
	return n == r->count && (n == READING_SERIES_MAX || !procfs_next(&s, &it));
}

/* true: all of it went as it should. */
static bool
put_all(struct reading *r, const struct reading_of *of, int64_t tick, struct slice text, bool cut,
    double *memory)
{
	struct procfs_scan s;
	struct procfs_item it;
	uint32_t n = 0;

	procfs_begin(&s, r->kind, text, cut);
	s.page_bytes = of->page_bytes;
	while (procfs_next(&s, &it)) {
		if (n >= r->count || r->slots[n].hash != it.hash)
			return n >= READING_SERIES_MAX;
		struct reading_slot *slot = &r->slots[n];
		double v = value_of(r, n++, &it, memory);

		/* It was dropped meanwhile, or there was no room: open it again. */
		if (slot->id == 0 ? tick % RETRY_TICKS == 0 :
				    series_put(of->store, slot->id, tick, v) == -ERR_UNKNOWN) {
			slot->id = open_item(of, &it);
			if (slot->id != 0)
				(void)!series_put(of->store, slot->id, tick, v);
		}
	}
	return n == r->count;
}

void
reading_put(struct reading *r, const struct reading_of *of, int64_t tick, struct slice text, bool cut,
    double *memory)
{
	/* What was put already is refused the second time, and that is right. */
	if (put_all(r, of, tick, text, cut, memory) || fits(r, text, cut))
		return;
	anew(r, of, tick, text, cut);
	(void)put_all(r, of, tick, text, cut, memory);
}

struct slice
reading_tick(struct reading *r, const struct reading_of *of, int64_t tick, double *memory)
{
	struct slice text;
	bool cut;

	if (r->fd < 0)
		return (struct slice){NULL, 0};
	text = reading_text(r->fd, of, &cut);
	reading_put(r, of, tick, text, cut, memory);
	return text;
}

void
reading_end(struct reading *r, const struct reading_of *of, int64_t tick)
{
	release(r, of, tick);
	own_close_(&r->fd);
	r->fd = -1;
}

void
reading_figure(const struct reading_of *of, const struct reading_figure *f, series_id *id,
    const struct label *more, uint32_t more_count, int64_t tick, double value)
{
	struct labels l;

	if (*id != 0 && series_put(of->store, *id, tick, value) != -ERR_UNKNOWN)
		return;
	l.count = 0;
	if (labels_set(&l, slice_of(LABEL_NAME), slice_of(f->metric)) < 0)
		return;
	for (uint32_t i = 0; i < more_count; i++)
		if (labels_set(&l, more[i].name, more[i].value) < 0)
			return;
	if ((*id = open_series(of, &l, f->type, f->help)) != 0)
		(void)!series_put(of->store, *id, tick, value);
}

void
reading_gone(const struct reading_of *of, series_id *id, int64_t tick)
{
	if (*id != 0)
		series_close(of->store, *id, tick);
	*id = 0;
}

bool
reading_line(int dir, const char *path, char *out, size_t cap)
{
	AUTO_CLOSE int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : pread(fd, out, cap - 1, 0);

	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	for (char *p = out; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '_';
	return out[0] != '\0';
}
