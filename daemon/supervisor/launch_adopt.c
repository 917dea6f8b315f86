/*
 * launch_adopt.c - the note that says which process a container is, and who it is
 * for the next supervisor.
 *
 *   "3 PID START GEN BOOT HASH SINCE FENCED SANDBOX JUDGED ID SUM\n"
 *
 * START, the start time in ticks, and ID, the number of its pidfd, tell it from
 * another process that has its pid by now, BOOT from one of before the last
 * reboot.  SUM is FNV-1a of the instance's name, a space and all before SUM.  HASH,
 * JUDGED and SUM are hexadecimal.
 *
 * A note that is not as it was written, or is another instance's, is none: the
 * container is then found by its group.  And whatever a note says, a process that
 * is not in its container's group is a stranger.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/fence.h"
#include "../base/initproto.h"
#include "../base/log.h"
#include "../base/own.h"
#include "../base/weak.h"
#include "launch.h"
#include "sys.h"

enum { UNBORN_MS_MAX = 200, NOTE_CAP = 256 + NAME_CAP, NOTE_WORDS = 12,
	OLD_VERSION = 2, OLD_WORDS_MIN = 5 };

static uint64_t
sum_of(const char *instance, const char *note, size_t n)
{
	char all[NOTE_CAP + NAME_CAP];
	int len = snprintf(all, sizeof all, "%s %.*s", instance, (int)n, note);

	return fence_sum_((const uint8_t *)all, (size_t)len);
}

int
launch_note(const struct launcher *l, const struct spec *s, const struct running *r,
    struct err *err)
{
	char name[NAME_CAP + 8], text[NOTE_CAP];
	int n;

	snprintf(name, sizeof name, "%s.pid", s->instance);
	n = snprintf(text, sizeof text, "3 %d %llu %u %s %llx %llu %d %s %llx %llu ",
	    (int)r->pid, (unsigned long long)r->start_time, r->gen, l->boot_id,
	    (unsigned long long)r->hash, (unsigned long long)r->since_ms,
	    r->fenced, s->sandbox, (unsigned long long)r->judged,
	    (unsigned long long)r->id);
	n += snprintf(text + n, sizeof text - (size_t)n, "%llx\n",
	    (unsigned long long)sum_of(s->instance, text, (size_t)n));
	return place_save(l->place->pids_dir, name, text, (size_t)n, false, err);
}

/* Is it as it was written?  Before version 3 there was no sum, and fewer words. */
static bool
is_whole(const char *instance, const char *text, int version, int words, int sum_at,
    unsigned long long sum)
{
	if (words < NOTE_WORDS)
		return words >= OLD_WORDS_MIN && version <= OLD_VERSION;
	return sum == sum_of(instance, text, (size_t)sum_at);
}

/* What launch_note wrote, of this boot.  1: read, 0: there is none that counts. */
static int
read_note(const struct launcher *l, const char *instance, struct running *r,
    struct err *err)
{
	char name[NAME_CAP + 8], text[NOTE_CAP], boot[40], box[NAME_CAP];
	unsigned long long start, hash = 0, since = 0, judged = 0, id = 0, sum = 0;
	int pid = 0, version = 0, words, fenced = 0, sum_at = 0;
	uint32_t gen;
	ssize_t n;

	snprintf(name, sizeof name, "%s.pid", instance);
	AUTO_CLOSE int fd = place_open_file(l->place->pids_dir, name);
	if (fd < 0 && errno == ENOENT)
		return 0;
	n = fd < 0 ? -1 : sys_read_all(fd, text, sizeof text - 1);
	if (n < 0)
		return err_set(err, EXIT_STATE, "cannot read %s: %s", name,
		    strerror(errno));
	text[n] = '\0';
	/* Version 1 ended after the boot id, version 2 once before `fenced`,
	 * before the sandbox (its leaf was not in a group of that), and before the id. */
	words = sscanf(text, "%d %d %llu %u %39s %llx %llu %d %63s %llx %llu %n%llx", &version,
	    &pid, &start, &gen, boot, &hash, &since, &fenced, box,
	    &judged, &id, &sum_at, &sum);
	if (!is_whole(instance, text, version, words, sum_at, sum) || pid <= 0) {
		log_warn("%s: its note, run-dir/supervisor/%s, is not as it was written, and counts for nothing",
		    instance, name);
		return 0;
	}
	if (strcmp(boot, l->boot_id) != 0)
		return 0;
	if (words < 9)
		snprintf(r->leaf, sizeof r->leaf, "%s.%u", instance, gen);
	else
		snprintf(r->leaf, sizeof r->leaf, "%c%s/%s.%u", CGROUP_BOX, box,
		    instance, gen);
	r->pid = pid;
	r->gen = gen;
	r->start_time = start;
	r->id = id;
	r->hash = hash;
	r->judged = judged;
	r->since_ms = since;
	r->fenced = fenced != 0;
	return 1;
}

