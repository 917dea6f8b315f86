/*
 * shrink.c - from a run that breaks an invariant to the smallest that still
 * does: fewer nodes, fewer kinds of fault, a shorter time.
 */
#include "story.h"

enum { TRIES_MAX = 120 };

static bool
run(const struct story *story, const struct sim_conf *conf, char *detail, size_t cap, bool *of_story)
{
	struct sim *s = sim_new(conf);
	struct sim_stats *st = stats_new();
	bool fails;

	if (st == NULL)
		sim_must(NULL);
	story->run(s, st);
	fails = s->broken != NULL;
	*of_story = s->of_story;
	if (fails)
		snprintf(detail, cap, "%s broken: %s", s->broken, s->detail);
	stats_free(st);
	sim_free(s);
	return fails;
}

/* Does it break?  If so, which invariant and where. */
bool
shrink_fails(const struct story *story, const struct sim_conf *conf, char *detail, size_t cap)
{
	bool of_story;

	return run(story, conf, detail, cap, &of_story);
}

bool
shrink_fails_all(const struct story *story, const struct sim_conf *conf, char *detail, size_t cap)
{
	bool of_story;

	return run(story, conf, detail, cap, &of_story) && !of_story;
}

static bool
still(const struct story *story, struct sim_conf *conf, const struct sim_conf *try, const char *name,
    int *tries)
{
	char detail[256];

	if ((*tries)++ >= TRIES_MAX || !shrink_fails(story, try, detail, sizeof detail))
		return false;
	if (strncmp(detail, name, strcspn(name, " ")) != 0)
		return false;
	*conf = *try;
	return true;
}

void
shrink(const struct story *story, struct sim_conf *conf)
{
	char name[256] = "";
	int tries = 0;

	if (!shrink_fails(story, conf, name, sizeof name))
		return; /* it needs the seeds before it: nothing does */
	for (bool again = true; again && tries < TRIES_MAX;) {
		struct sim_conf try = *conf;

		again = false;
		for (uint32_t n = conf->nodes / 2; n >= 1 && n < conf->nodes && !again; n = (n + conf->nodes + 1) / 2) {
			try = *conf;
			try.nodes = n;
			again = still(story, conf, &try, name, &tries);
		}
		for (int f = 0; f < FAULTS_COUNT; f++) {
			try = *conf;
			try.faults &= ~(UINT64_C(1) << f);
			if (try.faults != conf->faults && try.faults != 0)
				again = still(story, conf, &try, name, &tries) || again;
		}
		try = *conf;
		try.span = conf->span * 3 / 4 / SECOND * SECOND;
		if (try.span > 0)
			again = still(story, conf, &try, name, &tries) || again;
	}
}
