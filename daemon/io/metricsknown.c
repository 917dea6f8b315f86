/*
 * metricsknown.c - see metricsknown.h.
 */
#include "metricsknown.h"

#include "crypto.h"

static bool
has(const struct metricsknown *k, const struct hash *h)
{
	for (uint32_t i = 0; i < k->count; i++)
		if (hash_eq(&k->all[i], h))
			return true;
	return false;
}

bool
metricsknown_is(const struct metricsknown *k, struct slice text)
{
	struct hash h;

	crypto_hash256(&h, text.b, text.len);
	return has(k, &h);
}

void
metricsknown_add(struct metricsknown *k, struct slice text)
{
	struct hash h;

	crypto_hash256(&h, text.b, text.len);
	if (has(k, &h))
		return;
	k->all[k->next] = h;
	k->next = (k->next + 1) % METRICSKNOWN_MAX;
	if (k->count < METRICSKNOWN_MAX)
		k->count++;
}
