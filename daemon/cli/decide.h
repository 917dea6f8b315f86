/*
 * decide.h - what one schedule decides otherwise than another: instances that come, go, move
 * or change, roles, nodes, and the rest by name.  For mesh replay, plan and schedule diff.
 *
 * Both are maps in the shape of a script's answer ({nodes, roles, vars, state, ...}), as
 * `mesh schedule` shows them; what is missing or odd reads as empty.  Of variables only the
 * names are told: their values may be secrets.
 */
#ifndef CLI_DECIDE_H
#define CLI_DECIDE_H

#include "verb.h"

enum { DECIDE_SHOWN = 40 /* lines of one difference on a screen */ };

/* A new list of {change: "added" | "removed" | "moved" | "changed", kind: "instance" | "role" |
 * "node" | "plan", name, role, from, to, what: ["image web-v1 -> web-v2", "vars.port"]}, in
 * natural order of kinds and names; empty: the same. */
json_t *decide_diff(const json_t *before, const json_t *after);
/* A line each, at most `most` (0 = all) and how many more there are. */
void decide_print(const struct show *s, const json_t *diff, const char *indent, size_t most);
/* Lists of {role, error} (inforce.h): a line of each that other (NULL: none) has not: "role web fails now, ..."; when: "now". */
void decide_failed(const struct show *s, const json_t *failed, const json_t *other, const char *when);
/* "3 instances moved, 1 added; 1 role changed", or "the same". */
void decide_sum(const json_t *diff, char *out, size_t cap);

#endif
