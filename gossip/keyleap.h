/*
 * keyleap.h - is the cluster key really so far ahead of mine?
 *
 * A change of the key goes one epoch on, and a quorum holds what comes next before it is
 * used (keys.h), so whoever took part is one behind at most.  Who was away for longer
 * is told by whom it asks, and a member gone bad can tell everybody any number:
 * without more, one alone could use up the epochs of all in steps.
 *
 * So a leap counts as long as
 *
 *	no quorum of the roster is heard under keys that I hold: that one would have
 *	taken part, and
 *	so many voters told me the same epoch and the same key, sealed to me and
 *	signed in answer to questions of my own, as I hear others who have a vote and
 *	do not: more than those, or SEVERAL,
 *
 * and some seconds after the first of them, in which a node that just started hears
 * the others.  Left open: one that hears a single other voter has nobody to ask; and of
 * five, when two of the three that changed the key died before the other two came
 * back, the last of the three is as many as each of those hears: a third must return.
 *
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_KEYLEAP_H
#define GOSSIP_KEYLEAP_H

#include "base.h"

struct mesh;

enum { KEYLEAP_SAID = 16 }; /* so many are remembered */

struct keyleap {
	struct keyleap_said {
		uint16_t by; /* member */
		uint32_t epoch;
		uint64_t id; /* of the key */
		msec at;     /* 0 = free */
	} said[KEYLEAP_SAID];
	msec since; /* the first that is remembered */
};

/* Member i, who has a vote, proved that it holds that key: is it the one in use? */
bool keyleap_believed(struct mesh *m, msec now, uint32_t i, uint32_t epoch, uint64_t id);
/* Did it tell me of a key far ahead? */
bool keyleap_told(const struct mesh *m, msec now, uint32_t i);
/* As many told me as I remember: one more pushes another out, who would be asked again. */
bool keyleap_full(const struct mesh *m, msec now);

#endif
