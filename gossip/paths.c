/*
 * paths.c - loss, and cut paths, from the probes that SWIM makes anyhow.
 *
 * A probe that is not answered straight costs nobody his life as long as others
 * hear him: that is what the helpers are for.  So a network that loses a third of
 * all datagrams, or one path that is cut, hides behind a healthy table.  Here it is
 * counted, of those alone who turned out to live:
 *
 *	PING -----> ACK in time                          asked
 *	PING --x    ... ACK late, or over a helper       asked, late: lost, or slow
 *	six of those in a row, not a word to me          "path cut": one of the two
 *	                                                  directions of this one path
 *	an answer, after that                            "path whole"
 *
 * From the third silence in a row on a probe counts for the path and no longer as
 * loss: one cut path in a small mesh would look like a bad network.  At a loss of
 * 30 % each way a probe stays without any answer one time in four: six in a row by
 * chance come to about one an hour.  A path is called cut once a minute at most.
 */
#include "inner.h"
#include "look.h"

enum { SLOT_MS = 10000, AGAIN_MS = 60000, PATH_DOUBT = 3 };

static void
count(struct paths *p, msec now, bool late)
{
	msec number = now / SLOT_MS;
	size_t k = (size_t)(number % PATHS_SLOTS);

	if (p->slot[k].number != number) {
		p->slot[k].number = number;
		p->slot[k].asked = p->slot[k].late = 0;
	}
	p->slot[k].asked++;
	p->slot[k].late += late;
}

void
paths_probed(struct mesh *m, msec now, uint32_t i, bool silent)
{
	struct member_doubt *x = &m->ms.doubts[i];

	if (!silent || x->silent < PATH_DOUBT)
		count(&m->paths, now, !m->paths.direct);
	if (!silent) {
		if (x->cut)
			trace(m, now, "path whole", i, 0);
		if (x->silent > 0) {
			x->silent = 0;
			x->cut = false;
		}
		return;
	}
	if (x->silent < PATHS_CUT)
		x->silent++;
	if (x->silent < PATHS_CUT || x->cut || (x->cut_at != 0 && now - x->cut_at < AGAIN_MS))
		return;
	x->cut = true;
	x->cut_at = now;
	trace(m, now, "path cut", i, 0);
}

void
paths_forget(struct mesh *m, uint32_t i)
{
	struct member_doubt *x = &m->ms.doubts[i];

	if (x->silent > 0) {
		x->silent = 0;
		x->cut = false;
	}
}

void
mesh_loss(const struct mesh *m, msec now, struct mesh_loss *out)
{
	*out = (struct mesh_loss){.asked = 0};
	for (size_t k = 0; k < PATHS_SLOTS; k++) {
		msec age = now / SLOT_MS - m->paths.slot[k].number;

		if (m->paths.slot[k].asked == 0 || age < 0 || age >= PATHS_SLOTS)
			continue;
		out->asked += m->paths.slot[k].asked;
		out->late += m->paths.slot[k].late;
	}
}
