/*
 * serve.c - the requests of the engine, one by one, each to completion or to
 * a job.  The engine is not trusted: every field is judged, and a message that
 * is not exactly one struct ends it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/name.h"
#include "../base/own.h"
#include "../base/weak.h"
#include "lease.h"
#include "record.h"
#include "sup.h"
#include "sys.h"

enum { REQUESTS_PER_TURN = 64 };

void
serve_reply(struct sup *s, uint64_t ticket, const struct err *err)
{
	struct sup_event ev = {
	    .version = SUP_VERSION,
	    .kind = SUP_EV_REPLY,
	    .ticket = ticket,
	    .code = err->code,
	};

	if (err->code != 0)
		snprintf(ev.text, sizeof ev.text, "%.*s",
		    (int)sizeof ev.text - 1, err->text);
	engine_send(s, &ev, -1);
}

static void
reply_ok(struct sup *s, uint64_t ticket)
{
	struct err none = {0};

	serve_reply(s, ticket, &none);
}

/* The variables: from a memfd that can't change under our eyes. */
static int
read_vars(int fd, char **vars, size_t *bytes, struct err *err)
{
	struct stat st;
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	int got;

	*vars = NULL;
	*bytes = 0;
	if (fd < 0)
		return 0;
	/* Only a memfd has seals (-1 has all its bits set, but is none), and
	 * only one with these can neither change nor make a read wait. */
	got = fcntl(fd, F_GET_SEALS);
	if ((HOLDS("vars-sealed") && (got < 0 || (got & seals) != seals)) ||
	    fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, EXIT_CONFIG, "variables: not a sealed memfd");
	if (st.st_size < 0 || st.st_size > SUP_VARS_BYTES_MAX)
		return err_set(err, EXIT_CONFIG, "variables: more than %d KiB",
		    SUP_VARS_BYTES_MAX >> 10);
	if (st.st_size == 0)
		return 0;
	*vars = malloc((size_t)st.st_size);
	if (*vars == NULL ||
	    sys_read_all(fd, *vars, (size_t)st.st_size) != st.st_size ||
	    (*vars)[st.st_size - 1] != '\0') {
		free(*vars);
		*vars = NULL;
		return err_set(err, EXIT_CONFIG,
		    "variables: NAME=VALUE with a NUL each are needed");
	}
	*bytes = (size_t)st.st_size;
	return 0;
}

/* Is this instance already what is asked for? */
static bool
is_so(const struct row *r, const struct sup_req *q, uint64_t hash)
{
	bool runs_other = r->life.state == LIFE_UP && r->run.hash != 0 &&
	    r->run.hash != hash;

	return r->has_spec && r->spec.hash == hash && r->job == NULL &&
	    r->spec.policy == q->policy && r->life.wanted && !runs_other;
}

/* Is just that being judged?  Asked again with each event of its role, it would
 * else begin anew each time and never come to an end. */
static bool
is_judged(const struct row *r, const struct sup_req *q, uint64_t hash)
{
	const struct job *j = r->job;

	return j != NULL && j->req.op == q->op && j->req.policy == q->policy &&
	    sup_spec_hash(&j->req, j->vars, j->vars_bytes) == hash;
}

static void
ask_again(struct sup *s, struct row *r, const struct sup_req *q)
{
	uint64_t deadline = r->job->req.deadline_ms;

	/* Who asked for another run is to hear what becomes of that. */
	if (r->job->req.flags & SUP_F_ONCE && !(q->flags & SUP_F_ONCE)) {
		if (q->deadline_ms > deadline)
			r->job->req.deadline_ms = q->deadline_ms;
		reply_ok(s, q->ticket);
		return;
	}
	serve_reply(s, r->job->req.ticket, &(struct err){0}); /* what becomes of it, the last hears */
	r->job->req = r->asked = *q;
	if (deadline > q->deadline_ms)
		r->job->req.deadline_ms = deadline;
}

