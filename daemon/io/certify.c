/*
 * certify.c - see certify.h.
 */
#include "certify.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../gossip/be.h"
#include "../base/log.h"
#include "../base/own.h"
#include "addr.h"
#include "belong.h"
#include "ca.h"
#include "engine.h"
#include "keyfile.h"
#include "pack.h"
#include "peers.h"

#define FILE_NAME "certificate"

enum {
	VERSION = 1,
	CA_AT = 12,
	LEN_AT = CA_AT + KEY_BYTES,
	CERT_AT = LEN_AT + 2,
	FILE_BYTES_MAX = CERT_AT + CERT_BYTES_MAX,
	HEX_CAP = 2 * CERT_BYTES_MAX + 1,
};

static const char magic[8] = "MESHCERT";

/* --- the file -------------------------------------------------------------------- */

static bool
decode(const uint8_t *buf, size_t len, struct mesh_ca *out)
{
	if (len < CERT_AT || memcmp(buf, magic, sizeof magic) != 0 || be_get(buf + 8, 4) != VERSION)
		return false;
	*out = (struct mesh_ca){.cert_bytes = be_get(buf + LEN_AT, 2)};
	if (out->cert_bytes > CERT_BYTES_MAX || len != CERT_AT + out->cert_bytes)
		return false;
	memcpy(out->pk, buf + CA_AT, KEY_BYTES);
	memcpy(out->cert, buf + CERT_AT, out->cert_bytes);
	return true;
}

static int
save(int state_fd, const struct mesh_ca *ca, struct err *err)
{
	uint8_t buf[FILE_BYTES_MAX];

	memcpy(buf, magic, sizeof magic);
	be_put(buf + 8, VERSION, 4);
	memcpy(buf + CA_AT, ca->pk, KEY_BYTES);
	be_put(buf + LEN_AT, ca->cert_bytes, 2);
	memcpy(buf + CERT_AT, ca->cert, ca->cert_bytes);
	return keyfile_write(state_fd, FILE_NAME, buf, CERT_AT + ca->cert_bytes, err);
}

static bool
is_cluster(const struct engine *e, const struct mesh_ca *ca)
{
	uint8_t cluster[ID_BYTES];

	cert_cluster(&e->crypto, ca->pk, cluster);
	return sodium_is_zero(e->saved.cluster, ID_BYTES) ||
	    memcmp(cluster, e->saved.cluster, ID_BYTES) == 0;
}

