/*
 * test_golden.c - what goes over the wire, byte for byte, against tests/golden/wire.hex.
 *
 * One line for each kind of packet, form of rumour and of frame, for what a record's owner signs, and
 * for a roster as it is saved: its name, then its bytes.  Whoever changes one of
 * them sees here that a node of the last release would read something else.  When
 * that is meant: make golden-wire, and commit what it wrote.
 */
#include "../../../gossip/brief.h"
#include "../../../gossip/decree.h"
#include "world.h"

static const char path[] = "tests/golden/wire.hex";

enum { WIRE_TEXT_MAX = 1 << 16 };

struct sheet {
	char text[WIRE_TEXT_MAX];
	size_t len;
};

static void
line(struct sheet *s, const char *class, const char *name, const uint8_t *bytes, size_t len)
{
	int n = snprintf(s->text + s->len, WIRE_TEXT_MAX - s->len, "%s.%s ", class, name);

	assert_true(n > 0 && s->len + (size_t)n + 2 * len + 2 < WIRE_TEXT_MAX);
	s->len += (size_t)n;
	for (size_t i = 0; i < len; i++, s->len += 2)
		snprintf(s->text + s->len, 3, "%02x", bytes[i]);
	s->text[s->len++] = '\n';
	s->text[s->len] = '\0';
}

/* Each number of another width, so that none can take another's place unseen. */
static struct packet
packet_of(uint64_t kind)
{
	static const uint8_t sign[ROSTER_SIGN_BYTES] = {0x71, [ROSTER_SIGN_BYTES - 1] = 0x72};
	struct packet p = {.kind = kind, .seq = 1, .who = 0x8182838485868788, .hash = 0x9192939495969798,
	    .term = 4, .sent = 0x10005, .lease = 1500, .grade = MESH_GRADE_FULL, .weight = 200,
	    .flag = 1, .generation = 9, .version = 0xa0001, .bits = 0xb000000000000001, .index = 12,
	    .count = 300, .keys = 0xc0001, .key_id = 0xd1d2d3d4d5d6d7d8, .cookie = 0xe1e2e3e4e5e6e7e8,
	    .roster = {14, 1500}, .bytes = (const uint8_t *)"bytes", .bytes_len = 5, .sign = sign};

	p.head.stamp = (struct stamp){.term = 16, .leader = world_id(1), .seq = 17};
	memset(p.head.hash.b, 0x5a, HASH_BYTES);
	return p;
}

static void
add_packet(struct sheet *s, const char *name, const struct packet *p)
{
	uint8_t buf[SEAL_BODY_MAX], again[SEAL_BODY_MAX];
	struct mpw w, none = {0};
	struct packet q;
	size_t len;

	mpw_init(&w, buf, sizeof buf);
	packet_begin(&w, p);
	packet_end(&w, &none, 0);
	assert_false(w.full);
	len = w.len;
	assert_int_equal(packet_decode(buf, w.len, &q), 0);
	/* Each field was read into its own place: it says the same again. */
	mpw_init(&w, again, sizeof again);
	packet_begin(&w, &q);
	packet_end(&w, &none, 0);
	assert_int_equal(w.len, len);
	assert_memory_equal(again, buf, len);
	line(s, "packet", name, buf, len);
}

/* With its head as a first one has it: salt, none of yours, cookie, none back, versions. */
static void
add_hello(struct sheet *s)
{
	static const struct wire_range wire = {.min = WIRE_MIN, .max = WIRE_MAX};
	uint8_t head[HELLO_HEAD_BYTES] = {0};
	struct packet p = {.kind = PACKET_HELLO, .bytes = head, .bytes_len = sizeof head};

	memset(head, 0xa1, SALT_BYTES);
	memset(head + SALTS_BYTES, 0xa3, 8);
	wire_pack(&wire, head + WIRE_AT);
	add_packet(s, "HELLO-first", &p);
}

static void
add_packets(struct sheet *s)
{
	static const char *const names[] = {"",
#define X(name, letters) #name,
	    PACKET_KINDS(X)
#undef X
	};
	struct packet p;

	for (uint64_t kind = 1; kind < PACKET_KINDS_; kind++) {
		p = packet_of(kind);
		add_packet(s, names[kind], &p);
	}
	add_hello(s);
	p = packet_of(PACKET_BEAT);
	memset(&p.head, 0, sizeof p.head); /* nothing announced yet */
	p.sign = NULL; /* and the roster is known */
	add_packet(s, "BEAT-before-any-schedule", &p);
}

