/*
 * roundzip.h - bytes that are much like those before them, by libzstd: what comes before is
 * the prefix of the frame (ZSTD_CCtx_refPrefix: zstd's --patch-from), so that a round of ten
 * thousand containers, of which a few moved, costs what moved.
 */
#ifndef IO_ROUNDZIP_H
#define IO_ROUNDZIP_H

#include "../base/err.h"
#include "../core/blob.h"

/* One frame; prefix may be empty.  Takes memory of about both lengths, for the call. */
MUST_CHECK int roundzip_pack(struct slice plain, struct slice prefix, struct blob *out,
    struct err *err);
/* The same prefix, and how long it was.  Hostile bytes: an error, and never more than plain_bytes
 * of memory besides zstd's own few hundred KB. */
MUST_CHECK int roundzip_open(struct slice frame, struct slice prefix, size_t plain_bytes,
    struct blob *out, struct err *err);

#endif
