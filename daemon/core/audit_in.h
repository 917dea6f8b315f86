/*
 * audit_in.h - what the files that judge a container share.
 */
#ifndef CORE_AUDIT_IN_H
#define CORE_AUDIT_IN_H

#include "audit.h"

enum { AUDIT_MOUNTS_MAX = 512 };

/* One of init and app. */
struct audit_subject {
	const struct flat *doc;
	const char *who;
	struct audit_findings *out;
	int64_t mounts[AUDIT_MOUNTS_MAX]; /* ids */
	size_t mounts_count;
};

void audit_find(struct audit_findings *f, enum audit_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The number at asked/KEY of the record, or 0. */
int64_t audit_asked(const struct flat *doc, const char *key);
/* Does host/KEY say so? */
bool audit_host(const struct flat *doc, const char *key);
/* Its oom_score_adj; its cgroup limits.  (audit_limits.c) */
void audit_oom(const struct audit_subject *s);
void audit_cgroup(const struct flat *doc, struct audit_findings *f);

#endif
