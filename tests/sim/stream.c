/*
 * stream.c - what a node asks another over a stream: is it there, and in which
 * life.  A cut one way cuts it both ways, a process that is stopped does not
 * answer, one that died gets no question of an earlier life.  The line loses TCP's
 * segments as it loses datagrams: of the handshake one is too many, for a SYN is said
 * again after 1 s and the daemon gives up after 0.9 (daemon/io/dark.c); what comes
 * after it is said once more after 0.2 s (RFC 6298 has 1 s for both, Linux a floor of
 * 0.2 s once the path was measured).
 */
#include "../../gossip/ask.h"
#include "sim.h"

#include <stdlib.h>

enum { RTO = SECOND / 5 };

static bool
cut(const struct sim *s, uint32_t a, uint32_t b)
{
	uint8_t is = s->cut[(size_t)a * s->conf.nodes + b];

	return is == CUT_ALL || is == CUT_TCP;
}

static bool
passes(const struct sim *s, uint32_t a, uint32_t b)
{
	return s->node[a].group == s->node[b].group &&
	    (s->cut == NULL || (!cut(s, a, b) && !cut(s, b, a)));
}

void
stream_send(struct sim *s, uint32_t from, uint32_t to, enum sim_stream what, const uint8_t *load,
    size_t len)
{
	struct sim_dgram *d;
	usec late = 0;

	if (!passes(s, from, to))
		return;
	if ((what == STREAM_ASKS || what == STREAM_FACTS_ASKS) && (net_loses(s, from, to) || net_loses(s, to, from)))
		return;
	if (net_loses(s, from, to)) {
		late = RTO;
		if (net_loses(s, from, to))
			return;
	}
	d = net_take(s, from, to, (const uint8_t *)"", 0);
	d->stream = what;
	d->heard = s->node[from].mesh->ms.m[0].generation;
	if (len > 0) {
		d->load = sim_must(malloc(len));
		d->load_len = (uint32_t)len;
		memcpy(d->load, load, len);
	}
	net_deliver(s, d, late);
}

void
stream_ask(struct sim *s, uint32_t i)
{
	struct mesh_ask ask;
	uint32_t to;

	while (mesh_poll_stream(s->node[i].mesh, &ask))
		if ((to = net_node(s, &ask.addr)) != UINT32_MAX && id_eq(&s->node[to].id, &ask.id))
			stream_send(s, i, to, STREAM_ASKS, NULL, 0);
	facts_ask(s, i);
}

void
stream_happen(struct sim *s, uint32_t i, const struct sim_dgram *d)
{
	struct mesh *m = s->node[i].mesh;

	if (d->lives != net_lives(s, d->from, i))
		return; /* its connection went with its process */
	if (d->stream == STREAM_ASKS) {
		stream_send(s, i, d->from, STREAM_ANSWERS, NULL, 0);
		return;
	}
	if (d->stream != STREAM_ANSWERS) {
		facts_happen(s, i, d);
		return;
	}
	alloc_forbid();
	mesh_stream_heard(m, node_clock(s, i), &s->node[d->from].id, d->heard);
	if (alloc_allow() > 0)
		check_break(s, "no-alloc-after-new", i, 0, 0);
}
