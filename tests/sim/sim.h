/*
 * sim.h - a world in one thread: the daemon's own object code under a heap of
 * events ordered by (time, seq).  Same seed, same history, to the last byte.
 *
 * Time is in microseconds; every node has its own millisecond clock, set off
 * and running wrong.  A crash drops the machine; a restart makes a new one from
 * the facts it had saved and nothing else.
 *
 *	sim.c      the heap and the clock of the world
 *	net.c      what happens to a datagram on its way
 *	stream.c   what is asked over streams
 *	node.c     one node: machine, alarm; what the daemon's loop is
 *	disk.c     what is on its disk
 *	acts.c     what an operator does at one node
 *	check.c    what must hold of leaders and disks, after every event
 *	watch.c    what must hold of tables, after every event
 *	check_*.c  ... and of one subject each
 *	hearing.c  reports told and heard
 *	facts.c    facts told and gathered
 *	exclusive.c  instances of which there must be one
 *	fault.c    the faults by name, drawn from the seed; faults.md is their list
 *	fault_cut.c  ... who hears whom
 *	fault_disk.c ... what becomes of a disk
 *	copy.c     one identity in two places
 *	ca.c       a CA and its tokens, where the mesh has one
 *	forger.c   one who has the cluster's key and no certificate
 *	newcomers.c  who asks to be let in meanwhile, where there is a CA
 *	planted.c  faults in the machine itself, to see that the checks can fail; in single
 *		   functions of it: planted_link.c
 */
#ifndef SIM_H
#define SIM_H

#include <stdio.h>

#include "../../gossip/inner.h"
#include "checked.h"
#include "event.h"
#include "exclusive.h"
#include "fault.h"
#include "harm.h"
#include "planted.h"

enum {
	SECOND = 1000000,
	NEVER_CALM = -1, /* calm_since while something is wrong */
	WATCH_MAX = 256, /* tables of larger worlds are compared at the end only */
	OLD_MAX = 64,	 /* datagrams kept to be replayed */
	SPARE_NODES = 4, /* where so many are one place may be kept for copies */
};

struct sim_conf {
	uint64_t seed;
	enum mesh_quorum quorum;
	enum mesh_profile profile; /* with the round trips it is for */
	enum sim_mutant mutant;
	uint32_t nodes;
	uint64_t faults; /* those this run may use */
	usec span;	 /* how long they go on */
	uint32_t seeds;	 /* addresses a newcomer knows; 0 = 3 */
	/* A third joins much later; every other is newer: story_mixed.c; each has a profile
	 * of its own; certificates, and no key before them: story_ca.c; it is there already:
	 * settled.c; the ids of a third begin with the same bytes; traces on stderr. */
	bool late, mixed, paces, ca, settled, alike, verbose;
};

struct sim_node {
	struct mesh *mesh; /* NULL = down */
	struct node_id id, was;
	uint8_t pk[KEY_BYTES], *disk_evicted;
	struct mesh_ca *ca; /* its certificate; NULL = the mesh has no CA */
	bool salt_ignored, tag_ignored, keys_kept, keys_late, mad; /* by its cryptography; it
				* says what is not so of its keys, and writes none of that */
	struct harm_node harm;
	struct sim_ring ring, disk_ring, gone; /* in memory, as it was saved last, wiped (keys_late) */
	struct sim_grace grace; /* it said that it restarts */
	bool engine_knows; /* what runs here was told to its machine */
	struct sim_process process[SIM_EXCLUSIVE];
	usec wake_at;	   /* of the wake event under way; INT64_MAX = none */
	usec paused_until; /* hears and does nothing until then */
	bool asleep;	   /* ... and its datagrams are lost */
	usec blocked_until; /* timers only */
	usec slow, free_at; /* each event takes so long; done with the last */
	usec restart_at;   /* while down; INT64_MAX = stays down */
	msec clock_off;
	int64_t clock_ppm;
	uint32_t group; /* who can hear whom */
	/* what is on its disk */
	struct mesh_saved disk;
	struct sim_sheet *disk_roster; /* disk.c */
	/* what it ever did: never forgotten, whatever the disk says */
	struct mesh_saved done;
	struct roster_id done_roster, was_roster; /* was: before it became a copy of another */
	uint32_t done_evicted, told_turn;
	usec copied_at, out_at, leave_for; /* evicted, or a copy, that does not count; once it has left, so long
				 * until it comes in again; 0 = it does count, it is not asked to */
	uint64_t lives, counter, verified; /* frame numbers never repeat; signatures checked */
	usec changed_at, born_at; /* last start or stop; last start */
	/* What it came by, and whether anybody let it in; since when somebody knows that it
	 * is dead. */
	struct sim_right right;
	usec mourned_at;
	uint64_t went; /* in the life before this it left, and nobody told it to return */
	uint32_t incarnation, health; /* highest of this generation */
	uint64_t digest; /* as last watched */
	struct sim_made made;
	struct sim_office office;
	struct sim_seen *seen; /* watch.c: of every other */
	/* the engine's part */
	usec issue_at, report_at, summary_at, told_at, facts_at;
	struct sim_held *held_reports; /* hearing.c: of every other */
	struct stamp issued, held; /* held: checked before a pause */
	uint64_t hearing, tx_bytes, told_bytes; /* with 28 bytes of IPv4 and UDP each */
	bool given_up, leads, passed, voted; /* passed by a change of keys; voted: ever */
	/* Its disk lives elsewhere too; a place for copies alone; drained, as its operator
	 * wishes; ... when this life began; of the next release; called as another is;
	 * somebody of those who came as it did must stay out. */
	bool copied, spare, drains, drained, newer, namesake, stranger;
};

