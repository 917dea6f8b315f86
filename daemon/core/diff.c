/*
 * diff.c - desired against actual, both walked in order of instance name.
 */
#include "diff.h"

#include <stdlib.h>

#include "../base/own.h"

struct row {
	const char *name;
	uint32_t index;
};

static int
row_cmp(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c != 0 ? c : (x->index > y->index) - (x->index < y->index);
}

uint64_t
diff_spec_hash(const struct diff_want *w)
{
	struct sup_req r;

	memset(&r, 0, sizeof r);
	memcpy(r.sandbox, w->sandbox, strnlen(w->sandbox, sizeof r.sandbox - 1));
	memcpy(r.role, w->role, strnlen(w->role, sizeof r.role - 1));
	memcpy(r.image, w->image, strnlen(w->image, sizeof r.image - 1));
	memcpy(r.config, w->config, strnlen(w->config, sizeof r.config - 1));
	r.address = w->address;
	return sup_spec_hash(&r, w->vars.b, w->vars.len);
}

static bool
there(const struct diff_have *h)
{
	return h->state != SUP_ST_NONE && h->state != SUP_ST_GONE;
}

/* What one wanted instance needs; h NULL = it is not there. */
static void
judge(const struct diff_want *w, const struct diff_have *h, bool *stop, bool *start, bool *retry)
{
	*stop = *start = *retry = false;
	if (h == NULL) {
		*start = true;
		return;
	}
	/* Another sandbox or role has other limits and directories: it is
	 * another container that happens to have the same name. */
	*stop = strcmp(w->sandbox, h->sandbox) != 0 || strcmp(w->role, h->role) != 0;
	if (*stop || h->state == SUP_ST_STOPPING || h->spec_hash != diff_spec_hash(w) ||
	    h->policy != w->policy)
		*start = true;
	else if (h->state == SUP_ST_FAILED)
		*retry = true;
}

struct lists {
	struct diff_action *stop, *start, *retry;
	size_t stops, starts, retries;
};

static void
push(struct diff_action *list, size_t *count, enum diff_op op, uint32_t index)
{
	list[(*count)++] = (struct diff_action){op, index};
}

static void
merge(struct lists *l, const struct diff_want *want, const struct row *w, size_t nw,
    const struct diff_have *have, const struct row *h, size_t nh)
{
	size_t i = 0, j = 0;

	while (i < nw || j < nh) {
		int c = i == nw ? 1 : j == nh ? -1 : strcmp(w[i].name, h[j].name);

		if (c > 0) {
			if (have[h[j].index].state != SUP_ST_STOPPING)
				push(l->stop, &l->stops, DIFF_STOP, h[j].index);
			j++;
			continue;
		}
		bool stop, start, retry;

		judge(&want[w[i].index], c == 0 ? &have[h[j].index] : NULL, &stop, &start, &retry);
		if (stop)
			push(l->stop, &l->stops, DIFF_STOP, h[j].index);
		if (start)
			push(l->start, &l->starts, DIFF_START, w[i].index);
		if (retry)
			push(l->retry, &l->retries, DIFF_RETRY, w[i].index);
		i++;
		j += c == 0;
	}
}

/* Sorted rows; those that are not there or repeat a name are left out of
 * `have`; a name wanted twice is the caller's to refuse. */
static int
sort_rows(struct row *w, const struct diff_want *want, size_t nw, struct row *h,
    const struct diff_have *have, size_t *nh)
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < nw; i++)
		w[i] = (struct row){want[i].instance, (uint32_t)i};
	qsort(w, nw, sizeof *w, row_cmp);
	for (size_t i = 1; i < nw; i++)
		if (strcmp(w[i - 1].name, w[i].name) == 0)
			return -ERR_MALFORMED;
	for (size_t i = 0; i < *nh; i++)
		if (there(&have[i]))
			h[n++] = (struct row){have[i].instance, (uint32_t)i};
	qsort(h, n, sizeof *h, row_cmp);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || strcmp(h[kept - 1].name, h[i].name) != 0)
			h[kept++] = h[i];
	*nh = kept;
	return 0;
}

int
diff_make(const struct diff_want *want, size_t want_count, const struct diff_have *have,
    size_t have_count, struct diff_action **out, size_t *count)
{
	size_t all = want_count + have_count;
	AUTO_FREE struct row *w = calloc(want_count + 1, sizeof *w);
	AUTO_FREE struct row *h = calloc(have_count + 1, sizeof *h);
	AUTO_FREE struct diff_action *tmp = calloc(3 * all + 1, sizeof *tmp);
	struct diff_action *list = calloc(all + want_count + 1, sizeof *list);
	struct lists l = {.stop = tmp};

	*out = NULL;
	*count = 0;
	if (w == NULL || h == NULL || tmp == NULL || list == NULL) {
		free(list);
		return -ERR_FULL;
	}
	l.start = tmp + all;
	l.retry = tmp + 2 * all;
	int rc = sort_rows(w, want, want_count, h, have, &have_count);

	if (rc != 0) {
		free(list);
		return rc;
	}
	merge(&l, want, w, want_count, have, h, have_count);
	memcpy(list, l.stop, l.stops * sizeof *list);
	memcpy(list + l.stops, l.start, l.starts * sizeof *list);
	memcpy(list + l.stops + l.starts, l.retry, l.retries * sizeof *list);
	*out = list;
	*count = l.stops + l.starts + l.retries;
	return 0;
}
