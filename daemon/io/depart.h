/*
 * depart.h - this node leaves its cluster for good: `mesh leave`.
 *
 *	asked    kept in the store; its work moves, as in a drain
 *	drained  mesh_leaving: its vote is taken away, kept in `critical`
 *	left     what is not to stay is stopped; then the state is wiped: the database
 *	         in one transaction, and last `critical`, where the cluster becomes the
 *	         one that it left.  Then a new engine begins, of no cluster.
 *
 * A crash on the way finds the wish again, in the store or in `critical`, and goes on.
 * What does not get on is said with its reason, and goes on waiting: a leader older than
 * this, say, takes no vote away.
 */
#ifndef IO_DEPART_H
#define IO_DEPART_H

#include "../../gossip/base.h"
#include "../base/err.h"
#include "ctl.h"

struct engine;

enum depart_step { DEPART_NONE, DEPART_WORK, DEPART_VOTE, DEPART_STOP, DEPART_WIPE };

struct depart {
	bool asked, stop_all, at_once; /* `keep` work too; without waiting for anybody */
	enum depart_step step;
	uint32_t todo;		       /* of this step: fewer is getting on */
	msec since;		       /* it last got on */
	char waits[ERR_TEXT_CAP];      /* for what; "" = nothing */
};

/* Does the wish stand?  Negative: err->code. */
MUST_CHECK int depart_load(struct engine *e, struct err *err);
/* When the mesh moved. */
void depart_look(struct engine *e);
/* Each second: the same, and the wiping, which ends this process; whoever asked for it
 * has his answer by then. */
void depart_second(struct engine *e);
/* What `mesh status` says of it; NULL = nothing. */
const char *depart_problem(const struct engine *e, char text[ERR_TEXT_CAP], const char **hint);
/* A join while this node leaves would be forgotten with all the rest: refused, and r is
 * answered; false: it does not leave. */
bool depart_refuses(const struct engine *e, struct ctl_req *r);
/* mesh leave [--stop|--keep] [--last] [--force] [--cancel].  Asked again it says how far it
 * is, and takes what is said more: --force, or --stop or --keep.  With the argument
 * look it begins nothing. */
void depart_verb(struct engine *e, struct ctl_req *r);

#endif
