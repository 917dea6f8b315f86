/*
 * story.h - the scenarios of mesh-sim, their figures and what is promised of
 * them.  Each story starts with real joins, waits until the mesh is whole, then
 * does its harm.  A figure is a series over nodes, trials and seeds.
 */
#ifndef STORY_H
#define STORY_H

#include "sim.h"

/* stats.c.  Names end in their unit after a colon: "failover:ms"; one that
 * begins with + is a count, of which only the sum means anything. */
struct sim_stats *stats_new(void);
void stats_add(struct sim_stats *st, const char *name, int64_t value);
/* With bounds and peers beside the figures they are of. */
void stats_print(struct sim_stats *st, const struct sim_conf *conf, FILE *out);
/* After stats_print.  False and said on stderr when a bound is broken. */
bool stats_bounds(const struct sim_stats *st, const struct sim_conf *conf);
void stats_free(struct sim_stats *st);

typedef bool story_run(struct sim *s, struct sim_stats *st);

struct story {
	const char *name;
	story_run *run;
	void (*setup)(struct sim_conf *conf); /* what was not said; may be NULL */
	const char *what;
};
extern const struct story stories[];
const struct story *story_find(const char *name);

/* story.c: pieces */
bool story_bound(struct sim *s, const char *name, bool ok);
usec story_patience(const struct sim *s);
bool story_whole(struct sim *s, usec *took);
/* Until every table of those up has all of them alive. */
bool story_seen(struct sim *s, usec *took);
uint32_t story_trials(const struct sim *s);
uint32_t story_leader(const struct sim *s);
enum mesh_state story_state(const struct sim *s, uint32_t observer, uint32_t subject);
/* May the scheduler give it work, as the observer sees it? */
bool story_usable(const struct sim *s, uint32_t observer, uint32_t subject);
/* A random node that is not the leader. */
uint32_t story_other(struct sim *s);

/* by theme */
story_run story_steady, story_join, story_join_lossy, story_restart, story_storm, story_heal,
    story_heal_early; /* story_member.c */
story_run story_detect, story_failover, story_churn, story_flood;	    /* story_death.c */
story_run story_evict, story_clone;					    /* story_out.c */
story_run story_liar;							    /* story_liar.c */
story_run story_split;							    /* story_split.c */
void setup_split(struct sim_conf *conf);
story_run story_rolling;							    /* story_going.c */
story_run story_leave;								    /* story_leave.c */
story_run story_recover;							    /* story_recover.c */
story_run story_roster;								    /* story_roster.c */
void setup_recover(struct sim_conf *conf);
story_run story_calm, story_lossy, story_burst, story_slow, story_flipflop, story_shaky; /* story_false.c */
story_run story_busy, story_missed, story_metrics, story_takeover;			    /* story_load.c */
story_run story_facts;							    /* story_facts.c */
story_run story_partial, story_rack;							    /* story_partial.c */
story_run story_rotate;							    /* story_keys.c */
story_run story_ca;							    /* story_ca.c */
void setup_ca(struct sim_conf *conf);
story_run story_chaos, story_grief, story_swarm;			    /* story_chaos.c */
story_run story_mixed;							    /* story_mixed.c */
void setup_mixed(struct sim_conf *conf), setup_clone(struct sim_conf *conf);
void setup_join(struct sim_conf *conf);
void setup_calm(struct sim_conf *conf);
void setup_slow(struct sim_conf *conf);
void setup_metrics(struct sim_conf *conf);
void setup_takeover(struct sim_conf *conf);
void setup_chaos(struct sim_conf *conf);
void setup_grief(struct sim_conf *conf);
void setup_swarm(struct sim_conf *conf);

/* shrink.c: the smallest run that still breaks the same invariant. */
bool shrink_fails(const struct story *story, const struct sim_conf *conf, char *detail, size_t cap);
/* ... and not by what this story alone promises. */
bool shrink_fails_all(const struct story *story, const struct sim_conf *conf, char *detail, size_t cap);
void shrink(const struct story *story, struct sim_conf *conf);

/* mutants.c */
int mutants_run(uint64_t seeds, uint32_t jobs, const char *only);

#endif
