/*
 * show_matrix.c - who sees whom.
 *
 * One letter a cell, a row for each node that answered; what differs stands above
 * the matrix in words.  A cell is *plain* when it is its column's commonest
 * letter: in a big mesh only rows and columns with a cell that is not are shown,
 * for a hundred columns of "+" hide the one that matters.
 *
 *	     1 2 3
 *	1 n1 * + +
 *	2 n2 + * >    n2 hears n3, and n3 does not hear n2
 *	3 n3 + ! *
 */
#include <stdlib.h>
#include <string.h>

#include "../base/own.h"
#include "args.h"
#include "show.h"
#include "text.h"
#include "value.h"

enum { WHOLE_MAX = 30, COLUMNS_MAX = 200 };

struct matrix {
	const struct show *s;
	const json_t *nodes;
	size_t count;
	size_t *order;	/* of names: what is shown k-th */
	char *plain;	/* of each column */
	bool *row, *column; /* shown? */
	int digits, width; /* of a number, of a name */
};

static const struct {
	char letter;
	const char *means;
} legend[] = {{'+', "alive, answers"},
    {'>', "one way: heard, but does not hear"},
    {'!', "alive by the word of others only"},
    {'u', "alive over TCP only"},
    {'?', "suspect"},
    {'x', "failed"},
    {'-', "left"},
    {'.', "not known"}};

/* What i sees, or NULL: not told, or not as long as it must be. */
static const char *
sees(const struct matrix *m, size_t i)
{
	const char *row = value_str(json_array_get(m->nodes, i), "sees");

	return strlen(row) == m->count ? row : NULL;
}

static char
commonest(const struct matrix *m, size_t column)
{
	uint32_t counts[128] = {0};
	char best = '+';

	for (size_t i = 0; i < m->count; i++) {
		const char *row = sees(m, i);
		unsigned char c = row != NULL ? (unsigned char)row[column] : 0;

		if (c > ' ' && c < 127 && i != column)
			counts[c]++;
	}
	for (int c = 0; c < 128; c++)
		if (counts[c] > counts[(unsigned char)best])
			best = (char)c;
	return best;
}

static void
choose(struct matrix *m)
{
	bool all = m->count <= WHOLE_MAX;

	for (size_t k = 0; k < m->count; k++) {
		m->plain[k] = commonest(m, k);
		m->row[k] = m->column[k] = all;
	}
	for (size_t i = 0; i < m->count && !all; i++) {
		const char *row = sees(m, i);
		const char *asked = value_str(json_array_get(m->nodes, i), "asked");

		m->row[i] = row == NULL && strcmp(asked, "silent") == 0;
		for (size_t k = 0; row != NULL && k < m->count; k++)
			if (i != k && row[k] != m->plain[k])
				m->row[i] = m->column[k] = true;
	}
}

static int
digits_of(size_t n)
{
	int d = 1;

	for (; n >= 10; n /= 10)
		d++;
	return d;
}

/* Cells never hold anything that could move a cursor. */
static void
put_cell(const struct matrix *m, char c, char plain)
{
	bool known = c == '*';

	for (size_t i = 0; i < ARRAY_LEN(legend); i++)
		known = known || legend[i].letter == c;
	if (!known)
		c = '#';
	if (m->s->color && c != '*' && c != plain)
		fprintf(m->s->out, "%s%c" TEXT_RESET, c == '?' ? TEXT_YELLOW : TEXT_RED, c);
	else
		fputc(c, m->s->out);
}

static void
put_row(const struct matrix *m, size_t place)
{
	size_t i = m->order[place];
	const json_t *n = json_array_get(m->nodes, i);
	const char *row = sees(m, i), *name = value_str(n, "name"), *via = value_str(n, "via");
	FILE *out = m->s->out;
	size_t shown = 0;

	AUTO_FREE char *clean = text_clean(name, strlen(name), false);
	fprintf(out, "%*zu %s%*s", m->digits, place + 1, clean,
	    m->width - (int)text_width(clean), "");
	if (row == NULL) {
		fputs(" ", out);
		show_put(m->s, value_str(n, "asked"));
		fputs(": ", out);
		show_put(m->s, value_str(n, "why"));
		fputc('\n', out);
		return;
	}
	for (size_t p = 0; p < m->count && shown < COLUMNS_MAX; p++) {
		size_t k = m->order[p];

		if (!m->column[k])
			continue;
		fprintf(out, " %*s", m->digits - 1, "");
		put_cell(m, row[k], m->plain[k]);
		shown++;
	}
	if (*via != '\0') {
		fputs("  told through ", out);
		show_put(m->s, via);
	}
	fputc('\n', out);
}

