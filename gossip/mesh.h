/*
 * mesh.h - the whole mesh of one node: who is there, who leads, what is
 * reported.  The one header the daemon and the simulator include.
 *
 * A pure machine: no socket, no clock, no thread, no callback (the trace hook
 * excepted), no allocation after mesh_new.  At each instant the caller
 *
 *   1. feeds datagrams (mesh_recv), then time (mesh_tick);
 *   2. while mesh_must_save says so, writes the facts durably (fsync) and
 *      says mesh_saved: nothing that depends on them is polled before;
 *   3. drains what the machine wants sent (mesh_poll), and asked over streams
 *	(ask.h);
 *   4. sleeps until mesh_deadline.
 *
 * All times are milliseconds of the caller's CLOCK_BOOTTIME (a monotonic clock
 * that goes on while the host sleeps: a lease slept through is over).
 * Sources: SWIM (DSN 2002), Lifeguard (arXiv 1707.00788), Raft §3, §4, §6.4.1,
 * reference of this project: DESIGN §4, §5.
 */
#ifndef GOSSIP_MESH_H
#define GOSSIP_MESH_H

#include "acts.h"
#include "base.h"
#include "crypto.h"
#include "entry.h"
#include "exclusive.h"
#include "hearers.h"
#include "pace.h"
#include "policy.h"
#include "saved.h"
#include "summary.h"
#include "wire.h"

enum {
	MESH_SEEDS_MAX = 64,
	MESH_META_BYTES_MAX = 200, /* zone and tags, opaque to the mesh */
	MESH_PARENTS_MAX = 16, MESH_KINDS_MAX = 64, /* kinds of packets: more than there are */
	MESH_MEMBERS_LIMIT = 8192,
	MESH_LEASE_MAX_MS = 60000, /* longer ones nobody has, and nobody follows */
};

enum mesh_state { MESH_ALIVE, MESH_SUSPECT, MESH_FAILED, MESH_LEFT };
enum mesh_role { MESH_FOLLOWER, MESH_CANDIDATE, MESH_LEADER };
enum mesh_grade { MESH_GRADE_NONE, MESH_GRADE_DEGRADED, MESH_GRADE_FULL };

struct mesh_conf {
	struct node_id self;
	uint8_t pk[KEY_BYTES]; /* of crypto.sign; self is its hash */
	char name[NAME_CAP];
	struct addr addr; /* advertised */
	uint8_t meta[MESH_META_BYTES_MAX];
	size_t meta_bytes;
	struct mesh_saved saved; /* as loaded; generation already raised */
	struct mesh_ca ca;	 /* all zero: who holds the cluster key may come in */
	struct addr seeds[MESH_SEEDS_MAX];
	size_t seeds_count;
	struct wire_range wire; /* the versions it speaks: WIRE_MIN and WIRE_MAX; {0} = 0 alone, of tests */
	struct mesh_policy policy;
	enum mesh_profile profile;
	msec lease_ms;	      /* <= MESH_LEASE_MAX_MS; 0 = auto: of lan 1500 up to 200 electors, else 3000 */
	bool draining;	      /* said from the first word on (mesh_drain) */
	uint32_t members_max; /* table size, 2..MESH_MEMBERS_LIMIT */
	/* All the randomness there is; drawn for this very start. */
	uint64_t seed;
	uint8_t salt[SALT_BYTES];  /* told to all */
	uint8_t secret[KEY_BYTES]; /* told nobody (cookie.h, draw.h) */
	struct crypto crypto;
	void (*trace)(void *arg, msec now, const char *event);
	void *trace_arg;
};

/* One member as this node sees it.  There is no global truth. */
struct mesh_member {
	struct node_id id;
	char name[NAME_CAP];
	struct addr addr;
	uint8_t meta[MESH_META_BYTES_MAX];
	size_t meta_bytes;
	enum mesh_state state;
	bool self, leader, in_roster, certified; /* by a CA: then zone is its word */
	bool evicted, udp_blocked; /* out for good (MESH_LEFT); only streams get to it */
	bool unheard; /* up by a word that grows old: as mesh_side counts it */
	bool answers; /* up, and the last that this node asked it itself was answered */
	bool unstable; /* called dead or suspected too often lately, or blocked: nothing new for it */
	char zone[NAME_CAP];	   /* of its certificate; "" = none, or not certified */
	enum mesh_entry entry;	   /* not OK: it is here, and gets no vote */
	bool foreign;	     /* it speaks no version of the wire that this node does */
	struct wire_range wire;    /* what it speaks; {0} while it said nothing to this node */
	bool profile_known;	   /* it said it to this node */
	enum mesh_profile profile; /* MESH_PROFILES: one this version does not know */
	uint64_t generation;
	enum mesh_going going;
	bool draining;	  /* its work is to be moved away: also while it restarts, or leaves */
	msec wait_until;  /* going, and dead: when that is a death; see going.h; 0 = at once */
	msec since;	  /* when state last changed */
	msec seen;	  /* last authenticated datagram, or MSEC_NEVER */
	int32_t rtt_ms;	  /* -1 = not measured */
	msec reported;	  /* leader only: last whole report, or MSEC_NEVER */
	struct stamp applied; /* leader only, from its report */
	struct mesh_summary summary;
	bool has_summary;
};

