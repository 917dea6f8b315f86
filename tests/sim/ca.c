/*
 * ca.c - the CA of a simulated mesh: it signs tokens, tokens sign nodes, with keyed
 * hashes as everything here does.  Its secret is that nobody else calls these functions.
 */
#include "../shared/toy_ca.h"
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

void
ca_configure(const struct sim *s, uint32_t i, struct mesh_conf *c)
{
	if (s->node[i].ca == NULL)
		return;
	c->ca = *s->node[i].ca;
	c->ca.wall_s = CA_WALL_S + (uint64_t)(s->now / SECOND);
}
