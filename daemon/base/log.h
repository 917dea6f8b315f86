/*
 * log.h - one line per event on stderr: time, level, program, text.
 * Values that others wrote go through err_escape first; secrets never.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN };

/* Lines below level are not written.  Before: as LOG_LEVEL_INFO. */
void log_init(const char *program, enum log_level level);
/* `debug`, `info`, `warn`; anything else is LOG_LEVEL_INFO. */
enum log_level log_level_of(const char *word);
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
