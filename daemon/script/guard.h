/*
 * guard.h - what one run may use up: heap bytes and CPU time.
 *
 * Heap: an allocator that counts; past the limit Lua raises its own "not
 * enough memory".  CPU: an interval timer sets a flag, which every C function of
 * ours that may take long looks at, and a hook on every single instruction that
 * raises a Lua error again and again, so a pcall loop can't swallow it.  Code that never reaches a
 * hook (a pattern that backtracks) is ended from the timer's handler, which writes the last words
 * itself.  Behind all that stand RLIMIT_CPU and the engine's SIGKILL.
 *
 * One run per process: the CPU half is process-wide by nature.
 */
#ifndef SCRIPT_GUARD_H
#define SCRIPT_GUARD_H

#include "arena.h"

#include <lua.h>

struct guard {
	size_t used_bytes, peak_bytes, limit_bytes;
	size_t spare_bytes; /* given beyond the limit so far (guard_spare) */
	bool heap_hit; /* an allocation was refused */
	struct arena arena;
	void *stack;  /* of the state's first thread, which is its second block */
	int blocks;   /* 0-2: how many were asked for */
};

/* lua_Alloc; ud is a struct guard. */
void *guard_alloc(void *ud, void *ptr, size_t old_bytes, size_t new_bytes);
/* Memory was refused, and the run goes on behind a pcall: a little more, so that it can be told.  A few
 * times; what a limit is said to be stays. */
void guard_spare(lua_State *L);
/* What memory was refused for last, with its place: "scheduler exceeded 64 MiB (...), at FILE:LINE"; L is of
 * a guard, or "not enough memory" is all. */
void guard_memory_text(lua_State *L, char *out, size_t cap);
/* What a limit's line says of it: limit, or of a file of specs (what "test"), which no config limits, that. */
const char *guard_limit(const char *what, const char *limit);

/* Start the clock.  what ("scheduler", "template") and cpu_ms appear in the
 * message; borrowed for the life of the process. */
void guard_start(lua_State *L, const char *what, uint32_t cpu_ms);
/* The answer is about to be written: no more last words. */
void guard_stop(void);
bool guard_expired(void);
/* "scheduler killed after 5000 ms of CPU (limit limits: script-cpu)" */
void guard_time_text(char *out, size_t cap);
/* Where it ran when its time was up, else when memory was last refused: a file, and *line
 * from 1; 0: that is not known. */
const char *guard_place(int *line);
/* A limit's line with its place: ", at FILE:LINE" of a script, "FILE:LINE: " of a template, as
 * its other errors have it. */
void guard_limit_text(char *out, size_t cap, const char *limit, const char *file, int line);
/* From here on this template runs, at this line; the name is borrowed for the life of the
 * process.  NULL: none. */
void guard_at(const char *name, int line);
/* CPU used by this process so far. */
uint32_t guard_cpu_ms(void);

/* A C function that may run long: leave at once when time is up, and tell
 * the timer which Lua line it serves.  An error leaves without a word: whoever
 * catches it (pcall, xpcall, resume) says guard_leave. */
void guard_enter(lua_State *L);
void guard_leave(void);

#endif
