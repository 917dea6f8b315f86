/*
 * fuzz_cantalfile.c - any bytes as cantal's meta file, with values of its size: what is
 * taken of it lies within them, is called something, and no two alike.
 */
#include <stdlib.h>

#include "../../daemon/core/cantalfile.h"

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
	struct cantal c;
	struct labels l;
	struct err err;
	uint8_t *values;
	double sum = 0;

	if (cantal_parse((struct slice){data, len}, &c, &err) < 0) {
		must(c.fields == NULL && c.names.b == NULL && err.text[0] >= '1' && err.text[0] <= '9');
		return 0;
	}
	must(c.count <= CANTAL_FIELDS_MAX && c.values_bytes <= CANTAL_VALUES_BYTES_MAX);
	values = malloc(c.values_bytes + 1); /* just so many: who reads behind them is seen */
	must(values != NULL);
	for (uint32_t i = 0; i < c.values_bytes; i++)
		values[i] = len > 0 ? data[i % len] : 0;
	for (uint32_t i = 0; i < c.count; i++) {
		const struct cantal_field *f = &c.fields[i];

		must(f->offset + f->bytes <= c.values_bytes);
		must(labels_read(f->labels, &l) == 0);
		must(labels_is_metric(labels_get(&l, slice_of(LABEL_NAME))));
		sum += cantal_value(f, values);
		if (f->kind == CANTAL_STATE)
			must(cantal_text(f, values).len <= CANTAL_TEXT_BYTES_MAX);
	}
	must(sum == sum || sum != sum);
	free(values);
	cantal_free(&c);
	return 0;
}
