/*
 * judge_health.c - how the container is asked whether it is ready, and whether
 * it is alive.
 *
 * The short form is a readiness: health/tcp is what health/readiness/tcp is.
 */
#include <stdio.h>
#include <stdlib.h>

#include "judge_in.h"

enum {
	READY_MS = 1000,
	LIVE_MS = 10000,
	TIMEOUT_MS = 1000,
	EXEC_MS_MIN = 500, /* each is a fork of root's, and the image says how often */
	PROBE_ARGUMENTS_MAX = 64,
	PROBE_BYTES_MAX = 8 << 10,
	FAILURES = 3,
};

struct probe_kind {
	const char *at;	 /* of its keys */
	uint32_t every_ms; /* unless it is said */
	bool live;
};

static const struct probe_kind
    brief = {"health", READY_MS, false},
    readiness = {"health/readiness", READY_MS, false},
    liveness = {"health/liveness", LIVE_MS, true};

static bool
find(const struct judge *j, const char *at, const char *key, char path[64],
    struct flat_rec *rec)
{
	snprintf(path, 64, "%s/%s", at, key);
	return flat_find(j->container, path, rec);
}

int
judge_number(const struct judge *j, const char *at, const char *key, uint32_t dflt,
    uint32_t *out, struct err *err)
{
	struct flat_rec rec;
	char path[64];

	*out = dflt;
	if (!find(j, at, key, path, &rec))
		return 0;
	if (rec.type != FLAT_INT || rec.num < 0 || rec.num > INT32_MAX)
		return judge_fail(j, &rec, err, "%s: a number is needed", path);
	*out = (uint32_t)rec.num;
	return 0;
}

int
judge_port_of(const struct judge *j, const char *at, const char *key, uint32_t *out,
    struct err *err)
{
	struct flat_rec rec;
	char path[64], text[64], *end;
	unsigned long port;
	int rc;

	if (!find(j, at, key, path, &rec))
		return judge_fail(j, NULL, err, "%s is missing", path);
	if (rec.type == FLAT_INT)
		snprintf(text, sizeof text, "%lld", (long long)rec.num);
	else if ((rc = vars_fill(j, &rec, path, rec.str, rec.str_len, text,
		      sizeof text, err)) < 0)
		return rc;
	port = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || port < 1 ||
	    port > 65535)
		return judge_fail(j, &rec, err, "%s: a port (1-65535) is needed",
		    path);
	*out = (uint32_t)port;
	return 0;
}

static bool
line_of_http_ok(const char *path)
{
	for (; *path != '\0'; path++)
		if (*path < 0x21 || *path > 0x7e)
			return false;
	return true;
}

int
judge_http_path(const struct judge *j, const char *at, const char *key, const char *dflt,
    char out[SUP_HTTP_PATH_CAP], struct err *err)
{
	struct flat_rec rec;
	char path[64];

	snprintf(out, SUP_HTTP_PATH_CAP, "%s", dflt);
	if (find(j, at, key, path, &rec) &&
	    (!flat_str(j->container, path, out, SUP_HTTP_PATH_CAP) || out[0] != '/' ||
		!line_of_http_ok(out)))
		return judge_fail(j, &rec, err,
		    "%s: a path of less than 128 bytes is needed", path);
	return 0;
}

static int
http(const struct judge *j, const char *at, struct sup_probe *p, struct err *err)
{
	int rc = judge_port_of(j, at, "http/port", &p->port, err);

	return rc < 0 ? rc : judge_http_path(j, at, "http/path", "/", p->path, err);
}

