/*
 * planted.h - faults in the machine itself, by name, and the places where they act.
 */
#ifndef SIM_PLANTED_H
#define SIM_PLANTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim;

/* Faults planted in the machine: planted.c. */
#define MUTANTS(X)                                                             \
	X(vote_twice)	    /* an elector forgets its vote at once */          \
	X(no_persist)	    /* a restart finds the facts of its first start */ \
	X(no_holdoff)	    /* a restart votes without waiting a lease */      \
	X(no_promise)	    /* an echo promises nothing */                     \
	X(stale_lease)	    /* a leader's lease never ends */                  \
	X(lease_unchecked)  /* checked, slept, issued all the same */          \
	X(lease_by_receipt) /* the lease counts from when the echo came */     \
	X(half_quorum)	    /* half of the roster is enough */                 \
	X(stamp_again)	    /* a leader forgets what it issued */              \
	X(old_stamp)	    /* a node forgets what it applied */               \
	X(tries_once)	    /* a candidate that is refused asks no more */     \
	X(never_freezes)    /* who gives way acts on the other's schedule at once */ \
	X(two_ties)	    /* who is called as the tie-breaker is one too */      \
	X(old_roster)	    /* a restart finds the roster of its first life */ \
	X(joint_alone)	    /* a roster counts as stored by all at once */     \
	X(any_roster)	    /* all rosters have one hash */                    \
	X(recall_alone)	    /* who knows none takes one on one member's word */ \
	X(roster_unsigned)  /* ... and whoever signed it will do */            \
	X(unsaved)	    /* datagrams leave before the fsync */             \
	X(same_life)	    /* a restart is no new generation */               \
	X(no_window)	    /* a replay is heard again */                      \
	X(stale_copy)	    /* an older "alive" wakes the dead */              \
	X(last_word)	    /* what the dead said before their end wakes them */   \
	X(fresh_corpse)	    /* the dead were heard a moment ago */             \
	X(left_returns)	    /* a goodbye is forgotten */                       \
	X(no_refute)	    /* the accused says nothing */                     \
	X(no_nack)	    /* helpers do not say "nor me" */                  \
	X(no_buddy)	    /* the suspected hear nothing of it */                 \
	X(no_helpers)	    /* nobody probes for anybody */                    \
	X(no_probes)	    /* the leader's verdict asks nobody */             \
	X(endless)	    /* a suspicion never ends */                       \
	X(digest_skew)	    /* equal tables, different digests */              \
	X(no_sync)	    /* tables are never compared */                    \
	X(guessed_base)	    /* what was told counts as held at once */         \
	X(fifo)		    /* oldest rumours first */                         \
	X(dead_untold)	    /* whoever finds one dead keeps it to itself */    \
	X(k_fixed)	    /* so many confirm, though so many are not there */ \
	X(salt_ignored)	    /* two nodes find the same keys in every life */   \
	X(tag_ignored)	    /* what was damaged is opened all the same */          \
	X(retired_heard)    /* a frame under a retired key is heard */             \
	X(retired_kept)	    /* ... or that key is not wiped */                     \
	X(key_unsaved)	    /* the next key is used before it is on disk */        \
	X(old_key)	    /* a restart finds the keys of its first life */       \
	X(waits_for_none)   /* the next key is used before all have it */          \
	X(leap_believed)    /* one member's word is enough for a key far ahead */      \
	X(any_claim)	    /* a stamp that can't be is heard */                   \
	X(any_climb)	    /* a member is believed a later term as often as it says one */ \
	X(cookie_ignored)   /* no cookie is ever looked at */                      \
	X(evicted_heard)    /* who is out is heard */                              \
	X(any_evictor)	    /* nobody asks whether who puts out may */            \
	X(evicted_forgot)   /* a restart finds nobody evicted */                   \
	X(grace_ignored)    /* who said that it restarts is dead at once */        \
	X(notice_forgot)    /* ... or nobody remembers what it said */     \
	X(drain_forgot)	    /* who drains says so a second after its restart */    \
	X(leaves_early)	    /* a roster without it will do, whoever stored that */ \
	X(leaves_unheard)   /* ... and without a vote it waits for nobody */       \
	X(returns_unasked)  /* who left asks its seeds after a start */            \
	X(leave_forgot)	    /* a restart does not know that it leaves, or left */  \
	X(outranked)	    /* of two recoveries both count */                     \
	X(any_record)	    /* no record needs a certificate */                \
	X(any_entry)	    /* whoever has a certificate is let in */          \
	X(any_vote)	    /* ... and votes, though its token is used up */   \
	X(no_budget)	    /* summaries never wait for bytes */               \
	X(never_asks)	    /* what passed a node by it is not told */             \
	X(facts_again)	    /* facts are taken whatever is held already */     \
	X(life_ignored)	    /* a summary of whichever life will do */          \
	X(begin_alike)	    /* of two ids that begin alike the first is meant */ \
	X(counts_on)	    /* the summaries of a life that is over count on */    \
	X(counts_again)	    /* a node forgets how far it counted its summaries */
/* Not a fault: SWIM without Lifeguard, the peer of scenario slow. */
#define PEERS(X) X(plain_swim)

enum sim_mutant {
	MUTANT_none,
#define X(name) MUTANT_##name,
	MUTANTS(X)
	MUTANTS_COUNT,
	PEERS_ = MUTANTS_COUNT - 1,
	PEERS(X)
#undef X
};

extern const char *const mutant_names[];
/* The scenario that does what the fault is about; "swarm" for most. */
const char *plant_story(enum sim_mutant m);
void plant_start(struct sim *s, uint32_t i);
void plant_settle(struct sim *s, uint32_t i);
void plant_before_issue(struct sim *s, uint32_t i);
void plant_before_recv(struct sim *s, uint32_t i);
void plant_after_recv(struct sim *s, uint32_t i);
/* Before what node i has is written: as it is read after a start. */
struct mesh_saved;
void plant_disk(const struct sim *s, uint32_t i, struct mesh_saved *f);
void plant_after_issue(struct sim *s, uint32_t i);
/* Around what is said to one who is suspected. */
struct member;
void plant_before_said(struct member *to);
void plant_after_said(struct member *to);
/* The highest incarnation at which the last datagram accused node i; -1 = none. */
int64_t plant_accused(void);
void plant_accused_none(void);
bool plant_drops(const struct sim *s, const uint8_t *buf, size_t len);
/* Which one is planted now: for what the linker wraps (planted_link.c). */
void plant_of(enum sim_mutant m);
bool plant_is(enum sim_mutant m);

#endif
