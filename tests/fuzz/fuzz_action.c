/*
 * fuzz_action.c - any bytes as what a node hands over to its leader, what that one says, what
 * lies on a disk, and what a schedule carries of replies.
 *
 *	input = { which 1 (% 4: a bundle, words, a disk, replies), bytes }
 *
 * What is taken must pack to bytes that are taken again and pack the same; the desk that it
 * comes to stays within its bounds.
 */
#include <stdlib.h>

#include "../../daemon/core/actdesk.h"
#include "../../daemon/core/actqueue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t one[ACTION_BUNDLE_BYTES_MAX], two[ACTION_BUNDLE_BYTES_MAX];

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* It comes to a leader's desk, and a round is given what is on it. */
static void
fuzz_desk(const struct action_bundle *b)
{
	const struct actdesk_item *given[ACTDESK_ROUND_MAX];
	static struct action_words words;
	struct actdone done = {0};
	struct node_id by = {{7}};
	struct actdesk d;

	must(actdesk_init(&d) == 0);
	(void)actdesk_bundle(&d, &by, "n7", b, &done, UINT64_C(1800000000000), &words);
	must(words.count == b->count && d.count <= b->count);
	size_t n = actdesk_give(&d, &done, 0, given);
	must(n <= ACTDESK_ROUND_MAX && actdesk_reply(&d, (struct slice){NULL, 0}, 1, &done) == 0);
	must(done.count == n);
	(void)actdesk_ended(&d, n % 2 ? ACTDESK_FAILED : ACTDESK_ISSUED, "why");
	(void)actdesk_bundle(&d, &by, "n7", b, &done, UINT64_C(1800000000000), &words);
	actdesk_prune(&d, &done, UINT64_MAX);
	actdone_free(&done);
	actdesk_free(&d);
}

static void
fuzz_bundle(const uint8_t *data, size_t len)
{
	static struct action_bundle b, again;
	char line[ACTION_LINE_CAP], value[ACTION_VALUE_BYTES_MAX + 1];

	if (action_bundle_read(&b, data, len) < 0) {
		must(b.count == 0);
		return;
	}
	size_t n = action_bundle_pack(one, &b);
	must(action_bundle_read(&again, one, n) == 0 && again.count == b.count);
	must(action_bundle_pack(two, &again) == n && memcmp(one, two, n) == 0);
	for (uint32_t i = 0; i < b.count; i++) {
		action_line(line, &b.actions[i]);
		must(memchr(line, 0, sizeof line) != NULL);
		(void)action_arg(&b.actions[i], "count", value);
	}
	fuzz_desk(&b);
}

static void
fuzz_words(const uint8_t *data, size_t len)
{
	static struct action_words w, again;
	static struct actqueue q;
	struct node_id leader = {{1}};
	static struct action_bundle b;
	struct action a;
	struct err err;

	if (action_words_read(&w, data, len) < 0) {
		must(w.count == 0);
		return;
	}
	size_t n = action_words_pack(one, &w);
	must(action_words_read(&again, one, n) == 0 && again.count == w.count);
	must(actqueue_init(&q, (struct slice){NULL, 0}, 1, 0, 0) == 0);
	must(action_make(&a, "web", "scale", NULL, 0, &err) == 0 && actqueue_add(&q, 60000, 0, &a) == 0);
	actqueue_bundle(&q, 60000, &leader, &b);
	(void)actqueue_told(&q, 60000, b.turn, &w);
	must(q.count == 1);
}

static void
fuzz_disk(const uint8_t *data, size_t len)
{
	static struct actqueue q, again;

	if (actqueue_init(&q, (struct slice){data, len}, 1, UINT64_C(1800000000000), 0) < 0) {
		must(q.count == 0);
		return;
	}
	size_t n = actqueue_save(&q, one);
	must(actqueue_init(&again, (struct slice){one, n}, 2, UINT64_C(1800000000000), 0) == 0);
	must(actqueue_save(&again, two) == n && memcmp(one, two, n) == 0);
	(void)actqueue_expire(&q, 0, UINT64_MAX);
}

static void
fuzz_replies(const uint8_t *data, size_t len)
{
	struct actdone done = {0}, again = {0};
	char text[ACTION_TEXT_CAP];
	struct blob a, b;
	bool ok;

	actdone_reply((struct slice){data, len}, "n1.1", &ok, text);
	must(memchr(text, 0, sizeof text) != NULL);
	must(actdone_read(&done, (struct slice){data, len}) == 0 && actdone_pack(&done, &a) == 0);
	must(actdone_read(&again, blob_slice(&a)) == 0 && again.count == done.count);
	must(actdone_pack(&again, &b) == 0 && slice_eq(blob_slice(&a), blob_slice(&b)));
	blob_free(&a);
	blob_free(&b);
	actdone_free(&done);
	actdone_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const all[])(const uint8_t *, size_t) = {fuzz_bundle, fuzz_words, fuzz_disk, fuzz_replies};

	if (len > 0)
		all[data[0] % ARRAY_LEN(all)](data + 1, len - 1);
	return 0;
}
