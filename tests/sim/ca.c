/*
 * ca.c - the CA of a simulated mesh: it signs tokens, tokens sign nodes, with keyed
 * hashes as everything here does.  Its secret is that nobody else calls these functions.
 */
#include "../shared/toy_ca.h"
#include "../../gossip/decree.h"
#include "sim.h"

#include <stdlib.h>

const uint8_t ca_pk[KEY_BYTES] = {0xca, 0xca, 1};

void
ca_token(uint32_t number, uint8_t *pk)
{
	memset(pk, 0, KEY_BYTES);
	pk[0] = 0x70;
	pk[1] = (uint8_t)(number >> 8);
	pk[2] = (uint8_t)number;
}

void
ca_certify(struct sim *s, uint32_t i, uint32_t token, uint32_t uses, uint64_t expiry_s)
{
	struct sim_node *n = &s->node[i];
	uint8_t key[KEY_BYTES], by[CERT_DELEGATION_MAX];
	char name[NAME_CAP];
	struct crypto c;
	size_t len;

	if (n->ca == NULL)
		n->ca = sim_must(calloc(1, sizeof *n->ca));
	sim_crypto(&c, n);
	snprintf(name, sizeof name, "n%u", i);
	n->right = (struct sim_right){.token = token, .uses = uses, .expiry_s = expiry_s};
	ca_token(token, key);
	memcpy(n->ca->pk, ca_pk, KEY_BYTES);
	len = toy_delegate(&c, sim_sign_as, ca_pk, key, expiry_s, uses, "", by);
	n->ca->cert_bytes =
	    toy_certify(&c, sim_sign_as, ca_pk, by, len, n->pk, name, "z", n->ca->cert);
}

void
ca_member(struct sim *s, uint32_t i)
{
	ca_certify(s, i, 0, s->conf.nodes, CA_WALL_S + 3600);
}

static void
ca_signs(const struct mesh *m, const uint8_t *body, size_t len, uint8_t *sig)
{
	uint8_t buf[DECREE_SIGNED_MAX];

	sim_sign_as(ca_pk, sig, buf, decree_to_sign(m->saved.cluster, "recover", body, len, buf));
}

int
ca_recover(struct sim *s, uint32_t by, struct mesh_lost *lost, size_t count)
{
	struct mesh *m = s->node[by].mesh;
	uint64_t number = mesh_recovery(m);
	uint8_t body[DECREE_GIVEN_UP_BYTES], sig[SIG_BYTES];
	struct mesh_came came;

	for (size_t k = 0; s->conf.ca && k < count; k++) {
		(void)mesh_came(m, &lost[k].id, &came);
		memcpy(lost[k].token, came.token, KEY_BYTES);
		decree_given_up(number, &lost[k].id, came.token, body);
		ca_signs(m, body, sizeof body, lost[k].sig);
	}
	decree_recovery(number, s->node[by].pk, body);
	ca_signs(m, body, EVICT_BODY_BYTES, sig);
	return mesh_recover(m, node_clock(s, by), number, s->conf.ca ? sig : NULL, lost, count);
}

void
ca_configure(const struct sim *s, uint32_t i, struct mesh_conf *c)
{
	if (s->node[i].ca == NULL)
		return;
	c->ca = *s->node[i].ca;
	c->ca.wall_s = CA_WALL_S + (uint64_t)(s->now / SECOND);
}
