/*
 * counters.c - see counters.h.  Whoever sends rubbish decides how often, so the
 * log gets one line a minute, and status the last minutes.
 */
#include "counters.h"

#include <stdio.h>

#include "pack.h"

enum { MINUTE_MS = 60000 };

struct kind {
	const char *reason, *means;
};

static const struct kind kinds[COUNTERS_KINDS] = {
    [ERR_SHORT] = {"short", "datagrams too short to be ours"},
    [ERR_LONG] = {"long", "datagrams too long to be ours"},
    [ERR_VERSION] = {"version", "of another protocol version"},
    [ERR_AUTH] = {"auth", "not of our cluster: another key, or damaged"},
    [ERR_REPLAY] = {"replay", "repeated, or much too late"},
    [ERR_MALFORMED] = {"malformed", "under our key, but no message: of another version?"},
    [ERR_BAD_ADDRESS] = {"bad_address", "name an address that can't be reached"},
    [ERR_IDENTITY] = {"identity", "another host uses a node's identity: a copied state-dir?"},
    [ERR_FULL] = {"full", "a table is full"},
    [ERR_RANGE] = {"range", "a value out of range"},
    [ERR_UNKNOWN] = {"unknown", "from or about a node that is not known here"},
    [ERR_EVICTED] = {"evicted", "of a node that was put out of this cluster"},
    [ERR_QUORUM] = {"quorum", "would leave no majority"},
    [ERR_NOT_LEADER] = {"not_leader", "for a leader that this node is not"},
    [ERR_CERT] = {"certificate", "without a certificate of this cluster"},
    [ERR_EXPIRED] = {"expired", "by a token that has expired"},
    [ERR_SPENT] = {"spent", "by a token that is used up"},
    [ERR_NO_VOTE] = {"no_vote", "of a node that has no vote here"},
    [ERR_STRANGER] = {"stranger", "of a node that is no member here"},
    [ERR_NO_WAY] = {"no_way", "to be passed on, and nothing gets there from here either"},
    [ERR_CLAIM] = {"claim", "of a node that claims what can't be: mesh status"},
    [COUNTERS_STREAM] = {"refused", "connections refused: too many, or no key yet"},
    [COUNTERS_STREAM + 1] = {"timeout", "connections that did not finish in time"},
    [COUNTERS_STREAM + 2] = {"truncated", "connections closed before their end"},
    [COUNTERS_STREAM + 3] = {"stream_auth", "connections not under our cluster key"},
    [COUNTERS_STREAM + 4] = {"too_large", "requests larger than may be"},
    [COUNTERS_STREAM + 5] = {"stream_epoch", "connections under a cluster key that is not in force"},
    [COUNTERS_STREAM + 6] = {"denied", "requests of a node that may not ask that: no member, no vote, or evicted"},
    [COUNTERS_ROOM + MESH_ROOM_DATAGRAMS] = {"no_room_datagrams", "datagrams not sent: their queue was full"},
    [COUNTERS_ROOM + MESH_ROOM_ANSWERS] = {"no_room_answers", "long answers not begun: too many at once"},
    [COUNTERS_ROOM + MESH_ROOM_STREAMS] = {"no_room_streams", "members not asked over a stream: too many at once"},
    [COUNTERS_ROOM + MESH_ROOM_PINGS] = {"no_room_pings", "pings for others not answered for: too many at once"},
    [COUNTERS_ROOM + MESH_ROOM_REPORTS] = {"no_room_reports", "pieces of reports not taken yet: too many at once"},
};

const char *
counters_reason(unsigned kind)
{
	return kinds[kind].reason;
}

static void
take(struct counters *c, const struct mesh_stats *mesh, const struct stream_stats *stream)
{
	const uint64_t streams[] = {
	    stream->refused, stream->timeout, stream->truncated, stream->auth, stream->too_large,
	    stream->epoch, stream->denied};

	c->mesh = *mesh;
	c->stream = *stream;
	memcpy(c->dropped, mesh->dropped, sizeof mesh->dropped);
	memcpy(c->dropped + COUNTERS_STREAM, streams, sizeof streams);
	memcpy(c->dropped + COUNTERS_ROOM, mesh->no_room, sizeof mesh->no_room);
}

