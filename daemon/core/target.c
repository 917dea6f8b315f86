/*
 * target.c - see target.h.
 */
#include "target.h"

#include <stdio.h>

#define EXPORTED "exported_"

enum { OWN_MAX = 5, NAME_ROOM = LABEL_NAME_BYTES_MAX + 1 };

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
	const struct label own[OWN_MAX] = {{slice_of("role"), t->role}, {slice_of("instance"), t->instance},
	    {slice_of("node"), t->node}, {slice_of("job"), t->role}, {slice_of("endpoint"), t->endpoint}};
	char rooms[OWN_MAX][NAME_ROOM];
	int rc = 0;

	for (size_t i = 0; i < OWN_MAX && rc == 0; i++) {
		if (own[i].value.len == 0)
			continue;
		if ((rc = move_aside(l, (const char *)own[i].name.b, rooms[i])) == 0)
			rc = labels_set(l, own[i].name, own[i].value);
	}
	return rc < 0 ? rc : labels_pack(l, out, LABELS_BYTES_MAX);
}
