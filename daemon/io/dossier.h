/*
 * dossier.h - the facts of all nodes, as far as this one holds them: it signs its own
 * (gossip/facts.h), asks others over streams when the mesh says so, and answers them.
 * In memory only: a restarted node asks for all anew, a question of many at a time.
 */
#ifndef IO_DOSSIER_H
#define IO_DOSSIER_H

#include "../../gossip/facts.h"
#include "../core/view.h"
#include "stream.h"

struct engine;
struct ctl_req;

struct dossier_row {
	struct node_id id; /* first: rows are found by it */
	struct facts_record record; /* of bytes that the row owns */
	bool readable; /* else a newer version's: passed on, not shown */
	struct view_facts facts;
	uint32_t cut;
};

struct dossier {
	struct dossier_row *rows; /* by id, this node's own too */
	size_t count;
	uint32_t hint; /* of its own, for the summary */
	uint32_t cut;  /* names left out of them */
};

/* Once a second: this node's facts as they are, into its record and *hint. */
void dossier_second(struct engine *e);
/* After every act on the mesh: ask whom it wants asked. */
void dossier_look(struct engine *e);
/* QUERY_FACTS came: answer it. */
void dossier_serve(struct engine *e, const uint8_t *payload, size_t len,
    struct stream_answer *answer);
/* What is held of that node (of this one: what it says), in *held which; NULL: nothing
 * that can be read. */
const struct view_facts *dossier_facts(const struct engine *e, const struct node_id *id,
    struct mesh_facts *held);
/* "facts: 12 names ..." and what to do; NULL: all of them fit. */
const char *dossier_problem(const struct engine *e, char out[ERR_TEXT_CAP], const char **hint);
/* mesh facts [NODE] */
void dossier_verb(struct engine *e, struct ctl_req *r);

#endif
