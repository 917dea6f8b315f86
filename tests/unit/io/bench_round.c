/*
 * bench_round.c - a whole round as the leader's engine does it (daemon/io/round.c), at
 * NODES nodes and ROLES x EACH containers that run: parent and input packed, the real
 * meshd-script, the answer checked, judged by the rails, made a signed schedule.
 * `name value unit`, medians of RUNS.
 *
 *   round        one node has failed: its containers move
 *   round.churn  of 1 % of the containers nothing is heard, others each time
 *   engine.stall what of it the engine's loop stands still for, longest piece of each
 *                round: before the script, and behind it
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "../../../daemon/base/own.h"
#include "../../../daemon/base/scriptio.h"
#include "../../../daemon/core/input.h"
#include "../../../daemon/core/plan.h"
#include "../../../daemon/core/rail.h"
#include "../../../daemon/core/schedule.h"
#include "../../../daemon/io/crypto.h"
#include "../../../daemon/io/identity.h"
#include "../../../daemon/io/pack.h"
#include "../../../daemon/io/script.h"

enum { NODES = 1000, ROLES = 10, EACH = 1000, RUNS = 15 };

static const char script[] =
    "local roles = {}\n"
    "for i = 1, 10 do\n"
    "  roles[i] = mesh.role('role' .. i, {version = 'v1', image = 'image-v' .. i, count = 1000,\n"
    "    ports = {port = '20000-29999'}, vars = {level = i}})\n"
    "end\n"
    "return mesh.scheduler(roles)\n";

static struct {
	struct view_node nodes[NODES];
	char images[ROLES][VIEW_IMAGE_CAP], sandboxes[ROLES][NAME_CAP];
	struct plan_template templates[ROLES];
	struct view_instance *instances;
	size_t instances_count;
	struct schedule parent;
	bool has_parent;
	struct crypto crypto;
	struct keyring keys;
	struct config conf;
	uv_loop_t loop;
	int script_fd;
	uint64_t seq;
} b;

/* What of a round the loop stood still for, and what came of it. */
struct took {
	double before_ms, behind_ms, whole_ms;
	bool done;
	size_t moved;
};

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

static void
make_world(void)
{
	for (int i = 0; i < ROLES; i++) {
		snprintf(b.images[i], sizeof b.images[i], "image-v%d", i + 1);
		snprintf(b.sandboxes[i], sizeof b.sandboxes[i], "role%d", i + 1);
		memcpy(b.templates[i].name, b.sandboxes[i], sizeof b.sandboxes[i]);
		b.templates[i].hash.b[0] = (uint8_t)(i + 1);
	}
	for (int i = 0; i < NODES; i++) {
		struct view_node *n = &b.nodes[i];

		snprintf(n->name, sizeof n->name, "n%d", i);
		snprintf(n->address, sizeof n->address, "10.0.%d.%d", i / 250, i % 250);
		snprintf(n->zone, sizeof n->zone, "z%d", i % 3);
		randombytes_buf_deterministic(
		    &n->id, sizeof n->id, (const uint8_t[randombytes_SEEDBYTES]){(uint8_t)i, (uint8_t)(i >> 8)});
		n->reported = true;
		n->since_ms = 1;
		snprintf(n->facts.arch, sizeof n->facts.arch, "x86_64");
		n->facts.cpus = 8;
		n->facts.memory_bytes = (uint64_t)1 << 34;
		n->facts.images = b.images;
		n->facts.sandboxes = b.sandboxes;
		n->facts.images_count = n->facts.sandboxes_count = ROLES;
	}
}

static int
by_id(const void *x, const void *y)
{
	return strcmp(((const struct view_instance *)x)->id, ((const struct view_instance *)y)->id);
}

