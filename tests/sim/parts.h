/*
 * parts.h - the parts of the world, as they call each other; sim.h includes it.
 */
#ifndef SIM_PARTS_H
#define SIM_PARTS_H

#include "facts.h"
#include "sim.h"

enum sim_cut { CUT_NOT, CUT_ALL, CUT_UDP, CUT_TCP };
enum sim_stream { STREAM_NOT, STREAM_ASKS, STREAM_ANSWERS, STREAM_FACTS_ASKS, STREAM_FACTS_ANSWERS };

/* net.c */
struct addr net_address(uint32_t i);
void net_send(struct sim *s, uint32_t from, const struct addr *to, const uint8_t *buf, size_t len);
void net_drain(struct sim *s, uint32_t i);
/* The lives of two nodes, in one number. */
uint64_t net_lives(const struct sim *s, uint32_t from, uint32_t to);
struct sim_dgram *net_take(struct sim *s, uint32_t from, uint32_t to, const uint8_t *buf, size_t len);
/* It arrives after its delay. */
void net_deliver(struct sim *s, struct sim_dgram *d, usec late); /* so much more than a path's time */
bool net_loses(struct sim *s, uint32_t from, uint32_t to); /* one datagram or segment, now */
uint32_t net_node(const struct sim *s, const struct addr *a);
void net_release(struct sim *s, struct sim_dgram *d);
void net_group(struct sim *s, uint32_t i, uint32_t group);
/* What is usual on the way, of this world's profile. */
void net_delays(struct sim *s);
/* A time of the lan profile, as it is here. */
static inline usec
net_pace(const struct sim *s, usec lan)
{
	return (usec)pace_ms(s->conf.profile, (msec)lan);
}
/* After the network's numbers changed: is it calm, still? */
void net_changed(struct sim *s);
/* After somebody started or ended: is there a way around what is cut? */
void net_around(struct sim *s);
/* Somebody is late until then. */
void net_late(struct sim *s, usec until);
bool net_calm(const struct sim *s, usec since, usec enough);

/* stream.c: questions and answers; TCP repeats what is lost. */
void stream_ask(struct sim *s, uint32_t i);
void stream_happen(struct sim *s, uint32_t i, const struct sim_dgram *d);
/* With a load of any length, copied. */
void stream_send(struct sim *s, uint32_t from, uint32_t to, enum sim_stream what,
    const uint8_t *load, size_t len);

/* facts.c: their streams */
void facts_ask(struct sim *s, uint32_t i);
void facts_happen(struct sim *s, uint32_t i, const struct sim_dgram *d);

/* node.c */
/* After anything happened at node i: time, disk, wire, alarm clock. */
void node_settle(struct sim *s, uint32_t i);
void node_start(struct sim *s, uint32_t i);
void node_crash(struct sim *s, uint32_t i, usec restart_at);
/* Says goodbye, stops, comes back to life at restart_at. */
void node_leave(struct sim *s, uint32_t i, usec restart_at);
int node_restarting(struct sim *s, uint32_t i, uint32_t grace_s);
void node_drain(struct sim *s, uint32_t i, bool on);
void node_wipe(struct sim *s, uint32_t i);
/* It asks to leave, or takes that back; when it has left its disk is wiped, and it
 * comes in again so long after that (INT64_MAX: when it is started). */
int node_leaving(struct sim *s, uint32_t i, bool on, usec leave_for);
/* Node `by` says that node i is out. */
int node_evict(struct sim *s, uint32_t by, uint32_t i);
/* Node `by` gives up all whom it holds dead; they count no more. */
int node_recover(struct sim *s, uint32_t by);
void node_copy_disk(struct sim *s, uint32_t to, uint32_t from);
void node_pause(struct sim *s, uint32_t i, usec until, bool asleep);
void node_block(struct sim *s, uint32_t i, usec until);
void node_happen(struct sim *s, struct sim_event *e);
msec node_clock(const struct sim *s, uint32_t i);
uint32_t node_find(const struct sim *s, const struct node_id *id);

/* check.c: after every event of node i. */
void check_node(struct sim *s, uint32_t i);
void check_saved(struct sim *s, uint32_t i, const struct mesh_saved *f);
/* copy.c.  Node j starts with what is on the disk of i, which lives on: the disk as it
 * was `below` starts ago; 1 is as it was before i's own, 0 as it is. */
