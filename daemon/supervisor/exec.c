/*
 * exec.c - see exec.h: from a caller's record to the end of its command.
 */
#include "exec_in.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/flat.h"
#include "../base/log.h"
#include "../base/own.h"
#include "../base/weak.h"
#include "sup.h"
#include "sys.h"

enum {
	JOIN_MS_MAX = 5000, /* for the way into the container */
	END_MS_MAX = 5000,  /* for a killed group to be empty; then its leaf sees to it */
	END_LOOK_MS = 3,
	LEFT_MS_MAX = 500, /* of the last supervisor, at start */
	WHO_CAP = 160,
	TO_GROUP = 1 << 2, /* PIDFD_SIGNAL_PROCESS_GROUP, since 6.9 */
};

static void
shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
exec_open(struct sup *s)
{
	s->execs.listener = s->place.exec;
	for (size_t i = 0; i < EXEC_SLOTS; i++)
		exec_slot_free(&s->execs.slots[i]);
	for (size_t i = 0; i < s->rows_count; i++)
		if (s->rows[i]->run.leaf[0] != '\0')
			cgroup_end_subs(&s->cgroups, s->rows[i]->run.leaf,
			    LEFT_MS_MAX);
}

void
exec_close(struct sup *s)
{
	for (size_t i = 0; i < EXEC_SLOTS; i++)
		if (s->execs.slots[i].group[0] != '\0')
			cgroup_kill(&s->cgroups, s->execs.slots[i].group);
}

/* --- words --------------------------------------------------------------------- */

/* `sh` in web.0 for uid 0 (login uid 1000, pid 4711).  The command's name alone:
 * its arguments may be secrets. */
static const char *
who(const struct exec *x, char out[WHO_CAP])
{
	char name[48], login[16] = "unknown";
	const char *argv0 = x->ask.argv.buf ? x->ask.argv.buf : "";

	err_escape(name, sizeof name, argv0, strlen(argv0));
	if (x->login != UINT32_MAX)
		snprintf(login, sizeof login, "%u", x->login);
	snprintf(out, WHO_CAP, "%s%s%s%sfor uid %u (login uid %s, pid %d)", name,
	    name[0] ? " in " : "", x->ask.instance, name[0] ? " " : "", x->uid,
	    login, (int)x->pid);
	return out;
}

/* Nothing was started for it. */
static void
refuse(struct exec *x, enum exec_kind kind, const struct err *err)
{
	char buf[WHO_CAP];

	log_warn("exec: %s: refused: %s", who(x, buf), err->text);
	exec_say(x, kind, EXEC_CODE_REFUSED, 0, err->text);
	exec_slot_free(x);
}

/* A probe that we could not begin says nothing about its container. */
static void
not_begun(struct exec *x, enum exec_kind kind, const struct err *err)
{
	if (x->why == EXEC_ASKED) {
		refuse(x, kind, err);
		return;
	}
	log_debug("probe: %s", err->text);
	exec_slot_free(x);
}

/* --- a command starts --------------------------------------------------------------- */

static struct row *
find_running(struct sup *s, const struct exec *x, enum exec_kind *kind,
    struct err *err)
{
	struct row *r = row_find(s, x->ask.instance);

	*kind = EXEC_REFUSED;
	if (r == NULL) {
		*kind = EXEC_NOT_HERE;
		err_set(err, EXEC_CODE_REFUSED, "exec: no %s on this host",
		    x->ask.instance);
		return NULL;
	}
	if (r->has_spec && r->life.state == LIFE_UP && r->run.pidfd >= 0 &&
	    (r->run.hash == 0 || r->run.hash == r->spec.hash))
		return r;
	err_set(err, EXEC_CODE_REFUSED,
	    "exec: %s does not run now, or is being changed: mesh ps; mesh logs %s",
	    x->ask.instance, x->ask.instance);
	return NULL;
}

/* All of it; without a group those it started are left to the end of their
 * container. */
