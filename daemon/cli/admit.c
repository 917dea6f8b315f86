/*
 * admit.c - see admit.h.
 */
#include "admit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../gossip/decree.h"
#include "../../gossip/evict.h"
#include "../../gossip/mpw.h"
#include "../base/ctl.h"
#include "../base/own.h"
#include "../io/ca.h"
#include "answer.h"
#include "client.h"
#include "show.h"
#include "text.h"
#include "value.h"

enum {
	ASK_MS = 10 * 1000,
	FIRST_S = 60, /* the first node's token lives so long, and in memory alone */
	EXPIRES_MS = 3600 * 1000,
	PATH_CAP = 4200,
	ID_DIGITS_MIN = 8, /* of an id, to stand for its node */
};

#define CA_DEFAULT "/var/lib/mesh/" CA_FILE

/* --- hex, as the daemon speaks it ---------------------------------------------- */

static void
put_hex(char *out, const uint8_t *b, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[b[i] >> 4];
		out[2 * i + 1] = digits[b[i] & 15];
	}
	out[2 * len] = '\0';
}

static bool
take_hex(const json_t *from, const char *key, uint8_t *out, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const char *s = value_str(from, key);

	if (strlen(s) != 2 * len || strspn(s, digits) != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)((strchr(digits, s[2 * i]) - digits) << 4 |
		    (strchr(digits, s[2 * i + 1]) - digits));
	return true;
}

/* --- asking who this is ---------------------------------------------------------- */

/* What the daemon answers to a verb with one argument, or none; NULL with *e. */
static json_t *
asked(const struct show *s, const char *verb, const char *key, const char *text, struct run_error *e)
{
	uint8_t request[ANSWER_REQUEST_CAP];
	AUTO_FREE uint8_t *buf = NULL;
	struct answer x = {.ok = false};
	json_t *out = NULL;
	struct client c;
	struct mpw w;
	size_t len;

	mpw_init(&w, request, sizeof request);
	mpw_map(&w, 2);
	mpw_cstr(&w, "verb");
	mpw_cstr(&w, verb);
	mpw_cstr(&w, "args");
	mpw_map(&w, text != NULL);
	if (text != NULL) {
		mpw_cstr(&w, key);
		mpw_cstr(&w, text);
	}
	if (client_open(&c, s->args->socket, ASK_MS, &e->err) >= 0 &&
	    client_send(&c, request, w.len, &e->err) >= 0 &&
	    client_recv(&c, &buf, &len, &e->err) >= 0 && answer_open(&x, buf, len, &e->err) >= 0) {
		if (x.ok) {
			out = json_incref(x.data);
		} else {
			e->err.code = x.code;
			e->text = x.error;
			e->hint = x.hint;
			x.error = x.hint = NULL;
		}
		answer_free(&x);
	} else if (c.hint != NULL) {
		e->hint = strdup(c.hint);
	}
	client_close(&c);
	return out;
}

/* Its `identity`, about another node too when one is named. */
static json_t *
identity(const struct show *s, const char *node, struct run_error *e)
{
	return asked(s, "identity", "node", node, e);
}

static bool
is_true(const json_t *id, const char *key)
{
	return json_is_true(json_object_get(id, key));
}

/* --- keys and tokens ---------------------------------------------------------------- */

static int
odd_answer(struct err *err)
{
	return err_set(err, 1, "the daemon's answer is not what this mesh (" MESH_VERSION ") expects: update both");
}

/* Certifies the node that the daemon says it is, by that token. */
static int
certify(struct args *a, const struct token *t, const json_t *id, const char *zone, struct err *err)
{
	uint8_t pk[KEY_BYTES], cert[CERT_BYTES_MAX];
	const char *name = value_str(id, "node");
	size_t len;

	if (!take_hex(id, "pk", pk, sizeof pk) || !cert_name_fits(name, strlen(name)) ||
	    (zone[0] != '\0' && !cert_name_fits(zone, strlen(zone))))
		return odd_answer(err);
	len = ca_certify(t, pk, name, zone, cert);
	put_hex(a->ca, t->ca, KEY_BYTES);
	put_hex(a->cert, cert, len);
	return 0;
}

