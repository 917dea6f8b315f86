/*
 * story_false.c - who is called dead and is not.
 */
#include "story.h"

enum { RAPID_TURN = 20 * SECOND };

static int64_t
per_1000_hours(const struct sim *s, uint64_t count, usec took)
{
	double hours = (double)s->conf.nodes * (double)took / 3600e6;

	return (int64_t)((double)count * 1000.0 / hours + 0.5);
}

/* Of those who are well, how many get no work of this leader. */
static uint64_t
unstable_now(const struct sim *s, uint32_t leader, uint32_t ill)
{
	struct mesh_member x;
	uint64_t n = 0;

	for (uint32_t k = 0; k < s->conf.nodes && leader != MEMBER_NONE; k++)
		n += k != ill && mesh_find(s->node[leader].mesh, &s->node[k].id, &x) && x.unstable;
	return n;
}

/* Runs so long; counts, each second, who is unstable. */
static bool
run_and_look(struct sim *s, usec so_long, uint64_t *unstable)
{
	for (usec end = s->now + so_long; s->now < end;) {
		if (!sim_run(s, end - s->now > SECOND ? s->now + SECOND : end))
			return false;
		*unstable += unstable_now(s, story_leader(s), MEMBER_NONE);
	}
	return true;
}

/* Runs so long, and counts; all must be taken back in the end. */
static bool
count_false(struct sim *s, struct sim_stats *st, const char *name, usec so_long)
{
	uint64_t unstable = 0;
	uint64_t deaths = s->false_deaths, elections = s->elections;
	uint64_t suspects = s->false_suspects;
	char text[48];
	usec began = s->now;

	if (!run_and_look(s, so_long, &unstable))
		return false;
	snprintf(text, sizeof text, "false.unstable.%s:permille", name);
	stats_add(st, text,
	    (int64_t)(unstable * 1000 / s->conf.nodes / (uint64_t)(so_long / SECOND + 1)));
	snprintf(text, sizeof text, "false.deaths.%s:/1000h", name);
	stats_add(st, text, per_1000_hours(s, s->false_deaths - deaths, s->now - began));
	snprintf(text, sizeof text, "+false.deaths.%s.count:count", name);
	stats_add(st, text, (int64_t)(s->false_deaths - deaths));
	snprintf(text, sizeof text, "false.suspects.%s:/1000h", name);
	stats_add(st, text, per_1000_hours(s, s->false_suspects - suspects, s->now - began));
	snprintf(text, sizeof text, "+false.%s.elections:count", name);
	stats_add(st, text, (int64_t)(s->elections - elections));
	s->loss_permille = s->burst_permille = 0;
	net_changed(s);
	/* Refuted, every one. */
	return story_whole(s, NULL);
}

void
setup_calm(struct sim_conf *conf)
{
	if (conf->span == 0)
		conf->span = 24 * 3600 * (usec)SECOND;
}

bool
story_calm(struct sim *s, struct sim_stats *st)
{
	return story_whole(s, NULL) && sim_run(s, s->now + 40 * SECOND) &&
	    count_false(s, st, "calm", s->conf.span);
}

bool
story_lossy(struct sim *s, struct sim_stats *st)
{
	if (!story_whole(s, NULL))
		return false;
	s->loss_permille = 200;
	net_changed(s);
	return count_false(s, st, "lossy", s->conf.span > 0 ? s->conf.span : 600 * SECOND);
}

bool
story_burst(struct sim *s, struct sim_stats *st)
{
	if (!story_whole(s, NULL))
		return false;
	s->burst_permille = 50;
	net_changed(s);
	return count_false(s, st, "burst", s->conf.span > 0 ? s->conf.span : 600 * SECOND);
}

/* --- Lifeguard --------------------------------------------------------------------- */

void
setup_slow(struct sim_conf *conf)
{
	if (conf->span == 0)
		conf->span = 120 * SECOND;
}

/* Counts as Lifeguard's table does: deaths reported of members that are well
 * (FP), and those of them that members reported who are well (FP-). */
struct slow {
	uint32_t members;
	uint64_t all, healthy;
};

static bool
blocked_members(struct sim *s, struct slow *out)
{
	static const usec block[] = {2048000, 8192000, 16384000}, apart[] = {64000, 1024000, 4096000};
	usec d = block[s->conf.seed % 3], gap = apart[s->conf.seed / 3 % 3], end;
	uint32_t first = (uint32_t)prng_below(&s->fate, s->conf.nodes);

	*out = (struct slow){0};
	out->members = UINT32_C(1) << prng_below(&s->fate, 5);
	if (out->members > s->conf.nodes / 4)
		out->members = s->conf.nodes / 4;
	if (!story_whole(s, NULL))
		return false;
	s->slow_first = first;
	s->slow_count = out->members;
	s->false_of_healthy = s->false_by_healthy = 0;
	for (end = s->now + s->conf.span; s->now < end;) {
		for (uint32_t k = 0; k < out->members; k++)
			node_block(s, (first + k) % s->conf.nodes, s->now + d);
		if (!sim_run(s, s->now + d + gap))
			break;
	}
	out->all = s->false_of_healthy;
	out->healthy = s->false_by_healthy;
	s->slow_count = 0;
	return s->broken == NULL && sim_run(s, s->now + 5 * SECOND) && story_whole(s, NULL);
}

