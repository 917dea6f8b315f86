/*
 * losing.h - what may happen to a leader's round between two of its pieces (pieces.h): it is
 * thrown away, or the office goes, and with it the round.
 */
#ifndef TEST_IO_LOSING_H
#define TEST_IO_LOSING_H

#include "pieces.h"

static void
abandon(void)
{
	round_abandon(e);
	assert_null(e->lead.under_way);
	assert_false(e->lead.sched.running);
	round_abandon(e); /* there is none */
}

static struct mesh *stranger;

static void
make_stranger(void)
{
	struct mesh_conf c = l.e->mesh->conf;

	stranger = mesh_new(&c, net_now());
	assert_non_null(stranger);
}

static void
lose_office(void)
{
	struct mesh *own = e->mesh;

	e->mesh = stranger;
	lead_look(e);
	assert_false(e->lead.leading);
	assert_null(e->lead.under_way);
	e->mesh = own;
}

#endif
