/*
 * inner.h - the insides of struct mesh, shared by the files that make it up
 * and by nobody else.  Each part of the state belongs to one file, named here;
 * the others read it and change it only through that file's functions.
 */
#ifndef GOSSIP_INNER_H
#define GOSSIP_INNER_H

#include "members.h"
#include "mesh.h"
#include "prng.h"

enum {
	RELAYS_MAX = 32,
	JOBS_MAX = 64,
	ROUNDS_MAX = 8,
	INBOX_MAX = 256,	  /* report fragments waiting for the leader's caller */
	ROSTER_CHUNK = 64,	  /* roster entries per datagram */
	ROSTER_ENTRY_BYTES = ID_BYTES + 1,
	STEP_MS = 100,		  /* the election's unit of patience */
	TERM_JUMP_MAX = 1 << 24,  /* elections nobody heard of, at most */
};

/* A datagram to be built when it is polled.  a, b, c by kind. */
struct out {
	uint8_t kind;
	bool introduce; /* put my own record first */
	bool accuse;	/* tell it that it is called dead */
	uint16_t to;	/* member, or MEMBER_NONE: addr */
	struct addr addr;
	uint64_t a, b, c;
};

/* A long answer, sent some datagrams at a time. */
struct job {
	uint8_t kind; /* PACKET_SYNC, PACKET_ROSTER; 0 = free */
	uint16_t to;
	uint32_t buckets, cursor;
	struct roster_id roster;
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
	uint32_t health; /* Lifeguard's local health, 0..8; 0 = well */
	msec sent, ask_at, probe_at;
	msec gossip_at, reconnect_at, seeds_at, suspect_at, who_at;
	msec sync_at, changed_at; /* next sync allowed; table last moved */
	uint64_t last_hash;
	uint64_t join_token;
	struct relay {
		uint64_t seq, their_seq;
		uint16_t from; /* MEMBER_NONE = free */
		msec sent, nack_at;
	} relays[RELAYS_MAX];
	uint32_t relay_next;
};

enum elect_phase { ELECT_IDLE, ELECT_PREVOTE, ELECT_VOTE };

struct tally {
	uint32_t old, new, all;
};

/* elect.c and lead.c */
struct elect {
	enum mesh_role role;
	enum elect_phase phase;
	uint64_t ballot_term; /* of the leader I follow, or mine while I lead */
	uint16_t leader;      /* member, or MEMBER_NONE */
	uint16_t last_leader; /* who was lost last */
	uint16_t promised;    /* to whom, until promise_until */
	msec promise_until, holdoff_until, lost_at, try_at;
	uint64_t attempt, attempt_term;
	msec attempt_until;
	struct tally grants;
	/* what the leader tells */
	uint64_t grade;
	struct head issued;
	/* leading */
	struct round {
		msec t; /* 0 = none */
		struct tally echoes;
	} rounds[ROUNDS_MAX];
	uint32_t round; /* newest */
	msec beat_at, lead_since, full_base, degraded_base, first_until;
	uint32_t weight;
	uint64_t seq;	    /* of the last stamp issued in ballot_term */
	uint64_t wish_term; /* re-ballot at least here; 0 = no */
};

/* roster.c */
struct roster {
	struct roster_id id;
	uint64_t seen_version; /* the highest anybody showed me */
	struct tally n;
	uint64_t hash;
	bool joint;
	msec change_at, ask_at;
	/* being fetched */
	struct roster_id fetch;
	uint32_t fetch_chunks, fetch_count, fetch_entries;
	uint8_t *fetch_bytes; /* entries */
	uint8_t fetch_have[(MESH_MEMBERS_LIMIT / ROSTER_CHUNK + 8) / 8 + 1];
	/* as saved */
	uint8_t *blob;
	size_t blob_cap, blob_len;
	bool blob_stale;
};

/* report.c */
struct report {
	uint8_t *frags;
	size_t frag_bytes[MESH_FRAGS_MAX];
	uint32_t count, version;
	uint64_t acked, seq;
	msec at, verdict_at;
	uint64_t got, lost; /* reports, by their numbers; halved each 10 s */
	msec halve_at;
	struct mesh_summary summary;
	bool summary_set, summary_due;
	msec summary_next, summary_again;
	struct inbox {
		struct node_id from;
		uint32_t version, index, count;
		size_t len;
		uint8_t bytes[MESH_FRAG_BYTES_MAX];
	} *inbox;
	uint32_t inbox_head, inbox_len;
};

