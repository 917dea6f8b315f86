/*
 * client.h - one connection to the daemon's control socket, framed as
 * daemon/base/ctl.h says.  One request per connection, one or more answers.
 *
 * Every error is EXIT_NO_DAEMON with one line, and a hint where there is one.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "../base/err.h"

struct client {
	int fd;
	const char *path; /* borrowed */
	int timeout_ms;	  /* for each frame; 0 = wait for ever */
	const char *hint; /* what to do about the last error, or NULL */
};

MUST_CHECK int client_open(struct client *c, const char *path, int timeout_ms, struct err *err);
/* Sends the length and the bytes. */
MUST_CHECK int client_send(struct client *c, const void *buf, size_t len, struct err *err);
/* One frame, malloc'd: the caller frees.  Never more than
 * CTL_FRAME_BYTES_MAX; a longer one is an error, read by nobody. */
MUST_CHECK int client_recv(struct client *c, uint8_t **buf, size_t *len, struct err *err);
void client_close(struct client *c);
/* A clock that never jumps, for deadlines. */
int64_t client_now_ms(void);

#endif
