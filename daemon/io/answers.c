/*
 * answers.c - see answers.h.
 */
#include "answers.h"

#include "../base/log.h"
#include "engine.h"

void
answers_measure(struct engine *e)
{
	const struct query_host host = {.facts = &e->facts, .metrics = &e->metrics};

	e->answers.count = query_answer(&e->answers.query, &host, e->answers.rows);
}

void
answers_take(struct engine *e, struct slice query)
{
	struct query_set fresh;

	if (query_read(query, &fresh) < 0)
		log_warn("the query of the schedule in force can't be read: nothing is answered");
	if (query_eq(&fresh, &e->answers.query)) {
		query_free(&fresh);
		return;
	}
	query_free(&e->answers.query);
	e->answers.query = fresh;
	answers_measure(e);
	engine_report_soon(e);
}
