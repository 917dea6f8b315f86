/*
 * revert.c - see revert.h.
 */
#include "revert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../gossip/mp.h"
#include "../base/log.h"
#include "../base/own.h"
#include "../base/scriptio.h"
#include "confine.h"
#include "engine.h"
#include "events.h"
#include "over.h"
#include "pack.h"
#include "round.h"
#include "viewing.h"
#include "wire.h"

enum { REVERT_MS = 9000, SEEK_MS = 8000, WHO_CAP = 32, SEEK_NONE = 2, SEEK_FAILED = 1 };

/* One who asked on this node, of the leader. */
struct reverting {
	struct engine *e;
	struct ctl_req *r;
};

/* On the leader: what is wished, and who hears of the end; one of the two. */
struct deed {
	struct engine *e;
	struct ctl_req *r;
	struct stream_answer *answer;
	char stamp[STAMP_TEXT_CAP], who[4 * WHO_CAP];
	bool force;
	/* the end */
	char made[STAMP_TEXT_CAP]; /* of the new one; "": why, and what to do */
	char why[ERR_TEXT_CAP];
	const char *hint;
};

static void
tell(struct ctl_req *r, const char *stamp, const char *why, const char *hint)
{
	msgpack_packer *pk;

	if (stamp[0] == '\0') {
		ctl_fail(r, 1, hint, "schedule: not reverted: %s", why);
		return;
	}
	pk = ctl_begin(r);
	msgpack_pack_map(pk, 1);
	pk_kstr(pk, "reverted", stamp);
	ctl_end(r);
}

/* The deed is over, and gone. */
static void
end(struct deed *d)
{
	const char *force = d->force ? ", by force" : "";
	msgpack_sbuffer buf;
	msgpack_packer pk;

	if (d->made[0] != '\0') {
		log_warn("schedule %s is %s again, as %s wished%s", d->made, d->stamp, d->who, force);
		events_note(d->e, "reverted", d->e->conf.name, "schedule %s is %s again, as %s wished%s",
		    d->made, d->stamp, d->who, force);
	}
	if (d->r != NULL) {
		tell(d->r, d->made, d->why, d->hint);
	} else {
		pk_begin_array(&buf, &pk, 3);
		pk_str(&pk, d->made);
		pk_str(&pk, d->why);
		pk_str(&pk, d->hint);
		stream_answer_send(d->answer, buf.data, buf.size);
		msgpack_sbuffer_destroy(&buf);
	}
	free(d);
}

static void
refuse(struct deed *d, const char *why, const char *hint)
{
	snprintf(d->why, sizeof d->why, "%s", why);
	d->hint = hint;
	end(d);
}

static void
on_issued(void *arg, int rc, const struct err *err)
{
	struct deed *d = arg;

	if (rc == 0) {
		stamp_text(&d->e->keep.current.meta.stamp, d->made);
		end(d);
	} else if (err->code == ROUND_SCRIPT) {
		refuse(d, err->text, "that round's answer does not fit what is there now");
	} else {
		refuse(d, err->text, d->force ? "mesh status" :
			"mesh schedule diff STAMP shows it; mesh schedule revert --force STAMP does it");
	}
}

/* old, or what a script answered; what it owns is taken. */
static void
issue(struct deed *d, struct schedule old, struct blob answer)
{
	struct round_wish w = {.wish = d->force ? WISH_FORCED : WISH_REVERT,
	    .old = old,
	    .answer = answer,
	    .told = on_issued,
	    .arg = d};

	round_revert(d->e, &w);
}

/* --- of a round that was recorded -------------------------------------------------------- */

/* In a copy of the engine: the answer of the round that issued it goes to standard output. */
struct seeking {
	const char *stamp;
	bool found, written;
};

static bool
is_it(void *arg, const struct rounds_one *one)
{
	struct seeking *s = arg;
	struct slice why = one->rec.why, out = one->rec.result;

	if (one->rec.fate != ROUND_ISSUED || why.len != strlen(s->stamp) ||
	    memcmp(why.b, s->stamp, why.len) != 0)
		return true;
	s->found = true;
	while (out.len > 0) {
		ssize_t n = write(STDOUT_FILENO, out.b, out.len);

		if (n < 0 && errno != EINTR)
			return false;
		out.b += n > 0 ? n : 0;
		out.len -= n > 0 ? (size_t)n : 0;
	}
	s->written = true;
	return false;
}

static int
seek(void *arg)
{
	const struct deed *d = arg;
	struct seeking s = {.stamp = d->stamp};
	struct err err;

	crypto_wipe(&d->e->keys, sizeof d->e->keys);
	identity_wipe(&d->e->identity);
	if (!confine_files())
		return SEEK_FAILED;
	if (rounds_each(3, 0, is_it, NULL, &s, &err) < 0)
		return SEEK_FAILED;
	return s.written ? 0 : s.found ? SEEK_FAILED : SEEK_NONE;
}

static void
on_sought(void *arg, struct spawn_result *res)
{
	struct deed *d = arg;
	struct engine *e = d->e;
	struct blob answer;
	char text[ERR_TEXT_CAP];

	if (res->exit_status != 0) {
		snprintf(text, sizeof text, res->exit_status == SEEK_NONE ?
			"the leader, %s, has no schedule %s any more, nor a recorded round that issued it" :
			"the leader, %s, could not look through its recorded rounds for %s in time",
		    e->conf.name, d->stamp);
		refuse(d, text, "mesh schedule history; mesh replay -o json names those recorded");
	} else if (!e->lead.leading) {
		refuse(d, "this node does not lead any more", "mesh leader");
	} else if (blob_copy(&answer, (struct slice){(const uint8_t *)res->out, res->out_len}) < 0) {
		refuse(d, "out of memory", "");
	} else {
		issue(d, (struct schedule){.parts = NULL}, answer);
	}
}

