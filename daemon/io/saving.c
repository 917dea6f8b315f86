/*
 * saving.c - see saving.h.
 */
#include "saving.h"

#include <sodium.h>

#include "../base/log.h"
#include "actions.h"
#include "belong.h"
#include "certify.h"
#include "depart.h"
#include "engine.h"
#include "going.h"
#include "owned.h"
#include "ring.h"

static const char roster_key[] = "roster";

/* Of a cluster that it left: its keys would be in the way of the administrator's file,
 * which says the key to come in with.  At each start, and not by who wipes the rest: a
 * crash in between would leave them.  With a certificate, or without such a file, there is
 * nothing that they are in the way of. */
static int
forget_keys(struct engine *e, struct err *err)
{
	const struct mesh_saved *s = &e->saved;

	if (!s->left || !sodium_is_zero(s->cluster, ID_BYTES) || s->certified || e->conf.key_path[0] == '\0')
		return 0;
	e->saved.keys = (struct mesh_keys){.used = 0};
	return ring_forget(e->state_fd, err);
}

/* Taken from a member gone bad, when such were still believed (gossip/claim.h).  What runs
 * goes on; the next schedule that is announced is taken. */
static void
forget_beyond(struct engine *e)
{
	struct mesh_saved *s = &e->saved;
	bool applied = saved_beyond(s, &s->applied);
	bool kept = e->keep.has && saved_beyond(s, &e->keep.current.meta.stamp);
	char text[STAMP_TEXT_CAP];

	if (!applied && !kept)
		return;
	stamp_text(kept ? &e->keep.current.meta.stamp : &s->applied, text);
	log_warn("schedule %s can't be: the highest term known here is %llu; forgotten, the next one is taken (`mesh evict` whoever made it)",
	    text, (unsigned long long)s->term);
	if (applied) {
		s->applied = (struct stamp){0};
		s->applied_hash = (struct hash){{0}};
	}
	if (kept)
		keep_free(&e->keep);
}

int
saving_open(struct engine *e, struct err *err)
{
	size_t len;
	int rc;

	if ((rc = owned_check(e->state_fd, err)) < 0 ||
	    (rc = identity_open(e->state_fd, &e->identity, err)) < 0 ||
	    (rc = critical_open(&e->critical, e->state_fd, &e->saved, err)) < 0 ||
	    (rc = store_open(e->state_fd, &e->store, e->store_note, sizeof e->store_note, err)) < 0)
		return rc;
	if (e->critical.warning[0] != '\0')
		log_warn("%s", e->critical.warning);
	if (e->store_note[0] != '\0')
		log_warn("%s", e->store_note);
	memcpy(e->keys.pk, e->identity.pk, sizeof e->keys.pk);
	memcpy(e->keys.sk, e->identity.sk, sizeof e->keys.sk);
	e->keys.from = e->conf.listen;
	e->keys.from.port = 0;
	crypto_fill(&e->crypto, &e->keys);
	if ((rc = forget_keys(e, err)) < 0 || (rc = ring_load(e->state_fd, &e->keys, err)) < 0)
		return rc;
	/* Written before `critical`: after a crash in between, or when that one is lost, it
	 * alone says which key is in use. */
	if (e->keys.has_key && crypto_key(&e->keys, e->saved.keys.used) == NULL)
		e->saved.keys = (struct mesh_keys){.used = e->keys.epoch};
	crypto_key_use(&e->keys, e->saved.keys.used);
	rc = store_get(e->store, STORE_ROSTER, roster_key, sizeof roster_key, &e->roster, &len, err);
	if (rc < 0)
		return rc;
	e->saved.roster = rc > 0 ? e->roster : NULL;
	e->saved.roster_bytes = rc > 0 ? len : 0;
	if ((rc = certify_load(e, err)) < 0 || (rc = belong_load(e, err)) < 0 ||
	    (rc = going_load(e, err)) < 0 || (rc = hold_load(e, err)) < 0 ||
	    (rc = actions_load(e, err)) < 0 ||
	    (rc = hostacts_load(e, err)) < 0 ||
	    (rc = depart_load(e, err)) < 0)
		return rc;
	if ((rc = keep_load(&e->keep, e->store, &e->crypto, err)) < 0)
		return rc;
	forget_beyond(e);
	return 0;
}

/* Roster and evictions in one: of a recovery (gossip/recover.h) neither holds alone, for
 * whom it gave up would come back with their votes, or nobody could say it again. */
static int
write_store(struct engine *e, const struct mesh_saved *s, struct err *err)
{
	int rc = store_begin(e->store, err);

	if (rc < 0)
		return rc;
	if (s->roster_bytes > 0)
		rc = store_put(e->store, STORE_ROSTER, roster_key, sizeof roster_key, s->roster,
		    s->roster_bytes, err);
	if (rc >= 0)
		rc = belong_save(e, s, err);
	if (rc >= 0)
		return store_commit(e->store, err);
	store_abort(e->store);
	return rc;
}

int
saving_write(struct engine *e, const struct mesh_saved *s, struct err *err)
{
	int rc = write_store(e, s, err);

	if (rc < 0)
		return rc;
	/* With a certificate alone there is no key yet. */
	if ((crypto_key(&e->keys, s->keys.used) != NULL || !certify_is(e)) &&
	    (rc = ring_save(e->state_fd, &e->keys, &s->keys, err)) < 0)
		return rc;
	return critical_save(&e->critical, s, err);
}
