/*
 * peers.c - see peers.h.  Addresses remembered are hints: a wrong one costs a
 * packet now and then, none of them can let anybody in.
 */
#include "peers.h"

#include <stdio.h>
#include <stdlib.h>

#include "../base/log.h"
#include "../base/own.h"
#include "addr.h"
#include "certify.h"
#include "engine.h"
#include "pack.h"

enum { ADDR_BYTES = 18, JOINED_MS = 10000 };

static const char seen_key[] = "seen";
static const char joined_key[] = "joined";

static void join_addr(struct engine *e, struct ctl_req *r, const char *text, const struct addr *a);

static void
put_addr(uint8_t *p, const struct addr *a)
{
	memcpy(p, a->ip, 16);
	p[16] = (uint8_t)(a->port >> 8);
	p[17] = (uint8_t)a->port;
}

static void
add_seed(struct mesh_conf *c, const struct addr *a)
{
	if (c->seeds_count == MESH_SEEDS_MAX || addr_eq(a, &c->addr))
		return;
	for (size_t i = 0; i < c->seeds_count; i++)
		if (addr_eq(&c->seeds[i], a))
			return;
	c->seeds[c->seeds_count++] = *a;
}

/* What lies there under that name, as many as there is room for. */
static size_t
stored(const struct engine *e, const char *key, struct addr out[MESH_SEEDS_MAX])
{
	AUTO_FREE uint8_t *buf = NULL;
	struct err err;
	size_t len, n = 0;

	if (store_get(e->store, STORE_PEER, key, strlen(key), &buf, &len, &err) <= 0)
		return 0; /* only hints */
	for (size_t i = 0; i + ADDR_BYTES <= len && n < MESH_SEEDS_MAX; i += ADDR_BYTES) {
		memcpy(out[n].ip, buf + i, 16);
		out[n++].port = (uint16_t)(buf[i + 16] << 8 | buf[i + 17]);
	}
	return n;
}

static void
add_stored(const struct engine *e, struct mesh_conf *c, const char *key)
{
	struct addr list[MESH_SEEDS_MAX];
	size_t n = stored(e, key, list);

	for (size_t i = 0; i < n; i++)
		add_seed(c, &list[i]);
}

void
peers_seeds(struct engine *e, struct mesh_conf *conf)
{
	struct addr a;
	struct err err;

	for (size_t i = 0; i < e->conf.seeds_count; i++)
		if (addr_parse(e->conf.seed_names[i], &a, &err) == 0)
			add_seed(conf, &a); /* names.c looks the others up */
	names_init(e);
	add_stored(e, conf, joined_key);
	add_stored(e, conf, seen_key);
}

void
peers_remember(struct engine *e)
{
	uint8_t buf[32 * ADDR_BYTES];
	struct mesh_member m;
	struct hash hash;
	struct err err;
	size_t len = 0;

	for (uint32_t i = 0; mesh_member(e->mesh, i, &m) && len + ADDR_BYTES <= sizeof buf; i++) {
		if (m.self || m.state == MESH_LEFT)
			continue;
		put_addr(buf + len, &m.addr);
		len += ADDR_BYTES;
	}
	crypto_hash256(&hash, buf, len);
	if (len == 0 || hash_eq(&hash, &e->peers))
		return;
	e->peers = hash;
	if (store_put(e->store, STORE_PEER, seen_key, strlen(seen_key), buf, len, &err) < 0) {
		if (err.code == EXIT_STATE)
			engine_exit(e, EXIT_STATE, err.text);
		log_warn("%s", err.text);
	}
}

void
peers_ask_key(struct engine *e, bool create)
{
	struct sup_req req;

	if (!launch_req(&req, SUP_KEY, "", ""))
		return;
	if (create)
		req.flags = SUP_F_CREATE_KEY;
	launch_send(&e->launch, &req, NULL, 0);
}

/* --- init ---------------------------------------------------------------------- */

