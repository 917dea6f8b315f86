/*
 * pattern_re2.c - from RE2's syntax (https://golang.org/s/re2syntax, with Perl's flags,
 * as Go's regexp.Compile reads it) to PCRE2's.
 *
 * PCRE2 knows more than RE2, and some of the same words mean something else there.  So
 * nothing passes through: every character is read as RE2 would, and said again in the
 * plainest words of PCRE2.  What RE2 does not have is refused by its name: references
 * back, look-around, atomic groups, possessive and stacked repetition.
 */
#include "pattern_in.h"

#include <stdio.h>
#include <stdlib.h>

enum { REPEAT_MAX = 1000, RUNE_MAX = 0x10ffff, DEPTH_MAX = 128 };

struct re2 {
	const uint8_t *s, *end;
	struct slice text;
	struct pattern_text *out;
	struct err *err;
	uint32_t depth;
	uint32_t most[DEPTH_MAX + 1]; /* by group that is open: the most that is repeated in it */
	bool folds[DEPTH_MAX + 1];    /* the same: does (?i) hold in it? */
	uint32_t atom;		      /* how often what stands last is repeated inside; 0: nothing to repeat */
};

static int
refuse(const struct re2 *r, const uint8_t *from, const uint8_t *to, const char *why)
{
	char shown[96];

	err_escape(shown, sizeof shown, (const char *)from, (size_t)(to - from));
	return err_set(r->err, 1, "error parsing regexp: %s: `%s`", why, shown);
}

static void
put(struct re2 *r, const char *text)
{
	size_t n = strlen(text);

	assert(n < r->out->cap - r->out->len); /* PATTERN_OUT_BYTES has room for the longest */
	memcpy(r->out->out + r->out->len, text, n + 1);
	r->out->len += n;
}

static void
put_rune(struct re2 *r, uint32_t rune)
{
	char b[16];

	snprintf(b, sizeof b, "\\x{%x}", (unsigned)rune);
	put(r, b);
}

static bool
is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* The next character; -1: not UTF-8. */
static int
take_rune(struct re2 *r, uint32_t *out)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const uint8_t *from = r->s;
	uint32_t c = *r->s++, n = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

	if (c >= 0x80 && (c < 0xc2 || c > 0xf4 || (size_t)(r->end - from) < n))
		return refuse(r, from, from + 1, "invalid UTF-8");
	c = n == 1 ? c : c & (0xffu >> (n + 1));
	for (uint32_t i = 1; i < n; i++) {
		if ((*r->s & 0xc0) != 0x80)
			return refuse(r, from, from + 1, "invalid UTF-8");
		c = c << 6 | (*r->s++ & 0x3f);
	}
	if (c < least[n] || c > RUNE_MAX || (c >= 0xd800 && c <= 0xdfff))
		return refuse(r, from, from + 1, "invalid UTF-8");
	*out = c;
	return 0;
}

/* --- escapes ------------------------------------------------------------------------------- */

