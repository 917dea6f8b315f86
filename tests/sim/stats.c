/*
 * stats.c - figures over all seeds, and what is promised of them.
 */
#include "story.h"

#include <stdlib.h>

enum { STATS_MAX = 96 };

struct series {
	char name[48];
	int64_t *v;
	size_t len, cap;
};

struct sim_stats {
	struct series s[STATS_MAX];
	size_t len;
};

/*
 * What the scenarios promise from so many nodes on up to so many, and who or
 * what stands beside it: a peer's figure, or a limit that nobody can pass.
 */
enum { ANY = -1 };
static const struct promise {
	const char *name;
	uint32_t from, to;
	int64_t p50, p99, sum; /* at most; ANY = nothing is promised */
	const char *beside;
	int64_t other;
} promises[] = {
    {"detect.leader", 3, 200, 2500, 4000, ANY, "serf", 6400},
    {"detect.leader", 201, 5000, 4000, ANY, ANY, "missed reports (lower limit)", 3000},
    {"detect.mesh", 3, 50, 3000, ANY, ANY, "memberlist", 5900},
    {"detect.mesh", 51, 200, 3000, ANY, ANY, "memberlist", 10200},
    {"detect.mesh", 201, 5000, 5000, ANY, ANY, "memberlist", 14200},
    {"failover", 3, 200, 1600, 2600, ANY, "etcd", 1200},
    {"heal", 2, 5000, ANY, 9000, ANY, "Serf's timers", 20000},
    {"heal.sync", 2, 5000, ANY, 1000, ANY, "one table a node", 1000},
    {"heal.early.sync", 2, 5000, ANY, 1000, ANY, "one table a node", 1000},
    {"heal.early.refutes", 200, 5000, ANY, 250, ANY, "memberlist, all of them", 1000},
    {"heal.whole", 2, 5000, ANY, 1000, ANY, "all records of one table a node", 1000},
    {"heal.refutes", 11, 5000, 0, 100, ANY, "memberlist, all of them", 1000},
    {"heal.one", 2, 5000, ANY, 9000, ANY, "Serf's timers", 59000},
    {"split.most.led", 3, 200, ANY, 3500, ANY, "a lease (lower limit)", 1500},
    {"split.rest.led", 3, 200, ANY, 5000, ANY, "a lease, and who is silent so long", 4000},
    {"split.two", 3, 200, ANY, 3000, ANY, "the dead are asked each 2 s (lower limit)", 2000},
    {"split.stamp", 3, 200, ANY, 9000, ANY, "a split heals", 9000},
    {"chaos.heal", 1, 1000, ANY, 9000, ANY, NULL, 0},
    {"chaos.core", 1, 1000, ANY, 9000, ANY, "a lease, and who is silent so long", 4000},
    {"storm", 1, 1000, ANY, 9000, ANY, NULL, 0},
    {"restart", 1, 1000, ANY, 9000, ANY, NULL, 0},
    {"churn.heal", 1, 1000, ANY, 9000, ANY, NULL, 0},
    {"churn.false.deaths", 3, 256, ANY, ANY, 0, NULL, 0},
    {"join", 1, 2000, ANY, 15000, ANY, "memberlist (2000)", 95000},
    {"ca.join", 1, 1000, ANY, 15000, ANY, NULL, 0},
    {"ca.in", 1, 1000, ANY, 6000, ANY, NULL, 0},
    {"ca.refused", 1, 1000, ANY, 3000, ANY, NULL, 0},
    {"ca.told", 1, 1000, ANY, 9000, ANY, "a split heals", 9000},
    {"ca.lossy", 1, 1000, ANY, 15000, ANY, NULL, 0},
    {"join.lossy", 1, 1000, ANY, 15000, ANY, NULL, 0},
    {"flood.mesh", 9, 1000, ANY, 4000, ANY, "leader's verdict (lower limit)", 2200},
    {"tx.node", 1, 1000, 3072, ANY, ANY, "serf, without metrics", 350},
    {"busy.age", 3, 100, 1000, 2000, ANY, NULL, 0},
    {"busy.age", 101, 1000, 2500, 9000, ANY, NULL, 0},
    {"busy.tx", 3, 1000, 20480, 20480, ANY, NULL, 0},
    {"missed.again", 3, 85, 5000, 11000, ANY, "told again", 30000},
    {"missed.again", 86, 1000, 10000, 20000, ANY, "told again", 30000},
    {"facts.one", 3, 100, 4000, 9000, ANY, NULL, 0},
    {"facts.first", 3, 100, 8000, 15000, ANY, NULL, 0},
    {"facts.all", 3, 100, 8000, 15000, ANY, NULL, 0},
    {"facts.all.twice", 3, 1000, ANY, 10, ANY, "each needs each other's once", 0},
    {"facts.again", 3, 100, ANY, 9000, ANY, NULL, 0},
    {"facts.liar.streams", 3, 100, ANY, 3, ANY, NULL, 0},
    {"metrics.age", 3, 200, ANY, 1500, ANY, "memberlist", 11000},
    /* What is lost of it, one in twenty, is told again after a report's interval. */
    {"takeover.view", 3, 200, 50, 1100, ANY, NULL, 0},
    {"takeover.view", 201, 1000, ANY, 2000, ANY, NULL, 0},
    {"takeover.stranger.view", 3, 200, ANY, 2500, ANY, NULL, 0},
    {"takeover.stranger.view", 201, 1000, ANY, 7000, ANY, NULL, 0},
    {"takeover.stranger.rush", 201, 1000, ANY, 400, ANY, "evenly over 2 s (lower limit)", 250},
    {"metrics.lost", 3, 200, ANY, 0, ANY, "memberlist", 770},
    {"false.deaths.calm", 1, 256, ANY, 0, ANY, NULL, 0},
    {"false.calm.elections", 1, 256, ANY, ANY, 0, NULL, 0},
    {"false.deaths.lossy", 3, 256, ANY, 1, ANY, NULL, 0},
    {"false.deaths.burst", 3, 256, ANY, 10, ANY, NULL, 0},
    {"partial.ring.false.deaths", 5, 11, ANY, ANY, 0, NULL, 0},
    {"partial.ring.elections", 5, 6, ANY, ANY, 0, NULL, 0},
    {"partial.bridge.false.deaths", 5, 21, ANY, ANY, 0, NULL, 0},
    {"partial.bridge.elections", 5, 9, ANY, ANY, 0, NULL, 0},
    {"partial.ring.unled", 5, 14, ANY, ANY, 0, NULL, 0},
    {"partial.bridge.unled", 5, 21, ANY, ANY, 0, NULL, 0},
    {"partial.path.unled", 3, 50, ANY, ANY, 0, NULL, 0},
    {"partial.path.false.deaths", 3, 50, ANY, ANY, 0, NULL, 0},
    {"partial.path.elections", 3, 50, ANY, ANY, 0, NULL, 0},
    {"partial.udp.false.deaths", 3, 50, ANY, ANY, 0, NULL, 0},
    {"partial.udp.elections", 3, 50, ANY, ANY, 0, NULL, 0},
    {"rack.elections", 5, 200, ANY, ANY, 0, NULL, 0},
    {"rack.2s.heal", 5, 200, ANY, 9000, ANY, NULL, 0},
    {"rack.3s.heal", 5, 200, ANY, 9000, ANY, NULL, 0},
    {"rack.4s.heal", 5, 200, ANY, 9000, ANY, NULL, 0},
    {"rack.6s.heal", 5, 200, ANY, 9000, ANY, NULL, 0},
    {"rack.dead.leader", 5, 200, 3000, 4000, ANY, "suspicions alone", 9400},
    {"rack.dead.mesh", 5, 200, 3500, 6000, ANY, "suspicions alone", 9800},
    {"slow.ratio", 16, 256, ANY, 19, ANY, "Lifeguard's of SWIM's", 19},
    {"clone.named", 3, 200, ANY, 10000, ANY, NULL, 0},
    {"evict.known", 3, 200, ANY, 3000, ANY, NULL, 0},
    {"evict.roster", 3, 200, ANY, 6000, ANY, NULL, 0},
    {"evict.self", 3, 200, ANY, 5000, ANY, NULL, 0},
    {"rolling.gap", 3, 200, ANY, 0, ANY, NULL, 0},
    {"rolling.gap.leader", 3, 200, 400, 2000, ANY, "a leader that dies", 2000},
    {"rolling.given.up", 3, 200, ANY, 30000, ANY, "the grace (lower limit)", 20000},
    {"leave.roster", 3, 200, ANY, 2000, ANY, "a change a second", 1000},
    {"leave.took", 3, 200, 1000, 3000, ANY, "two beats (lower limit)", 500},
    {"leave.gap", 3, 200, ANY, 0, ANY, NULL, 0},
    {"leave.gap.leader", 3, 200, 400, 2000, ANY, "a leader that dies", 2000},
    {"leave.suspects", 3, 200, ANY, ANY, 0, NULL, 0},
    {"leave.deaths", 3, 200, ANY, ANY, 0, NULL, 0},
    {"leave.lossy", 3, 200, ANY, 9000, ANY, NULL, 0},
    {"leave.back", 3, 200, ANY, 6000, ANY, NULL, 0},
    {"recover.leader", 2, 200, 1500, 4000, ANY, "a rank's turn, a vote, a round", 300},
    {"recover.told", 3, 200, 3000, 9000, ANY, "a hold-off (lower limit)", 1500},
    {"recover.twice", 3, 200, ANY, 15000, ANY, "a call each 5 s", 5000},
    {"recover.wrong", 3, 200, ANY, 15000, ANY, "a call each 5 s", 5000},
    {"shaky.usable", 5, 200, ANY, 100, ANY, "deaths alone", 1000},
    {"shaky.blamed", 5, 200, ANY, ANY, 0, NULL, 0},
    {"shaky.leads", 5, 200, ANY, ANY, 0, NULL, 0},
    {"shaky.back", 5, 200, ANY, 65000, ANY, "a minute of quiet (lower limit)", 60000},
    {"flipflop.elections", 3, 1000, ANY, ANY, 0, NULL, 0},
    {"flipflop.turns", 3, 1000, ANY, 3, ANY, "memberlist, one each 20 s", 10},
    {"rotate", 1, 300, ANY, 2000, ANY, "three beats (lower limit)", 750},
    {"rotate.lossy", 1, 300, ANY, 15000, ANY, NULL, 0},
    {"rotate.waited", 3, 300, ANY, 9000, ANY, NULL, 0},
    {"rotate.back", 3, 300, ANY, 9000, ANY, NULL, 0},
    {"rotate.leader", 3, 300, ANY, 9000, ANY, NULL, 0},
    {"wan.detect.leader", 3, 200, 9500, 14000, ANY, "memberlist's wan, suspicion alone", 30000},
    {"wan.detect.mesh", 3, 200, 10000, ANY, ANY, "memberlist's wan, suspicion alone", 30000},
    {"wan.failover", 3, 200, 6500, 10000, ANY, NULL, 0},
    {"wan.heal", 2, 200, ANY, 15000, ANY, NULL, 0},
    {"wan.heal.one", 2, 200, ANY, 15000, ANY, NULL, 0},
    {"wan.false.deaths.calm", 1, 256, ANY, 0, ANY, NULL, 0},
    {"wan.false.calm.elections", 1, 256, ANY, ANY, 0, NULL, 0},
    {"wan.false.deaths.lossy", 3, 256, ANY, 1, ANY, NULL, 0},
    {"wan.false.deaths.burst", 3, 256, ANY, 10, ANY, NULL, 0},
    {"local.detect.leader", 3, 200, 1250, 2000, ANY, "lan", 2500},
    {"local.detect.mesh", 3, 200, 1500, ANY, ANY, "lan", 3000},
    {"local.failover", 3, 200, 800, 1300, ANY, "lan", 1600},
    {"local.false.deaths.calm", 1, 256, ANY, 0, ANY, NULL, 0},
    {"local.false.calm.elections", 1, 256, ANY, ANY, 0, NULL, 0},
};

