/*
 * check_told.c - summaries fill what a node may say in a second, and no more.
 *
 *	summaries-in-budget	20 KiB a second, with the frames and headers around them;
 *				a handful of datagrams more at once
 */
#include "sim.h"

enum { TOLD_BYTES_S = 20480, TOLD_BURST = 6 * (DGRAM_BYTES_MAX + 28), AROUND = SEAL_OVERHEAD + 28 };

static size_t told; /* in the datagram that is being made */

bool __real_cargo_load(struct cargo *c, const struct rumour *r);
bool __wrap_cargo_load(struct cargo *c, const struct rumour *r);

bool
__wrap_cargo_load(struct cargo *c, const struct rumour *r)
{
	bool fits = __real_cargo_load(c, r);

	if (fits && r->briefs != NULL)
		told += r->briefs_len + AROUND;
	return fits;
}

/* Node i has made one.  A bucket that leaks what is allowed. */
void
check_told(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->node[i];
	uint64_t leaked = (uint64_t)((s->now - n->told_at) * TOLD_BYTES_S / SECOND);

	if (told == 0)
		return;
	n->told_bytes = (n->told_bytes > leaked ? n->told_bytes - leaked : 0) + told;
	n->told_at = s->now;
	told = 0;
	if (n->told_bytes > (uint64_t)TOLD_BURST)
		check_break(s, "summaries-in-budget", i, n->told_bytes, TOLD_BURST);
}
