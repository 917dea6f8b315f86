/*
 * look.h - what an operator wants to see of the machine and nothing in it needs:
 * how the leader was elected, whose votes count, how full the queues are, and
 * who answers right now.  The rest of what is known is in mesh.h.
 *
 * All but mesh_reach only read, and may be called at any time.
 */
#ifndef GOSSIP_LOOK_H
#define GOSSIP_LOOK_H

#include "mesh.h"

enum { MESH_NEXT_MAX = 3 };

struct mesh_lead {
	bool leads;	/* this node; the two below are known to the leader alone */
	bool by_quorum; /* elected by more than half of the roster's weight */
	msec full_since; /* a full leader since then without a gap; MSEC_NEVER: it is none */
	msec promised_until; /* this node votes for nobody else before */
	/* Who asks for votes first when this leader is gone, as seen from here. */
	struct node_id next[MESH_NEXT_MAX];
	size_t next_count;
};
void mesh_lead(const struct mesh *m, msec now, struct mesh_lead *out);

/* The roster this node holds.  It is named by the term it was stamped in and a
 * version that only rises. */
struct mesh_roster {
	uint64_t term, version;
	uint64_t seen_version; /* the highest that anybody showed; above version: one is on its way */
	uint32_t electors;
	uint32_t weight_old, weight_new; /* of all in each set */
	bool joint; /* a change is under way: both sets must agree */
	bool knows_stored; /* this node leads: `stored` of the votes is known here */
	uint32_t stored_old, stored_new; /* weight of those who stored it */
	bool stored; /* by a quorum of each set */
};
void mesh_roster(const struct mesh *m, struct mesh_roster *out);

/* The vote of mesh_member(m, index). */
struct mesh_vote {
	uint8_t weight_old, weight_new; /* 0: none in that set */
	bool in_old, in_new, tie_breaker;
	bool stored; /* it said that it stored this very roster */
};
bool mesh_vote(const struct mesh *m, uint32_t index, struct mesh_vote *out);

/* Who holds that key, as far as this node knows. */
enum mesh_standing {
	MESH_STRANGER, /* nobody in the table, or it left */
	MESH_OUT,      /* evicted, also when the table has long forgotten it */
	MESH_IN,       /* a member */
	MESH_VOTES,    /* and its vote counts in the newest roster */
};
enum mesh_standing mesh_standing(const struct mesh *m, const uint8_t pk[KEY_BYTES]);

/* Who accused a suspect first; false: nobody does, or nobody known. */
bool mesh_accuser(const struct mesh *m, const struct node_id *id, struct node_id *by);

/* This node leads, and mesh_member(m, index) is alive, has a vote and speaks to it, but
 * echoed no beat for so long, in ms; 0: it did within ten seconds, or is none of those. */
msec mesh_unled(const struct mesh *m, msec now, uint32_t index);
/* What mesh_member(m, index) said within a minute that only a node gone bad says, or
 * one that was on another side over and over. */
enum { MESH_CLIMBS_MANY = 3 };
struct mesh_claims {
	bool impossible; /* a stamp or roster that it can't know: not heard */
	uint32_t climbs; /* so often this leader took a new term by its word, of a later one */
};
void mesh_claims(const struct mesh *m, msec now, uint32_t index, struct mesh_claims *out);
/* A member, in id order, said lately that it does not hear this node: what elects, leads
 * and reports goes there over via, too. */
bool mesh_around(const struct mesh *m, uint32_t index, struct node_id *via);
/* Over whom would a question get to member `to`?  False: straight; or nobody else answers
 * this node.  turn 0: as it is known now; above: straight was in vain, one after another
 * who answers.  but: not over that one; or NULL. */
bool mesh_over(const struct mesh *m, const struct node_id *to, const struct node_id *but,
    uint32_t turn, struct node_id *over);

/* How much waits where, and how much may. */
struct mesh_queues {
	uint32_t out, out_max;	 /* datagrams to be built */
	uint32_t jobs, jobs_max; /* long answers under way */
	uint32_t urgent, news, summaries; /* members to be told of */
	uint32_t evictions; /* acts to be told */
	uint32_t members, members_max;
	uint32_t pairs; /* members with keys of their own */
	uint32_t health; /* Lifeguard's local health: 0 well .. 8 */
};
void mesh_queues(const struct mesh *m, struct mesh_queues *out);

/* What a kind of packet is called ("PING"), of those that mesh_stats counts; NULL: none. */
const char *mesh_kind(unsigned kind);

/* Of this node's probes of the last minute, of members that lived: how many were not
 * answered straight and within half a second (at lan's pace).  What a cut path costs is
 * not in it.  A share is of words there and back. */
struct mesh_loss {
	uint32_t asked, late;
};
void mesh_loss(const struct mesh *m, msec now, struct mesh_loss *out);

/*
 * Who answers?  One round of pings from here to everybody but those who left,
 * three to who stays silent, paced; about a second, longer above 1000 members.
 * It accuses nobody.  A round under way is joined: wait for mesh_reach_over.
 */
void mesh_reach(struct mesh *m, msec now);
bool mesh_reach_over(const struct mesh *m);
struct mesh_reached {
	bool asked, answered;
	bool heard; /* anything at all came from it since the round began */
	int32_t rtt_ms; /* of the ping it answered; -1 */
};
/* Of the last round. */
void mesh_reached(const struct mesh *m, const struct node_id *id, struct mesh_reached *out);

#endif
