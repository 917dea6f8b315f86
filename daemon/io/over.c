/*
 * over.c - see over.h.
 */
#include "over.h"

#include <stdlib.h>

#include "../../gossip/look.h"
#include "../../gossip/mp.h"
#include "../core/blob.h"
#include "engine.h"
#include "identity.h"
#include "pack.h"
#include "wire.h"

enum {
	WAYS = 3,    /* that are tried */
	HOP_MS = 50, /* a relay answers so much before who asked gives up */
};

bool
over_unreached(int rc)
{
	return rc == STREAM_CONNECT || rc == STREAM_TIMEOUT || rc == STREAM_TRUNCATED ||
	    rc == -ERR_NO_WAY;
}

static bool
passes(uint8_t kind)
{
	switch ((enum query)kind) {
	case QUERY_VIEW:
	case QUERY_FORCE:
	case QUERY_LOGS:
	case QUERY_LOGS_OF:
	case QUERY_HAND_OVER:
	case QUERY_SIGHT:
	case QUERY_KEYS:
	case QUERY_AUDIT:
	case QUERY_METRICS:
	case QUERY_ACTIONS:
	case QUERY_ACTION:
		return true;
	default:
		return false;
	}
}

/* --- asking ------------------------------------------------------------------ */

static bool
ask_at(struct engine *e, const struct addr *at, const struct node_id *id,
    const struct over_question *q, uint32_t hops, stream_done *done, void *arg)
{
	msgpack_sbuffer buf;
	msgpack_packer pk;
	bool ok;

	pk_begin_array(&buf, &pk, 5);
	msgpack_pack_uint32(&pk, hops);
	msgpack_pack_uint32(&pk, q->timeout_ms > HOP_MS ? q->timeout_ms - HOP_MS : 1);
	msgpack_pack_bin(&pk, ID_BYTES);
	msgpack_pack_bin_body(&pk, id->b, ID_BYTES);
	msgpack_pack_uint32(&pk, q->kind);
	msgpack_pack_bin(&pk, q->len);
	if (q->len > 0)
		msgpack_pack_bin_body(&pk, q->payload, q->len);
	ok = stream_request(e->loop, &e->keys, at, QUERY_OVER, buf.data, buf.size, q->timeout_ms,
		 done, arg) != NULL;
	msgpack_sbuffer_destroy(&buf);
	return ok;
}

static bool
ask_straight(struct engine *e, const struct addr *at, const struct over_question *q,
    stream_done *done, void *arg)
{
	const void *payload = q->len > 0 ? q->payload : "";

	/* Which serve.c keeps too. */
	if (q->kind == QUERY_METRICS && e->kept != NULL)
		return stream_kept_ask(e->kept, at, q->kind, payload, q->len, q->timeout_ms, done, arg);
	return stream_request(e->loop, &e->keys, at, q->kind, payload, q->len, q->timeout_ms, done,
		   arg) != NULL;
}

bool
over_ask_at(struct engine *e, const struct addr *at, const struct node_id *id,
    const struct over_question *q, stream_done *done, void *arg)
{
	return ask_at(e, at, id, q, OVER_HOPS - 1, done, arg);
}

struct asking {
	struct engine *e;
	struct node_id id;
	struct over_question q; /* its payload is ours */
	struct blob payload;
	uint32_t way;
	bool straight; /* that way was tried */
	struct node_id last; /* over whom */
	msec until;
	stream_done *done;
	void *arg;
};

static bool go(struct asking *a);

static void
asking_free(struct asking *a)
{
	blob_free(&a->payload);
	free(a);
}

static void
on_answer(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct asking *a = arg;

	if ((over_unreached(rc) || rc == -ERR_FULL) && !a->q.once && ++a->way < WAYS &&
	    net_now() + HOP_MS < a->until && go(a))
		return;
	a->done(a->arg, rc, data, len);
	asking_free(a);
}

/* By the way whose turn it is; false: there is none that was not tried, or no memory. */
static bool
go(struct asking *a)
{
	struct engine *e = a->e;
	msec left = a->until - net_now();
	struct over_question q = a->q;
	struct node_id last = a->last;
	struct mesh_member m, via;

	if (left < (msec)q.timeout_ms)
		q.timeout_ms = (uint32_t)left;
	if (e->mesh == NULL || !mesh_find(e->mesh, &a->id, &m))
		return false;
	if ((a->straight || a->way < WAYS - 1) &&
	    mesh_over(e->mesh, &a->id, &last, a->way, &a->last) &&
	    mesh_find(e->mesh, &a->last, &via))
		return ask_at(e, &via.addr, &a->id, &q, OVER_HOPS - 1, on_answer, a);
	if (a->straight)
		return false;
	a->straight = true;
	return ask_straight(e, &m.addr, &q, on_answer, a);
}

