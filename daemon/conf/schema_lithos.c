/*
 * schema_lithos.c - lithos' four files: master, sandbox, processes, container.
 *
 * The keys are lithos' own, so that existing files are accepted; keys that are
 * not done yet are refused by name, because a limit or a mount that is silently
 * not there is worse than an error.  Ours are marked.
 */
#include "schema.h"

enum {
	PATH_BYTES = 4000,
	NAME_IN_IMAGE_BYTES = 255,
	TEXT_BYTES = 64 << 10,
	CPU_MILLI_MAX = 1024000,
	MEMORY_MIN = 4 << 20 /* less can't hold our init and a program */
};

#define ID_MAX ((int64_t)UINT32_MAX - 1)
#define SIZE_MAX_BYTES (INT64_C(1) << 50)
#define LATER(k)                                                                                   \
	{                                                                                          \
		.key = k, .type = T_LATER                                                          \
	}
#define SECONDS(k)                                                                                 \
	{                                                                                          \
		.key = k, .type = T_DURATION, .max = 86400000                                      \
	}
#define TIME(k, lo_ms, hi_ms)                                                                      \
	{                                                                                          \
		.key = k, .type = T_DURATION, .flags = F_UNIT, .min = lo_ms, .max = hi_ms          \
	}
#define NUMBER(k, lo, hi)                                                                          \
	{                                                                                          \
		.key = k, .type = T_INT, .min = lo, .max = hi                                      \
	}
#define ID_NUMBER(k) NUMBER(k, 0, ID_MAX)
#define BYTES(k, lo)                                                                               \
	{                                                                                          \
		.key = k, .type = T_SIZE, .min = lo, .max = SIZE_MAX_BYTES                         \
	}
#define CPUS(k)                                                                                    \
	{                                                                                          \
		.key = k, .type = T_CPU, .min = 10, .max = CPU_MILLI_MAX                           \
	}

static const char *const kinds[] = {"Daemon", "Command", "CommandOrDaemon", NULL};
static const char *const process_kinds[] = {"Daemon", "Command", NULL};

static const struct field text = {.type = T_TEXT, .max = TEXT_BYTES};
static const struct field word = {.type = T_TEXT, .max = NAME_IN_IMAGE_BYTES};
static const struct field host_path = {.type = T_PATH, .max = PATH_BYTES};
static const struct field range = {.type = T_RANGE};
static const struct field role = {.type = T_NAME};
static const struct field exit_code = {.type = T_INT, .max = 255};

static const struct field log_[] = {
    /* ours */
    BYTES("size", 64 << 10),
    {.key = NULL},
};

/* --- master ---------------------------------------------------------------- */

const struct field schema_master[] = {
    {.key = "sandboxes-dir", .type = T_RELPATH, .max = PATH_BYTES},
    LATER("processes-dir"),
    LATER("runtime-dir"),
    LATER("state-dir"),
    LATER("mount-dir"),
    LATER("devfs-dir"),
    LATER("cgroup-name"),
    LATER("cgroup-controllers"),
    LATER("default-log-dir"),
    LATER("config-log-dir"),
    LATER("stdio-log-dir"),
    LATER("log-file"),
    LATER("log-level"),
    LATER("syslog-facility"),
    LATER("syslog-app-name"),
    {.key = NULL},
};

/* --- sandbox --------------------------------------------------------------- */

static const struct field id_map[] = {
    {.key = "inside", .type = T_INT, .flags = F_REQUIRED, .max = ID_MAX},
    {.key = "outside", .type = T_INT, .flags = F_REQUIRED, .max = ID_MAX},
    {.key = "count", .type = T_INT, .flags = F_REQUIRED, .min = 1, .max = ID_MAX},
    {.key = NULL},
};

static const struct field id_map_entry = {.type = T_MAP, .sub = id_map};

static const struct field sandbox_limits[] = {
    BYTES("memory", MEMORY_MIN),
    CPUS("cpu-quota"),
    NUMBER("pids", 1, 4194304),
    {.key = NULL},
};

const struct field schema_sandbox[] = {
    {.key = "image-dir", .type = T_PATH, .max = PATH_BYTES},
    NUMBER("image-dir-levels", 1, 16),
    {.key = "readonly-paths", .type = T_DICT, .keys = KEY_PATH, .sub = &host_path},
    {.key = "writable-paths", .type = T_DICT, .keys = KEY_PATH, .sub = &host_path},
    {.key = "allow-users", .type = T_LIST, .sub = &range},
    {.key = "allow-groups", .type = T_LIST, .sub = &range},
    {.key = "allow-tcp-ports", .type = T_LIST, .sub = &range},
    ID_NUMBER("default-user"),
    ID_NUMBER("default-group"),
    {.key = "uid-map", .type = T_LIST, .sub = &id_map_entry},
    {.key = "gid-map", .type = T_LIST, .sub = &id_map_entry},
    /* ours */
    {.key = "roles", .type = T_LIST, .sub = &role},
    {.key = "allow-exec", .type = T_BOOL},
    {.key = "userns", .type = T_BOOL},
    {.key = "limits", .type = T_MAP, .sub = sandbox_limits},
    {.key = "log", .type = T_MAP, .sub = log_},
    LATER("seccomp"),
    LATER("capabilities"),
    LATER("require-mount"),
    /* lithos', later */
    LATER("config-file"),
    LATER("log-file"),
    LATER("log-level"),
    LATER("additional-hosts"),
    LATER("used-images-list"),
    LATER("auto-clean"),
    LATER("resolv-conf"),
    LATER("hosts-file"),
    LATER("bridged-network"),
    LATER("secrets-private-key"),
    LATER("secrets-namespaces"),
    {.key = NULL},
};

