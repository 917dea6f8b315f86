/*
 * bench_round.c - whole rounds of a leader's engine as it is (daemon/io/round.c), at NODES
 * nodes and ROLES x EACH containers that run: its machine holds that many members, it has
 * heard that many reports, and its loop turns as in the daemon: sockets, timers, rounds
 * recorded, schedules kept on disk and announced.  `name value unit`, of RUNS.
 *
 *   round        one node has failed: its containers move.  Median, from round_start, with the
 *                look at the world, to the plan that is checked, passed by the rails and signed
 *   round.force  of the same rounds: to the schedule in force here, which is on disk
 *   round.churn  of 1 % of the containers nothing is heard, others each time
 *   engine.stall what a timer of 1 ms waits for too long while a round runs, until it is
 *                recorded: the longest wait of each round.  Whoever sends a packet waits as long
 *   .cpu         what of it this process itself worked: the rest is others', on a machine that has them
 *   .shadow      the same where a shadow scheduler is asked and judged behind each
 *
 *   .revert      an older schedule again, of NODES x ROLES x EACH
 *   .input       what a round would get, for `mesh plan`
 *
 * PIECES=1: the slowest of each piece as well, in CPU time.
 */
#include <time.h>

#include "leader.h"

enum { NODES = 1000, ROLES = 10, EACH = 1000, RUNS = 15, PIECES_MAX = 64 };

static const char script[] =
    "local roles = {}\n"
    "for i = 1, 10 do\n"
    "  roles[i] = mesh.role('role' .. i, {version = 'v1', image = 'image-v' .. i, count = 1000,\n"
    "    ports = {port = '20000-29999'}, vars = {level = i}})\n"
    "end\n"
    "return mesh.scheduler(roles)\n";

static struct leader l;
static double stalls_cpu; /* the most */
static struct plan_template templates[ROLES];
static struct {
	uv_timer_t timer;
	double last, longest, last_cpu, longest_cpu;
} probe;
static struct {
	double cpu[PIECES_MAX], valid_at;
	unsigned at;
	void (*run)(struct engine *e);
} pieces;

static double
clock_ms(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

/* --- the world ---------------------------------------------------------------------- */

static void
name_of(int i, char name[NAME_CAP])
{
	snprintf(name, NAME_CAP, "n%d", i);
}

static void
id_of(int i, struct node_id *id)
{
	randombytes_buf_deterministic(
	    id, sizeof *id, (const uint8_t[randombytes_SEEDBYTES]){(uint8_t)i, (uint8_t)(i >> 8), 1});
}

/* It is alive, or it is not, whatever the machine came to think of a host that is none. */
static void
member(int i, enum mesh_state state)
{
	static uint32_t incarnation;
	struct members *ms = &l.e->mesh->ms;
	struct node_id id;
	uint32_t at;

	id_of(i, &id);
	at = members_find_id(ms, &id);
	members_set(ms, at, net_now(), state, 1, ++incarnation);
	ms->reports[at].reported = true;
	ms->reports[at].at = net_now();
}

static void
make_member(int i)
{
	struct members *ms = &l.e->mesh->ms;
	char name[NAME_CAP], meta[64];
	struct node_id id;
	int at;

	name_of(i, name);
	id_of(i, &id);
	if ((at = members_add(ms, &id, net_now())) < 0)
		die("no room for a member");
	snprintf(meta, sizeof meta, "z%d", i % 3);
	members_set_text(ms, (uint32_t)at, name, strlen(name), (const uint8_t *)meta, strlen(meta) + 1);
	ms->m[at].addr = (struct addr){.ip = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}, .port = 9};
	member(i, MESH_ALIVE);
}

/* What it told last. */
static void
make_report(int i)
{
	struct engine_report *r;
	struct node_id id;

	id_of(i, &id);
	r = &hear_node(l.e, &id)->engine_report.now;
	hear_node(l.e, &id)->engine_report.has = true;
	snprintf(r->facts.arch, sizeof r->facts.arch, "x86_64");
	r->facts.cpus = 8;
	r->facts.memory_bytes = (uint64_t)1 << 34;
	r->facts.images = calloc(ROLES, sizeof *r->facts.images);
	r->facts.sandboxes = calloc(ROLES, sizeof *r->facts.sandboxes);
	r->facts.images_count = r->facts.sandboxes_count = ROLES;
	for (int k = 0; k < ROLES; k++) {
		snprintf(r->facts.images[k], sizeof r->facts.images[k], "image-v%d", k + 1);
		snprintf(r->facts.sandboxes[k], sizeof r->facts.sandboxes[k], "role%d", k + 1);
	}
}

