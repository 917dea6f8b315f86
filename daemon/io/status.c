/*
 * status.c - see status.h: side, members, leader, schedule, and the one screen
 * that puts them together with a view.
 */
#include "status.h"

#include <errno.h>
#include <stdio.h>

#include "../../gossip/mp.h"
#include "../base/own.h"
#include "../core/standard.h"
#include "actions.h"
#include "addr.h"
#include "ails.h"
#include "belong.h"
#include "certify.h"
#include "depart.h"
#include "engine.h"
#include "foreign.h"
#include "pack.h"
#include "paces.h"

const char *
status_grade(enum mesh_grade g)
{
	return g == MESH_GRADE_FULL ? "full" : g == MESH_GRADE_DEGRADED ? "degraded" : "none";
}

const char *
status_side_text(const struct mesh_side *s, char text[STATUS_SIDE_CAP])
{
	char suspected[32] = "";

	if (s->unheard > 0)
		snprintf(suspected, sizeof suspected, ", %u suspected", s->unheard);
	snprintf(text, STATUS_SIDE_CAP, "%s: %u of %u visible%s, weight %u of %u",
	    status_grade(s->grade), s->visible - s->unheard, s->known, suspected,
	    s->visible_weight - s->unheard_weight, s->known_weight);
	return text;
}

static const char *
role_name(enum mesh_role r)
{
	return r == MESH_LEADER ? "leader" : r == MESH_CANDIDATE ? "candidate" : "follower";
}

static void
side_of(const struct engine *e, struct mesh_side *s)
{
	memset(s, 0, sizeof *s);
	if (e->mesh != NULL)
		mesh_side(e->mesh, net_now(), s);
}

static void
pack_side(const struct engine *e, const struct mesh_side *s, msgpack_packer *pk)
{
	struct mesh_member m;

	msgpack_pack_map(pk, 8);
	pk_kstr(pk, "grade", status_grade(s->grade));
	pk_kuint(pk, "visible", s->visible - s->unheard);
	pk_kuint(pk, "suspected", s->unheard);
	pk_kuint(pk, "known", s->known);
	pk_kuint(pk, "term", s->term);
	pk_kstr(pk, "leader",
	    s->has_leader && mesh_find(e->mesh, &s->leader, &m) ? m.name : "");
	pk_kstr(pk, "role", role_name(s->role));
	pk_kint(pk, "since_ms", s->member ? net_now() - s->since : 0);
}

/* --- config --------------------------------------------------------------------- */

static void
pack_config(const struct engine *e, msgpack_packer *pk)
{
	uint32_t agreed = 0, errors = 0;
	const struct view_facts *f;
	struct mesh_facts held;
	struct mesh_member m;
	char hash[17];

	for (uint32_t i = 0; e->mesh != NULL && mesh_member(e->mesh, i, &m); i++)
		agreed += m.state == MESH_ALIVE && m.in_roster &&
		    (m.self || ((f = dossier_facts(e, &m.id, &held)) != NULL && held.current &&
			f->config_hash == e->trees.config_hash));
	for (int i = 0; i < TREES_COUNT; i++)
		errors += e->trees.slot[i].error[0] != '\0';
	snprintf(hash, sizeof hash, "%016llx", (unsigned long long)e->trees.config_hash);
	msgpack_pack_map(pk, 3);
	pk_kstr(pk, "hash", hash);
	pk_kuint(pk, "agreed_by", agreed);
	pk_str(pk, "errors");
	msgpack_pack_array(pk, errors);
	for (int i = 0; i < TREES_COUNT; i++)
		if (e->trees.slot[i].error[0] != '\0')
			pk_str(pk, e->trees.slot[i].error);
}

/* --- problems of this node -------------------------------------------------------- */

struct own_problem {
	const char *text, *hint;
};

/* Where the texts lie that are made up when asked for. */
struct notes {
	char starting[ERR_TEXT_CAP], seeds[ERR_TEXT_CAP], belong[ERR_TEXT_CAP], blocked[DARK_TEXT_CAP], foreign[FOREIGN_TEXT_CAP];
	char paces[PACES_TEXT_CAP], names[NAMES_TEXT_CAP], refused[ERR_TEXT_CAP];
	char disk[ERR_TEXT_CAP], depart[ERR_TEXT_CAP], leader[ERR_TEXT_CAP], facts[ERR_TEXT_CAP];
	char shut[ERR_TEXT_CAP], action[ERR_TEXT_CAP];
};

