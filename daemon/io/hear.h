/*
 * hear.h - the reports that this node hears, as leader or as its standby.  Both
 * take them in alike; only a leader acts on them.
 */
#ifndef IO_HEAR_H
#define IO_HEAR_H

#include "lead.h"

/* Before anything else at each look: what was heard in an earlier office goes. */
void hear_sync(struct engine *e);
/* Take in what came.  Was there any? */
bool hear_take(struct engine *e);
/* Its place in the table, made if need be, until the next one is made; NULL without memory. */
struct lead_node *hear_node(struct engine *e, const struct node_id *id);
/* The report of a member, or NULL; NULL also while this node does not lead. */
const struct report *hear_report(const struct engine *e, const struct node_id *id);

#endif
