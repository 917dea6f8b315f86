/*
 * prom_lex.c - the words of PromQL, all at once.  Inside {} every word is a label's
 * name, inside [] stand durations; elsewhere some words are keywords in any case.
 */
#include "prom_in.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct lex {
	struct prom *p;
	const char *s;
	uint32_t len, at;
	struct prom_token *out;
	uint32_t count;
	bool in_braces, in_brackets;
	struct err *err;
};

static const char *const words[] = {
#define X(name, word) [TOK_##name] = word,
    PROM_TOKENS(X)
#undef X
};

const char *
prom_word(enum prom_tok t)
{
	return words[t] != NULL ? words[t] : "";
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alpha(char c)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_alnum(char c)
{
	return is_alpha(c) || is_digit(c);
}

static char
peek(const struct lex *l, uint32_t ahead)
{
	return l->at + ahead < l->len ? l->s[l->at + ahead] : '\0';
}

static void
emit(struct lex *l, enum prom_tok t, uint32_t from, uint32_t to)
{
	l->out[l->count++] = (struct prom_token){t, from, to - from};
	l->at = to;
}

static bool
same_word(const char *s, uint32_t len, const char *word)
{
	if (strlen(word) != len)
		return false;
	for (uint32_t i = 0; i < len; i++)
		if ((s[i] >= 'A' && s[i] <= 'Z' ? s[i] + 32 : s[i]) != word[i])
			return false;
	return true;
}

static void
lex_word(struct lex *l)
{
	uint32_t from = l->at, to = from;
	bool colon = false;

	for (; to < l->len && (is_alnum(l->s[to]) || (l->s[to] == ':' && !l->in_braces)); to++)
		colon = colon || l->s[to] == ':';
	enum prom_tok t = colon ? TOK_METRIC : TOK_IDENT;
	if (!l->in_braces && !colon) {
		for (uint32_t w = TOK_ATAN2; w <= TOK_STOP; w++)
			if (same_word(l->s + from, to - from, words[w]))
				t = (enum prom_tok)w;
		if (same_word(l->s + from, to - from, "inf") || same_word(l->s + from, to - from, "nan"))
			t = TOK_NUMBER;
	}
	emit(l, t, from, to);
}

/* Digits, unit, and again: how far; `from` when it is none. */
static uint32_t
duration_end(const struct lex *l, uint32_t from)
{
	uint32_t i = from;

	while (i < l->len && is_digit(l->s[i])) {
		while (i < l->len && is_digit(l->s[i]))
			i++;
		if (i == l->len || strchr("smhdwy", l->s[i]) == NULL)
			return from;
		if (l->s[i] == 'm' && i + 1 < l->len && l->s[i + 1] == 's')
			i++;
		i++;
	}
	return i < l->len && is_alnum(l->s[i]) ? from : i;
}

static uint32_t
number_end(const struct lex *l, uint32_t i)
{
	if (l->s[i] == '0' && i + 1 < l->len && (l->s[i + 1] == 'x' || l->s[i + 1] == 'X')) {
		i += 2;
		while (i < l->len && is_alnum(l->s[i]))
			i++;
		return i;
	}
	while (i < l->len && is_digit(l->s[i]))
		i++;
	if (i < l->len && l->s[i] == '.')
		for (i++; i < l->len && is_digit(l->s[i]);)
			i++;
	if (i < l->len && (l->s[i] == 'e' || l->s[i] == 'E')) {
		i++;
		if (i < l->len && (l->s[i] == '+' || l->s[i] == '-'))
			i++;
		while (i < l->len && is_digit(l->s[i]))
			i++;
	}
	return i;
}

static int
lex_number(struct lex *l)
{
	uint32_t from = l->at, to = duration_end(l, from);

	if (to > from) {
		emit(l, TOK_DURATION, from, to);
		return 0;
	}
	to = number_end(l, from);
	if (l->in_brackets || (to < l->len && is_alnum(l->s[to]))) {
		while (to < l->len && is_alnum(l->s[to]))
			to++;
		return prom_error(l->p, from, l->err, "bad %s syntax: \"%.*s\"",
		    l->in_brackets ? "duration" : "number or duration", (int)(to - from), l->s + from);
	}
	emit(l, TOK_NUMBER, from, to);
	return 0;
}

static int
lex_text(struct lex *l)
{
	char quote = l->s[l->at];
	uint32_t to = l->at + 1;

	for (; to < l->len && l->s[to] != quote; to++) {
		if (l->s[to] == '\n' && quote != '`')
			break;
		if (l->s[to] == '\\' && quote != '`')
			to++;
	}
	if (to >= l->len || l->s[to] != quote)
		return prom_error(l->p, l->at, l->err, "unterminated %s string",
		    quote == '`' ? "raw" : "quoted");
	emit(l, TOK_TEXT, l->at, to + 1);
	return 0;
}

static int
lex_sign(struct lex *l)
{
	uint32_t from = l->at;
	enum prom_tok found = TOK_END;

	for (uint32_t t = TOK_LPAREN; t <= TOK_GE; t++) {
		size_t n = strlen(words[t]);

		if (n <= l->len - from && memcmp(l->s + from, words[t], n) == 0 &&
		    (found == TOK_END || n > strlen(words[found])))
			found = (enum prom_tok)t;
	}
	if (found == TOK_END) {
		char shown[16];

		err_escape(shown, sizeof shown, l->s + from, 1);
		return prom_error(l->p, from, l->err, "unexpected character%s: '%s'",
		    l->in_braces ? " inside braces" : l->in_brackets ? " inside brackets" : "", shown);
	}
	if (found == TOK_LBRACE)
		l->in_braces = true;
	else if (found == TOK_RBRACE)
		l->in_braces = false;
	else if (found == TOK_LBRACKET || found == TOK_RBRACKET)
		l->in_brackets = found == TOK_LBRACKET;
	emit(l, found, from, from + (uint32_t)strlen(words[found]));
	return 0;
}

static int
lex_one(struct lex *l)
{
	char c = peek(l, 0);

	if (c == '#') {
		while (l->at < l->len && l->s[l->at] != '\n')
			l->at++;
		return 0;
	}
	if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
		l->at++;
		return 0;
	}
	if (!l->in_braces && (is_digit(c) || (c == '.' && is_digit(peek(l, 1)))))
		return lex_number(l);
	if (is_alpha(c) || (c == ':' && !l->in_brackets && !l->in_braces)) {
		lex_word(l);
		return 0;
	}
	if (c == '"' || c == '\'' || c == '`')
		return lex_text(l);
	return lex_sign(l);
}

