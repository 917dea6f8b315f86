/*
 * report.h - what a node tells its leader and the standby (plane B): facts,
 * metrics, its instances and what it answers to the schedule's `query`, as a sample
 * (sample.h): metrics are its numbers, all else rows, of which each is a msgpack record [kind, fields...].  Unknown kinds
 * and further fields are skipped, so N-1 can read N.
 *
 * A sample goes as a difference to the one that its hearer holds, cut into 1..64
 * fragments that gossip carries without looking inside.  They may come in any
 * order; a report counts only whole.
 */
#ifndef CORE_REPORT_H
#define CORE_REPORT_H

#include "sample.h"
#include "view.h"

enum {
	REPORT_FRAG_BYTES_MAX = 1000,
	REPORT_FRAGS_MAX = 64,
	REPORT_INSTANCES_MAX = 1024,
	REPORT_HOSTACTS_MAX = 16, /* of those that failed; more are counted as cut */
};

struct report {
	struct view_facts facts;
	struct view_metrics metrics;
	struct view_instance *instances; /* owned, malloc'd; sorted by id */
	uint32_t instances_count;
	struct view_answer *answers; /* owned, malloc'd; sorted by name */
	uint32_t answers_count;
	struct view_hostact *hostacts; /* owned, malloc'd; as they come */
	uint32_t hostacts_count;
	uint32_t cut; /* records that did not fit into the fragments */
	uint32_t unknown; /* rows of kinds that this node does not know; skipped */
};

void report_free(struct report *r);

struct report_frags {
	size_t count;
	size_t bytes[REPORT_FRAGS_MAX];
	uint8_t data[REPORT_FRAGS_MAX][REPORT_FRAG_BYTES_MAX];
};

/* r as a sample, to be freed.  The same report gives the same sample, whatever the
 * order of its lists (answers come by name).  Instances have the first claim to
 * room, then answers, so what does not fit is names of images; how many were cut is
 * in it.  Each instance's node is the sender and is not sent.  Without memory some
 * is cut. */
void report_sample(const struct report *r, struct sample *out);
/* Refused as a whole: negative ERR_, and *out stays empty. */
MUST_CHECK int report_read(const struct sample *s, struct report *out);

/* What one hearer was told.  A zeroed one is valid. */
struct report_told {
	struct sample base; /* it holds this, as far as it said */
	struct sample now;  /* told last; its version is the caller's to fill in */
};
/* Tell fresh (which becomes told->now and is zeroed) to a hearer who said that it
 * holds version held, 0 = none: as a difference if that is known here. */
void report_tell(struct report_told *told, uint32_t held, struct sample *fresh,
    struct report_frags *out);
void report_told_free(struct report_told *told);

/* One node's reports at a hearer: the last whole one, the samples that a next one
 * may come from, and the next one while it is gathered.  A zeroed table is valid. */
struct report_table {
	bool has;	  /* `now` is a whole report */
	uint32_t version; /* of now */
	struct report now;
	struct sample base, newest; /* newest is what now was read from */
	uint32_t next_version, next_count;
	uint64_t got; /* a bit per fragment of next */
	uint8_t *next; /* next_count x REPORT_FRAG_BYTES_MAX */
	size_t next_last; /* bytes of the last one */
};

/* Take a fragment as mesh_next_report gave it.  1 = a whole report is now in
 * t->now, 0 = more to come (or seen before), negative ERR_ = refused, and the
 * report being gathered is thrown away; t->now stays.  -ERR_UNKNOWN: it comes
 * from a version not held here. */
int report_add(struct report_table *t, uint32_t version, uint32_t index,
    uint32_t count, const uint8_t *buf, size_t len);
void report_table_free(struct report_table *t);

#endif