int
launch_is_init(pid_t pid)
{
	static const char want[] = "/memfd:meshd-init";
	char path[64], exe[64];
	ssize_t n;

	snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
	n = readlink(path, exe, sizeof exe);
	if (n < 0)
		return -1;
	return n >= (ssize_t)sizeof want - 1 &&
	    memcmp(exe, want, sizeof want - 1) == 0;
}

/* A child whose maker died between its note and its release ends by itself,
 * unrun: it must not be told as one that runs.  One that was released is about
 * to exec.  Both take a moment; what takes longer is held up (frozen), has run
 * nothing, and goes with its group. */
static bool
lives_on(const struct running *r)
{
	struct pollfd end = {.fd = r->pidfd, .events = POLLIN};
	int is = launch_is_init(r->pid);

	for (int ms = 0; ms < UNBORN_MS_MAX && is != 1; ms++) {
		if (poll(&end, 1, 1) != 0)
			return false;
		is = launch_is_init(r->pid);
	}
	return is != 0;
}

/* Is what we hold now what the note is about? */
static bool
is_noted(const struct running *r, uint64_t start)
{
	return (start == r->start_time || !HOLDS("start-time")) &&
	    (r->id == 0 || r->id == sys_pidfd_id(r->pidfd) || !HOLDS("pidfd-id")) &&
	    (lives_on(r) || !HOLDS("is-init"));
}

/* Of a process that is what the note says, but is not in the group that it names: 1;
 * it has ended just now: 0; negative: nobody knows.  Where there are no groups
 * nothing more can be asked. */
static int
is_stranger(const struct launcher *l, const char *instance, const struct running *r,
    struct err *err)
{
	struct pollfd end = {.fd = r->pidfd, .events = POLLIN};
	int in = l->cgroups->unified < 0 || !HOLDS("in-group") ? 1 :
			cgroup_holds(l->cgroups, r->leaf, r->pid);

	if (in < 0)
		return err_set(err, EXIT_ENVIRONMENT,
		    "%s: cannot see whether its pid %d is in its group: %s; it is left alone",
		    instance, (int)r->pid, strerror(errno));
	if (in > 0 || poll(&end, 1, 0) != 0)
		return 0;
	log_warn("%s: its note says pid %d, which is not in its group %s: that process is left alone",
	    instance, (int)r->pid, r->leaf);
	return 1;
}

/* Without it an instance still has its group, and its next start makes another. */
static int
open_exit(const struct launcher *l, const char *instance, struct running *r,
    struct err *err)
{
	char name[NAME_CAP + 8];

	snprintf(name, sizeof name, "%s.exit", instance);
	r->exit_fd = place_open_file(l->place->pids_dir, name);
	if (r->exit_fd < 0 && errno != ENOENT)
		return err_set(err, EXIT_STATE, "cannot open %s: %s", name,
		    strerror(errno));
	return 0;
}

static void
let_go(struct running *r)
{
	if (r->pidfd >= 0)
		close(r->pidfd);
	r->pidfd = -1;
	r->pid = 0;
}

int
launch_adopt(struct launcher *l, const char *instance, struct running *r,
    struct err *err)
{
	uint64_t start;
	bool same;
	int rc;

	running_new(r);
	launch_tidy(l, instance);
	if ((rc = open_exit(l, instance, r, err)) < 0 ||
	    (rc = read_note(l, instance, r, err)) <= 0)
		return rc;
	/* First hold the process, then ask who it is: no pid is ever reused
	 * between the question and the answer. */
	r->pidfd = sys_pidfd_open(r->pid);
	start = r->pidfd < 0 ? 0 : sys_start_time(r->pid);
	if (start == 0 && errno != ESRCH && errno != ENOENT && errno != EINVAL)
		return err_set(err, EXIT_ENVIRONMENT,
		    "%s: cannot see whether its pid %d still runs: %s; it is left alone",
		    instance, (int)r->pid, strerror(errno));
	same = start != 0 && is_noted(r, start);
	rc = same ? is_stranger(l, instance, r, err) : 0;
	if (rc < 0)
		return rc;
	if (rc > 0) {
		r->leaf[0] = '\0';
		r->gen = 0;
		let_go(r);
		return 0;
	}
	if (same)
		return 1;
	/* Held up on its way, it has run nothing; a group would see to its end. */
	if (start != 0 && start == r->start_time && l->cgroups->unified < 0 &&
	    (r->id == 0 || r->id == sys_pidfd_id(r->pidfd)))
		sys_pidfd_kill(r->pidfd, SIGKILL);
	let_go(r);
	return 0;
}

int
launch_exit_status(const struct running *r)
{
	struct init_exit rec;

	if (r->exit_fd < 0 ||
	    pread(r->exit_fd, &rec, sizeof rec, 0) != (ssize_t)sizeof rec ||
	    rec.magic != INIT_EXIT_MAGIC)
		return -1;
	return rec.status;
}

