/*
 * blob.c - owned bytes.
 */
#include "blob.h"

#include <stdlib.h>

void
blob_free(struct blob *b)
{
	free(b->b);
	b->b = NULL;
	b->len = 0;
}

int
blob_copy(struct blob *out, struct slice from)
{
	*out = (struct blob){0};
	if (from.len == 0)
		return 0;
	out->b = malloc(from.len);
	if (out->b == NULL)
		return -ERR_FULL;
	memcpy(out->b, from.b, from.len);
	out->len = from.len;
	return 0;
}
