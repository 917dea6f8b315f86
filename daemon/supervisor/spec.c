/*
 * spec.c - the record of an accepted START, to bytes and back.
 *
 * Fields are named, not positional: a newer supervisor reads the records of
 * an older one after an upgrade.  The table below is both directions at once,
 * so that a field can't be written and forgotten in reading.
 */
#include "spec.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "../base/flat.h"
#include "../base/name.h"

/* NEEDS: it names sockets or secrets, without which an older meshd would start it;
 * NETWORK: it has one of its own, and an older meshd would start it on the host's.  No
 * flipped bit makes one of another. */
enum { RECORD_VERSION = 1, RECORD_NEEDS = 2, RECORD_NETWORK = 4 };

/* Its first name: older supervisors read and wrote it so. */
#define LEADER_KEY "cluster"

/* F_NEW: a string that older records lack; then it is "". */
enum field_type { F_STR, F_NEW, F_U32, F_U64, F_BOOL };

struct field {
	const char *key;
	enum field_type type;
	size_t offset, cap;
};

#define STR(k, f) {k, F_STR, offsetof(struct spec, f), sizeof((struct spec *)0)->f}
#define NEW(k, f) {k, F_NEW, offsetof(struct spec, f), sizeof((struct spec *)0)->f}
#define U32(k, f) {k, F_U32, offsetof(struct spec, f), 4}
#define U64(k, f) {k, F_U64, offsetof(struct spec, f), 8}
#define BOOL(k, f) {k, F_BOOL, offsetof(struct spec, f), 1}

static const struct field fields[] = {
    STR("instance", instance), STR("role", role), STR("sandbox", sandbox),
    STR("image", image), STR("config", config), U32("policy", policy),
    U64("term", term), U64("seq", seq), U64("hash", hash),
    U64("judged", judged), U64("sandbox-seen", sandbox_seen),
    U64("container-seen", container_seen),
    BOOL("command", command), BOOL("staged", staged),
    STR("images-dir", images_dir), STR("executable", executable),
    STR("workdir", workdir), U32("uid", uid), U32("gid", gid),
    U32("uid-maps", uid_maps_count), U32("gid-maps", gid_maps_count),
    U32("volumes", volumes_count), U64("memory", memory_bytes),
    U64("log-size", log_bytes), U32("log-count", log_count),
    U32("cpu-shares", cpu_shares), U32("cpu-quota", cpu_milli),
    U32("pids", pids), U32("fileno", fileno),
    U64("memory-high", memory_high_bytes), U32("io-weight", io_weight),
    U32("oom-score", oom_score), U64("all-memory", all_memory_bytes),
    U32("all-cpu-quota", all_cpu_milli), U32("all-pids", all_pids),
    U32("restart-timeout", restart_timeout_ms),
    U32("kill-timeout", kill_timeout_ms), U32("health", ready.how.kind),
    U64("normal-exit-0", normal_exit[0]), U64("normal-exit-1", normal_exit[1]),
    U64("normal-exit-2", normal_exit[2]), U64("normal-exit-3", normal_exit[3]),
    U32("health-port", ready.how.port),
    U32("health-interval", ready.how.interval_ms),
    U32("health-timeout", ready.how.timeout_ms),
    STR("health-path", ready.how.path),
    U32("health-failures", ready.how.failures),
    U32("health-successes", ready.how.successes),
    U32("live", live.how.kind), U32("live-port", live.how.port),
    U32("live-interval", live.how.interval_ms),
    U32("live-timeout", live.how.timeout_ms),
    NEW("live-path", live.how.path), U32("live-failures", live.how.failures),
    U32("live-start", live.how.start_ms),
    BOOL("limits-optional", limits_optional), BOOL("run-tmpfs", run_tmpfs),
     U32("hosts-flags", hosts_flags),
    U32("resolv-flags", resolv_flags), U64("capabilities", capabilities),
    NEW("seccomp", seccomp), NEW("hosts-file", hosts_file),
    NEW("resolv-file", resolv_file), NEW("secrets-key", secrets_key),
    NEW("secrets-file", secrets_file), U32("network", network),
    NEW("bridge", bridge), U32("address", address), U32("prefix", prefix),
    U32("gateway", gateway),
};

