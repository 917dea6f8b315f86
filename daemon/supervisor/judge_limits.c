/*
 * judge_limits.c - who the container runs as, how much it may take, and how
 * its health is asked.  An unset user is an error, never root.
 */
#include <stdio.h>
#include <stdlib.h>

#include "judge_in.h"

enum {
	ID_MAX = 4294967294U, /* (uid_t)-1 means "unset" to the kernel */
	RANGE_IDS = 65536,
	RANGE_FIRST_MIN = 1000, /* as config.c holds: never the host's own */
	PIDS_DEFAULT = 4096,
	FILENO_DEFAULT = 1024,
	MEMORY_MIN = 4 << 20,
	RESTART_MS = 1000,
	RESTART_MS_MIN = 100,
	KILL_MS = 5000,
	KILL_MS_MAX = 60000,
	HEALTH_INTERVAL_MS = 1000,
	HEALTH_TIMEOUT_MS = 1000,
};

/* user-id or group-id, else the sandbox's default.  1: set, 0: not, < 0. */
static int
pick_id(const struct judge *j, const char *key, const char *allow,
    const char *dflt, uint32_t *out, struct err *err)
{
	struct flat_rec rec;
	int64_t id;

	if (!flat_find(j->container, key, &rec)) {
		if (!flat_int(j->sandbox, dflt, &id))
			return 0;
		if (id < 0 || id > ID_MAX)
			return err_set(err, EXIT_CONFIG,
			    "%s: %s: %s: %lld is not an id (0-%u)",
			    j->req->instance, j->sandbox_file, dflt,
			    (long long)id, ID_MAX);
		*out = (uint32_t)id;
		return 1;
	}
	if (rec.type != FLAT_INT || rec.num < 0 || rec.num > ID_MAX)
		return judge_fail(j, &rec, err, "%s: %lld is not an id (0-%u)",
		    key, (long long)(rec.type == FLAT_INT ? rec.num : -1),
		    ID_MAX);
	if (!ranges_hold(j->sandbox, allow, (uint64_t)rec.num))
		return judge_fail(j, &rec, err,
		    "%s: %lld is not in %s of sandbox '%s' (%s)", key,
		    (long long)rec.num, allow, j->req->sandbox, j->sandbox_file);
	*out = (uint32_t)rec.num;
	return 1;
}

static int
read_maps(const struct judge *j, const char *key, struct spec_map *maps,
    uint32_t *count, struct err *err)
{
	static const char *const parts[] = {"inside", "outside", "count"};
	struct flat_rec rec;
	char path[64];
	int64_t v[3];

	if (!flat_find(j->sandbox, key, &rec) || rec.num == 0) {
		if (j->range_first < RANGE_FIRST_MIN ||
		    j->range_first > ID_MAX - RANGE_IDS)
			return err_set(err, EXIT_STATE,
			    "%s: sandbox '%s': outside ids from %u on are nobody's to give",
			    j->req->instance, j->req->sandbox, j->range_first);
		maps[0] = (struct spec_map){0, j->range_first, RANGE_IDS};
		*count = 1;
		return 0;
	}
	if (rec.num > SPEC_MAPS_MAX)
		return err_set(err, EXIT_CONFIG,
		    "%s: %s:%u:%u: %s: at most %d ranges are supported",
		    j->req->instance, j->sandbox_file, rec.line, rec.col, key,
		    SPEC_MAPS_MAX);
	*count = (uint32_t)rec.num;
	for (uint32_t i = 0; i < *count; i++) {
		for (size_t k = 0; k < ARRAY_LEN(parts); k++) {
			snprintf(path, sizeof path, "%s/%u/%s", key, i,
			    parts[k]);
			if (!flat_int(j->sandbox, path, &v[k]) || v[k] < 0 ||
			    v[k] > ID_MAX)
				return err_set(err, EXIT_CONFIG,
				    "%s: %s: %s is missing or not an id",
				    j->req->instance, j->sandbox_file, path);
		}
		maps[i] = (struct spec_map){(uint32_t)v[0], (uint32_t)v[1],
		    (uint32_t)v[2]};
	}
	return 0;
}

/* Do two ranges give one id twice? */
static bool
overlap(const struct spec_map *a, const struct spec_map *b)
{
	return (a->outside < (uint64_t)b->outside + b->count &&
		   b->outside < (uint64_t)a->outside + a->count) ||
	    (a->inside < (uint64_t)b->inside + b->count &&
		b->inside < (uint64_t)a->inside + a->count);
}