/* A figure of another profile than lan is named after it. */
static const char *const paces[MESH_PROFILES] = {"", "wan.", "local."};

struct sim_stats *
stats_new(void)
{
	return calloc(1, sizeof(struct sim_stats));
}

void
stats_add(struct sim_stats *st, const char *name, int64_t value)
{
	struct series *x = NULL;

	for (size_t i = 0; i < st->len && x == NULL; i++)
		if (strcmp(st->s[i].name, name) == 0)
			x = &st->s[i];
	if (x == NULL && st->len == STATS_MAX)
		return;
	if (x == NULL) {
		x = &st->s[st->len++];
		snprintf(x->name, sizeof x->name, "%s", name);
	}
	if (x->len == x->cap) {
		x->cap = x->cap == 0 ? 64 : 2 * x->cap;
		x->v = sim_must(realloc(x->v, x->cap * sizeof *x->v));
	}
	x->v[x->len++] = value;
}

void
stats_free(struct sim_stats *st)
{
	for (size_t i = 0; i < st->len; i++)
		free(st->s[i].v);
	free(st);
}

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t
value(const struct series *x, int percent)
{
	int64_t sum = 0;

	if (percent >= 0)
		return x->v[(x->len - 1) * (size_t)percent / 100];
	for (size_t k = 0; k < x->len; k++)
		sum += x->v[k];
	return sum;
}

