/*
 * test_compare.c - one node's outlook on the wire, and many side by side: what
 * is a fault, what is none, and what a liar can do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../daemon/core/compare.h"

static struct node_id
id_of(int i)
{
	struct node_id id = {{(uint8_t)(i + 1)}};

	return id;
}

/* What node `who` sees: a letter a node, as of enum see. */
static struct outlook
outlook_of(int who, const char *letters)
{
	size_t n = strlen(letters);
	struct outlook o = {.id = id_of(who), .pinged = true, .grade = 2, .term = 4,
	    .has_leader = true, .leader = id_of(0), .count = (uint32_t)n};

	snprintf(o.name, sizeof o.name, "n%d", who + 1);
	o.rows = calloc(n + 1, sizeof *o.rows);
	assert_non_null(o.rows);
	for (size_t i = 0; i < n; i++) {
		struct outlook_row *r = &o.rows[i];

		*r = (struct outlook_row){.id = id_of((int)i), .rtt_ms = -1, .seen_ms = 5};
		snprintf(r->name, sizeof r->name, "n%zu", i + 1);
		r->state = letters[i] == '?' ? 1 : letters[i] == 'x' ? 2 : letters[i] == '-' ? 3 : 0;
		r->flags = letters[i] == '+' ? OUTLOOK_ASKED | OUTLOOK_ANSWERED | OUTLOOK_HEARD :
		    letters[i] == '>'	     ? OUTLOOK_ASKED | OUTLOOK_HEARD :
		    letters[i] == '!'	     ? OUTLOOK_ASKED :
		    letters[i] == 'u'	     ? OUTLOOK_ASKED | OUTLOOK_BLOCKED :
						     0;
	}
	return o;
}

static struct compare *
compare_of(const char *const *rows, uint32_t n)
{
	struct compare *c = compare_new(n);
	char name[8];

	assert_non_null(c);
	for (uint32_t i = 0; i < n; i++) {
		struct node_id id = id_of((int)i);

		snprintf(name, sizeof name, "n%u", i + 1);
		compare_know(c, &id, name, i == 0);
	}
	for (uint32_t i = 0; i < n; i++) {
		if (rows[i] == NULL) {
			compare_silent(c, i, true, "timed out");
			continue;
		}
		struct outlook o = outlook_of((int)i, rows[i]);
		assert_int_equal(compare_answer(c, i, &o), 0);
		outlook_free(&o);
	}
	return c;
}

static void
judged(const char *const *rows, uint32_t n, const char *const *texts, uint32_t faults)
{
	struct compare *c = compare_of(rows, n);

	compare_judge(c);
	for (uint32_t i = 0; i < faults && i < c->faults_count; i++)
		assert_string_equal(c->faults[i].text, texts[i]);
	assert_int_equal(c->faults_count, faults);
	compare_free(c);
}
#define JUDGED(rows, ...)                                                                          \
	judged(rows, ARRAY_LEN(rows), (const char *const[]){__VA_ARGS__},                          \
	    ARRAY_LEN(((const char *const[]){__VA_ARGS__})))

static void
the_same_again(void **state)
{
	struct outlook o = outlook_of(1, "+*x?-"), back;
	struct blob b;

	(void)state;
	o.rows[0].rtt_ms = 7;
	o.rows[2].seen_ms = -1;
	assert_int_equal(outlook_pack(&o, &b), 0);
	assert_int_equal(outlook_read(b.b, b.len, &back), 0);
	assert_memory_equal(&back.id, &o.id, sizeof o.id);
	assert_string_equal(back.name, "n2");
	assert_int_equal(back.count, 5);
	assert_true(back.has_leader && back.pinged && back.term == 4 && back.grade == 2);
	assert_memory_equal(back.rows, o.rows, 5 * sizeof *o.rows);
	/* Cut anywhere it is refused, and frees what it took. */
	outlook_free(&back);
	for (size_t len = 0; len < b.len; len++) {
		assert_true(outlook_read(b.b, len, &back) < 0);
		assert_null(back.rows);
	}
	blob_free(&b);
	outlook_free(&o);
}

static void
hostile(void **state)
{
	static const char id[] = "\xc4\x10" "0123456789abcdef";
	static const struct {
		const char *row;
		size_t len;
	} tails[] = {
#define TAIL(t) {t, sizeof(t) - 1}
	    TAIL("\xa1" "A\x00\x00\xff\xff"),	 /* a name that is none */
	    TAIL("\xa3" "a\x1b[\x00\x00\xff\xff"),
	    TAIL("\xa1" "a\x04\x00\xff\xff"),	 /* state 4 */
	    TAIL("\xa1" "a\x00\xcd\x01\x00\xff\xff"), /* flags 256 */
	    TAIL("\xa1" "a\x00\x00\xfe\xff"),	 /* rtt -2 */
	    TAIL("\xa1" "a\x00\x00\xff\x91\x91\x91\x91\x91\xc0"), /* deep */
	};
	static const uint8_t many[] = {0xdd, 0xff, 0xff, 0xff, 0xff};
	uint8_t buf[256];
	struct outlook o;

	(void)state;
	assert_true(outlook_read(many, sizeof many, &o) < 0);
	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		size_t n = 0;

		buf[n++] = 0x99;
		buf[n++] = 1;
		memcpy(buf + n, id, 18);
		n += 18;
		memcpy(buf + n, "\xa1n\x02\x04\xc0\x00\xc3\x91\x96", 9);
		n += 9;
		memcpy(buf + n, id, 18);
		n += 18;
		memcpy(buf + n, tails[i].row, tails[i].len);
		assert_true(outlook_read(buf, n + tails[i].len, &o) < 0);
		assert_null(o.rows);
		/* So it is that part which is wrong. */
		memcpy(buf + n, "\xa1" "a\x00\x00\xff\xff", 6);
		assert_int_equal(outlook_read(buf, n + 6, &o), 0);
		assert_int_equal(o.count, 1);
		outlook_free(&o);
	}
}

