/*
 * past.c - see past.h.
 */
#include "past.h"

#include <stdio.h>
#include <stdlib.h>

#include "acts.h"
#include "engine.h"
#include "over.h"
#include "pack.h"
#include "revert.h"
#include "roundinput.h"
#include "status.h"
#include "viewing.h"
#include "wire.h"

enum { WORD_CAP = 16 };

/* --- schedules that are here ------------------------------------------------------------ */

/* The stamp that was asked for, or false: it was said what is wrong. */
static bool
asked_stamp(struct ctl_req *r, char out[STAMP_TEXT_CAP])
{
	if (ctl_arg_str(r, "stamp", out, STAMP_TEXT_CAP))
		return true;
	ctl_fail(r, EXIT_USAGE_, "mesh schedule history names them", "schedule: missing STAMP");
	return false;
}

static void
store_failed(struct engine *e, struct ctl_req *r, const struct err *err)
{
	if (err->code == EXIT_STATE)
		engine_exit(e, EXIT_STATE, err->text);
	ctl_fail(r, 1, "", "schedule: %s", err->text);
}

/* 1 and a schedule to free; else it was said what is wrong. */
static bool
find(struct engine *e, struct ctl_req *r, const char *stamp, struct schedule *out)
{
	struct err err;
	int rc = keep_find(&e->keep, stamp, out, &err);

	if (rc < 0)
		store_failed(e, r, &err);
	if (rc == 0)
		ctl_fail(r, 1, "mesh schedule history names those that it has",
		    "schedule: %s has no schedule %s any more", e->conf.name, stamp);
	return rc > 0;
}

static bool
has_any(const struct engine *e, struct ctl_req *r)
{
	if (e->keep.has)
		return true;
	ctl_fail(r, 1, "mesh status says why", "no schedule has reached this node yet");
	return false;
}

static void
pack_schedule(struct engine *e, const struct schedule *s, struct slice held, msgpack_packer *pk)
{
	if (status_pack_schedule(e, s, held, pk) < 0)
		msgpack_pack_nil(pk);
}

static void
then_show(struct engine *e, struct ctl_req *r, struct slice view)
{
	if (!has_any(e, r))
		return;
	pack_schedule(e, &e->keep.current, status_view_get(view, "held"), ctl_begin(r));
	ctl_end(r);
}

static void
show(struct engine *e, struct ctl_req *r)
{
	char stamp[STAMP_TEXT_CAP];
	struct schedule s;

	if (!ctl_arg_str(r, "stamp", stamp, sizeof stamp)) {
		viewing_start(e, r, then_show);
		return;
	}
	if (!find(e, r, stamp, &s))
		return;
	pack_schedule(e, &s, (struct slice){0}, ctl_begin(r));
	ctl_end(r);
	schedule_free(&s);
}

static void
pack_past(const struct engine *e, const struct schedule *s, msgpack_packer *pk)
{
	char stamp[STAMP_TEXT_CAP];
	size_t nodes = 0, roles = 0;
	struct mesh_member m;
	struct blob all = {0};
	struct slice changes;

	for (size_t i = 0; i < s->parts_count; i++) {
		nodes += s->parts[i].kind == SCHEDULE_NODE;
		roles += s->parts[i].kind == SCHEDULE_ROLE;
	}
	stamp_text(&s->meta.stamp, stamp);
	msgpack_pack_map(pk, 8);
	pk_kstr(pk, "stamp", stamp);
	pk_kbool(pk, "current", hash_eq(&s->hash, &e->keep.current.hash));
	pk_kstr(pk, "leader", e->mesh != NULL && mesh_find(e->mesh, &s->meta.stamp.leader, &m) ? m.name : "");
	pk_kstr(pk, "grade", status_grade((enum mesh_grade)s->meta.grade));
	pk_kuint(pk, "at_ms", s->meta.at_ms);
	pk_kuint(pk, "roles", roles);
	pk_kuint(pk, "nodes", nodes);
	pk_str(pk, "changes");
	changes = schedule_to_parent(s, &all) == 0 ? status_view_get(blob_slice(&all), "changes") :
						     (struct slice){0};
	if (changes.len > 0)
		pk_raw(pk, changes.b, changes.len);
	else
		msgpack_pack_nil(pk);
	blob_free(&all);
}

