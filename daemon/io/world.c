/*
 * world.c - see world.h.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

#include "addr.h"
#include "apps.h"
#include "engine.h"
#include "hear.h"
#include "logs.h"

size_t
world_meta_pack(const char *zone, const char *tags, const char *version, uint8_t *out, size_t cap)
{
	const char *all[] = {zone, tags, version};
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		size_t n = strlen(all[i]) + 1;

		if (n > cap - len)
			return 0;
		memcpy(out + len, all[i], n);
		len += n;
	}
	return len;
}

/* One NUL-terminated text; what a peer wrote is made harmless here, once. */
static size_t
take_text(const uint8_t *buf, size_t len, size_t off, char *out, size_t cap)
{
	const uint8_t *end = off < len ? memchr(buf + off, '\0', len - off) : NULL;

	out[0] = '\0';
	if (end == NULL)
		return len;
	err_escape(out, cap, (const char *)buf + off, (size_t)(end - (buf + off)));
	return (size_t)(end - buf) + 1;
}

void
world_meta_read(const struct mesh_member *m, char zone[NAME_CAP], char tags[VIEW_TAGS_CAP],
    char version[NAME_CAP])
{
	size_t off = take_text(m->meta, m->meta_bytes, 0, zone, NAME_CAP);

	if (m->certified) /* its own word counts for nothing there */
		snprintf(zone, NAME_CAP, "%s", m->zone);
	off = take_text(m->meta, m->meta_bytes, off, tags, VIEW_TAGS_CAP);
	take_text(m->meta, m->meta_bytes, off, version, NAME_CAP);
}

enum view_node_state
world_state(const struct mesh_member *m)
{
	static const enum view_node_state of[] = {[MESH_ALIVE] = VIEW_ALIVE,
	    [MESH_SUSPECT] = VIEW_SUSPECT,
	    [MESH_FAILED] = VIEW_NODE_FAILED,
	    [MESH_LEFT] = VIEW_LEFT};

	if (m->going == MESH_RESTARTING && net_now() < m->wait_until)
		return VIEW_RESTARTING;
	return of[m->state];
}

static void
fill_node(const struct engine *e, const struct mesh_member *m, struct view_node *n)
{
	const struct report *r = hear_report(e, &m->id);
	const struct view_facts *f;
	struct mesh_facts held;
	msec now = net_now();

	memset(n, 0, sizeof *n);
	n->id = m->id;
	snprintf(n->name, sizeof n->name, "%s", m->name);
	addr_format_host(&m->addr, n->address, sizeof n->address);
	world_meta_read(m, n->zone, n->tags, n->version);
	n->state = world_state(m);
	n->unstable = m->unstable || m->entry != MESH_ENTRY_OK; /* either way nothing new */
	n->draining = m->draining;
	n->since_ms = engine_wall_ms() - (uint64_t)(now > m->since ? now - m->since : 0);
	if (m->self) {
		n->facts = e->facts;
		n->metrics = e->metrics;
		n->answers = e->answers.rows;
		n->answers_count = e->answers.count;
		n->reported = true;
	} else if (r != NULL) { /* comes sooner than what all are told */
		n->facts = r->facts;
		n->metrics = r->metrics;
		n->answers = r->answers;
		n->answers_count = r->answers_count;
		n->age_ms = m->reported < now ? (uint64_t)(now - m->reported) : 0;
		n->reported = m->reported != MSEC_NEVER;
	} else if ((f = dossier_facts(e, &m->id, &held)) != NULL) {
		n->facts = *f;
	}
}

/* Of two hosts with one name: who had it first.  The schedule says so to every leader,
 * however new in office, and however long that host was away.  Where it does not yet:
 * who votes comes before who does not, then who has been there for longer, so a newcomer
 * takes nothing from anybody; then the first by id. */
static bool
had_it_first(const struct plan *p, const struct mesh_member *a, const struct mesh_member *b)
{
	const struct node_id *first = plan_first(p, a->name);

	if ((a->state == MESH_LEFT) != (b->state == MESH_LEFT))
		return b->state == MESH_LEFT;
	if (first != NULL && (id_eq(first, &a->id) || id_eq(first, &b->id)))
		return id_eq(first, &a->id);
	if (a->in_roster != b->in_roster)
		return a->in_roster;
	if (a->since != b->since)
		return a->since < b->since;
	return id_cmp(&a->id, &b->id) < 0;
}

