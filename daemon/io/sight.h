/*
 * sight.h - ask one node what it sees, or answer that.
 *
 *   question  [relays 0 | 1, id of the node that is asked, what]
 *   answer    SIGHT_TABLE, SIGHT_REACH: an outlook (core/outlook.h), the second after
 *             a round of pings (about a second later); SIGHT_ROSTER, SIGHT_LEADER:
 *             the map that the CLI prints
 *
 * With relays 1 it may be put to another node, which asks on: so the two ends of a
 * path that is cut can both be heard.  A relay asks members alone, at most
 * SIGHT_RELAYS_MAX at a time, and is never asked to relay twice.
 */
#ifndef IO_SIGHT_H
#define IO_SIGHT_H

#include "../../gossip/mesh.h"
#include "../core/outlook.h"
#include "stream.h"

struct engine;

enum sight { SIGHT_TABLE = 1, SIGHT_REACH, SIGHT_ROSTER, SIGHT_LEADER };

enum { SIGHT_RELAYS_MAX = 16, SIGHT_TIMEOUT_MS = 3000, SIGHT_SOON_MS = 700 };

/* Ask node `id` through the node at `at`, which is id itself unless relayed.
 * done: as of stream_request; false: no memory, it will not be called. */
MUST_CHECK bool sight_ask(struct engine *e, const struct addr *at, const struct node_id *id,
    bool relayed, enum sight what, uint32_t timeout_ms, stream_done *done, void *arg);
/* What this node sees now; 0, or -ERR_FULL without memory.  outlook_free it. */
MUST_CHECK int sight_own(const struct engine *e, bool pinged, struct outlook *out);
/* then is called once the round of pings is over, from the loop; false: no memory. */
MUST_CHECK bool sight_reach(struct engine *e, void (*then)(void *arg), void *arg);
void sight_serve(struct engine *e, const uint8_t *payload, size_t len,
    struct stream_answer *answer);

#endif
