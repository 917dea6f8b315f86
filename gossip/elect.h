/*
 * elect.h - the election: elector and candidate (elect.c; after a start holdoff.c),
 * leader (lead.c).
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_ELECT_H
#define GOSSIP_ELECT_H

#include "quorum.h"

struct mesh;

enum {
	ROUNDS_MAX = 8,
	STEP_MS = 100,		 /* the unit of patience */
	ATTEMPT_STEPS = 4,	 /* so long votes are waited for */
	LEASE_MS = 1500,
	LEASE_BIG_MS = 3000,	 /* above so many electors */
	LEASE_BIG_ELECTORS = 200,
};

enum elect_phase { ELECT_IDLE, ELECT_PREVOTE, ELECT_VOTE };

/* elect.c and lead.c */
struct elect {
	enum mesh_role role;
	enum elect_phase phase;
	uint64_t recall; /* what it asks the others while it knows no roster */
	msec recall_at;
	uint64_t ballot_term; /* of the leader I follow, or mine while I lead */
	uint16_t leader;      /* member, or MEMBER_NONE */
	uint16_t last_leader; /* who was lost last */
	uint16_t promised;    /* to whom, until promise_until */
	msec longest_until; /* when every promise, of this life or an earlier one, is over */
	msec promise_until, lost_at, try_at;
	msec turn_by;	/* turn.h: it lets no more turns pass from then on */
	uint32_t tries; /* attempts in vain since lost_at */
	msec holdoff_until, forgot_at; /* holdoff.h; 0 = it forgot nothing */
	msec full_at; /* when a full leader was known last */
	msec full_since; /* leading: since when without a gap it is a full one */
	uint64_t attempt, attempt_term;
	msec attempt_until;
	struct tally grants;
	/* what the leader tells */
	uint64_t grade;
	struct head issued;
	uint64_t above; /* elect_freeze */
	msec above_until;
	/* leading */
	struct round {
		msec t; /* 0 = none */
		msec lease; /* what its beats ask to be promised */
		struct tally echoes;
	} rounds[ROUNDS_MAX], full_base, degraded_base; /* newest a quorum echoed */
	uint32_t round; /* newest */
	msec beat_at, lead_since, first_until;
	uint32_t weight;
	bool by_quorum; /* elected by a full quorum */
	uint64_t seq;	    /* of the last stamp issued in ballot_term */
	uint64_t wish_term; /* re-ballot at least here; 0 = no */
	uint16_t yielded; /* led another side and gave way: its schedule is a parent of mine,
			   * also while it looks dead.  MEMBER_NONE. */
};

/* elect.c; elect_joined: holdoff.c */
void elect_init(struct mesh *m, msec now);
/* Of a cluster from now on.  term: of the member that let it in, when that one knows
 * this identity as a voter already; else 0. */
void elect_joined(struct mesh *m, msec now, uint64_t term);
void elect_adopt_term(struct mesh *m, uint64_t term); /* above mine */
int elect_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p);
void elect_tick(struct mesh *m, msec now);
msec elect_deadline(const struct mesh *m);
void elect_start_vote(struct mesh *m, msec now, uint64_t term);
void elect_lost(struct mesh *m, msec now, msec wait);
void elect_forget(struct mesh *m, msec now, uint32_t i);
msec elect_lease_ms(const struct mesh *m);
bool elect_follow(struct mesh *m, msec now, uint32_t from, const struct packet *p);
/* Two sides met: no schedule is taken up but of a term above that one, for it is of both
 * then.  For two leases at most: whoever was to make it may have died.  0: nothing. */
void elect_freeze(struct mesh *m, msec now, uint64_t above);

/* lead.c */
void lead_start(struct mesh *m, msec now, bool by_quorum);
void lead_stop(struct mesh *m, msec now, const char *why);
/* above: elect_freeze, here and at those who followed; 0 = no. */
void lead_resign(struct mesh *m, msec now, uint64_t successor, uint64_t above);
void lead_beat(struct mesh *m, msec now);
int lead_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p);
void lead_tick(struct mesh *m, msec now);
msec lead_deadline(const struct mesh *m);
enum mesh_grade lead_grade(const struct mesh *m, msec now);
msec lead_until(const struct mesh *m, msec now);
void lead_fill_beat(struct mesh *m, msec now, uint32_t to, struct packet *p);
void lead_pause(struct mesh *m, msec now);
/* An ECHO, or a report that is one. */
void lead_echoed(struct mesh *m, msec now, uint32_t from, const struct packet *p);

#endif
