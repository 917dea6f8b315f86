/*
 * disk.c - what is on a node's disk; and how a world of thousands, which know each
 * other, fits into one process: the rosters on disks, of which most are the same word
 * for word, are kept once, and what a machine writes them from is not kept at all.
 */
#include "sim.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* A roster that at least one disk holds. */
struct sim_sheet {
	struct sim_sheet *next; /* of its hash */
	uint64_t hash;
	uint32_t refs;
	size_t len;
	uint8_t bytes[];
};

/* Tables that hardly anything is written to must cost no memory: each is to have pages
 * of its own, as those of a daemon have, and no other's used ones. */
void
disk_large_world(void)
{
	mallopt(M_MMAP_THRESHOLD, 16384);
	mallopt(M_MMAP_MAX, INT32_MAX);
	mallopt(M_TOP_PAD, 0);
}

static struct sim_sheet **
chain(struct sim *s, uint64_t hash)
{
	return &s->sheets[hash % ARRAY_LEN(s->sheets)];
}

static void
release(struct sim *s, struct sim_sheet *x)
{
	struct sim_sheet **at;

	if (x == NULL || --x->refs > 0)
		return;
	for (at = chain(s, x->hash); *at != x; at = &(*at)->next)
		;
	*at = x->next;
	free(x);
}

static struct sim_sheet *
take(struct sim *s, const uint8_t *bytes, size_t len)
{
	struct sim_sheet *x;
	uint64_t hash = len;

	for (size_t k = 0; k < len; k++)
		hash = (hash ^ bytes[k]) * UINT64_C(0x100000001b3);
	for (x = *chain(s, hash); x != NULL; x = x->next)
		if (x->hash == hash && x->len == len && memcmp(x->bytes, bytes, len) == 0) {
			x->refs++;
			return x;
		}
	x = sim_must(malloc(sizeof *x + len));
	*x = (struct sim_sheet){.next = *chain(s, hash), .hash = hash, .refs = 1, .len = len};
	memcpy(x->bytes, bytes, len);
	*chain(s, hash) = x;
	return x;
}

void
disk_write(struct sim *s, uint32_t i, struct mesh_saved f)
{
	struct sim_node *n = &s->node[i];
	bool later = n->disk.generation > 1;
	struct sim_ring ring = n->disk_ring;
	struct sim_sheet *was = n->disk_roster;

	plant_disk(s, i, &f);
	if (n->mad)
		f.keys = n->disk.keys;
	if (s->conf.mutant == MUTANT_no_persist && later)
		return;
	if (s->conf.mutant == MUTANT_old_roster && later) {
		f.roster_bytes = n->disk.roster_bytes;
		f.roster = n->disk.roster;
		f.evicted = n->disk_evicted;
		f.evicted_bytes = n->disk.evicted_bytes;
		n->disk = f;
		return;
	}
	n->disk_roster = f.roster_bytes > 0 ? take(s, f.roster, f.roster_bytes) : NULL;
	release(s, was);
	if (f.evicted_bytes > n->disk.evicted_bytes) {
		free(n->disk_evicted);
		n->disk_evicted = sim_must(malloc(f.evicted_bytes));
		memcpy(n->disk_evicted, f.evicted, f.evicted_bytes);
	}
	n->disk = f;
	n->disk.roster = n->disk_roster != NULL ? n->disk_roster->bytes : NULL;
	n->disk.evicted = n->disk_evicted;
	n->disk_ring = (s->conf.mutant == MUTANT_key_unsaved && later) || n->mad ? ring : n->ring;
}

/* The daemon's store has roster and evictions in one, then the keys are written, then the
 * rest (daemon/io/saving.c); what says which key is in use is of the last, and if that
 * one is gone the keys' own file says it. */
void
disk_spoilt(struct sim *s, uint32_t i, struct mesh_saved f, uint32_t written)
{
	struct sim_node *n = &s->node[i];
	struct mesh_saved was = n->disk;
	struct sim_ring ring = n->disk_ring;

	if (written == 0)
		return;
	disk_write(s, i, f);
	was.roster = n->disk.roster;
	was.roster_bytes = n->disk.roster_bytes;
	was.evicted = n->disk.evicted;
	was.evicted_bytes = n->disk.evicted_bytes;
	if (written == 1)
		n->disk_ring = ring;
	if (sim_ring_get(&n->disk_ring, was.keys.used) == 0)
		was.keys = (struct mesh_keys){.used = f.keys.used};
	n->disk = was;
}

void
disk_written(struct sim *s, uint32_t i)
{
	struct roster *ro = &s->node[i].mesh->roster;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)ro->blob + page - 1) / page * page;
	uintptr_t to = ((uintptr_t)ro->blob + ro->blob_cap) / page * page;

	if (s->conf.nodes <= WATCH_MAX || ro->blob_len < page || to <= from)
		return;
	if (madvise((void *)from, to - from, MADV_DONTNEED) == 0)
		ro->blob_stale = true; /* it is made anew when it is needed */
}

void
disk_free(struct sim *s, uint32_t i)
{
	release(s, s->node[i].disk_roster);
	free(s->node[i].disk_evicted);
}
