/*
 * A plan signed, carried and read back; and whatever is not exactly that,
 * refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "../../../daemon/core/partcode.h"
#include "../../../daemon/core/schedule.h"
#include "mpjson.h"
#include "world.h"

#define ANSWER                                                                             \
	"{'nodes': {'a': {'vars': {'n': 1}, 'roles': {'web': {'sandbox': 'web', 'vars': {'p': 2},"  \
	" 'instances': {'web.1': {'process': 'httpd', 'image': 'web-v1', 'vars': {'port': 80}}}}}},"\
	" 'b': {'roles': {'web': {'sandbox': 'web', 'version': 'v2', 'instances': {'web.2': {'process': 'httpd',"    \
	" 'image': 'web-v2'}}}}}}, 'roles': {'front': {'on_split': 'exclusive'}, 'web': {"               \
	" 'on_split': 'replace', 'version': 'v1', 'vars': {'x': [1]}, 'update': {'step': 2}}},"     \
	" 'state': {'count': %d}, 'vars': {'g': true}, 'why': {'web.1': 'sticky'}, 'changes': ['up']}"

static struct plan
plan_of(const char *text)
{
	struct view_node nodes[] = {world_node("a"), world_node("b")};
	struct plan_world w = {nodes, 2, NULL, 0};
	struct blob b = mpjson(text);
	struct plan p;
	struct err err;

	if (plan_check(b.b, b.len, &w, &p, &err) != 0)
		fail_msg("%s", err.text);
	blob_free(&b);
	return p;
}

static struct plan
answer(int count)
{
	char text[2048];

	snprintf(text, sizeof text, ANSWER, count);
	return plan_of(text);
}

static struct schedule_meta
meta_of(uint64_t seq)
{
	struct schedule_meta m;
	struct hash h;

	memset(&m, 0, sizeof m);
	world_hash(NULL, &h, world_pk, KEY_BYTES);
	m.stamp.term = 7;
	memcpy(m.stamp.leader.b, h.b, ID_BYTES);
	m.stamp.seq = seq;
	m.grade = MESH_GRADE_FULL;
	m.at_ms = 1700000000000;
	memcpy(m.pk, world_pk, KEY_BYTES);
	return m;
}

static struct schedule
build(const struct plan *p, uint64_t seq)
{
	struct schedule_meta m = meta_of(seq);
	struct crypto c = world_crypto();
	struct schedule s;
	struct err err;

	if (schedule_build(&s, p, &m, &c, &err) != 0)
		fail_msg("%s", err.text);
	return s;
}

static void
there_and_back(void **state)
{
	(void)state;
	struct crypto c = world_crypto();
	struct plan p = answer(3), q;
	struct schedule_meta m = meta_of(5);
	struct schedule s, t;
	struct err err;

	m.parents_count = 2;
	m.parents[0].stamp = (struct stamp){.term = 6, .seq = 9};
	memset(m.parents[1].hash.b, 3, HASH_BYTES);
	assert_int_equal(schedule_build(&s, &p, &m, &c, &err), 0);
	assert_int_equal(s.parts_count, 5);
	assert_true(schedule_complete(&s, false));
	assert_int_equal(schedule_open(&t, s.header.b, s.header.len, &c), 0);
	assert_true(hash_eq(&s.hash, &t.hash));
	assert_int_equal(stamp_cmp(&t.meta.stamp, &m.stamp), 0);
	assert_int_equal(t.meta.grade, MESH_GRADE_FULL);
	assert_int_equal(t.meta.at_ms, 1700000000000);
	assert_int_equal(t.meta.parents_count, 2);
	assert_int_equal(t.meta.parents[0].stamp.seq, 9);
	assert_true(hash_eq(&t.meta.parents[1].hash, &m.parents[1].hash));
	assert_false(schedule_complete(&t, true));
	for (size_t i = 0; i < s.parts_count; i++) {
		assert_int_equal(t.parts[i].bytes, s.data[i].len);
		if (t.parts[i].kind == SCHEDULE_PRIVATE)
			assert_true(schedule_complete(&t, true));
		assert_int_equal(schedule_put(&t, i, s.data[i].b, s.data[i].len, &c), 0);
	}
	assert_true(schedule_complete(&t, false));
	assert_int_equal(schedule_plan(&t, &q), 0);
	assert_int_equal(q.roles_count, 2);
	assert_string_equal(plan_role(&q, "web")->version, "v1");
	assert_int_equal(plan_role(&q, "front")->on_split, PLAN_EXCLUSIVE);
	assert_mp(blob_slice(&plan_role(&q, "web")->vars), "{'x': [1]}");
	assert_mp(blob_slice(&plan_role(&q, "web")->update), "{'step': 2}");
	assert_mp(blob_slice(&q.state), "{'count': 3}");
	assert_mp(blob_slice(&q.vars), "{'g': true}");
	const struct plan_place *pl = plan_place(plan_node(&q, "a"), "web");
	assert_non_null(pl);
	assert_string_equal(pl->instances[0].process, "httpd");
	assert_mp(blob_slice(&pl->instances[0].vars), "{'port': 80}");
	plan_free(&p);
	plan_free(&q);
	schedule_free(&s);
	schedule_free(&t);
}

static void
only_what_changed_changes(void **state)
{
	(void)state;
	struct plan p = answer(3), q = answer(4), r = answer(3);
	struct schedule a = build(&p, 1), b = build(&r, 2), c = build(&q, 3), d;

	/* Another stamp, the same parts. */
	assert_int_equal(schedule_compare(&a, &b), SCHEDULE_SAME);
	assert_false(hash_eq(&a.hash, &b.hash));
	assert_int_equal(schedule_compare(&a, &c), SCHEDULE_STATE_ONLY);
	blob_free(&r.nodes[1].places[0].instances[0].vars);
	r.nodes[1].places[0].instances[0].vars = mpjson("{'port': 81}");
	d = build(&r, 4);
	assert_int_equal(schedule_compare(&a, &d), SCHEDULE_CHANGED);
	for (size_t i = 0; i < a.parts_count; i++) {
		bool b_node = a.parts[i].kind == SCHEDULE_NODE && a.parts[i].name[0] == 'b';

		assert_int_equal(hash_eq(&a.parts[i].hash, &d.parts[i].hash), !b_node);
	}
	schedule_free(&d);
	/* The plan's own vars reach every role. */
	blob_free(&p.vars);
	p.vars = mpjson("{'g': false}");
	d = build(&p, 5);
	for (size_t i = 0; i < a.parts_count; i++)
		assert_int_equal(hash_eq(&a.parts[i].hash, &d.parts[i].hash),
		    a.parts[i].kind == SCHEDULE_NODE);
	schedule_free(&a);
	schedule_free(&b);
	schedule_free(&c);
	schedule_free(&d);
	plan_free(&p);
	plan_free(&q);
	plan_free(&r);
}

