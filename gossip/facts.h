/*
 * facts.h - what a node says of itself that changes seldom (machine, images,
 * configuration): signed and numbered by its owner, held by all, passed on by anybody.
 *
 * A summary (brief.h) carries four bytes of the hash of its owner's facts: a hint.
 * Where it differs from what is held, somebody is asked over a stream (gather.c).
 *
 *	 0     16            24         28     92     96
 *	 +------+-------------+----------+------+------+- - - -+
 *	 | id 16| generation 8| version 4| sig  | len 4| facts |   a record
 *	 +------+-------------+----------+------+------+- - - -+
 *	signed = "mesh facts 0" | cluster 16 | pk 32 | generation 8 | version 4
 *	       | BLAKE2b-256(facts)
 *	question = [ short id 8 | generation 8 | version 4 ] x 1..FACTS_ITEMS_MAX
 *	answer   = records newer than what the question names, as many as fit
 *
 * Big-endian.  Of two records of one owner the higher (generation, version) is newer,
 * and an older one never takes its place.  The hash is of the facts alone: who
 * restarts with the same facts is asked by nobody.  A hint proves nothing: the owner's
 * signature does, whoever sent it.
 *
 * The machine keeps what records are held; their bytes are the caller's, in memory
 * only.  It drains mesh_facts_poll after mesh_poll, and asks; each record of the answer
 * goes to mesh_facts_take, then mesh_facts_over.  All of it is opaque here but lengths.
 */
#ifndef GOSSIP_FACTS_H
#define GOSSIP_FACTS_H

#include "mesh.h"

enum {
	FACTS_BYTES_MAX = 16384, /* of one node */
	FACTS_STORE_MAX = 32 << 20, /* of all that are held; above it nothing new is */
	FACTS_HEAD_BYTES = ID_BYTES + 8 + 4 + SIG_BYTES + 4,
	FACTS_ITEM_BYTES = 8 + 8 + 4,
	FACTS_ITEMS_MAX = 128,
	FACTS_ANSWER_MAX = 256 << 10, /* whole records; one of them always fits */
};

/* Borrows from the bytes that it was read from. */
struct facts_record {
	struct node_id id;
	uint64_t generation;
	uint32_t version;
	const uint8_t *sig, *facts, *whole; /* whole: head and facts */
	size_t len, whole_len;
};

struct facts_item {
	uint64_t short_id, generation; /* 0 and 0: nothing is held */
	uint32_t version;
};

struct mesh_facts_ask {
	uint32_t number; /* for mesh_facts_over */
	struct node_id id; /* who is asked */
	struct addr addr;
	size_t len;
	uint8_t question[FACTS_ITEMS_MAX * FACTS_ITEM_BYTES];
};

struct mesh_facts {
	uint64_t generation;
	uint32_t version, bytes;
	bool current; /* its owner's last hint was of this */
};

struct mesh_facts_stats {
	/* Questions; records.  Unknown: of who began anew or left while the answer came, which
	 * is nobody's fault; refused: forged, or there is no room. */
	uint64_t asked, taken, stale, unknown, refused;
	uint32_t held;
	size_t bytes; /* of facts, of others */
};

/* --- bytes from outside ------------------------------------------------------ */
/* The next record of an answer: 1, 0 at the end, -ERR_MALFORMED. */
MUST_CHECK int facts_next(struct facts_record *r, const uint8_t **at, const uint8_t *end);
/* The items of a question: how many, or -ERR_MALFORMED. */
MUST_CHECK int facts_items(struct facts_item *out, const uint8_t *buf, size_t len);
static inline bool
facts_newer(uint64_t generation, uint32_t version, uint64_t than, uint32_t than_version)
{
	return generation != than ? generation > than : version > than_version;
}

/* --- the machine ---------------------------------------------------------------- */
/*
 * This node's own, as they are now.  1: they are new, or it is of another cluster or
 * life; head is to be put before them, and *hint into its summary.  0: as before.
 * -ERR_LONG: more than FACTS_BYTES_MAX, and the last stand.
 */
MUST_CHECK int mesh_facts_say(struct mesh *m, const uint8_t *facts, size_t len,
    uint8_t head[FACTS_HEAD_BYTES], uint32_t *hint);
/* Whom to ask next, and what; false = nobody now. */
bool mesh_facts_poll(struct mesh *m, msec now, struct mesh_facts_ask *out);
/* That question has been answered, or will not be. */
void mesh_facts_over(struct mesh *m, msec now, uint32_t number);
/* 0: newer than what was held, and its owner's; keep it.  -ERR_REPLAY: not newer;
 * -ERR_AUTH, -ERR_LONG, -ERR_UNKNOWN (no such member, or it left), -ERR_FULL. */
MUST_CHECK int mesh_facts_take(struct mesh *m, const struct facts_record *r);
/* What is held of that node, also of this one; false: nothing, or it left, or it is of this
 * one for another cluster (mesh_facts_say makes it anew): forget it. */
bool mesh_facts_held(const struct mesh *m, const struct node_id *id, struct mesh_facts *out);
void mesh_facts_stats(const struct mesh *m, struct mesh_facts_stats *out);

#endif
