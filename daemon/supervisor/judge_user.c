/*
 * judge_user.c - who the container runs as, inside and outside.  An unset user
 * is an error, never root.
 *
 * Three ways to a user namespace, and one without:
 *
 *   sandbox                    container file     ids outside are
 *   uid-map                    nothing            those of the sandbox's map
 *   uid-map                    uid-map            its own, within the sandbox's
 *   neither it nor `userns`    nothing            a range that is the sandbox's alone
 *   neither it nor `userns`    uid-map            of that range, told (job.c)
 *   `userns: off`              nothing            no namespace: the same as inside
 *   `userns: off`              uid-map            its own, if allow-users has them (lithos)
 *
 * So an image never chooses ids of the host that its sandbox did not name.
 */
#include <stdio.h>

#include "judge_in.h"

enum {
	ID_MAX = 4294967294U, /* (uid_t)-1 means "unset" to the kernel */
	RANGE_IDS = 65536,
	RANGE_FIRST_MIN = 1000, /* as config.c holds: never the host's own */
};

/* One of the two: users or groups. */
struct kind {
	const char *map, *id, *allow, *dflt;
};

static const struct kind users = {"uid-map", "user-id", "allow-users",
    "default-user"};
static const struct kind groups = {"gid-map", "group-id", "allow-groups",
    "default-group"};

/* A map as a file has it; a count of 0: there is none. */
struct id_maps {
	struct spec_map maps[SPEC_MAPS_MAX];
	uint32_t count;
	bool dflt; /* no file has one: it is the sandbox's range */
};

static uint32_t
ids_of(const struct judge *j)
{
	return j->range_ids == 0 ? RANGE_IDS : j->range_ids;
}

static bool
is_rootless(const struct judge *j)
{
	return ids_of(j) != RANGE_IDS;
}

/* user-id or group-id, else the sandbox's default.  1: set, 0: not, < 0. */
static int
pick_id(const struct judge *j, const struct kind *k, bool allowed_outside,
    uint32_t *out, struct err *err)
{
	struct flat_rec rec;
	int64_t id;

	if (!flat_find(j->container, k->id, &rec)) {
		if (!flat_int(j->sandbox, k->dflt, &id))
			return 0;
		if (id < 0 || id > ID_MAX)
			return err_set(err, EXIT_CONFIG,
			    "%s: %s: %s: %lld is not an id (0-%u)",
			    j->req->instance, j->sandbox_file, k->dflt,
			    (long long)id, ID_MAX);
		*out = (uint32_t)id;
		return 1;
	}
	if (rec.type != FLAT_INT || rec.num < 0 || rec.num > ID_MAX)
		return judge_fail(j, &rec, err, "%s: %lld is not an id (0-%u)",
		    k->id, (long long)(rec.type == FLAT_INT ? rec.num : -1),
		    ID_MAX);
	/* With maps of its own allow-users is about ids outside. */
	if (!allowed_outside &&
	    !ranges_hold(j->sandbox, k->allow, (uint64_t)rec.num))
		return judge_fail(j, &rec, err,
		    "%s: %lld is not in %s of sandbox '%s' (%s)", k->id,
		    (long long)rec.num, k->allow, j->req->sandbox,
		    j->sandbox_file);
	*out = (uint32_t)rec.num;
	return 1;
}

