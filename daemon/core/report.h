/*
 * report.h - what a node tells its leader (plane B): facts, metrics and its
 * instances, as 1..64 msgpack fragments of at most 1000 bytes that gossip
 * carries without looking inside.
 *
 * Every fragment stands alone: [format, record, record, ...], and a record is
 * [kind, fields...].  Unknown kinds and further fields are skipped, so N-1 can
 * read N.  Fragments may come in any order; a report counts only whole.
 */
#ifndef CORE_REPORT_H
#define CORE_REPORT_H

#include "view.h"

enum {
	REPORT_FRAG_BYTES_MAX = 1000,
	REPORT_FRAGS_MAX = 64,
	REPORT_INSTANCES_MAX = 1024,
};

struct report {
	struct view_facts facts;
	struct view_metrics metrics;
	struct view_instance *instances; /* owned, malloc'd; sorted by id */
	uint32_t instances_count;
	uint32_t cut; /* records that did not fit into the fragments */
};

void report_free(struct report *r);

struct report_frags {
	size_t count;
	size_t bytes[REPORT_FRAGS_MAX];
	uint8_t data[REPORT_FRAGS_MAX][REPORT_FRAG_BYTES_MAX];
};

/* The same report gives the same bytes, whatever the order of its lists.
 * Instances go first, so what does not fit is names of images; how many were
 * cut is in the report.  Each instance's node is the sender and is not sent. */
void report_pack(const struct report *r, struct report_frags *out);

/* One node's reports at the leader: the last whole one, and the next one
 * while it is gathered.  A zeroed table is valid. */
struct report_table {
	bool has;	  /* `now` is a whole report */
	uint32_t version; /* of now */
	struct report now;
	uint32_t next_version, next_count;
	uint64_t got; /* a bit per fragment of next */
	struct report next;
};

/* Take a fragment as mesh_next_report gave it.  1 = a whole report is now in
 * t->now, 0 = more to come (or seen before), negative ERR_ = refused, and the
 * report being gathered is thrown away; t->now stays. */
int report_add(struct report_table *t, uint32_t version, uint32_t index,
    uint32_t count, const uint8_t *buf, size_t len);
void report_table_free(struct report_table *t);

#endif
