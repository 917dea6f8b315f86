/*
 * rumour.c - folding rumours into the table: who wins, who is suspected for
 * how long, and how a live node answers its own obituary.
 *
 * Suspicion is Lifeguard's: it lasts long when one node alone accuses and
 * shrinks with every independent accuser, so one slow node kills nobody.
 */
#include "inner.h"

enum {
	SUSPECT_BASE_MS = 4000,	  /* x max(1, log10 N) */
	SUSPECT_MAX_MULT = 6,
	FAR_MANY = 9,
	FAR_MULT = 2,	   /* who hears less than half waits so much longer, ... */
	FAR_MANY_MULT = 4, /* ... and among more than FAR_MANY so much */
	CONFIRMATIONS = 2,
	HEARD_MS = 2000,   /* whoever spoke to anybody this lately is not dead to me */
	EVIDENCE_MS = 500, /* ... and so much after its death it lives again */
	ACCUSE_MS = 1000,
	HEALTH_MAX = 8,
	WELCOME_MAX = 200,
};

/* 1000 x max(1, log10 n), by a table: no floating point decides anything. */
static msec
log10_milli(uint32_t n)
{
	static const struct {
		uint32_t n;
		msec milli;
	} points[] = {{10, 1000}, {20, 1301}, {50, 1699}, {100, 2000}, {200, 2301}, {500, 2699},
	    {1000, 3000}, {2000, 3301}, {5000, 3699}, {10000, 4000}};
	msec out = points[0].milli;

	for (size_t i = 0; i < ARRAY_LEN(points) && n >= points[i].n; i++)
		out = points[i].milli;
	return out;
}

static msec
suspicion_ms(const struct mesh *m, const struct member_doubt *d)
{
	/* 1000 x log(c+1)/log(3) for c = 0, 1, 2 confirmations. */
	static const msec shrink[CONFIRMATIONS + 1] = {0, 631, 1000};
	msec min = pace(m, SUSPECT_BASE_MS) * log10_milli(m->ms.count) / 1000;
	msec max = min * SUSPECT_MAX_MULT;
	uint32_t c = d->accusers_count > 0 ? d->accusers_count - 1u : 0;

	/* Most do not answer me themselves: what it says comes over many, if at all, and
	 * others who accuse it are as far away as I. */
	if (relay_far(m))
		min *= m->ms.count > FAR_MANY ? FAR_MANY_MULT : FAR_MULT;

	/* With nobody left to confirm, waiting longer teaches nothing. */
	if (mesh_up(m) < CONFIRMATIONS + 2 || c > CONFIRMATIONS)
		return min;
	return max - (max - min) * shrink[c] / 1000;
}

static void
news(struct mesh *m, uint32_t i)
{
	members_tell(&m->ms, i);
}

/*
 * My own key signed what I never said in this life, of its very number.  From elsewhere: one
 * lives there too, perhaps.  From here: my disk was lost, and I began a number again that I
 * had lived (join.c), let in by one who knew no word of that.  Others hear me, so none of
 * them refuses this life; but each holds the other's last word against mine, and takes no
 * record, refutation or notice of mine any more.
 */
static int
forgotten(struct mesh *m, msec now, const struct rumour *r)
{
	const struct member *self = &m->ms.m[0];

	if (!r->is_long || !vouch_holds(m, m->saved.cluster, r))
		return -ERR_AUTH; /* only I can sign it: it is a lie */
	if (r->generation > self->generation || !addr_eq(&r->addr, &m->conf.addr)) {
		twin_suspect(m, now, &r->addr);
		return -ERR_IDENTITY;
	}
	if (join_next_life(m, now, self->generation))
		trace(m, now, "lived before: the next life", 0, self->generation);
	return 0;
}

/* Somebody believes I am dead or older than I am: outbid it. */
static int
refute(struct mesh *m, msec now, const struct rumour *r)
{
	struct member *self = &m->ms.m[0];

	if (leave_said(m))
		return 0; /* it is over */
	if (r->generation > self->generation ||
	    (r->generation == self->generation && r->incarnation > self->incarnation))
		return forgotten(m, now, r);
	/* Whose table holds me dead hears me now, and will ask. */
	if (r->is_table && r->state == MESH_FAILED && r->generation == self->generation)
		return 0;
	if (r->generation == self->generation && r->incarnation == self->incarnation &&
	    r->state != MESH_ALIVE && r->state != MESH_LEFT) {
		members_set(&m->ms, 0, now, MESH_ALIVE, self->generation, self->incarnation + 1);
		vouch_self(m);
		sync_renewed(m, now);
		if (m->swim.health < HEALTH_MAX)
			m->swim.health++;
		trace(m, now, "refute", 0, self->incarnation);
		news(m, 0);
	} else if (r->generation < self->generation) {
		news(m, 0);
	} else if (r->is_long && !addr_eq(&r->addr, &self->addr)) {
		twin_suspect(m, now, &r->addr); /* whoever says so: asking is cheap */
	}
	return 0;
}