static void
without_the_private_part_a_node_knows_enough(void **state)
{
	(void)state;
	struct plan p = answer(1), q;
	struct schedule s = build(&p, 1);
	int i = schedule_find(&s, SCHEDULE_PRIVATE, "");

	assert_true(i >= 0);
	blob_free(&s.data[i]);
	assert_true(schedule_complete(&s, true));
	assert_int_equal(schedule_plan(&s, &q), 0);
	assert_mp(blob_slice(&q.vars), "{'g': true}");
	assert_int_equal(q.state.len, 0);
	assert_true(schedule_find(&s, SCHEDULE_NODE, "a") >= 0);
	assert_int_equal(schedule_find(&s, SCHEDULE_NODE, "web"), -1);
	assert_int_equal(schedule_find(&s, SCHEDULE_ROLE, "a"), -1);
	plan_free(&p);
	plan_free(&q);
	schedule_free(&s);
}

/* Whose part it is, and who had a name first, as the leader said. */
static struct plan
two_of_one_name(void)
{
	struct plan p = answer(1);

	p.nodes[0].holder = (struct node_id){{1}};
	p.firsts = calloc(2, sizeof *p.firsts);
	p.firsts_count = 2;
	p.firsts[0] = (struct plan_first){"a", {{2}}};
	p.firsts[1] = (struct plan_first){"z", {{3}}};
	return p;
}

