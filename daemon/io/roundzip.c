/*
 * roundzip.c - see roundzip.h.
 */
#include "roundzip.h"

#include <stdlib.h>
#include <zstd.h>

enum { LEVEL = 3, WINDOW_LOG_MIN = 17, WINDOW_LOG_MAX = 27, LONG_BYTES = 1 << 17 };

/* What has to be seen at once: the prefix and all of what it is the prefix of. */
static int
window_log(size_t bytes)
{
	int log = WINDOW_LOG_MIN;

	while (log < WINDOW_LOG_MAX && (size_t)1 << log < bytes)
		log++;
	return log;
}

static size_t
set_up(ZSTD_CCtx *c, size_t plain, struct slice prefix)
{
	/* Far matches are found by their own, sparse table: what a level's table of a
	 * few thousand places has forgotten of megabytes. */
	int far = prefix.len + plain > LONG_BYTES;
	size_t rc = ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, LEVEL);

	if (!ZSTD_isError(rc))
		rc = ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, window_log(prefix.len + plain));
	if (!ZSTD_isError(rc))
		rc = ZSTD_CCtx_setParameter(c, ZSTD_c_enableLongDistanceMatching, far);
	if (!ZSTD_isError(rc) && prefix.len > 0)
		rc = ZSTD_CCtx_refPrefix(c, prefix.b, prefix.len);
	return rc;
}

int
roundzip_pack(struct slice plain, struct slice prefix, struct blob *out, struct err *err)
{
	size_t cap = ZSTD_compressBound(plain.len), rc;
	ZSTD_CCtx *c = ZSTD_createCCtx();

	*out = (struct blob){.b = malloc(cap)};
	if (c == NULL || out->b == NULL) {
		ZSTD_freeCCtx(c);
		blob_free(out);
		return err_set(err, 1, "out of memory");
	}
	rc = set_up(c, plain.len, prefix);
	if (!ZSTD_isError(rc))
		rc = ZSTD_compress2(c, out->b, cap, plain.b, plain.len);
	ZSTD_freeCCtx(c);
	if (ZSTD_isError(rc)) {
		blob_free(out);
		return err_set(err, 1, "zstd: %s", ZSTD_getErrorName(rc));
	}
	out->len = rc;
	return 0;
}

int
roundzip_open(struct slice frame, struct slice prefix, size_t plain_bytes, struct blob *out,
    struct err *err)
{
	ZSTD_DCtx *d = ZSTD_createDCtx();
	size_t rc;

	*out = (struct blob){.b = malloc(plain_bytes + 1)};
	if (d == NULL || out->b == NULL) {
		ZSTD_freeDCtx(d);
		blob_free(out);
		return err_set(err, 1, "out of memory");
	}
	rc = prefix.len > 0 ? ZSTD_DCtx_refPrefix(d, prefix.b, prefix.len) : 0;
	if (!ZSTD_isError(rc))
		rc = ZSTD_decompressDCtx(d, out->b, plain_bytes, frame.b, frame.len);
	ZSTD_freeDCtx(d);
	if (ZSTD_isError(rc) || rc != plain_bytes) {
		blob_free(out);
		return err_set(err, 1, "%s", ZSTD_isError(rc) ? ZSTD_getErrorName(rc) :
			"it is shorter than its head says");
	}
	out->len = rc;
	return 0;
}
