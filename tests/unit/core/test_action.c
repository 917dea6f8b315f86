/*
 * One action: what a command line may say, its bytes and back, and bytes that are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../daemon/core/action.h"

static int
make(struct action *a, struct err *err, const char *role, const char *name,
    const char *const *words, size_t count)
{
	struct slice args[32];

	for (size_t i = 0; i < count; i++)
		args[i] = (struct slice){(const uint8_t *)words[i], strlen(words[i])};
	return action_make(a, role, name, args, count, err);
}

static void
is_made(void **state)
{
	static const char *const words[] = {"zone=b", "count=5", "note=für später"};
	char value[ACTION_VALUE_BYTES_MAX + 1], line[ACTION_LINE_CAP];
	struct action a;
	struct err err;

	(void)state;
	assert_int_equal(make(&a, &err, "web", "scale", words, 3), 0);
	assert_true(action_arg(&a, "count", value));
	assert_string_equal(value, "5");
	assert_false(action_arg(&a, "counts", value));
	action_line(line, &a);
	assert_string_equal(line, "scale web count=5 note=für später zone=b");
	assert_int_equal(make(&a, &err, "", "drain", words, 0), 0);
	action_line(line, &a);
	assert_string_equal(line, "drain");
}

static void
is_refused(void **state)
{
	static char long_value[300] = "k=", big[8][256];
	static const struct {
		const char *role, *name, *words[2];
		const char *says;
	} bad[] = {
	    {"We b", "scale", {NULL}, "the role is not a name ([a-z0-9][a-z0-9_.-]{0,62})"},
	    {"web", "", {NULL}, "the action is not a name ([a-z0-9][a-z0-9_.-]{0,62})"},
	    {"web", "scale", {"count"}, "'count' is not KEY=VALUE"},
	    {"web", "scale", {""}, "'' is not KEY=VALUE"},
	    {"web", "scale", {"=5"}, "'=5': the key is not a name ([a-z0-9][a-z0-9_.-]{0,62})"},
	    {"web", "scale", {"a=1", "a=2"}, "a is given twice"},
	    {"web", "scale", {"a=\x1b[2J"}, "a: the value is not one line of UTF-8 text"},
	    {"web", "scale", {"a=x\ny"}, "a: the value is not one line of UTF-8 text"},
	    {"web", "scale", {"a=\xff"}, "a: the value is not one line of UTF-8 text"},
	    {"web", "scale", {"a=\xc2\x9b"}, "a: the value is not one line of UTF-8 text"},
	    {"web", "scale", {long_value}, "k: the value is 297 bytes long; at most 256"},
	};
	const char *many[17], *wide[8];
	struct action a;
	struct err err;

	(void)state;
	memset(long_value + 2, 'x', sizeof long_value - 3);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		size_t n = bad[i].words[0] == NULL ? 0 : bad[i].words[1] == NULL ? 1 : 2;

		assert_true(make(&a, &err, bad[i].role, bad[i].name, bad[i].words, n) < 0);
		assert_string_equal(err.text, bad[i].says);
	}
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = "a=1";
	assert_true(make(&a, &err, "web", "scale", many, 17) < 0);
	assert_string_equal(err.text, "17 arguments; at most 16");
	for (size_t i = 0; i < ARRAY_LEN(wide); i++) {
		snprintf(big[i], sizeof big[i], "k%zu=%0200d", i, 0);
		wide[i] = big[i];
	}
	assert_true(make(&a, &err, "web", "scale", wide, 8) < 0);
	assert_string_equal(err.text, "the arguments are too long together; at most 600 bytes");
}

static void
has_an_id(void **state)
{
	static const char *const none[] = {"", "n2", "n2.", ".5", "n2.0", "n2.05", "n2.-1", "n2.1x",
	    "n2.99999999999999999999", "N2.1", "n2. 1"};
	char id[ACTION_ID_CAP], node[NAME_CAP];
	uint64_t number;

	(void)state;
	action_id(id, "n2.lan", 17);
	assert_string_equal(id, "n2.lan.17");
	assert_true(action_id_parse(id, node, &number));
	assert_string_equal(node, "n2.lan");
	assert_int_equal(number, 17);
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		assert_false(action_id_parse(none[i], node, &number));
}

static void
a_long_line_is_cut_between_characters(void **state)
{
	char word[ACTION_VALUE_BYTES_MAX], line[ACTION_LINE_CAP];
	const char *const words[] = {word};
	struct action a;
	struct err err;

	(void)state;
	for (size_t pad = 0; pad < 3; pad++) {
		memset(word, 0, sizeof word);
		memcpy(word, "k=aa", 2 + pad);
		while (strlen(word) + 3 < sizeof word)
			strcat(word, "\xe2\x82\xac");
		assert_int_equal(make(&a, &err, "web", "scale", words, 1), 0);
		action_line(line, &a);
		assert_true(strlen(line) < ACTION_LINE_CAP);
		char text[ACTION_TEXT_CAP];
		action_text(text, line, strlen(line));
		assert_null(strchr(text, '?'));
	}
}

static void
harmful_text_is_made_harmless(void **state)
{
	char text[ACTION_TEXT_CAP], longer[500];

	(void)state;
	action_text(text, "a\x1b[1m\nb\xff" "c", 9);
	assert_string_equal(text, "a?[1m b?c");
	memset(longer, 'x', sizeof longer);
	memcpy(longer + ACTION_TEXT_CAP - 3, "\xe2\x82\xac", 3);
	action_text(text, longer, sizeof longer);
	assert_int_equal(strlen(text), ACTION_TEXT_CAP - 3);
}

/* --- bytes ------------------------------------------------------------------------------ */

