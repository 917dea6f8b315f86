/* sync.c - see sync.h. */
#include "be.h"
#include "inner.h"

enum {
	EVERY_MS = 1000,
	QUIET_MS = 1000,
	PATIENCE_MS = 5000,
};

void
sync_init(struct mesh *m, msec now)
{
	struct sync *s = &m->sync;

	s->at = now;
	s->changed_at = now - QUIET_MS;
	for (uint32_t k = 0; k < SYNC_RENEWALS; k++)
		s->renewals[k] = now - QUIET_MS;
	s->withheld = s->opened = MSEC_NEVER;
}

void
sync_renewed(struct mesh *m, msec now)
{
	m->sync.renewals[m->sync.renewals_next++ % SYNC_RENEWALS] = now;
}

static bool
storm(const struct mesh *m, msec now)
{
	const struct sync *s = &m->sync;

	return m->ms.by_state[MESH_SUSPECT] >= SYNC_RENEWALS ||
	    now - s->renewals[s->renewals_next % SYNC_RENEWALS] < QUIET_MS;
}

/* May whole records be handed out?  In a storm for QUIET_MS from the first question on that
 * comes after PATIENCE_MS, however seldom anybody asks. */
static bool
may_hand_out(struct mesh *m, msec now)
{
	struct sync *s = &m->sync;

	if (!storm(m, now))
		return true;
	if (s->withheld == MSEC_NEVER || (s->opened != MSEC_NEVER && now - s->opened >= QUIET_MS)) {
		s->withheld = now;
		s->opened = MSEC_NEVER;
	}
	if (s->opened == MSEC_NEVER && now - s->withheld >= PATIENCE_MS)
		s->opened = now;
	return s->opened != MSEC_NEVER;
}

/* Right after a change tables differ everywhere and gossip is already at work, so wait
 * for quiet, but not for ever. */
void
sync_consider(struct mesh *m, msec now, uint32_t from, uint64_t hash)
{
	struct sync *s = &m->sync;

	if (hash == members_hash(&m->ms)) {
		/* Just now it may be two that know the same little. */
		if (now - s->changed_at >= QUIET_MS)
			cargo_known(m);
		return;
	}
	if (now < s->at)
		return;
	if (now - s->changed_at < QUIET_MS && now - s->at < PATIENCE_MS &&
	    members_untold(&m->ms) < NEWS_MANY)
		return;
	s->at = now + EVERY_MS;
	out_to(m, PACKET_SYNC, from, members_untold(&m->ms) < NEWS_MANY, 0, 0);
}

int
sync_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p)
{
	uint32_t differ = 0, whole = 0;

	if (p->bytes_len != SYNC_BYTES)
		return -ERR_MALFORMED;
	for (size_t i = 0; i < MEMBERS_BUCKETS; i++) {
		const uint8_t *at = p->bytes + i * SYNC_BUCKET_BYTES;

		if (be_get(at, 8) != m->ms.buckets[i])
			differ |= UINT32_C(1) << i;
		if (be_get(at + 8, 4) != m->ms.lives[i] >> 32)
			whole |= UINT32_C(1) << i;
	}
	if (differ == 0)
		return 0;
	/* Only who was refused any waits: a cut is noticed for longer than anybody's patience. */
	out_table(m, from, differ, whole != 0 && may_hand_out(m, now) ? whole : 0);
	if (p->flag != 0)
		out_to(m, PACKET_SYNC, from, 0, 0, 0);
	return 0;
}

void
sync_tick(struct mesh *m, msec now)
{
	uint64_t hash = members_hash(&m->ms);

	if (m->sync.withheld != MSEC_NEVER && !storm(m, now)) /* the next one begins anew */
		m->sync.withheld = m->sync.opened = MSEC_NEVER;
	if (hash != m->sync.last_hash) {
		m->sync.last_hash = hash;
		m->sync.changed_at = now;
	}
}
