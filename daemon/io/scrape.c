/*
 * scrape.c - see scrape.h.
 */
#include "scrape.h"

#include <stdio.h>
#include <stdlib.h>

#include "../base/log.h"
#include "../core/expo.h"
#include "../core/httpanswer.h"
#include "addr.h"
#include "asking.h"

enum {
	OWN_SERIES = 3,
	SPREAD_MS = 800, /* within a second */
	TOLD_MAX = 10,	 /* lines of the log about one endpoint of one run */
};

static const char *const own_names[OWN_SERIES] = {"up", "scrape_duration_seconds", "scrape_samples_scraped"};

/* What a family was said to be, to tell when it is said to be something else. */
struct kind {
	uint64_t name; /* its hash */
	enum series_type type;
};

struct ids {
	series_id *all; /* rising */
	uint32_t count, cap;
};

struct scrape {
	struct scrape_of of;
	uv_timer_t timer;
	struct asking *asking; /* under way, or NULL */
	struct httpanswer *answer;
	int64_t due_tick, offset;
	uint64_t begun_ns, spread_ms;
	bool waits; /* for its moment in the second */
	struct ids ids;
	struct kind *kinds;
	uint32_t kinds_count, kinds_cap, told;
	char where[SUP_HTTP_PATH_CAP + 8];
	char why[SCRAPE_WHY_CAP], told_why[SCRAPE_WHY_CAP];
};