static struct action_bundle bundle, again;
static uint8_t buf[ACTION_BUNDLE_BYTES_MAX], buf2[ACTION_BUNDLE_BYTES_MAX];

static size_t
full_bundle(void)
{
	static char word[3][256];
	const char *words[3] = {word[0], word[1], word[2]};
	struct err err;

	memset(&bundle, 0, sizeof bundle);
	for (size_t i = 0; i < 3; i++) {
		snprintf(word[i], sizeof word[i], "k%zu=", i);
		memset(word[i] + 3, 'v', 185);
	}
	bundle.turn = INT64_MAX;
	bundle.last = INT64_MAX;
	bundle.count = ACTION_QUEUE_MAX;
	for (uint32_t i = 0; i < bundle.count; i++) {
		struct action *a = &bundle.actions[i];
		char name[NAME_CAP];

		memset(name, 'n', NAME_CAP - 1);
		name[NAME_CAP - 1] = '\0';
		assert_int_equal(make(a, &err, name, name, words, 3), 0);
		a->number = INT64_MAX - ACTION_QUEUE_MAX + i;
		a->stamp_ms = INT64_MAX;
		a->uid = UINT32_MAX;
		a->tries = ACTION_TRIES_MAX;
		memset(a->error, 'e', ACTION_TEXT_CAP - 1);
	}
	return action_bundle_pack(buf, &bundle);
}

static void
the_largest_bundle_fits_a_question(void **state)
{
	size_t len = full_bundle();

	(void)state;
	assert_true(len <= ACTION_BUNDLE_BYTES_MAX);
	assert_int_equal(action_bundle_read(&again, buf, len), 0);
	assert_int_equal(again.count, ACTION_QUEUE_MAX);
	assert_int_equal(action_bundle_pack(buf2, &again), len);
	assert_memory_equal(buf, buf2, len);
}

static void
every_cut_bundle_is_refused(void **state)
{
	size_t len;

	(void)state;
	full_bundle();
	bundle.count = 2;
	len = action_bundle_pack(buf, &bundle);
	for (size_t i = 0; i < len; i++) {
		uint8_t *exact = malloc(i + 1); /* so that a sanitizer sees a byte too far */

		memcpy(exact, buf, i);
		assert_true(action_bundle_read(&again, exact, i) < 0);
		assert_int_equal(again.count, 0);
		free(exact);
	}
	buf[len] = 0xc0;
	assert_true(action_bundle_read(&again, buf, len + 1) < 0);
}

