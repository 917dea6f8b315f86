/*
 * decree.c - see decree.h.
 */
#include "decree.h"

#include "be.h"

static const char domain[] = "mesh act 1";
const uint8_t decree_mark[8] = {'r', 'e', 'c', 'o', 'v', 'e', 'r', 0};

void
decree_recovery(uint64_t number, const uint8_t *pk, uint8_t body[DECREE_RECOVERY_BYTES])
{
	be_put(body, number, 8);
	memcpy(body + 8, decree_mark, sizeof decree_mark);
	memcpy(body + 16, pk, KEY_BYTES);
}

void
decree_given_up(uint64_t number, const struct node_id *id, const uint8_t *token,
    uint8_t body[DECREE_GIVEN_UP_BYTES])
{
	memcpy(body, id->b, ID_BYTES);
	memcpy(body + ID_BYTES, token, KEY_BYTES);
	be_put(body + ID_BYTES + KEY_BYTES, number, 8);
}

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
