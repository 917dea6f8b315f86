/*
 * judge_limits.c - how much the container may take.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../base/initproto.h"
#include "judge_in.h"

#define MEMORY_UNLIMITED (UINT64_C(1) << 50) /* lithos' own default is 2^63-1 */

enum {
	PIDS_DEFAULT = 4096,
	FILENO_DEFAULT = 1024,
	MEMORY_MIN = 4 << 20, /* holds our init and a program */
	SHARES_MIN = 2,	      /* what the kernel makes of less, and of more */
	SHARES_MAX = 262144,
	RESTART_MS = 1000,
	RESTART_MS_MIN = 100,
	KILL_MS = 5000,
	KILL_MS_MAX = 86400000,
};

/* A limit: its key in the container file, which may not be above the one in
 * the sandbox; where the sandbox is silent, not above `most` (0: anything).
 * together: the sandbox's is for all its containers, and held by its group; a
 * container that is silent has none of its own but `dflt`. */
struct limit {
	const char *key, *sandbox_key;
	int64_t dflt, most;
	bool zero; /* is a value too */
	bool together;
};

static int
pick_limit(const struct judge *j, const struct limit *l, uint64_t *out,
    struct err *err)
{
	struct flat_rec rec;
	int64_t most = 0;
	bool capped = l->sandbox_key != NULL &&
	    flat_int(j->sandbox, l->sandbox_key, &most);

	*out = (uint64_t)(capped && !l->together ? most : l->dflt);
	if (!flat_find(j->container, l->key, &rec))
		return 0;
	if (rec.type != FLAT_INT || rec.num < !l->zero)
		return judge_fail(j, &rec, err, "%s: at least %d is needed",
		    l->key, !l->zero);
	if (capped && rec.num > most)
		return judge_fail(j, &rec, err,
		    "%s: %lld is above the %lld that sandbox '%s' allows (%s)",
		    l->key, (long long)rec.num, (long long)most,
		    j->req->sandbox, j->sandbox_file);
	if (!capped && l->most != 0 && rec.num > l->most)
		return judge_fail(j, &rec, err, "%s: %lld is above %lld, the most %s%s%s%s",
		    l->key, (long long)rec.num, (long long)l->most,
		    l->sandbox_key ? "without " : "there is",
		    l->sandbox_key ? l->sandbox_key : "",
		    l->sandbox_key ? " in sandbox " : "",
		    l->sandbox_key ? j->req->sandbox : "");
	*out = (uint64_t)rec.num;
	return 0;
}

static int
pick_u32(const struct judge *j, const struct limit *l, uint32_t *out,
    struct err *err)
{
	uint64_t v = 0;
	int rc = pick_limit(j, l, &v, err);

	if (rc < 0)
		return rc;
	*out = v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
	return 0;
}

/* An image does not choose its own limits where the sandbox says nothing. */
static const struct limit
    memory = {"memory-limit", "limits/memory", 0, 0, false, true},
    memory_high = {"memory-high", "limits/memory", 0, 0, false, true},
    pids = {"pids-limit", "limits/pids", PIDS_DEFAULT, PIDS_DEFAULT, false, true},
    cpu_quota = {"cpu-quota", "limits/cpu-quota", 0, 0, false, true},
    cpu_shares = {"cpu-shares", NULL, 0, 0, true, false},
    io_weight = {"io-weight", NULL, 0, 0, false, false},
    fileno_limit = {"fileno-limit", NULL, FILENO_DEFAULT, 0, false, false},
    log_size = {"log/size", "log/size", 0, SPEC_LOG_BYTES, false, false},
    log_count = {"log/count", NULL, SPEC_LOGS, INIT_LOGS_MAX, false, false},
    restart_timeout = {"restart-timeout", NULL, RESTART_MS, 0, true, false},
    kill_timeout = {"kill-timeout", NULL, KILL_MS, KILL_MS_MAX, true, false},
    lease_kill = {"kill-timeout", NULL, KILL_MS, SUP_LEASE_KILL_MS_MAX, true, false};

/* What all containers of the sandbox together may take. */
static void
together(const struct judge *j, struct spec *s)
{
	int64_t memory_bytes = 0, cpu_milli = 0, most = 0;

	flat_int(j->sandbox, "limits/memory", &memory_bytes);
	flat_int(j->sandbox, "limits/cpu-quota", &cpu_milli);
	flat_int(j->sandbox, "limits/pids", &most);
	s->all_memory_bytes = (uint64_t)memory_bytes;
	s->all_cpu_milli = (uint32_t)cpu_milli;
	s->all_pids = (uint32_t)most;
}

/* The lower, the later the kernel takes it when memory is gone: an image does
 * not put itself before others, unless the sandbox says how far. */
