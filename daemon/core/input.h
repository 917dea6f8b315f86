/*
 * input.h - the world as the user's scheduler sees it (DESIGN §6): one packed
 * msgpack map, the `input` of scriptio.h.  The same world gives the same
 * bytes, in whatever order its arrays came: a round can be replayed.
 */
#ifndef CORE_INPUT_H
#define CORE_INPUT_H

#include "../base/flat.h"
#include "actdesk.h"
#include "blob.h"
#include "query.h"
#include "view.h"

/* One metadata file, roles/ROLE/VERSION/FILE.yaml; all strings are names.
 * It becomes roles[role].versions[version][file]; with file "" its keys become
 * the version's own.  A version without files: one entry with doc.len == 0. */
struct input_meta {
	char role[NAME_CAP], version[NAME_CAP], file[NAME_CAP];
	struct flat doc; /* opened by flat_open */
};

struct input {
	uint64_t now_ms;  /* wall clock of the leader */
	const char *self; /* this node's name */
	struct view_side side;
	const struct view_node *nodes; /* failed ones become side.lost */
	size_t nodes_count;
	const struct view_instance *instances;
	size_t instances_count;
	const struct input_meta *metas;
	size_t metas_count;
	const struct slice *parents; /* made by schedule_to_parent, by stamp */
	size_t parents_count;
	struct slice vars; /* one packed map; empty = {} */
	const struct actdesk_item *const *actions; /* any order */
	size_t actions_count; /* at most ACTDESK_ROUND_MAX */
	struct query_set query; /* of the schedule in force; borrowed */
};

/* metrics[name] for each entry of query:
 *   query    the expression
 *   series   [{labels, value, trend}]: what it comes to, in PromQL's order; finite ones
 *   value, trend   of the one series, if it is one
 *   nodes    {n1 = {age, value, trend}}: who answered; the figure of the series that is
 *            that node's alone (by its label node), if there is one
 *   missing  ["n2"]: who has not answered that expression, or is not heard from any more;
 *            who left is nowhere
 *   age      of the oldest answer, ms
 *   error    why the answers don't come to anything, if they don't
 * trend is the change a second, over QUERY_TREND_MS; not there if there was no value.
 * actions: [{args, by = "uid 1000", id = "n2.17", name, node, role, stamp, tries}], oldest
 * first (actqueue.h); no role where the action is of none.
 * Instances of one id on several nodes (after a heal): `running[id]` is the
 * oldest that runs, and `copies[id]` lists them all.
 * 0, or -ERR_MALFORMED (a parent or vars is not one msgpack map, a document is
 * too deep), -ERR_FULL (no memory). */
MUST_CHECK int input_pack(const struct input *in, struct blob *out);

/* The same in pieces, in this order; what one does not name of in it does not look at, so
 * that need not be there any more, or not yet. */
struct inputwork;
/* now_ms, self, actions, query; nodes, which are borrowed until input_nodes, but for their
 * answers.  NULL: no memory. */
struct inputwork *input_begin(const struct input *in);
/* now_ms, side, and those nodes. */
void input_nodes(struct inputwork *x, const struct input *in);
/* instances, which are borrowed until input_close, some of them at a time: 1, there are
 * more; 0, or -ERR_FULL. */
MUST_CHECK int input_instances(struct inputwork *x, const struct input *in);
/* metas, parents, vars; as input_pack, and x is gone. */
MUST_CHECK int input_close(struct inputwork *x, const struct input *in, struct blob *out);
void input_drop(struct inputwork *x); /* NULL is fine */

#endif
