/*
 * cargo.c - which rumours ride along with a packet, and how many: first what the
 * packet is for, then who is out, then what is urgent, then what is new, and at
 * last the summaries.
 */
#include "inner.h"

enum {
	PICK_MAX = 64,
	NEWS_MS = 10000,
	NEWS_LEAST = 8, /* tellings: of nine, with 4 each, one in fifty would hear it late */
	KNOWERS = 4, /* so many, and what they all know is no news any more */
	RECORD_S = 60, /* so long a record is news */
	LOST_MS = 3000, /* so long, news lost on a newcomer is told once more */
	URGENT_SHARE = SEAL_BODY_MAX * 2 / 3, /* bytes, while others wait */
};

/* All or nothing: half a rumour would spoil the datagram. */
bool
cargo_load(struct cargo *c, const struct rumour *r)
{
	size_t was = c->w.len;

	rumour_pack(&c->w, r);
	if (c->w.full) {
		c->w.full = false;
		c->w.len = was;
		return false;
	}
	c->count++;
	return true;
}

static void
load_member(struct mesh *m, msec now, struct cargo *c, uint32_t i, bool is_long)
{
	struct rumour r;

	members_rumour(&m->ms, i, now, is_long, &r);
	cargo_load(c, &r);
}

uint32_t
out_limit(const struct mesh *m)
{
	uint32_t digits = 1;

	for (uint32_t n = m->ms.count; n >= 10; n /= 10)
		digits++;
	return 4 * digits;
}

/*
 * Was it worth a telling?  Not to who did not answer lately.  And bad news goes by id alone, and who does not know whose
 * id that is can neither use it nor pass it on.  In a flood of newcomers most
 * tellings would be spent on them, and some who knew the dead never hear of it.
 */
static bool
understood(const struct mesh *m, msec now, uint32_t to, const struct rumour *r, uint32_t i)
{
	const struct member *x = &m->ms.m[i];

	if (to != MEMBER_NONE && now - x->since < LOST_MS && !relay_near(m, to))
		return false;
	return r->is_long || r->state == MESH_ALIVE || to == MEMBER_NONE || now - x->since >= LOST_MS ||
	    member_settled(&m->ms.m[to], x->since);
}

/*
 * An obituary that whoever hears it would have to outbid, for itself or for one on its
 * side of a cut: it was dead to me too when that one died, or is.
 */
static bool
of_the_cut(const struct mesh *m, uint32_t to, uint32_t i)
{
	const struct member *x = &m->ms.m[i];

	return to != MEMBER_NONE && x->state == MESH_FAILED && x->proven &&
	    (m->ms.m[to].state == MESH_FAILED || m->ms.doubts[to].rose > x->since);
}

/*
 * The whole record, of whom all may not know it yet, and of who left.  That one lives whom
 * all know by the same is said in a fifth of the bytes: after a cut of thousands half of
 * them are news at once.  Who lacks it nevertheless has it from the next table.
 */
static bool
told_whole(const struct mesh *m, msec now, uint32_t i)
{
	const struct member *x = &m->ms.m[i];

	return x->state == MESH_LEFT || (x->state == MESH_ALIVE &&
	    (i == 0 || now / 1000 - x->renewed_s < RECORD_S));
}

static uint32_t
news_limit(const struct mesh *m)
{
	uint32_t limit = out_limit(m);

	return limit > NEWS_LEAST ? limit : NEWS_LEAST;
}

void
cargo_known(struct mesh *m)
{
	uint32_t limit = news_limit(m);

	if (m->ms.news.count > 0)
		spread_known(&m->ms.news, limit / KNOWERS, limit);
}

static void
load_news(struct mesh *m, msec now, struct cargo *c, struct spread *news, uint32_t to, size_t share)
{
	uint16_t pick[PICK_MAX];
	uint32_t n = spread_pick(news, pick, PICK_MAX), limit = news_limit(m);

	for (uint32_t k = 0; k < n && c->w.len < share; k++) {
		uint32_t i = pick[k];
		uint8_t state = m->ms.m[i].state;
		struct rumour r;

		/* Bad news that could not be told in time is not news: after a
		 * cut it would kill the living. */
		if (state == MESH_FAILED && now - m->ms.m[i].since > NEWS_MS) {
			spread_drop(news, i);
			continue;
		}
		if (of_the_cut(m, to, i) || (state == MESH_SUSPECT && cut_across(m, now, to)))
			continue;
		members_rumour(&m->ms, i, now, told_whole(m, now, i), &r);
		if (!cargo_load(c, &r))
			break;
		if (understood(m, now, to, &r, i))
			spread_sent(news, i, limit);
	}
}

bool
cargo_eviction(const struct mesh *m, struct cargo *c, uint32_t k)
{
	struct rumour r = {.eviction = (const uint8_t *)&m->ms.evict.all[k]};

	return cargo_load(c, &r);
}

static void
load_evictions(struct mesh *m, struct cargo *c)
{
	struct spread *news = &m->ms.evict.news;
	uint16_t pick[PICK_MAX];
	uint32_t n = spread_pick(news, pick, PICK_MAX), limit = out_limit(m);

	for (uint32_t k = 0; k < n && c->w.len < URGENT_SHARE && cargo_eviction(m, c, pick[k]); k++)
		spread_sent(news, pick[k], limit);
}

/* Of the dead, and in a cut, the answer says enough: no need to refute. */
static bool
looks_well(struct mesh *m, msec now, const struct member *x)
{
	return x->state == MESH_ALIVE || (x->proven &&
	    (x->state == MESH_FAILED || (x->state == MESH_SUSPECT && cut_lately(m, now))));
}

void
cargo_fill(struct mesh *m, msec now, struct cargo *c, const struct out *o)
{
	bool carries = o->kind == PACKET_PING || o->kind == PACKET_ACK || o->kind == PACKET_GOSSIP;

	if (o->introduce)
		load_member(m, now, c, 0, true);
	if (o->notice)
		cargo_load(c, &(struct rumour){.eviction = evict_notice(m, (uint32_t)o->a)});
	if (o->kind == PACKET_HELD)
		missed_load(m, o->to, c);
	if (!carries)
		return;
	load_evictions(m, c);
	/* The buddy: whoever is suspected hears it first, so that he can refute. */
	if (o->to != MEMBER_NONE && !looks_well(m, now, &m->ms.m[o->to]))
		load_member(m, now, c, o->to, false);
	/* Neither a crowd nor a catastrophe may have all of the room. */
	load_news(m, now, c, &m->ms.urgent, o->to,
	    m->ms.news.count > 0 ? URGENT_SHARE : SEAL_BODY_MAX);
	load_news(m, now, c, &m->ms.news, o->to, SEAL_BODY_MAX);
	if (budget_wait(&m->budget, now) == 0)
		summary_load(m, now, c);
}