/* Where ca.key lies: as said, else beside the daemon's state. */
static void
ca_path(const struct args *a, const json_t *id, char out[PATH_CAP])
{
	if (a->ca_key != NULL)
		snprintf(out, PATH_CAP, "%s", a->ca_key);
	else if (id != NULL && *value_str(id, "state_dir") == '/')
		snprintf(out, PATH_CAP, "%s/" CA_FILE, value_str(id, "state_dir"));
	else
		snprintf(out, PATH_CAP, CA_DEFAULT);
}

static int
open_ca(const char *verb, const char *path, struct ca *out, struct run_error *e)
{
	struct err why;

	if (ca_open(path, out, &why) == 0)
		return 0;
	e->hint = strdup("run it where ca.key lies (the host of mesh init), as root, or give --ca-key FILE");
	return err_set(&e->err, why.code, "%s: %s", verb, why.text);
}

int
admit_init(const struct show *s, struct args *a, struct run_error *e)
{
	json_t *id = identity(s, NULL, e);
	struct crypto crypto;
	struct token t;
	struct ca ca;
	int rc = 0;

	if (id == NULL)
		return -e->err.code;
	if (!is_true(id, "starter") && !is_true(id, "member") &&
	    (rc = ca_crypto(&crypto, &e->err)) == 0 &&
	    (rc = ca_make(value_str(id, "state_dir"), json_is_string(json_object_get(id, "ca")),
		 is_true(id, "fresh"), &ca, &e->err)) == 0) {
		ca_token(&ca, (uint64_t)(s->now_ms / 1000 + FIRST_S), 1, "", &t);
		rc = certify(a, &t, id, value_str(id, "zone"), &e->err);
		crypto.wipe(crypto.arg, &t, sizeof t);
		ca_wipe(&ca);
	}
	json_decref(id);
	return rc;
}

/* --- join ------------------------------------------------------------------------------ */

/* From a file, or from standard input where it is "-"; its length, or negative. */
static ssize_t
read_text(const char *path, char *out, size_t cap, struct err *err)
{
	bool in = strcmp(path, "-") == 0;
	AUTO_CLOSE int file = in ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	int fd = in ? STDIN_FILENO : file;
	size_t n = 0;

	while (fd >= 0 && n < cap) {
		ssize_t k = read(fd, out + n, cap - n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0) {
			if (k == 0)
				break;
			fd = -1;
			break;
		}
		n += (size_t)k;
	}
	if (fd < 0)
		return err_set(err, EXIT_USAGE_, "join: %.300s: %s", in ? "standard input" : path,
		    strerror(errno));
	while (n > 0 && strchr(" \t\r\n", out[n - 1]) != NULL && out[n - 1] != '\0')
		n--;
	return (ssize_t)n;
}

/* The token, however it was given; what is in argv is overwritten there. */
static int
take_token(struct args *a, const struct crypto *c, int64_t now_ms, struct token *t, struct err *err)
{
	char text[2 * TOKEN_TEXT_CAP], age[TEXT_AGE_CAP];
	struct cert_delegation d;
	enum token_fault fault;
	ssize_t n;
	size_t at;

	if (a->token_file != NULL && a->second != NULL)
		return err_set(err, EXIT_USAGE_, "join: TOKEN or --token-file, not both");
	if (a->token_file != NULL || strcmp(a->second, "-") == 0) {
		n = read_text(a->token_file != NULL ? a->token_file : "-", text, sizeof text, err);
	} else {
		char *given = (char *)(uintptr_t)a->second;

		n = (ssize_t)strnlen(given, sizeof text);
		memcpy(text, given, (size_t)n);
		memset(given, '-', strlen(given)); /* others may list the arguments of processes */
	}
	if (n < 0)
		return -err->code;
	fault = token_read(c, text, (size_t)n, t, &at);
	c->wipe(c->arg, text, sizeof text);
	if (fault == TOKEN_CHARACTER)
		return err_set(err, EXIT_USAGE_, "join: the token %s (the %zuth)", token_fault_text(fault), at + 1);
	if (fault != TOKEN_FINE)
		return err_set(err, EXIT_USAGE_, "join: the token %s", token_fault_text(fault));
	if (cert_read_delegation(t->delegation, t->delegation_len, &d) < 0)
		return err_set(err, EXIT_USAGE_, "join: the token %s", token_fault_text(TOKEN_CONTENT));
	if ((int64_t)d.expiry_s * 1000 > now_ms)
		return 0;
	text_age(age, sizeof age, now_ms - (int64_t)d.expiry_s * 1000);
	return err_set(err, EXIT_USAGE_,
	    "join: the token expired %s ago, by this host's clock: mesh token makes another", age);
}

