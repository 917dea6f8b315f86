/*
 * answer.c - packs the answer (see answer.h).  Exit 0 means: an answer was
 * written; everything else the engine reports as "killed".
 */
#include "answer.h"
#include "text.h"
#include "../../gossip/mpw.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static void
put_cstr(struct mpw *w, const char *key, const char *value)
{
	mpw_cstr(w, key);
	mpw_cstr(w, value);
}

static void
put_log(struct mpw *w, const struct log_text *log)
{
	static const char cut[] = "... (log cut)\n";

	mpw_cstr(w, "log");
	if (log == NULL || log->buf == NULL)
		mpw_cstr(w, "");
	else if (log->cut && log->len + sizeof cut <= log->cap) {
		memcpy(log->buf + log->len, cut, sizeof cut - 1);
		mpw_str(w, log->buf, log->len + sizeof cut - 1);
	} else
		mpw_str(w, log->buf, log->len);
}

void
answer_fault(struct mpw *w, const struct fault *fault, const struct log_text *log)
{
	mpw_map(w, 9);
	mpw_cstr(w, "ok");
	mpw_bool(w, false);
	put_cstr(w, "error", fault->text);
	put_cstr(w, "file", fault->file);
	mpw_cstr(w, "line");
	mpw_uint(w, fault->line > 0 ? (uint64_t)fault->line : 0);
	mpw_cstr(w, "col");
	mpw_uint(w, fault->col > 0 ? (uint64_t)fault->col : 0);
	put_cstr(w, "excerpt", fault->excerpt);
	put_cstr(w, "traceback", fault->traceback);
	put_cstr(w, "locals", fault->locals);
	put_log(w, log);
}

void
answer_begin(struct mpw *w)
{
	mpw_map(w, 5);
	mpw_cstr(w, "ok");
	mpw_bool(w, true);
	mpw_cstr(w, "result");
}

void
answer_end(struct mpw *w, const struct log_text *log, uint32_t cpu_ms, size_t heap_bytes)
{
	put_log(w, log);
	mpw_cstr(w, "cpu_ms");
	mpw_uint(w, cpu_ms);
	mpw_cstr(w, "heap");
	mpw_uint(w, heap_bytes);
}

int
answer_write(int fd, const void *buf, size_t len)
{
	const uint8_t *p = buf;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

void
answer_last_words(int fd, const char *text, const char *file, int line)
{
	uint8_t buf[1024];
	struct mpw w;

	mpw_init(&w, buf, sizeof buf);
	mpw_map(&w, 4);
	mpw_cstr(&w, "ok");
	mpw_bool(&w, false);
	put_cstr(&w, "error", text);
	put_cstr(&w, "file", file);
	mpw_cstr(&w, "line");
	mpw_uint(&w, (uint64_t)line);
	if (!w.full)
		(void)!answer_write(fd, buf, w.len);
}
