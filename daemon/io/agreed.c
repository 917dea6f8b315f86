/*
 * agreed.c - see agreed.h.
 */
#include "agreed.h"

#include <stdlib.h>

#include "crypto.h"

struct agreed *
agreed_new(void)
{
	return calloc(1, sizeof(struct agreed));
}

/* Public keys are as good as random bytes; those that are not harm agreed.h's few. */
static uint32_t
set_of(const uint8_t pk[KEY_BYTES])
{
	return (pk[0] ^ (uint32_t)pk[7] << 3 ^ (uint32_t)pk[13] << 5) % AGREED_SETS;
}

bool
agreed_get(const struct agreed *a, const uint8_t me[KEY_BYTES], const uint8_t pk[KEY_BYTES],
    uint8_t out[KEY_BYTES])
{
	const struct agreed_set *s = &a->sets[set_of(pk)];

	if (memcmp(a->of, me, KEY_BYTES) != 0)
		return false;
	for (uint32_t i = 0; i < s->count; i++) {
		if (memcmp(s->one[i].pk, pk, KEY_BYTES) == 0) {
			memcpy(out, s->one[i].secret, KEY_BYTES);
			return true;
		}
	}
	return false;
}

void
agreed_put(struct agreed *a, const uint8_t me[KEY_BYTES], const uint8_t pk[KEY_BYTES],
    const uint8_t secret[KEY_BYTES])
{
	struct agreed_set *s = &a->sets[set_of(pk)];
	uint8_t old[KEY_BYTES];

	if (memcmp(a->of, me, KEY_BYTES) != 0) {
		agreed_wipe(a);
		memcpy(a->of, me, KEY_BYTES);
	}
	if (agreed_get(a, me, pk, old)) {
		crypto_wipe(old, sizeof old);
		return;
	}
	memcpy(s->one[s->next].pk, pk, KEY_BYTES);
	memcpy(s->one[s->next].secret, secret, KEY_BYTES);
	s->next = (uint8_t)((s->next + 1) % AGREED_WAYS);
	if (s->count < AGREED_WAYS)
		s->count++;
}

void
agreed_wipe(struct agreed *a)
{
	crypto_wipe(a->of, sizeof a->of);
	for (uint32_t i = 0; i < AGREED_SETS; i++)
		if (a->sets[i].count > 0)
			crypto_wipe(&a->sets[i], sizeof a->sets[i]);
}
