/*
 * settled.c - a world that is there already: everybody starts at once, from disks with
 * one roster of all, and hears everybody's record as if tables had been compared.  By
 * their own wire N nodes tell each other N * N records before anything else happens,
 * which of thousands is most of a run: what is measured of a mesh that stands need not
 * wait for it.  How it comes to stand is for `join`.
 *
 * All the rest is real: the records are signed, and heard by the machines' own code;
 * keys between pairs are exchanged, holding off and the election are gone through.
 */
#include "sim.h"

#include <stdlib.h>

enum { TEXT_BYTES = 1000, ENTRY_BYTES = 64 };

/* Some records, as the bytes of one TABLE's rumours. */
struct page {
	uint32_t len, count;
	uint8_t bytes[TEXT_BYTES];
};

/* As roster_save (gossip/roster_disk.c) writes it, before it is signed. */
static void
write_disks(struct sim *s)
{
	size_t cap = (size_t)s->conf.nodes * ENTRY_BYTES + 64;
	uint8_t *blob = sim_must(malloc(cap));
	struct mesh_saved f = {.cluster = {7, 7, 7}, .generation = 1, .term = 1, .roster = blob};
	struct mpw w;

	mpw_init(&w, blob, cap);
	mpw_array(&w, 4 + s->conf.nodes);
	mpw_uint(&w, 2);
	mpw_uint(&w, f.term);
	mpw_uint(&w, 2);
	mpw_uint(&w, s->conf.nodes);
	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		struct addr a = net_address(i);
		char name[16];

		snprintf(name, sizeof name, "n%u", i);
		mpw_array(&w, 8);
		mpw_bin(&w, s->node[i].id.b, ID_BYTES);
		mpw_uint(&w, MEMBER_VOTES);
		mpw_uint(&w, 1);
		mpw_uint(&w, 1);
		mpw_cstr(&w, name);
		mpw_bin(&w, a.ip, sizeof a.ip);
		mpw_uint(&w, a.port);
		mpw_bin(&w, "", 0);
	}
	assert(!w.full);
	f.roster_bytes = w.len;
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		disk_write(s, i, f);
	free(blob);
}

/* What each says of itself. */
static struct page *
records(const struct sim *s, uint32_t *count)
{
	struct page *all = sim_must(calloc(s->conf.nodes, sizeof *all)), *t = all;

	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		uint8_t one[RUMOUR_BYTES_MAX];
		struct rumour r;
		struct mpw w;

		members_rumour(&s->node[i].mesh->ms, 0, node_clock(s, i), true, &r);
		mpw_init(&w, one, sizeof one);
		rumour_pack(&w, &r);
		t += t->len + w.len > TEXT_BYTES;
		memcpy(t->bytes + t->len, one, w.len);
		t->len += (uint32_t)w.len;
		t->count++;
	}
	*count = (uint32_t)(t - all) + 1;
	return all;
}

/* All is known to all: nobody has anything to tell. */
static void
hear_all(struct sim *s, uint32_t i, const struct page *all, uint32_t count)
{
	struct mesh *m = s->node[i].mesh;

	for (uint32_t k = 0; k < count; k++) {
		struct packet p = {.kind = PACKET_TABLE, .rumours = all[k].bytes,
		    .rumours_len = all[k].len, .rumours_count = all[k].count};

		if (rumours_hear(m, node_clock(s, i), &p, MEMBER_NONE, NULL) < 0)
			check_break(s, "settled", i, k, 0);
	}
	for (uint32_t k = 0; k < m->ms.count; k++) {
		spread_drop(&m->ms.urgent, k);
		spread_drop(&m->ms.news, k);
		m->ms.m[k].renewed_s = 0; /* long ago */
	}
	if (m->ms.by_state[MESH_ALIVE] != s->conf.nodes)
		check_break(s, "settled", i, m->ms.by_state[MESH_ALIVE], s->conf.nodes);
}

/* Node 0 made that roster, and each verified it once. */
static void
sign_all(struct sim *s)
{
	struct roster *first = &s->node[0].mesh->roster;

	roster_sign(s->node[0].mesh, &(struct roster_id){first->id.term, 1}, 0);
	for (uint32_t i = 1; i < s->conf.nodes; i++) {
		memcpy(s->node[i].mesh->roster.sign, first->sign, ROSTER_SIGN_BYTES);
		s->node[i].mesh->roster.is_signed = true;
	}
}

void
settled_start(struct sim *s)
{
	struct page *all;
	uint32_t count;

	write_disks(s);
	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		s->node[i].restart_at = INT64_MAX;
		node_start(s, i);
	}
	sign_all(s);
	all = records(s, &count);
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		hear_all(s, i, all, count);
	free(all);
}
