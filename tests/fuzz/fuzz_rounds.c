/*
 * Recorded rounds, as somebody may have made them up: heads, frames with a right sum and
 * without, what they unpack to, and what that is read as.
 */
#include <stdlib.h>

#include "../../daemon/io/crypto.h"
#include "../../daemon/io/roundfiles.h"
#include "../../daemon/io/rounds.h"
#include "../../daemon/io/roundzip.h"

enum { PLAIN_MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
open_body(const struct round_head *h, struct slice body)
{
	struct round_rec r;
	struct blob plain;
	struct err err;

	if (h->plain_bytes > PLAIN_MAX ||
	    roundzip_open(body, (struct slice){(const uint8_t *)"before", 6}, h->plain_bytes, &plain, &err) < 0)
		return;
	assert(plain.len == h->plain_bytes);
	if (round_read(&r, plain.b, plain.len) == 0)
		assert(r.input.len > 0 && r.fate < ROUND_FATES);
	blob_free(&plain);
}

/* As it came; with the sum that it should have; its rest as what a frame would hold. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct round_head h = {.at_ms = 1};
	struct slice body;
	struct crypto c;
	struct round_rec r;
	size_t used;

	roundfiles_crypto(&c);
	if (round_open(&h, &body, &used, data, len, &c) == 0)
		open_body(&h, body);
	if (len > ROUND_HEAD_BYTES) {
		uint8_t *buf = malloc(len + HASH_BYTES);

		if (buf == NULL)
			return 0;
		memcpy(buf, data, len);
		h = (struct round_head){.body_bytes = (uint32_t)(len - ROUND_HEAD_BYTES),
		    .plain_bytes = 1u + ((uint32_t)data[8] | (uint32_t)data[9] << 8)};
		round_head_write(buf, &h);
		round_sum(buf + len, buf, len, &c);
		assert(round_open(&h, &body, &used, buf, len + HASH_BYTES, &c) == 0);
		open_body(&h, body);
		free(buf);
	}
	(void)!round_read(&r, data, len);
	return 0;
}
