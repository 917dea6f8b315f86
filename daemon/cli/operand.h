/*
 * operand.h - is a word of the command line what it stands for?
 */
#ifndef CLI_OPERAND_H
#define CLI_OPERAND_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/err.h"

bool operand_seed_ok(const char *s);
bool operand_stamp_ok(const char *s);

/* A span of time, a second to a day: "10m". */
MUST_CHECK int operand_span(int64_t *out, const char *option, const char *value, struct err *err);
/* The number of a rendered generation: from 1 on. */
MUST_CHECK int operand_generation(int64_t *out, const char *option, const char *value,
    struct err *err);

/* The id of an action, NODE.NUMBER; borrowed. */
MUST_CHECK int operand_action(const char **out, const char *option, const char *value, struct err *err);

#endif
