/*
 * dark.c - see dark.h.  An answer counts only when it is of the very node
 * that was asked for: at its address somebody else may listen by now.
 */
#include "dark.h"

#include <stdio.h>
#include <stdlib.h>

#include "../base/own.h"
#include "engine.h"
#include "wire.h"

enum {
	CALLS_MAX = 16,	  /* at once; a cut of a hundred hosts is no reason for more */
	TIMEOUT_MS = 900, /* an answer later than a probe's period helps nobody */
	ANSWER_BYTES = ID_BYTES + 8,
};

struct call {
	struct engine *e;
	struct node_id id;
};

static void
on_answer(void *arg, int rc, const uint8_t *data, size_t len)
{
	AUTO_FREE struct call *c = arg;
	uint64_t generation = 0;

	c->e->dark_calls--;
	if (rc < 0 || len != ANSWER_BYTES || memcmp(data, c->id.b, ID_BYTES) != 0)
		return;
	for (size_t i = 0; i < 8; i++)
		generation = generation << 8 | data[ID_BYTES + i];
	mesh_stream_heard(c->e->mesh, net_now(), &c->id, generation);
	engine_kick(c->e);
}

void
dark_look(struct engine *e)
{
	struct mesh_ask ask;

	while (e->dark_calls < CALLS_MAX && mesh_poll_stream(e->mesh, &ask)) {
		struct call *c = malloc(sizeof *c);

		if (c == NULL)
			return;
		*c = (struct call){.e = e, .id = ask.id};
		e->dark_calls++;
		if (stream_request(e->loop, &e->keys, &ask.addr, QUERY_ALIVE, ask.id.b, ID_BYTES,
			TIMEOUT_MS, on_answer, c) == NULL) {
			e->dark_calls--;
			free(c);
			return;
		}
	}
}

void
dark_serve(struct engine *e, const uint8_t *payload, size_t len, struct stream_answer *answer)
{
	uint8_t out[ANSWER_BYTES];
	struct mesh_member self;

	if (len != ID_BYTES) {
		stream_answer_fail(answer, ERR_MALFORMED);
		return;
	}
	if (memcmp(payload, e->identity.id.b, ID_BYTES) != 0 || e->mesh == NULL ||
	    !mesh_find(e->mesh, &e->identity.id, &self)) {
		stream_answer_fail(answer, ERR_UNKNOWN);
		return;
	}
	memcpy(out, self.id.b, ID_BYTES);
	for (int i = 0; i < 8; i++)
		out[ID_BYTES + i] = (uint8_t)(self.generation >> (56 - 8 * i));
	stream_answer_send(answer, out, sizeof out);
}

bool
dark_line(const struct engine *e, char *out, size_t cap)
{
	struct mesh_member m;
	static const char first[] = "udp blocked: only TCP passes between this node and ";
	size_t at = 0;

	for (uint32_t i = 0; e->mesh != NULL && mesh_member(e->mesh, i, &m); i++) {
		if (!m.udp_blocked)
			continue;
		if (at + sizeof first + NAME_CAP + 8 > cap) {
			snprintf(out + at, cap - at, " ...");
			break;
		}
		at += (size_t)snprintf(out + at, cap - at, "%s%s", at == 0 ? first : ", ",
		    m.name);
	}
	return at > 0;
}
