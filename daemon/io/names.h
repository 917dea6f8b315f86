/*
 * names.h - seeds that the config gives by name.  A name is looked up until it has an
 * address, 1 s apart at first and at last a minute; and again each minute, for
 * addresses move.  Whoever knows nobody alive begins anew at 1 s: perhaps the others
 * are all where he does not look.
 *
 * Look-ups run in libuv's threads, so a resolver that answers nothing keeps nobody
 * waiting: at most NAMES_FLYING_MAX of the config's are under way, one for each name.
 */
#ifndef IO_NAMES_H
#define IO_NAMES_H

#include "config.h"

struct engine;

enum {
	NAMES_ADDRS_MAX = 8, /* of one name; the others are left out */
	NAMES_FLYING_MAX = 2,
	NAMES_WAIT_MAX_S = 60,
	NAMES_TEXT_CAP = 400,
};

struct names {
	struct name_seed {
		bool is_name, flying;
		int status; /* of the last answer; < 0: libuv's error */
		unsigned wait_s;
		uint64_t next_s; /* on engine.seconds */
		struct addr at[NAMES_ADDRS_MAX];
		size_t count;
	} seed[MESH_SEEDS_MAX];
	size_t turn; /* who may ask first */
	unsigned flying;
	bool alone;
};

/* Which seeds of the config are names. */
void names_init(struct engine *e);
/* Once a second. */
void names_second(struct engine *e);
/* "seed n3.example.org:7780: unknown node or service (and 2 more)"; false: all have an
 * address, or were not answered yet. */
bool names_line(const struct engine *e, char *out, size_t cap);

/*
 * One look-up of "HOST:PORT", off the loop: done is told the addresses, or a status
 * below 0 when there are none.  False: not of that form, and done is not called.
 */
MUST_CHECK bool names_ask(struct engine *e, const char *text,
    void (*done)(struct engine *e, void *arg, int status, const struct addr *at, size_t count),
    void *arg);

#endif
