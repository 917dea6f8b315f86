/*
 * fuzz_cert.c - any bytes as a delegation, as a certificate, and any text as a token.
 *
 * The first byte chooses.  What is taken must lie whole inside what was given, and
 * be written again as it was read.
 */
#include "../../gossip/token.h"
#include "toy_crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct crypto crypto = {
    .hash = toy_hash, .sign = anyones_sign, .verify = most_verify, .wipe = toy_wipe};

static bool
inside(const void *p, size_t n, const uint8_t *b, size_t len)
{
	const uint8_t *q = p;

	return q >= b && n <= len && (size_t)(q - b) <= len - n;
}

static void
fuzz_cert(const uint8_t *b, size_t len)
{
	char name[NAME_CAP] = "", zone[NAME_CAP] = "";
	uint8_t again[CERT_BYTES_MAX];
	struct cert x;

	if (cert_read(b, len, &x) < 0)
		return;
	must(x.len == len && inside(x.name, x.name_len, b, len) &&
	    inside(x.zone, x.zone_len, b, len) && inside(x.sig, SIG_BYTES, b, len) &&
	    inside(x.by.sig, SIG_BYTES, b, len) && cert_name_fits(x.name, x.name_len));
	memcpy(name, x.name, x.name_len);
	memcpy(zone, x.zone, x.zone_len);
	must(cert_put(again, x.by.bytes, x.by.len, name, zone) == len - SIG_BYTES);
	must(memcmp(again, b, len - SIG_BYTES) == 0);
	(void)cert_holds(&crypto, again, again, &x);
}

static void
fuzz_delegation(const uint8_t *b, size_t len)
{
	char zone[NAME_CAP] = "";
	uint8_t again[CERT_DELEGATION_MAX];
	struct cert_delegation d;
	int n = cert_read_delegation(b, len, &d);

	if (n < 0)
		return;
	must((size_t)n == d.len && d.len <= len && d.len <= CERT_DELEGATION_MAX);
	memcpy(zone, d.zone, d.zone_len);
	must(cert_put_delegation(again, d.token, d.expiry_s, d.uses, zone) == d.len - SIG_BYTES);
	must(memcmp(again, b, d.len - SIG_BYTES) == 0);
}

static void
fuzz_text(const char *text, size_t len)
{
	char again[TOKEN_TEXT_CAP];
	struct token t;
	size_t at;

	if (token_read(&crypto, text, len, &t, &at) != TOKEN_FINE) {
		must(at <= len);
		return;
	}
	token_write(&crypto, &t, again);
	must(strlen(again) == len && memcmp(again, text, len) == 0);
}

/* As the text of a token with a good checksum: what lies behind it. */
static void
fuzz_token(const uint8_t *b, size_t len)
{
	struct token t = {.ca = {0}};
	char text[TOKEN_TEXT_CAP];

	t.delegation_len = len < sizeof t.delegation ? len : sizeof t.delegation;
	memcpy(t.delegation, b, t.delegation_len);
	token_write(&crypto, &t, text);
	fuzz_text(text, strlen(text));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	switch (data[0] % 4) {
	case 0:
		fuzz_cert(data + 1, len - 1);
		break;
	case 1:
		fuzz_delegation(data + 1, len - 1);
		break;
	case 2:
		fuzz_text((const char *)data + 1, len - 1);
		break;
	default:
		fuzz_token(data + 1, len - 1);
		break;
	}
	return 0;
}
