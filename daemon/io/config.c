/*
 * config.c - flat records -> struct config.  meshd-conf has checked types,
 * ranges and unknown keys already; what is left is what needs the host:
 * its name and the address others reach it by.
 */
#include "config.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../gossip/packet.h"
#include "../base/ctl.h"
#include "../base/name.h"
#include "../base/scriptio.h"
#include "addr.h"
#include "paces.h"
#include "world.h"

enum { ADDRESS_CAP = 272 /* a DNS name, and :PORT */, DEGRADED_AFTER_MS = 10000,
	RESTART_GRACE_MS = 60000, METRICS_BYTES = 16 << 20, METRICS_KEEP_MS = 3600000,
	ROUNDS_BYTES = 64 << 20, ROUNDS_KEEP_MS = 7 * 86400000 };

/* A value that does not fit is an error: it must not turn into the default. */
static int
str_or(const struct flat *f, const char *path, char *out, size_t cap, const char *otherwise,
    struct err *err)
{
	struct flat_rec rec;

	if (flat_str(f, path, out, cap))
		return 0;
	if (flat_find(f, path, &rec) && rec.type == FLAT_STR)
		return err_set(err, EXIT_CONFIG, "%s: longer than %zu bytes", path, cap - 1);
	snprintf(out, cap, "%s", otherwise);
	return 0;
}