static int
hex_of(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static int
take_hex(struct re2 *r, const uint8_t *from, uint32_t *out)
{
	bool braces = r->s < r->end && *r->s == '{';
	uint32_t v = 0, n = 0;

	if (braces)
		r->s++;
	while (r->s < r->end && hex_of(*r->s) >= 0 && v <= RUNE_MAX && (braces || n < 2)) {
		v = v * 16 + (uint32_t)hex_of(*r->s++);
		n++;
	}
	if (n == 0 || v > RUNE_MAX || (!braces && n < 2) || (braces && (r->s == r->end || *r->s++ != '}')))
		return refuse(r, from, r->s, "invalid escape sequence");
	*out = v;
	return 0;
}

/* After the backslash at `from`: a character.  Whole classes and places were looked for. */
static int
take_escaped(struct re2 *r, const uint8_t *from, uint32_t *out)
{
	static const char letters[] = "afnrtv", means[] = "\a\f\n\r\t\v";
	uint8_t c = *r->s;
	const char *known = c != 0 ? strchr(letters, c) : NULL;

	if (c >= 0x80)
		return refuse(r, from, r->s, "invalid escape sequence");
	r->s++;
	if (c >= '1' && c <= '7' && (r->s == r->end || *r->s < '0' || *r->s > '7'))
		return refuse(r, from, r->s, "invalid escape sequence");
	if (c >= '0' && c <= '7') {
		*out = (uint32_t)(c - '0');
		for (int i = 0; i < 2 && r->s < r->end && *r->s >= '0' && *r->s <= '7'; i++)
			*out = *out * 8 + (uint32_t)(*r->s++ - '0');
		return 0;
	}
	if (c == 'x')
		return take_hex(r, from, out);
	*out = known != NULL ? (uint8_t)means[known - letters] : c;
	if (known == NULL && is_word(c) && c != '_')
		return refuse(r, from, r->s, "invalid escape sequence");
	return 0;
}

static bool
is_category(const char *name)
{
	static const char all[] = " C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps"
				  " S Sc Sk Sm So Z Zl Zp Zs Any ";
	char key[48];

	snprintf(key, sizeof key, " %s ", name);
	return strstr(all, key) != NULL;
}

/* \pN, \p{Name}, \P{^Name}; r->s is at p. */
static int
take_property(struct re2 *r, const uint8_t *from)
{
	bool not = *r->s++ == 'P';
	char name[32], b[64];
	size_t n = 0;

	if (r->s == r->end)
		return refuse(r, from, r->s, "invalid character class range");
	if (*r->s != '{') {
		name[n++] = (char)*r->s++;
	} else {
		r->s++;
		if (r->s < r->end && *r->s == '^')
			not = !not, r->s++;
		while (r->s < r->end && is_word(*r->s) && n + 1 < sizeof name)
			name[n++] = (char)*r->s++;
		if (n == 0 || r->s == r->end || *r->s++ != '}')
			return refuse(r, from, r->s, "invalid character class range");
	}
	name[n] = '\0';
	if (!is_word((uint8_t)name[0]) || (n < 3 && !is_category(name)))
		return refuse(r, from, r->s, "invalid character class range");
	/* Of one case alone is of both, where case does not count: PCRE2 10.42 forgets it. */
	if (r->folds[r->depth] && (strcmp(name, "Lu") == 0 || strcmp(name, "Ll") == 0 || strcmp(name, "Lt") == 0)) {
		put(r, not ? "\\P{L&}" : "\\p{L&}");
		return 0;
	}
	snprintf(b, sizeof b, "\\%c{%s%s}", not ? 'P' : 'p', is_category(name) ? "" : "sc:", name);
	put(r, b);
	return 0;
}

/* \d \s \w \p and their opposites at `from`: 1 when it was one. */
static int
take_class_escape(struct re2 *r, const uint8_t *from, bool inside)
{
	uint8_t c = r->s + 1 < r->end ? r->s[1] : 0;

	if (c == 'p' || c == 'P') {
		r->s++;
		return take_property(r, from) < 0 ? -1 : 1;
	}
	if (c == 0 || strchr("dDwWsS", c) == NULL)
		return 0;
	r->s += 2;
	/* A vertical tab is no space to RE2. */
	if (c == 's')
		put(r, inside ? "\\x09\\x0a\\x0c\\x0d\\x20" : "[\\x09\\x0a\\x0c\\x0d\\x20]");
	else if (c == 'S')
		put(r, inside ? "\\S\\x0b" : "[\\S\\x0b]");
	else
		put(r, (char[]){'\\', (char)c, '\0'});
	return 1;
}

/* --- [classes] --------------------------------------------------------------------------------- */

static int
take_posix(struct re2 *r)
{
	static const char *const names[] = {"alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower",
	    "print", "punct", "space", "upper", "word", "xdigit"};
	const uint8_t *from = r->s, *name = r->s + 2;
	bool not;
	const uint8_t *end = name;
	char b[24];

	while (end + 1 < r->end && !(end[0] == ':' && end[1] == ']'))
		end++;
	if (end + 1 >= r->end)
		return 0; /* no [: after all */
	not = *name == '^';
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t n = strlen(names[i]);

		if ((size_t)(end - name) == n + not && memcmp(name + not, names[i], n) == 0) {
			snprintf(b, sizeof b, "[:%s%s:]", not ? "^" : "", names[i]);
			put(r, b);
			r->s = end + 2;
			return 1;
		}
	}
	return refuse(r, from, end + 2, "invalid character class range");
}

static int
take_class_char(struct re2 *r, const uint8_t *open, uint32_t *out)
{
	const uint8_t *from = r->s;

	if (r->s == r->end)
		return refuse(r, open, r->end, "missing closing ]");
	if (*r->s != '\\')
		return take_rune(r, out);
	r->s++;
	if (r->s == r->end)
		return refuse(r, from, r->s, "trailing backslash at end of expression");
	return take_escaped(r, from, out);
}

static int
take_class_item(struct re2 *r, const uint8_t *open)
{
	const uint8_t *from = r->s;
	uint32_t lo, hi;
	int rc = 0;

	if (*r->s == '[' && r->s + 1 < r->end && r->s[1] == ':')
		rc = take_posix(r);
	else if (*r->s == '\\')
		rc = take_class_escape(r, from, true);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (take_class_char(r, open, &lo) < 0)
		return -1;
	hi = lo;
	if (r->s + 1 < r->end && r->s[0] == '-' && r->s[1] != ']') {
		r->s++;
		if (take_class_char(r, open, &hi) < 0)
			return -1;
		if (hi < lo)
			return refuse(r, from, r->s, "invalid character class range");
	}
	if ((lo >= 0xd800 && lo <= 0xdfff) || (hi >= 0xd800 && hi <= 0xdfff))
		return refuse(r, from, r->s, "a surrogate is no character");
	put_rune(r, lo);
	if (hi != lo) {
		put(r, "-");
		put_rune(r, hi);
	}
	return 0;
}