static void
no_fault(void **state)
{
	static const char *const whole[] = {"*++", "+*+", "++*"};
	static const char *const gone[] = {"*+-", "+*", "+*"};
	static const char *const dead[] = {"*+x", "+*x", "+*x"};
	struct compare *c;

	(void)state;
	judged(whole, 3, NULL, 0);
	judged(dead, 2, NULL, 0); /* and n3, which all call dead, is a column, no fault */
	/* Who left is forgotten at different times. */
	c = compare_of(gone, 2);
	compare_judge(c);
	assert_int_equal(c->faults_count, 0);
	compare_free(c);
}

static void
paths(void **state)
{
	static const char *const one_way[] = {"*>+", "!*+", "++*"};
	static const char *const half_told[] = {"*>+", NULL, "++*"};
	static const char *const none[] = {"*!+", "!*+", "++*"};
	static const char *const deaf[] = {"*!+", NULL, "++*"};
	static const char *const lossy[] = {"*>+", "+*+", "++*"};
	static const char *const blocked[] = {"*u+", "u*+", "++*"};
	static const char *const half_known[] = {"*!+", "u*+", "++*"};

	(void)state;
	JUDGED(lossy,
	    "n1 <-> n2: packets are lost: three pings of n1 in vain, while n2's were answered");
	JUDGED(blocked, "n1 <-> n2: UDP is blocked: only TCP passes, and nobody leads over that");
	JUDGED(half_known, "n2 <-> n1: UDP is blocked: only TCP passes, and nobody leads over that");
	JUDGED(one_way, "n1 -> n2: one way: n1 hears n2, but what it sends does not arrive");
	JUDGED(half_told, "n1 -> n2: one way: n1 hears n2, but what it sends does not arrive",
	    "n2 did not answer: timed out");
	JUDGED(none, "n1 <-> n2: no path: nothing arrives, though others reach both");
	JUDGED(deaf, "n1 <-> n2: no path: nothing arrives, though others reach both",
	    "n2 did not answer: timed out");
}

static void
tables_disagree(void **state)
{
	static const char *const rows[] = {"*++x", "+*++", "++*x", "+++*"};
	static const char *const five[] = {"*++++?", "+*+++x", "++*+++", "+++*++", "++++*+", NULL};

	(void)state;
	JUDGED(rows, "n4: alive for n2, n4; failed for n1, n3");
	JUDGED(five, "n6: alive for n3, n4, n5; suspect for n1; failed for n2",
	    "n6 did not answer: timed out");
}

static void
two_leaders(void **state)
{
	static const char *const rows[] = {"*++", "+*+", "++*"};
	struct compare *c = compare_of(rows, 3);

	(void)state;
	c->nodes[2].leader = id_of(2);
	c->nodes[2].term = 9;
	c->nodes[1].has_leader = false;
	compare_judge(c);
	assert_int_equal(c->faults_count, 3);
	assert_string_equal(c->faults[0].text, "n1 leads (term 4) for n1");
	assert_string_equal(c->faults[1].text, "nobody leads for n2");
	assert_string_equal(c->faults[2].text, "n3 leads (term 9) for n3");
	compare_free(c);
}

/* Nodes that only others know get a place as long as there are some; and no more
 * faults are kept than may be, but counted. */
static void
bounded(void **state)
{
	char row[COMPARE_STRANGERS_MAX + 12];
	static char bad[40][41];
	const char *rows[40];
	struct compare *c = compare_new(2);
	struct node_id a = id_of(0), b = id_of(1);
	struct outlook o;

	(void)state;
	compare_know(c, &a, "n1", true);
	compare_know(c, &b, "n2", false);
	memset(row, '+', sizeof row - 1);
	row[sizeof row - 1] = '\0';
	row[sizeof row - 2] = '-'; /* gone: no stranger */
	o = outlook_of(1, row);
	assert_int_equal(compare_answer(c, 0, &o), -ERR_IDENTITY);
	assert_int_equal(compare_answer(c, 1, &o), 0);
	assert_int_equal(c->count, 2 + COMPARE_STRANGERS_MAX);
	assert_int_equal(c->unlisted, sizeof row - 1 - 2 - COMPARE_STRANGERS_MAX - 1);
	assert_true(c->nodes[2].stranger);
	compare_judge(c);
	outlook_free(&o);
	compare_free(c);
	for (int i = 0; i < 40; i++) {
		memset(bad[i], '!', 40);
		bad[i][i] = '*';
		rows[i] = bad[i];
	}
	c = compare_of(rows, 40);
	compare_judge(c);
	assert_int_equal(c->faults_count, COMPARE_FAULTS_MAX);
	assert_int_equal(c->faults_more, 40 * 39 / 2 - COMPARE_FAULTS_MAX);
	compare_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_same_again),
	    cmocka_unit_test(hostile),
	    cmocka_unit_test(no_fault),
	    cmocka_unit_test(paths),
	    cmocka_unit_test(tables_disagree),
	    cmocka_unit_test(two_leaders),
	    cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