struct mesh_side {
	enum mesh_grade grade;
	enum mesh_role role;
	bool member;	     /* of a cluster at all */
	bool has_leader;
	struct node_id leader;
	uint64_t term;
	uint32_t visible;    /* alive roster members, self included */
	uint32_t known;	     /* roster size */
	uint32_t visible_weight, known_weight;
	uint32_t unheard, unheard_weight; /* of the visible: suspects, and without a leader whoever answers not */
	msec since;	     /* when leader, term or grade last changed */
	msec lease_until;    /* this node leads and may issue until; else 0 */
};

/* A schedule that somebody holds. */
struct mesh_parent {
	struct stamp stamp;
	struct hash hash;
	struct node_id holder;
};

/* What found no room here, and was not said, asked or taken: it comes again, or not. */
enum mesh_room { MESH_ROOM_DATAGRAMS, MESH_ROOM_ANSWERS, MESH_ROOM_STREAMS, MESH_ROOM_PINGS, MESH_ROOM_REPORTS, MESH_ROOMS };

/* Counters, by ERR_ code of what was dropped, and traffic; kinds: mesh_kind of look.h. */
struct mesh_stats {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	uint64_t dropped[ERR_COUNT];
	uint64_t no_room[MESH_ROOMS];
	uint64_t rx_kinds[MESH_KINDS_MAX], tx_kinds[MESH_KINDS_MAX]; /* read whole; made, those that others carry too */
	uint64_t sync_records, sync_bytes; /* whole ones, and all, told because tables differed */
};

struct mesh *mesh_new(const struct mesh_conf *conf, msec now);
void mesh_free(struct mesh *m);
/* buf is borrowed.  0, or the negative ERR_ it was dropped (and counted) for. */
int mesh_recv(struct mesh *m, msec now, const struct addr *from,
    const uint8_t *buf, size_t len);
void mesh_tick(struct mesh *m, msec now);
msec mesh_deadline(const struct mesh *m);
/* Bytes written for *to, or 0 when dry.  cap >= DGRAM_BYTES_MAX. */
size_t mesh_poll(struct mesh *m, msec now, struct addr *to, uint8_t *buf,
    size_t cap);
/* True while facts wait to be made durable; *out borrows from m. */
bool mesh_must_save(struct mesh *m, struct mesh_saved *out);
void mesh_saved(struct mesh *m);

/* --- what this node tells ----------------------------------------------- */
void mesh_set_summary(struct mesh *m, msec now, const struct mesh_summary *s);
/* This node now acts on that schedule; it must not be older than the last. */
MUST_CHECK int mesh_applied(struct mesh *m, msec now, const struct stamp *stamp,
    const struct hash *hash);

/* --- leading -------------------------------------------------------------- */
/* The next stamp this leader may issue; -ERR_NOT_LEADER without a live lease. */
MUST_CHECK int mesh_next_stamp(struct mesh *m, msec now, struct stamp *out);
/* Announce it in the beats; same condition. */
MUST_CHECK int mesh_issue(struct mesh *m, msec now, const struct stamp *stamp,
    const struct hash *hash);
/* Distinct schedules heard of in votes and reports, newest first. */
size_t mesh_parents(const struct mesh *m, struct mesh_parent *out, size_t cap);

/* --- what is known --------------------------------------------------------- */
/* What the leader this node follows announced last; false = nothing yet. */
bool mesh_issued(const struct mesh *m, struct mesh_parent *out);
void mesh_side(const struct mesh *m, msec now, struct mesh_side *out);
/* Members in id order, self included: for (i = 0; mesh_member(m, i, &x); i++) */
bool mesh_member(const struct mesh *m, uint32_t index, struct mesh_member *out);
bool mesh_find(const struct mesh *m, const struct node_id *id,
    struct mesh_member *out);
uint32_t mesh_count(const struct mesh *m);
/* Rises whenever a state, a leader, a grade, a term or an announcement changes. */
uint64_t mesh_changes(const struct mesh *m);
void mesh_stats(const struct mesh *m, struct mesh_stats *out);

#endif
