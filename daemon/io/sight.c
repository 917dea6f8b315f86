/*
 * sight.c - see sight.h.
 */
#include "sight.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../gossip/look.h"
#include "../../gossip/mp.h"
#include "engine.h"
#include "looks.h"
#include "over.h"
#include "pack.h"
#include "wire.h"

enum { REACH_POLL_MS = 50, REACH_MS_MAX = 6000 };

/* --- asking ------------------------------------------------------------------ */

static void
pack_question(const struct node_id *id, enum sight what, msgpack_sbuffer *buf)
{
	msgpack_packer pk;

	pk_begin(buf, &pk);
	msgpack_pack_array(&pk, 2);
	msgpack_pack_bin(&pk, ID_BYTES);
	msgpack_pack_bin_body(&pk, id->b, ID_BYTES);
	msgpack_pack_uint32(&pk, what);
}

bool
sight_ask(struct engine *e, const struct node_id *id, enum sight what, uint32_t timeout_ms,
    stream_done *done, void *arg)
{
	msgpack_sbuffer buf;
	bool ok;

	pack_question(id, what, &buf);
	ok = over_ask(e, id,
	    &(struct over_question){QUERY_SIGHT, false, buf.data, buf.size, timeout_ms}, done, arg);
	msgpack_sbuffer_destroy(&buf);
	return ok;
}

bool
sight_ask_at(struct engine *e, const struct addr *at, bool relays, const struct node_id *id,
    enum sight what, stream_done *done, void *arg)
{
	msgpack_sbuffer buf;
	bool ok;

	pack_question(id, what, &buf);
	if (relays)
		ok = over_ask_at(e, at, id,
		    &(struct over_question){QUERY_SIGHT, false, buf.data, buf.size,
			SIGHT_TIMEOUT_MS + SIGHT_SOON_MS}, done, arg);
	else
		ok = stream_request(e->loop, &e->keys, at, QUERY_SIGHT, buf.data, buf.size,
			 SIGHT_TIMEOUT_MS, done, arg) != NULL;
	msgpack_sbuffer_destroy(&buf);
	return ok;
}

/* --- what this node sees -------------------------------------------------------- */

static void
fill_row(const struct engine *e, const struct mesh_member *m, struct outlook_row *r)
{
	struct mesh_reached reached;
	msec now = net_now();

	mesh_reached(e->mesh, &m->id, &reached);
	r->id = m->id;
	memcpy(r->name, m->name, sizeof r->name);
	r->state = (uint8_t)m->state;
	r->flags = (uint8_t)((reached.asked ? OUTLOOK_ASKED : 0) |
	    (reached.answered ? OUTLOOK_ANSWERED : 0) | (reached.heard ? OUTLOOK_HEARD : 0) |
	    (m->in_roster ? OUTLOOK_IN_ROSTER : 0) | (m->udp_blocked ? OUTLOOK_BLOCKED : 0));
	r->rtt_ms = reached.answered ? reached.rtt_ms : m->rtt_ms;
	r->seen_ms = m->self ? 0 : m->seen == MSEC_NEVER ? -1 : now > m->seen ? now - m->seen : 0;
}

int
sight_own(const struct engine *e, bool pinged, struct outlook *out)
{
	uint32_t n = e->mesh != NULL ? mesh_count(e->mesh) : 0;
	struct mesh_side side = {0};
	struct mesh_member m;

	*out = (struct outlook){.id = e->identity.id, .pinged = pinged};
	memcpy(out->name, e->conf.name, sizeof out->name);
	if ((out->rows = calloc((size_t)n + 1, sizeof *out->rows)) == NULL)
		return -ERR_FULL;
	if (n == 0)
		return 0;
	mesh_side(e->mesh, net_now(), &side);
	out->grade = (uint8_t)side.grade;
	out->has_leader = side.has_leader;
	out->leader = side.leader;
	out->term = side.term;
	out->since_ms = net_now() - side.since;
	for (uint32_t i = 0; i < n && mesh_member(e->mesh, i, &m); i++)
		fill_row(e, &m, &out->rows[out->count++]);
	return 0;
}

struct reaching {
	struct engine *e;
	uv_timer_t timer;
	msec until;
	void (*then)(void *arg);
	void *arg;
};

