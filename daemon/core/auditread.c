/*
 * auditread.c - the files of /proc as values; see audit.h.
 */
#include <stdio.h>
#include <string.h>

#include "../base/err.h"
#include "audit.h"

bool
audit_file(const struct flat *doc, const char *who, const char *file, struct slice *out)
{
	char path[128];
	struct flat_rec rec;

	*out = (struct slice){NULL, 0};
	snprintf(path, sizeof path, "%s/%s", who, file);
	if (!flat_find(doc, path, &rec) || rec.type != FLAT_STR)
		return false;
	*out = (struct slice){(const uint8_t *)rec.str, rec.str_len};
	return true;
}

bool
audit_line(struct slice text, size_t *off, struct slice *line)
{
	const uint8_t *nl;

	if (*off >= text.len)
		return false;
	nl = memchr(text.b + *off, '\n', text.len - *off);
	*line = (struct slice){text.b + *off, (nl != NULL ? (size_t)(nl - text.b) : text.len) - *off};
	*off += line->len + 1;
	return true;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

bool
audit_field(struct slice text, const char *name, char *out, size_t cap)
{
	size_t off = 0, n = strlen(name), k;
	char raw[AUDIT_VALUE_CAP];
	struct slice l;

	out[0] = '\0';
	while (audit_line(text, &off, &l)) {
		if (l.len <= n || memcmp(l.b, name, n) != 0 || (l.b[n] != ':' && !is_blank(l.b[n])))
			continue;
		k = 0;
		for (size_t i = n + 1; i < l.len && k < sizeof raw; i++)
			if (!is_blank(l.b[i]))
				raw[k++] = (char)l.b[i];
			else if (k > 0 && raw[k - 1] != ' ')
				raw[k++] = ' ';
		while (k > 0 && raw[k - 1] == ' ')
			k--;
		err_escape(out, cap, raw, k);
		return true;
	}
	return false;
}

bool
audit_has_option(const char *options, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = options; p != NULL; p = strchr(p, ',')) {
		p += *p == ',';
		if (strncmp(p, word, n) == 0 && (p[n] == '\0' || p[n] == ','))
			return true;
	}
	return false;
}

/* --- mountinfo ---------------------------------------------------------------- */

/* The next word of a line, or none. */
static struct slice
word(struct slice line, size_t *off)
{
	size_t from;

	while (*off < line.len && line.b[*off] == ' ')
		(*off)++;
	from = *off;
	while (*off < line.len && line.b[*off] != ' ')
		(*off)++;
	return (struct slice){line.b + from, *off - from};
}

/* The kernel writes a blank, a line's end and '\' as \ooo; a mark says what is cut. */
static void
take(struct slice w, char *out, size_t cap)
{
	char raw[AUDIT_VALUE_CAP] = {0};
	size_t n = 0;

	for (size_t i = 0; i < w.len && n < sizeof raw; i++) {
		const uint8_t *d = w.b + i + 1;

		if (w.b[i] != '\\' || w.len - i < 4 || d[0] < '0' || d[0] > '3' || d[1] < '0' ||
		    d[1] > '7' || d[2] < '0' || d[2] > '7') {
			raw[n++] = (char)w.b[i];
			continue;
		}
		raw[n++] = (char)((d[0] - '0') << 6 | (d[1] - '0') << 3 | (d[2] - '0'));
		i += 3;
	}
	err_escape(out, cap - 3, raw, n);
	if (w.len >= sizeof raw)
		memcpy(out + strlen(out), "...", 4);
}

static int64_t
number(struct slice w)
{
	int64_t n = 0;

	for (size_t i = 0; i < w.len && i < 18 && w.b[i] >= '0' && w.b[i] <= '9'; i++)
		n = n * 10 + (w.b[i] - '0');
	return n;
}

bool
audit_mount_next(struct slice text, size_t *off, struct audit_mount *m, bool *ok)
{
	struct slice line, w;
	size_t at = 0;

	if (!audit_line(text, off, &line))
		return false;
	memset(m, 0, sizeof *m);
	w = word(line, &at);
	m->id = number(w);
	(void)word(line, &at); /* its parent */
	(void)word(line, &at); /* major:minor */
	take(word(line, &at), m->root, sizeof m->root);
	take(word(line, &at), m->at, sizeof m->at);
	take(word(line, &at), m->options, sizeof m->options);
	for (w = word(line, &at); w.len > 0 && !(w.len == 1 && w.b[0] == '-'); w = word(line, &at)) {
		size_t n = strlen(m->spread);

		if (n > 0 && n + 1 < sizeof m->spread)
			m->spread[n++] = ' ';
		if (sizeof m->spread - n > 4)
			take(w, m->spread + n, sizeof m->spread - n);
	}
	take(word(line, &at), m->type, sizeof m->type);
	take(word(line, &at), m->source, sizeof m->source);
	take(word(line, &at), m->super, sizeof m->super);
	*ok = m->at[0] != '\0' && m->options[0] != '\0' && m->type[0] != '\0';
	return true;
}
