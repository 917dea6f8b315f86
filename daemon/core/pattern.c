/*
 * pattern.c - see pattern.h.  Most patterns that people write are a list of words, or a
 * word with .* or .+ beside it: those are compared, without an engine.  The rest goes to
 * PCRE2, translated (pattern_re2.c); what backtracks too long is asked again of its
 * other matcher, which does not backtrack, unless groups are wanted.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "pattern_in.h"

#include <pcre2.h>
#include <stdlib.h>

enum {
	MATCH_LIMIT = 50000, /* steps of the backtracking matcher: 1 ms */
	HEAP_KIB_MAX = 4096,
	WORKSPACE = 4096, /* ints, of the other one */
	WORDS_MAX = 1024,
};

enum wild { WILD_NONE, WILD_ANY /* .* */, WILD_SOME /* .+ */ };

struct word {
	enum wild before, after;
	struct slice text;
};

struct pattern {
	uint8_t *text; /* names of groups point here, and words into its second half */
	struct word *words;
	uint32_t words_count; /* 0: code */
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *limits;
	struct slice names[PATTERN_GROUPS_MAX];
	uint32_t groups;
	bool grouped; /* the words stand in parentheses: they are group 1 */
};

/* --- words -------------------------------------------------------------------------------- */

static bool
is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && strchr("\\.+*?()|[]{}^$", c) == NULL;
}

static enum wild
take_wild(const uint8_t **s, const uint8_t *end)
{
	if (end - *s < 2 || (*s)[0] != '.' || ((*s)[1] != '*' && (*s)[1] != '+'))
		return WILD_NONE;
	*s += 2;
	return (*s)[-1] == '*' ? WILD_ANY : WILD_SOME;
}

/* "(a|b)" is what Grafana makes of several values, "(?:a|b)" what others do: a list as well. */
static void
take_parentheses(struct pattern *p, const uint8_t **s, const uint8_t **end)
{
	bool silent = *end - *s >= 4 && memcmp(*s, "(?:", 3) == 0;

	if (*end - *s < 2 || **s != '(' || (*end)[-1] != ')')
		return;
	p->grouped = !silent;
	*s += silent ? 3 : 1;
	--*end;
}

static uint32_t
count_words(const uint8_t *s, const uint8_t *end)
{
	uint32_t n = 1;

	for (; s < end; s++)
		n += *s == '|';
	return n;
}

/* The words of the text, written to `room`; false: it takes an engine. */
static bool
take_words(struct pattern *p, const uint8_t *s, const uint8_t *end, uint8_t *room)
{
	uint32_t n = 0, most;
	struct word *w;

	take_parentheses(p, &s, &end);
	most = count_words(s, end);
	if (most > WORDS_MAX || (p->words = w = malloc(most * sizeof *w)) == NULL)
		return false;
	for (;; s++) {
		w[n].before = take_wild(&s, end);
		w[n].text = (struct slice){room, 0};
		for (; s < end; s++) {
			if (*s == '\\' && s + 1 < end && strchr("\\.+*?()|[]{}^$-/", s[1]) != NULL && s[1] != 0)
				s++;
			else if (!is_plain(*s))
				break;
			*room++ = *s;
			w[n].text.len++;
		}
		/* A repeated letter is no word: "ab+" ends at "ab", then '+' is no end. */
		w[n].after = take_wild(&s, end);
		if (w[n].text.len == 0 && w[n].before == WILD_SOME && w[n].after == WILD_SOME)
			return false; /* two characters, which may be more bytes */
		n++;
		if (s == end)
			break;
		if (*s != '|')
			return false;
	}
	p->words_count = n;
	return true;
}

static bool
word_matches(const struct word *w, struct slice v)
{
	size_t least_before = w->before == WILD_SOME, least_after = w->after == WILD_SOME, n = w->text.len;

	if (v.len < n + least_before + least_after)
		return false;
	if (w->before == WILD_NONE && w->after == WILD_NONE)
		return slice_eq(v, w->text);
	if (memchr(v.b, '\n', v.len) != NULL) /* no dot is a newline, and no word has one */
		return false;
	if (n == 0)
		return true;
	if (w->before == WILD_NONE)
		return memcmp(v.b, w->text.b, n) == 0;
	if (w->after == WILD_NONE)
		return memcmp(v.b + v.len - n, w->text.b, n) == 0;
	for (size_t i = least_before; i + n + least_after <= v.len; i++)
		if (memcmp(v.b + i, w->text.b, n) == 0)
			return true;
	return false;
}

