/*
 * member.h - what is kept of a member.  Its record is what every node needs of each
 * other one, 128 bytes, for thousands know each other.  What few nodes need, or of few
 * members, lies beside it, each kind in an array of its own by the same index: all
 * zero means nothing, and nothing is written where nothing is to be said, so that its
 * pages are never touched.
 *
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_MEMBER_H
#define GOSSIP_MEMBER_H

#include "keys.h"
#include "packet.h"
#include "wire.h"

enum {
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
	msec at;	    /* last report, where reported */
	bool reported;
	uint64_t seq;	    /* of that report, to measure loss */
	uint32_t version, count;
	uint64_t bits;	    /* fragments of version that arrived */
	uint32_t refused;   /* that version is of no use; 0 = none */
	uint32_t least;	    /* what was held when this node last ceased to hear: none older */
	msec probe_at;	    /* next probe of a silent member, or 0 */
	uint32_t probes;
	msec vouched;	    /* it answered somebody else, who said so */
	uint16_t via;	    /* to whom that was; 0 = nobody yet */
	uint16_t asked;	    /* who was asked about it last; 0 = nobody */
};

/* What only a candidate or a leader does. */
struct member_vote {
	uint64_t granted; /* the attempt it said yes to */
	msec echoed;	  /* the beat it echoed last */
	struct roster_id stored;
	struct member_keys keys; /* the cluster key */
	msec forged;	  /* claim.c: last claim that can't be true and was told; 0 = none */
	msec climbed;	  /* by its word a leader asked for a new term; how often lately */
	uint8_t climbs;
	struct roster_id gone; /* held when it said that it has left (roster_spent); 0 = never */
};

/* Of whom it was ever doubted whether it lives, or hears. */
struct member_doubt {
	msec suspected;
	uint64_t accusers[3];
	uint8_t accusers_count;
	uint8_t dark;	 /* answers over streams since its last datagram */
	msec streamed;	 /* the last of them; 0 = never */
	msec accused;	 /* when it was last told that it looks dead */
	uint64_t called; /* the ping that asks whether it does; 0 = none */
	msec carried, deaf; /* carry.h: last frame that came around; ... that said: not heard */
	uint16_t via;	 /* who reaches it; 0 = unknown */
	uint8_t silent;	 /* paths.h: probes in a row, up to PATHS_CUT, without a word from it */
	bool cut;	 /* and it was told that its path is */
	msec cut_at;	 /* last; 0 = never */
	/* deaths that were none */
	msec rose; /* the end of the last of them, or of a doubt by a cut; 0 = never */
	uint32_t flaps, shakes; /* shakes: suspicions taken back, in this minute */
	uint64_t shaker;	/* who alone accused it at the last shake; 0 = several */
	msec flapped, unstable_until; /* 0 = never */
};

/* Which of its facts are held (facts.h), and how often they were asked for lately. */
struct member_facts {
	uint64_t generation;
	uint32_t version, hint, bytes; /* version 0 = none */
	uint16_t tries;
	uint8_t flight; /* the question under way that asks for it, from 1; 0 = none */
	bool vain; /* turns with each question that did not bring it */
	msec asked, next; /* last; not before */
};

/* The owner's word for the record held: relayed with it. */
struct member_proof {
	uint8_t pk[KEY_BYTES], sig[SIG_BYTES];
};

struct member {
	struct node_id id;
	uint64_t short_id, generation;
	msec since, seen; /* seen = MSEC_NEVER: never heard directly */
	msec heard;	  /* last known word to anybody; 0 = none known */
	uint32_t incarnation;
	uint32_t text;	/* offset of name and meta in the text arena */
	uint32_t spoke; /* under which epoch it spoke to me last; UINT32_MAX = never */
	int32_t rtt_ms; /* -1 = not measured */
	uint32_t summarized_s; /* when its summary came */
	uint32_t renewed_s; /* ... and what is held of its record; 0 = long ago */
	struct mesh_summary summary; /* plane A */
	struct addr addr;
	uint16_t summary_count; /* brief.h; 0 = none */
	uint16_t notice; /* what it says of its going: going.h */
	uint16_t pair;	 /* index of its pair, or MEMBER_NONE */
	uint8_t state;	 /* enum mesh_state */
	uint8_t roster;	 /* MEMBER_OLD | MEMBER_NEW */
	struct ballot_weight weight; /* what its vote counts in each set */
	uint8_t name_len, meta_len, entry; /* enum mesh_entry: why it gets no vote */
	uint8_t missed; /* pings that it answered not */
	bool evicted;	/* out for good, and LEFT */
	bool forgotten; /* dead for too long: not compared, told or called; forget.c */
	bool proven;	/* by its proof; else known by id, or from this node's disk */
};
_Static_assert(sizeof(struct member) <= 128, "of each other node of thousands");

/* Alive or suspected: still expected to answer. */
static inline bool
member_up(const struct member *m)
{
	return m->state <= MESH_SUSPECT;
}

#endif