int
admit_join(const struct show *s, struct args *a, struct run_error *e)
{
	char zone[NAME_CAP] = "";
	struct cert_delegation d;
	struct crypto crypto;
	struct token t;
	json_t *id;
	int rc;

	if (a->second == NULL && a->token_file == NULL)
		return 0; /* with the cluster's key */
	if (a->given[OPT_FORGET])
		return err_set(&e->err, EXIT_USAGE_, "join: --forget takes HOST:PORT alone, and no token");
	if ((rc = ca_crypto(&crypto, &e->err)) < 0 ||
	    (rc = take_token(a, &crypto, s->now_ms, &t, &e->err)) < 0) {
		if (e->hint == NULL)
			e->hint = strdup("mesh token, where ca.key lies, prints one: a line that begins with mesh1_, to be given here whole");
		return rc;
	}
	if ((id = identity(s, NULL, e)) == NULL) {
		rc = -e->err.code;
	} else {
		(void)!cert_read_delegation(t.delegation, t.delegation_len, &d);
		snprintf(zone, sizeof zone, "%.*s", (int)d.zone_len, d.zone);
		if (zone[0] == '\0')
			snprintf(zone, sizeof zone, "%s", value_str(id, "zone"));
		rc = certify(a, &t, id, zone, &e->err);
	}
	crypto.wipe(crypto.arg, &t, sizeof t);
	json_decref(id);
	return rc;
}

/* --- evict -------------------------------------------------------------------------------- */

/* A name is what the daemon says that it is of; a whole id is nobody else's. */
static bool
is_another(const json_t *id, const char *asked)
{
	return strlen(asked) == 2 * ID_BYTES && strspn(asked, "0123456789abcdef") == 2 * ID_BYTES &&
	    strcmp(asked, value_str(id, "id")) != 0;
}

static int
sign_eviction(struct args *a, const json_t *id, struct run_error *e)
{
	uint8_t body[EVICT_BODY_BYTES], sig[SIG_BYTES], pk[KEY_BYTES];
	char path[PATH_CAP];
	struct ca ca;
	int rc;

	ca_path(a, id, path);
	if (is_another(id, a->operand))
		return err_set(&e->err, EXIT_KEY, "evict: the daemon here answers about another node, %.64s, than %s: "
		    "nothing is signed; ask the daemon of another host (--socket), and look at this one",
		    value_str(id, "id"), a->operand);
	if (!take_hex(id, "ca", pk, sizeof pk) || !take_hex(id, "id", body, ID_BYTES) ||
	    !take_hex(id, "token", body + ID_BYTES, KEY_BYTES))
		return odd_answer(&e->err);
	if ((rc = open_ca("evict", path, &ca, e)) < 0)
		return rc;
	if (memcmp(ca.pk, pk, KEY_BYTES) != 0) {
		ca_wipe(&ca);
		return err_set(&e->err, EXIT_KEY, "evict: %.300s: the key of another cluster's CA", path);
	}
	ca_sign_act(&ca, "evict", body, sizeof body, sig);
	ca_wipe(&ca);
	put_hex(a->token, body + ID_BYTES, KEY_BYTES);
	put_hex(a->sig, sig, sizeof sig);
	return 0;
}

