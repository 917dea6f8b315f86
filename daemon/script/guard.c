/*
 * guard.c - heap counting and the CPU clock of one run (see guard.h).
 *
 * The timer's handler runs twice: the first time it sets a flag and a hook, so
 * the script can end with an ordinary Lua error and a traceback; until then no
 * instruction pays for it.  If LAST_MS of
 * CPU later it still runs, it sits in C code that no hook reaches; the handler
 * then writes the answer by itself (only write and _exit) and ends the
 * process.  That gives every runaway the same message.
 */
#include "guard.h"
#include "answer.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>

enum { LAST_MS = 300, LEVELS_MAX = 100, SPARE_BYTES = 256 << 10, SPARE_BYTES_MAX = 16 * SPARE_BYTES };

static const char *guard_what = "script";
static uint32_t guard_limit_ms;
static volatile sig_atomic_t guard_fired, guard_done;
static lua_State *guard_main;
/* Where the hook found it, and where memory was refused; line 0: nowhere yet. */
static struct place {
	char file[LUA_IDSIZE];
	int line;
} guard_slow, guard_refused;
/* The template that runs, and its line: what Lua has of it is no file of its author's. */
static const char *volatile guard_name;
static volatile int guard_name_line;
/* The thread inside a C function that may run long, or NULL. */
static lua_State *volatile guard_inside;

/* As realloc, of blocks that may lie in the arena. */
static void *
resize(struct arena *a, void *ptr, size_t old, size_t bytes)
{
	bool here = ptr != NULL && arena_has(a, ptr);
	void *p;

	if (here && arena_same(old, bytes))
		return ptr;
	if (ptr != NULL && !here)
		return realloc(ptr, bytes);
	p = arena_take(a, bytes);
	if (p == NULL)
		p = malloc(bytes);
	if (!here)
		return p;
	if (p == NULL) /* Lua counts on it that what shrinks does not fail */
		return bytes < old ? ptr : NULL;
	memcpy(p, ptr, bytes < old ? bytes : old);
	arena_give(a, ptr, old);
	return p;
}

static void
keep_place(struct place *p, const lua_Debug *ar)
{
	memcpy(p->file, ar->short_src, sizeof p->file);
	p->line = ar->currentline;
}

static bool
is_library(const lua_Debug *ar)
{
	return strncmp(ar->short_src, "mesh/", 5) == 0 || strcmp(ar->short_src, "mesh.lua") == 0;
}

/* Lua calls no handler when memory is refused, and afterwards the frames are gone.  Reading
 * them takes no memory.  The last refusal is the one that ends the run: before it Lua collects
 * and asks again, or a pcall went on.  (Behind it, without a frame, the stack may not shrink.)
 * While the stack itself grows, newer Lua has offsets where its pointers were: then nothing is
 * read. */
static void
note_refused(const struct guard *g, const void *ptr)
{
	lua_State *L = guard_main;
	bool found = false;
	lua_Debug ar;

	if (ptr != NULL && ptr == g->stack) {
		guard_refused.line = 0;
		return;
	}
	for (int level = 0; L != NULL && level < LEVELS_MAX && lua_getstack(L, level, &ar); level++) {
		if (!lua_getinfo(L, "Sl", &ar) || ar.currentline <= 0 || (found && is_library(&ar)))
			continue;
		keep_place(&guard_refused, &ar);
		found = true;
		if (!is_library(&ar))
			return;
	}
}

/* The stack is the second block that a state asks for, and moves by being resized; of older
 * Lua by a new block, with its pointers right all the time. */
static void
follow_stack(struct guard *g, const void *ptr, void *p)
{
	if (g->blocks < 2 && ++g->blocks == 2)
		g->stack = p;
	else if (ptr != NULL && ptr == g->stack)
		g->stack = p;
}

void *
guard_alloc(void *ud, void *ptr, size_t old_bytes, size_t new_bytes)
{
	struct guard *g = ud;
	size_t old = ptr != NULL ? old_bytes : 0;
	void *p;

	if (new_bytes == 0) {
		if (old > 0 && (char *)guard_inside >= (char *)ptr &&
		    (char *)guard_inside < (char *)ptr + old)
			guard_inside = NULL; /* an error left it, now it is gone */
		if (ptr == g->stack)
			g->stack = NULL;
		if (ptr != NULL && arena_has(&g->arena, ptr))
			arena_give(&g->arena, ptr, old);
		else
			free(ptr);
		g->used_bytes -= old;
		return NULL;
	}
	if (new_bytes > old && new_bytes - old > g->limit_bytes - g->used_bytes) {
		g->heap_hit = true;
		note_refused(g, ptr);
		return NULL;
	}
	p = resize(&g->arena, ptr, old, new_bytes);
	if (p == NULL)
		return NULL;
	if (ptr == g->stack || g->blocks < 2)
		follow_stack(g, ptr, p);
	g->used_bytes = g->used_bytes - old + new_bytes;
	if (g->used_bytes > g->peak_bytes)
		g->peak_bytes = g->used_bytes;
	return p;
}

void
guard_spare(lua_State *L)
{
	struct guard *g;

	if (lua_getallocf(L, (void **)&g) != guard_alloc || g->spare_bytes == SPARE_BYTES_MAX)
		return;
	g->spare_bytes += SPARE_BYTES;
	g->limit_bytes += SPARE_BYTES;
}