static void
pack_hex(msgpack_packer *pk, const char *key, const uint8_t *b, size_t n)
{
	char text[2 * HASH_BYTES + 1];

	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", b[i]);
	pk_kstr(pk, key, text);
}

static void
do_init(struct engine *e, struct ctl_req *r)
{
	char path[CONFIG_PATH_CAP + 16], address[ADDR_TEXT_CAP];
	uint8_t cluster[ID_BYTES];
	msgpack_sbuffer buf;
	msgpack_packer pk;

	crypto_random(cluster, sizeof cluster);
	if (mesh_init(e->mesh, net_now(), cluster) < 0) {
		ctl_fail(r, 1, "mesh status", "this node is a member of a cluster already");
		return;
	}
	engine_kick(e);
	if (e->conf.key_path[0] != '\0')
		snprintf(path, sizeof path, "%s", e->conf.key_path);
	else
		snprintf(path, sizeof path, "%s/cluster.key", e->conf.state_dir);
	msgpack_sbuffer_init(&buf);
	msgpack_packer_init(&pk, &buf, msgpack_sbuffer_write);
	addr_format(&e->conf.advertise, address, sizeof address);
	msgpack_pack_map(&pk, 3);
	pack_hex(&pk, "cluster", cluster, sizeof cluster);
	pk_kstr(&pk, "key_file", path);
	pk_kstr(&pk, "address", address);
	ctl_answer(r, buf.data, buf.size, false);
	msgpack_sbuffer_destroy(&buf);
}

/* --- join ----------------------------------------------------------------------- */

/* The one that is joined comes first, and the list has nothing twice.  put: it is not
 * there any more, when that is false.  False: it was not there. */
static bool
remember_joined(struct engine *e, const struct addr *a, bool put)
{
	uint8_t buf[MESH_SEEDS_MAX * ADDR_BYTES];
	struct addr old[MESH_SEEDS_MAX];
	size_t n = stored(e, joined_key, old), len = 0;
	bool was = false;
	struct err err;

	if (put) {
		put_addr(buf, a);
		len = ADDR_BYTES;
	}
	for (size_t i = 0; i < n; i++) {
		if (addr_eq(&old[i], a)) {
			was = true;
		} else if (len < sizeof buf) {
			put_addr(buf + len, &old[i]);
			len += ADDR_BYTES;
		}
	}
	if ((put || was) &&
	    store_put(e->store, STORE_PEER, joined_key, strlen(joined_key), buf, len, &err) < 0)
		log_warn("the seeds are not remembered: %s", err.text);
	return was;
}

/* --- and back: join --forget -------------------------------------------------------- */

static bool
configured(const struct engine *e, const char *text)
{
	for (size_t i = 0; i < e->conf.seeds_count; i++)
		if (strcmp(e->conf.seed_names[i], text) == 0)
			return true;
	return false;
}

static void
forgets_nothing(const struct engine *e, struct ctl_req *r, const char *text)
{
	char list[MESH_SEEDS_MAX * (ADDR_TEXT_CAP + 1)] = "", one[ADDR_TEXT_CAP];
	struct addr old[MESH_SEEDS_MAX];
	size_t n = stored(e, joined_key, old), len = 0;

	for (size_t i = 0; i < n; i++) {
		addr_format(&old[i], one, sizeof one);
		len += (size_t)snprintf(list + len, sizeof list - len, " %s", one);
	}
	ctl_fail(r, 1, "seeds of mesh.yaml are taken out there",
	    "join: %s is none of the seeds that mesh join added here:%s", text, n > 0 ? list : " there are none");
}

