/*
 * fuzz_httpanswer.c - any bytes as an answer of HTTP, in one piece and byte by byte: the
 * same comes of both, and no body is longer than it may be.
 */
#include <stdlib.h>

#include "../../daemon/core/httpanswer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { BODY_MAX = 64 };

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static struct httpanswer *
fuzz_fed(const uint8_t *data, size_t len, size_t step, int *rc)
{
	struct httpanswer *h = httpanswer_new(BODY_MAX);
	struct err err = {0};

	must(h != NULL);
	*rc = 0;
	for (size_t at = 0; at < len && *rc == 0; at += step)
		*rc = httpanswer_feed(h, data + at, len - at < step ? len - at : step, &err);
	if (*rc == 0)
		*rc = httpanswer_end(h, &err);
	must(*rc == 1 || (*rc == -1 && err.text[0] != '\0'));
	must(httpanswer_body(h).len <= BODY_MAX && httpanswer_type(h).len <= HTTPANSWER_TYPE_CAP);
	return h;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int rc, slow_rc;
	struct httpanswer *h = fuzz_fed(data, len, len + 1, &rc), *slow = fuzz_fed(data, len, 1, &slow_rc);

	must(rc == slow_rc);
	must(rc < 0 || (slice_eq(httpanswer_body(h), httpanswer_body(slow)) &&
			   slice_eq(httpanswer_type(h), httpanswer_type(slow))));
	httpanswer_free(h);
	httpanswer_free(slow);
	return 0;
}