const char *
guard_limit(const char *what, const char *limit)
{
	return strcmp(what, "test") == 0 ? "a file of specs gets no more" : limit;
}

static void
guard_raise(lua_State *L)
{
	char text[128];

	guard_time_text(text, sizeof text);
	luaL_error(L, "%s", text);
}

static void
guard_hook(lua_State *L, lua_Debug *ar)
{
	char text[128];

	/* An error may have left a long C function without guard_leave(). */
	guard_inside = NULL;
	/* From here on every instruction of this thread raises. */
	lua_sethook(L, guard_hook, LUA_MASKCOUNT, 1);
	guard_time_text(text, sizeof text);
	/* Not luaL_error: seen from a hook, level 1 is already the caller. */
	if (lua_getinfo(L, "Sl", ar) && ar->currentline > 0) {
		lua_pushfstring(L, "%s:%d: %s", ar->short_src, ar->currentline, text);
		/* The first is where the time went; a pcall that catches it is followed by others. */
		if (guard_slow.line == 0)
			keep_place(&guard_slow, ar);
	} else
		lua_pushstring(L, text);
	lua_error(L);
}

static void
guard_last_words(void)
{
	char text[512], limit[128], file[256] = "";
	lua_Debug ar;
	lua_State *L = guard_inside;
	int line = 0;

	memset(&ar, 0, sizeof ar);
	/* The thread stands still inside a C call: its frames can be read. */
	for (int level = 0; L != NULL && line <= 0 && lua_getstack(L, level, &ar); level++)
		if (lua_getinfo(L, "Sl", &ar))
			line = ar.currentline;
	if (line > 0)
		snprintf(file, sizeof file, "%s", ar.short_src);
	if (guard_name != NULL) {
		line = guard_name_line;
		snprintf(file, sizeof file, "%.200s", guard_name);
	}
	guard_time_text(limit, sizeof limit);
	guard_limit_text(text, sizeof text, limit, file, line);
	answer_last_words(STDOUT_FILENO, text, line > 0 ? file : "", line > 0 ? line : 0);
	_exit(0);
}

static void
guard_timer(int sig)
{
	(void)sig;
	if (guard_done)
		return;
	if (guard_fired)
		guard_last_words();
	guard_fired = 1;
	/* Meant for signal handlers, says lua_sethook.  A coroutine that never
	 * yields does not see it; it gets the last words instead. */
	lua_sethook(guard_main, guard_hook, LUA_MASKCOUNT, 1);
}

void
guard_start(lua_State *L, const char *what, uint32_t cpu_ms)
{
	struct sigaction sa = {.sa_handler = guard_timer, .sa_flags = SA_RESTART};
	struct itimerval it = {
	    .it_value = {.tv_sec = cpu_ms / 1000, .tv_usec = (cpu_ms % 1000) * 1000},
	    .it_interval = {.tv_usec = LAST_MS * 1000},
	};

	sigset_t ours;

	guard_what = what;
	guard_limit_ms = cpu_ms;
	guard_main = L;
	/* Whoever started us may have it blocked. */
	sigemptyset(&ours);
	sigaddset(&ours, SIGPROF);
	sigprocmask(SIG_UNBLOCK, &ours, NULL);
	sigaction(SIGPROF, &sa, NULL);
	setitimer(ITIMER_PROF, &it, NULL);
}

void
guard_stop(void)
{
	guard_done = 1;
}

bool
guard_expired(void)
{
	return guard_fired;
}

void
guard_time_text(char *out, size_t cap)
{
	snprintf(out, cap, "%s killed after %u ms of CPU (%s)", guard_what, guard_limit_ms,
	    guard_limit(guard_what, "limit limits: script-cpu"));
}

void
guard_memory_text(lua_State *L, char *out, size_t cap)
{
	char limit[128];
	struct guard *g;
	const char *file;
	int line;

	if (lua_getallocf(L, (void **)&g) != guard_alloc) {
		snprintf(out, cap, "not enough memory");
		return;
	}
	file = guard_place(&line);
	snprintf(limit, sizeof limit, "%s exceeded %zu MiB (%s)", guard_what,
	    (g->limit_bytes - g->spare_bytes) >> 20, guard_limit(guard_what, "limit limits: script-memory"));
	guard_limit_text(out, cap, limit, file, line);
}

void
guard_limit_text(char *out, size_t cap, const char *limit, const char *file, int line)
{
	if (line <= 0)
		snprintf(out, cap, "%s", limit);
	else if (guard_name != NULL)
		snprintf(out, cap, "%.200s:%d: %s", file, line, limit);
	else
		snprintf(out, cap, "%s, at %.200s:%d", limit, file, line);
}

void
guard_at(const char *name, int line)
{
	guard_name_line = line;
	guard_name = name;
}

const char *
guard_place(int *line)
{
	const struct place *p = guard_fired ? &guard_slow : &guard_refused;

	*line = guard_name != NULL ? guard_name_line : p->line;
	return guard_name != NULL ? guard_name : p->file;
}

uint32_t
guard_cpu_ms(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) != 0)
		return 0;
	return (uint32_t)(ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

void
guard_enter(lua_State *L)
{
	if (guard_fired)
		guard_raise(L);
	guard_inside = L;
}

void
guard_leave(void)
{
	guard_inside = NULL;
}