static void
end_all(const struct sup *s, const struct exec *x)
{
	cgroup_kill(&s->cgroups, x->group);
	if (s->cgroups.unified < 0 && x->command >= 0)
		sys_pidfd_kill(x->command, SIGKILL);
	if (s->cgroups.unified < 0 && x->joiner >= 0)
		sys_pidfd_kill(x->joiner, SIGKILL);
}

static void
close_pair(int *pair)
{
	shut(&pair[0]);
	shut(&pair[1]);
}

/* Clone the joiner into its group, and let it go when all limits hold. */
static int
clone_joiner(struct sup *s, struct exec *x, const struct row *r, int group,
    struct err *err)
{
	struct filter filter;
	struct exec_child c = {.ask = &x->ask, .spec = &r->spec,
	    .filter = &filter, .target = r->run.pidfd,
	    .pid = r->run.pid, .init = s->launcher.init,
	    .key = -1, .conf = s->launcher.conf,
	    .conf_uid = s->launcher.conf_uid, .conf_gid = s->launcher.conf_gid};
	int release[2] = {-1, -1}, error[2] = {-1, -1}, born[2] = {-1, -1};
	pid_t pid = -1;
	int rc = filter_for(&s->launcher.filter, &r->spec, &filter, err);

	if (rc == 0 && (rc = launch_key(&r->spec, &c.key, err)) < 0)
		x->sealed = true;
	if (rc < 0 || (rc = cgroup_doors(&s->cgroups, r->run.leaf, c.doors, err)) < 0) {
		filter_done(&filter, &s->launcher.filter);
		shut(&c.key);
		return rc;
	}
	memcpy(c.stdio, x->stdio, sizeof c.stdio);
	if (pipe2(release, O_CLOEXEC) == 0 &&
	    pipe2(error, O_CLOEXEC | O_NONBLOCK) == 0 &&
	    pipe2(born, O_CLOEXEC | O_NONBLOCK) == 0) {
		c.release = release[0];
		c.error = error[1];
		c.born = born[1];
		pid = sys_fork(0, group, &x->joiner);
		if (pid == 0)
			exec_child_run(&c);
	}
	if (pid < 0) {
		rc = err_set(err, EXEC_CODE_REFUSED, "exec: %s: clone3: %s",
		    x->ask.instance, strerror(errno));
		x->joiner = -1;
		close_pair(error);
		close_pair(born);
	} else {
		shut(&error[1]);
		shut(&born[1]);
		x->error = error[0];
		x->born = born[0];
		rc = cgroup_attach(&s->cgroups, x->group, pid, err);
		if (rc == 0)
			(void)!write(release[1], "x", 1);
	}
	for (int i = 0; i < CGROUP_COUNT; i++)
		shut(&c.doors[i]);
	close_pair(release); /* without its byte the child ends */
	shut(&c.key);
	filter_done(&filter, &s->launcher.filter);
	return rc;
}

void
exec_begin(struct sup *s, struct exec *x, msec now)
{
	enum exec_kind kind;
	struct err err;
	char buf[WHO_CAP];
	const struct row *r = find_running(s, x, &kind, &err);
	const struct spec *sp;
	AUTO_CLOSE int group = -1;
	int rc = 0;

	if (r == NULL) {
		not_begun(x, kind, &err);
		return;
	}
	sp = &r->spec;
	for (int i = 0; i < EXEC_FDS && rc == 0; i++)
		/* So that /dev/stdout can be opened, as it can by the application. */
		rc = fchown(x->stdio[i],
		    launch_outside(sp->uid_maps, sp->uid_maps_count, sp->uid),
		    launch_outside(sp->gid_maps, sp->gid_maps_count, sp->gid));
	if (rc < 0)
		rc = err_set(&err, EXEC_CODE_REFUSED, "exec: chown of a pipe: %s",
		    strerror(errno));
	snprintf(x->group, sizeof x->group, "%s/" CGROUP_SUB "%u", r->run.leaf,
	    ++s->execs.count);
	if (rc == 0)
		rc = cgroup_make_sub(&s->cgroups, x->group, &group, &err);
	if (rc < 0) {
		x->group[0] = '\0';
		not_begun(x, EXEC_REFUSED, &err);
		return;
	}
	x->stage = EXEC_JOINS;
	if (x->why == EXEC_ASKED) {
		log_info("exec: %s", who(x, buf));
		x->deadline = now + JOIN_MS_MAX;
	}
	x->code = EXEC_CODE_REFUSED;
	rc = clone_joiner(s, x, r, group, &err);
	for (int i = 0; i < EXEC_FDS; i++)
		shut(&x->stdio[i]); /* the command's alone from here on */
	if (rc < 0)
		snprintf(x->text, sizeof x->text, "%.*s", (int)sizeof x->text - 1,
		    err.text);
}