struct prom_token *
prom_lex(struct prom *p, struct err *err)
{
	struct lex l = {.p = p, .s = p->text, .len = p->len, .err = err};

	l.out = prom_alloc(&p->arena, (p->len + 1) * sizeof *l.out);
	if (l.out == NULL) {
		err_set(err, 1, "no memory for the expression");
		return NULL;
	}
	while (l.at < l.len)
		if (lex_one(&l) < 0)
			return NULL;
	emit(&l, TOK_END, l.len, l.len);
	return l.out;
}

void
prom_say(const struct prom *p, const struct prom_token *t, char *out, size_t cap)
{
	char word[64];

	err_escape(word, sizeof word, p->text + t->at, t->len);
	if (t->tok == TOK_END)
		snprintf(out, cap, "end of input");
	else if (t->tok == TOK_IDENT || t->tok == TOK_METRIC)
		snprintf(out, cap, "identifier \"%s\"", word);
	else if (t->tok == TOK_NUMBER || t->tok == TOK_DURATION)
		snprintf(out, cap, "%s \"%s\"", t->tok == TOK_NUMBER ? "number" : "duration", word);
	else if (t->tok == TOK_TEXT)
		snprintf(out, cap, "string %s", word);
	else if (prom_is_op(t->tok))
		snprintf(out, cap, "<op:%s>", words[t->tok]);
	else if (prom_is_aggr(t->tok))
		snprintf(out, cap, "<aggr:%s>", words[t->tok]);
	else if (t->tok >= TOK_BY)
		snprintf(out, cap, "<%s>", words[t->tok]);
	else
		snprintf(out, cap, "\"%s\"", word);
}

/* --- values of tokens -------------------------------------------------------------- */

static int
digit_of(char c)
{
	if (is_digit(c))
		return c - '0';
	c = (char)(c | 32);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

static uint32_t
put_rune(uint8_t *out, uint32_t r)
{
	if (r < 0x80) {
		out[0] = (uint8_t)r;
		return 1;
	}
	uint32_t n = r < 0x800 ? 2 : r < 0x10000 ? 3 : 4;
	for (uint32_t i = n - 1; i > 0; i--, r >>= 6)
		out[i] = (uint8_t)(0x80 | (r & 0x3f));
	out[0] = (uint8_t)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | r);
	return n;
}

