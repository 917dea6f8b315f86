/*
 * net.c - an application that looks at its network, and tries to be somebody else on
 * it (test_network.py).
 *
 *   net reach HOST PORT         prints what a connection says
 *   net spoof HOST TO PORT      sends from HOST, which is not its own, in each way
 *                               that there is; prints what each says
 *   net abstract NAME           prints what a connection to that abstract socket says
 * and then waits.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *
said(long rc)
{
	return rc < 0 ? strerror(errno) : "done";
}

static struct sockaddr_in
at(const char *host, const char *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};

	inet_pton(AF_INET, host, &a.sin_addr);
	return a;
}

static void
reach(const char *host, const char *port)
{
	struct sockaddr_in a = at(host, port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	printf("reach %s: %s\n", host, said(connect(fd, (struct sockaddr *)&a, sizeof a)));
}

static void
reach_abstract(const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(a.sun_path + 1, name, strlen(name));
	printf("abstract: %s\n", said(connect(fd, (struct sockaddr *)&a,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name)))));
}

static int
udp(int level, int option)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1;

	if (option != 0 && setsockopt(fd, level, option, &on, sizeof on) < 0)
		printf("option %d: %s\n", option, said(-1));
	return fd;
}

static long
send_from(int fd, const char *host, const struct sockaddr_in *to)
{
	struct sockaddr_in from = at(host, "0");

	return bind(fd, (struct sockaddr *)&from, sizeof from) < 0 ?
	    -1 :
	    sendto(fd, "bound", 5, 0, (const struct sockaddr *)to, sizeof *to);
}

static long
send_told(const char *host, const struct sockaddr_in *to)
{
	char room[CMSG_SPACE(sizeof(struct in_pktinfo))] = {0};
	struct iovec iov = {(void *)(uintptr_t)"told", 4};
	struct msghdr m = {.msg_name = (void *)(uintptr_t)to, .msg_namelen = sizeof *to, .msg_iov = &iov,
	    .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	struct in_pktinfo info = {.ipi_spec_dst = at(host, "0").sin_addr};

	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof info);
	memcpy(CMSG_DATA(c), &info, sizeof info);
	return sendmsg(udp(0, 0), &m, 0);
}

static void
spoof(const char *host, const char *to, const char *port)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
	struct sockaddr_in a = at(to, port);
	int fd, on = 1;

	printf("own: %s\n", said(sendto(udp(0, 0), "own", 3, 0, (struct sockaddr *)&a, sizeof a)));
	printf("bound: %s\n", said(send_from(udp(0, 0), host, &a)));
	printf("freebind: %s\n", said(send_from(udp(IPPROTO_IP, IP_FREEBIND), host, &a)));
	printf("transparent: %s\n", said(send_from(udp(IPPROTO_IP, IP_TRANSPARENT), host, &a)));
	printf("told: %s\n", said(send_told(host, &a)));
	printf("raw: %s\n", said(socket(AF_INET, SOCK_RAW, IPPROTO_RAW)));
	printf("packet: %s\n", said(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL))));
	/* Of IPv6 any process may send from any address, where there is IPv6. */
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on);
	inet_pton(AF_INET6, "fd77::77", &six.sin6_addr);
	bind(fd, (struct sockaddr *)&six, sizeof six);
	inet_pton(AF_INET6, "ff02::1", &six.sin6_addr);
	six.sin6_scope_id = 2;
	for (six.sin6_scope_id = 2; six.sin6_scope_id < 64; six.sin6_scope_id++)
		if (sendto(fd, "six", 3, 0, (struct sockaddr *)&six, sizeof six) >= 0 || errno != ENODEV)
			break;
	printf("six: %s\n", said(sendto(fd, "six", 3, 0, (struct sockaddr *)&six, sizeof six)));
}

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "reach") == 0)
		reach(argv[2], argv[3]);
	if (argc == 5 && strcmp(argv[1], "spoof") == 0)
		spoof(argv[2], argv[3], argv[4]);
	if (argc == 3 && strcmp(argv[1], "abstract") == 0)
		reach_abstract(argv[2]);
	puts("LOOKED");
	fflush(stdout);
	for (;;)
		pause();
}
