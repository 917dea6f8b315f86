/*
 * audit_limits.c - are a container's limits set as they were asked for?
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/err.h"
#include "audit_in.h"

enum { OOM_SCORE_LEAST = 200, PAGE = 4096, QUOTA_US = 100 };

void
audit_oom(const struct audit_subject *s)
{
	int64_t least = OOM_SCORE_LEAST, score = 0;
	struct slice text;
	char v[24];

	if (!audit_file(s->doc, s->who, "oom_score_adj", &text))
		text.len = 0;
	if (flat_int(s->doc, "asked/oom-score", &score) && score < least)
		least = score;
	err_escape(v, sizeof v, (const char *)text.b, text.len > 0 ? text.len - 1 : 0);
	score = strtoll(v, NULL, 10);
	if (v[0] == '\0' || score < OOM_SCORE_LEAST)
		audit_find(s->out, v[0] == '\0' || score < least ? AUDIT_WEAKER : AUDIT_ALLOWED,
		    "%s: oom_score_adj is '%s', less than %d: out of memory it outlives others", s->who, v,
		    OOM_SCORE_LEAST);
}

/* Of cgroup/vN/FILE: the number; INT64_MAX: there is none ("max", -1), -1: no such file. */
static int64_t
limit_of(const struct flat *doc, const char *file)
{
	struct slice text;
	char v[32];
	int64_t n;

	if (!audit_file(doc, "cgroup", file, &text))
		return -1;
	err_escape(v, sizeof v, (const char *)text.b, text.len);
	if (v[0] < '0' || v[0] > '9')
		return INT64_MAX;
	n = strtoll(v, NULL, 10);
	return n;
}

/* What was asked for as the kernel counts it: bytes in whole pages, thousandths of a
 * CPU in microseconds of each 100 ms.  The document may say any number: at the ends of
 * the range these stay there. */
static int64_t
in_pages(int64_t bytes)
{
	return bytes > INT64_MAX - PAGE ? INT64_MAX : (bytes + PAGE - 1) / PAGE * PAGE;
}

static int64_t
in_quota(int64_t milli)
{
	int64_t most = INT64_MAX / QUOTA_US;

	return milli > most ? INT64_MAX : milli < -most ? -INT64_MAX : milli * QUOTA_US;
}

/* The limit as it is set is at most the one that was asked for. */
static void
judge_limit(const struct flat *doc, struct audit_findings *f, const char *key, int64_t most,
    const char *v2, const char *v1)
{
	bool by_v2 = limit_of(doc, v2) >= 0;
	int64_t is = by_v2 ? limit_of(doc, v2) : limit_of(doc, v1);

	if (most == 0 || (is >= 0 && is <= most))
		return;
	if (is < 0 && audit_asked(doc, "limits-optional") != 0) {
		audit_find(f, AUDIT_ALLOWED,
		    "%s: is not limited here, and %lld was asked for: its sandbox says `limits-optional: yes`", key,
		    (long long)most);
		return;
	}
	if (is == INT64_MAX || is < 0)
		audit_find(f, AUDIT_WEAKER, "%s: %s, and %lld was asked for", key,
		    is < 0 ? "its cgroup can't be read" : "no limit is set", (long long)most);
	else
		audit_find(f, AUDIT_WEAKER, "%s: %lld is set, and %lld was asked for", key, (long long)is,
		    (long long)most);
}

void
audit_cgroup(const struct flat *doc, struct audit_findings *f)
{
	int64_t memory = audit_asked(doc, "memory-limit"), swap, devices;

	if (flat_int(doc, "devices", &devices) && devices == 0)
		audit_find(f, audit_host(doc, "rootless") ? AUDIT_ALLOWED : AUDIT_WEAKER,
		    "devices: its cgroup holds it to none; its mounts and capabilities may still");

	judge_limit(doc, f, "memory-limit", in_pages(memory), "v2/memory.max",
	    "v1/memory.limit_in_bytes");
	judge_limit(doc, f, "pids-limit", audit_asked(doc, "pids-limit"), "v2/pids.max", "v1/pids.max");
	judge_limit(doc, f, "cpu-quota", in_quota(audit_asked(doc, "cpu-quota")), "v2/cpu.max",
	    "v1/cpu.cfs_quota_us");
	judge_limit(doc, f, "memory of its sandbox", in_pages(audit_asked(doc, "all-memory")),
	    "sandbox/v2/memory.max", "sandbox/v1/memory.limit_in_bytes");
	judge_limit(doc, f, "pids of its sandbox", audit_asked(doc, "all-pids"), "sandbox/v2/pids.max",
	    "sandbox/v1/pids.max");
	judge_limit(doc, f, "cpu-quota of its sandbox", in_quota(audit_asked(doc, "all-cpu-quota")),
	    "sandbox/v2/cpu.max", "sandbox/v1/cpu.cfs_quota_us");
	/* A host without swap has neither file. */
	swap = limit_of(doc, "v2/memory.swap.max");
	if (memory != 0 && swap > 0)
		audit_find(f, AUDIT_WEAKER, "memory-limit: it may swap, past its limit");
	swap = limit_of(doc, "v1/memory.memsw.limit_in_bytes");
	if (memory != 0 && swap - PAGE > memory)
		audit_find(f, AUDIT_WEAKER, "memory-limit: it may swap, past its limit");
}
