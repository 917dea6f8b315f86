/*
 * keyleap.c - see keyleap.h.
 */
#include "inner.h"

enum {
	WAIT_MS = 5000,	 /* until those are heard who are there */
	HEARD_MS = 5000, /* lately */
	KEEP_MS = 60000, /* what was said */
	SEVERAL = 3,
};

static bool
stands(const struct mesh *m, msec now, const struct keyleap_said *x)
{
	return x->at != 0 && now - x->at < KEEP_MS && m->ms.m[x->by].roster != 0 &&
	    !m->ms.m[x->by].evicted;
}

static const struct keyleap_said *
said_by(const struct mesh *m, msec now, uint32_t i)
{
	for (size_t k = 0; k < KEYLEAP_SAID; k++)
		if (m->keys.leap.said[k].by == i && stands(m, now, &m->keys.leap.said[k]))
			return &m->keys.leap.said[k];
	return NULL;
}

bool
keyleap_told(const struct mesh *m, msec now, uint32_t i)
{
	return said_by(m, now, i) != NULL;
}

bool
keyleap_full(const struct mesh *m, msec now)
{
	for (size_t k = 0; k < KEYLEAP_SAID; k++)
		if (!stands(m, now, &m->keys.leap.said[k]))
			return false;
	return true;
}

/* In its own place, or that of the one that is oldest. */
static void
note(struct mesh *m, msec now, uint32_t i, uint32_t epoch, uint64_t id)
{
	struct keyleap *l = &m->keys.leap;
	size_t at = 0;
	bool any = false;

	for (size_t k = 0; k < KEYLEAP_SAID; k++) {
		any |= stands(m, now, &l->said[k]);
		if (l->said[k].at != 0 && l->said[k].by == i) {
			at = k;
			break;
		}
		if (l->said[k].at < l->said[at].at)
			at = k;
	}
	if (!any)
		l->since = now;
	l->said[at] = (struct keyleap_said){.by = (uint16_t)i, .epoch = epoch, .id = id, .at = now};
}

/* Under a key that I hold, lately. */
static bool
heard(const struct mesh *m, msec now, uint32_t i)
{
	const struct mesh_keys *k = &m->saved.keys;
	const struct member *x = &m->ms.m[i];

	return x->roster != 0 && !x->evicted && x->seen != MSEC_NEVER &&
	    now - x->seen < pace(m, HEARD_MS) && x->spoke >= k->used - k->old &&
	    x->spoke <= k->used + k->next;
}

bool
keyleap_believed(struct mesh *m, msec now, uint32_t i, uint32_t epoch, uint64_t id)
{
	struct tally mine = {0};
	uint32_t same = 0, others = 0;

	note(m, now, i, epoch, id);
	tally_add(&mine, &m->ms.m[0]);
	for (uint32_t k = 1; k < m->ms.count; k++) {
		const struct keyleap_said *x = said_by(m, now, k);

		if (x != NULL) {
			bool is = x->epoch == epoch && x->id == id;

			same += is;
			others += !is;
		} else if (heard(m, now, k)) {
			tally_add(&mine, &m->ms.m[k]);
			others++;
		}
	}
	return now - m->keys.leap.since >= pace(m, WAIT_MS) && !quorum_full(m, &mine) &&
	    (same > others || same >= SEVERAL);
}
