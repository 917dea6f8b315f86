/*
 * roster_sum.c - a roster as bytes, and the one number that names its set.
 *
 *	entry = id 16 | bits 1 | weight in the old set 1 | in the new one 1
 *	hash  = the first 8 bytes of h, all entries in order of ids:
 *
 *		h <- BLAKE2b(h | the next 48 entries)       at first h = 0
 *
 * Nodes take a roster from whoever has it, or make it themselves, when the leader's
 * beat names that number.  So nobody may be able to make other entries to it: a sum of
 * numbers of entries, of whichever kind, would not do, for to any such sum enough
 * made-up members can be found.
 */
#include "be.h"
#include "inner.h"

void
roster_entry(uint8_t *out, const struct node_id *id, uint8_t votes, const struct ballot_weight *w)
{
	memcpy(out, id->b, ID_BYTES);
	out[ID_BYTES] = (uint8_t)(votes | w->tie << ROSTER_TIE_SHIFT);
	out[ID_BYTES + 1] = w->old;
	out[ID_BYTES + 2] = w->new;
}

static void
fold(struct roster_sum *s)
{
	struct hash h;

	s->crypto->hash(s->crypto->arg, &h, s->b, HASH_BYTES + s->len);
	memcpy(s->b, h.b, HASH_BYTES);
	s->len = 0;
}

void
roster_sum_add(struct roster_sum *s, const uint8_t *entry)
{
	if (s->len == sizeof s->b - HASH_BYTES)
		fold(s);
	memcpy(s->b + HASH_BYTES + s->len, entry, ROSTER_ENTRY_BYTES);
	s->len += ROSTER_ENTRY_BYTES;
}

uint64_t
roster_sum_end(struct roster_sum *s)
{
	if (s->len > 0)
		fold(s);
	return be_get(s->b, 8);
}