/* --- may it? --------------------------------------------------------------------- */

static void
judge(struct sup *s, struct exec *x, const struct row *r, const uint8_t *doc,
    size_t len, msec now)
{
	struct err err;
	struct flat f;
	bool allowed = false;

	if (flat_open(&f, doc, len) == 0 &&
	    (!HOLDS("allow-exec") ||
		(flat_bool(&f, "allow-exec", &allowed) && allowed))) {
		exec_begin(s, x, now);
		return;
	}
	err_set(&err, EXEC_CODE_REFUSED,
	    "exec: %s: its sandbox does not allow it: `allow-exec: yes` in %s/%s.yaml does",
	    x->ask.instance, s->conf.sandboxes_dir, r->spec.sandbox);
	refuse(x, EXEC_REFUSED, &err);
}

/* The sandbox file as it is now: what an administrator took back is gone at once,
 * and what he gives needs no restart. */
static void
ask_sandbox(struct sup *s, struct exec *x, msec now)
{
	enum exec_kind kind;
	struct err err;
	const struct row *r = find_running(s, x, &kind, &err);
	char file[CONFIG_PATH_CAP + 128];
	size_t len;

	if (r == NULL) {
		refuse(x, kind, &err);
		return;
	}
	snprintf(file, sizeof file, "%s/%s.yaml", s->conf.sandboxes_dir,
	    r->spec.sandbox);
	AUTO_CLOSE int yaml = helper_open_yaml(AT_FDCWD, file, file, &err);
	if (yaml < 0) {
		refuse(x, EXEC_REFUSED, &err);
		return;
	}
	AUTO_FREE uint8_t *doc = fstat(yaml, &x->file) < 0 ?
	    NULL :
	    cache_get(&s->cache, 's', &x->file, &len);
	if (doc != NULL) {
		judge(s, x, r, doc, len, now);
		return;
	}
	x->stage = EXEC_JUDGED;
	x->deadline = MSEC_NEVER; /* the helper has its own */
	if (helper_start(&x->helper, &s->launcher.strays, s->programs.conf, s->conf.conf_uid,
		s->conf.conf_gid, "sandbox", file, yaml, now, &err) < 0)
		refuse(x, EXEC_REFUSED, &err);
}

static void
helper_done(struct sup *s, struct exec *x, msec now)
{
	uint8_t *doc = NULL;
	enum exec_kind kind;
	struct err err;
	const struct row *r;
	size_t len;

	char notes[HELPER_NOTES_CAP];
	struct pollfd over = {.fd = x->helper.pidfd, .events = POLLIN};

	if (poll(&over, 1, 0) != 1)
		return; /* the number was another's when it was looked at */
	if (helper_finish(&x->helper, &doc, &len, notes, &err) < 0) {
		refuse(x, EXEC_REFUSED, &err);
		return;
	}
	AUTO_FREE uint8_t *owned = doc;
	cache_put(&s->cache, 's', &x->file, owned, len, sys_wall_ms());
	told_lines(&s->told, notes);
	if ((r = find_running(s, x, &kind, &err)) == NULL)
		refuse(x, kind, &err);
	else
		judge(s, x, r, owned, len, now);
}

/* --- the caller --------------------------------------------------------------------- */

static void
take_request(struct sup *s, struct exec *x, msec now)
{
	struct err err;
	int rc = exec_take(x, &err);

	if (rc == 0)
		exec_slot_free(x);
	else if (rc < -1)
		refuse(x, EXEC_REFUSED, &err);
	else if (rc > 0)
		ask_sandbox(s, x, now);
}