/* --- processes: one entry -------------------------------------------------- */

const struct field schema_process[] = {
    {.key = "kind", .type = T_ENUM, .words = process_kinds},
    {.key = "image", .type = T_IMAGE, .flags = F_REQUIRED, .max = 16},
    {.key = "config", .type = T_PATH, .flags = F_REQUIRED, .max = NAME_IN_IMAGE_BYTES},
    NUMBER("instances", 0, 1000),
    {.key = "variables", .type = T_DICT, .keys = KEY_VARIABLE, .sub = &text},
    LATER("ip-addresses"),
    LATER("extra-secrets-namespaces"),
    {.key = NULL},
};

/* --- container ------------------------------------------------------------- */

static const struct field tcp_port[] = {LATER("activation"), {.key = NULL}};
static const struct field nothing[] = {{.key = NULL}};

static const struct field variable_tags[] = {
    {.key = "TcpPort", .type = T_EMPTY, .sub = tcp_port},
    {.key = "Name", .type = T_EMPTY, .sub = nothing},
    {.key = "DottedName", .type = T_EMPTY, .sub = nothing},
    {.key = "Choice", .type = T_LIST, .min = 1, .sub = &word},
    {.key = NULL},
};

static const struct field tmpfs[] = {
    BYTES("size", 4096),
    {.key = "mode", .type = T_MODE, .max = 07777},
    {.key = NULL},
};

static const struct field volume_tags[] = {
    {.key = "Readonly", .type = T_PATH, .max = PATH_BYTES},
    {.key = "Tmpfs", .type = T_MAP, .sub = tmpfs},
    LATER("Persistent"),
    LATER("Statedir"),
    {.key = NULL},
};

static const struct field variable = {.type = T_TAGGED, .sub = variable_tags};
static const struct field volume = {.type = T_TAGGED, .sub = volume_tags};

static const struct field health_http[] = {
    {.key = "port", .type = T_PORT, .flags = F_REQUIRED},
    {.key = "path", .type = T_PATH, .max = 127},
    {.key = NULL},
};

static const struct field health[] = {
    /* ours */
    {.key = "tcp", .type = T_PORT, .flags = F_CHOICE},
    {.key = "http", .type = T_MAP, .flags = F_CHOICE, .sub = health_http},
    TIME("interval", 50, 60000),
    TIME("timeout", 50, 60000),
    LATER("exec"),
    LATER("readiness"),
    LATER("liveness"),
    {.key = NULL},
};

const struct field schema_container[] = {
    {.key = "kind", .type = T_ENUM, .words = kinds},
    {.key = "executable", .type = T_PATH, .flags = F_REQUIRED, .max = PATH_BYTES},
    {.key = "arguments", .type = T_LIST, .sub = &text},
    {.key = "workdir", .type = T_PATH, .max = PATH_BYTES},
    {.key = "environ", .type = T_DICT, .keys = KEY_ENV, .sub = &text},
    ID_NUMBER("user-id"),
    ID_NUMBER("group-id"),
    BYTES("memory-limit", MEMORY_MIN),
    NUMBER("cpu-shares", 2, 262144),
    NUMBER("fileno-limit", 3, 1 << 20),
    SECONDS("restart-timeout"),
    SECONDS("kill-timeout"),
    {.key = "normal-exit-codes", .type = T_LIST, .sub = &exit_code},
    {.key = "variables", .type = T_DICT, .keys = KEY_VARIABLE, .sub = &variable},
    {.key = "volumes", .type = T_DICT, .keys = KEY_PATH, .sub = &volume},
    {.key = "metadata", .type = T_IGNORED},
    /* ours */
    NUMBER("pids-limit", 1, 4194304),
    CPUS("cpu-quota"),
    {.key = "health", .type = T_MAP, .sub = health},
    {.key = "log", .type = T_MAP, .sub = log_},
    LATER("seccomp"),
    LATER("capabilities"),
    LATER("require-mount"),
    /* lithos', later */
    LATER("uid-map"),
    LATER("gid-map"),
    LATER("restart-process-only"),
    LATER("interactive"),
    LATER("stdout-stderr-file"),
    LATER("resolv-conf"),
    LATER("hosts-file"),
    LATER("tcp-ports"),
    LATER("secret-environ"),
    LATER("secret-environ-file"),
    {.key = NULL},
};
