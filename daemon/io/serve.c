/*
 * serve.c - what peers ask over streams (wire.h).  They hold the cluster key
 * and have shown who they are; their bytes are still decoded as hostile.
 */
#include "../../gossip/look.h"
#include "../../gossip/mp.h"
#include "../base/own.h"
#include "actions.h"
#include "actlead.h"
#include "acts.h"
#include "audit.h"
#include "engine.h"
#include "logrole.h"
#include "logs.h"
#include "metricsask.h"
#include "over.h"
#include "pack.h"
#include "past.h"
#include "revert.h"
#include "rotate.h"
#include "sight.h"
#include "status.h"
#include "wire.h"

static void
serve_view(struct engine *e, struct stream_answer *answer)
{
	msgpack_sbuffer buf;
	msgpack_packer pk;

	msgpack_sbuffer_init(&buf);
	msgpack_packer_init(&pk, &buf, msgpack_sbuffer_write);
	status_pack_view(e, &pk);
	if (buf.size > STREAM_BYTES_MAX)
		stream_answer_fail(answer, ERR_LONG);
	else
		stream_answer_send(answer, buf.data, buf.size);
	msgpack_sbuffer_destroy(&buf);
}

/* [instance, lines, after] -> [after, text] */
static void
serve_logs(struct engine *e, const uint8_t *payload, size_t len, struct stream_answer *answer)
{
	char instance[NAME_CAP], after[LOGS_TIME_CAP] = "";
	struct blob text;
	struct err err;
	msgpack_sbuffer buf;
	msgpack_packer pk;
	uint64_t lines;
	uint32_t n;
	struct mp mp;

	mp_init(&mp, payload, len, 2);
	if (mp_array(&mp, &n) < 0 || n != 3 || mp_cstr(&mp, instance, sizeof instance) < 0 ||
	    mp_uint_max(&mp, LOGS_LINES_MAX, &lines) < 0 || logs_cursor(&mp, after) < 0 ||
	    mp_end(&mp) < 0) {
		stream_answer_fail(answer, ERR_MALFORMED);
		return;
	}
	AUTO_CLOSE int dir = engine_open_dir(e->conf.log_dir);
	if (logs_look(dir, instance, (size_t)lines, after, &text, &err) < 0) {
		stream_answer_fail(answer, ERR_UNKNOWN);
		return;
	}
	pk_begin_array(&buf, &pk, 2);
	pk_str(&pk, after);
	pk_strn(&pk, (const char *)text.b, text.len);
	stream_answer_send(answer, buf.data, buf.size);
	msgpack_sbuffer_destroy(&buf);
	blob_free(&text);
}

/*
 * 0, or why that node may not ask this: the cluster key alone is no right.  What a
 * member may know, who is in the table may ask; what an operator may order, a node
 * with a vote may pass on.  Whether a node lives may be asked by who came a moment ago.
 */
static int
may_ask(const struct engine *e, const struct stream_peer *peer, uint8_t kind)
{
	enum mesh_standing who = e->mesh == NULL ? MESH_STRANGER : mesh_standing(e->mesh, peer->pk);
	bool orders = kind == QUERY_FORCE || kind == QUERY_HAND_OVER || kind == QUERY_KEYS ||
	    kind == QUERY_AUDIT || kind == QUERY_REVERT || kind == QUERY_ACTIONS ||
	    kind == QUERY_ACTION;

	if (who == MESH_OUT)
		return -ERR_EVICTED;
	if (kind != QUERY_ALIVE && who == MESH_STRANGER)
		return -ERR_STRANGER;
	return orders && who != MESH_VOTES ? -ERR_NO_VOTE : 0;
}

void
serve_handle(void *arg, const struct stream_peer *peer, uint8_t kind, const uint8_t *payload,
    size_t len, struct stream_answer *answer)
{
	struct engine *e = arg;
	int rc = may_ask(e, peer, kind);

	if (rc < 0) {
		stream_answer_deny(answer, -rc);
		return;
	}
	switch (kind) {
	case QUERY_HEADER:
	case QUERY_PARTS:
	case QUERY_WHOLE:
		fetch_serve(&e->keep, kind, payload, len, answer);
		return;
	case QUERY_VIEW:
		serve_view(e, answer);
		return;
	case QUERY_FORCE:
	case QUERY_HAND_OVER:
		acts_serve(e, kind, payload, len, answer);
		return;
	case QUERY_ACTIONS:
		actlead_serve(e, payload, len, answer);
		return;
	case QUERY_ACTION:
		actions_serve(e, payload, len, answer);
		return;
	case QUERY_SIGHT:
		sight_serve(e, payload, len, answer);
		return;
	case QUERY_KEYS:
		rotate_serve(e, payload, len, answer);
		return;
	case QUERY_LOGS:
		serve_logs(e, payload, len, answer);
		return;
	case QUERY_LOGS_OF:
		logrole_serve(e, payload, len, answer);
		return;
	case QUERY_AUDIT:
		audit_serve(e, payload, len, answer);
		return;
	case QUERY_OVER:
		over_serve(e, peer, payload, len, answer, may_ask);
		return;
	case QUERY_FACTS:
		dossier_serve(e, payload, len, answer);
		return;
	case QUERY_METRICS:
		stream_answer_keep(answer); /* as over.c does */
		metricsask_serve(e, payload, len, answer);
		return;
	case QUERY_ROUND:
		past_serve(e, payload, len, answer);
		return;
	case QUERY_REVERT:
		revert_serve(e, payload, len, answer);
		return;
	case QUERY_ALIVE:
		dark_serve(e, payload, len, answer);
		return;
	default:
		stream_answer_fail(answer, ERR_UNKNOWN);
	}
}