int
admit_evict(const struct show *s, struct args *a, struct run_error *e)
{
	json_t *id = identity(s, NULL, e);
	struct crypto crypto;
	int rc = 0;

	if (id == NULL)
		return -e->err.code;
	if (json_is_string(json_object_get(id, "ca"))) {
		json_decref(id);
		if ((id = identity(s, a->operand, e)) == NULL)
			return -e->err.code;
		if ((rc = ca_crypto(&crypto, &e->err)) == 0)
			rc = sign_eviction(a, id, e);
	}
	json_decref(id);
	return rc;
}

/* --- recover ------------------------------------------------------------------------------ */

/* Is x what that word of --lost means: its name, its id, or the first digits of that? */
static bool
is_asked(const json_t *x, const char *word, size_t len)
{
	const char *name = value_str(x, "name"), *id = value_str(x, "id");
	bool digits = len >= ID_DIGITS_MIN && strspn(word, "0123456789abcdef") >= len;

	if (digits && strlen(id) >= len && memcmp(id, word, len) == 0)
		return true;
	/* A whole id is nobody else's, whatever he is called. */
	return !(digits && len == 2 * ID_BYTES) && strlen(name) == len && memcmp(name, word, len) == 0;
}

/* Are those whom the daemon would give up those who were named, in their order, and
 * nobody else?  Whoever is named twice is there once. */
static bool
are_asked(const json_t *lost, const char *words)
{
	size_t k = 0, len;

	for (const char *at = words;; at += len + 1) {
		bool before = false;

		len = strcspn(at, ",");
		for (size_t j = 0; j < k; j++)
			before = before || is_asked(json_array_get(lost, j), at, len);
		if (!before && !is_asked(json_array_get(lost, k++), at, len))
			return false;
		if (at[len] == '\0')
			return k == json_array_size(lost);
	}
}

/* Signs what the daemon says it would give up, in that order. */
static int
sign_recovery(struct args *a, const struct ca *ca, const json_t *what, struct run_error *e)
{
	uint8_t body[DECREE_GIVEN_UP_BYTES], sig[SIG_BYTES], pk[KEY_BYTES], token[KEY_BYTES];
	const json_t *lost = json_object_get(what, "lost");
	struct node_id id;

	a->number = value_int(what, "number", 0);
	if (a->number <= 0 || !take_hex(what, "pk", pk, sizeof pk) ||
	    json_array_size(lost) == 0 || json_array_size(lost) > ARGS_LOST_MAX)
		return odd_answer(&e->err);
	for (size_t k = 0; k < json_array_size(lost); k++) {
		const json_t *x = json_array_get(lost, k);

		if (!take_hex(x, "id", id.b, ID_BYTES) || !take_hex(x, "token", token, sizeof token))
			return odd_answer(&e->err);
		decree_given_up((uint64_t)a->number, &id, token, body);
		ca_sign_act(ca, "recover", body, sizeof body, sig);
		put_hex(a->sigs + k * 2 * SIG_BYTES, sig, sizeof sig);
	}
	decree_recovery((uint64_t)a->number, pk, body);
	ca_sign_act(ca, "recover", body, DECREE_RECOVERY_BYTES, sig);
	put_hex(a->sig, sig, sizeof sig);
	return 0;
}