static void
make_world(void)
{
	for (int i = 0; i < ROLES; i++) {
		snprintf(templates[i].name, sizeof templates[i].name, "role%d", i + 1);
		templates[i].hash.b[0] = (uint8_t)(i + 1);
	}
	l.e->trees.templates = templates;
	l.e->trees.templates_count = ROLES;
	for (int i = 0; i < NODES; i++)
		make_member(i);
	for (int i = 0; i < NODES; i++)
		make_report(i);
}

/* All that the schedule in force says of it runs and is healthy. */
static void
come_true_on(int i)
{
	const struct plan_node *n;
	struct engine_report *r;
	char name[NAME_CAP];
	struct node_id id;
	size_t at = 0;

	name_of(i, name);
	id_of(i, &id);
	n = plan_node(&l.e->apply.plan, name);
	r = &hear_node(l.e, &id)->engine_report.now;
	free(r->instances);
	r->instances_count = 0;
	for (size_t k = 0; n != NULL && k < n->places_count; k++)
		r->instances_count += (uint32_t)n->places[k].instances_count;
	r->instances = calloc(r->instances_count + 1u, sizeof *r->instances);
	for (size_t k = 0; n != NULL && k < n->places_count; k++)
		for (size_t m = 0; m < n->places[k].instances_count; m++) {
			struct view_instance *v = &r->instances[at++];

			v->state = VIEW_RUNNING;
			v->health = VIEW_HEALTHY;
			v->since_ms = 1;
			memcpy(v->id, n->places[k].instances[m].id, sizeof v->id);
			memcpy(v->role, n->places[k].role, sizeof v->role);
			memcpy(v->image, n->places[k].instances[m].image, sizeof v->image);
			snprintf(v->version, sizeof v->version, "v1");
		}
}

static void
come_true(void)
{
	for (int i = 0; i < NODES; i++) {
		member(i, MESH_ALIVE);
		come_true_on(i);
	}
}

/* --- a round -------------------------------------------------------------------------- */

static void
on_probe(uv_timer_t *t)
{
	double now = clock_ms(CLOCK_MONOTONIC), late = now - probe.last - 1;
	double cpu = clock_ms(CLOCK_THREAD_CPUTIME_ID), busy = cpu - probe.last_cpu;

	(void)t;
	probe.longest = late > probe.longest ? late : probe.longest;
	probe.longest_cpu = busy > probe.longest_cpu ? busy : probe.longest_cpu;
	probe.last = now;
	probe.last_cpu = cpu;
}

static void
timed(struct engine *e)
{
	double now = clock_ms(CLOCK_MONOTONIC), start = clock_ms(CLOCK_THREAD_CPUTIME_ID);
	double *most = &pieces.cpu[pieces.at];
	struct hash next = e->apply.next_of;

	pieces.run(e);
	if (!hash_eq(&next, &e->apply.next_of) && pieces.valid_at == 0)
		pieces.valid_at = now; /* it was read back as what it became */
	start = clock_ms(CLOCK_THREAD_CPUTIME_ID) - start;
	*most = start > *most ? start : *most;
	pieces.at += pieces.at + 1 < PIECES_MAX;
}

/* How long it took to the plan, and to the end, and what the timer waited for in it. */
struct took {
	double valid, force, stall, stall_cpu;
};

static struct took
one_round(void)
{
	struct lead *lead = &l.e->lead;
	struct took took;
	double start;

	probe.last = start = clock_ms(CLOCK_MONOTONIC);
	probe.last_cpu = clock_ms(CLOCK_THREAD_CPUTIME_ID);
	probe.longest = probe.longest_cpu = 0;
	round_start(l.e);
	pieces.run = lead->turn.run;
	pieces.at = 0;
	pieces.valid_at = 0;
	lead->turn.run = timed;
	while (lead->under_way != NULL)
		uv_run(&l.loop, UV_RUN_ONCE);
	took.force = clock_ms(CLOCK_MONOTONIC) - start;
	took.valid = pieces.valid_at > 0 ? pieces.valid_at - start : took.force; /* nothing changed */
	while (lead->recording.writing.input.len > 0 || lead->shadow.at != SHADOW_IDLE)
		uv_run(&l.loop, UV_RUN_ONCE);
	took.stall = probe.longest;
	took.stall_cpu = probe.longest_cpu;
	if (lead->error[0] != '\0' || lead->unannounced || lead->rail.held_count > 0)
		die(lead->error[0] != '\0' ? lead->error : "the schedule is not in force");
	return took;
}

static int
by_value(const void *x, const void *y)
{
	double a = *(const double *)x, c = *(const double *)y;

	return (a > c) - (a < c);
}

static void
say_stalls(const char *name, double *stalls, size_t count)
{
	qsort(stalls, count, sizeof *stalls, by_value);
	printf("%s.p99 %.1f ms\n%s.p99.bound 20 ms\n", name,
	    stalls[(size_t)(0.99 * (double)(count - 1) + 0.5)], name);
	printf("%s.p50 %.1f ms\n%s.cpu.max %.1f ms\n", name, stalls[count / 2], name, stalls_cpu);
	stalls_cpu = 0;
}

