/*
 * test_packet.c - messages and rumours come back as they went, and hostile
 * bodies are refused whole.
 */
#include "world.h"

static size_t
pack(uint8_t *buf, const struct packet *p, const struct rumour *r, uint32_t count)
{
	uint8_t scratch[SEAL_BODY_MAX];
	struct mpw w, rw;

	mpw_init(&w, buf, SEAL_BODY_MAX);
	mpw_init(&rw, scratch, sizeof scratch);
	for (uint32_t i = 0; i < count; i++)
		rumour_pack(&rw, &r[i]);
	packet_begin(&w, p);
	packet_end(&w, &rw, count);
	assert_false(w.full);
	return w.len;
}

static struct rumour
somebody(void)
{
	static const uint8_t pk[KEY_BYTES] = {3}, sig[SIG_BYTES] = {4};

	return (struct rumour){.state = MESH_ALIVE, .id = world_id(3), .generation = 9,
	    .incarnation = 4, .from = 77, .is_long = true, .pk = pk, .sig = sig,
	    .name = "db.2", .name_len = 4,
	    .addr = toy_addr(3), .meta = (const uint8_t *)"zone=a", .meta_len = 6,
	    .notice = UINT16_MAX};
}

static void
every_kind_comes_back(void **state)
{
	uint8_t buf[SEAL_BODY_MAX];
	struct packet p, q;
	struct rumour r = somebody();

	(void)state;
	for (uint64_t kind = 1; kind < PACKET_KINDS_; kind++) {
		size_t len;

		p = (struct packet){.kind = kind, .seq = 1, .who = 2, .hash = 3, .term = 4,
		    .sent = 5, .lease = 6, .grade = 2, .weight = 8, .flag = 1, .version = 10,
		    .bits = 11, .index = 12, .count = 13, .roster = {14, 15},
		    .bytes = (const uint8_t *)"xyz", .bytes_len = 3};
		p.head.stamp = (struct stamp){.term = 16, .leader = world_id(1), .seq = 17};
		p.head.hash.b[5] = 18;
		len = pack(buf, &p, &r, 1);
		assert_int_equal(packet_decode(buf, len, &q), 0);
		assert_int_equal(q.kind, kind);
		assert_int_equal(q.rumours_count, 1);
		for (size_t cut = 0; cut < len; cut++)
			assert_true(packet_decode(buf, cut, &q) < 0);
		if (kind == PACKET_BEAT) {
			assert_int_equal(packet_decode(buf, len, &q), 0);
			assert_int_equal(q.term, 4);
			assert_int_equal(q.sent, 5);
			assert_int_equal(q.roster.version, 15);
			assert_int_equal(stamp_cmp(&q.head.stamp, &p.head.stamp), 0);
			assert_true(hash_eq(&q.head.hash, &p.head.hash));
		}
	}
}

static void
rumours_come_back(void **state)
{
	uint8_t buf[SEAL_BODY_MAX];
	static const uint8_t briefs[] = "a block of them";
	struct rumour in[3] = {somebody(), somebody(), {.briefs = briefs, .briefs_len = sizeof briefs}}, out;
	struct packet p = {.kind = PACKET_GOSSIP}, q;
	struct mp r;

	(void)state;
	in[1].is_long = false;
	in[1].state = MESH_SUSPECT;
	assert_int_equal(packet_decode(buf, pack(buf, &p, in, 3), &q), 0);
	mp_init(&r, q.rumours, q.rumours_len, 2);
	assert_int_equal(rumour_read(&r, &out), 0);
	assert_true(out.is_long && out.name_len == 4 && memcmp(out.name, "db.2", 4) == 0);
	assert_true(addr_eq(&out.addr, &in[0].addr));
	assert_int_equal(out.meta_len, 6);
	assert_int_equal(out.notice, UINT16_MAX);
	assert_true(out.pk[0] == 3 && out.sig[0] == 4);
	assert_int_equal(rumour_read(&r, &out), 0);
	assert_true(!out.is_long && id_eq(&out.id, &in[1].id));
	assert_true(out.state == MESH_SUSPECT && out.from == 77);
	assert_int_equal(rumour_read(&r, &out), 0);
	assert_int_equal(out.briefs_len, sizeof briefs);
	assert_memory_equal(out.briefs, briefs, sizeof briefs);
	assert_int_equal(mp_end(&r), 0);
}

static void
names_are_names(void **state)
{
	uint8_t buf[256];
	struct mpw w;
	struct mp r;
	struct rumour out, bad = somebody();
	static const char *const names[] = {"", "Web", "-a", "a/b", "a b", "a\x1b[m", ".."};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		bad.name = names[i];
		bad.name_len = strlen(names[i]);
		mpw_init(&w, buf, sizeof buf);
		rumour_pack(&w, &bad);
		mp_init(&r, buf, w.len, 2);
		assert_int_equal(rumour_read(&r, &out), -ERR_MALFORMED);
	}
}

