/*
 * httpanswer.h - an answer of HTTP/1.1 (RFC 9112) to one GET, put together from whatever
 * pieces it comes in, by whoever is at the other end.
 *
 *   httpanswer_new -> httpanswer_feed ... 1 -> body
 *                  -> httpanswer_end (the other end closed)
 *
 * Ours because bookworm's only library for it (http-parser) is kept by nobody since 2020,
 * and because all that is wanted is this: status 200, a body by length, by chunks, or up
 * to the end, and two fields.  What is ambiguous (two lengths, a length and chunks) is
 * refused, as is what is compressed, for nobody asked for it.
 *
 * Bounds: HTTPANSWER_HEAD_BYTES_MAX of lines, as many as the caller says of body.  An
 * error is one line with its place: "answer, line 3: ...".
 */
#ifndef CORE_HTTPANSWER_H
#define CORE_HTTPANSWER_H

#include "../base/err.h"
#include "blob.h"

enum {
	HTTPANSWER_HEAD_BYTES_MAX = 64 << 10, /* status, fields, chunks' sizes, trailer: together */
	HTTPANSWER_LINE_BYTES_MAX = 4096,
	HTTPANSWER_TYPE_CAP = 128,
};

struct httpanswer;

/* NULL without memory. */
MUST_CHECK struct httpanswer *httpanswer_new(size_t body_max);
void httpanswer_free(struct httpanswer *h);
/* 1: it is whole, what may follow is not looked at; 0: more is to come; -1 and why.  Not
 * after 1 or -1. */
MUST_CHECK int httpanswer_feed(struct httpanswer *h, const uint8_t *b, size_t n, struct err *err);
/* Nothing more comes: 1, or -1 and what is missing. */
MUST_CHECK int httpanswer_end(struct httpanswer *h, struct err *err);

/* Of a whole one; borrowed.  No Content-Type: an empty slice; a longer one is cut. */
struct slice httpanswer_body(const struct httpanswer *h);
struct slice httpanswer_type(const struct httpanswer *h);

#endif
