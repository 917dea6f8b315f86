/*
 * bench_forge.c - how fast what nobody authenticated is refused: datagrams that claim
 * to be a member's, handed to a whole machine, on one core.
 *
 * Prints `forged.FORM.rejected N /s` for frames of 100 and 1232 bytes, and
 * forged.rejected, the slowest of them, and its bound, which is a floor; below it the
 * exit code is 1 (JUST_TELL=1: is 0).  Beside it stands
 * forged.socket.rejected: the same with a recvfrom(2) each on the loopback, of
 * which only the receiving is counted; there the kernel is the limit.
 */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../../../gossip/inner.h"
#include "wire.h"

enum { FORGERIES = 64, ROUNDS_MS = 300, SETTLE_MS = 5000, FLOOR = 300000 };

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double
measure(struct wire *w, enum seal_form form, size_t len)
{
	static uint8_t forged[FORGERIES][DGRAM_BYTES_MAX];
	struct addr from = toy_addr(1);
	double began, took;
	uint64_t n = 0;

	for (size_t k = 0; k < FORGERIES; k++)
		wire_forge(w, form, forged[k], len);
	began = seconds();
	do {
		for (size_t k = 0; k < FORGERIES; k++)
			n += mesh_recv(w->node[0], w->now, &from, forged[k], len) < 0;
		took = seconds() - began;
	} while (took < ROUNDS_MS / 1e3);
	return (double)n / took;
}

/* 0 when there is no loopback to measure on. */
static double
measure_socket(struct wire *w, size_t len)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t at_len = sizeof at;
	uint8_t forged[DGRAM_BYTES_MAX], got[DGRAM_BYTES_MAX];
	struct addr from = toy_addr(1);
	int in = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	double took = 0;
	uint64_t n = 0;

	if (in < 0 || bind(in, (struct sockaddr *)&at, sizeof at) < 0 ||
	    getsockname(in, (struct sockaddr *)&at, &at_len) < 0)
		return 0;
	wire_forge(w, SEAL_PAIR, forged, len);
	while (took < ROUNDS_MS / 1e3) {
		double began;

		for (size_t k = 0; k < FORGERIES; k++)
			if (sendto(in, forged, len, 0, (struct sockaddr *)&at, at_len) < 0)
				return 0;
		began = seconds();
		for (size_t k = 0; k < FORGERIES; k++) {
			struct sockaddr_in who;
			socklen_t who_len = sizeof who;
			ssize_t bytes = recvfrom(in, got, sizeof got, MSG_DONTWAIT,
			    (struct sockaddr *)&who, &who_len);

			if (bytes > 0)
				n += mesh_recv(w->node[0], w->now, &from, got, (size_t)bytes) < 0;
		}
		took += seconds() - began;
	}
	close(in);
	return (double)n / took;
}

int
main(void)
{
	static const struct {
		const char *name;
		enum seal_form form;
	} forms[] = {{"pair", SEAL_PAIR}, {"shared", SEAL_SHARED}, {"join", SEAL_JOIN}};
	static const size_t lens[] = {100, DGRAM_BYTES_MAX};
	static struct wire w;
	struct err err;
	double least = 1e18, by_socket;
	const char *tell = getenv("JUST_TELL");

	if (crypto_init(&err) != 0 || !wire_init(&w))
		return 5;
	for (int ms = 0; ms < SETTLE_MS; ms++)
		wire_step(&w);
	for (size_t f = 0; f < ARRAY_LEN(forms); f++)
		for (size_t l = 0; l < ARRAY_LEN(lens); l++) {
			double rate = measure(&w, forms[f].form, lens[l]);

			printf("forged.%s.%zu.rejected %.0f /s\n", forms[f].name, lens[l], rate);
			least = rate < least ? rate : least;
		}
	by_socket = measure_socket(&w, 100);
	printf("forged.socket.rejected %.0f /s\n", by_socket);
	printf("forged.rejected %.0f /s\n", least);
	printf("forged.rejected.bound %d /s\n", FLOOR);
	printf("forged.rejected.beside %.0f /s: received from a socket first\n", by_socket);
	wire_free(&w);
	if (least >= FLOOR)
		return 0;
	fprintf(stderr, "bench: bound forged.rejected >= %d /s broken: %.0f\n", FLOOR, least);
	return tell != NULL && tell[0] != '\0' && strcmp(tell, "0") != 0 ? 0 : 1;
}