static void
strange_bodies(void **state)
{
	uint8_t buf[64];
	struct mpw w;
	struct packet q;

	(void)state;
	mpw_init(&w, buf, sizeof buf); /* a kind from the future */
	mpw_array(&w, 2);
	mpw_uint(&w, 200);
	mpw_array(&w, 0);
	assert_int_equal(packet_decode(buf, w.len, &q), -ERR_UNKNOWN);
	mpw_init(&w, buf, sizeof buf); /* a known kind with a field more */
	mpw_array(&w, 4);
	mpw_uint(&w, PACKET_NACK);
	mpw_uint(&w, 5);
	mpw_cstr(&w, "new");
	mpw_array(&w, 0);
	assert_int_equal(packet_decode(buf, w.len, &q), 0);
	assert_int_equal(q.seq, 5);
	buf[w.len] = 0; /* trailing byte */
	assert_int_equal(packet_decode(buf, w.len + 1, &q), -ERR_MALFORMED);
	mpw_init(&w, buf, sizeof buf); /* grade 3 does not exist */
	mpw_array(&w, 7);
	mpw_uint(&w, PACKET_PREVOTED);
	mpw_uint(&w, 1);
	mpw_uint(&w, 1);
	mpw_uint(&w, 3);
	mpw_uint(&w, 1);
	mpw_uint(&w, 1);
	mpw_array(&w, 0);
	assert_int_equal(packet_decode(buf, w.len, &q), -ERR_RANGE);
}

/* What a newer node says beyond this one's fields is passed over, in each kind and
 * in both forms of a rumour: what is known arrives as if nothing more were there. */
static void
newer_fields_are_skipped(void **state)
{
	uint8_t buf[SEAL_BODY_MAX], plain[SEAL_BODY_MAX], scratch[SEAL_BODY_MAX];
	struct rumour in[2] = {somebody(), somebody()}, out;
	struct packet p, q, was;
	struct mpw w, rw;
	struct mp r;

	(void)state;
	in[1].is_long = false;
	for (uint64_t kind = 1; kind < PACKET_KINDS_; kind++) {
		uint32_t fields;

		p = (struct packet){.kind = kind, .seq = 1, .who = 2, .hash = 3, .term = 4,
		    .grade = 2, .flag = 1, .bytes = (const uint8_t *)"xyz", .bytes_len = 3};
		assert_int_equal(packet_decode(plain, pack(plain, &p, in, 0), &was), 0);
		mpw_init(&w, plain, sizeof plain);
		packet_begin(&w, &p);
		mp_init(&r, plain, sizeof plain, 4);
		assert_int_equal(mp_array(&r, &fields), 0);
		mpw_init(&rw, buf, sizeof buf);
		mpw_array(&rw, fields + 2);
		mpw_raw(&rw, plain + r.off, w.len - r.off);
		mpw_cstr(&rw, "of tomorrow");
		mpw_map(&rw, 1);
		mpw_uint(&rw, 1);
		mpw_array(&rw, 0);
		w = rw;
		mpw_init(&rw, scratch, sizeof scratch);
		for (size_t i = 0; i < ARRAY_LEN(in); i++) {
			size_t at = rw.len;

			rumour_pack(&rw, &in[i]);
			scratch[at]++; /* one more in a short array */
			mpw_cstr(&rw, "new");
		}
		packet_end(&w, &rw, ARRAY_LEN(in));
		assert_false(w.full);
		assert_int_equal(packet_decode(buf, w.len, &q), 0);
		assert_int_equal(q.rumours_count, ARRAY_LEN(in));
		mp_init(&r, q.rumours, q.rumours_len, 2);
		for (size_t i = 0; i < ARRAY_LEN(in); i++) {
			assert_int_equal(rumour_read(&r, &out), 0);
			assert_true(out.generation == 9 && out.from == 77);
			assert_int_equal(out.is_long, in[i].is_long);
		}
		assert_int_equal(mp_end(&r), 0);
		assert_int_equal(q.bytes_len, was.bytes_len);
		q.bytes = was.bytes; /* the same, elsewhere */
		q.rumours = was.rumours;
		q.rumours_len = was.rumours_len;
		q.rumours_count = was.rumours_count;
		assert_memory_equal(&q, &was, sizeof q);
	}
}

static void
impossible_addresses(void **state)
{
	struct addr a = toy_addr(0), b;

	(void)state;
	assert_true(addr_possible(&a));
	b = a, b.port = 0;
	assert_false(addr_possible(&b));
	b = a, b.ip[12] = 0;
	assert_false(addr_possible(&b)); /* 0.0.0.1 */
	b = a, b.ip[12] = 224;
	assert_false(addr_possible(&b)); /* multicast */
	b = a, memset(b.ip + 12, 255, 4);
	assert_false(addr_possible(&b));
	b = (struct addr){.port = 1};
	assert_false(addr_possible(&b)); /* :: */
	b.ip[0] = 0xff, b.ip[1] = 2, b.ip[15] = 1;
	assert_false(addr_possible(&b)); /* ff02::1 */
	b.ip[0] = 0x20;
	assert_true(addr_possible(&b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind_comes_back),
	    cmocka_unit_test(rumours_come_back),
	    cmocka_unit_test(names_are_names),
	    cmocka_unit_test(strange_bodies),
	    cmocka_unit_test(newer_fields_are_skipped),
	    cmocka_unit_test(impossible_addresses),
	};

	return cmocka_run_group_tests_name("packet", tests, NULL, NULL);
}
