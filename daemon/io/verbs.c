/*
 * verbs.c - the verbs of the control socket (base/ctl.h).  Every read works on
 * every node and without a leader; what only the leader knows in full is asked
 * of it, and when it does not answer in time this node says what it knows.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../base/name.h"
#include "../base/own.h"
#include "actions.h"
#include "acts.h"
#include "audit.h"
#include "belong.h"
#include "certify.h"
#include "collect.h"
#include "depart.h"
#include "engine.h"
#include "events.h"
#include "generations.h"
#include "going.h"
#include "insides.h"
#include "logrole.h"
#include "logverb.h"
#include "looks.h"
#include "metricsverb.h"
#include "pack.h"
#include "past.h"
#include "regain.h"
#include "rotate.h"
#include "seeing.h"
#include "status.h"
#include "viewing.h"
#include "why.h"
#include "wire.h"

/* --- with a view --------------------------------------------------------------- */

static void
then_status(struct engine *e, struct ctl_req *r, struct slice view)
{
	msgpack_packer *pk = ctl_begin(r);

	status_pack(e, view, pk);
	ctl_end(r);
}

/* name instead of what is in near, if it is closer to the word. */
static void
take_nearer(const char *word, const char *name, char near[NAME_CAP])
{
	const char *both[] = {near, name};
	size_t from = near[0] == '\0' ? 1 : 0;

	if (name_suggest(word, both + from, 2 - from) == name)
		snprintf(near, NAME_CAP, "%s", name);
}

/* Is there such a role, with or without instances?  By the leader's view, and by the schedule
 * that is here, which may be another.  If not, near is what may be meant, or "". */
static bool
role_is_known(struct engine *e, struct slice view, const char *role, char near[NAME_CAP])
{
	struct viewing_rows roles = viewing_rows_of(view, "roles");
	const struct plan *p = &e->apply.plan;
	char name[NAME_CAP];
	struct slice row;

	near[0] = '\0';
	while (viewing_rows_next(&roles, &row)) {
		if (!viewing_row_name(row, "name", name))
			continue;
		if (strcmp(name, role) == 0)
			return true;
		take_nearer(role, name, near);
	}
	for (size_t i = 0; i < p->roles_count; i++)
		take_nearer(role, p->roles[i].name, near);
	return logrole_known(e, role);
}

static void
no_such_role(struct ctl_req *r, struct slice view, const char *role, const char *near)
{
	struct viewing_rows rows = viewing_rows_of(view, "ps");
	char of[NAME_CAP];
	struct slice row;

	while (viewing_rows_next(&rows, &row))
		if (viewing_row_is(row, "instance", role) && viewing_row_name(row, "role", of)) {
			ctl_fail(r, 1, "mesh ps ROLE", "ps: %s is an instance of the role %s", role, of);
			return;
		}
	ctl_fail(r, 1, "mesh status", "ps: no role '%s' is known%s%s%s", role,
	    near[0] != '\0' ? "; did you mean '" : "", near, near[0] != '\0' ? "'?" : "");
}

static void
then_ps(struct engine *e, struct ctl_req *r, struct slice view)
{
	struct viewing_rows of_view = viewing_rows_of(view, "ps");
	char role[NAME_CAP], near[NAME_CAP];
	bool only = ctl_arg_has(r, "role");
	msgpack_sbuffer rows;
	msgpack_packer pk, *answer;
	uint32_t kept = 0;
	struct slice row;

	if (only && (!ctl_arg_str(r, "role", role, sizeof role) || !name_ok(role, strlen(role)))) {
		ctl_fail(r, EXIT_USAGE_, "mesh ps [ROLE]", "ps: that is no name of a role");
		return;
	}
	pk_begin(&rows, &pk);
	while (viewing_rows_next(&of_view, &row)) {
		if (only && !viewing_row_is(row, "role", role))
			continue;
		pk_raw(&pk, row.b, row.len);
		kept++;
	}
	if (only && kept == 0 && !role_is_known(e, view, role, near)) {
		no_such_role(r, view, role, near);
	} else {
		answer = ctl_begin(r);
		msgpack_pack_array(answer, kept);
		if (kept > 0)
			pk_raw(answer, rows.data, rows.size);
		ctl_end(r);
	}
	msgpack_sbuffer_destroy(&rows);
}

static void
verb_status(struct engine *e, struct ctl_req *r)
{
	viewing_start(e, r, then_status);
}

