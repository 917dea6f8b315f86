/*
 * prom_words.h - the words of PromQL: tokens, and functions.
 */
#ifndef CORE_PROM_WORDS_H
#define CORE_PROM_WORDS_H

#include "blob.h"

/* Token, how it is said in an error, the word that is it (NULL: none).  The order
 * groups: operators, aggregations, keywords. */
#define PROM_TOKENS(X)                                                                             \
	X(END, NULL) X(IDENT, NULL) X(METRIC, NULL) X(NUMBER, NULL) X(DURATION, NULL) X(TEXT, NULL)  \
	X(LPAREN, "(") X(RPAREN, ")") X(LBRACE, "{") X(RBRACE, "}") X(LBRACKET, "[")               \
	X(RBRACKET, "]") X(COMMA, ",") X(COLON, ":") X(ASSIGN, "=") X(EQ_RE, "=~") X(NE_RE, "!~")  \
	X(AT, "@") X(ADD, "+") X(SUB, "-") X(MUL, "*") X(DIV, "/") X(MOD, "%") X(POW, "^")         \
	X(EQ, "==") X(NE, "!=") X(LT, "<") X(LE, "<=") X(GT, ">") X(GE, ">=") X(ATAN2, "atan2")    \
	X(AND, "and") X(OR, "or") X(UNLESS, "unless") X(SUM, "sum") X(AVG, "avg")                  \
	X(COUNT, "count") X(MIN, "min") X(MAX, "max") X(GROUP, "group") X(STDDEV, "stddev")        \
	X(STDVAR, "stdvar") X(TOPK, "topk") X(BOTTOMK, "bottomk") X(COUNT_VALUES, "count_values")  \
	X(QUANTILE, "quantile") X(BY, "by") X(WITHOUT, "without") X(OFFSET, "offset")              \
	X(BOOL, "bool") X(ON, "on") X(IGNORING, "ignoring") X(GROUP_LEFT, "group_left")            \
	X(GROUP_RIGHT, "group_right") X(START, "start") X(STOP, "end")

enum prom_tok {
#define X(name, word) TOK_##name,
	PROM_TOKENS(X)
#undef X
};

struct prom_token {
	enum prom_tok tok;
	uint32_t at, len; /* in the text */
};

/* Functions: what each is called, takes (s scalar, v vector, m range, t text; after
 * `least` the rest is optional, '.' = the one before it any number of times) and gives. */
#define PROM_FUNCS(X)                                                                              \
	X(RATE, "rate", "m", 1) X(INCREASE, "increase", "m", 1) X(DELTA, "delta", "m", 1)          \
	X(IRATE, "irate", "m", 1) X(IDELTA, "idelta", "m", 1) X(DERIV, "deriv", "m", 1)            \
	X(PREDICT, "predict_linear", "ms", 2) X(WINTERS, "holt_winters", "mss", 3)                 \
	X(CHANGES, "changes", "m", 1) X(RESETS, "resets", "m", 1)                                  \
	X(AVG_OT, "avg_over_time", "m", 1) X(MIN_OT, "min_over_time", "m", 1)                      \
	X(MAX_OT, "max_over_time", "m", 1) X(SUM_OT, "sum_over_time", "m", 1)                      \
	X(COUNT_OT, "count_over_time", "m", 1) X(LAST_OT, "last_over_time", "m", 1)                \
	X(PRESENT_OT, "present_over_time", "m", 1) X(STDDEV_OT, "stddev_over_time", "m", 1)        \
	X(STDVAR_OT, "stdvar_over_time", "m", 1) X(QUANTILE_OT, "quantile_over_time", "sm", 2)     \
	X(ABSENT_OT, "absent_over_time", "m", 1)                                                   \
	X(ABS, "abs", "v", 1) X(CEIL, "ceil", "v", 1) X(FLOOR, "floor", "v", 1)                    \
	X(EXP, "exp", "v", 1) X(LN, "ln", "v", 1) X(LOG2, "log2", "v", 1) X(LOG10, "log10", "v", 1) \
	X(SQRT, "sqrt", "v", 1) X(SGN, "sgn", "v", 1) X(ROUND, "round", "vs", 1)                   \
	X(CLAMP, "clamp", "vss", 3) X(CLAMP_MIN, "clamp_min", "vs", 2)                             \
	X(CLAMP_MAX, "clamp_max", "vs", 2) X(DEG, "deg", "v", 1) X(RAD, "rad", "v", 1)                      \
	X(MINUTE, "minute", "v", 0) X(HOUR, "hour", "v", 0) X(DAY_WEEK, "day_of_week", "v", 0)     \
	X(DAY_MONTH, "day_of_month", "v", 0) X(DAY_YEAR, "day_of_year", "v", 0)                    \
	X(DAYS_IN, "days_in_month", "v", 0) X(MONTH, "month", "v", 0) X(YEAR, "year", "v", 0)      \
	X(TIMESTAMP, "timestamp", "v", 1) X(SORT, "sort", "v", 1) X(SORT_DESC, "sort_desc", "v", 1) \
	X(ABSENT, "absent", "v", 1) X(VECTOR, "vector", "s", 1)                                    \
	X(LABEL_REPLACE, "label_replace", "vtttt", 5) X(LABEL_JOIN, "label_join", "vttt.", 3)      \
	X(HIST_QUANTILE, "histogram_quantile", "sv", 2) X(HIST_COUNT, "histogram_count", "v", 1)   \
	X(HIST_SUM, "histogram_sum", "v", 1) X(HIST_FRACTION, "histogram_fraction", "ssv", 3)      \
	X(SCALAR, "scalar", "v", 1) X(TIME, "time", "", 0) X(PI, "pi", "", 0)

enum prom_fn {
#define X(id, name, takes, least) FN_##id,
	PROM_FUNCS(X)
#undef X
	FN_COUNT
};

struct prom_func {
	enum prom_fn fn;
	const char *name, *takes;
	uint32_t least;
};

/* NULL: no such function. */
const struct prom_func *prom_func(struct slice name);

/* Of series: a function of samples in a range; of one sample of each series alone. */
static inline bool
prom_is_range_fn(enum prom_fn f)
{
	return f <= FN_ABSENT_OT;
}
static inline bool
prom_is_math_fn(enum prom_fn f)
{
	return f >= FN_ABS && f <= FN_RAD;
}
static inline bool
prom_is_date_fn(enum prom_fn f)
{
	return f >= FN_MINUTE && f <= FN_YEAR;
}

static inline bool
prom_is_aggr(enum prom_tok t)
{
	return t >= TOK_SUM && t <= TOK_QUANTILE;
}
static inline bool
prom_is_op(enum prom_tok t)
{
	return t >= TOK_ADD && t <= TOK_UNLESS;
}
static inline bool
prom_is_compare(enum prom_tok t)
{
	return t >= TOK_EQ && t <= TOK_GE;
}
static inline bool
prom_is_set(enum prom_tok t)
{
	return t >= TOK_AND && t <= TOK_UNLESS;
}

#endif
