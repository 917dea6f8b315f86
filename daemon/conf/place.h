/*
 * place.h - where in which file something is wrong: every error of this room
 * is one line, DISPLAY:LINE:COL: text.
 */
#ifndef CONF_PLACE_H
#define CONF_PLACE_H

#include "../base/err.h"

struct place {
	const char *display; /* the file's name for people; shown escaped */
	struct err *err;
};

/* Fill the error; returns -EXIT_CONFIG.  line and col start at 1. */
int place_fail(const struct place *p, uint32_t line, uint32_t col, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* `DISPLAY:LINE:COL: text` to dst, cut at cap; its length. */
size_t place_line(char *dst, size_t cap, const struct place *p, uint32_t line, uint32_t col,
    const char *text);

#endif
