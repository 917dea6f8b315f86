/*
 * secret.c - opens sealed secrets.
 *
 * The only code of meshd-conf that sees a key, and the only reason why it knows
 * libsodium.  Its process has shut its doors before it reads either, writes the
 * plain values to whoever started it, and wipes what it held.
 */
#include "secret.h"
#include "place.h"
#include "secret_key.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEALED_BYTES_MAX = 64 << 10, FIELDS = 4, SHORT_LEN = SECRET_HASH_CAP - 1 };

/* Why it can't be opened; of several the last of these is told. */
enum reason { OPENED, OTHER_KEY, DAMAGED, NAMESPACE, HAS_NUL, TOO_MUCH };

struct sealed {
	const char *hash[3]; /* of key, namespace, secret: SHORT_LEN bytes each */
	const char *box;
	size_t box_len;
};

struct opening {
	struct secret_keys keys;
	const char *items;
	size_t items_len;
	const char *file;
	uint8_t *box, *plain; /* SEALED_BYTES_MAX each */
	char *out;
	size_t out_len;
	struct err *err;
};

static bool
split(struct sealed *s, const char *text, size_t len)
{
	const size_t head = 3 + (FIELDS - 1) * (SHORT_LEN + 1);
	const char *p = text + 3;

	if (len <= head || memcmp(text, "v2:", 3) != 0)
		return false;
	for (size_t i = 0; i < FIELDS - 1; i++, p += SHORT_LEN + 1) {
		if (p[SHORT_LEN] != ':')
			return false;
		s->hash[i] = p;
	}
	s->box = p;
	s->box_len = len - head;
	return true;
}

bool
secret_sealed_ok(const char *text, size_t len)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
	struct sealed s;

	if (!split(&s, text, len))
		return false;
	for (size_t i = 0; i < FIELDS - 1; i++)
		if (strspn(s.hash[i], letters) != SHORT_LEN)
			return false;
	return strspn(s.box, letters) == s.box_len;
}

int
secret_begin(struct err *err)
{
	if (sodium_init() < 0)
		return err_set(err, EXIT_ENVIRONMENT, "meshd-conf: libsodium does not start");
	return 0;
}

/* The string after `word ` of an item, or NULL. */
static const char *
item_is(const char *item, const char *word)
{
	size_t n = strlen(word);

	return strncmp(item, word, n) == 0 && item[n] == ' ' ? item + n + 1 : NULL;
}

static bool
may_open(const struct opening *o, const char *ns, size_t len)
{
	for (size_t at = 0; at < o->items_len; at += strlen(o->items + at) + 1) {
		const char *given = item_is(o->items + at, "namespace");

		if (given != NULL && strlen(given) == len && memcmp(given, ns, len) == 0)
			return true;
	}
	return false;
}

static bool
hashes_to(const char *want, const uint8_t *bytes, size_t len)
{
	char got[SECRET_HASH_CAP];

	secret_hash(got, bytes, len);
	return memcmp(got, want, SHORT_LEN) == 0;
}

/* "namespace:secret" in plain. */
static enum reason
take(struct opening *o, const struct sealed *s, size_t len, const char *name, size_t name_len)
{
	const uint8_t *colon = memchr(o->plain, ':', len);
	size_t ns_len = colon == NULL ? 0 : (size_t)(colon - o->plain);
	size_t value_len = colon == NULL ? 0 : len - ns_len - 1;

	if (colon == NULL || !hashes_to(s->hash[1], o->plain, ns_len) ||
	    !hashes_to(s->hash[2], colon + 1, value_len))
		return DAMAGED;
	if (!may_open(o, (const char *)o->plain, ns_len))
		return NAMESPACE;
	if (memchr(colon + 1, 0, value_len) != NULL)
		return HAS_NUL;
	if (name_len + value_len + 2 > SECRET_OUT_BYTES_MAX - o->out_len)
		return TOO_MUCH;
	memcpy(o->out + o->out_len, name, name_len);
	o->out_len += name_len;
	o->out[o->out_len++] = '=';
	memcpy(o->out + o->out_len, colon + 1, value_len);
	o->out_len += value_len;
	o->out[o->out_len++] = '\0';
	return OPENED;
}

