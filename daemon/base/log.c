/* log.c - one line per event on stderr: whoever started us keeps it. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *program = "mesh";
static enum log_level least = LOG_LEVEL_INFO;
static struct log_kept *kept;

void
log_init(const char *name, enum log_level level)
{
	program = name;
	least = level;
}

void
log_keep(struct log_kept *t)
{
	kept = t;
}

const char *
log_kept(unsigned index)
{
	unsigned first;

	if (kept == NULL)
		return NULL;
	first = kept->next > LOG_KEPT_LINES ? kept->next - LOG_KEPT_LINES : 0;
	return index < kept->next - first ? kept->line[(first + index) % LOG_KEPT_LINES] : NULL;
}

enum log_level
log_level_of(const char *word)
{
	if (strcmp(word, "debug") == 0)
		return LOG_LEVEL_DEBUG;
	return strcmp(word, "warn") == 0 ? LOG_LEVEL_WARN : LOG_LEVEL_INFO;
}

/* One write per line, so lines of several processes don't mix. */
static void
emit(const char *level, const char *fmt, va_list ap)
{
	char line[1024];
	struct timespec ts;
	struct tm tm;
	size_t n;
	int k;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	n = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &tm);
	k = snprintf(line + n, sizeof line - n, ".%03ldZ %s %s: ",
	    ts.tv_nsec / 1000000, level, program);
	if (k > 0)
		n += (size_t)k;
	k = vsnprintf(line + n, sizeof line - n - 1, fmt, ap);
	if (k > 0)
		n += (size_t)k < sizeof line - n - 1 ? (size_t)k :
						       sizeof line - n - 2;
	line[n] = '\0';
	if (kept != NULL)
		snprintf(kept->line[kept->next++ % LOG_KEPT_LINES], LOG_KEPT_CAP, "%.*s",
		    LOG_KEPT_CAP - 1, line);
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		return; /* nobody listens: nothing better to do */
}

#define LOG_BODY(level)                                                        \
	do {                                                                   \
		va_list ap;                                                    \
		va_start(ap, fmt);                                             \
		emit(level, fmt, ap);                                          \
		va_end(ap);                                                    \
	} while (0)

void
log_debug(const char *fmt, ...)
{
	if (least <= LOG_LEVEL_DEBUG)
		LOG_BODY("debug");
}

void
log_info(const char *fmt, ...)
{
	if (least <= LOG_LEVEL_INFO)
		LOG_BODY("info");
}

void
log_warn(const char *fmt, ...)
{
	LOG_BODY("warn");
}
