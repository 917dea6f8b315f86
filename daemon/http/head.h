/*
 * head.h - the head of a request, looked at before any library takes it apart: only what
 * RFC 9112 says is written, in its narrowest form, so that whatever stands before or
 * behind this program reads the same request out of it (no smuggling).
 *
 *	GET /api/v1/query?query=up HTTP/1.1 CRLF      origin-form, visible ASCII
 *	Name: value CRLF ...                          HEAD_FIELDS_MAX, no folding
 *	CRLF
 *
 * Pure.  The bytes are only looked at (MSG_PEEK): libmicrohttpd reads them again.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "../../gossip/base.h"

enum {
	HEAD_BYTES_MAX = 8 << 10,
	HEAD_FIELDS_MAX = 64,
	HEAD_TARGET_BYTES_MAX = 6 << 10,
	HEAD_BODY_BYTES_MAX = 64 << 10,
};

struct head {
	int status;	 /* 0: it is well; else the answer: 400, 411, 413, 414, 416, 421, 431, 505 */
	const char *why; /* in words, static */
	size_t len;	 /* of the head, with the empty line */
	size_t host_off, host_len; /* value of Host, in buf */
};

/* True: it is whole, or can't become a good one any more (status).  False: more of it is
 * to come. */
bool head_read(const uint8_t *buf, size_t len, struct head *out);
/* Of a digit of %XX; -1: it is none. */
int head_hex(char c);
/* Is the path of this target one that names a thing: no "..", no "//", no NUL or other
 * control byte, however it is written?  %XX must be hex. */
bool head_path_ok(const char *path, size_t len);
/* Of "host[:port]": is it one of the names (count), whatever its case? */
bool head_host_is(const uint8_t *host, size_t len, const char *const *names, size_t count);

#endif
