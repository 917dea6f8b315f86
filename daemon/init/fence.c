/*
 * fence.c - the end of an exclusive instance, by its own pid 1.
 *
 * The file says until when it may run; the supervisor makes that later while
 * the lease is renewed.  Nobody tells us: the timer fires when something is
 * due by what was read last, and only then the file is read again.  With
 * engine and supervisor dead the file does not change any more, and that is all
 * it takes.
 */
#include "init.h"

#include <errno.h>
#include <signal.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "../base/fence.h"

enum { AGAIN_MS = 100 };

static int timer = -1;
static uint64_t deadline, last_term;
static uint32_t kill_ms;
static bool killed;

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* What is no fence changes nothing. */
static void
look(void)
{
	uint8_t buf[FENCE_BYTES];
	uint64_t boot, at;
	ssize_t n = pread(INIT_FD_FENCE, buf, sizeof buf, 0);

	if (n > 0 && fence_decode(buf, (size_t)n, &boot, &at) && at > deadline)
		deadline = at;
}

static int
arm(uint64_t at)
{
	/* 0 would disarm it. */
	struct itimerspec when = {.it_value = {
	    .tv_sec = (time_t)(at / 1000),
	    .tv_nsec = (long)(at % 1000) * 1000000 + 1,
	}};

	return timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

int
fence_open(uint32_t ms)
{
	kill_ms = ms;
	look();
	if (fence_due(deadline, kill_ms, now_ms()) != FENCE_RUN) {
		errno = ETIME;
		return -1;
	}
	timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (timer < 0 || arm(fence_at(deadline, kill_ms, FENCE_TERM)) < 0)
		return -1;
	return timer;
}

/* It was told less than kill-timeout ago, and many programs take a second TERM
 * for "at once". */
static bool
in_grace(uint64_t now)
{
	return last_term != 0 && now - last_term < kill_ms;
}

bool
fence_lets_term(void)
{
	uint64_t now = now_ms();

	if (timer < 0)
		return true;
	look();
	if (fence_due(deadline, kill_ms, now) != FENCE_RUN && in_grace(now))
		return false;
	last_term = now;
	return true;
}

/* All but us, however they fork: the kernel goes through them under the lock
 * that a fork needs, and a process with a KILL pending makes no child.  Then
 * SIGCHLD comes, and main() takes the application's last words and leaves;
 * what could not be killed so ends with its pid 1. */
static void
kill_all(uint64_t now)
{
	if (killed)
		_exit(125);
	killed = true;
	kill(-1, SIGKILL);
	if (arm(now + AGAIN_MS) < 0)
		_exit(125);
}

void
fence_ready(pid_t app)
{
	uint64_t now = now_ms(), fired;
	enum fence_due due, next;

	if (read(timer, &fired, sizeof fired) < 0 && errno != EAGAIN)
		_exit(125);
	look();
	due = fence_due(deadline, kill_ms, now);
	if (due >= FENCE_KILL || killed) {
		kill_all(now);
		return;
	}
	if (due == FENCE_TERM && !in_grace(now)) {
		last_term = now;
		kill(app, SIGTERM);
	}
	next = due == FENCE_RUN ? FENCE_TERM : FENCE_KILL;
	if (arm(fence_at(deadline, kill_ms, next)) < 0)
		_exit(125); /* nobody would end it in time */
}
