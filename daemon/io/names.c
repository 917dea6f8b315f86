/*
 * names.c - see names.h.
 */
#include "names.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/log.h"
#include "addr.h"
#include "engine.h"

/* --- one look-up ---------------------------------------------------------------- */

struct ask {
	uv_getaddrinfo_t req;
	struct engine *e;
	void (*done)(struct engine *e, void *arg, int status, const struct addr *at, size_t count);
	void *arg;
	uint16_t port;
};

static void
on_answer(uv_getaddrinfo_t *req, int status, struct addrinfo *res)
{
	struct ask *q = req->data;
	struct addr at[NAMES_ADDRS_MAX];
	size_t n = 0;

	for (const struct addrinfo *x = res; status == 0 && x != NULL && n < NAMES_ADDRS_MAX;
	     x = x->ai_next) {
		if (!addr_from_sockaddr(x->ai_addr, &at[n]))
			continue;
		at[n++].port = q->port;
	}
	uv_freeaddrinfo(res);
	q->done(q->e, q->arg, status == 0 && n == 0 ? UV_EAI_ADDRFAMILY : status, at, n);
	free(q);
}

bool
names_ask(struct engine *e, const char *text,
    void (*done)(struct engine *e, void *arg, int status, const struct addr *at, size_t count),
    void *arg)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
	const char *colon = strrchr(text, ':');
	struct ask *q = calloc(1, sizeof *q);
	char host[CONFIG_SEED_CAP];
	long port;
	char *end;

	if (q == NULL || colon == NULL || colon == text || strlen(text) >= sizeof host) {
		free(q);
		return false;
	}
	port = strtol(colon + 1, &end, 10);
	snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
	*q = (struct ask){.e = e, .done = done, .arg = arg, .port = (uint16_t)port};
	q->req.data = q;
	if (*end != '\0' || port < 1 || port > 65535 ||
	    uv_getaddrinfo(e->loop, &q->req, on_answer, host, NULL, &hints) < 0) {
		free(q);
		return false;
	}
	return true;
}

/* --- the config's ----------------------------------------------------------------- */

static bool
has(const struct addr *at, size_t count, const struct addr *a)
{
	for (size_t i = 0; i < count; i++)
		if (addr_eq(&at[i], a))
			return true;
	return false;
}

/* Does the config mean that address some other way? */
static bool
meant(const struct engine *e, size_t except, const struct addr *a)
{
	struct addr literal;
	struct err err;

	for (size_t i = 0; i < e->conf.seeds_count; i++) {
		const struct name_seed *s = &e->names.seed[i];

		if (i != except && (s->is_name ? has(s->at, s->count, a) :
			addr_parse(e->conf.seed_names[i], &literal, &err) == 0 && addr_eq(&literal, a)))
			return true;
	}
	return false;
}

/* What the name had and has no more is no seed any longer. */
static void
take(struct engine *e, size_t seed, const struct addr *at, size_t count)
{
	struct name_seed *s = &e->names.seed[seed];
	char text[ADDR_TEXT_CAP];
	bool was = s->count > 0;

	for (size_t i = 0; i < s->count; i++)
		if (!has(at, count, &s->at[i]) && !meant(e, seed, &s->at[i]))
			mesh_drop_seed(e->mesh, &s->at[i]);
	for (size_t i = 0; i < count; i++) {
		if (has(s->at, s->count, &at[i]) || addr_eq(&at[i], &e->conf.advertise))
			continue;
		addr_format(&at[i], text, sizeof text);
		if (mesh_add_seed(e->mesh, net_now(), &at[i]) < 0)
			log_warn("seed %s: %s can't be a seed (impossible address, or %d seeds already)",
			    e->conf.seed_names[seed], text, MESH_SEEDS_MAX);
		else if (was)
			log_info("seed %s is at %s now", e->conf.seed_names[seed], text);
	}
	memcpy(s->at, at, count * sizeof *at);
	s->count = count;
	engine_kick(e);
}

/* A quarter of chance keeps nodes that started together apart. */
static void
wait_for(struct engine *e, struct name_seed *s)
{
	s->next_s = e->seconds + s->wait_s + crypto_random64() % (s->wait_s / 4 + 1);
	s->wait_s = s->wait_s < NAMES_WAIT_MAX_S / 2 ? 2 * s->wait_s : NAMES_WAIT_MAX_S;
}

static void
answered(struct engine *e, void *arg, int status, const struct addr *at, size_t count)
{
	struct name_seed *s = arg;
	size_t seed = (size_t)(s - e->names.seed);

	e->names.flying--;
	s->flying = false;
	if (status < 0 && s->status == 0)
		log_warn("seed %s: %s; looked up again and again", e->conf.seed_names[seed],
		    uv_strerror(status));
	s->status = status < 0 ? status : 0;
	/* A resolver that fails takes nothing away. */
	if (s->status == 0)
		take(e, seed, at, count);
	if (s->status == 0 && !e->names.alone)
		s->wait_s = NAMES_WAIT_MAX_S;
	wait_for(e, s);
}

static bool
alone(const struct engine *e)
{
	struct mesh_member m;

	for (uint32_t i = 0; mesh_member(e->mesh, i, &m); i++)
		if (!m.self && m.state <= MESH_SUSPECT)
			return false;
	return true;
}

void
names_init(struct engine *e)
{
	struct err err;
	struct addr a;

	e->names.alone = true;
	for (size_t i = 0; i < e->conf.seeds_count; i++)
		e->names.seed[i] = (struct name_seed){.wait_s = 1,
		    .is_name = addr_parse(e->conf.seed_names[i], &a, &err) < 0};
}

void
names_second(struct engine *e)
{
	struct names *n = &e->names;
	size_t count = e->conf.seeds_count;
	bool was = n->alone;

	if (e->mesh == NULL || count == 0)
		return;
	n->alone = alone(e);
	for (size_t k = 0; k < count; k++) {
		struct name_seed *s = &n->seed[(n->turn + k) % count];

		if (n->alone && !was) {
			s->wait_s = 1;
			s->next_s = e->seconds;
		}
		if (!s->is_name || s->flying || e->seconds < s->next_s ||
		    n->flying == NAMES_FLYING_MAX)
			continue;
		n->turn = (size_t)(s - n->seed) + 1;
		s->flying = names_ask(e, e->conf.seed_names[s - n->seed], answered, s);
		n->flying += s->flying;
		if (!s->flying)
			wait_for(e, s);
	}
}

bool
names_line(const struct engine *e, char *out, size_t cap)
{
	size_t wrong = 0, first = 0;

	for (size_t i = e->conf.seeds_count; i > 0; i--)
		if (e->names.seed[i - 1].status < 0) {
			wrong++;
			first = i - 1;
		}
	if (wrong == 0)
		return false;
	snprintf(out, cap, "seed %s: %s", e->conf.seed_names[first],
	    uv_strerror(e->names.seed[first].status));
	if (wrong > 1)
		snprintf(out + strlen(out), cap - strlen(out), " (and %zu more)", wrong - 1);
	return true;
}
