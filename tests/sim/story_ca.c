/*
 * story_ca.c - a mesh whose members have certificates: who comes in by which token, who
 * does not and hears why, and what a split does to the uses of one.
 */
#include "../../gossip/decree.h"
#include "story.h"

enum { STEP = 20000 };
enum { MANY, OLD, ONE, SPLIT }; /* tokens by number */

static bool
votes_at(const struct sim *s, uint32_t observer, uint32_t i)
{
	const struct mesh *m = s->node[observer].mesh;
	uint32_t x = members_find_id(&m->ms, &s->node[i].id);

	return x != MEMBER_NONE && m->ms.m[x].roster == MEMBER_VOTES;
}

static enum mesh_entry
entry_at(const struct sim *s, uint32_t observer, uint32_t i)
{
	struct mesh_member x;

	return mesh_find(s->node[observer].mesh, &s->node[i].id, &x) ? x.entry : MESH_ENTRY_OK;
}

/* It asks, is told why not, and is in nobody's table. */
static bool
is_refused(struct sim *s, struct sim_stats *st, uint32_t i, enum mesh_entry why)
{
	struct mesh_refusal r = {.why = MESH_ENTRY_OK};
	usec began = s->now;

	while ((!mesh_refused(s->node[i].mesh, &r) || r.why != why) &&
	    s->now - began < story_patience(s))
		if (!sim_run(s, s->now + STEP))
			return false;
	stats_add(st, "ca.refused:ms", (s->now - began) / 1000);
	if (!sim_run(s, s->now + 3 * (usec)SECOND))
		return false;
	for (uint32_t k = 0; k < s->conf.nodes; k++)
		if (k != i && s->node[k].mesh != NULL &&
		    members_find_id(&s->node[k].mesh->ms, &s->node[i].id) != MEMBER_NONE)
			return story_bound(s, "refused-is-no-member", false);
	return story_bound(s, "refused-hears-why",
	    r.why == why && r.by[0] == 'n' && !s->node[i].mesh->member);
}

/* --- forgers -------------------------------------------------------------------------- */

static bool
forgers_stay_out(struct sim *s)
{
	struct node_id id;

	for (uint32_t i = 0; i < s->conf.nodes; i++) {
		struct mesh *m = s->node[i].mesh;

		for (uint32_t kind = 0; m != NULL && m->member && !m->left && kind < FORGERIES; kind++) {
			uint64_t before = m->stats.dropped[ERR_CERT] + m->stats.dropped[ERR_EXPIRED];

			forger_knocks(s, i, (enum forgery)kind, &id);
			if (members_find_id(&m->ms, &id) != MEMBER_NONE ||
			    m->stats.dropped[ERR_CERT] + m->stats.dropped[ERR_EXPIRED] == before)
				return story_bound(s, "key-alone-lets-nobody-in", false);
		}
	}
	return s->broken == NULL;
}

/* --- tokens ----------------------------------------------------------------------------- */

static void
start(struct sim *s, uint32_t i, uint32_t token, uint32_t uses, uint64_t expiry_s)
{
	ca_certify(s, i, token, uses, expiry_s);
	node_start(s, i);
}

/* Everybody is a member with a vote again. */
static bool
all_in(struct sim *s, struct sim_stats *st, const char *name)
{
	usec took;

	if (!story_whole(s, &took))
		return false;
	stats_add(st, name, took / 1000);
	return true;
}

/* i came too late, asks with another token, and comes in; k comes with the same one. */
static bool
used_up(struct sim *s, struct sim_stats *st, uint32_t i, uint32_t k)
{
	uint64_t now_s = CA_WALL_S + (uint64_t)(s->now / SECOND);

	start(s, i, OLD, 3, now_s - 1);
	if (!is_refused(s, st, i, MESH_ENTRY_EXPIRED))
		return false;
	ca_certify(s, i, ONE, 1, now_s + 3600);
	s->node[i].ca->wall_s = now_s;
	if (!story_bound(s, "another-certificate",
		mesh_certify(s->node[i].mesh, node_clock(s, i), s->node[i].ca) == 0) ||
	    !all_in(s, st, "ca.in:ms"))
		return false;
	start(s, k, ONE, 1, now_s + 3600);
	if (!is_refused(s, st, k, MESH_ENTRY_SPENT))
		return false;
	node_crash(s, k, INT64_MAX);
	return true;
}

