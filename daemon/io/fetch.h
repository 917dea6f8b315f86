/*
 * fetch.h - get one schedule, whole, from a member that holds it: header by
 * its hash, and the parts this node lacks, each checked against its hash.  Where it is in
 * force and small, as most are, that is one question and one answer.
 * A few at a time; done is called exactly once unless cancelled.
 */
#ifndef IO_FETCH_H
#define IO_FETCH_H

#include "keep.h"
#include "stream.h"

struct fetch;

/* rc 0 and a whole schedule (take it: then leave *s zeroed), or negative and
 * NULL.  why is one line for the log. */
typedef void fetch_done(void *arg, int rc, struct schedule *s, const char *why);

struct fetch *fetch_start(uv_loop_t *loop, struct keep *k, const struct keyring *keys,
    const struct addr *holder, const struct schedule_ref *ref, fetch_done *done, void *arg);
void fetch_cancel(struct fetch *f);
const struct schedule_ref *fetch_ref(const struct fetch *f);
/* Inside done: is this the fetch that ended? */
bool fetch_is_done(const struct fetch *f);

/* The server's side: answer QUERY_HEADER, QUERY_PARTS and QUERY_WHOLE from what is held. */
void fetch_serve(struct keep *k, uint8_t kind, const uint8_t *payload, size_t len,
    struct stream_answer *answer);

#endif
