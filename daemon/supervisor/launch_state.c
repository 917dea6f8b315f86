/*
 * launch_state.c - the end of an instance's state (!Statedir).  An instance that is
 * gone may be back in a moment, restarted or changed: its state goes a day later.
 * Then it is put aside, by one rename, and removed by a process of its own, for how
 * much there is a container decides, and one file of it in many pieces can keep
 * who unlinks it for seconds.  What is in it is hostile: it is walked by
 * descriptor, through no link, and never deeper than one level, since what lies
 * deeper is first moved up.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/own.h"
#include "launch.h"
#include "sys.h"

enum { REMOVED_PER_TURN = 128, NAME_TRIES = 1000, GONE_FOR_S = 24 * 3600 };

/* With a dot they are no instances. */
#define GONE ".gone"
#define ONCE ".once."

void
launch_state_path(const struct spec *s, char out[LAUNCH_STATE_CAP])
{
	snprintf(out, LAUNCH_STATE_CAP, "%s%s/%s", s->command ? ONCE : "",
	    s->instance, s->sandbox);
}

static bool
dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* An open copy to read names from. */
static DIR *
names_of(int dir)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return copy < 0 ? NULL : fdopendir(copy);
}

/* Under a name that nothing in gone has. */
static int
put_aside(struct launcher *l, int dir, const char *name, int gone)
{
	char as[24];

	for (int i = 0; i < NAME_TRIES; i++) {
		snprintf(as, sizeof as, "%llx",
		    (unsigned long long)l->gone_seq++);
		if (syscall(SYS_renameat2, dir, name, gone, as,
			RENAME_NOREPLACE) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	return -1;
}

static void
forget(struct launcher *l, const char *name)
{
	const int top = l->place->volumes_dir;
	AUTO_CLOSE int had = sys_open_beneath(top, name, O_PATH | O_DIRECTORY);
	AUTO_CLOSE int gone = -1;

	if (had < 0)
		return;
	if (mkdirat(top, GONE, 0700) == 0 || errno == EEXIST)
		gone = sys_open_beneath(top, GONE, O_PATH | O_DIRECTORY);
	if (gone < 0 || put_aside(l, top, name, gone) < 0)
		log_warn("state-dir/volumes/%s: cannot put aside what is gone: %s; it stays there",
		    name, strerror(errno));
	l->sweeping = true;
}

void
launch_forget_state(struct launcher *l, const char *instance)
{
	char once[NAME_CAP + 8];

	AUTO_CLOSE int state = sys_open_beneath(l->place->volumes_dir, instance,
	    O_RDONLY | O_DIRECTORY);

	snprintf(once, sizeof once, ONCE "%s", instance);
	forget(l, once);
	/* Its own time of change is that since which it is gone: no container
	 * has this directory. */
	if (state >= 0 && futimens(state, NULL) < 0)
		log_warn("%s: its state: %s", instance, strerror(errno));
}

void
launch_age(struct launcher *l, bool (*is_here)(void *, const char *), void *arg)
{
	AUTO_CLOSEDIR DIR *d = names_of(l->place->volumes_dir);
	const int64_t now = (int64_t)(sys_wall_ms() / 1000);
	struct dirent *e;
	struct stat st;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && !is_here(arg, e->d_name) &&
		    fstatat(l->place->volumes_dir, e->d_name, &st,
			AT_SYMLINK_NOFOLLOW) == 0 &&
		    now - st.st_mtim.tv_sec > GONE_FOR_S)
			forget(l, e->d_name);
}

void
launch_forget_commands(struct launcher *l)
{
	AUTO_CLOSEDIR DIR *d = names_of(l->place->volumes_dir);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (strncmp(e->d_name, ONCE, strlen(ONCE)) == 0)
			forget(l, e->d_name);
}

/* What is in dir goes; a directory with something in it moves up to gone.  1: dir
 * is empty, 0: not yet, -1 and errno. */
static int
empty(struct launcher *l, int dir, int gone, int *budget)
{
	AUTO_CLOSEDIR DIR *d = names_of(dir);
	struct dirent *e;

	if (d == NULL)
		return -1;
	while ((e = readdir(d)) != NULL) {
		if (dots(e->d_name))
			continue;
		if ((*budget)-- <= 0)
			return 0;
		if (unlinkat(dir, e->d_name, 0) == 0 ||
		    unlinkat(dir, e->d_name, AT_REMOVEDIR) == 0)
			continue;
		if ((errno != ENOTEMPTY && errno != EEXIST) ||
		    put_aside(l, dir, e->d_name, gone) < 0)
			return -1;
	}
	return 1;
}

/* One of gone. */
static int
remove_one(struct launcher *l, int gone, const char *name, int *budget)
{
	int rc;

	if (unlinkat(gone, name, 0) == 0)
		return 1;
	AUTO_CLOSE int dir = sys_open_beneath(gone, name,
	    O_RDONLY | O_DIRECTORY);
	if (dir < 0)
		return -1;
	rc = empty(l, dir, gone, budget);
	return rc <= 0 ? rc : unlinkat(gone, name, AT_REMOVEDIR) == 0 ? 1 : -1;
}

/* A piece of it; in l->sweeping whether there is more. */
static void
sweep(struct launcher *l)
{
	AUTO_CLOSE int gone = sys_open_beneath(l->place->volumes_dir, GONE,
	    O_RDONLY | O_DIRECTORY);
	AUTO_CLOSEDIR DIR *d = gone < 0 ? NULL : names_of(gone);
	struct dirent *e;
	int budget = REMOVED_PER_TURN, failed = 0;
	bool any = false;

	while (d != NULL && budget > 1 && (e = readdir(d)) != NULL) { /* 1: for what is in it */
		if (dots(e->d_name))
			continue;
		budget--;
		if (remove_one(l, gone, e->d_name, &budget) >= 0)
			any = true;
		else
			failed = errno; /* the others go nevertheless */
	}
	l->sweeping = any; /* once more, for what moved up meanwhile */
	if (failed != 0 && !any)
		log_warn("state-dir/volumes/" GONE
			 ": cannot remove what is gone: %s; it is tried again when the next instance goes",
		    strerror(failed));
}

static bool
any_gone(const struct launcher *l)
{
	AUTO_CLOSE int gone = sys_open_beneath(l->place->volumes_dir, GONE,
	    O_RDONLY | O_DIRECTORY);
	AUTO_CLOSEDIR DIR *d = gone < 0 ? NULL : names_of(gone);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (!dots(e->d_name))
			return true;
	return false;
}

_Noreturn static void
sweeper(struct launcher *l, pid_t parent)
{
	int keep[] = {l->place->volumes_dir};

	sys_keep_only(keep, ARRAY_LEN(keep));
	sys_reset_signals();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	/* Names that neither its maker nor the sweeper before it takes. */
	l->gone_seq = UINT64_C(1) << 63 | sys_boot_ms() << 16;
	while (l->sweeping)
		sweep(l);
	_exit(0);
}

void
launch_sweep(struct launcher *l)
{
	pid_t parent = getpid(), pid;

	if (!l->sweeping || l->sweeper >= 0)
		return;
	if (any_gone(l)) {
		pid = sys_fork(0, -1, &l->sweeper);
		if (pid == 0)
			sweeper(l, parent);
		if (pid < 0) {
			l->sweeper = -1;
			log_warn("state-dir/volumes/" GONE
				 ": cannot fork who removes what is gone: %s; it is tried again when the next instance goes",
			    strerror(errno));
		}
	}
	l->sweeping = false;
}

void
launch_swept(struct launcher *l)
{
	int status;

	if (sys_reap(l->sweeper, &status) == 0)
		return;
	close(l->sweeper);
	l->sweeper = -1;
}
