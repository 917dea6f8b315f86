/*
 * forger.c - one who has the cluster's key of now, but no certificate: what it makes
 * instead, and says where it should let it in.  It is nobody of this world.
 */
#include "../shared/toy_ca.h"
#include "../../gossip/be.h"
#include "sim.h"

enum { FORGER = 251 };

struct forger {
	struct sim_node n;
	struct crypto crypto;
	struct seal seal;
	uint8_t cert[CERT_BYTES_MAX];
	size_t cert_len;
};

static void
forge(struct sim *s, struct forger *f, enum forgery kind)
{
	static const uint8_t false_ca[KEY_BYTES] = {0xfa, 1};
	const struct mesh_ca *stolen = s->node[1].ca;
	uint8_t key[KEY_BYTES], by[CERT_DELEGATION_MAX];
	bool old = kind == FORGED_EXPIRED;
	size_t len;

	*f = (struct forger){.cert_len = 0};
	sim_identity(&f->n, FORGER, &s->rng);
	f->n.ring = s->node[0].ring;
	sim_crypto(&f->crypto, &f->n);
	seal_init(&f->seal, &f->crypto, &f->n.id, s->node[0].disk.cluster, 1000, s->rng.s[0]);
	f->seal.epoch = s->node[0].disk.keys.used;
	ca_token(9, key);
	/* Too old by more than the grace; a token of the CA, or of one that is none. */
	len = toy_delegate(&f->crypto, sim_sign_as, old || kind == FORGED_RENAMED ? ca_pk : false_ca, key,
	    old ? CA_WALL_S - 2 * ADMIT_GRACE_S : CA_WALL_S + 9999, 9, "", by);
	if (kind == FORGED_ANOTHERS) {
		memcpy(f->cert, stolen->cert, stolen->cert_bytes);
		f->cert_len = stolen->cert_bytes;
	} else if (kind != FORGED_BARE) {
		f->cert_len = toy_certify(&f->crypto, sim_sign_as, ca_pk, by, len, f->n.pk,
		    kind == FORGED_RENAMED ? "another" : "n1", "", f->cert);
	}
}

/* A HELLO with a record that is its own, from where it is, with the cookie returned. */
static size_t
forger_says(struct sim *s, struct forger *f, uint32_t to, uint8_t *buf)
{
	struct mesh *m = s->node[to].mesh;
	struct addr at = net_address(FORGER);
	uint8_t head[HELLO_HEAD_BYTES] = {0}, sig[SIG_BYTES], room[1024];
	struct packet p = {.kind = PACKET_HELLO, .bytes = head, .bytes_len = sizeof head};
	struct rumour me = {.state = MESH_ALIVE, .generation = 1000, .is_long = true, .pk = f->n.pk,
	    .sig = sig, .name = "n1", .name_len = 2, .addr = at, .cert = f->cert,
	    .cert_len = f->cert_len};
	struct mpw w, r;

	be_put(head + SALTS_BYTES + 8, cookie_make(m, node_clock(s, to), &at), 8);
	vouch_sign(&f->crypto, f->seal.cluster, &me, sig);
	mpw_init(&r, room, sizeof room);
	rumour_pack(&r, &me);
	mpw_init(&w, buf + seal_header_bytes(SEAL_SHARED), SEAL_SHARED_BODY_MAX);
	packet_begin(&w, &p);
	packet_end(&w, &r, 1);
	return seal_close(&f->seal, SEAL_SHARED, NULL, buf, w.len);
}

void
forger_knocks(struct sim *s, uint32_t at, enum forgery kind, struct node_id *id)
{
	struct addr from = net_address(FORGER);
	uint8_t buf[DGRAM_BYTES_MAX];
	struct forger f;

	forge(s, &f, kind);
	*id = f.n.id;
	(void)!mesh_recv(s->node[at].mesh, node_clock(s, at), &from, buf, forger_says(s, &f, at, buf));
}
