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
#include "keys.h"
#include "packet.h"
#include "pair.h"
#include "prng.h"
#include "spread.h"

enum {
	MEMBER_NONE = UINT16_MAX,
	MEMBERS_BUCKETS = 32, /* by the top bits of the id, for sync */
	SYNC_BYTES = MEMBERS_BUCKETS * SYNC_BUCKET_BYTES,
	MEMBER_OLD = 1,	      /* roster bits: votes in the old set, the new set */
	MEMBER_NEW = 2,
	MEMBER_VOTES = 3,
};

/* Of a vote in the old and the new roster; 0 where it has none. */
struct ballot_weight {
	uint8_t old, new;
	uint8_t tie; /* MEMBER_OLD, MEMBER_NEW: decides an exact half there */
};

/* What only a leader, and its standby, keeps of a member. */
struct member_report {
	struct head applied;
	msec at;	    /* last report; MSEC_NEVER = none */
	uint64_t seq;	    /* of that report, to measure loss */
	uint32_t version, count;
	uint64_t bits;	    /* fragments of version that arrived */
	uint32_t refused;   /* that version is of no use; 0 = none */
	msec probe_at;	    /* next probe of a silent member, or 0 */
	uint32_t probes;
	msec vouched;	    /* it answered somebody else, who said so */
	uint16_t via;	    /* to whom that was; 0 = nobody yet */
	uint16_t asked;	    /* who was asked about it last; 0 = nobody */
};

/* The owner's word for the record held: relayed with it. */
struct member_proof {
	uint8_t pk[KEY_BYTES], sig[SIG_BYTES];
};

struct member {
	struct node_id id;
	struct addr addr;
	uint8_t state;	/* enum mesh_state */
	uint8_t roster; /* MEMBER_OLD | MEMBER_NEW */
	struct ballot_weight weight; /* what its vote counts in each set */
	uint64_t short_id, generation;
	uint32_t incarnation;
	uint32_t text; /* offset of name and meta in the text arena */
	uint8_t name_len, meta_len, entry; /* enum mesh_entry: why it gets no vote */
	uint16_t notice; /* what it says of its going: going.h */
	bool evicted; /* out for good, and LEFT */
	bool forgotten; /* dead for too long: not compared, told or called; forget.c */
	bool proven; /* by its proof; else known by id, or from this node's disk */
	uint16_t pair; /* index of its pair, or MEMBER_NONE */
	int32_t rtt_ms;	 /* -1 = not measured */
	msec since, seen; /* seen = MSEC_NEVER: never heard directly */
	msec heard;	  /* last known word to anybody; 0 = none known */
	msec streamed;	  /* last answered over a stream; 0 = never */
	uint8_t dark, missed; /* such answers since its last datagram; pings that it answered not */
	msec accused;	  /* when it was last told that it looks dead */
	uint64_t called;  /* the ping that asks whether it does; 0 = none */
	/* suspicion */
	msec suspected;
	uint8_t accusers_count;
	uint64_t accusers[3];
	/* deaths that were none */
	uint32_t flaps;
	msec flapped, unstable_until; /* 0 = never */
	/* election */
	uint64_t granted; /* the attempt it said yes to */
	msec echoed;	  /* the beat it echoed last */
	struct roster_id stored;
	/* the cluster key */
	struct member_keys keys;
	uint32_t spoke; /* under which epoch it spoke to me last; UINT32_MAX = never */
	/* plane A */
	struct mesh_summary summary;
	uint16_t summary_count; /* brief.h; 0 = none */
};

struct members {
	uint32_t max, count;
	uint32_t by_state[4], forgotten, far; /* counts; of those FAILED; of those up: missed */
	struct member *m;
	struct member_report *reports;
	struct member_proof *proofs;
	struct member_cert *certs; /* admit.h; NULL: the cluster has no CA */
	uint32_t *names; /* a hash of each name: who else has this one? */
	uint16_t *order; /* indices in id order */
	uint32_t *map;	 /* short id -> tag 16, index 16; open addressing */
	uint32_t map_mask;
	struct pair *pairs;
	uint32_t pairs_count;
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
const uint8_t *members_meta(const struct members *ms, uint32_t i);
/* What is shared with member i, or NULL: nothing yet. */
struct pair *members_pair(const struct members *ms, uint32_t i);
/* The same, made if need be; NULL for this node itself. */
struct pair *members_pair_take(struct members *ms, uint32_t i);
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

/* Alive or suspected: still expected to answer. */
static inline bool
member_up(const struct member *m)
{
	return m->state <= MESH_SUSPECT;
}

#endif
