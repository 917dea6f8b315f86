/*
 * check_out.c - nobody is out whom nobody put out.
 *
 *	put-out-by-a-voter	each act on a disk is of one that somebody with a vote was
 *				asked to put out, and signed by one who had a vote
 *				some time; or it is the CA's
 */
#include "sim.h"

static uint32_t
signer_of(const struct sim *s, const struct eviction *x)
{
	for (uint32_t j = 0; j < s->conf.nodes; j++)
		if (memcmp(s->node[j].pk, x->pk, KEY_BYTES) == 0)
			return j;
	return UINT32_MAX;
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
}
