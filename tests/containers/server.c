/*
 * server.c - an application that is given listening sockets (test_ports.py).
 *
 *   server FD COUNT [wait]   answers COUNT connections, each with what it was
 *                            given, and ends with 3; wait: for a signal first
 *   server linger FD         at a TERM closes it, and ends at a USR1
 *   server turn FD PORT      makes of it a connection to PORT, and ends
 *   server show FD...        prints what each descriptor is, and waits
 *   server bind PORT...      prints what a bind of each says, and waits
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int
option(int fd, int name)
{
	int v = -1;
	socklen_t len = sizeof v;

	return getsockopt(fd, SOL_SOCKET, name, &v, &len) < 0 ? -1 : v;
}

static void
show(int fd)
{
	struct sockaddr_storage ss = {0};
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&ss;
	struct sockaddr_in *four = (struct sockaddr_in *)&ss;
	socklen_t len = sizeof ss;
	char host[64] = "none";

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
		inet_ntop(ss.ss_family, ss.ss_family == AF_INET ? (void *)&four->sin_addr : (void *)&six->sin6_addr,
		    host, sizeof host);
	printf("fd %d: %s %d accepts=%d addr=%d port=%d nonblock=%d\n", fd, host, ntohs(four->sin_port),
	    option(fd, SO_ACCEPTCONN), option(fd, SO_REUSEADDR), option(fd, SO_REUSEPORT),
	    fcntl(fd, F_GETFL) >= 0 && (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
}

static void
try_bind(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	printf("bind %d: %s\n", port,
	    bind(fd, (struct sockaddr *)&a, sizeof a) < 0 ? strerror(errno) : "bound");
}

static void
stay(const char *last)
{
	puts(last);
	fflush(stdout);
	for (;;)
		pause();
}

static const char *
env(const char *name)
{
	return getenv(name) != NULL ? getenv(name) : "-";
}

int
main(int argc, char **argv)
{
	sigset_t set;
	int fd, conn, sig;

	if (strcmp(argv[1], "show") == 0) {
		for (int i = 2; i < argc; i++)
			show(atoi(argv[i]));
		stay("SHOWN");
	}
	if (strcmp(argv[1], "bind") == 0) {
		for (int i = 2; i < argc; i++)
			try_bind(atoi(argv[i]));
		stay("TRIED");
	}
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	if (strcmp(argv[1], "linger") == 0) {
		sigaddset(&set, SIGTERM);
		sigprocmask(SIG_BLOCK, &set, NULL);
		puts("WAITS");
		fflush(stdout);
		sigwait(&set, &sig);
		close(atoi(argv[2]));
		puts("CLOSED");
		fflush(stdout);
		sigwait(&set, &sig);
		return 0;
	}
	if (strcmp(argv[1], "turn") == 0) {
		struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[3])),
		    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

		shutdown(atoi(argv[2]), SHUT_RDWR);
		return connect(atoi(argv[2]), (struct sockaddr *)&a, sizeof a) < 0 ? 5 : 6;
	}
	fd = atoi(argv[1]);
	if (argc > 3) {
		sigprocmask(SIG_BLOCK, &set, NULL);
		puts("WAITS");
		fflush(stdout);
		sigwait(&set, &sig);
	}
	for (int i = atoi(argv[2]); i > 0; i--) {
		if ((conn = accept(fd, NULL, NULL)) < 0)
			return 4;
		dprintf(conn, "%s %s %s %s %d\n", env("LITHOS_NAME"), env("LISTEN_FDS"), env("LISTEN_FDNAMES"),
		    env("LISTEN_PID"), (int)getpid());
		close(conn);
	}
	return 3;
}
