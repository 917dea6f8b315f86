/*
 * wants.h - a rendered processes file -> the containers it wants, judged
 * against the instances that the schedule gave this node.
 */
#ifndef IO_WANTS_H
#define IO_WANTS_H

#include "apply.h"

/* 0 and *out (wants_free it), or negative and the line.  Every Daemon entry
 * must be an instance of place, and each of place's instances must be there;
 * Command entries may have any name. */
MUST_CHECK int wants_read(const struct flat *processes, const struct plan_place *place,
    const char *role, struct apply_want **out, size_t *count, struct err *err);
void wants_free(struct apply_want *w, size_t count);
const struct apply_want *wants_find(const struct apply_want *w, size_t count,
    const char *instance);

/* Its image, container file and address, into a request for it. */
void wants_ask(const struct apply_want *w, struct sup_req *req);

#endif
