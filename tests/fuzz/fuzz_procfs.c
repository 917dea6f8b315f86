/*
 * fuzz_procfs.c - any bytes as any of the kernel's texts.  The first byte chooses which,
 * the second whether it was cut.
 *
 * Whatever it says: it ends, its keys lie in the text, and what is given a name has one
 * that Prometheus takes.
 */
#include <math.h>

#include "../../daemon/core/procfs.h"
#include "toy_crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
fuzz_found(struct slice text)
{
	struct procfs_process p;
	struct procfs_mount m;
	char path[128];
	struct slice rest = text;

	while (procfs_mount_next(&rest, &m))
		must(m.point[0] == '/' && strlen(m.point) < sizeof m.point);
	if (procfs_process(text, &p))
		must(strlen(p.comm) < sizeof p.comm);
	if (procfs_group(text, "memory", path, sizeof path))
		must(path[0] == '/' && strstr(path, "/../") == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct procfs_scan s;
	struct procfs_item it;
	struct slice text;
	size_t n = 0;

	if (len < 2)
		return 0;
	text = (struct slice){data + 2, len - 2};
	if (data[0] >= PROCFS_KINDS) {
		fuzz_found(text);
		return 0;
	}
	for (procfs_begin(&s, (enum procfs_kind)data[0], text, data[1] & 1); procfs_next(&s, &it); n++) {
		char name[PROCFS_NAME_CAP];
		struct labels l;
		uint8_t packed[LABELS_BYTES_MAX];

		must(n < PROCFS_ITEMS_MAX && isfinite(it.value) && it.key.len <= PROCFS_WORD_BYTES_MAX);
		if (procfs_name(&it, name, &l))
			must(labels_is_metric(slice_of(name)) && labels_pack(&l, packed, sizeof packed) > 0);
	}
	return 0;
}