/* RUNS of them after one that nobody counts; what happens to the world before each. */
static void
rounds(const char *name, double bound, void (*happens)(int run), double *stalls)
{
	double valid[RUNS], force[RUNS];

	for (int i = -1; i < RUNS; i++) {
		struct took t;

		come_true();
		happens(i);
		t = one_round();
		if (i < 0) {
			memset(pieces.cpu, 0, sizeof pieces.cpu);
			continue;
		}
		valid[i] = t.valid;
		force[i] = t.force;
		stalls[i] = t.stall;
		stalls_cpu = t.stall_cpu > stalls_cpu ? t.stall_cpu : stalls_cpu;
	}
	qsort(valid, RUNS, sizeof *valid, by_value);
	qsort(force, RUNS, sizeof *force, by_value);
	printf("%s.p50 %.1f ms\n%s.p50.bound %.0f ms\n", name, valid[RUNS / 2], name, bound);
	printf("%s.force.p50 %.1f ms\n", name, force[RUNS / 2]);
}

static void
a_node_fails(int run)
{
	member(18 + run, MESH_FAILED);
}

/* Of one container in a hundred nothing is heard. */
static void
churn(int run)
{
	for (int i = 0; i < NODES; i++) {
		struct engine_report *r;
		struct node_id id;

		if (i % 10 != (run + 1) % 10)
			continue;
		id_of(i, &id);
		r = &hear_node(l.e, &id)->engine_report.now;
		r->instances_count -= r->instances_count > 0;
	}
}

/* --- what an operator asks for -------------------------------------------------------- */

static bool over;

static void
on_revert(void *arg, int rc, const struct err *err)
{
	(void)arg;
	over = true;
	if (rc < 0)
		die(err->text);
}

static void
on_input(void *arg, int rc, struct slice input)
{
	(void)arg;
	over = true;
	if (rc < 0 || input.len == 0)
		die("no input");
}

static void
revert(void)
{
	struct round_wish w = {.wish = WISH_FORCED, .told = on_revert};
	struct err err;

	if (keep_old(&l.e->keep, &l.e->keep.history[1], &w.old, &err) <= 0)
		die("there is no older schedule");
	round_revert(l.e, &w);
}

static void
input(void)
{
	roundinput_ask(l.e, on_input, NULL);
}

static void
asked(const char *name, void (*ask)(void))
{
	double stalls[RUNS];

	stalls_cpu = 0;
	for (int i = 0; i < RUNS; i++) {
		over = false;
		uv_run(&l.loop, UV_RUN_ONCE);
		probe.last = clock_ms(CLOCK_MONOTONIC);
		probe.last_cpu = clock_ms(CLOCK_THREAD_CPUTIME_ID);
		probe.longest = probe.longest_cpu = 0;
		ask();
		while (!over)
			uv_run(&l.loop, UV_RUN_ONCE);
		uv_run(&l.loop, UV_RUN_ONCE); /* the timer sees the last piece too */
		stalls[i] = probe.longest;
		stalls_cpu = probe.longest_cpu > stalls_cpu ? probe.longest_cpu : stalls_cpu;
	}
	say_stalls(name, stalls, RUNS);
}

int
main(int argc, char **argv)
{
	static double stalls[2 * RUNS];
	int fd;

	if (argc != 2 || (fd = open(argv[1], O_PATH | O_CLOEXEC)) < 0)
		die("usage: bench_round MESHD-SCRIPT");
	if (leader_open(&l, NODES + 100, fd) < 0 || leader_scripts(&l, TREES_SCRIPTS, script) < 0)
		die("no leader");
	uv_timer_init(&l.loop, &probe.timer);
	uv_timer_start(&probe.timer, on_probe, 1, 1);
	make_world();
	one_round(); /* all is placed */
	rounds("round", 250, a_node_fails, stalls);
	rounds("round.churn", 150, churn, stalls + RUNS);
	say_stalls("engine.stall", stalls, 2 * RUNS);
	if (leader_scripts(&l, TREES_SHADOW, script) < 0)
		die("no shadow");
	rounds("round.shadow", 250, a_node_fails, stalls);
	if (l.e->lead.shadow.rounds != RUNS + 1 || l.e->lead.shadow.error[0] != '\0')
		die("the shadow was not asked each time");
	say_stalls("engine.stall.shadow", stalls, RUNS);
	asked("engine.stall.revert", revert);
	asked("engine.stall.input", input);
	for (unsigned i = 0; getenv("PIECES") != NULL && pieces.cpu[i] > 0; i++)
		printf("piece.%u %.1f ms\n", i, pieces.cpu[i]);
	return leader_close(&l) < 0 ? 1 : 0;
}
