/*
 * answer.c - the two directions of the control socket's msgpack.
 *
 * An answer carries what scripts, templates and containers wrote, and may come
 * from a daemon of another version: it is read with the bounded reader only,
 * and becomes JSON values whose depth and number are bounded too.
 */
#include "answer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../gossip/mp.h"
#include "../../gossip/mpw.h"
#include "../base/ctl.h"
#include "../base/own.h"
#include "text.h"

/* --- request ------------------------------------------------------------ */

enum { TEXTS_MAX = 12 };
_Static_assert((size_t)ANSWER_REQUEST_CAP <= CTL_REQUEST_BYTES_MAX, "the daemon takes it");

struct arg {
	const char *key;
	const char *text; /* NULL = nil */
};

/* What the words of the line are called in a request. */
static size_t
text_args(const struct args *a, struct arg out[TEXTS_MAX])
{
	static const char *const keys[] = {[OPERAND_ROLE] = "role",
	    [OPERAND_SANDBOX] = "sandbox",
	    [OPERAND_INSTANCE] = "instance",
	    [OPERAND_STAMP] = "stamp",
	    [OPERAND_SEED] = "seed",
	    [OPERAND_NODE] = "node",
	    [OPERAND_WORD] = NULL,
	    [OPERAND_FILE] = NULL,
	    [OPERAND_EXPR] = "expr",
	    [OPERAND_TOKEN] = NULL};
	const char *key = keys[a->verb->operand];
	size_t n = 0;

	if (a->verb->operand == OPERAND_WORD && a->verb->words[1] != NULL)
		key = "command";
	if (key != NULL && a->asks == NULL)
		out[n++] = (struct arg){key, a->operand};
	if (a->act_name != NULL)
		out[n++] = (struct arg){"name", a->act_name};
	if (a->act_role != NULL)
		out[n++] = (struct arg){"role", a->act_role};
	if (a->retry != NULL)
		out[n++] = (struct arg){"retry", a->retry};
	if (a->drop != NULL)
		out[n++] = (struct arg){"drop", a->drop};
	if (a->node != NULL && a->act_name == NULL)
		out[n++] = (struct arg){"node", a->node};
	if (a->second != NULL && a->act_name == NULL &&
	    (a->verb->second == OPERAND_NODE || a->verb->second == OPERAND_NODES))
		out[n++] = (struct arg){"other", a->second};
	if (a->second != NULL && a->verb->second == OPERAND_STAMP)
		out[n++] = (struct arg){"stamp", a->second};
	if (a->second != NULL && a->verb->second == OPERAND_COMMAND)
		out[n++] = (struct arg){"command", a->second};
	if (a->to != NULL)
		out[n++] = (struct arg){"to", a->to};
	if (a->status != NULL)
		out[n++] = (struct arg){"status", a->status};
	if (a->tag != NULL)
		out[n++] = (struct arg){"tag", a->tag};
	if (a->name != NULL)
		out[n++] = (struct arg){"name", a->name};
	if (a->lost != NULL)
		out[n++] = (struct arg){"lost", a->lost};
	if (a->sigs[0] != '\0')
		out[n++] = (struct arg){"sigs", a->sigs};
	if (a->cert[0] != '\0') {
		out[n++] = (struct arg){"ca", a->ca};
		out[n++] = (struct arg){"cert", a->cert};
	}
	if (a->sig[0] != '\0') {
		out[n++] = (struct arg){"token", a->token};
		out[n++] = (struct arg){"sig", a->sig};
	}
	return n;
}

/* --since is judged here, line by line, so the daemon must send them all. */
static int64_t
lines_wanted(const struct args *a)
{
	if (a->given[OPT_SINCE] && !a->given[OPT_LINES])
		return ARGS_LINES_MAX;
	return a->lines;
}

/* Of an action. */
static void
put_pairs(struct mpw *w, const struct args *a)
{
	if (a->act_name == NULL)
		return;
	mpw_cstr(w, "args");
	mpw_array(w, (uint32_t)a->pairs_count);
	for (size_t i = 0; i < a->pairs_count; i++)
		mpw_cstr(w, a->pairs[i]);
}