/* It spoke once in my life and was given up; not: I started and know nobody. */
static bool
dead_to_me(const struct member *x)
{
	return x->state == MESH_FAILED && x->heard != 0;
}

static void
accuse(struct member_doubt *x, uint64_t accuser)
{
	for (uint32_t k = 0; k < x->accusers_count; k++)
		if (x->accusers[k] == accuser)
			return;
	if (x->accusers_count < ARRAY_LEN(x->accusers))
		x->accusers[x->accusers_count++] = accuser;
}

void
rumour_suspect(struct mesh *m, msec now, uint32_t i, uint64_t accuser)
{
	struct member *x = &m->ms.m[i];
	struct member_doubt *d = &m->ms.doubts[i];
	uint32_t before = d->accusers_count;
	bool fresh = x->state == MESH_ALIVE;

	if (i == 0 || !member_up(x))
		return;
	if (fresh) {
		members_set(&m->ms, i, now, MESH_SUSPECT, x->generation, x->incarnation);
		d->suspected = now;
		d->accusers_count = 0;
		before = 0;
	}
	accuse(d, accuser);
	if (fresh)
		trace(m, now, "suspect", i, 0);
	if (d->accusers_count > before)
		news(m, i);
	m->swim.suspect_at = msec_min(m->swim.suspect_at, d->suspected + suspicion_ms(m, d));
}

void
rumour_fail(struct mesh *m, msec now, uint32_t i, const char *why)
{
	struct member *x = &m->ms.m[i];

	members_set(&m->ms, i, now, MESH_FAILED, x->generation, x->incarnation);
	m->ms.reports[i].reported = false; /* what ran there may have ended with its lease */
	paths_forget(m, i);
	news(m, i);
	trace(m, now, why, i, 0);
}

/* A node that is new, or new again, knows nobody's summary: tell it mine soon,
 * not at the next half minute.  Large meshes let it wait. */
static void
welcome(struct mesh *m)
{
	if (m->report.summary_set && m->ms.count <= WELCOME_MAX)
		m->report.summary_due = true;
}

/* Asked only of what would change the table: a storm costs nothing twice. */
static int
record_ok(struct mesh *m, const struct rumour *r)
{
	if (!addr_possible(&r->addr))
		return -ERR_BAD_ADDRESS;
	return vouch_holds(m, m->saved.cluster, r) ? admit_record(m, r) : -ERR_AUTH;
}

/* The owner's own word, with its proof: to be believed, and passed on. */
static void
take_record(struct mesh *m, msec now, uint32_t i, const struct rumour *r)
{
	struct member *x = &m->ms.m[i];
	bool look = !x->proven || r->generation > x->generation;

	pair_drop(m, i, r->generation);
	if (!look)
		sync_renewed(m, now);
	/* One that is known by its record has moved; from a roster, an address is old news. */
	if (x->proven && r->generation > x->generation && !addr_eq(&x->addr, &r->addr))
		trace(m, now, "moved", i, 0);
	if (!addr_eq(&x->addr, &r->addr)) {
		x->addr = r->addr;
		m->ms.changes++;
	}
	if (x->roster != 0 && x->name_len == 0 && r->name_len > 0)
		roster_late(m);
	else if (!x->proven && x->roster != 0)
		m->roster.blob_stale = true; /* it belongs into the next save */
	members_set_text(&m->ms, i, r->name, r->name_len, r->meta, r->meta_len);
	members_prove(&m->ms, i, r->pk, r->sig);
	x->renewed_s = (uint32_t)(now / 1000);
	admit_take(m, i, r);
	going_told(m, i, (uint16_t)r->notice);
	/* Both stay: an id is who one is, a name only what one is called. */
	if (look && r->state != MESH_LEFT && m->conf.trace != NULL && members_namesake(&m->ms, i) != MEMBER_NONE)
		trace(m, now, "name taken", i, 0);
}

