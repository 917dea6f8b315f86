/*
 * cert.c - see cert.h: bytes to fields and back, and whose signatures they bear.
 */
#include "cert.h"

#include "be.h"

static const char token_domain[] = "mesh token 1", node_domain[] = "mesh node 1",
		  cluster_domain[] = "mesh cluster 1";

enum { ZONE_AT = KEY_BYTES + 8 + 2 };

bool
cert_name_fits(const char *s, size_t len)
{
	if (len == 0 || len > NAME_BYTES_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool alnum = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9');

		if (!alnum && (i == 0 || (s[i] != '_' && s[i] != '.' && s[i] != '-')))
			return false;
	}
	return true;
}

void
cert_cluster(const struct crypto *c, const uint8_t *ca, uint8_t *out)
{
	uint8_t buf[sizeof cluster_domain - 1 + KEY_BYTES];
	struct hash h;

	memcpy(buf, cluster_domain, sizeof cluster_domain - 1);
	memcpy(buf + sizeof cluster_domain - 1, ca, KEY_BYTES);
	c->hash(c->arg, &h, buf, sizeof buf);
	memcpy(out, h.b, ID_BYTES);
}

/* --- reading ----------------------------------------------------------------- */

/* Length 1, then so many bytes of a name; *at moves on. */
static int
read_name(const uint8_t *buf, size_t len, size_t *at, bool may_lack, const char **s, size_t *n)
{
	if (len - *at < 1)
		return -ERR_SHORT;
	*n = buf[*at];
	*s = (const char *)buf + *at + 1;
	if (*n > NAME_BYTES_MAX)
		return -ERR_MALFORMED;
	if (len - *at - 1 < *n)
		return -ERR_SHORT;
	*at += 1 + *n;
	return (may_lack && *n == 0) || cert_name_fits(*s, *n) ? 0 : -ERR_MALFORMED;
}

int
cert_read_delegation(const uint8_t *buf, size_t len, struct cert_delegation *out)
{
	size_t at = ZONE_AT;
	int rc;

	*out = (struct cert_delegation){.bytes = buf, .token = buf};
	if (len < ZONE_AT)
		return -ERR_SHORT;
	out->expiry_s = be_get(buf + KEY_BYTES, 8);
	out->uses = (uint32_t)be_get(buf + KEY_BYTES + 8, 2);
	if ((rc = read_name(buf, len, &at, true, &out->zone, &out->zone_len)) < 0)
		return rc;
	if (len - at < SIG_BYTES)
		return -ERR_SHORT;
	/* Beyond that a time of day in milliseconds is no number of ours. */
	if (out->uses == 0 || out->expiry_s == 0 || out->expiry_s > UINT32_MAX * UINT64_C(1000))
		return -ERR_RANGE;
	out->sig = buf + at;
	out->len = at + SIG_BYTES;
	return (int)out->len;
}

int
cert_read(const uint8_t *buf, size_t len, struct cert *out)
{
	size_t at;
	int rc;

	memset(out, 0, sizeof *out);
	if (len > CERT_BYTES_MAX)
		return -ERR_LONG;
	if ((rc = cert_read_delegation(buf, len, &out->by)) < 0)
		return rc;
	at = out->by.len;
	if ((rc = read_name(buf, len, &at, false, &out->name, &out->name_len)) < 0 ||
	    (rc = read_name(buf, len, &at, true, &out->zone, &out->zone_len)) < 0)
		return rc;
	if (len - at < SIG_BYTES)
		return -ERR_SHORT;
	if (len - at > SIG_BYTES)
		return -ERR_LONG;
	if (out->by.zone_len > 0 &&
	    (out->by.zone_len != out->zone_len || memcmp(out->by.zone, out->zone, out->zone_len) != 0))
		return -ERR_AUTH;
	out->bytes = buf;
	out->len = len;
	out->sig = buf + at;
	return 0;
}

/* --- signatures ---------------------------------------------------------------- */

static size_t
put(uint8_t *buf, size_t at, const void *bytes, size_t len)
{
	if (len > 0)
		memcpy(buf + at, bytes, len);
	return at + len;
}

size_t
cert_delegation_to_sign(const uint8_t *cluster, const uint8_t *bytes, size_t len, uint8_t *buf)
{
	size_t at = put(buf, 0, token_domain, sizeof token_domain - 1);

	at = put(buf, at, cluster, ID_BYTES);
	return put(buf, at, bytes, len);
}

size_t
cert_to_sign(const uint8_t *cluster, const uint8_t *pk, const uint8_t *bytes, size_t len,
    uint8_t *buf)
{
	size_t at = put(buf, 0, node_domain, sizeof node_domain - 1);

	at = put(buf, at, cluster, ID_BYTES);
	at = put(buf, at, pk, KEY_BYTES);
	return put(buf, at, bytes, len);
}

bool
cert_delegation_holds(const struct crypto *c, const uint8_t *ca, const struct cert_delegation *d)
{
	uint8_t cluster[ID_BYTES], buf[CERT_SIGNED_MAX];

	cert_cluster(c, ca, cluster);
	return c->verify(c->arg, ca, d->sig, buf,
	    cert_delegation_to_sign(cluster, d->bytes, d->len - SIG_BYTES, buf));
}

bool
cert_holds(const struct crypto *c, const uint8_t *ca, const uint8_t *pk, const struct cert *x)
{
	uint8_t cluster[ID_BYTES], buf[CERT_SIGNED_MAX];

	cert_cluster(c, ca, cluster);
	return c->verify(c->arg, x->by.token, x->sig, buf,
		   cert_to_sign(cluster, pk, x->bytes, x->len - SIG_BYTES, buf)) &&
	    cert_delegation_holds(c, ca, &x->by);
}

/* --- making -------------------------------------------------------------------- */

static size_t
put_name(uint8_t *out, size_t at, const char *s)
{
	size_t n = strlen(s);

	assert(n <= NAME_BYTES_MAX);
	out[at] = (uint8_t)n;
	return put(out, at + 1, s, n);
}

size_t
cert_put_delegation(uint8_t *out, const uint8_t *token, uint64_t expiry_s, uint32_t uses,
    const char *zone)
{
	assert(uses > 0 && uses <= CERT_USES_MAX);
	memcpy(out, token, KEY_BYTES);
	be_put(out + KEY_BYTES, expiry_s, 8);
	be_put(out + KEY_BYTES + 8, uses, 2);
	return put_name(out, ZONE_AT, zone);
}

size_t
cert_put(uint8_t *out, const uint8_t *delegation, size_t delegation_len, const char *name,
    const char *zone)
{
	size_t at = put(out, 0, delegation, delegation_len);

	assert(delegation_len <= CERT_DELEGATION_MAX);
	at = put_name(out, at, name);
	return put_name(out, at, zone);
}
