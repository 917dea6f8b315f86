/*
 * fuzz_labels.c - any bytes as packed labels: what is read packs to the same bytes, and
 * the same labels set in any order are those bytes too.
 */
#include <stdlib.h>

#include "../../daemon/core/labels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t out[LABELS_BYTES_MAX];
	struct slice packed = {data, len};
	struct labels l, m = {0};

	(void)labels_find(packed, slice_of("a"));
	if (labels_read(packed, &l) < 0) {
		must(l.count == 0);
		return 0;
	}
	must(labels_pack(&l, out, sizeof out) == (int)len && memcmp(out, data, len) == 0);
	for (uint32_t i = l.count; i-- > 0;) {
		must(labels_set(&m, l.items[i].name, l.items[i].value) == 0);
		must(slice_eq(labels_find(packed, l.items[i].name), l.items[i].value));
	}
	must(labels_pack(&m, out, sizeof out) == (int)len && memcmp(out, data, len) == 0);
	for (uint32_t i = 0; i < l.count; i++)
		labels_drop(&m, l.items[i].name);
	must(m.count == 0);
	return 0;
}