/* First word of a node: only a long rumour tells where it is. */
static int
hear_new(struct mesh *m, msec now, const struct rumour *r)
{
	enum mesh_state state = r->state == MESH_SUSPECT ? MESH_ALIVE : r->state;
	int i;

	if (!r->is_long || r->state == MESH_LEFT || forget_too_old(r))
		return 0;
	if (state == MESH_FAILED && m->ms.count == m->ms.max)
		return -ERR_FULL; /* nobody gives his place to the dead */
	if ((i = record_ok(m, r)) < 0 || (i = members_add(&m->ms, &r->id, now)) < 0)
		return i;
	take_record(m, now, (uint32_t)i, r);
	if (state == MESH_ALIVE && r->state == MESH_ALIVE && r->from < RUMOUR_AGE_MAX)
		m->ms.m[i].heard = now - (msec)r->from;
	members_set(&m->ms, (uint32_t)i, now, state, r->generation, (uint32_t)r->incarnation);
	swim_added(m, (uint32_t)i);
	forget_dates(m, now, (uint32_t)i, r);
	news(m, (uint32_t)i);
	welcome(m);
	trace(m, now, state == MESH_ALIVE ? "alive" : "failed", (uint32_t)i, 0);
	if (r->state == MESH_SUSPECT)
		rumour_suspect(m, now, (uint32_t)i, r->from);
	return 0;
}

/* Does r beat what we hold?  A total order, so all tables end equal. */
static bool
beats(const struct member *x, const struct rumour *r)
{
	if (r->generation != x->generation)
		return r->generation > x->generation;
	if (x->state == MESH_LEFT)
		return false;
	if (r->state == MESH_LEFT)
		return true;
	if (r->incarnation != x->incarnation)
		return r->incarnation > x->incarnation;
	return r->state > (enum mesh_state)x->state;
}

/* Does r speak of a life its owner has not told this node of, or of its end? */
static bool
owners_to_tell(const struct member *x, const struct rumour *r)
{
	return !x->proven || r->generation > x->generation || r->state == MESH_LEFT ||
	    r->incarnation > x->incarnation;
}

/* A new life: nothing learned in the old one holds. */
static void
reborn(struct mesh *m, uint32_t i)
{
	struct member_report *r = &m->ms.reports[i], none;

	memset(&none, 0, sizeof none);
	none.applied = r->applied;
	if (memcmp(r, &none, sizeof none) != 0)
		memcpy(r, &none, sizeof none);
	members_unheard(&m->ms, i);
	summary_forget(m, i); /* each life counts anew */
	welcome(m);
}

/*
 * Its owner's word, of the very life that this node saw end, and said before it ended: it
 * went another way, or the only one who heard it was away.  It is what the owner said
 * last, so it is taken, and told; but who said it is dead.
 */
static bool
last_word(const struct member *x, msec now, const struct rumour *r)
{
	return dead_to_me(x) && r->state == MESH_ALIVE && r->generation == x->generation &&
	    now - (msec)r->from <= x->since;
}

static void
hear_last_word(struct mesh *m, msec now, uint32_t i, const struct rumour *r)
{
	struct member *x = &m->ms.m[i];

	members_set(&m->ms, i, now, MESH_FAILED, x->generation, (uint32_t)r->incarnation);
	news(m, i);
	trace(m, now, "last word", i, r->incarnation);
}

static void
hear_alive(struct mesh *m, msec now, uint32_t i, const struct rumour *r)
{
	struct member *x = &m->ms.m[i];
	bool was_up = member_up(x), rose = dead_to_me(x), older = r->generation > x->generation;

	if (older && was_up && x->generation != 0) /* so quick that nobody missed it */
		trace(m, now, "restarted", i, r->generation);
	if (older)
		reborn(m, i);
	summary_rise(m, now, i);
	if (x->state == MESH_SUSPECT && !older)
		flap_shaken(m, now, i); /* while it is known who accused it */
	members_absolve(&m->ms, i);
	flap_restless(m, now, i);
	if (r->from < RUMOUR_AGE_MAX && now - (msec)r->from > x->heard)
		x->heard = now - (msec)r->from;
	members_set(&m->ms, i, now, MESH_ALIVE, r->generation, (uint32_t)r->incarnation);
	news(m, i);
	if (rose && !older)
		flap_rose(m, now, i);
	if (!was_up)
		trace(m, now, "alive", i, 0);
}

