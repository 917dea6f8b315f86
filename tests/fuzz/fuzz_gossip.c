/*
 * fuzz_gossip.c - a whole machine fed with bodies nobody honest would send, all
 * of them authentic: a member gone mad must not stop the others.
 *
 *	input = { sender 1 (top bits: form; bit 5: in the victim's own name; bit 4: a bare
 *	          frame; bit 3 of the first: the mesh has a CA), time 1, length 2, body } ...
 *
 * Cookies are eight bytes of 1, for the fuzzer to return.
 *
 * After each: time passes, the disk is written, the wire drained; the next
 * deadline must lie ahead and the wire must run dry.
 */
#include <stdlib.h>

#include "../../gossip/mesh.h"
#include "../../gossip/seal.h"
#include "../shared/toy_ca.h"
#include "toy_crypto.h"

enum { PEERS = 4, POLLS_MAX = 100000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t cluster[ID_BYTES];
static bool has_ca;

enum { COOKIE_INPUT_BYTES = KEY_BYTES + 8 + 16 + 2 };

/* Of what a cookie is made of (gossip/cookie.c): one that can be guessed. */
static void
cookie_hash(void *arg, struct hash *out, const uint8_t *msg, size_t len)
{
	toy_hash(arg, out, msg, len);
	if (len == COOKIE_INPUT_BYTES)
		memset(out->b, 1, HASH_BYTES);
}

/* A node's key is one byte thirty-two times, so that the fuzzer can find it. */
static void
identity(struct mesh_conf *c, uint8_t name)
{
	struct hash h;

	memset(c->pk, name, KEY_BYTES);
	toy_hash(NULL, &h, c->pk, KEY_BYTES);
	memcpy(c->self.b, h.b, ID_BYTES);
}

static void
sign_as(const uint8_t *pk, uint8_t *sig, const uint8_t *msg, size_t len)
{
	(void)pk;
	ones_sign(NULL, sig, msg, len);
}

/* By a token for many, of the CA whose key is all 'c'; or the mesh has none. */
static void
certify(struct mesh_conf *c)
{
	uint8_t key[KEY_BYTES] = {'t'}, by[CERT_DELEGATION_MAX];
	size_t len;

	memset(cluster, 1, sizeof cluster);
	if (!has_ca)
		return;
	memset(c->ca.pk, 'c', KEY_BYTES);
	len = toy_delegate(&copying, sign_as, c->ca.pk, key, 5000, 9, "", by);
	c->ca.cert_bytes =
	    toy_certify(&copying, sign_as, c->ca.pk, by, len, c->pk, c->name, "", c->ca.cert);
	c->ca.wall_s = 1000;
	cert_cluster(&copying, c->ca.pk, cluster);
}

static void
settle(struct mesh *m, msec now)
{
	uint8_t buf[DGRAM_BYTES_MAX];
	struct mesh_saved f;
	struct mesh_side side;
	struct mesh_member x;
	struct mesh_parent parents[MESH_PARENTS_MAX];
	struct node_id from;
	struct addr to;
	uint32_t v, i, n;
	int polls = 0;

	mesh_tick(m, now);
	if (mesh_must_save(m, &f))
		mesh_saved(m);
	while (mesh_poll(m, now, &to, buf, sizeof buf) > 0)
		if (++polls > POLLS_MAX)
			abort();
	if (mesh_deadline(m) <= now)
		abort();
	mesh_side(m, now, &side);
	for (uint32_t k = 0; mesh_member(m, k, &x); k++)
		if (x.name[0] == '\0' && x.state == MESH_ALIVE)
			abort();
	(void)mesh_parents(m, parents, MESH_PARENTS_MAX);
	while (mesh_next_report(m, &from, &v, &i, &n, buf, sizeof buf) > 0)
		;
}

static struct mesh *
victim(msec now)
{
	struct mesh_conf c = {.name = "v", .addr = toy_addr(0), .members_max = 16, .seed = 1,
	    .crypto = copying, .policy.quorum = MESH_QUORUM_ANY};
	struct mesh *m;

	c.crypto.hash = cookie_hash;
	identity(&c, 'v');
	certify(&c);
	c.saved.generation = 1;
	m = mesh_new(&c, now);
	if (m == NULL || mesh_init(m, now, cluster) < 0)
		abort();
	settle(m, now + 1);
	return m;
}

/* Peers 1..3 are known to the victim, as if they had just joined. */
static void
introduce(struct mesh *m, msec now, struct seal *peers)
{
	for (uint8_t i = 0; i <= PEERS; i++) {
		struct mesh_conf c = {.name = "p", .addr = toy_addr((uint8_t)(i + 1)),
		    .members_max = 4, .seed = i, .crypto = copying};
		struct addr seed = toy_addr(0), to;
		uint8_t buf[DGRAM_BYTES_MAX];
		struct mesh_saved f;
		struct mesh *p;
		size_t len;

		identity(&c, i == PEERS ? 'v' : (uint8_t)(i + '0'));
		certify(&c);
		c.saved.generation = 1;
		memcpy(c.saved.cluster, cluster, ID_BYTES);
		seal_init(&peers[i], &copying, &c.self, cluster, 1, i);
		if (i == 0 || i == PEERS)
			continue; /* one stays a stranger */
		if ((p = mesh_new(&c, now)) == NULL || mesh_add_seed(p, now, &seed) < 0)
			abort();
		mesh_tick(p, now);
		if (mesh_must_save(p, &f))
			mesh_saved(p);
		while ((len = mesh_poll(p, now, &to, buf, sizeof buf)) > 0)
			(void)!mesh_recv(m, now, &c.addr, buf, len);
		mesh_free(p);
	}
	settle(m, now);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum seal_form forms[] = {SEAL_PAIR, SEAL_SHARED, SEAL_JOIN, SEAL_BARE};
	msec now = 1000;
	struct mesh *m;
	struct seal peers[PEERS + 1]; /* the last one is a twin */

	has_ca = size > 0 && (data[0] & 8) != 0;
	m = victim(now);
	introduce(m, now += 2, peers);
	while (size >= 4) {
		uint8_t buf[DGRAM_BYTES_MAX];
		uint8_t who = (data[0] & 0x20) != 0 ? PEERS : data[0] % PEERS;
		struct addr from = toy_addr((uint8_t)(who + 1));
		size_t len = (size_t)data[2] << 8 | data[3];
		enum seal_form form = (data[0] & 0x10) != 0 ? SEAL_BARE : forms[data[0] >> 6];

		now += (msec)data[1] * data[1] / 8;
		data += 4;
		size -= 4;
		len = len > size ? size : len;
		len = len > SEAL_SHARED_BODY_MAX ? SEAL_SHARED_BODY_MAX : len;
		memcpy(buf + seal_header_bytes(form), data, len);
		(void)!mesh_recv(m, now, &from, buf,
		    seal_close(&peers[who], form, NULL, buf, len));
		settle(m, now);
		data += len;
		size -= len;
	}
	mesh_free(m);
	return 0;
}