struct mesh {
	struct mesh_conf conf;
	struct seal seal;
	struct members ms; /* index 0 = self */
	struct prng rng;
	struct swim swim;
	struct elect elect;
	struct roster roster;
	struct report report;
	struct mesh_saved saved; /* as it must be on disk */
	bool must_save, member, left;
	msec started, ticked;
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

/* out.c */
void out_to(struct mesh *m, enum packet_kind kind, uint32_t to, uint64_t a, uint64_t b, uint64_t c);
void out_introduce(struct mesh *m, enum packet_kind kind, uint32_t to, uint64_t a);
void out_accuse(struct mesh *m, uint32_t to);
void out_addr(struct mesh *m, enum packet_kind kind, const struct addr *addr, uint64_t a);
void out_job(struct mesh *m, enum packet_kind kind, uint32_t to, uint32_t buckets, uint32_t cursor);
size_t out_poll(struct mesh *m, msec now, struct addr *to, uint8_t *buf);
void out_tick(struct mesh *m, msec now);

/* rumour.c */
int rumour_hear(struct mesh *m, msec now, const struct rumour *r);
int rumours_hear(struct mesh *m, msec now, const struct packet *p);
void rumour_suspect(struct mesh *m, msec now, uint32_t i, uint64_t accuser);
void rumour_fail(struct mesh *m, msec now, uint32_t i, const char *why);
void rumour_tick(struct mesh *m, msec now);

/* swim.c */
int swim_init(struct mesh *m, msec now);
int swim_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p);
void swim_tick(struct mesh *m, msec now);
void swim_gossip(struct mesh *m, msec now);
msec swim_deadline(const struct mesh *m);
void swim_added(struct mesh *m, uint32_t i);
uint32_t swim_random_up(struct mesh *m, uint32_t except);

/* join.c */
int join_recv(struct mesh *m, msec now, const struct addr *from, const struct packet *p);
void join_tick(struct mesh *m, msec now);
void join_who(struct mesh *m, msec now, const struct addr *from);

/* elect.c */
void elect_init(struct mesh *m, msec now);
int elect_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p);
void elect_tick(struct mesh *m, msec now);
msec elect_deadline(const struct mesh *m);
void elect_start_vote(struct mesh *m, msec now, uint64_t term);
void elect_lost(struct mesh *m, msec now, msec wait);
void elect_forget(struct mesh *m, msec now, uint32_t i);
msec elect_lease_ms(const struct mesh *m);
bool elect_quorum(const struct mesh *m, const struct tally *t);
bool elect_quorum_degraded(const struct mesh *m, const struct tally *t);
void tally_add(struct tally *t, const struct member *m);
bool elect_follow(struct mesh *m, msec now, uint32_t from, const struct packet *p);

/* lead.c */
void lead_start(struct mesh *m, msec now);
void lead_stop(struct mesh *m, msec now, const char *why);
void lead_resign(struct mesh *m, msec now, uint64_t successor);
void lead_beat(struct mesh *m, msec now);
int lead_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p);
void lead_tick(struct mesh *m, msec now);
msec lead_deadline(const struct mesh *m);
enum mesh_grade lead_grade(const struct mesh *m, msec now);
msec lead_until(const struct mesh *m);
void lead_fill_beat(struct mesh *m, msec now, uint32_t to, struct packet *p);
void lead_pause(struct mesh *m, msec now);
void lead_heard_stamp(struct mesh *m, const struct stamp *s);

/* roster.c */
int roster_init(struct mesh *m, msec now);
void roster_fini(struct mesh *m);
void roster_first(struct mesh *m);
void roster_step(struct mesh *m, msec now);
int roster_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p);
void roster_beat(struct mesh *m, msec now, uint32_t from, const struct packet *p);
void roster_save(struct mesh *m);
uint32_t roster_chunk(const struct mesh *m, uint32_t index, uint8_t *out);
int roster_cmp(const struct roster_id *a, const struct roster_id *b);

/* report.c */
int report_init(struct mesh *m, msec now);
void report_fini(struct mesh *m);
int report_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p);
void report_tick(struct mesh *m, msec now);
msec report_deadline(const struct mesh *m);
void report_beat(struct mesh *m, const struct packet *p);
msec report_interval(const struct mesh *m);

/* known.c */
void known_side(const struct mesh *m, msec now, struct mesh_side *out);

/* trace.c: one terse line for operator, test and log; name of member i. */
void trace(struct mesh *m, msec now, const char *event, uint32_t i, uint64_t number);

static inline msec
msec_min(msec a, msec b)
{
	return a < b ? a : b;
}

static inline uint32_t
mesh_up(const struct mesh *m)
{
	return m->ms.by_state[MESH_ALIVE] + m->ms.by_state[MESH_SUSPECT];
}

#endif
