/*
 * over.h - a question to another node (wire.h), by whatever way there is: straight,
 * and where no stream gets there, over members which do answer.
 *
 *	asks n1 ---- no path ----x n1
 *	  |                        ^
 *	  +-- OVER n1 --> n2 ------+        n2 asks in its own name, and says it on
 *
 *   QUERY_OVER  [hops 0..OVER_HOPS, ms, id 16, kind, payload] -> that node's answer;
 *               ERR_NO_WAY: from there it is not reached either
 *
 * The way is what the gossip below already knows: who answers its pings, who does not
 * hear this node, over whom its beats come (gossip/look.h: mesh_over).  A relay asks
 * only what who asks it may ask itself, members alone, OVER_RELAYS_MAX at a time; the
 * hops end a question that goes in a circle.  A relay can lie: so may any member about
 * itself, and nothing of this is believed where a signature is needed.
 */
#ifndef IO_OVER_H
#define IO_OVER_H

#include "../../gossip/base.h"
#include "stream.h"

struct engine;

enum { OVER_HOPS = 8, OVER_RELAYS_MAX = 16, OVER_MS_MAX = 10000, OVER_ASK_BYTES = 64 };

struct over_question {
	uint8_t kind; /* enum query */
	bool once;    /* an order: when no answer comes nobody knows whether it arrived */
	const void *payload; /* copied */
	size_t len;
	uint32_t timeout_ms;
};

/* Ask member id; unless once, by another way when one fails, which takes at most two
 * timeouts.  done: as of stream_request; false: no memory, or no such member: it will not
 * be called. */
MUST_CHECK bool over_ask(struct engine *e, const struct node_id *id,
    const struct over_question *q, stream_done *done, void *arg);
/* Once, through the member at `at`. */
MUST_CHECK bool over_ask_at(struct engine *e, const struct addr *at, const struct node_id *id,
    const struct over_question *q, stream_done *done, void *arg);
/* Did the way end it, and not the node that was asked? */
bool over_unreached(int rc);
/* Somebody asks on.  may(e, peer, kind): 0, or why it may not ask that. */
void over_serve(struct engine *e, const struct stream_peer *peer, const uint8_t *payload,
    size_t len, struct stream_answer *answer,
    int (*may)(const struct engine *e, const struct stream_peer *peer, uint8_t kind));

#endif
