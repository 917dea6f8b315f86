/*
 * main.c - mesh-sim SCENARIO [--nodes N] [--seed S] [--seeds K] ...
 *
 * Prints `name value unit` per line, over all seeds, with each figure's bound
 * and what it stands beside; `history` is one hash of every event.  What
 * depends on this machine's speed is named wall.*.  Exits 1 when an invariant
 * or a bound breaks, with the command that shows it again, made as small as it
 * gets; 64 on bad usage.
 */
#include "story.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct args {
	const struct story *story; /* NULL: mutants */
	uint64_t seeds;
	uint32_t jobs;
	struct sim_conf conf;
};

enum option { NODES, SEED, SEEDS, QUORUM, PROFILE, MUTANT, FAULTS_, SECONDS, JOBS, VERBOSE, SETTLED };
static const char *const options[] = {"--nodes", "--seed", "--seeds", "--quorum", "--profile",
    "--mutant", "--faults", "--seconds", "--jobs", "--verbose", "--settled", NULL};
static const char *const quorums[] = {"majority", "any", NULL};
static const char *const profiles[] = {"lan", "wan", "local", "mixed", NULL};

static size_t
distance(const char *a, const char *b)
{
	size_t row[64], la = strlen(a), lb = strlen(b);

	if (la > 60 || lb > 60)
		return 99;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t up = row[j], best = diagonal + (a[i - 1] != b[j - 1]);

			best = best < up + 1 ? best : up + 1;
			best = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
			diagonal = up;
			row[j] = best;
		}
	}
	return row[lb];
}

static int
unknown(const char *what, const char *word, const char *const *known)
{
	const char *best = NULL;
	size_t least = 1 + strlen(word) / 4;

	fprintf(stderr, "mesh-sim: unknown %s '%s'", what, word);
	for (size_t i = 0; known[i] != NULL; i++)
		if (distance(word, known[i]) <= least) {
			least = distance(word, known[i]);
			best = known[i];
		}
	if (best != NULL) {
		fprintf(stderr, ": did you mean '%s'?\n", best);
		return 64;
	}
	fputs("; known:", stderr);
	for (size_t i = 0; known[i] != NULL; i++)
		fprintf(stderr, " %s", known[i]);
	fputc('\n', stderr);
	return 64;
}

static int
unknown_story(const char *word)
{
	const char *names[64] = {NULL};
	size_t n = 0;

	for (const struct story *x = stories; x->name != NULL && n < 62; x++)
		names[n++] = x->name;
	names[n] = "mutants";
	return unknown("scenario", word, names);
}

static void
usage(FILE *to)
{
	fputs("usage: mesh-sim SCENARIO [--nodes N] [--seed S] [--seeds K] [--seconds T]\n"
	      "                [--quorum majority|any] [--profile lan|wan|local|mixed]\n"
	      "                [--faults a,b...] [--mutant NAME] [--settled]\n"
	      "       mesh-sim mutants [--seeds K] [--jobs J] [--mutant NAME]\n"
	      "--settled: all know each other, and have a vote, before it begins\n"
	      "scenarios:\n", to);
	for (const struct story *x = stories; x->name != NULL; x++)
		fprintf(to, "  %-14s %s\n", x->name, x->what);
}

static int
find(const char *word, const char *const *known)
{
	for (int i = 0; known[i] != NULL; i++)
		if (strcmp(word, known[i]) == 0)
			return i;
	return -1;
}

static int
number(const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	char *end = NULL;

	if (text != NULL && text[0] >= '0' && text[0] <= '9') {
		*out = strtoull(text, &end, 10);
		if (*end == '\0' && *out >= min && *out <= max)
			return 0;
	}
	fprintf(stderr, "mesh-sim: %s '%s': a number from %llu to %llu is needed\n", option,
	    text == NULL ? "" : text, (unsigned long long)min, (unsigned long long)max);
	return 64;
}

static int
word(const char *option, const char *text, const char *const *known, int *out)
{
	if (text == NULL) {
		fprintf(stderr, "mesh-sim: %s needs a value\n", option);
		return 64;
	}
	*out = find(text, known);
	return *out < 0 ? unknown(option + 2, text, known) : 0;
}

static int
fault_list(const char *text, uint64_t *out)
{
	char one[32];

	for (*out = 0; text != NULL && *text != '\0'; text += *text == ',') {
		size_t len = strcspn(text, ",");
		int which;

		snprintf(one, sizeof one, "%.*s", (int)len, text);
		if ((which = find(one, fault_names)) < 0)
			return unknown("fault", one, fault_names);
		*out |= UINT64_C(1) << which;
		text += len;
	}
	return 0;
}

static int
option_value(struct args *a, enum option which, const char *value)
{
	uint64_t n = 0;
	int rc = 0, k = 0;

	switch (which) {
	case NODES:
		rc = number(options[which], value, 1, MESH_MEMBERS_LIMIT, &n);
		a->conf.nodes = (uint32_t)n;
		break;
	case SEED:
		rc = number(options[which], value, 0, UINT64_MAX - 1000000, &a->conf.seed);
		break;
	case SEEDS:
		rc = number(options[which], value, 1, 10000000, &a->seeds);
		break;
	case QUORUM:
		rc = word(options[which], value, quorums, &k);
		a->conf.quorum = (enum mesh_quorum)k;
		break;
	case PROFILE:
		rc = word(options[which], value, profiles, &k);
		a->conf.paces = k == MESH_PROFILES; /* each node has one of its own */
		a->conf.profile = k < 0 || a->conf.paces ? MESH_LAN : (enum mesh_profile)k;
		break;
	case MUTANT:
		rc = word(options[which], value, mutant_names, &k);
		a->conf.mutant = (enum sim_mutant)k;
		break;
	case FAULTS_:
		rc = fault_list(value, &a->conf.faults);
		break;
	case SECONDS:
		rc = number(options[which], value, 1, 1000000, &n);
		a->conf.span = (usec)n * SECOND;
		break;
	case JOBS:
		rc = number(options[which], value, 1, 64, &n);
		a->jobs = (uint32_t)n;
		break;
	case VERBOSE:
	case SETTLED:
		break;
	}
	return rc;
}

