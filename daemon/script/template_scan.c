/*
 * template_scan.c - where tags, strings, names and filters begin and end.
 */
#include "template_in.h"

#define NEVER SIZE_MAX

bool
scan_space(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r';
}

static bool
is_name(char ch, bool first)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_' ||
	       (!first && ch >= '0' && ch <= '9');
}

struct slice
scan_trim(struct slice s)
{
	while (s.len > 0 && scan_space(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && scan_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

struct slice
scan_name(struct slice *s)
{
	struct slice word = {s->p, 0};

	while (word.len < s->len && is_name(s->p[word.len], word.len == 0))
		word.len++;
	s->p += word.len;
	s->len -= word.len;
	*s = scan_trim(*s);
	return word;
}

/* Offset just behind a Lua string that starts at i, or i if none does; NEVER when
 * it has no end. */
static size_t
skip_string(struct slice t, size_t i)
{
	char quote = t.p[i];
	size_t level = 0, j = i + 1;

	if (quote == '\'' || quote == '"') {
		for (; j < t.len && t.p[j] != '\n'; j++) {
			if (t.p[j] == '\\')
				j++;
			else if (t.p[j] == quote)
				return j + 1;
		}
		return NEVER;
	}
	if (quote != '[')
		return i;
	while (j < t.len && t.p[j] == '=') {
		level++;
		j++;
	}
	if (j >= t.len || t.p[j] != '[')
		return i;
	for (j++; j < t.len; j++) {
		size_t k = j + 1;

		if (t.p[j] != ']')
			continue;
		while (k < t.len && t.p[k] == '=' && k - j <= level)
			k++;
		if (k - j - 1 == level && k < t.len && t.p[k] == ']')
			return k + 1;
	}
	return NEVER;
}

size_t
scan_tag(struct slice t, size_t off, bool *comment)
{
	char kind = t.p[off + 1], close = kind == '{' ? '}' : kind;
	int depth = 0;

	*comment = false;
	for (size_t i = off + 2; i + 1 < t.len;) {
		size_t next;

		if (t.p[i] == close && t.p[i + 1] == '}' && (kind != '{' || depth == 0))
			return i + 2;
		if (kind == '#') {
			i++;
			continue;
		}
		if (t.p[i] == '-' && t.p[i + 1] == '-') {
			*comment = true;
			return 0;
		}
		next = skip_string(t, i);
		if (next == NEVER)
			return 0;
		if (next != i) {
			i = next;
			continue;
		}
		depth += t.p[i] == '{';
		depth -= t.p[i] == '}' && depth > 0;
		i++;
	}
	return 0;
}

bool
scan_opens(struct slice t, size_t i)
{
	return i + 1 < t.len && t.p[i] == '{' &&
	       (t.p[i + 1] == '{' || t.p[i + 1] == '%' || t.p[i + 1] == '#');
}

bool
scan_line(struct slice t, size_t off, size_t *end)
{
	bool some = false, comment;
	size_t i = off, tag;

	for (;;) {
		while (i < t.len && (t.p[i] == ' ' || t.p[i] == '\t' || t.p[i] == '\r'))
			i++;
		if (i == t.len || t.p[i] == '\n')
			break;
		if (!scan_opens(t, i) || t.p[i + 1] == '{')
			return false;
		tag = scan_tag(t, i, &comment);
		if (tag == 0)
			return false;
		some = true;
		i = tag;
	}
	*end = i < t.len ? i + 1 : i;
	return some;
}

struct slice
scan_piece(struct slice *s)
{
	int depth = 0;

	for (size_t i = 0, next; i < s->len; i = next) {
		struct slice piece = {s->p, i};

		next = skip_string(*s, i);
		if (next == NEVER)
			break; /* never ends: Lua says so of the whole */
		if (next != i)
			continue;
		next = i + 1;
		if (s->p[i] == '|' && depth == 0) {
			*s = (struct slice){s->p + next, s->len - next};
			return scan_trim(piece);
		}
		depth += memchr("([{", s->p[i], 3) != NULL;
		depth -= memchr(")]}", s->p[i], 3) != NULL;
	}
	struct slice piece = scan_trim(*s);
	*s = (struct slice){NULL, 0};
	return piece;
}

bool
scan_closed(struct slice s)
{
	int depth = 0;

	for (size_t i = 0, next; i < s.len && depth >= 0; i = next) {
		next = skip_string(s, i);
		if (next == NEVER)
			return false;
		if (next != i)
			continue;
		next = i + 1;
		depth += s.p[i] == '(';
		depth -= s.p[i] == ')';
	}
	return depth == 0;
}

struct slice
scan_owner(struct slice expr)
{
	size_t dot = 0;
	bool first = true;

	for (size_t i = 0; i < expr.len; i++) {
		if (expr.p[i] == '.' && !first) {
			dot = i;
			first = true;
		} else if (is_name(expr.p[i], first))
			first = false;
		else
			return (struct slice){NULL, 0};
	}
	return first ? (struct slice){NULL, 0} : (struct slice){expr.p, dot};
}

bool
scan_word(struct slice s)
{
	return s.len > 0 && scan_name(&s).len > 0 && s.len == 0;
}
