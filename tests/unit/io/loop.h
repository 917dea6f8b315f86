/*
 * loop.h - a libuv loop for one test: turn it until something is true, and
 * prove at the end that every handle was closed.  The bound is far beyond any
 * honest wait; it only keeps a broken test from hanging.
 */
#ifndef TEST_IO_LOOP_H
#define TEST_IO_LOOP_H

#include <uv.h>

enum { LOOP_BOUND_MS = 30000 };

static inline void
loop_tick_(uv_timer_t *t)
{
	(void)t; /* only wakes the loop */
}

#define loop_until(loop, cond)                                                                     \
	do {                                                                                       \
		uint64_t end_ = uv_hrtime() / 1000000 + LOOP_BOUND_MS;                             \
		uv_timer_t wake_;                                                                  \
                                                                                                   \
		uv_timer_init(loop, &wake_);                                                       \
		uv_timer_start(&wake_, loop_tick_, 20, 20);                                        \
		while (!(cond)) {                                                                  \
			uv_run(loop, UV_RUN_ONCE);                                                 \
			if (uv_hrtime() / 1000000 > end_)                                          \
				fail_msg("never happened: %s", #cond);                             \
		}                                                                                  \
		uv_close((uv_handle_t *)&wake_, NULL);                                             \
		uv_run(loop, UV_RUN_NOWAIT);                                                       \
	} while (0)

/* Turn the loop for a while: for what must not happen. */
#define loop_for(loop, wait_ms)                                                                    \
	do {                                                                                       \
		uint64_t until_ = uv_hrtime() / 1000000 + (wait_ms);                               \
                                                                                                   \
		loop_until(loop, uv_hrtime() / 1000000 >= until_);                                 \
	} while (0)

/* Whoever should have closed its handles has: the loop runs dry.  Before a
 * test's own handles, on its stack, go out of scope. */
static inline void
loop_dry(uv_loop_t *loop)
{
	uint64_t end = uv_hrtime() / 1000000 + LOOP_BOUND_MS;

	while (uv_run(loop, UV_RUN_NOWAIT) != 0) {
		if (uv_hrtime() / 1000000 > end)
			fail_msg("a handle was never closed");
		uv_sleep(1);
	}
}

static inline void
loop_end(uv_loop_t *loop)
{
	loop_dry(loop);
	assert_int_equal(uv_loop_close(loop), 0);
}

static inline void
loop_close_(uv_handle_t *h, void *arg)
{
	(void)arg;
	if (!uv_is_closing(h))
		uv_close(h, NULL);
}

/* After an engine of which only parts were set up: what handles those have are closed for them. */
static inline int
loop_shut(uv_loop_t *loop)
{
	uv_walk(loop, loop_close_, NULL);
	uv_run(loop, UV_RUN_DEFAULT);
	return uv_loop_close(loop);
}

/* After a test that has its handles, or what their callbacks write to, on its stack: if
 * it failed they are open, and where they were is other functions' memory now.  So the
 * loop is not turned once more. */
static inline void
loop_end_of_stack(uv_loop_t *loop)
{
	if (uv_loop_alive(loop))
		fail_msg("handles are open still");
	assert_int_equal(uv_loop_close(loop), 0);
}

#endif
