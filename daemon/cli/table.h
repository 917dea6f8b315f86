/*
 * table.h - rows of text in aligned columns.
 *
 * Cells are copied and cleaned as they are added, so a table may be fed with
 * anything.  An empty or missing cell prints as <none>, which keeps the number
 * of words in a line constant for awk.  Order: table_new, table_column for
 * each column, then table_cell row by row, table_print, table_free.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { TABLE_COLUMNS_MAX = 16 };

enum table_flag {
	TABLE_STATE = 1, /* cells are state words: coloured, by text_color */
};

struct table;

struct table *table_new(void);
void table_free(struct table *t);
/* At most TABLE_COLUMNS_MAX, all before the first cell. */
void table_column(struct table *t, const char *title, unsigned flags);
/* The next cell of the current row; text may be NULL.  A row ends when all
 * its columns are given. */
void table_cell(struct table *t, const char *text);
size_t table_rows(const struct table *t);
/* Two spaces between columns, none after the last. */
void table_print(const struct table *t, FILE *out, bool headers, bool color);

static inline void
own_table_(struct table **t)
{
	table_free(*t);
}
#define AUTO_TABLE __attribute__((cleanup(own_table_)))

#endif
