/*
 * rotate.h - `mesh keys`: how far a change of the cluster key is, begin one, and
 * the key of now for a host that is to join.  Any node takes it; what only the
 * leader knows is asked of it.
 */
#ifndef IO_ROTATE_H
#define IO_ROTATE_H

#include "ctl.h"
#include "stream.h"

struct engine;

void rotate_verb(struct engine *e, struct ctl_req *r);
/* Leading: who is dead, and waited for by a change of the key; names joined by commas, as
 * --force takes them.  How many. */
size_t rotate_waits(const struct engine *e, char *names, size_t cap);
/* Who is up, or who is down, and gets no key at a change, having no vote: names, as above.
 * How many. */
size_t rotate_misses(const struct engine *e, bool up, char *names, size_t cap);
/* Why not, of that member or "", with those who are up and have no vote, or "": writes text,
 * returns what to do next. */
const char *rotate_words(int rc, const char *without, const char *voteless, char text[ERR_TEXT_CAP]);
/* The leader's side of QUERY_KEYS: [rotate?, node to pass over or ""]. */
void rotate_serve(struct engine *e, const uint8_t *payload, size_t len,
    struct stream_answer *answer);

#endif