/* Ordered by the CA, at a node that need not lead. */
static bool
put_out(struct sim *s, uint32_t by, uint32_t i)
{
	struct mesh *m = s->node[by].mesh;
	uint8_t body[EVICT_BODY_BYTES], buf[DECREE_SIGNED_MAX], sig[SIG_BYTES];
	struct mesh_came came;
	size_t len;

	if (!story_bound(s, "known-by-what-it-came", mesh_came(m, &s->node[i].id, &came)))
		return false;
	memcpy(body, s->node[i].id.b, ID_BYTES);
	memcpy(body + ID_BYTES, came.token, KEY_BYTES);
	len = decree_to_sign(m->saved.cluster, "evict", body, sizeof body, buf);
	sim_sign_as(s->node[by].pk, sig, buf, len); /* a member is no CA */
	if (!story_bound(s, "evict-by-the-ca-alone",
		mesh_evict(m, node_clock(s, by), &s->node[i].id) == -ERR_CERT &&
		    mesh_evict_decree(m, node_clock(s, by), &s->node[i].id, came.token, sig) ==
			-ERR_AUTH))
		return false;
	sim_sign_as(ca_pk, sig, buf, len);
	s->node[i].out_at = s->now;
	return story_bound(s, "evict-taken",
	    mesh_evict_decree(m, node_clock(s, by), &s->node[i].id, came.token, sig) == 0);
}

/* All tables are equal, and of the two one has a vote and the other is named. */
static bool
told(const struct sim *s, uint32_t a, uint32_t b, uint32_t *extra)
{
	uint64_t hash = members_hash(&s->node[0].mesh->ms);

	*extra = votes_at(s, 0, a) ? b : a;
	for (uint32_t i = 0; i < s->conf.nodes; i++)
		if (s->node[i].mesh != NULL && s->node[i].out_at == 0 &&
		    (hash != members_hash(&s->node[i].mesh->ms) || votes_at(s, i, *extra) ||
			!votes_at(s, i, a + b - *extra) ||
			entry_at(s, i, *extra) != MESH_ENTRY_SPENT))
			return false;
	return true;
}

/*
 * One token for one, and a newcomer on each side of a split: both are let in by who
 * knows no better; at the heal one has the vote, and all name the other.
 */
static bool
split(struct sim *s, struct sim_stats *st, uint32_t a, uint32_t b)
{
	uint64_t until_s = CA_WALL_S + (uint64_t)(s->now / SECOND) + 3600;
	uint32_t extra, by = 0;
	usec began;

	/* Node 1 is a seed that the small side has. */
	net_group(s, 1, 1);
	net_group(s, b, 1);
	if (!sim_run(s, s->now + 10 * (usec)SECOND))
		return false;
	start(s, a, SPLIT, 1, until_s);
	start(s, b, SPLIT, 1, until_s);
	if (!sim_run(s, s->now + 15 * (usec)SECOND) ||
	    !story_bound(s, "both-sides-let-in",
		s->node[a].mesh->member && s->node[b].mesh->member && votes_at(s, 0, a)))
		return false;
	net_group(s, 1, 0);
	net_group(s, b, 0);
	for (began = s->now; !told(s, a, b, &extra) && s->now - began < story_patience(s);)
		if (!sim_run(s, s->now + STEP))
			return false;
	if (!story_bound(s, "extra-use-told-at-the-heal", told(s, a, b, &extra)))
		return false;
	stats_add(st, "ca.told:ms", (s->now - began) / 1000);
	if (!sim_run(s, s->now + 5 * (usec)SECOND) ||
	    !story_bound(s, "extra-use-stays-told", told(s, a, b, &extra)))
		return false;
	while (by == extra)
		by++;
	return put_out(s, by, extra) && put_out(s, by, a + b - extra) && story_whole(s, NULL);
}

void
setup_ca(struct sim_conf *conf)
{
	conf->ca = true;
	if (conf->nodes < CA_NODES_MIN)
		conf->nodes = CA_NODES_MIN;
}

bool
story_ca(struct sim *s, struct sim_stats *st)
{
	uint32_t n = s->conf.nodes, late = n - CA_LATE;
	uint64_t until_s;

	if (n < CA_NODES_MIN)
		return true; /* too few for a split; setup_ca makes more of them */
	if (!all_in(s, st, "ca.join:ms") || !forgers_stay_out(s) ||
	    !used_up(s, st, late, late + 1) || !split(s, st, late + 2, late + 3))
		return false;
	/* A use is not given back by an eviction, nor forgotten over a restart of all. */
	until_s = CA_WALL_S + (uint64_t)(s->now / SECOND) + 3600;
	start(s, late + 4, SPLIT, 1, until_s);
	if (!is_refused(s, st, late + 4, MESH_ENTRY_SPENT))
		return false;
	node_crash(s, late + 4, INT64_MAX);
	for (uint32_t i = 0; i <= late; i++)
		node_crash(s, i, s->now + (usec)prng_below(&s->rng, SECOND));
	if (!sim_run(s, s->now + SECOND) || !story_whole(s, NULL) || !forgers_stay_out(s))
		return false;
	start(s, late + 1, ONE, 1, until_s);
	if (!is_refused(s, st, late + 1, MESH_ENTRY_SPENT))
		return false;
	node_crash(s, late + 1, INT64_MAX);
	/* Under loss a token for many lets in all who have it. */
	s->loss_permille = 200;
	net_changed(s);
	start(s, late + 4, MANY, n, until_s);
	if (!all_in(s, st, "ca.lossy:ms"))
		return false;
	s->loss_permille = 0;
	net_changed(s);
	return forgers_stay_out(s);
}
