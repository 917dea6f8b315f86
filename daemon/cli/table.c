/*
 * table.c - aligned columns.
 *
 * All cells are kept until the end because a column is as wide as its widest
 * cell.  The memory is a few bytes a cell; the answer they come from is
 * bounded (ctl.h), so the table is too.
 */
#include "table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

struct table {
	const char *titles[TABLE_COLUMNS_MAX];
	unsigned flags[TABLE_COLUMNS_MAX];
	size_t widths[TABLE_COLUMNS_MAX];
	size_t columns;
	char **cells;
	size_t count, cap;
};

struct table *
table_new(void)
{
	struct table *t = calloc(1, sizeof *t);

	if (t == NULL)
		abort();
	return t;
}

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->count; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}

void
table_column(struct table *t, const char *title, unsigned flags)
{
	assert(t->columns < TABLE_COLUMNS_MAX && t->count == 0);
	t->titles[t->columns] = title;
	t->flags[t->columns] = flags;
	t->widths[t->columns++] = text_width(title);
}

void
table_cell(struct table *t, const char *text)
{
	assert(t->columns > 0);
	if (text == NULL || *text == '\0')
		text = "<none>";
	if (t->count == t->cap) {
		t->cap = t->cap > 0 ? t->cap * 2 : 64;
		t->cells = realloc(t->cells, t->cap * sizeof *t->cells);
		if (t->cells == NULL)
			abort();
	}
	char *cell = text_clean(text, strlen(text), false);
	size_t width = text_width(cell), column = t->count % t->columns;
	if (width > t->widths[column])
		t->widths[column] = width;
	t->cells[t->count++] = cell;
}

size_t
table_rows(const struct table *t)
{
	return t->columns > 0 ? t->count / t->columns : 0;
}

static void
print_cell(const struct table *t, FILE *out, size_t column, const char *text, const char *color)
{
	size_t pad = t->widths[column] - text_width(text) + 2;

	if (*color != '\0')
		fprintf(out, "%s%s" TEXT_RESET, color, text);
	else
		fputs(text, out);
	if (column + 1 == t->columns)
		fputc('\n', out);
	else
		fprintf(out, "%*s", (int)pad, "");
}

void
table_print(const struct table *t, FILE *out, bool headers, bool color)
{
	for (size_t c = 0; headers && c < t->columns; c++)
		print_cell(t, out, c, t->titles[c], "");
	for (size_t i = 0; i < table_rows(t) * t->columns; i++) {
		size_t c = i % t->columns;
		bool word = color && (t->flags[c] & TABLE_STATE) != 0;

		print_cell(t, out, c, t->cells[i], word ? text_color(t->cells[i]) : "");
	}
}