static const char *
unled_line(const struct engine *e, const struct mesh_side *s, char text[ERR_TEXT_CAP])
{
	struct mesh_member m;
	uint32_t silent = 0;

	for (uint32_t i = 0; mesh_member(e->mesh, i, &m); i++)
		silent += m.in_roster && !m.answers;
	if (silent == 0)
		return "no leader on this side: what runs goes on, nothing is re-placed";
	snprintf(text, ERR_TEXT_CAP,
	    "no leader on this side: %u of %u do not answer; what runs goes on, nothing is re-placed",
	    silent, s->known);
	return text;
}

/* The view is this node's own, though another leads. */
static bool
asked_in_vain(const struct engine *e, const struct mesh_side *s, struct slice view,
    char text[ERR_TEXT_CAP])
{
	struct mesh_member m;

	if (s->role == MESH_LEADER || status_view_get(view, "fresh").len == 0 ||
	    !mesh_find(e->mesh, &s->leader, &m))
		return false;
	snprintf(text, ERR_TEXT_CAP,
	    "the leader, %s, did not answer what runs elsewhere: only what this node runs is counted here",
	    m.name);
	return true;
}

/* Of its belonging to a cluster, and its side there; five at most. */
static size_t
belonging_problems(const struct engine *e, const struct mesh_side *s, struct slice view,
    struct notes *notes, struct own_problem *out)
{
	bool is_out = belong_is_out(e);
	size_t n = 0;

	if ((out[n].text = starting_problem(e, notes->starting, &out[n].hint)) != NULL) {
		n++;
		is_out = true; /* all else of its belonging it can't know */
	}
	if ((out[n].text = depart_problem(e, notes->depart, &out[n].hint)) != NULL) {
		n++;
		is_out = is_out || !s->member;
	}
	if ((out[n].text = belong_problem(e, notes->belong, &out[n].hint)) != NULL)
		n++;
	if (!is_out && (out[n].text = certify_problem(e, notes->refused, &out[n].hint)) != NULL)
		n++;
	else if (!is_out && !s->member && certify_is(e))
		out[n++] = (struct own_problem){
		    "not a member yet: nobody answered at the seeds", "is HOST:PORT right, and does UDP pass? mesh join again"};
	else if (!is_out && (out[n].text = peers_problem(e, notes->seeds, &out[n].hint)) != NULL)
		n++;
	else if (!is_out && !s->member)
		out[n++] = (struct own_problem){
		    "not a member: mesh init | mesh join", e->key_error};
	if (!is_out && s->member && !s->has_leader)
		out[n++] = (struct own_problem){unled_line(e, s, notes->leader), "mesh partition"};
	else if (!is_out && s->member && asked_in_vain(e, s, view, notes->leader))
		out[n++] = (struct own_problem){notes->leader, "mesh reachability"};
	return n;
}

/* At most `cap` of this node's own; the caller packs them with the view's. */
static size_t
own_problems(const struct engine *e, const struct mesh_side *s, struct slice view,
    struct notes *notes, struct own_problem *out, size_t cap)
{
	size_t n = belonging_problems(e, s, view, notes, out);

	for (int i = 0; i < TREES_COUNT && n < cap; i++)
		if (e->trees.slot[i].error[0] != '\0')
			out[n++] = (struct own_problem){
			    e->trees.slot[i].error, "config not reloaded: the last good one stays"};
	if (e->follow.error[0] != '\0' && n < cap)
		out[n++] = (struct own_problem){e->follow.error, "tried again by itself"};
	if (e->follow.twice[0] != '\0' && n < cap)
		out[n++] = (struct own_problem){e->follow.twice,
		    "a new term makes a new stamp: mesh leader --to another node; was a state-dir put back from a copy?"};
	if (names_line(e, notes->names, sizeof notes->names) && n < cap)
		out[n++] = (struct own_problem){
		    notes->names, "looked up again and again; mend the name, the resolver, or `seeds:`"};
	if (dark_line(e, notes->blocked, sizeof notes->blocked) && n < cap)
		out[n++] = (struct own_problem){
		    notes->blocked, "let UDP pass both ways on the mesh's port; until then no new work goes there"};
	if (foreign_line(e->mesh, notes->foreign, sizeof notes->foreign) && n < cap)
		out[n++] = (struct own_problem){
		    notes->foreign, "update the older meshd: a release reads one version before its own"};
	if (paces_line(e->mesh, notes->paces, sizeof notes->paces) && n < cap)
		out[n++] = (struct own_problem){
		    notes->paces, "write the same `profile:` into every mesh.yaml and restart meshd"};
	if (n < cap && (out[n].text = actions_problem(e, notes->action, &out[n].hint)) != NULL)
		n++;
	if (n < cap && (out[n].text = dossier_problem(e, notes->facts, &out[n].hint)) != NULL)
		n++;
	if (probe_disk_line(&e->metrics, e->conf.state_dir, notes->disk, sizeof notes->disk) && n < cap)
		out[n++] = (struct own_problem){
		    notes->disk, "make room there: a schedule or a file of a role that can not be written is refused"};
	if (n < cap && (out[n].text = factslook_problem(e, notes->shut, &out[n].hint)) != NULL)
		n++;
	if (e->store_note[0] != '\0' && n < cap)
		out[n++] = (struct own_problem){e->store_note, ""};
	return n;
}

