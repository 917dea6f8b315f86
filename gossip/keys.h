/*
 * keys.h - the cluster key changes while everybody goes on talking.
 *
 *	announced   the leader draws the key of epoch e + 1; its beats say so, and who
 *	            lacks it asks for it
 *	accepted    every member of the roster that has not left holds it, or was named
 *	            as one to pass over
 *	used        the leader seals under it; whoever hears that from a member that
 *	            he can open, does so too.  What is under way under e is still heard
 *	retired     all use it: the old key is wiped, everywhere
 *
 *	asker                                     giver, any member that has it
 *	  KEY_ASK nonce, what I hold, cookie  ->
 *	                                      <-  KEY nonce, what I hold, [pk 32 | box 80 | sig 64]
 *
 * The box is sealed to the asker's identity, so whoever stole the old key learns
 * nothing; it is given to members of the roster alone; and the giver's signature
 * over cluster, asker, epoch, nonce and box is worth something only to who has
 * that giver in its own roster.  Two that share a key talk under it; a node that
 * was away has none that anybody takes, and asks in a bare frame (seal.h): there a
 * cookie first (cookie.h), and the question is padded so that no answer is longer.
 *
 * Who was evicted gets no key: its question is answered by the act (evict.h).
 *
 * While a change is under way, nobody new comes in under the key that goes: the
 * thief of an old one would be given the new.  The roster takes only whom this
 * leader heard under the newest key.
 *
 * Whoever says that the key is more than one epoch ahead of mine is not believed alone:
 * keyleap.h.
 *
 * Each step is on disk before anything is said under it (mesh_must_save), and any
 * full leader goes on where the last one stopped: a step needs all but those named,
 * and at least a quorum, so that the next leader's quorum knows of it.
 *
 *	word, in beats, echoes and both messages = epoch used << 2 | next held << 1 | old held
 *	id = 8 bytes of the hash of the newest key held: a new leader's and a lost one's
 *	may have one number
 *
 * Inner: part of struct mesh, used by the files of gossip/ alone.
 */
#ifndef GOSSIP_KEYS_H
#define GOSSIP_KEYS_H

#include "keyleap.h"
#include "packet.h"
#include "ration.h"
#include "seal.h"

struct out;

enum {
	KEY_BLOB_BYTES = KEY_BYTES + KEY_BOX_BYTES + SIG_BYTES,
	KEY_ASK_BYTES = KEY_BLOB_BYTES + 48, /* pk 32, ballast: an answer is never longer */
	KEYS_EPOCH_MAX = UINT32_MAX >> 2,
	KEYS_JUMP_MAX = 1024, /* changes of the key that one can be away for */
};

struct keys {
	uint64_t nonce; /* of the question under way; 0 = none */
	msec ask_at;	/* next question allowed */
	struct ration given;
	uint32_t turn; /* of whom it asks while it can't hear anybody */
	struct keyleap leap;
};

/* What a member told of its keys to this leader. */
struct member_keys {
	struct mesh_keys have;
	uint64_t id;
	bool known, passed;
};

uint64_t keys_word(const struct mesh *m);
/* Of the newest key held. */
uint64_t keys_newest_id(const struct mesh *m);
/* Completes frame->epoch; false: no such key is held. */
bool keys_epoch(const struct mesh *m, struct seal_frame *frame);
/* Is it the newest this node holds? */
bool keys_newest(const struct mesh *m, uint32_t epoch);
/* A frame under a key that is not held, or not that one: ask, or show mine. */
void keys_stranger(struct mesh *m, msec now, const struct addr *from,
    const struct seal_frame *frame, size_t len);
/* Member i said something under that epoch, authentic. */
void keys_spoke(struct mesh *m, msec now, uint32_t i, uint32_t epoch);
/* A HELLO of member i came under that epoch: no proof that it is used, so it is asked. */
void keys_greeted(struct mesh *m, msec now, uint32_t i, uint32_t epoch);
/* A beat or an echo of member i. */
void keys_heard(struct mesh *m, msec now, uint32_t i, const struct packet *p, bool leads);
/* Of a bare frame (i = MEMBER_NONE), or of member i. */
int keys_recv(struct mesh *m, msec now, const struct addr *from, uint64_t sender, uint32_t i,
    const struct packet *p);
/* May somebody with that id be told anything under a key of that epoch? */
bool keys_admit(const struct mesh *m, uint64_t short_id, uint32_t epoch);
/* Leading: one step, with every beat; a term begins. */
void keys_step(struct mesh *m, msec now);
void keys_office(struct mesh *m);
/* The steps, as keyring.c and keys_heard take them. */
void keys_announce(struct mesh *m);
void keys_use(struct mesh *m, msec now);
void keys_retire(struct mesh *m, msec now);
/* From conf.saved.  0, or a negative ERR_. */
int keys_init(struct mesh *m);
/* Let in with a key sealed to me, of that epoch; a cluster with a CA begins, with the
 * key of epoch 1: no file of an administrator has it. */
void keys_entered(struct mesh *m, uint32_t epoch);
void keys_found(struct mesh *m);
/* Let in under a key of whose epoch I knew nothing. */
void keys_joined(struct mesh *m, uint64_t word);
/* The bytes of KEY_ASK and KEY; scratch holds KEY_ASK_BYTES. */
void keys_fill(struct mesh *m, const struct out *o, struct packet *p, uint8_t *scratch);

#endif