bool
over_ask(struct engine *e, const struct node_id *id, const struct over_question *q,
    stream_done *done, void *arg)
{
	struct asking *a = calloc(1, sizeof *a);

	if (a == NULL)
		return false;
	*a = (struct asking){.e = e, .id = *id, .q = *q,
	    .until = net_now() + 2 * (msec)q->timeout_ms, .done = done, .arg = arg};
	if (blob_copy(&a->payload, (struct slice){q->payload, q->len}) == 0) {
		a->q.payload = a->payload.b;
		if (go(a))
			return true;
	}
	asking_free(a);
	return false;
}

/* --- asking on ------------------------------------------------------------------- */

struct passing {
	struct engine *e;
	struct stream_answer *answer;
};

/* The other node's answer, unread: who asked judges it as that node's. */
static void
on_passed(void *arg, int rc, const uint8_t *data, size_t len)
{
	struct passing *p = arg;

	p->e->relays--;
	if (rc == 0)
		stream_answer_send(p->answer, data, len);
	else
		stream_answer_fail(p->answer, rc < 0 && rc > -ERR_COUNT ? -rc : ERR_NO_WAY);
	free(p);
}

struct question {
	uint64_t hops;
	struct node_id id;
	struct over_question q; /* borrows the request */
};

static int
read_question(const uint8_t *b, size_t len, struct question *q)
{
	const uint8_t *id, *payload;
	uint64_t ms, kind;
	uint32_t n;
	size_t k;
	struct mp mp;

	mp_init(&mp, b, len, 2);
	if (mp_array(&mp, &n) < 0 || n != 5 || mp_uint_max(&mp, OVER_HOPS, &q->hops) < 0 ||
	    mp_uint_max(&mp, OVER_MS_MAX, &ms) < 0 || mp_bin(&mp, &id, &k) < 0 ||
	    k != ID_BYTES || mp_uint_max(&mp, UINT8_MAX, &kind) < 0 ||
	    mp_bin(&mp, &payload, &q->q.len) < 0 || mp_end(&mp) < 0)
		return -ERR_MALFORMED;
	memcpy(q->id.b, id, ID_BYTES);
	q->q.kind = (uint8_t)kind;
	q->q.payload = payload;
	q->q.timeout_ms = ms > HOP_MS ? (uint32_t)ms : HOP_MS;
	return passes(q->q.kind) ? 0 : -ERR_UNKNOWN;
}

/* One way, the one that is known: whoever asked tries others. */
static int
pass_on(struct engine *e, const struct stream_peer *peer, const struct question *q,
    struct stream_answer *answer)
{
	struct mesh_member m, via;
	struct node_id from, over;
	struct passing *p;
	bool ok, around;

	identity_id(peer->pk, &from);
	if (e->mesh == NULL || !mesh_find(e->mesh, &q->id, &m) || m.self || m.state == MESH_LEFT)
		return -ERR_NO_WAY;
	around = mesh_over(e->mesh, &q->id, &from, 0, &over);
	if (around && (q->hops == 0 || !mesh_find(e->mesh, &over, &via)))
		return -ERR_NO_WAY;
	if (e->relays >= OVER_RELAYS_MAX || (p = calloc(1, sizeof *p)) == NULL)
		return -ERR_FULL;
	*p = (struct passing){e, answer};
	if (around)
		ok = ask_at(e, &via.addr, &q->id, &q->q, (uint32_t)q->hops - 1, on_passed, p);
	else
		ok = ask_straight(e, &m.addr, &q->q, on_passed, p);
	if (!ok) {
		free(p);
		return -ERR_FULL;
	}
	e->relays++;
	return 0;
}

void
over_serve(struct engine *e, const struct stream_peer *peer, const uint8_t *payload, size_t len,
    struct stream_answer *answer,
    int (*may)(const struct engine *e, const struct stream_peer *peer, uint8_t kind))
{
	struct question q = {0};
	int rc = read_question(payload, len, &q);

	if (rc == 0 && (rc = may(e, peer, q.q.kind)) < 0) {
		stream_answer_deny(answer, -rc);
		return;
	}
	if (rc == 0)
		rc = pass_on(e, peer, &q, answer);
	if (rc < 0)
		stream_answer_fail(answer, -rc);
}
