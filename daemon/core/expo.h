/*
 * expo.h - what applications say of themselves: Prometheus' text format 0.0.4 and
 * OpenMetrics 1.0, taken apart sample by sample.
 *
 *	# TYPE http_requests counter                    <- metadata of a family
 *	# HELP http_requests Answered, of any status.
 *	http_requests_total{code="200"} 1027 1700000000 # {trace_id="x"} 0.67
 *	\------ name ----/ \- labels -/ value  time     \--- exemplar ---/
 *	# EOF
 *
 *   expo_new -> expo_next ... EXPO_END or -1 -> expo_free
 *
 * Sources: prometheus.io/docs/instrumenting/exposition_formats (0.0.4), and the
 * specification of OpenMetrics 1.0, "Text format".  OpenMetrics is held to its word: one
 * `# EOF`, no blank line, families and their metrics in one piece, suffixes and values
 * that the type has, buckets in order.  0.0.4 is taken as Prometheus does (comments,
 * blank lines, blanks between words, families in pieces), but a series that is there
 * twice, a second TYPE or one after its samples, and a last line that does not end are
 * errors there too.
 *
 * Times are checked and not used, as `honor_timestamps: false` has it: of several points
 * of one series the first is given.  Exemplars are checked and left out.
 *
 * Whoever wrote the text is a stranger: an error is one line with its place, and a text
 * in which there is one is worth nothing as a whole, also what was given before it.
 * What only goes beyond a bound of a name (labels.h) is given as EXPO_REJECTED, and the
 * next sample follows.
 */
#ifndef CORE_EXPO_H
#define CORE_EXPO_H

#include "../base/err.h"
#include "series.h"

enum expo_format { EXPO_TEXT, EXPO_OPENMETRICS };

enum {
	EXPO_BYTES_MAX = 1 << 20, /* of a text */
	EXPO_SERIES_MAX = 2000,	  /* of a text, unless the caller says otherwise */
	EXPO_LABELS_MAX = 24,	  /* of a series: room is left for those of its place */
	EXPO_HELP_BYTES_MAX = 512, /* longer ones are cut */
};

/* What a Content-Type says; false: neither of both.  None at all is text. */
bool expo_format_of(struct slice content_type, enum expo_format *out);

/* Borrowed from the text and the parser until the next expo_next. */
struct expo_item {
	struct slice family; /* "http_requests" */
	enum series_type type; /* gaugehistogram: GAUGE, for that is what its parts are */
	struct slice help;   /* unescaped, cut; empty: none */
	struct slice name;   /* "http_requests_total" */
	struct labels labels; /* with LABEL_NAME; valid UTF-8; none is empty */
	double value;	     /* a NaN is never the one that ends a series */
	const char *why;     /* REJECTED: beyond which bound */
	uint32_t line;	     /* from 1 */
};

enum expo_step { EXPO_END, EXPO_SAMPLE, EXPO_REJECTED };

struct expo;

/* The text stays the caller's, and stays.  NULL without memory. */
MUST_CHECK struct expo *expo_new(enum expo_format format, struct slice text, uint32_t series_max);
void expo_free(struct expo *e);
/* An expo_step, or -1 and "LINE:COLUMN: what is wrong"; then, as after EXPO_END, there is
 * no next one. */
MUST_CHECK int expo_next(struct expo *e, struct expo_item *out, struct err *err);

const char *expo_type_name(enum series_type type); /* "counter"; UNTYPED: "unknown" */

#endif
