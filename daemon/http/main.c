/*
 * main.c - meshd-http: Prometheus' HTTP API for whoever is near, so that Grafana takes any
 * node as a data source.  Started by the supervisor as a user of its own (of group mesh,
 * for the control socket) when `http:` is set; it holds no state and reads only.
 *
 * It opens its port, and from then on can open nothing: the filter leaves it sockets to
 * run-dir/ctl and what it has.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netdb.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/flat.h"
#include "../base/httpfd.h"
#include "../base/log.h"
#include "../base/sanitized.h"
#include "server.h"

enum { PATH_CAP = 512, HOST_CAP = 256, MEMORY_BYTES_MAX = 256 << 20, LARGE_BYTES = 128 << 10 };

struct conf {
	char host[HOST_CAP], port[8], ctl[PATH_CAP + 8];
	char names[SERVER_HOSTS_MAX][HOST_CAP];
	const char *hosts[SERVER_HOSTS_MAX];
	size_t hosts_count;
};

static void
add_host(struct conf *c, const char *name, size_t len)
{
	char *to = c->names[c->hosts_count];

	if (c->hosts_count == SERVER_HOSTS_MAX || len >= HOST_CAP)
		return;
	memcpy(to, name, len);
	to[len] = '\0';
	c->hosts[c->hosts_count++] = to;
}

/* "HOST:PORT", as meshd-conf has checked it. */
static int
read_conf(struct conf *c, const struct flat *f, struct err *err)
{
	char listen_[HOST_CAP + 8], run_dir[PATH_CAP], prefix[] = "http/hosts", key[HOST_CAP];
	struct flat_rec rec;
	const char *colon;
	size_t off = 0;

	if (!flat_str(f, "http/listen", listen_, sizeof listen_))
		snprintf(listen_, sizeof listen_, "127.0.0.1:7781");
	if (!flat_str(f, "run-dir", run_dir, sizeof run_dir))
		snprintf(run_dir, sizeof run_dir, "/run/mesh");
	colon = strrchr(listen_, ':');
	if (colon == NULL || colon == listen_ || strlen(colon + 1) >= sizeof c->port)
		return err_set(err, EXIT_CONFIG, "http: listen: '%s' is no HOST:PORT", listen_);
	snprintf(c->port, sizeof c->port, "%s", colon + 1);
	snprintf(c->ctl, sizeof c->ctl, "%s/ctl", run_dir);
	add_host(c, "localhost", 9);
	add_host(c, "127.0.0.1", 9);
	add_host(c, "[::1]", 5);
	add_host(c, listen_, (size_t)(colon - listen_));
	while (flat_next(f, &off, &rec))
		if (rec.type == FLAT_STR && flat_child(&rec, prefix, key, sizeof key))
			add_host(c, rec.str, rec.str_len);
	if (listen_[0] == '[' && colon[-1] == ']')
		snprintf(c->host, sizeof c->host, "%.*s", (int)(colon - listen_ - 2), listen_ + 1);
	else
		snprintf(c->host, sizeof c->host, "%.*s", (int)(colon - listen_), listen_);
	return 0;
}

static int
load(struct conf *c, struct err *err)
{
	struct stat st;
	struct flat f;
	void *raw;

	if (fstat(HTTP_FD_CONF, &st) < 0 || st.st_size <= 0 || st.st_size > FLAT_BYTES_MAX)
		return err_set(err, EXIT_ENVIRONMENT,
		    "descriptor %d is missing: meshd starts this program, nobody else", HTTP_FD_CONF);
	raw = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, HTTP_FD_CONF, 0);
	if (raw == MAP_FAILED || flat_open(&f, raw, (size_t)st.st_size) < 0)
		return err_set(err, EXIT_ENVIRONMENT, "its configuration is no flat records: are the programs of one version?");
	close(HTTP_FD_CONF);
	return read_conf(c, &f, err);
}

static int
listen_at(const struct conf *c, int *fd, struct err *err)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
	struct addrinfo *at = NULL;
	int rc = getaddrinfo(c->host, c->port, &hints, &at), one = 1;

	if (rc != 0)
		return err_set(err, EXIT_CONFIG, "http: listen: '%s:%s': %s; give an address", c->host, c->port, gai_strerror(rc));
	*fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0 || setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
	    bind(*fd, at->ai_addr, at->ai_addrlen) < 0 || listen(*fd, 128) < 0) {
		rc = errno;
		freeaddrinfo(at);
		return err_set(err, EXIT_ENVIRONMENT, "http: listen: bind %s:%s: %s", c->host, c->port, strerror(rc));
	}
	freeaddrinfo(at);
	if (strncmp(c->host, "127.", 4) != 0 && strcmp(c->host, "::1") != 0)
		log_warn("http: %s:%s is open to whoever reaches it: metrics are read there without a password", c->host, c->port);
	return 0;
}

/* All that it does from now on. */
static const char *const allowed[] = {"accept4", "brk", "clock_gettime", "clock_nanosleep", "close", "connect", "epoll_ctl",
    "epoll_pwait", "epoll_wait", "exit", "exit_group", "fcntl", "fstat", "futex", "getpeername", "getpid",
    "getrandom", "getsockname", "getsockopt", "gettimeofday", "gettid", "ioctl", "lseek", "madvise", "mmap", "mprotect",
    "mremap", "munmap", "nanosleep", "newfstatat", "poll", "ppoll", "prctl", "pread64", "read", "readv", "recvfrom", "recvmsg",
    "restart_syscall", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sendmsg", "sendto", "setsockopt",
    "shutdown", "sigaltstack", "tgkill", "time", "write", "writev"};

static int
shut(struct err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	struct rlimit none = {0, 0}, memory = {MEMORY_BYTES_MAX, MEMORY_BYTES_MAX}, files = {256, 256};
	int rc = ctx != NULL ? 0 : -ENOMEM;

	for (size_t i = 0; i < ARRAY_LEN(allowed) && rc == 0; i++) {
		int nr = seccomp_syscall_resolve_name(allowed[i]);

		if (nr != __NR_SCMP_ERROR)
			rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0);
	}
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
	if (rc == 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0 ||
			   setrlimit(RLIMIT_NOFILE, &files) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0))
		rc = -errno;
#if !SANITIZED
	if (rc == 0 && setrlimit(RLIMIT_AS, &memory) < 0)
		rc = -errno;
#endif
	(void)memory;
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	return rc < 0 ? err_set(err, EXIT_ENVIRONMENT, "seccomp: %s", strerror(-rc)) : 0;
}

int
main(void)
{
	static struct conf c;
	struct server_conf sc = {.ctl = c.ctl, .hosts = c.hosts};
	struct server *s;
	struct err err;

	log_init("http", LOG_LEVEL_INFO);
	signal(SIGPIPE, SIG_IGN);
	(void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES); /* what a long answer took goes back with it, each time */
	if (load(&c, &err) < 0 || listen_at(&c, &sc.listener, &err) < 0) {
		log_warn("%s", err.text);
		return err.code;
	}
	sc.hosts_count = c.hosts_count;
	if (server_new(&sc, &s, &err) < 0 || shut(&err) < 0) {
		log_warn("%s", err.text);
		return err.code;
	}
	log_info("metrics at http://%s:%s/metrics; data source of Grafana: http://%s:%s", c.host, c.port, c.host, c.port);
	for (;;)
		server_turn(s);
}