/* "20 short (...), 3 auth (...)": what came since it was told last. */
static bool
tell(struct counters *c, char line[COUNTERS_LINE_CAP])
{
	size_t n = 0;

	for (unsigned k = 1; k < COUNTERS_KINDS; k++) {
		uint64_t fresh = c->dropped[k] - c->told[k];

		c->told[k] = c->dropped[k];
		if (fresh == 0 || kinds[k].reason == NULL || n >= COUNTERS_LINE_CAP)
			continue;
		n += (size_t)snprintf(line + n, COUNTERS_LINE_CAP - n, "%s%llu %s (%s)",
		    n > 0 ? ", " : "dropped: ", (unsigned long long)fresh, kinds[k].reason,
		    kinds[k].means);
	}
	return n > 0;
}

bool
counters_look(struct counters *c, msec now, const struct mesh_stats *mesh,
    const struct stream_stats *stream, uint64_t send_failed, char line[COUNTERS_LINE_CAP])
{
	take(c, mesh, stream);
	c->send_failed = send_failed;
	if (c->minute_at == 0)
		c->minute_at = now;
	while (now - c->minute_at >= MINUTE_MS) {
		memcpy(c->minutes[c->at], c->dropped, sizeof c->dropped);
		c->at = (c->at + 1) % COUNTERS_MINUTES;
		c->minute_at += MINUTE_MS;
	}
	if ((c->told_at != 0 && now - c->told_at < MINUTE_MS) || !tell(c, line))
		return false;
	c->told_at = now;
	return true;
}

/* The slot that is written next is the oldest. */
uint64_t
counters_recent(const struct counters *c, unsigned kind)
{
	return c->dropped[kind] - c->minutes[c->at][kind];
}

static void
pack_dropped(const struct counters *c, msgpack_packer *pk)
{
	uint32_t n = 0;

	for (unsigned k = 1; k < ERR_COUNT; k++)
		n += c->dropped[k] > 0;
	pk_str(pk, "dropped");
	msgpack_pack_map(pk, n);
	for (unsigned k = 1; k < ERR_COUNT; k++)
		if (c->dropped[k] > 0)
			pk_kuint(pk, kinds[k].reason, c->dropped[k]);
}

/* All of them: that there was none is worth knowing too. */
static void
pack_room(const struct counters *c, msgpack_packer *pk)
{
	pk_str(pk, "no_room");
	msgpack_pack_map(pk, MESH_ROOMS);
	for (unsigned k = COUNTERS_ROOM; k < COUNTERS_KINDS; k++)
		pk_kuint(pk, kinds[k].reason + strlen("no_room_"), c->dropped[k]);
}

static void
pack_recent(const struct counters *c, msgpack_packer *pk)
{
	uint32_t n = 0;

	for (unsigned k = 1; k < COUNTERS_KINDS; k++)
		n += kinds[k].reason != NULL && counters_recent(c, k) > 0;
	pk_str(pk, "recent");
	msgpack_pack_array(pk, n);
	for (unsigned k = 1; k < COUNTERS_KINDS; k++) {
		if (kinds[k].reason == NULL || counters_recent(c, k) == 0)
			continue;
		msgpack_pack_map(pk, 3);
		pk_kstr(pk, "reason", kinds[k].reason);
		pk_kuint(pk, "count", counters_recent(c, k));
		pk_kstr(pk, "means", kinds[k].means);
	}
}

void
counters_pack(const struct counters *c, msgpack_packer *pk)
{
	msgpack_pack_map(pk, 9);
	pk_kuint(pk, "rx_packets", c->mesh.rx_packets);
	pk_kuint(pk, "rx_bytes", c->mesh.rx_bytes);
	pk_kuint(pk, "tx_packets", c->mesh.tx_packets);
	pk_kuint(pk, "tx_bytes", c->mesh.tx_bytes);
	pk_kuint(pk, "tx_failed", c->send_failed);
	pack_dropped(c, pk);
	pack_room(c, pk);
	pk_str(pk, "streams");
	msgpack_pack_map(pk, 9);
	pk_kuint(pk, "accepted", c->stream.accepted);
	pk_kuint(pk, "answered", c->stream.answered);
	pk_kuint(pk, "refused", c->stream.refused);
	pk_kuint(pk, "timeout", c->stream.timeout);
	pk_kuint(pk, "truncated", c->stream.truncated);
	pk_kuint(pk, "auth", c->stream.auth);
	pk_kuint(pk, "too_large", c->stream.too_large);
	pk_kuint(pk, "epoch", c->stream.epoch);
	pk_kuint(pk, "denied", c->stream.denied);
	pack_recent(c, pk);
}
