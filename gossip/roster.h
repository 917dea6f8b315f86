/*
 * roster.h - whose votes count, and how that changes.
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_ROSTER_H
#define GOSSIP_ROSTER_H

#include "elect.h"

struct mesh;

enum {
	ROSTER_CHUNK = 48, /* entries per datagram */
	/* id, MEMBER_OLD | MEMBER_NEW | ROSTER_TIE bits, weight old, weight new */
	ROSTER_ENTRY_BYTES = ID_BYTES + 3,
	ROSTER_TIE_SHIFT = 2,
};

struct roster {
	struct roster_id id;
	uint64_t seen_version; /* the highest anybody showed me */
	struct tally n;
	uint64_t hash;
	bool joint;
	msec change_at, ask_at, pause_until;
	bool foreign; /* taken from an elector: stamp it before building on it */
	/* being fetched */
	struct roster_id fetch;
	uint16_t fetch_from;
	uint32_t fetch_chunks, fetch_count, fetch_entries;
	uint8_t *fetch_bytes; /* entries */
	uint8_t fetch_have[(MESH_MEMBERS_LIMIT / ROSTER_CHUNK + 8) / 8 + 1];
	/* as saved */
	uint8_t *blob;
	size_t blob_cap, blob_len;
	bool blob_stale;
};

/* Member from told its roster; taken when this node knows none. */
void roster_recall(struct mesh *m, msec now, uint32_t from, const struct roster_id *id);
int roster_init(struct mesh *m, msec now);
void roster_fini(struct mesh *m);
void roster_first(struct mesh *m);
void roster_step(struct mesh *m, msec now);
int roster_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p);
void roster_echoed(struct mesh *m, msec now, uint32_t from, const struct packet *p);
void roster_beat(struct mesh *m, msec now, uint32_t from, const struct packet *p);
void roster_save(struct mesh *m);
uint32_t roster_chunk(const struct mesh *m, uint32_t index, uint8_t *out);
/* The byte of an entry that says in which sets it votes, and where it is the
 * tie-breaker; and a member's vote as an entry says it, whatever it says. */
uint8_t roster_bits(const struct member *x);
void roster_vote(struct member *x, uint64_t bits, uint64_t old, uint64_t new);
/* After any change of votes: counts, hash, must_save. */
void roster_recount(struct mesh *m);
/* Of one entry; the roster's is all of them in one. */
uint64_t roster_entry_hash(uint64_t short_id, struct ballot_weight w, uint8_t bits);
/* Its entries are in the table: it is the roster held here, under that id. */
void roster_taken(struct mesh *m, msec now, const struct roster_id *id);
/* roster_next.c: from joint to the new set alone. */
void roster_conclude(struct mesh *m);
/* A later roster in a beat of this node's leader: taken when it can be made of the one
 * held; false: it must be fetched. */
bool roster_next(struct mesh *m, msec now, uint32_t from, const struct packet *p);
/* roster_disk.c: from conf.saved.  0, or a negative ERR_. */
int roster_load(struct mesh *m, msec now);
int roster_cmp(const struct roster_id *a, const struct roster_id *b);

#endif