/* There, or awaited. */
static bool
is_here(const struct mesh_member *m)
{
	return m->state <= MESH_SUSPECT || world_state(m) == VIEW_RESTARTING;
}

/* Whose the name is now: of those that are here the first. */
static bool
comes_before(const struct plan *p, const struct mesh_member *a, const struct mesh_member *b)
{
	return is_here(a) != is_here(b) ? is_here(a) : had_it_first(p, a, b);
}

/* For the next schedule: which of those two had their name first. */
static void
note_first(const struct engine *e, const struct plan *p, struct world *w,
    const struct mesh_member *a, const struct mesh_member *b)
{
	size_t i = 0;
	struct mesh_member old;

	if (a->state == MESH_LEFT || b->state == MESH_LEFT)
		return;
	if (had_it_first(p, b, a)) {
		note_first(e, p, w, b, a);
		return;
	}
	while (i < w->firsts_count && strcmp(w->firsts[i].name, a->name) < 0)
		i++;
	if (i < w->firsts_count && strcmp(w->firsts[i].name, a->name) == 0) {
		if (!mesh_find(e->mesh, &w->firsts[i].id, &old) || had_it_first(p, a, &old))
			w->firsts[i].id = a->id;
		return;
	}
	if (w->firsts_count == PLAN_FIRSTS_MAX)
		return;
	memmove(&w->firsts[i + 1], &w->firsts[i], (w->firsts_count - i) * sizeof *w->firsts);
	snprintf(w->firsts[i].name, sizeof w->firsts[i].name, "%s", a->name);
	w->firsts[i].id = a->id;
	w->firsts_count++;
}

/* Two that are both there are told of: nothing works well until one is renamed. */
static void
tell_twins(struct world *w, const struct mesh_member *a, const struct mesh_member *b)
{
	char first[ADDR_TEXT_CAP], second[ADDR_TEXT_CAP];

	if (a->state > MESH_SUSPECT || b->state > MESH_SUSPECT)
		return;
	addr_format(&a->addr, first, sizeof first);
	addr_format(&b->addr, second, sizeof second);
	snprintf(w->twins, sizeof w->twins,
	    "two nodes are called %s, %s and %s; only the first gets work", a->name, first, second);
}

/* Where in w->nodes a name is, by its hash: of each slot its place + 1, or 0. */
struct seats {
	uint32_t *slot; /* owned; more than there are members, a power of 2 */
	size_t count;
};

static uint32_t *
seat_of(const struct seats *s, const struct world *w, const char *name)
{
	size_t i = sup_hash_(UINT64_C(0xcbf29ce484222325), name, strlen(name)) & (s->count - 1);

	while (s->slot[i] != 0 && strcmp(w->nodes[s->slot[i] - 1].name, name) != 0)
		i = (i + 1) & (s->count - 1);
	return &s->slot[i];
}

/* Names are unique in a schedule: m has its own, or takes the place of another,
 * or is left out. */
static void
add_node(const struct engine *e, const struct plan *p, struct world *w, const struct seats *seats,
    const struct mesh_member *m)
{
	uint32_t *seat = seat_of(seats, w, m->name);
	struct view_node *n = &w->nodes[*seat > 0 ? *seat - 1 : w->nodes_count];
	struct mesh_member old;

	if (*seat == 0) {
		fill_node(e, m, n);
		*seat = (uint32_t)++w->nodes_count;
		return;
	}
	if (!mesh_find(e->mesh, &n->id, &old))
		return;
	note_first(e, p, w, m, &old);
	if (comes_before(p, m, &old)) {
		tell_twins(w, m, &old);
		fill_node(e, m, n);
	} else {
		tell_twins(w, &old, m);
	}
}

