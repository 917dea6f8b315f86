/*
 * recording.h - each round of this leader is kept (rounds.h), by a copy of the engine that
 * packs it against the one before and writes it; gossip waits for neither.
 *
 *	recording_begin   the question is asked: its input and its scripts are held
 *	recording_end     the answer was judged: copy -> state-dir/rounds
 *	recording_stop    no longer leader: nothing is held, and the next office begins a file
 *
 * One copy at a time: a round that ends while the last is still being written is left out,
 * and counted.  What can't be written (a full disk) is said in `mesh status`, and after
 * RECORDING_PAUSE_MS it is tried again; no round waits for it or fails by it.
 */
#ifndef IO_RECORDING_H
#define IO_RECORDING_H

#include "../core/roundcode.h"
#include "rounds.h"
#include "script.h"
#include "spawn.h"
#include "turns.h"

struct engine;

enum { RECORDING_PAUSE_MS = 30000, RECORDING_WAIT_MS = 20000, RECORDING_CPU_S = 15,
	RECORDING_TEXTS = 4 /* why, error, excerpt, log */ };

/* A round until it is written.  Millions of bytes, which are moved and not packed: the copy of
 * the engine does that, and gives it back by libzstd, for the next one to be packed against:
 * a leader holds a tenth of what it would. */
struct recording_round {
	struct round_rec rec; /* borrows from these */
	struct blob input, result, texts[RECORDING_TEXTS];
};

struct recording {
	int dir; /* 0: not open yet */
	struct rounds_at at;
	struct blob input, code; /* of the round under way */
	struct blob before;	  /* the last that was written, as at says: roundzip_pack, no prefix */
	uint64_t before_bytes;	  /* unpacked */
	struct recording_round writing; /* the one that is being written */
	struct spawn *copy;	  /* that does it, or NULL */
	struct work turn;	  /* of its own: making a copy takes as long as a piece of a round */
	uint64_t at_ms;		  /* of writing, wall clock */
	bool stopped;		  /* meanwhile the office ended */
	uint64_t kept, left_out, failed, bytes; /* since the start; bytes on disk */
	char error[ERR_TEXT_CAP]; /* why nothing is recorded now, or "" */
	msec again;
};

/* Takes *input. */
void recording_begin(struct engine *e, struct blob *input, struct slice code);
/* a is borrowed; why: the stamp, or the line of what failed. */
void recording_end(struct engine *e, const struct script_answer *a, enum round_fate fate,
    const char *why);
void recording_stop(struct engine *e);
/* This node leaves its cluster: what it has recorded of it goes. */
void recording_wipe(struct engine *e);

#endif
