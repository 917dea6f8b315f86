/*
 * fuzz_expo.c - any bytes as what an application says of itself, in both formats: what is
 * given of them packs as labels, is given once, and a text is read the same twice.
 */
#include <stdlib.h>

#include "../../daemon/core/expo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { SERIES_MAX = 50 };

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static uint64_t
fuzz_text(enum expo_format format, struct slice text)
{
	struct expo *e = expo_new(format, text, SERIES_MAX);
	uint8_t packed[LABELS_BYTES_MAX];
	struct expo_item it;
	struct labels again;
	uint32_t given = 0, line = 0;
	uint64_t sum = 1;
	struct err err;
	int step, n;

	must(e != NULL);
	while ((step = expo_next(e, &it, &err)) > 0) {
		must(++given <= SERIES_MAX && it.line > line && it.help.len <= EXPO_HELP_BYTES_MAX);
		line = it.line;
		sum = sum * 31 + it.name.len;
		if (step == EXPO_REJECTED) {
			must(it.why != NULL);
			continue;
		}
		must(labels_is_metric(it.name) && it.labels.count <= EXPO_LABELS_MAX + 1);
		must(!series_is_stale(it.value));
		n = labels_pack(&it.labels, packed, sizeof packed);
		if (n < 0)
			continue; /* together too long: the caller's to tell */
		must(labels_read((struct slice){packed, (size_t)n}, &again) == 0);
		must(again.count == it.labels.count);
	}
	must(step == EXPO_END || (step == -1 && err.text[0] >= '1' && err.text[0] <= '9'));
	must(expo_next(e, &it, &err) == EXPO_END);
	expo_free(e);
	return sum * 31 + (uint64_t)(step + 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct slice text = {data, len};

	for (int f = EXPO_TEXT; f <= EXPO_OPENMETRICS; f++)
		must(fuzz_text((enum expo_format)f, text) == fuzz_text((enum expo_format)f, text));
	return 0;
}
