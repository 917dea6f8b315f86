/*
 * series_model.c - a store of series driven by bytes, beside a plain array of all that
 * was put: what the store answers is what the array has, less what was too old and, from
 * the oldest on, what there was no room for.
 *
 * For the unit test (bytes of a generator) and the fuzzer (any bytes); included after
 * daemon/core/series_in.h, by one file of a program.  Whatever is wrong aborts.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MODEL_SERIES = 48, MODEL_OWNERS = 4, MODEL_POINTS_MAX = 20000, MODEL_LABELS = 64 };

struct model_one {
	series_id id; /* 0: none */
	uint32_t owner, label;
	struct series_point *points;
	size_t count, cap;
	bool closed, seen;
	int64_t last, ended;
	int kind;
	uint64_t state; /* of its generator */
};

struct model {
	const uint8_t *at, *end;
	struct series_store *s;
	struct series_conf conf;
	struct model_one all[MODEL_SERIES];
	uint32_t owners[MODEL_OWNERS];
	int64_t tick, floor;
	uint64_t rng, puts, compared;
	bool brief; /* an eighth of each run */
};

#define MODEL_MUST(ok)                                                                          \
	do {                                                                                       \
		if (!(ok)) {                                                                       \
			fprintf(stderr, "series_model.c:%d: not so: %s\n", __LINE__, #ok);         \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static uint64_t
model_byte(struct model *m)
{
	return m->at < m->end ? *m->at++ : 0;
}

static uint64_t
model_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static double
model_double(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof v);
	return v;
}

static struct slice
model_labels(uint32_t n, uint8_t out[LABELS_BYTES_MAX])
{
	static const char *const names[] = {"up", "node_cpu_seconds_total", "a", "http_requests_total"};
	char value[16];
	struct labels l = {0};
	int len;

	snprintf(value, sizeof value, "v%u", n);
	MODEL_MUST(labels_set(&l, slice_of(LABEL_NAME), slice_of(names[n % 4])) == 0);
	MODEL_MUST(labels_set(&l, slice_of("Job"), slice_of("node")) == 0);
	MODEL_MUST(labels_set(&l, slice_of("value"), slice_of(value)) == 0);
	len = labels_pack(&l, out, LABELS_BYTES_MAX);
	MODEL_MUST(len > 0);
	return (struct slice){out, (size_t)len};
}

/* --- values of all kinds -------------------------------------------------------------- */

static double
model_special(uint64_t r)
{
	static const uint64_t bits[] = {
		0, UINT64_C(1) << 63,				       /* -0 */
		UINT64_C(0x7ff0000000000000), UINT64_C(0xfff0000000000000), /* infinities */
		UINT64_C(0x7ff8000000000000), UINT64_C(0x7ff8000000000001), UINT64_C(0xfff8123456789abc),
		SERIESCODE_STALE, 1, UINT64_C(0x000fffffffffffff),     /* and subnormals */
		UINT64_C(0x7fefffffffffffff), UINT64_C(0x4340000000000000), /* 2^53 */
		UINT64_C(0x4340000000000001), UINT64_C(0x43c0000000000000), /* 2^61 */
		UINT64_C(0xc3c0000000000000), UINT64_C(0x43bfffffffffffff), UINT64_C(0x43e0000000000000),
	};

	return model_double(bits[r % ARRAY_LEN(bits)]);
}

enum { MODEL_KINDS = 14 };

static double
model_value(struct model_one *o, uint64_t *rng)
{
	uint64_t r = model_random(rng), *c = &o->state;

	switch (o->kind) {
	case 0: /* constant */
		return (double)(*c >> 40);
	case 1: /* a counter of steady rate */
		return (double)(*c += 7);
	case 2: /* of any rate, with resets */
		*c = r % 300 == 0 ? 0 : *c % (UINT64_C(1) << 50) + r % 1000;
		return (double)*c;
	case 3: /* pages */
		*c = *c % 4000 + (r % 3 == 0 ? r % 50 : 0);
		return (double)(*c * 4096);
	case 4: /* seldom something else */
		*c = r % 50 == 0 ? r >> 50 : *c;
		return (double)*c;
	case 5: /* two decimals */
		*c = *c % 100000 + r % 13;
		return (double)*c / 100;
	case 6: /* six, of both signs */
		return (double)(int64_t)(r % 2000001 - 1000000) / 1e6;
	case 7: /* real */
		return sin((double)(*c)++ / 10) * 1e3;
	case 8:
		return model_double(r);
	case 9:
		return model_special(r);
	case 10: /* all, in turn */
		o->kind = r % 40 == 0 ? (int)(r >> 20) % 10 : 10;
		return (double)r;
	case 11: /* large whole numbers */
		return (double)(int64_t)((r >> 2) - (UINT64_C(1) << 61));
	case 12: /* whole numbers, and seldom a mark */
		return r % 30 == 0 ? series_stale() : (double)(*c += r % 4);
	default: /* a constant fraction, seldom real */
		return r % 200 == 0 ? model_double(r) : 0.1;
	}
}

/* --- what must hold ---------------------------------------------------------------------- */

static void
model_inside(struct model *m)
{
	const struct series_store *s = m->s;
	struct series_stats st;
	uint64_t units = 0, samples = 0, series = 0;

	series_stats(s, &st);
	MODEL_MUST(st.bytes <= st.bytes_max);
	for (uint32_t w = 0; w < s->owners_count; w++) {
		const struct owner *ow = owner_at(s, w);
		size_t bytes = 0;
		uint32_t n = 0;

		for (int closed = 0; closed < 2 && ow->used; closed++) {
			uint32_t i = closed ? ow->closed.first : ow->live.first, last = SERIES_NONE;

			for (; i != SERIES_NONE; last = i, i = one_at(s, i)->after, n++) {
				const struct one *o = one_at(s, i);
				uint8_t b[LABELS_BYTES_MAX];
				uint32_t u = pool_length(&s->pool, o->head);

				MODEL_MUST(o->before == last && o->owner == w);
				MODEL_MUST(!(o->flags & ONE_CLOSED) == !closed);
				bytes += u * POOL_UNIT_WHOLE;
				bytes += series_charge((struct slice){b, tags_labels(&s->tags, i, b)});
				units += u;
				samples += o->count;
			}
			MODEL_MUST(last == (closed ? ow->closed.last : ow->live.last));
		}
		MODEL_MUST(n == ow->series && bytes == ow->bytes);
		MODEL_MUST(w == 0 || (bytes <= s->conf.owner_bytes_max && n <= s->conf.owner_series_max));
		series += n;
	}
	MODEL_MUST(units == pool_used(&s->pool) && series == st.series && samples <= st.samples);
	MODEL_MUST(series <= s->conf.series_max);
}

static void
model_forget(struct model_one *o)
{
	free(o->points);
	*o = (struct model_one){0};
}

/* The store dropped it: it may if it was closed. */
static bool
model_gone(struct model *m, struct model_one *o)
{
	uint8_t b[LABELS_BYTES_MAX];

	if (o->id == 0)
		return true;
	if (series_labels(m->s, o->id, b) > 0)
		return false;
	MODEL_MUST(o->closed);
	model_forget(o);
	return true;
}

static void
model_compare(struct model *m, struct model_one *o, int64_t from, int64_t to)
{
	static struct series_point got[MODEL_POINTS_MAX + 2];
	size_t n = 0, want = 0, first = 0;
	struct series_stats st;
	struct series_point last;
	int64_t at = from;

	/* In pieces, as a reader with little room would. */
	for (size_t some; n < MODEL_POINTS_MAX; n += some, at = got[n - 1].tick + 1) {
		some = series_read(m->s, o->id, at, to, got + n, m->rng % 7 == 0 ? 100 : MODEL_POINTS_MAX - n);
		if (some == 0)
			break;
	}
	series_stats(m->s, &st);
	for (size_t i = 0; i < o->count; i++)
		if (o->points[i].tick >= from && o->points[i].tick <= to && o->points[i].tick >= m->floor)
			first = want++ == 0 ? i : first;
	if (o->closed && o->seen && o->ended >= from && o->ended <= to && o->ended >= m->floor) {
		MODEL_MUST(n > 0 && got[n - 1].tick == o->ended && series_is_stale(got[n - 1].value));
		MODEL_MUST(series_last(m->s, o->id, &last) && last.tick == o->ended && series_is_stale(last.value));
		n--;
	}
	MODEL_MUST(n == want || (n < want && st.evicted_samples > 0));
	if (want == 0)
		return;
	first += want - n;
	for (size_t i = 0; i < n; i++) {
		MODEL_MUST(got[i].tick == o->points[first + i].tick);
		MODEL_MUST(memcmp(&got[i].value, &o->points[first + i].value, sizeof(double)) == 0);
	}
	if (n > 0 && !o->closed && to >= o->last) {
		MODEL_MUST(series_last(m->s, o->id, &last) && last.tick == o->last);
		MODEL_MUST(memcmp(&last.value, &got[n - 1].value, sizeof(double)) == 0);
	}
	m->compared += n;
}

/* --- what is done -------------------------------------------------------------------------- */

static void
model_note(struct model_one *o, int64_t tick, double value)
{
	if (o->count + 2 > o->cap) {
		o->cap = o->cap * 2 + 64;
		o->points = realloc(o->points, o->cap * sizeof *o->points);
		MODEL_MUST(o->points != NULL);
	}
	if (o->closed && o->seen && tick > o->ended)
		o->points[o->count++] = (struct series_point){o->ended, series_stale()};
	o->points[o->count++] = (struct series_point){tick, value};
	o->closed = false;
	o->seen = true;
	o->last = tick;
}

static void
model_put(struct model *m, struct model_one *o, int64_t tick)
{
	struct model_one was = *o;
	double value;
	int rc;

	if (model_gone(m, o) || o->count >= MODEL_POINTS_MAX - 2)
		return;
	value = model_value(o, &m->rng);
	m->puts++;
	rc = series_put(m->s, o->id, tick, value);
	if (tick < m->floor || (o->seen && tick <= o->last) || (o->closed && o->seen && tick < o->ended)) {
		MODEL_MUST(rc == -ERR_RANGE);
		o->state = was.state;
		return;
	}
	MODEL_MUST(rc == 0 || (rc == -ERR_FULL && o->owner != SERIES_HOST));
	if (rc == 0)
		model_note(o, tick, value);
}

static void
model_open(struct model *m)
{
	uint8_t b[LABELS_BYTES_MAX];
	uint32_t label = (uint32_t)model_byte(m) % MODEL_LABELS, owner = (uint32_t)model_byte(m) % MODEL_OWNERS;
	struct model_one *free_one = NULL, *same = NULL;
	series_id id;

	for (int i = 0; i < MODEL_SERIES; i++) {
		struct model_one *o = &m->all[i];

		if (model_gone(m, o))
			free_one = o;
		else if (o->label == label)
			same = o;
	}
	if (same == NULL && free_one == NULL)
		return;
	id = series_open(m->s, m->owners[owner], model_labels(label, b));
	if (same != NULL && !model_gone(m, same)) {
		MODEL_MUST(id == 0 || id == same->id);
		MODEL_MUST(id != 0 || same->owner != m->owners[owner]);
		if (id != 0)
			same->owner = m->owners[owner];
		return;
	}
	if (id == 0 || free_one == NULL)
		return;
	*free_one = (struct model_one){.id = id, .owner = m->owners[owner], .label = label,
	    .kind = (int)(model_byte(m) % MODEL_KINDS), .state = model_random(&m->rng) >> 24};
}

static void
model_shut(struct model *m, struct model_one *o, int64_t tick)
{
	if (o->id == 0 || o->closed)
		return;
	o->closed = true;
	o->ended = o->seen && tick > o->last ? tick : o->last + 1;
	if (tick < m->floor && o->seen)
		o->ended = o->last + 1;
}

/* Each open series gets a sample, tick after tick. */
static void
model_run(struct model *m)
{
	uint64_t n = model_byte(m) * 4 / (m->brief ? 8 : 1) + 1, step = model_byte(m), odd = model_byte(m);

	for (uint64_t t = 0; t < n; t++) {
		m->tick += step < 200 ? 1 : (int64_t)step - 199;
		if (odd > 128 && model_random(&m->rng) % 32 == 0)
			m->tick += (int64_t)(model_random(&m->rng) % odd);
		for (int i = 0; i < MODEL_SERIES; i++)
			if (m->all[i].id != 0 && !m->all[i].closed &&
			    (odd < 64 || i % 2 == 0 || model_random(&m->rng) % 16 != 0))
				model_put(m, &m->all[i], m->tick);
		if (t % 16 == 0) {
			series_expire(m->s, m->tick);
			m->floor = m->tick - m->conf.keep_ticks > m->floor ? m->tick - m->conf.keep_ticks : m->floor;
		}
	}
}

static void
model_select(struct model *m)
{
	struct series_matcher q[2] = {{SERIES_EQ, slice_of(LABEL_NAME), slice_of("up"), NULL},
	    {SERIES_NE, slice_of("value"), slice_of("v4"), NULL}};
	uint32_t count = (uint32_t)model_byte(m) % 3, skip = count == 1 ? (uint32_t)model_byte(m) % 2 : 0;
	uint8_t a[LABELS_BYTES_MAX], b[LABELS_BYTES_MAX];
	series_id *ids = NULL;
	int64_t n = series_select(m->s, q + skip, count, MODEL_SERIES, &ids), want = 0;

	MODEL_MUST(n >= 0);
	for (int i = 0; i < MODEL_SERIES; i++) {
		struct model_one *o = &m->all[i];
		bool by_name = count == 0 || skip == 1 || o->label % 4 == 0;
		bool by_value = count == 0 || (count == 1 && skip == 0) || o->label != 4;

		if (model_gone(m, o) || !o->seen || (o->closed ? o->ended : o->last) < m->floor)
			continue;
		want += by_name && by_value;
	}
	MODEL_MUST(n == want);
	for (int64_t i = 0; i + 1 < n; i++) {
		size_t x = series_labels(m->s, ids[i], a), y = series_labels(m->s, ids[i + 1], b);

		MODEL_MUST(memcmp(a, b, x < y ? x : y) < 0);
	}
	free(ids);
}

static void
model_end_owner(struct model *m, uint32_t which)
{
	static const char *const names[] = {"", "web-1", "db", "batch"};

	if (which == 0)
		return;
	series_owner_end(m->s, m->owners[which], m->tick);
	for (int i = 0; i < MODEL_SERIES; i++)
		if (m->all[i].owner == m->owners[which])
			model_shut(m, &m->all[i], m->tick);
	MODEL_MUST(series_owner(m->s, slice_of(names[which]), &m->owners[which]) == 0);
}

static void
model_step(struct model *m)
{
	uint64_t op = model_byte(m) % 16;
	struct model_one *o = &m->all[model_byte(m) % MODEL_SERIES];
	int64_t from;

	switch (op) {
	case 0: case 1: case 2:
		model_open(m);
		return;
	case 3:
		model_put(m, o, m->tick - 3 + (int64_t)model_byte(m) % 6);
		m->tick += 3;
		return;
	case 4:
		if (!model_gone(m, o)) {
			series_close(m->s, o->id, m->tick);
			model_shut(m, o, m->tick);
		}
		return;
	case 5:
		m->tick += (int64_t)(model_byte(m) << (model_byte(m) % 16)); /* suspended */
		return;
	case 6:
		model_end_owner(m, (uint32_t)model_byte(m) % MODEL_OWNERS);
		return;
	case 7:
		model_select(m);
		return;
	case 8: case 9:
		from = m->tick - (int64_t)(model_byte(m) * 16);
		if (!model_gone(m, o))
			model_compare(m, o, from, from + (int64_t)(model_byte(m) * 16));
		return;
	case 10:
		m->floor = m->tick - m->conf.keep_ticks > m->floor ? m->tick - m->conf.keep_ticks : m->floor;
		for (int i = 0; i < 20; i++)
			series_expire(m->s, m->tick);
		return;
	default:
		model_run(m);
		for (int i = 0; i < 4; i++, o = &m->all[model_random(&m->rng) % MODEL_SERIES])
			if (!model_gone(m, o))
				model_compare(m, o, INT64_MIN / 4, m->tick);
	}
}

/* All of the bytes; at the end everything is compared. */
static void
model_drive(struct model *m, const uint8_t *data, size_t len)
{
	static const char *const names[] = {"", "web-1", "db", "batch"};

	*m = (struct model){.at = data, .end = data + len, .brief = m->brief};
	m->rng = model_byte(m) << 8 | model_byte(m);
	m->conf = (struct series_conf){
		.bytes_max = 256 * 1024 + (model_byte(m) % 3) * 200000,
		.series_max = model_byte(m) % 2 ? 1000 : 24,
		.owner_series_max = model_byte(m) % 2 ? 1000 : 6,
		.owner_bytes_max = model_byte(m) % 2 ? 1 << 20 : 6000,
		.keep_ticks = model_byte(m) % 2 ? 3600 : 100,
		.seed = model_byte(m),
	};
	m->s = series_new(&m->conf);
	MODEL_MUST(m->s != NULL);
	m->tick = 1000000;
	m->floor = INT64_MIN;
	for (uint32_t i = 1; i < MODEL_OWNERS; i++)
		MODEL_MUST(series_owner(m->s, slice_of(names[i]), &m->owners[i]) == 0);
	for (int n = 0; m->at < m->end; n++) {
		model_step(m);
		if (n % 8 == 0)
			model_inside(m);
	}
	model_inside(m);
	for (int i = 0; i < MODEL_SERIES; i++)
		if (!model_gone(m, &m->all[i])) {
			model_compare(m, &m->all[i], INT64_MIN / 4, INT64_MAX / 4);
			model_forget(&m->all[i]);
		}
	series_free(m->s);
	m->s = NULL;
}
