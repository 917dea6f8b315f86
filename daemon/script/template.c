/*
 * template.c - the template language, one pass (see template.h).
 */
#include "template.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>

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

static bool
is_space(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r';
}

static bool
is_name(char ch, bool first)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_' ||
	       (!first && ch >= '0' && ch <= '9');
}

static struct slice
trim(struct slice s)
{
	while (s.len > 0 && is_space(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

/* The name at the start of s, cut off from it with the space behind. */
static struct slice
take_name(struct slice *s)
{
	struct slice word = {s->p, 0};

	while (word.len < s->len && is_name(s->p[word.len], word.len == 0))
		word.len++;
	s->p += word.len;
	s->len -= word.len;
	*s = trim(*s);
	return word;
}

/* Offset just behind a Lua string that starts at i, or i if none does; 0 when
 * it never ends. */
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
		return 0;
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
	return 0;
}

/* Where the tag that opens at off ends (just behind), or 0.  A Lua string or
 * a table inside may hold the closing mark.  *comment: a Lua comment there. */
static size_t
tag_end(struct slice t, size_t off, bool *comment)
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
		if (next == 0)
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

static bool
opens_tag(struct slice t, size_t i)
{
	return i + 1 < t.len && t.p[i] == '{' &&
	       (t.p[i + 1] == '{' || t.p[i + 1] == '%' || t.p[i + 1] == '#');
}

/* Does the line at off hold only {% %} and {# #}?  Then *end is behind its
 * newline. */
static bool
only_tags(struct slice t, size_t off, size_t *end)
{
	bool some = false, comment;
	size_t i = off, tag;

	for (;;) {
		while (i < t.len && (t.p[i] == ' ' || t.p[i] == '\t' || t.p[i] == '\r'))
			i++;
		if (i == t.len || t.p[i] == '\n')
			break;
		if (!opens_tag(t, i) || t.p[i + 1] == '{')
			return false;
		tag = tag_end(t, i, &comment);
		if (tag == 0)
			return false;
		some = true;
		i = tag;
	}
	*end = i < t.len ? i + 1 : i;
	return some;
}

/* Note a tag; its number goes into the Lua text. */
static int
add_tag(struct compiler *c, enum template_kind kind, size_t off, struct slice expr)
{
	char call[32];

	if (expr.len == 0)
		return fail(c, off, "an expression is missing");
	if (c->tags_count == c->tags_cap) {
		uint32_t cap = c->tags_cap == 0 ? 64 : c->tags_cap * 2;
		struct template_tag *p = realloc(c->tags, cap * sizeof *p);

		if (p == NULL)
			return fail(c, off, "out of memory");
		c->tags = p;
		c->tags_cap = cap;
	}
	advance(c->text, &c->seen, off, &c->line, &c->col);
	c->tags[c->tags_count] = (struct template_tag){
	    .kind = kind, .off = (uint32_t)off, .line = c->line, .col = c->col, .expr = expr};
	snprintf(call, sizeof call, "_at(%u) ", c->tags_count);
	c->tags_count++;
	put(c, kind == TAG_IF ? "if " : kind == TAG_ELSEIF ? "elseif " : "");
	put(c, call);
	return 0;
}

/* "b.prot" is a field of b: hand b to out(), for its "did you mean". */
static struct slice
owner_of(struct slice expr)
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

static int
expression(struct compiler *c, size_t off, struct slice expr)
{
	struct slice owner = owner_of(expr);
	int rc = add_tag(c, TAG_OUT, off, expr);

	if (rc != 0)
		return rc;
	put(c, "_out((");
	put_slice(c, expr);
	put(c, ")");
	if (owner.len > 0) {
		put(c, ", ");
		put_slice(c, owner);
	}
	put(c, ")\n");
	return 0;
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
	struct slice rest = header, names = header, word = take_name(&rest);
	char count[24];
	int n = 1, rc = add_tag(c, TAG_FOR, off, header);

	if (rc == 0)
		rc = open_block(c, off, true);
	if (rc != 0)
		return rc;
	if (word.len > 0 && rest.len > 0 && rest.p[0] == '=') {
		put(c, "for ");
		put_slice(c, header);
		put(c, " do\n");
		return 0;
	}
	while (word.len > 0 && rest.len > 0 && rest.p[0] == ',') {
		rest = trim((struct slice){rest.p + 1, rest.len - 1});
		word = take_name(&rest);
		n++;
	}
	names = trim((struct slice){names.p, (size_t)(rest.p - names.p)});
	if (word.len == 0 || !slice_eq(take_name(&rest), "in") || rest.len == 0)
		return fail(c, off, "write 'for NAME in LIST' or 'for KEY, VALUE in pairs(TABLE)'");
	put(c, "for ");
	put_slice(c, names);
	snprintf(count, sizeof count, " in _each(%d, ", n);
	put(c, count);
	put_slice(c, rest);
	put(c, ") do\n");
	return 0;
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
	int rc = add_tag(c, TAG_IF, off, rest);

	put(c, "and (");
	put_slice(c, rest);
	put(c, ") then\n");
	return rc != 0 ? rc : open_block(c, off, false);
}

static int
block_tag(struct compiler *c, size_t off, struct slice body)
{
	struct slice rest = body, word = take_name(&rest);
	char text[96];
	int rc;

	if (slice_eq(word, "for"))
		return for_block(c, off, rest);
	if (slice_eq(word, "if"))
		return if_block(c, off, rest);
	if (slice_eq(word, "elseif"))
		return else_block(c, off, rest, true);
	if (slice_eq(word, "else"))
		return else_block(c, off, rest, false);
	if (slice_eq(word, "end")) {
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

	*end = tag_end(c->text, off, &comment);
	if (*end == 0 && comment)
		return fail(c, off, "'--' starts a Lua comment; write {# ... #}");
	if (*end == 0)
		return fail(c, off,
		    kind == '{'	  ? "unclosed '{{'"
		    : kind == '%' ? "unclosed '{%'"
				  : "unclosed '{#'");
	body = trim((struct slice){c->text.p + off + 2, *end - off - 4});
	if (kind == '#')
		return 0;
	return kind == '{' ? expression(c, off, body) : block_tag(c, off, body);
}

static void
flush(struct compiler *c, size_t from, size_t to)
{
	char call[64];

	if (from == to)
		return;
	snprintf(call, sizeof call, "_raw(%zu, %zu)\n", from, to);
	put(c, call);
}

static int
compile(struct compiler *c)
{
	struct slice t = c->text;
	size_t i = 0, start = 0, end;
	bool line_start = true;
	int rc = 0;

	while (i < t.len && rc == 0) {
		if (line_start && only_tags(t, i, &end)) {
			flush(c, start, i);
			while (i < end && rc == 0) {
				if (opens_tag(t, i))
					rc = one_tag(c, i, &i);
				else
					i++;
			}
			start = i = rc == 0 ? end : i;
			continue;
		}
		line_start = t.p[i] == '\n';
		if (!opens_tag(t, i)) {
			i++;
			continue;
		}
		flush(c, start, i);
		rc = one_tag(c, i, &i);
		start = i;
		line_start = false;
	}
	if (rc == 0)
		flush(c, start, t.len);
	if (rc == 0 && c->depth > 0)
		rc = fail(c, c->blocks[c->depth - 1].off,
		    c->blocks[c->depth - 1].is_for ? "'for' without its 'end'"
						   : "'if' without its 'end'");
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
	int rc;

	*t = (struct template){.text = text};
	if (text.len > TEMPLATE_BYTES_MAX)
		return fail(&c, 0, "template larger than 4 MiB");
	put(&c, "local _at, _out, _raw, _each, _include = ...\n");
	rc = compile(&c);
	if (rc == 0 && c.lua.cut)
		rc = fail(&c, 0, "out of memory");
	if (rc != 0) {
		text_free(&c.lua);
		free(c.tags);
		return rc;
	}
	t->lua = c.lua.buf;
	t->lua_len = c.lua.len;
	t->tags = c.tags;
	t->tags_count = c.tags_count;
	return 0;
}

void
template_free(struct template *t)
{
	free(t->lua);
	free(t->tags);
	memset(t, 0, sizeof *t);
}
