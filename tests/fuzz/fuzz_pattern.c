/*
 * fuzz_pattern.c - a pattern and a value, split at the first newline: what is taken is
 * compiled by the engine too, and a match with and without groups says the same unless
 * it gave up.  The first group is the whole value.
 */
#include <stdlib.h>
#include <string.h>

#include "../../daemon/core/labels.h"
#include "../../daemon/core/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *nl = len > 0 ? memchr(data, '\n', len) : NULL;
	struct slice text = {data, nl != NULL ? (size_t)(nl - data) : len};
	struct slice value = {data + text.len, len - text.len}, groups[PATTERN_GROUPS_MAX];
	struct err err;
	struct pattern *p = pattern_new(text, &err);
	uint32_t plain = 0, grouped = 0;
	uint8_t out[256];

	if (p == NULL)
		return 0;
	if (value.len > 0)
		value.b++, value.len--;
	if (value.len > LABEL_VALUE_BYTES_MAX)
		value.len = LABEL_VALUE_BYTES_MAX;
	bool a = pattern_match(p, value, NULL, &plain), b = pattern_match(p, value, groups, &grouped);
	if (a != b && plain == 0 && grouped == 0)
		abort();
	if (b && !slice_eq(groups[0], value))
		abort();
	if (b && pattern_expand(p, text, groups, out, sizeof out) > (int)sizeof out)
		abort();
	pattern_free(p);
	return 0;
}