int
admit_recover(const struct show *s, struct args *a, struct run_error *e)
{
	json_t *id = a->given[OPT_YES] ? identity(s, NULL, e) : NULL, *what = NULL;
	uint8_t pk[KEY_BYTES];
	struct crypto crypto;
	char path[PATH_CAP];
	struct ca ca;
	int rc = 0;

	if (a->lost == NULL)
		rc = err_set(&e->err, EXIT_USAGE_, "recover: missing --lost NAMES; see mesh help recover");
	else if (!a->given[OPT_YES] || (id != NULL && !json_is_string(json_object_get(id, "ca"))))
		rc = 0; /* nothing is signed */
	else if (id == NULL || (what = asked(s, "recover", "lost", a->lost, e)) == NULL)
		rc = -e->err.code;
	else if (!are_asked(json_object_get(what, "lost"), a->lost) ||
	    strcmp(value_str(what, "pk"), value_str(id, "pk")) != 0)
		rc = err_set(&e->err, EXIT_KEY, "recover: the daemon here answers about others than --lost names, or for "
		    "another node than itself: nothing is signed; ask the daemon of another host (--socket), and look at this one");
	else if ((rc = ca_crypto(&crypto, &e->err)) == 0) {
		ca_path(a, id, path);
		if ((rc = open_ca("recover", path, &ca, e)) == 0) {
			if (!take_hex(id, "ca", pk, sizeof pk))
				rc = odd_answer(&e->err);
			else if (memcmp(ca.pk, pk, KEY_BYTES) != 0)
				rc = err_set(&e->err, EXIT_KEY,
				    "recover: %.300s: the key of another cluster's CA", path);
			else
				rc = sign_recovery(a, &ca, what, e);
			ca_wipe(&ca);
		}
	}
	json_decref(what);
	json_decref(id);
	return rc;
}

/* --- token ---------------------------------------------------------------------------------- */

static void
say_token(const struct show *s, const char *text, const uint8_t *cluster, int64_t until_ms)
{
	const struct args *a = s->args;
	char id[2 * ID_BYTES + 1], age[TEXT_AGE_CAP];
	long long uses = (long long)(a->uses > 0 ? a->uses : 1);

	put_hex(id, cluster, ID_BYTES);
	if (a->output == ARGS_JSON) {
		json_t *v = json_pack("{s:s,s:s,s:I,s:I,s:s?}", "token", text, "cluster", id, "uses",
		    (json_int_t)uses, "expires_ms", (json_int_t)until_ms, "zone", a->zone);

		json_dumpf(v, s->out, JSON_INDENT(2));
		fputc('\n', s->out);
		json_decref(v);
		return;
	}
	fprintf(s->out, "%s\n", text);
	if (show_names(s) || !s->terminal)
		return;
	text_age(age, sizeof age, until_ms - s->now_ms);
	fprintf(s->out,
	    "\nIt lets %lld node%s into cluster %s, within %s%s%s.  There:\n"
	    "  mesh join HOST:PORT -      and paste it; or --token-file FILE\n"
	    "Whoever has it can come in: keep it as a password.\n",
	    uses, uses == 1 ? "" : "s", id, age, a->zone != NULL ? ", in zone " : "",
	    a->zone != NULL ? a->zone : "");
}

int
show_token(const struct show *s, struct err *err)
{
	const struct args *a = s->args;
	int64_t until_ms = s->now_ms + (a->expires_ms > 0 ? a->expires_ms : EXPIRES_MS);
	char path[PATH_CAP], text[TOKEN_TEXT_CAP];
	uint8_t cluster[ID_BYTES];
	struct run_error e = {.text = NULL};
	/* The daemon may say where its state is; without one there is a default. */
	json_t *id = a->ca_key != NULL ? NULL : identity(s, NULL, &e);
	struct crypto crypto;
	struct token t;
	struct ca ca;
	int rc;

	ca_path(a, id, path);
	json_decref(id);
	run_error_free(&e);
	if ((rc = ca_crypto(&crypto, err)) < 0)
		return rc;
	if (ca_open(path, &ca, &e.err) < 0)
		return err_set(err, e.err.code,
		    "token: %s: run it as root where ca.key lies (the host of mesh init), or give --ca-key FILE",
		    e.err.text);
	ca_token(&ca, (uint64_t)(until_ms / 1000), (uint32_t)(a->uses > 0 ? a->uses : 1),
	    a->zone != NULL ? a->zone : "", &t);
	token_write(&crypto, &t, text);
	cert_cluster(&crypto, ca.pk, cluster);
	say_token(s, text, cluster, until_ms);
	crypto.wipe(crypto.arg, &t, sizeof t);
	crypto.wipe(crypto.arg, text, sizeof text);
	ca_wipe(&ca);
	return 0;
}
