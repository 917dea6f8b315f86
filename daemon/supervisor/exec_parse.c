/*
 * exec_parse.c - the one record that a caller of run-dir/exec writes.  Lengths
 * and NULs, nothing else: what a command line means is nobody's business here.
 */
#include "exec.h"

#include <stdlib.h>

#include "../base/name.h"

static bool
term_ok(const char *s)
{
	return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789+-._") == strlen(s);
}

static int
bad(const char *why, struct err *err)
{
	return err_set(err, EXEC_CODE_REFUSED,
	    "exec: not a request of this version: %s; is mesh as old as meshd?",
	    why);
}

int
exec_parse(const void *buf, size_t len, struct exec_request *out, struct err *err)
{
	struct exec_ask ask;
	const char *strings = (const char *)buf + sizeof ask;
	uint32_t count = 0;

	memset(out, 0, sizeof *out);
	if (len < sizeof ask)
		return bad("too short", err);
	memcpy(&ask, buf, sizeof ask);
	if (ask.version != EXEC_VERSION || (ask.flags & ~(uint32_t)EXEC_F_TTY) != 0)
		return bad("version or flags", err);
	if (memchr(ask.instance, 0, sizeof ask.instance) == NULL ||
	    memchr(ask.term, 0, sizeof ask.term) == NULL ||
	    !name_ok(ask.instance, strlen(ask.instance)) || !term_ok(ask.term))
		return bad("its names", err);
	if (ask.bytes != len - sizeof ask || ask.bytes == 0 ||
	    ask.bytes > EXEC_ARGV_BYTES_MAX || strings[ask.bytes - 1] != '\0')
		return bad("its length", err);
	for (uint32_t i = 0; i < ask.bytes; i++)
		count += strings[i] == '\0';
	if (count != ask.argc || count > EXEC_ARGC_MAX)
		return bad("the number of its arguments", err);
	if (strings[0] == '\0')
		return err_set(err, EXEC_CODE_REFUSED,
		    "exec: the command's name is empty");
	out->argv.buf = malloc(ask.bytes);
	if (out->argv.buf == NULL)
		return err_set(err, EXEC_CODE_REFUSED, "exec: out of memory");
	memcpy(out->argv.buf, strings, ask.bytes);
	out->argv.len = ask.bytes;
	out->argv.count = count;
	out->flags = ask.flags;
	memcpy(out->instance, ask.instance, sizeof out->instance);
	memcpy(out->term, ask.term, sizeof out->term);
	return 0;
}
