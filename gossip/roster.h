/*
 * roster.h - whose votes count, and how that changes.
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_ROSTER_H
#define GOSSIP_ROSTER_H

#include "elect.h"
#include "roster_recall.h"
#include "roster_sign.h"

struct mesh;

enum {
	ROSTER_CHUNK = 48, /* entries per datagram */
	/* id, MEMBER_OLD | MEMBER_NEW | ROSTER_TIE bits, weight old, weight new */
	ROSTER_ENTRY_BYTES = ID_BYTES + 3,
	ROSTER_TIE_SHIFT = 2,
	ROSTER_PEERS = 2,
};

/* roster_sum.c: begins as {.crypto = ...} */
struct roster_sum {
	const struct crypto *crypto;
	uint8_t b[HASH_BYTES + ROSTER_CHUNK * ROSTER_ENTRY_BYTES];
	size_t len; /* after the hash */
};

/* Where the next chunk begins in the order of ids. */
struct roster_place {
	uint64_t changes;
	uint32_t index, next;
};

struct roster {
	struct roster_id id;
	uint64_t seen_version; /* the highest anybody showed me */
	struct tally n;
	uint64_t hash;
	bool joint;
	msec change_at, ask_at, pause_until;
	uint32_t waits; /* so many newcomers, for a change */
	msec quiet_since, waits_since; /* since when so many; since when any */
	uint64_t tried, tried_at; /* hash that was not to be made of the table, as it was */
	bool foreign; /* taken from an elector: stamp it before building on it */
	bool is_signed; /* roster_sign.h */
	uint8_t sign[ROSTER_SIGN_BYTES];
	struct roster_named named; /* by a beat, and judged right; id 0 = none */
	struct roster_id refused; /* the last */
	struct recall recall;
	/* being fetched */
	struct roster_id fetch;
	uint64_t fetch_hash; /* as its beat named it; 0 = unknown */
	uint16_t fetch_from; /* who told of it */
	uint16_t fetch_peers[ROSTER_PEERS]; /* who else was asked; 0 = nobody */
	bool fetch_distrust; /* others handed out something else */
	uint32_t fetch_chunks, fetch_count, fetch_entries;
	uint32_t fetch_counted; /* fetch_count when it was asked for last */
	uint8_t *fetch_bytes; /* entries */
	uint8_t fetch_sign[ROSTER_SIGN_BYTES]; /* with the first of them */
	bool fetch_signed; /* it came */
	uint8_t fetch_have[(MESH_MEMBERS_LIMIT / ROSTER_CHUNK + 8) / 8 + 1];
	/* as saved */
	uint8_t *blob;
	size_t blob_cap, blob_len;
	bool blob_stale;
	msec late_at; /* what belongs into it came late: written then; 0 = nothing did */
};

int roster_init(struct mesh *m, msec now);
void roster_fini(struct mesh *m);
void roster_first(struct mesh *m);
void roster_step(struct mesh *m, msec now);
int roster_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p);
void roster_echoed(struct mesh *m, msec now, uint32_t from, const struct packet *p);
void roster_beat(struct mesh *m, msec now, uint32_t from, const struct packet *p);
/* Member from told, as it was asked, which one it holds; taken when this node knows none. */
void roster_told(struct mesh *m, msec now, uint32_t from, const struct packet *p);
void roster_save(struct mesh *m);
/* The byte of an entry that says in which sets it votes, and where it is the
 * tie-breaker; and a member's vote as an entry says it, whatever it says. */
uint8_t roster_bits(const struct member *x);
void roster_vote(struct member *x, uint64_t bits, uint64_t old, uint64_t new);
/* After any change of votes: counts, hash, must_save. */
void roster_recount(struct mesh *m);
/* Its entries are in the table: it is the roster held here, under that id, and made by
 * who signed it; NULL: nobody did. */
void roster_taken(struct mesh *m, msec now, const struct roster_id *id, const uint8_t *sign);
/* Member i says that it has left. */
void roster_left(struct mesh *m, uint32_t i);
/* Did it say so, and went by leave.h, when this roster, which names it, was held?  That is
 * said when one without it is in force, so this one is history, and who comes back in its
 * name, on an empty disk perhaps, has no vote by it: with that a second leader of the same
 * term could be elected.  On disk beside its entry. */
bool roster_spent(const struct mesh *m, uint32_t i);
/* Should member i have a vote, which has one or not?  A leader asks more of newcomers. */
bool roster_wanted(const struct mesh *m, uint32_t i, bool votes);
/* roster_fetch.c: so many that the leader alone can't hand it out. */
bool roster_crowd(const struct mesh *m);
void roster_fetch(struct mesh *m, msec now, uint32_t from, const struct roster_id *id,
    uint64_t hash);
uint32_t roster_chunk(const struct mesh *m, uint32_t index, struct roster_place *at, uint8_t *out);
/* As the entries in fetch_bytes say. */
void roster_votes(struct mesh *m);
/* roster_next.c: to a joint one, with who is wanted; from that to the new set alone. */
void roster_propose(struct mesh *m);
void roster_conclude(struct mesh *m);
/* A later roster in a beat of this node's leader: taken when it can be made of the one
 * held and the table; false: it must be fetched. */
bool roster_next(struct mesh *m, msec now, uint32_t from, const struct packet *p);
/* roster_sum.c: an entry's bytes; the hash of many, in order of ids. */
void roster_entry(uint8_t *out, const struct node_id *id, uint8_t votes,
    const struct ballot_weight *w);
void roster_sum_add(struct roster_sum *s, const uint8_t *entry);
uint64_t roster_sum_end(struct roster_sum *s);
/* roster_disk.c: from conf.saved.  0, or a negative ERR_. */
int roster_load(struct mesh *m, msec now);
/* What its entry says of a member with a vote came after the vote. */
void roster_late(struct mesh *m);
void roster_disk_tick(struct mesh *m, msec now);
msec roster_disk_deadline(const struct mesh *m);
/* Two leaders of one term may have made two rosters of one id: is mine another than the
 * one that this beat asks about? */
bool roster_is_other(const struct mesh *m, const struct packet *beat);
int roster_cmp(const struct roster_id *a, const struct roster_id *b);

#endif
