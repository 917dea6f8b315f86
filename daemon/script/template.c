/*
 * template.c - the template language, one pass (see template.h).
 */
#include "template_in.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>

enum { FILTERS_MAX = 16 };

struct block {
	size_t off; /* of its opening tag */
	bool is_for, has_else;
};

struct compiler {
	struct slice text;
	struct log_text lua;
	struct template_tag *tags;
	uint32_t tags_count, tags_cap;
	struct block blocks[TEMPLATE_NEST_MAX];
	int depth;
	/* Tags come in rising order: line numbers are counted once. */
	size_t seen;
	uint32_t line, col;
	struct template_error *e;
	/* Of a check: how many more may come, how many tags open a block that we do not know. */
	uint32_t more, unknown;
};

static void
advance(struct slice text, size_t *from, size_t to, uint32_t *line, uint32_t *col)
{
	for (; *from < to && *from < text.len; (*from)++) {
		uint8_t c = (uint8_t)text.p[*from];

		if (c == '\n') {
			(*line)++;
			*col = 1;
		} else if ((c & 0xc0) != 0x80)
			(*col)++;
	}
}

void
template_place(struct slice text, size_t off, uint32_t *line, uint32_t *col)
{
	size_t from = 0;

	*line = *col = 1;
	advance(text, &from, off, line, col);
}

static int
fail(struct compiler *c, size_t off, const char *what)
{
	snprintf(c->e->text, sizeof c->e->text, "%s", what);
	template_place(c->text, off, &c->e->line, &c->e->col);
	return -ERR_MALFORMED;
}

/* Is an error in a tag that ends noted, and what comes behind it read too? */
static bool
goes_on(struct compiler *c)
{
	if (c->more == 0)
		return false;
	c->more--;
	c->e++;
	return true;
}

static void
put(struct compiler *c, const char *s)
{
	text_put(&c->lua, s, strlen(s));
}

static void
put_slice(struct compiler *c, struct slice s)
{
	text_put(&c->lua, s.p, s.len);
}

/* Keep a tag: its place, and what of it has to stand on its own. */
static int
keep_tag(struct compiler *c, enum template_kind kind, size_t off, struct slice expr)
{
	if (c->tags_count == c->tags_cap) {
		uint32_t cap = c->tags_cap == 0 ? 64 : c->tags_cap * 2;
		struct template_tag *p = realloc(c->tags, cap * sizeof *p);

		if (p == NULL)
			return fail(c, off, "out of memory");
		c->tags = p;
		c->tags_cap = cap;
	}
	advance(c->text, &c->seen, off, &c->line, &c->col);
	c->tags[c->tags_count++] = (struct template_tag){
	    .kind = kind, .off = (uint32_t)off, .line = c->line, .col = c->col, .expr = expr};
	return 0;
}

/* A tag that runs: its number goes into the Lua text. */
static int
add_tag(struct compiler *c, enum template_kind kind, size_t off, struct slice expr)
{
	char call[32];
	int rc;

	if (expr.len == 0)
		return fail(c, off, "an expression is missing");
	rc = keep_tag(c, kind, off, expr);
	if (rc != 0)
		return rc;
	snprintf(call, sizeof call, "_at(%u) ", c->tags_count - 1);
	put(c, kind == TAG_IF ? "if " : kind == TAG_ELSEIF ? "elseif " : "");
	put(c, call);
	return 0;
}

struct filter {
	struct slice name, arguments;
};

/* "name" or "name(arguments)". */
static int
read_filter(struct compiler *c, size_t off, struct slice text, struct filter *f)
{
	struct slice rest = text;
	int rc;

	*f = (struct filter){.name = scan_name(&rest)};
	if (rest.len >= 2 && rest.p[0] == '(' && rest.p[rest.len - 1] == ')')
		f->arguments = scan_trim((struct slice){rest.p + 1, rest.len - 2});
	else if (rest.len > 0)
		f->name.len = 0;
	if (f->name.len == 0 || !scan_closed(f->arguments))
		return fail(c, off,
		    "after '|' comes a filter: NAME or NAME(ARGUMENTS); bitwise or stands in parentheses");
	rc = keep_tag(c, TAG_FILTER, off, f->name);
	if (rc == 0 && f->arguments.len > 0)
		rc = keep_tag(c, TAG_ARGUMENTS, off, f->arguments);
	return rc;
}