static enum reason
open_by(struct opening *o, const struct secret_key *k, const char *text, size_t text_len,
    const char *name, size_t name_len)
{
	struct sealed s;
	enum reason why;
	size_t len;

	if (!split(&s, text, text_len))
		return DAMAGED;
	if (memcmp(s.hash[0], k->hash, SHORT_LEN) != 0)
		return OTHER_KEY;
	if (sodium_base642bin(o->box, SEALED_BYTES_MAX, s.box, s.box_len, NULL, &len, NULL,
		sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    len < crypto_box_SEALBYTES ||
	    crypto_box_seal_open(o->plain, o->box, len, k->public, k->private) != 0)
		return DAMAGED;
	why = take(o, &s, len - crypto_box_SEALBYTES, name, name_len);
	explicit_bzero(o->plain, len);
	return why;
}

static const char *
why_text(enum reason why)
{
	switch (why) {
	case OTHER_KEY:
		return "sealed for another key than secrets-private-key of the sandbox";
	case NAMESPACE:
		return "its namespace is none of secrets-namespaces of the sandbox";
	case HAS_NUL:
		return "holds a NUL byte, which no environment can";
	case TOO_MUCH:
		return "too large: all secrets of a container together may have 128 KiB";
	case DAMAGED:
	case OPENED:
		break;
	}
	return "can't be opened: cut short, or changed since it was sealed";
}

static size_t
word_end(const char *s)
{
	return strcspn(s, " ");
}

/* LINE COL VARIABLE SEALED... */
static int
open_item(struct opening *o, const char *item)
{
	struct place place = {o->file, o->err};
	enum reason worst = OTHER_KEY, why = OTHER_KEY;
	char *rest, shown[64];
	uint32_t line = (uint32_t)strtoul(item, &rest, 10);
	uint32_t col = (uint32_t)strtoul(rest, &rest, 10);
	const char *name = rest + strspn(rest, " ");
	size_t name_len = word_end(name), len;

	for (size_t k = 0; k < o->keys.count; k++)
		for (const char *p = name + name_len; *p == ' '; p += len) {
			len = word_end(++p);
			why = open_by(o, &o->keys.key[k], p, len, name, name_len);
			if (why == OPENED)
				return 0;
			worst = why > worst ? why : worst;
		}
	err_escape(shown, sizeof shown, name, name_len);
	return place_fail(&place, line, col, "secret-environ.%s: %s", shown, why_text(worst));
}

static int
open_all(struct opening *o)
{
	int rc = 0;

	for (size_t at = 0; at < o->items_len && rc == 0; at += strlen(o->items + at) + 1) {
		const char *file = item_is(o->items + at, "file");
		const char *secret = item_is(o->items + at, "secret");

		if (file != NULL)
			o->file = file;
		if (secret != NULL)
			rc = open_item(o, secret);
	}
	return rc;
}

int
secret_open(const char *items, size_t len, const char *key, size_t key_len, char *out,
    size_t *out_len, struct err *err)
{
	struct opening o = {.items = items, .items_len = len, .file = "", .out = out, .err = err};
	int rc;

	*out_len = 0;
	if (len > 0 && items[len - 1] != '\0')
		return err_set(err, EXIT_CONFIG, "meshd-conf: a list of secrets is cut short");
	o.box = malloc(SEALED_BYTES_MAX);
	o.plain = malloc(SEALED_BYTES_MAX);
	if (o.box == NULL || o.plain == NULL)
		rc = err_set(err, EXIT_ENVIRONMENT, "meshd-conf: out of memory");
	else
		rc = secret_keys_parse(&o.keys, key, key_len, err);
	if (rc == 0)
		rc = open_all(&o);
	explicit_bzero(&o.keys, sizeof o.keys);
	free(o.box);
	free(o.plain); /* wiped after each */
	if (rc != 0)
		explicit_bzero(out, o.out_len);
	else
		*out_len = o.out_len;
	return rc;
}
