/*
 * audit.h - `mesh audit [INSTANCE]`: what the kernel says of this node's containers,
 * or of one wherever it is.
 *
 *   mesh -> engine --SUP_AUDIT, one instance at a time--> supervisor (supervisor/audit.h)
 *           engine <--sealed flat document-- judged (core/audit.h), packed (auditpack.c)
 *
 * Without INSTANCE it is this node alone.  Only root and operators may: it shows what other
 * users may not read in /proc.  A row:
 *
 *   {instance, node, error} or {instance, node, role, sandbox, weaker, findings: [{level,
 *    text}], init: PROCESS, app: PROCESS or nil, mounts: [{at, type, options, source, root,
 *    super, spread}], filters: [{sha256, instructions, default}], limits: {FILE: text},
 *    others}
 *   PROCESS  {pid, name, KEY of status: text..., uid_map: [line], gid_map: [line], namespaces:
 *    {KIND: {id, host}}, rlimits: {NAME: text}, oom_score_adj, cgroup: [line], fds_count, fds:
 *    {N: text}}
 */
#ifndef IO_AUDIT_H
#define IO_AUDIT_H

#include <msgpack.h>

#include "../base/flat.h"
#include "../base/proto.h"
#include "ctl.h"
#include "stream.h"

struct engine;

enum { AUDIT_WAIT_MS = 4000, AUDIT_ASKERS_MAX = 64 };

void audit_verb(struct engine *e, struct ctl_req *r);
/* QUERY_AUDIT came: answer it. */
void audit_serve(struct engine *e, const uint8_t *payload, size_t len,
    struct stream_answer *answer);
/* The supervisor's answer, fd borrowed.  False: it is of no audit. */
bool audit_event(struct engine *e, const struct sup_event *ev, int fd);

/* auditpack.c: one row. */
void audit_pack(msgpack_packer *pk, const struct flat *doc, const char *instance,
    const char *node);

#endif
