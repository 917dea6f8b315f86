/*
 * init.h - what the files of meshd-init share.
 */
#ifndef INIT_INIT_H
#define INIT_INIT_H

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../base/initproto.h"

extern int error_fd; /* INIT_FD_ERROR, or where it is now */

enum { STREAM_LINE_MAX = 4096 }; /* longer lines are cut into several */

/* One output of the application: a pipe, and the line that is not yet whole. */
struct stream {
	int fd;
	const char *name;
	size_t len;
	char line[STREAM_LINE_MAX];
};

/* Choose the file that was written last; limit is of one file, bytes;
 * the third one's number is more. */
void log_open(uint64_t limit, int files, int more);
void stream_open(struct stream *s, int fd, const char *name);
/* Read once and write whole lines.  0 at the end of the pipe. */
int stream_read(struct stream *s);
/* Read all that is there, then write even a line without its end. */
void stream_drain(struct stream *s);

/* Its descriptor to wait for, or -1 and errno (ETIME: it is over already, or
 * the file can't be read). */
int fence_open(uint32_t kill_ms);
/* Its descriptor is ready: re-read the file and do what is due. */
void fence_ready(pid_t app);
/* A TERM from outside: false when the fence said it already. */
bool fence_lets_term(void);

/* Become the command argv, found by PATH. */
_Noreturn void exec_command(char **argv, bool tty);

/* Say in one line on INIT_FD_ERROR why exec of path failed with code. */
void explain_exec(const char *path, int code);

#endif