int
certify_load(struct engine *e, struct err *err)
{
	AUTO_CLOSE int fd = openat(e->state_fd, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	uint8_t buf[FILE_BYTES_MAX + 1];
	struct mesh_ca ca;
	ssize_t n;

	if (fd < 0 && errno == ENOENT) {
		if (e->saved.certified)
			snprintf(e->key_error, sizeof e->key_error,
			    FILE_NAME ": it is gone, and without it nobody lets this node in: mesh token, mesh join HOST:PORT TOKEN");
		return 0;
	}
	if (fd < 0 || (n = pread(fd, buf, sizeof buf, 0)) < 0)
		return err_set(err, EXIT_STATE, "read " FILE_NAME ": %s", strerror(errno));
	if (!decode(buf, (size_t)n, &ca))
		snprintf(e->key_error, sizeof e->key_error,
		    FILE_NAME ": damaged: restore it, or mesh token, mesh join HOST:PORT TOKEN");
	else if (!mesh_ca_holds(&e->crypto, &ca, e->identity.pk, e->conf.name))
		snprintf(e->key_error, sizeof e->key_error,
		    FILE_NAME ": not for this node's key and the name %s: mesh token, mesh join HOST:PORT TOKEN",
		    e->conf.name);
	else if (!is_cluster(e, &ca))
		snprintf(e->key_error, sizeof e->key_error,
		    FILE_NAME ": of another cluster than this node's state: restore the one that belongs to it");
	else
		e->ca = ca;
	return 0;
}

bool
certify_is(const struct engine *e)
{
	return e->ca.cert_bytes > 0;
}

/* --- what `mesh` must know to sign --------------------------------------------------- */

/* Does it come by a key in a file? */
static bool
is_starter(const struct engine *e)
{
	return !certify_is(e) && !e->saved.certified &&
	    (e->conf.key_path[0] != '\0' || e->keys.has_key);
}

static bool
is_member(const struct engine *e)
{
	struct mesh_side s;

	if (e->mesh == NULL)
		return !sodium_is_zero(e->saved.cluster, ID_BYTES);
	mesh_side(e->mesh, net_now(), &s);
	return s.member;
}

static void
pack_hex(msgpack_packer *pk, const char *key, const uint8_t *b, size_t len)
{
	char text[2 * KEY_BYTES + 1];

	sodium_bin2hex(text, sizeof text, b, len);
	pk_kstr(pk, key, text);
}

/* It never was in any cluster, as far as its disk knows. */
static bool
is_fresh(const struct engine *e)
{
	struct mesh_saved s = e->saved;

	if (e->mesh != NULL)
		mesh_kept(e->mesh, &s);
	return sodium_is_zero(s.cluster, ID_BYTES) && sodium_is_zero(s.was, ID_BYTES) && !s.left;
}

static void
pack_self(const struct engine *e, msgpack_packer *pk)
{
	uint8_t cluster[ID_BYTES];

	pk_kstr(pk, "node", e->conf.name);
	pack_hex(pk, "pk", e->identity.pk, KEY_BYTES);
	pk_kstr(pk, "zone", e->conf.zone);
	pk_kstr(pk, "state_dir", e->conf.state_dir);
	pk_kbool(pk, "starter", is_starter(e));
	pk_kbool(pk, "member", is_member(e));
	pk_kbool(pk, "fresh", is_fresh(e));
	pk_str(pk, "ca");
	if (certify_is(e)) {
		char text[2 * KEY_BYTES + 1];

		pk_str(pk, sodium_bin2hex(text, sizeof text, e->ca.pk, KEY_BYTES));
		cert_cluster(&e->crypto, e->ca.pk, cluster);
		pack_hex(pk, "cluster", cluster, sizeof cluster);
	} else {
		msgpack_pack_nil(pk);
		pk_kstr(pk, "cluster", "");
	}
}

void
certify_identity(struct engine *e, struct ctl_req *r)
{
	struct mesh_member m;
	struct mesh_came came;
	msgpack_packer *pk;
	bool other = ctl_arg_has(r, "node");

	if (other && !belong_find(e, r, "evict", &m))
		return;
	if (other) /* all zero when nobody here heard it: then no use is counted either */
		(void)mesh_came(e->mesh, &m.id, &came);
	pk = ctl_begin(r);
	msgpack_pack_map(pk, other ? 12 : 9);
	pack_self(e, pk);
	if (other) {
		pk_kstr(pk, "other", m.name);
		pack_hex(pk, "id", m.id.b, ID_BYTES);
		pack_hex(pk, "token", came.token, KEY_BYTES);
	}
	ctl_end(r);
}

/* --- what it brings -------------------------------------------------------------------- */

bool
certify_arg(const struct ctl_req *r, const char *key, uint8_t *out, size_t len)
{
	char text[HEX_CAP];
	size_t n = 0;

	return ctl_arg_str(r, key, text, sizeof text) &&
	    sodium_hex2bin(out, len, text, strlen(text), NULL, &n, NULL) == 0 && n == len &&
	    strlen(text) == 2 * len;
}

static bool
read_args(const struct ctl_req *r, struct mesh_ca *out)
{
	char text[HEX_CAP];

	*out = (struct mesh_ca){.wall_s = engine_wall_ms() / 1000};
	return certify_arg(r, "ca", out->pk, KEY_BYTES) &&
	    ctl_arg_str(r, "cert", text, sizeof text) &&
	    sodium_hex2bin(out->cert, sizeof out->cert, text, strlen(text), NULL, &out->cert_bytes,
		NULL) == 0;
}

/* From now on this node comes by that; false: it was refused, and r answered. */
static bool
adopt(struct engine *e, struct ctl_req *r)
{
	struct mesh_ca ca;
	struct err err;

	if (is_starter(e)) {
		ctl_fail(r, 1, "to come by a certificate: take `cluster-key` out of mesh.yaml, move state-dir aside, restart meshd",
		    "%s: this host has a cluster key, and comes by that alone", r->verb);
		return false;
	}
	if (e->mesh != NULL && is_member(e)) {
		ctl_fail(r, 1, "mesh status", "this node is a member of a cluster already");
		return false;
	}
	if (!read_args(r, &ca) || !mesh_ca_holds(&e->crypto, &ca, e->identity.pk, e->conf.name)) {
		ctl_fail(r, EXIT_USAGE_, "use the `mesh` of this release",
		    "%s: no certificate for this node's key and name", r->verb);
		return false;
	}
	if (!is_cluster(e, &ca)) {
		ctl_fail(r, 1, "to join another: stop meshd, move state-dir aside, start, mesh join",
		    "%s: this node is of another cluster than the token", r->verb);
		return false;
	}
	if (save(e->state_fd, &ca, &err) < 0 || (e->mesh != NULL && mesh_certify(e->mesh, net_now(), &ca) < 0)) {
		ctl_fail(r, EXIT_STATE, "", "%s: %s", r->verb, err.text);
		return false;
	}
	e->ca = ca;
	e->key_error[0] = '\0';
	if (engine_attach(e, &err) < 0)
		engine_exit(e, err.code, err.text);
	return true;
}

/* It was let in by a certificate that is gone or no good: nothing else does; answered. */
static bool
lacks(const struct engine *e, struct ctl_req *r)
{
	if (certify_is(e) || !e->saved.certified)
		return false;
	ctl_fail(r, EXIT_KEY, "mesh token where ca.key lies; here: mesh join HOST:PORT TOKEN", "%s: %s",
	    r->verb, e->key_error);
	return true;
}

void
certify_init(struct engine *e, struct ctl_req *r)
{
	char address[ADDR_TEXT_CAP];
	uint8_t cluster[ID_BYTES];
	msgpack_packer *pk;

	if (belong_refuses(e, r))
		return;
	if (!ctl_arg_has(r, "ca") && !certify_is(e)) {
		if (!lacks(e, r))
			peers_init(e, r);
		return;
	}
	if (!adopt(e, r))
		return;
	cert_cluster(&e->crypto, e->ca.pk, cluster);
	if (mesh_init(e->mesh, net_now(), cluster) < 0) {
		ctl_fail(r, 1, "mesh status", "this node is a member of a cluster already");
		return;
	}
	engine_kick(e);
	addr_format(&e->conf.advertise, address, sizeof address);
	pk = ctl_begin(r);
	msgpack_pack_map(pk, 3);
	pack_hex(pk, "cluster", cluster, sizeof cluster);
	pk_kstr(pk, "address", address);
	pk_str(pk, "ca_key");
	char path[CONFIG_PATH_CAP + sizeof CA_FILE + 1];
	snprintf(path, sizeof path, "%s/" CA_FILE, e->conf.state_dir);
	pk_str(pk, path);
	ctl_end(r);
}

void
certify_join(struct engine *e, struct ctl_req *r)
{
	if (ctl_arg_bool(r, "forget")) {
		peers_seed(e, r);
		return;
	}
	if (belong_refuses(e, r) || depart_refuses(e, r))
		return;
	if (!ctl_arg_has(r, "ca")) {
		if (!lacks(e, r))
			peers_join(e, r);
	} else if (adopt(e, r)) {
		peers_seed(e, r);
	}
}

const char *
certify_problem(const struct engine *e, char text[ERR_TEXT_CAP], const char **hint)
{
	char from[ADDR_TEXT_CAP];
	struct mesh_refusal x;

	if (e->mesh == NULL || is_member(e) || !mesh_refused(e->mesh, &x))
		return NULL;
	addr_format(&x.from, from, sizeof from);
	*hint = "a token that is good: mesh token where ca.key lies; then here: mesh join HOST:PORT TOKEN";
	if (x.why == MESH_ENTRY_CHANGING) {
		*hint = "there: mesh keys status; when it is done, mesh keys export there, and its file where `cluster-key` says here";
	} else if (x.why == MESH_ENTRY_FULL) {
		*hint = "there: a larger members-max in mesh.yaml on every node, or mesh leave for those that go; this node asks on";
	} else if (x.why == MESH_ENTRY_EVICTED) {
		*hint = "to join as a new node: stop meshd, move state-dir aside, start, mesh join";
	}
	if (x.why == MESH_ENTRY_FOREIGN)
		snprintf(text, ERR_TEXT_CAP,
		    "not let in: who answers at %s is of another cluster than this node's token", from);
	else
		snprintf(text, ERR_TEXT_CAP, "not let in: %s at %s says: %s %s",
		    x.by[0] != '\0' ? x.by : "who answers", from, e->conf.name, mesh_entry_text(x.why));
	return text;
}

void
certify_newcomer(const struct mesh_newcomer *x, char subject[NAME_CAP], char text[ERR_TEXT_CAP])
{
	char from[ADDR_TEXT_CAP], where[ADDR_TEXT_CAP + 8] = "", again[64] = "";
	const char *hint = "if it belongs here: mesh token, and there mesh join with it";

	if (x->name[0] != '\0')
		snprintf(subject, NAME_CAP, "%s", x->name);
	else
		snprintf(subject, NAME_CAP, "%08llx", (unsigned long long)(x->short_id >> 32));
	if (x->from.port != 0) {
		addr_format(&x->from, from, sizeof from);
		snprintf(where, sizeof where, " (at %s)", from);
	}
	if (x->count > 1)
		snprintf(again, sizeof again, ", %llu times since last told", (unsigned long long)x->count);
	if (x->why == MESH_ENTRY_EVICTED)
		hint = "to come back as a new node: there stop meshd, move state-dir aside, start, mesh join";
	else if (x->why == MESH_ENTRY_FULL)
		hint = "a larger members-max in mesh.yaml on every node";
	snprintf(text, ERR_TEXT_CAP, "not let in%s: it %s%s; %s", where, mesh_entry_text(x->why), again, hint);
}
