/*
 * dark.h - asking over streams those whom no datagram reaches, answering such
 * questions, and naming who is blocked.
 */
#ifndef IO_DARK_H
#define IO_DARK_H

#include "../../gossip/ask.h"
#include "stream.h"

struct engine;

enum { DARK_TEXT_CAP = 400 };

/* After every act on the mesh: ask whom it wants asked. */
void dark_look(struct engine *e);
/* QUERY_ALIVE came: answer it. */
void dark_serve(struct engine *e, const uint8_t *payload, size_t len,
    struct stream_answer *answer);
/* "udp blocked: only TCP passes between this node and n2, n5"; false: nobody is. */
bool dark_line(const struct engine *e, char *out, size_t cap);

#endif
