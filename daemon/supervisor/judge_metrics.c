/*
 * judge_metrics.c - where the container answers for its metrics, by HTTP.
 */
#include <stdio.h>

#include "judge_in.h"

enum {
	INTERVAL_MS = 5000,
	INTERVAL_MS_MIN = 1000, /* a sample each second is what is kept */
	INTERVAL_MS_MAX = 3600000,
	TIMEOUT_MS_MAX = 5000,
};

#define PATH_OF_METRICS "/metrics"

static int
endpoint(const struct judge *j, const char *at, struct spec *s, struct err *err)
{
	struct sup_scrape p = {0};
	struct flat_rec rec;
	char key[64];
	int rc;

	flat_find(j->container, at, &rec);
	if ((rc = judge_port_of(j, at, "port", &p.port, err)) < 0 ||
	    (rc = judge_http_path(j, at, "path", PATH_OF_METRICS, p.path, err)) < 0 ||
	    (rc = judge_number(j, at, "interval", INTERVAL_MS, &p.interval_ms, err)) < 0)
		return rc;
	if (p.interval_ms < INTERVAL_MS_MIN || p.interval_ms > INTERVAL_MS_MAX) {
		snprintf(key, sizeof key, "%s/interval", at);
		flat_find(j->container, key, &rec);
		return judge_fail(j, &rec, err, "%s: %u ms; %d ms to an hour are possible", key,
		    p.interval_ms, INTERVAL_MS_MIN);
	}
	if ((rc = judge_number(j, at, "timeout",
		 p.interval_ms < TIMEOUT_MS_MAX ? p.interval_ms : TIMEOUT_MS_MAX, &p.timeout_ms,
		 err)) < 0)
		return rc;
	if (p.timeout_ms == 0 || p.timeout_ms > p.interval_ms) {
		snprintf(key, sizeof key, "%s/timeout", at);
		flat_find(j->container, key, &rec);
		return judge_fail(j, &rec, err,
		    "%s: %u ms: one question ends before the next one, after an interval of %u ms", key,
		    p.timeout_ms, p.interval_ms);
	}
	if (s->network == SPEC_NET_NONE)
		return judge_fail(j, &rec, err,
		    "%s: nothing reaches it from outside, as its network is none: CANTAL_PATH does", at);
	if (spec_add_scrape(s, &p, err) < 0) {
		char why[ERR_TEXT_CAP];

		snprintf(why, sizeof why, "%s", err->text);
		return judge_fail(j, &rec, err, "%s: %s", at, why);
	}
	return 0;
}

int
judge_metrics(const struct judge *j, struct spec *s, struct err *err)
{
	struct flat_rec rec;
	char at[32];
	int rc = 0;

	if (!flat_find(j->container, "metrics", &rec))
		return 0;
	if (s->command) {
		char kind[32];

		if (flat_str(j->container, "kind", kind, sizeof kind) && strcmp(kind, "Command") == 0)
			return judge_fail(j, &rec, err, "metrics: a Command does not stay to be asked");
		return 0; /* of a CommandOrDaemon that is run once */
	}
	for (unsigned i = 0; rc == 0; i++) {
		snprintf(at, sizeof at, "metrics/%u", i);
		if (!flat_find(j->container, at, &rec))
			return 0;
		if (i == SUP_SCRAPES_MAX)
			return judge_fail(j, &rec, err, "metrics: more than %d", SUP_SCRAPES_MAX);
		rc = endpoint(j, at, s, err);
	}
	return rc;
}