static int
take_class(struct re2 *r)
{
	const uint8_t *open = r->s++;
	bool first = true;

	put(r, "[");
	if (r->s < r->end && *r->s == '^') {
		put(r, "^");
		r->s++;
	}
	while (r->s < r->end && (*r->s != ']' || first)) {
		first = false;
		if (take_class_item(r, open) < 0)
			return -1;
	}
	if (r->s == r->end)
		return refuse(r, open, r->end, "missing closing ]");
	r->s++;
	put(r, "]");
	r->atom = 1;
	return 0;
}

/* --- groups and repetition ------------------------------------------------------------------------ */

static int
open_group(struct re2 *r, const uint8_t *from, bool captures, struct slice name)
{
	if (r->depth == DEPTH_MAX)
		return refuse(r, from, r->s, "nested too deep");
	if (captures && r->out->groups + 1 < PATTERN_GROUPS_MAX) {
		put(r, "(");
		r->out->names[++r->out->groups] = name;
	} else {
		put(r, "(?:");
	}
	r->most[++r->depth] = 1;
	r->folds[r->depth] = r->folds[r->depth - 1];
	r->atom = 0;
	return 0;
}

static int
take_named(struct re2 *r, const uint8_t *from)
{
	struct slice name = {r->s, 0};

	while (r->s < r->end && is_word(*r->s))
		r->s++;
	name.len = (size_t)(r->s - name.b);
	if (name.len == 0 || r->s == r->end || *r->s++ != '>')
		return refuse(r, from, r->s, "invalid named capture");
	return open_group(r, from, true, name);
}

/* (?flags) and (?flags:, r->s behind the question mark. */
static int
take_flags(struct re2 *r, const uint8_t *from)
{
	char b[24] = "(?";
	size_t n = 2;
	bool minus = false, any = false, folds = r->folds[r->depth];

	for (; r->s < r->end && n + 2 < sizeof b; r->s++) {
		uint8_t c = *r->s;

		if (c == ':' || c == ')') {
			if (minus && !any)
				break;
			r->s++;
			if (c == ':' && open_group(r, from, false, (struct slice){0}) < 0)
				return -1;
			/* PCRE2 takes a flag once; those of a group are said inside of it. */
			b[n++] = ')';
			if (n > 3)
				put(r, b);
			r->folds[r->depth] = folds;
			r->atom = 0;
			return 0;
		}
		if (c == '-' ? minus : strchr("imsU", c) == NULL || c == 0)
			break;
		any = c != '-';
		folds = c == 'i' ? !minus : folds;
		minus = minus || c == '-';
		b[n++] = (char)c;
		b[n] = '\0';
	}
	return refuse(r, from, r->s < r->end ? r->s + 1 : r->s, "invalid or unsupported Perl syntax");
}

static int
take_open(struct re2 *r)
{
	const uint8_t *from = r->s++;

	if (r->s == r->end || *r->s != '?')
		return open_group(r, from, true, (struct slice){0});
	r->s++;
	if (r->end - r->s >= 2 && r->s[0] == 'P' && r->s[1] == '<') {
		r->s += 2;
		return take_named(r, from);
	}
	return take_flags(r, from);
}

static int
take_close(struct re2 *r)
{
	if (r->depth == 0)
		return refuse(r, r->text.b, r->end, "unexpected )");
	r->atom = r->most[r->depth--];
	r->s++;
	put(r, ")");
	return 0;
}

/* {n} {n,} {n,m} at r->s; 0: it is none, and a brace is a brace. */
static int
take_counts(struct re2 *r, uint32_t *lo, uint32_t *hi)
{
	const uint8_t *s = r->s + 1;
	uint32_t v[2] = {0, 0}, digits[2] = {0, 0}, i = 0;

	for (; s < r->end && *s != '}'; s++) {
		if (*s == ',' && i == 0) {
			i = 1;
		} else if (*s >= '0' && *s <= '9') {
			v[i] = v[i] > REPEAT_MAX ? v[i] : v[i] * 10 + (uint32_t)(*s - '0');
			digits[i]++;
		} else {
			return 0;
		}
	}
	if (s == r->end || digits[0] == 0)
		return 0;
	*lo = v[0];
	*hi = i == 0 ? v[0] : digits[1] > 0 ? v[1] : UINT32_MAX;
	const uint8_t *from = r->s;
	r->s = s + 1;
	if (*lo > REPEAT_MAX || (*hi != UINT32_MAX && (*hi > REPEAT_MAX || *hi < *lo)))
		return refuse(r, from, r->s, "invalid repeat count");
	return 1;
}