size_t
answer_request(uint8_t *out, size_t cap, const struct args *a)
{
	static const struct {
		enum option option;
		const char *key;
	} flags[] = {{OPT_FOLLOW, "follow"}, {OPT_FORCE, "force"}, {OPT_COMPARE, "compare"},
	    {OPT_MATRIX, "matrix"}, {OPT_STOP, "stop"}, {OPT_KEEP, "keep"}, {OPT_LAST, "last"},
	    {OPT_CANCEL, "cancel"}, {OPT_RELEASE, "cancel"}, {OPT_YES, "yes"}, {OPT_FORGET, "forget"}};
	uint64_t takes = a->verb->options;
	const struct {
		const char *key;
		int64_t value;
	} numbers[] = {{"number", a->number}, {"start_ms", a->from_ms}, {"end_ms", a->to_ms}, {"timeout_ms", a->wait_ms},
	    {"step_ms", a->from_ms > 0 ? a->step_ms : 0}};
	struct arg texts[TEXTS_MAX];
	size_t texts_count = text_args(a, texts);
	uint32_t count = (uint32_t)texts_count;
	struct mpw w;

	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		count += (takes & OPT_BIT(flags[i].option)) != 0;
	count += (takes & OPT_BIT(OPT_LINES)) != 0;
	count += a->given[OPT_SINCE];
	count += a->looks;
	count += a->act_name != NULL;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		count += numbers[i].value > 0;
	mpw_init(&w, out, cap);
	mpw_map(&w, 2);
	mpw_cstr(&w, "verb");
	mpw_cstr(&w, a->asks != NULL ? a->asks : a->verb->name);
	mpw_cstr(&w, "args");
	mpw_map(&w, count);
	for (size_t i = 0; i < texts_count; i++) {
		mpw_cstr(&w, texts[i].key);
		if (texts[i].text != NULL)
			mpw_cstr(&w, texts[i].text);
		else
			mpw_nil(&w);
	}
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if ((takes & OPT_BIT(flags[i].option)) == 0)
			continue;
		mpw_cstr(&w, flags[i].key);
		mpw_bool(&w, a->given[flags[i].option]);
	}
	if ((takes & OPT_BIT(OPT_LINES)) != 0) {
		mpw_cstr(&w, "lines");
		mpw_int(&w, lines_wanted(a));
	}
	if (a->given[OPT_SINCE]) {
		mpw_cstr(&w, "since_ms");
		mpw_int(&w, a->since_ms);
	}
	put_pairs(&w, a);
	if (a->looks) {
		mpw_cstr(&w, "look");
		mpw_bool(&w, true);
	}
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		if (numbers[i].value <= 0)
			continue;
		mpw_cstr(&w, numbers[i].key);
		mpw_int(&w, numbers[i].value);
	}
	assert(!w.full); /* operands are bounded by args_parse */
	return w.len;
}

/* --- msgpack to JSON ------------------------------------------------------ */

struct decoder {
	struct mp r;
	int32_t left; /* values that may still be made */
};

static json_t *decode(struct decoder *d);

/* JSON has only UTF-8: other bytes are written out as \xNN. */
static json_t *
decode_str(struct decoder *d)
{
	const char *s;
	size_t len;

	if (mp_str(&d->r, &s, &len) < 0)
		return NULL;
	json_t *v = json_stringn(s, len);
	if (v != NULL)
		return v;
	AUTO_FREE char *clean = text_clean(s, len, true);
	return json_string(clean);
}

static json_t *
decode_bin(struct decoder *d)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p;
	size_t len;

	if (mp_bin(&d->r, &p, &len) < 0)
		return NULL;
	AUTO_FREE char *hex = malloc(2 * len + 1);
	if (hex == NULL)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		hex[2 * i] = digits[p[i] >> 4];
		hex[2 * i + 1] = digits[p[i] & 15];
	}
	return json_stringn(hex, 2 * len);
}

static json_t *
decode_number(struct decoder *d)
{
	double real;
	int64_t n;

	if (mp_peek(&d->r) == MP_INT && mp_int(&d->r, &n) == 0)
		return json_integer(n);
	/* A double, or an integer above what JSON values hold here. */
	if (mp_double(&d->r, &real) < 0)
		return NULL;
	if (isfinite(real))
		return json_real(real);
	/* As Prometheus says them, for JSON has no number for them. */
	return json_string(isnan(real) ? "NaN" : real > 0 ? "+Inf" : "-Inf");
}

