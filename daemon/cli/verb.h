/*
 * verb.h - the one table of what `mesh` can do, and its options.
 *
 * Parsing, help, completion and the running of a verb all read these two
 * tables; a verb that is not in them does not exist.
 */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../base/err.h"

enum option {
	OPT_SOCKET,
	OPT_OUTPUT,
	OPT_JSON,
	OPT_WATCH,
	OPT_QUIET,
	OPT_NO_HEADERS,
	OPT_COLOR,
	OPT_HELP,
	OPT_VERSION,
	OPT_FOLLOW,
	OPT_LINES,
	OPT_SINCE,
	OPT_RAW,
	OPT_FORCE,
	OPT_TO,
	OPT_COMPARE,
	OPT_MATRIX,
	OPT_STATUS,
	OPT_TAG,
	OPT_NAME,
	OPT_EXPIRES,
	OPT_USES,
	OPT_ZONE,
	OPT_CA_KEY,
	OPT_TOKEN_FILE,
	OPT_STOP,
	OPT_KEEP,
	OPT_LAST,
	OPT_CANCEL,
	OPT_LOST,
	OPT_YES,
	OPT_FORGET,
	OPT_INTERACTIVE,
	OPT_TTY,
	OPT_RANGE,
	OPT_STEP,
	OPT_NODE,
	OPT_LIST,
	OPT_SEED,
	OPT_SCHEDULER,
	OPT_INPUT,
	OPT_HOLD, OPT_RELEASE,
	OPT_RETRY, OPT_DROP,
	OPT_AT, OPT_TIMEOUT,
	OPT_COUNT,
};
#define OPT_BIT(o) (UINT64_C(1) << (o))
/* Taken by every verb; the others only where a verb's row names them. */
#define OPT_EVERYWHERE                                                                             \
	(OPT_BIT(OPT_SOCKET) | OPT_BIT(OPT_OUTPUT) | OPT_BIT(OPT_JSON) | OPT_BIT(OPT_QUIET) |      \
	    OPT_BIT(OPT_NO_HEADERS) | OPT_BIT(OPT_COLOR) | OPT_BIT(OPT_HELP))

struct option_row {
	const char *name;  /* without "--" */
	char letter;	   /* 0 = none */
	const char *value; /* the word help shows, NULL = takes no value */
	const char *help;
};
extern const struct option_row options[OPT_COUNT];

enum operand {
	OPERAND_NONE,
	OPERAND_ROLE,
	OPERAND_INSTANCE,
	OPERAND_STAMP, /* TERM.LEADER8.SEQ */
	OPERAND_SEED,  /* HOST:PORT */
	OPERAND_NODE,  /* a name or an id */
	OPERAND_NODES, /* names, joined by commas */
	OPERAND_WORD,  /* one of verb.words */
	OPERAND_VERB,
	OPERAND_SANDBOX,
	OPERAND_COMMAND, /* a Command container, by name */
	OPERAND_FILE, /* a path */
	OPERAND_EXPR, /* PromQL */
	OPERAND_NAME,  /* any other name */
	OPERAND_COUNT, /* a number, or a word for one */
	OPERAND_TOKEN, /* of mesh token; "-" = from standard input */
};

struct args;
struct run_error;

/* Where and how a verb prints. */
struct show {
	FILE *out;
	const struct args *args;
	bool color, terminal; /* out is a terminal */
	int64_t now_ms;	      /* wall clock */
	int *over;	      /* -w of an act: where verb.over's word goes; NULL otherwise */
};

enum { VERB_WORDS_MAX = 8 };

struct verb {
	const char *name;
	const char *summary; /* one line of `mesh help` */
	const char *details; /* more lines of `mesh help VERB`, or NULL */
	bool here; /* of the node that it runs on alone: takes no NODE */
	enum operand operand;
	const char *operand_name; /* "ROLE" */
	bool operand_optional;
	enum operand second;
	const char *second_name;
	bool second_needed; /* else it may be left out */
	bool pairs; /* then come KEY=VALUE */
	const char *second_word; /* only this word takes it; NULL = whatever comes first */
	const char *words[VERB_WORDS_MAX]; /* OPERAND_WORD */
	bool command;  /* after its operand comes a command line, taken as it is */
	uint64_t options;		   /* OPT_BITs of its own */
	int timeout_ms;			   /* of one answer frame; 0 = wait for ever */
	int live_ms;			   /* on a terminal: shown again each, until q; 0 = once */
	int failed_code;		   /* exit code of every failure but usage; 0 = its own */
	bool json_lines;		   /* --json is a line a frame, not a document */
	const char *local_word; /* OPERAND_WORD: this word alone is local */
	uint64_t local_options; /* OPT_BITs: with one of these alone it is local */
	/* Before it asks, or NULL: what `mesh` itself signs (admit.h). */
	int (*prepare)(const struct show *s, struct args *a, struct run_error *e);
	/* More of an error that the daemon told; NULL: nothing. */
	void (*explain)(const struct args *a, struct run_error *e);
	/* Exactly one of the two (with local_word, local_options both):  local needs no daemon, print shows the data
	 * of an answer.  Both return the exit code, or negative with *err. */
	int (*local)(const struct show *s, struct err *err);
	int (*print)(const struct show *s, const json_t *data, struct err *err);
	/* Exit code when only the JSON is printed; NULL = 0. */
	int (*code)(const json_t *data);
	/* An act that -w begins once and then only looks at: the exit code when there is no more
	 * to see, else -1.  NULL: -w asks the same again until interrupted. */
	int (*over)(const struct show *s, const json_t *data);
};
extern const struct verb verbs[];
extern const size_t verbs_count;

/* NULL if there is none of that name. */
const struct verb *verb_find(const char *name);
/* The closest name, or NULL. */
const char *verb_suggest(const char *name);
/* "logs INSTANCE" */
void verb_words(char *out, size_t cap, const struct verb *v);
/* "mesh logs INSTANCE [-f] [-n N]", "mesh exec INSTANCE [-t] -- COMMAND [ARG...]" */
void verb_usage(char *out, size_t cap, const struct verb *v);

#endif
