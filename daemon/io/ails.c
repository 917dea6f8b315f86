/*
 * ails.c - see ails.h.  Only what this node's own table shows, at no cost to
 * anybody: a path that is cut one way shows here as a member whom others call
 * alive and of whom nothing comes.
 */
#include "ails.h"

#include <stdio.h>

#include "../../gossip/look.h"
#include "addr.h"
#include "belong.h"
#include "engine.h"

enum {
	/* Everybody is probed once in as many seconds as there are members, and
	 * probes as often itself; three times that is no bad luck any more. */
	QUIET_MS = 30000,
	QUIET_EACH_MS = 3000,
	SHARED_MS = 300000, /* a word so young is one of a host that lives */
	CHANGE_MS = 10000, /* a change of the roster takes a second */
	/* Of a minute's probes: fewer say nothing, and one that is late is none too many. */
	LOSS_ASKED_MIN = 20,
	LOSS_LATE_MIN = 5,
	LOSS_PERCENT = 10,
};

static struct ail *
next(struct ail *out, size_t *n, size_t *more, const char *hint)
{
	if (*n == AILS_MAX - 1) {
		++*more;
		return NULL;
	}
	out[*n].hint = hint;
	return &out[(*n)++];
}

msec
ails_quiet_ms(const struct mesh_member *m, uint32_t members, msec started, msec now)
{
	msec limit = QUIET_MS + QUIET_EACH_MS * (msec)members;
	msec quiet = now - (m->seen == MSEC_NEVER || m->seen < m->since ? m->since : m->seen);

	if (m->self || m->state != MESH_ALIVE || now - started < limit || quiet < limit)
		return 0;
	return quiet;
}

bool
ails_lossy(const struct mesh_loss *l)
{
	return l->asked >= LOSS_ASKED_MIN && l->late >= LOSS_LATE_MIN &&
	    100 * l->late >= LOSS_PERCENT * l->asked;
}

static void
find_quiet(const struct engine *e, struct ail *out, size_t *n, size_t *more)
{
	struct mesh_member m;
	struct ail *a;

	for (uint32_t i = 0; mesh_member(e->mesh, i, &m); i++) {
		/* As many as would be asked in that time at lan's pace. */
		uint32_t asked = (uint32_t)pace_ms(e->conf.profile, mesh_count(e->mesh));
		msec quiet = ails_quiet_ms(&m, asked, e->started, net_now());

		if (quiet == 0 ||
		    (a = next(out, n, more, "mesh members --compare")) == NULL)
			continue;
		snprintf(a->text, sizeof a->text,
		    "%s is alive by the word of others: nothing came from it for %lld s; a path cut one way?",
		    m.name, (long long)(quiet / 1000));
	}
}

/* The other half of find_quiet: what that one can't hear is this leader. */
static void
find_unled(const struct engine *e, struct ail *out, size_t *n, size_t *more)
{
	struct mesh_member m;
	struct ail *a;

	for (uint32_t i = 0; mesh_member(e->mesh, i, &m); i++) {
		msec unled = mesh_unled(e->mesh, net_now(), i);

		if (unled == 0 || (a = next(out, n, more,
			"mend the path, or let another lead: mesh leader --to NODE")) == NULL)
			continue;
		snprintf(a->text, sizeof a->text,
		    "%s speaks to this leader and follows it not for %lld s: what goes from here to it does not arrive",
		    m.name, (long long)(unled / 1000));
	}
}

/* What is for it goes over others: no harm yet, and one more cut would be one. */
static void
find_around(const struct engine *e, struct ail *out, size_t *n, size_t *more)
{
	struct mesh_member m, via;
	struct node_id id;
	struct ail *a;

	for (uint32_t i = 0; mesh_member(e->mesh, i, &m); i++) {
		if (!mesh_around(e->mesh, i, &id) || !mesh_find(e->mesh, &id, &via) ||
		    (a = next(out, n, more, "mesh members --compare")) == NULL)
			continue;
		snprintf(a->text, sizeof a->text,
		    "%s does not hear this node: what is for it goes around, over %s; is the path cut?",
		    m.name, via.name);
	}
}

/* Nobody dies of it, and everything takes longer: elections, schedules, deaths. */
static void
find_loss(const struct engine *e, struct ail *out, size_t *n, size_t *more)
{
	struct ail *a;
	struct mesh_loss l;

	mesh_loss(e->mesh, net_now(), &l);
	if (!ails_lossy(&l) || (a = next(out, n, more,
		"mesh reachability and mesh rtt, here and on others: one host, or the network?")) == NULL)
		return;
	snprintf(a->text, sizeof a->text,
	    "packets are lost or late: %u of %u probes of the last minute were not answered straight (%u %%), by members that live",
	    l.late, l.asked, (100 * l.late + l.asked / 2) / l.asked);
}

static bool
may_speak(const struct mesh_member *m)
{
	return m->state <= MESH_SUSPECT ||
	    (m->state == MESH_FAILED && m->seen != MSEC_NEVER && net_now() - m->seen < SHARED_MS);
}

/* Two who tell one address: what is sent there reaches one of them.  Not: a host made
 * anew, of whose old name nothing comes any more. */