/* The map of one file; where names it in an error. */
static int
read_maps(const struct judge *j, const struct flat *file, const char *where,
    const char *key, struct id_maps *m, struct err *err)
{
	static const char *const parts[] = {"inside", "outside", "count"};
	struct flat_rec rec;
	char path[64];
	int64_t v[3];

	m->count = 0;
	if (!flat_find(file, key, &rec) || rec.num == 0)
		return 0;
	if (rec.type != FLAT_LIST || rec.num > SPEC_MAPS_MAX)
		return err_set(err, EXIT_CONFIG,
		    "%s: %s:%u:%u: %s: at most %d ranges are supported",
		    j->req->instance, where, rec.line, rec.col, key,
		    SPEC_MAPS_MAX);
	m->count = (uint32_t)rec.num;
	for (uint32_t i = 0; i < m->count; i++) {
		for (size_t k = 0; k < ARRAY_LEN(parts); k++) {
			snprintf(path, sizeof path, "%s/%u/%s", key, i,
			    parts[k]);
			if (!flat_int(file, path, &v[k]) || v[k] < 0 ||
			    v[k] > ID_MAX)
				return err_set(err, EXIT_CONFIG,
				    "%s: %s: %s is missing or not an id",
				    j->req->instance, where, path);
		}
		m->maps[i] = (struct spec_map){(uint32_t)v[0], (uint32_t)v[1],
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
check_maps(const struct judge *j, const struct flat *file, const char *where, const char *key,
    const struct id_maps *m, struct err *err)
{
	struct flat_rec at = {0};
	char item[32];

	for (uint32_t i = 0; i < m->count; i++) {
		snprintf(item, sizeof item, "%s/%u", key, i);
		(void)flat_find(file, item, &at);
		if (m->maps[i].count == 0 ||
		    (uint64_t)m->maps[i].inside + m->maps[i].count > ID_MAX ||
		    (uint64_t)m->maps[i].outside + m->maps[i].count > ID_MAX)
			return err_set(err, EXIT_CONFIG,
			    "%s: %s:%u:%u: %s[%u]: is empty or goes beyond the last id",
			    j->req->instance, where, at.line, at.col, key, i);
		for (uint32_t k = 0; k < i; k++)
			if (overlap(&m->maps[i], &m->maps[k]))
				return err_set(err, EXIT_CONFIG,
				    "%s: %s:%u:%u: %s[%u] overlaps %s[%u]: an id inside or outside can be in one only",
				    j->req->instance, where, at.line, at.col, key, i, key, k);
	}
	return 0;
}

/* Are the ids outside of one range all in one range of the sandbox's map? */
static bool
within(const struct spec_map *m, const struct id_maps *sandbox)
{
	for (uint32_t i = 0; i < sandbox->count; i++)
		if (m->outside >= sandbox->maps[i].outside &&
		    (uint64_t)m->outside + m->count <=
			(uint64_t)sandbox->maps[i].outside +
			    sandbox->maps[i].count)
			return true;
	return false;
}

/* Are they all in one range of allow-users or allow-groups? */
static bool
within_allowed(const struct judge *j, const struct kind *k,
    const struct spec_map *m)
{
	return ranges_hold_all(j->sandbox, k->allow, m->outside,
	    (uint64_t)m->outside + m->count - 1);
}

/* The container file's own maps: only ids outside that the sandbox has. */
static int
narrow(const struct judge *j, const struct kind *k, bool userns,
    const struct id_maps *sandbox, struct id_maps *own, struct err *err)
{
	struct flat_rec rec = {0};

	(void)flat_find(j->container, k->map, &rec);
	for (uint32_t i = 0; i < own->count; i++) {
		struct spec_map *m = &own->maps[i];

		if (sandbox->count > 0) {
			if (within(m, sandbox))
				continue;
			return judge_fail(j, &rec, err,
			    "%s: %u outside ids from %u on are not in %s of sandbox '%s' (%s)",
			    k->map, m->count, m->outside, k->map,
			    j->req->sandbox, j->sandbox_file);
		}
		if (!userns) {
			if (within_allowed(j, k, m))
				continue;
			return judge_fail(j, &rec, err,
			    "%s: %u outside ids from %u on are not in %s of sandbox '%s' (%s)",
			    k->map, m->count, m->outside, k->allow,
			    j->req->sandbox, j->sandbox_file);
		}
		if ((uint64_t)m->inside + m->count > ids_of(j))
			return judge_fail(j, &rec, err,
			    "%s: ids inside go to %llu; without a uid-map sandbox '%s' has %u (%s)",
			    k->map,
			    (unsigned long long)m->inside + m->count - 1,
			    j->req->sandbox, ids_of(j), j->sandbox_file);
		m->outside = j->range_first + m->inside;
	}
	return 0;
}

/* What the container gets; none, where there is no user namespace. */
static int
choose_maps(const struct judge *j, const struct kind *k, bool userns,
    struct id_maps *out, struct err *err)
{
	const char *file = j->sandbox_file;
	struct id_maps sandbox = {.count = 0}, own;
	char image[SUP_IMAGE_CAP + SUP_PATH_CAP];
	int rc;

	snprintf(image, sizeof image, "%s%s", j->req->image, j->req->config);
	if ((userns &&
		((rc = read_maps(j, j->sandbox, file, k->map, &sandbox, err)) <
			0 ||
		    (rc = check_maps(j, j->sandbox, file, k->map, &sandbox, err)) < 0)) ||
	    (rc = read_maps(j, j->container, image, k->map, &own, err)) < 0 ||
	    (rc = check_maps(j, j->container, image, k->map, &own, err)) < 0)
		return rc;
	if (userns && sandbox.count == 0 && !is_rootless(j) &&
	    (j->range_first < RANGE_FIRST_MIN ||
		j->range_first > ID_MAX - RANGE_IDS))
		return err_set(err, EXIT_STATE,
		    "%s: sandbox '%s': outside ids from %u on are nobody's to give",
		    j->req->instance, j->req->sandbox, j->range_first);
	if ((rc = narrow(j, k, userns, &sandbox, &own, err)) < 0)
		return rc;
	*out = own.count > 0 ? own : sandbox;
	out->dflt = false;
	if (out->count == 0 && userns) {
		out->maps[0] = (struct spec_map){0, j->range_first, ids_of(j)};
		out->count = 1;
		out->dflt = true;
	}
	return 0;
}

static bool
mapped(const struct id_maps *m, uint32_t id)
{
	if (m->count == 0)
		return true;
	for (uint32_t i = 0; i < m->count; i++)
		if (id >= m->maps[i].inside &&
		    id - m->maps[i].inside < m->maps[i].count)
			return true;
	return false;
}

/* Of a sandbox with one id it is the user's, whatever his number is inside. */
static void
take_only(struct id_maps *m, uint32_t id)
{
	if (m->dflt && m->maps[0].count == 1)
		m->maps[0].inside = id;
}

int
judge_user(const struct judge *j, struct spec *s, struct err *err)
{
	bool userns = true;
	struct id_maps u, g;
	int rc;

	(void)flat_bool(j->sandbox, "userns", &userns);
	if (!userns && is_rootless(j))
		return err_set(err, EXIT_CONFIG,
		    "%s: sandbox '%s': `userns: off` is not for --rootless, where nothing has to be id-mapped: remove it (%s)",
		    j->req->instance, j->req->sandbox, j->sandbox_file);
	if ((rc = choose_maps(j, &users, userns, &u, err)) < 0 ||
	    (rc = choose_maps(j, &groups, userns, &g, err)) < 0)
		return rc;
	if ((u.count == 0) != (g.count == 0))
		return judge_fail(j, NULL, err,
		    "uid-map and gid-map: one needs the other");
	rc = pick_id(j, &users, !userns && u.count > 0, &s->uid, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return judge_fail(j, NULL, err,
		    "no user: set user-id here or default-user in sandbox '%s' (%s)",
		    j->req->sandbox, j->sandbox_file);
	rc = pick_id(j, &groups, !userns && g.count > 0, &s->gid, err);
	if (rc < 0)
		return rc;
	/* Lithos' default; but never the host's own group 0 unasked. */
	if (rc == 0)
		s->gid = u.count > 0 ? 0 : s->uid;
	take_only(&u, s->uid);
	take_only(&g, s->gid);
	if (!mapped(&u, s->uid) || !mapped(&g, s->gid))
		return judge_fail(j, NULL, err,
		    "user-id %u or group-id %u is outside the id maps of sandbox '%s'",
		    s->uid, s->gid, j->req->sandbox);
	memcpy(s->uid_maps, u.maps, u.count * sizeof *u.maps);
	memcpy(s->gid_maps, g.maps, g.count * sizeof *g.maps);
	s->uid_maps_count = u.count;
	s->gid_maps_count = g.count;
	return 0;
}
