/*
 * counters.h - what came in and was refused: how much of which kind, of late,
 * and a line in the log when it grows.  Pure but for the packing.
 */
#ifndef IO_COUNTERS_H
#define IO_COUNTERS_H

#include <msgpack.h>

#include "../../gossip/mesh.h"
#include "stream.h"

enum {
	COUNTERS_STREAM = ERR_COUNT, /* from here on: of connections */
	COUNTERS_ROOM = COUNTERS_STREAM + 7, /* from here on: what found no room, enum mesh_room */
	COUNTERS_KINDS = COUNTERS_ROOM + MESH_ROOMS,
	COUNTERS_MINUTES = 5, /* what `recent` looks back on */
	COUNTERS_LINE_CAP = 512,
};

struct counters {
	struct mesh_stats mesh; /* as looked at last */
	struct stream_stats stream;
	uint64_t send_failed;
	uint64_t dropped[COUNTERS_KINDS], told[COUNTERS_KINDS];
	uint64_t minutes[COUNTERS_MINUTES][COUNTERS_KINDS]; /* ring */
	unsigned at;
	msec minute_at, told_at; /* of the last; 0: none yet */
};

/* Look, once a second.  True: line is to be logged, at most once a minute. */
bool counters_look(struct counters *c, msec now, const struct mesh_stats *mesh,
    const struct stream_stats *stream, uint64_t send_failed, char line[COUNTERS_LINE_CAP]);
/* What a kind is called ("auth"); NULL: it is none. */
const char *counters_reason(unsigned kind);
/* How many of kind in the last COUNTERS_MINUTES. */
uint64_t counters_recent(const struct counters *c, unsigned kind);
/* A map: traffic; dropped {reason: n}; no_room {what: n}; streams; recent [{reason, count, means}]. */
void counters_pack(const struct counters *c, msgpack_packer *pk);

#endif
