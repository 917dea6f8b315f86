/*
 * report.h - the report for the leader and its standby (report.c), the summary
 * for all (summary.c), the leader's verdict on the silent (verdict.c).
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_REPORT_H
#define GOSSIP_REPORT_H

#include "members.h"

struct mesh;
struct cargo;
struct out;

enum { SUMMARY_REPEATS = 2 }; /* a value that did not move is passed on so often */
enum { INBOX_MAX = 256 }; /* fragments waiting for the hearer's caller */

/* What one of the two hearers is told, and what of it came back as held. */
struct told {
	uint16_t to; /* member, or MEMBER_NONE */
	bool wanted; /* it holds nothing to go on from: a whole report, please */
	bool greeted; /* it holds, or held, a report of mine */
	uint8_t *frags;
	size_t frag_bytes[MESH_FRAGS_MAX];
	uint32_t count, version; /* version 0 = nothing to tell yet */
	uint32_t held; /* it said it holds that when that was the newest */
	uint64_t acked, seq;
	msec at, spread_until;
};

struct report {
	struct told told[MESH_HEARERS];
	uint32_t version; /* given out last, in any of them */
	/* hearing: as a leader or its standby */
	uint64_t hearing, hearings; /* 0 = not; how often it began */
	uint16_t standby; /* while leading: whom the beats name, or MEMBER_NONE */
	/* verdict.c */
	uint64_t vouch;
	msec verdict_at;
	msec cut_since; /* the first of deaths that came close together */
	uint32_t cut_up, cut_dead; /* who was up then; how many died */
	uint64_t got, lost; /* reports, by their numbers; halved each 10 s */
	msec halve_at;
	/* summary.c */
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

int report_init(struct mesh *m, msec now);
void report_fini(struct mesh *m);
/* The generation is another: versions go on above those of the one before. */
void report_relive(struct mesh *m);
int report_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p);
void report_tick(struct mesh *m, msec now);
msec report_deadline(const struct mesh *m);
/* The beat of the leader this node follows: who stands by, what it holds of mine. */
void report_beat(struct mesh *m, msec now, uint32_t from, const struct packet *p);
/* After it: is a report due, which is the echo too? */
bool report_rides(struct mesh *m, msec now, uint32_t from, const struct packet *beat);
/* Tell the leader at least that I live, now. */
void report_soon(struct mesh *m, msec now);
/* This node leads from now on; who reported to it as the standby need not again. */
void report_office(struct mesh *m, msec now);
/* Member i is gone for good. */
void report_forget(struct mesh *m, uint32_t i);
/* While leading: what the beat for member to says of its report. */
void report_fill_beat(const struct mesh *m, uint32_t to, struct packet *p);
/* REPORT: fragment a of what `to` is told, or bare when b is 0; kind becomes NONE
 * when it is told nothing any more.  REPORTED: version a, bits b. */
void report_fill(struct mesh *m, const struct out *o, struct packet *p);
msec report_interval(const struct mesh *m);

void summary_init(struct mesh *m, msec now);
/* A block as in brief.h; known = all others know it.  0 or -ERR_MALFORMED. */
int summary_hear(struct mesh *m, msec now, const uint8_t *briefs, size_t len, bool known);
/* Of those members, in that order, as many as there is room for: how many. */
uint32_t summary_put(struct mesh *m, struct cargo *c, const uint16_t *which, uint32_t n);
/* As many as there is room for, those that were sent least first. */
void summary_load(struct mesh *m, msec now, struct cargo *c);
/* Nothing is known of member i's, and whatever comes next is taken. */
void summary_forget(struct mesh *m, uint32_t i);
/* It lives, though it may have been dead: for long, and its count may be anywhere. */
void summary_rise(struct mesh *m, msec now, uint32_t i);
void summary_tick(struct mesh *m, msec now);
msec summary_deadline(const struct mesh *m);

void verdict_init(struct mesh *m);
void verdict_tick(struct mesh *m, msec now);
/* Is this ack one of a probe that went through others?  Then its subject lives. */
bool report_vouched(struct mesh *m, msec now, uint32_t from, uint64_t seq);

#endif
