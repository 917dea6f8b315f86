/*
 * initproto.h - what the supervisor and pid 1 of a container agree on.
 *
 * A container outlives the supervisor that made it, so a newer supervisor
 * meets inits of older ones: nothing here ever changes its meaning.
 *
 *   argv   meshd-init VERSION LOG_BYTES EXECUTABLE ARGV0 [ARG...]
 *   argv   meshd-init 2 LOG_BYTES KILL_MS EXECUTABLE ARGV0 [ARG...]
 *          VERSION "1"; LOG_BYTES the limit of one log file, decimal;
 *          EXECUTABLE an absolute path inside the image;
 *          KILL_MS from TERM to kill, when its time is over
 *   argv   meshd-init 3 LOG_BYTES KILL_MS FDS EXECUTABLE ARGV0 [ARG...]
 *          KILL_MS likewise, or "-": no fence file, INIT_FD_FENCE is /dev/null;
 *          FDS the application's numbers of the sockets, "3,4"
 *   argv   meshd-init 4 LOG_BYTES KILL_MS FDS FILES EXECUTABLE ARGV0 [ARG...]
 *          KILL_MS and FDS likewise, FDS may be ""; FILES how many log files, 3 to
 *          INIT_LOGS_MAX: the third and on follow the sockets
 *   argv[0] is nothing to the init.  With --rootless it is "meshd-init@DEV", DEV the
 *          st_dev of its log files in hexadecimal, for who looks for it by them
 *   argv   meshd-init exec|exec-tty NAME [ARG...]
 *          not pid 1: it becomes the command NAME, looked up by PATH; fds 0, 1,
 *          2 are the command's (with -tty its controlling terminal), and
 *          INIT_FD_ERROR as below
 *   env    the application's own
 *   cwd    the application's own
 *   fds    0 /dev/null, then the INIT_FD_ numbers; nothing else
 *          (INIT_FD_FENCE since version 2 only, INIT_FD_PORT since 3)
 *   SIGTERM SIGINT SIGHUP SIGUSR1 SIGUSR2, and since there is a version 4 SIGQUIT
 *   and SIGWINCH, go on to the application
 *
 * Init ends when the application ends, with its exit status (128 + signal).
 *
 * Version 2 is for exclusive instances: by the file INIT_FD_FENCE (fence.h) init
 * itself ends the application in time, with nobody's help.  All others are
 * started with version 1 still: they have no such file, and what was right for
 * their inits stays right.
 *
 * Version 3 is for containers that get listening sockets, INIT_FD_PORT and on,
 * as many as FDS has.  Init keeps its duplicates, for a supervisor that was
 * killed lost its own and takes these back; it closes them at a TERM, so that
 * nothing waits in the queue of an application that ends.
 *
 * Version 4 is for more log files than two.
 */
#ifndef BASE_INITPROTO_H
#define BASE_INITPROTO_H

#include <stdint.h>

#define INIT_NAME "meshd-init"
#define INIT_NAME_DEV "@"

#define INIT_VERSION "1"
#define INIT_VERSION_FENCE "2"
#define INIT_VERSION_PORTS "3"
#define INIT_VERSION_LOGS "4"
#define INIT_VERSION_EXEC "exec"
#define INIT_VERSION_TTY "exec-tty"

enum {
	INIT_FD_EXIT = 3,  /* one struct init_exit is written at offset 0 */
	INIT_FD_LOG = 4,   /* two log files, O_APPEND, written in turn */
	INIT_FD_LOG2 = 5,
	INIT_FD_ERROR = 6, /* pipe: a line if exec fails, closed when it went well */
	INIT_FD_LAST = 6,
	INIT_FD_FENCE = 7, /* read-only */
	INIT_FD_LAST_FENCE = 7,
	INIT_FD_PORT = 8,
	INIT_PORTS_MAX = 32,
	INIT_LOGS_MAX = 8,
	INIT_EXIT_MAGIC = 0x5449584d, /* "MXIT" */
};

struct init_exit {
	uint32_t magic;
	int32_t status;	  /* the application's, as waitpid's */
	uint64_t time_ms; /* CLOCK_REALTIME */
};

#endif