static void
hear_bad(struct mesh *m, msec now, uint32_t i, const struct rumour *r)
{
	struct member *x = &m->ms.m[i];
	bool lately = x->heard != 0 && now - x->heard < pace(m, HEARD_MS);

	if (r->state == MESH_LEFT) {
		if (r->generation > x->generation)
			summary_forget(m, i); /* each life counts anew */
		roster_left(m, i);
		members_set(&m->ms, i, now, MESH_LEFT, r->generation, (uint32_t)r->incarnation);
		elect_forget(m, now, i);
		news(m, i);
		trace(m, now, "left", i, 0);
		return;
	}
	/* A new life that somebody suspects is a life: its owner's word for it is newer
	 * than the death held here, and ends the wait for one that restarts. */
	if (r->generation > x->generation && r->state == MESH_SUSPECT) {
		struct rumour alive = *r;

		alive.state = MESH_ALIVE;
		alive.from = RUMOUR_AGE_MAX; /* that was an accuser */
		hear_alive(m, now, i, &alive);
		rumour_suspect(m, now, i, r->from);
		return;
	}
	if (r->generation > x->generation)
		reborn(m, i);
	members_set(&m->ms, i, now, (enum mesh_state)x->state, r->generation,
	    (uint32_t)r->incarnation);
	if (member_up(x) && (r->state == MESH_SUSPECT || lately)) {
		rumour_suspect(m, now, i, r->state == MESH_SUSPECT ? r->from : 0);
		return;
	}
	if (x->state != MESH_FAILED)
		rumour_fail(m, now, i, "failed");
}

/* It was not dead, and lives the life it lived. */
static void
lives_on(struct mesh *m, msec now, uint32_t i)
{
	struct member *x = &m->ms.m[i];
	bool rose = dead_to_me(x);

	if (x->state == MESH_SUSPECT && cut_lately(m, now))
		m->ms.doubts[i].rose = m->swim.cut_rose = now;
	summary_rise(m, now, i);
	members_set(&m->ms, i, now, MESH_ALIVE, x->generation, x->incarnation);
	members_absolve(&m->ms, i);
	news(m, i);
	flap_restless(m, now, i);
	if (rose)
		flap_rose(m, now, i);
	trace(m, now, "alive", i, 0);
}

void
rumour_answered(struct mesh *m, msec now, uint32_t i)
{
	const struct member *x = &m->ms.m[i];

	m->ms.m[i].heard = now;
	if (x->proven && (x->state == MESH_FAILED || (x->state == MESH_SUSPECT && cut_lately(m, now))))
		lives_on(m, now, i);
	else if (x->state == MESH_ALIVE)
		news(m, i); /* somebody holds it dead */
}

/*
 * Somebody heard it then.  When that is after this node gave it up, the death
 * was a cut, now healed: it lives again, and nobody has to refute.  The same
 * clears a suspicion that a cut left behind.
 */
void
rumour_evidence(struct mesh *m, msec now, uint32_t i, msec at)
{
	struct member *x = &m->ms.m[i];

	if (at > x->heard)
		x->heard = at;
	if (x->state != MESH_ALIVE && x->state != MESH_LEFT && at > x->since + pace(m, EVIDENCE_MS) &&
	    x->proven)
		lives_on(m, now, i);
}

static void
evidence(struct mesh *m, msec now, uint32_t i, const struct rumour *r)
{
	const struct member *x = &m->ms.m[i];

	if (r->from < RUMOUR_AGE_MAX && r->generation == x->generation &&
	    r->incarnation == x->incarnation)
		rumour_evidence(m, now, i, now - (msec)r->from);
}

/*
 * Another's whole table says that a member of mine is dead, of the very life I
 * know: two sides of a healed cut, or a death that I missed the news of.  The
 * leader, who hears everybody, will give evidence of life; without one I do, and
 * ask it first if need be.  Once I
 * suspect it too, the obituary is all the confirmation there will ever be: who
 * calls it dead accuses no more.  Nor does a table make suspect, but where most do not
 * answer me myself: after a cut all are full of those who were cut off.
 */
