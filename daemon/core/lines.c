/*
 * lines.c - see lines.h.
 */
#include "lines.h"

#include <stdlib.h>

void
lines_stamp(const char *line, size_t len, char out[LINES_STAMP_CAP])
{
	static const char form[] = "0000-00-00T00:00:00.000Z ";
	size_t n = 0;

	while (form[n] != '\0' && n < len &&
	    (form[n] == '0' ? line[n] >= '0' && line[n] <= '9' : line[n] == form[n]))
		n++;
	n = form[n] == '\0' ? n - 1 : 0;
	memcpy(out, line, n);
	out[n] = '\0';
}

void
lines_init(struct lines *l, size_t lines_max, size_t bytes_max)
{
	*l = (struct lines){.lines_max = lines_max, .bytes_max = bytes_max};
}

void
lines_clear(struct lines *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->all[i].text);
	free(l->all);
	l->all = NULL;
	l->count = l->bytes = 0;
	l->cut = false;
}

void
lines_free(struct lines *l)
{
	lines_clear(l);
}

/* The next whole line, or 0 when there is none. */
static size_t
next_line(const char *text, size_t len)
{
	const char *nl = len > 0 ? memchr(text, '\n', len) : NULL;

	return nl != NULL ? (size_t)(nl - text) + 1 : 0;
}

uint64_t
lines_rank(const char *node, const char *instance)
{
	const char *const parts[] = {node, "@", instance};
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		for (const char *p = parts[i]; *p != '\0'; p++)
			h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
	return h;
}

static bool
is_before(const struct line *a, const struct line *b)
{
	int c = strcmp(a->key, b->key);

	return c < 0 || (c == 0 && a->rank <= b->rank);
}

/* Both in order, into out.  Of the same time and rank: what was there first. */
static void
merge(struct line *out, const struct line *a, size_t na, const struct line *b, size_t nb)
{
	size_t i = 0, k = 0;

	while (i < na || k < nb)
		if (k == nb || (i < na && is_before(&a[i], &b[k])))
			*out++ = a[i++];
		else
			*out++ = b[k++];
}

/* Until the bounds hold again. */
static void
trim(struct lines *l)
{
	size_t gone = 0;

	while (gone < l->count &&
	    (l->count - gone > l->lines_max || l->bytes > l->bytes_max)) {
		l->cut |= l->count - gone <= l->lines_max;
		l->bytes -= l->all[gone].len;
		free(l->all[gone++].text);
	}
	l->count -= gone;
	if (gone > 0)
		memmove(l->all, l->all + gone, l->count * sizeof *l->all);
}

/* The lines of a text as they are to be kept; their number, or SIZE_MAX without memory. */
static size_t
take(const char *text, size_t len, const struct line *as, struct line *out, size_t *bytes)
{
	char key[LINES_STAMP_CAP] = "";
	size_t n = 0;

	for (size_t k; (k = next_line(text, len)) > 0; text += k, len -= k) {
		char stamp[LINES_STAMP_CAP];

		lines_stamp(text, k, stamp);
		if (stamp[0] == '\0' || k > UINT32_MAX)
			continue;
		if (strcmp(stamp, key) > 0)
			memcpy(key, stamp, sizeof key);
		out[n] = *as;
		out[n].len = (uint32_t)k;
		if ((out[n].text = malloc(k)) == NULL) {
			while (n > 0)
				free(out[--n].text);
			return SIZE_MAX;
		}
		memcpy(out[n].key, key, sizeof key);
		memcpy(out[n++].text, text, k);
		*bytes += k;
	}
	return n;
}

int
lines_add(struct lines *l, uint32_t owner, uint64_t rank, const char *text, size_t len)
{
	const struct line as = {.owner = owner, .rank = rank};
	size_t most = 0, n, bytes = 0, off = 0;
	struct line *fresh, *both;

	for (size_t k; (k = next_line(text + off, len - off)) > 0; off += k)
		most++;
	if (most == 0)
		return 0;
	fresh = calloc(most, sizeof *fresh);
	both = calloc(l->count + most, sizeof *both);
	n = fresh != NULL && both != NULL ? take(text, len, &as, fresh, &bytes) : SIZE_MAX;
	if (n == SIZE_MAX) {
		free(fresh);
		free(both);
		return -ERR_FULL;
	}
	merge(both, l->all, l->count, fresh, n);
	free(fresh);
	free(l->all);
	l->all = both;
	l->count += n;
	l->bytes += bytes;
	trim(l);
	return 0;
}