/* A value and its filters, the last one outermost.  *value: without them.  Of several
 * values, as pairs() gives, all where there is no filter. */
static int
put_value(struct compiler *c, size_t off, struct slice text, struct slice *value)
{
	struct filter filters[FILTERS_MAX];
	struct slice rest = text;
	int n = 0, rc = 0;

	*value = scan_piece(&rest);
	while (rest.p != NULL && rc == 0) {
		if (n == FILTERS_MAX)
			return fail(c, off, "more than 16 filters");
		rc = read_filter(c, off, scan_piece(&rest), &filters[n++]);
	}
	if (rc != 0)
		return rc;
	for (int i = n; i-- > 0;) {
		put(c, "_f.");
		put_slice(c, filters[i].name);
		put(c, "(");
	}
	/* Of a variable that may be missing: no error, its default. */
	if (n > 0 && slice_eq(filters[0].name, "default") && scan_word(*value)) {
		put(c, "_opt('");
		put_slice(c, *value);
		put(c, "')");
	} else {
		put(c, n > 0 ? "(" : "");
		put_slice(c, *value);
		put(c, n > 0 ? ")" : "");
	}
	for (int i = 0; i < n; i++) {
		put(c, filters[i].arguments.len > 0 ? ", " : "");
		put_slice(c, filters[i].arguments);
		put(c, ")");
	}
	return 0;
}

static int
expression(struct compiler *c, size_t off, struct slice expr)
{
	struct slice rest = expr, owner = scan_owner(expr);
	int rc = add_tag(c, TAG_OUT, off, scan_piece(&rest));

	if (rc != 0)
		return rc;
	put(c, "_out((");
	rc = put_value(c, off, expr, &rest);
	put(c, ")");
	if (owner.len > 0) {
		put(c, ", ");
		put_slice(c, owner);
	}
	put(c, ")\n");
	return rc;
}

static int
open_block(struct compiler *c, size_t off, bool is_for)
{
	if (c->depth == TEMPLATE_NEST_MAX)
		return fail(c, off, "blocks nested deeper than 64");
	c->blocks[c->depth++] = (struct block){.off = off, .is_for = is_for};
	return 0;
}

static int
for_block(struct compiler *c, size_t off, struct slice header)
{
	struct slice rest = header, names = header, word = scan_name(&rest);
	char count[24];
	int n = 1, rc = open_block(c, off, true);

	if (rc == 0)
		rc = add_tag(c, TAG_FOR, off, header);
	if (rc != 0)
		return rc;
	if (word.len > 0 && rest.len > 0 && rest.p[0] == '=') {
		put(c, "for ");
		put_slice(c, header);
		put(c, " do\n");
		return 0;
	}
	while (word.len > 0 && rest.len > 0 && rest.p[0] == ',') {
		rest = scan_trim((struct slice){rest.p + 1, rest.len - 1});
		word = scan_name(&rest);
		n++;
	}
	names = scan_trim((struct slice){names.p, (size_t)(rest.p - names.p)});
	if (word.len == 0 || !slice_eq(scan_name(&rest), "in") || rest.len == 0)
		return fail(c, off, "write 'for NAME in LIST' or 'for KEY, VALUE in pairs(TABLE)'");
	put(c, "for ");
	put_slice(c, names);
	snprintf(count, sizeof count, " in _each(%d, ", n);
	put(c, count);
	rc = put_value(c, off, rest, &rest);
	put(c, ") do\n");
	return rc;
}