int
strs_add(struct strs *s, const char *str, size_t len, struct err *err)
{
	char *buf;

	if (s->len + len + 1 > SPEC_STRS_BYTES_MAX)
		return err_set(err, EXIT_CONFIG, "exceed %d KiB",
		    SPEC_STRS_BYTES_MAX >> 10);
	if (memchr(str, 0, len) != NULL)
		return err_set(err, EXIT_CONFIG, "hold a NUL byte");
	buf = realloc(s->buf, s->len + len + 1);
	if (buf == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "out of memory");
	memcpy(buf + s->len, str, len);
	buf[s->len + len] = '\0';
	s->buf = buf;
	s->len += len + 1;
	s->count++;
	return 0;
}

/* Up to and with the volumes that it has, or that a bad record says it has. */
static size_t
used_bytes(const struct spec *s)
{
	size_t n = s->volumes_count < SPEC_VOLUMES_MAX ? s->volumes_count :
							 SPEC_VOLUMES_MAX;

	return offsetof(struct spec, volumes) + n * sizeof *s->volumes;
}

void
spec_free(struct spec *s)
{
	free(s->args.buf);
	free(s->env.buf);
	free(s->hosts.buf);
	free(s->calls.buf);
	free(s->ports.buf);
	free(s->bind.buf);
	free(s->after_setup.buf);
	free(s->sealed.buf);
	free(s->scrapes.buf);
	free(s->ready.argv.buf);
	free(s->live.argv.buf);
	memset(s, 0, used_bytes(s));
}

void
spec_move(struct spec *to, struct spec *from)
{
	memcpy(to, from, used_bytes(from));
	memset(from, 0, used_bytes(from));
}

bool
spec_normal_exit(const struct spec *s, int status)
{
	return status >= 0 && WIFEXITED(status) &&
	    (s->normal_exit[WEXITSTATUS(status) / 64] >>
		(WEXITSTATUS(status) % 64) & 1) != 0;
}

static void
put_strs(struct flat_out *o, const char *key, const struct strs *s)
{
	char path[64];
	const char *p = s->buf;

	for (uint32_t i = 0; i < s->count; i++, p += strlen(p) + 1) {
		snprintf(path, sizeof path, "%s/%u", key, i);
		flat_put_str(o, path, p);
	}
}

static void
put_maps(struct flat_out *o, const char *key, const struct spec_map *m,
    uint32_t count)
{
	char path[64];

	for (uint32_t i = 0; i < count; i++) {
		snprintf(path, sizeof path, "%s/%u/inside", key, i);
		flat_put_int(o, path, m[i].inside);
		snprintf(path, sizeof path, "%s/%u/outside", key, i);
		flat_put_int(o, path, m[i].outside);
		snprintf(path, sizeof path, "%s/%u/count", key, i);
		flat_put_int(o, path, m[i].count);
	}
}

static void
put_volume(struct flat_out *o, uint32_t i, const struct spec_volume *v)
{
	char path[64];

	snprintf(path, sizeof path, "volume/%u/kind", i);
	flat_put_int(o, path, (int64_t)v->kind);
	snprintf(path, sizeof path, "volume/%u/target", i);
	flat_put_str(o, path, v->target);
	snprintf(path, sizeof path, "volume/%u/source", i);
	flat_put_str(o, path, v->source);
	snprintf(path, sizeof path, "volume/%u/below", i);
	flat_put_str(o, path, v->below);
	snprintf(path, sizeof path, "volume/%u/bytes", i);
	flat_put_int(o, path, (int64_t)v->bytes);
	snprintf(path, sizeof path, "volume/%u/mode", i);
	flat_put_int(o, path, v->mode);
	snprintf(path, sizeof path, "volume/%u/user", i);
	flat_put_int(o, path, v->user);
	snprintf(path, sizeof path, "volume/%u/group", i);
	flat_put_int(o, path, v->group);
	snprintf(path, sizeof path, "volume/%u/flags", i);
	flat_put_int(o, path, v->flags);
}

