/*
 * action.h - one action: what an operator asked of the scheduler (`mesh scale web 5`), as
 * a value, as bytes, and as a line.  The whole way of one is told in actqueue.h.
 *
 *   action  [number, stamp_ms, uid, tries, set aside?, role or "", name,
 *            {key: value, ...}, why the last try failed or ""]
 *   bundle  [1, turn, last, [action...]]   all that a node has pending; numbers rise
 *   answer  [1, [[number, state, tries, text]...]]   what the leader says of them
 *
 * Its id is NODE.NUMBER, of the node that accepted it.  Arguments are strings as typed;
 * what they mean is the script's to say.  Strings are of UTF-8 without control characters.
 */
#ifndef CORE_ACTION_H
#define CORE_ACTION_H

#include "../../gossip/mp.h"
#include "../../gossip/mpw.h"
#include "../base/err.h"
#include "blob.h"

enum {
	ACTION_ARGS_MAX = 16,
	ACTION_VALUE_BYTES_MAX = 256,
	ACTION_ARGS_BYTES_MAX = 600, /* packed */
	ACTION_TEXT_CAP = 208,	     /* a reply, an error; UTF-8, cut when longer */
	ACTION_ID_CAP = NAME_CAP + 24,
	ACTION_LINE_CAP = 256,
	ACTION_TRIES_MAX = 3,  /* failed rounds, then it is set aside */
	ACTION_AHEAD_MS_MAX = 10 * 60 * 1000, /* a clock further ahead is wrong */
	ACTION_QUEUE_MAX = 24, /* pending on one node */
	ACTION_BYTES_MAX = ACTION_ARGS_BYTES_MAX + ACTION_TEXT_CAP + 2 * NAME_CAP + 64, /* packed */
	ACTION_BUNDLE_BYTES_MAX = ACTION_QUEUE_MAX * ACTION_BYTES_MAX + 64,
};

struct action {
	uint64_t number;   /* of its node, never used twice; from 1 */
	uint64_t stamp_ms; /* wall clock of that node, rising */
	uint32_t uid;	   /* who asked there */
	uint32_t tries;	   /* failed rounds it was in */
	bool aside;	   /* given no more until an operator says so */
	char role[NAME_CAP]; /* "" = none: of a node, or of all */
	char name[NAME_CAP];
	char error[ACTION_TEXT_CAP];
	uint16_t args_bytes;
	uint8_t args[ACTION_ARGS_BYTES_MAX]; /* a packed map, keys sorted */
};

struct action_bundle {
	uint64_t turn; /* rises with each that differs, over restarts too */
	uint64_t last; /* every number up to it was handed out; what is not listed is over */
	uint32_t count;
	struct action actions[ACTION_QUEUE_MAX];
};

/* A leader's word.  That an action was carried out is none: a relay could lie, so that is
 * believed of a signed schedule alone (actdone.h). */
enum action_state {
	ACTION_WAITS,	/* for a round, or for the end of one; text: what else for */
	ACTION_ASIDE,	/* text: why */
	ACTION_NO_ROOM, /* this leader has too many: hand it over again */
	ACTION_STATES,
};

struct action_word {
	uint64_t number;
	enum action_state state;
	uint32_t tries;
	char text[ACTION_TEXT_CAP];
};

struct action_words {
	uint32_t count;
	struct action_word words[ACTION_QUEUE_MAX];
};

/* role (or ""), name and "key=value"... of a command line.  0, or -1 and the line
 * ("count=: ..."); number, stamp and uid are the queue's to set. */
MUST_CHECK int action_make(struct action *a, const char *role, const char *name,
    const struct slice *args, size_t args_count, struct err *err);
/* The value of an argument; false: there is none. */
bool action_arg(const struct action *a, const char *key, char out[ACTION_VALUE_BYTES_MAX + 1]);

/* Oldest first, by stamp and id. */
int action_cmp(const struct action *a, const char *a_node, const struct action *b,
    const char *b_node);
void action_id(char out[ACTION_ID_CAP], const char *node, uint64_t number);
/* "n2.17" -> "n2", 17; false: it is none. */
bool action_id_parse(const char *id, char node[NAME_CAP], uint64_t *number);
/* "scale web count=5" */
void action_line(char out[ACTION_LINE_CAP], const struct action *a);
/* Text that others wrote, made harmless: one line, cut where a character ends. */
void action_text(char out[ACTION_TEXT_CAP], const char *s, size_t len);

/* Readers of hostile bytes: 0 or a negative ERR_. */
void action_pack(struct mpw *w, const struct action *a);
MUST_CHECK int action_read(struct mp *r, struct action *a);
/* buf holds ACTION_BUNDLE_BYTES_MAX; its bytes. */
size_t action_bundle_pack(uint8_t *buf, const struct action_bundle *b);
MUST_CHECK int action_bundle_read(struct action_bundle *b, const uint8_t *buf, size_t len);
size_t action_words_pack(uint8_t *buf, const struct action_words *w);
MUST_CHECK int action_words_read(struct action_words *w, const uint8_t *buf, size_t len);

#endif
