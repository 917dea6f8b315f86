/*
 * token.c - see token.h.
 */
#include "token.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

enum { PREFIX_LEN = sizeof TOKEN_PREFIX - 1, DELEGATION_AT = KEY_BYTES + TOKEN_SECRET_BYTES };

const char *
token_fault_text(enum token_fault fault)
{
	static const char *const texts[] = {[TOKEN_FINE] = "",
#define X(name, text) [TOKEN_##name] = text,
	    TOKEN_FAULTS(X)
#undef X
	};

	return texts[fault];
}

/* --- base64url --------------------------------------------------------------- */

static size_t
encode(char *out, const uint8_t *b, size_t len)
{
	uint32_t bits = 0, held = 0;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | b[i];
		for (held += 8; held >= 6; held -= 6)
			out[n++] = digits[bits >> (held - 6) & 63];
	}
	if (held > 0)
		out[n++] = digits[bits << (6 - held) & 63];
	return n;
}

/* How many bytes; -TOKEN_CHARACTER: the one at *at is no digit; -TOKEN_LENGTH: the last
 * has bits that no byte left there, so one token has one text. */
static int
decode(uint8_t *out, const char *s, size_t len, size_t *at)
{
	uint32_t bits = 0, held = 0;
	int n = 0;

	for (*at = 0; *at < len; ++*at) {
		const char *d = s[*at] == '\0' ? NULL : strchr(digits, s[*at]);

		if (d == NULL)
			return -TOKEN_CHARACTER;
		bits = bits << 6 | (uint32_t)(d - digits);
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[n++] = (uint8_t)(bits >> held);
		}
	}
	return held < 6 && (bits & ((1u << held) - 1)) == 0 ? n : -TOKEN_LENGTH;
}

/* --- tokens ------------------------------------------------------------------- */

static enum token_fault
take(const struct crypto *c, const uint8_t *b, size_t len, struct token *out)
{
	struct cert_delegation d;
	struct hash sum;
	size_t body;

	if (len < DELEGATION_AT + TOKEN_SUM_BYTES)
		return TOKEN_LENGTH;
	body = len - TOKEN_SUM_BYTES;
	c->hash(c->arg, &sum, b, body);
	if (memcmp(sum.b, b + body, TOKEN_SUM_BYTES) != 0)
		return TOKEN_SUM;
	if (cert_read_delegation(b + DELEGATION_AT, body - DELEGATION_AT, &d) < 0 ||
	    d.len != body - DELEGATION_AT)
		return TOKEN_CONTENT;
	if (!cert_delegation_holds(c, b, &d))
		return TOKEN_FORGED;
	memcpy(out->ca, b, KEY_BYTES);
	memcpy(out->secret, b + KEY_BYTES, TOKEN_SECRET_BYTES);
	memcpy(out->delegation, d.bytes, d.len);
	out->delegation_len = d.len;
	return TOKEN_FINE;
}

enum token_fault
token_read(const struct crypto *c, const char *text, size_t len, struct token *out, size_t *at)
{
	uint8_t b[TOKEN_BYTES_MAX + 3] = {0};
	enum token_fault fault;
	int n;

	memset(out, 0, sizeof *out);
	*at = 0;
	if (len < PREFIX_LEN || memcmp(text, TOKEN_PREFIX, PREFIX_LEN) != 0)
		return TOKEN_NONE;
	if (len - PREFIX_LEN > (TOKEN_BYTES_MAX * 4 + 2) / 3)
		return TOKEN_LENGTH;
	n = decode(b, text + PREFIX_LEN, len - PREFIX_LEN, at);
	*at += PREFIX_LEN;
	fault = n < 0 ? (enum token_fault)-n : take(c, b, (size_t)n, out);
	c->wipe(c->arg, b, sizeof b);
	return fault;
}

void
token_write(const struct crypto *c, const struct token *t, char *out)
{
	uint8_t b[TOKEN_BYTES_MAX];
	size_t len = DELEGATION_AT + t->delegation_len;
	struct hash sum;

	assert(t->delegation_len <= CERT_DELEGATION_MAX);
	memcpy(b, t->ca, KEY_BYTES);
	memcpy(b + KEY_BYTES, t->secret, TOKEN_SECRET_BYTES);
	memcpy(b + DELEGATION_AT, t->delegation, t->delegation_len);
	c->hash(c->arg, &sum, b, len);
	memcpy(b + len, sum.b, TOKEN_SUM_BYTES);
	memcpy(out, TOKEN_PREFIX, PREFIX_LEN);
	len = encode(out + PREFIX_LEN, b, len + TOKEN_SUM_BYTES);
	out[PREFIX_LEN + len] = '\0';
	c->wipe(c->arg, b, sizeof b);
}