/* Names are given as the last schedule says: a leader may only just have fetched it. */
static int
add_nodes(struct engine *e, struct world *w, uint32_t members)
{
	const struct schedule *parents[MESH_PARENTS_MAX];
	size_t n = e->lead.leading ? lead_parents(e, parents, MESH_PARENTS_MAX) : 0;
	const struct plan *last = &e->apply.plan;
	struct seats seats = {.count = 16};
	struct plan fetched = {0};
	struct mesh_member m;

	while (seats.count < 2 * (size_t)members)
		seats.count *= 2;
	if ((seats.slot = calloc(seats.count, sizeof *seats.slot)) == NULL)
		return -1;
	if (n > 0 && parents[n - 1] != &e->keep.current &&
	    schedule_plan(parents[n - 1], &fetched) == 0)
		last = &fetched;
	for (uint32_t i = 0; w->nodes_count < members && mesh_member(e->mesh, i, &m); i++)
		add_node(e, last, w, &seats, &m);
	plan_free(&fetched);
	free(seats.slot);
	return 0;
}

/* At most so many rows has this node. */
static size_t
count_local(const struct engine *e)
{
	size_t n = e->local.count;

	for (size_t i = 0; i < e->apply.here.places_count; i++)
		n += e->apply.here.places[i].instances_count;
	return n;
}

static size_t
count_instances(const struct engine *e)
{
	size_t n = count_local(e);

	for (size_t i = 0; i < e->lead.nodes_count; i++)
		if (e->lead.nodes[i].report.has)
			n += e->lead.nodes[i].report.now.instances_count;
	return n;
}

static void
add_reported(struct world *w, const struct report *r, const struct view_node *n)
{
	for (uint32_t i = 0; i < r->instances_count; i++) {
		struct view_instance *x = &w->instances[w->instances_count++];

		*x = r->instances[i];
		memcpy(x->node, n->name, sizeof x->node);
		if (n->state == VIEW_NODE_FAILED || n->state == VIEW_LEFT)
			x->state = VIEW_LOST;
	}
}

/* An instance that the schedule placed here but that its role's job can't make. */
static void
placed_view(const struct engine *e, const struct apply_job *j, const struct plan_instance *p,
    struct view_instance *out)
{
	memset(out, 0, sizeof *out);
	snprintf(out->id, sizeof out->id, "%s", p->id);
	snprintf(out->role, sizeof out->role, "%s", j->role);
	snprintf(out->version, sizeof out->version, "%s", j->fresh_face.version);
	snprintf(out->node, sizeof out->node, "%s", e->conf.name);
	snprintf(out->image, sizeof out->image, "%s", p->image);
	out->state = VIEW_FAILED;
	out->since_ms = engine_wall_ms();
}

enum { UNREADY_MS = 3000 };

/* Why what runs is not ready, once it is not just starting. */
static void
add_why(const struct engine *e, const struct local_instance *i, struct view_instance *out)
{
	char why[VIEW_TEXT_CAP - 16] = "its command fails";

	if (out->state != VIEW_RUNNING || out->error[0] != '\0' ||
	    (out->health != VIEW_HEALTH_WAIT && out->health != VIEW_UNHEALTHY) ||
	    out->since_ms + UNREADY_MS > engine_wall_ms())
		return;
	if (i->ev.ready.kind != SUP_HEALTH_EXEC &&
	    !health_why(e->health, out->id, why, sizeof why))
		return;
	snprintf(out->error, sizeof out->error, "readiness: %s", why);
}

/* What is wrong with what it tells of itself. */
static void
add_metrics(const struct engine *e, struct view_instance *out)
{
	char why[VIEW_TEXT_CAP - 16];

	if (e->apps != NULL && out->state == VIEW_RUNNING && out->error[0] == '\0' &&
	    apps_why(e->apps, out->id, why, sizeof why))
		snprintf(out->error, sizeof out->error, "metrics: %s", why);
}

/* What runs as it was, since its turn in a change does not come: for whom, and since when,
 * to the minute, so that it is the same in each report. */
