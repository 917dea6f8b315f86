/*
 * seeing.c - see seeing.h.  What another node has to say is asked of it, and when
 * it does not answer in time, what this one knows stands in.
 */
#include "seeing.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../gossip/look.h"
#include "acts.h"
#include "addr.h"
#include "engine.h"
#include "looks.h"
#include "pack.h"
#include "seepack.h"
#include "sight.h"
#include "survey.h"
#include "viewing.h"

/* A verb that waits for others. */
struct seeing {
	struct engine *e;
	struct ctl_req *r;
	struct mesh_member one, other; /* rtt */
	bool turned; /* rtt: asked the other end */
	int rc; /* rtt: what the first end said */
	msec started;
};

static struct seeing *
seeing_new(struct engine *e, struct ctl_req *r)
{
	struct seeing *v = calloc(1, sizeof *v);

	if (v == NULL)
		ctl_fail(r, 1, "", "out of memory");
	else
		*v = (struct seeing){.e = e, .r = r, .started = net_now()};
	return v;
}

/* --- everybody's view ---------------------------------------------------------- */

static void
survey_failed(struct ctl_req *r, int rc)
{
	if (rc == -ERR_UNKNOWN)
		ctl_fail(r, 1, "mesh status", "this node is in no mesh yet");
	else
		ctl_fail(r, 1, "again when they are done",
		    "%s: %d surveys are under way here already", r->verb, SURVEYS_MAX);
}

static void
then_compare(struct engine *e, void *arg, const struct compare *c, int64_t took_ms)
{
	struct ctl_req *r = arg;
	msgpack_packer *pk = ctl_begin(r);

	seepack_compare(e, c, took_ms, pk);
	ctl_end(r);
}

static void
compare(struct engine *e, struct ctl_req *r)
{
	int rc = survey_start(e, true, then_compare, r);

	if (rc < 0)
		survey_failed(r, rc);
}

static void
then_partition(struct engine *e, void *arg, const struct compare *c, int64_t took_ms)
{
	struct ctl_req *r = arg;
	msgpack_packer *pk;

	(void)took_ms;
	pk = ctl_begin(r);
	seepack_partition(e, c, pk);
	ctl_end(r);
}

void
seeing_partition(struct engine *e, struct ctl_req *r)
{
	int rc = survey_start(e, false, then_partition, r);

	if (rc < 0)
		survey_failed(r, rc);
}

void
seeing_members(struct engine *e, struct ctl_req *r)
{
	struct looks_filter f;
	msgpack_packer *pk;

	if (ctl_arg_bool(r, "compare")) {
		compare(e, r);
		return;
	}
	ctl_arg_str(r, "status", f.status, sizeof f.status);
	ctl_arg_str(r, "tag", f.tag, sizeof f.tag);
	ctl_arg_str(r, "name", f.name, sizeof f.name);
	pk = ctl_begin(r);
	looks_pack_members(e, &f, pk);
	ctl_end(r);
}

/* --- who answers here --------------------------------------------------------------- */

static void
on_reached(void *arg)
{
	struct seeing *v = arg;
	msgpack_packer *pk = ctl_begin(v->r);

	seepack_reached(v->e, net_now() - v->started, pk);
	ctl_end(v->r);
	free(v);
}

void
seeing_reachability(struct engine *e, struct ctl_req *r)
{
	struct seeing *v;

	if (ctl_arg_bool(r, "matrix")) {
		compare(e, r);
		return;
	}
	if (e->mesh == NULL) {
		survey_failed(r, -ERR_UNKNOWN);
		return;
	}
	if ((v = seeing_new(e, r)) != NULL && !sight_reach(e, on_reached, v)) {
		ctl_fail(r, 1, "", "out of memory");
		free(v);
	}
}

/* --- what the leader alone knows ------------------------------------------------------ */

static void
leader_says(struct engine *e, struct ctl_req *r, struct slice theirs)
{
	msgpack_packer *pk = ctl_begin(r);

	looks_pack_leader(e, theirs, pk);
	ctl_end(r);
}

static void
roster_says(struct engine *e, struct ctl_req *r, struct slice theirs)
{
	msgpack_packer *pk = ctl_begin(r);

	if (theirs.len > 0)
		pk_raw(pk, theirs.b, theirs.len);
	else
		looks_pack_roster(e, pk);
	ctl_end(r);
}

static void
on_leader(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct seeing *v = arg;
	struct slice theirs = {data, rc == 0 ? len : 0};

	if (theirs.len > 0 && !viewing_is_map(theirs))
		theirs.len = 0;
	if (strcmp(v->r->verb, "leader") == 0)
		leader_says(v->e, v->r, theirs);
	else
		roster_says(v->e, v->r, theirs);
	free(v);
}

