/*
 * fuzz_outlook.c - any bytes as what another node says it sees: alone, and put
 * into a comparison of three.
 *
 * What is taken must pack to bytes that are taken again and pack the same.
 */
#include <stdlib.h>

#include "../../daemon/core/compare.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
fuzz_again(const struct outlook *o)
{
	struct outlook again;
	struct blob a, b;

	must(outlook_pack(o, &a) == 0);
	must(outlook_read(a.b, a.len, &again) == 0);
	must(again.count == o->count);
	must(outlook_pack(&again, &b) == 0);
	must(slice_eq(blob_slice(&a), blob_slice(&b)));
	blob_free(&a);
	blob_free(&b);
	outlook_free(&again);
}

static void
fuzz_side_by_side(const struct outlook *o)
{
	struct compare *c = compare_new(3);
	struct node_id other = {{0x55}};

	must(c != NULL);
	compare_know(c, &other, "n1", true);
	compare_know(c, &o->id, "n2", false);
	other.b[0] = 0x66;
	compare_know(c, &other, "n3", false);
	compare_silent(c, 2, true, "timed out");
	must(compare_answer(c, 2, o) == -ERR_IDENTITY || id_eq(&o->id, &other));
	must(compare_answer(c, compare_find(c, &o->id), o) == 0);
	compare_judge(c);
	must(c->count <= c->cap && c->faults_count <= COMPARE_FAULTS_MAX);
	for (uint32_t i = 0; i < c->faults_count; i++)
		must(memchr(c->faults[i].text, 0, COMPARE_TEXT_CAP) != NULL);
	compare_free(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct outlook o;

	if (outlook_read(data, len, &o) < 0) {
		must(o.rows == NULL && o.count == 0);
		return 0;
	}
	fuzz_again(&o);
	fuzz_side_by_side(&o);
	outlook_free(&o);
	return 0;
}
