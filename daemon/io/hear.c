/*
 * hear.c - see hear.h.  A report may be a difference to one before: what can't
 * be put together is refused, and then it comes whole.
 */
#include "hear.h"

#include <stdlib.h>

#include "../base/log.h"
#include "engine.h"

/* Where it is, or where it belongs. */
static size_t
place_of(const struct lead *l, const struct node_id *id)
{
	size_t lo = 0, hi = l->nodes_count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (id_cmp(&l->nodes[mid].id, id) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct lead_node *
find_node(const struct lead *l, const struct node_id *id)
{
	size_t at = place_of(l, id);

	return at < l->nodes_count && id_eq(&l->nodes[at].id, id) ? &l->nodes[at] : NULL;
}

/* Who is no member any more gave its place there to somebody else. */
static void
forget_gone(struct engine *e)
{
	struct lead *l = &e->lead;
	struct mesh_member m;
	size_t kept = 0;

	for (size_t i = 0; i < l->nodes_count; i++)
		if (mesh_find(e->mesh, &l->nodes[i].id, &m))
			l->nodes[kept++] = l->nodes[i];
		else
			report_table_free(&l->nodes[i].report);
	l->nodes_count = kept;
}

/* No more of them than there are members. */
struct lead_node *
hear_node(struct engine *e, const struct node_id *id)
{
	struct lead *l = &e->lead;
	struct lead_node *n = find_node(l, id), *more;
	size_t at;

	if (n != NULL)
		return n;
	if (l->nodes_count >= mesh_count(e->mesh))
		forget_gone(e);
	more = realloc(l->nodes, (l->nodes_count + 1) * sizeof *more);
	if (more == NULL)
		return NULL;
	l->nodes = more;
	at = place_of(l, id);
	n = &l->nodes[at];
	memmove(n + 1, n, (l->nodes_count - at) * sizeof *n);
	l->nodes_count++;
	*n = (struct lead_node){.id = *id, .state = -1};
	return n;
}

const struct report *
hear_report(const struct engine *e, const struct node_id *id)
{
	const struct lead_node *n = e->lead.leading ? find_node(&e->lead, id) : NULL;

	return n != NULL && n->report.has ? &n->report.now : NULL;
}

void
hear_sync(struct engine *e)
{
	struct lead *l = &e->lead;
	uint64_t hearing = mesh_hearing(e->mesh);

	if (hearing == l->hearing)
		return;
	l->hearing = hearing;
	for (size_t i = 0; i < l->nodes_count; i++)
		report_table_free(&l->nodes[i].report);
	free(l->nodes);
	l->nodes = NULL;
	l->nodes_count = 0;
}

/* What a round could decide by: which containers, in which state. */
static uint64_t
fingerprint(const struct report *r)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (uint32_t i = 0; i < r->instances_count; i++) {
		const struct view_instance *x = &r->instances[i];
		uint32_t s[3] = {(uint32_t)x->state, (uint32_t)x->health, x->unrendered};

		h = sup_hash_(h, x->id, strlen(x->id));
		h = sup_hash_(h, s, sizeof s);
	}
	h = sup_hash_(h, &r->facts.config_hash, sizeof r->facts.config_hash);
	h = sup_hash_(h, &r->facts.images_count, sizeof r->facts.images_count);
	return sup_hash_(h, &r->facts.sandboxes_count, sizeof r->facts.sandboxes_count);
}

static void
take(struct engine *e, struct lead_node *n, uint32_t version, uint32_t index, uint32_t count,
    const uint8_t *buf, size_t len)
{
	uint64_t before = n->report.has ? fingerprint(&n->report.now) : 0;
	int rc = report_add(&n->report, version, index, count, buf, len);

	if (rc < 0) {
		log_debug("a report is asked for again, whole (error %d)", -rc);
		mesh_refuse_report(e->mesh, &n->id, version);
	}
	if (rc > 0 && fingerprint(&n->report.now) != before)
		lead_note(e, SCHED_HEALTH);
}

bool
hear_take(struct engine *e)
{
	uint8_t buf[MESH_FRAG_BYTES_MAX];
	uint32_t version, index, count;
	struct node_id from;
	bool any = false;
	size_t len;

	while ((len = mesh_next_report(e->mesh, &from, &version, &index, &count, buf,
		    sizeof buf)) > 0) {
		struct lead_node *n = hear_node(e, &from);

		any = true;
		if (n != NULL)
			take(e, n, version, index, count, buf, len);
		else
			mesh_refuse_report(e->mesh, &from, version);
	}
	return any;
}
