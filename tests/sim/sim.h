/*
 * sim.h - a world in one thread: the daemon's own object code under a heap of
 * events ordered by (time, seq).  Same seed, same history, to the last byte.
 *
 * Time is in microseconds; every node has its own millisecond clock, set off
 * and running up to 200 ppm wrong.  A crash drops the machine; a restart makes
 * a new one from the facts it had saved and nothing else.
 */
#ifndef SIM_H
#define SIM_H

#include <stdio.h>

#include "../../gossip/inner.h"

typedef int64_t usec;

enum sim_mutant {
	MUTANT_NONE,
	MUTANT_VOTE_TWICE,  /* a node forgets its vote at once */
	MUTANT_NO_PERSIST,  /* a restart finds the facts of its first start */
	MUTANT_NO_HOLDOFF,  /* a restart votes without waiting a lease */
	MUTANT_STALE_LEASE, /* a leader believes that its lease never ends */
	MUTANT_STAMP_AGAIN, /* a leader forgets what it issued */
	MUTANT_OLD_ROSTER,  /* a restart finds the roster of its first life */
	MUTANT_SALT_IGNORED, /* two nodes find the same keys in every life */
};

struct sim_conf {
	uint32_t nodes;
	uint64_t seed;
	enum mesh_quorum quorum;
	enum sim_mutant mutant;
	bool late; /* a third of the nodes joins much later */
	bool verbose; /* traces on stderr */
};

enum { SIM_EXCLUSIVE = 3, SIM_EXCLUSIVE_NODES = 32 };

/* An instance on_split: exclusive as it runs on one node. */
struct sim_process {
	bool running;
	msec deadline; /* on that node's clock */
	usec stop_at;  /* told to end: does by then */
};

/* What a schedule says of them. */
struct sim_plan {
	struct stamp stamp;
	uint32_t owner[SIM_EXCLUSIVE];
};

struct sim_node {
	struct mesh *mesh; /* NULL = down */
	struct node_id id;
	uint8_t pk[KEY_BYTES];
	bool salt_ignored; /* by its cryptography */
	usec wake_at; /* of the wake event under way; INT64_MAX = none */
	usec paused_until; /* hears and does nothing until then */
	usec restart_at; /* while down; INT64_MAX = stays down */
	msec clock_off;
	int64_t clock_ppm;
	uint32_t group; /* who can hear whom */
	/* what is on its disk */
	struct mesh_saved disk;
	uint8_t *disk_roster;
	size_t disk_roster_cap;
	/* what it ever did: never forgotten, whatever the disk says */
	struct mesh_saved done;
	struct roster_id done_roster;
	struct stamp issued;
	uint64_t changes;
	usec issue_at, report_at;
	uint64_t tx_bytes; /* with 28 bytes of IPv4 and UDP each */
	bool leads;
	bool engine_knows; /* what runs here was told to its machine */
	struct sim_process process[SIM_EXCLUSIVE];
};

struct sim_event {
	usec at;
	uint64_t seq;
	uint32_t node, from;
	uint32_t len; /* 0 = wake */
	uint64_t lives; /* of both sides, when somebody recorded it; 0 = nobody */
	uint8_t *bytes;
};

struct sim {
	struct sim_conf conf;
	struct sim_node *node;
	struct sim_event *heap;
	size_t heap_len, heap_cap;
	uint8_t **pool; /* datagram buffers to use again */
	size_t pool_len, pool_cap;
	struct prng rng;
	usec now;
	uint64_t seq, events, history;
	/* network */
	uint32_t loss_permille, reorder_permille, dup_permille, replay_permille;
	usec delay_min, delay_max;
	uint8_t *cut; /* nodes x nodes, one-way; NULL when nobody is cut */
	/* checks */
	const char *broken; /* name of the first broken invariant */
	char detail[160];
	uint16_t *leader_of_term; /* node + 1 */
	uint64_t terms_cap;
	usec last_issue; /* somebody issued a schedule of his own term */
	uint32_t last_issuer;
	uint64_t elections;
	struct sim_plan *plans; /* of every schedule ever issued */
	size_t plans_len, plans_cap;
};

struct sim *sim_new(const struct sim_conf *conf);
void sim_free(struct sim *s);
/* Runs until `until`, or an invariant breaks; false then. */
bool sim_run(struct sim *s, usec until);
void sim_start(struct sim *s, uint32_t i);
void sim_crash(struct sim *s, uint32_t i, usec restart_at);
/* Its disk is gone while it is down. */
void sim_lose_disk(struct sim *s, uint32_t i);
msec sim_clock(const struct sim *s, uint32_t i);
/* Says goodbye, stops, comes back to life at restart_at. */
void sim_leave(struct sim *s, uint32_t i, usec restart_at);
void sim_group(struct sim *s, uint32_t i, uint32_t group);
/* One leader whom everybody up follows, full, and equal whole tables. */
bool sim_converged(const struct sim *s, uint32_t *leader);
/* Runs until converged; microseconds it took, or -1 after patience. */
usec sim_converge(struct sim *s, usec patience);

/* check.c: after every event of node i. */
void check_node(struct sim *s, uint32_t i);
void check_saved(struct sim *s, uint32_t i, const struct mesh_saved *f);
void check_issue(struct sim *s, uint32_t i, const struct stamp *stamp);
void check_break(struct sim *s, const char *name, uint32_t i, uint64_t a, uint64_t b);

/* exclusive.c */
void exclusive_issue(struct sim *s, uint32_t leader, const struct stamp *stamp);
void exclusive_act(struct sim *s, uint32_t i);
void exclusive_crash(struct sim *s, uint32_t i, bool host);
bool exclusive_all_run(const struct sim *s);

/* alloc.c: between these no machine may ask for memory. */
void alloc_forbid(void);
uint64_t alloc_allow(void); /* how often it did */

/* crypto.c: keyed hashes in place of the AEAD and the signatures. */
void sim_crypto(struct crypto *c, struct sim_node *n);
void sim_identity(struct sim_node *n, struct prng *rng);

/* scenario.c */
struct sim_stats;
struct sim_stats *stats_new(void);
void stats_add(struct sim_stats *st, const char *name, int64_t value);
void stats_print(struct sim_stats *st, FILE *out);
bool stats_bounds(const struct sim_stats *st, const struct sim_conf *conf);
void stats_free(struct sim_stats *st);
typedef bool sim_scenario(struct sim *s, struct sim_stats *st);
sim_scenario *sim_scenario_find(const char *name);
extern const char *const sim_scenario_names[];

#endif
