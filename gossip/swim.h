/*
 * swim.h - membership: probing (swim.c), folding rumours into the table
 * (rumour.c), seeds and joining (join.c).
 * Inner: part of struct mesh, used by the files of gossip/ alone.  Verbs named
 * _recv return 0 or the negative ERR_ a message is dropped for.
 */
#ifndef GOSSIP_SWIM_H
#define GOSSIP_SWIM_H

#include "members.h"

struct mesh;

enum {
	RELAYS_MAX = 32,
	HELPERS = 3,
	NEWS_MANY = 32, /* more than gossip alone carries soon: tables are asked for at once, one way */
};

/* swim.c: probing, gossip, joining. */
struct swim {
	uint16_t *ring; /* probe order */
	uint32_t ring_len, ring_at;
	uint16_t target; /* of the probe under way, or MEMBER_NONE */
	bool acked, asked;
	uint64_t seq;	/* of that probe */
	uint64_t next_seq;
	uint32_t nacks, helpers;
	uint16_t helper[HELPERS];
	bool silent[HELPERS], silent_target; /* asked, and said nothing yet */
	uint32_t health; /* Lifeguard's local health, 0..8; 0 = well */
	msec sent, ask_at, probe_at;
	uint64_t life; /* generation of the probed */
	msec gossip_at, spare_at; /* next round; when there are bytes for summaries */
	msec reconnect_at, seeds_at, suspect_at, who_at;
	msec forget_at; /* somebody may be dead long enough to be forgotten */
	msec quiet_at; /* somebody unstable may have been quiet long enough */
	msec cut_until, cut_at; /* so many were doubted lately that it was the way to them; the
				 * last few are asked next */
	msec cut_rose;	   /* last that one of them spoke again; 0 = never */
	msec shakes_until; /* the end of the minute in which all count their shakes */
	uint64_t shakes;   /* of all */
	uint64_t join_token;
	struct relay {
		uint64_t seq, their_seq;
		uint16_t from, target; /* from: MEMBER_NONE = free */
		bool on; /* others were asked too */
		msec sent, on_at, nack_at; /* on_at: when they are, unless it answers before */
	} relays[RELAYS_MAX];
	uint32_t relay_next;
	uint32_t near_last; /* whom relay_next found; 0 = nobody yet */
};

/* rumour.c */
/* r->id of a long one is filled. */
int rumour_hear(struct mesh *m, msec now, struct rumour *r);
/* All of a packet's, of member by if its own key says so, else MEMBER_NONE.  shared: of that frame under a key that many hold, so what its owner did
 * not sign is passed over, and who is not admitted; NULL: a member said it. */
int rumours_hear(struct mesh *m, msec now, const struct packet *p, uint32_t by,
    const struct seal_frame *shared);
void rumour_suspect(struct mesh *m, msec now, uint32_t i, uint64_t accuser);
/* Word of i, sent at that time, in the life the table knows. */
void rumour_evidence(struct mesh *m, msec now, uint32_t i, msec at);
/* Ask one whom somebody, I or another, holds dead.  The answer is evidence enough,
 * nobody has to outbid anybody; whom I only suspect hears that, and refutes. */
void swim_call(struct mesh *m, uint32_t i);
/* It answered such a call: it hears me, and I it. */
void rumour_answered(struct mesh *m, msec now, uint32_t i);
void rumour_fail(struct mesh *m, msec now, uint32_t i, const char *why);
void rumour_tick(struct mesh *m, msec now);

/* flap.c */
/* i, called dead, lives the life it lived before: it was not dead. */
void flap_rose(struct mesh *m, msec now, uint32_t i);
/* Its owner takes a suspicion of i back; before members_absolve. */
void flap_shaken(struct mesh *m, msec now, uint32_t i);
/* It was suspected and lives, or was silent: no quiet, for one that is unstable. */
void flap_restless(struct mesh *m, msec now, uint32_t i);
void flap_tick(struct mesh *m, msec now);

/* cut.c */
/* Is this a cut, or the time after one, in which nobody has to refute? */
bool cut_lately(struct mesh *m, msec now);
/* ... and is, or was, i on its other side? */
bool cut_across(struct mesh *m, msec now, uint32_t i);
/* Does r, of member i, repeat what the cut made somebody believe? */
bool cut_old_doubt(struct mesh *m, msec now, uint32_t i, const struct rumour *r);
/* A probe under way since then says nothing: meanwhile the cut ended, and whoever is asked
 * now may answer. */
bool cut_ended(struct mesh *m, msec now, msec since);
void cut_tick(struct mesh *m, msec now);

/* forget.c: of a table's record of the dead, and each hour */
bool forget_too_old(const struct rumour *r);
void forget_dates(struct mesh *m, msec now, uint32_t i, const struct rumour *r);
void forget_tick(struct mesh *m, msec now);

/* swim.c */
int swim_init(struct mesh *m, msec now);
int swim_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p);
void swim_tick(struct mesh *m, msec now);
void swim_gossip(struct mesh *m, msec now);
msec swim_gossip_due(const struct mesh *m);
msec swim_deadline(const struct mesh *m);
void swim_added(struct mesh *m, uint32_t i);
/* Whoever the round robin would ask next, ask this one. */
void swim_ask_next(struct mesh *m, uint32_t i);
uint32_t swim_random_up(struct mesh *m, uint32_t except);
/* The next after that one in the table, round and round. */
uint32_t swim_next_up(const struct mesh *m, uint32_t after, uint32_t except);

enum { MEMBER_SETTLED_MS = 2000 }; /* a newcomer's table fills in less */

/* Nothing new is given to it until it was quiet for a while. */
static inline bool
member_unstable(const struct members *ms, uint32_t i, msec now)
{
	return now < ms->doubts[i].unstable_until;
}

/* Had it been alive long enough by then to know everybody? */
static inline bool
member_settled(const struct member *m, msec at)
{
	return m->state == MESH_ALIVE && at - m->since >= MEMBER_SETTLED_MS;
}

#endif
