/*
 * operand.h - is a word of the command line what it stands for?
 */
#ifndef CLI_OPERAND_H
#define CLI_OPERAND_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/err.h"

enum { OPERAND_WAIT_MAX_MS = 10000, OPERAND_INSTANT_MIN_MS = 2 * 86400 * 1000 };

bool operand_seed_ok(const char *s);
bool operand_stamp_ok(const char *s);

/* A span of time, a second to a day: "10m". */
MUST_CHECK int operand_span(int64_t *out, const char *option, const char *value, struct err *err);
/* A date, or a duration ago: wall clock, ms. */
MUST_CHECK int operand_time(int64_t *out, const char *option, const char *value, int64_t now_ms, struct err *err);
/* The same, from OPERAND_INSTANT_MIN_MS to now. */
MUST_CHECK int operand_instant(int64_t *out, const char *option, const char *value, int64_t now_ms, struct err *err);
/* How long to wait for nodes: what a daemon takes, 1 ms to OPERAND_WAIT_MAX_MS. */
MUST_CHECK int operand_wait(int64_t *out, const char *option, const char *value, struct err *err);
/* The number of a rendered generation: from 1 on. */
MUST_CHECK int operand_generation(int64_t *out, const char *option, const char *value,
    struct err *err);

/* The id of an action, NODE.NUMBER; borrowed. */
MUST_CHECK int operand_action(const char **out, const char *option, const char *value, struct err *err);

#endif