static void
add_waits(const struct engine *e, const struct apply_job *j, struct view_instance *out)
{
	char since[LINES_STAMP_CAP];
	struct view_instance blocks = {.state = VIEW_UNKNOWN};
	const char *who;
	msec at = 0, now = net_now();

	if (out->error[0] != '\0' || out->state != VIEW_RUNNING ||
	    (who = roll_waits_for(&j->roll, out->id, &at)) == NULL || now - at < WORLD_WAITS_MS)
		return;
	for (size_t i = 0; i < e->local.count; i++)
		if (strcmp(e->local.items[i].ev.instance, who) == 0)
			local_view(&e->local.items[i], e->conf.name, &blocks);
	logs_stamp(engine_wall_ms() - (uint64_t)(now - at), since);
	snprintf(out->error, sizeof out->error, WORLD_WAITS "%.16sZ: %s is %s", since, who,
	    blocks.state != VIEW_RUNNING	  ? view_state_name(blocks.state) :
		blocks.health == VIEW_HEALTH_WAIT ? "not healthy yet" :
		blocks.health == VIEW_UNHEALTHY	  ? "unhealthy" :
						    "up only since a moment");
}

/* Its role's part of the schedule is not in use.  What runs tells that before how it does:
 * an update waits for it (mesh.update). */
static void
add_unrendered(const struct apply_job *j, struct view_instance *out)
{
	out->unrendered = true;
	if (out->error[0] == '\0' || out->state == VIEW_RUNNING)
		snprintf(out->error, sizeof out->error, "%.*s", (int)sizeof out->error - 1, j->error);
}

size_t
world_local(const struct engine *e, struct view_instance *out, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < e->local.count && n < cap; i++)
		if (local_is_instance(&e->local.items[i].ev)) {
			local_view(&e->local.items[i], e->conf.name, &out[n]);
			add_why(e, &e->local.items[i], &out[n]);
			add_metrics(e, &out[n++]);
		}
	for (const struct apply_job *j = e->apply.jobs; j != NULL; j = j->next) {
		const struct plan_place *p = plan_place(&e->apply.here, j->role);

		for (size_t i = 0; i < n; i++)
			if (strcmp(out[i].role, j->role) == 0 && out[i].version[0] == '\0')
				memcpy(out[i].version, j->fresh_face.version,
				    sizeof out[i].version);
		for (size_t i = 0; i < n; i++)
			if (strcmp(out[i].role, j->role) == 0)
				add_waits(e, j, &out[i]);
		for (size_t i = 0; i < n && j->error[0] != '\0'; i++)
			if (strcmp(out[i].role, j->role) == 0)
				add_unrendered(j, &out[i]);
		for (size_t k = 0; p != NULL && j->error[0] != '\0' && n < cap &&
		     k < p->instances_count; k++) {
			struct view_instance *x = &out[n];
			bool there = false;

			for (size_t i = 0; i < n && !there; i++)
				there = strcmp(out[i].id, p->instances[k].id) == 0;
			if (there)
				continue;
			placed_view(e, j, &p->instances[k], x);
			add_unrendered(j, x);
			n++;
		}
	}
	return hold_rows(e, out, exclusive_rows(e, out, n, cap), cap);
}

/* Rows for so many more. */
static int
room_for(struct world *w, size_t more)
{
	size_t cap = w->instances_count + more;
	struct view_instance *rows;

	if (cap <= w->cap)
		return 0;
	cap += cap / 8;
	if ((rows = realloc(w->instances, cap * sizeof *rows)) == NULL)
		return -1;
	w->instances = rows;
	w->cap = cap;
	if (w->room != NULL) {
		w->room->rows = rows;
		w->room->cap = cap;
	}
	return 0;
}

int
world_begin(struct engine *e, struct world *w)
{
	uint32_t members = e->mesh != NULL ? mesh_count(e->mesh) : 0;
	struct mesh_side side;

	memset(w, 0, sizeof *w);
	w->nodes = calloc(members + 1, sizeof *w->nodes);
	w->firsts = calloc(PLAN_FIRSTS_MAX + 1, sizeof *w->firsts);
	if (w->nodes == NULL || w->firsts == NULL || (members > 0 && add_nodes(e, w, members) < 0)) {
		world_free(w);
		return -1;
	}
	if (members == 0)
		return 0;
	mesh_side(e->mesh, net_now(), &side);
	w->side = (struct view_side){
	    .grade = (int)side.grade, .visible = side.visible, .known = side.known, .term = side.term};
	return 0;
}