/* Host actions that failed, as many as hostacts_failed says. */
static void
pack_acts(msgpack_packer *pk, const struct engine *e)
{
	char text[sizeof e->apply.hostacts.all[0].error + 3 * NAME_CAP + 32];

	for (size_t i = 0; i < e->apply.hostacts.count; i++) {
		const struct hostact_owed *o = &e->apply.hostacts.all[i];

		if (o->error[0] == '\0')
			continue;
		snprintf(text, sizeof text, STATUS_HOSTACT "%s", o->role, e->conf.name, o->action, o->error);
		msgpack_pack_map(pk, 2);
		pk_kstr(pk, "text", text);
		pk_kstr(pk, "hint", STATUS_HOSTACT_HINT);
	}
}

/* The leader has it of this node, which says it itself, in full and as it is now. */
static bool
is_known_here(const struct engine *e, struct slice problem)
{
	struct slice packed = status_view_get(problem, "text");
	char mark[NAME_CAP + 32];
	const char *text;
	struct mp mp;
	size_t len;

	mp_init(&mp, packed.b, packed.len, 1);
	if (packed.len == 0 || mp_peek(&mp) != MP_STR || mp_str(&mp, &text, &len) < 0)
		return false;
	snprintf(mark, sizeof mark, " on %s: host action ", e->conf.name);
	return len > 5 && memcmp(text, "role ", 5) == 0 && memmem(text, len, mark, strlen(mark)) != NULL;
}

/* How many problems of the view are to be told here; pk: tell them. */
static uint32_t
pack_theirs(const struct engine *e, struct slice view, msgpack_packer *pk)
{
	struct slice theirs = status_view_get(view, "problems");
	uint32_t count = 0, told = 0;
	struct mp mp;

	mp_init(&mp, theirs.b, theirs.len, 8);
	if (theirs.len == 0 || mp_array(&mp, &count) < 0)
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		size_t from = mp.off;

		if (mp_skip(&mp) < 0)
			break;
		if (is_known_here(e, (struct slice){theirs.b + from, mp.off - from}))
			continue;
		told++;
		if (pk != NULL)
			pk_raw(pk, theirs.b + from, mp.off - from);
	}
	return told;
}

static void
pack_problems(const struct engine *e, const struct mesh_side *s, struct slice view, int *level,
    msgpack_packer *pk)
{
	struct own_problem own[16];
	struct ail ails[AILS_MAX];
	struct notes notes = {.blocked = ""};
	size_t n = own_problems(e, s, view, &notes, own, ARRAY_LEN(own)), jobs = 0;
	size_t ailing = ails_find(e, ails), acts = hostacts_failed(&e->apply.hostacts);
	char text[ERR_TEXT_CAP + 2 * NAME_CAP + 16];

	if (n > 0 && *level < 1)
		*level = 1;
	for (const struct apply_job *j = e->apply.jobs; j != NULL; j = j->next)
		jobs += j->error[0] != '\0';
	if (jobs + ailing + acts > 0 && *level < 1)
		*level = 1;
	msgpack_pack_array(pk, n + ailing + jobs + acts + pack_theirs(e, view, NULL));
	for (size_t i = 0; i < n; i++) {
		msgpack_pack_map(pk, 2);
		pk_kstr(pk, "text", own[i].text);
		pk_kstr(pk, "hint", own[i].hint);
	}
	for (size_t i = 0; i < ailing; i++) {
		msgpack_pack_map(pk, 2);
		pk_kstr(pk, "text", ails[i].text);
		pk_kstr(pk, "hint", ails[i].hint);
	}
	for (const struct apply_job *j = e->apply.jobs; j != NULL; j = j->next) {
		if (j->error[0] == '\0')
			continue;
		snprintf(text, sizeof text, "role %s on %s: %s", j->role, e->conf.name, j->error);
		msgpack_pack_map(pk, 3);
		pk_kstr(pk, "text", text);
		pk_kstr(pk, "said", j->said);
		pk_kstr(pk, "hint", "its old files and containers stay; mesh render shows the new");
	}
	pack_acts(pk, e);
	(void)pack_theirs(e, view, pk);
}

