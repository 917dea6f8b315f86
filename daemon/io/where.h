/*
 * where.h - on which node an instance is, for questions about one instance.
 */
#ifndef IO_WHERE_H
#define IO_WHERE_H

#include "../../gossip/base.h"

struct engine;

/* By the schedule that this node acts on.  True: *on is another member, whose name is in node;
 * false: it is here, or nobody knows. */
bool where_is(const struct engine *e, const char *instance, struct node_id *on,
    char node[NAME_CAP]);
/* By that schedule it is here. */
bool where_here(const struct engine *e, const char *instance);
/* An instance of that schedule that may have been meant: of a role of that name, or nearly
 * so called; or NULL. */
const char *where_near(const struct engine *e, const char *word);

#endif
