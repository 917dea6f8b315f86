/*
 * log.h - one line per event on stderr: time, level, program, text.
 * Values that others wrote go through err_escape first; secrets never.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN };

/* Lines below level are not written.  Before: as LOG_LEVEL_INFO. */
void log_init(const char *program, enum log_level level);
/* From now on the last lines are also kept in *t, the caller's until the end. */
enum { LOG_KEPT_LINES = 128, LOG_KEPT_CAP = 256 };
struct log_kept {
	unsigned next;
	char line[LOG_KEPT_LINES][LOG_KEPT_CAP];
};
void log_keep(struct log_kept *t);
/* The index-th oldest of them, cut to its cap, without newline; NULL: no more. */
const char *log_kept(unsigned index);
/* `debug`, `info`, `warn`; anything else is LOG_LEVEL_INFO. */
enum log_level log_level_of(const char *word);
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