static int
parse(int argc, char **argv, struct args *a)
{
	const char *name = NULL;
	int rc = 0;

	*a = (struct args){.conf.seed = 1, .jobs = 2};
	for (int i = 1; i < argc && rc == 0; i++) {
		int option = find(argv[i], options);

		if (argv[i][0] != '-' && name == NULL) {
			name = argv[i];
			continue;
		}
		if (option < 0)
			return unknown(argv[i][0] == '-' ? "option" : "argument", argv[i], options);
		if (option == VERBOSE)
			a->conf.verbose = true;
		else if (option == SETTLED)
			a->conf.settled = true;
		else
			rc = option_value(a, (enum option)option, i + 1 < argc ? argv[i + 1] : NULL);
		i += option != VERBOSE && option != SETTLED;
	}
	if (rc != 0)
		return rc;
	if (name == NULL) {
		usage(stderr);
		return 64;
	}
	a->story = story_find(name);
	if (a->seeds == 0)
		a->seeds = a->story == NULL ? 1000 : 1;
	return a->story != NULL || strcmp(name, "mutants") == 0 ? 0 : unknown_story(name);
}

static struct sim_conf
conf_for(const struct args *a, uint64_t seed)
{
	struct sim_conf conf = a->conf;

	conf.seed = seed;
	if (a->story->setup != NULL)
		a->story->setup(&conf);
	if (conf.nodes == 0)
		conf.nodes = 5;
	return conf;
}

static void
replay_line(const struct story *story, const struct sim_conf *conf, uint64_t seeds)
{
	fprintf(stderr, "replay: mesh-sim %s --nodes %u --seed %llu --quorum %s", story->name,
	    conf->nodes, (unsigned long long)conf->seed, quorums[conf->quorum]);
	if (conf->profile != MESH_LAN || conf->paces)
		fprintf(stderr, " --profile %s", profiles[conf->paces ? MESH_PROFILES : conf->profile]);
	if (conf->settled)
		fputs(" --settled", stderr);
	if (seeds > 1)
		fprintf(stderr, " --seeds %llu", (unsigned long long)seeds);
	if (conf->span > 0)
		fprintf(stderr, " --seconds %lld", (long long)(conf->span / SECOND));
	for (int f = 0, first = 1; f < FAULTS_COUNT && conf->faults != 0; f++)
		if ((conf->faults >> f & 1) != 0) {
			fprintf(stderr, "%s%s", first ? " --faults " : ",", fault_names[f]);
			first = 0;
		}
	if (conf->mutant != MUTANT_none)
		fprintf(stderr, " --mutant %s", mutant_names[conf->mutant]);
	fputc('\n', stderr);
}

/* What broke, how to see it again, and the smallest that still breaks it. */
static void
explain(const struct story *story, struct sim_conf conf, const char *name, const char *detail)
{
	char smallest[256];

	fprintf(stderr, "mesh-sim: invariant %s broken: %s\n", name, detail);
	replay_line(story, &conf, 1);
	if (conf.nodes > 64)
		return; /* each try would be long */
	shrink(story, &conf);
	if (shrink_fails(story, &conf, smallest, sizeof smallest)) {
		fprintf(stderr, "smallest: %s\n", smallest);
		replay_line(story, &conf, 1);
	}
}

static double
wall(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	struct args a;
	struct sim_stats *st = stats_new();
	uint64_t history = 0, events = 0;
	double began = wall(), virtual_s = 0, took;
	struct sim_conf conf;
	int rc = 0;

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
		usage(stdout);
		free(st);
		return 0;
	}
	rc = parse(argc, argv, &a);
	if (rc == 0 && a.story == NULL)
		rc = mutants_run(a.seeds, a.jobs,
		    a.conf.mutant == MUTANT_none ? NULL : mutant_names[a.conf.mutant]);
	if (rc != 0 || a.story == NULL || st == NULL) {
		free(st);
		return rc;
	}
	for (uint64_t k = 0; k < a.seeds; k++) {
		struct sim *s;

		conf = conf_for(&a, a.conf.seed + k);
		s = sim_new(&conf);
		if (isatty(2))
			fprintf(stderr, "\rseed %llu ", (unsigned long long)conf.seed);
		if (!a.story->run(s, st)) {
			explain(a.story, conf, s->broken, s->detail);
			sim_free(s);
			stats_free(st);
			return 1;
		}
		history = prng_mix(history ^ s->history);
		events += s->events;
		virtual_s += (double)s->now / 1e6;
		sim_free(s);
	}
	stats_print(st, &conf, stdout);
	rc = stats_bounds(st, &conf) ? 0 : 1;
	took = wall() - began;
	printf("history %016llx hash\nevents %llu count\nvirtual %.0f s\n",
	    (unsigned long long)history, (unsigned long long)events, virtual_s);
	printf("wall.s %.2f s\nwall.speed %.1f x\n", took, virtual_s / (took > 0 ? took : 1e-9));
	if (rc != 0) {
		conf = conf_for(&a, a.conf.seed);
		replay_line(a.story, &conf, a.seeds);
	}
	stats_free(st);
	return rc;
}