/* The host's name up to the first dot, in lower case. */
static int
default_name(char *out, size_t cap, struct err *err)
{
	char host[256] = "";

	if (gethostname(host, sizeof host - 1) < 0)
		host[0] = '\0';
	host[strcspn(host, ".")] = '\0';
	for (char *p = host; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	if (strlen(host) >= cap || !name_ok(host, strlen(host)))
		return err_set(err, EXIT_CONFIG,
		    "name: this host's name '%.64s' is no node name; set `name:` to [a-z0-9][a-z0-9_.-]{0,62}",
		    host);
	memcpy(out, host, strlen(host) + 1);
	return 0;
}

/* What is told to others must be an address of one host. */
static int
check_advertised(const struct addr *a, const char *key, struct err *err)
{
	char text[ADDR_TEXT_CAP];

	if (addr_possible(a))
		return 0;
	addr_format(a, text, sizeof text);
	return err_set(err, EXIT_CONFIG,
	    "%s: %s is no address at which others could reach this host: not 0.0.0.0, ::, multicast or broadcast",
	    key, text);
}

static int
read_addresses(struct config *c, const struct flat *f, struct err *err)
{
	char text[ADDRESS_CAP];
	int rc;

	if ((rc = str_or(f, "listen", text, sizeof text, "0.0.0.0:7780", err)) < 0)
		return rc;
	if ((rc = addr_parse(text, &c->listen, err)) < 0) {
		err_prefix(err, "listen: ");
		return rc;
	}
	if ((rc = str_or(f, "advertise", text, sizeof text, "", err)) < 0)
		return rc;
	if (text[0] != '\0') {
		if ((rc = addr_resolve_blocking(text, &c->advertise, err)) < 0) {
			err_prefix(err, "advertise: ");
			return rc;
		}
		return check_advertised(&c->advertise, "advertise", err);
	}
	c->advertise = c->listen;
	if (!addr_is_any(&c->listen))
		return check_advertised(&c->listen, "listen", err);
	if ((rc = addr_default_route(c->listen.port, &c->advertise, err)) < 0)
		err_prefix(err, "advertise: required when listening on every address, and ");
	return rc;
}

/* tags: {k: v} -> "k=v,k=v"; what does not fit is an error, not cut. */
static int
read_tags(struct config *c, const struct flat *f, struct err *err)
{
	struct flat_rec rec;
	size_t off = 0, n = 0;
	char key[NAME_CAP];

	while (flat_next(f, &off, &rec)) {
		int k;

		if (!flat_child(&rec, "tags", key, sizeof key) || rec.type != FLAT_STR)
			continue;
		k = snprintf(c->tags + n, sizeof c->tags - n, "%s%s=%.*s", n > 0 ? "," : "", key,
		    (int)rec.str_len, rec.str);
		if (k < 0 || (size_t)k >= sizeof c->tags - n)
			return err_set(err, EXIT_CONFIG, "tags: together longer than %zu bytes",
			    sizeof c->tags - 1);
		n += (size_t)k;
	}
	return 0;
}

/* Zone, tags and version travel in the alive record, whole or not at all. */
static int
check_meta(const struct config *c, struct err *err)
{
	uint8_t meta[MESH_META_BYTES_MAX];

	if (world_meta_pack(c->zone, c->tags, MESH_VERSION, meta, sizeof meta) > 0)
		return 0;
	return err_set(err, EXIT_CONFIG,
	    "zone, tags: %zu and %zu bytes (tags as k=v,k=v); together at most %zu are told to the other nodes",
	    strlen(c->zone), strlen(c->tags), sizeof meta - sizeof MESH_VERSION - 2);
}

static int
read_seed(struct config *c, const struct flat_rec *rec, struct err *err)
{
	size_t cap = sizeof c->seed_names[0];
	struct addr a;
	char *name;
	int rc;

	if (c->seeds_count == MESH_SEEDS_MAX)
		return err_set(err, EXIT_CONFIG, "seeds: more than %d", MESH_SEEDS_MAX);
	if (rec->str_len >= cap)
		return err_set(err, EXIT_CONFIG, "seeds: '%.40s...' is longer than %zu bytes",
		    rec->str, cap - 1);
	name = c->seed_names[c->seeds_count++];
	memcpy(name, rec->str, rec->str_len);
	name[rec->str_len] = '\0';
	/* What is in brackets is no name that somebody may look up. */
	if (name[0] == '[' && (rc = addr_parse(name, &a, err)) < 0) {
		err_prefix(err, "seeds: ");
		return rc;
	}
	return 0;
}

/* A number or the name of an account here. */
static int
read_operator(struct config *c, const struct flat_rec *rec, struct err *err)
{
	int64_t uid = rec->num;
	char name[64];

	if (c->operators_count == CONFIG_OPERATORS_MAX)
		return err_set(err, EXIT_CONFIG, "operators: more than %d", CONFIG_OPERATORS_MAX);
	if (rec->type == FLAT_STR) {
		const struct passwd *pw;

		snprintf(name, sizeof name, "%.*s", (int)rec->str_len, rec->str);
		if (name[0] != '\0' && name[strspn(name, "0123456789")] == '\0')
			uid = strtoll(name, NULL, 10); /* saturates: out of range below */
		else if ((pw = getpwnam(name)) == NULL)
			return err_set(err, EXIT_CONFIG, "operators: no user '%s'", name);
		else
			uid = pw->pw_uid;
	}
	if (uid < 0 || uid >= UINT32_MAX)
		return err_set(err, EXIT_CONFIG, "operators: %lld is no uid", (long long)uid);
	c->operators[c->operators_count++] = (uint32_t)uid;
	return 0;
}

static int
read_lists(struct config *c, const struct flat *f, struct err *err)
{
	struct flat_rec rec;
	size_t off = 0;
	char key[16];
	int rc = 0;

	while (rc == 0 && flat_next(f, &off, &rec)) {
		if (flat_child(&rec, "seeds", key, sizeof key) && rec.type == FLAT_STR)
			rc = read_seed(c, &rec, err);
		else if (flat_child(&rec, "operators", key, sizeof key))
			rc = read_operator(c, &rec, err);
	}
	return rc;
}

static int64_t
int_or(const struct flat *f, const char *path, int64_t otherwise)
{
	int64_t v;

	return flat_int(f, path, &v) ? v : otherwise;
}

/* What the supervisor adds: the master file's word, the command line's, and an account's id. */
static int
read_added(struct config *c, const struct flat *f, struct err *err)
{
	char dir[sizeof c->sandboxes_dir];
	bool debug;

	snprintf(dir, sizeof dir, "%s/lithos-configs/sandboxes", c->config_dir);
	if (flat_bool(f, "debug", &debug) && debug)
		c->log_level = LOG_LEVEL_DEBUG;
	c->http_uid = (uint32_t)int_or(f, "http-uid", 0);
	return str_or(f, "sandboxes-dir", c->sandboxes_dir, sizeof c->sandboxes_dir, dir, err);
}

static int
read_strings(struct config *c, const struct flat *f, struct err *err)
{
	const struct {
		const char *path;
		char *out;
		size_t cap;
		const char *otherwise;
	} all[] = {
	    {"zone", c->zone, sizeof c->zone, ""},
	    {"cluster", c->cluster, sizeof c->cluster, "mesh"},
	    {"config-dir", c->config_dir, sizeof c->config_dir, "/etc/mesh"},
	    {"state-dir", c->state_dir, sizeof c->state_dir, "/var/lib/mesh"},
	    {"images-dir", c->images_dir, sizeof c->images_dir, "/var/lib/mesh/images"},
	    {"cluster-key", c->key_path, sizeof c->key_path, ""},
	    {"log-dir", c->log_dir, sizeof c->log_dir, "/var/log/mesh"},
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(all); i++)
		rc = str_or(f, all[i].path, all[i].out, all[i].cap, all[i].otherwise, err);
	return rc;
}

/* The row of prefs for this name; NULL when there are too many. */
static struct mesh_pref *
pref_for(struct mesh_policy *p, const char *name)
{
	for (size_t i = 0; i < p->prefs_count; i++)
		if (strcmp(p->prefs[i].name, name) == 0)
			return &p->prefs[i];
	if (p->prefs_count == MESH_PREFS_MAX)
		return NULL;
	snprintf(p->prefs[p->prefs_count].name, NAME_CAP, "%s", name);
	return &p->prefs[p->prefs_count++];
}

static int
read_prefs(struct mesh_policy *p, const struct flat *f, struct err *err)
{
	struct mesh_pref *pref = NULL;
	struct flat_rec rec;
	size_t off = 0;
	char name[NAME_CAP] = "";
	bool is_weight;

	while (flat_next(f, &off, &rec)) {
		is_weight = flat_child(&rec, "election/weights", name, sizeof name);
		if (!is_weight && !flat_child(&rec, "election/priority", name, sizeof name))
			continue;
		if ((pref = pref_for(p, name)) == NULL)
			break;
		if (is_weight)
			pref->weight = (uint8_t)rec.num;
		else
			pref->priority = (int8_t)rec.num;
	}
	if (flat_str(f, "election/tie-breaker", name, sizeof name) &&
	    (pref = pref_for(p, name)) != NULL)
		pref->tie_breaker = true;
	if (name[0] != '\0' && pref == NULL)
		return err_set(err, EXIT_CONFIG,
		    "election: names more than %d nodes in weights, priority and tie-breaker",
		    MESH_PREFS_MAX);
	return 0;
}

static int
read_policy(struct mesh_policy *p, const struct flat *f, struct err *err)
{
	char text[32];
	int64_t min;
	int rc;

	p->quorum = MESH_QUORUM_MAJORITY;
	if (flat_int(f, "election/quorum/min", &min))
		p->quorum = MESH_QUORUM_MIN;
	else if (flat_int(f, "election/quorum/weight", &min))
		p->quorum = MESH_QUORUM_WEIGHT;
	else if ((rc = str_or(f, "election/quorum", text, sizeof text, "majority", err)) < 0)
		return rc;
	else if (strcmp(text, "any") == 0)
		p->quorum = MESH_QUORUM_ANY;
	if (p->quorum >= MESH_QUORUM_MIN)
		p->quorum_min = (uint32_t)min;
	p->degraded_min = (uint32_t)int_or(f, "election/degraded/min", 0);
	p->degraded_after_ms = int_or(f, "election/degraded/after", DEGRADED_AFTER_MS);
	return read_prefs(p, f, err);
}

static int
read_profile(enum mesh_profile *out, const struct flat *f, struct err *err)
{
	char text[16];
	int rc;

	if ((rc = str_or(f, "profile", text, sizeof text, paces_name(MESH_LAN), err)) < 0)
		return rc;
	for (*out = MESH_LAN; *out < MESH_PROFILES; ++*out)
		if (strcmp(text, paces_name(*out)) == 0)
			return 0;
	return err_set(err, EXIT_CONFIG, "profile: '%s' is none of lan, wan, local", text);
}

int
config_read(struct config *c, const struct flat *f, struct err *err)
{
	char text[32];
	int rc;

	memset(c, 0, sizeof *c);
	if ((rc = str_or(f, "name", c->name, sizeof c->name, "", err)) < 0 ||
	    (c->name[0] == '\0' && (rc = default_name(c->name, sizeof c->name, err)) < 0))
		return rc;
	if ((rc = read_strings(c, f, err)) < 0 || (rc = read_addresses(c, f, err)) < 0 ||
	    (rc = read_tags(c, f, err)) < 0 || (rc = check_meta(c, err)) < 0 ||
	    (rc = read_lists(c, f, err)) < 0)
		return rc;
	if ((rc = read_policy(&c->policy, f, err)) < 0 ||
	    (rc = read_profile(&c->profile, f, err)) < 0)
		return rc;
	c->members_max = (uint32_t)int_or(f, "members-max", MESH_MEMBERS_LIMIT);
	c->lease_ms = int_or(f, "election/lease", 0);
	c->restart_grace_ms = int_or(f, "restart-grace", RESTART_GRACE_MS);
	c->script_heap_bytes = int_or(f, "limits/script-memory", SCRIPT_HEAP_BYTES);
	c->script_cpu_ms = int_or(f, "limits/script-cpu", SCRIPT_CPU_MS);
	c->script_wall_ms = int_or(f, "limits/script-wall", 2 * c->script_cpu_ms);
	c->metrics_bytes = int_or(f, "limits/metrics-memory", METRICS_BYTES);
	c->metrics_keep_ms = int_or(f, "limits/metrics-keep", METRICS_KEEP_MS);
	c->rounds_bytes = int_or(f, "limits/rounds-disk", ROUNDS_BYTES);
	c->rounds_keep_ms = int_or(f, "limits/rounds-keep", ROUNDS_KEEP_MS);
	if ((rc = str_or(f, "log/level", text, sizeof text, "info", err)) < 0)
		return rc;
	c->log_level = log_level_of(text);
	return read_added(c, f, err);
}