/* A name is forgotten with all that it means now. */
static void
forget(struct engine *e, struct ctl_req *r, const char *text, const struct addr *at, size_t count)
{
	char literal[ADDR_TEXT_CAP];
	msgpack_packer *pk;
	bool was = false;

	for (size_t i = 0; i < count; i++)
		if (remember_joined(e, &at[i], false)) {
			was = true;
			addr_format(&at[i], literal, sizeof literal);
			if (e->mesh != NULL && !configured(e, literal))
				mesh_drop_seed(e->mesh, &at[i]);
		}
	if (!was) {
		forgets_nothing(e, r, text);
		return;
	}
	pk = ctl_begin(r);
	msgpack_pack_map(pk, 1);
	pk_kstr(pk, "forgotten", text);
	ctl_end(r);
}

/* Of what a name means; the first, if none is. */
static const struct addr *
reachable(const struct engine *e, const struct addr *at, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (addr_in_vain(&e->conf.listen, &e->conf.advertise, &at[i]) == NULL)
			return &at[i];
	return at;
}

static void
join_found(struct engine *e, void *arg, int status, const struct addr *at, size_t count)
{
	struct ctl_req *r = arg;
	char text[CONFIG_SEED_CAP];

	(void)ctl_arg_str(r, "seed", text, sizeof text); /* it was one before */
	if (status == 0 && count > 0 && ctl_arg_bool(r, "forget"))
		forget(e, r, text, at, count);
	else if (status == 0 && count > 0)
		join_addr(e, r, text, reachable(e, at, count));
	else
		ctl_fail(r, 1, "give an address, or mend the name", "join: %s: %s", text,
		    uv_strerror(status));
}

void
peers_seed(struct engine *e, struct ctl_req *r)
{
	char text[CONFIG_SEED_CAP];
	struct addr a;
	struct err err;

	if (!ctl_arg_str(r, "seed", text, sizeof text) && ctl_arg_has(r, "seed"))
		ctl_fail(r, EXIT_USAGE_, "mesh join HOST:PORT",
		    "join: HOST:PORT is no text of at most %zu bytes", sizeof text - 1);
	else if (text[0] == '\0')
		ctl_fail(r, EXIT_USAGE_, "mesh join HOST:PORT", "join: missing HOST:PORT");
	else if (addr_parse(text, &a, &err) == 0 && ctl_arg_bool(r, "forget"))
		forget(e, r, text, &a, 1);
	else if (addr_parse(text, &a, &err) == 0)
		join_addr(e, r, text, &a);
	else if (text[0] == '[')
		ctl_fail(r, EXIT_USAGE_, "mesh join HOST:PORT", "join: %s", err.text);
	else if (!names_ask(e, text, join_found, r))
		ctl_fail(r, EXIT_USAGE_, "mesh join HOST:PORT", "join: '%s' is not HOST:PORT", text);
}

static void
join_addr(struct engine *e, struct ctl_req *r, const char *text, const struct addr *a)
{
	msgpack_sbuffer buf;
	msgpack_packer pk;
	bool is_one = configured(e, text);
	const char *vain = addr_in_vain(&e->conf.listen, &e->conf.advertise, a);

	if (vain != NULL) {
		ctl_fail(r, 1, "mesh members -o wide on a member shows its address", "join: %s %s", text, vain);
		return;
	}
	if (mesh_add_seed(e->mesh, net_now(), a) < 0) {
		ctl_fail(r, 1, "mesh join --forget HOST:PORT takes one away",
		    "join: %s can't be a seed (impossible address, or %d seeds already)",
		    text, MESH_SEEDS_MAX);
		return;
	}
	(void)remember_joined(e, a, true);
	e->joined = (struct peers_joined){.at = *a, .since = net_now()};
	(void)!mesh_return(e->mesh, net_now()); /* an operator says so */
	engine_kick(e);
	msgpack_sbuffer_init(&buf);
	msgpack_packer_init(&pk, &buf, msgpack_sbuffer_write);
	msgpack_pack_map(&pk, 1);
	pk_str(&pk, "seeds");
	msgpack_pack_array(&pk, e->conf.seeds_count + !is_one);
	for (size_t i = 0; i < e->conf.seeds_count; i++)
		pk_str(&pk, e->conf.seed_names[i]);
	if (!is_one)
		pk_str(&pk, text);
	ctl_answer(r, buf.data, buf.size, false);
	msgpack_sbuffer_destroy(&buf);
}

