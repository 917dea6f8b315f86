/*
 * fuzz_prom.c - any bytes as PromQL, over a few series: parsed, written as text that
 * parses to the same text, evaluated as an instant and as a range, and split over two
 * nodes and put together.  Within its limits, whatever is asked.
 */
#include <stdlib.h>
#include <string.h>

#include "../../daemon/core/prom.h"

enum { SERIES = 4, SAMPLES = 40 };

static int64_t at[SAMPLES];
static double values[SERIES][SAMPLES];
static const char *const names[SERIES] = {"\x02\x08__name__\x01x\x04node\x01""a",
    "\x02\x08__name__\x01y\x04node\x01""b", "\x03\x08__name__\x01x\x02le\x01""1\x04node\x01""b",
    "\x03\x08__name__\x01x\x02le\x04+Inf\x04node\x01""a"};
static const struct prom_limits limits = {4 << 20, 2000000};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
fill(void)
{
	for (uint32_t i = 0; i < SAMPLES; i++) {
		at[i] = i * 7000;
		for (uint32_t s = 0; s < SERIES; s++)
			values[s][i] = i % (11 + s) == 10 ? series_stale() : (double)(i * (s + 1) % 17);
	}
}

/* The series of that node (0: all), whatever the matchers. */
static int
ask(const struct prom *p, const struct prom_when *w, char node, struct prom_result *out, struct err *err)
{
	struct prom_need need[PROM_SELECTORS_MAX];
	struct prom_data d[PROM_SELECTORS_MAX];
	struct prom_points s[SERIES];
	uint32_t n = prom_needs(p, w, need), count = 0;

	for (uint32_t i = 0; i < SERIES; i++) {
		struct slice l = slice_of(names[i]);

		if (node == 0 || l.b[l.len - 1] == (uint8_t)node)
			s[count++] = (struct prom_points){l, at, values[i], SAMPLES};
	}
	for (uint32_t i = 0; i < n; i++)
		d[i] = (struct prom_data){s, count};
	return prom_eval(p, w, d, &limits, out, err);
}

static void
ask_nodes(const struct prom *p, const struct prom_when *w)
{
	struct prom_result r[64] = {{0}}, out = {0};
	struct err err;
	struct prom_split *s = prom_split(p, &err);
	uint32_t parts = s != NULL ? prom_split_parts(s) : 0;
	int rc = s != NULL ? 0 : -1;

	for (uint32_t i = 0; i < parts * 2 && rc == 0; i++) {
		const char *text = prom_split_part(s, i % parts);
		struct prom *part = prom_parse(text, strlen(text), &err);

		if (part == NULL && strstr(err.text, "more than") == NULL && strstr(err.text, "deeper") == NULL)
			abort(); /* what is asked of others is always PromQL */
		rc = part != NULL ? ask(part, w, i < parts ? 'a' : 'b', &r[i], &err) : -1;
		prom_free(part);
	}
	if (rc == 0 && prom_merge(s, w, r, 2, &limits, &out, &err) == 0)
		prom_result_free(&out);
	for (uint32_t i = 0; i < parts * 2; i++)
		prom_result_free(&r[i]);
	prom_split_free(s);
}

static void
check_text(const struct prom *p)
{
	char *text = prom_text(p), *twice;
	struct err err;
	struct prom *again = text != NULL ? prom_parse(text, strlen(text), &err) : NULL;

	if (again != NULL) {
		twice = prom_text(again);
		if (twice == NULL || strcmp(text, twice) != 0)
			abort();
		free(twice);
	} else if (text != NULL && strlen(text) <= PROM_TEXT_BYTES_MAX && strstr(err.text, "deeper") == NULL) {
		abort();
	}
	free(text);
	prom_free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct prom_when instant = {200000, 200000, 0}, range = {0, 280000, 20000};
	struct prom_result r;
	struct err err;
	struct prom *p = prom_parse((const char *)data, len, &err);

	if (p == NULL)
		return 0;
	if (at[1] == 0)
		fill();
	check_text(p);
	if (ask(p, &instant, 0, &r, &err) == 0)
		prom_result_free(&r);
	if (ask(p, &range, 0, &r, &err) == 0)
		prom_result_free(&r);
	ask_nodes(p, &instant);
	ask_nodes(p, &range);
	prom_free(p);
	return 0;
}