static bool
old_obituary(struct mesh *m, msec now, uint32_t i, const struct rumour *r)
{
	struct member *x = &m->ms.m[i];

	if (!r->is_table || !member_up(x) || r->generation != x->generation ||
	    r->incarnation != x->incarnation)
		return false;
	if (r->state != MESH_FAILED && (r->state != MESH_SUSPECT || relay_far(m)))
		return false;
	if (x->state == MESH_SUSPECT && now - x->heard >= pace(m, HEARD_MS))
		return false;
	if (m->elect.leader == MEMBER_NONE && now - m->ms.doubts[i].accused >= pace(m, ACCUSE_MS)) {
		m->ms.doubts[i].accused = now;
		if (x->heard != 0 && now - x->heard < pace(m, HEARD_MS))
			news(m, i);
		else
			swim_call(m, i);
	}
	if (now - x->heard >= pace(m, HEARD_MS))
		swim_ask_next(m, i);
	return true;
}

int
rumour_hear(struct mesh *m, msec now, struct rumour *r)
{
	uint32_t i;
	struct member *x;
	int rc;

	if (r->eviction != NULL)
		return evict_hear(m, now, r->eviction, r->by);
	if (r->briefs != NULL)
		return summary_hear(m, now, r->briefs, r->briefs_len, r->is_table);
	if (r->is_long)
		vouch_id(m, r);
	if (evict_find(&m->ms.evict, seal_short(&r->id)) != EVICT_NONE)
		return r->is_long ? -ERR_EVICTED : 0;
	if (seal_short(&r->id) == m->ms.m[0].short_id)
		return refute(m, now, r);
	if ((i = members_find(&m->ms, seal_short(&r->id))) == MEMBER_NONE)
		return hear_new(m, now, r);
	x = &m->ms.m[i];
	if (!id_eq(&x->id, &r->id))
		return -ERR_IDENTITY;
	/* One more accuser is news too, though the state stays. */
	if (r->state == MESH_SUSPECT && x->state == MESH_SUSPECT &&
	    r->generation == x->generation && r->incarnation == x->incarnation) {
		rumour_suspect(m, now, i, r->from);
		return 0;
	}
	if (r->state == MESH_ALIVE)
		evidence(m, now, i, r);
	if (!beats(x, r) || old_obituary(m, now, i, r) || cut_old_doubt(m, now, i, r)) {
		forget_dates(m, now, i, r);
		return 0;
	}
	if (owners_to_tell(x, r)) {
		if (!r->is_long)
			return 0; /* somebody else will tell the whole of it */
		if ((rc = record_ok(m, r)) < 0)
			return rc;
		take_record(m, now, i, r);
	}
	if (last_word(x, now, r))
		hear_last_word(m, now, i, r);
	else if (r->state == MESH_ALIVE)
		hear_alive(m, now, i, r);
	else
		hear_bad(m, now, i, r);
	forget_dates(m, now, i, r);
	return 0;
}

/* A bad one is counted and ends the reading when the bytes themselves are bad;
 * otherwise the next is heard. */
int
rumours_hear(struct mesh *m, msec now, const struct packet *p, uint32_t by,
    const struct seal_frame *shared)
{
	struct mp r;
	struct rumour one;
	int rc;

	mp_init(&r, p->rumours, p->rumours_len, 2);
	for (uint32_t k = 0; k < p->rumours_count; k++) {
		if ((rc = rumour_read(&r, &one)) < 0)
			return rc;
		if (shared != NULL && one.eviction == NULL) {
			if (!one.is_long || (one.state != MESH_ALIVE && one.state != MESH_LEFT))
				continue;
			vouch_id(m, &one);
			if (!keys_admit(m, seal_short(&one.id), shared->epoch))
				return -ERR_AUTH;
			one.from = RUMOUR_AGE_MAX; /* a repeated one is no evidence of life */
		}
		one.by = (uint16_t)by;
		one.is_table = p->kind == PACKET_TABLE || p->kind == PACKET_HELD;
		if ((rc = rumour_hear(m, now, &one)) < 0)
			m->stats.dropped[-rc]++;
		if (m->left)
			break; /* it told me that I am out */
	}
	return 0;
}

void
rumour_tick(struct mesh *m, msec now)
{
	flap_tick(m, now);
	if (now < m->swim.suspect_at)
		return;
	m->swim.suspect_at = MSEC_NEVER;
	for (uint32_t i = 1; i < m->ms.count; i++) {
		struct member *x = &m->ms.m[i];
		msec end;

		if (x->state != MESH_SUSPECT)
			continue;
		end = m->ms.doubts[i].suspected + suspicion_ms(m, &m->ms.doubts[i]);
		if (end <= now)
			rumour_fail(m, now, i, "failed");
		else
			m->swim.suspect_at = msec_min(m->swim.suspect_at, end);
	}
}
