/*
 * seepack.h - answers of the seeing verbs, packed as the CLI prints them
 * (base/ctl.h).
 */
#ifndef IO_SEEPACK_H
#define IO_SEEPACK_H

#include <msgpack.h>

#include "../../gossip/mesh.h"
#include "../core/compare.h"

struct engine;

void seepack_compare(const struct engine *e, const struct compare *c, int64_t took_ms,
    msgpack_packer *pk);
void seepack_partition(const struct engine *e, const struct compare *c, msgpack_packer *pk);
void seepack_reached(const struct engine *e, int64_t took_ms, msgpack_packer *pk);
/* own: measured by this node, which knows whether it answers still. */
void seepack_rtt(const char *from, const struct mesh_member *to, int32_t rtt_ms, const char *by,
    bool own, msgpack_packer *pk);
void seepack_rtts(const struct engine *e, msgpack_packer *pk);

#endif
