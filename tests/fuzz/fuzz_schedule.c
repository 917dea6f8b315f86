/*
 * fuzz_schedule.c - any bytes as a schedule's header, as the body under a good
 * signature, and as each kind of part.
 *
 * The first byte chooses.  What is taken must pack to bytes that are taken
 * again and pack the same.
 */
#include "../../daemon/core/partcode.h"
#include "../../daemon/core/schedule.h"
#include "toy_crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
fuzz_header(const uint8_t *data, size_t len)
{
	struct schedule s;
	struct plan p;

	if (schedule_open(&s, data, len, &toy_crypto) != 0) {
		must(s.parts == NULL && s.header.b == NULL);
		return;
	}
	must(s.parts_count <= SCHEDULE_PARTS_MAX);
	for (size_t i = 0; i < s.parts_count; i++) {
		must(schedule_find(&s, s.parts[i].kind, s.parts[i].name) == (int)i);
		must(schedule_put(&s, i, data, len, &toy_crypto) != 0);
	}
	must(schedule_plan(&s, &p) == 0);
	plan_free(&p);
	schedule_free(&s);
}

/* [bin body, bin signature] around the fuzzer's body. */
static void
fuzz_body(const uint8_t *data, size_t len)
{
	static const char domain[] = "mesh schedule 1\n";
	size_t text_len = sizeof domain - 1 + len, at = 0;
	uint8_t *text = malloc(text_len), *head = malloc(len + SIG_BYTES + 8);

	must(text != NULL && head != NULL && len <= UINT16_MAX);
	memcpy(text, domain, sizeof domain - 1);
	memcpy(text + sizeof domain - 1, data, len);
	head[at++] = 0x92;
	head[at++] = 0xc5;
	head[at++] = (uint8_t)(len >> 8);
	head[at++] = (uint8_t)len;
	memcpy(head + at, data, len);
	at += len;
	head[at++] = 0xc4;
	head[at++] = SIG_BYTES;
	anyones_sign(NULL, head + at, text, text_len);
	fuzz_header(head, at + SIG_BYTES);
	free(text);
	free(head);
}

static void
fuzz_role(const uint8_t *data, size_t len)
{
	struct plan_role a, b;
	struct blob once, twice;

	if (schedule_read_role(&a, data, len) != 0)
		return;
	must(partcode_role(&a, blob_slice(&a.globals), &once) == 0);
	must(schedule_read_role(&b, once.b, once.len) == 0);
	must(partcode_role(&b, blob_slice(&b.globals), &twice) == 0);
	must(slice_eq(blob_slice(&once), blob_slice(&twice)));
	plan_role_free(&a);
	plan_role_free(&b);
	blob_free(&once);
	blob_free(&twice);
}

static void
fuzz_node(const uint8_t *data, size_t len)
{
	struct plan_node a, b;
	struct blob once, twice;

	if (schedule_read_node(&a, data, len) != 0)
		return;
	must(partcode_node(&a, &once) == 0);
	must(schedule_read_node(&b, once.b, once.len) == 0);
	must(partcode_node(&b, &twice) == 0);
	must(slice_eq(blob_slice(&once), blob_slice(&twice)));
	plan_node_free(&a);
	plan_node_free(&b);
	blob_free(&once);
	blob_free(&twice);
}

static void
fuzz_private(const uint8_t *data, size_t len)
{
	struct plan a = {0}, b = {0};
	struct blob once, twice;

	if (partcode_read_private(&a, data, len) == 0) {
		must(partcode_private(&a, false, &once) == 0);
		must(partcode_read_private(&b, once.b, once.len) == 0);
		must(partcode_private(&b, false, &twice) == 0);
		must(slice_eq(blob_slice(&once), blob_slice(&twice)));
		blob_free(&once);
		blob_free(&twice);
	}
	plan_free(&a);
	plan_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const kinds[])(const uint8_t *, size_t) = {
	    fuzz_header, fuzz_body, fuzz_role, fuzz_node, fuzz_private};

	if (len > 0 && len <= UINT16_MAX)
		kinds[data[0] % ARRAY_LEN(kinds)](data + 1, len - 1);
	return 0;
}
