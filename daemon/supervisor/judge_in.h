/*
 * judge_in.h - what the files of the judge share.
 */
#ifndef SUPERVISOR_JUDGE_IN_H
#define SUPERVISOR_JUDGE_IN_H

#include "judge.h"

/* Variables: every one given is declared and fits its type, every one
 * declared is given. */
MUST_CHECK int vars_check(const struct judge *j, struct err *err);
/* The value of a variable in NAME=VALUE NUL ..., or NULL. */
const char *vars_given(const struct judge *j, const char *name, size_t len);
/* text with each @{name} replaced.  Bytes in out (NUL-terminated), negative
 * on an unknown name or when it does not fit. */
MUST_CHECK int vars_fill(const struct judge *j, const struct flat_rec *at,
    const char *what, const char *text, size_t len, char *out, size_t cap, struct err *err);

/* Of the application, as it sees itself: the init's first child. */
#define JUDGE_APP_PID "2"

/* May a container of this sandbox have the port?  A sandbox that lists ports
 * means them. */
bool judge_port_ok(const struct judge *j, uint64_t port);
/* Of what a sandbox lists, more than this is not all bound by one container. */
enum { JUDGE_BIND_MAX = 1024 };
/* How many ports it lists; 0: any. */
uint64_t judge_ports_listed(const struct judge *j);

/* LITHOS_NAME, in lithos' own form: "SANDBOX/INSTANCE". */
void judge_lithos_name(const struct judge *j, char *out, size_t cap);

MUST_CHECK int judge_user(const struct judge *j, struct spec *s, struct err *err);
MUST_CHECK int judge_volumes(const struct judge *j, struct spec *s,
    struct err *err);
/* What is weaker than the default, as both files say. (judge_weaker.c) */
MUST_CHECK int judge_weaker(const struct judge *j, struct spec *s, struct err *err);
MUST_CHECK int judge_hosts(const struct judge *j, struct spec *s, struct err *err);
MUST_CHECK int judge_secrets(const struct judge *j, struct spec *s,
    struct err *err);
/* Is it a variable whose value is sealed? */
bool judge_is_secret(const struct judge *j, const char *name);
MUST_CHECK int judge_limits(const struct judge *j, struct spec *s,
    struct err *err);
/* Whose network, and which address.  Before ports and health. (judge_network.c) */
MUST_CHECK int judge_network(const struct judge *j, struct spec *s, struct err *err);
MUST_CHECK int judge_ports(const struct judge *j, struct spec *s,
    struct err *err);
MUST_CHECK int judge_health(const struct judge *j, struct spec *s,
    struct err *err);

/* After the network. (judge_metrics.c) */
MUST_CHECK int judge_metrics(const struct judge *j, struct spec *s, struct err *err);
/* What stands at AT/KEY, with its variables: a number, or dflt; a port; a path of HTTP,
 * or dflt. */
MUST_CHECK int judge_number(const struct judge *j, const char *at, const char *key,
    uint32_t dflt, uint32_t *out, struct err *err);
MUST_CHECK int judge_port_of(const struct judge *j, const char *at, const char *key,
    uint32_t *out, struct err *err);
MUST_CHECK int judge_http_path(const struct judge *j, const char *at, const char *key,
    const char *dflt, char out[SUP_HTTP_PATH_CAP], struct err *err);

/* "web.1: CONFIG:LINE:COL: " and the text: an error in the container file. */
MUST_CHECK int judge_fail(const struct judge *j, const struct flat_rec *at,
    struct err *err, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The YAML tag of a record of the container file, without '!', or "". */
void judge_tag(const struct judge *j, const struct flat_rec *rec, char *out,
    size_t cap);
/* Is n in the list of "N" or "A-B" at path?  False when there is none. */
bool ranges_hold(const struct flat *f, const char *path, uint64_t n);
/* Are all of a to b in one of them? */
bool ranges_hold_all(const struct flat *f, const char *path, uint64_t a,
    uint64_t b);

#endif
