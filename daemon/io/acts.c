/*
 * acts.c - see acts.h.  An act is one word to the leader: a stamp, a node's name.
 * Both sides run do_here(), so it means the same wherever it was asked.
 */
#include "acts.h"

#include <stdio.h>
#include <stdlib.h>

#include "../base/name.h"
#include "belong.h"
#include "engine.h"
#include "looks.h"
#include "over.h"
#include "pack.h"
#include "viewing.h"
#include "wire.h"

enum { ACT_TIMEOUT_MS = 2000, WORD_CAP = 96, LOOK_MS = 50, SLOW_MS = 2000, SLOWEST_MS = 7000 };

struct act {
	struct engine *e;
	struct ctl_req *r;
	uint8_t kind;
	uint64_t term; /* when it was asked */
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
		if (!belong_is(&m, name))
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

/* --- until it leads, or not ----------------------------------------------------------- */

struct handing {
	struct engine *e;
	struct ctl_req *r;
	uv_timer_t timer;
	char to[WORD_CAP];
	uint64_t term;
	msec until;
};

static void
on_handing_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void
handing_end(struct handing *h)
{
	uv_close((uv_handle_t *)&h->timer, on_handing_closed);
}

/* Whoever leads here; false: nobody, for now. */
static bool
now_leads(const struct handing *h, struct mesh_side *s, struct mesh_member *m)
{
	memset(s, 0, sizeof *s);
	if (h->e->mesh != NULL)
		mesh_side(h->e->mesh, net_now(), s);
	return s->has_leader && mesh_find(h->e->mesh, &s->leader, m);
}

static void
on_look(uv_timer_t *timer)
{
	struct handing *h = timer->data;
	struct mesh_member m;
	struct mesh_side s;
	msgpack_packer *pk;
	bool led = now_leads(h, &s, &m);

	if (led && belong_is(&m, h->to)) {
		pk = ctl_begin(h->r);
		msgpack_pack_map(pk, 2);
		pk_kstr(pk, "handed_to", m.name);
		pk_kuint(pk, "term", s.term);
		ctl_end(h->r);
	} else if (led && s.term > h->term) {
		ctl_fail(h->r, 1, "mesh members; mesh rtt NODE", "leader: %s does not lead: it did not take the lead, and %s was elected, in term %llu",
		    h->to, m.name, (unsigned long long)s.term);
	} else if (net_now() >= h->until || !ctl_alive(h->r)) {
		ctl_fail(h->r, 1, "mesh members; mesh events", led ? "leader: %s does not lead: %s still does" :
								    "leader: %s does not lead, nor does anybody yet",
		    h->to, led ? m.name : "");
	} else {
		return;
	}
	handing_end(h);
}

/* The word was taken; that alone says nothing: who is to lead may be dead by now.  It is
 * over in milliseconds, and after a lease and the elections that follow at the latest. */
static void
wait_for(struct engine *e, struct ctl_req *r, const char *to, uint64_t term)
{
	struct handing *h = calloc(1, sizeof *h);
	msec wait = 2 * e->conf.lease_ms + SLOW_MS;

	if (h == NULL) {
		ctl_fail(r, 1, "", "out of memory");
		return;
	}
	*h = (struct handing){.e = e, .r = r, .term = term};
	if (e->conf.lease_ms == 0)
		wait = 2 * SLOW_MS;
	h->until = net_now() + (wait < SLOWEST_MS ? wait : SLOWEST_MS);
	snprintf(h->to, sizeof h->to, "%s", to);
	uv_timer_init(e->loop, &h->timer);
	h->timer.data = h;
	uv_timer_start(&h->timer, on_look, 0, LOOK_MS);
}

static void
tell(struct engine *e, struct ctl_req *r, uint8_t kind, const char *word, uint64_t term, int rc)
{
	msgpack_packer *pk;
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
	if (!force) {
		wait_for(e, r, word, term);
		return;
	}
	pk = ctl_begin(r);
	msgpack_pack_map(pk, 1);
	pk_kstr(pk, "applied", word);
	ctl_end(r);
}

static void
on_answer(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct act *a = arg;

	(void)data;
	(void)len;
	tell(a->e, a->r, a->kind, a->word, a->term, rc);
	free(a);
}

static void
ask_leader(struct engine *e, struct ctl_req *r, uint8_t kind, const char *word)
{
	struct node_id to;
	struct mesh_side s = {.term = 0};
	struct act *a;

	if (e->mesh != NULL)
		mesh_side(e->mesh, net_now(), &s);
	if (!viewing_leader(e, &to)) {
		if (e->lead.leading)
			tell(e, r, kind, word, s.term, do_here(e, kind, word));
		else
			ctl_fail(r, 1, "mesh partition", "there is no leader to ask on this side");
		return;
	}
	if ((a = calloc(1, sizeof *a)) == NULL) {
		ctl_fail(r, 1, "", "out of memory");
		return;
	}
	*a = (struct act){.e = e, .r = r, .kind = kind, .term = s.term};
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
	char id[2 * ID_BYTES + 1];
	struct mesh_member m = {.self = false};
	int n;

	if (!name_ok(node, strlen(node))) {
		ctl_fail(r, EXIT_USAGE_, "mesh leader --to NODE", "leader: --to is no node's name");
		return;
	}
	if ((n = belong_pick(e, r, node, false, &m)) < 0)
		return;
	looks_id_text(&m.id, id);
	/* By its name, when that says enough: an older leader knows no other. */
	ask_leader(e, r, QUERY_HAND_OVER, n == 0 || strcmp(m.name, node) == 0 ? node : id);
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
