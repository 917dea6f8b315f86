/*
 * answer.h - the one answer on stdout (daemon/base/scriptio.h), and the fault
 * it may tell about.
 */
#ifndef SCRIPT_ANSWER_H
#define SCRIPT_ANSWER_H

#include "../../gossip/base.h"

struct mpw;
struct log_text;

enum { FAULT_TEXT_CAP = 1024, FAULT_FILE_CAP = 256, FAULT_LONG_CAP = 4096 };

/* Why there is no result.  All text is clean UTF-8 without control bytes but
 * newline and tab; "" and 0 where nothing is known. */
struct fault {
	char text[FAULT_TEXT_CAP]; /* "main.lua:12: '=' expected near 'x'" */
	char file[FAULT_FILE_CAP];
	int line, col; /* from 1 */
	char excerpt[FAULT_LONG_CAP];
	char traceback[FAULT_LONG_CAP];
	char locals[FAULT_LONG_CAP]; /* of the frame it happened in, "name = value" a line */
};

void answer_fault(struct mpw *w, const struct fault *fault, const struct log_text *log);
/* What goes before a result, which is packed right behind it, and what goes after. */
void answer_begin(struct mpw *w);
void answer_end(struct mpw *w, const struct log_text *log, uint32_t cpu_ms, size_t heap_bytes);
/* Write all of it; 0, or -1 with errno. */
MUST_CHECK int answer_write(int fd, const void *buf, size_t len);
/* A whole failure answer from a signal handler: only packs on the stack and
 * writes. */
void answer_last_words(int fd, const char *text, const char *file, int line);

#endif