static void
add_rumour(struct sheet *s, const char *name, const struct rumour *r)
{
	uint8_t buf[SEAL_BODY_MAX];
	struct mpw w;
	struct mp reader;
	struct rumour out;

	mpw_init(&w, buf, sizeof buf);
	rumour_pack(&w, r);
	assert_false(w.full);
	mp_init(&reader, buf, w.len, 2);
	assert_int_equal(rumour_read(&reader, &out), 0);
	line(s, "rumour", name, buf, w.len);
}

static struct rumour
record(enum mesh_state state)
{
	static const uint8_t pk[KEY_BYTES] = {3}, sig[SIG_BYTES] = {4};

	return (struct rumour){.state = state, .id = world_id(3), .generation = 9,
	    .incarnation = 400, .from = 77, .is_long = true, .pk = pk, .sig = sig, .name = "db.2",
	    .name_len = 4, .addr = toy_addr(3), .meta = (const uint8_t *)"zone=a", .meta_len = 6,
	    .notice = 60 << 2 | MESH_RESTARTING};
}

/* One of whom two begin alike, one with as many containers as there are, one more. */
static void
add_summaries(struct sheet *s)
{
	static const struct brief briefs[] = {
	    {.who = 0x0102030405060708, .whole = true, .life = 9, .count = 9, .summary = {.cpu_percent = 10,
		.mem_percent = 11, .disk_percent = 12, .load_centi = 1300, .instances = 140,
		.facts_hash = 0x15161718}},
	    {.who = 0x0203040000000000, .count = BRIEF_COUNT_MAX, .summary = {.cpu_percent = 100,
		.load_centi = UINT16_MAX, .instances = UINT16_MAX, .facts_hash = 0x15161718}},
	    {.who = 0x0304050000000000, .count = 1, .summary = {.load_centi = 15}}};
	uint8_t bytes[SEAL_BODY_MAX];
	struct briefs_out block = {.buf = bytes, .cap = sizeof bytes};

	for (size_t i = 0; i < ARRAY_LEN(briefs); i++)
		assert_true(brief_put(&block, &briefs[i]));
	add_rumour(s, "summaries", &(struct rumour){.briefs = bytes, .briefs_len = block.len});
}

static void
add_rumours(struct sheet *s)
{
	static const uint8_t eviction[EVICTION_BYTES] = {0xee};
	struct rumour r = record(MESH_ALIVE);

	add_rumour(s, "long", &r);
	r.cert = r.sig;
	r.cert_len = 5;
	add_rumour(s, "long-certified", &r);
	r.cert_len = 0;
	r.is_long = false;
	add_rumour(s, "short", &r);
	r.state = MESH_SUSPECT;
	add_rumour(s, "short-suspect", &r);
	r.state = MESH_FAILED;
	add_rumour(s, "short-failed", &r);
	r = record(MESH_LEFT);
	add_rumour(s, "long-left", &r);
	add_summaries(s);
	add_rumour(s, "eviction", &(struct rumour){.eviction = eviction});
}

/* The toy tag is no one's wire: the header and the body are. */
static void
add_frames(struct sheet *s)
{
	static const struct {
		const char *name;
		enum seal_form form;
	} forms[] = {{"pair", SEAL_PAIR}, {"shared", SEAL_SHARED}, {"join", SEAL_JOIN}, {"bare", SEAL_BARE}};
	static const uint8_t cluster[ID_BYTES] = {1}, key[KEY_BYTES] = {2};
	struct crypto crypto = world_crypto(7, 1);
	struct node_id self = world_id(1);

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		uint8_t buf[DGRAM_BYTES_MAX];
		size_t header = seal_header_bytes(forms[i].form);
		struct seal seal;

		seal_init(&seal, &crypto, &self, cluster, 3, 4);
		seal.epoch = 5;
		seal.version = WIRE_MAX;
		memcpy(buf + header, "body", 4);
		(void)seal_close(&seal, forms[i].form, forms[i].form == SEAL_PAIR ? key : NULL, buf, 4);
		line(s, "frame", forms[i].name, buf, header + 4);
	}
}

static uint8_t heard[512];
static size_t heard_len;