static int
oom_score(const struct judge *j, struct spec *s, struct err *err)
{
	int64_t least = SPEC_OOM_DEFAULT, score;
	struct flat_rec rec;

	flat_int(j->sandbox, "limits/oom-score", &least);
	if (least < -SPEC_OOM_MAX || least > SPEC_OOM_MAX)
		return err_set(err, EXIT_CONFIG, "%s: %s: limits: oom-score: %lld is not within -%d and %d",
		    j->req->instance, j->sandbox_file, (long long)least, SPEC_OOM_MAX, SPEC_OOM_MAX);
	score = least;
	if (flat_find(j->container, "oom-score", &rec)) {
		score = rec.type == FLAT_INT ? rec.num : INT64_MIN;
		if (score < least)
			return judge_fail(j, &rec, err,
			    "oom-score: below %lld, the least that sandbox '%s' allows (limits: oom-score in %s)",
			    (long long)least, j->req->sandbox, j->sandbox_file);
		if (score > SPEC_OOM_MAX)
			return judge_fail(j, &rec, err, "oom-score: above %d, the kernel's most", SPEC_OOM_MAX);
	} else if (least <= SPEC_OOM_DEFAULT) {
		return 0;
	}
	s->oom_score = (uint32_t)(score + SPEC_OOM_SCORE);
	return 0;
}

static int
normal_exits(const struct judge *j, struct spec *s, struct err *err)
{
	struct flat_rec rec;
	size_t off = 0;
	char key[16];

	while (flat_next(j->container, &off, &rec)) {
		if (!flat_child(&rec, "normal-exit-codes", key, sizeof key))
			continue;
		if (rec.type != FLAT_INT || rec.num < 0 || rec.num > 255)
			return judge_fail(j, &rec, err,
			    "normal-exit-codes: codes from 0 to 255 are needed");
		s->normal_exit[rec.num / 64] |= UINT64_C(1) << (rec.num % 64);
	}
	return 0;
}

/* What lithos takes and means nothing, or harm, is taken for the nearest that
 * has a meaning; meshd-conf has told so (daemon/conf/schema_lithos.c). */
static void
within_reason(const struct judge *j, struct spec *s)
{
	struct flat_rec rec;

	/* Below this every run would be a long one, and none would back off. */
	if (s->restart_timeout_ms < RESTART_MS_MIN)
		s->restart_timeout_ms = RESTART_MS_MIN;
	if (s->kill_timeout_ms == 0)
		s->kill_timeout_ms = 1;
	if (s->memory_bytes >= MEMORY_UNLIMITED)
		s->memory_bytes = 0;
	if (s->memory_bytes != 0 && s->memory_bytes < MEMORY_MIN)
		s->memory_bytes = MEMORY_MIN;
	if (!flat_find(j->container, "cpu-shares", &rec))
		return;
	if (s->cpu_shares < SHARES_MIN)
		s->cpu_shares = SHARES_MIN;
	if (s->cpu_shares > SHARES_MAX)
		s->cpu_shares = SHARES_MAX;
}

int
judge_limits(const struct judge *j, struct spec *s, struct err *err)
{
	int rc;

	if ((rc = pick_limit(j, &memory, &s->memory_bytes, err)) < 0 ||
	    (rc = pick_limit(j, &memory_high, &s->memory_high_bytes, err)) < 0 ||
	    (rc = pick_u32(j, &io_weight, &s->io_weight, err)) < 0 ||
	    (rc = oom_score(j, s, err)) < 0 ||
	    (rc = pick_u32(j, &pids, &s->pids, err)) < 0 ||
	    (rc = pick_u32(j, &cpu_quota, &s->cpu_milli, err)) < 0 ||
	    (rc = pick_u32(j, &cpu_shares, &s->cpu_shares, err)) < 0 ||
	    (rc = pick_u32(j, &fileno_limit, &s->fileno, err)) < 0 ||
	    (rc = pick_limit(j, &log_size, &s->log_bytes, err)) < 0 ||
	    (rc = pick_u32(j, &log_count, &s->log_count, err)) < 0 ||
	    (rc = pick_u32(j, &restart_timeout, &s->restart_timeout_ms,
		 err)) < 0 ||
	    (rc = pick_u32(j,
		 j->req->policy == SUP_EXCLUSIVE ? &lease_kill : &kill_timeout,
		 &s->kill_timeout_ms, err)) < 0 ||
	    (rc = normal_exits(j, s, err)) < 0)
		return rc;
	(void)flat_bool(j->sandbox, "limits-optional", &s->limits_optional);
	together(j, s);
	within_reason(j, s);
	return 0;
}