static int
else_block(struct compiler *c, size_t off, struct slice rest, bool has_condition)
{
	struct block *b = c->depth > 0 ? &c->blocks[c->depth - 1] : NULL;
	int rc;

	if (b == NULL || b->is_for || b->has_else)
		return fail(
		    c, off, has_condition ? "'elseif' without an 'if'" : "'else' without an 'if'");
	b->has_else = !has_condition;
	if (!has_condition) {
		put(c, "else\n");
		return rest.len == 0 ? 0
				     : fail(c, off, "'else' takes nothing; did you mean 'elseif'?");
	}
	rc = add_tag(c, TAG_ELSEIF, off, rest);
	put(c, "and (");
	put_slice(c, rest);
	put(c, ") then\n");
	return rc;
}

static int
if_block(struct compiler *c, size_t off, struct slice rest)
{
	int rc = open_block(c, off, false);

	if (rc == 0)
		rc = add_tag(c, TAG_IF, off, rest);
	put(c, "and (");
	put_slice(c, rest);
	put(c, ") then\n");
	return rc;
}

/* As Lua has it: no expression ends so. */
static bool
ends_in(struct slice s, const char *word)
{
	size_t n = strlen(word);

	s = scan_trim(s);
	return s.len > n && memcmp(s.p + s.len - n, word, n) == 0 && strchr(" \t\n)]}\"'", s.p[s.len - n - 1]) != NULL;
}

static int
block_tag(struct compiler *c, size_t off, struct slice body)
{
	struct slice rest = body, word = scan_name(&rest);
	char text[96];
	int rc;

	if (slice_eq(word, "for") && ends_in(rest, "do")) {
		c->unknown++; /* its end is none too many */
		return fail(c, off, "'for' takes no 'do': write 'for NAME in LIST'");
	}
	if ((slice_eq(word, "if") || slice_eq(word, "elseif")) && ends_in(rest, "then")) {
		c->unknown += slice_eq(word, "if");
		return fail(c, off, "'if' takes no 'then': write 'if EXPRESSION'");
	}

	if (slice_eq(word, "for"))
		return for_block(c, off, rest);
	if (slice_eq(word, "if"))
		return if_block(c, off, rest);
	if (slice_eq(word, "elseif"))
		return else_block(c, off, rest, true);
	if (slice_eq(word, "else"))
		return else_block(c, off, rest, false);
	if (slice_eq(word, "end")) {
		if (c->depth == 0 && c->unknown > 0) {
			c->unknown--;
			return 0;
		}
		if (c->depth == 0)
			return fail(c, off, "'end' without a 'for' or 'if'");
		c->depth--;
		put(c, "end\n");
		return rest.len == 0 ? 0 : fail(c, off, "'end' takes nothing");
	}
	if (slice_eq(word, "include")) {
		rc = add_tag(c, TAG_INCLUDE, off, rest);
		put(c, "_include((");
		put_slice(c, rest);
		put(c, "))\n");
		return rc;
	}
	c->unknown++;
	snprintf(text, sizeof text,
	    "unknown tag '%.*s'; there are for, if, elseif, else, end, include",
	    (int)(word.len < 32 ? word.len : 32), word.p);
	return fail(c, off, text);
}

static int
one_tag(struct compiler *c, size_t off, size_t *end)
{
	char kind = c->text.p[off + 1];
	bool comment;
	struct slice body;

	*end = scan_tag(c->text, off, &comment);
	if (*end == 0 && comment)
		return fail(c, off, "'--' starts a Lua comment; write {# ... #}");
	if (*end == 0)
		return fail(c, off,
		    kind == '{'	  ? "unclosed '{{'"
		    : kind == '%' ? "unclosed '{%'"
				  : "unclosed '{#'");
	body = (struct slice){c->text.p + off + 2, *end - off - 4};
	if (body.len > 0 && body.p[0] == '-') {
		body.p++;
		body.len--;
	}
	if (body.len > 0 && body.p[body.len - 1] == '-')
		body.len--;
	body = scan_trim(body);
	if (kind == '#')
		return 0;
	return kind == '{' ? expression(c, off, body) : block_tag(c, off, body);
}

/* Text before a tag at `to`; a tag that says {{- takes the space before it along. */
static void
flush(struct compiler *c, size_t from, size_t to)
{
	char call[64];

	if (to + 2 < c->text.len && scan_opens(c->text, to) && c->text.p[to + 2] == '-')
		while (to > from && scan_space(c->text.p[to - 1]))
			to--;
	if (from == to)
		return;
	snprintf(call, sizeof call, "_raw(%zu, %zu)\n", from, to);
	put(c, call);
}