static void
put_numbers(const struct matrix *m)
{
	size_t shown = 0;

	fprintf(m->s->out, "%*s", m->digits + 1 + m->width, "");
	for (size_t k = 0; k < m->count && shown < COLUMNS_MAX; k++) {
		if (!m->column[m->order[k]])
			continue;
		fprintf(m->s->out, " %*zu", m->digits, k + 1);
		shown++;
	}
	fputc('\n', m->s->out);
}

static void
put_legend(const struct matrix *m)
{
	const char *comma = "";

	for (size_t l = 0; l < ARRAY_LEN(legend); l++) {
		bool used = false;

		for (size_t i = 0; i < m->count && !used; i++) {
			const char *row = m->row[i] ? sees(m, i) : NULL;

			for (size_t k = 0; row != NULL && k < m->count && !used; k++)
				used = m->column[k] && row[k] == legend[l].letter;
		}
		if (!used)
			continue;
		fprintf(m->s->out, "%s%c %s", comma, legend[l].letter, legend[l].means);
		comma = "   ";
	}
	if (*comma != '\0')
		fputc('\n', m->s->out);
}

static void
put_faults(const struct show *s, const json_t *data)
{
	const json_t *faults = json_object_get(data, "faults");
	int64_t more = value_int(data, "faults_more", 0), unlisted = value_int(data, "unlisted", 0);

	for (size_t i = 0; i < json_array_size(faults); i++) {
		fputs("  ", s->out);
		show_put(s, value_str(json_array_get(faults, i), "text"));
		fputc('\n', s->out);
	}
	if (more > 0)
		fprintf(s->out, "  and %lld more\n", (long long)more);
	if (unlisted > 0)
		fprintf(s->out, "  %lld nodes that only others know are not listed\n",
		    (long long)unlisted);
	if (json_array_size(faults) == 0)
		fputs("  no fault: all who answered agree\n", s->out);
}

static void
put_matrix(struct matrix *m)
{
	size_t rows = 0;

	for (size_t i = 0; i < m->count; i++) {
		const char *name = value_str(json_array_get(m->nodes, i), "name");
		AUTO_FREE char *clean = text_clean(name, strlen(name), false);
		int w = (int)text_width(clean);

		if (m->row[i] && w > m->width)
			m->width = w;
		rows += m->row[i];
	}
	if (rows == 0)
		return;
	if (rows < m->count)
		fprintf(m->s->out, "%zu of %zu rows, those that differ:\n", rows, m->count);
	put_numbers(m);
	for (size_t k = 0; k < m->count; k++)
		if (m->row[m->order[k]])
			put_row(m, k);
	put_legend(m);
}

static int
by_name(const void *a, const void *b, void *nodes)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	int c = strverscmp(value_str(json_array_get(nodes, x), "name"),
	    value_str(json_array_get(nodes, y), "name"));

	return c != 0 ? c : (x > y) - (x < y);
}

/* Cells are in the daemon's order, that of ids; people look for names. */
static void
sort(struct matrix *m)
{
	for (size_t i = 0; i < m->count; i++)
		m->order[i] = i;
	qsort_r(m->order, m->count, sizeof *m->order, by_name, (void *)(uintptr_t)m->nodes);
}

int
show_matrix(const struct show *s, const json_t *data, struct err *err)
{
	struct matrix m = {.s = s, .nodes = json_object_get(data, "nodes")};
	char took[TEXT_AGE_CAP];
	size_t answered = 0;

	m.count = json_array_size(m.nodes);
	AUTO_FREE char *plain = calloc(m.count + 1, 1);
	AUTO_FREE bool *shown = calloc(2 * m.count + 1, sizeof *shown);
	AUTO_FREE size_t *order = calloc(m.count + 1, sizeof *order);
	if (plain == NULL || shown == NULL || order == NULL)
		return err_set(err, 1, "out of memory");
	m.order = order;
	m.plain = plain;
	m.row = shown;
	m.column = shown + m.count;
	m.digits = digits_of(m.count);
	for (size_t i = 0; i < m.count; i++)
		answered += strcmp(value_str(json_array_get(m.nodes, i), "asked"), "answered") == 0;
	text_millis(took, sizeof took, value_int(data, "took_ms", 0));
	if (!show_names(s)) {
		fputs("asked by ", s->out);
		show_put(s, value_str(data, "node"));
		fprintf(s->out, ": %zu of %zu answered, in %s\n", answered, m.count, took);
		put_faults(s, data);
		sort(&m);
		choose(&m);
		put_matrix(&m);
	}
	return s->args->verb->code(data);
}
