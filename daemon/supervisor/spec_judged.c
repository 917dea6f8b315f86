/*
 * spec_judged.c - is what was judged now what runs already?
 *
 * Of its record, key after key.  A fingerprint outlives the meshd that made
 * it: what goes into a record keeps its key and its place.
 */
#include <stdlib.h>

#include "../base/flat.h"
#include "../base/own.h"
#include "spec.h"

static bool
begins(const struct flat_rec *rec, const char *with)
{
	return rec->path_len >= strlen(with) && memcmp(rec->path, with, strlen(with)) == 0;
}

/* Who asked, and what the supervisor and the engine do by themselves, probes too:
 * it needs no restart. */
static bool
is_left_out(const struct flat_rec *rec)
{
	static const char *const keys[] = {"term", "seq", "hash", "cluster",
	    "judged", "sandbox-seen", "container-seen", "secrets-file",
	    "all-memory", "all-cpu-quota", "all-pids", "restart-timeout",
	    "normal-exit-0", "normal-exit-1", "normal-exit-2", "normal-exit-3"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strlen(keys[i]) == rec->path_len &&
		    memcmp(keys[i], rec->path, rec->path_len) == 0)
			return true;
	return begins(rec, "health") || begins(rec, "live") || begins(rec, "scrape");
}

uint64_t
spec_judged(const struct spec *s)
{
	AUTO_FREE uint8_t *buf = malloc(SPEC_RECORD_BYTES_MAX);
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	size_t len = buf == NULL ? 0 : spec_encode(s, buf), off = 0;
	struct flat_rec rec;
	struct flat f;

	/* Without memory it is like nothing else, and is not saved either. */
	if (len == 0 ||
	    flat_open(&f, buf + SPEC_HEADER_BYTES, len - SPEC_HEADER_BYTES) < 0)
		return 1;
	while (flat_next(&f, &off, &rec)) {
		bool is_str = rec.type == FLAT_STR;

		if (is_left_out(&rec) || (is_str ? rec.str_len == 0 : rec.num == 0))
			continue;
		h = sup_hash_(h, rec.path, rec.path_len);
		h = sup_hash_(h, "", 1);
		h = is_str ? sup_hash_(h, rec.str, rec.str_len) :
			     sup_hash_(h, &rec.num, sizeof rec.num);
		h = sup_hash_(h, "", 1);
	}
	return h <= 1 ? 2 : h;
}
