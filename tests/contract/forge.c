/*
 * An engine of a member gone bad, for tests/cluster/test_actions.py: what it hands over to the
 * leader is, in turn, each of these, and what becomes of it is told in its log.  All else is the
 * real engine: its identity, its stream, its queue that hands over again what was not taken.
 */
#include <stdio.h>
#include <string.h>

#include "../../daemon/core/actsign.h"
#include "../../daemon/io/over.h"
#include "../../daemon/io/wire.h"

static enum { FLIPPED, CUT, EMPTY, OF_NOBODY, OTHER_TERM, OTHER_LEADER, HONEST, LATER, AGAIN, HONEST_TOO, FORMS } form;
static const char *const names[FORMS] = {"a byte flipped", "cut short", "nothing", "of nobody's key",
    "for another term", "for another leader", "as it is", "as it is", "an older one again", "as it is"};
static uint8_t kept[ACTSIGN_BYTES_MAX]; /* one that was taken */
static size_t kept_len;
static struct {
	stream_done *done;
	void *arg;
	const char *name;
} asked; /* one at a time is under way */

size_t __real_actsign_pack(uint8_t *buf, const struct crypto *c, const uint8_t pk[KEY_BYTES],
    const struct actsign_office *to, const struct action_bundle *b);
size_t __wrap_actsign_pack(uint8_t *buf, const struct crypto *c, const uint8_t pk[KEY_BYTES],
    const struct actsign_office *to, const struct action_bundle *b);
bool __real_over_ask(struct engine *e, const struct node_id *id, const struct over_question *q,
    stream_done *done, void *arg);
bool __wrap_over_ask(struct engine *e, const struct node_id *id, const struct over_question *q,
    stream_done *done, void *arg);

size_t
__wrap_actsign_pack(uint8_t *buf, const struct crypto *c, const uint8_t pk[KEY_BYTES],
    const struct actsign_office *to, const struct action_bundle *b)
{
	struct actsign_office office = *to;
	size_t len;

	office.term += form == OTHER_TERM;
	office.leader.b[0] ^= form == OTHER_LEADER;
	len = __real_actsign_pack(buf, c, pk, &office, b);
	if (form == FLIPPED)
		buf[len - 1] ^= 1;
	if (form == CUT)
		len--;
	if (form == EMPTY)
		len = 0;
	if (form == OF_NOBODY)
		buf[0] ^= 1;
	if (form == HONEST)
		memcpy(kept, buf, kept_len = len);
	if (form == AGAIN)
		memcpy(buf, kept, len = kept_len);
	return len;
}

static void
on_answer(void *arg, int rc, const uint8_t *data, size_t len)
{
	(void)arg;
	fprintf(stderr, "forged %s: %s\n", asked.name, rc == 0 ? "taken" : stream_error(rc));
	asked.done(asked.arg, rc, data, len);
}

bool
__wrap_over_ask(struct engine *e, const struct node_id *id, const struct over_question *q,
    stream_done *done, void *arg)
{
	if (q->kind != QUERY_ACTIONS)
		return __real_over_ask(e, id, q, done, arg);
	asked.done = done;
	asked.arg = arg;
	asked.name = names[form];
	if (form < HONEST_TOO)
		form++;
	return __real_over_ask(e, id, q, on_answer, arg);
}