static void
who_has_a_name_travels(void **state)
{
	(void)state;
	struct plan p = two_of_one_name(), q, plain = answer(1);
	struct schedule s = build(&p, 1), without = build(&plain, 1);

	assert_int_equal(schedule_compare(&s, &without), SCHEDULE_CHANGED);
	assert_int_equal(schedule_plan(&s, &q), 0);
	assert_true(id_eq(plan_holder(plan_node(&q, "a")), &p.nodes[0].holder));
	assert_null(plan_holder(plan_node(&q, "b"))); /* as older leaders leave it */
	/* What was noted as first counts more than whose the part is now. */
	assert_true(id_eq(plan_first(&q, "a"), &p.firsts[0].id));
	assert_true(id_eq(plan_first(&q, "z"), &p.firsts[1].id));
	assert_null(plan_first(&q, "b"));
	q.firsts_count = 0;
	assert_true(id_eq(plan_first(&q, "a"), &p.nodes[0].holder));
	plan_free(&q);
	schedule_free(&s);
	schedule_free(&without);
	plan_free(&plain);
	plan_free(&p);
}

static void
firsts_out_of_order_or_bounds_are_refused(void **state)
{
	(void)state;
	struct plan p = two_of_one_name();
	struct blob b;

	assert_int_equal(partcode_private(&p, false, &b), 0);
	assert_int_equal(partcode_check(SCHEDULE_PRIVATE, "", b.b, b.len), 0);
	blob_free(&b);
	memcpy(p.firsts[1].name, "a", 2); /* twice */
	assert_int_equal(partcode_private(&p, false, &b), 0);
	assert_int_equal(partcode_check(SCHEDULE_PRIVATE, "", b.b, b.len), -ERR_MALFORMED);
	blob_free(&b);
	memcpy(p.firsts[1].name, "z z", 4);
	assert_int_equal(partcode_private(&p, false, &b), 0);
	assert_int_equal(partcode_check(SCHEDULE_PRIVATE, "", b.b, b.len), -ERR_MALFORMED);
	blob_free(&b);
	free(p.firsts);
	p.firsts_count = PLAN_FIRSTS_MAX + 1;
	p.firsts = calloc(p.firsts_count, sizeof *p.firsts);
	for (size_t i = 0; i < p.firsts_count; i++)
		snprintf(p.firsts[i].name, NAME_CAP, "n%03zu", i);
	assert_int_equal(partcode_private(&p, false, &b), 0);
	assert_int_equal(partcode_check(SCHEDULE_PRIVATE, "", b.b, b.len), -ERR_RANGE);
	blob_free(&b);
	plan_free(&p);
}

static void
the_parent_looks_like_the_answer(void **state)
{
	(void)state;
	struct plan p = answer(3);
	struct schedule s = build(&p, 5);
	struct blob parent;
	char stamp[STAMP_TEXT_CAP], want[2048];

	stamp_text(&s.meta.stamp, stamp);
	assert_int_equal(schedule_to_parent(&s, &parent), 0);
	snprintf(want, sizeof want,
	    "{'at': 1700000000000, 'changes': ['up'], 'grade': 'full', 'nodes': {"
	    "'a': {'roles': {'web': {'instances': {'web.1': {'image': 'web-v1', 'process': 'httpd', "
	    "'vars': {'port': 80}}}, 'sandbox': 'web', 'vars': {'p': 2}}}, 'vars': {'n': 1}}, "
	    "'b': {'roles': {'web': {'instances': {'web.2': {'image': 'web-v2', 'process': 'httpd', "
	    "'vars': {}}}, 'sandbox': 'web', 'vars': {}, 'version': 'v2'}}, 'vars': {}}}, "
	    "'roles': {'front': {'on_split': 'exclusive', 'vars': {}}, "
	    "'web': {'on_split': 'replace', 'update': {'step': 2}, 'vars': {'x': [1]}, 'version': 'v1'}}, "
	    "'stamp': '%s', 'state': {'count': 3}, 'vars': {'g': true}, 'why': {'web.1': 'sticky'}}",
	    stamp);
	assert_mp(blob_slice(&parent), want);
	blob_free(&parent);
	plan_free(&p);
	schedule_free(&s);
}

static void
a_stamp_is_written_short(void **state)
{
	(void)state;
	struct stamp s = {.term = 12, .leader = {{0x0a, 0xff, 3, 4, 5}}, .seq = 340};
	char text[STAMP_TEXT_CAP];

	stamp_text(&s, text);
	assert_string_equal(text, "12.0aff0304.340");
	s.term = s.seq = UINT64_MAX;
	stamp_text(&s, text);
	assert_string_equal(text, "18446744073709551615.0aff0304.18446744073709551615");
}

