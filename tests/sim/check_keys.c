/*
 * check_keys.c - what must hold of cluster keys, by name, after every write and
 * every datagram.
 */
#include "sim.h"

/* The first to use a key: does everybody hold it who is not passed over? */
static void
check_all_hold(struct sim *s, uint32_t i, uint32_t epoch, uint64_t key)
{
	const struct members *ms = &s->node[i].mesh->ms;

	for (uint32_t k = 1; k < ms->count; k++) {
		uint32_t j = node_find(s, &ms->m[k].id);

		if (j == UINT32_MAX || ms->m[k].roster == 0 || ms->m[k].state == MESH_LEFT ||
		    s->node[j].passed)
			continue;
		if (sim_ring_get(&s->node[j].disk_ring, epoch) != key)
			check_break(s, "key-held-by-all-before-it-is-used", i, epoch, j);
	}
}

/* What is wiped is on no disk. */
static void
check_wiped(struct sim *s, uint32_t i)
{
	const struct sim_node *n = &s->node[i];
	const struct mesh_keys *k = &n->disk.keys;

	for (size_t x = 0; x < ARRAY_LEN(n->disk_ring.key); x++) {
		uint32_t e = n->disk_ring.epoch[x];

		if (n->disk_ring.key[x] != 0 && (e < k->used - k->old || e > k->used + 1))
			check_break(s, "retired-key-wiped", i, e, k->used);
	}
}

void
check_keys(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];
	uint32_t epoch = n->disk.keys.used;
	uint64_t key = sim_ring_get(&n->disk_ring, epoch), *first = &s->epoch_id[epoch % SEAL_EPOCHS];

	if (key == 0 && n->ca != NULL && !n->mesh->member)
		return; /* it has none, and says nothing under it */
	if (key == 0)
		check_break(s, "key-on-disk-before-it-is-used", i, epoch, 0);
	if (epoch < n->done.keys.used)
		check_break(s, "epoch-monotonic", i, n->done.keys.used, epoch);
	n->done.keys = n->disk.keys;
	check_wiped(s, i);
	if (*first == 0) {
		*first = key;
		check_all_hold(s, i, epoch, key);
	} else if (*first != key) {
		check_break(s, "one-key-of-an-epoch-in-use", i, epoch, key);
	}
}

void
check_sealed(struct sim *s, uint32_t i, const uint8_t *frame)
{
	const struct sim_node *n = &s->node[i];
	uint32_t epoch = n->disk.keys.used;

	if ((frame[1] & SEAL_FORM_MASK) == SEAL_BARE || n->mad)
		return;
	if (frame[1] % SEAL_EPOCHS != epoch % SEAL_EPOCHS ||
	    sim_ring_get(&n->disk_ring, epoch) == 0)
		check_break(s, "key-on-disk-before-it-is-used", i, epoch, frame[1] % SEAL_EPOCHS);
}
