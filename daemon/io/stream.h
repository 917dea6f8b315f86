/*
 * stream.h - one question and one answer over TCP, encrypted under the cluster
 * key: schedule parts, and whatever does not fit a datagram.  Same address and
 * port as the UDP socket.  A connection carries one request and is closed; what is asked
 * of the same nodes again and again keeps it for the next one (stream_kept_ask).
 *
 * A peer without the key is shown out; for a hello of 82 bytes under another key it gets
 * one.  It has at most 5 s of one of 256 places, and when they are full the oldest
 * unauthenticated one makes room.  It costs no memory but its place,
 * whatever it says.  Who has the key makes this node ask for STREAM_ASK_BYTES_MAX twice
 * (the request, and a frame of it) before the handler judges whether that node may ask.
 */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include <uv.h>

#include "../../gossip/base.h"
#include "../base/err.h"
#include "crypto.h"

enum {
	STREAM_BYTES_MAX = 4 << 20, /* an answer */
	STREAM_ASK_BYTES_MAX = 32 << 10, /* a request: memory before it is known who may ask */
	STREAM_CONNS_MAX = 256, /* all followers of a leader of many ask in one moment */
	STREAM_AUTH_MS = 5000, /* to the first authenticated frame */
	STREAM_IDLE_MS = 5000, /* without a byte, while one is expected */
	STREAM_HOLD_MS = 60000, /* for a handler to answer */
	STREAM_KEPT_MS = 60000,	/* without a question; who answers waits longer */
	STREAM_KEPT_MAX = 128,	/* by who asks */
	STREAM_KEPT_HERE_MAX = 16, /* by who answers, of STREAM_CONNS_MAX */
};

/* What a request ended with; 0 = answered.  -ERR_x: the peer's handler said so
 * with stream_answer_fail. */
enum stream_rc {
	STREAM_CONNECT = -100, /* refused, unreachable */
	STREAM_TIMEOUT = -101,
	STREAM_TRUNCATED = -102, /* closed before the end */
	STREAM_AUTH = -103,	 /* not our cluster key, not who it says, or damaged */
	STREAM_TOO_LARGE = -104,
	STREAM_NO_KEY = -105,	 /* this node has no cluster key */
	STREAM_EPOCH = -106,	 /* the other side has no key of that epoch */
	STREAM_CLOSED = -107,	 /* closed after its hello, which proved the key, and before an answer */
};
const char *stream_error(int rc);

struct stream_server;
struct stream_answer;
struct stream_call;

struct stream_stats {
	uint64_t accepted, refused, answered;
	uint64_t timeout, truncated, auth, too_large, epoch;
	uint64_t denied; /* by stream_answer_deny */
};

/* Who asks: it has the cluster key, and the secret of that identity. */
struct stream_peer {
	struct addr addr;
	uint8_t pk[KEY_BYTES];
};

/* payload and peer are borrowed for the call.  Answer now or later, exactly once, by one
 * of the functions below, also when the server is freed meanwhile. */
typedef void stream_handler(void *arg, const struct stream_peer *peer, uint8_t kind,
    const uint8_t *payload, size_t len, struct stream_answer *answer);

/* keys is borrowed until stream_server_free; its key may come later (until
 * then connections are closed at once).  at.port 0 picks one, see
 * stream_server_addr.  EXIT_ENVIRONMENT: "bind 10.1.1.9:7780: ...". */
MUST_CHECK int stream_server_new(uv_loop_t *loop, const struct addr *at,
    const struct keyring *keys, stream_handler *handler, void *arg,
    struct stream_server **out, struct err *err);
void stream_server_addr(const struct stream_server *s, struct addr *out);
/* Connections that are open. */
unsigned stream_server_open(const struct stream_server *s);
void stream_server_stats(const struct stream_server *s, struct stream_stats *out);
/* Closes all; the memory goes when the loop has closed the handles and every
 * answer was consumed. */
void stream_server_free(struct stream_server *s);

/* Consumes answer; data is copied; len <= STREAM_BYTES_MAX. */
void stream_answer_send(struct stream_answer *answer, const void *data,
    size_t len);
/* Consumes answer; code is one of ERR_ (positive), the caller sees -code. */
void stream_answer_fail(struct stream_answer *answer, int code);

/* The same, for who may not ask that: it is counted. */
void stream_answer_deny(struct stream_answer *answer, int code);

/* Before one of those: the answer does not close the connection, for who asks this asks
 * the like again; and if not, it closes it. */
void stream_answer_keep(struct stream_answer *answer);

/* rc 0 and the answer (borrowed for the call), or a negative code and none. */
typedef void stream_done(void *arg, int rc, const uint8_t *data, size_t len);
/*
 * Ask.  payload is copied.  done is called exactly once, from the loop and
 * never from inside this call, unless the call is cancelled: all failures come
 * through it.  NULL only without memory; done is then never called.
 */
struct stream_call *stream_request(uv_loop_t *loop, const struct keyring *keys,
    const struct addr *to, uint8_t kind, const void *payload, size_t len,
    uint32_t timeout_ms, stream_done *done, void *arg);
/* done will not be called; the call is gone for the caller. */
void stream_cancel(struct stream_call *call);

/*
 * Connections of one node to others that stay open between questions of a kind that the
 * other side keeps too; who does not is asked all the same.  What is asked over one that
 * ended meanwhile is asked again over a new one: only what may be done twice.
 */
struct stream_kept;
MUST_CHECK struct stream_kept *stream_kept_new(uv_loop_t *loop, const struct keyring *keys); /* borrowed; NULL: no memory */
/* While nothing is asked over it. */
void stream_kept_free(struct stream_kept *k);
/* As stream_request, and not to be cancelled; false: no memory, done is never called. */
MUST_CHECK bool stream_kept_ask(struct stream_kept *k, const struct addr *to, uint8_t kind,
    const void *payload, size_t len, uint32_t timeout_ms, stream_done *done, void *arg);
/* Those that wait for a question. */
unsigned stream_kept_idle(const struct stream_kept *k);

#endif