/* All that the plan says runs and is healthy. */
static void
come_true(const struct plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->nodes_count; i++)
		for (size_t k = 0; k < plan->nodes[i].places_count; k++) {
			const struct plan_place *p = &plan->nodes[i].places[k];

			for (size_t m = 0; m < p->instances_count; m++) {
				struct view_instance *v = &b.instances[n++];

				*v = (struct view_instance){
				    .state = VIEW_RUNNING, .health = VIEW_HEALTHY, .since_ms = 1};
				memcpy(v->id, p->instances[m].id, sizeof v->id);
				memcpy(v->role, p->role, sizeof v->role);
				memcpy(v->node, plan->nodes[i].name, sizeof v->node);
				memcpy(v->image, p->instances[m].image, sizeof v->image);
				snprintf(v->version, sizeof v->version, "v1");
			}
		}
	b.instances_count = n;
	qsort(b.instances, n, sizeof *b.instances, by_id);
}

static void
question(msgpack_sbuffer *buf)
{
	struct blob parent = {0}, packed = {0};
	struct hash seed;
	uint64_t seed64;
	msgpack_packer pk;

	if (b.has_parent && schedule_to_parent(&b.parent, &parent) < 0)
		die("the parent can't be packed");
	struct slice slice = blob_slice(&parent);
	struct input in = {.now_ms = 1,
	    .self = "n0",
	    .side = {.grade = 2, .visible = NODES, .known = NODES, .term = 1},
	    .nodes = b.nodes,
	    .nodes_count = NODES,
	    .instances = b.instances,
	    .instances_count = b.instances_count,
	    .parents = &slice,
	    .parents_count = b.has_parent};
	if (input_pack(&in, &packed) < 0)
		die("the input can't be packed");
	crypto_hash256(&seed, packed.b, packed.len);
	memcpy(&seed64, seed.b, sizeof seed64);
	msgpack_packer_init(&pk, buf, msgpack_sbuffer_write);
	script_head(&pk, 6, "schedule", &b.conf, seed64);
	pk_str(&pk, "files");
	msgpack_pack_map(&pk, 1);
	pk_str(&pk, "main.lua");
	pk_strn(&pk, script, sizeof script - 1);
	pk_kstr(&pk, "entry", "main.lua");
	pk_str(&pk, "input");
	pk_raw(&pk, packed.b, packed.len);
	blob_free(&parent);
	blob_free(&packed);
}

/* The answer as the leader takes it; the schedule becomes the next parent. */
static void
on_answer(void *arg, const struct script_answer *a)
{
	struct took *t = arg;
	double start = now_ms();
	struct plan_world w = {.nodes = b.nodes, .nodes_count = NODES,
	    .templates = b.templates, .templates_count = ROLES};
	struct schedule_meta meta = {.stamp = {.term = 1, .seq = ++b.seq}, .grade = 2};
	struct plan plan, last = {0};
	struct rail rail = {0}, none = {0};
	struct schedule s;
	struct err err;

	if (!a->ok)
		die(a->error);
	if (plan_check(a->result.b, a->result.len, &w, &plan, &err) < 0)
		die(err.text);
	if (b.has_parent && schedule_plan(&b.parent, &last) < 0)
		die("the parent can't be read");
	struct rail_in in = {.last = b.has_parent ? &last : NULL,
	    .running = b.instances,
	    .running_count = b.instances_count,
	    .nodes = b.nodes,
	    .nodes_count = NODES,
	    .before = &none,
	    .stamp = "1.0.1"};
	if (rail_apply(&plan, &in, &rail) < 0 || rail.held_count > 0)
		die("a role is held");
	memcpy(meta.pk, b.keys.pk, sizeof meta.pk);
	identity_id(meta.pk, &meta.stamp.leader);
	if (schedule_build(&s, &plan, &meta, &b.crypto, &err) < 0)
		die(err.text);
	if (b.has_parent) {
		(void)schedule_compare(&s, &b.parent);
		schedule_free(&b.parent);
	}
	b.parent = s;
	b.has_parent = true;
	plan_free(&last);
	rail_free(&rail);
	t->behind_ms = now_ms() - start;
	t->done = true;
	come_true(&plan);
	plan_free(&plan);
}

