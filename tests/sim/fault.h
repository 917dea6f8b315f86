/*
 * fault.h - what a seed may do to the world, by name.
 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim;

/* What a seed may do to the world.  Each is one bit. */
#define FAULTS(X)                                                              \
	X(loss)      /* datagrams vanish */                                    \
	X(dup)      /* ... or arrive twice */                                  \
	X(reorder)	/* ... or are overtaken */                             \
	X(delay)	/* ... or take up to a second */                       \
	X(tail)      /* ... or one in a hundred up to five */                  \
	X(queue)	/* each path holds 2 to 20 of them */                  \
	X(replay)	/* ... or come back minutes later */                   \
	X(mtu)      /* the long ones vanish */                                 \
	X(flip)      /* ... or arrive with one bit wrong */                    \
	X(trim)      /* ... or without their end */                            \
	X(clog)      /* what goes one way waits for up to 5 s, and comes at once */ \
	X(link)      /* one link is cut, perhaps one way only */               \
	X(isolate)	/* one node */                                         \
	X(halves)	/* two sides */                                        \
	X(parts)	/* two sides of any size, of anybody */                \
	X(oneway)	/* one side hears the other, not back */               \
	X(ring)      /* each hears two neighbours */                           \
	X(bridge)	/* two sides that share one node */                    \
	X(three)	/* three sides */                                      \
	X(udp)      /* one node's datagrams are cut, its streams pass */       \
	X(tcp)      /* ... or the other way about */                           \
	X(mute)      /* the leader hears nobody, or nobody hears it */         \
	X(deaf)      /* the leader hears, or is heard by, only some */         \
	X(flap)      /* the cut comes and goes, each 1 to 10 s */              \
	X(steps)	/* a cut heals in part, and later in whole */          \
	X(forever)	/* a small side stays cut off till all else is over */ \
	X(crash)	/* a process ends and starts again */                  \
	X(midway)	/* ... in the midst of what it says */                 \
	X(away)      /* ... after up to 5 minutes */                           \
	X(storm)	/* all but the leader, one after another */            \
	X(rolling)	/* all, with the next release, or the last */          \
	X(leave)	/* with a goodbye */                                   \
	X(restart)	/* said beforehand */                                  \
	X(drain)	/* an operator sends its work away, or wants it back */ \
	X(upgrade)	/* a restart with the next release, or the last */     \
	X(pause)	/* a process sleeps; its datagrams wait */             \
	X(stopped)	/* ... for up to 5 minutes */                          \
	X(suspend)	/* the host sleeps; its datagrams are lost */          \
	X(asleep)	/* ... for up to 10 minutes */                         \
	X(slow)      /* every event is handled late */                         \
	X(blocked)	/* timers run, datagrams wait */                       \
	X(disk)      /* a crash before or after an fsync, instead of it */     \
	X(torn)      /* ... or between the files of one save */                \
	X(eio)      /* writes fail for up to a minute, after some of it or all */ \
	X(readonly)	/* ... and nothing is written */                       \
	X(fsync)	/* ... or it takes some seconds */                     \
	X(rollback)	/* an old copy of a disk is put back */                \
	X(rot)      /* the last record of a disk is unreadable */              \
	X(clock)	/* clocks run up to 500 ppm wrong, a few ten times that */ \
	X(policy)	/* weights, tie-breaker, rules for small sides */      \
	X(lost)      /* a disk is lost while its node is down */               \
	X(reborn)	/* ... with its key: another node of that name */      \
	X(clone)	/* ... or started a second time, elsewhere */          \
	X(namesake)	/* two nodes of one name */                            \
	X(evict)	/* a node is put out for good */                       \
	X(rotate)	/* the cluster key changes */

enum sim_fault {
#define X(name) FAULT_##name,
	FAULTS(X)
#undef X
	    FAULTS_COUNT
};
#define FAULT_BIT(name) (UINT64_C(1) << FAULT_##name)
#define FAULTS_ALL ((UINT64_C(1) << FAULTS_COUNT) - 1)

extern const char *const fault_names[];
uint32_t fault_nodes(uint64_t seed);
uint64_t fault_draw(uint64_t seed);
bool fault_step(struct sim *s);
/* Once in the life of a world, and in one of five draws: so long; 0 = not. */
usec fault_long(struct sim *s, uint64_t draw, usec max);
/* What is wrong with network and disks ends. */
void fault_network_ends(struct sim *s);
/* All of it ends; who is down is started. */
void fault_end(struct sim *s);
void fault_cuts(struct sim *s);
/* Cuts as the fault has them, node a in their midst; the rest as before. */
void fault_partition(struct sim *s, enum sim_fault f, uint32_t a);

/* fault_cut.c: who hears whom; a is in its midst. */
void fault_cut(struct sim *s, enum sim_fault f, uint32_t a, uint32_t b, uint64_t draw);
/* What was begun goes on: when next, and then. */
usec fault_cut_due(const struct sim *s);
void fault_cut_goes_on(struct sim *s);
/* A side that is cut off and can be spared, if there is one: false when not. */
bool fault_spares(struct sim *s, uint64_t draw);
uint32_t fault_leader(const struct sim *s);

/* fault_disk.c: what becomes of a disk while its node is down. */
void fault_disk(struct sim *s, enum sim_fault f, uint32_t i, usec restart_at, uint64_t draw);
/* Has the key changed, or does it just now? */
bool fault_keys_moved(const struct sim *s, bool now);

#endif
