/*
 * target.c - see target.h.
 */
#include "target.h"

#include <stdio.h>

#define EXPORTED "exported_"
#define OURS "mesh_"
#define ROLE "role/" /* no role's name has a '/' */

enum { OWN_MAX = 5, NAME_ROOM = LABEL_NAME_BYTES_MAX + 1 };

/* Of the host's series, of containers', of mesh's own. */
static const char *const jobs[] = {"node", "cadvisor", "mesh"};
static const char *const of_endpoints[] = {"up", "scrape_duration_seconds", "scrape_samples_scraped"};

const char *
target_refuses(struct slice name)
{
	if (name.len >= strlen(OURS) && memcmp(name.b, OURS, strlen(OURS)) == 0)
		return "names that begin with " OURS " are mesh's own";
	for (size_t i = 0; i < ARRAY_LEN(of_endpoints); i++)
		if (slice_eq(name, slice_of(of_endpoints[i])))
			return "mesh tells that of each endpoint: take another name";
	return NULL;
}

bool
target_is_ours(struct slice packed)
{
	const struct slice job = labels_find(packed, slice_of("job"));

	for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
		if (slice_eq(job, slice_of(jobs[i])))
			return true;
	return false;
}

/* The role, and of one that is called like a job of ours role/NAME, which lies in room. */
static struct slice
job_of(struct slice role, char room[NAME_ROOM])
{
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
		if (slice_eq(role, slice_of(jobs[i])))
			return (struct slice){(const uint8_t *)room, (size_t)snprintf(room, NAME_ROOM, ROLE "%s", jobs[i])};
	return role;
}

/* The own label of that name gets another one, which lies in room. */
static int
move_aside(struct labels *l, const char *name, char room[NAME_ROOM])
{
	struct slice value = labels_get(l, slice_of(name));
	size_t len = strlen(name);

	if (value.len == 0)
		return 0;
	labels_drop(l, slice_of(name));
	memcpy(room, name, len);
	do {
		if (len + strlen(EXPORTED) > LABEL_NAME_BYTES_MAX)
			return -ERR_LONG;
		memmove(room + strlen(EXPORTED), room, len);
		memcpy(room, EXPORTED, strlen(EXPORTED));
		len += strlen(EXPORTED);
	} while (labels_get(l, (struct slice){(const uint8_t *)room, len}).len > 0);
	return labels_set(l, (struct slice){(const uint8_t *)room, len}, value);
}

int
target_pack(const struct target *t, struct labels *l, uint8_t *out)
{
	char rooms[OWN_MAX][NAME_ROOM], job[NAME_ROOM];
	const struct label own[OWN_MAX] = {{slice_of("role"), t->role}, {slice_of("instance"), t->instance},
	    {slice_of("node"), t->node}, {slice_of("job"), job_of(t->role, job)}, {slice_of("endpoint"), t->endpoint}};
	int rc = 0;

	for (size_t i = 0; i < OWN_MAX && rc == 0; i++) {
		if (own[i].value.len == 0)
			continue;
		if ((rc = move_aside(l, (const char *)own[i].name.b, rooms[i])) == 0)
			rc = labels_set(l, own[i].name, own[i].value);
	}
	return rc < 0 ? rc : labels_pack(l, out, LABELS_BYTES_MAX);
}