static uint64_t
hash(uint64_t h, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* --- telling -------------------------------------------------------------------------------- */

/* Once for each thing that is wrong, and not for ever. */
static void
tell(struct scrape *s)
{
	if (s->why[0] == '\0' || s->told == TOLD_MAX || strcmp(s->why, s->told_why) == 0)
		return;
	memcpy(s->told_why, s->why, sizeof s->told_why);
	log_warn("%s: metrics: %s%s", s->of.instance, s->why,
	    ++s->told == TOLD_MAX ? " (no more is told of them in this run)" : "");
}

const char *
scrape_why(const struct scrape *s)
{
	return s->why;
}

/* --- series -------------------------------------------------------------------------------------- */

static series_id
open_series(const struct scrape *s, struct labels *l)
{
	uint8_t packed[LABELS_BYTES_MAX];
	int n = target_pack(&s->of.target, l, packed);

	return n < 0 ? 0 : series_open(s->of.store, s->of.owner, (struct slice){packed, (size_t)n});
}

static bool
add_id(struct ids *ids, series_id id)
{
	if (ids->count == ids->cap) {
		uint32_t cap = ids->cap == 0 ? 64 : 2 * ids->cap;
		series_id *more = realloc(ids->all, cap * sizeof *more);

		if (more == NULL)
			return false;
		ids->all = more;
		ids->cap = cap;
	}
	ids->all[ids->count++] = id;
	return true;
}

static int
cmp_ids(const void *a, const void *b)
{
	const series_id *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* What was there and is not among the new ones has ended; these are the known ones now. */
static void
replace_ids(struct scrape *s, struct ids *fresh, int64_t tick)
{
	uint32_t k = 0;

	if (fresh->count > 0)
		qsort(fresh->all, fresh->count, sizeof *fresh->all, cmp_ids);
	for (uint32_t i = 0; i < s->ids.count; i++) {
		while (k < fresh->count && fresh->all[k] < s->ids.all[i])
			k++;
		if (k == fresh->count || fresh->all[k] != s->ids.all[i])
			series_close(s->of.store, s->ids.all[i], tick);
	}
	free(s->ids.all);
	s->ids = *fresh;
}

static void
put_own(struct scrape *s, bool up, uint32_t samples)
{
	const double values[OWN_SERIES] = {up, (double)(uv_hrtime() - s->begun_ns) / 1e9, samples};

	for (size_t i = 0; i < OWN_SERIES; i++) {
		struct labels l = {0};

		/* Names that no bound forbids; no room in the store: it is counted there. */
		if (labels_set(&l, slice_of(LABEL_NAME), slice_of(own_names[i])) == 0) {
			(void)!series_describe(s->of.store, slice_of(own_names[i]), SERIES_GAUGE, (struct slice){0});
			(void)!series_put(s->of.store, open_series(s, &l), s->due_tick, values[i]);
		}
	}
}

/* --- what an answer holds --------------------------------------------------------------------------- */

/* NULL, or what it was before. */
static const struct kind *
changed(struct scrape *s, const struct expo_item *it, uint32_t *cursor)
{
	const uint64_t h = hash(UINT64_C(0xcbf29ce484222325), it->family.b, it->family.len);
	uint32_t at = *cursor;

	/* As a rule in the order of last time. */
	for (uint32_t n = 0; n < s->kinds_count; n++, at++) {
		struct kind *k = &s->kinds[at %= s->kinds_count];

		if (k->name != h)
			continue;
		*cursor = at;
		if (k->type == it->type || it->type == SERIES_UNTYPED)
			return NULL;
		if (k->type != SERIES_UNTYPED)
			return k;
		k->type = it->type;
		return NULL;
	}
	if (s->kinds_count == s->kinds_cap) {
		uint32_t cap = s->kinds_cap == 0 ? 32 : 2 * s->kinds_cap;
		struct kind *more = cap <= 4 * EXPO_SERIES_MAX ? realloc(s->kinds, cap * sizeof *more) : NULL;

		if (more == NULL)
			return NULL; /* of so many it is not known any more */
		s->kinds = more;
		s->kinds_cap = cap;
	}
	s->kinds[s->kinds_count++] = (struct kind){h, it->type};
	return NULL;
}

static void
reject(struct scrape *s, const struct expo_item *it, const char *why)
{
	if (s->why[0] == '\0')
		snprintf(s->why, sizeof s->why, "%s: metric '%.*s' rejected: %s", s->where,
		    (int)(it->name.len < 64 ? it->name.len : 64), (const char *)it->name.b, why);
}

static bool
put_sample(struct scrape *s, const struct expo_item *it, struct ids *fresh, uint32_t *cursor)
{
	struct labels l = it->labels;
	const char *ours = target_refuses(it->name);
	const struct kind *was = ours == NULL ? changed(s, it, cursor) : NULL;
	series_id id;

	if (ours != NULL) {
		reject(s, it, ours);
		return true;
	}
	if (was != NULL) {
		char why[64];

		snprintf(why, sizeof why, "type changed %s->%s", expo_type_name(was->type),
		    expo_type_name(it->type));
		reject(s, it, why);
		return true;
	}
	if ((id = open_series(s, &l)) == 0) {
		reject(s, it, "no room for it: too many series of this instance, or too long labels");
		return true;
	}
	(void)!series_describe(s->of.store, it->type == SERIES_COUNTER ? it->name : it->family, it->type, it->help);
	if (series_put(s->of.store, id, s->due_tick, it->value) == -ERR_FULL)
		reject(s, it, "no room for it: this instance has too many samples");
	return add_id(fresh, id);
}

/* First to the end without a trace: an error at the end is one of all of it. */
static int
take(struct scrape *s, enum expo_format format, uint32_t *samples, struct err *err)
{
	const struct slice text = httpanswer_body(s->answer);
	struct ids fresh = {0};
	uint32_t cursor = 0;
	int step = -1;

	for (int pass = 0; pass < 2; pass++) {
		struct expo *e = expo_new(format, text, EXPO_SERIES_MAX);
		struct expo_item it;

		if (e == NULL)
			return err_set(err, EXIT_ENVIRONMENT, "out of memory"), -1;
		for (*samples = 0; (step = expo_next(e, &it, err)) > 0; ++*samples)
			if (pass == 1 && step == EXPO_REJECTED)
				reject(s, &it, it.why);
			else if (pass == 1 && !put_sample(s, &it, &fresh, &cursor))
				break;
		expo_free(e);
		if (step < 0)
			return -1;
	}
	replace_ids(s, &fresh, s->due_tick);
	return 0;
}

/* --- one question ---------------------------------------------------------------------------------------- */

static void
finish(struct scrape *s, const char *why)
{
	struct err err = {0};
	enum expo_format format;
	uint32_t samples = 0;
	bool up = false;

	s->asking = NULL;
	s->why[0] = '\0';
	if (why[0] != '\0')
		snprintf(err.text, sizeof err.text, "%s", why);
	else if (!expo_format_of(httpanswer_type(s->answer), &format))
		snprintf(err.text, sizeof err.text, "answer: its Content-Type is neither text/plain nor OpenMetrics");
	else
		up = take(s, format, &samples, &err) == 0;
	if (!up) {
		struct ids none = {0};

		replace_ids(s, &none, s->due_tick);
		snprintf(s->why, sizeof s->why, "%s: %.*s", s->where, SCRAPE_WHY_CAP - 160, err.text);
		samples = 0;
	}
	put_own(s, up, samples);
	tell(s);
	httpanswer_free(s->answer);
	s->answer = NULL;
}

static bool
on_heard(void *arg, const uint8_t *b, size_t n)
{
	struct scrape *s = arg;
	struct err err;
	int rc = httpanswer_feed(s->answer, b, n, &err);

	if (rc == 0)
		return true;
	finish(s, rc > 0 ? "" : err.text);
	return false;
}

static void
on_done(void *arg, const char *why)
{
	struct scrape *s = arg;
	struct err err;

	if (why[0] != '\0')
		finish(s, why);
	else
		finish(s, httpanswer_end(s->answer, &err) > 0 ? "" : err.text);
}

static void
begin(uv_timer_t *timer)
{
	struct scrape *s = timer->data;
	char host[ADDR_TEXT_CAP], words[ASKING_WORDS_CAP];
	const struct asking_conf conf = {.to = s->of.addr,
	    .words = words,
	    .timeout_ms = s->of.how.timeout_ms,
	    .heard = on_heard,
	    .done = on_done,
	    .arg = s};

	s->waits = false;
	s->begun_ns = uv_hrtime();
	addr_format(&s->of.addr, host, sizeof host);
	snprintf(words, sizeof words,
	    "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: mesh\r\nConnection: close\r\n"
	    "Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n"
	    "Accept-Encoding: identity\r\nX-Prometheus-Scrape-Timeout-Seconds: %u.%03u\r\n\r\n",
	    s->of.how.path, host, s->of.how.timeout_ms / 1000, s->of.how.timeout_ms % 1000);
	s->answer = httpanswer_new(EXPO_BYTES_MAX);
	if (s->answer != NULL)
		s->asking = asking_begin(s->of.loop, &conf);
	if (s->asking == NULL)
		finish(s, "cannot connect");
}

void
scrape_tick(struct scrape *s, int64_t tick)
{
	int64_t every = (s->of.how.interval_ms + 999) / 1000;

	if (s->waits || s->asking != NULL || (tick + s->offset) % every != 0)
		return;
	s->due_tick = tick;
	s->waits = true;
	uv_timer_start(&s->timer, begin, s->spread_ms, 0);
}

/* --- life ---------------------------------------------------------------------------------------------------- */

struct scrape *
scrape_new(const struct scrape_of *of)
{
	struct scrape *s = calloc(1, sizeof *s);
	uint64_t h;

	if (s == NULL)
		return NULL;
	s->of = *of;
	s->of.how.path[sizeof s->of.how.path - 1] = '\0';
	h = hash(UINT64_C(0xcbf29ce484222325), of->instance, strlen(of->instance));
	h = hash(h, &s->of.how.port, sizeof s->of.how.port);
	h = hash(h, s->of.how.path, strlen(s->of.how.path));
	s->offset = (int64_t)(h >> 40);
	s->spread_ms = (h >> 8) % SPREAD_MS;
	snprintf(s->where, sizeof s->where, ":%u%.*s", (unsigned)(uint16_t)s->of.how.port, SUP_HTTP_PATH_CAP - 1,
	    s->of.how.path);
	uv_timer_init(of->loop, &s->timer);
	s->timer.data = s;
	return s;
}

static void
timer_closed(uv_handle_t *h)
{
	free(h->data);
}

void
scrape_free(struct scrape *s, int64_t tick)
{
	static const struct ids none;
	struct ids fresh = none;

	if (s == NULL)
		return;
	if (s->asking != NULL)
		asking_drop(s->asking);
	httpanswer_free(s->answer);
	replace_ids(s, &fresh, tick);
	for (size_t i = 0; i < OWN_SERIES; i++) {
		struct labels l = {0};

		if (labels_set(&l, slice_of(LABEL_NAME), slice_of(own_names[i])) == 0)
			series_close(s->of.store, open_series(s, &l), tick);
	}
	free(s->kinds);
	uv_close((uv_handle_t *)&s->timer, timer_closed);
}
