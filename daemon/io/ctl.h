/*
 * ctl.h - the control socket's server: frames in, frames out, who may write.
 * The protocol is in base/ctl.h; what the verbs say is in verbs.c.
 *
 * A handler owns its struct ctl_req until it has answered for the last time
 * (more = false) or failed; it may do so later.  When the peer went away
 * meanwhile, answers go nowhere and ctl_alive says false.
 */
#ifndef IO_CTL_H
#define IO_CTL_H

#include <msgpack.h>
#include <uv.h>

#include "../../gossip/mp.h"
#include "../base/ctl.h"
#include "../base/err.h"
#include "../core/blob.h"

enum { CTL_CONNS_MAX = 64, CTL_VERB_CAP = 32, CTL_BUSY_BYTES = 1 << 20 };

struct ctl_conn;

struct ctl_req {
	struct ctl_conn *conn; /* NULL: the peer is gone */
	char verb[CTL_VERB_CAP];
	const uint8_t *args; /* the map's msgpack, borrowed from the connection */
	size_t args_bytes;
	msgpack_sbuffer body; /* of ctl_begin */
	msgpack_packer pk;
	bool may_write; /* root, or a uid of operators: */
	uint32_t uid;	/* who asks */
	void *work;	/* the handler's own, for on_gone */
	void (*on_gone)(struct ctl_req *r); /* the peer left: stop working; may be NULL */
};

struct ctl {
	uv_pipe_t listener;
	struct ctl_conn *open;
	unsigned conns; /* those that are closing included */
	void *arg;
	bool (*writer)(void *arg, uint32_t uid);
	void (*handle)(void *arg, struct ctl_req *r);
};

MUST_CHECK int ctl_init(struct ctl *c, uv_loop_t *loop, int fd, void *arg,
    bool (*writer)(void *arg, uint32_t uid), void (*handle)(void *arg, struct ctl_req *r));
bool ctl_alive(const struct ctl_req *r);
/* More than CTL_BUSY_BYTES of answers wait for the peer to read them. */
bool ctl_busy(const struct ctl_req *r);
/* The peer may leave answers unread for as long as it likes: for what ends when it goes. */
void ctl_patient(struct ctl_req *r);
/* data is one packed value.  more = false frees r. */
void ctl_answer(struct ctl_req *r, const void *data, size_t data_bytes, bool more);
/* The last answer, one value, is packed into what ctl_begin gives; ctl_end sends it.
 * A handler may ctl_fail in between. */
msgpack_packer *ctl_begin(struct ctl_req *r);
void ctl_end(struct ctl_req *r);
/* Frees r.  hint may be "". */
void ctl_fail(struct ctl_req *r, int code, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Arguments of the request: false when absent or of another type. */
bool ctl_arg_str(const struct ctl_req *r, const char *key, char *out, size_t cap);
bool ctl_arg_has(const struct ctl_req *r, const char *key);
bool ctl_arg_int(const struct ctl_req *r, const char *key, int64_t *out);
/* Of strings, borrowed from the request: how many, at most cap; -1 when it is none such. */
int ctl_arg_list(const struct ctl_req *r, const char *key, struct slice *out, size_t cap);
/* A string of any bytes, borrowed. */
bool ctl_arg_slice(const struct ctl_req *r, const char *key, struct slice *out);
bool ctl_arg_bool(const struct ctl_req *r, const char *key);

#endif