static void
put_field(struct flat_out *o, const struct field *f, const struct spec *s)
{
	const char *at = (const char *)s + f->offset;
	uint64_t u64 = 0;
	uint32_t u32;

	switch (f->type) {
	case F_STR:
	case F_NEW:
		flat_put_str(o, f->key, at);
		return;
	case F_BOOL:
		u64 = *(const bool *)at;
		break;
	case F_U32:
		memcpy(&u32, at, 4);
		u64 = u32;
		break;
	case F_U64:
		memcpy(&u64, at, 8);
		break;
	}
	flat_put_int(o, f->key, (int64_t)u64);
}

static void
put_le(uint8_t *p, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t
get_le(const uint8_t *p, int bytes)
{
	uint64_t v = 0;

	for (int i = 0; i < bytes; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static uint64_t
checksum(const uint8_t *p, size_t n)
{
	return sup_hash_(UINT64_C(0xcbf29ce484222325), p, n);
}

static int
version_of(const struct spec *s)
{
	if (s->network != SPEC_NET_HOST)
		return RECORD_NETWORK;
	return s->ports.count > 0 || s->sealed.count > 0 || s->secrets_file[0] != '\0' ?
	    RECORD_NEEDS :
	    RECORD_VERSION;
}

size_t
spec_encode(const struct spec *s, uint8_t *out)
{
	struct flat_out o;
	char hex[2 * ID_BYTES + 1];
	size_t len;

	flat_begin(&o, out + SPEC_HEADER_BYTES, SPEC_RECORD_BYTES_MAX - SPEC_HEADER_BYTES);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		put_field(&o, &fields[i], s);
	for (size_t i = 0; i < ID_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", s->leader[i]);
	flat_put_str(&o, LEADER_KEY, hex);
	put_strs(&o, "arg", &s->args);
	put_strs(&o, "env", &s->env);
	put_strs(&o, "host", &s->hosts);
	put_strs(&o, "call", &s->calls);
	put_strs(&o, "port", &s->ports);
	put_strs(&o, "bind", &s->bind);
	put_strs(&o, "after-setup", &s->after_setup);
	put_strs(&o, "sealed", &s->sealed);
	put_strs(&o, "health-arg", &s->ready.argv);
	put_strs(&o, "live-arg", &s->live.argv);
	put_strs(&o, "scrape", &s->scrapes);
	put_maps(&o, "uid-map", s->uid_maps, s->uid_maps_count);
	put_maps(&o, "gid-map", s->gid_maps, s->gid_maps_count);
	for (uint32_t i = 0; i < s->volumes_count; i++)
		put_volume(&o, i, &s->volumes[i]);
	len = flat_end(&o);
	if (len == 0)
		return 0;
	memcpy(out, "MSUP", 4);
	put_le(out + 4, (uint64_t)version_of(s), 4);
	put_le(out + 8, len, 4);
	put_le(out + 12, checksum(out + SPEC_HEADER_BYTES, len), 8);
	return SPEC_HEADER_BYTES + len;
}

static bool
get_u32(const struct flat *f, const char *path, uint32_t *out)
{
	int64_t v;

	if (!flat_int(f, path, &v) || v < 0 || v > UINT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

static bool
get_field(const struct flat *f, const struct field *fd, struct spec *s)
{
	char *at = (char *)s + fd->offset;
	struct flat_rec rec;
	int64_t v;
	uint32_t u;

	if (fd->type != F_STR && !flat_find(f, fd->key, &rec))
		return true; /* an older supervisor's record */
	switch (fd->type) {
	case F_STR:
	case F_NEW:
		return flat_str(f, fd->key, at, fd->cap);
	case F_BOOL:
		if (!get_u32(f, fd->key, &u))
			return false;
		*(bool *)at = u != 0;
		return true;
	case F_U32:
		if (!get_u32(f, fd->key, &u))
			return false;
		memcpy(at, &u, 4);
		return true;
	case F_U64:
		if (!flat_int(f, fd->key, &v))
			return false;
		memcpy(at, &v, 8);
		return true;
	}
	return false;
}

static bool
get_strs(const struct flat *f, const char *key, struct strs *s)
{
	struct flat_rec rec;
	struct err err;
	char path[64];

	for (uint32_t i = 0; i < 65536; i++) {
		snprintf(path, sizeof path, "%s/%u", key, i);
		if (!flat_find(f, path, &rec))
			return true;
		if (rec.type != FLAT_STR ||
		    strs_add(s, rec.str, rec.str_len, &err) < 0)
			return false;
	}
	return false;
}

static bool
get_maps(const struct flat *f, const char *key, struct spec_map *m,
    uint32_t count)
{
	char path[64];

	if (count > SPEC_MAPS_MAX)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		snprintf(path, sizeof path, "%s/%u/inside", key, i);
		if (!get_u32(f, path, &m[i].inside))
			return false;
		snprintf(path, sizeof path, "%s/%u/outside", key, i);
		if (!get_u32(f, path, &m[i].outside))
			return false;
		snprintf(path, sizeof path, "%s/%u/count", key, i);
		if (!get_u32(f, path, &m[i].count) || m[i].count == 0 ||
		    m[i].count > UINT32_MAX - m[i].inside ||
		    m[i].count > UINT32_MAX - m[i].outside)
			return false;
	}
	return true;
}

/* A number of a volume that older records lack. */
static bool
get_new(const struct flat *f, uint32_t i, const char *key, uint32_t *out)
{
	struct flat_rec rec;
	char path[64];

	snprintf(path, sizeof path, "volume/%u/%s", i, key);
	*out = 0;
	return !flat_find(f, path, &rec) || get_u32(f, path, out);
}

static bool
get_volume(const struct flat *f, uint32_t i, struct spec_volume *v)
{
	char path[64];
	uint32_t kind;
	int64_t bytes;

	snprintf(path, sizeof path, "volume/%u/kind", i);
	if (!get_u32(f, path, &kind) || kind < SPEC_TMPFS ||
	    kind >= SPEC_VOLUME_KINDS)
		return false;
	v->kind = (enum spec_volume_kind)kind;
	snprintf(path, sizeof path, "volume/%u/target", i);
	if (!flat_str(f, path, v->target, sizeof v->target))
		return false;
	snprintf(path, sizeof path, "volume/%u/source", i);
	if (!flat_str(f, path, v->source, sizeof v->source))
		return false;
	snprintf(path, sizeof path, "volume/%u/below", i);
	if (!flat_str(f, path, v->below, sizeof v->below))
		return false;
	snprintf(path, sizeof path, "volume/%u/bytes", i);
	if (!flat_int(f, path, &bytes) || bytes < 0)
		return false;
	v->bytes = (uint64_t)bytes;
	snprintf(path, sizeof path, "volume/%u/mode", i);
	return get_u32(f, path, &v->mode) &&
	    get_new(f, i, "user", &v->user) &&
	    get_new(f, i, "group", &v->group) &&
	    get_new(f, i, "flags", &v->flags);
}

static bool
get_leader(const struct flat *f, uint8_t *leader)
{
	char hex[2 * ID_BYTES + 1];
	unsigned byte;

	if (!flat_str(f, LEADER_KEY, hex, sizeof hex) ||
	    strlen(hex) != 2 * ID_BYTES)
		return false;
	for (size_t i = 0; i < ID_BYTES; i++) {
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return false;
		leader[i] = (uint8_t)byte;
	}
	return true;
}

static const char *
get_all(const struct flat *f, struct spec *s)
{
	struct sup_scrape scrapes[SUP_SCRAPES_MAX];

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (!get_field(f, &fields[i], s))
			return fields[i].key;
	if (!name_ok(s->instance, strlen(s->instance)))
		return "instance";
	if (s->oom_score > SPEC_OOM_MAX + SPEC_OOM_SCORE)
		return "oom-score";
	if (!get_leader(f, s->leader))
		return "cluster";
	if (!get_strs(f, "arg", &s->args) || s->args.count == 0)
		return "arg";
	if (!get_strs(f, "env", &s->env))
		return "env";
	if (!get_strs(f, "host", &s->hosts))
		return "host";
	if (!get_strs(f, "call", &s->calls))
		return "call";
	if (!get_strs(f, "port", &s->ports) || s->ports.count > SPEC_PORTS_MAX)
		return "port";
	if (!get_strs(f, "bind", &s->bind))
		return "bind";
	if (s->network > SPEC_NET_BRIDGED || s->prefix > 32 ||
	    (s->network == SPEC_NET_BRIDGED && (s->bridge[0] == '\0' || s->address == 0)))
		return "network";
	if (!get_strs(f, "after-setup", &s->after_setup))
		return "after-setup";
	if (!get_strs(f, "sealed", &s->sealed) ||
	    (s->sealed.count > 0 && s->secrets_key[0] != '/'))
		return "sealed";
	if (!get_strs(f, "health-arg", &s->ready.argv) ||
	    (s->ready.how.kind == SUP_HEALTH_EXEC && s->ready.argv.count == 0))
		return "health-arg";
	if (!get_strs(f, "live-arg", &s->live.argv) ||
	    (s->live.how.kind == SUP_HEALTH_EXEC && s->live.argv.count == 0))
		return "live-arg";
	if (!get_strs(f, "scrape", &s->scrapes) || !spec_scrapes(s, scrapes))
		return "scrape";
	if (!get_maps(f, "uid-map", s->uid_maps, s->uid_maps_count))
		return "uid-map";
	if (!get_maps(f, "gid-map", s->gid_maps, s->gid_maps_count))
		return "gid-map";
	if (s->volumes_count > SPEC_VOLUMES_MAX)
		return "volumes";
	for (uint32_t i = 0; i < s->volumes_count; i++)
		if (!get_volume(f, i, &s->volumes[i]))
			return "volume";
	return NULL;
}

bool
spec_newer(const uint8_t *buf, size_t len)
{
	return len >= SPEC_HEADER_BYTES && memcmp(buf, "MSUP", 4) == 0 &&
	    get_le(buf + 4, 4) > RECORD_NETWORK;
}

size_t
spec_bytes(const uint8_t *buf, size_t len)
{
	if (len < SPEC_HEADER_BYTES || memcmp(buf, "MSUP", 4) != 0 ||
	    get_le(buf + 8, 4) > len - SPEC_HEADER_BYTES)
		return 0;
	return SPEC_HEADER_BYTES + (size_t)get_le(buf + 8, 4);
}

int
spec_decode(struct spec *s, const uint8_t *buf, size_t len, const char *where,
    struct err *err)
{
	struct flat f;
	const char *bad;

	memset(s, 0, sizeof *s);
	if (len < SPEC_HEADER_BYTES || memcmp(buf, "MSUP", 4) != 0)
		return err_set(err, EXIT_STATE,
		    "%s: not a record of the supervisor", where);
	if (get_le(buf + 4, 4) < RECORD_VERSION || get_le(buf + 4, 4) == 3 || spec_newer(buf, len))
		return err_set(err, EXIT_STATE,
		    "%s: record version %u, this meshd understands %d", where,
		    (unsigned)get_le(buf + 4, 4), RECORD_NETWORK);
	if (get_le(buf + 8, 4) != len - SPEC_HEADER_BYTES)
		return err_set(err, EXIT_STATE,
		    "%s: torn record (%zu bytes, its header says %zu)", where,
		    len - SPEC_HEADER_BYTES, (size_t)get_le(buf + 8, 4));
	if (get_le(buf + 12, 8) != checksum(buf + SPEC_HEADER_BYTES, len - SPEC_HEADER_BYTES))
		return err_set(err, EXIT_STATE, "%s: bad checksum", where);
	if (flat_open(&f, buf + SPEC_HEADER_BYTES, len - SPEC_HEADER_BYTES) < 0)
		return err_set(err, EXIT_STATE, "%s: malformed record", where);
	bad = get_all(&f, s);
	if (bad == NULL && s->judged == 0)
		s->judged = spec_judged(s); /* an older supervisor's record */
	if (bad == NULL)
		return 0;
	spec_free(s);
	return err_set(err, EXIT_STATE, "%s: bad or missing field '%s'", where,
	    bad);
}