static int64_t
at_most(const struct promise *p, int percent)
{
	return percent < 0 ? p->sum : percent == 50 ? p->p50 : p->p99;
}

static const struct promise *
promised(const struct sim_conf *conf, const char *figure, int percent)
{
	char name[64];

	snprintf(name, sizeof name, "%s%s", paces[conf->profile], figure);
	for (size_t k = 0; k < ARRAY_LEN(promises); k++)
		if (strcmp(promises[k].name, name) == 0 && at_most(&promises[k], percent) != ANY &&
		    conf->nodes >= promises[k].from && conf->nodes <= promises[k].to)
			return &promises[k];
	return NULL;
}

static void
line(FILE *out, const struct sim_conf *conf, const struct series *x, int percent, const char *unit)
{
	const char *name = percent < 0 ? x->name + 1 : x->name;
	const struct promise *p = promised(conf, name, percent);
	const char *pace = paces[conf->profile];
	char suffix[8] = "";

	if (percent >= 0)
		snprintf(suffix, sizeof suffix, ".p%d", percent);
	fprintf(out, "%s%s%s %lld %s\n", pace, name, suffix, (long long)value(x, percent), unit);
	if (p == NULL)
		return;
	fprintf(out, "%s%s%s.bound %lld %s\n", pace, name, suffix, (long long)at_most(p, percent), unit);
	if (p->beside != NULL)
		fprintf(out, "%s%s%s.beside %lld %s: %s\n", pace, name, suffix,
		    (long long)p->other, unit, p->beside);
}

