/*
 * hostact.c - see hostact.h: from a request to what came of it.
 */
#include "hostact.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/name.h"
#include "../base/own.h"
#include "../base/weak.h"
#include "rootless.h"
#include "sup.h"
#include "sys.h"

enum { LEFT_MS_MAX = 200, GOES_MS = 20, GOES_MS_MAX = 2000, READ_BYTES = 4096, READS_PER_TURN = 16 };

static void
group_of(const struct sup *s, const struct hostact *h, char out[NAME_CAP])
{
	snprintf(out, NAME_CAP, HOSTACT_GROUP "%d", (int)(h - s->hostacts));
}

static void
clear(struct hostact *h)
{
	memset(h, 0, sizeof *h);
	helper_new(&h->helper);
	h->pidfd = h->out = -1;
	h->deadline = MSEC_NEVER;
}

void
hostact_open(struct sup *s)
{
	char group[NAME_CAP];

	for (int i = 0; i < HOSTACTS_MAX; i++) {
		clear(&s->hostacts[i]);
		group_of(s, &s->hostacts[i], group);
		if (s->cgroups.unified >= 0 && cgroup_end(&s->cgroups, group, LEFT_MS_MAX))
			(void)cgroup_remove(&s->cgroups, group); /* else before its next use */
	}
}

/* --- what came of it --------------------------------------------------------------- */

/* The last line of what it said, with nothing that hurts a terminal. */
static void
last_line(const struct hostact *h, char *out, size_t cap)
{
	size_t end = h->tail_len, from;

	while (end > 0 && (h->tail[end - 1] == '\n' || h->tail[end - 1] == '\r' || h->tail[end - 1] == ' '))
		end--;
	for (from = end; from > 0 && h->tail[from - 1] != '\n';)
		from--;
	err_escape(out, cap, h->tail + from, end - from);
}

static void
told(struct sup *s, struct hostact *h)
{
	const int status = h->status;
	struct sup_event ev = {.version = SUP_VERSION, .kind = SUP_EV_EXIT, .ticket = h->ticket,
	    .exit_status = status};
	char said[SUP_TEXT_CAP - 80];

	last_line(h, said, sizeof said);
	memcpy(ev.role, h->role, sizeof ev.role);
	if (h->late) {
		ev.code = EXIT_ENVIRONMENT;
		snprintf(ev.text, sizeof ev.text, "took more than %u ms: killed%s%s", h->timeout_ms,
		    said[0] != '\0' ? "; its last line: " : "", said);
	} else {
		snprintf(ev.text, sizeof ev.text, "%s", said);
	}
	if (!h->late && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		log_info("host action %s, of role %s: done", h->name, h->role);
	else
		log_warn("host action %s, of role %s: %s %d: %s", h->name, h->role,
		    WIFSIGNALED(status) ? "signal" : "exit code",
		    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), ev.text);
	if (h->ticket != 0)
		engine_send(s, &ev, -1);
	h->ticket = 0;
	h->told_by = MSEC_NEVER;
}

static void
refused(struct sup *s, struct hostact *h, const struct err *err)
{
	log_warn("%s", err->text);
	if (h->ticket != 0)
		serve_reply(s, h->ticket, err);
	clear(h);
}

/* --- it runs ------------------------------------------------------------------------- */

