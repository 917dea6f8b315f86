/*
 * evict.h - who is out for good: an act that one of us signed, that all pass on
 * and that nobody forgets.
 *
 *	 0               16                      48                          112
 *	 +---------------+-----------------------+---------------------------+
 *	 | evicted id 16 | pk of who evicts 32   | signature 64              |
 *	 +---------------+-----------------------+---------------------------+
 *	signed = "mesh evict 0" | cluster 16 | evicted id 16
 *
 * The same bytes ride with rumours, lie on disk and answer whoever is out.  The
 * evicted, and the recoveries among them (recover.h: the same shape, with a number in the
 * place of an id), are a set that only grows, so all tables of them end equal whatever
 * order the acts arrive in: of two acts about one node either will do, and an act
 * stands though its signer was evicted since.  Where there is a CA (cert.h) it alone
 * signs: in place of who evicts stands the token by which the evicted came, whose use
 * stays spent so, and the signature is the CA's decree "evict" over both (decree.h).
 * Where all hold one key, each that has a vote may sign; the operator's right is asked
 * for at the node that does.  Keys are cheap: an act counts only when its signer has a
 * vote in the roster held here, or when one who has tells it under its own key, as he
 * could have signed it himself (the signer may be out or gone since).  Who knows no
 * roster yet waits for it: the acts are in the hash that tables are compared by, and
 * come again.
 *
 * Who is out is refused from then on, whatever it sends, and told why, by an act that
 * the one who tells it signed himself if he may: who was away need not know him who
 * signed first, but whom it talks to it knows.  It goes as a packet of its own that is longer than what it answers only when it goes to
 * an address that the evicted itself signed.  Whoever learns that it is itself
 * evicted falls silent: it leads nobody, votes for nobody and grants nothing.
 *
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_EVICT_H
#define GOSSIP_EVICT_H

#include "spread.h"

struct mesh;
struct members;
struct addr;
struct seal_frame;

struct eviction {
	uint8_t id[ID_BYTES], pk[KEY_BYTES], sig[SIG_BYTES];
};

enum {
	EVICT_BODY_BYTES = ID_BYTES + KEY_BYTES, /* what a CA signs */
	EVICTION_BYTES = EVICT_BODY_BYTES + SIG_BYTES,
	EVICT_NONE = UINT16_MAX,
};
_Static_assert(sizeof(struct eviction) == EVICTION_BYTES, "bytes alone: what is sent and saved");

struct evict {
	struct eviction *all; /* in the order they were heard of */
	uint32_t count, max;
	struct spread news;
	struct eviction own; /* evict_notice: the last one that was signed */
	bool self; /* this node is out */
};

struct mesh_lost;

MUST_CHECK bool evict_init(struct evict *e, uint32_t max);
void evict_fini(struct evict *e);
/* Index of the act about a node, by its short id, or EVICT_NONE. */
uint32_t evict_find(const struct evict *e, uint64_t short_id);
/* From mesh_saved, before anybody is heard.  -ERR_MALFORMED. */
MUST_CHECK int evict_load(struct mesh *m, msec now);
/* An act came as EVICTION_BYTES, under the own key of member by, or of who knows whom
 * (MEMBER_NONE).  0, -ERR_UNKNOWN (its signer has no right to it here), -ERR_AUTH, -ERR_FULL. */
int evict_hear(struct mesh *m, msec now, const uint8_t *act, uint32_t by);
/* Has member i a vote here, and is not out?  Nor MEMBER_NONE. */
bool evict_votes(const struct mesh *m, uint32_t i);
/* Where there is no CA: who signed it. */
void evict_signer(const struct mesh *m, const struct eviction *x, struct node_id *out);
/* As an operator's CA signed it; signed here. */
void evict_of(const struct mesh_lost *lost, struct eviction *out);
void evict_sign(const struct mesh *m, const struct node_id *id, struct eviction *out);
/* Unless it is known; what it means is done.  -ERR_FULL. */
MUST_CHECK int evict_add(struct mesh *m, msec now, const struct eviction *x);
/* Members may have been added by id alone: those who are out stay out. */
void evict_mark_all(struct mesh *m, msec now);
/* What the one of act k is told: EVICTION_BYTES, until the next call. */
const uint8_t *evict_notice(struct mesh *m, uint32_t k);
/* Is the sender of this authentic frame out?  Then it is told so. */
bool evict_refuses(struct mesh *m, msec now, const struct addr *from,
    const struct seal_frame *frame, size_t len);

#endif