/* --- the engine ----------------------------------------------------------------------------- */

static int
compile(struct pattern *p, struct slice text, struct err *err)
{
	struct pattern_text t = {.cap = PATTERN_OUT_BYTES};
	PCRE2_SIZE at;
	int why, rc;

	t.out = malloc(t.cap);
	if (t.out == NULL)
		return err_set(err, 1, "no memory for a pattern");
	t.out[0] = '\0';
	rc = pattern_translate(text, &t, err);
	if (rc == 0) {
		p->code = pcre2_compile((PCRE2_SPTR)t.out, t.len,
		    PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY | PCRE2_UTF |
			PCRE2_NEVER_BACKSLASH_C,
		    &why, &at, NULL);
		if (p->code == NULL) {
			char message[120];

			pcre2_get_error_message(why, (PCRE2_UCHAR *)message, sizeof message);
			rc = err_set(err, 1, "error parsing regexp: %s", message);
		}
	}
	free(t.out);
	memcpy(p->names, t.names, sizeof p->names);
	p->groups = t.groups;
	return rc;
}

static int
engine(struct pattern *p, struct slice text, struct err *err)
{
	if (compile(p, text, err) < 0)
		return -1;
	p->data = pcre2_match_data_create(PATTERN_GROUPS_MAX, NULL);
	p->limits = pcre2_match_context_create(NULL);
	if (p->data == NULL || p->limits == NULL)
		return err_set(err, 1, "no memory for a pattern");
	pcre2_set_match_limit(p->limits, MATCH_LIMIT);
	pcre2_set_depth_limit(p->limits, MATCH_LIMIT);
	pcre2_set_heap_limit(p->limits, HEAP_KIB_MAX);
	return 0;
}

struct pattern *
pattern_new(struct slice text, struct err *err)
{
	struct pattern *p;

	if (text.len > PATTERN_BYTES_MAX) {
		err_set(err, 1, "error parsing regexp: it has %zu bytes, the limit is %d", text.len,
		    PATTERN_BYTES_MAX);
		return NULL;
	}
	p = calloc(1, sizeof *p);
	if (p != NULL)
		p->text = malloc(text.len * 2 + 1);
	if (p == NULL || p->text == NULL) {
		err_set(err, 1, "no memory for a pattern");
		pattern_free(p);
		return NULL;
	}
	if (text.len > 0)
		memcpy(p->text, text.b, text.len);
	text.b = p->text;
	if (!take_words(p, text.b, text.b + text.len, p->text + text.len) && engine(p, text, err) < 0) {
		pattern_free(p);
		return NULL;
	}
	return p;
}

void
pattern_free(struct pattern *p)
{
	if (p == NULL)
		return;
	pcre2_code_free(p->code);
	pcre2_match_data_free(p->data);
	pcre2_match_context_free(p->limits);
	free(p->words);
	free(p->text);
	free(p);
}

/* What is no UTF-8 is to Go a U+FFFD for each byte: v so, in out; 0: too long for that. */
static size_t
mended(struct slice v, uint8_t *out, size_t cap)
{
	size_t n = 0, len;

	for (size_t i = 0; i < v.len; i += len) {
		const uint8_t *s = v.b + i;
		uint32_t c = s[0];
		bool good;

		len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
		good = c < 0x80 || (c >= 0xc2 && c <= 0xf4 && len <= v.len - i);
		for (size_t k = 1; good && k < len; k++)
			good = (s[k] & 0xc0) == 0x80;
		/* Too long for what it says, a surrogate, beyond the last. */
		good = good && !(c == 0xe0 && s[1] < 0xa0) && !(c == 0xed && s[1] >= 0xa0) &&
		    !(c == 0xf0 && s[1] < 0x90) && !(c == 0xf4 && s[1] >= 0x90);
		if (!good)
			len = 1;
		if (cap - n < 4)
			return 0;
		memcpy(out + n, good ? s : (const uint8_t *)"\xef\xbf\xbd", good ? len : 3);
		n += good ? len : 3;
	}
	return n;
}

