/*
 * check_news.c - what is told first.
 *
 *	news-fewest-first	no datagram repeats a piece of news while one that it was
 *				never told is left out; each of the two classes for itself
 *
 * What waits, and how often it was told, is looked at before a datagram is filled; what is
 * told is read from its bytes.  Each is asked of every datagram that can carry news.
 */
#include "sim.h"

enum { OLD_NEWS_MS = 10000, CUT_NEWS_MS = 10000, NEVER_TOLD = 1 /* spread.h: levels count from 1 */ };

static struct {
	uint8_t urgent[WATCH_MAX + 8], news[WATCH_MAX + 8]; /* levels before; 0 = not queued */
	bool said[WATCH_MAX + 8];
	uint32_t count; /* 0 = not looked at */
} before;

static const struct mesh *unfair;

bool
check_news_unfair(const struct mesh *m)
{
	bool is = unfair == m;

	unfair = NULL;
	return is;
}

void
check_news_before(const struct mesh *m, const struct out *o)
{
	bool carries = o->kind == PACKET_PING || o->kind == PACKET_ACK || o->kind == PACKET_GOSSIP;

	before.count = 0;
	if (!carries || m->ms.count > ARRAY_LEN(before.said) || m->ms.urgent.count + m->ms.news.count < 2)
		return;
	before.count = m->ms.count;
	memcpy(before.urgent, m->ms.urgent.level, before.count);
	memcpy(before.news, m->ms.news.level, before.count);
}

static void
read_said(const struct mesh *m, const struct cargo *c)
{
	struct mp r;
	struct rumour one;

	memset(before.said, 0, before.count);
	mp_init(&r, c->w.buf, c->w.len, 2);
	for (uint32_t k = 0; k < c->count && rumour_read(&r, &one) == 0; k++) {
		uint32_t i;

		if (one.briefs != NULL || one.eviction != NULL)
			continue;
		if (one.is_long)
			vouch_id(m, &one);
		i = members_find_id(&m->ms, &one.id);
		if (i != MEMBER_NONE)
			before.said[i] = true;
	}
}

/* What is too old to be news, or is no news to whom it goes. */
static bool
excused(const struct mesh *m, msec now, uint32_t i, uint32_t to)
{
	const struct member *x = &m->ms.m[i];

	/* Of one side of a cut the other is told no doubts. */
	if (x->state == MESH_SUSPECT && to != MEMBER_NONE && now < m->swim.cut_until &&
	    (m->ms.m[to].state == MESH_SUSPECT || (m->ms.doubts[to].rose != 0 &&
		now - m->ms.doubts[to].rose < pace(m, CUT_NEWS_MS))))
		return true;
	return x->state == MESH_FAILED && (now - x->since > OLD_NEWS_MS ||
	    (to != MEMBER_NONE && (m->ms.m[to].state == MESH_FAILED || m->ms.doubts[to].rose > x->since)));
}

static bool
fair(const struct mesh *m, msec now, const struct out *o, const uint8_t *level, const uint8_t *other)
{
	bool repeats = false, leaves_out = false;

	for (uint32_t i = 0; i < before.count; i++) {
		/* What the datagram is for is said whatever waits. */
		bool meant = (i == 0 && o->introduce) || i == o->to;

		repeats = repeats || (before.said[i] && level[i] > NEVER_TOLD && other[i] == 0 && !meant);
		leaves_out = leaves_out || (!before.said[i] && level[i] == NEVER_TOLD && !excused(m, now, i, o->to));
	}
	return !repeats || !leaves_out;
}

void
check_news_after(const struct mesh *m, msec now, const struct cargo *c, const struct out *o)
{
	if (before.count == 0)
		return;
	read_said(m, c);
	if (!fair(m, now, o, before.urgent, before.news) || !fair(m, now, o, before.news, before.urgent))
		unfair = m;
}
