/*
 * schema_daemon.c - the keys of the daemon's own config (meshd --config FILE).
 */
#include "schema.h"

enum { PATH_BYTES = 4000, MIB = 1 << 20, MEMBERS = 8192, WEIGHT = 100, PRIORITY = 100 };

#define PATH(k)                                                                                    \
	{                                                                                          \
		.key = k, .type = T_PATH, .max = PATH_BYTES                                        \
	}
#define LATER(k)                                                                                   \
	{                                                                                          \
		.key = k, .type = T_LATER                                                          \
	}
#define TIME(k, lo_ms, hi_ms)                                                                      \
	{                                                                                          \
		.key = k, .type = T_DURATION, .flags = F_UNIT, .min = lo_ms, .max = hi_ms          \
	}

static const char *const quorums[] = {"majority", "any", NULL};
static const char *const profiles[] = {"lan", "wan", "local", NULL};
static const char *const auto_word[] = {"auto", NULL};
static const char *const levels[] = {"debug", "info", "warn", NULL};

static const struct field seed = {.type = T_HOSTPORT};
static const struct field tag = {.type = T_STR, .max = 63};
static const struct field operator_ = {.type = T_ACCOUNT};

static const struct field quorum_map[] = {
    {.key = "min", .type = T_INT, .flags = F_CHOICE, .min = 1, .max = MEMBERS},
    {.key = "weight", .type = T_INT, .flags = F_CHOICE, .min = 1, .max = MEMBERS *WEIGHT},
    {.key = NULL},
};
static const struct field degraded[] = {
    {.key = "min", .type = T_INT, .flags = F_REQUIRED, .min = 1, .max = MEMBERS},
    TIME("after", 0, 3600000),
    {.key = NULL},
};
static const struct field weight = {.type = T_INT, .min = 1, .max = WEIGHT};
static const struct field priority = {.type = T_INT, .min = -PRIORITY, .max = PRIORITY};

static const struct field election[] = {
    {.key = "quorum", .type = T_ENUM, .words = quorums, .sub = quorum_map},
    {.key = "lease",
	.type = T_DURATION,
	.flags = F_UNIT,
	.min = 500,
	.max = 60000,
	.words = auto_word},
    {.key = "priority", .type = T_DICT, .keys = KEY_NAME, .sub = &priority},
    {.key = "weights", .type = T_DICT, .keys = KEY_NAME, .sub = &weight},
    {.key = "tie-breaker", .type = T_NAME},
    {.key = "degraded", .type = T_MAP, .sub = degraded},
    {.key = NULL},
};

static const struct field limits[] = {
    TIME("script-cpu", 10, 60000),
    TIME("script-wall", 100, 600000),
    {.key = "metrics-memory", .type = T_SIZE, .flags = F_UNIT, .min = MIB, .max = 1024L * MIB},
    TIME("metrics-keep", 60000, 86400000),
    {.key = "rounds-disk", .type = T_SIZE, .flags = F_UNIT, .min = 0, .max = 16384L * MIB},
    TIME("rounds-keep", 60000, 90 * 86400000L),
    {.key = "script-memory", .type = T_SIZE, .flags = F_UNIT, .min = MIB, .max = 1024L * MIB},
    {.key = NULL},
};

static const struct field host = {.type = T_STR, .max = 253};
static const struct field http[] = {
    {.key = "listen", .type = T_HOSTPORT},
    {.key = "hosts", .type = T_LIST, .sub = &host, .max = 28},
    {.key = "user", .type = T_ACCOUNT},
    {.key = NULL},
};

static const struct field log_[] = {
    {.key = "level", .type = T_ENUM, .words = levels},
    {.key = NULL},
};

const struct field schema_daemon[] = {
    {.key = "name", .type = T_NAME},
    {.key = "cluster", .type = T_NAME},
    PATH("cluster-key"),
    {.key = "listen", .type = T_HOSTPORT},
    {.key = "advertise", .type = T_HOSTPORT},
    {.key = "seeds", .type = T_LIST, .sub = &seed},
    {.key = "zone", .type = T_NAME},
    {.key = "tags", .type = T_DICT, .keys = KEY_NAME, .sub = &tag},
    PATH("config-dir"),
    PATH("state-dir"),
    PATH("run-dir"),
    PATH("log-dir"),
    PATH("images-dir"),
    {.key = "user", .type = T_ACCOUNT},
    {.key = "conf-user", .type = T_ACCOUNT},
    {.key = "cgroup", .type = T_IMAGE, .max = 8},
    {.key = "uid-range", .type = T_RANGE},
    {.key = "limits", .type = T_MAP, .sub = limits},
    {.key = "log", .type = T_MAP, .sub = log_},
    {.key = "profile", .type = T_ENUM, .words = profiles},
    {.key = "members-max", .type = T_INT, .min = 2, .max = MEMBERS},
    {.key = "election", .type = T_MAP, .sub = election},
    {.key = "operators", .type = T_LIST, .sub = &operator_},
    {.key = "http", .type = T_MAP, .sub = http},
    LATER("boot-wait"),
    TIME("restart-grace", 1000, 3600000),
    LATER("stable-after"),
    {.key = NULL},
};
