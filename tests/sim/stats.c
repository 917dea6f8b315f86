/*
 * stats.c - figures over all seeds, and what is promised of them.
 */
#include "story.h"

#include <stdlib.h>

enum { STATS_MAX = 64 };

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
static const struct promise {
	const char *name;
	int percent; /* of the series; -1 = the sum */
	int64_t max;
	uint32_t from, to;
	const char *beside;
	int64_t other;
} promises[] = {
    {"detect.leader", 50, 2500, 3, 200, "serf", 6400},
    {"detect.leader", 50, 4000, 201, 5000, "missed reports (lower limit)", 3000},
    {"detect.leader", 99, 4000, 3, 200, NULL, 0},
    {"detect.mesh", 50, 3000, 3, 50, "memberlist", 5900},
    {"detect.mesh", 50, 3000, 51, 200, "memberlist", 10200},
    {"detect.mesh", 50, 5000, 201, 5000, "memberlist", 14200},
    {"failover", 50, 1600, 3, 200, "etcd", 1200},
    {"failover", 99, 2600, 3, 200, "etcd", 2600},
    {"heal", 99, 9000, 2, 5000, "Serf's timers", 20000},
    {"heal.one", 99, 9000, 2, 5000, "Serf's timers", 59000},
    {"chaos.heal", 99, 9000, 1, 1000, NULL, 0},
    {"storm", 99, 9000, 1, 1000, NULL, 0},
    {"restart", 99, 9000, 1, 1000, NULL, 0},
    {"churn.heal", 99, 9000, 1, 1000, NULL, 0},
    {"churn.false.deaths", -1, 0, 3, 256, NULL, 0},
    {"join", 99, 15000, 1, 2000, "memberlist (2000)", 95000},
    {"flood.mesh", 99, 4000, 9, 1000, "leader's verdict (lower limit)", 2200},
    {"tx.node", 50, 3072, 1, 1000, "serf, without metrics", 350},
    {"busy.age", 50, 1000, 3, 100, NULL, 0},
    {"busy.age", 99, 2000, 3, 100, NULL, 0},
    {"busy.age", 50, 2500, 101, 1000, NULL, 0},
    {"busy.age", 99, 9000, 101, 1000, NULL, 0},
    {"busy.tx", 50, 20480, 3, 1000, NULL, 0},
    {"metrics.age", 99, 1500, 3, 200, "memberlist", 11000},
    {"metrics.lost", 99, 0, 3, 200, "memberlist", 770},
    {"false.deaths.calm", 99, 0, 1, 256, NULL, 0},
    {"false.calm.elections", -1, 0, 1, 256, NULL, 0},
    {"false.deaths.lossy", 50, 1, 3, 256, NULL, 0},
    {"false.deaths.burst", 50, 10, 3, 256, NULL, 0},
    {"partial.ring.false.deaths", -1, 0, 5, 5, NULL, 0},
    {"partial.ring.elections", -1, 0, 5, 5, NULL, 0},
    {"partial.bridge.false.deaths", -1, 0, 5, 7, NULL, 0},
    {"partial.bridge.elections", -1, 0, 5, 9, NULL, 0},
    {"slow.ratio", 99, 19, 16, 256, "Lifeguard's of SWIM's", 19},
    {"flipflop.turns", 99, 3, 3, 1000, "memberlist, one each 20 s", 10},
};

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

static const struct promise *
promised(const struct sim_conf *conf, const char *name, int percent)
{
	for (size_t k = 0; k < ARRAY_LEN(promises); k++)
		if (strcmp(promises[k].name, name) == 0 && promises[k].percent == percent &&
		    conf->nodes >= promises[k].from && conf->nodes <= promises[k].to)
			return &promises[k];
	return NULL;
}

static void
line(FILE *out, const struct sim_conf *conf, const struct series *x, int percent, const char *unit)
{
	const char *name = percent < 0 ? x->name + 1 : x->name;
	const struct promise *p = promised(conf, name, percent);
	char suffix[8] = "";

	if (percent >= 0)
		snprintf(suffix, sizeof suffix, ".p%d", percent);
	fprintf(out, "%s%s %lld %s\n", name, suffix, (long long)value(x, percent), unit);
	if (p == NULL)
		return;
	fprintf(out, "%s%s.bound %lld %s\n", name, suffix, (long long)p->max, unit);
	if (p->beside != NULL)
		fprintf(out, "%s%s.beside %lld %s: %s\n", name, suffix, (long long)p->other, unit,
		    p->beside);
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

	if (p == NULL || value(x, percent) <= p->max)
		return true;
	fprintf(stderr, "mesh-sim: bound %s.p%d <= %lld broken: %lld\n", name, percent,
	    (long long)p->max, (long long)value(x, percent));
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
