/*
 * packet.h - what nodes say to each other, as structs and as bytes.
 *
 * A body is one msgpack array: kind, the fields of that kind in order, and at
 * last the array of rumours riding along:
 *
 *	[ kind, field, field, ..., [ rumour, rumour, ... ] ]
 *
 *	rumour = [state, id 16, generation, incarnation, from|age]      short
 *	       | [state, pk 32, generation, incarnation, from|age,
 *	          name, address 18, meta, signature 64, notice,
 *	          certificate, where there is a CA]                     long
 *	       | str: as in brief.h                                     summaries
 *	       | bin 112: as in evict.h                                 eviction
 *
 * Positional, never field names.  Fields a newer node adds before the rumours
 * are skipped, those behind a `?` an older one does not send (they are nothing then);
 * unknown kinds are counted and dropped; bytes after the array are malformed.  No nesting deeper than 4.
 */
#ifndef GOSSIP_PACKET_H
#define GOSSIP_PACKET_H

#include "mesh.h"
#include "mp.h"
#include "mpw.h"

/* A schedule's stamp and hash. */
struct head {
	struct stamp stamp;
	struct hash hash;
};

/* Orders rosters: the term of the leader that made it, then its count. */
struct roster_id {
	uint64_t term, version;
};

/* Whose word a roster is: roster_sign.c. */
enum { ROSTER_SIGN_BYTES = 8 + 8 + 8 + KEY_BYTES + SIG_BYTES };

/*
 * kind, name, its fields.  Fields are letters of packet.c's table.
 */
#define PACKET_KINDS(X)                                                        \
	X(PING, "swh")	      /* seq, whom I mean (0 = whoever), table hash */ \
	X(ACK, "sh")	      /* seq, table hash */                            \
	X(PINGREQ, "sw")      /* seq, probe this member for me */              \
	X(NACK, "s")	      /* it does not answer me either */               \
	X(GOSSIP, "")	      /* rumours only: news */                         \
	X(SYNC, "fb")	      /* tell me yours too?, 32 buckets: hash, lives */ \
	X(TABLE, "")	      /* rumours only: a part of my table */           \
	X(WHO, "b")	      /* salts; introduce yourself */                  \
	X(HELLO, "b")	      /* salts: mine, yours as I know it (pair.h) */   \
	X(BEAT, "tmlgvfHrchBaKIw?z") /* I lead; w stands by; see elect.h */    \
	X(ECHO, "twmrcKI")    /* I follow you: your own time back, my roster */ \
	X(OTHER, "tw")	      /* I am promised to another leader */            \
	X(REJECT, "t")	      /* my term is higher */                          \
	X(PREVOTE, "strc")    /* would you vote for me? */                     \
	X(PREVOTED, "stgrc?h") /* seq, my term, yes or no, my roster, its hash */ \
	X(VOTE, "strc")	      /* vote for me */                                \
	X(VOTED, "stgHrc")    /* and what I applied last */                    \
	X(RESIGN, "twHs")     /* I stop leading; successor; my schedule; s of elect_freeze */ \
	X(ROSTER_ASK, "rci")  /* send me your roster from chunk i on */        \
	X(ROSTER, "rcinb?z")  /* chunk i of n; with the first, who made it */  \
	X(REPORT, "saHinbtwmrcKI") /* version a, fragment i of n; t: an ECHO as well */ \
	X(ROLE_ASK, "mb")     /* may I run these, asked at; see rolelease.h */   \
	X(ROLE_LEASE, "tmb")  /* my term, your question: these you may */        \
	X(JOIN, "sb")	      /* let me in; ballast: see join.c */             \
	X(JOINED, "sbtGKk")   /* token back, cluster id, my term if you had a vote, \
				 your last life; the rumour is me */ \
	X(KEY_ASK, "sKIkb")   /* a key, please: nonce, mine, cookie; keys.h */ \
	X(KEY, "sKwkb")	      /* nonce, mine, that epoch, cookie, box */      \
	X(TWIN, "b")	      /* who else is me?  See twin.h */                \
	X(ENTER, "skb")	      /* let me in, I have a certificate; enter.h */   \
	X(ENTERED, "sKwnGtkb") /* nonce, keys, epoch, why not, your last life, my \
				  term if you had a vote, cookie, box */ \
	X(REPORTED, "aB")     /* the standby holds these of version a */     \
	X(PINGON, "swn")      /* PINGREQ, asked on over n more at most */    \
	X(COUNTS, "whb")      /* summaries that I hold; missed.h */          \
	X(HELD, "")	      /* rumours only: summaries that you lack */     \
	X(AROUND, "wnfb")     /* a frame for w, over n more at most; see carry.h */