static void
history(struct engine *e, struct ctl_req *r)
{
	msgpack_sbuffer buf;
	msgpack_packer pk, *answer;
	uint32_t n = 0;

	pk_begin(&buf, &pk);
	for (size_t i = 0; i < e->keep.history_count; i++) {
		struct schedule s;
		struct err err;
		int rc = keep_head(&e->keep, &e->keep.history[i], &s, &err);

		if (rc < 0) {
			msgpack_sbuffer_destroy(&buf);
			store_failed(e, r, &err);
			return;
		}
		if (rc > 0)
			pack_past(e, &s, &pk);
		n += rc > 0;
		schedule_free(&s);
	}
	answer = ctl_begin(r);
	msgpack_pack_array(answer, n);
	if (n > 0)
		pk_raw(answer, buf.data, buf.size);
	msgpack_sbuffer_destroy(&buf);
	ctl_end(r);
}

static void
diff(struct engine *e, struct ctl_req *r)
{
	char stamp[STAMP_TEXT_CAP];
	struct schedule s = {.parts = NULL};
	msgpack_packer *pk;
	struct err err;
	int rc = 1;

	if (!has_any(e, r))
		return;
	if (ctl_arg_str(r, "stamp", stamp, sizeof stamp)) {
		if (!find(e, r, stamp, &s))
			return;
	} else if (e->keep.history_count < 2 ||
	    (rc = keep_old(&e->keep, &e->keep.history[1], &s, &err)) <= 0) {
		if (rc < 0)
			store_failed(e, r, &err);
		else
			ctl_fail(r, 1, "mesh schedule history", "schedule: %s has none but the one in force", e->conf.name);
		return;
	}
	pk = ctl_begin(r);
	msgpack_pack_map(pk, 2);
	pk_str(pk, "from");
	pack_schedule(e, &s, (struct slice){0}, pk);
	pk_str(pk, "to");
	pack_schedule(e, &e->keep.current, (struct slice){0}, pk);
	ctl_end(r);
	schedule_free(&s);
}

static void
revert(struct engine *e, struct ctl_req *r)
{
	char stamp[STAMP_TEXT_CAP];

	if (!r->may_write)
		acts_refuse(r);
	else if (asked_stamp(r, stamp))
		revert_verb(e, r, stamp, ctl_arg_bool(r, "force"));
}

/* --- what the leader knows ------------------------------------------------------------------ */

/* But for the input: one packed value to free; a negative ERR_. */
static int
of_round(struct engine *e, const char *word, struct blob *out)
{
	msgpack_sbuffer buf;
	msgpack_packer pk;
	int rc;

	*out = (struct blob){0};
	if (!e->lead.leading)
		return -ERR_NOT_LEADER;
	if (strcmp(word, "shadow") != 0)
		return -ERR_MALFORMED;
	pk_begin(&buf, &pk);
	shadow_pack_answers(e, &pk);
	rc = blob_copy(out, (struct slice){(uint8_t *)buf.data, buf.size});
	msgpack_sbuffer_destroy(&buf);
	return rc;
}

static void
tell(struct ctl_req *r, int rc, struct slice data)
{
	if (rc == 0 && viewing_is_map(data))
		ctl_answer(r, data.b, data.len, false);
	else if (rc == -ERR_LONG)
		ctl_fail(r, 1, "mesh leader says who leads", "schedule: it is larger than 4 MiB: ask on the leader itself");
	else
		ctl_fail(r, 1, "mesh leader", "schedule: the leader does not answer that: %s",
		    rc < 0 ? stream_error(rc) : "its answer is not understood");
}