/* Where the text goes on behind a tag that ends at `end`: one that says -}} takes the
 * space behind it along.  At `from`, unless it does. */
static size_t
behind(struct slice t, size_t start, size_t end, size_t from)
{
	if (end - start < 6 || t.p[end - 3] != '-')
		return from;
	while (end < t.len && scan_space(t.p[end]))
		end++;
	return end;
}

/* The tags of a line that has nothing else. */
static int
line_of_tags(struct compiler *c, size_t *i, size_t end)
{
	size_t next = end;
	int rc = 0;

	while (*i < end && rc == 0) {
		size_t start = *i;

		if (!scan_opens(c->text, start)) {
			(*i)++;
			continue;
		}
		rc = one_tag(c, start, i);
		if (rc != 0 && *i != 0 && goes_on(c))
			rc = 0;
		if (rc == 0)
			next = behind(c->text, start, *i, end);
	}
	*i = rc == 0 ? next : *i;
	return rc;
}

static int
compile(struct compiler *c)
{
	struct slice t = c->text;
	size_t i = 0, start = 0, end;
	bool line_start = true;
	int rc = 0;

	while (i < t.len && rc == 0) {
		if (line_start && scan_line(t, i, &end)) {
			size_t first = i;

			while (!scan_opens(t, first))
				first++;
			flush(c, start, t.p[first + 2] == '-' ? first : i);
			rc = line_of_tags(c, &i, end);
			start = i;
			continue;
		}
		line_start = t.p[i] == '\n';
		if (!scan_opens(t, i)) {
			i++;
			continue;
		}
		flush(c, start, i);
		start = i;
		rc = one_tag(c, i, &end);
		if (rc != 0 && end != 0 && goes_on(c))
			rc = 0;
		if (rc != 0)
			break;
		i = behind(t, start, end, end);
		start = i;
		line_start = i > end && t.p[i - 1] == '\n';
	}
	if (rc == 0)
		flush(c, start, t.len);
	if (rc == 0 && c->depth > 0)
		rc = fail(c, c->blocks[c->depth - 1].off,
		    c->blocks[c->depth - 1].is_for ? "'for' without its 'end'"
						   : "'if' without its 'end'");
	return rc;
}

/* 0 with *t, or an error in c->e. */
static int
compile_text(struct compiler *c, struct template *t)
{
	int rc;

	*t = (struct template){.text = c->text};
	if (c->text.len > TEMPLATE_BYTES_MAX)
		return fail(c, 0, "template larger than 4 MiB");
	put(c, "local _at, _out, _raw, _each, _include, _opt, _f = ...\n");
	rc = compile(c);
	if (rc == 0 && c->lua.cut)
		rc = fail(c, 0, "out of memory");
	t->lua = c->lua.buf;
	t->lua_len = c->lua.len;
	t->tags = c->tags;
	t->tags_count = c->tags_count;
	return rc;
}

int
template_compile(struct template *t, struct slice text, struct template_error *e)
{
	struct compiler c = {.text = text,
	    .lua = {.max = 16 * (size_t)TEMPLATE_BYTES_MAX},
	    .line = 1,
	    .col = 1,
	    .e = e};
	int rc = compile_text(&c, t);

	if (rc != 0)
		template_free(t);
	return rc;
}

uint32_t
template_check(struct template *t, struct slice text, struct template_error *errors, uint32_t max)
{
	struct compiler c = {.text = text,
	    .lua = {.max = 16 * (size_t)TEMPLATE_BYTES_MAX},
	    .line = 1,
	    .col = 1,
	    .e = errors,
	    .more = max - 1};
	int rc = compile_text(&c, t);

	return (uint32_t)(c.e - errors) + (rc != 0);
}

void
template_free(struct template *t)
{
	free(t->lua);
	free(t->tags);
	memset(t, 0, sizeof *t);
}
