/*
 * check_heard.c - what must hold of a datagram that arrives, by name.
 *
 *	no-word-under-a-retired-key	what is heard was sealed under a key in force
 *	evicted-not-heard		who is known to be out says nothing
 *	cookie-before-signature		whose address nobody signed costs no check of a
 *					signature, before it could return a cookie
 *
 * Each is asked of every datagram of every scenario.  What a node could have returned
 * is known here: a cookie reaches only whom a datagram of this very life reached.
 */
#include "sim.h"

#include <stdlib.h>

static bool
signed_address(const struct mesh *m, const struct addr *a)
{
	for (uint32_t k = 0; k < m->ms.count; k++)
		if (addr_eq(&m->ms.m[k].addr, a))
			return true;
	return false;
}

struct check_heard
check_before(const struct sim *s, uint32_t i, const struct sim_dgram *d)
{
	const struct mesh *m = s->node[i].mesh;
	struct addr from = net_address(d->from);

	return (struct check_heard){.keys = m->saved.keys, .verified = s->node[i].verified,
	    .led = m->elect.role == MESH_LEADER ? m->elect.ballot_term : 0,
	    .out = evict_find(&m->ms.evict, seal_short(&s->node[d->from].id)) != EVICT_NONE,
	    .known = s->told == NULL || signed_address(m, &from)};
}

static bool
in_force(const struct mesh_keys *k, uint8_t form)
{
	for (uint32_t e = k->used - k->old; e <= k->used + k->next; e++)
		if (e % SEAL_EPOCHS == form % SEAL_EPOCHS)
			return true;
	return false;
}

void
check_heard(struct sim *s, uint32_t i, const struct sim_dgram *d,
    const struct check_heard *before, int rc)
{
	uint8_t form = d->bytes[1] & SEAL_FORM_MASK;
	const struct elect *e = &s->node[i].mesh->elect;
	uint64_t *told = s->told == NULL ? NULL : &s->told[(size_t)i * s->conf.nodes + d->from];

	if (rc >= 0 && (form == SEAL_PAIR || form == SEAL_SHARED) &&
	    !in_force(&before->keys, d->bytes[1]))
		check_break(s, "no-word-under-a-retired-key", i, d->from, before->keys.used);
	if (rc >= 0 && before->out)
		check_break(s, "evicted-not-heard", i, d->from, d->len);
	if (!before->known && s->node[i].verified != before->verified &&
	    s->told[(size_t)d->from * s->conf.nodes + i] != s->node[i].lives)
		check_break(s, "cookie-before-signature", i, d->from, d->len);
	if (before->led != 0 && e->role != MESH_LEADER && e->leader != MEMBER_NONE && e->leader != 0) {
		s->node[i].office.gave_at = s->now;
		s->node[i].office.gave_above = e->ballot_term > before->led ? e->ballot_term : before->led;
	}
	if (told != NULL && d->lives >> 32 > *told) /* replays come late */
		*told = d->lives >> 32;
}
