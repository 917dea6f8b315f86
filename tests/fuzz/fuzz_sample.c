/*
 * fuzz_sample.c - any bytes as a node's report: whole, or as a difference to one
 * that is held.  The first byte chooses.
 *
 * What is taken is bounded, packs again, and comes back the same; what is a
 * sample but no report is refused as a whole.
 */
#include <math.h>

#include "../../daemon/core/report.h"
#include "toy_crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
held(struct sample *base)
{
	static const char *const rows[] = {"a", "b", "c", "e"};

	memset(base, 0, sizeof *base);
	for (int64_t i = 0; i < 9; i++)
		must(sample_number(base, i * i * 1000) == 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		must(sample_row(base, rows[i], 1, rows[i], i % 2) == 0);
	base->version = 1;
}

static void
again(const struct sample *s)
{
	uint8_t *buf = malloc(SAMPLE_BYTES_MAX);
	struct sample back;
	size_t n;

	must(buf != NULL && s->rows_count <= SAMPLE_ROWS_MAX);
	must((n = sample_pack(s, NULL, buf, SAMPLE_BYTES_MAX)) > 0);
	must(sample_read(buf, n, NULL, &back) == 0 && sample_eq(s, &back));
	sample_free(&back);
	free(buf);
}

/* By name, each once, and bounded. */
static void
answers(const struct report *r)
{
	must(r->answers_count <= VIEW_ANSWERS_MAX);
	for (uint32_t i = 0; i < r->answers_count; i++) {
		must(r->answers[i].bytes.len > 0 && r->answers[i].bytes.len <= 16 * 800);
		must(i == 0 || strcmp(r->answers[i - 1].name, r->answers[i].name) < 0);
	}
}

static void
fuzz_fragments(const uint8_t *data, size_t len)
{
	struct report_table t = {0};

	for (size_t at = 0; at + 3 <= len;) {
		size_t n = data[at] < len - at - 3 ? data[at] : len - at - 3;

		(void)report_add(&t, 1u + data[at + 1] % 4, data[at + 2] % 4, 1u + data[at + 2] / 64,
		    data + at + 3, n);
		must(!t.has || t.version == t.newest.version);
		at += 3 + n;
	}
	report_table_free(&t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sample base, s;
	struct report r;
	uint32_t from;

	if (len == 0 || len > UINT16_MAX)
		return 0;
	if (data[0] == 'f') {
		fuzz_fragments(data + 1, len - 1);
		return 0;
	}
	held(&base);
	if (sample_base(data, len, &from) == 0 &&
	    sample_read(data, len, from == 0 ? NULL : &base, &s) == 0) {
		must(from <= 1);
		again(&s);
		if (report_read(&s, &r) == 0) {
			answers(&r);
			report_free(&r);
		}
		sample_free(&s);
	}
	sample_free(&base);
	return 0;
}
