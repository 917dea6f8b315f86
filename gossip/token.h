/*
 * token.h - a token as a person copies it: what `mesh token` prints and `mesh join`
 * takes.  Whoever has it may let in as many nodes as it says, until it expires: it is
 * a secret, and short-lived.
 *
 *	mesh1_ and base64url, without '=', of
 *	 0         32          64
 *	 +---------+-----------+------------------+------------+
 *	 | CA's key| secret 32 | delegation       | checksum 4 |
 *	 +---------+-----------+------------------+------------+
 *
 * secret is the seed of the token's Ed25519 key; the delegation is as in cert.h; the
 * checksum is the first bytes of BLAKE2b-256 of all before it, so that a slip of the
 * hand is told from a forgery.
 */
#ifndef GOSSIP_TOKEN_H
#define GOSSIP_TOKEN_H

#include "cert.h"

#define TOKEN_PREFIX "mesh1_"

enum {
	TOKEN_SECRET_BYTES = 32,
	TOKEN_SUM_BYTES = 4,
	TOKEN_BYTES_MAX = KEY_BYTES + TOKEN_SECRET_BYTES + CERT_DELEGATION_MAX + TOKEN_SUM_BYTES,
	TOKEN_TEXT_CAP = sizeof TOKEN_PREFIX + (TOKEN_BYTES_MAX * 4 + 2) / 3,
};

struct token {
	uint8_t ca[KEY_BYTES], secret[TOKEN_SECRET_BYTES];
	uint8_t delegation[CERT_DELEGATION_MAX];
	size_t delegation_len;
};

/* What is wrong with a text that should be one. */
#define TOKEN_FAULTS(X)                                                                    \
	X(NONE, "is not a token: one begins with " TOKEN_PREFIX)                         \
	X(CHARACTER, "has a character that no token has")                                  \
	X(LENGTH, "is cut off, or has too much at its end")                                \
	X(SUM, "is mangled: a character was changed or lost on the way")                   \
	X(CONTENT, "is whole, but what it says is no delegation: made by another version?") \
	X(FORGED, "bears no signature of its own CA: forged")

enum token_fault {
	TOKEN_FINE,
#define X(name, text) TOKEN_##name,
	TOKEN_FAULTS(X)
#undef X
};

/* "" for TOKEN_FINE; goes on after the words "the token". */
const char *token_fault_text(enum token_fault fault);
/* text need not end in NUL.  *at: of TOKEN_CHARACTER, which one, from 0.  Uses hash and
 * verify of c.  What is in *out is secret; on a fault it is zero. */
MUST_CHECK enum token_fault token_read(const struct crypto *c, const char *text, size_t len,
    struct token *out, size_t *at);
/* NUL-terminated; out holds TOKEN_TEXT_CAP. */
void token_write(const struct crypto *c, const struct token *t, char *out);

#endif
