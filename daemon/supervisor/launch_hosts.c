/*
 * launch_hosts.c - /etc/hosts and /etc/resolv.conf for a container: made anew at
 * each start, as a file in run-dir that is mounted read-only.  In lithos
 * they lie in the state directory, and images have links to them there: so who
 * mounts all of that finds them in it too.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/own.h"
#include "child.h"
#include "launch.h"
#include "opener.h"
#include "sys.h"

enum { SOURCE_BYTES_MAX = 64 << 10, TEXT_CAP = SOURCE_BYTES_MAX + 2 * SPEC_HOSTS_BYTES_MAX + 1024 };

struct text {
	char *buf; /* TEXT_CAP; owned */
	size_t len;
};

/* An instance's state, and the directory that it is in: root's, shown to nobody. */
struct state {
	int dir, beside;
};

static void
add_line(struct text *t, const char *address, const char *names)
{
	size_t room = TEXT_CAP - t->len;
	int n = snprintf(t->buf + t->len, room, "%s%s%s\n", address,
	    names[0] ? " " : "", names);

	/* The judge lets in what fits; of a record nothing says that. */
	if (n > 0 && (size_t)n < room)
		t->len += (size_t)n;
}

/* A file of the host, which everybody may read, as everybody in the container
 * will: what else a link in its place leads to is no container's business. */
static int
read_source(const struct spec *s, const char *what, const char *path,
    struct text *t, struct err *err)
{
	AUTO_CLOSE int at = open(path, O_PATH | O_CLOEXEC);
	AUTO_CLOSE int fd = -1;
	char self[32];
	struct stat st;
	ssize_t n;

