/*
 * certify.h - this node in a cluster with a CA: its certificate on disk, and the verbs by
 * which `mesh` brings it: it is signed there, with the token or the CA's key, and
 * neither ever comes into the engine.
 *
 *	state-dir/certificate
 *	 0           8           12         44        46
 *	 +-----------+-----------+----------+---------+-------------+
 *	 | MESHCERT  | version 1 | CA 32    | len 2   | certificate |
 *	 +-----------+-----------+----------+---------+-------------+
 *	version of 4 bytes, big-endian as the rest; its signatures are its checksum
 *
 * A host has either that file or a cluster key of its own (`cluster-key`): then it is in
 * starter mode, and this is not used.
 */
#ifndef IO_CERTIFY_H
#define IO_CERTIFY_H

#include "../../gossip/mesh.h"
#include "ctl.h"

struct engine;

/* Into e->ca, when there is a file and it holds for this node; why not: e->key_error.
 * Negative: err->code, the disk failed. */
MUST_CHECK int certify_load(struct engine *e, struct err *err);
/* Does this node come by its certificate? */
bool certify_is(const struct engine *e);
/* identity {node: str?}: what `mesh` needs to sign for this node, or of another one. */
void certify_identity(struct engine *e, struct ctl_req *r);
/* init and join, with {ca, cert} in hex; without them as in peers.h. */
void certify_init(struct engine *e, struct ctl_req *r);
void certify_join(struct engine *e, struct ctl_req *r);
/* Why this node is not let in, or NULL; may write text. */
const char *certify_problem(const struct engine *e, char text[ERR_TEXT_CAP], const char **hint);
/* An event about who was not let in here: of whom, and what it says. */
void certify_newcomer(const struct mesh_newcomer *x, char subject[NAME_CAP], char text[ERR_TEXT_CAP]);
/* hex of `key` in a request, exactly len bytes of it. */
bool certify_arg(const struct ctl_req *r, const char *key, uint8_t *out, size_t len);

#endif