static bool
at_repeat(const struct re2 *r)
{
	uint32_t lo, hi;
	struct re2 try = *r;
	struct err ignored;

	if (r->s == r->end)
		return false;
	try.err = &ignored;
	return *r->s == '*' || *r->s == '+' || *r->s == '?' ||
	    (*r->s == '{' && take_counts(&try, &lo, &hi) != 0);
}

static int
take_repeat(struct re2 *r)
{
	const uint8_t *from = r->s;
	uint32_t lo = 0, hi = 0, times = 1;
	char b[32];
	int rc = 1;

	if (*r->s == '{')
		rc = take_counts(r, &lo, &hi);
	else
		r->s++;
	if (rc < 0)
		return -1;
	if (r->atom == 0)
		return refuse(r, from, r->s, "missing argument to repetition operator");
	if (*from != '{') {
		put(r, (char[]){(char)*from, '\0'});
	} else {
		times = hi == UINT32_MAX ? lo : hi;
		snprintf(b, sizeof b, hi == UINT32_MAX ? "{%u,}" : "{%u,%u}", lo, hi);
		put(r, b);
	}
	if (times > 1 && r->atom > REPEAT_MAX / times)
		return refuse(r, from, r->s, "invalid repeat count");
	if (times > 1)
		r->atom *= times;
	if (r->atom > r->most[r->depth])
		r->most[r->depth] = r->atom;
	if (r->s < r->end && *r->s == '?') {
		put(r, "?");
		r->s++;
	}
	if (at_repeat(r))
		return refuse(r, from, r->s + 1, "invalid nested repetition operator");
	r->atom = 0;
	return 0;
}

/* --- the whole -------------------------------------------------------------------------------------- */

static int
take_backslash(struct re2 *r)
{
	const uint8_t *from = r->s;
	uint32_t rune;
	uint8_t c;
	int rc;

	if (r->s + 1 == r->end)
		return refuse(r, from, r->end, "trailing backslash at end of expression");
	c = r->s[1];
	if (c == 'Q') {
		for (r->s += 2; r->s < r->end && !(r->s + 1 < r->end && r->s[0] == '\\' && r->s[1] == 'E');) {
			if (take_rune(r, &rune) < 0)
				return -1;
			put_rune(r, rune);
			r->atom = 1;
		}
		/* Prometheus puts a parenthesis behind, which would be quoted too. */
		if (r->s == r->end)
			return refuse(r, from, r->end, "missing \\E");
		r->s += 2;
		return 0;
	}
	if (c == 'A' || c == 'b' || c == 'B' || c == 'z') {
		put(r, (char[]){'(', '?', ':', '\\', (char)c, ')', '\0'});
		r->s += 2;
		r->atom = 1;
		return 0;
	}
	rc = take_class_escape(r, from, false);
	if (rc < 0)
		return -1;
	r->atom = 1;
	if (rc > 0)
		return 0;
	r->s++;
	if (take_escaped(r, from, &rune) < 0)
		return -1;
	if (rune >= 0xd800 && rune <= 0xdfff)
		return refuse(r, from, r->s, "a surrogate is no character");
	put_rune(r, rune);
	return 0;
}

static int
take_one(struct re2 *r)
{
	uint32_t rune;

	switch (*r->s) {
	case '(':
		return take_open(r);
	case ')':
		return take_close(r);
	case '[':
		return take_class(r);
	case '\\':
		return take_backslash(r);
	case '|':
		put(r, "|");
		r->s++;
		r->atom = 0;
		return 0;
	case '^':
	case '$':
		put(r, *r->s++ == '^' ? "(?:^)" : "(?:$)");
		r->atom = 1;
		return 0;
	case '.':
		put(r, ".");
		r->s++;
		r->atom = 1;
		return 0;
	default:
		break;
	}
	if (at_repeat(r))
		return take_repeat(r);
	if (take_rune(r, &rune) < 0)
		return -1;
	put_rune(r, rune);
	r->atom = 1;
	return 0;
}

int
pattern_translate(struct slice text, struct pattern_text *out, struct err *err)
{
	struct re2 r = {.s = text.b, .end = text.b + text.len, .text = text, .out = out, .err = err};

	r.most[0] = 1;
	while (r.s < r.end)
		if (take_one(&r) < 0)
			return -1;
	if (r.depth > 0)
		return refuse(&r, text.b, r.end, "missing closing )");
	return 0;
}
