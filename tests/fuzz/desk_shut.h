/*
 * desk_shut.h - the doors that are shut at a desk: no socket, no server, no resolver.
 * Part of desk.h.
 */
#ifndef FUZZ_DESK_SHUT_H
#define FUZZ_DESK_SHUT_H

#include "../../daemon/io/engine.h"
#include "toy_crypto.h"

int
net_init(struct net *n, uv_loop_t *loop, const struct addr *at, void *arg,
    void (*save)(void *arg, const struct mesh_saved *s), void (*moved)(void *arg), struct err *err)
{
	(void)n, (void)loop, (void)at, (void)arg, (void)save, (void)moved, (void)err;
	return 0;
}

void
net_attach(struct net *n, struct mesh *m)
{
	(void)n, (void)m;
}

void
net_kick(struct net *n)
{
	(void)n;
}

void
net_soon(struct net *n)
{
	(void)n;
}

int
stream_server_new(uv_loop_t *loop, const struct addr *at, const struct keyring *keys,
    stream_handler *handler, void *arg, struct stream_server **out, struct err *err)
{
	(void)loop, (void)at, (void)keys, (void)handler, (void)arg, (void)out;
	return err_set(err, EXIT_ENVIRONMENT, "nobody comes here");
}

void
stream_server_addr(const struct stream_server *s, struct addr *out)
{
	(void)s;
	*out = toy_addr(0);
}

unsigned
stream_server_open(const struct stream_server *s)
{
	(void)s;
	return 0;
}

void
stream_server_stats(const struct stream_server *s, struct stream_stats *out)
{
	(void)s;
	*out = (struct stream_stats){0};
}

unsigned
stream_kept_idle(const struct stream_kept *k)
{
	(void)k;
	return 0;
}

struct stream_kept *
stream_kept_new(uv_loop_t *loop, const struct keyring *keys)
{
	(void)loop, (void)keys;
	return NULL;
}

bool
stream_kept_ask(struct stream_kept *k, const struct addr *to, uint8_t kind, const void *payload,
    size_t len, uint32_t timeout_ms, stream_done *done, void *arg)
{
	(void)k, (void)to, (void)kind, (void)payload, (void)len, (void)timeout_ms, (void)done, (void)arg;
	return false;
}

void
stream_answer_keep(struct stream_answer *answer)
{
	(void)answer;
}

void
names_init(struct engine *e)
{
	(void)e;
}

void
names_second(struct engine *e)
{
	(void)e;
}

bool
names_line(const struct engine *e, char *out, size_t cap)
{
	(void)e, (void)out, (void)cap;
	return false;
}

void
stream_server_free(struct stream_server *s)
{
	(void)s;
}

#endif