enum packet_kind {
	PACKET_NONE_,
#define X(name, fields) PACKET_##name,
	PACKET_KINDS(X)
#undef X
	    PACKET_KINDS_
};

struct packet {
	uint64_t kind;
	uint64_t seq, who, hash, term, sent, lease, grade, weight, flag, generation;
	uint64_t version, bits; /* a report's, and which fragments arrived */
	uint64_t index, count;
	uint64_t keys, key_id, cookie; /* keys.h, cookie.h */
	bool bare;		       /* not sent: in which form it goes */
	struct roster_id roster;
	struct head head;
	const uint8_t *bytes; /* borrowed from the body */
	size_t bytes_len;
	const uint8_t *sign; /* likewise: ROSTER_SIGN_BYTES, or NULL */
	const uint8_t *rumours; /* msgpack values, rumours_count of them */
	size_t rumours_len;
	uint32_t rumours_count;
};

struct rumour {
	enum mesh_state state;
	struct node_id id;
	uint64_t generation, incarnation;
	uint64_t from; /* who accuses; of the living: ms since somebody heard it;
				of the dead: seconds since then */
	bool is_table; /* said in a TABLE or HELD: what is held, not what happened */
	bool is_long;		  /* then pk came, and id is vouch_id's to fill */
	const uint8_t *pk, *sig; /* of the owner; borrowed, as name and meta */
	const char *name;
	size_t name_len;
	struct addr addr;
	const uint8_t *meta;
	size_t meta_len;
	uint64_t notice; /* of its going: going.h */
	const uint8_t *briefs; /* summaries (brief.h), borrowed; then only these count */
	size_t briefs_len;
	const uint8_t *cert; /* of a long one, unchecked; borrowed */
	size_t cert_len;     /* 0 = none came */
	const uint8_t *eviction; /* EVICTION_BYTES, borrowed; then only this and by count */
	uint16_t by; /* member that told it under its own key; MEMBER_NONE = who knows */
};

/* Everything up to the rumours; then packet_end with the packed rumours. */
void packet_begin(struct mpw *w, const struct packet *p);
void packet_end(struct mpw *w, const struct mpw *rumours, uint32_t count);
enum { RUMOUR_AGE_MAX = 3600000 }; /* older evidence is none */
enum {
	RUMOUR_BYTES_MAX = 2 + 34 + 5 + 5 + 9 + 65 + 20 + 202 + 66 + 3,
	JOIN_BALLAST = 18 + 5 + 9 + RUMOUR_BYTES_MAX, /* a JOINED's cluster id, keys, cookie, record */
};
enum { SYNC_BUCKET_BYTES = 8 + 4 }; /* 32 of these are a SYNC's bytes */
enum { PACKET_END_BYTES = 3 }; /* what packet_end adds to the rumours */

/* Checks the whole body.  -ERR_MALFORMED, -ERR_RANGE, -ERR_UNKNOWN (kind). */
MUST_CHECK int packet_decode(const uint8_t *buf, size_t len, struct packet *out);

void rumour_pack(struct mpw *w, const struct rumour *r);
/* Reads the next of packet.rumours; r was mp_init'ed on them with depth 2. */
MUST_CHECK int rumour_read(struct mp *r, struct rumour *out);
/* false for addresses nobody can have: unspecified, multicast, broadcast, port 0. */
bool addr_possible(const struct addr *a);

#endif
