/*
 * check_out.c - nobody is out whom nobody put out.
 *
 *	put-out-by-a-voter	each act on a disk is of one that somebody with a vote was
 *				asked to put out, and signed by one who had a vote
 *				some time; or it is the CA's
 *	best-recovery-stands	who recovered is not out by one who did with a lower number
 */
#include "../../gossip/be.h"
#include "sim.h"

static uint32_t
signer_of(const struct sim *s, const struct eviction *x)
{
	for (uint32_t j = 0; j < s->conf.nodes; j++)
		if (memcmp(s->node[j].pk, x->pk, KEY_BYTES) == 0)
			return j;
	return UINT32_MAX;
}

/* The number of the recovery that the owner of that key made, as far as i knows; 0: none. */
static uint64_t
recovered(const struct mesh *m, const uint8_t *pk)
{
	const struct evict *e = &m->ms.evict;
	uint64_t best = 0, n;

	for (uint32_t k = 0; k < e->count; k++)
		if (recover_is(&e->all[k]) && memcmp(e->all[k].pk, pk, KEY_BYTES) == 0 &&
		    (n = be_get(e->all[k].id, 8)) > best)
			best = n;
	return best;
}

static void
check_best(struct sim *s, uint32_t i)
{
	const struct mesh *m = s->node[i].mesh;
	const struct evict *e = &m->ms.evict;
	uint64_t own = recovered(m, s->node[i].pk), by;

	for (uint32_t k = 0; own > 0 && !s->conf.ca && k < e->count; k++) {
		if (memcmp(e->all[k].id, s->node[i].id.b, ID_BYTES) != 0)
			continue;
		by = recovered(m, e->all[k].pk);
		if (by > 0 && by < own)
			check_break(s, "best-recovery-stands", i, own, by);
	}
}

void
check_out(struct sim *s, uint32_t i, const struct mesh_saved *f)
{
	s->node[i].voted |= s->node[i].mesh->ms.m[0].roster != 0;
	for (size_t at = s->node[i].disk.evicted_bytes; at < f->evicted_bytes; at += EVICTION_BYTES) {
		struct eviction x;
		struct node_id id;
		uint32_t j, by;

		memcpy(&x, f->evicted + at, EVICTION_BYTES);
		memcpy(id.b, x.id, ID_BYTES);
		j = node_find(s, &id);
		/* A recovery is of no node; its maker needs a vote like any other. */
		if (!recover_is(&x) && (j == UINT32_MAX || (s->node[j].out_at == 0 && !s->node[j].given_up)))
			check_break(s, "put-out-by-a-voter", i, j, at);
		by = signer_of(s, &x);
		if (!s->conf.ca && (by == UINT32_MAX || !s->node[by].voted))
			check_break(s, "put-out-by-a-voter", i, j, by);
	}
	check_best(s, i);
}