/* The escape after the backslash at s: bytes of s used, or 0.  At most 4 bytes out. */
static uint32_t
unescape(const char *s, uint32_t len, char quote, uint8_t *out, uint32_t *n)
{
	static const char simple[] = "abfnrtv\\", means[] = "\a\b\f\n\r\t\v\\";
	const char *known = len > 0 ? strchr(simple, s[0]) : NULL;
	uint32_t digits, base = 16, v = 0, from = 1;

	*n = 1;
	if (len == 0 || s[0] == '\0')
		return 0;
	if (known != NULL) {
		out[0] = (uint8_t)means[known - simple];
		return 1;
	}
	if (s[0] == '\'' || s[0] == '"') {
		out[0] = (uint8_t)s[0];
		return s[0] == quote ? 1 : 0;
	}
	digits = s[0] == 'x' ? 2 : s[0] == 'u' ? 4 : s[0] == 'U' ? 8 : is_digit(s[0]) ? 3 : 0;
	if (digits == 3)
		base = 8, from = 0;
	if (digits == 0 || from + digits > len)
		return 0;
	for (uint32_t i = from; i < from + digits; i++) {
		if ((uint32_t)digit_of(s[i]) >= base)
			return 0;
		v = v * base + (uint32_t)digit_of(s[i]);
	}
	if (digits < 4) {
		out[0] = (uint8_t)v;
		return v > 255 ? 0 : from + digits;
	}
	if (v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return 0;
	*n = put_rune(out, v);
	return from + digits;
}

int
prom_unquote(struct prom *p, const struct prom_token *t, struct slice *out, struct err *err)
{
	const char *s = p->text + t->at;
	uint8_t *b = prom_alloc(&p->arena, t->len);
	uint32_t n = 0, add, used;

	if (b == NULL)
		return err_set(err, 1, "no memory for the expression");
	for (uint32_t i = 1; i + 1 < t->len;) {
		if (s[0] == '`' || s[i] != '\\') {
			b[n++] = (uint8_t)s[i++];
			continue;
		}
		used = unescape(s + i + 1, t->len - i - 2, s[0], b + n, &add);
		if (used == 0)
			return prom_error(p, t->at + i, err, "error unquoting string: invalid syntax");
		n += add;
		i += 1 + used;
	}
	*out = (struct slice){b, n};
	return 0;
}

int
prom_number(const struct prom *p, const struct prom_token *t, double *out, struct err *err)
{
	const char *s = p->text + t->at;
	char copy[512], *end;
	bool is_int = t->len > 1 && s[0] == '0';
	uint64_t v = 0, base = 8;
	uint32_t i = 1;

	if (same_word(s, t->len, "inf") || same_word(s, t->len, "nan")) {
		*out = (s[0] | 32) == 'i' ? INFINITY : NAN;
		return 0;
	}
	/* As Go's ParseInt with base 0: 0x1f and 017, where that is one. */
	if (is_int && (s[1] | 32) == 'x')
		base = 16, i = 2, is_int = t->len > 2;
	for (; is_int && i < t->len; i++) {
		is_int = (uint64_t)digit_of(s[i]) < base && v < (UINT64_C(1) << 63) / base;
		v = v * base + (uint64_t)digit_of(s[i]);
	}
	if (is_int) {
		*out = (double)v;
		return 0;
	}
	if (base == 16 || t->len >= sizeof copy)
		return prom_error(p, t->at, err, "error parsing number: \"%.*s\"", (int)t->len, s);
	memcpy(copy, s, t->len);
	copy[t->len] = '\0';
	*out = strtod(copy, &end);
	if (end != copy + t->len || isinf(*out))
		return prom_error(p, t->at, err, "error parsing number: \"%s\"", copy);
	return 0;
}

int
prom_duration(const struct prom *p, const struct prom_token *t, int64_t *out, struct err *err)
{
	static const char *const units[] = {"y", "w", "d", "h", "m", "s", "ms"};
	static const int64_t ms[] = {31536000000, 604800000, 86400000, 3600000, 60000, 1000, 1};
	const int64_t most = INT64_MAX / 1000000; /* nanoseconds in Go */
	const char *s = p->text + t->at;
	uint32_t unit = 0, i = 0;
	int64_t sum = 0;

	while (i < t->len) {
		uint32_t u = unit, n = 0;
		int64_t v = 0;

		for (; i < t->len && is_digit(s[i]); i++)
			v = v > most ? v : v * 10 + (s[i] - '0');
		while (i + n < t->len && !is_digit(s[i + n]))
			n++;
		while (u < ARRAY_LEN(units) && (strlen(units[u]) != n || memcmp(units[u], s + i, n) != 0))
			u++;
		if (u == ARRAY_LEN(units))
			return prom_error(p, t->at, err, "not a valid duration string: \"%.*s\"",
			    (int)t->len, s);
		if (v > most / ms[u] || sum > most - v * ms[u])
			return prom_error(p, t->at, err, "duration out of range");
		sum += v * ms[u];
		unit = u + 1;
		i += n;
	}
	*out = sum;
	return sum > 0 ? 0 : prom_error(p, t->at, err, "duration must be greater than 0");
}