static struct took
one_round(void)
{
	struct took t = {0};
	double start = now_ms();
	msgpack_sbuffer buf;
	struct err err;

	msgpack_sbuffer_init(&buf);
	question(&buf);
	if (script_start(&b.loop, b.script_fd, &b.conf, "scheduler",
		(struct slice){(uint8_t *)buf.data, buf.size}, on_answer, &t, &err) == NULL)
		die(err.text);
	msgpack_sbuffer_destroy(&buf);
	t.before_ms = now_ms() - start;
	while (!t.done)
		uv_run(&b.loop, UV_RUN_ONCE);
	t.whole_ms = now_ms() - start;
	return t;
}

static int
by_value(const void *x, const void *y)
{
	double a = *(const double *)x, c = *(const double *)y;

	return (a > c) - (a < c);
}

static double
part_of(double *list, double part)
{
	qsort(list, RUNS, sizeof *list, by_value);
	return list[(size_t)(part * (RUNS - 1) + 0.5)];
}

static void
say(const char *name, double value, double bound)
{
	printf("%s %.1f ms\n%s.bound %.0f ms\n", name, value, name, bound);
}

/* RUNS of them after one that nobody counts; what happens to the world before each. */
static void
rounds(const char *name, double bound, void (*happens)(int run), double *stalls)
{
	double whole[RUNS], cpu[RUNS];
	char line[64];

	happens(-1);
	one_round();
	for (int i = 0; i < RUNS; i++) {
		happens(i);
		struct took t = one_round();

		whole[i] = t.whole_ms;
		cpu[i] = t.before_ms;
		stalls[2 * i] = t.before_ms;
		stalls[2 * i + 1] = t.behind_ms;
	}
	say(name, part_of(whole, 0.5), bound);
	snprintf(line, sizeof line, "%s.pack", name);
	printf("%s %.1f ms\n", line, part_of(cpu, 0.5));
}

/* One node fails, and the one before it is there again. */
static void
a_node_fails(int run)
{
	b.nodes[17 + run].state = VIEW_ALIVE;
	b.nodes[18 + run].state = VIEW_NODE_FAILED;
}

/* Of one container in a hundred nothing is heard, of others each time. */
static void
churn(int run)
{
	size_t n = 0;

	for (size_t i = 0; i < b.instances_count; i++)
		if (i % 100 != (size_t)(run + 1))
			b.instances[n++] = b.instances[i];
	b.instances_count = n;
}

int
main(int argc, char **argv)
{
	static double stalls[4 * RUNS];
	struct err err;

	if (argc != 2 || (b.script_fd = open(argv[1], O_PATH | O_CLOEXEC)) < 0)
		die("usage: bench_round MESHD-SCRIPT");
	b.instances = calloc((size_t)ROLES * EACH, sizeof *b.instances);
	if (b.instances == NULL || uv_loop_init(&b.loop) < 0 || crypto_init(&err) < 0)
		die("out of memory");
	crypto_sign_keypair(b.keys.pk, b.keys.sk);
	crypto_fill(&b.crypto, &b.keys);
	b.conf.script_heap_bytes = SCRIPT_HEAP_BYTES;
	b.conf.script_cpu_ms = SCRIPT_CPU_MS;
	b.conf.script_wall_ms = 60000;
	make_world();
	one_round(); /* all is placed */
	rounds("round.p50", 250, a_node_fails, stalls);
	rounds("round.churn.p50", 150, churn, stalls + 2 * RUNS);
	qsort(stalls, ARRAY_LEN(stalls), sizeof *stalls, by_value);
	say("engine.stall.p99", stalls[(size_t)(0.99 * (ARRAY_LEN(stalls) - 1) + 0.5)], 20);
	return 0;
}