static void
on_answer(void *arg, int rc, const uint8_t *data, size_t len)
{
	tell(arg, rc, (struct slice){data, len});
}

static void
no_leader(struct ctl_req *r)
{
	ctl_fail(r, 1, "mesh partition", "schedule: there is no leader to ask on this side");
}

static void
on_input(void *arg, int rc, struct slice data)
{
	if (rc == -ERR_NOT_LEADER)
		no_leader(arg);
	else
		tell(arg, rc, data);
}

static void
ask(struct engine *e, struct ctl_req *r, const char *word)
{
	struct node_id to;
	struct blob data;
	int rc;

	if (viewing_leader(e, &to)) {
		if (!over_ask(e, &to, &(struct over_question){QUERY_ROUND, false, word, strlen(word), PAST_ASK_MS},
			on_answer, r))
			on_answer(r, STREAM_CONNECT, NULL, 0);
		return;
	}
	if (strcmp(word, "input") == 0) {
		roundinput_ask(e, on_input, r);
		return;
	}
	rc = of_round(e, word, &data);
	if (rc == -ERR_NOT_LEADER)
		no_leader(r);
	else
		tell(r, rc, blob_slice(&data));
	blob_free(&data);
}

static void
serve(void *arg, int rc, struct slice data)
{
	struct stream_answer *answer = arg;

	if (rc == 0 && data.len > STREAM_BYTES_MAX)
		rc = -ERR_LONG;
	if (rc < 0)
		stream_answer_fail(answer, -rc);
	else
		stream_answer_send(answer, data.b, data.len);
}

void
past_serve(struct engine *e, const uint8_t *payload, size_t len, struct stream_answer *answer)
{
	char word[WORD_CAP] = "";
	struct blob data;

	if (len < sizeof word)
		memcpy(word, payload, len);
	if (strcmp(word, "input") == 0) {
		roundinput_ask(e, serve, answer);
		return;
	}
	int rc = of_round(e, word, &data);

	serve(answer, rc, blob_slice(&data));
	blob_free(&data);
}

void
past_input(struct engine *e, struct ctl_req *r)
{
	ask(e, r, "input");
}

void
past_verb(struct engine *e, struct ctl_req *r)
{
	char command[WORD_CAP] = "show";

	if (ctl_arg_has(r, "command") && !ctl_arg_str(r, "command", command, sizeof command))
		command[0] = '\0';
	if (strcmp(command, "show") == 0)
		show(e, r);
	else if (strcmp(command, "history") == 0)
		history(e, r);
	else if (strcmp(command, "diff") == 0)
		diff(e, r);
	else if (strcmp(command, "revert") == 0)
		revert(e, r);
	else if (strcmp(command, "input") == 0 || strcmp(command, "shadow") == 0)
		ask(e, r, command);
	else
		ctl_fail(r, EXIT_USAGE_, "mesh help schedule", "schedule: unknown command");
}

void
past_rounds(struct engine *e, struct ctl_req *r)
{
	const struct recording *rec = &e->lead.recording;
	char dir[CONFIG_PATH_CAP + 16];
	msgpack_packer *pk = ctl_begin(r);

	snprintf(dir, sizeof dir, "%s/rounds", e->conf.state_dir);
	msgpack_pack_map(pk, 8);
	pk_kstr(pk, "dir", dir);
	pk_kstr(pk, "config_dir", e->conf.config_dir);
	pk_kbool(pk, "recording", e->lead.leading && e->conf.rounds_bytes > 0);
	pk_kuint(pk, "kept", rec->kept);
	pk_kuint(pk, "left_out", rec->left_out);
	pk_kuint(pk, "failed", rec->failed);
	pk_kuint(pk, "bytes", rec->bytes);
	pk_kstr(pk, "error", rec->error);
	ctl_end(r);
}