static _Noreturn void
child(struct sup *s, const struct hostact_spec *spec, const struct hostact *h, int out,
    pid_t parent)
{
	int rendered = s->place.rendered_dir, keep[] = {rendered, out}, null;
	char group[NAME_CAP];

	group_of(s, h, group);
	if (cgroup_enter(&s->cgroups, group) < 0)
		_exit(125);
	if (HOLDS("hostact-fds"))
		sys_keep_only(keep, ARRAY_LEN(keep));
	sys_reset_signals();
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(125);
	if (HOLDS("hostact-fds"))
		close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	sys_restore_nofile();
	(void)sys_write_file(AT_FDCWD, "/proc/self/oom_score_adj", "0");
	/* Nothing of whoever started meshd: its terminal, its keys.  And whoever would kill it at
	 * its deadline may die before it. */
	if ((HOLDS("hostact-session") && setsid() < 0) ||
	    (HOLDS("hostact-keys") && syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(125);
	hostact_child(spec, rendered, h->role, s->conf.uid);
}

static int
run(struct sup *s, struct hostact *h, const struct hostact_spec *spec, msec now, struct err *err)
{
	const pid_t parent = getpid();
	char group[NAME_CAP];
	int ends[2], rc;
	pid_t pid;

	group_of(s, h, group);
	if (!cgroup_end(&s->cgroups, group, GOES_MS))
		return err_set(err, EXIT_ENVIRONMENT, "host action %s: cgroup %s is not empty", h->name, group);
	if ((rc = cgroup_make_plain(&s->cgroups, group, err)) < 0)
		return rc;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(err, EXIT_ENVIRONMENT, "host action %s: pipe: %s", h->name, strerror(errno));
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	pid = sys_fork(0, -1, &h->pidfd);
	if (pid == 0)
		child(s, spec, h, ends[1], parent);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		h->pidfd = -1;
		return err_set(err, EXIT_ENVIRONMENT, "host action %s: fork: %s", h->name, strerror(errno));
	}
	h->out = ends[0];
	h->timeout_ms = spec->timeout_ms;
	h->deadline = now + spec->timeout_ms;
	log_info("host action %s, of role %s: %s", h->name, h->role, spec->argv.buf);
	return 0;
}

/* Some of it; of all of it the end is kept. */
static void
drain(struct hostact *h)
{
	char buf[READ_BYTES];

	for (int i = 0; i < READS_PER_TURN && h->out >= 0; i++) {
		ssize_t n = read(h->out, buf, sizeof buf);
		size_t len = n > 0 ? (size_t)n : 0, keep;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			close(h->out);
			h->out = -1;
			return;
		}
		if (len > sizeof h->tail)
			len = sizeof h->tail;
		keep = h->tail_len + len > sizeof h->tail ? sizeof h->tail - len : h->tail_len;
		memmove(h->tail, h->tail + h->tail_len - keep, keep);
		memcpy(h->tail + keep, buf + n - len, len);
		h->tail_len = keep + len;
	}
}

/* Its group goes; then the slot is free, and the next can begin: so that is when it is told.
 * What can't be killed (a dead disk) holds the slot, but not the answer. */
static void
end(struct sup *s, struct hostact *h, msec now)
{
	char group[NAME_CAP];

	group_of(s, h, group);
	if (HOLDS("hostact-group"))
		cgroup_kill(&s->cgroups, group);
	if (!cgroup_remove(&s->cgroups, group)) {
		h->deadline = now + GOES_MS;
		if (h->told_by <= now)
			told(s, h);
		return;
	}
	if (h->told_by != MSEC_NEVER)
		told(s, h);
	clear(h);
}

static void
ended(struct sup *s, struct hostact *h, msec now)
{
	int status = -1;

	if (sys_reap(h->pidfd, &status) != 1)
		return;
	close(h->pidfd);
	h->pidfd = -1;
	drain(h);
	if (h->out >= 0)
		close(h->out);
	h->out = -1;
	h->ending = true;
	h->status = status;
	h->told_by = now + GOES_MS_MAX;
	end(s, h, now);
}

/* --- it is read, and judged ------------------------------------------------------------ */

static void
was_read(struct sup *s, struct hostact *h, msec now)
{
	char file[CONFIG_PATH_CAP + 64];
	AUTO_FREE struct hostact_spec *spec = calloc(1, sizeof *spec);
	AUTO_FREE uint8_t *buf = NULL;
	struct err err = {0};
	struct flat f;
	size_t len;
	int rc = helper_finish(&h->helper, &buf, &len, NULL, &err);

	hostact_file_name(s->conf.config_dir, file, sizeof file);
	if (rc == 0 && spec == NULL)
		rc = err_set(&err, EXIT_ENVIRONMENT, "out of memory");
	if (rc == 0 && flat_open(&f, buf, len) < 0)
		rc = err_set(&err, EXIT_CONFIG, "%s: meshd-conf gave no records", file);
	if (rc == 0)
		rc = hostact_judge(&f, file, h->name, h->role, spec, &err);
	if (rc == 0)
		rc = run(s, h, spec, now, &err);
	if (spec != NULL)
		hostact_free(spec);
	if (rc < 0)
		refused(s, h, &err);
}

/* A free slot.  NULL: all are used, or this action is under way. */
static struct hostact *
slot(struct sup *s, const char *name, struct err *err)
{
	struct hostact *room = NULL;

	for (struct hostact *h = s->hostacts; h < s->hostacts + HOSTACTS_MAX; h++) {
		if (!h->used) {
			room = h;
		} else if (strcmp(h->name, name) == 0) {
			err_set(err, EXIT_ENVIRONMENT, "host action %s is under way, for role %s", name, h->role);
			return NULL;
		}
	}
	if (room == NULL)
		err_set(err, EXIT_ENVIRONMENT, "host action %s: %d others are under way", name, HOSTACTS_MAX);
	return room;
}