static void
verb_ps(struct engine *e, struct ctl_req *r)
{
	viewing_start(e, r, then_ps);
}

/* --- without -------------------------------------------------------------------- */

static void
verb_version(struct engine *e, struct ctl_req *r)
{
	msgpack_packer *pk;

	(void)e;
	pk = ctl_begin(r);
	msgpack_pack_map(pk, 2);
	pk_kstr(pk, "version", MESH_VERSION);
	pk_str(pk, "wire");
	msgpack_pack_array(pk, 2);
	msgpack_pack_int(pk, WIRE_MIN);
	msgpack_pack_int(pk, WIRE_MAX);
	ctl_end(r);
}

/* --- render, dry ------------------------------------------------------------------ */

struct rendering {
	struct engine *e;
	struct ctl_req *r;
	char role[NAME_CAP];
	bool elsewhere;
	struct mesh_member node; /* if so, where */
};

static void
on_render(void *arg, struct render_out *out, const char *error)
{
	struct rendering *v = arg;
	const struct apply_job *j = apply_job(v->e, v->role);
	msgpack_packer *pk;

	if (out == NULL) {
		ctl_fail(v->r, 1, "", "%s", error);
		free(v);
		return;
	}
	pk = ctl_begin(v->r);
	msgpack_pack_map(pk, 4);
	pk_kstr(pk, "role", v->role);
	pk_kstr(pk, "node", v->elsewhere ? v->node.name : v->e->conf.name);
	pk_str(pk, "files");
	msgpack_pack_map(pk, out->files_count + (out->processes_text.len > 0));
	for (size_t i = 0; i < out->files_count; i++) {
		pk_str(pk, out->files[i].name);
		pk_strn(pk, (const char *)out->files[i].data, out->files[i].len);
	}
	if (out->processes_text.len > 0) {
		pk_str(pk, "processes.yaml");
		pk_strn(pk, (const char *)out->processes_text.b, out->processes_text.len);
	}
	pk_kuint(pk, "generation", j != NULL && !v->elsewhere ? j->gen : 0);
	render_out_free(out);
	ctl_end(v->r);
	free(v);
}

/* Which nodes have it, of those that can be told in a line. */
static void
say_where(const struct plan *p, const char *role, char *out, size_t cap)
{
	size_t at = 0, more = 0;

	out[0] = '\0';
	for (size_t i = 0; i < p->nodes_count; i++) {
		if (plan_place(&p->nodes[i], role) == NULL)
			continue;
		if (at + NAME_CAP + 16 > cap)
			more++;
		else
			at += (size_t)snprintf(out + at, cap - at, "%s%s", at > 0 ? ", " : "", p->nodes[i].name);
	}
	if (more > 0)
		snprintf(out + at, cap - at, " and %zu more", more);
}

/* Is it the schedule's, and there?  If not, the request has failed. */
static bool
is_placed(struct engine *e, struct ctl_req *r, const char *role, const char *node)
{
	const struct plan *p = &e->apply.plan;
	const struct plan_node *n = plan_node(p, node);
	char near[NAME_CAP] = "", where[4 * NAME_CAP];

	if (plan_role(p, role) == NULL) {
		for (size_t i = 0; i < p->roles_count; i++)
			take_nearer(role, p->roles[i].name, near);
		ctl_fail(r, 1, "mesh schedule show", "role '%s': not in the schedule%s%s%s", role,
		    near[0] != '\0' ? "; did you mean '" : "", near, near[0] != '\0' ? "'?" : "");
		return false;
	}
	if (n != NULL && plan_place(n, role) != NULL)
		return true;
	say_where(p, role, where, sizeof where);
	ctl_fail(r, 1, where[0] != '\0' ? "mesh render ROLE --node NODE" : "mesh status",
	    "role '%s': the schedule has no part of it for node %s; it is on %s", role, node,
	    where[0] != '\0' ? where : "no node");
	return false;
}

