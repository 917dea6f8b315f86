/*
 * notify.c - see notify.h.
 */
#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../base/log.h"
#include "sup.h"

enum { AGAIN_MS = 1000, PERIODS = 4, US_IN_MS = 1000 };

static bool
take_address(struct notify *n, const char *path)
{
	size_t len = strlen(path);

	if ((path[0] != '/' && path[0] != '@') || len < 2 ||
	    len >= sizeof n->to.sun_path)
		return false;
	n->to.sun_family = AF_UNIX;
	memcpy(n->to.sun_path, path, len);
	if (path[0] == '@') /* abstract: no file, and no NUL at its end */
		n->to.sun_path[0] = '\0';
	n->to_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len +
	    (path[0] == '/'));
	return true;
}

static msec
take_period(const char *us, const char *pid)
{
	char *end = NULL;
	unsigned long long n = us == NULL ? 0 : strtoull(us, &end, 10);

	/* It may be meant for who started us. */
	if (us == NULL || (pid != NULL && strtol(pid, NULL, 10) != getpid()))
		return 0;
	if (end == us || *end != '\0' || n < PERIODS * US_IN_MS ||
	    n / US_IN_MS > INT32_MAX) {
		log_warn("WATCHDOG_USEC: not a number of microseconds: nobody is told that meshd is well");
		return 0;
	}
	return (msec)(n / US_IN_MS / PERIODS);
}

void
notify_open(struct notify *n)
{
	const char *path = getenv("NOTIFY_SOCKET");

	*n = (struct notify){.sock = -1};
	if (path != NULL && !take_address(n, path))
		log_warn("NOTIFY_SOCKET: neither a path nor an abstract name: no service manager is told");
	else if (path != NULL) {
		n->every_ms = take_period(getenv("WATCHDOG_USEC"),
		    getenv("WATCHDOG_PID"));
		n->sock = socket(AF_UNIX,
		    SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (n->sock < 0)
			log_warn("NOTIFY_SOCKET: %s: no service manager is told",
			    strerror(errno));
	}
}

static bool
say(struct notify *n, const char *text)
{
	if (sendto(n->sock, text, strlen(text), MSG_NOSIGNAL,
		(const struct sockaddr *)&n->to, n->to_bytes) >= 0) {
		n->mute = false;
		return true;
	}
	if (!n->mute)
		log_warn("NOTIFY_SOCKET: %s: the service manager is told again and again",
		    strerror(errno));
	n->mute = true;
	return false;
}

void
notify_answered(struct notify *n)
{
	n->answered = true;
}

/* Of what was known at the start: is any not yet tried, or on its way? */
static bool
all_tried(const struct sup *s)
{
	for (size_t i = 0; i < s->rows_count; i++)
		if (s->rows[i]->boot_at != MSEC_NEVER ||
		    s->rows[i]->life.state == LIFE_STARTING)
			return false;
	return true;
}

static void
count(const struct sup *s, char text[NOTIFY_TEXT_CAP])
{
	size_t up = 0, all = 0;

	for (size_t i = 0; i < s->rows_count; i++) {
		all += s->rows[i]->has_spec;
		up += s->rows[i]->life.state == LIFE_UP;
	}
	snprintf(text, NOTIFY_TEXT_CAP, "STATUS=%zu of %zu containers run%s", up,
	    all, s->engine.pidfd < 0 ? "; the engine does not" : "");
}

static void
ask(struct sup *s)
{
	const struct sup_event ev = {.version = SUP_VERSION,
	    .kind = SUP_EV_ALIVE};

	s->notify.asked = s->engine.starts;
	s->notify.answered = false;
	engine_send(s, &ev, -1);
}

static void
tick_ready(struct sup *s)
{
	struct notify *n = &s->notify;

	if (!n->ready && (n->answered || s->rows_count > 0) &&
	    all_tried(s))
		n->ready = say(n, "READY=1");
}

static void
tick_status(struct sup *s, msec now)
{
	struct notify *n = &s->notify;
	char text[NOTIFY_TEXT_CAP];

	count(s, text);
	if (strcmp(text, n->status) == 0)
		return;
	if (now < n->status_at) {
		n->look_at = n->status_at;
		return;
	}
	if (!say(n, text))
		return;
	memcpy(n->status, text, sizeof n->status);
	n->status_at = now + NOTIFY_STATUS_MS;
}

static void
tick_watchdog(struct sup *s, msec now)
{
	struct notify *n = &s->notify;
	const bool runs = s->engine.pidfd >= 0;

	if (n->every_ms == 0 || now < n->watchdog_at)
		return;
	n->watchdog_at = now + n->every_ms;
	if (!runs || n->answered)
		(void)say(n, "WATCHDOG=1");
	if (runs) /* what it did not answer may have been lost (SUP_EV_LOST) */
		ask(s);
}

void
notify_tick(struct sup *s, msec now)
{
	struct notify *n = &s->notify;

	if (n->sock < 0 || n->stopping)
		return;
	n->look_at = MSEC_NEVER;
	if (s->ending) {
		n->stopping = say(n,
		    "STOPPING=1\nSTATUS=ending; containers stay");
		return;
	}
	if (s->engine.pidfd >= 0 && n->asked != s->engine.starts)
		ask(s);
	tick_ready(s);
	tick_status(s, now);
	tick_watchdog(s, now);
	if (n->mute)
		n->look_at = now + AGAIN_MS;
}

msec
notify_deadline(const struct notify *n)
{
	if (n->sock < 0)
		return MSEC_NEVER;
	return n->every_ms != 0 && n->watchdog_at < n->look_at ?
	    n->watchdog_at :
	    n->look_at;
}