/* The matcher that does not backtrack: no groups. */
static int
engine_plain(const struct pattern *p, struct slice v)
{
	int *room = malloc(WORKSPACE * sizeof *room), rc = PCRE2_ERROR_NOMEMORY;

	if (room != NULL)
		rc = pcre2_dfa_match(p->code, v.b, v.len, 0, 0, p->data, p->limits, room, WORKSPACE);
	free(room);
	return rc;
}

static bool
engine_matches(const struct pattern *p, struct slice v, struct slice *groups, uint32_t *gave_up)
{
	uint8_t room[2048];
	int rc = pcre2_match(p->code, v.b, v.len, 0, 0, p->data, p->limits);

	if (rc <= PCRE2_ERROR_UTF8_ERR1 && rc >= PCRE2_ERROR_UTF8_ERR21 && groups == NULL) {
		v = (struct slice){room, mended(v, room, sizeof room)};
		if (v.len > 0)
			rc = pcre2_match(p->code, v.b, v.len, 0, 0, p->data, p->limits);
	}
	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH && groups == NULL && v.len > 0)
		rc = engine_plain(p, v);
	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH && gave_up != NULL)
		(*gave_up)++;
	for (int i = 0; groups != NULL && i < rc; i++) {
		PCRE2_SIZE *at = pcre2_get_ovector_pointer(p->data) + (size_t)i * 2;

		if (at[0] != PCRE2_UNSET)
			groups[i] = (struct slice){v.b + at[0], at[1] - at[0]};
	}
	return rc >= 0;
}

bool
pattern_match(const struct pattern *p, struct slice value, struct slice *groups, uint32_t *gave_up)
{
	if (value.b == NULL)
		value.b = (const uint8_t *)"";
	for (uint32_t i = 0; groups != NULL && i < PATTERN_GROUPS_MAX; i++)
		groups[i] = (struct slice){0};
	for (uint32_t i = 0; i < p->words_count; i++)
		if (word_matches(&p->words[i], value)) {
			if (groups != NULL)
				groups[0] = groups[p->grouped] = value;
			return true;
		}
	return p->words_count == 0 && engine_matches(p, value, groups, gave_up);
}

/* --- replacements ------------------------------------------------------------------------------ */

static bool
is_name(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

/* What stands behind a '$' at s: bytes of it, or 0 when it is no reference. */
static size_t
take_reference(const uint8_t *s, size_t len, struct slice *name)
{
	size_t from = len > 0 && s[0] == '{', to = from;

	while (to < len && is_name(s[to]))
		to++;
	*name = (struct slice){s + from, to - from};
	if (to == from || (from > 0 && (to == len || s[to] != '}')))
		return 0;
	return to + from;
}

static struct slice
group_of(const struct pattern *p, struct slice name, const struct slice *groups)
{
	uint32_t n = 0;
	bool number = !(name.len > 1 && name.b[0] == '0');

	for (size_t i = 0; i < name.len && number; i++) {
		number = name.b[i] >= '0' && name.b[i] <= '9' && n < 100000000;
		n = n * 10 + (uint32_t)(name.b[i] - '0');
	}
	if (number)
		return n < PATTERN_GROUPS_MAX ? groups[n] : (struct slice){0};
	/* Of a name given twice the first that took part. */
	for (uint32_t i = 1; i <= p->groups; i++)
		if (slice_eq(p->names[i], name) && groups[i].b != NULL)
			return groups[i];
	return (struct slice){0};
}

int
pattern_expand(const struct pattern *p, struct slice with, const struct slice *groups, uint8_t *out,
    size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < with.len;) {
		struct slice piece = {with.b + i, 1}, name;
		size_t used = 0;

		if (with.b[i++] == '$') {
			if (i < with.len && with.b[i] == '$')
				i++;
			else if ((used = take_reference(with.b + i, with.len - i, &name)) > 0)
				piece = group_of(p, name, groups);
		}
		i += used;
		if (piece.len > cap - n)
			return -ERR_LONG;
		if (piece.len > 0)
			memcpy(out + n, piece.b, piece.len);
		n += piece.len;
	}
	return (int)n;
}