	if (at < 0 || fstat(at, &st) < 0)
		return err_set(err, EXIT_CONFIG, "%s: %s: cannot open %s: %s",
		    s->instance, what, path, strerror(errno));
	if (!S_ISREG(st.st_mode) || !(st.st_mode & 0004) ||
	    st.st_size > SOURCE_BYTES_MAX)
		return err_set(err, EXIT_CONFIG,
		    "%s: %s: refusing %s: a regular file of at most %d KiB that all may read is needed",
		    s->instance, what, path, SOURCE_BYTES_MAX >> 10);
	snprintf(self, sizeof self, "/proc/self/fd/%d", at);
	fd = open(self, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	n = fd < 0 ? -1 : sys_read_all(fd, t->buf, SOURCE_BYTES_MAX);
	if (n < 0)
		return err_set(err, EXIT_CONFIG, "%s: %s: cannot read %s: %s",
		    s->instance, what, path, strerror(errno));
	t->len = (size_t)n;
	t->buf[n] = '\0';
	return 0;
}

/* The address that a hosts file has for a name, or "". */
static void
look_up(char *text, const char *name, char *out, size_t cap)
{
	char *line, *word, *rest, *address, *lines = text;

	out[0] = '\0';
	while ((line = strsep(&lines, "\n")) != NULL) {
		line[strcspn(line, "#\r")] = '\0';
		address = strtok_r(line, " \t", &rest);
		while (address != NULL &&
		    (word = strtok_r(NULL, " \t", &rest)) != NULL)
			if (strcasecmp(word, name) == 0 && strlen(address) < cap) {
				snprintf(out, cap, "%s", address);
				return;
			}
	}
}

/* No question to a name server from here: the hosts file has it, or nobody. */
static int
add_hostname(const struct spec *s, struct text *t, struct err *err)
{
	AUTO_FREE char *buf = malloc(TEXT_CAP);
	struct text hosts = {buf, 0};
	char name[256], address[64];
	int rc;

	if (buf == NULL || gethostname(name, sizeof name) < 0)
		return err_set(err, EXIT_ENVIRONMENT, "%s: hosts-file: %s",
		    s->instance, strerror(errno));
	name[sizeof name - 1] = '\0';
	rc = read_source(s, "hosts-file", s->hosts_file, &hosts, err);
	if (rc < 0)
		return rc;
	look_up(hosts.buf, name, address, sizeof address);
	if (address[0] == '\0')
		return err_set(err, EXIT_CONFIG,
		    "%s: hosts-file: public-hostname: %s has no address for '%s': write it there, or say public-hostname: off",
		    s->instance, s->hosts_file, name);
	add_line(t, address, name);
	return 0;
}

static int
hosts_text(const struct spec *s, struct text *t, struct err *err)
{
	const char *p = s->hosts.buf;
	struct in_addr own = {.s_addr = htonl(s->address)};
	char address[INET_ADDRSTRLEN];
	int rc = 0;

	t->len = 0;
	if (s->hosts_flags & SPEC_FILE_COPY) {
		rc = read_source(s, "hosts-file", s->hosts_file, t, err);
		if (rc == 0 && t->len > 0 && t->buf[t->len - 1] != '\n')
			t->buf[t->len++] = '\n';
	}
	if (s->hosts_flags & SPEC_LOCALHOST)
		add_line(t, "127.0.0.1", "localhost.localdomain localhost");
	if (rc == 0 && s->hosts_flags & SPEC_HOSTNAME)
		rc = add_hostname(s, t, err);
	if (s->address != 0 &&
	    inet_ntop(AF_INET, &own, address, sizeof address) != NULL)
		add_line(t, address, s->instance);
	for (uint32_t i = 0; i < s->hosts.count; i++, p += strlen(p) + 1)
		add_line(t, p, "");
	return rc;
}

static bool
has_file(int root, const char *path)
{
	struct found f;
	bool is;

	if (root < 0 || !opener_knows(root, path, &f))
		return true; /* perhaps: the child looks */
	is = f.fd >= 0 && S_ISREG(f.st.st_mode);
	found_close(&f);
	return is;
}

/* Can there be a place for it?  The child looks, when all is mounted. */
static bool
wanted(const struct child *c, uint32_t flags, const char *path)
{
	const struct spec *s = c->spec;

	if (!(flags & (SPEC_FILE_AUTO | SPEC_FILE_MUST)))
		return false;
	for (uint32_t i = 0; i < s->volumes_count; i++)
		if (strcmp(s->volumes[i].target, "/etc") == 0)
			return true;
	return (flags & SPEC_FILE_MUST) || has_file(c->root, path);
}

static bool
write_all(int fd, const struct text *t)
{
	size_t done = 0;

	while (done < t->len) {
		ssize_t n = write(fd, t->buf + done, t->len - done);

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

/* A new file, in place of one that a kill -9 left. */
static int
new_file(int dir, const char *name, const struct text *t)
{
	AUTO_CLOSE int fd = -1;
	int out;

	unlinkat(dir, name, 0);
	fd = openat(dir, name,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || fchmod(fd, 0644) < 0 || !write_all(fd, t))
		return -1;
	out = fd;
	fd = -1;
	return out;
}

static int
mount_file(const struct launcher *l, const struct spec *s, const char *file,
    const struct text *t, int *out)
{
	struct mount_attr attr = {
	    .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
		MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
	    .propagation = MS_PRIVATE,
	};
	char name[NAME_CAP + 16];
	AUTO_CLOSE int fd = -1;

	/* It keeps its name while it is mounted: without one it can't be. */
	snprintf(name, sizeof name, "%s.%s", s->instance, file);
	fd = new_file(l->place->pids_dir, name, t);
	if (fd < 0)
		return -1;
	*out = (int)syscall(SYS_open_tree, fd, "",
	    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	return *out < 0 ? -1 :
			  (int)syscall(SYS_mount_setattr, *out, "",
			      AT_EMPTY_PATH, &attr, sizeof attr);
}

/* Made beside the state, where no container has a name, and put into it whole.
 * If it has made a directory there, that is its own business, and stays. */
static int
keep_file(const struct spec *s, const struct state *state, const char *name, const struct text *t)
{
	char tmp[24];
	AUTO_CLOSE int fd = -1;
	int saved;

	snprintf(tmp, sizeof tmp, ".%s.new", name);
	fd = new_file(state->beside, tmp, t);
	if (fd >= 0 && renameat(state->beside, tmp, state->dir, name) == 0)
		return 0;
	saved = errno;
	if (fd >= 0)
		unlinkat(state->beside, tmp, 0);
	if (saved == EISDIR) {
		log_warn("%s: no %s is put into its state: a directory has that name there",
		    s->instance, name);
		return 0;
	}
	errno = saved;
	return -1;
}

/* When a volume shows all of the state; else, and when there is none, -1. */
static struct state
state_of(const struct launcher *l, const struct spec *s)
{
	struct state state = {-1, -1};
	char path[LAUNCH_STATE_CAP];
	bool whole = false;

	for (uint32_t i = 0; i < s->volumes_count; i++)
		whole = whole || (s->volumes[i].kind == SPEC_STATEDIR &&
				     s->volumes[i].below[0] == '\0');
	if (!whole)
		return state;
	launch_state_path(s, path);
	state.dir = sys_open_beneath(l->place->volumes_dir, path, O_PATH | O_DIRECTORY);
	path[strcspn(path, "/")] = '\0';
	state.beside = sys_open_beneath(l->place->volumes_dir, path, O_PATH | O_DIRECTORY);
	return state;
}

static int
place_file(const struct launcher *l, const struct spec *s, const char *name,
    const struct text *t, const struct state *state, int *mount, struct err *err)
{
	if ((mount != NULL && mount_file(l, s, name, t, mount) < 0) ||
	    (state->dir >= 0 && keep_file(s, state, name, t) < 0))
		return err_set(err, EXIT_STATE, "%s: cannot make its %s: %s",
		    s->instance, name, strerror(errno));
	return 0;
}

int
launch_hosts(const struct launcher *l, struct child *c, struct err *err)
{
	const struct spec *s = c->spec;
	bool hosts = wanted(c, s->hosts_flags, CHILD_HOSTS),
	     resolv = wanted(c, s->resolv_flags, CHILD_RESOLV);
	const struct state state = state_of(l, s);
	AUTO_CLOSE int dir = state.dir, beside = state.beside;
	AUTO_FREE char *buf = NULL;
	struct text t;
	int rc = 0;

	(void)beside; /* open as long as dir is */
	if (!hosts && !resolv && dir < 0)
		return 0;
	t.buf = buf = malloc(TEXT_CAP);
	if (buf == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "out of memory");
	if (hosts || (dir >= 0 && s->hosts_flags & SPEC_FILE_MADE))
		if ((rc = hosts_text(s, &t, err)) == 0)
			rc = place_file(l, s, "hosts", &t, &state,
			    hosts ? &c->hosts : NULL, err);
	if (rc == 0 && (resolv || (dir >= 0 && s->resolv_flags & SPEC_FILE_MADE)))
		if ((rc = read_source(s, "resolv-conf", s->resolv_file, &t, err)) == 0)
			rc = place_file(l, s, "resolv.conf", &t, &state,
			    resolv ? &c->resolv : NULL, err);
	return rc;
}