void copy_node(struct sim *s, uint32_t j, uint32_t i, uint64_t below);
/* The same as a fault, where there is a spare place; false when something broke. */
bool copy_happens(struct sim *s, uint32_t i, uint64_t below);
/* May it still live twice, and nobody know? */
bool copy_fresh(const struct sim *s, uint32_t i);
void check_copy(struct sim *s, uint32_t i);
/* check_left.c: it signs now that it left; it has started. */
void check_left(struct sim *s, uint32_t i);
void check_went(struct sim *s, uint32_t i);
/* check_stable.c: what must come true in time. */
void check_stable(struct sim *s);
/* check_entered.c: who is in its table; who has a vote. */
void check_entered(struct sim *s, uint32_t i);
void check_token(struct sim *s, uint32_t i);
/* check_roster.c: the roster that is about to be on its disk. */
void check_roster(struct sim *s, uint32_t i);
/* check_out.c: who it holds to be out. */
void check_out(struct sim *s, uint32_t i, const struct mesh_saved *f);
/* check_keys.c: what was saved of them, and what is said under which. */
void check_keys(struct sim *s, uint32_t i);
void check_sealed(struct sim *s, uint32_t i, const uint8_t *frame);
/* check_told.c: what a node says of all; the summary that it made. */
void check_told(struct sim *s, uint32_t i);
void check_made(struct sim *s, uint32_t i);
/* check_news.c: around the filling of a datagram; did that one do wrong since? */
void check_news_before(const struct mesh *m, const struct out *o);
void check_news_after(const struct mesh *m, msec now, const struct cargo *c, const struct out *o);
bool check_news_unfair(const struct mesh *m);
/* check_heard.c: around a datagram that arrives. */
struct check_heard {
	struct mesh_keys keys;
	uint64_t verified, led; /* the term in which it leads; 0 = it does not */
	bool out, known;
};
struct check_heard check_before(const struct sim *s, uint32_t i, const struct sim_dgram *d);
void check_heard(struct sim *s, uint32_t i, const struct sim_dgram *d,
    const struct check_heard *before, int rc);
void check_issue(struct sim *s, uint32_t i, const struct stamp *stamp);
/* After a datagram: what it said of node i itself (planted.c notes it). */
void check_refuted(struct sim *s, uint32_t i);
void check_break(struct sim *s, const char *name, uint32_t i, uint64_t a, uint64_t b);

/* watch.c: the same for tables. */
void watch_node(struct sim *s, uint32_t i);
void watch_forget(struct sim *s, uint32_t i);
void watch_another(struct sim *s, uint32_t i, uint32_t j); /* j is another node now */

/* disk.c: the facts that a machine wants saved; they are, and it was told so. */
void disk_write(struct sim *s, uint32_t i, struct mesh_saved f);
/* Its node ends meanwhile: so many of three parts are written. */
void disk_spoilt(struct sim *s, uint32_t i, struct mesh_saved f, uint32_t written);
void disk_written(struct sim *s, uint32_t i);
void disk_free(struct sim *s, uint32_t i);
/* Before anything is asked of malloc for a world of hundreds. */
void disk_large_world(void);

/* alloc.c: between these no machine may ask for memory. */
void alloc_forbid(void);
uint64_t alloc_allow(void); /* how often it did */

/* hearing.c: tell leader and standby, when it is time or they ask; hear. */
void hearing_tell(struct sim *s, uint32_t i, bool due);
void hearing_take(struct sim *s, uint32_t i);
void hearing_forget(struct sim *s, uint32_t i);

/* exclusive.c */
void exclusive_issue(struct sim *s, uint32_t leader, const struct stamp *stamp);
void exclusive_act(struct sim *s, uint32_t i);
void exclusive_crash(struct sim *s, uint32_t i, bool host);
bool exclusive_all_run(const struct sim *s);

/* settled.c: all start now, and know each other. */
void settled_start(struct sim *s);

/* story_mixed.c: what node i speaks; m, a newer one, speaks now (NULL: nobody newer). */
struct wire_range mixed_wire(const struct sim *s, uint32_t i);
void mixed_speaks(const struct mesh *m);
/* story_roster.c: who speaks now; and what, if that is a lie. */
void liar_speaks(const struct mesh *m);
struct packet liar_says(const struct packet *p);

/* ca.c: tokens by number; node i gets a certificate by one of them. */
enum { CA_LATE = 5, CA_WALL_S = 1000000000 };
extern const uint8_t ca_pk[KEY_BYTES];
void ca_token(uint32_t number, uint8_t *pk);
void ca_certify(struct sim *s, uint32_t i, uint32_t token, uint32_t uses, uint64_t expiry_s);
/* By the token that lets in as many as there are. */
void ca_member(struct sim *s, uint32_t i);
/* The CA signs it, where the mesh has one. */
int ca_recover(struct sim *s, uint32_t by, struct mesh_lost *lost, size_t count);
void ca_configure(const struct sim *s, uint32_t i, struct mesh_conf *c);

/* forger.c: its record, at node `at`; its id. */
enum forgery { FORGED_BARE, FORGED_SELF_MADE, FORGED_ANOTHERS, FORGED_EXPIRED, FORGED_RENAMED, FORGERIES };
void forger_knocks(struct sim *s, uint32_t at, enum forgery kind, struct node_id *id);

/* newcomers.c: certified, they start one after the other; a forger tries; those go of
 * whom not all may be in. */
enum { CA_NODES_MIN = 5 + CA_LATE };
void newcomers_come(struct sim *s);
void newcomers_knock(struct sim *s);
void newcomers_go(struct sim *s);

/* crypto.c: keyed hashes in place of the AEAD and the signatures. */
void sim_crypto(struct crypto *c, struct sim_node *n);
/* As the owner of that key. */
void sim_sign_as(const uint8_t *pk, uint8_t *sig, const uint8_t *msg, size_t len);
/* Draws its key; the last two bytes of key and id are i. */
void sim_identity(struct sim_node *n, uint32_t i, struct prng *rng);
/* The ids of all such begin with the same bytes. */
void sim_identity_alike(struct sim_node *n);

#endif