static void
numbers_rise_and_are_known(void **state)
{
	size_t len;

	(void)state;
	full_bundle();
	bundle.count = 2;
	bundle.actions[1].number = bundle.actions[0].number;
	len = action_bundle_pack(buf, &bundle);
	assert_int_equal(action_bundle_read(&again, buf, len), -ERR_MALFORMED);
	full_bundle();
	bundle.last = bundle.actions[3].number - 1;
	len = action_bundle_pack(buf, &bundle);
	assert_int_equal(action_bundle_read(&again, buf, len), -ERR_MALFORMED);
}

static void
fields_that_are_none(void **state)
{
	/* [1, 1, 9, [[number, stamp, uid, tries, aside, role, name, args, error]]] */
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
#define HEAD "\x94\x01\x01\x09\x91\x99"
#define ROW(x) {HEAD x, sizeof(HEAD x) - 1}
	    ROW("\x00\x02\x00\x00\xc2\xa0\xa1" "a\x80\xa0"), /* number 0 */
	    ROW("\x01\x02\x00\x04\xc2\xa0\xa1" "a\x80\xa0"), /* four tries */
	    ROW("\x01\x02\x00\x00\x00\xa0\xa1" "a\x80\xa0"), /* aside is no truth */
	    ROW("\x01\x02\x00\x00\xc2\xa1/\xa1" "a\x80\xa0"), /* role is a path */
	    ROW("\x01\x02\x00\x00\xc2\xa0\xa0\x80\xa0"), /* no name */
	    ROW("\x01\x02\x00\x00\xc2\xa0\xa1" "a\x90\xa0"), /* args are a list */
	    ROW("\x01\x02\x00\x00\xc2\xa0\xa1" "a\x81\xa1k\x05\xa0"), /* a value is no text */
	    ROW("\x01\x02\x00\x00\xc2\xa0\xa1" "a\x82\xa1k\xa0\xa1k\xa0\xa0"), /* twice */
	    ROW("\x01\x02\x00\x00\xc2\xa0\xa1" "a\x80\xa1\x1b"), /* an escape */
	    ROW("\x01\x02\x00\x00\xc2\xa0\xa1" "a\xdf\xff\xff\xff\xff\xa0"), /* 4 G arguments */
	    {"\x94\x02\x01\x09\x90", 5}, /* another format */
	    {"\x93\x01\x01\x09", 4}, /* too few fields */
	    {"\x94\x01\x01\x09\xdd\xff\xff\xff\xff", 9}, /* 4 G actions */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_true(action_bundle_read(&again, (const uint8_t *)bad[i].bytes, bad[i].len) < 0);
	/* One more field, of a newer one. */
	assert_int_equal(action_bundle_read(&again, (const uint8_t *)"\x95\x01\x01\x09\x90\xc0", 6), 0);
}

static void
words_and_back(void **state)
{
	static struct action_words w, v;
	size_t len;

	(void)state;
	w.count = 2;
	w.words[0] = (struct action_word){5, ACTION_ASIDE, 3, "main.lua:5: no"};
	w.words[1] = (struct action_word){6, ACTION_WAITS, 0, ""};
	len = action_words_pack(buf, &w);
	assert_int_equal(action_words_read(&v, buf, len), 0);
	assert_int_equal(v.count, 2);
	assert_int_equal(v.words[0].state, ACTION_ASIDE);
	assert_string_equal(v.words[0].text, "main.lua:5: no");
	for (size_t i = 0; i < len; i++)
		assert_true(action_words_read(&v, buf, i) < 0);
	w.words[1].state = ACTION_STATES;
	len = action_words_pack(buf, &w);
	assert_int_equal(action_words_read(&v, buf, len), -ERR_RANGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(is_made),
	    cmocka_unit_test(is_refused),
	    cmocka_unit_test(has_an_id),
	    cmocka_unit_test(a_long_line_is_cut_between_characters),
	    cmocka_unit_test(harmful_text_is_made_harmless),
	    cmocka_unit_test(the_largest_bundle_fits_a_question),
	    cmocka_unit_test(every_cut_bundle_is_refused),
	    cmocka_unit_test(numbers_rise_and_are_known),
	    cmocka_unit_test(fields_that_are_none),
	    cmocka_unit_test(words_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
