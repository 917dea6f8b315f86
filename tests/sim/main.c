/*
 * main.c - mesh-sim SCENARIO --nodes N [--seed S] [--seeds K] [--quorum majority|any]
 *
 * Prints `name value unit` per line, over all seeds; `history` is one hash of
 * every event.  What depends on this machine's speed is named wall.*.  Exits 1
 * when an invariant breaks, with the command that shows it again; 64 on bad
 * usage.
 */
#include "sim.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { MUTANT_SEEDS = 300 };

struct args {
	const char *scenario;
	uint64_t seed, seeds;
	struct sim_conf conf;
};

static const char *const mutants[] = {[MUTANT_NONE] = "none", [MUTANT_VOTE_TWICE] = "vote-twice",
    [MUTANT_NO_PERSIST] = "no-persist", [MUTANT_NO_HOLDOFF] = "no-holdoff",
    [MUTANT_STALE_LEASE] = "stale-lease", [MUTANT_STAMP_AGAIN] = "stamp-again",
    [MUTANT_OLD_ROSTER] = "old-roster", [MUTANT_SALT_IGNORED] = "salt-ignored", NULL};
static const char *const quorums[] = {"majority", "any", NULL};
static const char *const options[] = {"--nodes", "--seed", "--seeds", "--quorum", "--mutant",
    "--verbose", NULL};

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
usage(void)
{
	fputs("usage: mesh-sim SCENARIO [--nodes N] [--seed S] [--seeds K] "
	      "[--quorum majority|any]\n"
	      "scenarios: steady detect failover heal join restart chaos\n",
	    stderr);
	return 64;
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
parse(int argc, char **argv, struct args *a)
{
	uint64_t nodes = 5;
	int rc = 0, which = 0;

	*a = (struct args){.seed = 1, .seeds = 1};
	for (int i = 1; i < argc && rc == 0; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;
		int option = find(argv[i], options);

		if (argv[i][0] != '-' && a->scenario == NULL) {
			a->scenario = argv[i];
			continue;
		}
		if (option < 0)
			return unknown(argv[i][0] == '-' ? "option" : "argument", argv[i], options);
		if (option == 5) {
			a->conf.verbose = true;
			continue;
		}
		i++;
		if (option == 0)
			rc = number(options[0], value, 1, MESH_MEMBERS_LIMIT, &nodes);
		else if (option == 1)
			rc = number(options[1], value, 0, UINT64_MAX - 1000000, &a->seed);
		else if (option == 2)
			rc = number(options[2], value, 1, 1000000, &a->seeds);
		else if (option == 3 && (rc = word(options[3], value, quorums, &which)) == 0)
			a->conf.quorum = (enum mesh_quorum)which;
		else if (option == 4 && (rc = word(options[4], value, mutants, &which)) == 0)
			a->conf.mutant = (enum sim_mutant)which;
	}
	a->conf.nodes = (uint32_t)nodes;
	if (rc != 0)
		return rc;
	if (a->scenario == NULL)
		return usage();
	if (sim_scenario_find(a->scenario) == NULL)
		return unknown("scenario", a->scenario, sim_scenario_names);
	return 0;
}

static void
replay_line(const struct args *a, const struct sim *s)
{
	fprintf(stderr, "mesh-sim: invariant %s broken: %s\n", s->broken, s->detail);
	fprintf(stderr, "replay: mesh-sim %s --nodes %u --seed %llu --quorum %s", a->scenario,
	    a->conf.nodes, (unsigned long long)s->conf.seed, quorums[a->conf.quorum]);
	if (a->conf.mutant != MUTANT_NONE)
		fprintf(stderr, " --mutant %s", mutants[a->conf.mutant]);
	fputc('\n', stderr);
}

/*
 * A check that nothing can break checks nothing: after chaos found no fault,
 * each planted one must be found, by an invariant that is there for it.
 */
static int
mutants_caught(uint64_t *history)
{
	static const char *const by[][2] = {[MUTANT_VOTE_TWICE] = {"one-vote-per-term"},
	    [MUTANT_NO_PERSIST] = {"term-monotonic", "applied-monotonic"},
	    [MUTANT_NO_HOLDOFF] = {"one-full-lease", "one-leader-per-term"},
	    [MUTANT_STALE_LEASE] = {"one-full-lease"},
	    [MUTANT_STAMP_AGAIN] = {"stamp-issued-once"},
	    [MUTANT_OLD_ROSTER] = {"roster-never-lost"},
	    [MUTANT_SALT_IGNORED] = {"no-word-of-another-life"}};
	struct sim_stats *st = stats_new();
	int rc = 0;

	for (int k = MUTANT_VOTE_TWICE; st != NULL && mutants[k] != NULL && rc == 0; k++) {
		struct sim_conf conf = {.nodes = 3, .seed = 1, .late = true,
		    .mutant = (enum sim_mutant)k};
		const char *broken = NULL;

		for (; conf.seed <= MUTANT_SEEDS && broken == NULL; conf.seed++) {
			struct sim *s = sim_new(&conf);

			if (!sim_scenario_find("chaos")(s, st))
				broken = s->broken;
			*history = prng_mix(*history ^ s->history);
			sim_free(s);
		}
		if (broken != NULL && (strcmp(broken, by[k][0]) == 0 ||
		    (by[k][1] != NULL && strcmp(broken, by[k][1]) == 0))) {
			printf("mutant.%s.seed %llu count\n", mutants[k],
			    (unsigned long long)conf.seed - 1);
			continue;
		}
		fprintf(stderr, "mesh-sim: mutant %s %s%s, wanted %s\n", mutants[k],
		    broken != NULL ? "caught by " : "survived", broken != NULL ? broken : "", by[k][0]);
		rc = 1;
	}
	stats_free(st);
	return rc;
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
	int rc = parse(argc, argv, &a);

	if (rc != 0 || st == NULL) {
		free(st);
		return rc;
	}
	for (uint64_t k = 0; k < a.seeds; k++) {
		struct sim *s;

		a.conf.seed = a.seed + k;
		a.conf.late = strcmp(a.scenario, "chaos") == 0;
		s = sim_new(&a.conf);
		if (isatty(2))
			fprintf(stderr, "\rseed %llu ", (unsigned long long)a.conf.seed);
		if (!sim_scenario_find(a.scenario)(s, st)) {
			replay_line(&a, s);
			sim_free(s);
			stats_free(st);
			return 1;
		}
		history = prng_mix(history ^ s->history);
		events += s->events;
		virtual_s += (double)s->now / 1e6;
		sim_free(s);
	}
	stats_print(st, stdout);
	rc = stats_bounds(st, &a.conf) ? 0 : 1;
	if (strcmp(a.scenario, "chaos") == 0 && a.conf.mutant == MUTANT_NONE && rc == 0)
		rc = mutants_caught(&history);
	took = wall() - began;
	printf("history %016llx hash\n", (unsigned long long)history);
	printf("events %llu count\n", (unsigned long long)events);
	printf("virtual %.0f s\n", virtual_s);
	printf("wall.s %.2f s\n", took);
	printf("wall.speed %.1f x\n", virtual_s / (took > 0 ? took : 1e-9));
	if (rc != 0)
		fprintf(stderr, "replay: mesh-sim %s --nodes %u --seed %llu --seeds %llu --quorum %s\n",
		    a.scenario, a.conf.nodes, (unsigned long long)a.seed,
		    (unsigned long long)a.seeds, quorums[a.conf.quorum]);
	stats_free(st);
	return rc;
}