struct sim {
	struct sim_conf conf;
	struct sim_node *node;
	struct sim_sheet *sheets[256]; /* disk.c: by hash */
	struct sim_event *heap;
	size_t heap_len, heap_cap, pool_len, pool_cap, plans_len, plans_cap;
	struct sim_dgram **pool; /* to use again */
	struct sim_dgram *old[OLD_MAX];
	struct prng rng, fate; /* of the network; of the faults */
	usec now;
	uint64_t seq, events, history, elections, terms_cap, made; /* made: reports to leaders */
	/* network */
	uint32_t loss_permille, reorder_permille, dup_permille, replay_permille, flip_permille,
	    trim_permille, disk_permille, fsync_permille, mtu; /* no mtu = all pass */
	usec delay_min, delay_max;
	uint8_t *cut; /* enum sim_cut; nodes x nodes, one-way; NULL when nobody is cut */
	uint32_t grouped, burst_permille; /* of 200 ms, each node's own, all is lost */
	/* Since when what arrives at all arrives soon; since when every datagram that
	 * is not lost does, wherever it goes; since when none is lost either; since when
	 * there are ways around every cut link.  NEVER_CALM while not so. */
	usec prompt_since, calm_since, still_since, around_since;
	/* load */
	bool apart, busy, seldom, quiet; /* two sides were recovered, each is full until they meet; every summary moves each second, now and then; no report ever changes */
	/* An engine took in a whole report (a first fragment, in large worlds). */
	void (*on_report)(struct sim *s, uint32_t hearer, uint32_t from, usec made);
	/* A leader issues for the first time in its term, and knows of these. */
	void (*on_merge)(struct sim *s, const struct stamp *stamp, const struct mesh_parent *p, size_t n);
	void *story; /* of the scenario under way */
	struct sim_facts *facts; /* NULL: nobody says any */
	uint64_t faults_done[FAULTS_COUNT];
	struct harm harm;
	/* checks */
	const char *broken; /* name of the first broken invariant */
	bool of_story;	    /* ... it is what one scenario promises, and asked in no other */
	char detail[160];
	uint16_t *leader_of_term; /* node + 1 */
	usec stable_at, led_at; /* looked at next; when somebody led last: check_stable.c */
	usec last_issue; /* somebody issued a schedule of his own term */
	uint32_t last_issuer;
	uint64_t *told; /* [to * nodes + from]: the latest life of from that to heard; NULL in large worlds */
	struct sim_set *sets; /* check_roster.c: which votes an id stands for */
	uint64_t epoch_id[SEAL_EPOCHS]; /* of the key that was used first under that number */
	struct sim_plan *plans; /* of every schedule ever issued */
	uint64_t false_deaths, false_suspects, false_of_healthy, false_by_healthy; /* observer by observer */
	uint32_t report_bytes, slow_first, slow_count; /* of plane B; who is not healthy, of scenario slow */
};

/* sim.c */
struct sim *sim_new(const struct sim_conf *conf);
void sim_free(struct sim *s);
/* Runs until `until`, or an invariant breaks; false then. */
bool sim_run(struct sim *s, usec until);
void sim_push(struct sim *s, struct sim_event e);
void sim_note(struct sim *s, uint64_t a, uint64_t b);
void *sim_must(void *p);
/* One leader whom everybody up follows, full, and equal whole tables. */
bool sim_converged(const struct sim *s, uint32_t *leader);
/* Runs until converged; microseconds it took, or -1 after patience. */
usec sim_converge(struct sim *s, usec patience);

static inline bool
chance(struct prng *rng, uint32_t permille)
{
	return permille > 0 && prng_below(rng, 1000) < permille;
}

#include "parts.h"

#endif
