/*
 * mutants.c - a check that nothing can break checks nothing: each planted fault
 * must be found by what every scenario is asked, within so many seeds; and the
 * same seeds must pass without one.  What one scenario alone promises finds none.
 * Most are hunted in swarms; what a swarm seldom or never does (a recovery, a lie),
 * in the scenario that does it.
 */
#include "story.h"

#include <sys/wait.h>
#include <unistd.h>

/* Besides the swarm. */
static const struct other {
	const char *name;
	uint32_t nodes, seeds;
} others[] = {{"rotate", 5, 40}, {"evict", 5, 40}, {"rolling", 5, 40}, {"ca", 5, 40}, {"leave", 5, 40}, {"recover", 5, 40},
    {"missed", 5, 40}, {"liar", 5, 10}, {"roster", 5, 20}, {"busy", 100, 1}};

struct found {
	uint32_t mutant, story; /* none: which of the others, + 1 */
	uint64_t seed; /* 0 = survived */
	char by[48];
};

/* NULL: the swarm, which draws its own size. */
static const struct other *
other(const char *name)
{
	for (size_t k = 0; k < ARRAY_LEN(others); k++)
		if (strcmp(others[k].name, name) == 0)
			return &others[k];
	return NULL;
}

static void
hunt(enum sim_mutant m, const char *name, uint64_t from, uint64_t to, struct found *out)
{
	const struct story *story = story_find(name);
	char detail[256];

	*out = (struct found){.mutant = m};
	for (uint64_t seed = from; seed <= to; seed++) {
		struct sim_conf conf = {.seed = seed, .mutant = m};

		if (story->setup != NULL)
			story->setup(&conf);
		if (conf.nodes == 0)
			conf.nodes = other(name)->nodes;
		if (m == MUTANT_none ? !shrink_fails(story, &conf, detail, sizeof detail) :
				       !shrink_fails_all(story, &conf, detail, sizeof detail))
			continue;
		out->seed = seed;
		snprintf(out->by, sizeof out->by, "%.*s", (int)strcspn(detail, " "), detail);
		return;
	}
}

static uint64_t
hunted(enum sim_mutant m, uint64_t seeds)
{
	const struct other *o = other(plant_story(m));

	return o == NULL ? seeds : o->seeds;
}

/* Jobs are dealt like cards: job 0 takes the first task, job 1 the second...
 * The unmutated seeds are split among all; they are tasks too. */
static void
work(uint32_t job, uint32_t jobs, uint64_t seeds, int only, int fd)
{
	struct found f;

	hunt(MUTANT_none, "swarm", seeds * job / jobs + 1, seeds * (job + 1) / jobs, &f);
	if (write(fd, &f, sizeof f) != sizeof f)
		_exit(5);
	for (uint32_t k = job; k < ARRAY_LEN(others); k += jobs) {
		hunt(MUTANT_none, others[k].name, 1, others[k].seeds, &f);
		f.story = k + 1;
		if (write(fd, &f, sizeof f) != sizeof f)
			_exit(5);
	}
	for (int m = 1; m < MUTANTS_COUNT; m++) {
		if ((uint32_t)m % jobs != job || (only > 0 && m != only))
			continue;
		hunt((enum sim_mutant)m, plant_story((enum sim_mutant)m), 1,
		    hunted((enum sim_mutant)m, seeds), &f);
		if (write(fd, &f, sizeof f) != sizeof f)
			_exit(5);
	}
	_exit(0);
}

static bool
report(const struct found *f, uint64_t seeds)
{
	const char *name = mutant_names[f->mutant];
	char nodes[32] = "";
	const char *story = f->story > 0 ? others[f->story - 1].name : "swarm";

	if (f->mutant == MUTANT_none && f->seed == 0)
		return true;
	if (f->story > 0)
		snprintf(nodes, sizeof nodes, "--nodes %u ", others[f->story - 1].nodes);
	if (f->mutant == MUTANT_none)
		fprintf(stderr, "mesh-sim: no fault planted, and seed %llu breaks %s\n"
		    "replay: mesh-sim %s %s--seed %llu\n", (unsigned long long)f->seed, f->by,
		    story, nodes, (unsigned long long)f->seed);
	else if (f->seed == 0)
		fprintf(stderr, "mesh-sim: mutant %s survived %llu seeds of %s\n", name,
		    (unsigned long long)hunted((enum sim_mutant)f->mutant, seeds),
		    plant_story((enum sim_mutant)f->mutant));
	else
		printf("mutant.%s.seed %llu seed: %s, in %s\n", name, (unsigned long long)f->seed, f->by,
		    plant_story((enum sim_mutant)f->mutant));
	fflush(stdout);
	return f->mutant != MUTANT_none && f->seed != 0;
}

int
mutants_run(uint64_t seeds, uint32_t jobs, const char *only)
{
	uint32_t planted = 0, caught = 0;
	bool sound = true;
	struct found f;
	int which = 0, fds[2];

	while (only != NULL && mutant_names[++which] != NULL)
		if (strcmp(mutant_names[which], only) == 0)
			break;
	fflush(stdout);
	if (pipe(fds) < 0)
		return 5;
	for (uint32_t job = 0; job < jobs; job++) {
		pid_t pid = fork();

		if (pid < 0)
			return 5;
		if (pid == 0)
			work(job, jobs, seeds, which, fds[1]);
	}
	close(fds[1]);
	while (read(fds[0], &f, sizeof f) == sizeof f) {
		bool good = report(&f, seeds);

		planted += f.mutant != MUTANT_none;
		caught += f.mutant != MUTANT_none && good;
		sound = sound && (f.mutant != MUTANT_none || good);
	}
	close(fds[0]);
	for (int status = 0; wait(&status) > 0;)
		sound = sound && status == 0;
	printf("mutants.planted %u count\nmutants.caught %u count\n", planted, caught);
	printf("mutants.seeds %llu count\n", (unsigned long long)seeds);
	return sound && caught == planted ? 0 : 1;
}