/* The same once more without Lifeguard, beside it. */
bool
story_slow(struct sim *s, struct sim_stats *st)
{
	struct sim_conf conf = s->conf;
	struct slow ours, theirs;
	struct sim *peer;

	if (!blocked_members(s, &ours))
		return false;
	conf.mutant = MUTANT_plain_swim;
	peer = sim_new(&conf);
	if (blocked_members(peer, &theirs) || peer->broken != NULL) {
		stats_add(st, "+slow.fp.healthy:count", (int64_t)ours.healthy);
		stats_add(st, "+slow.fp.healthy.swim:count", (int64_t)theirs.healthy);
		stats_add(st, "+slow.fp.all:count", (int64_t)ours.all);
		stats_add(st, "+slow.fp.all.swim:count", (int64_t)theirs.all);
		if (theirs.healthy > 0)
			stats_add(st, "slow.ratio:permille",
			    (int64_t)(ours.healthy * 1000 / theirs.healthy));
	}
	sim_free(peer);
	plant_of(s->conf.mutant);
	return true;
}

/* --- Rapid ------------------------------------------------------------------------- */

/* One node in a hundred hears nobody for 20 s of each 40.  What the scheduler
 * sees of each must not swing. */
bool
story_flipflop(struct sim *s, struct sim_stats *st)
{
	uint32_t n = s->conf.nodes, sick = n / 100 > 0 ? n / 100 : 1, leader;
	uint32_t turns[MESH_MEMBERS_LIMIT] = {0};
	bool was[MESH_MEMBERS_LIMIT], deaf = false;
	uint64_t elections;
	usec end, turn_at;

	if (!story_whole(s, NULL))
		return false;
	leader = story_leader(s);
	fault_cuts(s);
	elections = s->elections;
	for (uint32_t k = 0; k < n; k++)
		was[k] = true;
	for (end = s->now + 200 * SECOND, turn_at = s->now; s->now < end;) {
		if (s->now >= turn_at) {
			turn_at = s->now + RAPID_TURN;
			deaf = !deaf;
			for (uint32_t k = 1; k <= sick; k++)
				for (uint32_t i = 0; i < n; i++)
					s->cut[(size_t)i * n + (leader + k) % n] = deaf;
			net_changed(s);
		}
		if (!sim_run(s, s->now + SECOND / 5))
			return false;
		leader = s->node[leader].leads ? leader : story_leader(s);
		for (uint32_t k = 0; k < n; k++) {
			bool usable = story_usable(s, leader, k);

			turns[k] += usable != was[k];
			was[k] = usable;
		}
	}
	for (uint32_t k = 0; k < n; k++)
		if (turns[k] > 0)
			stats_add(st, "flipflop.turns:count", turns[k]);
	stats_add(st, "+flipflop.elections:count", (int64_t)(s->elections - elections));
	memset(s->cut, 0, (size_t)n * n);
	net_changed(s);
	return story_whole(s, NULL);
}

/* --- Suspected, and alive again ---------------------------------------------------- */

enum { SHAKY_MS = 2200, SHAKY_BLOCKED_MS = 1900 }; /* of so long */

/* One hears nothing most of the time, and never so long that it is dead.  It gets no
 * work and does not lead; nobody else is blamed; and it comes back when it is well. */
bool
story_shaky(struct sim *s, struct sim_stats *st)
{
	uint32_t leader, ill, looks = 0, usable = 0;
	uint64_t blamed = 0;
	usec began, end;

	if (!story_whole(s, NULL))
		return false;
	ill = (story_leader(s) + 1) % s->conf.nodes;
	for (began = s->now, end = began + 150 * SECOND; s->now < end;) {
		node_block(s, ill, s->now + SHAKY_BLOCKED_MS * (SECOND / 1000));
		if (!sim_run(s, s->now + SHAKY_MS * (SECOND / 1000)))
			return false;
		if (s->now - began < 30 * SECOND || (leader = story_leader(s)) == MEMBER_NONE)
			continue;
		looks++;
		usable += story_usable(s, leader, ill);
		blamed += unstable_now(s, leader, ill);
	}
	stats_add(st, "shaky.usable:permille", looks == 0 ? 1000 : usable * 1000 / looks);
	stats_add(st, "+shaky.blamed:count", (int64_t)blamed);
	node_crash(s, story_leader(s), s->now + 5 * SECOND);
	if (!sim_run(s, s->now + 4 * SECOND))
		return false;
	stats_add(st, "+shaky.leads:count", story_leader(s) == ill);
	if (!story_whole(s, NULL))
		return false;
	for (began = s->now; !story_usable(s, story_leader(s), ill);)
		if (s->now - began > 200 * SECOND || !sim_run(s, s->now + SECOND / 5))
			break;
	stats_add(st, "shaky.back:ms", (int64_t)((s->now - began) / 1000));
	return s->broken == NULL && story_whole(s, NULL);
}
