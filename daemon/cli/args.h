/*
 * args.h - the command line, checked: what comes out is safe to send.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include "../../gossip/acts.h"
#include "../../gossip/cert.h"
#include "verb.h"

#define ARGS_SOCKET_DEFAULT "/run/mesh/ctl"

enum {
	ARGS_LINES_DEFAULT = 100,
	ARGS_LINES_MAX = 10000, /* what a daemon gives at once */
	ARGS_PAIRS_MAX = 16, /* KEY=VALUE words */
	ARGS_PAIR_BYTES_MAX = 320,
	ARGS_LOST_MAX = MESH_LOST_MAX, /* nodes of --lost */
};

enum args_output { ARGS_TABLE, ARGS_WIDE, ARGS_NAME, ARGS_JSON, ARGS_TAP, ARGS_JUNIT };
enum args_color { ARGS_COLOR_AUTO, ARGS_COLOR_ALWAYS, ARGS_COLOR_NEVER };

struct args {
	const struct verb *verb; /* NULL: only --help or --version */
	const char *socket;	 /* borrowed from argv or the environment */
	const char *operand;	 /* borrowed from argv; NULL = not given */
	enum args_output output;
	enum args_color color;
	bool given[OPT_COUNT]; /* flags: given[OPT_WATCH] */
	bool looks;	       /* an act that has begun: how far is it? (verb.over) */
	const char *second;    /* the second operand, or NULL */
	char *const *command;  /* verb.command: what follows, up to a NULL; borrowed; or NULL */
	const char *to;	       /* --to, a node; borrowed; NULL = not given */
	const char *status, *tag, *name; /* which members; borrowed; NULL = all */
	int64_t lines;	       /* -n; ARGS_LINES_DEFAULT */
	int64_t since_ms;      /* --since, wall clock; 0 = not given */
	int64_t expires_ms, uses; /* --expires, --uses; 0 = not given */
	const char *zone, *ca_key, *token_file, *lost; /* borrowed; NULL = not given */
	/* In hex, filled by admit.h for the request; "" = nothing. */
	char ca[2 * KEY_BYTES + 1], cert[2 * CERT_BYTES_MAX + 1];
	char token[2 * KEY_BYTES + 1], sig[2 * SIG_BYTES + 1];
	char sigs[ARGS_LOST_MAX * 2 * SIG_BYTES + 1];
	int64_t range_ms, step_ms; /* --range, --step; 0 = not given */
	int64_t at_ms, wait_ms;	   /* --at, wall clock; --timeout; 0 = not given */
	const char *scheduler, *input; /* --scheduler, --input; borrowed; NULL = not given */
	const char *node;	   /* --node; borrowed; NULL = not given */
	const char *pairs[ARGS_PAIRS_MAX]; /* KEY=VALUE; borrowed */
	size_t pairs_count;
	const char *retry, *drop;  /* --retry, --drop; borrowed; NULL = not given */
	const char *act_role, *act_name; /* filled by act.h for the request; NULL = none */
	char act_word[ARGS_PAIR_BYTES_MAX + 1]; /* the first pair of a shortcut */
	const char *asks;	   /* another verb of the daemon than the one typed; NULL = that */
	int64_t from_ms, to_ms;	   /* of the request; 0 = not said */
	int64_t seed;	/* --seed */
	int64_t number; /* of a recovery that was signed, of a generation to hold; 0 = none */
};

/*
 * Options may stand before and after the verb, joined or not ("-n5", "-n 5",
 * "--lines=5"), letters may be grouped ("-wq"), "--" ends them.  env_socket is
 * $MESH_SOCKET or NULL.  0, or -EXIT_USAGE_ with one line in *err.
 */
MUST_CHECK int args_parse(struct args *a, int argc, char *const *argv, const char *env_socket,
    int64_t now_ms, struct err *err);

#endif
