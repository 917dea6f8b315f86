/*
 * report.h - the summary for all, the report for the leader, the leader's
 * verdict on the silent.
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_REPORT_H
#define GOSSIP_REPORT_H

#include "members.h"

struct mesh;

enum { SUMMARY_REPEATS = 2 }; /* a value that did not move is passed on so often */
enum { INBOX_MAX = 256 }; /* fragments waiting for the leader's caller */

struct report {
	uint8_t *frags;
	size_t frag_bytes[MESH_FRAGS_MAX];
	uint32_t count, version;
	uint64_t acked, seq, vouch;
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

int report_init(struct mesh *m, msec now);
void report_fini(struct mesh *m);
int report_recv(struct mesh *m, msec now, uint32_t from, const struct packet *p);
void report_tick(struct mesh *m, msec now);
msec report_deadline(const struct mesh *m);
/* Is this ack one of a probe that went through others?  Then its subject lives. */
bool report_vouched(struct mesh *m, msec now, uint32_t from, uint64_t seq);
void report_beat(struct mesh *m, const struct packet *p);
msec report_interval(const struct mesh *m);

#endif
