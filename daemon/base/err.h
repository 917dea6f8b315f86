/*
 * err.h - one line that says what failed, where, why, and what to do next.
 * A function of the world returns 0, or a negative code and fills *err.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "../../gossip/base.h"

enum { ERR_TEXT_CAP = 512 };

/* Exit codes of the programs (DESIGN §10). */
enum {
	EXIT_OK_ = 0,
	EXIT_CONFIG = 3,
	EXIT_STATE = 4,
	EXIT_ENVIRONMENT = 5,
	EXIT_KEY = 6,
	EXIT_NO_DAEMON = 7,
	EXIT_USAGE_ = 64,
};

struct err {
	int code; /* an EXIT_ code, or 1 */
	char text[ERR_TEXT_CAP];
};

/* Fill *err (printf style) and return -code.  Long texts are cut, never lost. */
int err_set(struct err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Put a prefix ("web.1: ") before the text that is already there. */
void err_prefix(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Copy src to dst (cap >= 1) making every byte that could hurt a terminal or a
 * log visible: control characters, ESC, bidirectional overrides,
 * invalid UTF-8 become \xNN. */
void err_escape(char *dst, size_t cap, const char *src, size_t len);

#endif
