/*
 * input.c - pack the world for the scheduler.
 *
 * Every list is sorted through an array of pointers first: the order in which
 * gossip or reports brought things must not reach a script, or two leaders
 * with the same view would decide differently.
 */
#include "input.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../gossip/mesh.h"
#include "../base/own.h"
#include "../base/scriptio.h"
#include "flatpack.h"
#include "inputmetrics.h"
#include "pack.h"
#include "standard.h"
#include "textkey.h"
#include "walk.h"

static int
node_cmp(const void *a, const void *b)
{
	const struct view_node *x = *(const struct view_node *const *)a;
	const struct view_node *y = *(const struct view_node *const *)b;
	int c = strcmp(x->name, y->name);

	if (c != 0)
		return c;
	/* One name, two hosts: the living one is meant. */
	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	return id_cmp(&x->id, &y->id);
}

static int
text_cmp(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
pack_field(struct pack *p, const char *key, const char *value)
{
	pack_str(p, key);
	pack_str(p, value);
}

static void
pack_count(struct pack *p, const char *key, uint64_t value)
{
	pack_str(p, key);
	pack_u64(p, value);
}

/* Names of a node's report, sorted without touching the report. */
static void
pack_names(struct pack *p, const char *key, const void *names, size_t width, size_t count)
{
	AUTO_FREE char *copy = NULL;

	pack_str(p, key);
	pack_list(p, count);
	if (count == 0)
		return;
	copy = malloc(count * width);
	if (copy == NULL) {
		p->err = -ERR_FULL;
		return;
	}
	memcpy(copy, names, count * width);
	qsort(copy, count, width, text_cmp);
	for (size_t i = 0; i < count; i++)
		pack_str(p, copy + i * width);
}

/* "zone=a,ssd" -> {zone: "a", ssd: true}; order as told. */
static void
pack_tags(struct pack *p, const char *tags)
{
	size_t count = tags[0] != '\0';

	for (const char *c = tags; *c != '\0'; c++)
		count += *c == ',';
	pack_str(p, "tags");
	pack_map(p, count);
	for (const char *at = tags; count > 0; count--) {
		size_t len = strcspn(at, ",");
		const char *eq = memchr(at, '=', len);
		size_t key = eq != NULL ? (size_t)(eq - at) : len;

		pack_strn(p, at, key);
		if (eq != NULL)
			pack_strn(p, eq + 1, len - key - 1);
		else
			pack_bool(p, true);
		at += len + 1;
	}
}

static void
pack_facts(struct pack *p, const struct view_facts *f)
{
	char hex[17];

	snprintf(hex, sizeof hex, "%016" PRIx64, f->config_hash);
	pack_str(p, "facts");
	pack_map(p, 7);
	pack_field(p, "arch", f->arch);
	pack_field(p, "config_hash", hex);
	pack_count(p, "cpus", f->cpus);
	pack_names(p, "images", f->images, VIEW_IMAGE_CAP, f->images_count);
	pack_field(p, "kernel", f->kernel);
	pack_count(p, "memory", f->memory_bytes);
	pack_names(p, "sandboxes", f->sandboxes, NAME_CAP, f->sandboxes_count);
}

static void
pack_metrics(struct pack *p, const struct view_metrics *m, uint64_t now_ms)
{
	uint32_t at = 0, count = 0;
	const char *name;
	double value;

	while (standard_each(m, now_ms, &at, &name, &value))
		count++;
	pack_str(p, "metrics");
	pack_map(p, count);
	for (at = 0; standard_each(m, now_ms, &at, &name, &value);) {
		pack_str(p, name);
		if (value == (double)(int64_t)value)
			pack_i64(p, (int64_t)value); /* a count stays one in Lua */
		else
			pack_real(p, value);
	}
}

/* What nobody uses now, as measured; of a node that has measured nothing yet all it has. */
static void
pack_free(struct pack *p, const struct view_node *n)
{
	double used = n->metrics.cpu_percent / 100;
	bool measured = n->metrics.memory_free_bytes > 0;

	used = used > 0 ? used < 1 ? used : 1 : 0; /* NaN too */
	pack_str(p, "free");
	pack_map(p, 2);
	pack_str(p, "cpus");
	pack_real(p, n->facts.cpus * (measured ? 1 - used : 1));
	pack_count(p, "memory", measured ? n->metrics.memory_free_bytes : n->facts.memory_bytes);
}

static void
pack_node(struct pack *p, const struct view_node *n, uint64_t now_ms)
{
	pack_str(p, n->name);
	pack_map(p, 11u + (n->version[0] != '\0'));
	pack_field(p, "address", n->address);
	pack_str(p, "draining");
	pack_bool(p, n->draining);
	pack_facts(p, &n->facts);
	pack_free(p, n);
	pack_metrics(p, &n->metrics, now_ms);
	pack_str(p, "reported");
	pack_bool(p, n->reported);
	pack_count(p, "since", n->since_ms);
	pack_field(p, "state", view_node_state_name(n->state));
	pack_tags(p, n->tags);
	pack_str(p, "unstable");
	pack_bool(p, n->unstable);
	if (n->version[0] != '\0')
		pack_field(p, "version", n->version);
	pack_field(p, "zone", n->zone);
}

/* Sorted, one per name; returns how many. */
static size_t
sort_nodes(const struct view_node **rows, const struct input *in)
{
	size_t kept = 0;

	for (size_t i = 0; i < in->nodes_count; i++)
		rows[i] = &in->nodes[i];
	qsort(rows, in->nodes_count, sizeof *rows, node_cmp);
	for (size_t i = 0; i < in->nodes_count; i++)
		if (kept == 0 || strcmp(rows[kept - 1]->name, rows[i]->name) != 0)
			rows[kept++] = rows[i];
	return kept;
}

static void
pack_side(struct pack *p, const struct view_side *side, const struct view_node **rows,
    size_t count)
{
	static const char *const grades[] = {
	    [MESH_GRADE_NONE] = "none",
	    [MESH_GRADE_DEGRADED] = "degraded",
	    [MESH_GRADE_FULL] = "full",
	};
	size_t lost = 0;

	for (size_t i = 0; i < count; i++)
		lost += rows[i]->state == VIEW_NODE_FAILED;
	pack_str(p, "side");
	pack_map(p, 5);
	pack_field(p, "grade",
	    (size_t)side->grade < ARRAY_LEN(grades) ? grades[side->grade] : "none");
	pack_count(p, "known", side->known);
	pack_str(p, "lost");
	pack_list(p, lost);
	for (size_t i = 0; i < count; i++)
		if (rows[i]->state == VIEW_NODE_FAILED)
			pack_str(p, rows[i]->name);
	pack_count(p, "term", side->term);
	pack_count(p, "visible", side->visible);
}

/* An instance, by its id. */
struct row {
	struct textkey id;
	const struct view_instance *v;
};

/* A packing under way. */
struct inputwork {
	struct pack p;
	int rc;		  /* the first failure */
	const struct view_node **nodes; /* owned; by name, one of each */
	size_t nodes_count;
	struct row *rows; /* owned; by id */
	size_t count, at, twice;
};

enum { ROWS_AT_ONCE = 4096 };

/* What was asked of all, and is answered by each. */
static int
pack_answers(struct inputwork *x, const struct input *in)
{
	x->nodes = calloc(in->nodes_count + 1, sizeof *x->nodes);
	if (x->nodes == NULL)
		return -ERR_FULL;
	x->nodes_count = sort_nodes(x->nodes, in);
	pack_str(&x->p, "metrics");
	pack_map(&x->p, in->query.count);
	for (size_t i = 0; i < in->query.count; i++)
		if (inputmetrics_pack(&x->p, &in->query.entries[i], (int64_t)in->now_ms, x->nodes,
			x->nodes_count) < 0)
			return -ERR_FULL;
	return 0;
}

/* The copy that `running` names comes first: one that runs, then the oldest. */
static int
row_cmp(const void *a, const void *b)
{
	const struct row *r = a, *s = b;
	const struct view_instance *x = r->v, *y = s->v;
	int c = textkey_cmp(&r->id, &s->id);

	if (c != 0)
		return c;
	if ((x->state == VIEW_RUNNING) != (y->state == VIEW_RUNNING))
		return x->state == VIEW_RUNNING ? -1 : 1;
	if (x->since_ms != y->since_ms)
		return x->since_ms < y->since_ms ? -1 : 1;
	return strcmp(x->node, y->node);
}

static void
pack_instance(struct pack *p, const struct view_instance *v)
{
	pack_map(p, 9u + v->unrendered);
	pack_field(p, "error", v->error);
	pack_field(p, "health", view_health_name(v->health));
	pack_field(p, "image", v->image);
	pack_field(p, "node", v->node);
	pack_count(p, "restarts", v->restarts);
	pack_field(p, "role", v->role);
	pack_count(p, "since", v->since_ms);
	pack_field(p, "state", view_state_name(v->state));
	if (v->unrendered) {
		pack_str(p, "unrendered");
		pack_bool(p, true);
	}
	pack_field(p, "version", v->version);
}

/* How many rows from there on are of one id. */
static size_t
same_id(const struct inputwork *x, size_t i)
{
	size_t n = 1;

	while (i + n < x->count && textkey_cmp(&x->rows[i].id, &x->rows[i + n].id) == 0)
		n++;
	return n;
}

/* Sorted, and the head of `running`. */
static int
begin_running(struct inputwork *x, const struct input *in)
{
	size_t ids = 0;

	x->rows = calloc(in->instances_count + 1, sizeof *x->rows);
	if (x->rows == NULL)
		return -ERR_FULL;
	x->count = in->instances_count;
	for (size_t i = 0; i < x->count; i++)
		x->rows[i] = (struct row){textkey_of(in->instances[i].id), &in->instances[i]};
	qsort(x->rows, x->count, sizeof *x->rows, row_cmp);
	for (size_t i = 0, n; i < x->count; i += n, ids++) {
		n = same_id(x, i);
		x->twice += n > 1;
	}
	pack_str(&x->p, "running");
	pack_map(&x->p, ids);
	return 0;
}

static void
pack_copies(struct inputwork *x)
{
	pack_str(&x->p, "copies");
	pack_map(&x->p, x->twice);
	for (size_t i = 0, n; x->twice > 0 && i < x->count; i += n) {
		n = same_id(x, i);
		if (n == 1)
			continue;
		pack_str(&x->p, x->rows[i].v->id);
		pack_list(&x->p, n);
		for (size_t k = 0; k < n; k++)
			pack_instance(&x->p, x->rows[i + k].v);
	}
}

static int
pack_parents(struct pack *p, const struct input *in)
{
	pack_str(p, "parents");
	pack_list(p, in->parents_count);
	for (size_t i = 0; i < in->parents_count; i++) {
		if (!walk_is_map(in->parents[i]))
			return -ERR_MALFORMED;
		pack_raw(p, in->parents[i]);
	}
	pack_str(p, "vars");
	if (in->vars.len > 0 && !walk_is_map(in->vars))
		return -ERR_MALFORMED;
	pack_raw_map(p, in->vars);
	return 0;
}

static int
action_order(const void *a, const void *b)
{
	const struct actdesk_item *x = *(const struct actdesk_item *const *)a;
	const struct actdesk_item *y = *(const struct actdesk_item *const *)b;
	char x_id[ACTION_ID_CAP], y_id[ACTION_ID_CAP];

	if (x->a.stamp_ms != y->a.stamp_ms)
		return x->a.stamp_ms < y->a.stamp_ms ? -1 : 1;
	action_id(x_id, x->node, x->a.number);
	action_id(y_id, y->node, y->a.number);
	return strcmp(x_id, y_id);
}

static void
pack_action(struct pack *p, const struct actdesk_item *x)
{
	char id[ACTION_ID_CAP], by[16];

	action_id(id, x->node, x->a.number);
	snprintf(by, sizeof by, "uid %u", x->a.uid);
	pack_map(p, 7u + (x->a.role[0] != '\0'));
	pack_str(p, "args");
	pack_raw_map(p, (struct slice){x->a.args, x->a.args_bytes});
	pack_field(p, "by", by);
	pack_field(p, "id", id);
	pack_field(p, "name", x->a.name);
	pack_field(p, "node", x->node);
	if (x->a.role[0] != '\0')
		pack_field(p, "role", x->a.role);
	pack_count(p, "stamp", x->a.stamp_ms);
	pack_count(p, "tries", x->a.tries);
}

static void
pack_actions(struct pack *p, const struct input *in)
{
	const struct actdesk_item *rows[ACTDESK_ROUND_MAX];
	size_t count = in->actions_count < ACTDESK_ROUND_MAX ? in->actions_count : ACTDESK_ROUND_MAX;

	for (size_t i = 0; i < count; i++)
		rows[i] = in->actions[i];
	if (count > 0)
		qsort(rows, count, sizeof rows[0], action_order);
	pack_str(p, "actions");
	pack_list(p, count);
	for (size_t i = 0; i < count; i++)
		pack_action(p, rows[i]);
}

struct inputwork *
input_begin(const struct input *in)
{
	struct inputwork *x = calloc(1, sizeof *x);

	if (x == NULL)
		return NULL;
	pack_begin(&x->p, SCRIPT_IN_BYTES_MAX);
	pack_map(&x->p, 12);
	pack_count(&x->p, "api", SCRIPT_API);
	pack_count(&x->p, "now", in->now_ms);
	pack_field(&x->p, "self", in->self);
	pack_actions(&x->p, in);
	x->rc = pack_answers(x, in); /* metrics */
	return x;
}

void
input_nodes(struct inputwork *x, const struct input *in)
{
	if (x->rc < 0)
		return;
	pack_str(&x->p, "nodes");
	pack_map(&x->p, x->nodes_count);
	for (size_t i = 0; i < x->nodes_count; i++)
		pack_node(&x->p, x->nodes[i], in->now_ms);
	pack_side(&x->p, &in->side, x->nodes, x->nodes_count);
}

int
input_instances(struct inputwork *x, const struct input *in)
{
	size_t end = x->at + ROWS_AT_ONCE;

	if (x->rc == 0 && x->rows == NULL) {
		x->rc = begin_running(x, in);
		return x->rc < 0 ? x->rc : 1;
	}
	for (; x->rc == 0 && x->at < x->count && x->at < end; x->at += same_id(x, x->at)) {
		pack_str(&x->p, x->rows[x->at].v->id);
		pack_instance(&x->p, x->rows[x->at].v);
	}
	if (x->rc == 0 && x->at < x->count)
		return 1;
	if (x->rc == 0)
		pack_copies(x);
	return x->rc;
}

int
input_close(struct inputwork *x, const struct input *in, struct blob *out)
{
	int rc = x->rc;

	*out = (struct blob){0};
	if (rc == 0)
		rc = pack_parents(&x->p, in); /* parents, vars */
	if (rc == 0)
		rc = flatpack_roles(&x->p, in->metas, in->metas_count); /* roles */
	if (rc == 0)
		rc = pack_end(&x->p, out);
	input_drop(x);
	return rc;
}

void
input_drop(struct inputwork *x)
{
	if (x == NULL)
		return;
	pack_drop(&x->p);
	free(x->nodes);
	free(x->rows);
	free(x);
}

int
input_pack(const struct input *in, struct blob *out)
{
	struct inputwork *x = input_begin(in);
	int rc = x != NULL ? 1 : -ERR_FULL;

	*out = (struct blob){0};
	if (x != NULL)
		input_nodes(x, in);
	while (rc > 0)
		rc = input_instances(x, in);
	if (rc == 0)
		return input_close(x, in, out);
	input_drop(x);
	return rc;
}
