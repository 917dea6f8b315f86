/*
 * bench_forge.c - how fast what nobody authenticated is refused: datagrams that claim
 * to be a member's, handed to a whole machine, on one core.
 *
 * Prints `forged.FORM.rejected N /s` for frames of 100 and 1232 bytes, and
 * forged.rejected, the slowest of them: the floor is 300,000.
 */
#include <time.h>

#include "wire.h"

enum { FORGERIES = 64, ROUNDS_MS = 300, SETTLE_MS = 5000 };

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
	struct addr from = wire_addr(1);
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
	double least = 1e18;

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
	printf("forged.rejected %.0f /s\n", least);
	wire_free(&w);
	return least >= 300000 ? 0 : 1;
}