static void
sign_aloud(void *arg, uint8_t *sig, const uint8_t *msg, size_t len)
{
	(void)arg;
	assert_true(len <= sizeof heard);
	memset(sig, 0, SIG_BYTES);
	memcpy(heard, msg, len);
	heard_len = len;
}

static void
add_signed(struct sheet *s)
{
	static const uint8_t cluster[ID_BYTES] = {1};
	struct crypto crypto = world_crypto(7, 1);
	struct rumour r = record(MESH_ALIVE);
	uint8_t sig[SIG_BYTES];

	crypto.sign = sign_aloud;
	vouch_sign(&crypto, cluster, &r, sig);
	line(s, "signed", "record", heard, heard_len);
	r.state = MESH_LEFT;
	vouch_sign(&crypto, cluster, &r, sig);
	line(s, "signed", "record-left", heard, heard_len);
}

/* What a CA signs, what a token signs, and whose id a CA is. */
static void
add_ca(struct sheet *s)
{
	static const uint8_t key[KEY_BYTES] = {5}, pk[KEY_BYTES] = {6}, cluster[ID_BYTES] = {1};
	struct crypto crypto = world_crypto(7, 1);
	uint8_t by[CERT_DELEGATION_MAX], cert[CERT_BYTES_MAX], buf[DECREE_SIGNED_MAX], id[ID_BYTES];
	size_t len = cert_put_delegation(by, key, 0x65000000, 300, "eu");

	line(s, "signed", "token", buf, cert_delegation_to_sign(cluster, by, len, buf));
	memset(by + len, 0x51, SIG_BYTES);
	len = cert_put(cert, by, len + SIG_BYTES, "db.2", "eu");
	line(s, "signed", "node", buf, cert_to_sign(cluster, pk, cert, len, buf));
	line(s, "signed", "decree", buf, decree_to_sign(cluster, "evict", by, EVICT_BODY_BYTES, buf));
	cert_cluster(&crypto, key, id);
	line(s, "id", "cluster", id, sizeof id);
}

/* What the first of a cluster keeps. */
static void
add_roster(struct sheet *s)
{
	struct world *w = world_new(1, MESH_QUORUM_MAJORITY);
	struct mesh_saved saved;

	w->node[0]->roster.blob_stale = w->node[0]->must_save = true;
	assert_true(mesh_must_save(w->node[0], &saved));
	assert_true(saved.roster_bytes > 0);
	line(s, "saved", "roster", saved.roster, saved.roster_bytes);
	w->node[0]->conf.crypto.sign = sign_aloud;
	roster_sign(w->node[0], &(struct roster_id){7, 8}, 9);
	line(s, "signed", "roster", heard, heard_len);
	world_free(w);
}

static struct sheet *
sheet_new(void)
{
	struct sheet *s = calloc(1, sizeof *s);

	assert_non_null(s);
	add_packets(s);
	add_rumours(s);
	add_frames(s);
	add_signed(s);
	add_ca(s);
	add_roster(s);
	return s;
}

static void
no_byte_changed(void **state)
{
	static char want[WIRE_TEXT_MAX];
	struct sheet *s = sheet_new();
	FILE *f = fopen(path, "r");
	const char *a = s->text, *b = want;
	size_t n;

	(void)state;
	if (f == NULL)
		fail_msg("%s is not here: run from the top of the tree", path);
	n = fread(want, 1, sizeof want - 1, f);
	fclose(f);
	want[n] = '\0';
	while (*a != '\0' && *b != '\0') {
		size_t na = strcspn(a, "\n"), nb = strcspn(b, "\n");

		if (na != nb || memcmp(a, b, na) != 0)
			fail_msg("the wire changed:\n  now  %.*s\n  was  %.*s\n"
				 "an older node reads this otherwise; if that is meant: make golden-wire",
			    (int)na, a, (int)nb, b);
		a += na + 1;
		b += nb + 1;
	}
	if (*a != *b)
		fail_msg("%s has %s lines; if that is meant: make golden-wire", path,
		    *a == '\0' ? "too many" : "too few");
	free(s);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_byte_changed),
	};

	if (argc == 2 && strcmp(argv[1], "--print") == 0) {
		struct sheet *s = sheet_new();

		fputs(s->text, stdout);
		free(s);
		return 0;
	}
	return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