static void
look_in_rounds(struct deed *d)
{
	struct engine *e = d->e;
	AUTO_CLOSE int dir = openat(e->state_fd, "rounds", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct spawn_conf c = {.prog_fd = -1,
	    .input = "",
	    .out_cap = SCRIPT_OUT_BYTES_MAX,
	    .deadline_ms = SEEK_MS,
	    .work = seek,
	    .work_arg = d,
	    .work_fd = dir};
	char text[ERR_TEXT_CAP];
	struct err err;

	if (dir < 0) {
		snprintf(text, sizeof text, "the leader, %s, has no schedule %s any more", e->conf.name, d->stamp);
		refuse(d, text, "mesh schedule history");
	} else if (spawn_run(e->loop, &c, on_sought, d, NULL, &err) < 0) {
		refuse(d, err.text, "");
	}
}

/* On the leader; d is filled, and gone at its end. */
static void
revert(struct deed *d)
{
	struct engine *e = d->e;
	struct schedule old;
	struct err err;
	int rc;

	d->hint = "";
	if (!e->lead.leading) {
		refuse(d, "this node does not lead", "mesh leader");
		return;
	}
	rc = keep_find(&e->keep, d->stamp, &old, &err);
	if (rc < 0) {
		if (err.code == EXIT_STATE)
			engine_exit(e, EXIT_STATE, err.text);
		refuse(d, err.text, "");
		return;
	}
	if (rc == 0) {
		look_in_rounds(d);
		return;
	}
	issue(d, old, (struct blob){0});
}

/* --- asked ------------------------------------------------------------------------------- */

void
revert_serve(struct engine *e, const uint8_t *payload, size_t len, struct stream_answer *answer)
{
	struct deed *d = calloc(1, sizeof *d);
	char who[WHO_CAP];
	uint32_t n;
	struct mp mp;

	mp_init(&mp, payload, len, 1);
	if (d == NULL || mp_array(&mp, &n) < 0 || n != 3 || mp_cstr(&mp, d->stamp, sizeof d->stamp) < 0 ||
	    mp_bool(&mp, &d->force) < 0 || mp_cstr(&mp, who, sizeof who) < 0 || mp_end(&mp) < 0) {
		free(d);
		stream_answer_fail(answer, ERR_MALFORMED);
		return;
	}
	for (const char *c = d->stamp; *c != '\0'; c++)
		if (strchr("0123456789abcdef.", *c) == NULL) {
			free(d);
			stream_answer_fail(answer, ERR_MALFORMED);
			return;
		}
	err_escape(d->who, sizeof d->who, who, strlen(who));
	d->e = e;
	d->answer = answer;
	revert(d);
}

static void
take_text(struct mp *mp, char *out, size_t cap)
{
	const char *s;
	size_t n;

	out[0] = '\0';
	if (mp_str(mp, &s, &n) == 0)
		err_escape(out, cap, s, n);
}

static void
on_answer(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct reverting *v = arg;
	char stamp[STAMP_TEXT_CAP], why[ERR_TEXT_CAP], hint[ERR_TEXT_CAP];
	uint32_t n = 0;
	struct mp mp;

	mp_init(&mp, data, rc == 0 ? len : 0, 1);
	if (rc < 0)
		ctl_fail(v->r, 1, "mesh leader", "schedule: the leader did not take it: %s", stream_error(rc));
	else if (mp_array(&mp, &n) < 0 || n != 3)
		ctl_fail(v->r, 1, "mesh leader", "schedule: the leader's answer is not understood");
	if (rc == 0 && n == 3) {
		take_text(&mp, stamp, sizeof stamp);
		take_text(&mp, why, sizeof why);
		take_text(&mp, hint, sizeof hint);
		tell(v->r, stamp, why, hint);
	}
	free(v);
}

void
revert_verb(struct engine *e, struct ctl_req *r, const char *stamp, bool force)
{
	struct reverting *v;
	struct deed *d;
	char who[WHO_CAP];
	msgpack_sbuffer buf;
	msgpack_packer pk;
	struct node_id to;

	snprintf(who, sizeof who, "uid %u", r->uid);
	if (!viewing_leader(e, &to)) {
		if ((d = calloc(1, sizeof *d)) == NULL) {
			ctl_fail(r, 1, "", "out of memory");
			return;
		}
		*d = (struct deed){.e = e, .r = r, .force = force};
		snprintf(d->stamp, sizeof d->stamp, "%s", stamp);
		snprintf(d->who, sizeof d->who, "%s", who);
		revert(d);
		return;
	}
	if ((v = calloc(1, sizeof *v)) == NULL) {
		ctl_fail(r, 1, "", "out of memory");
		return;
	}
	*v = (struct reverting){e, r};
	pk_begin_array(&buf, &pk, 3);
	pk_str(&pk, stamp);
	if (force)
		msgpack_pack_true(&pk);
	else
		msgpack_pack_false(&pk);
	pk_str(&pk, who);
	if (!over_ask(e, &to, &(struct over_question){QUERY_REVERT, true, buf.data, buf.size, REVERT_MS},
		on_answer, v))
		on_answer(v, STREAM_CONNECT, NULL, 0);
	msgpack_sbuffer_destroy(&buf);
}