/* --- the screen ---------------------------------------------------------------------- */

static void
pack_slice(msgpack_packer *pk, const char *key, struct slice s)
{
	pk_str(pk, key);
	if (s.len > 0)
		pk_raw(pk, s.b, s.len);
	else
		msgpack_pack_nil(pk);
}

/* What scripts see of this node, as of now. */
static void
pack_metrics(const struct engine *e, msgpack_packer *pk)
{
	uint64_t now_ms = engine_wall_ms();
	uint32_t at = 0, count = 0;
	const char *name;
	double value;

	while (standard_each(&e->metrics, now_ms, &at, &name, &value))
		count++;
	pk_str(pk, "metrics");
	msgpack_pack_map(pk, count);
	for (at = 0; standard_each(&e->metrics, now_ms, &at, &name, &value);) {
		pk_str(pk, name);
		if (value == (double)(int64_t)value)
			msgpack_pack_int64(pk, (int64_t)value);
		else
			msgpack_pack_double(pk, value);
	}
}

void
status_pack(struct engine *e, struct slice view, msgpack_packer *pk)
{
	struct slice lv = status_view_get(view, "level");
	struct mesh_side s;
	uint64_t theirs = 0;
	int level = 0;
	struct mp mp;

	side_of(e, &s);
	mp_init(&mp, lv.b, lv.len, 1);
	if (lv.len > 0 && mp_uint_max(&mp, 2, &theirs) == 0)
		level = (int)theirs;
	if (level == 0 && s.grade != MESH_GRADE_FULL)
		level = 1;
	if ((s.member && !s.has_leader) || starting_is(e))
		level = 2;
	msgpack_pack_map(pk, 15);
	pk_kstr(pk, "cluster", e->conf.cluster);
	pk_kstr(pk, "node", e->conf.name);
	pk_kstr(pk, "version", MESH_VERSION);
	pk_kbool(pk, "member", s.member);
	pk_kint(pk, "uptime_ms", net_now() - e->started);
	pk_str(pk, "side");
	pack_side(e, &s, pk);
	pk_str(pk, "config");
	pack_config(e, pk);
	pack_metrics(e, pk);
	pack_slice(pk, "scheduler", status_view_get(view, "scheduler"));
	pack_slice(pk, "shadow", status_view_get(view, "shadow"));
	pack_slice(pk, "roles", status_view_get(view, "roles"));
	pk_str(pk, "actions");
	actions_pack_count(e, pk);
	pk_str(pk, "counters");
	counters_pack(&e->counters, pk);
	pk_str(pk, "problems");
	pack_problems(e, &s, view, &level, pk);
	pk_kint(pk, "health", level);
}

int
status_pack_schedule(const struct engine *e, const struct schedule *s, struct slice held, msgpack_packer *pk)
{
	static const char *const keys[] = {"roles", "nodes", "changes", "why"};
	const struct schedule_meta *meta = &s->meta;
	char stamp[STAMP_TEXT_CAP], hash[2 * HASH_BYTES + 1];
	struct mesh_member m;
	struct blob parent;

	if (schedule_to_parent(s, &parent) < 0)
		return -1;
	stamp_text(&meta->stamp, stamp);
	for (int i = 0; i < HASH_BYTES; i++)
		snprintf(hash + 2 * i, 3, "%02x", s->hash.b[i]);
	msgpack_pack_map(pk, 7 + ARRAY_LEN(keys));
	pk_kstr(pk, "stamp", stamp);
	pk_kstr(pk, "hash", hash);
	pk_kstr(pk, "leader",
	    e->mesh != NULL && mesh_find(e->mesh, &meta->stamp.leader, &m) ? m.name : "");
	pk_kstr(pk, "grade", status_grade((enum mesh_grade)meta->grade));
	pk_kuint(pk, "at_ms", meta->at_ms);
	pk_str(pk, "parents");
	msgpack_pack_array(pk, meta->parents_count);
	for (size_t i = 0; i < meta->parents_count; i++) {
		stamp_text(&meta->parents[i].stamp, stamp);
		pk_str(pk, stamp);
	}
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		pack_slice(pk, keys[i], status_view_get(blob_slice(&parent), keys[i]));
	pack_slice(pk, "held", held);
	blob_free(&parent);
	return 0;
}
