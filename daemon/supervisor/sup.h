/*
 * sup.h - the supervisor's whole state, and who of its files does what:
 *
 *   main.c    arguments, start, exit codes       loop.c   one poll() for all
 *   engine.c  the engine's process and queue     serve.c  its requests
 *   job.c     a START on its way to a spec       row.c    an instance's life
 *   boot.c    records and processes found at start
 *   exec.c    commands of root's in containers
 *   health.c  probes that are commands, and what follows from a liveness
 *   record.c  records on disk
 *   lease.c   until when an exclusive instance may run
 *   audit.c   what the kernel says of one
 *   ports.c   listening sockets that containers get
 *   sandbox.c what all containers of a sandbox together may take
 *   notify.c  what a service manager is told
 *   strays.c  who was killed and has not ended yet
 *   opener.c  a file in an image, by a process that may wait for it
 *   hostact*.c commands of the host, by name
 *   limiter.c less memory for all of them, by a process that may wait for it
 *   changed.c the files that a START was judged by, edited
 *   rootless*.c what an ordinary user's does otherwise
 *
 * One thread, nothing blocks: helpers, containers and the engine are all
 * descriptors in the poll.
 */
#ifndef SUPERVISOR_SUP_H
#define SUPERVISOR_SUP_H

#include "../core/lifecycle.h"
#include "appfind.h"
#include "audit.h"
#include "cache.h"
#include "changed.h"
#include "exec.h"
#include "health.h"
#include "hostact.h"
#include "job.h"
#include "launch.h"
#include "limiter.h"
#include "notify.h"
#include "oom.h"
#include "told.h"
#include "web.h"

enum {
	SUP_ROWS_MAX = 4096,
	SUP_EVENTS_MAX = 8192,	/* waiting for the engine; then they are lost */
	SUP_FDS_MAX = 4,	/* of those events, with a descriptor each */
	SUP_JOBS_MAX = 4,	/* helpers that run at once */
	SUP_BOOT_WAIT_MS = 10000,
	SUP_COMMAND_MS_MAX = 30000,
	SUP_END_MS_MAX = 5000,	/* for the engine to say goodbye */
};

/* The engine's cgroup2 group, and of all that it starts.  With a dot it is the
 * name of no instance and of no other daemon's group. */
#define SUP_ENGINE_GROUP ".engine"

/* Programs beside us, opened at start. */
struct programs {
	int engine, script, conf, init;
};

struct row {
	char instance[NAME_CAP];
	bool has_spec;	  /* accepted: spec and life hold */
	struct life life;
	struct running run; /* run.pidfd >= 0: a process of it lives */
	struct job *job;    /* owned, or NULL */
	bool over;	    /* to be dropped from the table */
	char text[SUP_TEXT_CAP];
	int exit_status;
	uint32_t gen;	    /* of the last run */
	uint64_t since_ms;
	uint64_t ticket;    /* of a Command */
	msec boot_at;	    /* start without an engine then, or MSEC_NEVER */
	msec command_until;
	uint64_t lease_ms;  /* CLOCK_BOOTTIME: may run until then; 0: no lease, 1:
			     * one that is long over */
	bool lease_ending, lease_killed; /* by the lease: it was asked to end, or made to */
	struct row_probe probes[ROW_PROBES];
	struct changed changed;
	bool anew; /* SUP_F_ANEW: another run is asked for */
	/* What a refused request asked for: an event needs names. */
	struct sup_req asked;
	struct spec spec; /* last: see its volumes */
};

struct queued {
	struct sup_event ev;
	int fd; /* owned, or -1 */
};

struct engine {
	int pidfd, sock; /* -1: it does not run */
	pid_t pid;
	/* kill_at: it closed its socket, and has until then to end. */
	msec started, restart_at, kill_at;
	uint32_t starts, fails;
	struct queued *queue; /* ring of SUP_EVENTS_MAX */
	size_t head, count, fds; /* fds: in the queue */
	bool lost, held; /* held: what is sent waits for engine_flush */
};

/* One time round the loop.  What comes in hundreds goes on in the next one, with the
 * row that it came to. */
struct turn {
	msec at;
	bool first; /* nothing was done yet of what is done now */
	size_t events_from, ticks_from;
};

struct sup {
	struct config conf;
	struct place place;
	struct cgroups cgroups;
	struct launcher launcher;
	struct programs programs;
	struct cache cache;
	struct told told;
	struct engine engine;
	struct audit audit;
	struct oom oom;
	struct limiter limiters[LIMITERS_MAX];
	struct hostact hostacts[HOSTACTS_MAX];
	struct openers openers;
	struct opener looker; /* of changed.c */
	struct appfind appfind;
	struct notify notify;
	struct web web;
	struct row *rows[SUP_ROWS_MAX]; /* owned; `over` ones go at a turn's end */
	size_t rows_count, jobs_running;
	struct execs execs;
	struct sandbox *sandboxes; /* owned */
	char (*late)[NAME_CAP]; /* owned: stopped, and that is not on disk */
	size_t sandboxes_count, late_count;
	/* changed.h: look_at; sandbox.c: limits_at; end_at: if ending. */
	msec late_at, look_at, limits_at, end_at;
	struct turn turn;
	size_t look_from; /* changed.c: the row that the look goes on with */
	int signals, lease_timer; /* of CLOCK_BOOTTIME */
	uint64_t lease_armed;
	bool ending;
	int exit_code;
};

/* engine.c */
/* Starts it when it is time to, the first time too. */
void engine_tick(struct sup *s, msec now);
void engine_ended(struct sup *s, msec now);
void engine_send(struct sup *s, const struct sup_event *ev, int fd);
void engine_flush(struct sup *s);
void engine_kill(struct sup *s, const char *why);
/* Its socket is closed: its process must end too. */
void engine_closed(struct sup *s, msec now);

/* serve.c */
void serve(struct sup *s, msec now);
void serve_reply(struct sup *s, uint64_t ticket, const struct err *err);

/* row.c */
struct row *row_find(struct sup *s, const char *instance);
struct row *row_make(struct sup *s, const char *instance);
void row_drop_over(struct sup *s);
/* What boot found alive under a record it can't read (has_spec is false, the
 * process is in run or only its group is): from now on we see to its end. */
void row_found(struct row *r, msec now);
/* Takes what spec owns; the caller steps the life. */
void row_accept(struct row *r, struct spec *spec, msec now);
void row_step(struct sup *s, struct row *r, enum life_event ev, msec now);
void row_state(const struct row *r, struct sup_event *ev);
void row_tell(struct sup *s, struct row *r);
void row_error_ready(struct sup *s, struct row *r, msec now);
void row_process_ready(struct sup *s, struct row *r, msec now);
/* False: something of it waits for another turn. */
bool row_tick(struct sup *s, struct row *r, msec now);
void row_gone(struct sup *s, struct row *r);

/* command.c */
/* Not a check: root's word (mesh run). */
bool command_asked(const struct row *r);
void command_tell_output(struct sup *s, const struct row *r);
void command_tell_exit(struct sup *s, struct row *r);
void command_engine_ended(struct sup *s, msec now);

/* boot.c */
/* An error ends the daemon before anything is touched: containers stay. */
MUST_CHECK int boot(struct sup *s, msec now, struct err *err);
/* loop.c */
int loop(struct sup *s);
/* Asked before each piece of work that comes in hundreds: is there time for one more in
 * this turn?  Of each kind there is for one. */
bool loop_goes_on(struct sup *s);

#endif