static void
verb_render(struct engine *e, struct ctl_req *r)
{
	static const char usage[] = "mesh render ROLE [--node NODE]";
	AUTO_FREE struct rendering *v = calloc(1, sizeof *v);
	char template_name[VIEW_IMAGE_CAP];
	struct blob vars = {0};
	struct render_in in;
	struct err err;

	if (v == NULL || !ctl_arg_str(r, "role", v->role, sizeof v->role) ||
	    !name_ok(v->role, strlen(v->role))) {
		ctl_fail(r, EXIT_USAGE_, usage, "render: missing ROLE");
		return;
	}
	v->e = e;
	v->r = r;
	v->elsewhere = ctl_arg_has(r, "node");
	if (v->elsewhere && !looks_find_asked(e, r, "node", usage, &v->node))
		return;
	v->elsewhere = v->elsewhere && !v->node.self;
	if (!is_placed(e, r, v->role, v->elsewhere ? v->node.name : e->conf.name))
		return;
	if (apply_render_in(e, v->role, v->elsewhere ? &v->node : NULL, &in, &vars, template_name, &err) < 0 ||
	    render_start(&in, on_render, v, &err) == NULL)
		ctl_fail(r, 1, "mesh status", "%s", err.text);
	else
		v = NULL; /* on_render's now */
	blob_free(&vars);
}

static const struct verb {
	const char *name;
	void (*run)(struct engine *e, struct ctl_req *r);
	bool writes;
} verbs[] = {
    {"status", verb_status, false},
    {"members", seeing_members, false},
    {"facts", dossier_verb, false},
    {"leader", seeing_leader, false},
    {"partition", seeing_partition, false},
    {"roster", seeing_roster, false},
    {"rtt", seeing_rtt, false},
    {"reachability", seeing_reachability, false},
    {"events", events_verb, false},
    {"debug", insides_verb, false},
    {"ps", verb_ps, false},
    {"logs", logverb, false},
    {"metrics", metricsverb_metrics, false},
    {"series", metricsverb_series, false},
    {"labels", metricsverb_labels, false},
    {"label_values", metricsverb_values, false},
    {"metadata", metricsverb_metadata, false},
    {"exposition", exposition_verb, false},
    {"audit", audit_verb, true},
    {"schedule", past_verb, false},
    {"rounds", past_rounds, false},
    {"input", past_input, false},
    {"why", why_verb, false},
    {"render", verb_render, false},
    {"generations", generations_verb, false},
    {"version", verb_version, false},
    {"apply", acts_apply, true},
    {"action", actions_verb, true},
    {"actions", actions_list, false},
    {"identity", certify_identity, false},
    {"init", certify_init, true},
    {"join", certify_join, true},
    {"evict", belong_evict, true},
    {"drain", going_drain, true},
    {"undrain", going_undrain, true},
    {"run", runs_verb, false},
    {"stop", hold_stop, true},
    {"start", hold_start, true},
    {"restart", hold_restart, true},
    {"leave", depart_verb, true},
    {"recover", regain_verb, true},
    {"keys", rotate_verb, false},
};

/* Whoever is in meshd-http's place has logs, rendered files and schedules no more than who
 * is answered over HTTP. */
static bool
is_not_for(const struct engine *e, const struct ctl_req *r)
{
	static const char *const all[] = {"metrics", "series", "labels", "label_values", "metadata", "exposition", "status",
	    "version"};

	if (e->conf.http_uid == 0 || r->uid != e->conf.http_uid)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (strcmp(r->verb, all[i]) == 0)
			return false;
	return true;
}

/* Is it answered, or will be, by starting.h? */
static bool
waits_or_refused(struct engine *e, struct ctl_req *r)
{
	static const char *const of_mesh[] = {"members", "facts", "leader", "partition", "roster", "rtt",
	    "reachability", "evict", "recover", "keys"};
	bool without = strcmp(r->verb, "status") == 0 || strcmp(r->verb, "version") == 0;

	if (e->starting.ends != NULL && !without)
		return starting_refuses(e, r);
	if (starting_holds(e, r))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(of_mesh); i++)
		if (strcmp(r->verb, of_mesh[i]) == 0)
			return starting_refuses(e, r);
	return false;
}

void
verbs_handle(void *arg, struct ctl_req *r)
{
	char name[4 * CTL_VERB_CAP];

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i].name, r->verb) != 0)
			continue;
		if (is_not_for(arg, r))
			ctl_fail(r, 3, "", "%s: permission denied: meshd-http's user may ask for metrics alone", r->verb);
		else if (verbs[i].writes && !r->may_write)
			acts_refuse(r);
		else if (!waits_or_refused(arg, r))
			verbs[i].run(arg, r);
		return;
	}
	err_escape(name, sizeof name, r->verb, strlen(r->verb));
	ctl_fail(r, EXIT_USAGE_, "this daemon is " MESH_VERSION, "unknown verb '%s'", name);
}
