/*
 * fuzz_facts.c - any bytes as an answer to a question for facts, as such a question, and
 * as the facts in a record.
 *
 * Records lie one after the other in the bytes given; what is read of facts packs to
 * bytes that read the same again.
 */
#include <stdlib.h>

#include "../../daemon/core/factcode.h"
#include "../../gossip/facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
fuzz_content(const uint8_t *data, size_t len)
{
	struct view_facts f, again;
	struct blob a, b;
	uint32_t cut, told;

	if (factcode_read(data, len, &f, &cut) < 0) {
		must(f.images == NULL && f.sandboxes == NULL);
		return;
	}
	must(f.images_count <= VIEW_LIST_MAX && f.sandboxes_count <= VIEW_LIST_MAX);
	must(memchr(f.kernel, 0, sizeof f.kernel) != NULL && memchr(f.arch, 0, sizeof f.arch) != NULL);
	must(factcode_pack(&f, FACTS_BYTES_MAX, &a, &cut) == 0 && a.len <= FACTS_BYTES_MAX);
	must(factcode_read(a.b, a.len, &again, &told) == 0 && told == cut);
	must(again.images_count + again.sandboxes_count + cut == f.images_count + f.sandboxes_count);
	if (cut == 0) {
		must(factcode_pack(&again, FACTS_BYTES_MAX, &b, &cut) == 0);
		must(a.len == b.len);
		blob_free(&b);
	}
	blob_free(&a);
	view_facts_free(&f);
	view_facts_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct facts_item it[FACTS_ITEMS_MAX];
	const uint8_t *at = data, *end = data + len;
	struct facts_record r;
	int n = facts_items(it, data, len), rc;

	must(n == -ERR_MALFORMED || (n > 0 && (size_t)n * FACTS_ITEM_BYTES == len));
	while ((rc = facts_next(&r, &at, end)) > 0) {
		must(r.whole + r.whole_len == at && at <= end && r.version != 0);
		must(r.facts + r.len == at && r.len <= FACTS_BYTES_MAX);
		fuzz_content(r.facts, r.len);
	}
	must(rc == -ERR_MALFORMED || at == end);
	fuzz_content(data, len);
	return 0;
}