static void
ask_leader(struct engine *e, struct ctl_req *r, enum sight what)
{
	struct seeing *v = seeing_new(e, r);
	struct node_id leader;

	if (v == NULL || (viewing_leader(e, &leader) &&
			     sight_ask(e, &leader, what, SIGHT_SOON_MS, on_leader, v)))
		return;
	on_leader(v, STREAM_CONNECT, NULL, 0);
}

void
seeing_leader(struct engine *e, struct ctl_req *r)
{
	char to[NAME_CAP];

	if (!ctl_arg_has(r, "to"))
		ask_leader(e, r, SIGHT_LEADER);
	else if (!ctl_arg_str(r, "to", to, sizeof to))
		ctl_fail(r, EXIT_USAGE_, "mesh leader --to NODE", "leader: --to is no node's name");
	else if (r->may_write)
		acts_hand_over(e, r, to);
	else
		acts_refuse(r);
}

void
seeing_roster(struct engine *e, struct ctl_req *r)
{
	ask_leader(e, r, SIGHT_ROSTER);
}

/* --- how long a word takes --------------------------------------------------------------- */

static void
rtt_says(struct ctl_req *r, const struct mesh_member *one, const struct mesh_member *other,
    int32_t rtt_ms, const char *by, bool own)
{
	msgpack_packer *pk = ctl_begin(r);

	msgpack_pack_array(pk, 1);
	seepack_rtt(one->name, other, rtt_ms, by, own, pk);
	ctl_end(r);
}

static void ask_end(struct seeing *v);

static void
on_end(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct seeing *v = arg;
	const struct mesh_member *a = v->turned ? &v->other : &v->one;
	const struct mesh_member *b = v->turned ? &v->one : &v->other;
	struct outlook o = {0};
	int32_t rtt = -1;

	if (rc == 0 && (rc = outlook_read(data, len, &o)) == 0 && !id_eq(&o.id, &a->id))
		rc = -ERR_IDENTITY;
	for (uint32_t i = 0; rc == 0 && i < o.count; i++)
		if (id_eq(&o.rows[i].id, &b->id))
			rtt = o.rows[i].rtt_ms;
	outlook_free(&o);
	if (rtt < 0 && !v->turned) {
		v->turned = true;
		v->rc = rc;
		ask_end(v);
		return;
	}
	if (rc < 0 && v->rc < 0)
		ctl_fail(v->r, 1, "mesh reachability", "neither %s nor %s answers: %s", v->one.name,
		    v->other.name, stream_error(rc));
	else if (rtt < 0 && (rc < 0 || v->rc < 0))
		ctl_fail(v->r, 1, "mesh reachability", "%s does not answer: %s; %s has measured no way to it",
		    rc < 0 ? a->name : b->name, stream_error(rc < 0 ? rc : v->rc),
		    rc < 0 ? b->name : a->name);
	else
		rtt_says(v->r, &v->one, &v->other, rtt, a->name, false);
	free(v);
}

/* One end, then the other: its own table knows the way to its peer. */
static void
ask_end(struct seeing *v)
{
	const struct mesh_member *a = v->turned ? &v->other : &v->one;

	if (!sight_ask(v->e, &a->id, SIGHT_TABLE, SIGHT_SOON_MS, on_end, v))
		on_end(v, -ERR_FULL, NULL, 0);
}

void
seeing_rtt(struct engine *e, struct ctl_req *r)
{
	struct mesh_member one, other;
	struct seeing *v;
	static const char usage[] = "mesh rtt [NODE [NODE]]";
	bool two = ctl_arg_has(r, "other");
	msgpack_packer *pk;

	if (!ctl_arg_has(r, "node")) {
		pk = ctl_begin(r);
		seepack_rtts(e, pk);
		ctl_end(r);
		return;
	}
	if (!looks_find_asked(e, r, "node", usage, &one) || (two && !looks_find_asked(e, r, "other", usage, &other)))
		return;
	if (two && !one.self && !other.self) {
		if ((v = seeing_new(e, r)) == NULL)
			return;
		v->one = one;
		v->other = other;
		ask_end(v);
		return;
	}
	if (two && other.self) {
		struct mesh_member t = one;

		one = other;
		other = t;
	}
	if (!two) {
		other = one;
		mesh_find(e->mesh, &e->identity.id, &one);
	}
	rtt_says(r, &one, &other, other.rtt_ms, e->conf.name, true);
}
