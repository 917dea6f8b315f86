/*
 * fuzz_flat.c - any bytes as a flat document: what flat_open takes, every
 * reader must survive, and the writer must be able to write again.
 */
#include <stdlib.h>

#include "../../daemon/base/flat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* Every verb on one record. */
static void
use(const struct flat *f, const struct flat_rec *rec)
{
	char path[FLAT_PATH_BYTES_MAX + 1], key[16], text[16];
	struct flat_rec found;
	int64_t num;
	bool on;

	must(rec->path_len < sizeof path);
	memcpy(path, rec->path, rec->path_len);
	path[rec->path_len] = '\0';
	must(flat_find(f, path, &found));
	must(found.path_len == rec->path_len);
	(void)flat_int(f, path, &num);
	(void)flat_bool(f, path, &on);
	if (flat_str(f, path, text, sizeof text))
		must(found.type == FLAT_STR && strlen(text) == found.str_len);
	must(!flat_child(rec, path, key, sizeof key));
	(void)flat_child(rec, "", key, sizeof key);
	must(strlen(key) < sizeof key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t again[FLAT_BYTES_MAX];
	struct flat_out o;
	struct flat_rec rec;
	struct flat f;
	size_t off = 0, count = 0;

	if (flat_open(&f, data, len) != 0)
		return 0;
	flat_begin(&o, again, sizeof again);
	while (flat_next(&f, &off, &rec)) {
		char path[FLAT_PATH_BYTES_MAX + 1];

		/* flat_find is linear: enough of them, not all squared. */
		if (count++ < 100)
			use(&f, &rec);
		memcpy(path, rec.path, rec.path_len);
		path[rec.path_len] = '\0';
		if (rec.type == FLAT_STR)
			flat_put(&o, path, rec.type, rec.line, rec.col, rec.str, rec.str_len);
		else if (rec.type == FLAT_NULL)
			flat_put(&o, path, rec.type, rec.line, rec.col, NULL, 0);
		else
			flat_put_int(&o, path, rec.num);
	}
	must(off == 0 || off == len);
	size_t n = flat_end(&o);

	must(n == 0 || flat_open(&f, again, n) == 0);
	return 0;
}
