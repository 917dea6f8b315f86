/*
 * sight.h - ask one node what it sees, or answer that.
 *
 *   question  [id of the node that is asked, what]
 *   answer    SIGHT_TABLE, SIGHT_REACH: an outlook (core/outlook.h), the second after
 *             a round of pings (about a second later); SIGHT_ROSTER, SIGHT_LEADER:
 *             the map that the CLI prints
 *
 * Put over another node (over.h) where a path is cut: so both of its ends can be heard.
 */
#ifndef IO_SIGHT_H
#define IO_SIGHT_H

#include "../../gossip/mesh.h"
#include "../core/outlook.h"
#include "stream.h"

struct engine;

enum sight { SIGHT_TABLE = 1, SIGHT_REACH, SIGHT_ROSTER, SIGHT_LEADER };

enum { SIGHT_TIMEOUT_MS = 3000, SIGHT_SOON_MS = 700 };

/* By whatever way.  done: as of stream_request; false: it will not be called. */
MUST_CHECK bool sight_ask(struct engine *e, const struct node_id *id, enum sight what,
    uint32_t timeout_ms, stream_done *done, void *arg);
/* Once: at that address, which is the node's own, or of who relays. */
MUST_CHECK bool sight_ask_at(struct engine *e, const struct addr *at, bool relays,
    const struct node_id *id, enum sight what, stream_done *done, void *arg);
/* What this node sees now; 0, or -ERR_FULL without memory.  outlook_free it. */
MUST_CHECK int sight_own(const struct engine *e, bool pinged, struct outlook *out);
/* then is called once the round of pings is over, from the loop; false: no memory. */
MUST_CHECK bool sight_reach(struct engine *e, void (*then)(void *arg), void *arg);
void sight_serve(struct engine *e, const uint8_t *payload, size_t len,
    struct stream_answer *answer);

#endif