/* To its whole process group, as a terminal's Ctrl-C; old kernels: to itself. */
static void
signal_command(const struct exec *x, int sig)
{
	if (x->command >= 0 &&
	    syscall(SYS_pidfd_send_signal, x->command, sig, NULL, TO_GROUP) < 0)
		sys_pidfd_kill(x->command, sig);
}

static void
take_signal(struct sup *s, struct exec *x)
{
	int sig = exec_take_signal(x);

	if (sig > 0 && x->stage < EXEC_RUNS)
		x->early |= UINT64_C(1) << (sig - 1);
	else if (sig > 0)
		signal_command(x, sig);
	if (sig != 0)
		return;
	/* The caller went away: so does all of its command. */
	shut(&x->conn);
	if (x->stage < EXEC_JOINS)
		exec_slot_free(x);
	else
		end_all(s, x);
}

/* --- the command --------------------------------------------------------------------- */

static void
born(struct exec *x)
{
	struct exec_born m;
	siginfo_t si;
	ssize_t n = read(x->born, &m, sizeof m);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* A child of ours that nobody reaped: its pid is its own until we do. */
	if (n == (ssize_t)sizeof m && m.magic == EXEC_BORN_MAGIC &&
	    waitid(P_PID, (id_t)m.pid, &si, WEXITED | WNOHANG | WNOWAIT) == 0)
		x->command = sys_pidfd_open(m.pid);
	x->known = x->command >= 0;
	shut(&x->born);
}

static void
error_ready(struct exec *x)
{
	char raw[SUP_TEXT_CAP];
	ssize_t n = read(x->error, raw, sizeof raw);
	size_t k;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && x->text[0] == '\0') {
		k = (size_t)snprintf(x->text, sizeof x->text, "exec: %s: ",
		    x->ask.instance);
		err_escape(x->text + k, sizeof x->text - k, raw, (size_t)n);
	}
	if (n <= 0)
		shut(&x->error);
}

static void
reap(struct exec *x, int *pidfd)
{
	int status = 0, rc = sys_reap(*pidfd, &status);

	if (rc == 0)
		return;
	if (pidfd == &x->command)
		x->status = rc > 0 ? status : -1;
	else if (rc > 0 && WIFEXITED(status) && WEXITSTATUS(status) == EXEC_NO_SECRETS)
		x->sealed = true;
	shut(pidfd);
}

static void
ended(struct sup *s, struct exec *x, msec now)
{
	char buf[WHO_CAP];
	int code = WIFEXITED(x->status) ? WEXITSTATUS(x->status) : 0;

	if (x->why != EXEC_ASKED) {
		exec_probe_ended(s, x, now);
		exec_slot_free(x);
		return;
	}
	if (x->text[0] != '\0') {
		log_info("exec: %s: could not: %s", who(x, buf), x->text);
		exec_say(x, EXEC_REFUSED,
		    code == EXEC_CODE_CANNOT_RUN || code == EXEC_CODE_NOT_FOUND ?
			code :
			EXEC_CODE_REFUSED,
		    0, x->text);
	} else {
		log_info("exec: %s: ended, %s %d", who(x, buf),
		    WIFSIGNALED(x->status) ? "signal" : "status",
		    WIFSIGNALED(x->status) ? WTERMSIG(x->status) : code);
		exec_say(x, EXEC_ENDED, 0, x->status, "");
	}
	exec_slot_free(x);
}