static void
on_reach_closed(uv_handle_t *h)
{
	free(h->data);
}

static void
on_reach_poll(uv_timer_t *timer)
{
	struct reaching *r = timer->data;

	if (r->e->mesh != NULL && !mesh_reach_over(r->e->mesh) && net_now() < r->until)
		return;
	uv_close((uv_handle_t *)timer, on_reach_closed);
	r->then(r->arg);
}

bool
sight_reach(struct engine *e, void (*then)(void *arg), void *arg)
{
	struct reaching *r = calloc(1, sizeof *r);

	if (r == NULL)
		return false;
	*r = (struct reaching){
	    .e = e, .until = net_now() + REACH_MS_MAX, .then = then, .arg = arg};
	if (e->mesh != NULL) {
		mesh_reach(e->mesh, net_now());
		engine_kick(e);
	}
	uv_timer_init(e->loop, &r->timer);
	r->timer.data = r;
	uv_timer_start(&r->timer, on_reach_poll, REACH_POLL_MS, REACH_POLL_MS);
	return true;
}

/* --- answering -------------------------------------------------------------------- */

struct asked {
	struct engine *e;
	struct stream_answer *answer;
};

static struct asked *
asked_new(struct engine *e, struct stream_answer *answer)
{
	struct asked *a = calloc(1, sizeof *a);

	if (a == NULL)
		stream_answer_fail(answer, ERR_FULL);
	else
		*a = (struct asked){e, answer};
	return a;
}

static void
answer_outlook(struct engine *e, bool pinged, struct stream_answer *answer)
{
	struct outlook o;
	struct blob b = {0};
	int rc = sight_own(e, pinged, &o);

	if (rc == 0)
		rc = outlook_pack(&o, &b);
	outlook_free(&o);
	if (rc < 0)
		stream_answer_fail(answer, -rc);
	else
		stream_answer_send(answer, b.b, b.len);
	blob_free(&b);
}

static void
on_reached(void *arg)
{
	struct asked *a = arg;

	answer_outlook(a->e, true, a->answer);
	free(a);
}

static void
answer_map(struct engine *e, enum sight what, struct stream_answer *answer)
{
	msgpack_sbuffer buf;
	msgpack_packer pk;

	msgpack_sbuffer_init(&buf);
	msgpack_packer_init(&pk, &buf, msgpack_sbuffer_write);
	if (what == SIGHT_ROSTER)
		looks_pack_roster(e, &pk);
	else
		looks_pack_leader(e, (struct slice){NULL, 0}, &pk);
	if (buf.size > STREAM_BYTES_MAX)
		stream_answer_fail(answer, ERR_LONG);
	else
		stream_answer_send(answer, buf.data, buf.size);
	msgpack_sbuffer_destroy(&buf);
}

static void
answer_here(struct engine *e, enum sight what, struct stream_answer *answer)
{
	struct asked *a;

	switch (what) {
	case SIGHT_TABLE:
		answer_outlook(e, false, answer);
		return;
	case SIGHT_REACH:
		if ((a = asked_new(e, answer)) != NULL && !sight_reach(e, on_reached, a)) {
			stream_answer_fail(answer, ERR_FULL);
			free(a);
		}
		return;
	case SIGHT_ROSTER:
	case SIGHT_LEADER:
		answer_map(e, what, answer);
		return;
	}
	stream_answer_fail(answer, ERR_UNKNOWN);
}

void
sight_serve(struct engine *e, const uint8_t *payload, size_t len, struct stream_answer *answer)
{
	struct node_id id;
	const uint8_t *b;
	uint64_t what;
	struct mp mp;
	uint32_t n;
	size_t k;

	mp_init(&mp, payload, len, 2);
	if (mp_array(&mp, &n) < 0 || n != 2 || mp_bin(&mp, &b, &k) < 0 || k != ID_BYTES ||
	    mp_uint_max(&mp, SIGHT_LEADER, &what) < 0 || mp_end(&mp) < 0) {
		stream_answer_fail(answer, ERR_MALFORMED);
		return;
	}
	memcpy(id.b, b, ID_BYTES);
	if (id_eq(&id, &e->identity.id))
		answer_here(e, (enum sight)what, answer);
	else
		stream_answer_fail(answer, ERR_IDENTITY);
}