static void
find_shared(const struct engine *e, struct ail *out, size_t *n, size_t *more)
{
	struct mesh_member a, b;
	char address[ADDR_TEXT_CAP];
	struct ail *x;

	for (uint32_t i = 0; mesh_member(e->mesh, i, &a); i++)
		for (uint32_t k = i + 1; may_speak(&a) && mesh_member(e->mesh, k, &b); k++) {
			if (!addr_eq(&a.addr, &b.addr) || !may_speak(&b) ||
			    (x = next(out, n, more, "give each its own `advertise:`")) == NULL)
				continue;
			addr_format(&a.addr, address, sizeof address);
			snprintf(x->text, sizeof x->text,
			    "%s and %s advertise one address, %s: what is sent there reaches one of them",
			    a.name, b.name, address);
		}
}

/* Not: of whom only streams get here.  That is the network's illness, and named as it. */
static void
find_unstable(const struct engine *e, struct ail *out, size_t *n, size_t *more)
{
	struct mesh_member m;
	struct ail *a;

	for (uint32_t i = 0; mesh_member(e->mesh, i, &m); i++)
		if (m.unstable && !m.udp_blocked && (a = next(out, n, more, "mesh events")) != NULL)
			snprintf(a->text, sizeof a->text,
			    "%s is unstable: it was called dead or suspected too often, and gets nothing new until it is quiet",
			    m.name);
}

/* It can't be told from here whether it lies, or was on another side each time. */
static void
find_claims(const struct engine *e, struct ail *out, size_t *n, size_t *more)
{
	struct mesh_claims c;
	struct mesh_member m;
	struct ail *a;

	for (uint32_t i = 0; mesh_member(e->mesh, i, &m); i++) {
		mesh_claims(e->mesh, net_now(), i, &c);
		if (m.evicted || (!c.impossible && c.climbs < MESH_CLIMBS_MANY) ||
		    (a = next(out, n, more, "mesh events; mesh evict it if it goes on")) == NULL)
			continue;
		if (c.impossible)
			snprintf(a->text, sizeof a->text,
			    "%s claims a term or schedule that can't be: it is not heard", m.name);
		else
			snprintf(a->text, sizeof a->text,
			    "%s acts on schedules that nobody knows: this leader took a new term %u times for it within a minute",
			    m.name, c.climbs);
	}
}

static void
find_voteless(const struct engine *e, struct ail *out, size_t *n, size_t *more)
{
	struct mesh_member m;
	struct ail *a;

	for (uint32_t i = 0; mesh_member(e->mesh, i, &m); i++)
		if (m.entry != MESH_ENTRY_OK &&
		    (a = next(out, n, more, "mesh evict it; there: stop meshd, move state-dir aside, start, join with another token")) != NULL)
			snprintf(a->text, sizeof a->text,
			    "%s %s: it is here, and gets no vote and no work", m.name,
			    mesh_entry_text(m.entry));
}

static void
find_change(const struct engine *e, struct ail *out, size_t *n, size_t *more)
{
	struct mesh_roster r;
	struct ail *a;

	mesh_roster(e->mesh, &r);
	if (!r.joint || e->joint_since == 0 || net_now() - e->joint_since < CHANGE_MS ||
	    (a = next(out, n, more, "mesh roster")) == NULL)
		return;
	snprintf(a->text, sizeof a->text,
	    "a change of the roster waits for %lld s: the old and the new set must both agree",
	    (long long)((net_now() - e->joint_since) / 1000));
}

/* Who left, or is dead without a vote, gives his place away: these don't. */
static void
find_full(const struct engine *e, struct ail *out, size_t *n, size_t *more)
{
	struct mesh_queues q;
	struct mesh_member m;
	uint32_t dead = 0;
	struct ail *a;

	mesh_queues(e->mesh, &q);
	for (uint32_t i = 0; mesh_member(e->mesh, i, &m); i++) {
		if (m.state == MESH_LEFT && !m.in_roster)
			return;
		dead += m.state == MESH_FAILED;
	}
	if (q.members < q.members_max || (a = next(out, n, more, "mesh evict NODE")) == NULL)
		return;
	snprintf(a->text, sizeof a->text,
	    "the table of members is full (%u): newcomers are refused; %u of them are dead, put out who never comes back",
	    q.members_max, dead);
}

/* What runs is older than what is scheduled, and nobody may remember why. */
static void
find_held(const struct engine *e, struct ail *out, size_t *n, size_t *more)
{
	struct ail *a;

	for (const struct apply_job *j = e->apply.jobs; j != NULL; j = j->next)
		if (j->held != 0 && !j->gone &&
		    (a = next(out, n, more, "mesh generations ROLE --release")) != NULL)
			snprintf(a->text, sizeof a->text,
			    "role %s: its files are those of generation %llu, held by an operator, whatever is scheduled",
			    j->role, (unsigned long long)j->held);
}

size_t
ails_find(const struct engine *e, struct ail out[AILS_MAX])
{
	size_t n = 0, more = 0;

	if (e->mesh == NULL || belong_is_out(e)) /* who is out hears nobody: none of it is true */
		return 0;
	find_full(e, out, &n, &more);
	find_change(e, out, &n, &more);
	find_quiet(e, out, &n, &more);
	find_unled(e, out, &n, &more);
	find_around(e, out, &n, &more);
	find_loss(e, out, &n, &more);
	find_shared(e, out, &n, &more);
	find_unstable(e, out, &n, &more);
	find_claims(e, out, &n, &more);
	find_voteless(e, out, &n, &more);
	find_held(e, out, &n, &more);
	if (more > 0) {
		snprintf(out[n].text, sizeof out[n].text, "and %zu more members like these", more);
		out[n++].hint = "mesh members";
	}
	return n;
}