static int
exec(const struct judge *j, const char *at, struct strs *argv, struct err *err)
{
	char path[64], key[64], value[PROBE_BYTES_MAX];
	struct flat_rec rec, list;
	size_t off = 0;
	int n;

	if (!find(j, at, "exec", path, &list))
		return 0;
	while (flat_next(j->container, &off, &rec)) {
		if (!flat_child(&rec, path, key, sizeof key) || rec.type != FLAT_STR)
			continue;
		if ((n = vars_fill(j, &rec, path, rec.str, rec.str_len, value,
			 sizeof value, err)) < 0 ||
		    (n = strs_add(argv, value, (size_t)n, err)) < 0)
			return n;
		if (argv->count > PROBE_ARGUMENTS_MAX || argv->len > PROBE_BYTES_MAX)
			return judge_fail(j, &rec, err, "%s: exceeds %d items or %d KiB",
			    path, PROBE_ARGUMENTS_MAX, PROBE_BYTES_MAX >> 10);
	}
	if (argv->count == 0 || argv->buf[0] != '/')
		return judge_fail(j, &list, err,
		    "%s: the program's absolute path inside the image comes first",
		    path);
	return 0;
}

static int
probe(const struct judge *j, const struct probe_kind *k, const struct spec *s,
    struct spec_probe *out, struct err *err)
{
	struct sup_probe *p = &out->how;
	struct flat_rec rec;
	char path[64];
	int rc;

	if (find(j, k->at, "tcp", path, &rec)) {
		p->kind = SUP_HEALTH_TCP;
		rc = judge_port_of(j, k->at, "tcp", &p->port, err);
	} else if (find(j, k->at, "http", path, &rec)) {
		p->kind = SUP_HEALTH_HTTP;
		rc = http(j, k->at, p, err);
	} else if (find(j, k->at, "exec", path, &rec)) {
		p->kind = SUP_HEALTH_EXEC;
		rc = exec(j, k->at, &out->argv, err);
	} else {
		flat_find(j->container, k->at, &rec);
		return judge_fail(j, &rec, err, "%s: one of tcp, http, exec is needed",
		    k->at);
	}
	if (rc < 0 ||
	    (rc = judge_number(j, k->at, "interval", k->every_ms, &p->interval_ms, err)) < 0 ||
	    (rc = judge_number(j, k->at, "timeout", TIMEOUT_MS, &p->timeout_ms, err)) < 0 ||
	    (rc = judge_number(j, k->at, "failures", FAILURES, &p->failures, err)) < 0 ||
	    (rc = judge_number(j, k->at, "successes", 1, &p->successes, err)) < 0 ||
	    (rc = judge_number(j, k->at, "start-period", k->live ? p->interval_ms : 0,
		 &p->start_ms, err)) < 0)
		return rc;
	if (p->kind != SUP_HEALTH_EXEC && s->network == SPEC_NET_NONE)
		return judge_fail(j, &rec, err,
		    "%s: nothing reaches it from outside, as its network is none: exec does",
		    path);
	if (p->kind == SUP_HEALTH_EXEC && p->interval_ms < EXEC_MS_MIN)
		return judge_fail(j, &rec, err,
		    "%s: with an interval of %u ms; at least %d ms are needed", path,
		    p->interval_ms, EXEC_MS_MIN);
	return 0;
}

int
judge_health(const struct judge *j, struct spec *s, struct err *err)
{
	static const char *const kinds[] = {"tcp", "http", "exec"};
	static const char *const rest[] = {"interval", "timeout", "failures",
	    "successes"};
	bool is_brief = false, is_ready, is_live;
	struct flat_rec rec;
	char path[64];
	int rc = 0;

	if (!flat_find(j->container, "health", &rec))
		return 0;
	is_ready = find(j, "health", "readiness", path, &rec);
	is_live = find(j, "health", "liveness", path, &rec);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		is_brief = is_brief || find(j, "health", kinds[i], path, &rec);
	for (size_t i = 0; i < ARRAY_LEN(rest) && !is_brief && (is_ready || is_live); i++)
		if (find(j, "health", rest[i], path, &rec))
			return judge_fail(j, &rec, err,
			    "%s: of which? Write it into readiness or liveness", path);
	if (is_brief || !is_live || is_ready)
		rc = probe(j, is_ready ? &readiness : &brief, s, &s->ready, err);
	if (rc == 0 && is_live)
		rc = probe(j, &liveness, s, &s->live, err);
	return rc;
}
