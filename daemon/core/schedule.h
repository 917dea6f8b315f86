/*
 * schedule.h - the schedule as it travels and as it lies on disk: a signed
 * header, and parts that it names by hash (DESIGN §6).
 *
 *   header  [bin body, bin signature]; body = [1, term, leader, seq, grade,
 *           at_ms, pk, [[term, leader, seq, hash]...], [[kind, name, hash,
 *           bytes]...]]; the signature is over "mesh schedule 1\n" + body
 *   role    [1, 1, name, version, template, template hash, on_split, vars,
 *           the plan's own vars]
 *   node    [1, 2, name, vars, [[role, sandbox, vars, [[id, process, image,
 *           vars]...]]...], id of the node, zeroes: anybody's, [[role, version,
 *           template, template hash]...] where they are not the role's; the last two
 *           only where they say something]
 *   private [1, 3, vars, state, query, changes, why, replies, [[role, update]...],
 *           [[name, id of who had it first]...]]; the last only where two have one name
 *
 * vars and the like are bin, holding packed msgpack.  Every node fetches the private
 * part too: it answers what `query` asks (query.h).  No part holds the stamp:
 * a role or node that did not change keeps its bytes and its hash, and a node
 * that sees the hash again does nothing.
 */
#ifndef CORE_SCHEDULE_H
#define CORE_SCHEDULE_H

#include "../../gossip/crypto.h"
#include "../../gossip/mesh.h"
#include "../base/err.h"
#include "blob.h"
#include "plan.h"

enum {
	SCHEDULE_BYTES_MAX = 4 << 20, /* header and parts */
	SCHEDULE_PART_BYTES_MAX = 512 << 10,
	SCHEDULE_HEADER_BYTES_MAX = 1 << 20,
	SCHEDULE_PARTS_MAX = PLAN_ROLES_MAX + PLAN_NODES_MAX + 1,
	STAMP_TEXT_CAP = 56,
};

enum schedule_kind { SCHEDULE_ROLE = 1, SCHEDULE_NODE = 2, SCHEDULE_PRIVATE = 3 };

struct schedule_ref {
	struct stamp stamp;
	struct hash hash; /* of its header */
};

/* A row of the part table. */
struct schedule_part {
	enum schedule_kind kind;
	char name[NAME_CAP]; /* "" for the private part */
	struct hash hash;
	uint32_t bytes;
};

struct schedule_meta {
	struct stamp stamp;
	struct schedule_ref parents[MESH_PARENTS_MAX];
	size_t parents_count;
	int grade; /* enum mesh_grade */
	uint64_t at_ms;
	uint8_t pk[KEY_BYTES]; /* of the leader */
};

/* A header, opened or built.  data[i] holds the bytes of parts[i]: after
 * schedule_build all of them, after schedule_open none (schedule_put adds). */
struct schedule {
	struct schedule_meta meta;
	struct hash hash;	     /* of the header */
	struct blob header;	     /* as received or signed */
	struct schedule_part *parts; /* sorted by kind, then name; unique */
	struct blob *data;
	size_t parts_count;
	bool why_cut; /* build only: `why` was too big and was left out */
};

/* Sign a plan.  meta.stamp.leader is the id of meta.pk.  0, or -1 and a line
 * ("role 'web': 600 KiB packed, the limit of a part is 512 KiB"). */
int schedule_build(struct schedule *out, const struct plan *plan,
    const struct schedule_meta *meta, const struct crypto *c, struct err *err);
/* Verify and decode a header: bounds, order, that pk is the leader's (its hash
 * begins with stamp.leader), then the signature.  0 or a negative ERR_;
 * *out is then empty.  The caller decides whether that leader may command. */
MUST_CHECK int schedule_open(struct schedule *out, const uint8_t *buf,
    size_t len, const struct crypto *c);
void schedule_free(struct schedule *s);

/* The row, or -1.  name "" for SCHEDULE_PRIVATE. */
int schedule_find(const struct schedule *s, enum schedule_kind kind,
    const char *name);
/* Give row i its bytes (copied): hash, length and shape are checked. */
MUST_CHECK int schedule_put(struct schedule *s, size_t i, const uint8_t *buf,
    size_t len, const struct crypto *c);
/* All parts are there (without_private: but for the private one). */
bool schedule_complete(const struct schedule *s, bool without_private);

enum schedule_change { SCHEDULE_SAME, SCHEDULE_STATE_ONLY, SCHEDULE_CHANGED };
/* What differs between two part tables: nothing, the private part, more. */
enum schedule_change schedule_compare(const struct schedule *a,
    const struct schedule *b);

/* Decode one part; 0 or a negative ERR_, *out is then empty. */
MUST_CHECK int schedule_read_role(struct plan_role *out, const uint8_t *buf, size_t len);
MUST_CHECK int schedule_read_node(struct plan_node *out, const uint8_t *buf, size_t len);
/* All parts that are there, as a plan (no missing, no errors).  Without the
 * private part, state and the like are empty. */
MUST_CHECK int schedule_plan(const struct schedule *s, struct plan *out);
/* The same, some parts at a time: *out begins zeroed, *at as 0; 1: there are more. */
MUST_CHECK int schedule_plan_more(const struct schedule *s, size_t *at, struct plan *out);
/* The script's view of it, parents[i]: a map {stamp, grade, at, vars, roles,
 * nodes, state, query, changes, why, replies}, shaped like the script's own
 * output.  Also what `mesh schedule` shows. */
MUST_CHECK int schedule_to_parent(const struct schedule *s, struct blob *out);
/* The same of its plan, where that is at hand. */
MUST_CHECK int schedule_pack_parent(const struct schedule_meta *m, const struct plan *plan,
    struct blob *out);

/* Its replies (actdone.h), borrowed from its private part; empty when that is not there. */
void schedule_replies(const struct schedule *s, struct slice *out);

/* Is a schedule of that stamp in the past of s, as far as its header tells: an
 * earlier one of the same leader, a parent, or an earlier one of a parent's? */
bool schedule_descends(const struct schedule *s, const struct stamp *old);

/* TERM.LEADER8.SEQ */
void stamp_text(const struct stamp *s, char out[STAMP_TEXT_CAP]);

#endif