static json_t *
decode_array(struct decoder *d)
{
	json_t *list = json_array();
	uint32_t count;

	if (list == NULL || mp_array(&d->r, &count) < 0) {
		json_decref(list);
		return NULL;
	}
	for (uint32_t i = 0; i < count; i++) {
		json_t *item = decode(d);

		if (item == NULL || json_array_append_new(list, item) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* A key as a malloc'd string; NULL when it is neither string nor integer. */
static char *
decode_key(struct decoder *d)
{
	char *key = NULL;
	const char *s;
	size_t len;
	int64_t n;

	if (mp_str(&d->r, &s, &len) == 0)
		return text_clean(s, len, false);
	if (mp_int(&d->r, &n) < 0 || asprintf(&key, "%lld", (long long)n) < 0)
		return NULL;
	return key;
}

/* One pair; a key that is there twice would hide a value, so it is refused. */
static bool
decode_pair(struct decoder *d, json_t *map)
{
	AUTO_FREE char *key = decode_key(d);

	if (key == NULL || json_object_get(map, key) != NULL)
		return false;
	json_t *value = decode(d);
	return value != NULL && json_object_set_new(map, key, value) == 0;
}

static json_t *
decode_map(struct decoder *d)
{
	json_t *map = json_object();
	uint32_t count;

	if (map == NULL || mp_map(&d->r, &count) < 0) {
		json_decref(map);
		return NULL;
	}
	for (uint32_t i = 0; i < count; i++)
		if (!decode_pair(d, map)) {
			json_decref(map);
			return NULL;
		}
	return map;
}

/* Recursion is bounded by the reader's depth. */
static json_t *
decode(struct decoder *d)
{
	bool flag;

	if (d->left-- <= 0)
		return NULL;
	switch (mp_peek(&d->r)) {
	case MP_NIL:
		return mp_nil(&d->r) == 0 ? json_null() : NULL;
	case MP_BOOL:
		return mp_bool(&d->r, &flag) == 0 ? json_boolean(flag) : NULL;
	case MP_INT:
	case MP_DOUBLE:
		return decode_number(d);
	case MP_STR:
		return decode_str(d);
	case MP_BIN:
		return decode_bin(d);
	case MP_ARRAY:
		return decode_array(d);
	case MP_MAP:
		return decode_map(d);
	case MP_EXT:
	case MP_NONE:
		return NULL;
	}
	return NULL;
}

json_t *
answer_json(const uint8_t *buf, size_t len, size_t *at)
{
	struct decoder d = {.left = ANSWER_VALUES_MAX};

	mp_init(&d.r, buf, len, CTL_DEPTH_MAX);
	json_t *v = decode(&d);
	*at = d.r.off;
	if (v != NULL && mp_end(&d.r) == 0)
		return v;
	json_decref(v);
	return NULL;
}

/* --- answer --------------------------------------------------------------- */

/* An error of the daemon may quote a script or an image: only text is left. */
static char *
take_text(const json_t *answer, const char *key)
{
	const char *s = json_string_value(json_object_get(answer, key));

	return text_clean(s != NULL ? s : "", s != NULL ? strlen(s) : 0, true);
}

int
answer_open(struct answer *a, const uint8_t *buf, size_t len, struct err *err)
{
	size_t at;
	json_t *v = answer_json(buf, len, &at);
	const json_t *ok = json_object_get(v, "ok");

	*a = (struct answer){.code = 1};
	if (!json_is_boolean(ok)) {
		json_decref(v);
		err_set(err, 1,
		    "the daemon's answer is not understood (at byte %zu of "
		    "%zu); is meshd of version " MESH_VERSION "?",
		    at, len);
		return -1;
	}
	a->ok = json_is_true(ok);
	a->more = json_is_true(json_object_get(v, "more"));
	if (a->ok) {
		json_t *data = json_object_get(v, "data");

		a->data = data != NULL ? json_incref(data) : json_null();
	} else {
		json_int_t code = json_integer_value(json_object_get(v, "code"));

		a->code = code >= 1 && code <= 125 ? (int)code : 1;
		a->error = take_text(v, "error");
		a->hint = take_text(v, "hint");
	}
	json_decref(v);
	return 0;
}

void
answer_free(struct answer *a)
{
	json_decref(a->data);
	free(a->error);
	free(a->hint);
	*a = (struct answer){0};
}