void
stats_print(struct sim_stats *st, const struct sim_conf *conf, FILE *out)
{
	for (size_t i = 0; i < st->len; i++) {
		struct series *x = &st->s[i];
		char *colon = strchr(x->name, ':');

		qsort(x->v, x->len, sizeof *x->v, by_value);
		*colon = '\0';
		if (x->name[0] == '+') {
			line(out, conf, x, -1, colon + 1);
			continue;
		}
		line(out, conf, x, 50, colon + 1);
		line(out, conf, x, 99, colon + 1);
	}
}

static bool
kept(const struct sim_conf *conf, const struct series *x, int percent)
{
	const char *name = percent < 0 ? x->name + 1 : x->name;
	const struct promise *p = promised(conf, name, percent);

	if (p == NULL || value(x, percent) <= at_most(p, percent))
		return true;
	fprintf(stderr, "mesh-sim: bound %s%s.p%d <= %lld broken: %lld\n", paces[conf->profile],
	    name, percent, (long long)at_most(p, percent), (long long)value(x, percent));
	return false;
}

bool
stats_bounds(const struct sim_stats *st, const struct sim_conf *conf)
{
	bool ok = true;

	for (size_t i = 0; i < st->len; i++) {
		const struct series *x = &st->s[i];

		if (x->name[0] == '+')
			ok = kept(conf, x, -1) && ok;
		else
			ok = kept(conf, x, 50) && kept(conf, x, 99) && ok;
	}
	return ok;
}
