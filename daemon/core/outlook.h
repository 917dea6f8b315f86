/*
 * outlook.h - the mesh as one node sees it, as it tells another that asked.
 *
 *   [1, id 16, name, grade, term, leader 16 | nil, since_ms, pinged,
 *      [[id 16, name, state, flags, rtt_ms, seen_ms], ...]]
 *
 * flags: OUTLOOK_ bits.  rtt_ms and seen_ms: -1 = none.  Further fields are
 * skipped, so N-1 can read N.  Who answers holds the cluster's key and may lie
 * all the same: what it says is bounded, and believed of its own view alone.
 */
#ifndef CORE_OUTLOOK_H
#define CORE_OUTLOOK_H

#include "blob.h"

enum {
	OUTLOOK_BYTES_MAX = 1 << 20,
	OUTLOOK_ROWS_MAX = 8192,
	OUTLOOK_STATE_MAX = 3,	 /* of enum mesh_state */
	OUTLOOK_GRADE_MAX = 2,	 /* of enum mesh_grade */
	OUTLOOK_ASKED = 1,	 /* it was pinged, ... */
	OUTLOOK_ANSWERED = 2,	 /* and answered, */
	OUTLOOK_HEARD = 4,	 /* or was heard all the same */
	OUTLOOK_IN_ROSTER = 8,
	OUTLOOK_BLOCKED = 16, /* streams get there, datagrams do not */
};

struct outlook_row {
	struct node_id id;
	char name[NAME_CAP]; /* a name, or "" */
	uint8_t state, flags;
	int32_t rtt_ms;
	int64_t seen_ms; /* ago */
};

struct outlook {
	struct node_id id;
	char name[NAME_CAP];
	uint8_t grade;
	bool has_leader, pinged;
	struct node_id leader;
	uint64_t term;
	int64_t since_ms; /* of this leader, term and grade */
	struct outlook_row *rows; /* owned */
	uint32_t count;
};

/* 0 and out (blob_free it), -ERR_LONG or -ERR_FULL. */
MUST_CHECK int outlook_pack(const struct outlook *o, struct blob *out);
/* 0 and *o (outlook_free it), or a negative ERR_ and an empty *o. */
MUST_CHECK int outlook_read(const uint8_t *buf, size_t len, struct outlook *o);
void outlook_free(struct outlook *o);

#endif
