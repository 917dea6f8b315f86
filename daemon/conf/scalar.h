/*
 * scalar.h - what a word of YAML means: numbers, sizes, durations, addresses.
 *
 * The schema decides what a value must be; nothing is guessed from its looks,
 * except to refuse what other YAML readers would turn into something else
 * ("no" into false, 0o17 into 15).
 */
#ifndef CONF_SCALAR_H
#define CONF_SCALAR_H

#include "../../gossip/base.h"

enum scalar_look { LOOK_STR, LOOK_NULL, LOOK_BOOL, LOOK_INT, LOOK_ODD_INT, LOOK_FLOAT };

/* What a plain scalar looks like to YAML 1.1 and 1.2 readers.  LOOK_ODD_INT:
 * 0o17, 0x1f, 017, 1_000, read differently by different parsers. */
enum scalar_look scalar_look(const char *s);

/* All: 0, -ERR_MALFORMED, or -ERR_RANGE when the number does not fit. */
MUST_CHECK int scalar_int(const char *s, int64_t *out);
/* lithos' integers: also 0x, 0o, '_' between digits, and k ki M Mi G Gi. */
MUST_CHECK int scalar_lithos_int(const char *s, int64_t *out);
/* "64Mi"; *unit tells if there was one. */
MUST_CHECK int scalar_size(const char *s, int64_t *bytes, bool *unit);
/* "1.5s", "500ms" to milliseconds; without a unit: number is seconds. */
MUST_CHECK int scalar_duration(const char *s, int64_t *ms, bool *unit);
/* CPUs: "1.5" or "150%", in thousandths. */
MUST_CHECK int scalar_cpu(const char *s, int64_t *milli);
/* A file mode: "0644" or "0o644". */
MUST_CHECK int scalar_mode(const char *s, int64_t *mode);
MUST_CHECK int scalar_real(const char *s, double *out);
/* true/false/on/off/yes/no, and lithos' y/n/1/0. */
MUST_CHECK int scalar_bool(const char *s, bool *out);

/* "10" or "10-20", 0 <= a <= b < 2^32-1. */
bool scalar_range_ok(const char *s);
/* IPv4:PORT, [IPv6]:PORT or NAME:PORT, port 1-65535. */
bool scalar_hostport_ok(const char *s);
/* "A.B.C.D/N", N at most 32. */
bool scalar_network_ok(const char *s);

/* How a limit is shown in an error: "64Mi", "500ms". */
void scalar_show_size(char *dst, size_t cap, int64_t bytes);
void scalar_show_duration(char *dst, size_t cap, int64_t ms);

#endif