static void
every_bent_bit_of_a_header_is_refused(void **state)
{
	(void)state;
	struct crypto c = world_crypto();
	struct plan p = answer(3);
	struct schedule s = build(&p, 5), t;

	for (size_t i = 0; i < s.header.len * 8; i++) {
		s.header.b[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_true(schedule_open(&t, s.header.b, s.header.len, &c) < 0);
		assert_null(t.parts);
		s.header.b[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	for (size_t len = 0; len < s.header.len; len++) {
		uint8_t *copy = malloc(len + 1);

		memcpy(copy, s.header.b, len);
		assert_true(schedule_open(&t, copy, len, &c) < 0);
		free(copy);
	}
	assert_int_equal(schedule_open(&t, s.header.b, s.header.len, &c), 0);
	schedule_free(&t);
	schedule_free(&s);
	plan_free(&p);
}

static void
another_key_can_not_use_the_leaders_stamp(void **state)
{
	(void)state;
	uint8_t other[KEY_BYTES] = "somebody else";
	struct plan p = answer(3);
	struct schedule s, t;
	struct crypto c = world_crypto();
	struct schedule_meta m = meta_of(5);
	struct err err;

	c.arg = other; /* the right pk in the header, signed by another key */
	assert_int_equal(schedule_build(&t, &p, &m, &c, &err), 0);
	assert_int_equal(schedule_open(&s, t.header.b, t.header.len, &c), -ERR_AUTH);
	schedule_free(&t);
	memcpy(m.pk, other, KEY_BYTES);
	assert_int_equal(schedule_build(&t, &p, &m, &c, &err), -1);
	assert_string_equal(err.text, "schedule: the stamp is not of this node's key");
	plan_free(&p);
}

/* A header whose body is the test's own, rightly signed. */
static struct blob
sign(struct blob *body, uint8_t *pk)
{
	static const char domain[] = "mesh schedule 1\n";
	uint8_t sig[SIG_BYTES], *text = malloc(sizeof domain + body->len);
	struct pack p;
	struct blob out;

	memcpy(text, domain, sizeof domain - 1);
	memcpy(text + sizeof domain - 1, body->b, body->len);
	world_sign(pk, sig, text, sizeof domain - 1 + body->len);
	free(text);
	pack_begin(&p, 1 << 20);
	pack_list(&p, 2);
	pack_bin(&p, body->b, body->len);
	pack_bin(&p, sig, sizeof sig);
	assert_int_equal(pack_end(&p, &out), 0);
	blob_free(body);
	return out;
}

struct row {
	int kind;
	const char *name;
	uint64_t bytes;
};

static int
open_signed(uint8_t *pk, int format, int grade, const struct row *rows, size_t count)
{
	struct crypto c = world_crypto();
	struct schedule_meta m = meta_of(1);
	struct hash h = {{1}};
	struct blob body, header;
	struct schedule s;
	struct pack p;

	pack_begin(&p, 1 << 20);
	pack_list(&p, 9);
	pack_i64(&p, format);
	pack_u64(&p, m.stamp.term);
	pack_bin(&p, m.stamp.leader.b, ID_BYTES);
	pack_u64(&p, m.stamp.seq);
	pack_i64(&p, grade);
	pack_u64(&p, m.at_ms);
	pack_bin(&p, pk, KEY_BYTES);
	pack_list(&p, 0);
	pack_list(&p, count);
	for (size_t i = 0; i < count; i++) {
		pack_list(&p, 4);
		pack_i64(&p, rows[i].kind);
		pack_str(&p, rows[i].name);
		pack_bin(&p, h.b, HASH_BYTES);
		pack_u64(&p, rows[i].bytes);
	}
	assert_int_equal(pack_end(&p, &body), 0);
	header = sign(&body, pk);
	int rc = schedule_open(&s, header.b, header.len, &c);

	schedule_free(&s);
	blob_free(&header);
	return rc;
}

static int
open_rows(int format, int grade, const struct row *rows, size_t count)
{
	return open_signed(world_pk, format, grade, rows, count);
}

static void
signed_nonsense_is_refused(void **state)
{
	(void)state;
	uint8_t other[KEY_BYTES] = "somebody else, who signs well";
	const struct row good[] = {{1, "b", 5}, {2, "a", 5}, {3, "", 5}};
	const struct row swapped[] = {{2, "a", 5}, {1, "b", 5}};
	const struct row twice[] = {{1, "b", 5}, {1, "b", 5}};
	const struct row two_private[] = {{3, "", 5}, {3, "", 5}};
	const struct row path[] = {{1, "../b", 5}};
	const struct row empty[] = {{1, "", 5}};
	const struct row zero[] = {{0, "a", 5}}, nine[] = {{9, "a", 5}};
	const struct row named[] = {{3, "x", 5}};
	const struct row big[] = {{1, "a", SCHEDULE_PART_BYTES_MAX + 1}};
	struct row sum[9];
	char names[9][2] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};

	for (size_t i = 0; i < 9; i++)
		sum[i] = (struct row){1, names[i], SCHEDULE_PART_BYTES_MAX};
	assert_int_equal(open_rows(1, 2, good, 3), 0);
	assert_int_equal(open_rows(1, 2, NULL, 0), 0);
	assert_int_equal(open_signed(other, 1, 2, good, 3), -ERR_IDENTITY);
	assert_int_equal(open_rows(2, 2, good, 3), -ERR_VERSION);
	assert_int_equal(open_rows(1, 3, good, 3), -ERR_RANGE);
	assert_int_equal(open_rows(1, 2, swapped, 2), -ERR_MALFORMED);
	assert_int_equal(open_rows(1, 2, twice, 2), -ERR_MALFORMED);
	assert_int_equal(open_rows(1, 2, two_private, 2), -ERR_MALFORMED);
	assert_int_equal(open_rows(1, 2, path, 1), -ERR_MALFORMED);
	assert_int_equal(open_rows(1, 2, empty, 1), -ERR_MALFORMED);
	assert_int_equal(open_rows(1, 2, zero, 1), -ERR_RANGE);
	assert_int_equal(open_rows(1, 2, nine, 1), -ERR_RANGE);
	assert_int_equal(open_rows(1, 2, named, 1), -ERR_MALFORMED);
	assert_int_equal(open_rows(1, 2, big, 1), -ERR_RANGE);
	assert_int_equal(open_rows(1, 2, sum, 7), 0);
	assert_int_equal(open_rows(1, 2, sum, 9), -ERR_LONG);
}

static void
a_part_must_be_the_one_that_was_named(void **state)
{
	(void)state;
	struct crypto c = world_crypto();
	struct plan p = answer(3);
	struct schedule s = build(&p, 5), t;
	size_t w = (size_t)schedule_find(&s, SCHEDULE_ROLE, "web"), n = s.parts_count;

	assert_int_equal(schedule_open(&t, s.header.b, s.header.len, &c), 0);
	assert_int_equal(schedule_put(&t, n, s.data[w].b, s.data[w].len, &c), -ERR_RANGE);
	assert_int_equal(schedule_put(&t, w, s.data[w].b, s.data[w].len - 1, &c), -ERR_MALFORMED);
	s.data[w].b[5] ^= 1;
	assert_int_equal(schedule_put(&t, w, s.data[w].b, s.data[w].len, &c), -ERR_AUTH);
	s.data[w].b[5] ^= 1;
	/* A leader that signs something else under the name. */
	static const struct {
		enum schedule_kind kind;
		const char *name, *other;
	} swaps[] = {{SCHEDULE_ROLE, "web", "front"}, {SCHEDULE_NODE, "a", "b"}};

	for (size_t i = 0; i < ARRAY_LEN(swaps); i++) {
		size_t to = (size_t)schedule_find(&s, swaps[i].kind, swaps[i].name);
		size_t from = (size_t)schedule_find(&s, swaps[i].kind, swaps[i].other);

		t.parts[to].hash = s.parts[from].hash;
		t.parts[to].bytes = s.parts[from].bytes;
		assert_int_equal(
		    schedule_put(&t, to, s.data[from].b, s.data[from].len, &c), -ERR_MALFORMED);
		assert_int_equal(t.data[to].len, 0);
	}
	schedule_free(&t);
	schedule_free(&s);
	plan_free(&p);
}

/* Every part, cut and bent: an error or a part, never a crash or a leak. */
static void
bent_parts_are_only_an_error(void **state)
{
	(void)state;
	struct plan p = two_of_one_name();
	struct schedule s = build(&p, 5);
	size_t refused = 0;

	for (size_t i = 0; i < s.parts_count; i++)
		for (size_t k = 0; k < s.data[i].len * 9; k++) {
			size_t len = k < s.data[i].len ? k : s.data[i].len;
			uint8_t *copy = malloc(s.data[i].len);
			struct plan_role role;
			struct plan_node node;

			memcpy(copy, s.data[i].b, s.data[i].len);
			if (k >= s.data[i].len)
				copy[k / 8 % s.data[i].len] ^= (uint8_t)(1u << k % 8);
			refused += schedule_read_role(&role, copy, len) < 0;
			refused += schedule_read_node(&node, copy, len) < 0;
			refused += partcode_check(SCHEDULE_PRIVATE, "", copy, len) < 0;
			plan_role_free(&role);
			plan_node_free(&node);
			free(copy);
		}
	assert_true(refused > 0);
	schedule_free(&s);
	plan_free(&p);
}

static void
limits_have_their_line(void **state)
{
	(void)state;
	struct crypto c = world_crypto();
	struct schedule_meta m = meta_of(1);
	struct plan p = answer(3);
	struct schedule s;
	struct err err;
	char *big = malloc(600 << 10);

	memset(big, 'x', 600 << 10);
	memcpy(big, "{'w': '", 7);
	memcpy(big + (600 << 10) - 3, "'}", 3);
	/* Too much explanation is left out. */
	blob_free(&p.why);
	p.why = mpjson(big);
	assert_int_equal(schedule_build(&s, &p, &m, &c, &err), 0);
	assert_true(s.why_cut);
	schedule_free(&s);
	/* Too much of anything else is not. */
	blob_free(&p.roles[1].vars);
	p.roles[1].vars = mpjson(big);
	assert_int_equal(schedule_build(&s, &p, &m, &c, &err), -1);
	assert_string_equal(err.text,
	    "schedule: role 'web' packs to more than 512 KiB, the limit of a part; make its vars or state smaller");
	assert_null(s.parts);
	plan_free(&p);
	/* 300 KiB in each of twenty roles. */
	big[300 << 10] = '\'';
	big[(300 << 10) + 1] = '}';
	memset(&p, 0, sizeof p);
	p.roles = calloc(20, sizeof *p.roles);
	p.roles_count = 20;
	for (int i = 0; i < 20; i++) {
		snprintf(p.roles[i].name, NAME_CAP, "r%02d", i);
		p.roles[i].vars = mpjson(big);
	}
	assert_int_equal(schedule_build(&s, &p, &m, &c, &err), -1);
	assert_string_equal(err.text,
	    "schedule: 6002 KiB in all, at most 4096 KiB: role 'r00' takes 301 KiB in 0 instances, role 'r01' 301 KiB in 0 "
	    "instances, role 'r02' 301 KiB in 0 instances; what instances share belongs into their role's vars, once, large data into an image");
	plan_free(&p);
	/* Of a node the roles that stand there: the second has two instances of 300 KiB. */
	p = answer(3);
	struct plan_place *pl = &p.nodes[0].places[0];
	blob_free(&pl->instances[0].vars);
	pl->instances = realloc(pl->instances, 2 * sizeof *pl->instances);
	for (int i = 0; i < 2; i++) {
		pl->instances[i] = (struct plan_instance){.vars = mpjson(big)};
		snprintf(pl->instances[i].id, NAME_CAP, "web.%d", i);
		pl->instances_count = 2;
	}
	assert_int_equal(schedule_build(&s, &p, &m, &c, &err), -1);
	assert_memory_equal(err.text, "schedule: node 'a' packs to more than 512 KiB, the limit of a part: role 'web' takes 601 KiB in 2 instances; ", 109);
	plan_free(&p);
	free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(there_and_back),
	    cmocka_unit_test(only_what_changed_changes),
	    cmocka_unit_test(without_the_private_part_a_node_knows_enough),
	    cmocka_unit_test(who_has_a_name_travels),
	    cmocka_unit_test(firsts_out_of_order_or_bounds_are_refused),
	    cmocka_unit_test(the_parent_looks_like_the_answer),
	    cmocka_unit_test(a_stamp_is_written_short),
	    cmocka_unit_test(every_bent_bit_of_a_header_is_refused),
	    cmocka_unit_test(another_key_can_not_use_the_leaders_stamp),
	    cmocka_unit_test(signed_nonsense_is_refused),
	    cmocka_unit_test(a_part_must_be_the_one_that_was_named),
	    cmocka_unit_test(bent_parts_are_only_an_error),
	    cmocka_unit_test(limits_have_their_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
