/*
 * acts.c - see acts.h.  An act is one word to the leader: a stamp, a node's name.
 * Both sides run do_here(), so it means the same wherever it was asked.
 */
#include "acts.h"

#include <stdio.h>
#include <stdlib.h>

#include "../base/name.h"
#include "engine.h"
#include "over.h"
#include "pack.h"
#include "viewing.h"
#include "wire.h"

enum { ACT_TIMEOUT_MS = 2000, WORD_CAP = 96 };

struct act {
	struct ctl_req *r;
	uint8_t kind;
	char word[WORD_CAP];
};

void
acts_refuse(struct ctl_req *r)
{
	ctl_fail(r, 3, "run it as root, or be named in operators:", "%s: permission denied",
	    r->verb);
}

static int
hand_over(struct engine *e, const char *name)
{
	struct mesh_member m;
	bool known = false;

	for (uint32_t i = 0; mesh_member(e->mesh, i, &m); i++) {
		if (strcmp(m.name, name) != 0)
			continue;
		known = true;
		if (mesh_hand_over(e->mesh, net_now(), &m.id) == 0) {
			net_kick(&e->net);
			return 0;
		}
	}
	return known ? -ERR_RANGE : -ERR_UNKNOWN;
}

/* On the leader: 0, or a negative ERR_ that tell() can put into words. */
static int
do_here(struct engine *e, uint8_t kind, const char *word)
{
	if (!e->lead.leading)
		return -ERR_NOT_LEADER;
	if (kind == QUERY_FORCE)
		return lead_force(e, word) ? 0 : -ERR_UNKNOWN;
	return hand_over(e, word);
}

static void
tell(struct ctl_req *r, uint8_t kind, const char *word, int rc)
{
	msgpack_sbuffer buf;
	msgpack_packer pk;
	bool force = kind == QUERY_FORCE;

	if (rc == -ERR_NOT_LEADER || rc < -ERR_COUNT) {
		ctl_fail(r, 1, "mesh leader", "the leader did not take it: %s", stream_error(rc));
		return;
	}
	if (rc < 0 && force) {
		ctl_fail(r, 1, "mesh schedule show", "nothing is held at %s", word);
		return;
	}
	if (rc < 0) {
		ctl_fail(r, 1, "mesh members", rc == -ERR_UNKNOWN ? "no node '%s' is known" :
		    "'%s' can't lead: it is not alive, or not in the roster yet", word);
		return;
	}
	msgpack_sbuffer_init(&buf);
	msgpack_packer_init(&pk, &buf, msgpack_sbuffer_write);
	msgpack_pack_map(&pk, 1);
	pk_kstr(&pk, force ? "applied" : "handed_to", word);
	ctl_answer(r, buf.data, buf.size, false);
	msgpack_sbuffer_destroy(&buf);
}

static void
on_answer(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct act *a = arg;

	(void)data;
	(void)len;
	tell(a->r, a->kind, a->word, rc);
	free(a);
}

static void
ask_leader(struct engine *e, struct ctl_req *r, uint8_t kind, const char *word)
{
	struct node_id to;
	struct act *a;

	if (!viewing_leader(e, &to)) {
		if (e->lead.leading)
			tell(r, kind, word, do_here(e, kind, word));
		else
			ctl_fail(r, 1, "mesh partition", "there is no leader to ask on this side");
		return;
	}
	if ((a = calloc(1, sizeof *a)) == NULL) {
		ctl_fail(r, 1, "", "out of memory");
		return;
	}
	a->r = r;
	a->kind = kind;
	snprintf(a->word, sizeof a->word, "%s", word);
	if (!over_ask(e, &to,
		&(struct over_question){kind, true, a->word, strlen(a->word), ACT_TIMEOUT_MS},
		on_answer, a))
		on_answer(a, STREAM_CONNECT, NULL, 0);
}

void
acts_apply(struct engine *e, struct ctl_req *r)
{
	char stamp[STAMP_TEXT_CAP];

	if (ctl_arg_str(r, "stamp", stamp, sizeof stamp) && ctl_arg_bool(r, "force"))
		ask_leader(e, r, QUERY_FORCE, stamp);
	else
		ctl_fail(r, EXIT_USAGE_, "mesh apply --force STAMP", "apply: missing --force STAMP");
}

void
acts_hand_over(struct engine *e, struct ctl_req *r, const char *node)
{
	if (name_ok(node, strlen(node)))
		ask_leader(e, r, QUERY_HAND_OVER, node);
	else
		ctl_fail(r, EXIT_USAGE_, "mesh leader --to NODE", "leader: --to is no node's name");
}

void
acts_serve(struct engine *e, uint8_t kind, const uint8_t *text, size_t len,
    struct stream_answer *answer)
{
	char word[WORD_CAP];
	int rc;

	if (len >= sizeof word || memchr(text, 0, len) != NULL) {
		stream_answer_fail(answer, ERR_MALFORMED);
		return;
	}
	memcpy(word, text, len);
	word[len] = '\0';
	if ((rc = do_here(e, kind, word)) < 0)
		stream_answer_fail(answer, (uint8_t)-rc);
	else
		stream_answer_send(answer, "ok", 2);
}