static int
check_maps(const struct judge *j, const char *key, const struct spec_map *maps,
    uint32_t count, struct err *err)
{
	for (uint32_t i = 0; i < count; i++) {
		if (maps[i].count == 0 ||
		    (uint64_t)maps[i].inside + maps[i].count > ID_MAX ||
		    (uint64_t)maps[i].outside + maps[i].count > ID_MAX)
			return err_set(err, EXIT_CONFIG,
			    "%s: %s: %s/%u: is empty or goes beyond the last id",
			    j->req->instance, j->sandbox_file, key, i);
		for (uint32_t k = 0; k < i; k++)
			if (overlap(&maps[i], &maps[k]))
				return err_set(err, EXIT_CONFIG,
				    "%s: %s: %s/%u overlaps %s/%u",
				    j->req->instance, j->sandbox_file, key, i,
				    key, k);
	}
	return 0;
}

static bool
mapped(const struct spec_map *maps, uint32_t count, uint32_t id)
{
	if (count == 0)
		return true;
	for (uint32_t i = 0; i < count; i++)
		if (id >= maps[i].inside && id - maps[i].inside < maps[i].count)
			return true;
	return false;
}

int
judge_user(const struct judge *j, struct spec *s, struct err *err)
{
	bool userns = true;
	int rc;

	rc = pick_id(j, "user-id", "allow-users", "default-user", &s->uid, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return judge_fail(j, NULL, err,
		    "no user: set user-id here or default-user in sandbox '%s' (%s)",
		    j->req->sandbox, j->sandbox_file);
	rc = pick_id(j, "group-id", "allow-groups", "default-group", &s->gid,
	    err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		s->gid = s->uid;
	if (flat_bool(j->sandbox, "userns", &userns) && !userns)
		return 0;
	if ((rc = read_maps(j, "uid-map", s->uid_maps, &s->uid_maps_count,
		 err)) < 0 ||
	    (rc = check_maps(j, "uid-map", s->uid_maps, s->uid_maps_count,
		 err)) < 0 ||
	    (rc = read_maps(j, "gid-map", s->gid_maps, &s->gid_maps_count,
		 err)) < 0 ||
	    (rc = check_maps(j, "gid-map", s->gid_maps, s->gid_maps_count,
		 err)) < 0)
		return rc;
	if (!mapped(s->uid_maps, s->uid_maps_count, s->uid) ||
	    !mapped(s->gid_maps, s->gid_maps_count, s->gid))
		return judge_fail(j, NULL, err,
		    "user-id %u or group-id %u is outside the id maps of sandbox '%s'",
		    s->uid, s->gid, j->req->sandbox);
	return 0;
}

/* A limit: its key in the container file, which may not be above the one in
 * the sandbox; where the sandbox is silent, not above `most` (0: anything). */
struct limit {
	const char *key, *sandbox_key;
	int64_t dflt, most;
};

static int
pick_limit(const struct judge *j, const struct limit *l, uint64_t *out,
    struct err *err)
{
	struct flat_rec rec;
	int64_t most = 0;
	bool capped = l->sandbox_key != NULL &&
	    flat_int(j->sandbox, l->sandbox_key, &most);

	*out = (uint64_t)(capped ? most : l->dflt);
	if (!flat_find(j->container, l->key, &rec))
		return 0;
	if (rec.type != FLAT_INT || rec.num < 1)
		return judge_fail(j, &rec, err, "%s: at least 1 is needed",
		    l->key);
	if (capped && rec.num > most)
		return judge_fail(j, &rec, err,
		    "%s: %lld is above the %lld that sandbox '%s' allows (%s)",
		    l->key, (long long)rec.num, (long long)most,
		    j->req->sandbox, j->sandbox_file);
	if (!capped && l->most != 0 && rec.num > l->most)
		return judge_fail(j, &rec, err, "%s: %lld is above %lld, the most %s%s%s%s",
		    l->key, (long long)rec.num, (long long)l->most,
		    l->sandbox_key ? "without " : "there is",
		    l->sandbox_key ? l->sandbox_key : "",
		    l->sandbox_key ? " in sandbox " : "",
		    l->sandbox_key ? j->req->sandbox : "");
	*out = (uint64_t)rec.num;
	return 0;
}

static int
pick_u32(const struct judge *j, const struct limit *l, uint32_t *out,
    struct err *err)
{
	uint64_t v = 0;
	int rc = pick_limit(j, l, &v, err);

	if (rc < 0)
		return rc;
	*out = v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
	return 0;
}

/* An image does not choose its own limits where the sandbox says nothing. */
static const struct limit
    memory = {"memory-limit", "limits/memory", 0, 0},
    pids = {"pids-limit", "limits/pids", PIDS_DEFAULT, PIDS_DEFAULT},
    cpu_quota = {"cpu-quota", "limits/cpu-quota", 0, 0},
    cpu_shares = {"cpu-shares", NULL, 0, 0},
    fileno_limit = {"fileno-limit", NULL, FILENO_DEFAULT, 0},
    log_size = {"log/size", "log/size", 0, SPEC_LOG_BYTES},
    restart_timeout = {"restart-timeout", NULL, RESTART_MS, 0},
    kill_timeout = {"kill-timeout", NULL, KILL_MS, KILL_MS_MAX},
    lease_kill = {"kill-timeout", NULL, KILL_MS, SUP_LEASE_KILL_MS_MAX},
    health_interval = {"health/interval", NULL, HEALTH_INTERVAL_MS, 0},
    health_timeout = {"health/timeout", NULL, HEALTH_TIMEOUT_MS, 0};

static int
normal_exits(const struct judge *j, struct spec *s, struct err *err)
{
	struct flat_rec rec;
	size_t off = 0;
	char key[16];

	while (flat_next(j->container, &off, &rec)) {
		if (!flat_child(&rec, "normal-exit-codes", key, sizeof key))
			continue;
		if (rec.type != FLAT_INT || rec.num < 0 || rec.num > 255)
			return judge_fail(j, &rec, err,
			    "normal-exit-codes: codes from 0 to 255 are needed");
		s->normal_exit[rec.num / 64] |= UINT64_C(1) << (rec.num % 64);
	}
	return 0;
}

int
judge_limits(const struct judge *j, struct spec *s, struct err *err)
{
	int rc;

	if ((rc = pick_limit(j, &memory, &s->memory_bytes, err)) < 0 ||
	    (rc = pick_u32(j, &pids, &s->pids, err)) < 0 ||
	    (rc = pick_u32(j, &cpu_quota, &s->cpu_milli, err)) < 0 ||
	    (rc = pick_u32(j, &cpu_shares, &s->cpu_shares, err)) < 0 ||
	    (rc = pick_u32(j, &fileno_limit, &s->fileno, err)) < 0 ||
	    (rc = pick_limit(j, &log_size, &s->log_bytes, err)) < 0 ||
	    (rc = pick_u32(j, &restart_timeout, &s->restart_timeout_ms,
		 err)) < 0 ||
	    (rc = pick_u32(j,
		 j->req->policy == SUP_EXCLUSIVE ? &lease_kill : &kill_timeout,
		 &s->kill_timeout_ms, err)) < 0 ||
	    (rc = normal_exits(j, s, err)) < 0)
		return rc;
	/* Below this every run would be a long one, and none would back off. */
	if (s->restart_timeout_ms < RESTART_MS_MIN)
		s->restart_timeout_ms = RESTART_MS_MIN;
	if (s->memory_bytes != 0 && s->memory_bytes < MEMORY_MIN)
		return judge_fail(j, NULL, err,
		    "memory-limit: below minimum 4 MiB");
	return 0;
}

static int
health_port(const struct judge *j, const char *key, uint32_t *out,
    struct err *err)
{
	struct flat_rec rec;
	char text[64], *end;
	unsigned long port;
	int rc;

	if (!flat_find(j->container, key, &rec))
		return judge_fail(j, NULL, err, "%s is missing", key);
	if (rec.type == FLAT_INT)
		snprintf(text, sizeof text, "%lld", (long long)rec.num);
	else if ((rc = vars_fill(j, key, rec.str, rec.str_len, text,
		      sizeof text, err)) < 0)
		return rc;
	port = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || port < 1 ||
	    port > 65535)
		return judge_fail(j, &rec, err, "%s: a port (1-65535) is needed",
		    key);
	*out = (uint32_t)port;
	return 0;
}

static bool
line_of_http_ok(const char *path)
{
	for (; *path != '\0'; path++)
		if (*path < 0x21 || *path > 0x7e)
			return false;
	return true;
}

int
judge_health(const struct judge *j, struct spec *s, struct err *err)
{
	struct flat_rec rec;
	int rc;

	if (flat_find(j->container, "health/tcp", &rec)) {
		s->health_kind = SUP_HEALTH_TCP;
		if ((rc = health_port(j, "health/tcp", &s->health_port, err)) < 0)
			return rc;
	} else if (flat_find(j->container, "health/http", &rec)) {
		s->health_kind = SUP_HEALTH_HTTP;
		if ((rc = health_port(j, "health/http/port", &s->health_port,
			 err)) < 0)
			return rc;
		snprintf(s->health_path, sizeof s->health_path, "/");
		if (flat_find(j->container, "health/http/path", &rec) &&
		    (!flat_str(j->container, "health/http/path", s->health_path,
			 sizeof s->health_path) ||
			s->health_path[0] != '/' ||
			!line_of_http_ok(s->health_path)))
			return judge_fail(j, &rec, err,
			    "health/http/path: a path of less than 128 bytes is needed");
	} else if (flat_find(j->container, "health", &rec)) {
		return judge_fail(j, &rec, err,
		    "health: only tcp and http are supported yet");
	} else {
		return 0;
	}
	if ((rc = pick_u32(j, &health_interval, &s->health_interval_ms, err)) < 0)
		return rc;
	return pick_u32(j, &health_timeout, &s->health_timeout_ms, err);
}