int
hostact_start(struct sup *s, const struct sup_req *q, msec now, struct err *err)
{
	char file[CONFIG_PATH_CAP + 64];
	struct hostact *h;
	int rc;

	if (!name_ok(q->instance, strnlen(q->instance, sizeof q->instance)) ||
	    !name_ok(q->role, strnlen(q->role, sizeof q->role)) || q->sandbox[0] != '\0' ||
	    q->image[0] != '\0' || q->config[0] != '\0' || q->flags != 0)
		return err_set(err, EXIT_CONFIG, "host action: a name and a role are all that can be said");
	if (rootless())
		return err_set(err, EXIT_CONFIG, "host action %s: a meshd that is not root's has none", q->instance);
	if ((h = slot(s, q->instance, err)) == NULL)
		return -err->code;
	hostact_file_name(s->conf.config_dir, file, sizeof file);
	AUTO_CLOSE int yaml = helper_open_yaml(AT_FDCWD, file, file, err);
	if (yaml < 0) {
		err_prefix(err, "host action %s: ", q->instance);
		return yaml;
	}
	clear(h);
	rc = helper_start(&h->helper, &s->launcher.strays, s->programs.conf, s->conf.conf_uid,
	    s->conf.conf_gid, "host-actions", file, yaml, now, err);
	if (rc < 0)
		return rc;
	h->used = true;
	h->ticket = q->ticket;
	memcpy(h->name, q->instance, sizeof h->name);
	memcpy(h->role, q->role, sizeof h->role);
	return 0;
}

/* --- the loop's --------------------------------------------------------------------------- */

size_t
hostact_fds(const struct sup *s, int *fds)
{
	size_t n = 0;

	for (const struct hostact *h = s->hostacts; h < s->hostacts + HOSTACTS_MAX; h++) {
		const int all[HOSTACT_FDS] = {h->helper.pidfd, h->out, h->pidfd};

		for (int i = 0; i < HOSTACT_FDS && h->used; i++)
			if (all[i] >= 0)
				fds[n++] = all[i];
	}
	return n;
}

void
hostact_ready(struct sup *s, int fd, msec now)
{
	for (struct hostact *h = s->hostacts; h < s->hostacts + HOSTACTS_MAX; h++) {
		if (!h->used)
			continue;
		if (fd == h->helper.pidfd) {
			was_read(s, h, now);
			return;
		}
		if (fd == h->out) {
			drain(h);
			return;
		}
		if (fd == h->pidfd) {
			ended(s, h, now);
			return;
		}
	}
}

void
hostact_tick(struct sup *s, msec now)
{
	char group[NAME_CAP];

	for (struct hostact *h = s->hostacts; h < s->hostacts + HOSTACTS_MAX; h++) {
		if (!h->used)
			continue;
		helper_tick(&h->helper, now);
		if (now < h->deadline)
			continue;
		if (h->ending) {
			end(s, h, now);
			continue;
		}
		h->late = true;
		h->deadline = MSEC_NEVER;
		group_of(s, h, group);
		cgroup_kill(&s->cgroups, group);
		sys_pidfd_kill(h->pidfd, SIGKILL);
	}
}

msec
hostact_deadline(const struct sup *s)
{
	msec d = MSEC_NEVER;

	for (const struct hostact *h = s->hostacts; h < s->hostacts + HOSTACTS_MAX; h++) {
		if (h->used && h->deadline < d)
			d = h->deadline;
		if (h->used && h->helper.pidfd >= 0 && h->helper.deadline < d)
			d = h->helper.deadline;
	}
	return d;
}

void
hostact_engine_ended(struct sup *s)
{
	for (int i = 0; i < HOSTACTS_MAX; i++)
		s->hostacts[i].ticket = 0;
}

void
hostact_close(struct sup *s)
{
	char group[NAME_CAP];

	for (struct hostact *h = s->hostacts; h < s->hostacts + HOSTACTS_MAX; h++) {
		if (!h->used || s->cgroups.unified < 0)
			continue;
		group_of(s, h, group);
		cgroup_kill(&s->cgroups, group);
	}
}
