/*
 * members.h - the table of everybody this node ever heard of, itself at
 * index 0, and the total order that lets every node end with the same table
 * whatever order rumours arrive in: generation, then incarnation, then
 * alive < suspect < failed; left ends a generation for good.
 *
 * An index names a member for as long as the table lives, except that a slot
 * of a member who left, or is dead, and has no vote is given away when the table is
 * full.  All memory is taken in members_init.
 */
#ifndef GOSSIP_MEMBERS_H
#define GOSSIP_MEMBERS_H

#include "admit.h"
#include "evict.h"
#include "member.h"
#include "packet.h"
#include "pair.h"
#include "prng.h"
#include "spread.h"

enum {
	MEMBER_NONE = UINT16_MAX,
	MEMBERS_BUCKETS = 32, /* by the top bits of the id, for sync */
	SYNC_BYTES = MEMBERS_BUCKETS * SYNC_BUCKET_BYTES,
};

struct members {
	uint32_t max, count;
	uint32_t by_state[4], forgotten, far; /* counts; of those FAILED; of those up: missed */
	struct member *m;
	struct member_report *reports;
	struct member_vote *votes;
	struct member_doubt *doubts;
	struct member_facts *facts;
	struct member_proof *proofs;
	struct member_cert *certs; /* admit.h; NULL: the cluster has no CA */
	uint32_t *names; /* a hash of each name: who else has this one? */
	uint16_t *order; /* indices in id order */
	uint32_t *map;	 /* short id -> tag 16, index + 1 16; 0 = free; open addressing */
	uint32_t map_mask;
	struct pairs pairs;
	uint8_t *text;
	uint32_t text_cap, text_len;
	struct spread urgent, news, summaries; /* what is to be told */
	struct evict evict;
	uint64_t buckets[MEMBERS_BUCKETS], lives[MEMBERS_BUCKETS]; /* these: without the states */
	uint64_t digest;  /* all buckets in one */
	uint64_t changes; /* rises with every visible change */
};

MUST_CHECK bool members_init(struct members *ms, uint32_t max);
void members_fini(struct members *ms);
uint32_t members_find(const struct members *ms, uint64_t short_id);
/* Whose short id begins with these three bytes: MEMBER_NONE also when two do. */
uint32_t members_find_begin(const struct members *ms, uint32_t begin);
uint32_t members_find_id(const struct members *ms, const struct node_id *id);
/* New, FAILED, generation 0, nameless.  Index, or -ERR_FULL, -ERR_IDENTITY. */
MUST_CHECK int members_add(struct members *ms, const struct node_id *id, msec now);
/* Is there a place for one more? */
bool members_room(const struct members *ms, msec now);
/* Moves the state; keeps counts, hashes and the change counter right. */
void members_set(struct members *ms, uint32_t i, msec now, enum mesh_state state,
    uint64_t generation, uint32_t incarnation);
/* Of one who is dead; whoever lives is remembered. */
void members_forget(struct members *ms, uint32_t i, bool forgotten);
/* Its owner's word for what is held of i: it may be relayed from now on. */
void members_prove(struct members *ms, uint32_t i, const uint8_t *pk, const uint8_t *sig);
void members_set_text(struct members *ms, uint32_t i, const char *name, size_t name_len,
    const uint8_t *meta, size_t meta_len);
const char *members_name(const struct members *ms, uint32_t i); /* no NUL; name_len */
/* Another who goes by the same name and has not left, or MEMBER_NONE. */
uint32_t members_namesake(const struct members *ms, uint32_t i);
bool members_same_name(const struct members *ms, uint32_t i, uint32_t k);
const uint8_t *members_meta(const struct members *ms, uint32_t i);
/* What is shared with member i, or NULL: nothing yet. */
struct pair *members_pair(const struct members *ms, uint32_t i);
/* The same, made if need be; NULL for this node itself. */
struct pair *members_pair_take(struct members *ms, uint32_t i);
/* Nothing is known any more of what it echoed or stored. */
void members_unheard(struct members *ms, uint32_t i);
/* Nobody accuses it any more. */
void members_absolve(struct members *ms, uint32_t i);
/* 0, or -ERR_REPLAY: this counter of member i was seen, or is of another life. */
MUST_CHECK int members_fresh(struct members *ms, uint32_t i, uint64_t counter);
/* Tell of i from now on.  Who is accused, dead or gone, or says that it is not,
 * goes before the crowd of those who just came. */
void members_tell(struct members *ms, uint32_t i);
/* As a rumour; only what is proven can be a long one.  Borrows from ms. */
void members_rumour(const struct members *ms, uint32_t i, msec now, bool is_long,
    struct rumour *out);
/* One number that two nodes share when their tables agree. */
uint64_t members_hash(const struct members *ms);
/* That node is out: the numbers that tables are compared by say so too. */
void members_evicted(struct members *ms, uint64_t short_id);
/* forget.c: how long somebody is dead, as a table says it. */
uint64_t forget_age(msec now, msec since);
uint32_t members_bucket(const struct member *m);
static inline uint32_t
members_untold(const struct members *ms)
{
	return ms->urgent.count + ms->news.count + ms->evict.news.count;
}

#endif
