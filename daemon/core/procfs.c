/*
 * procfs.c - see procfs.h.  One walk over each text, a line at a time; what a line is like
 * is its format's to know, what its numbers mean the tables' (procfs_names.c).  Nothing
 * is looked up by name but words that stand among others.
 */
#include "procfs_in.h"

#include <stdio.h>

#define UNLIMITED 4611686018427387904.0 /* v1 writes 2^63 less a page for "no limit" */

enum { DIGITS_MAX = 20, FRACTION_MAX = 9 };

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static const char *
skip_blanks(const char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p++;
	return p;
}

/* A word at p after blanks, which a stop ends too; *p goes behind it. */
static struct slice
word(const char **p, const char *end, char stop)
{
	const char *from = skip_blanks(*p, end), *q = from;

	while (q < end && !is_blank(*q) && *q != stop)
		q++;
	*p = q;
	return (struct slice){(const uint8_t *)from, (size_t)(q - from)};
}

static bool
is_word(struct slice s, const char *text)
{
	/* Not strncmp: bytes from outside may have a NUL where the word ends. */
	return strlen(text) == s.len && memcmp(text, s.b, s.len) == 0;
}

bool
procfs_number(const char **p, const char *end, double *out)
{
	static const double tens[FRACTION_MAX + 1] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
	const char *q = skip_blanks(*p, end), *from;
	bool minus = q < end && *q == '-';
	uint64_t v = 0, part = 0;
	int places = 0;

	q += minus;
	for (from = q; q < end && *q >= '0' && *q <= '9'; q++) {
		unsigned d = (unsigned)(*q - '0');

		if (v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	if (q == from || q - from > DIGITS_MAX)
		return false;
	if (q + 1 < end && *q == '.' && q[1] >= '0' && q[1] <= '9')
		for (q++; q < end && *q >= '0' && *q <= '9'; q++)
			if (places < FRACTION_MAX) {
				part = part * 10 + (unsigned)(*q - '0');
				places++;
			}
	/* One division, so "0.29" is the double that everybody reads there. */
	*out = v < UINT32_MAX ? ((double)v * tens[places] + (double)part) / tens[places] : (double)v;
	if (minus)
		*out = -*out;
	*p = q;
	return true;
}

/* --- lines ------------------------------------------------------------------------ */

static uint64_t
hash_of(struct slice s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ s.b[i]) * 0x100000001b3u;
	return h;
}

void
procfs_begin(struct procfs_scan *s, enum procfs_kind kind, struct slice text, bool cut)
{
	const char *end = (const char *)slice_end(text);

	memset(s, 0, sizeof *s);
	s->kind = kind;
	s->at = (const char *)text.b;
	s->page_bytes = 4096;
	while (cut && end > s->at && end[-1] != '\n')
		end--;
	s->end = end;
}

static bool
fits(struct slice key)
{
	return key.len > 0 && key.len <= PROCFS_WORD_BYTES_MAX;
}

static bool
take_key(struct procfs_scan *s, char stop)
{
	s->key = word(&s->p, s->line_end, stop);
	s->key_hash = hash_of(s->key);
	return fits(s->key);
}

/* "Tcp" of "Tcp InSegs". */
static bool
is_group(struct slice key, const char *text)
{
	return strlen(text) > key.len && memcmp(text, key.b, key.len) == 0 && text[key.len] == ' ';
}

/* Which words of a table that has several groups of them ("Tcp InSegs") this line has. */
static bool
find_group(struct procfs_scan *s, const struct procfs_layout *l)
{
	uint8_t i = 0;

	for (; i < l->count; i++)
		if (is_group(s->key, l->meanings[i].word))
			break;
	for (s->first = i; i < l->count; i++)
		if (!is_group(s->key, l->meanings[i].word))
			break;
	s->last = i;
	return s->first < s->last;
}

/* The line of names, or the one of numbers below it. */
static bool
begin_pairs(struct procfs_scan *s, const struct procfs_layout *l)
{
	struct slice above = s->key;

	if (!take_key(s, ':') || s->p == s->line_end)
		return false;
	s->p++;
	if (s->names != NULL && slice_eq(above, s->key))
		return find_group(s, l);
	s->names = s->p;
	s->names_end = s->line_end;
	return false;
}

/* true: it has numbers for us. */
static bool
begin_line(struct procfs_scan *s, const struct procfs_layout *l)
{
	if (s->lines <= l->skip_lines)
		return false;
	for (int i = 0; i < l->skip_words; i++)
		(void)word(&s->p, s->line_end, ' ');
	switch (l->format) {
	case FORMAT_STAT:
		if (!take_key(s, ' '))
			return false;
		if (s->key.len > 3 && memcmp(s->key.b, "cpu", 3) == 0) {
			s->key.b += 3;
			s->key.len -= 3;
			return true;
		}
		s->column = UINT32_MAX; /* by its word */
		return true;
	case FORMAT_PAIRS:
		return begin_pairs(s, l);
	case FORMAT_COLUMNS:
		if (!take_key(s, ':') || procfs_left_out(s->kind, s->key))
			return false;
		s->p += s->p < s->line_end && *s->p == ':';
		return true;
	case FORMAT_HEX:
		snprintf(s->number, sizeof s->number, "%u", s->lines - 1);
		s->key = slice_of(s->number);
		s->key_hash = s->lines;
		return true;
	case FORMAT_PLACES:
		return s->lines == 1;
	case FORMAT_WORDS:
	case FORMAT_SOCKETS:
		if (!take_key(s, ':'))
			return false;
		s->p += s->p < s->line_end && *s->p == ':';
		return true;
	case FORMAT_PSI:
	case FORMAT_FIELDS:
	case FORMAT_DEVICES:
		return take_key(s, ' ');
	}
	return false;
}

static bool
next_line(struct procfs_scan *s, const struct procfs_layout *l)
{
	while (s->at < s->end) {
		const char *nl = memchr(s->at, '\n', (size_t)(s->end - s->at));

		s->p = s->at;
		s->line_end = nl != NULL ? nl : s->end;
		s->at = nl != NULL ? nl + 1 : s->end;
		s->column = 0;
		if (++s->lines > PROCFS_ITEMS_MAX)
			break;
		if (begin_line(s, l))
			return true;
	}
	s->p = NULL;
	return false;
}

/* --- numbers of a line -------------------------------------------------------------- */

static bool
give(const struct procfs_scan *s, const struct procfs_layout *l, uint32_t which, double number,
    struct procfs_item *out)
{
	const struct procfs_meaning *m = &l->meanings[which];

	if (m->metric == NULL)
		return false;
	out->means = m;
	out->key = s->key;
	out->value = m->div > 0 ? number / m->div : number * s->page_bytes;
	out->hash = (s->key_hash ^ (which + 1)) * 0x9e3779b97f4a7c15u;
	return true;
}

static bool
find_word(const struct procfs_layout *l, struct slice w, uint32_t *which)
{
	for (uint32_t i = 0; i < l->count; i++)
		if (l->meanings[i].word != NULL && is_word(w, l->meanings[i].word)) {
			*which = i;
			return true;
		}
	return false;
}

/* Of a line that has one number. */
static bool
read_word(struct procfs_scan *s, const struct procfs_layout *l, struct procfs_item *out)
{
	const char *p = s->p, *end = s->line_end;
	uint32_t which = 0;
	double v;

	s->p = NULL;
	if (s->kind == PROCFS_MEMINFO) {
		if (!procfs_number(&p, end, &v))
			return false;
		which = is_word(word(&p, end, ' '), "kB") ? 0 : 1;
	} else if (!find_word(l, s->key, &which) || !procfs_number(&p, end, &v)) {
		return false;
	}
	return give(s, l, which, v, out);
}

/* Limits that are none are told as cAdvisor does: as 0, and those of CPU not at all. */
static bool
is_limit(enum procfs_kind kind, uint32_t column, double *v)
{
	if ((kind == PROCFS_GROUP_CPU_MAX || kind == PROCFS_GROUP_CPU_QUOTA) && column == 0)
		return *v > 0;
	if (kind == PROCFS_GROUP_MEMORY_LIMIT && *v >= UNLIMITED)
		*v = 0;
	return true;
}

static bool
read_hex(const char **p, const char *end, double *out)
{
	const char *q = skip_blanks(*p, end), *from = q;
	uint64_t v = 0;

	for (; q < end && q - from < 16; q++) {
		if (*q >= '0' && *q <= '9')
			v = v << 4 | (unsigned)(*q - '0');
		else if (*q >= 'a' && *q <= 'f')
			v = v << 4 | (unsigned)(*q - 'a' + 10);
		else
			break;
	}
	if (q == from)
		return false;
	*p = q;
	*out = (double)v;
	return true;
}

/* The next of numbers by place. */
static bool
read_place(struct procfs_scan *s, const struct procfs_layout *l, struct procfs_item *out)
{
	while (s->column < l->count && (l->format != FORMAT_STAT || l->meanings[s->column].word == NULL)) {
		uint32_t column = s->column++;
		double v = 0;

		if (l->format == FORMAT_HEX) {
			if (!read_hex(&s->p, s->line_end, &v))
				break;
		} else if (!procfs_number(&s->p, s->line_end, &v)) {
			if (!is_word(word(&s->p, s->line_end, ' '), "max"))
				break;
		}
		if (is_limit(s->kind, column, &v) && give(s, l, column, v, out))
			return true;
	}
	s->p = NULL;
	return false;
}

static bool
read_psi(struct procfs_scan *s, const struct procfs_layout *l, struct procfs_item *out)
{
	static const char total[] = "total=";
	uint32_t which;
	struct slice w;
	double v;

	if (find_word(l, s->key, &which))
		while ((w = word(&s->p, s->line_end, ' ')).len > 0) {
			const char *p = (const char *)w.b + sizeof total - 1;

			if (w.len < sizeof total || memcmp(w.b, total, sizeof total - 1) != 0)
				continue;
			if (!procfs_number(&p, s->line_end, &v))
				break;
			s->p = NULL;
			return give(s, l, which, v, out);
		}
	s->p = NULL;
	return false;
}

static void
mix(struct procfs_item *out, struct slice second)
{
	out->key2 = second;
	out->hash ^= hash_of(second);
}

/* "TCP: inuse 1 ... mem 168": each once, and mem again in bytes. */
static bool
read_sockets(struct procfs_scan *s, const struct procfs_layout *l, struct procfs_item *out)
{
	for (;;) {
		const char *p = s->p;
		struct slice w = word(&p, s->line_end, ' ');
		bool is_mem = is_word(w, "mem") && s->column == 0;
		double v;

		if (!fits(w) || !procfs_number(&p, s->line_end, &v))
			break;
		if (!is_mem)
			s->p = p;
		s->column = is_mem;
		if (give(s, l, is_mem, v, out)) {
			mix(out, w);
			return true;
		}
	}
	s->p = NULL;
	return false;
}

static bool
read_pair(struct procfs_scan *s, const struct procfs_layout *l, struct procfs_item *out)
{
	for (;;) {
		struct slice name = word(&s->names, s->names_end, ' ');
		double v;

		if (name.len == 0 || !procfs_number(&s->p, s->line_end, &v))
			break;
		for (uint8_t i = s->first; i < s->last; i++)
			if (is_word(name, l->meanings[i].word + s->key.len + 1) && give(s, l, i, v, out)) {
				mix(out, name);
				return true;
			}
	}
	s->p = s->names = NULL;
	s->key.len = 0;
	return false;
}

/* "254:0 rbytes=1 wbytes=2", and v1's "254:0 Read 1". */
static bool
read_device(struct procfs_scan *s, const struct procfs_layout *l, struct procfs_item *out)
{
	for (;;) {
		struct slice w = word(&s->p, s->line_end, '=');
		uint32_t which;
		double v;

		if (w.len == 0)
			break;
		s->p += s->p < s->line_end && *s->p == '=';
		if (!procfs_number(&s->p, s->line_end, &v)) {
			(void)word(&s->p, s->line_end, ' ');
			continue;
		}
		if (find_word(l, w, &which) && give(s, l, which, v, out))
			return true;
	}
	s->p = NULL;
	return false;
}

static bool
read_line(struct procfs_scan *s, const struct procfs_layout *l, struct procfs_item *out)
{
	switch (l->format) {
	case FORMAT_STAT:
		return s->column == UINT32_MAX ? read_word(s, l, out) : read_place(s, l, out);
	case FORMAT_WORDS:
		return read_word(s, l, out);
	case FORMAT_COLUMNS:
	case FORMAT_HEX:
	case FORMAT_PLACES:
		return read_place(s, l, out);
	case FORMAT_PSI:
		return read_psi(s, l, out);
	case FORMAT_SOCKETS:
		return read_sockets(s, l, out);
	case FORMAT_PAIRS:
		return read_pair(s, l, out);
	case FORMAT_FIELDS:
	case FORMAT_DEVICES:
		return read_device(s, l, out);
	}
	return false;
}

bool
procfs_next(struct procfs_scan *s, struct procfs_item *out)
{
	const struct procfs_layout *l = &procfs_layouts[s->kind];

	if (s->items >= PROCFS_ITEMS_MAX)
		return false;
	memset(out, 0, sizeof *out);
	for (;;) {
		if (s->p == NULL && !next_line(s, l))
			return false;
		if (read_line(s, l, out)) {
			s->items++;
			return true;
		}
		s->p = NULL;
	}
}
