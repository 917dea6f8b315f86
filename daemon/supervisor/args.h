/*
 * args.h - the command line of meshd.
 */
#ifndef SUPERVISOR_ARGS_H
#define SUPERVISOR_ARGS_H

#include "../base/err.h"

enum args_mode { ARGS_RUN, ARGS_HELP, ARGS_VERSION, ARGS_DEV, ARGS_CHECK };

struct args {
	enum args_mode mode;
	const char *config; /* borrowed from argv; NULL: the default of --rootless */
	const char *check, *image; /* ARGS_CHECK; image may be NULL */
	bool debug, rootless;
	int owners; /* meshd's own --rootless-with, or -1 */
	int dev_at; /* ARGS_DEV: index of the first argument that is its */
};

extern const char args_usage[];

/* EXIT_USAGE_ with the line. */
MUST_CHECK int args_parse(struct args *a, int argc, char **argv,
    struct err *err);

#endif
