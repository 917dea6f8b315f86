/*
 * story_mixed.c - a mesh in the middle of an update.  Every other node is of a
 * release that does not exist yet: it speaks one version more, adds a field to
 * most packets and to each record, and says things of a kind that no other knows.
 *
 * The machine is the same; what is newer is put into its bytes where the linker
 * lets the world in (--wrap), so what the older half does is the daemon's own code.
 */
#include "story.h"

enum {
	KIND_OF_TOMORROW = 0x7f,
	ODD_EVERY = 8, /* so much of a newer node's gossip is of that kind */
	FEATURES = 0x80000100, /* not the profile, nor what this release says too */
	TRIALS_SPACING = 5 * SECOND,
};

static const struct mesh *newer; /* who speaks now, when it is a newer one */

void
mixed_speaks(const struct mesh *m)
{
	newer = m;
}

struct wire_range
mixed_wire(const struct sim *s, uint32_t i)
{
	if (!s->node[i].newer)
		return (struct wire_range){.min = WIRE_MIN, .max = WIRE_MAX};
	return (struct wire_range){.min = WIRE_MIN, .max = WIRE_MAX + 1, .features = FEATURES};
}

void __real_packet_begin(struct mpw *w, const struct packet *p);
void __wrap_packet_begin(struct mpw *w, const struct packet *said);
void __real_rumour_pack(struct mpw *w, const struct rumour *r);
void __wrap_rumour_pack(struct mpw *w, const struct rumour *r);

/* What fills a datagram, or may not be longer than what it answers. */
static bool
has_no_room(uint64_t kind)
{
	return kind == PACKET_ROLE_ASK || kind == PACKET_ROLE_LEASE || kind == PACKET_ROSTER ||
	    kind == PACKET_REPORT || kind == PACKET_JOIN || kind == PACKET_JOINED;
}

void
__wrap_packet_begin(struct mpw *w, const struct packet *said)
{
	const struct packet q = liar_says(said), *p = &q;
	uint8_t plain[DGRAM_BYTES_MAX];
	struct mpw was;
	size_t head;
	uint32_t n;

	if (newer == NULL || has_no_room(p->kind)) {
		__real_packet_begin(w, p);
		return;
	}
	mpw_init(&was, plain, sizeof plain);
	__real_packet_begin(&was, p);
	head = plain[0] == 0xdc ? 3 : 1; /* array 16, or one of up to 15 */
	n = head == 3 ? (uint32_t)(plain[1] << 8 | plain[2]) : plain[0] & 0xfu;
	if (p->kind == PACKET_GOSSIP && newer->stats.tx_packets % ODD_EVERY == 0)
		plain[head] = KIND_OF_TOMORROW;
	mpw_array(w, n + 1);
	mpw_raw(w, plain + head, was.len - head);
	mpw_cstr(w, "tomorrow");
}

void
__wrap_rumour_pack(struct mpw *w, const struct rumour *r)
{
	size_t at = w->len;

	__real_rumour_pack(w, r);
	if (newer == NULL || w->full || r->briefs != NULL || r->eviction != NULL)
		return;
	w->buf[at]++; /* one more in an array of 5 or 10 */
	mpw_uint(w, 7);
}

void
setup_mixed(struct sim_conf *conf)
{
	conf->mixed = true;
}

/* Each two that ever met speak the newest version that both know. */
static bool
spoken_well(const struct sim *s, uint64_t *pairs)
{
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		for (uint32_t j = 0; j < s->conf.nodes; j++) {
			const struct mesh *m = s->node[i].mesh;
			const uint32_t k = members_find_id(&m->ms, &s->node[j].id);
			struct wire_range mine = mixed_wire(s, i), its = mixed_wire(s, j);

			if (i == j || k == MEMBER_NONE || !pair_stands(m, k))
				continue;
			*pairs += 1;
			if (pair_version(m, k) != wire_common(&mine, &its) ||
			    members_pair(&m->ms, k)->wire.features != (its.features | WIRE_SIGNS_ROSTERS))
				return false;
		}
	return *pairs > 0;
}

bool
story_mixed(struct sim *s, struct sim_stats *st)
{
	uint64_t pairs = 0, unknown = 0;
	usec took;

	if (!story_whole(s, &took))
		return false;
	stats_add(st, "mixed.whole:ms", took / 1000);
	for (uint32_t k = 0; k < story_trials(s) && s->broken == NULL; k++) {
		/* The leader goes, of whichever release it is. */
		uint32_t leader = story_leader(s);

		node_crash(s, leader, s->now + 2 * SECOND);
		if (!sim_run(s, s->now + TRIALS_SPACING) || !story_whole(s, &took))
			return false;
		stats_add(st, "mixed.again:ms", took / 1000);
	}
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		unknown += s->node[i].mesh->stats.dropped[ERR_UNKNOWN];
	stats_add(st, "+unknown:count", (int64_t)unknown);
	return story_bound(s, "highest-common-version", spoken_well(s, &pairs));
}