static int
start(struct sup *s, const struct sup_req *q, int fd, msec now, struct err *err)
{
	struct row *r;
	char *vars;
	size_t bytes;
	int rc;

	if ((rc = judge_names(q, err)) < 0 ||
	    (q->policy == SUP_EXCLUSIVE &&
		(rc = judge_deadline(q, 0, sys_boot_ms(), err)) < 0) ||
	    (rc = read_vars(fd, &vars, &bytes, err)) < 0)
		return rc;
	r = row_find(s, q->instance);
	if (r != NULL && (q->op == SUP_RUN || (r->has_spec && r->spec.command) ||
			     (r->job && r->job->req.op == SUP_RUN))) {
		free(vars);
		return err_set(err, EXIT_CONFIG, "%s: is there already",
		    q->instance);
	}
	/* Asked for again, it is also asked for longer. */
	if (r != NULL && r->lease_ms > 1 && q->policy == SUP_EXCLUSIVE &&
	    lease_goes_on(r) && (rc = lease_raise(s, r, q->deadline_ms, err)) < 0) {
		free(vars);
		return rc;
	}
	if (r != NULL && q->flags & SUP_F_ANEW && !(q->flags & SUP_F_ONCE))
		r->anew = true;
	if (HOLDS("replay") && r != NULL && !r->anew && !(q->flags & SUP_F_ANEW) &&
	    is_so(r, q, sup_spec_hash(q, vars, bytes)) && !changed_is(s, r)) {
		free(vars);
		reply_ok(s, q->ticket);
		return 0;
	}
	if (r != NULL && is_judged(r, q, sup_spec_hash(q, vars, bytes))) {
		free(vars);
		ask_again(s, r, q);
		return 0;
	}
	if (r == NULL && (r = row_make(s, q->instance)) == NULL) {
		free(vars);
		return err_set(err, EXIT_ENVIRONMENT, "%s: too many instances",
		    q->instance);
	}
	log_debug("%s: %s is taken", q->instance, q->op == SUP_RUN ? "RUN" : "START");
	job_start(s, r, q, vars, bytes, now);
	return 0;
}

static int
stop(struct sup *s, const struct sup_req *q, msec now)
{
	struct row *r = row_find(s, q->instance);
	struct sup_event ev;

	if (r == NULL) {
		reply_ok(s, q->ticket);
		memset(&ev, 0, sizeof ev);
		ev.version = SUP_VERSION;
		ev.kind = SUP_EV_STATE;
		ev.state = SUP_ST_GONE;
		memcpy(ev.instance, q->instance, sizeof ev.instance);
		engine_send(s, &ev, -1);
		return 0;
	}
	job_drop(s, r);
	r->boot_at = MSEC_NEVER;
	row_found(r, now);
	if (r->has_spec && !r->spec.command)
		record_stopping(s, r->instance);
	reply_ok(s, q->ticket); /* a promise: it is on disk */
	if (r->has_spec)
		row_step(s, r, LIFE_EV_STOP, now);
	else
		row_gone(s, r);
	return 0;
}

