/*
 * execproto.h - a command of root's inside a container: what `mesh exec` and
 * the supervisor say to each other.
 *
 * An argv never passes through the engine, which may be an enemy's by then.
 * `mesh exec`, run by root on the instance's own host, talks to root's own
 * program over run-dir/exec (SOCK_SEQPACKET, 0600 root), which asks the kernel
 * who calls (SO_PEERCRED).  One connection is one command:
 *
 *   mesh -> supervisor   struct exec_ask + its strings, with three descriptors
 *                        (stdin, stdout, stderr: pipes; or one pty, thrice)
 *   supervisor -> mesh   EXEC_STARTED, later EXEC_ENDED; or EXEC_REFUSED
 *   mesh -> supervisor   struct exec_signal, any number of times
 *
 * Who closes the connection ends the command.
 */
#ifndef BASE_EXECPROTO_H
#define BASE_EXECPROTO_H

#include "proto.h"

enum {
	EXEC_VERSION = 1,
	EXEC_ARGV_BYTES_MAX = 64 << 10,
	EXEC_ARGC_MAX = 1024,
	EXEC_TERM_CAP = 32,
	EXEC_FDS = 3,
	EXEC_F_TTY = 1, /* the descriptors are a pseudo terminal's */
	/* Exit codes of `mesh exec` that are not the command's own. */
	EXEC_CODE_REFUSED = 125,
	EXEC_CODE_CANNOT_RUN = 126,
	EXEC_CODE_NOT_FOUND = 127,
};

#define EXEC_SOCKET "exec" /* in run-dir */

struct exec_ask {
	uint32_t version, flags;
	uint32_t argc;	/* >= 1 */
	uint32_t bytes; /* of what follows: argc strings, each with its NUL */
	char instance[NAME_CAP];
	char term[EXEC_TERM_CAP]; /* of the terminal: $TERM; or "" */
};

enum exec_kind {
	EXEC_REFUSED = 1, /* code and text */
	EXEC_STARTED,
	EXEC_ENDED,
	EXEC_NOT_HERE, /* no instance of that name is on this host */
};

struct exec_say {
	uint32_t version, kind;
	int32_t code;	/* REFUSED: an EXEC_CODE_ */
	int32_t status; /* ENDED: as waitpid's */
	char text[SUP_TEXT_CAP];
};

struct exec_signal {
	uint32_t version;
	int32_t signal;
};

#endif
