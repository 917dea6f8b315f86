/*
 * inner.h - the insides of struct mesh, shared by the files that make it up
 * and by nobody else.  Each part of the state belongs to the file it is named
 * after; the others read it, and change it through that file's functions.
 */
#ifndef GOSSIP_INNER_H
#define GOSSIP_INNER_H

#include "admit.h"
#include "budget.h"
#include "cookie.h"
#include "carry.h"
#include "claim.h"
#include "dark.h"
#include "elect.h"
#include "enter.h"
#include "gather.h"
#include "going.h"
#include "join.h"
#include "keys.h"
#include "leave.h"
#include "missed.h"
#include "out.h"
#include "pair.h"
#include "paths.h"
#include "prng.h"
#include "reach.h"
#include "recover.h"
#include "relay.h"
#include "report.h"
#include "rolelease.h"
#include "roster.h"
#include "swim.h"
#include "sync.h"
#include "turn.h"
#include "twin.h"
#include "vouch.h"

struct mesh {
	struct mesh_conf conf;
	struct seal seal;
	struct members ms; /* index 0 = self */
	struct prng rng;   /* of times and turns */
	struct prng numbers; /* of what answers must name: who sees some learns no time */
	struct draw draw;  /* of what strangers see */
	struct swim swim;
	struct sync sync;
	struct paths paths;
	struct carry carry;
	struct budget budget;
	struct missed missed;
	struct gather gather;
	struct dark dark;
	struct elect elect;
	struct roster roster;
	struct report report;
	struct rolelease rolelease;
	struct reach reach;
	struct keys keys;
	struct admit admit;
	struct enter enter;
	struct twin twin;
	struct leave leave;
	msec recover_at;    /* recover.c: whom it gave up is called next, or ... */
	bool recover_asks; /* ... who did is asked whether that is this node */
	struct ration jar; /* cookies */
	struct cookie_got cookie;
	struct mesh_saved saved; /* as it must be on disk */
	bool must_save, member, left;
	msec sources[SOURCES]; /* pair.c: when each may be answered again */
	uint64_t slots;	       /* by what they are spread over them */
	msec started, ticked;
	uint8_t unheard;       /* join.c: so many lives were begun anew, as nobody knew them, ... */
	msec unheard_at;       /* ... and when it is seen whether anybody knows this one */
	uint64_t seeds_heard, seeds_foreign; /* likewise: a bit for each of conf.seeds */
	uint32_t seeds_turn;		     /* they were asked so often since one was added */
	struct mesh_stats stats;
	/* out.c */
	struct out *ring;
	uint32_t ring_cap, ring_head, ring_len;
	struct job jobs[JOBS_MAX];
	uint32_t jobs_count, job_tokens, job_next;
	msec jobs_at;
	/* what mesh_changes watches */
	uint64_t changes, members_changes;
	struct mesh_side side;
	struct head side_issued;
};

/* mesh.c: of a frame that member via carried; hears: its sender hears me. */
int mesh_carried(struct mesh *m, msec now, uint32_t via, bool hears, const uint8_t *buf, size_t len);

/* known.c */
void known_side(const struct mesh *m, msec now, struct mesh_side *out);

/* trace.c: one terse line for operator, test and log; name of member i. */
void trace(struct mesh *m, msec now, const char *event, uint32_t i, uint64_t number);

static inline msec
msec_min(msec a, msec b)
{
	return a < b ? a : b;
}

/* A time of the lan profile as it is here. */
static inline msec
pace(const struct mesh *m, msec lan)
{
	return pace_ms(m->conf.profile, lan);
}

/* Nobody foretells it. */
static inline uint64_t
drawn(struct mesh *m)
{
	return draw_u64(&m->draw, &m->conf.crypto);
}

static inline uint32_t
mesh_up(const struct mesh *m)
{
	return m->ms.by_state[MESH_ALIVE] + m->ms.by_state[MESH_SUSPECT];
}

#endif
