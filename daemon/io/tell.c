/*
 * tell.c - see tell.h.  A change of a container is told within 10 ms; numbers
 * that only drift go along every 2 s, so that an idle node is cheap.
 */
#include "tell.h"

#include <stdlib.h>

#include "../base/log.h"
#include "../base/own.h"
#include "belong.h"
#include "engine.h"
#include "events.h"

void
tell_trace(void *arg, msec now, const char *event)
{
	(void)now;
	events_trace(arg, event);
	log_debug("mesh %s", event);
}

void
tell_refused(const struct sup_event *ev)
{
	char text[ERR_TEXT_CAP];

	err_escape(text, sizeof text, ev->text, strnlen(ev->text, sizeof ev->text));
	log_warn("supervisor: %s%s%s", ev->instance, ev->instance[0] != '\0' ? ": " : "", text);
}

/* Was that an end which its row did not show yet? */
static bool
is_end(const struct local_instance *old, const struct sup_event *ev)
{
	if (old == NULL || (ev->crash_loop && old->ev.crash_loop))
		return false; /* of a crash loop that it began is enough */
	return (ev->state == SUP_ST_BACKOFF && old->ev.state != SUP_ST_BACKOFF) ||
	       (ev->state == SUP_ST_STARTING && old->ev.state == SUP_ST_RUNNING);
}

void
tell_end(struct engine *e, const struct local_instance *old, const struct sup_event *ev)
{
	char text[VIEW_TEXT_CAP];
	bool failed = ev->state == SUP_ST_FAILED &&
	    (old == NULL || old->ev.state != SUP_ST_FAILED || strcmp(old->ev.text, ev->text) != 0);

	if (ev->text[0] == '\0' || !local_is_instance(ev) || (!failed && !is_end(old, ev)))
		return;
	local_error(ev, text, sizeof text);
	events_note(e, failed ? "failed" : "died", ev->instance, "%s%s", text,
	    ev->crash_loop ? "; in a crash loop from now on" : "");
}

static uint32_t
running(const struct engine *e)
{
	uint32_t n = 0;

	for (size_t i = 0; i < e->local.count; i++)
		n += e->local.items[i].ev.state == SUP_ST_RUNNING;
	return n;
}

/* What that hearer was told.  A standby who leads now has heard what it heard. */
static struct report_told *
told_to(struct engine *e, enum mesh_hears which, const struct node_id *id)
{
	struct tell_hearer *t = &e->told[which], *other = &e->told[!which], was = *t;

	if (id_eq(&t->id, id))
		return &t->told;
	*t = *other;
	*other = was;
	if (!id_eq(&t->id, id)) {
		report_told_free(&t->told);
		t->id = *id;
	}
	return &t->told;
}

static void
tell_one(struct engine *e, enum mesh_hears which, const struct report *r,
    struct report_frags *frags)
{
	const uint8_t *p[REPORT_FRAGS_MAX];
	struct report_told *told;
	struct mesh_hearer h;
	struct sample s;

	if (!mesh_hearer(e->mesh, which, &h))
		return;
	told = told_to(e, which, &h.id);
	report_sample(r, &s);
	report_tell(told, h.wanted ? 0 : h.held, &s, frags);
	for (size_t i = 0; i < frags->count; i++)
		p[i] = frags->data[i];
	if (mesh_set_report(e->mesh, net_now(), which, p, frags->bytes, frags->count,
		&told->now.version) < 0)
		log_warn("the report was refused by the mesh");
}

static void
set_report(struct engine *e)
{
	AUTO_FREE struct report_frags *frags = malloc(sizeof *frags);
	struct view_hostact hostacts[REPORT_HOSTACTS_MAX];
	struct report r = {.facts = e->facts, .metrics = e->standing.told, .answers = e->answers.rows,
	    .answers_count = e->answers.count};

	r.instances = calloc(REPORT_INSTANCES_MAX, sizeof *r.instances);
	if (frags == NULL || r.instances == NULL) {
		free(r.instances);
		return;
	}
	r.instances_count =
	    (uint32_t)world_local(e, r.instances, REPORT_INSTANCES_MAX);
	r.hostacts = hostacts;
	r.hostacts_count = (uint32_t)hostacts_view(&e->apply.hostacts, hostacts, ARRAY_LEN(hostacts));
	tell_one(e, MESH_LEADER_HEARS, &r, frags);
	tell_one(e, MESH_STANDBY_HEARS, &r, frags);
	free(r.instances);
}

void
tell_look(struct engine *e)
{
	for (int which = 0; which < MESH_HEARERS; which++) {
		struct mesh_hearer h;

		if (mesh_hearer(e->mesh, (enum mesh_hears)which, &h) && (h.wanted || h.due))
			engine_report_soon(e);
	}
}

static void
on_soon(uv_timer_t *timer)
{
	struct engine *e = timer->data;

	if (e->mesh == NULL || !e->local.known || !e->factslook.known)
		return; /* before the supervisor's list, "nothing runs" would be a lie; nor has it no image */
	set_report(e);
	e->reported = net_now();
	engine_kick(e);
	lead_note(e, SCHED_HEALTH); /* this node leads: its own containers count too */
}

void
engine_report_soon(struct engine *e)
{
	if (!uv_is_active((uv_handle_t *)&e->report))
		uv_timer_start(&e->report, on_soon, TELL_SOON_MS, 0);
}

static void
look_at_counters(struct engine *e)
{
	struct mesh_stats mesh = {0};
	struct stream_stats stream;
	char line[COUNTERS_LINE_CAP];

	if (e->mesh != NULL)
		mesh_stats(e->mesh, &mesh);
	stream_server_stats(e->stream, &stream);
	if (counters_look(&e->counters, net_now(), &mesh, &stream, e->net.send_failed, line))
		log_warn("%s", line);
}

/* Only what was proved is said: a packet in this node's name can be its own. */
static void
look_for_twin(struct engine *e)
{
	char text[ERR_TEXT_CAP];
	const char *problem, *hint;
	struct addr other;
	bool yielded, is = mesh_twin(e->mesh, net_now(), &other, &yielded);

	if (is && !e->told_twin && (problem = belong_problem(e, text, &hint)) != NULL)
		events_note(e, "clone", e->conf.name, "%s", problem);
	e->told_twin = is;
}

void
tell_second(struct engine *e)
{
	struct mesh_summary s = {0};

	probe_read(e->probe, &s, &e->metrics);
	s.instances = (uint16_t)running(e);
	if (++e->seconds % 5 == 0)
		factslook_begin(e);
	answers_measure(e);
	standing_second(e);
	exposition_second(e);
	look_at_counters(e);
	if (!factslook_known(e) || e->mesh == NULL)
		return;
	look_for_twin(e);
	dossier_second(e);
	s.facts_hash = e->dossier.hint;
	mesh_set_summary(e->mesh, net_now(), &s);
	if (e->local.known && net_now() - e->reported >= TELL_METRICS_MS) {
		set_report(e);
		e->reported = net_now();
	}
	engine_kick(e);
}

void
tell_init(struct engine *e)
{
	uv_timer_init(e->loop, &e->report);
	e->report.data = e;
}