/* Where the instances go. */
static int
take_room(struct engine *e, struct world *w)
{
	struct world_room *r = &e->lead.room;

	if (e->lead.leading && !r->lent) {
		w->room = r;
		w->instances = r->rows;
		w->cap = r->cap;
		r->lent = true;
	}
	return room_for(w, count_instances(e) + 1);
}

int
world_more(struct engine *e, struct world *w)
{
	size_t from = w->instances_count;

	if (w->at == 0 && take_room(e, w) < 0)
		return -1;
	if (w->nodes_count == 0) /* it is alone */
		w->instances_count = world_local(e, w->instances, w->cap);
	for (; w->at < w->nodes_count; w->at++) {
		struct view_node *n = &w->nodes[w->at];
		const struct report *r = hear_report(e, &n->id);
		bool self = id_eq(&n->id, &e->identity.id);

		if (w->instances_count - from >= WORLD_ROWS_AT_ONCE)
			return 1;
		if (room_for(w, self ? count_local(e) : r != NULL ? r->instances_count : 0) < 0)
			return -1;
		if (self)
			w->instances_count +=
			    world_local(e, w->instances + w->instances_count, count_local(e));
		else if (r != NULL)
			add_reported(w, r, n);
	}
	return 0;
}

int
world_build(struct engine *e, struct world *w)
{
	int rc = world_begin(e, w);

	if (rc < 0)
		return rc;
	while ((rc = world_more(e, w)) > 0)
		;
	if (rc < 0)
		world_free(w);
	return rc;
}

int
world_name(const struct world *w, struct plan *plan)
{
	free(plan->firsts);
	plan->firsts_count = 0;
	if ((plan->firsts = calloc(w->firsts_count + 1, sizeof *plan->firsts)) == NULL)
		return -1;
	memcpy(plan->firsts, w->firsts, w->firsts_count * sizeof *w->firsts);
	plan->firsts_count = w->firsts_count;
	for (size_t i = 0; i < w->nodes_count; i++) {
		struct plan_node *n = (struct plan_node *)plan_node(plan, w->nodes[i].name);

		if (n != NULL)
			n->holder = w->nodes[i].id;
	}
	return 0;
}

/* One list of names into room, or none where the node before has the same. */
static void *
own_list(char **room, const void *list, size_t bytes, void *before, size_t before_bytes)
{
	char *own = *room;

	if (bytes == 0)
		return NULL;
	if (bytes == before_bytes && memcmp(list, before, bytes) == 0)
		return before;
	memcpy(own, list, bytes);
	*room += bytes;
	return own;
}

int
world_own(struct world *w)
{
	struct view_facts none = {0}, *before = &none;
	size_t bytes = 0;
	char *room;

	for (size_t i = 0; i < w->nodes_count; i++)
		bytes += w->nodes[i].facts.images_count * sizeof *none.images +
		    w->nodes[i].facts.sandboxes_count * sizeof *none.sandboxes;
	if ((room = w->lists = malloc(bytes + 1)) == NULL)
		return -1;
	for (size_t i = 0; i < w->nodes_count; i++) {
		struct view_facts *f = &w->nodes[i].facts;

		f->images = own_list(&room, f->images, f->images_count * sizeof *f->images,
		    before->images, before->images_count * sizeof *f->images);
		f->sandboxes = own_list(&room, f->sandboxes, f->sandboxes_count * sizeof *f->sandboxes,
		    before->sandboxes, before->sandboxes_count * sizeof *f->sandboxes);
		w->nodes[i].answers = NULL;
		w->nodes[i].answers_count = 0;
		before = f;
	}
	return 0;
}

void
world_room_free(struct world_room *r)
{
	free(r->rows);
	*r = (struct world_room){.rows = NULL};
}

void
world_free(struct world *w)
{
	if (w->room != NULL && w->room->cap >= WORLD_ROWS_KEPT)
		w->room->lent = false;
	else if (w->room != NULL)
		world_room_free(w->room);
	else
		free(w->instances);
	free(w->lists);
	free(w->nodes);
	free(w->firsts);
	memset(w, 0, sizeof *w);
}
