/*
 * decree.c - see decree.h.
 */
#include "decree.h"

static const char domain[] = "mesh act 1";

size_t
decree_to_sign(const uint8_t *cluster, const char *act, const uint8_t *body, size_t len,
    uint8_t *buf)
{
	size_t n = strlen(act), at = sizeof domain - 1;

	assert(n <= DECREE_ACT_MAX && len <= DECREE_BODY_MAX);
	memcpy(buf, domain, at);
	memcpy(buf + at, cluster, ID_BYTES);
	at += ID_BYTES;
	buf[at++] = (uint8_t)n;
	memcpy(buf + at, act, n);
	at += n;
	memcpy(buf + at, body, len);
	return at + len;
}

bool
decree_holds(const struct crypto *c, const uint8_t *ca, const uint8_t *cluster, const char *act,
    const uint8_t *body, size_t len, const uint8_t *sig)
{
	uint8_t buf[DECREE_SIGNED_MAX];

	return c->verify(c->arg, ca, sig, buf, decree_to_sign(cluster, act, body, len, buf));
}
