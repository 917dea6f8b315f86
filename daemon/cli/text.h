/*
 * text.h - how values look to a reader: ages, durations, colours, and bytes
 * that others wrote made harmless to a terminal.
 *
 * Every function writes at most cap bytes with the NUL (cap >= 1) and never
 * fails; what does not fit is cut.
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TEXT_AGE_CAP = 24 };

/* "45s", "3m12s", "4h5m", "3d4h": the two largest units, none that is zero.
 * Negative ages (clocks differ between hosts) are "0s". */
void text_age(char *out, size_t cap, int64_t age_ms);
/* A daemon's "..._ms" of an event: a wall clock time (after 2001) or already
 * an age; both are shown as an age. */
void text_since(char *out, size_t cap, int64_t value_ms, int64_t now_ms);
/* "<1ms", "12ms", "1.5s". */
void text_millis(char *out, size_t cap, int64_t ms);

/* A malloc'd copy in which only printable UTF-8 is left, the rest is \xNN.
 * With lines, newline and tab stay as they are.  Never NULL. */
char *text_clean(const char *s, size_t len, bool lines);
/* Columns a cleaned string takes: its code points. */
size_t text_width(const char *s);

/* The colour (an SGR sequence) of a state, health or grade word, or "" for a
 * word that is neither good nor bad.  Colour only repeats what the word says. */
const char *text_color(const char *word);
#define TEXT_RESET "\033[0m"
#define TEXT_RED "\033[31m"
#define TEXT_YELLOW "\033[33m"
#define TEXT_GREEN "\033[32m"

/* Milliseconds of a duration with a unit ("10m", "1h30m"), or -1. */
int64_t text_parse_duration(const char *s);
/* Wall clock milliseconds of YYYY-MM-DD[Thh:mm[:ss]] (UTC), or -1. */
int64_t text_parse_date(const char *s);

#endif
