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
	X(loss)	      /* datagrams vanish */                                   \
	X(dup)	      /* ... or arrive twice */                                \
	X(reorder)    /* ... or are overtaken */                               \
	X(delay)      /* ... or take up to a second */                         \
	X(replay)     /* ... or come back minutes later */                     \
	X(mtu)	      /* the long ones vanish */                               \
	X(flip)	      /* ... or arrive with one bit wrong */                   \
	X(trim)	      /* ... or without their end */                           \
	X(link)	      /* one link is cut, perhaps one way only */              \
	X(isolate)    /* one node */                                           \
	X(halves)     /* two sides */                                          \
	X(oneway)     /* one side hears the other, not back */                 \
	X(ring)	      /* each hears two neighbours */                          \
	X(bridge)     /* two sides that share one node */                      \
	X(three)      /* three sides */                                        \
	X(udp)	      /* one node's datagrams are cut, its streams pass */       \
	X(tcp)	      /* ... or the other way about */                         \
	X(deaf)	      /* the leader hears, or is heard by, only some */        \
	X(crash)      /* a process ends and starts again */                    \
	X(storm)      /* all but the leader, one after another */              \
	X(leave)      /* with a goodbye */                                     \
	X(restart)    /* said beforehand */                                    \
	X(drain)      /* an operator sends its work away, or wants it back */  \
	X(upgrade)    /* a restart with the next release, or the last */       \
	X(pause)      /* a process sleeps; its datagrams wait */               \
	X(suspend)    /* the host sleeps; its datagrams are lost */            \
	X(slow)	      /* every event is handled late */                        \
	X(blocked)    /* timers run, datagrams wait */                         \
	X(disk)	      /* a crash before or after an fsync, instead of it */    \
	X(fsync)      /* ... or it takes some seconds */                       \
	X(clock)      /* clocks run up to 500 ppm wrong */                     \
	X(policy)     /* weights, tie-breaker, rules for small sides */        \
	X(lost)	      /* a disk is lost while its node is down */              \
	X(clone)      /* ... or started a second time, elsewhere */            \
	X(namesake)   /* two nodes of one name */                              \
	X(evict)      /* a node is put out for good */                         \
	X(rotate)     /* the cluster key changes */

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
/* What is wrong with network and disks ends. */
void fault_network_ends(struct sim *s);
/* All of it ends; who is down is started. */
void fault_end(struct sim *s);
void fault_cuts(struct sim *s);
/* Cuts as the fault has them, node a in their midst; the rest as before. */
void fault_partition(struct sim *s, enum sim_fault f, uint32_t a);

#endif
