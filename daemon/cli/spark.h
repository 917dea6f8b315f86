/*
 * spark.h - values over time as one line of small bars, and the least, greatest and
 * newest of them.
 *
 * A column is a part of the time; of values that share one the greatest is drawn, so
 * that no peak is lost.  A column without a value is a blank; what is no number is '!'.
 */
#ifndef CLI_SPARK_H
#define CLI_SPARK_H

#include <stdint.h>

enum { SPARK_COLUMNS_MAX = 512 };

struct spark {
	int64_t from_ms, to_ms;
	unsigned width;
	double column[SPARK_COLUMNS_MAX];
	unsigned char has[SPARK_COLUMNS_MAX]; /* 0 none, 1 a number, 2 none that is one */
	double min, max, last; /* of finite ones; NaN: there was none */
};

/* 1 <= width; more than SPARK_COLUMNS_MAX are not drawn. */
void spark_begin(struct spark *s, int64_t from_ms, int64_t to_ms, unsigned width);
/* In the order of time. */
void spark_add(struct spark *s, int64_t at_ms, double value);
/* malloc'd, never NULL. */
char *spark_text(const struct spark *s);

#endif