static int
send_signal(struct sup *s, const struct sup_req *q, struct err *err)
{
	static const int fine[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
	struct row *r = row_find(s, q->instance);
	bool ok = false;

	for (size_t i = 0; i < ARRAY_LEN(fine); i++)
		ok = ok || q->signal == fine[i];
	if (!ok)
		return err_set(err, EXIT_CONFIG,
		    "%s: signal %d: only HUP INT TERM USR1 USR2", q->instance,
		    q->signal);
	if (r == NULL || r->run.pidfd < 0)
		return err_set(err, EXIT_CONFIG, "%s: does not run",
		    q->instance);
	if (!HOLDS("no-pause"))
		raise(SIGSTOP); /* a test changes who has that pid */
	if ((HOLDS("pidfd") ? sys_pidfd_kill(r->run.pidfd, q->signal) :
			       kill(r->run.pid, q->signal)) < 0)
		return err_set(err, EXIT_ENVIRONMENT, "%s: signal: %s",
		    q->instance, strerror(errno));
	reply_ok(s, q->ticket);
	return 0;
}

static void
list(struct sup *s, uint64_t ticket)
{
	struct sup_event end = {.version = SUP_VERSION, .kind = SUP_EV_END,
	    .ticket = ticket};

	for (size_t i = 0; i < s->rows_count; i++)
		if (!s->rows[i]->over)
			row_tell(s, s->rows[i]);
	engine_send(s, &end, -1);
}

static void
key(struct sup *s, const struct sup_req *q)
{
	struct sup_event ev = {.version = SUP_VERSION, .kind = SUP_EV_KEY,
	    .ticket = q->ticket};
	struct err err = {0};
	int fd = -1, rc = 0;

	/* Each answer that waits holds a descriptor of ours. */
	if (s->engine.fds >= SUP_FDS_MAX)
		rc = err_set(&err, EXIT_ENVIRONMENT,
		    "KEY: too many answers wait to be read; read them and ask again");
	else if (q->flags & SUP_F_CREATE_KEY)
		rc = place_make_key(&s->conf, &err);
	if (rc == 0)
		rc = place_key(&s->conf, &fd, &err);
	if (rc == 0 && fd < 0)
		err_set(&err, EXIT_KEY, "%s: no cluster key: mesh init | mesh join",
		    s->conf.cluster_key);
	ev.code = err.code;
	snprintf(ev.text, sizeof ev.text, "%.*s", (int)sizeof ev.text - 1,
	    err.code ? err.text : "");
	engine_send(s, &ev, fd);
}

static int
role(struct sup *s, const struct sup_req *q, struct err *err)
{
	int rc;

	if (!name_ok(q->role, strnlen(q->role, sizeof q->role)))
		return err_set(err, EXIT_CONFIG, "bad role name");
	if (q->op == SUP_UNROLE)
		for (size_t i = 0; i < s->rows_count; i++)
			if (!s->rows[i]->over && s->rows[i]->has_spec &&
			    strcmp(s->rows[i]->spec.role, q->role) == 0)
				return err_set(err, EXIT_CONFIG,
				    "role %s: still has instance %s", q->role,
				    s->rows[i]->instance);
	rc = q->op == SUP_ROLE ?
	    place_role(&s->place, &s->conf, q->role, err) :
	    place_unrole(&s->place, q->role, err);
	if (rc == 0)
		reply_ok(s, q->ticket);
	return rc;
}

/* Strings end inside their fields, or the engine is not what it should be. */
static bool
well_formed(const struct sup_req *q)
{
	return q->version == SUP_VERSION && q->op >= SUP_START &&
	    q->op <= SUP_HOST && memchr(q->sandbox, 0, sizeof q->sandbox) &&
	    memchr(q->role, 0, sizeof q->role) &&
	    memchr(q->instance, 0, sizeof q->instance) &&
	    memchr(q->image, 0, sizeof q->image) &&
	    memchr(q->config, 0, sizeof q->config);
}

static void
serve_one(struct sup *s, const struct sup_req *q, int fd, msec now)
{
	struct err err = {0};
	int rc = 0;

	switch ((enum sup_op)q->op) {
	case SUP_START:
	case SUP_RUN:
		rc = start(s, q, fd, now, &err);
		break;
	case SUP_STOP:
		rc = stop(s, q, now);
		break;
	case SUP_SIGNAL:
		rc = send_signal(s, q, &err);
		break;
	case SUP_LIST:
		list(s, q->ticket);
		break;
	case SUP_FENCE:
		rc = lease_fence(s, q, now, &err);
		if (rc == 0)
			reply_ok(s, q->ticket);
		break;
	case SUP_ROLE:
	case SUP_UNROLE:
		rc = role(s, q, &err);
		break;
	case SUP_KEY:
		key(s, q);
		break;
	case SUP_AUDIT:
		rc = audit_start(s, q, now, &err);
		break;
	case SUP_HOST:
		rc = hostact_start(s, q, now, &err);
		break;
	case SUP_ALIVE:
		notify_answered(&s->notify);
		break;
	case SUP_UNWELL:
		rc = health_unwell(s, q, now, &err);
		if (rc == 0)
			reply_ok(s, q->ticket);
		break;
	}
	if (rc < 0)
		serve_reply(s, q->ticket, &err);
}

/* One message.  1: got, 0: none is there, -1: the other end is gone. */
static int
receive(int sock, struct sup_req *q, size_t *len, int *fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = q, .iov_len = sizeof *q};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control.room, .msg_controllen = sizeof control.room};
	ssize_t n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c;
	int got;

	*fd = -1;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	for (c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; CMSG_LEN((i + 1) * sizeof got) <= c->cmsg_len;
		    i++) {
			memcpy(&got, CMSG_DATA(c) + i * sizeof got, sizeof got);
			if (*fd < 0)
				*fd = got;
			else
				close(got);
		}
	}
	if (n == 0)
		return -1;
	*len = msg.msg_flags & MSG_TRUNC ? SIZE_MAX : (size_t)n;
	return 1;
}

void
serve(struct sup *s, msec now)
{
	struct sup_req q;
	size_t len = 0;

	for (int i = 0; i < REQUESTS_PER_TURN && s->engine.sock >= 0 && loop_goes_on(s); i++) {
		int fd, rc;

		memset(&q, 0, sizeof q);
		rc = receive(s->engine.sock, &q, &len, &fd);
		AUTO_CLOSE int held = fd;

		if (rc == 0)
			return;
		if (rc < 0) {
			/* Its process ends too, or is made to. */
			close(s->engine.sock);
			s->engine.sock = -1;
			engine_closed(s, now);
			return;
		}
		if (len != sizeof q || (HOLDS("well-formed") && !well_formed(&q))) {
			engine_kill(s, "sent something that is not a request");
			return;
		}
		serve_one(s, &q, held, now);
	}
}