/* --- seeds that led nowhere ------------------------------------------------------------ */

static const char *
foreign_seed(const struct mesh_seed *x, char text[ERR_TEXT_CAP], const char **hint)
{
	char at[ADDR_TEXT_CAP];

	addr_format(&x->addr, at, sizeof at);
	snprintf(text, ERR_TEXT_CAP, "who answers at the seed %s is of another cluster, which has the same key", at);
	*hint = "mesh join --forget HOST:PORT, or take it out of `seeds:`; a node that should be here: there mesh leave, then mesh join";
	return text;
}

/* Other seeds may be hosts that are not there yet. */
static const char *
silent_seed(const struct mesh_seed *x, char text[ERR_TEXT_CAP], const char **hint)
{
	char at[ADDR_TEXT_CAP];

	addr_format(&x->addr, at, sizeof at);
	snprintf(text, ERR_TEXT_CAP, "nobody of this cluster answered at %s, which mesh join named", at);
	*hint = "does UDP pass, and is it of this cluster, under its key? mesh join --forget HOST:PORT takes it away";
	return text;
}

const char *
peers_problem(const struct engine *e, char text[ERR_TEXT_CAP], const char **hint)
{
	const struct peers_joined *j = &e->joined;
	bool waited = j->since != 0 && net_now() - j->since >= JOINED_MS, any = false;
	struct mesh_side s;
	struct mesh_seed x;

	if (e->mesh == NULL)
		return NULL;
	mesh_side(e->mesh, net_now(), &s);
	for (uint32_t i = 0; mesh_seed(e->mesh, i, &x); i++) {
		any = true;
		if (s.member && !x.heard && x.foreign)
			return foreign_seed(&x, text, hint);
		if (s.member && !x.heard && waited && addr_eq(&x.addr, &j->at))
			return silent_seed(&x, text, hint);
	}
	if (s.member || !any || certify_is(e))
		return NULL;
	*hint = "of a new cluster the first host: mesh init; else is HOST:PORT right, does UDP pass, and is it the key of now? on a member: mesh keys export";
	return "not a member yet: nobody answered at the seeds under this cluster key";
}

/* --- both need the key ------------------------------------------------------------ */

static void
go_on(struct engine *e, struct ctl_req *r)
{
	if (strcmp(r->verb, "init") == 0)
		do_init(e, r);
	else
		peers_seed(e, r);
}

void
peers_key_done(struct engine *e, const char *why_not)
{
	struct ctl_req *r = e->key_waiter;

	snprintf(e->key_error, sizeof e->key_error, "%s", why_not);
	if (why_not[0] != '\0')
		log_info("no cluster key: %s", why_not);
	e->key_waiter = NULL;
	starting_over(e);
	if (r == NULL)
		return;
	if (starting_is(e))
		(void)starting_refuses(e, r);
	else if (e->mesh == NULL)
		ctl_fail(r, EXIT_KEY, "mesh init; or, with a token of that cluster: mesh join HOST:PORT TOKEN; or copy the key file of a member here (mode 0600)",
		    "no cluster key: %s", why_not);
	else
		go_on(e, r);
}

static void
with_key(struct engine *e, struct ctl_req *r, bool create)
{
	if (e->mesh != NULL) {
		go_on(e, r);
		return;
	}
	if (e->key_waiter != NULL) {
		ctl_fail(r, 1, "", "another init or join is under way");
		return;
	}
	e->key_waiter = r;
	peers_ask_key(e, create);
}

void
peers_init(struct engine *e, struct ctl_req *r)
{
	if (!starting_refuses(e, r)) /* a new key in place of the one it had would lead nowhere */
		with_key(e, r, true);
}

void
peers_join(struct engine *e, struct ctl_req *r)
{
	with_key(e, r, false);
}
