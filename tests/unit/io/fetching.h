/*
 * fetching.h - a node that fetches, here, and a peer with a real server, there, which is
 * honest, or lies, or is slow, or older than QUERY_WHOLE.
 */
#ifndef TEST_IO_FETCHING_H
#define TEST_IO_FETCHING_H

#include "world.h"

#include "../../../daemon/io/addr.h"
#include "../../../daemon/io/fetch.h"
#include "../../../daemon/io/wire.h"
#include "loop.h"
#include "schedules.h"

static uv_loop_t loop;
static struct world here_dir, there_dir;
static struct store *here_store, *there_store;
static struct keep here, there; /* this node's, the peer's */
static struct stream_server *server;
static struct addr at;

/* What the peer does, and what it was asked. */
static struct {
	enum { HONEST, LIES, SLOW, FEW } mode;
	const void *header; /* LIES */
	size_t header_len;
	const void *parts;
	size_t parts_len;
	struct stream_answer *held;
	bool whole; /* else it is of before QUERY_WHOLE */
	int headers, asks;
	size_t parts_asked;
} desk;

static struct {
	int called, rc;
	struct schedule s;
	char why[128];
} got;

WORLD_UNUSED static void
handler(void *arg, const struct stream_peer *peer, uint8_t kind, const uint8_t *payload, size_t len,
    struct stream_answer *answer)
{
	(void)arg;
	(void)peer;
	desk.headers += kind == QUERY_HEADER;
	desk.asks += kind == QUERY_PARTS;
	desk.parts_asked += kind == QUERY_PARTS ? len / HASH_BYTES : 0;
	if (kind == QUERY_WHOLE && !desk.whole)
		stream_answer_fail(answer, ERR_UNKNOWN);
	else if (desk.mode == LIES && kind == QUERY_WHOLE)
		stream_answer_send(answer, desk.header, desk.header_len);
	else if (desk.mode == SLOW)
		desk.held = answer;
	else if (desk.mode == LIES && kind == QUERY_HEADER && desk.header != NULL)
		stream_answer_send(answer, desk.header, desk.header_len);
	else if (desk.mode == LIES && kind == QUERY_PARTS)
		stream_answer_send(answer, desk.parts, desk.parts_len);
	else if (desk.mode == FEW && len > 2 * HASH_BYTES)
		fetch_serve(&there, kind, payload, 2 * HASH_BYTES, answer);
	else
		fetch_serve(&there, kind, payload, len, answer);
}

WORLD_UNUSED static void
open_one(struct world *w, struct store **store, struct keep *k)
{
	char note[256];
	struct err err;

	world_open(w);
	assert_int_equal(store_open(w->fd, store, note, sizeof note, &err), 0);
	assert_int_equal(keep_load(k, *store, &crypto, &err), 0);
}

WORLD_UNUSED static int
setup(void **state)
{
	struct err err;

	(void)state;
	memset(&desk, 0, sizeof desk);
	memset(&got, 0, sizeof got);
	open_one(&here_dir, &here_store, &here);
	open_one(&there_dir, &there_store, &there);
	if (uv_loop_init(&loop) != 0 || addr_parse("127.0.0.1:0", &at, &err) != 0 ||
	    stream_server_new(&loop, &at, &signer, handler, NULL, &server, &err) != 0)
		return -1;
	stream_server_addr(server, &at);
	return 0;
}

WORLD_UNUSED static int
teardown(void **state)
{
	(void)state;
	if (desk.held != NULL)
		stream_answer_fail(desk.held, ERR_UNKNOWN);
	if (server != NULL)
		stream_server_free(server);
	loop_end(&loop);
	schedule_free(&got.s);
	keep_free(&here);
	keep_free(&there);
	store_close(here_store);
	store_close(there_store);
	world_close(&here_dir);
	world_close(&there_dir);
	return 0;
}

WORLD_UNUSED static void
on_done(void *arg, int rc, struct schedule *s, const char *why)
{
	struct fetch **f = arg;

	assert_true(fetch_is_done(*f));
	got.called++;
	got.rc = rc;
	snprintf(got.why, sizeof got.why, "%s", why);
	if (rc < 0) {
		assert_null(s);
		return;
	}
	got.s = *s; /* taken */
	memset(s, 0, sizeof *s);
}

WORLD_UNUSED

#endif