/* Where it is now, whatever happened. */
static void
advance(struct sup *s, struct exec *x, msec now)
{
	if (x->stage < EXEC_JOINS)
		return;
	if (x->stage == EXEC_JOINS && x->error < 0 && x->known &&
	    x->text[0] == '\0') {
		x->stage = EXEC_RUNS;
		if (x->why == EXEC_ASKED)
			x->deadline = MSEC_NEVER;
		exec_say(x, EXEC_STARTED, 0, 0, "");
		for (int sig = 1; sig < NSIG && x->early != 0; sig++)
			if (x->early & UINT64_C(1) << (sig - 1))
				signal_command(x, sig);
		x->early = 0;
	}
	if (x->joiner >= 0 || x->born >= 0 || x->command >= 0)
		return;
	/* Who writes there has ended.  That its end is not there yet means that
	 * a process of the container opened it by /proc, and may keep it. */
	if (x->error >= 0)
		error_ready(x);
	shut(&x->error);
	if (x->stage != EXEC_ENDS) {
		if (!x->known && x->text[0] == '\0')
			snprintf(x->text, sizeof x->text,
			    "exec: %s: killed on the way into it",
			    x->ask.instance);
		/* What it left behind is nobody's. */
		end_all(s, x);
		x->stage = EXEC_ENDS;
		x->deadline = now + END_MS_MAX;
	}
	if (cgroup_remove(&s->cgroups, x->group) || now >= x->deadline)
		ended(s, x, now);
}

static void
slot_ready(struct sup *s, struct exec *x, int fd, msec now)
{
	if (fd == x->helper.pidfd)
		helper_done(s, x, now);
	else if (fd == x->error)
		error_ready(x);
	else if (fd == x->born)
		born(x);
	else if (fd == x->joiner)
		reap(x, &x->joiner);
	else if (fd == x->command)
		reap(x, &x->command);
	else if (fd == x->conn && x->stage == EXEC_WAITS)
		take_request(s, x, now);
	else if (fd == x->conn)
		take_signal(s, x);
}

/* --- the loop ------------------------------------------------------------------------ */

size_t
exec_fds(const struct sup *s, int *fds)
{
	size_t n = 0;

	for (size_t i = 0; i < EXEC_SLOTS; i++) {
		const struct exec *x = &s->execs.slots[i];
		const int those[EXEC_FDS_EACH] = {x->conn, x->joiner, x->born,
		    x->error, x->stage == EXEC_JUDGED ? x->helper.pidfd : x->command};

		for (size_t k = 0; k < EXEC_FDS_EACH && x->stage != EXEC_FREE; k++)
			if (those[k] >= 0)
				fds[n++] = those[k];
	}
	/* Who went away makes room first. */
	fds[n++] = s->execs.listener;
	return n;
}

void
exec_ready(struct sup *s, int fd, msec now)
{
	if (fd == s->execs.listener) {
		exec_accept(s, now);
		return;
	}
	for (size_t i = 0; i < EXEC_SLOTS; i++)
		if (s->execs.slots[i].stage != EXEC_FREE)
			slot_ready(s, &s->execs.slots[i], fd, now);
}

/* A caller's may take long, once it runs; a probe has its time for all. */
static void
late(struct sup *s, struct exec *x, msec now)
{
	bool probe = x->why != EXEC_ASKED;

	if ((x->stage != EXEC_JOINS && !(probe && x->stage == EXEC_RUNS)) ||
	    now < x->deadline)
		return;
	x->deadline = MSEC_NEVER;
	if (x->text[0] == '\0' && probe)
		snprintf(x->text, sizeof x->text, "took too long: killed");
	else if (x->text[0] == '\0')
		snprintf(x->text, sizeof x->text,
		    "exec: %s: took more than %d s to enter: killed",
		    x->ask.instance, JOIN_MS_MAX / 1000);
	end_all(s, x);
}

void
exec_tick(struct sup *s, msec now)
{
	for (size_t i = 0; i < EXEC_SLOTS; i++) {
		struct exec *x = &s->execs.slots[i];

		if (x->stage == EXEC_JUDGED)
			helper_tick(&x->helper, now);
		if (x->stage == EXEC_WAITS && now >= x->deadline)
			exec_slot_free(x);
		late(s, x, now);
		advance(s, x, now);
	}
}

msec
exec_deadline(const struct sup *s)
{
	msec d = MSEC_NEVER;

	for (size_t i = 0; i < EXEC_SLOTS; i++) {
		const struct exec *x = &s->execs.slots[i];
		msec at = x->stage == EXEC_JUDGED ? x->helper.deadline : x->deadline;

		if (x->stage == EXEC_ENDS)
			at = sys_now() + END_LOOK_MS;
		if (x->stage != EXEC_FREE && at < d)
			d = at;
	}
	return d;
}
